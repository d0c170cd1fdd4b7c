//! When is something another alert, and when more of the same?

use super::{NOTHING, at, shown, told};

const THREE: &str = "type: event_count\nrules: [a]\ntimespan: 60s\ncondition: {gte: 3}";

/// Not one alert for every window that satisfies.
#[test]
fn further_windows_update_the_alert_under_its_id() {
    let mut told = told(&[("three", THREE, "60s")]);
    let effects = told.step(&(0..=9).map(|n| at(n * 10, 'a')).collect::<Vec<_>>());
    let seen = shown(&effects);
    let updates = ["+three  @30", "+three  @40", "+three  @50", "+three  @60", "+three  @70"];
    assert_eq!(seen[..6], [&["three  @20"], &updates[..]].concat());
    assert_eq!(seen[6..], ["three  @80", "+three  @90"], "one minute after the first is another");
    let ids: Vec<_> =
        effects.alerts.iter().filter(|alert| alert.window.is_some()).map(|alert| alert.id).collect();
    assert!(ids[1..6].iter().all(|id| *id == ids[0]));
    assert!(ids[6] != ids[0] && ids[7] == ids[6]);
}

/// Not the same alert for everybody.
#[test]
fn another_key_is_another_alert() {
    let by_user = format!("{THREE}\ngroup-by: [actor.alternateId]");
    let mut told = told(&[("three", &by_user, "60s")]);
    let events = [0, 10, 20].map(|second| [at(second, 'a'), at(second + 1, 'a').of("ben@example.com")]);
    assert_eq!(told.says(&events.concat()), ["three ana@example.com @20", "three ben@example.com @21"]);
}

/// Not a second alert for a window before the first: a late event may satisfy one.
#[test]
fn a_window_shortly_before_an_alert_belongs_to_it() {
    let mut told = told(&[("three", THREE, "60s")]);
    assert_eq!(told.says(&[at(0, 'a'), at(30, 'a'), at(55, 'a')]), ["three  @55"]);
    assert_eq!(told.says(&[at(20, 'a')]), NOTHING);
    let effects = told.step(&[at(56, 'a')]);
    assert_eq!(shown(&effects), ["+three  @56"]);
}

/// Not once for each alert, but once for each window: a chain's verdict does not hang on which of
/// several windows was told.
#[test]
fn a_chain_sees_every_window_and_not_only_alerts() {
    let twice = "type: event_count\nrules: [three]\ntimespan: 30s\ncondition: {gte: 2}\ngenerate: true";
    let mut told = told(&[("three", THREE, "60s"), ("twice", twice, "60s")]);
    let said = told.says(&[at(0, 'a'), at(10, 'a'), at(20, 'a'), at(30, 'a')]);
    assert_eq!(said, ["three  @20", "+three  @30", "twice  @30"]);
}
