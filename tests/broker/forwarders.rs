//! Do real programs at both ends fit?

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker;
use crate::support::forwarder::{Connect, Rsyslog};
use crate::support::service::Site;
use crate::support::story::Story;
use crate::support::topic::{self, Isolation};
use crate::support::wait_for;

#[test]
#[ignore = "needs a real broker and rsyslog"]
fn what_rsyslog_forwards_from_a_file_alerts() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "rsyslog", 3);
    let story = Story::singles("rsyslog", 41, an_hour_ago(), 300);
    let follow = site.file("okta.log");
    std::fs::write(&follow, "").unwrap();
    let rsyslog = Rsyslog::start(site.file("").as_path(), &follow, &broker.address(), &site.input());
    let mut file = std::fs::File::options().append(true).open(&follow).unwrap();
    for event in &story.events {
        writeln!(file, "{event}").unwrap();
    }
    wait_for("rsyslog to forward every line", Duration::from_secs(60), || {
        let forwarded = topic::read(&broker.address(), &site.input(), Isolation::Uncommitted);
        (forwarded.len() >= story.events.len()).then_some(())
    });
    rsyslog.stop();
    let service = site.run("one");
    site.wait_until_read();
    assert!(service.terminate().success());
    let alerts = alert::counted(&site.committed(&site.alerts()));
    assert_eq!(alerts.into_keys().collect::<BTreeSet<_>>(), story.expected);
    assert_eq!(site.committed(&site.dead_letters()).len(), 0);
}

#[test]
#[ignore = "needs a real broker"]
fn kafka_connect_writes_down_the_very_alerts_that_were_committed() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "connect", 3);
    let mut story = Story::morning("connect", 42, an_hour_ago(), 200);
    let records = story.records(3);
    let service = site.run("one");
    let mut connect = Connect::start(site.file("").as_path(), &broker.address(), &site.alerts());
    site.produce(&records);
    site.wait_until_read();
    assert!(service.terminate().success());
    let mut committed: Vec<String> = site
        .committed(&site.alerts())
        .into_iter()
        .map(|message| String::from_utf8(message.payload).unwrap())
        .collect();
    assert!(committed.len() >= story.expected.len());
    let mut written = connect.lines(committed.len(), Duration::from_secs(60));
    committed.sort();
    written.sort();
    assert_eq!(written, committed);
}
