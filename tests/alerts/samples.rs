//! Which alerts do the tests render?

use std::sync::Arc;

use super::model::{
    Activity, Actor, Alert, Asn, Attack, Confidence, Entity, EntityKind, EventFacts, Evidence, Geo,
    GeoSource, IpFacts, IpRole, Level, ListInfo, Measured, Mode, Place, Position, Role, RoleReason, RuleInfo,
    RuleKind, SessionFacts, Shared, Tactic, Target, TravelFacts, Window,
};

const BROWSER: Role = Role { of: IpRole::UserAgent, reason: RoleReason::Browser };
use uuid::Uuid;

/// 2026-08-13T15:58:20.353Z
pub const T0: i64 = 1_786_636_700_353;

/// A rule with everything filled in.
pub fn rule(name: &str, kind: RuleKind) -> RuleInfo {
    RuleInfo {
        id: "6d1f3f0e-8a55-4a8b-9f4e-0f5f5d6f7a10".to_owned(),
        name: Arc::from(name),
        title: "MFA push bombing".to_owned(),
        description: "Several denied pushes within minutes.".to_owned(),
        level: Level::High,
        status: "stable".to_owned(),
        author: "oktawatch".to_owned(),
        tags: vec!["attack.credential-access".to_owned(), "attack.t1621".to_owned()],
        attacks: vec![Attack {
            tactic: Some(Tactic { uid: "TA0006", name: "Credential Access" }),
            technique: Some("T1621".to_owned()),
        }],
        references: vec!["https://sec.okta.com/articles/mfa-fatigue".to_owned()],
        false_positives: vec!["A user who fights with a new phone.".to_owned()],
        digest: "b5d4045c3f466fa91fe2cc6abe79232a".to_owned(),
        kind,
        mode: Mode::Active,
        generates: true,
        suppress_ms: 600_000,
        update_every_ms: 60_000,
        entity: EntityKind::Actor,
        risk: 73,
        confidence: Confidence::High,
        runbook: "## What it means\nSomeone holds the password.\n\n## What to do\nCall the user.\n"
            .to_owned(),
        message: None,
        evidence_max: 20,
        source: "detections/push-bombing.yml".to_owned(),
        lists: Vec::new(),
    }
}

/// Lisbon, on an access network.
pub fn lisbon() -> Arc<Place> {
    place("203.0.113.7", "PT", "Portugal", "Lisbon", 38.72, -9.13, 64_500, "Example Fibre")
}

/// Berlin, on a hoster that sells anonymity.
pub fn berlin() -> Arc<Place> {
    let mut place = place("198.51.100.23", "DE", "Germany", "Berlin", 52.52, 13.4, 64_501, "Example Hosting");
    let facts = Arc::get_mut(&mut place).unwrap();
    facts.ip.anonymous = true;
    facts.ip.hosting = true;
    place
}

#[allow(clippy::too_many_arguments, reason = "a place has that many parts")]
fn place(
    ip: &str,
    code: &str,
    country: &str,
    city: &str,
    lat: f64,
    lon: f64,
    number: u32,
    org: &str,
) -> Arc<Place> {
    Arc::new(Place {
        geo: Some(Arc::new(Geo {
            country: Some(code.to_owned()),
            country_name: Some(country.to_owned()),
            region: None,
            city: Some(city.to_owned()),
            lat: Some(lat),
            lon: Some(lon),
            accuracy_km: Some(20.0),
            source: GeoSource::Database,
        })),
        asn: Some(Arc::new(Asn { number, org: Some(org.to_owned()) })),
        ip: IpFacts { address: Some(ip.parse().unwrap()), role: BROWSER, ..IpFacts::default() },
    })
}

