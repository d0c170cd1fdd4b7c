//! What is one run, from nothing to its verdict?

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::cluster::{BROKERS, Cluster};
use crate::instances::Instances;
use crate::load::{self, Load};
use crate::plan::{self, Lane, Scenario};
use crate::settings::Settings;
use crate::support::service::{Site, repository};
use crate::support::topic::{Message, Producer};
use crate::support::wait_for;
use crate::unread;
use crate::verdict::{self, Told, Verdict};

const PARTITIONS: i32 = 6;
/// Events are produced until the last fault: in the time that the faults would take if nothing had to be
/// waited for. What is left for the end then goes slowly until they are over.
const SHORTEST: Duration = Duration::from_secs(10);
const PORTIONS: u32 = 80;
const FOR_THE_END: u32 = 20;
/// A quiet time after which no more alerts are expected: several times what a decision takes.
const QUIET: Duration = Duration::from_secs(6);
/// A worker that stands still says so after two minutes.
const CATCH_UP: Duration = Duration::from_secs(300);

/// How a run went.
pub struct Outcome {
    /// What went wrong on purpose.
    pub scenario: &'static str,
    /// What it was drawn from.
    pub seed: u64,
    /// Records in the input topic.
    pub events: usize,
    /// About the alerts.
    pub verdict: Verdict,
    /// From the last fault, or the last event where that came later, until all was read.
    pub caught_up: Duration,
    /// What had to be done to the instances besides.
    pub remarks: Vec<String>,
    /// Why it failed, when it did for another reason than alerts.
    pub trouble: Option<String>,
    /// Where the logs are, unless all was as it should be.
    pub kept: Option<PathBuf>,
}

impl Outcome {
    /// Whether all is as it should be.
    pub fn is_good(&self) -> bool {
        self.trouble.is_none() && self.verdict.is_good()
    }
}

/// Runs a scenario. Whatever happens in it, the cluster is whole afterwards.
pub fn run(cluster: &Cluster, scenario: Scenario, seed: u64, settings: &Settings) -> Outcome {
    let name = format!("{}-{seed}-{}", scenario.name, jiff::Timestamp::now().as_second());
    let mut site = Site::new(&cluster.broker, &name, PARTITIONS);
    site.brokers = cluster.broker.proxied_address();
    site.rules = settings.rules.iter().map(|rules| repository(rules)).collect();
    site.properties.extend_from_slice(&settings.properties);
    site.settings = format!("{}[engine]\nworkers = {}\n", load::SETTINGS, settings.workers);
    let load = Load::new(seed, settings.events, PARTITIONS);
    let mut outcome = Outcome {
        scenario: scenario.name,
        seed,
        events: load.all().len(),
        verdict: Verdict::default(),
        caught_up: Duration::ZERO,
        remarks: Vec::new(),
        trouble: None,
        kept: None,
    };
    let instances = Instances::new(cluster, &site, settings.verbose);
    let lanes = scenario.lanes(seed);
    let played = caught(|| play(&instances, &site, &load, &lanes, settings.instances));
    let mut shown = instances.shown(played.is_err());
    if played.is_err() {
        // Something may be left broken.
        caught(|| cluster.heal()).ok();
    }
    let positions = unread::positions_and_ends(&site.address(), &site);
    shown.push(("positions.tsv".to_owned(), positions.unwrap_or_else(|error| error.to_string())));
    // Also where not all was read: what is there may be wrong already.
    let judged = caught(|| judge(&site, &load));
    let rest = caught(|| check_the_rest(&instances, &site, &load));
    instances.note("judged");
    let mut troubles = Vec::new();
    outcome.caught_up = played.unwrap_or_else(|trouble| put(&mut troubles, trouble));
    outcome.verdict = judged.unwrap_or_else(|trouble| put(&mut troubles, trouble));
    troubles.extend(rest.unwrap_or_else(|trouble| vec![trouble]));
    outcome.remarks = instances.remarks();
    outcome.trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
    if !outcome.is_good() || !outcome.remarks.is_empty() {
        outcome.kept = Some(keep(cluster, &site, &instances, &outcome, shown));
    }
    // A machine on which nothing else works any more has no whole cluster either.
    if let Err(trouble) = caught(|| cluster.heal()) {
        outcome.trouble =
            Some(outcome.trouble.map_or(trouble.clone(), |first| format!("{first}; {trouble}")));
    }
    instances.note("healed");
    outcome
}

/// What a panic says in the place of an answer.
fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| words(&*panic))
}

fn put<T: Default>(troubles: &mut Vec<String>, trouble: String) -> T {
    troubles.push(trouble);
    T::default()
}

