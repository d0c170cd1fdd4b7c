//! When is something decided that only the end of a window can tell?

use oktawatch::model::Input;

use super::{LATENESS, NOTHING, START_MS, at, at_ms, told, topic};

const FEW: (&str, &str, &str) =
    ("few", "type: event_count\nrules: [a]\ntimespan: 60s\ncondition: {lte: 2}", "0s");
const LONE: (&str, &str, &str) = ("lone", "type: absence\ntrigger: a\nabsent: b\nwithin: 60s", "0s");
const NOT: (&str, &str, &str) =
    ("not", "type: temporal\nrules: [a, b]\ntimespan: 60s\ncondition: a and not b", "0s");

/// Not at the first event, when there are few of anything.
#[test]
fn at_most_so_many_is_decided_when_no_more_can_come() {
    let mut told = told(&[FEW]);
    assert_eq!(told.says(&[at(0, 'a'), at(10, 'a')]), NOTHING);
    assert_eq!(told.says(&[at(59 + LATENESS, 'c')]), NOTHING, "one may still come at 59.999");
    assert_eq!(told.says(&[at(60 + LATENESS, 'c')]), ["few  @0"]);
    assert_eq!(told.says(&[at(70 + LATENESS, 'c')]), ["few  @10"]);
}

/// Not by its own window alone: the first two events of a burst are not few.
#[test]
fn a_burst_is_never_at_most_so_many() {
    let mut told = told(&[FEW]);
    told.says(&[at(0, 'a'), at(1, 'a'), at(2, 'a'), at(3, 'a'), at(100, 'a')]);
    assert_eq!(told.complete(1_000), ["few  @100"]);
}

/// Not by all that is less than a timespan away: many around an event are many only in one window.
#[test]
fn many_are_many_only_within_one_window() {
    let mut told = told(&[FEW]);
    told.says(&[at(0, 'a'), at(59, 'a'), at(60, 'a')]);
    assert_eq!(told.complete(1_000), ["few  @0", "few  @59", "few  @60"]);
}

/// Not at the trigger, and not before the partner's last instant has passed.
#[test]
fn an_absence_is_decided_when_the_partner_can_no_longer_come() {
    let mut told = told(&[LONE]);
    assert_eq!(told.says(&[at(0, 'a')]), NOTHING);
    assert_eq!(told.says(&[at(60 + LATENESS, 'c')]), NOTHING, "the partner may still come at 60");
    assert_eq!(told.says(&[at_ms(60_001 + LATENESS * 1_000, 'c')]), ["lone  @0"]);
}

/// Not until the timespan without its end: a partner at the very end is one.
#[test]
fn a_partner_at_the_last_instant_is_there() {
    let mut before = told(&[LONE]);
    before.says(&[at(0, 'a'), at(60, 'b')]);
    assert_eq!(before.complete(1_000), NOTHING);
    let mut after = told(&[LONE]);
    after.says(&[at(0, 'a'), at_ms(60_001, 'b')]);
    assert_eq!(after.complete(1_000), ["lone  @0"]);
}

/// Not when it comes, but when it happened: a partner that is late is still one.
#[test]
fn a_late_partner_is_in_time() {
    let mut told = told(&[LONE]);
    told.says(&[at(0, 'a'), at(60 + LATENESS, 'c')]);
    assert_eq!(told.says(&[at(60, 'b')]), NOTHING);
    assert_eq!(told.complete(1_000), NOTHING);
}

/// Not by what came before it alone: what must not be there may still come after.
#[test]
fn a_not_looks_both_ways() {
    let mut before = told(&[NOT]);
    assert_eq!(before.says(&[at(0, 'b'), at(59, 'a')]), NOTHING);
    assert_eq!(before.complete(1_000), NOTHING);
    let mut after = told(&[NOT]);
    assert_eq!(after.says(&[at(0, 'a'), at(59, 'b')]), NOTHING);
    assert_eq!(after.complete(1_000), NOTHING);
    let mut apart = told(&[NOT]);
    assert_eq!(apart.says(&[at(0, 'b'), at(60, 'a'), at(120, 'b')]), NOTHING);
    assert_eq!(apart.complete(1_000), ["not  @60"]);
}

/// Not by the wall clock: in a recording, the input alone moves time.
#[test]
fn a_recording_decides_nothing_behind_its_end() {
    let mut told = told(&[LONE]);
    told.says(&[at(0, 'a')]);
    assert_eq!(told.says_to(Input::Tick { now_ms: START_MS + 86_400_000 }), NOTHING);
    assert_eq!(told.complete(59), NOTHING);
    assert_eq!(told.complete(60), ["lone  @0"]);
}

/// Not only with the next event, which may never come: while nothing does, the wall clock decides.
#[test]
fn while_every_partition_is_idle_the_wall_clock_decides() {
    let mut told = told(&[LONE]);
    let now_ms = |second: i64| START_MS + second * 1_000;
    told.says_to(Input::Tick { now_ms: now_ms(0) });
    told.says(&[at(0, 'a')]);
    assert_eq!(told.says_to(Input::Tick { now_ms: now_ms(86_400) }), NOTHING, "it is not idle");
    told.says_to(Input::Idle { topic: topic(), partition: 0 });
    assert_eq!(told.says_to(Input::Tick { now_ms: now_ms(60 + LATENESS) }), NOTHING);
    assert_eq!(told.says_to(Input::Tick { now_ms: now_ms(61 + LATENESS) }), ["lone  @0"]);
    let effects = told.step(&[at(62, 'a')]);
    assert_eq!(effects.tally.late, 0, "time went no further than something waited for it");
}

/// Not on what is known so far: a chain above something that waits waits as long.
#[test]
fn a_chain_waits_for_what_it_takes() {
    let above = ("above", "type: temporal_ordered\nrules: [lone, c]\ntimespan: 30s\ngenerate: true", "0s");
    let mut told = told(&[LONE, above]);
    assert_eq!(told.says(&[at(0, 'a'), at(10, 'c')]), NOTHING);
    assert_eq!(told.complete(1_000), ["lone  @0", "above  @10"]);
}
