//! What does opening an application leave in the log?

use serde_json::json;

use super::Log;
use super::life::Life;
use super::places::{SERVERS, address};
use crate::demo::company::Vantage;
use crate::demo::day::Session;
use crate::demo::event::{APP_BACKEND, Draft};
use crate::demo::random::Random;

/// How an application signs its users in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A form that the browser posts.
    Saml,
    /// A code that the application's server redeems.
    Server,
    /// A code that the page itself redeems.
    Page,
    /// A stored password.
    Password,
}

/// Names of the applications.
pub(super) const APPS: [&str; 16] = [
    "Mail",
    "Chat",
    "Calendar",
    "Wiki",
    "CRM",
    "Intranet",
    "Code",
    "Tickets",
    "HR",
    "Expenses",
    "Travel",
    "Design",
    "Video",
    "Payroll",
    "Analytics",
    "Supplier",
];

/// Id and name.
pub(super) fn app(number: usize) -> (String, &'static str) {
    let number = number % APPS.len();
    (format!("0oaweekApp{number:010}"), APPS[number])
}

fn mode(number: usize) -> Mode {
    match number % APPS.len() {
        5 | 7 | 10 | 14 => Mode::Server,
        6 | 12 => Mode::Page,
        15 => Mode::Password,
        _ => Mode::Saml,
    }
}

/// Somebody opens an application in the browser.
pub(super) fn opens(
    life: &mut Life<'_>,
    session: &Session,
    at_ms: i64,
    from: &Vantage,
    number: usize,
    log: &mut Log,
) {
    let (id, name) = app(number);
    if life.random.percent(30) {
        let evaluate = ("policy.evaluate_sign_on", "Evaluation of sign-on policy", "/idp/idx/identify");
        let draft = life.does(session, at_ms - 300, from, evaluate);
        log.add(draft.outcome("ALLOW", Some("Sign-on policy evaluation resulted in ALLOW")).target(
            "AppInstance",
            &id,
            name,
            name,
        ));
    }
    match mode(number) {
        Mode::Saml => {
            let draft = session.opens_app(&mut life.random, &life.who.person, at_ms, from, (&id, name));
            log.add(draft);
        }
        Mode::Password => {
            let draft = session.opens_app(&mut life.random, &life.who.person, at_ms, from, (&id, name));
            log.add(
                draft
                    .with("debugContext.debugData.signOnMode", "Secure Web Authentication")
                    .with("debugContext.debugData.initiationType", "IDP_INITIATED"),
            );
        }
        Mode::Server => redeems(life, session, at_ms, (from, &address(&SERVERS, number * 4)), number, log),
        Mode::Page => redeems(life, session, at_ms, (from, from), number, log),
    }
}

/// A code from the browser at the first address, and its tokens for whoever redeems it at the second.
fn redeems(
    life: &mut Life<'_>,
    session: &Session,
    at_ms: i64,
    (browser, redeemer): (&Vantage, &Vantage),
    number: usize,
    log: &mut Log,
) {
    let (id, name) = app(number);
    let person = &life.who.person;
    let own = mode(number) == Mode::Page;
    let agent = if own { session.agent } else { APP_BACKEND };
    let code =
        Draft::new(&mut life.random, at_ms, "app.oauth2.authorize.code", "OIDC authorization code request")
            .from(browser, session.agent, "/oauth2/v1/authorize")
            .session(&session.id, &session.device_token);
    log.add(granter(code, &id, name).target("User", &person.id, "unknown", "unknown"));
    let known = life.random.percent(50);
    let transaction = life.random.hex(20);
    let sso =
        Draft::new(&mut life.random, at_ms + 350, "user.authentication.sso", "User single sign on to app")
            .by(person)
            .from(redeemer, agent, "/oauth2/v1/token")
            .with("client.id", id.as_str())
            .with("transaction.id", transaction.as_str())
            .with("debugContext.debugData.initiationType", "NA")
            .with("debugContext.debugData.signOnMode", "OpenID Connect")
            .target("AppInstance", &id, name, name);
    log.add(if known { sso.with(SESSION, session.id.as_str()) } else { sso });
    for kind in ["id_token", "access_token"] {
        let event_type = format!("app.oauth2.token.grant.{kind}");
        let grant = Draft::new(&mut life.random, at_ms + 352, &event_type, "OIDC token is granted")
            .from(redeemer, agent, "/oauth2/v1/token")
            .with("transaction.id", transaction.as_str())
            .with("debugContext.debugData.grantType", "authorization_code")
            .with("debugContext.debugData.clientAuthType", if own { "none" } else { "client_secret_basic" });
        let granted = json!([
            {"id": person.id, "type": "User", "alternateId": null, "displayName": null, "detailEntry": null},
            {"id": life.random.hex(20), "type": kind, "alternateId": null, "displayName": null,
             "detailEntry": {"expires": "3600", "subject": person.id, "hash": life.random.hex(22)}},
        ]);
        log.add(granter(grant, &id, name).with("target", granted));
    }
}

const SESSION: &str = "authenticationContext.externalSessionId";

/// Done by an OAuth client.
fn granter(draft: Draft, id: &str, name: &str) -> Draft {
    let actor = json!({"id": id, "type": "PublicClientApp", "alternateId": id, "displayName": name, "detailEntry": null});
    draft.with("actor", actor).with("client.id", id)
}

/// A service fetches a token in its own name, once an hour, from its fixed address.
pub(super) fn machine_tokens(random: &mut Random, midnight_ms: i64, log: &mut Log) {
    for service in 0..3_usize {
        let (id, name) = (format!("0oaweekService{service:06}"), format!("Service {service}"));
        for hour in 0..24 {
            let at_ms = midnight_ms + hour * crate::demo::day::HOUR + random.between(0, 90_000);
            let event_type = "app.oauth2.as.token.grant.access_token";
            let draft = Draft::new(random, at_ms, event_type, "OAuth2 access token is granted")
                .from(&address(&SERVERS, 100 + service), APP_BACKEND, "/oauth2/default/v1/token")
                .with("debugContext.debugData.grantType", "client_credentials")
                .with("debugContext.debugData.clientAuthType", "private_key_jwt");
            let token = json!([{"id": random.hex(20), "type": "access_token", "alternateId": null,
                "displayName": null, "detailEntry": {"expires": "3600", "subject": id}}]);
            log.add(granter(draft, &id, &name).with("target", token));
        }
    }
}
