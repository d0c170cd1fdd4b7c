//! Does it reach a cluster that wants TLS and a password?

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker::{self, Broker};
use crate::support::service::Site;
use crate::support::story::Story;

fn secured<'b>(broker: &'b Broker, name: &str, password: &str) -> Site<'b> {
    let mut site = Site::new(broker, name, 2);
    let file = site.file("password");
    // As mounted secrets often are: with a line end.
    std::fs::write(&file, format!("{password}\n")).unwrap();
    site.brokers = broker.secure_address();
    for (key, value) in [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", "oktawatch"),
        ("sasl.password_file", file.to_str().unwrap()),
        ("ssl.ca.location", broker.authority().to_str().unwrap()),
    ] {
        site.properties.push((key.to_owned(), value.to_owned()));
    }
    site
}

#[test]
#[ignore = "needs a real broker"]
fn tls_and_scram_with_the_password_in_a_file() {
    let (broker, _turn) = broker::turn();
    let site = secured(broker, "secure", "oktawatch-secret");
    let mut story = Story::singles("secure", 51, an_hour_ago(), 200);
    site.produce(&story.records(2));
    let service = site.run("one");
    site.wait_until_read();
    assert!(service.terminate().success());
    let alerts = alert::counted(&site.committed(&site.alerts()));
    assert_eq!(alerts, story.expected.iter().map(|alert| (alert.clone(), 1)).collect());
}

#[test]
#[ignore = "needs a real broker"]
fn a_wrong_password_is_told_and_never_shown() {
    let (broker, _turn) = broker::turn();
    let site = secured(broker, "refused", "sesame-open-not");
    let service = site.launch("one");
    let log =
        crate::support::wait_for("a word about authentication", std::time::Duration::from_secs(60), || {
            let log = service.log();
            log.to_lowercase().contains("authentication").then_some(log)
        });
    assert!(!log.contains("sesame-open-not"), "the password is in the log:\n{log}");
    assert_ne!(service.get("/readyz").0, 200);
}
