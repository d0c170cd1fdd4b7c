//! Do the stories under `tests/cases` raise the alerts they should, however their events arrive?
//!
//! Each folder holds `events.jsonl` (one record a line, in any envelope), `expected.jsonl` (every alert, sorted
//! by time, then rule), perhaps `config.toml`, and a README that says why. All rules of `detections` run at once.
//! `UPDATE_CASES=1 cargo test --test cases` writes `expected.jsonl` anew; read what changed before keeping it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and tells why")]

mod cluster;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cluster::Cluster;
use jiff::Timestamp;
use oktawatch::config::{Config, Duration};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Alert, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet};
use serde_json::{Value, json};

/// How the records of a story reach the shard.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// In their order, so many in a step.
    Batches(usize),
    /// In their order, over so many partitions.
    Partitions(usize),
    /// Each at once twice, and a third time some records later.
    Thrice,
    /// In their order, over three partitions, judged in so many shards.
    Shards(u32),
    /// Neighbours that are close in time the other way round, so that every other one is out of order.
    Swapped,
}

const WAYS: [Way; 7] = [
    Way::Batches(1),
    Way::Batches(7),
    Way::Batches(usize::MAX),
    Way::Partitions(4),
    Way::Shards(3),
    Way::Thrice,
    Way::Swapped,
];

struct Story {
    folder: PathBuf,
    config: Config,
    lines: Vec<String>,
}

impl Story {
    fn open(folder: PathBuf) -> Self {
        let config = fs::read_to_string(folder.join("config.toml")).unwrap_or_default();
        let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
        let lines: Vec<String> = events.lines().map(str::to_owned).collect();
        assert!(!lines.is_empty(), "{}: no events", folder.display());
        Self { config: toml::from_str(&config).unwrap(), folder, lines }
    }