/// One event of Ana's.
pub fn event(n: i64, event_type: &str, result: &str, place: Arc<Place>) -> Evidence {
    let facts = EventFacts {
        position: Position { topic: Arc::from("okta-events"), partition: 3, offset: 1_000 + n, index: 0 },
        uuid: format!("dc9fd3c0-598c-11ef-8478-{n:012x}").into(),
        event_type: event_type.into(),
        published_ms: T0 + n * 42_000,
        display_message: "User rejected Okta push verify".to_owned(),
        result: result.into(),
        reason: "".into(),
        actor: Actor {
            id: "00u1a2b3c4D5e6F7g8h9".into(),
            kind: "User".into(),
            login: "ana@example.com".into(),
            name: "Ana Example".into(),
            unproven: false,
            known: true,
            ..Actor::default()
        },
        session_id: "idxAbC1d2E3f4G5h6I7j8".into(),
        ip: place.ip.address.map(|ip| ip.to_string()).unwrap_or_default().into(),
        place: Some(place),
        user_agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Chrome/126.0".to_owned(),
        targets: vec![Target {
            id: "00u1a2b3c4D5e6F7g8h9".into(),
            kind: "User".into(),
            alternate_id: "ana@example.com".into(),
            name: "Ana Example".into(),
        }],
        session: Some(SessionFacts {
            id: "idxAbC1d2E3f4G5h6I7j8".into(),
            age_s: n * 42,
            events: n as u64 + 1,
            concurrent: 1,
            ..SessionFacts::default()
        }),
        travel: None,
        token: None,
        admin: None,
        late: false,
        lossy: false,
        org: Some(Arc::from("acme")),
        raw: None,
    };
    let read = [("eventType", event_type), ("outcome.result", result)];
    let read = read.map(|(path, value)| (Arc::from(path), value.into()));
    Evidence { read: read.into(), ..Evidence::from(facts) }
}

/// An alert of these events.
pub fn alert(rule: RuleInfo, evidence: Vec<Evidence>) -> Alert {
    let first = evidence.first().map_or(T0, |event| event.published_ms);
    let last = evidence.last().map_or(T0, |event| event.published_ms);
    let fired_by = evidence.last().map(|event| event.uuid.clone()).unwrap_or_default();
    let count = evidence.len() as u64;
    Alert {
        id: Uuid::from_u128(0x1234_5678_9abc_5def_8123_4567_89ab_cdef),
        activity: Activity::Create,
        rule: Arc::new(rule),
        org: Some(Arc::from("acme")),
        entity: Entity { kind: EntityKind::Actor, value: "ana@example.com".to_owned() },
        group: Vec::new(),
        fired_by,
        fired_at_ms: last,
        made_at_ms: last + 1_500,
        created_at_ms: last + 1_500,
        first_seen_ms: first,
        last_seen_ms: last,
        count,
        measured: Vec::new(),
        window: None,
        sentence: String::new(),
        evidence: evidence.into_iter().map(Shared::new).collect(),
        omitted: 0,
        late_events: 0,
        watermark_ms: None,
        may_be_low: false,
    }
}

/// One event that matched a detection, far from where the user was an hour ago.
pub fn single() -> Alert {
    let mut event = event(0, "user.session.start", "SUCCESS", berlin());
    event.travel = Some(TravelFacts {
        km: 2_291.4,
        kmh: 2_291.4,
        seconds: 3_600,
        from: Some(lisbon()),
        from_uuid: "0b6f9b2e-598c-11ef-8478-2b7584bf8d5a".into(),
        known: false,
    });
    event.raw = Some(Arc::from(
        r#"{"uuid":"dc9fd3c0-598c-11ef-8478-000000000000","actor":{"alternateId":"ana@example.com"}}"#,
    ));
    let mut rule = rule("impossible-travel", RuleKind::Detection);
    rule.title = "Impossible travel".to_owned();
    rule.message = Some(
        "{user} signed in from {city}, {country}, {km} km from {from_city} an hour before ({kmh} km/h)"
            .to_owned(),
    );
    alert(rule, vec![event])
}

/// A session that began at a network of a list; another list is read and holds nothing of it.
pub fn listed() -> Alert {
    let mut event = event(0, "user.session.access_admin_app", "SUCCESS", berlin());
    event.read.push((Arc::from("enriched.asn.number"), "64501".into()));
    event.listed = vec![(Arc::from("enriched.asn.number"), Arc::from("hosting_asns"))];
    let list = |name: &str, digest: &str, entries| {
        Arc::new(ListInfo { name: Arc::from(name), digest: digest.to_owned(), entries })
    };
    let mut rule = rule("hosting-admin-console", RuleKind::Detection);
    rule.title = "Admin Console entered from a hosting provider".to_owned();
    rule.lists =
        vec![list("hosting_asns", "9f86d081884c7d65", 64), list("trusted_admins", "60303ae22b998861", 0)];
    alert(rule, vec![event])
}

