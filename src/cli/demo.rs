//! How does the whole pipeline look to someone who has just found it?
//!
//! Everything is real but the broker and the people: the records go through a topic, a worker as
//! in `run` reads them, and what is printed was read back from the alerts topic.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::args::DemoArgs;
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::{self, Out};
use super::{finding, rules};
use crate::config::{self, Config};
use crate::demo::{self, Sample};
use crate::error::Failure;
use crate::kafka::{self, Stage};
use crate::rule::RuleSet;
use crate::telemetry;

/// How long after the last alert nothing more is expected.
const SETTLING: Duration = Duration::from_secs(5);

/// Midnight of the sample day: a Wednesday that is not today, so that nobody takes it for real.
const MIDNIGHT_MS: i64 = 1_773_792_000_000;
/// Midnight of the Monday on which the sample week begins: the one of the same week.
const MONDAY_MS: i64 = MIDNIGHT_MS - 2 * 24 * 3_600_000;
/// When the sample GeoIP databases say they were built: the month before.
const BUILT_S: u64 = 1_771_372_800;
/// Records sent between two looks at what came out.
const SLICE: usize = 100;
/// Milliseconds without progress after which something is wrong.
const PATIENCE_MS: i64 = 120_000;

/// Plays a day or a week and prints what was found.
pub(super) fn run(arguments: &DemoArgs) -> Outcome {
    let samples = samples(arguments);
    if let Some(file) = &arguments.write {
        write(file, &samples).or_runtime()?;
        output::note(&format!("{} records written to {}", samples.len(), file.display()));
        return Ok(Exit::Good);
    }
    let folder = Scratch::new().or_runtime()?;
    let config = configuration(&folder.0, arguments).or_runtime()?;
    telemetry::log::init(&config.log).or_runtime()?;
    let rules = Arc::new(rules::load(&config.rules.paths)?);
    introduce(arguments, &samples, &rules);
    let played = play(config, &rules, &samples).or_runtime()?;
    print(&played, arguments).or_runtime()?;
    Ok(Exit::Good)
}

fn samples(arguments: &DemoArgs) -> Vec<Sample> {
    match arguments.week {
        true => demo::week(arguments.seed, MONDAY_MS, &week(arguments)),
        false => demo::day(arguments.seed, MIDNIGHT_MS),
    }
}

fn week(arguments: &DemoArgs) -> demo::Week {
    demo::Week { employees: arguments.employees.into(), ..demo::Week::default() }
}

fn configuration(folder: &Path, arguments: &DemoArgs) -> Result<Config, Failure> {
    let quiet = [("log.level", "error"), ("log.format", "text")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut config =
        config::load(&[], &arguments.set.iter().chain(&quiet).rev().cloned().collect::<Vec<_>>())?;
    config.kafka.group = "oktawatch-demo".to_owned();
    config.http.listen.clear();
    // Some of the collectors' envelopes name the tenant and some do not: it is the same one.
    config.input.org = demo::COMPANY.to_owned();
    if !arguments.rules.is_empty() {
        config.rules.paths.clone_from(&arguments.rules);
    }
    let databases = demo::databases(BUILT_S)?;
    config.geoip.city = Some(put(folder, "city.mmdb", &databases.city)?);
    config.geoip.asn = Some(put(folder, "asn.mmdb", &databases.asn)?);
    config.geoip.anonymous = Some(put(folder, "anonymous.mmdb", &databases.anonymous)?);
    config.geoip.sites = if arguments.week { demo::week_sites() } else { demo::sites() };
    Ok(config)
}

fn introduce(arguments: &DemoArgs, samples: &[Sample], rules: &RuleSet) {
    if arguments.week {
        let employees = arguments.employees;
        output::note(&format!("An embedded broker, one worker, and a week at a company of {employees}:"));
        output::note(
            "  three offices, homes, a VPN, commuters, journeys, new phones and passwords, slips and",
        );
        output::note("  lockouts, service accounts, imports. Nobody means any harm.");
    } else {
        output::note("An embedded broker, one worker, and a day at a company of 36:");
        output::note("  office, homes, a VPN, phones, service accounts, Okta's own maintenance,");
        output::note("  forwarded by nine kinds of collectors, with three incidents woven in.");
    }
    output::note(&format!("{} records, {} rules. Ctrl-C ends it.\n", samples.len(), rules.rules.len()));
}

/// What came out.
struct Played {
    alerts: Vec<Value>,
    dead_letters: i64,
    records: usize,
    seconds: f64,
}

fn play(config: Config, rules: &Arc<RuleSet>, samples: &[Sample]) -> Result<Played, Failure> {
    let mut stage = Stage::start(config, Arc::clone(rules))?;
    let start = kafka::steady_ms();
    let mut alerts = BTreeMap::new();
    for (number, slice) in samples.chunks(SLICE).enumerate() {
        stage.send(slice.iter().map(|sample| sample.payload.as_slice()))?;
        take(&mut alerts, stage.alerts(Duration::from_millis(20))?);
        let sent = (number * SLICE + slice.len()).min(samples.len());
        progress(slice.last().map_or(MIDNIGHT_MS, |sample| sample.at_ms), sent, samples.len(), alerts.len());
    }
    let (mut committed, mut since) = (stage.committed()?, kafka::steady_ms());
    while committed < samples.len() as u64 {
        take(&mut alerts, stage.alerts(Duration::from_millis(100))?);
        let now = stage.committed()?;
        if now > committed {
            (committed, since) = (now, kafka::steady_ms());
        } else if kafka::steady_ms() - since > PATIENCE_MS {
            return Err(Failure::new("the demo did not finish")
                .detail("The worker stopped reading.")
                .hint("Run it again with --set log.level=debug and report what it says."));
        }
    }
    // What time has to tell goes from shard to shard, once a second each.
    take(&mut alerts, stage.alerts(SETTLING)?);
    stage.finish()?;
    take(&mut alerts, stage.alerts(Duration::from_millis(300))?);
    let dead_letters = stage.dead_letters()?;
    let seconds = (kafka::steady_ms() - start) as f64 / 1_000.0;
    output::note("");
    Ok(Played { alerts: alerts.into_values().collect(), dead_letters, records: samples.len(), seconds })
}

/// The last word on each alert: an update comes under the id of the alert it updates.
fn take(alerts: &mut BTreeMap<(i64, String), Value>, payloads: Vec<Vec<u8>>) {
    for payload in payloads {
        let Ok(alert) = serde_json::from_slice::<Value>(&payload) else { continue };
        let id = alert.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let known = alerts.keys().find(|(_, known)| *known == id).cloned();
        let first = alert.pointer("/start_time").and_then(Value::as_i64).unwrap_or_default();
        alerts.insert(known.unwrap_or((first, id)), alert);
    }
}

fn progress(at_ms: i64, sent: usize, all: usize, alerts: usize) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let clock = crate::text::instant(at_ms);
    let clock = clock.get(5..16).unwrap_or_default().replace('T', " ");
    let done = sent * 30 / all.max(1);
    let bar = format!("{}{}", "█".repeat(done), "·".repeat(30 - done));
    // A terminal that went away takes the progress with it, nothing else.
    drop(write!(std::io::stderr(), "\r  {clock}  {bar}  {sent} records  {alerts} alerts "));
}

