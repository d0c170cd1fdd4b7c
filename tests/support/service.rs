//! How is the program run, and what does it say?

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use tempfile::TempDir;

use super::broker::{Broker, any_port};
use super::process::Process;
use super::topic::{self, Isolation, Message, Record};
use super::wait_for;

const READY: Duration = Duration::from_secs(60);
/// Time for a debug build on a busy machine to work off what a test produces.
const WORK: Duration = Duration::from_secs(180);

/// One use of the program: topics, group and files that no other test shares.
pub struct Site<'b> {
    broker: &'b Broker,
    name: String,
    folder: TempDir,
    /// Librdkafka properties, over those that all tests have.
    pub properties: Vec<(String, String)>,
    /// Bootstrap servers as the configuration names them.
    pub brokers: String,
    /// Rule files and folders.
    pub rules: Vec<PathBuf>,
    /// Further lines of the configuration.
    pub settings: String,
}

/// The program as a process.
pub struct Service {
    process: Process,
    port: u16,
}

impl<'b> Site<'b> {
    /// Names everything after the test, and creates the input topic.
    pub fn new(broker: &'b Broker, name: &str, partitions: i32) -> Self {
        let site = Self {
            broker,
            name: name.to_owned(),
            folder: tempfile::tempdir().unwrap(),
            // The program knows from statistics that nothing more comes.
            properties: [("session.timeout.ms", "6000"), ("statistics.interval.ms", "500")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            brokers: broker.address(),
            rules: vec![repository("tests/broker-rules")],
            settings: String::new(),
        };
        topic::create(&broker.address(), &site.input(), partitions, broker.replicas());
        site
    }

    /// What its topics, its group and its instances begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The brokers, as a test reaches them itself.
    pub fn address(&self) -> String {
        self.broker.address()
    }

    /// The topic that events come from.
    pub fn input(&self) -> String {
        format!("{}-events", self.name)
    }

    /// The topic of alerts.
    pub fn alerts(&self) -> String {
        format!("{}-alerts", self.name)
    }

    /// The topic of alerts of rules in shadow mode.
    pub fn shadow(&self) -> String {
        format!("{}-shadow", self.name)
    }

    /// The topic of what could not be understood.
    pub fn dead_letters(&self) -> String {
        format!("{}-dead-letters", self.name)
    }

    /// The consumer group.
    pub fn group(&self) -> String {
        format!("{}-group", self.name)
    }

    /// A file of this test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Produces to the input topic.
    pub fn produce<'a>(&self, records: impl IntoIterator<Item = &'a Record>) {
        topic::produce(&self.broker.address(), &self.input(), records);
    }

    /// Waits until the group has read the input topic to its end, and what its shards sent each other.
    pub fn wait_until_read(&self) {
        let state = format!("{}-repartition", self.group());
        for topic in [&self.input(), &state] {
            topic::wait_until_read(&self.broker.address(), &self.group(), topic, WORK);
        }
    }

    /// How many records the group has still to read.
    pub fn lag(&self) -> i64 {
        topic::lag(&self.broker.address(), &self.group(), &self.input())
    }

    /// What a consumer of committed records sees in a topic.
    pub fn committed(&self, topic: &str) -> Vec<Message> {
        topic::read(&self.broker.address(), topic, Isolation::Committed)
    }

    /// Starts the program and waits until it is ready. Instances have different names.
    pub fn run(&self, instance: &str) -> Service {
        let service = self.launch(instance);
        service.wait_until_ready()
    }

    /// Starts the program.
    pub fn launch(&self, instance: &str) -> Service {
        let port = any_port();
        let config = self.file(&format!("{instance}.toml"));
        std::fs::write(&config, self.config(instance, port)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_oktawatch"));
        command.args(["run", "--config"]).arg(&config);
        Service { process: Process::start(&mut command, &self.file(&format!("{instance}.log"))), port }
    }

    /// Runs the same rules over the same records, without a broker.
    pub fn replay(&self, records: &[Record]) -> Output {
        let file = self.file("records.jsonl");
        let lines: Vec<&[u8]> = records.iter().map(|record| record.payload.as_slice()).collect();
        std::fs::write(&file, [lines.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
        let config = self.file("replay.toml");
        std::fs::write(&config, self.config("replay", any_port())).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_oktawatch"));
        command.arg("replay").arg("--config").arg(&config).arg(&file).output().unwrap()
    }

    fn config(&self, instance: &str, port: u16) -> String {
        let properties: Vec<String> =
            self.properties.iter().map(|(key, value)| format!("{key:?} = {value:?}")).collect();
        let rules: Vec<String> = self.rules.iter().map(|path| format!("{:?}", path.display())).collect();
        format!(
            r#"
[kafka]
brokers = "{brokers}"
group = "{group}"
instance_id = "{name}-{instance}"
properties = {{ {properties} }}
[input]
topics = ["{input}"]
# Some envelopes name the tenant and others do not; here all are of one.
org = "acme.okta.com"
[output]
alerts = "{alerts}"
shadow = "{shadow}"
dead_letters = "{dead_letters}"
[state]
partitions = 3
# Few, so that a shard goes on from keys and from steps.
checkpoint_inputs = 100
replication = {replication}
[rules]
paths = [{rules}]
[http]
listen = "127.0.0.1:{port}"
[log]
level = "info"
{settings}
"#,
            brokers = self.brokers,
            group = self.group(),
            name = self.name,
            properties = properties.join(", "),
            input = self.input(),
            alerts = self.alerts(),
            shadow = self.shadow(),
            dead_letters = self.dead_letters(),
            replication = self.broker.replicas(),
            rules = rules.join(", "),
            settings = self.settings,
        )
    }
}

impl Service {
    fn wait_until_ready(mut self) -> Self {
        wait_for("the program to be ready", READY, || {
            assert!(self.process.is_running(), "the program ended:\n{}", self.process.log());
            (self.get("/readyz").0 == 200).then_some(())
        });
        self
    }

    /// Status and body of a page; status 0 when nobody answers.
    pub fn get(&self, path: &str) -> (u16, String) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return (0, String::new()) };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        if asked.is_err() || stream.read_to_string(&mut answer).is_err() {
            return (0, answer);
        }
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, body.to_owned())
    }

    /// SIGKILL.
    pub fn kill(self) {
        self.process.kill();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(self) -> ExitStatus {
        self.process.terminate(Duration::from_secs(30))
    }

    /// SIGSTOP: it stands still and knows nothing of it.
    pub fn pause(&self) {
        self.process.signal("STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// What it logged last.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
