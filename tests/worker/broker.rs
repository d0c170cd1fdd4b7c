//! Does exactly-once hold against a real broker, whatever dies?
//!
//! These tests need a cluster: start one and set `TEST_KAFKA_BROKERS` to its bootstrap servers,
//! then `cargo test --test worker -- --ignored`. Each test has topics and a group of its own. Two of
//! them stop the broker for a while with a signal: `TEST_KAFKA_PID` says which process that is; they
//! are best run by themselves (`silence`), the others with `--skip silence`.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::support::{Kafka, Running, garbage, instance};
use oktawatch::config::{self, Config};
use oktawatch::telemetry::WorkerState;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A cluster with topics and a group that no other test has.
struct Own {
    kafka: Kafka,
    config: Config,
}

impl Own {
    fn new(test: &str) -> Self {
        let brokers = variable("TEST_KAFKA_BROKERS").expect("TEST_KAFKA_BROKERS is not set");
        let kafka = Kafka::at(&brokers);
        let stem = format!("{test}-{}-{}", std::process::id(), oktawatch::kafka::wall_ms());
        let mut config = super::support::config(&brokers);
        config.kafka.group = stem.clone();
        config.state.repartition = format!("{}-repartition", config.kafka.group);
        config.state.changelog = format!("{}-changelog", config.kafka.group);
        config.kafka.instance_id = format!("{stem}-first");
        config.input.topics = vec![format!("{stem}-in")];
        config.output.alerts = format!("{stem}-alerts");
        config.output.shadow = format!("{stem}-shadow");
        config.output.dead_letters = format!("{stem}-dead");
        let own = Self { kafka, config };
        own.create(&own.input(), &[]);
        own
    }

    fn create(&self, topic: &str, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.kafka.client().create().unwrap();
        let mut new = NewTopic::new(topic, 2, TopicReplication::Fixed(1));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let options = AdminOptions::new();
        runtime.block_on(admin.create_topics([&new], &options)).unwrap().remove(0).unwrap();
    }

    fn input(&self) -> String {
        self.config.input.topics[0].clone()
    }

    fn start(&self) -> Running {
        Running::start(self.config.clone())
    }

    fn send(&self, numbers: std::ops::Range<usize>) {
        self.kafka.send(&self.input(), &garbage(numbers));
    }

    fn out(&self, least: usize) -> Vec<String> {
        self.kafka.texts(&self.config.output.dead_letters, least)
    }

    fn committed(&self) -> i64 {
        self.kafka.committed(&self.config.kafka.group, &self.input(), 2)
    }

    /// The whole service as a process of its own.
    fn process(&self) -> Process {
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), toml::to_string(&self.config).unwrap()).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "broker::the_service_as_a_process"])
            .env("TEST_SERVICE_CONFIG", file.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Process { child, _file: file }
    }
}

struct Process {
    child: Child,
    _file: tempfile::NamedTempFile,
}

