//! What does the rule language cost: with the number of rules, with the size of a window, for a key?
//!
//! `cargo bench --bench language` prints three tables, tab-separated. Times are the best of several
//! rounds in one run, so that their ratios hold on a machine that others use too. Bytes are what the
//! process grew by, in a process of its own for each type.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints and looks at the clock, and a bench that cannot run may end"
)]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use oktawatch::config::Config;
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Event, Input, RawRecord};
use oktawatch::rule::{RuleSet, Sources, compile};
use oktawatch::source::{Options, Reader};
use serde_json::{Value, json};
use uuid::Uuid;

#[allow(dead_code, reason = "the other benches use the rest")]
mod events;

/// Rounds of each measurement, of which the best counts.
const ROUNDS: usize = 7;
/// Events of one round.
const EVENTS: usize = 20_000;
/// Keys of which the bytes are taken.
const KEYS: usize = 50_000;
/// Names the type that a process measures for its parent.
const CHILD: &str = "--bytes-of";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == CHILD) {
        println!("{}", resident_with(&arguments[place + 1]));
        return;
    }
    number_of_rules();
    size_of_a_window();
    bytes_of_a_key();
}

// How many rules.

fn number_of_rules() {
    let payloads: Vec<Vec<u8>> = events::Day::new().events(EVENTS).collect();
    let types: BTreeSet<String> = payloads.iter().map(|payload| field(payload, "eventType")).collect();
    let types: Vec<String> = types.into_iter().collect();
    println!("rules\tns/event\tof 100 rules\tmatches/event\tcandidates/event\t({} event types)", types.len());
    let set = |rules| {
        let files: Vec<_> =
            (0..rules).map(|number| (format!("{number}.yml"), rule(number, &types))).collect();
        Arc::new(compiled_of(&Sources::of(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))))
    };
    let (of_100, _, _) = judged(&set(100), &payloads);
    for rules in [1, 10, 100, 1_000] {
        let (nanoseconds, matches, candidates) = judged(&set(rules), &payloads);
        println!("{rules}\t{nanoseconds:.0}\t{:.2}\t{matches:.2}\t{candidates:.1}", nanoseconds / of_100);
    }
}

/// Every second rule is a detection that alerts, the others count a detection of their own.
fn rule(number: usize, types: &[String]) -> String {
    let kind = &types[number % types.len()];
    let agent = ["Chrome", "Firefox", "okhttp", "Okta", "curl"][number % 5];
    let detection = format!(
        "sel: {{eventType: {kind}, outcome.result: [SUCCESS, ALLOW]}}\n  \
         agent: {{client.userAgent.rawUserAgent|contains: '{agent}/{number}'}}\n  \
         login: {{actor.alternateId|endswith: '{number}@example.com'}}\n  condition: sel and (agent or login)"
    );
    let base = detection_document(&format!("rule-{number}"), &detection);
    if number.is_multiple_of(2) {
        return base;
    }
    let count = format!(
        "type: event_count\n  rules: rule-{number}\n  group-by: [actor.id]\n  timespan: 10m\n  condition: {{gte: 5}}"
    );
    format!("{base}---\n{}", correlation_document(&format!("count-{number}"), &count))
}

// How large a window.

fn size_of_a_window() {
    println!("\nwindow\tns/event\tof the small one");
    for (what, condition, values) in [
        ("value_count, 10 distinct values of 10,000 events", "value_count", 10),
        ("value_count, 10,000 distinct values of 10,000 events", "value_count", 10_000),
        ("value_percentile, 10,000 events", "value_percentile", 10_000),
        ("value_avg, 10,000 events", "value_avg", 10_000),
    ] {
        println!("{what}\t{:.0}", in_a_window(condition, values, 10_000));
    }
    for events in [10, 10_000] {
        println!("event_count, {events} events\t{:.0}", in_a_window("event_count", 10, events));
    }
}

/// Nanoseconds an event of one key whose window is full of `held` events.
fn in_a_window(kind: &str, values: usize, held: usize) -> f64 {
    let condition = match kind {
        "event_count" => "{gt: 1000000}".to_owned(),
        "value_count" => "{field: client.ipAddress, gt: 1000000}".to_owned(),
        "value_percentile" => "{field: securityContext.asNumber, percentile: 95, gt: 1000000000}".to_owned(),
        _ => "{field: securityContext.asNumber, gt: 1000000000}".to_owned(),
    };
    let count = format!(
        "type: {kind}\n  rules: any-event\n  group-by: [actor.id]\n  timespan: {held}s\n  condition: {condition}"
    );
    let detection = detection_document("any-event", "sel: {eventType: user.session.start}\n  condition: sel");
    let set = Arc::new(compiled(&format!("{detection}---\n{}", correlation_document("counted", &count))));
    let payloads: Vec<Vec<u8>> =
        (0..held + EVENTS).map(|number| sign_in(number as i64 * 1_000, "00uAna", number % values)).collect();
    let events = read(&set, &payloads);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut shard = shard(&set);
        let mut inputs: Vec<Input> = events.iter().cloned().map(Input::Event).collect();
        let measured = inputs.split_off(held);
        shard.step(inputs);
        let start = Instant::now();
        shard.step(measured);
        best = best.min(start.elapsed().as_nanos() as f64 / EVENTS as f64);
    }
    best
}

// How many bytes.