/// Five pushes denied, one approved.
pub fn correlation() -> Alert {
    let mut events: Vec<Evidence> =
        (0..5).map(|n| event(n, "user.mfa.okta_verify.deny_push", "FAILURE", lisbon())).collect();
    events.push(event(6, "user.authentication.auth_via_mfa", "SUCCESS", berlin()));
    let mut rule = rule("push-bombing", RuleKind::EventCount);
    rule.message = Some(
        "{count} MFA pushes for {actor.alternateId} in {span} from {countries:country/countries}".to_owned(),
    );
    let mut alert = alert(rule, events);
    alert.group = vec![("actor.alternateId".to_owned(), "ana@example.com".to_owned())];
    for event in &mut alert.evidence {
        event.make_mut().read.push((Arc::from("actor.alternateId"), "ana@example.com".into()));
    }
    alert.measured = vec![Measured { what: "events".to_owned(), observed: 6.0, required: ">= 5".to_owned() }];
    alert.window = Some(Window {
        start_ms: alert.last_seen_ms - 600_000,
        end_ms: alert.last_seen_ms,
        timespan_ms: 600_000,
    });
    alert.watermark_ms = Some(alert.last_seen_ms - 300_000);
    alert
}

/// More of the correlation's alert.
pub fn update() -> Alert {
    let mut alert = correlation();
    alert.activity = Activity::Update;
    alert.made_at_ms += 60_000;
    alert.late_events = 1;
    alert.may_be_low = true;
    alert
}

/// Failed sign-ins of nobody known: what was typed may be a password.
pub fn mistyped_password(typed: &str) -> Alert {
    let mut failed = event(0, "user.session.start", "FAILURE", berlin());
    failed.actor = Actor {
        id: "".into(),
        kind: "User".into(),
        login: typed.into(),
        name: "".into(),
        unproven: true,
        known: false,
        ..Actor::default()
    };
    failed.targets = Vec::new();
    failed.session = None;
    failed.session_id = "".into();
    failed.reason = "VERIFICATION_ERROR".into();
    failed.read.push((Arc::from("actor.alternateId"), typed.into()));
    failed.raw = Some(Arc::from(format!(
        r#"{{"eventType":"user.session.start","actor":{{"id":"unknown","alternateId":"{typed}"}},"debugContext":{{"debugData":{{"requestUri":"/login?u={typed}"}}}}}}"#
    )));
    let mut rule = rule("failed-sign-ins", RuleKind::EventCount);
    rule.title = "Many failed sign-ins".to_owned();
    rule.message = Some("{count} failed sign-ins as {key} ({actor.alternateId}) from {ip}".to_owned());
    let mut alert = alert(rule, vec![failed]);
    alert.entity.value = typed.to_lowercase();
    alert.group = vec![("actor.alternateId".to_owned(), typed.to_lowercase())];
    alert
}

/// A hundred events, of which twenty are shown; the target is of several kinds.
pub fn long() -> Alert {
    let events: Vec<Evidence> = (0..20)
        .map(|n| {
            let mut event = event(
                n,
                "application.user_membership.add",
                "SUCCESS",
                if n % 2 == 0 { lisbon() } else { berlin() },
            );
            event.targets.push(Target {
                id: format!("0oa{n}").into(),
                kind: "AppInstance".into(),
                alternate_id: "Payroll".into(),
                name: format!("Payroll {n}").into(),
            });
            event
        })
        .collect();
    let mut rule = rule("app-spree", RuleKind::ValueCount);
    rule.title = "Many applications in a short time".to_owned();
    rule.level = Level::Critical;
    rule.mode = Mode::Shadow;
    rule.runbook = "https://runbooks.example.com/app-spree".to_owned();
    rule.message =
        Some("{entity} was given {apps} applications ({apps:list}) by {asns:network/networks}".to_owned());
    let mut alert = alert(rule, events);
    alert.count = 100;
    alert.omitted = 80;
    alert.measured = vec![Measured {
        what: "distinct target.displayName".to_owned(),
        observed: 97.0,
        required: ">= 50".to_owned(),
    }];
    alert.window = Some(Window {
        start_ms: alert.last_seen_ms - 3_600_000,
        end_ms: alert.last_seen_ms,
        timespan_ms: 3_600_000,
    });
    alert
}
