//! Which three incidents are woven into the day?
//!
//! 1. Support: a support vendor's account enters the tenant, the system resets an administrator,
//!    and the intruder enrols a factor and hands out a role.
//! 2. Spray: one password over many users, one hit, pushes until the user gives in.
//! 3. Cookie: an administrator's session is replayed from the other side of the world.

use super::company::{OFFICE, Person, SPRAYER, SUPPORT, THIEF};
use super::day::{HOUR, MINUTE, Session, sign_in};
use super::event::{CHROME_MAC, Draft, EDGE_WINDOWS, FIREFOX_LINUX, VERIFY_PHONE};
use super::random::Random;
use crate::demo::company::MOBILE;

/// Adds the three incidents.
pub(super) fn weave(random: &mut Random, start_ms: i64, people: &[Person], drafts: &mut Vec<Draft>) {
    let (Some(admin), Some(victim)) = (people.get(3), people.get(14)) else { return };
    support(random, start_ms + 10 * HOUR, admin, victim, drafts);
    if let Some(user) = people.get(19) {
        spray(random, start_ms + 13 * HOUR, people, user, drafts);
    }
    if let Some(second) = people.get(8) {
        cookie(random, start_ms + 15 * HOUR, second, drafts);
    }
}

const ADMIN_CONSOLE: (&str, &str) = ("0oademoAdmin0000001", "Okta Admin Console");

fn support(random: &mut Random, at_ms: i64, admin: &Person, victim: &Person, drafts: &mut Vec<Draft>) {
    let desk = Session::new(random, EDGE_WINDOWS);
    let grant =
        ("user.session.impersonation.grant", "Grant Okta support access", "/api/internal/support/grant");
    drafts.push(desk.does(random, admin, at_ms, &OFFICE, grant));
    let agent = Person {
        id: "00udemoSupport00001".to_owned(),
        login: "agent77@support.example.net".to_owned(),
        name: "Support Agent".to_owned(),
        home: SUPPORT,
        mac: false,
    };
    let remote = Session::new(random, FIREFOX_LINUX);
    let initiate =
        ("user.session.impersonation.initiate", "Initiate impersonation session", "/admin/impersonate");
    drafts.push(remote.does(random, &agent, at_ms + 6 * MINUTE, &SUPPORT, initiate));
    for (offset, event_type, message) in [
        (9 * MINUTE, "user.account.reset_password", "Fired when the user's Okta password is reset"),
        (10 * MINUTE, "user.mfa.factor.reset_all", "Reset all factors for user"),
    ] {
        drafts.push(
            Draft::new(random, at_ms + offset, event_type, message)
                .with("transaction.id", "unknown")
                .upon(victim),
        );
    }
    let stolen = Session::new(random, FIREFOX_LINUX);
    let start = ("user.session.start", "User login to Okta", "/idp/idx/challenge/answer");
    drafts.push(risky(stolen.does(random, victim, at_ms + 14 * MINUTE, &SPRAYER, start)));
    let enrol = ("user.mfa.factor.activate", "Activate factor for user", "/idp/idx/credential/enroll");
    drafts.push(
        risky(stolen.does(random, victim, at_ms + 16 * MINUTE, &SPRAYER, enrol))
            .upon(victim)
            .with("debugContext.debugData.factor", "OKTA_VERIFY_PUSH"),
    );
    let enter = ("user.session.access_admin_app", "User accessing Okta admin app", "/admin/sso/request");
    drafts.push(risky(stolen.does(random, victim, at_ms + 18 * MINUTE, &SPRAYER, enter)).target(
        "AppInstance",
        ADMIN_CONSOLE.0,
        ADMIN_CONSOLE.1,
        ADMIN_CONSOLE.1,
    ));
    let role = ("user.account.privilege.grant", "Grant user privilege", "/api/v1/users/roles");
    drafts.push(
        risky(stolen.does(random, victim, at_ms + 21 * MINUTE, &SPRAYER, role))
            .with("debugContext.debugData.privilegeGranted", "Super administrator")
            .upon(&agent),
    );
}

