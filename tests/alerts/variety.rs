//! What may an alert hold besides what the samples show?

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::model::{
    Activity, Actor, Alert, Asn, Attack, Confidence, Entity, EntityKind, Evidence, Geo, GeoSource, IpFacts,
    Level, Measured, Mode, Place, RuleInfo, RuleKind, SessionFacts, Tactic, Target, TravelFacts, Window,
};
use super::samples;

/// Any text that a log may hold: nothing, words, other scripts, control characters.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        Just(String::new()),
        Just("null".to_owned()),
        "[a-z]{1,12}",
        "\\PC{0,40}",
        Just("\u{0}\n\t\"\\\u{1b}[31m".to_owned()),
        Just("x".repeat(2_000)),
    ]
    .boxed()
}

fn login() -> BoxedStrategy<String> {
    prop_oneof![
        text(),
        "[a-z]{1,8}@[a-z]{1,8}\\.(com|co\\.uk)",
        Just("ana@host".to_owned()),
        Just("änä@exämple.com".to_owned()),
        Just("a b@example.com".to_owned()),
        Just("Winter2026!".to_owned()),
    ]
    .boxed()
}

fn address() -> BoxedStrategy<String> {
    prop_oneof![
        Just(String::new()),
        Just("not an address".to_owned()),
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
    ]
    .boxed()
}

fn geo() -> BoxedStrategy<Geo> {
    let names = (option::of("[A-Z]{2}"), option::of(text()), option::of(text()), option::of(text()));
    let point = (option::of(-90.0..90.0), option::of(-180.0..180.0), option::of(0.0..1_000.0));
    let source = prop_oneof![Just(GeoSource::Site), Just(GeoSource::Database), Just(GeoSource::Okta)];
    (names, point, source)
        .prop_map(|((country, country_name, region, city), (lat, lon, accuracy_km), source)| Geo {
            country,
            country_name,
            region,
            city,
            lat,
            lon,
            accuracy_km,
            source,
        })
        .boxed()
}

fn place() -> BoxedStrategy<Arc<Place>> {
    let asn = (1_u32.., option::of(text())).prop_map(|(number, org)| Arc::new(Asn { number, org }));
    let facts = (option::of(text()), any::<[bool; 4]>());
    (option::of(geo()), option::of(asn), facts)
        .prop_map(|(geo, asn, (site, flags))| {
            let [private, anonymous, hosting, proxy] = flags;
            let site = site.map(Arc::from);
            let ip =
                IpFacts { address: None, private, site, anonymous, hosting, proxy, ..IpFacts::default() };
            Arc::new(Place { geo: geo.map(Arc::new), asn, ip })
        })
        .boxed()
}

fn actor() -> BoxedStrategy<Actor> {
    let kinds = ["User", "SystemPrincipal", "PublicClientApp", ""];
    (text(), proptest::sample::select(kinds.to_vec()), login(), text(), any::<bool>())
        .prop_map(|(id, kind, login, name, unproven)| Actor {
            unproven: unproven && !login.is_empty(),
            id: if unproven { "".into() } else { id.into() },
            kind: kind.into(),
            login: login.into(),
            name: name.into(),
            known: !unproven,
            ..Actor::default()
        })
        .boxed()
}

fn target() -> BoxedStrategy<Target> {
    let kind = prop_oneof![Just("User".to_owned()), Just("AppInstance".to_owned()), text()];
    (text(), kind, login(), text())
        .prop_map(|(id, kind, alternate_id, name)| Target {
            id: id.into(),
            kind: kind.into(),
            alternate_id: alternate_id.into(),
            name: name.into(),
        })
        .boxed()
}

fn travel() -> BoxedStrategy<TravelFacts> {
    let figure = prop_oneof![0.0..20_000.0, Just(f64::INFINITY), Just(f64::NAN)];
    (figure, 0_i64..100_000, option::of(place()))
        .prop_map(|(km, seconds, from)| TravelFacts {
            km,
            kmh: km / seconds as f64 * 3_600.0,
            seconds,
            from,
            from_uuid: "before".into(),
            known: seconds % 2 == 0,
        })
        .boxed()
}

