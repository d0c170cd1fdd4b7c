//! Do rendered alerts look as agreed, and does what reads them accept them?
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and tells why")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use oktawatch::alert::{Database, DatabaseRole, OutRecord, Provenance, Renderer, sentence};
use oktawatch::config::{Format, Output};
use oktawatch::model;
use oktawatch::model::{Alert, DeadLetter, DeadLetterReason, Position};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::Value;

#[path = "alerts/samples.rs"]
mod samples;
#[path = "alerts/variety.rs"]
mod variety;

const FORMATS: [(Format, &str); 4] =
    [(Format::Ocsf, "ocsf"), (Format::Ecs, "ecs"), (Format::SplunkHec, "splunk_hec"), (Format::Flat, "flat")];

const OCSF_VERSIONS: [&str; 4] = ["1.5.0", "1.6.0", "1.7.0", "1.8.0"];

/// Alerts of each version that the validators read.
const VARIETY: usize = 300;

const TYPED: &str = "Winter2026!";

fn cases() -> Vec<(&'static str, Alert)> {
    let mut cases = vec![
        ("single", samples::single()),
        ("correlation", samples::correlation()),
        ("update", samples::update()),
        ("masked", samples::mistyped_password(TYPED)),
        ("long", samples::long()),
        ("listed", samples::listed()),
    ];
    for (_, alert) in &mut cases {
        alert.sentence = sentence(alert);
    }
    cases
}

fn renderer(output: &Output) -> Renderer {
    let city = Database {
        role: DatabaseRole::City,
        kind: "GeoLite2-City".to_owned(),
        path: "/var/lib/geoip/city.mmdb".to_owned(),
        built_ms: 1_785_801_600_000,
    };
    let asn = Database { role: DatabaseRole::Asn, kind: "GeoLite2-ASN".to_owned(), ..city.clone() };
    Renderer::new(output).with(Provenance { databases: vec![city, asn], rules_digest: "7f83b165".to_owned() })
}

fn output(format: Format) -> Output {
    Output { format, raw_event: true, ..Output::default() }
}

fn value(record: &OutRecord) -> Value {
    serde_json::from_slice(&record.payload).unwrap()
}

fn written(record: &OutRecord) -> String {
    let key = record.key.clone().unwrap_or_default();
    let headers: Vec<Vec<u8>> = record.headers.iter().map(|header| header.value.clone()).collect();
    let all = [key, headers.concat(), record.payload.clone()].concat();
    String::from_utf8(all).unwrap()
}

fn header<'r>(record: &'r OutRecord, name: &str) -> &'r str {
    let header = record.headers.iter().find(|header| header.name == name);
    header.map_or("", |header| std::str::from_utf8(&header.value).unwrap())
}

#[test]
fn a_mistyped_password_stays_masked_when_the_events_that_tell_of_it_are_left_out() {
    for (format, name) in FORMATS {
        let alert = samples::mistyped_password(TYPED);
        assert_eq!(alert.entity.value, TYPED.to_lowercase(), "the sample is about what was typed");
        for most in [0, 1] {
            let record = renderer(&output(format)).alert_showing(&alert, most);
            let written = written(&record).to_lowercase();
            assert!(!written.contains(&TYPED.to_lowercase()), "{name} {most}: {written}");
        }
    }
}

/// Run with `BLESS=1` to write the files anew after a change that is meant.
#[test]
fn every_format_shows_every_case_as_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts/golden");
    let bless = std::env::var_os("BLESS").is_some();
    fs::create_dir_all(&folder).unwrap();
    for (format, name) in FORMATS {
        let renderer = renderer(&output(format));
        for (case, alert) in cases() {
            let text = format!("{:#}\n", value(&renderer.alert(&alert)));
            // The product's version is not part of the shape.
            let text = text.replace(&format!("\"{}\"", env!("CARGO_PKG_VERSION")), "\"0.0.0\"");
            let file = folder.join(format!("{name}-{case}.json"));
            if bless {
                fs::write(&file, &text).unwrap();
            }
            let agreed = fs::read_to_string(&file).unwrap_or_default();
            assert!(text == agreed, "{} differs; got:\n{text}", file.display());
        }
    }
}

#[test]
fn the_record_is_keyed_by_the_entity_and_says_in_headers_what_it_is() {
    let record = renderer(&output(Format::Ocsf)).alert(&samples::correlation());
    assert_eq!(record.key.as_deref(), Some(&b"ana@example.com"[..]));
    assert_eq!(&*record.topic, "okta-alerts");
    for (name, expected) in [
        ("rule", "push-bombing"),
        ("severity", "high"),
        ("mode", "active"),
        ("content-type", "application/json"),
        ("schema-version", "ocsf-1.8.0"),
    ] {
        assert_eq!(header(&record, name), expected, "{name}");
    }
}

#[test]
fn an_alert_of_a_shadow_rule_goes_to_the_shadow_topic() {
    let record = renderer(&output(Format::Flat)).alert(&samples::long());
    assert_eq!((&*record.topic, header(&record, "mode")), ("okta-alerts-shadow", "shadow"));
}

#[test]
fn a_mistyped_password_stands_nowhere_in_any_format() {
    for (format, name) in FORMATS {
        let mut alert = samples::mistyped_password(TYPED);
        alert.sentence = format!("failed sign-ins as {TYPED}");
        let written = written(&renderer(&output(format)).alert(&alert)).to_lowercase();
        assert!(!written.contains(&TYPED.to_lowercase()), "{name}: {written}");
        assert!(written.contains("masked:"), "{name}");
    }
}

