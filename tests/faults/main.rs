//! Does the program keep its promises while machines and networks do not keep theirs?
//!
//! Three real brokers, several instances of the program, and a story of which a replay says what must come
//! of it. While it is produced, things go wrong that were drawn from a seed: `plan` says what. `verdict`
//! says what is compared.
//!
//! `cargo test --test faults -- --ignored short` is what `tests/run` does; `tests/faults/run` runs any
//! scenario any number of times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test is all rim: it reads clocks, starts processes, and ends at the first thing that fails"
)]

mod cluster;
mod instances;
mod load;
mod plan;
mod proxy;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod trial;
mod unread;
mod verdict;

use cluster::Cluster;
use plan::Scenario;
use settings::Settings;
use table::Table;

/// Runs them all, and says how each went; whether all went well.
fn all_are_good(settings: &Settings) -> bool {
    let cluster = Cluster::start();
    let mut table = Table::new(settings);
    let mut good = true;
    for seed in settings.seed..settings.seed + settings.runs {
        for scenario in &settings.scenarios {
            let outcome = trial::run(&cluster, *scenario, seed, settings);
            table.add(&outcome);
            good &= outcome.is_good();
        }
    }
    good
}

#[test]
#[ignore = "needs real brokers"]
fn short_a_kill_a_pause_and_a_lost_broker_cost_no_alert() {
    let settings = Settings {
        scenarios: vec![Scenario::named("short").unwrap()],
        runs: 1,
        ..Settings::of_the_environment()
    };
    assert!(all_are_good(&settings), "the table above says what is wrong, and where the logs are");
}

#[test]
#[ignore = "needs real brokers, and long"]
fn long_whatever_was_asked_for_costs_no_alert() {
    let settings = Settings::of_the_environment();
    if settings.list {
        return Table::list(&settings);
    }
    assert!(all_are_good(&settings), "the table above says what is wrong, and where the logs are");
}
