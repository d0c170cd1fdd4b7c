//! Are the verdicts of correlations those of the events in order of time, however they arrive?
//!
//! Random rules judge random events, with ties, duplicates, arrays and missing fields, that arrive
//! in any order the lateness allows, by any partition, in batches of any size. The alerts are
//! compared with what the slow reference says of the same events. What Sigma leaves open is decided in
//! `decisions`, each decision with the tests that tell it from the other choices.
//!
//! `PROPTEST_CASES=2000 cargo test --test semantics` looks longer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]
#![allow(
    clippy::disallowed_methods,
    reason = "the number of cases comes from the environment, as proptest says"
)]

mod aggregates;
#[path = "../cluster/mod.rs"]
mod cluster;
mod coverage;
mod decisions;
mod engine;
mod events;
mod kinds;
mod programs;
#[path = "../reference/mod.rs"]
mod reference;
mod reloads;
mod verdicts;
mod yaml;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use events::delivery;
use programs::{alone, chain, weekly};
use reloads::unnoticed;
use verdicts::{covered, exact};

/// So many cases of each test, unless `PROPTEST_CASES` says otherwise.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 1_500,
        ..ProptestConfig::default()
    }
}

macro_rules! each_type {
    ($($name:ident: $word:literal;)*) => {
        $(mod $name {
            use super::*;

            proptest! {
                #![proptest_config(cases(40))]

                #[test]
                fn every_satisfying_window_is_an_alert_and_nothing_else_is(
                    program in alone($word),
                    deliveries in vec(delivery(), 1..40),
                    partitions in 1..=3,
                ) {
                    exact(&program, &deliveries, partitions)?;
                }

                #[test]
                fn chains_are_judged_like_the_events_themselves(
                    program in select(kinds::TYPES.to_vec()).prop_flat_map(|other| {
                        select(vec![vec![$word, other], vec![other, $word], vec![other, $word, "event_count"]])
                    }).prop_flat_map(chain),
                    deliveries in vec(delivery(), 1..40),
                    partitions in 1..=3,
                ) {
                    exact(&program, &deliveries, partitions)?;
                }

                #[test]
                fn rules_that_are_replaced_by_others_of_the_same_meaning_say_the_same(
                    program in select(kinds::TYPES.to_vec()).prop_flat_map(|other| chain(vec![$word, other])),
                    deliveries in vec(delivery(), 1..40),
                    partitions in 1..=3,
                    suppress in 1..12_i64,
                ) {
                    unnoticed(&program.suppressing(suppress * 1_000), &deliveries, partitions)?;
                }

                #[test]
                fn with_suppression_every_satisfying_window_is_covered(
                    program in alone($word),
                    deliveries in vec(delivery(), 1..40),
                    partitions in 1..=3,
                    suppress in 1..12_i64,
                ) {
                    covered(&program.suppressing(suppress * 1_000), &deliveries, partitions)?;
                }
            }
        })*
    };
}

each_type! {
    event_count: "event_count";
    value_count: "value_count";
    value_sum: "value_sum";
    value_avg: "value_avg";
    value_median: "value_median";
    value_percentile: "value_percentile";
    temporal: "temporal";
    temporal_ordered: "temporal_ordered";
    sequence: "sequence";
    absence: "absence";
    new_value: "new_value";
    aggregate: "aggregate";
    baseline: "baseline";
    risk_score: "risk_score";
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn habits_of_the_hours_of_the_week_are_told_apart(
        program in weekly(),
        deliveries in vec(delivery(), 1..40),
        partitions in 1..=3,
    ) {
        exact(&program, &deliveries, partitions)?;
    }
}
