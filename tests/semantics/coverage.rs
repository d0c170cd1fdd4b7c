//! Are all types really tested, and do random events satisfy them now and then?

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

/// Programs of one correlation, the same at every run.
fn some(word: &'static str, many: usize) -> Vec<(Program, Vec<crate::events::Delivery>)> {
    let mut runner = TestRunner::deterministic();
    let strategy = (alone(word), vec(delivery(), 1..40));
    (0..many).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn the_compiler_knows_every_type() {
    for word in TYPES {
        for (program, _) in some(word, 60) {
            let documents = documents(&program.rules);
            assert!(compile(&documents).is_ok(), "{documents}");
        }
    }
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
