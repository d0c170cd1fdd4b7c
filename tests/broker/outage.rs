//! What happens while the broker is away?

use std::time::Duration;

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker;
use crate::support::service::Site;
use crate::support::story::Story;

#[test]
#[ignore = "needs a real broker"]
fn a_broker_that_stops_in_the_middle_and_comes_back_costs_no_alert() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "outage", 4);
    let mut story = Story::singles("outage", 31, an_hour_ago(), 4_000);
    let records = story.records(4);
    let (before, after) = records.split_at(records.len() / 2);
    let mut service = site.run("one");
    site.produce(before);
    broker.stop();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(service.get("/healthz").0, 200, "a broker that is away is no reason to restart the program");
    broker.start();
    site.produce(after);
    site.wait_until_read();
    assert!(service.is_running(), "{}", service.log());
    assert!(service.terminate().success());
    let alerts = alert::counted(&site.committed(&site.alerts()));
    assert_eq!(alerts, story.expected.iter().map(|alert| (alert.clone(), 1)).collect());
}
