//! Does what is half known outlive the process that knew it?
//!
//! A user's failures, and those that come from one address, are counted in shards; so is what a user has
//! yet to do. Each test has some of it seen by one process and the rest by another.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker;
use crate::support::events::{Happening, Okta};
use crate::support::service::{Service, Site};
use crate::support::topic::Record;
use crate::support::wait_for;

const PARTITIONS: i32 = 4;

const RULES: &str = "
title: Failed sign-in
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b31
name: failure
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start, outcome.result: FAILURE}, condition: selection}
---
title: Many failures of one user
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b32
name: failures-of-user
correlation:
  type: event_count
  rules: failure
  group-by: [actor.alternateId]
  timespan: 30m
  condition: {gte: 6}
---
title: Many users fail from one address
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b33
name: users-of-address
correlation:
  type: value_count
  rules: failure
  group-by: [client.ipAddress]
  timespan: 30m
  condition: {field: actor.alternateId, gte: 6}
---
title: Sign-in
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b34
name: sign-in
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start, outcome.result: SUCCESS}, condition: selection}
---
title: Failures and no sign-in
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b35
name: failures-and-nothing
correlation:
  type: absence
  trigger: failures-of-user
  absent: sign-in
  within: 40m
  group-by: [actor.alternateId]
  generate: true
";

/// Twelve users fail six times each, at addresses of six users each, all over the partitions.
fn failures(seed: u64) -> Vec<Record> {
    let (mut okta, start_ms) = (Okta::new("acme", seed), an_hour_ago());
    let mut records = Vec::new();
    for turn in 0..6 {
        for user in 0..12_i64 {
            let (actor, ip) = (format!("user-{user}@example.com"), format!("203.0.113.{}", user / 6));
            let at_ms = start_ms + turn * 60_000 + user * 1_000;
            let what =
                Happening { kind: "user.session.start", actor: &actor, ip: &ip, at_ms, result: "FAILURE" };
            let partition = i32::try_from((turn + user) % i64::from(PARTITIONS)).unwrap();
            records.push(Record { partition, payload: okta.event(&what).to_string().into_bytes() });
        }
    }
    records
}

fn site<'b>(broker: &'b broker::Broker, name: &str) -> Site<'b> {
    let mut site = Site::new(broker, name, PARTITIONS);
    site.settings = "[time]\nidle_timeout = \"1s\"\n[engine]\nworkers = 2".to_owned();
    site.rules = vec![site.file("rules.yml")];
    std::fs::write(site.file("rules.yml"), RULES).unwrap();
    site
}

/// Waits until a process has all shards. What comes for partitions that nobody reads is late by the time
/// somebody does, if it is as old as here and the partitions were idle before.
fn wait_until_alone(service: &Service) {
    wait_for("the last process to have all shards", Duration::from_secs(90), || {
        let (_, metrics) = service.get("/metrics");
        let running = metrics.lines().filter(|line| line.starts_with("oktawatch_shards{state=\"running\""));
        let shards: f64 = running.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        (shards >= 3.0 && service.get("/readyz").0 == 200).then_some(())
    });
}

/// How often each rule fired for how many keys.
fn told(site: &Site<'_>) -> BTreeMap<(String, String), usize> {
    let mut told = BTreeMap::new();
    for message in site.committed(&site.alerts()) {
        let found = alert::found(&message.payload);
        if found.activity == 1 {
            *told.entry((found.rule, message.key)).or_default() += 1;
        }
    }
    told
}

fn expected() -> BTreeMap<(String, String), usize> {
    let mut expected = BTreeMap::new();
    for user in 0..12 {
        for rule in ["failures-of-user", "failures-and-nothing"] {
            expected.insert((rule.to_owned(), format!("user-{user}@example.com")), 1);
        }
    }
    for address in 0..2 {
        expected.insert(("users-of-address".to_owned(), format!("203.0.113.{address}")), 1);
    }
    expected
}

fn wait_for_keys(site: &Site<'_>) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while told(site).len() < expected().len() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
    }
    site.wait_until_read();
}

/// Waits for what only time tells, and shows what is lacking if it does not come.
fn wait_for_all(site: &Site<'_>) {
    wait_for_keys(site);
    assert_eq!(told(site), expected());
}

#[test]
#[ignore = "needs a real broker"]
fn windows_outlive_processes_that_are_killed() {
    let (broker, _turn) = broker::turn();
    let site = site(broker, "windows");
    let records = failures(41);
    for part in records.chunks(records.len() / 3) {
        site.produce(part);
        let service = site.run("one");
        site.wait_until_read();
        service.kill();
    }
    let service = site.run("one");
    wait_for_all(&site);
    assert!(service.terminate().success());
}

/// A second process joins, the first ends, and all that they saw together is told.
fn move_shards(site: &Site<'_>, seed: u64, end: impl FnOnce(Service)) {
    let records = failures(seed);
    let (first, rest) = records.split_at(records.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let one = site.run("one");
    site.produce(first);
    site.wait_until_read();
    let two = site.run("two");
    site.produce(second);
    site.wait_until_read();
    end(one);
    wait_until_alone(&two);
    site.produce(third);
    wait_for_all(site);
    assert!(two.terminate().success());
}

#[test]
#[ignore = "needs a real broker"]
fn shards_move_between_processes_that_come_and_go() {
    let (broker, _turn) = broker::turn();
    move_shards(&site(broker, "shards"), 42, Service::kill);
}

/// The protocol of groups in which the broker assigns partitions (KIP-848).
#[test]
#[ignore = "needs a real broker"]
fn shards_move_under_the_new_protocol_of_groups_too() {
    let (broker, _turn) = broker::turn();
    let mut site = site(broker, "protocol");
    site.properties.retain(|(key, _)| key != "session.timeout.ms");
    site.properties.push(("group.protocol".to_owned(), "consumer".to_owned()));
    move_shards(&site, 43, |one| assert!(one.terminate().success()));
}

#[test]
#[ignore = "needs a real broker"]
fn without_transactions_nothing_is_lost_and_repeats_have_the_same_id() {
    let (broker, _turn) = broker::turn();
    let mut site = site(broker, "repeats");
    site.settings.push_str("\ndelivery = \"at_least_once\"");
    let records = failures(44);
    for part in records.chunks(records.len() / 3) {
        site.produce(part);
        let service = site.run("one");
        wait_for("something to be read", Duration::from_secs(60), || (site.lag() < 20).then_some(()));
        service.kill();
    }
    let service = site.run("one");
    wait_for_keys(&site);
    assert!(service.terminate().success());
    let keys: Vec<(String, String)> = told(&site).into_keys().collect();
    assert_eq!(keys, expected().into_keys().collect::<Vec<_>>());
    let mut ids: BTreeMap<String, (String, String)> = BTreeMap::new();
    for message in site.committed(&site.alerts()) {
        let found = alert::found(&message.payload);
        if found.activity == 1 {
            let known = (found.rule, message.key);
            assert_eq!(*ids.entry(found.id).or_insert_with(|| known.clone()), known);
        }
    }
    assert_eq!(ids.len(), expected().len(), "an alert that came twice has one id");
}