#[test]
fn the_login_of_a_known_user_is_shown_even_where_a_failure_names_nobody() {
    let mut alert = samples::correlation();
    let typed = samples::mistyped_password("ANA@example.com").evidence.remove(0);
    alert.evidence.insert(0, typed);
    let value = value(&renderer(&output(Format::Flat)).alert(&alert));
    assert_eq!(value["entity"], "ana@example.com");
}

#[test]
fn redacted_fields_are_masked_alike_wherever_their_values_stand() {
    for (format, name) in FORMATS {
        let redact = ["actor.alternateId", "actor.displayName", "client.ipAddress", "target.alternateId"];
        let redact = redact.map(str::to_owned).to_vec();
        let output = Output { redact, mask_secret: "pepper".to_owned(), ..output(format) };
        let mut masks = BTreeSet::new();
        for mut alert in [samples::correlation(), samples::single()] {
            alert.sentence = sentence(&alert);
            let record = renderer(&output).alert(&alert);
            let written = written(&record);
            for hidden in ["ana@example.com", "Ana Example", "203.0.113.7", "198.51.100.23"] {
                assert!(!written.contains(hidden), "{name}: {hidden} in {written}");
            }
            masks.insert(record.key);
        }
        assert_eq!(masks.len(), 1, "one user, one mask");
    }
}

#[test]
fn a_dead_letter_keeps_its_bytes_and_says_why_and_from_where() {
    let letter = DeadLetter {
        position: Position { topic: Arc::from("okta-events"), partition: 3, offset: 77, index: 2 },
        timestamp_ms: Some(samples::T0),
        reason: DeadLetterReason::NotJson,
        detail: "The JSON breaks off at byte 3.".to_owned(),
        payload: vec![b'{', 0xff, 0x00],
        key: Some(vec![0xfe]),
    };
    let record = renderer(&Output::default()).dead_letter(&letter);
    assert_eq!((record.payload.as_slice(), record.key.as_deref()), (&[b'{', 0xff, 0][..], Some(&[0xfe][..])));
    assert_eq!(&*record.topic, "okta-dead-letters");
    let headers: Vec<(&str, &str)> = record
        .headers
        .iter()
        .map(|one| (one.name.as_str(), std::str::from_utf8(&one.value).unwrap()))
        .collect();
    let expected = [
        ("reason", "not_json"),
        ("detail", "The JSON breaks off at byte 3."),
        ("topic", "okta-events"),
        ("partition", "3"),
        ("offset", "77"),
        ("index", "2"),
        ("timestamp", "1786636700353"),
    ];
    assert_eq!(headers, expected);
}

/// Every sample, and as many others as the validators can read in seconds.
fn variety() -> Vec<Alert> {
    let mut runner = TestRunner::deterministic();
    let strategy = variety::alert();
    let random = (0..VARIETY).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    cases().into_iter().map(|(_, alert)| alert).chain(random).collect()
}

/// The variety in one format, one alert a line, where the validators find it.
fn write_variety(format: Format, version: &str, name: &str) -> PathBuf {
    let renderer = renderer(&Output { ocsf_version: version.to_owned(), ..output(format) });
    let lines: Vec<String> =
        variety().iter().map(|alert| value(&renderer.alert(alert)).to_string()).collect();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("alerts-{name}.jsonl"));
    fs::write(&file, lines.join("\n")).unwrap();
    file
}

/// Whether the password was typed by a stranger, and is nobody's proven login.
fn holds_mistyped_password(alert: &Alert) -> bool {
    let typed = |unproven: bool| {
        let mut actors = alert.evidence.iter().map(|event| &event.actor);
        actors.any(|actor| actor.unproven == unproven && actor.login == TYPED)
    };
    typed(true) && !typed(false)
}

#[test]
fn any_alert_is_one_bounded_json_object_that_shows_no_mistyped_password() {
    let alerts = variety();
    let with_password = alerts.iter().filter(|alert| holds_mistyped_password(alert)).count();
    assert!(with_password > 10, "the variety shows too little: {with_password}");
    for (format, name) in FORMATS {
        let renderer = renderer(&output(format));
        for alert in &alerts {
            let record = renderer.alert(alert);
            assert!(value(&record).is_object(), "{name}");
            assert!(record.payload.len() <= oktawatch::limits::ALERT_BYTES, "{name}");
            let leaks = written(&record).to_lowercase().contains(&TYPED.to_lowercase());
            assert!(!(holds_mistyped_password(alert) && leaks), "{name}: {}", written(&record));
        }
    }
}

#[test]
#[ignore = "needs Python and its packages: tests/validate/setup.sh"]
fn two_independent_validators_accept_every_finding() {
    let files = OCSF_VERSIONS.map(|version| write_variety(Format::Ocsf, version, &format!("ocsf-{version}")));
    validate("ocsf.py", &files);
}

#[test]
#[ignore = "needs Python: tests/validate/setup.sh"]
fn every_ecs_field_has_the_type_that_the_schema_gives_it() {
    validate("ecs.py", &[write_variety(Format::Ecs, "1.8.0", "ecs")]);
}

fn validate(script: &str, files: &[PathBuf]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validate");
    let setup = Command::new(folder.join("setup.sh")).output().unwrap();
    assert!(setup.status.success(), "{}", String::from_utf8_lossy(&setup.stderr));
    let python = String::from_utf8(setup.stdout).unwrap();
    let run = Command::new(python.trim()).arg(folder.join(script)).args(files).output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    println!("{told}");
    assert!(run.status.success(), "{told}");
}
