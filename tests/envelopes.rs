//! Does every envelope a forwarder writes give the events it holds, and everything else its reason?
//!
//! `tests/envelopes/` holds one sample for each form. Every event in them is the same sign-in (but
//! for its uuid), so that one check of its fields serves them all.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod envelope_cases;

use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use envelope_cases::{BAD, GOOD};
use oktawatch::limits;
use oktawatch::model::{DeadLetterReason, Event, FieldTable, Header, KEYWORDS, Position, RawRecord, core};
use oktawatch::source::{Options, Read, Reader};
use proptest::prelude::*;

const PUBLISHED_MS: i64 = 1_786_636_700_353;

fn reader(options: Options) -> Reader {
    let mut table = FieldTable::default();
    for field in [core::ENRICHED_RISK_LEVEL, core::ENRICHED_BEHAVIORS_POSITIVE] {
        let path = table.path(field).to_owned();
        table.read(&path).unwrap();
    }
    Reader::new(Arc::new(table), options)
}

fn record(payload: impl Into<Vec<u8>>) -> RawRecord {
    let position = Position { topic: "okta-events".into(), partition: 3, offset: 42, index: 0 };
    RawRecord { position, payload: payload.into(), ..RawRecord::default() }
}

fn read(payload: impl Into<Vec<u8>>) -> Read {
    reader(Options::default()).read(&record(payload))
}

