//! Who brings events to Kafka, and who takes alerts from it?

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::broker::{any_port, script};
use super::process::Process;
use super::service::repository;
use super::wait_for;

/// A private rsyslog that follows one file and produces each line to a topic.
pub struct Rsyslog {
    process: Process,
}

impl Rsyslog {
    /// Starts it in `folder`.
    pub fn start(folder: &Path, follow: &Path, brokers: &str, topic: &str) -> Self {
        let config = folder.join("rsyslog.conf");
        std::fs::write(&config, rsyslog_config(folder, follow, brokers, topic)).unwrap();
        let mut command = Command::new("rsyslogd");
        command.arg("-n").arg("-f").arg(&config).arg("-i").arg(folder.join("rsyslog.pid"));
        Self { process: Process::start(&mut command, &folder.join("rsyslog.log")) }
    }

    /// Lets it finish what it has.
    pub fn stop(self) {
        self.process.terminate(Duration::from_secs(30));
    }
}

/// The example that the repository ships, with this test's file, broker and topic.
fn rsyslog_config(folder: &Path, follow: &Path, brokers: &str, topic: &str) -> String {
    let folder = folder.to_str().unwrap();
    let mut config = std::fs::read_to_string(repository("deploy/forwarders/rsyslog.conf")).unwrap();
    for (theirs, ours) in [
        ("/var/log/okta/*.jsonl", follow.to_str().unwrap()),
        ("localhost:9092", brokers),
        ("okta-events", topic),
        ("/var/lib/rsyslog", folder),
    ] {
        assert!(config.contains(theirs), "the example names {theirs}");
        config = config.replace(theirs, ours);
    }
    format!("global(workDirectory=\"{folder}\")\n{config}")
}

/// Kafka Connect standalone that writes a topic's records to a file, a line each.
pub struct Connect {
    process: Process,
    file: PathBuf,
}

impl Connect {
    /// Starts it in `folder`. It reads what is committed and nothing else.
    pub fn start(folder: &Path, brokers: &str, topic: &str) -> Self {
        let file = folder.join("sink.jsonl");
        let worker = folder.join("worker.properties");
        let connector = folder.join("sink.properties");
        let worker_text = format!(
            "bootstrap.servers={brokers}\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.storage.StringConverter\n\
             offset.storage.file.filename={}\n\
             offset.flush.interval.ms=500\n\
             consumer.isolation.level=read_committed\n\
             listeners=http://127.0.0.1:{}\n",
            folder.join("connect.offsets").display(),
            any_port(),
        );
        let connector_text = format!(
            "name=sink-{topic}\n\
             connector.class=org.apache.kafka.connect.file.FileStreamSinkConnector\n\
             tasks.max=1\n\
             topics={topic}\n\
             file={}\n",
            file.display(),
        );
        std::fs::write(&worker, worker_text).unwrap();
        std::fs::write(&connector, connector_text).unwrap();
        let mut command = script();
        command.arg("connect").arg(&worker).arg(&connector);
        Self { process: Process::start(&mut command, &folder.join("connect.log")), file }
    }

    /// The lines of its file, once there are at least so many.
    pub fn lines(&mut self, at_least: usize, limit: Duration) -> Vec<String> {
        wait_for("the connector to write all alerts", limit, || {
            assert!(self.process.is_running(), "Connect ended:\n{}", self.process.log());
            let text = std::fs::read_to_string(&self.file).unwrap_or_default();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            (lines.len() >= at_least).then_some(lines)
        })
    }
}