fn print(played: &Played, arguments: &DemoArgs) -> Result<(), Failure> {
    let mut out = Out::new();
    let colour = output::colour();
    for alert in &played.alerts {
        if arguments.json {
            out.line(&alert.to_string())?;
        } else {
            out.line(&finding::readable(alert, colour))?;
        }
    }
    out.flush()?;
    let rules: BTreeSet<&str> =
        played.alerts.iter().filter_map(|alert| alert.pointer("/metadata/event_code")?.as_str()).collect();
    let broken = if arguments.week { "" } else { " (two records were broken on purpose)" };
    output::note(&format!(
        "{} records in {:.1} s: {} alerts by {} rules, {} dead letters{broken}.",
        played.records,
        played.seconds,
        played.alerts.len(),
        rules.len(),
        played.dead_letters
    ));
    if arguments.week {
        rates(&played.alerts, &week(arguments));
        return Ok(());
    }
    output::note("\nWhere to go next:");
    output::note("  oktawatch demo --json | jq .              what stands on the topic");
    output::note("  oktawatch demo --write day.ndjson && oktawatch replay --rules detections day.ndjson");
    output::note("  oktawatch test detections                 the rules' own tests");
    output::note("  oktawatch run --config deploy/oktawatch.example.toml");
    Ok(())
}

/// How much of each level there is to look at, among so many people.
fn rates(alerts: &[Value], week: &demo::Week) {
    let mut levels: BTreeMap<(i64, &str), usize> = BTreeMap::new();
    for alert in alerts {
        let level = alert.pointer("/severity_id").and_then(Value::as_i64).unwrap_or_default();
        let name = alert.pointer("/severity").and_then(Value::as_str).unwrap_or_default();
        *levels.entry((-level, name)).or_default() += 1;
    }
    if levels.is_empty() {
        return;
    }
    output::note("For 1,000 users and day:");
    for ((_, name), count) in levels {
        let rate = count as f64 * 1_000.0 / (week.employees * week.days).max(1) as f64;
        output::note(&format!("  {rate:6.2}  {name}"));
    }
}

fn write(file: &Path, samples: &[Sample]) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for sample in samples {
        bytes.extend_from_slice(&sample.payload);
        bytes.push(b'\n');
    }
    fs::write(file, bytes)
        .map_err(|error| Failure::new(format!("cannot write {}", file.display())).detail(error))
}

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("oktawatch-demo-{}", std::process::id()));
        fs::create_dir_all(&path)
            .map_err(|error| Failure::new(format!("cannot create {}", path.display())).detail(error))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is some kilobytes in the system's temporary folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    fs::write(&path, bytes)
        .map_err(|error| Failure::new(format!("cannot write {}", path.display())).detail(error))?;
    Ok(path)
}
