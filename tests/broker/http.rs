//! What do a probe and a scrape see?

use crate::an_hour_ago;
use crate::support::broker;
use crate::support::service::Site;
use crate::support::story::Story;

/// The sum of a metric's series; nothing when there is none.
fn metric(page: &str, name: &str) -> Option<f64> {
    let values: Vec<f64> = page
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[test]
#[ignore = "needs a real broker"]
fn probes_are_green_and_metrics_count_what_went_through() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "http", 2);
    let mut story = Story::singles("http", 61, an_hour_ago(), 500);
    let mut records = story.records(2);
    records.push(crate::support::topic::Record { partition: 0, payload: b"poison".to_vec() });
    site.produce(&records);
    let service = site.run("one");
    site.wait_until_read();
    assert_eq!(service.get("/healthz").0, 200);
    assert_eq!(service.get("/readyz").0, 200);
    assert_eq!(service.get("/nothing-here").0, 404);
    let (status, page) = service.get("/metrics");
    assert_eq!(status, 200);
    assert_eq!(metric(&page, "oktawatch_records_consumed_total"), Some(records.len() as f64), "{page}");
    assert_eq!(metric(&page, "oktawatch_dead_letters_total"), Some(1.0), "{page}");
    assert_eq!(metric(&page, "oktawatch_alerts_total"), Some(story.expected.len() as f64), "{page}");
    assert!(service.terminate().success());
}
