//! What does the order of arrival change?

use std::collections::BTreeSet;

use oktawatch::model::Input;

use super::{NOTHING, Plain, at, told, topic};

const THREE: (&str, &str, &str) =
    ("three", "type: event_count\nrules: [a]\ntimespan: 60s\ncondition: {gte: 3}", "0s");

/// Not forgotten: windows that were judged before a late event came are judged again with it.
#[test]
fn a_late_event_completes_the_windows_that_hold_it() {
    let mut told = told(&[THREE]);
    assert_eq!(told.says(&[at(0, 'a'), at(20, 'a'), at(70, 'a')]), NOTHING);
    assert_eq!(told.says(&[at(15, 'a')]), ["three  @20", "three  @70"]);
}

/// Not at the place of its arrival: a late step stands before what came earlier and happened later.
#[test]
fn a_late_event_takes_its_place_in_the_order() {
    let ordered = [("ordered", "type: temporal_ordered\nrules: [a, b, c]\ntimespan: 60s", "0s")];
    assert_eq!(told(&ordered).says(&[at(0, 'a'), at(20, 'c'), at(10, 'b')]), ["ordered  @20"]);
    assert_eq!(told(&ordered).says(&[at(0, 'a'), at(10, 'c'), at(20, 'b')]), NOTHING);
}

/// Not joined to windows that can no longer be judged fairly, and not dropped silently.
#[test]
fn an_event_later_than_allowed_is_matched_alone_and_marked() {
    let mut told = told(&[THREE]);
    told.says(&[at(300, 'a'), at(301, 'a')]);
    let effects = told.step(&[at(200, 'a'), at(201, 'a'), at(250, 'a')]);
    assert_eq!((effects.tally.late, told.count("a", &effects.tally.matches)), (1, 3));
    assert_eq!(super::shown(&effects), ["three  @301"], "and not at 250, with the late one");
}

/// Not another verdict for another order, another partition or another batch.
#[test]
fn every_order_of_arrival_comes_to_the_same_windows() {
    let rules = [
        ("count", "type: event_count\nrules: [a, b]\ntimespan: 30s\ncondition: {gte: 3}", "0s"),
        ("few", "type: event_count\nrules: [a, b]\ntimespan: 30s\ncondition: {lte: 2}", "0s"),
        ("order", "type: temporal_ordered\nrules: [a, b, c]\ntimespan: 40s", "0s"),
        ("not", "type: temporal\nrules: [a, c]\ntimespan: 15s\ncondition: a and not c", "0s"),
        ("lone", "type: absence\ntrigger: a\nabsent: c\nwithin: 15s", "0s"),
    ];
    let events = [at(0, 'a'), at(12, 'a'), at(20, 'b'), at(25, 'c'), at(50, 'a')];
    let mut seen = BTreeSet::new();
    for (number, order) in permutations(&events).into_iter().enumerate() {
        let mut told = told(&rules);
        let assigned =
            (0..2).map(|partition| Input::Assigned { topic: topic(), partition, next: 0, highest_ms: None });
        told.shard.step(assigned.collect());
        let mut said = Vec::new();
        for (place, event) in order.iter().enumerate() {
            let partition = i32::from(number >> place & 1 == 1);
            let record = told.record(partition, event);
            said.extend(told.says_to(record));
        }
        said.extend(told.complete(200));
        said.sort();
        seen.insert(said);
    }
    let expected = ["count  @20", "few  @50", "lone  @0", "lone  @50", "not  @0", "not  @50", "order  @25"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [expected]);
}

fn permutations(events: &[Plain]) -> Vec<Vec<Plain>> {
    let [] = events else {
        let with_first = |place: usize| {
            let rest = [&events[..place], &events[place + 1..]].concat();
            permutations(&rest)
                .into_iter()
                .map(move |rest| [vec![events[place].clone()], rest].concat())
                .collect::<Vec<_>>()
        };
        return (0..events.len()).flat_map(with_first).collect();
    };
    vec![Vec::new()]
}
