//! Who brings events to Kafka, and who takes alerts from it?

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::broker::{any_port, script};
use super::process::Process;
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

fn rsyslog_config(folder: &Path, follow: &Path, brokers: &str, topic: &str) -> String {
    format!(
        r#"
$MaxMessageSize 256k
global(workDirectory="{folder}")
module(load="imfile")
module(load="omkafka")
template(name="record" type="list") {{
  constant(value="{{\"host\":\"")
  property(name="hostname" format="json")
  constant(value="\",\"msg\":\"")
  property(name="msg" format="json")
  constant(value="\"}}")
}}
input(type="imfile" file="{follow}" tag="okta" ruleset="okta")
ruleset(name="okta") {{
  action(type="omkafka" broker=["{brokers}"] topic="{topic}" template="record"
         partitions.auto="on" resubmitOnFailure="on" confParam=["compression.codec=lz4"])
}}
"#,
        folder = folder.display(),
        follow = follow.display(),
    )
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
