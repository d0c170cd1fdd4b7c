//! Does the service say what a single shard says, whatever happens to its processes and to the cluster?
//!
//! Processes with real engines run against a model of the cluster: partitions, transactions, the group. What
//! happens, and in what order, a seed says; time is what the schedule says it is. A seed that fails is shrunk
//! and told as a story.
//!
//! `OKTAWATCH_SIM_SEEDS=100000 OKTAWATCH_SIM_FROM=0 cargo test --release --test sim long -- --ignored --nocapture`
//! looks longer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]
#![allow(clippy::print_stdout, reason = "how far it is, and what was found where")]
#![allow(clippy::disallowed_methods, reason = "how many seeds are looked at comes from the environment")]

#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../semantics/aggregates.rs"]
mod aggregates;
mod broker;
mod deliver;
#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../semantics/events.rs"]
mod events;
mod group;
#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../semantics/kinds.rs"]
mod kinds;
mod leftovers;
mod log;
mod mistake;
#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../semantics/programs.rs"]
mod programs;
#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../support/random.rs"]
mod random;
#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../reference/mod.rs"]
mod reference;
mod schedule;
mod shrink;
mod story;
mod together;
mod verdict;
mod worker;
mod world;
#[allow(dead_code, reason = "another test uses more of it")]
#[path = "../semantics/yaml.rs"]
mod yaml;

use mistake::Mistake;
use shrink::{Notes, run_calmly, run_seed, shrunk};

/// So many seeds in an ordinary run.
const SEEDS: u64 = 600;

/// What has to happen to processes again and again, or nothing is tried.
const EXPECTED: [&str; 12] = [
    "committed",
    "committed after another attempt",
    "found out that it was committed",
    "found out that it was not committed",
    "gave up a partition",
    "loaded other rules",
    "lost all partitions",
    "needed another producer",
    "restored a shard",
    "waited for a changelog",
    "waited for offsets",
    "was refused its offsets",
];

/// So many at most until a planted mistake is found.
const UNTIL_FOUND: u64 = 400;

fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|asked| asked.parse().ok()).unwrap_or(otherwise)
}

fn look_at(seed: u64, notes: &mut Notes) {
    match run_seed(seed, None) {
        Ok(seen) => seen.into_iter().for_each(|(what, times)| *notes.entry(what).or_default() += times),
        Err(_) => panic!("{}", shrunk(seed, None)),
    }
}

#[test]
fn whatever_happens_the_alerts_are_those_of_a_single_shard() {
    let (from, mut notes) = (asked("OKTAWATCH_SIM_FROM", 0), Notes::new());
    let seeds = asked("OKTAWATCH_SIM_SEEDS", SEEDS);
    (from..from + seeds).for_each(|seed| look_at(seed, &mut notes));
    println!("{notes:#?}");
    for what in EXPECTED.iter().filter(|_| seeds >= SEEDS) {
        assert!(notes.get(what).is_some_and(|times| *times >= 10), "{what}: {:?} times", notes.get(what));
    }
}

#[test]
fn without_faults_alerts_are_the_same_to_the_last_word() {
    for seed in 0..SEEDS / 6 {
        let (seen, wanted) = run_calmly(seed * 6);
        if let Some((seen, wanted)) = seen.lines().zip(wanted.lines()).find(|(one, other)| one != other) {
            panic!("seed {}: {seen} and not {wanted}", seed * 6);
        }
        assert_eq!(seen.len(), wanted.len(), "seed {}", seed * 6);
    }
}

/// A tick that was done again after a restore decided more than it had decided; a cleaner took a tombstone from
/// a reader that had read what it stood for.
#[test]
fn what_failed_once_does_not_fail_again() {
    [7_538, 31_042].into_iter().for_each(|seed| look_at(seed, &mut Notes::new()));
}

#[test]
#[ignore = "takes as long as it is told to"]
fn long() {
    let (from, seeds) = (asked("OKTAWATCH_SIM_FROM", 0), asked("OKTAWATCH_SIM_SEEDS", 20_000));
    let mut notes = Notes::new();
    for seed in from..from + seeds {
        look_at(seed, &mut notes);
        if (seed - from) % 1_000 == 999 {
            println!("{} seeds, up to {seed}: {notes:?}", seed - from + 1);
        }
    }
}

macro_rules! each_is_found {
    ($($name:ident: $mistake:ident;)*) => {
        mod mistakes {
            $(#[test]
            fn $name() {
                super::is_found(super::Mistake::$mistake);
            })*
        }
    };
}

each_is_found! {
    offsets_one_too_low: OffsetsBehind;
    offsets_one_too_high: OffsetsAhead;
    restoring_beside_an_open_transaction: RestoresEarly;
    offsets_that_a_transaction_may_still_move: OffsetsEarly;
    forgetting_which_events_were_seen: ForgetsIds;
    forgetting_steps_since_the_checkpoint: ForgetsSteps;
    sending_again_what_was_committed: SendsTwice;
    offsets_apart_from_the_transaction: OffsetsApart;
    believing_a_member_that_was_thought_dead: BelievesZombies;
    stepping_a_batch_again: StepsAgain;
    claims_that_overtake_what_was_sent_before: ShortClaims;
    losing_a_tombstone: CarelessCleaner;
    reading_what_is_not_committed: DirtyReads;
    changes_apart_from_the_transaction: ChangesApart;
    keeping_a_batch_when_partitions_are_lost: KeepsBatch;
    handing_over_before_the_commit: HandsOverEarly;
}

fn is_found(mistake: Mistake) {
    let found = (0..UNTIL_FOUND).find(|seed| run_seed(*seed, Some(mistake)).is_err());
    match found {
        Some(seed) => println!("{mistake:?} is found at the {}. seed", seed + 1),
        None => panic!("{mistake:?} is not found in {UNTIL_FOUND} seeds"),
    }
}
