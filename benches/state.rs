//! What does it cost that state outlives the process, and how much is there of each kind?
//!
//! ```text
//! cargo bench --bench state -- [ordinary] [EVENTS [BATCH [SHARDS [CHECKPOINT_INPUTS]]]]   (60000 1000 12 10000)
//! ```
//!
//! A day of companies to which a lot happens, or ordinary weeks of one, goes through one member that holds all
//! shards, without Kafka: once as if nobody kept its changes, and once with every changed key as the bytes that go
//! to the changelog topic. Then the state at the end is read again. Bytes are those of keys and values before compression; what they are
//! of stands in the module `engine::durable`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints and measures, and one that cannot run may end"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use oktawatch::config::Config;
use oktawatch::demo;
use oktawatch::engine::{Member, Placement, Shard, Told};
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Change, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet};

#[allow(dead_code, reason = "the other benches use the rest")]
mod events;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A wall clock that no event is ahead of, ms.
const AFTER_MS: i64 = 1_800_000_000_000;

/// Events in rounds of a batch, and the shards that they are spread over.
#[derive(Clone, Copy)]
struct Size {
    events: usize,
    batch: usize,
    shards: u32,
}

struct Site {
    config: Config,
    rules: Arc<RuleSet>,
    geoip: Arc<GeoIp>,
    size: Size,
}

/// Bytes and records of a table.
#[derive(Clone, Copy, Default)]
struct Weight {
    records: usize,
    bytes: usize,
    largest: usize,
}

impl Weight {
    fn add(&mut self, change: &Change) {
        let bytes = change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        self.records += 1;
        self.bytes += bytes;
        self.largest = self.largest.max(bytes);
    }
}

/// What is written and held, by the letter of its table or by its correlation.
type Weights = BTreeMap<String, Weight>;

type State = BTreeMap<(u32, Vec<u8>), Vec<u8>>;

fn main() {
    // Cargo adds flags of its own.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let events = numbers.next().unwrap_or(60_000);
    let batch = numbers.next().unwrap_or(1_000);
    let shards = u32::try_from(numbers.next().unwrap_or(12)).unwrap();
    let is_ordinary = std::env::args().any(|argument| argument == "ordinary");
    let mut site = site(Size { events, batch, shards });
    if let Some(inputs) = numbers.next() {
        site.config.state.checkpoint_inputs = inputs;
    }
    let records = records(events, is_ordinary);
    let (alerts, plain_s) = plain(&site, &records);
    println!("one shard, nothing kept: {:.0} events/s, {alerts} alerts", events as f64 / plain_s);
    let (state, alerts, kept_s) = kept(&site, &records);
    println!("{shards} shards, all kept: {:.0} events/s, {alerts} alerts", events as f64 / kept_s);
    restore(&site, state);
}

fn site(size: Size) -> Site {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = Arc::new(rule::load(&[folder.join("detections")]).unwrap());
    let place = folder.join("target/geoip");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("demo.mmdb"), demo::databases(0).unwrap().city).unwrap();
    let mut config = Config::default();
    config.input.topics = vec!["okta-events".into()];
    config.geoip.city = Some(place.join("demo.mmdb"));
    config.geoip.sites = demo::week_sites();
    let geoip = Arc::new(GeoIp::open(&config.geoip).unwrap());
    Site { config, rules, geoip, size }
}

fn records(number: usize, is_ordinary: bool) -> Vec<RawRecord> {
    let position = |offset| Position { topic: Arc::from("okta-events"), partition: 0, offset, index: 0 };
    let payloads: Vec<Vec<u8>> = if is_ordinary {
        events::ordinary(number).collect()
    } else {
        events::Day::new().events(number).collect()
    };
    (0..)
        .zip(payloads)
        .map(|(offset, payload)| RawRecord { position: position(offset), payload, ..RawRecord::default() })
        .collect()
}

