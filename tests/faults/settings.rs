//! What is a long run told?
//!
//! By variables of the environment, which `tests/faults/run` sets from its options.

use crate::plan::{INSTANCES, SCENARIOS, Scenario};

/// What to run, and how.
pub struct Settings {
    /// Kinds of run.
    pub scenarios: Vec<Scenario>,
    /// How often each, with one seed after the other.
    pub runs: u64,
    /// The first seed.
    pub seed: u64,
    /// Whether the table is to be read by a program.
    pub tsv: bool,
    /// Where the table goes.
    pub table: String,
    /// Whether only the scenarios are to be named.
    pub list: bool,
    /// Whether every step is told when it is done.
    pub verbose: bool,
    /// Files and folders of rules, from the root of the repository.
    pub rules: Vec<String>,
    /// Librdkafka properties of the program, over those that all tests have.
    pub properties: Vec<(String, String)>,
    /// Events of a run.
    pub events: usize,
    /// Instances that run from the beginning.
    pub instances: usize,
    /// Workers of each.
    pub workers: usize,
}

impl Settings {
    /// What the environment says, or what the short form takes.
    pub fn of_the_environment() -> Self {
        Self {
            scenarios: scenarios(),
            runs: number("FAULTS_RUNS", 1),
            seed: number("FAULTS_SEED", 1),
            tsv: text("FAULTS_TSV").is_some(),
            table: text("FAULTS_TABLE").unwrap_or_else(|| "/dev/stderr".to_owned()),
            list: text("FAULTS_LIST").is_some(),
            verbose: text("FAULTS_VERBOSE").is_some(),
            rules: text("FAULTS_RULES")
                .map_or_else(|| vec!["tests/fault-rules".to_owned()], |rules| list(&rules)),
            properties: properties(),
            events: size("FAULTS_EVENTS", 3_000),
            instances: size("FAULTS_INSTANCES", INSTANCES).min(INSTANCES),
            workers: size("FAULTS_WORKERS", 2),
        }
    }
}

fn scenarios() -> Vec<Scenario> {
    let Some(names) = text("FAULTS_SCENARIOS") else { return SCENARIOS.to_vec() };
    let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    let named = |name: &String| {
        Scenario::named(name).unwrap_or_else(|| panic!("no scenario {name:?}; there are {known:?}"))
    };
    list(&names).iter().map(named).collect()
}

fn properties() -> Vec<(String, String)> {
    let pair = |word: String| match word.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => panic!("a property is KEY=VALUE, not {word:?}"),
    };
    list(&text("FAULTS_PROPERTIES").unwrap_or_default()).into_iter().map(pair).collect()
}

fn list(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, otherwise: u64) -> u64 {
    let wrong = |text: &String| panic!("{name} is a number, not {text:?}");
    text(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| wrong(&text)))
}

fn size(name: &str, otherwise: usize) -> usize {
    usize::try_from(number(name, otherwise as u64)).unwrap()
}