fn event() -> BoxedStrategy<Evidence> {
    let texts = (text(), text(), text(), text(), option::of(text()));
    let read = vec((text().prop_map(Arc::from), text()), 0..4);
    let facts = (option::of(text()), option::of(travel()), any::<[bool; 2]>());
    let who = (actor(), address(), option::of(place()), vec(target(), 0..5));
    (0_i64..1_000, who, texts, read, facts)
        .prop_map(|(n, who, texts, read, (session, travel, flags))| {
            let mut event = samples::event(n, "user.session.start", "SUCCESS", samples::lisbon());
            let (actor, ip, place, targets) = who;
            event.actor = actor;
            event.ip = ip.into();
            event.place = place;
            event.targets = targets;
            let (kind, result, message, agent, raw) = texts;
            event.event_type = kind.into();
            event.result = result.into();
            event.display_message = message;
            event.user_agent = agent;
            event.raw = raw.map(Arc::from);
            event.read = read.into_iter().map(|(path, value)| (path, value.into())).collect();
            event.session = session.map(|id| SessionFacts { id: id.into(), ..SessionFacts::default() });
            event.session_id = event.session.as_ref().map(|session| session.id.clone()).unwrap_or_default();
            event.travel = travel;
            [event.late, event.lossy] = flags;
            event
        })
        .boxed()
}

fn attack() -> BoxedStrategy<Attack> {
    let tactic = Just(Tactic { uid: "TA0006", name: "Credential Access" });
    let uid = prop_oneof![Just("T1621"), Just("T1556.006"), Just("T9999"), Just("T9999.001")];
    (option::of(tactic), uid)
        .prop_map(|(tactic, uid)| Attack { tactic, technique: Some(uid.to_owned()) })
        .boxed()
}

fn rule() -> BoxedStrategy<RuleInfo> {
    use proptest::sample::select;
    let levels = [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];
    let kinds = [
        RuleKind::Detection,
        RuleKind::EventCount,
        RuleKind::ValueCount,
        RuleKind::Temporal,
        RuleKind::TemporalOrdered,
        RuleKind::NewValue,
        RuleKind::Baseline,
        RuleKind::RiskScore,
    ];
    let sure = [Confidence::Low, Confidence::Medium, Confidence::High];
    let runbook = prop_oneof![text(), Just("https://runbooks.example.com/x".to_owned())];
    let enums = (select(levels.to_vec()), select(kinds.to_vec()), select(sure.to_vec()), any::<bool>());
    let texts = (text(), text(), text(), runbook, option::of(text()));
    (enums, texts, vec(attack(), 0..4), 0_u8..=100, vec(text(), 0..3))
        .prop_map(
            |(
                (level, kind, confidence, shadow),
                (title, description, author, runbook, message),
                attacks,
                risk,
                links,
            )| {
                let mode = if shadow { Mode::Shadow } else { Mode::Active };
                let references = links;
                let known = samples::rule("any-rule", kind);
                RuleInfo {
                    level,
                    confidence,
                    mode,
                    title,
                    description,
                    author,
                    runbook,
                    message,
                    attacks,
                    risk,
                    references,
                    lists: samples::listed().rule.lists.clone(),
                    ..known
                }
            },
        )
        .boxed()
}

/// Any alert.
pub fn alert() -> BoxedStrategy<Alert> {
    let kinds =
        [EntityKind::Actor, EntityKind::TargetUser, EntityKind::Ip, EntityKind::Token, EntityKind::App];
    let entity = (proptest::sample::select(kinds.to_vec()), login());
    let group = vec((text(), login()), 0..3);
    let measured = vec((text(), prop_oneof![0.0..1e6, Just(f64::NAN)]), 0..3);
    let figures = (0_u64..500, 0_u64..5, option::of(0_i64..100_000_000), any::<[bool; 2]>());
    (rule(), vec(event(), 0..6), entity, group, measured, figures)
        .prop_map(
            |(rule, mut events, (kind, value), group, measured, (omitted, late, window, [update, low]))| {
                events.sort_by_key(|event| event.published_ms);
                let mut alert = samples::alert(rule, events);
                alert.activity = if update { Activity::Update } else { Activity::Create };
                alert.entity = Entity { kind, value };
                alert.group = group;
                alert.count += omitted;
                alert.omitted = omitted;
                alert.late_events = late;
                alert.may_be_low = low;
                alert.window = window.map(|timespan_ms| Window {
                    start_ms: alert.last_seen_ms - timespan_ms,
                    end_ms: alert.last_seen_ms,
                    timespan_ms,
                });
                alert.measured = measured
                    .into_iter()
                    .map(|(what, observed)| Measured { what, observed, required: ">= 5".to_owned() })
                    .collect();
                alert.sentence = oktawatch::alert::sentence(&alert);
                alert
            },
        )
        .boxed()
}