fn plain(site: &Site, records: &[RawRecord]) -> (usize, f64) {
    let mut shard = Shard::new(&site.config, Arc::clone(&site.rules), Arc::clone(&site.geoip));
    let (mut alerts, start) = (0, Instant::now());
    for batch in records.chunks(site.size.batch) {
        let found = shard.step(batch.iter().cloned().map(Input::Record).collect()).alerts;
        alerts += found.len();
    }
    (alerts, start.elapsed().as_secs_f64())
}

fn kept(site: &Site, records: &[RawRecord]) -> (State, usize, f64) {
    let Size { events, shards, .. } = site.size;
    let mut member = Member::new(&site.config, Arc::clone(&site.rules), Arc::clone(&site.geoip), shards);
    member.set_sources(BTreeSet::from([(Arc::from("okta-events"), 0)]));
    for shard in 0..shards {
        member.hold(empty(site, shard), Vec::new());
    }
    let (mut state, mut written) = (State::new(), Weights::new());
    let known = empty(site, 0);
    let (mut alerts, mut spent_s) = (0, 0.0);
    let topic = Arc::from("okta-events");
    let mut sent = vec![Told::Input(Input::Assigned { topic, partition: 0, next: 0, highest_ms: None })];
    // At the end, what the member sent to itself is still on its way.
    let ends = std::iter::repeat_n(&[][..], 4);
    for (now_ms, batch) in (AFTER_MS..).step_by(1_000).zip(records.chunks(site.size.batch).chain(ends)) {
        sent.push(Told::Input(Input::Tick { now_ms }));
        sent.extend(batch.iter().cloned().map(|record| Told::Input(Input::Record(record))));
        let start = Instant::now();
        let round = member.step(std::mem::take(&mut sent));
        spent_s += start.elapsed().as_secs_f64();
        alerts += round.effects.alerts.len();
        sent = round.parcels.into_iter().map(parcel).collect();
        for (shard, change) in round.changes {
            written.entry(name(&known, &change)).or_default().add(&change);
            match change.value {
                Some(value) => state.insert((shard, change.key), value),
                None => state.remove(&(shard, change.key)),
            };
        }
    }
    println!("written per event:                           records   bytes  largest");
    for (table, Weight { records, bytes, largest }) in written {
        let per = |what: usize| what as f64 / events as f64;
        println!("  {table:<40} {:>9.2} {:>7.0} {largest:>8}", per(records), per(bytes));
    }
    (state, alerts, spent_s)
}

/// The letter of the change's table, or the name of its correlation.
fn name(known: &Shard, change: &Change) -> String {
    let letter = || (change.key[0] as char).to_string();
    known.correlation_of(&change.key).map_or_else(letter, str::to_owned)
}

fn empty(site: &Site, shard: u32) -> Shard {
    let placement = Placement { shard, shards: site.size.shards };
    Shard::placed(&site.config, Arc::clone(&site.rules), Arc::clone(&site.geoip), placement)
}

fn parcel((shard, payload): (u32, Vec<u8>)) -> Told {
    let partition = i32::try_from(shard).unwrap();
    let position = Position { topic: Arc::from("repartition"), partition, offset: 0, index: 0 };
    Told::Sent(RawRecord { position, payload, ..RawRecord::default() })
}

fn restore(site: &Site, state: State) {
    let known = empty(site, 0);
    let mut held = Weights::new();
    let mut shards = BTreeMap::<u32, Vec<Change>>::new();
    for ((shard, key), value) in state {
        let change = Change::new(key, Some(value));
        held.entry(name(&known, &change)).or_default().add(&change);
        shards.entry(shard).or_default().push(change);
    }
    println!("held at the end:                             records   bytes a record   largest");
    for (table, Weight { records, bytes, largest }) in &held {
        println!("  {table:<40} {records:>9} {:>16} {largest:>9}", bytes / records);
    }
    let records: usize = held.values().map(|weight| weight.records).sum();
    let start = Instant::now();
    for (shard, changes) in shards {
        empty(site, shard).restore(changes).unwrap();
    }
    let spent_s = start.elapsed().as_secs_f64();
    println!("read again: {records} records, {:.2} s a million", spent_s * 1e6 / records as f64);
}
