//! What does a test event say where the test says nothing?
//!
//! A whole event as Okta writes it: Ana signs in from Lisbon. What goes with a change follows it,
//! unless the test sets that too: another login has another id, name, session and browser, and the
//! request came from the address that is given. So `actor.alternateId: ben@example.com` is Ben, not
//! Ana under another name.

use serde_json::{Value, json};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::overrides::{self, set};
use crate::error::Failure;

/// When a test's time begins: Monday, 5 January 2026, 10:00 UTC.
pub(super) const START_MS: i64 = 1_767_607_200_000;

/// The login of the template, whose id is fixed.
const ANA: &str = "ana@example.com";

/// The event with these changes, `number` of the test, at an instant of the test's time.
///
/// # Errors
/// A change that does not fit the event.
pub(super) fn event(number: u64, at_ms: i64, changes: &[(String, Value)]) -> Result<Value, Failure> {
    let mut event = template();
    place(&mut event, "uuid", uuid(number).to_string().into());
    place(&mut event, "published", published(at_ms)?.into());
    place(&mut event, "transaction.id", format!("aTest{number:019}").into());
    for (path, value) in changes {
        overrides::apply(&mut event, path, value)?;
    }
    let given = |path: &str| changes.iter().any(|(changed, _)| covers(changed, path));
    for (path, value) in following(&event) {
        if !given(path) {
            place(&mut event, path, value);
        }
    }
    Ok(event)
}

/// What follows from the event's login and address.
fn following(event: &Value) -> Vec<(&'static str, Value)> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let mut following = Vec::new();
    if let Some(login) = text("/actor/alternateId").filter(|login| *login != ANA) {
        let digest = xxh3_64(login.as_bytes());
        following.push(("actor.id", format!("00u{:017}", digest % 10_u64.pow(17)).into()));
        following.push(("actor.displayName", login.split('@').next().unwrap_or(login).into()));
        following.push(("authenticationContext.externalSessionId", format!("idx{digest:022}").into()));
        following.push(("authenticationContext.rootSessionId", format!("idx{digest:022}").into()));
        following.push(("debugContext.debugData.dtHash", format!("{digest:064x}").into()));
        following.push(("debugContext.debugData.deviceFingerprint", format!("{digest:032x}").into()));
    } else if let Some(session) = text("/authenticationContext/externalSessionId") {
        following.push(("authenticationContext.rootSessionId", session.into()));
    }
    if let Some(address) = text("/client/ipAddress") {
        let version = if address.contains(':') { "V6" } else { "V4" };
        following.push(("request.ipChain", json!([{ "ip": address, "version": version }])));
    }
    following
}

/// Whether a change of one path decides what stands at another.
fn covers(changed: &str, path: &str) -> bool {
    let within = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(changed, path) || within(path, changed)
}

fn place(event: &mut Value, path: &str, value: Value) {
    // These paths cross objects of the template only; a test that put something else there meant it.
    let parts: Vec<&str> = path.split('.').collect();
    set(event, &parts, &value).unwrap_or_default();
}

fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(0x7e57_0000_0000_4000_8000_0000_0000_0000 | u128::from(number))
}

fn published(at_ms: i64) -> Result<String, Failure> {
    let ms = START_MS.saturating_add(at_ms);
    let time = jiff::Timestamp::from_millisecond(ms)
        .map_err(|error| Failure::new("a time of the test does not exist").detail(error))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

fn template() -> Value {
    json!({
        "actor": {
            "id": "00uAna00000000000001", "type": "User", "alternateId": ANA,
            "displayName": "Ana Example", "detailEntry": null
        },
        "client": {
            "userAgent": {
                "rawUserAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
                "os": "Mac OS X", "browser": "CHROME"
            },
            "zone": "null", "device": "Computer", "id": null, "ipAddress": "203.0.113.10",
            "geographicalContext": {
                "city": "Lisbon", "state": "Lisbon", "country": "Portugal", "postalCode": "1000-001",
                "geolocation": { "lat": 38.7219, "lon": -9.1398 }
            }
        },
        "device": null,
        "authenticationContext": {
            "authenticationProvider": "OKTA_AUTHENTICATION_PROVIDER", "credentialProvider": null,
            "credentialType": "PASSWORD", "issuer": null, "interface": null, "authenticationStep": 0,
            "externalSessionId": "idxAna000000000000000001", "rootSessionId": "idxAna000000000000000001"
        },
        "displayMessage": "User login to Okta",
        "eventType": "user.session.start",
        "outcome": { "result": "SUCCESS", "reason": null },
        "published": "",
        "securityContext": {
            "asNumber": 64500, "asOrg": "example fibre", "isp": "example fibre",
            "domain": "example.net", "isProxy": false
        },
        "severity": "INFO",
        "debugContext": { "debugData": {
            "requestUri": "/api/v1/authn", "url": "/api/v1/authn?", "threatSuspected": "false",
            "deviceFingerprint": "00000000000000000000000000000a11",
            "dtHash": "0000000000000000000000000000000000000000000000000000000000000a11",
            "risk": "{level=LOW}"
        } },
        "legacyEventType": "core.user_auth.login_success",
        "transaction": { "type": "WEB", "id": "", "detail": {} },
        "uuid": "",
        "version": "0",
        "request": { "ipChain": [] },
        "target": []
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(changes: &[(&str, Value)]) -> Value {
        let changes: Vec<_> =
            changes.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        event(1, 90_000, &changes).unwrap()
    }

    #[test]
    fn time_is_the_test_s_and_every_event_has_an_id_of_its_own() {
        assert_eq!(made(&[])["published"], "2026-01-05T10:01:30.000Z");
        assert_ne!(event(1, 0, &[]).unwrap()["uuid"], event(2, 0, &[]).unwrap()["uuid"]);
    }

    #[test]
    fn another_login_is_another_person() {
        let ben = made(&[("actor.alternateId", json!("ben@example.com"))]);
        let ana = made(&[]);
        for pointer in ["/actor/id", "/actor/displayName", "/authenticationContext/externalSessionId"] {
            assert_ne!(ben.pointer(pointer), ana.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn what_the_test_sets_stays() {
        let ben = made(&[
            ("actor.alternateId", json!("ben@example.com")),
            ("actor.id", json!("00uBen")),
            ("authenticationContext", json!({ "externalSessionId": "unknown" })),
            ("client.ipAddress", json!("2001:db8::1")),
        ]);
        assert_eq!(ben["actor"]["id"], "00uBen");
        assert_eq!(ben["authenticationContext"], json!({ "externalSessionId": "unknown" }));
        assert_eq!(ben["request"]["ipChain"], json!([{ "ip": "2001:db8::1", "version": "V6" }]));
    }
}