impl Process {
    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Not a test of its own: what [`Own::process`] runs.
#[test]
#[ignore = "run by other tests as a process"]
fn the_service_as_a_process() {
    let Some(file) = variable("TEST_SERVICE_CONFIG") else { return };
    let config = config::load(&[file.into()], &[]).unwrap();
    oktawatch::run::run(config, std::sync::Arc::default()).unwrap();
}

#[test]
#[ignore = "needs a broker"]
fn offsets_and_outputs_are_committed_together_and_a_restart_goes_on() {
    let own = Own::new("restart");
    own.send(0..500);
    let running = own.start();
    assert_eq!(own.out(500), garbage(0..500));
    running.stop().unwrap();
    assert_eq!(own.committed(), 500);
    own.send(500..700);
    let running = own.start();
    assert_eq!(own.out(700), garbage(0..700));
    running.stop().unwrap();
    assert_eq!(own.committed(), 700);
}

#[test]
#[ignore = "needs a broker"]
fn missing_output_topics_are_created_or_named() {
    let mut own = Own::new("topics");
    own.config.state.create_topics = false;
    let failure = own.start().ended().unwrap_err();
    assert_eq!(failure.primary, "topics are missing");
    assert!(failure.detail.unwrap().contains(&own.config.output.dead_letters));
    own.config.state.create_topics = true;
    let running = own.start();
    running.until("it has joined", |state| state == WorkerState::Running);
    own.send(0..10);
    assert_eq!(own.out(10), garbage(0..10));
    running.stop().unwrap();
}

#[test]
#[ignore = "needs a broker"]
fn a_process_killed_again_and_again_loses_and_doubles_nothing() {
    let mut own = Own::new("kill");
    // Small transactions, so that each kill finds one open.
    own.config.engine.commit_records = 20;
    own.create(&own.config.output.dead_letters, &[]);
    let total = 20_000;
    for round in 0..5 {
        let process = own.process();
        own.send(round * total / 5..(round + 1) * total / 5);
        let before = own.committed();
        let deadline = Instant::now() + Duration::from_secs(30);
        while own.committed() < before + 100 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        process.signal("-KILL");
    }
    let mut process = own.process();
    assert_eq!(own.out(total), garbage(0..total));
    process.signal("-TERM");
    assert!(process.ended().success());
    assert_eq!(own.committed() as usize, total);
}

#[test]
#[ignore = "needs a broker"]
fn members_that_come_and_go_lose_and_double_nothing() {
    let own = Own::new("members");
    let first = own.start();
    first.until("it has joined", |state| state == WorkerState::Running);
    let name = |number: usize| format!("{}-{number}", own.config.kafka.group);
    for round in 0..4 {
        let other = Running::start(instance(own.config.clone(), &name(round)));
        own.send(round * 2_000..round * 2_000 + 1_000);
        other.until("it has joined", |state| state == WorkerState::Running);
        own.send(round * 2_000 + 1_000..(round + 1) * 2_000);
        other.stop().unwrap();
    }
    assert_eq!(own.out(8_000), garbage(0..8_000));
    first.stop().unwrap();
    assert_eq!(own.committed(), 8_000);
}

#[test]
#[ignore = "needs a broker"]
fn a_second_process_of_the_same_name_fences_the_first_and_nothing_is_doubled() {
    let own = Own::new("fence");
    let first = own.start();
    first.until("it has joined", |state| state == WorkerState::Running);
    own.send(0..500);
    assert_eq!(own.out(500), garbage(0..500));
    let second = own.start();
    own.send(500..1_000);
    assert_eq!(own.out(1_000), garbage(0..1_000));
    first.stop().unwrap();
    second.stop().unwrap();
}

#[test]
#[ignore = "needs a broker"]
fn an_output_that_is_too_large_goes_out_shorter_and_holds_nothing_up() {
    let own = Own::new("large");
    own.create(&own.config.output.dead_letters, &[("max.message.bytes", "100000")]);
    // Random letters, as the broker measures what is left after compression.
    let mut state = 7_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(33 + (state >> 33) as u8 % 90)
    };
    let large: String = (0..600_000).map(|_| letter()).collect();
    own.kafka.send(&own.input(), &["first".to_owned(), large.clone(), "last".to_owned()]);
    let running = own.start();
    let texts = own.out(3);
    assert_eq!(texts.len(), 3);
    assert!(texts.contains(&"first".to_owned()) && texts.contains(&"last".to_owned()));
    assert!(texts.iter().any(|text| text.len() == 64 * 1024 && large.starts_with(text.as_str())));
    let shrunk = format!("oktawatch_outputs_shrunk_total{{topic=\"{}\"}} 1", own.config.output.dead_letters);
    assert!(running.metric(&shrunk));
    running.stop().unwrap();
    assert_eq!(own.committed(), 3);
}

#[test]
#[ignore = "needs a broker"]
fn lag_falls_to_zero_and_goes_when_the_partition_goes() {
    let own = Own::new("lag");
    own.send(0..100);
    let running = own.start();
    own.out(100);
    let line = |partition: i32| {
        format!("oktawatch_consumer_lag_records{{partition=\"{partition}\",topic=\"{}\"}} 0", own.input())
    };
    running.until("both partitions show a lag of 0", |_| {
        (0..2).all(|partition| running.metric(&line(partition)))
    });
    running.stop().unwrap();
}

#[test]
#[ignore = "needs a broker"]
fn an_input_topic_that_comes_later_is_read_from_its_beginning() {
    let mut own = Own::new("later");
    own.config.input.topics = vec![format!("{}-later", own.config.kafka.group)];
    let running = own.start();
    running.until("it asks for the topic", |state| state == WorkerState::Joining);
    own.create(&own.input(), &[]);
    own.send(0..10);
    assert_eq!(own.out(10), garbage(0..10));
    running.stop().unwrap();
}

/// Two silences at once would be one without an end.
static SILENCE: Mutex<()> = Mutex::new(());

/// A worker that is in the midst of transactions while the broker falls silent three times.
fn through_silence(test: &str, session_ms: u32) -> Running {
    let broker = variable("TEST_KAFKA_PID").expect("TEST_KAFKA_PID is not set");
    let signal = |signal: &str| {
        assert!(Command::new("kill").args([signal, &broker]).status().unwrap().success());
    };
    let _one_at_a_time = SILENCE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut own = Own::new(test);
    own.config.engine.commit_records = 10;
    own.config.kafka.properties.insert("session.timeout.ms".to_owned(), session_ms.to_string());
    let running = own.start();
    running.until("it has joined", |state| state == WorkerState::Running);
    for round in 0..3 {
        own.send(round * 4_000..(round + 1) * 4_000);
        thread::sleep(Duration::from_millis(300));
        signal("-STOP");
        thread::sleep(Duration::from_secs(12));
        signal("-CONT");
    }
    assert_eq!(own.out(12_000), garbage(0..12_000));
    assert!(running.alive());
    running
}

#[test]
#[ignore = "needs a broker"]
fn a_silence_shorter_than_the_session_costs_nothing_at_all() {
    let running = through_silence("silent", 45_000);
    assert!(running.metric("oktawatch_batches_lost_total{worker=\"0\"} 0"), "the state was kept");
    running.stop().unwrap();
}

#[test]
#[ignore = "needs a broker"]
fn a_silence_that_costs_the_partitions_loses_and_doubles_nothing() {
    through_silence("lost", 6_000).stop().unwrap();
}