const TYPES: &[(&str, &str)] = &[
    ("none", ""),
    ("event_count", "timespan: 10d\n  condition: {gt: 9}"),
    ("value_count", "timespan: 10d\n  condition: {field: client.ipAddress, gt: 9}"),
    ("value_sum", "timespan: 10d\n  condition: {field: securityContext.asNumber, gt: 999999999}"),
    (
        "value_percentile",
        "timespan: 10d\n  condition: {field: securityContext.asNumber, percentile: 95, gt: 999999999}",
    ),
    ("temporal", "timespan: 10d"),
    ("temporal_ordered", "timespan: 10d"),
    ("sequence", "steps: [{rule: any-event, min: 5}, {rule: other-event}]\n  within: 10d"),
    ("absence", "trigger: any-event\n  absent: other-event\n  within: 10d"),
    (
        "aggregate",
        "timespan: 10d\n  values: {n: count, ips: distinct(client.ipAddress)}\n  condition: 'n > 9 and ips > 9'",
    ),
    ("new_value", "field: client.ipAddress"),
    (
        "baseline",
        "metric: count\n  bucket: 1h\n  history: 30d\n  deviations: 3\n  floor: 5\n  min_history: 7d",
    ),
    ("risk_score", "timespan: 10d\n  threshold: 9999"),
];

fn bytes_of_a_key() {
    println!("\ntype\tbytes of a key with two events");
    let program = std::env::current_exe().unwrap();
    let resident = |kind: &str| -> Option<f64> {
        let output = Command::new(&program).args([CHILD, kind]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().ok()
    };
    let nothing = resident("none").unwrap();
    for (kind, _) in &TYPES[1..] {
        match resident(kind) {
            Some(bytes) => println!("{kind}\t{:.0}", (bytes - nothing) / KEYS as f64),
            None => println!("{kind}\tdoes not compile"),
        }
    }
}

/// Bytes resident after two events of each key; `none` has the detections alone.
fn resident_with(kind: &str) -> usize {
    let (_, lines) = TYPES.iter().find(|(name, _)| *name == kind).unwrap();
    let sel = |name: &str, kind: &str| {
        detection_document(name, &format!("sel: {{eventType: {kind}}}\n  condition: sel"))
    };
    let mut text =
        format!("{}---\n{}", sel("any-event", "user.session.start"), sel("other-event", "user.session.end"));
    if kind != "none" {
        let names_rules = !matches!(kind, "sequence" | "absence");
        let rules = if names_rules { "rules: [any-event, other-event]\n  " } else { "" };
        let lines = format!("type: {kind}\n  {rules}group-by: [actor.id]\n  {lines}");
        text.push_str(&format!("---\n{}", correlation_document("measured", &lines)));
    }
    let set = Arc::new(compiled(&text));
    let mut shard = shard(&set);
    for half in 0..2 {
        for number in 0..KEYS {
            let payload = sign_in((half * KEYS + number) as i64, &format!("00u{number}"), number);
            let events = read(&set, &[payload]);
            shard.step(events.into_iter().map(Input::Event).collect());
        }
    }
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(shard.figures().users > 0);
    pages * 4_096
}

// What all have in common.

/// Nanoseconds, matches and candidates of an event.
fn judged(set: &Arc<RuleSet>, payloads: &[Vec<u8>]) -> (f64, f64, f64) {
    let events = read(set, payloads);
    let an_event = |number: f64| number / events.len() as f64;
    let mut best = f64::INFINITY;
    let mut matches = 0;
    for _ in 0..ROUNDS {
        let mut shard = shard(set);
        let inputs: Vec<Input> = events.iter().cloned().map(Input::Event).collect();
        let start = Instant::now();
        let effects = shard.step(inputs);
        best = best.min(an_event(start.elapsed().as_nanos() as f64));
        matches = effects.tally.matches.iter().map(|(_, number)| number).sum();
    }
    let types = payloads.iter().map(|payload| field(payload, "eventType"));
    let candidates: usize = types.map(|kind| set.candidates(&kind).len()).sum();
    (best, an_event(matches as f64), an_event(candidates as f64))
}

fn shard(set: &Arc<RuleSet>) -> Shard {
    Shard::new(&Config::default(), Arc::clone(set), Arc::new(GeoIp::default()))
}

fn compiled(text: &str) -> RuleSet {
    compiled_of(&Sources::of([("bench.yml", text)]))
}

fn compiled_of(sources: &Sources) -> RuleSet {
    compile(sources).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn read(set: &RuleSet, payloads: &[Vec<u8>]) -> Vec<Event> {
    let reader = Reader::new(Arc::clone(&set.table), Options::default());
    let record = |payload: &Vec<u8>| RawRecord { payload: payload.clone(), ..RawRecord::default() };
    payloads.iter().flat_map(|payload| reader.read(&record(payload)).events).collect()
}

fn field(payload: &[u8], name: &str) -> String {
    let event: Value = serde_json::from_slice(payload).unwrap();
    event[name].as_str().unwrap().to_owned()
}

fn sign_in(ms: i64, actor: &str, address: usize) -> Vec<u8> {
    let published = jiff::Timestamp::from_millisecond(1_790_000_000_000 + ms).unwrap().to_string();
    let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{ms} {actor}").as_bytes());
    json!({
        "uuid": uuid.to_string(), "published": published, "eventType": "user.session.start", "version": "0",
        "severity": "INFO", "displayMessage": "User login to Okta", "outcome": {"result": "SUCCESS"},
        "actor": {"id": actor, "type": "User", "alternateId": format!("{actor}@example.com")},
        "client": {"ipAddress": format!("10.{}.{}.{}", address >> 16, (address >> 8) & 255, address & 255)},
        "securityContext": {"asNumber": 64_000 + address % 977},
    })
    .to_string()
    .into_bytes()
}

fn detection_document(name: &str, lines: &str) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    format!(
        "title: T\nid: {id}\nname: {name}\nlogsource: {{product: okta, service: okta}}\ndetection:\n  {lines}\n"
    )
}

fn correlation_document(name: &str, lines: &str) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    format!("title: T\nid: {id}\nname: {name}\ncorrelation:\n  {lines}\n")
}
