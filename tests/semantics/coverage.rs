//! Are all types really tested, and do random events satisfy them now and then?

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::engine::compile;
use crate::events::delivery;
use crate::kinds::TYPES;
use crate::programs::{Program, alone};
use crate::reference::evaluate;
use crate::yaml::documents;

/// What the compiler says of a type or comparison that it does not know yet.
const NOT_YET: [&str; 3] = ["unsupported-", "unknown-correlation", "needs `gt` or `gte`"];

/// Types no rule of which compiles yet.
const PENDING: &[&str] = &[];

/// Whether rules were refused only because something is not known yet; that is told.
pub fn refused(findings: &str) -> bool {
    let not_yet = |line: &str| NOT_YET.iter().any(|word| line.contains(word));
    let refused = findings.lines().any(not_yet);
    if refused {
        eprintln!("skipped: {}", findings.lines().next().unwrap_or_default());
    }
    refused
}

/// Programs of one correlation, the same at every run.
fn some(word: &'static str, many: usize) -> Vec<(Program, Vec<crate::events::Delivery>)> {
    let mut runner = TestRunner::deterministic();
    let strategy = (alone(word), vec(delivery(), 1..40));
    (0..many).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn the_compiler_knows_every_type() {
    let compiles = |(program, _): &(Program, _)| match compile(&documents(&program.rules)) {
        Ok(_) => true,
        Err(findings) if refused(&findings) => false,
        Err(findings) => panic!("{findings}\n{}", documents(&program.rules)),
    };
    let unknown: BTreeSet<&str> =
        TYPES.into_iter().filter(|word| !some(word, 60).iter().any(compiles)).collect();
    assert_eq!(unknown, PENDING.iter().copied().collect());
}

#[test]
fn random_events_satisfy_every_type_now_and_then() {
    for word in TYPES {
        let (mut satisfied, mut windows) = (0, 0);
        for (program, deliveries) in some(word, 60) {
            let events: Vec<_> =
                deliveries.iter().map(|one| one.event(program.clock, program.bears_negatives())).collect();
            let found = evaluate(&program.rules, &events);
            let found = found.last().unwrap();
            satisfied += usize::from(!found.is_empty());
            windows += found.len();
        }
        println!("{word}: {satisfied} of 60 programs, {windows} windows");
        assert!((15..=58).contains(&satisfied), "{word} is satisfied in {satisfied} of 60 programs");
    }
}
