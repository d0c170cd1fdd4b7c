//! What do the events look like that the benches send?
//!
//! The sample company's day, told of many companies at once: every copy has its own users, sessions
//! and addresses, so that state is spread as it is in a real tenant and each story happens to
//! somebody: of sixty events, one leads to an alert. Or ordinary weeks of a company of 400 in which nobody means
//! any harm, which is what real streams consist of. Events are filled to the size that Okta's have, with the
//! fields that fill Okta's.

use std::net::Ipv4Addr;
use std::sync::Arc;

use oktawatch::demo;
use oktawatch::model::{FieldTable, RawRecord};
use oktawatch::source::{Options, Reader};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

/// Midnight of the day that is told.
const MIDNIGHT_MS: i64 = 1_790_000_000_000;
/// The Monday on which ordinary weeks begin.
const MONDAY_MS: i64 = 1_789_948_800_000;
const EMPLOYEES: usize = 400;
/// A week has more events than seven times this.
const LEAST_A_DAY: usize = 15_000;
/// An event has so many bytes, and up to as many more as `SPREAD`.
const LEAST_BYTES: usize = 2_500;
const SPREAD: usize = 500;

/// The day's events without their envelopes, in order.
pub struct Day(Vec<Value>);

impl Day {
    /// The same each time.
    pub fn new() -> Self {
        let table = Arc::new(FieldTable::default());
        let reader = Reader::new(table, Options { keep_raw: true, ..Options::default() });
        let records = demo::day(1, MIDNIGHT_MS).into_iter();
        let events = records.flat_map(|sample| {
            reader.read(&RawRecord { payload: sample.payload, ..RawRecord::default() }).events
        });
        Self(events.map(|event| serde_json::from_str(event.raw.as_deref().unwrap()).unwrap()).collect())
    }

    /// So many events in the order of their time, as the bytes of records.
    pub fn events(&self, number: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
        let copies = number.div_ceil(self.0.len());
        self.0
            .iter()
            .flat_map(move |event| (0..copies).map(move |copy| (event, copy)))
            .take(number)
            .enumerate()
            .map(|(place, (event, copy))| bytes(event.clone(), place, copy))
    }

    /// The event at a place as it happens to a user of its own, at an instant.
    pub fn event_at(&self, place: usize, published: &str) -> Vec<u8> {
        let mut event = self.0[place % self.0.len()].clone();
        event["published"] = published.into();
        bytes(event, place, place)
    }
}

/// Somebody who is seen this once creates an API token.
pub fn token_created(number: usize, uuid: &str, published: &str) -> Vec<u8> {
    let address = address("198.51.100.7", number);
    let mut event = json!({
        "uuid": uuid, "published": published, "eventType": "system.api_token.create", "version": "0",
        "severity": "INFO", "displayMessage": "Create API token",
        "actor": {"id": format!("00ubench{number:012}"), "type": "User", "detailEntry": null,
            "alternateId": format!("bench{number}@example.com"), "displayName": "Somebody New"},
        "client": {"ipAddress": address, "zone": "null", "device": "Computer",
            "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11; Linux x86_64)", "os": "Linux", "browser": "FIREFOX"}},
        "authenticationContext": {"externalSessionId": format!("idxbench{number:012}"), "authenticationStep": 0},
        "outcome": {"result": "SUCCESS", "reason": null},
        "request": {"ipChain": [{"ip": address, "version": "V4", "source": null}]},
        "target": [{"id": format!("00Tbench{number:012}"), "type": "Token", "alternateId": "unknown",
            "displayName": "inventory sync", "detailEntry": null}],
        "debugContext": {"debugData": {"requestUri": "/api/internal/tokens"}},
    });
    fill(&mut event, number);
    event.to_string().into_bytes()
}

fn bytes(mut event: Value, place: usize, copy: usize) -> Vec<u8> {
    let hash = [place, 0].map(|salt| draw("uuid", place.wrapping_add(salt << 40)));
    event["uuid"] = uuid::Uuid::from_u64_pair(hash[0], place as u64).to_string().into();
    rewrite(&mut event, copy);
    fill(&mut event, place);
    event.to_string().into_bytes()
}

