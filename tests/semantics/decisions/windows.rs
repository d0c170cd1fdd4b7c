//! Which events does a window hold?

use oktawatch::model::Input;

use super::{NOTHING, START_MS, at, at_ms, told};

const THREE: (&str, &str, &str) = (
    "three",
    "type: event_count\nrules: [a]\ngroup-by: [actor.alternateId]\ntimespan: 60s\ncondition: {gte: 3}",
    "0s",
);

/// Not by arrival: an hour passes on the wall clock between the records.
#[test]
fn a_window_is_measured_by_when_events_were_published() {
    let mut told = told(&[THREE]);
    let mut said = Vec::new();
    for (hour, event) in [at(0, 'a'), at(20, 'a'), at(40, 'a')].into_iter().enumerate() {
        let now_ms = START_MS + (hour as i64 + 1) * 3_600_000;
        said.extend(told.says_to(Input::Tick { now_ms }));
        said.extend(told.says(&[event]));
    }
    assert_eq!(said, ["three ana@example.com @40"]);
}

/// Not by arrival: what comes in one batch need not have happened together.
#[test]
fn events_that_come_together_are_not_together() {
    assert_eq!(told(&[THREE]).says(&[at(0, 'a'), at(50, 'a'), at(100, 'a')]), NOTHING);
}

/// Not tumbling: a minute by the clock would hold two of them, and the next minute one.
#[test]
fn a_window_slides_with_every_event() {
    let said = told(&[THREE]).says(&[at(40, 'a'), at(50, 'a'), at(70, 'a')]);
    assert_eq!(said, ["three ana@example.com @70"]);
}

/// Not with its start: an event one whole timespan before the last is outside.
#[test]
fn a_window_starts_after_the_instant_one_timespan_before_its_last_event() {
    assert_eq!(told(&[THREE]).says(&[at(0, 'a'), at(30, 'a'), at(60, 'a')]), NOTHING);
    let said = told(&[THREE]).says(&[at_ms(1, 'a'), at(30, 'a'), at(60, 'a')]);
    assert_eq!(said, ["three ana@example.com @60"]);
}

/// Not without its end, and not only what came before: those at one millisecond see each other.
#[test]
fn of_events_at_one_millisecond_the_last_by_uuid_sees_all() {
    for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1], [3, 2, 1]] {
        let events = order.map(|number| at(10, 'a').number(number));
        let effects = told(&[THREE]).step(&events);
        let of_correlations = effects.alerts.iter().filter(|alert| alert.window.is_some());
        let by: Vec<&str> = of_correlations.map(|alert| alert.fired_by.as_str()).collect();
        assert_eq!(by, ["00000000-0000-0000-0000-000000000003"], "{order:?}");
    }
}

/// Not the same: a run in order needs a later millisecond for each step.
#[test]
fn ordered_rules_compare_milliseconds_strictly() {
    let mut ordered = ("ordered", "type: temporal_ordered\nrules: [a, b]\ntimespan: 60s", "0s");
    assert_eq!(told(&[ordered]).says(&[at(10, 'a').number(1), at(10, 'b').number(2)]), NOTHING);
    assert_eq!(told(&[ordered]).says(&[at(10, 'a'), at_ms(10_001, 'b')]), ["ordered  @10.001"]);
    ordered.1 = "type: sequence\nsteps: [{rule: a}, {rule: b}]\nwithin: 60s";
    assert_eq!(told(&[ordered]).says(&[at(10, 'a').number(1), at(10, 'b').number(2)]), NOTHING);
    assert_eq!(told(&[ordered]).says(&[at(10, 'a'), at_ms(10_001, 'b')]), ["ordered  @10.001"]);
}

/// Not two: an event that is of both rules is one step of a run, whatever the rules say.
#[test]
fn one_event_is_one_step() {
    for lines in [
        "type: temporal_ordered\nrules: [a, ab]\ntimespan: 60s",
        "type: sequence\nsteps: [{rule: a}, {rule: ab}]\nwithin: 60s",
    ] {
        let both = [("both", lines, "0s")];
        assert_eq!(told(&both).says(&[at(10, 'a')]), NOTHING);
        assert_eq!(told(&both).says(&[at(10, 'a'), at(20, 'a')]), ["both  @20"]);
    }
    let together = [("both", "type: temporal\nrules: [a, ab]\ntimespan: 60s", "0s")];
    assert_eq!(told(&together).says(&[at(10, 'a')]), ["both  @10"], "they only have to occur");
}
