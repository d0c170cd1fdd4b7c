//! Where does a record go that cannot be understood?

use std::collections::BTreeMap;

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker;
use crate::support::service::Site;
use crate::support::story::Story;
use crate::support::topic::Record;

const POISON: &[(&[u8], &str)] = &[
    (b"this is not JSON at all", "not_json"),
    (br#"{"uuid":"4e3d8c1a-0000-0000-0000-000000000001","eventType":"user.sess"#, "not_json"),
    (br#"{"weather":"fine","temperature":21}"#, "unknown_envelope"),
    (br#"{"class_uid":3002,"metadata":{"product":{"vendor_name":"Okta"}},"unmapped":{}}"#, "other_schema"),
    (b"\x00\x00\x00\x00\x2a\x02\x10okta", "unsupported_encoding"),
    (b"\xff\xfe\xfd\x80", "not_json"),
];

#[test]
#[ignore = "needs a real broker"]
fn poison_goes_to_the_dead_letter_topic_whole_and_the_stream_goes_on() {
    let (broker, _turn) = broker::turn();
    let site = Site::new(broker, "poison", 1);
    let mut story = Story::singles("poison", 21, an_hour_ago(), 200);
    let mut records = story.records(1);
    let step = records.len() / (POISON.len() + 1);
    let mut offsets = BTreeMap::new();
    for (number, (payload, reason)) in POISON.iter().enumerate() {
        let place = (number + 1) * step;
        records.insert(place, Record { partition: 0, payload: payload.to_vec() });
        offsets.insert(place.to_string(), (payload.to_vec(), (*reason).to_owned()));
    }
    site.produce(&records);
    let service = site.run("one");
    site.wait_until_read();
    assert_eq!(service.get("/healthz").0, 200, "bad input does not make the program unhealthy");
    assert!(service.terminate().success());

    let letters = site.committed(&site.dead_letters());
    let seen: BTreeMap<String, (Vec<u8>, String)> = letters
        .iter()
        .map(|letter| {
            (letter.headers["offset"].clone(), (letter.payload.clone(), letter.headers["reason"].clone()))
        })
        .collect();
    assert_eq!(seen, offsets, "the original bytes, each with its reason and where it stood");
    for letter in &letters {
        assert_eq!(letter.headers["topic"], site.input());
        assert_eq!(letter.headers["partition"], "0");
        assert!(!letter.headers["detail"].is_empty());
    }
    let alerts = alert::counted(&site.committed(&site.alerts()));
    assert_eq!(alerts, story.expected.iter().map(|alert| (alert.clone(), 1)).collect());
}
