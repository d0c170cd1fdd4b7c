//! Whose window does an event belong to, and how often does it count there?

use oktawatch::model::Input;
use serde_json::Value;

use super::{NOTHING, at, shown, told, topic};

const TWO: &str = "type: event_count\nrules: [a, ab]\ntimespan: 60s\ncondition: {gte: 2}";

/// Not the first element, and not the list as a whole.
#[test]
fn each_element_of_an_array_is_a_key() {
    let by_target = format!("{TWO}\ngroup-by: [target.id]");
    let mut told = told(&[("two", &by_target, "0s")]);
    let said = told.says(&[at(0, 'a').to(&["x", "y"]), at(10, 'a').to(&["z", "y"]), at(20, 'a').to(&["z"])]);
    assert_eq!(said, ["two y @10", "two z @20"]);
}

/// Not twice for an element that stands there twice.
#[test]
fn the_same_element_twice_counts_once() {
    let by_target = format!("{TWO}\ngroup-by: [target.id]");
    let mut told = told(&[("two", &by_target, "0s")]);
    assert_eq!(told.says(&[at(0, 'a').to(&["x", "X", "x"])]), NOTHING);
}

/// Not a key of its own: those that lack the field have nothing in common.
#[test]
fn events_without_the_key_are_left_out_and_counted() {
    let by_user = format!("{TWO}\ngroup-by: [actor.alternateId]");
    for absent in [Value::Null, "".into(), "unknown".into(), "-".into(), "null".into()] {
        let mut told = told(&[("two", &by_user, "0s")]);
        let events = [0, 10, 20].map(|second| at(second, 'a').of(absent.clone()));
        let effects = told.step(&events);
        assert!(shown(&effects).is_empty(), "{absent}");
        assert_eq!(told.count("two", &effects.tally.ungrouped), 6, "three of each rule");
    }
}

/// Not one value more: what an event does not say is no value.
#[test]
fn a_missing_field_is_no_value() {
    let values =
        "type: value_count\nrules: [a]\ntimespan: 60s\ncondition: {field: actor.alternateId, gte: 2}";
    let mut told = told(&[("values", values, "0s")]);
    let ben = at(20, 'a').of("ben@example.com");
    assert_eq!(told.says(&[at(0, 'a').of(Value::Null), at(10, 'a'), ben]), ["values  @20"]);
}

/// Not once for each rule that matches it.
#[test]
fn an_event_that_two_rules_match_counts_once() {
    let mut told = told(&[("two", TWO, "0s")]);
    assert_eq!(told.says(&[at(0, 'a')]), NOTHING);
    assert_eq!(told.says(&[at(10, 'b')]), ["two  @10"]);
}

/// Not once for each delivery, by whatever way it comes again, and however late.
#[test]
fn an_event_delivered_twice_counts_once() {
    let mut told = told(&[("two", TWO, "0s")]);
    let again = told.record(1, &at(0, 'a'));
    assert_eq!(told.says(&[at(0, 'a'), at(0, 'a')]), NOTHING);
    assert_eq!(told.says_to(again), NOTHING);
    told.says_to(Input::Idle { topic: topic(), partition: 1 });
    told.says(&[at(3_600, 'c')]);
    let effects = told.step(&[at(0, 'a')]);
    assert_eq!((effects.tally.duplicates, effects.alerts.len()), (1, 0), "nor is it matched alone again");
}

/// Not cut by upper and lower case.
#[test]
fn case_does_not_part_keys() {
    let by_user = format!("{TWO}\ngroup-by: [actor.alternateId]");
    let mut told = told(&[("two", &by_user, "0s")]);
    let said = told.says(&[at(0, 'a').of("Ana@Example.com"), at(10, 'a')]);
    assert_eq!(said.len(), 1);
}