/// So many events of ordinary weeks, in the order of their time.
pub fn ordinary(number: usize) -> impl Iterator<Item = Vec<u8>> {
    let days = number.div_ceil(LEAST_A_DAY).next_multiple_of(7);
    let weeks = demo::Week { employees: EMPLOYEES, days, roaming: false };
    let samples = demo::week(1, MONDAY_MS, &weeks);
    assert!(samples.len() >= number, "{} events in {days} days", samples.len());
    samples.into_iter().take(number).enumerate().map(|(place, sample)| {
        let mut event = serde_json::from_slice(&sample.payload).unwrap();
        fill(&mut event, place);
        Value::to_string(&event).into_bytes()
    })
}

/// Makes the people, sessions and addresses of an event those of one copy.
fn rewrite(event: &mut Value, copy: usize) {
    person(&mut event["actor"], copy);
    for target in event["target"].as_array_mut().into_iter().flatten() {
        person(target, copy);
    }
    for path in ["/authenticationContext/externalSessionId", "/authenticationContext/rootSessionId"] {
        own(event.pointer_mut(path), |text| (text != "unknown").then(|| format!("{text}{copy}")));
    }
    own(event.pointer_mut("/debugContext/debugData/dtHash"), |text| {
        Some(format!("{:016x}{}", draw(text, copy), text.get(16..).unwrap_or_default()))
    });
    own(event.pointer_mut("/client/ipAddress"), |ip| Some(address(ip, copy)));
    for hop in event.pointer_mut("/request/ipChain").and_then(Value::as_array_mut).into_iter().flatten() {
        own(hop.get_mut("ip"), |ip| Some(address(ip, copy)));
    }
}

fn person(who: &mut Value, copy: usize) {
    if who["type"] == "User" {
        own(who.get_mut("id"), |id| Some(format!("{id}{copy}")));
        own(who.get_mut("alternateId"), |login| Some(login.replacen('@', &format!(".{copy}@"), 1)));
    }
}

fn own(text: Option<&mut Value>, change: impl Fn(&str) -> Option<String>) {
    if let Some(text) = text
        && let Some(changed) = text.as_str().and_then(change)
    {
        *text = changed.into();
    }
}

/// An address of the ordinary Internet; the same for the same address of the same copy.
fn address(text: &str, copy: usize) -> String {
    let drawn = draw(text, copy) as u32;
    Ipv4Addr::from((drawn & 0x7fff_ffff) | 0x0100_0000).to_string()
}

/// Adds what Okta's events have and the sample's lack, up to the size of Okta's.
fn fill(event: &mut Value, place: usize) {
    let wanted = LEAST_BYTES + draw("size", place) as usize % SPREAD;
    let hex = |what: &str, words: usize| -> String {
        (0..words).map(|word| format!("{:016x}", draw(what, place * 64 + word))).collect()
    };
    let more = [
        ("authnRequestId", hex("authn", 2)),
        ("deviceFingerprint", hex("fingerprint", 2)),
        ("traceId", hex("trace", 2)),
        ("oktaUserAgentExtended", "okta-auth-js/7.8.1 okta-signin-widget-7.24.2".to_owned()),
        ("audience", "https://acme.example.com/saml2/service-provider/spring".to_owned()),
        ("targetEventHookIds", format!("who{},who{}", hex("hook", 1), hex("hooks", 1))),
        ("origin", "https://acme.okta.com".to_owned()),
        ("promptingPolicyTypes", "OKTA_SIGN_ON,APP_SIGN_ON".to_owned()),
        ("grantedScopes", "openid, profile, email, groups, offline_access".to_owned()),
        ("redirectUri", "https://acme.example.com/login/callback?tenant=acme&client=web".to_owned()),
    ];
    let mut len = event.to_string().len();
    for (name, value) in more {
        if len + value.len() < wanted {
            // With its quotes, the colon and the comma.
            len += name.len() + value.len() + 6;
            event["debugContext"]["debugData"][name] = value.into();
        }
    }
    let missing = wanted.saturating_sub(len + 16);
    let mut state = hex("state", missing.div_ceil(16));
    state.truncate(missing);
    event["debugContext"]["debugData"]["state"] = state.into();
}

fn draw(text: &str, number: usize) -> u64 {
    xxh3_64(text.as_bytes())
        .wrapping_add(number as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
        .rotate_left(31)
}