    fn name(&self) -> String {
        self.folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    fn expected(&self) -> Vec<Value> {
        let path = self.folder.join("expected.jsonl");
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The alerts raised, as lines of `expected.jsonl`.
    fn run(&self, rules: &Arc<RuleSet>, way: Way) -> Vec<Value> {
        let geoip = Arc::new(GeoIp::open(&self.config.geoip).unwrap());
        let mut config = self.config.clone();
        // The third delivery may come days of event time after the first.
        config.time.dedup_window = Duration::secs(30 * 24 * 3600);
        let mut shard = Shard::new(&config, Arc::clone(rules), Arc::clone(&geoip));
        if let Way::Shards(shards) = way {
            return self.run_in_shards(&config, rules, &geoip, shards);
        }
        let (mut events, mut duplicates, mut alerts) = (0, 0, Vec::new());
        // However they came, nothing comes after the last of them: what ended by then is decided.
        let last = self.lines.iter().flat_map(|line| published(line)).max().unwrap();
        let end = vec![Input::Complete { upto_ms: last.as_millisecond() }];
        for batch in batches(&self.lines, way).into_iter().chain([end]) {
            let effects = shard.step(batch);
            assert!(effects.dead_letters.is_empty(), "{}: {:?}", self.name(), effects.dead_letters);
            events += effects.tally.events;
            duplicates += effects.tally.duplicates;
            alerts.extend(effects.alerts.iter().filter(|alert| alert.activity == Activity::Create).map(line));
        }
        assert!(events >= self.lines.len() as u64, "{}: {events} events", self.name());
        let again = if matches!(way, Way::Thrice) { events / 3 * 2 } else { 0 };
        assert_eq!(duplicates, again, "{}: {way:?}", self.name());
        sorted(alerts)
    }

    fn run_in_shards(
        &self,
        config: &Config,
        rules: &Arc<RuleSet>,
        geoip: &Arc<GeoIp>,
        shards: u32,
    ) -> Vec<Value> {
        let topic = Arc::from("okta-events");
        let mut cluster = Cluster::new(config, rules, geoip, (&topic, 3), shards, 1);
        for input in batches(&self.lines, Way::Shards(shards)).into_iter().flatten() {
            cluster.input(input);
            cluster.deliver_all();
        }
        let last_ms = self.lines.iter().flat_map(|line| published(line)).max().unwrap().as_millisecond();
        cluster.input(Input::Complete { upto_ms: last_ms });
        cluster.tick_a_little(last_ms);
        let created = cluster.alerts.iter().filter(|alert| alert.activity == Activity::Create);
        sorted(created.map(line).collect())
    }
}

fn sorted(mut alerts: Vec<Value>) -> Vec<Value> {
    alerts.sort_by_key(|alert| (text(alert, "at"), text(alert, "rule"), text(alert, "key")));
    alerts
}

fn text(alert: &Value, key: &str) -> String {
    alert.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What one alert says in `expected.jsonl`: its group's values, or else what it is about, is the key.
fn line(alert: &Alert) -> Value {
    let group: Vec<&str> = alert.group.iter().map(|(_, value)| value.as_str()).collect();
    let key = if group.is_empty() { alert.entity.value.clone() } else { group.join(", ") };
    let at = format!("{:.3}", Timestamp::from_millisecond(alert.fired_at_ms).unwrap());
    json!({ "rule": &*alert.rule.name, "key": key, "at": at, "count": alert.count })
}

fn record(line: &str, partition: usize, offset: usize) -> Input {
    let position = Position {
        topic: Arc::from("okta-events"),
        partition: i32::try_from(partition).unwrap(),
        offset: i64::try_from(offset).unwrap(),
        index: 0,
    };
    Input::Record(RawRecord { position, payload: line.as_bytes().to_vec(), ..RawRecord::default() })
}

fn batches(lines: &[String], way: Way) -> Vec<Vec<Input>> {
    let straight = || lines.iter().enumerate();
    match way {
        Way::Batches(size) => lines
            .chunks(size.min(lines.len()))
            .enumerate()
            .map(|(batch, chunk)| {
                let offsets = batch * chunk.len()..;
                chunk.iter().zip(offsets).map(|(line, offset)| record(line, 0, offset)).collect()
            })
            .collect(),
        Way::Shards(_) => {
            straight().map(|(number, line)| vec![record(line, number % 3, number / 3)]).collect()
        }
        Way::Partitions(count) => {
            straight().map(|(number, line)| vec![record(line, number % count, number / count)]).collect()
        }
        Way::Swapped => {
            let order = swapped(lines).into_iter().enumerate();
            order.map(|(number, line)| vec![record(line, 0, number)]).collect()
        }
        Way::Thrice => {
            let twice =
                straight().map(|(number, line)| vec![record(line, 0, number), record(line, 0, number)]);
            let later = straight().map(|(number, line)| vec![record(line, 0, number)]);
            let mut all: Vec<Vec<Input>> = twice.collect();
            for (number, batch) in later.enumerate() {
                let place = (number * 2 + 5).min(all.len());
                all.insert(place, batch);
            }
            all
        }
    }
}

/// Swaps neighbours that lie wholly within the allowed lateness of each other.
fn swapped(lines: &[String]) -> Vec<&str> {
    let mut order: Vec<&str> = lines.iter().map(String::as_str).collect();
    for pair in order.chunks_exact_mut(2) {
        let [first, second] = pair else { continue };
        let (earliest, latest) = (published(first).min().unwrap(), published(second).max().unwrap());
        if latest.duration_since(earliest).as_secs() < 240 {
            std::mem::swap(first, second);
        }
    }
    order
}

/// When the events of a record happened.
fn published(line: &str) -> impl Iterator<Item = Timestamp> + '_ {
    line.split("published").skip(1).map(|after| {
        let start = after.find("20").unwrap();
        after.get(start..start + 24).unwrap().parse().unwrap()
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn stories() -> Vec<Story> {
    let entries = fs::read_dir(root().join("tests/cases")).unwrap();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("events.jsonl").exists())
        .collect();
    folders.sort();
    assert!(folders.len() >= 15, "only {} stories", folders.len());
    folders.into_iter().map(Story::open).collect()
}

fn detections() -> Arc<RuleSet> {
    let rules = rule::load(&[root().join("detections")]);
    Arc::new(rules.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")))
}

fn lines(alerts: &[Value]) -> String {
    alerts.iter().fold(String::new(), |mut text, alert| {
        writeln!(text, "{alert}").unwrap();
        text
    })
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of the product")]
fn updating() -> bool {
    std::env::var("UPDATE_CASES").is_ok_and(|value| value == "1")
}

/// What must agree. Out of order, another event of the same window may be the one that fires.
fn seen(alerts: &[Value], way: Way) -> Vec<Value> {
    let Way::Swapped = way else { return alerts.to_vec() };
    let mut keys: Vec<(String, String)> =
        alerts.iter().map(|alert| (text(alert, "rule"), text(alert, "key"))).collect();
    keys.sort();
    keys.into_iter().map(|(rule, key)| json!([rule, key])).collect()
}

#[test]
fn every_story_raises_its_alerts_however_its_events_arrive() {
    let rules = detections();
    let mut differences = String::new();
    for story in stories() {
        if updating() {
            let alerts = story.run(&rules, Way::Batches(1));
            fs::write(story.folder.join("expected.jsonl"), lines(&alerts)).unwrap();
        }
        let expected = story.expected();
        for way in WAYS {
            let found = story.run(&rules, way);
            if seen(&found, way) != seen(&expected, way) {
                let (found, expected) = (lines(&found), lines(&expected));
                writeln!(differences, "{} {way:?}\nfound:\n{found}expected:\n{expected}", story.name())
                    .unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn every_expectation_names_a_rule_that_raises_alerts_of_its_own() {
    let rules = detections();
    for story in stories() {
        for alert in story.expected() {
            let name = text(&alert, "rule");
            let known = rules.rules.iter().any(|rule| *rule.info.name == *name && rule.info.generates);
            assert!(known, "{}: {name}", story.name());
        }
    }
}