/// Events and faults, until all is read; how long that took after the last of them.
fn play(instances: &Instances<'_>, site: &Site<'_>, load: &Load, lanes: &[Lane], begin: usize) -> Duration {
    instances.begin(begin);
    let over = plan::length(lanes).max(SHORTEST);
    let left = AtomicUsize::new(lanes.len());
    std::thread::scope(|scope| {
        let producing = scope.spawn(|| produce(instances, site, load, over, &left));
        let breaking: Vec<ScopedJoinHandle<'_, ()>> =
            lanes.iter().map(|lane| go_through(scope, instances, lane, &left)).collect();
        // A panic in one of them goes on here with its words.
        for lane in breaking.into_iter().chain([producing]) {
            lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    instances.note("all events are there, and all is whole");
    let start = Instant::now();
    wait_for("the group to read all there is", CATCH_UP, || {
        instances.tend();
        is_read(site).then_some(())
    });
    let caught_up = start.elapsed();
    instances.note("all is read");
    wait_for("alerts to cease", CATCH_UP, || {
        instances.tend();
        let before = written(site);
        std::thread::sleep(QUIET);
        (is_read(site) && before.is_some() && before == written(site)).then_some(())
    });
    caught_up
}

fn go_through<'scope>(
    scope: &'scope Scope<'scope, '_>,
    instances: &'scope Instances<'_>,
    lane: &'scope Lane,
    left: &'scope AtomicUsize,
) -> ScopedJoinHandle<'scope, ()> {
    scope.spawn(|| {
        let done = catch_unwind(AssertUnwindSafe(|| instances.go_through(lane)));
        left.fetch_sub(1, Ordering::SeqCst);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    })
}

/// In small portions, slowly, so that whatever is done falls in the middle of something.
fn produce(instances: &Instances<'_>, site: &Site<'_>, load: &Load, over: Duration, left: &AtomicUsize) {
    let producer = Producer::new(&site.address());
    let portion = load.records.len().div_ceil(PORTIONS as usize).max(1);
    for (number, records) in (0..).zip(load.records.chunks(portion)) {
        let start = Instant::now();
        producer.produce(&site.input(), records);
        let is_last = number >= PORTIONS - FOR_THE_END;
        let pause = if is_last { over * 3 / FOR_THE_END } else { over / (PORTIONS - FOR_THE_END) };
        while start.elapsed() < pause && !(is_last && left.load(Ordering::SeqCst) == 0) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    producer.produce(&site.input(), &load.last);
    instances.note("all events are produced");
}

fn is_read(site: &Site<'_>) -> bool {
    unread::is_none(&site.address(), site)
}

/// How much there is in the topics of alerts; unknown while the cluster does not answer.
fn written(site: &Site<'_>) -> Option<i64> {
    unread::offsets(&site.address(), &[site.alerts(), site.shadow()]).ok()
}

fn alerts(site: &Site<'_>) -> Vec<Message> {
    [site.committed(&site.alerts()), site.committed(&site.shadow())].concat()
}

fn judge(site: &Site<'_>, load: &Load) -> Verdict {
    let served: Vec<Told> = alerts(site).iter().map(|message| verdict::told(&message.payload)).collect();
    let replayed = site.replay(&load.all());
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let lines = replayed.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let expected: Vec<Told> = lines.map(verdict::told).collect();
    verdict::of(&expected, &served)
}

/// What else must be so at the end of a run.
fn check_the_rest(instances: &Instances<'_>, site: &Site<'_>, load: &Load) -> Vec<String> {
    let mut troubles = Vec::new();
    let there = site.committed(&site.input()).len();
    if there != load.all().len() {
        troubles.push(format!("{there} records in the input topic, {} were produced", load.all().len()));
    }
    let dead = site.committed(&site.dead_letters()).len();
    if dead > 0 {
        troubles.push(format!("{dead} dead letters"));
    }
    troubles.extend(instances.end().iter().map(|name| format!("{name} did not end in order")));
    troubles
}

/// Puts all that may tell why it failed into a folder.
fn keep(
    cluster: &Cluster,
    site: &Site<'_>,
    instances: &Instances<'_>,
    outcome: &Outcome,
    shown: Vec<(String, String)>,
) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults").join(site.name());
    std::fs::create_dir_all(&folder).unwrap();
    let write = |file: &str, text: &[u8]| std::fs::write(folder.join(file), text).unwrap();
    for entry in std::fs::read_dir(site.file("")).unwrap().flatten() {
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    for node in 0..BROKERS {
        std::fs::copy(cluster.broker.log(node), folder.join(format!("broker-{node}.log"))).ok();
    }
    for (file, text) in shown {
        write(&file, text.as_bytes());
    }
    write("diary.txt", instances.diary().as_bytes());
    write("verdict.tsv", outcome.verdict.details().as_bytes());
    write("trouble.txt", outcome.trouble.clone().unwrap_or_default().as_bytes());
    // The cluster may be what is broken.
    let read = caught(|| alerts(site));
    let lines: Vec<Vec<u8>> = read.unwrap_or_default().into_iter().map(|alert| alert.payload).collect();
    write("alerts.jsonl", &lines.join(&b'\n'));
    folder
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").lines().next().unwrap_or_default().to_owned()
}
