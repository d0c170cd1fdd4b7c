//! Is what comes out of a real cluster what must come out?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::an_hour_ago;
use crate::support::alert::{self, Found};
use crate::support::broker;
use crate::support::service::{Site, repository};
use crate::support::story::Story;
use crate::support::topic::{Message, Record};

/// What a decision takes that several levels of rules have to wait for, on a slow machine.
const SETTLING: Duration = Duration::from_secs(8);

fn payloads(messages: &[Message]) -> Vec<&[u8]> {
    messages.iter().map(|message| message.payload.as_slice()).collect()
}

fn lines(replayed: &std::process::Output) -> Vec<&[u8]> {
    replayed.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// Says of long lists only where they differ.
fn assert_same(replayed: &[Found], served: &[Found]) {
    let only_in = |these: &[Found], those: &[Found]| -> Vec<Found> {
        these.iter().filter(|found| !those.contains(found)).cloned().collect()
    };
    assert_eq!(only_in(replayed, served), [], "only the replay found these");
    assert_eq!(only_in(served, replayed), [], "only the service found these");
    assert_eq!(replayed.len(), served.len());
}

/// How many new alerts each rule has.
fn new_by_rule(alerts: &[Found]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for found in alerts.iter().filter(|found| found.activity == 1) {
        *counts.entry(found.rule.as_str()).or_default() += 1;
    }
    counts
}

fn run_over(site: &Site<'_>, records: &[Record]) -> Vec<Message> {
    site.produce(records);
    let service = site.run("one");
    site.wait_until_read();
    // What time has to tell goes from shard to shard, once a second for each level.
    std::thread::sleep(SETTLING);
    site.wait_until_read();
    assert!(service.terminate().success());
    site.committed(&site.alerts())
}

#[test]
#[ignore = "needs a real broker"]
fn a_stream_in_every_envelope_all_over_the_partitions_gives_every_alert_once_and_no_other() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "mixed", 6);
    let mut story = Story::morning("mixed", 1, an_hour_ago(), 600);
    let records = story.records_with_copies(6);
    let alerts = run_over(&site, &records);
    let expected: BTreeMap<_, _> = story.expected.iter().map(|alert| (alert.clone(), 1)).collect();
    assert_eq!(alert::counted(&alerts), expected);
    assert_eq!(site.committed(&site.dead_letters()).len(), 0, "every envelope is understood");
}

#[test]
#[ignore = "needs a real broker"]
fn a_replay_finds_what_the_service_found() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "replayed", 1);
    let mut story = Story::morning("replayed", 2, an_hour_ago(), 300);
    let records = story.records_with_copies(1);
    let alerts = alert::sorted(payloads(&run_over(&site, &records)));
    let replayed = site.replay(&records);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    assert_same(&alert::sorted(lines(&replayed)), &alerts);
    assert!(alerts.len() >= story.expected.len());
}

#[test]
#[ignore = "needs a real broker"]
fn the_shipped_detections_find_in_a_replay_what_they_find_in_the_service() {
    let (broker, _turn) = broker::turn();
    let mut site = Site::new(broker, "shipped", 1);
    site.rules = vec![repository("detections")];
    // Some rules are decided once their window is complete: a replay ends there, the service is shown that
    // time went on.
    let mut story = Story::morning("shipped", 3, an_hour_ago() - 3 * 3_600_000, 300);
    story.later(3);
    let records = story.records_with_copies(1);
    // A replay shows what is in shadow mode beside the rest.
    let committed = [run_over(&site, &records), site.committed(&site.shadow())].concat();
    let alerts = alert::sorted(payloads(&committed));
    let replayed = site.replay(&records);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    // Matches of many actors come to one key in another order than in a replay, as they come from several
    // shards: a threshold may be crossed by another event, so that only how many each rule has is compared.
    assert_eq!(new_by_rule(&alert::sorted(lines(&replayed))), new_by_rule(&alerts));
    let rules: BTreeSet<&str> = alerts.iter().map(|alert: &Found| alert.rule.as_str()).collect();
    assert!(rules.len() >= 2, "tokens and administrators are made in this story, yet only {rules:?} fired");
}
