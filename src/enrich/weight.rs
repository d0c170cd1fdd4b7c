//! How many bytes does the state of a session and of a token take?

use super::account::Account;
use super::own_address::own_address;
use super::session::Session;
use super::testing::{event, observation, place};
use super::token::Token;
use crate::model::{Ending, FieldTable, Observation, Tally, Value, core};
use crate::state::{Durable, written};

const T0: i64 = 1_700_000_000_000;
const MINUTE_MS: i64 = 60_000;

fn bytes(state: &impl Durable) -> usize {
    written(&FieldTable::default(), |out| state.write(out)).len()
}

/// The n-th event: all from one place and program, or each from another.
fn seen(n: i64, same: bool, by_token: bool) -> Observation {
    let number = if same { 0 } else { n };
    let text = format!("{number:08}");
    let agent = if same {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/143.0.0.0 Safari/537.36".into()
    } else {
        format!("agent-of-a-rather-long-name-{n}/1.0")
    };
    let app = format!("0oa{}", n % if same { 5 } else { 500 });
    let mut values = vec![
        (core::CLIENT_USER_AGENT, Value::Text(&agent)),
        (core::CLIENT_OS, Value::Text("Windows 11")),
        (core::CLIENT_BROWSER, Value::Text("CHROME")),
        (core::DT_HASH, Value::Text(&text)),
        (core::DEVICE_FINGERPRINT, Value::Text(&text)),
        (core::DEVICE_ID, Value::Text(&text)),
        (core::EVENT_TYPE, Value::Text("user.authentication.sso")),
        (core::TARGET_TYPE, Value::Text("AppInstance")),
        (core::TARGET_ID, Value::Text(&app)),
    ];
    if by_token {
        values.push((core::API_TOKEN_ID, Value::Text("00T1")));
    }
    let address = format!("2001:db8::{number:x}");
    let uuid = format!("dc9fd3c0-598c-11ef-8478-{n:012x}");
    let system = 64_500 + u32::try_from(number).unwrap();
    observation(event(T0 + n * MINUTE_MS, &uuid, &values), Some(place(&address, "PT", system, None)))
}

/// A session after so many events, of which those of the last minutes are not settled yet.
fn session(events: i64, same: bool, unsettled: i64) -> usize {
    let mut session = Session::default();
    for n in 0..events {
        let observation = seen(n, same, false);
        let watermark_ms = T0 + (n - unsettled) * MINUTE_MS;
        session.take("idxone", &observation, own_address(&observation), &Account::default(), watermark_ms);
    }
    bytes(&session)
}

fn token(uses: i64, same: bool) -> usize {
    let mut token = Token::default();
    let values = [
        (core::EVENT_TYPE, Value::Text("system.api_token.create")),
        (core::NETWORK_CONNECTION, Value::Text("ZONE")),
        (core::INCLUDED_ZONES, Value::Text("[nzo1a2b3c4D5e6F7g8h9]")),
    ];
    let made = event(T0 - MINUTE_MS, "made", &values);
    let mut take = |observation: &Observation| {
        token.take(observation, &Account::default(), &mut Tally::default());
    };
    take(&observation(made, Some(place("203.0.113.1", "PT", 64_500, None))));
    (0..uses).for_each(|n| take(&seen(n, same, true)));
    bytes(&token)
}

fn account() -> usize {
    let mut account = Account::default();
    for n in 0..100 {
        account.sessions_over(T0 + n, Ending::Clear, Some("idxone"));
    }
    bytes(&account)
}

#[test]
fn each_takes_no_more_room_than_this() {
    let told = [
        ("a session of ten events, the last five minutes unsettled", session(10, true, 5), 300),
        (
            "a session of a thousand events, each from elsewhere with another browser",
            session(1_000, false, 1_000),
            3_400,
        ),
        ("a token from one place", token(100, true), 200),
        ("a token from a thousand places and programs", token(1_000, false), 2_400),
        ("an account whose sessions were ended all the time", account(), 160),
        ("an account of which nothing is known", bytes(&Account::default()), 4),
    ];
    for (what, bytes, _) in told {
        println!("{what}: {bytes} bytes");
    }
    for (what, bytes, bound) in told {
        assert!(bytes <= bound && bytes * 2 > bound, "{what}: {bytes} bytes, not about {bound}");
    }
}
