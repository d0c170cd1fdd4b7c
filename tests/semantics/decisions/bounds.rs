//! What is forgotten where there is too much?

use oktawatch::config::Config;

use super::{NOTHING, Plain, at, shown, told_within};

const BY_USER: &str =
    "type: event_count\nrules: [a]\ngroup-by: [actor.alternateId]\ntimespan: 60s\ncondition: {gte: 3}";
const BY_TARGET: &str =
    "type: event_count\nrules: [a, b]\ngroup-by: [target.id]\ntimespan: 60s\ncondition: {gte: 3}";

fn two_keys() -> Config {
    let mut config = Config::default();
    config.limits.keys_per_rule = 2;
    config
}

/// Not from one pot: a flood of one rule's keys leaves another rule's alone.
#[test]
fn a_flood_of_keys_costs_no_other_rule_anything() {
    let mut told = told_within(&two_keys(), &[("flooded", BY_TARGET, "0s"), ("quiet", BY_USER, "0s")]);
    told.says(&[at(0, 'a'), at(1, 'a')]);
    let flood: Vec<Plain> = ["t1", "t2", "t3", "t4", "t5"]
        .into_iter()
        .zip(2..)
        .map(|(id, second)| at(second, 'b').to(&[id]))
        .collect();
    let effects = told.step(&flood);
    assert_eq!(told.count("flooded", &effects.tally.evicted), 3);
    assert_eq!(told.count("quiet", &effects.tally.evicted), 0);
    assert_eq!(told.says(&[at(20, 'a')]), ["quiet ana@example.com @20"]);
}

/// Not silently: an alert that may have lost events says so, and another key's does not.
#[test]
fn an_alert_whose_counts_may_be_low_says_so() {
    let mut told = told_within(&two_keys(), &[("counted", BY_USER, "0s")]);
    let ben = |second| at(second, 'a').of("ben@example.com");
    // Ana has two events too: what has one would go first.
    let cyd = at(4, 'a').of("cyd@example.com");
    let effects = told.step(&[ben(0), ben(1), ben(2), at(3, 'a'), at(4, 'a').number(99), cyd]);
    assert!(!effects.alerts.iter().any(|alert| alert.may_be_low));
    let effects = told.step(&[ben(5), ben(6), ben(7)]);
    assert_eq!(shown(&effects), ["counted ben@example.com @7"], "the first three are forgotten");
    assert!(effects.alerts.iter().all(|alert| alert.may_be_low || alert.window.is_none()));
}

/// Not by chance: the same events leave the same behind, whatever the batches.
#[test]
fn what_goes_is_always_the_same() {
    let users = ["ana", "ben", "cyd", "dan"];
    let events: Vec<Plain> =
        (0..40).map(|n| at(n, 'a').of(users[(n * n % 7 % 4) as usize]).number(n as u128 + 1)).collect();
    let said = |size: usize| {
        let mut told = told_within(&two_keys(), &[("counted", BY_USER, "0s")]);
        events.chunks(size).flat_map(|chunk| told.says(chunk)).collect::<Vec<_>>()
    };
    let whole = said(events.len());
    assert_ne!(whole, NOTHING);
    assert!([1, 3, 7].into_iter().all(|size| said(size) == whole));
}