fn spray(random: &mut Random, at_ms: i64, people: &[Person], hit: &Person, drafts: &mut Vec<Draft>) {
    for (number, person) in people.iter().enumerate() {
        let offset = i64::try_from(number).unwrap_or_default() * 9_000 + random.between(0, 4_000);
        drafts.push(
            Draft::new(random, at_ms + offset, "user.session.start", "User login to Okta")
                .by(person)
                .from(&SPRAYER, FIREFOX_LINUX, "/api/v1/authn")
                .outcome("FAILURE", Some("INVALID_CREDENTIALS")),
        );
    }
    let session = Session::new(random, FIREFOX_LINUX);
    let begin = at_ms + 20 * MINUTE;
    for push in 0..6 {
        let at_ms = begin + push * 45_000;
        let evaluate = ("policy.evaluate_sign_on", "Evaluation of sign-on policy", "/idp/idx/identify");
        drafts.push(risky(session.does(random, hit, at_ms, &SPRAYER, evaluate)).outcome("CHALLENGE", None));
        let answer = at_ms + 12_000;
        let denied = push < 5;
        drafts.push(if denied {
            denies(random, hit, &session, answer)
        } else {
            super::day::approves(random, hit, &session, answer)
        });
    }
    let start = ("user.session.start", "User login to Okta", "/idp/idx/challenge/poll");
    drafts.push(risky(session.does(random, hit, begin + 6 * 45_000, &SPRAYER, start)));
    for app in 0..6 {
        let at_ms = begin + 6 * 45_000 + i64::try_from(app).unwrap_or_default() * 20_000 + MINUTE;
        drafts.push(session.opens(random, hit, at_ms, &SPRAYER, app));
    }
}

fn denies(random: &mut Random, person: &Person, session: &Session, at_ms: i64) -> Draft {
    Draft::new(random, at_ms, "user.mfa.okta_verify.deny_push", "User rejected Okta push verify")
        .by(person)
        .from(&MOBILE, VERIFY_PHONE, "/idp/authenticators/transactions/verify")
        .session(&session.id, &session.device_token)
        .with("debugContext.debugData.factor", "OKTA_VERIFY_PUSH")
        .outcome("FAILURE", Some("User rejected Okta push verify"))
        .upon(person)
}

fn cookie(random: &mut Random, at_ms: i64, admin: &Person, drafts: &mut Vec<Draft>) {
    let session = Session::new(random, CHROME_MAC);
    sign_in(random, admin, &session, at_ms, &OFFICE, drafts);
    let enter = ("user.session.access_admin_app", "User accessing Okta admin app", "/admin/sso/request");
    drafts.push(session.does(random, admin, at_ms + 2 * MINUTE, &OFFICE, enter).target(
        "AppInstance",
        ADMIN_CONSOLE.0,
        ADMIN_CONSOLE.1,
        ADMIN_CONSOLE.1,
    ));
    let stolen =
        Session { agent: FIREFOX_LINUX, id: session.id.clone(), device_token: session.device_token.clone() };
    let again = at_ms + 31 * MINUTE;
    drafts.push(risky(stolen.does(random, admin, again, &THIEF, enter)).target(
        "AppInstance",
        ADMIN_CONSOLE.0,
        ADMIN_CONSOLE.1,
        ADMIN_CONSOLE.1,
    ));
    let token = ("system.api_token.create", "Create API token", "/api/internal/tokens");
    drafts.push(risky(stolen.does(random, admin, again + 4 * MINUTE, &THIEF, token)).target(
        "Token",
        "00TdemoStolen000001",
        "unknown",
        "backup",
    ));
    let provider = ("system.idp.lifecycle.create", "Create Identity Provider", "/api/v1/idps");
    drafts.push(risky(stolen.does(random, admin, again + 7 * MINUTE, &THIEF, provider)).target(
        "AppInstance",
        "0oademoIdp000000001",
        "unknown",
        "Partner Login",
    ));
    let stream = (
        "system.log_stream.lifecycle.deactivate",
        "Deactivate log stream",
        "/api/v1/logStreams/lifecycle/deactivate",
    );
    drafts.push(risky(stolen.does(random, admin, again + 11 * MINUTE, &THIEF, stream)).target(
        "LogStream",
        "0oademoStream000001",
        "unknown",
        "SIEM",
    ));
}

/// As Okta sees it from a new device in a new place.
fn risky(draft: Draft) -> Draft {
    draft
        .with("debugContext.debugData.risk", "{reasons=Anomalous Location, Anomalous Device, level=HIGH}")
        .with("debugContext.debugData.behaviors",
            "{New Geo-Location=POSITIVE, New Device=POSITIVE, New IP=POSITIVE, New State=POSITIVE, New Country=POSITIVE, Velocity=POSITIVE, New City=POSITIVE}")
        .with("debugContext.debugData.logOnlySecurityData",
            "{\"risk\":{\"reasons\":\"Anomalous Location, Anomalous Device\",\"level\":\"HIGH\"},\"behaviors\":{\"New Geo-Location\":\"POSITIVE\",\"New Device\":\"POSITIVE\"}}")
}
