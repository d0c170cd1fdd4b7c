//! Is every alert there once, whatever happens to the process?

use std::collections::BTreeMap;
use std::time::Duration;

use crate::an_hour_ago;
use crate::support::alert::{self, Expected};
use crate::support::broker;
use crate::support::service::Site;
use crate::support::story::Story;
use crate::support::topic::Record;
use crate::support::wait_for;

const PARTITIONS: u64 = 4;

fn once_each(story: &Story) -> BTreeMap<Expected, usize> {
    story.expected.iter().map(|alert| (alert.clone(), 1)).collect()
}

/// Produces in the background, slowly enough that what the test does falls in the middle.
fn produce_slowly<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    site: &'scope Site<'scope>,
    records: &'scope [Record],
    over: Duration,
) -> std::thread::ScopedJoinHandle<'scope, ()> {
    scope.spawn(move || {
        let chunk = records.len().div_ceil(40);
        for part in records.chunks(chunk) {
            site.produce(part);
            std::thread::sleep(over / 40);
        }
    })
}

/// Waits until the program has committed some of what there is, and not all.
fn wait_until_some_is_read(site: &Site<'_>, before: usize) -> usize {
    wait_for("more alerts", Duration::from_secs(60), || {
        let alerts = site.committed(&site.alerts()).len();
        (alerts > before).then_some(alerts)
    })
}

#[test]
#[ignore = "needs a real broker"]
fn a_process_killed_again_and_again_neither_loses_nor_repeats_an_alert() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "killed", 4);
    let mut story = Story::singles("killed", 11, an_hour_ago(), 6_000);
    let records = story.records(PARTITIONS);
    std::thread::scope(|scope| {
        let producing = produce_slowly(scope, &site, &records, Duration::from_secs(12));
        let mut seen = 0;
        for _ in 0..3 {
            let service = site.run("one");
            seen = wait_until_some_is_read(&site, seen);
            service.kill();
        }
        producing.join().unwrap();
    });
    assert!(site.lag() > 0, "the last kill left something to do");
    let service = site.run("one");
    site.wait_until_read();
    assert!(service.terminate().success());
    assert_eq!(alert::counted(&site.committed(&site.alerts())), once_each(&story));
}

#[test]
#[ignore = "needs a real broker"]
fn a_process_told_to_end_commits_what_it_has_and_the_next_goes_on_there() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "ended", 4);
    let mut story = Story::singles("ended", 12, an_hour_ago(), 4_000);
    let records = story.records(PARTITIONS);
    std::thread::scope(|scope| {
        let producing = produce_slowly(scope, &site, &records, Duration::from_secs(8));
        let mut seen = 0;
        for _ in 0..3 {
            let service = site.run("one");
            seen = wait_until_some_is_read(&site, seen);
            let ended = service.terminate();
            assert_eq!(ended.code(), Some(0), "ended in order");
        }
        producing.join().unwrap();
    });
    let service = site.run("one");
    site.wait_until_read();
    assert!(service.terminate().success());
    assert_eq!(alert::counted(&site.committed(&site.alerts())), once_each(&story));
}

#[test]
#[ignore = "needs a real broker"]
fn when_one_of_two_processes_dies_the_other_takes_over_without_loss_or_repetition() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "shared", 4);
    let mut story = Story::singles("shared", 13, an_hour_ago(), 4_000);
    let records = story.records(PARTITIONS);
    std::thread::scope(|scope| {
        let first = site.run("one");
        let second = site.run("two");
        let producing = produce_slowly(scope, &site, &records, Duration::from_secs(8));
        wait_until_some_is_read(&site, 0);
        first.kill();
        producing.join().unwrap();
        site.wait_until_read();
        assert!(second.terminate().success());
    });
    assert_eq!(alert::counted(&site.committed(&site.alerts())), once_each(&story));
}