fn sample(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/envelopes/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn raw() -> String {
    String::from_utf8(sample("00-raw.json")).unwrap().trim().to_owned()
}

fn reasons(read: &Read) -> Vec<DeadLetterReason> {
    read.dead_letters.iter().map(|letter| letter.reason).collect()
}

fn texts(event: &Event, field: oktawatch::model::FieldId) -> Vec<String> {
    event.fields.values(field).map(|value| value.to_string()).collect()
}

fn check_event(file: &str, event: &Event) {
    assert_eq!(event.published_ms, PUBLISHED_MS, "{file}");
    assert!(event.uuid.starts_with("5f1d2c3b-7a90-11f0"), "{file}: {}", event.uuid);
    let expected = [
        (core::EVENT_TYPE, "user.session.start"),
        (core::ACTOR_ID, "00u1anaA2bC3dE4fG5h6"),
        (core::ACTOR_ALTERNATE_ID, "ana@example.com"),
        (core::CLIENT_IP, "203.0.113.7"),
        (core::CLIENT_CITY, "Lisbon"),
        (core::OUTCOME_RESULT, "SUCCESS"),
        (core::REQUEST_URI, "/idp/idx/identify"),
        (core::ENRICHED_RISK_LEVEL, "MEDIUM"),
    ];
    for (field, text) in expected {
        assert_eq!(event.fields.text(field), Some(text), "{file}: field {}", field.index());
    }
    assert!(!event.fields.exists(core::CLIENT_ZONE), "{file}");
    assert_eq!(texts(event, core::TARGET_TYPE), ["AppInstance", "User"], "{file}");
    assert_eq!(texts(event, core::TARGET_ALTERNATE_ID), ["Example Portal", "ana@example.com"], "{file}");
    assert_eq!(texts(event, core::ENRICHED_BEHAVIORS_POSITIVE), ["New Device", "New IP"], "{file}");
}

#[test]
fn every_envelope_gives_its_events() {
    for (file, envelope, events, org, lossy) in GOOD {
        let read = read(sample(file));
        assert_eq!(
            reasons(&read),
            [],
            "{file}: {:?}",
            read.dead_letters.first().map(|letter| &letter.detail)
        );
        assert_eq!((read.events.len(), read.skipped), (*events, 0), "{file}");
        for (index, event) in read.events.iter().enumerate() {
            check_event(file, event);
            assert_eq!(event.envelope, *envelope, "{file}");
            assert_eq!(event.org.as_deref(), *org, "{file}");
            assert_eq!(event.fields.text(core::ENRICHED_ORG), *org, "{file}");
            assert_eq!(event.lossy, *lossy, "{file}");
            assert_eq!(event.position.index as usize, index, "{file}");
            assert_eq!((event.position.partition, event.position.offset), (3, 42), "{file}");
        }
    }
}

#[test]
fn keywords_see_what_every_envelope_holds() {
    let mut table = FieldTable::default();
    let keywords = table.read(KEYWORDS).unwrap();
    let searching = Reader::new(Arc::new(table), Options::default());
    for (file, ..) in GOOD {
        let plain = read(sample(file));
        let read = searching.read(&record(sample(file)));
        assert_eq!(read.events.len(), plain.events.len(), "{file}");
        for (event, plain) in read.events.iter().zip(&plain.events) {
            let words = texts(event, keywords);
            for word in ["user.session.start", "ana@example.com", "203.0.113.7", "Lisbon", "Example Portal"] {
                assert!(words.iter().any(|known| known == word), "{file}: {word} in {words:?}");
            }
            assert!(
                !words.iter().any(|word| ["unknown", "null", "-", ""].contains(&word.as_str())),
                "{file}"
            );
            assert_eq!((&event.uuid, event.published_ms), (&plain.uuid, plain.published_ms), "{file}");
            for field in [core::TARGET_ALTERNATE_ID, core::REQUEST_URI, core::CLIENT_ZONE, core::RISK] {
                assert_eq!(texts(event, field), texts(plain, field), "{file}");
            }
        }
    }
}

#[test]
fn what_is_no_event_of_okta_gets_its_reason() {
    for (file, reason, word) in BAD {
        let read = read(sample(file));
        assert_eq!(reasons(&read), [*reason], "{file}");
        assert!(read.events.is_empty(), "{file}");
        let letter = &read.dead_letters[0];
        assert!(letter.detail.contains(word), "{file}: {}", letter.detail);
        assert_eq!(letter.payload, sample(file), "{file}");
    }
}

#[test]
fn every_sample_is_in_a_table() {
    let listed = GOOD.iter().map(|good| good.0).chain(BAD.iter().map(|bad| bad.0));
    let mut listed: Vec<_> = listed.chain(["08-splunk-hec-siblings.json"]).map(str::to_owned).collect();
    let folder = format!("{}/tests/envelopes", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    let mut files: Vec<_> = files.map(|file| file.into_string().unwrap()).collect();
    files.sort_unstable();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn records_of_users_and_groups_are_skipped_and_counted() {
    let read = read(sample("08-splunk-hec-siblings.json"));
    assert_eq!((read.events.len(), read.dead_letters.len(), read.skipped), (0, 0, 4));
}

#[test]
fn records_without_content_are_skipped() {
    for payload in ["", "  \n", "[]", "{\"Records\":[]}", "{\"streams\":[]}"] {
        let read = read(payload);
        assert_eq!((read.events.len(), read.dead_letters.len(), read.skipped), (0, 0, 1), "{payload}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn one_event(payload: impl Into<Vec<u8>>) -> Event {
    let mut read = read(payload);
    assert_eq!(reasons(&read), []);
    assert_eq!(read.events.len(), 1);
    let event = read.events.remove(0);
    check_event("built", &event);
    event
}

#[test]
fn compressed_payloads_are_unpacked_and_named_by_what_they_hold() {
    assert_eq!(one_event(gzip(raw().as_bytes())).envelope, "raw");
    assert_eq!(
        one_event(zstd::encode_all(&*sample("08-splunk-hec.json"), 3).unwrap()).envelope,
        "splunk_hec"
    );
    assert_eq!(one_event(gzip(&gzip(raw().as_bytes()))).envelope, "raw");
    let push = serde_json::json!({"message": {"data": base64(&gzip(raw().as_bytes()))}});
    assert_eq!(one_event(push.to_string()).envelope, "pubsub");
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn envelopes_within_envelopes_are_named_by_the_outermost() {
    let hec = String::from_utf8(sample("08-splunk-hec.json")).unwrap();
    let fluent_bit = serde_json::json!({"date": 1_786_636_700.3, "log": hec});
    let event = one_event(fluent_bit.to_string());
    assert_eq!((event.envelope.as_str(), event.org.as_deref()), ("fluent_bit", Some("acme")));

    let push =
        serde_json::json!({"message": {"data": base64(&sample("13-eventbridge.json"))}, "subscription": "s"});
    let event = one_event(push.to_string());
    assert_eq!((event.envelope.as_str(), event.org.as_deref()), ("pubsub", Some("acme")));

    let twice = serde_json::to_string(&serde_json::to_string(&raw()).unwrap()).unwrap();
    assert_eq!(one_event(twice).envelope, "json_string");
    assert_eq!(
        one_event([b"\0\0\0\0\x07".as_slice(), raw().as_bytes()].concat()).envelope,
        "schema_registry_json"
    );
    assert_eq!(one_event(format!("\u{feff} {}", raw())).envelope, "raw");
}

#[test]
fn an_object_that_holds_one_event_under_any_key_gives_it() {
    let event: serde_json::Value = serde_json::from_str(&raw()).unwrap();
    assert_eq!(
        one_event(serde_json::json!({"_index": "x", "_source": event}).to_string()).envelope,
        "nested_object"
    );
    let two = serde_json::json!({"a": event, "b": event}).to_string();
    assert_eq!(reasons(&read(two)), [DeadLetterReason::UnknownEnvelope]);
}

#[test]
fn one_bad_element_of_many_goes_alone() {
    let compact: serde_json::Value = serde_json::from_str(&raw()).unwrap();
    let good = compact.to_string();
    let read = read(format!("{good}\n{{\"eventType\":\"x\",broken}}\n{good}\nnot json\n{good}\n{{\"a\":1}}"));
    assert_eq!(read.events.len(), 3);
    assert_eq!(read.events.iter().map(|event| event.position.index).collect::<Vec<_>>(), [0, 2, 4]);
    let letters: Vec<_> = read
        .dead_letters
        .iter()
        .map(|letter| (letter.reason, String::from_utf8_lossy(&letter.payload)))
        .collect();
    let expected = [
        (DeadLetterReason::NotJson, "{\"eventType\":\"x\",broken}"),
        (DeadLetterReason::NotJson, "not json"),
        (DeadLetterReason::UnknownEnvelope, "{\"a\":1}"),
    ];
    assert_eq!(letters.len(), 3);
    for ((reason, payload), (expected_reason, expected_payload)) in letters.iter().zip(expected) {
        assert_eq!((*reason, payload.as_ref()), (expected_reason, expected_payload));
    }
}

#[test]
fn a_batch_that_breaks_off_gives_what_stands_before_the_break() {
    let array = sample("01-json-array.json");
    let cut = &array[..array.len() - 500];
    let read = read(cut);
    assert_eq!(read.events.len(), 2);
    assert_eq!(reasons(&read), [DeadLetterReason::NotJson]);
    assert!(read.dead_letters[0].payload.starts_with(b"{"));
}

#[test]
fn a_truncated_event_is_one_dead_letter_with_all_its_bytes() {
    let whole = raw();
    for len in [1, 2, 20, whole.len() / 2, whole.len() - 1] {
        let read = read(&whole.as_bytes()[..len]);
        assert_eq!(reasons(&read), [DeadLetterReason::NotJson], "{len}");
        assert_eq!(read.dead_letters[0].payload, &whole.as_bytes()[..len]);
    }
}

#[test]
fn what_lacks_its_type_or_time_is_incomplete() {
    let no_time = r#"{"uuid":"1","eventType":"user.session.start","actor":{"id":"1"}}"#;
    let no_type = r#"{"uuid":"1","published":"2026-08-13T15:58:20Z","actor":{},"client":{},"outcome":null}"#;
    assert_eq!(reasons(&read(no_time)), [DeadLetterReason::Incomplete]);
    assert_eq!(reasons(&read(no_type)), [DeadLetterReason::Incomplete]);
}

#[test]
fn sparse_events_pass() {
    let json = r#"{"eventType":"brand.new.type","published":"2026-08-13T15:58:20.35Z","version":0,"client":{},
        "outcome":null,"target":null,"debugContext":{},"actor":{"id":"unknown"}}"#;
    let read = read(json);
    assert_eq!(read.events.len(), 1, "{:?}", read.dead_letters);
    assert_eq!(read.events[0].published_ms, PUBLISHED_MS - 3);
    assert_eq!(read.events[0].uuid.len(), 36);
    assert!(!read.events[0].fields.exists(core::ACTOR_ID));
}

#[test]
fn bombs_stop_at_the_bound() {
    let zeros = vec![b' '; limits::UNPACKED_BYTES + 1];
    assert_eq!(reasons(&read(gzip(&zeros))), [DeadLetterReason::TooLarge]);
    assert_eq!(reasons(&read(zstd::encode_all(&*zeros, 1).unwrap())), [DeadLetterReason::TooLarge]);
    let mut nested = raw().into_bytes();
    for _ in 0..=limits::ENVELOPE_DEPTH {
        nested = gzip(&nested);
    }
    assert_eq!(reasons(&read(nested)), [DeadLetterReason::TooDeep]);
}

#[test]
fn envelopes_nested_beyond_the_bound_are_a_dead_letter() {
    let nested = |depth: usize| {
        (0..depth).fold(raw(), |inner, _| {
            serde_json::json!({"sourcetype": "OktaIM2:log", "event": inner}).to_string()
        })
    };
    assert_eq!(read(nested(limits::ENVELOPE_DEPTH)).events.len(), 1);
    assert_eq!(reasons(&read(nested(limits::ENVELOPE_DEPTH + 1))), [DeadLetterReason::TooDeep]);
    assert_eq!(reasons(&read("[".repeat(1_000_000))), [DeadLetterReason::NotJson]);
    assert_eq!(reasons(&read("{\"a\":".repeat(500_000))), [DeadLetterReason::NotJson]);
}

#[test]
fn the_elements_beyond_the_bound_are_one_dead_letter() {
    let event = r#"{"uuid":"1","eventType":"a","published":"2026-08-13T15:58:20Z"}"#;
    let events = vec![event; limits::EVENTS_PER_RECORD + 2].join(",");
    let read = read(format!("[{events}]"));
    assert_eq!(read.events.len(), limits::EVENTS_PER_RECORD);
    assert_eq!(reasons(&read), [DeadLetterReason::TooLarge]);
    assert_eq!(read.dead_letters[0].payload, format!("{event},{event}]").as_bytes());
}

#[test]
fn a_record_over_the_bound_is_a_dead_letter() {
    let options = Options { max_record_bytes: 100, ..Options::default() };
    let read = reader(options).read(&record(raw()));
    assert_eq!(reasons(&read), [DeadLetterReason::TooLarge]);
}

#[test]
fn binary_encodings_that_are_not_read_are_named() {
    let snappy = b"\x82SNAPPY\0\0\0\0\x01".as_slice();
    for bytes in [b"\0\0\0\0\x07\x02\x48abc", snappy, b"Obj\x01abc", b"\x85\xa4uuid", b"\x04\x22\x4d\x18abc"]
    {
        assert_eq!(reasons(&read(bytes)), [DeadLetterReason::UnsupportedEncoding], "{bytes:?}");
    }
    let broken = &gzip(raw().as_bytes())[..100];
    assert_eq!(reasons(&read(broken)), [DeadLetterReason::UnsupportedEncoding]);
    let base64 = serde_json::json!({"message": {"data": "%%%"}, "subscription": "s"}).to_string();
    assert_eq!(reasons(&read(base64)), [DeadLetterReason::UnsupportedEncoding]);
}

#[test]
fn poison_gets_a_reason_and_keeps_its_bytes() {
    let cases: [(&[u8], DeadLetterReason); 8] = [
        (b"\xff\xfe\xfd", DeadLetterReason::NotJson),
        (b"hello", DeadLetterReason::NotJson),
        (b"{}", DeadLetterReason::UnknownEnvelope),
        (b"42", DeadLetterReason::NotJson),
        (b"{\"message\":\"User logged in\"}", DeadLetterReason::UnknownEnvelope),
        (b"CEF:0|Okta|x|1|login|login|3|", DeadLetterReason::OtherSchema),
        (b"<134>1 - - - - - - LEEF:2.0|Okta|", DeadLetterReason::OtherSchema),
        (b"{\"p_log_type\":\"AWS.CloudTrail\"}", DeadLetterReason::OtherSchema),
    ];
    for (bytes, reason) in cases {
        let read = read(bytes);
        assert_eq!(reasons(&read), [reason], "{}", String::from_utf8_lossy(bytes));
        assert_eq!(read.dead_letters[0].payload, bytes);
    }
}

#[test]
fn bytes_that_are_not_utf8_do_not_hide_an_event() {
    let mut bytes = raw().into_bytes();
    let at = raw().find("ExampleBrowser").unwrap();
    bytes[at] = 0xff;
    let event = one_event(bytes);
    assert!(event.fields.text(core::CLIENT_USER_AGENT).unwrap().contains('\u{fffd}'));
}

#[test]
fn the_tenant_comes_from_configuration_then_header_then_envelope_then_topic() {
    let mut record = record(sample("13-eventbridge.json"));
    record.headers = vec![Header { name: "okta-org".into(), value: b"beta.okta.com".to_vec() }];
    record.position.topic = "delta.okta.com".into();
    let org =
        |options: Options, record: &RawRecord| reader(options).read(record).events[0].org.clone().unwrap();
    let header = Options { org_header: Some("okta-org".into()), ..Options::default() };
    let fixed = Options { org: Some("alpha".into()), ..header.clone() };
    assert_eq!(&*org(fixed, &record), "alpha");
    assert_eq!(&*org(header, &record), "beta");
    assert_eq!(&*org(Options::default(), &record), "acme");
    record.payload = sample("00-raw.json");
    assert_eq!(&*org(Options::default(), &record), "delta");
}

#[test]
fn the_event_s_json_is_kept_when_it_is_wanted() {
    let options = Options { keep_raw: true, ..Options::default() };
    let read = reader(options).read(&record(serde_json::json!({"log": raw(), "date": 1}).to_string()));
    assert_eq!(read.events[0].raw.as_deref(), Some(raw().as_str()));
    assert!(one_event(raw()).raw.is_none());
}

#[test]
fn an_event_hook_s_chain_of_addresses_is_read_where_rules_look_for_it() {
    let read = read(sample("15-event-hook.json"));
    assert_eq!(texts(&read.events[0], core::IP_CHAIN), ["203.0.113.7", "2001:db8::7"]);
}

fn accounted(read: &Read) -> bool {
    !read.events.is_empty() || !read.dead_letters.is_empty() || read.skipped > 0
}

/// A sample with some of its bytes replaced, removed or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let file = prop::sample::select(GOOD.iter().map(|good| good.0).collect::<Vec<_>>());
    (file, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6)).prop_map(
        |(file, edits)| {
            let mut bytes = sample(file);
            for (at, byte, kind) in edits {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at + 1),
                }
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_accounted_for(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(accounted(&read(bytes)));
    }

    #[test]
    fn any_text_is_accounted_for(text in "(\\PC|[\\[\\]{}\",:\\\\\n<>0-9])*") {
        prop_assert!(accounted(&read(text)));
    }

    #[test]
    fn damaged_samples_are_accounted_for(bytes in damaged()) {
        prop_assert!(accounted(&read(bytes)));
    }
}
