//! What do the shipped rules make of a week in which nobody means any harm?
//!
//! Whatever they raise here costs an analyst's time and finds nothing. `cargo test --test week -- --nocapture`
//! prints the figures by rule.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and tells why")]
#![allow(clippy::print_stdout, reason = "a test that also measures")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use oktawatch::config::{Config, Site};
use oktawatch::demo::{self, Sample, Week};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Alert, Input, Level, Mode, Position, RawRecord};
use oktawatch::rule;

/// 4 January 2027, a Monday.
const MONDAY_MS: i64 = 1_799_020_800_000;
/// Records in one step of the shard.
const BATCH: usize = 1_000;
/// Sentences of each rule that are printed.
const SHOWN: usize = 5;
/// Alerts of level medium for 1,000 users and day, about what users do. A company of 200 then sees less than one in
/// five days.
const MEDIUM_MOST: f64 = 1.0;
/// Rules of level medium that tell of each such change of the tenant: one a week or two, whoever does it.
const OF_CHANGES: [&str; 3] = ["admin-role-user", "api-token-created", "zone-changed"];

fn config(name: &str, sites: Vec<Site>) -> Config {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let databases = demo::databases(MONDAY_MS.cast_unsigned() / 1_000).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        Some(path)
    };
    let mut config = Config::default();
    config.geoip.city = put("city.mmdb", &databases.city);
    config.geoip.asn = put("asn.mmdb", &databases.asn);
    config.geoip.anonymous = put("anonymous.mmdb", &databases.anonymous);
    config.geoip.sites = sites;
    config
}

/// The alerts that the shipped rules raise, shadows left out.
fn alerts(config: &Config, samples: &[Sample]) -> Vec<Alert> {
    let rules = rule::load(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("detections")]);
    let rules = Arc::new(rules.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")));
    let geoip = Arc::new(GeoIp::open(&config.geoip).unwrap());
    let mut shard = Shard::new(config, rules, geoip);
    let topic: Arc<str> = Arc::from("okta-events");
    let mut offsets = 0_i64..;
    let mut alerts = Vec::new();
    let records = samples.chunks(BATCH).map(|slice| {
        let record = |(sample, offset): (&Sample, i64)| {
            let position = Position { topic: Arc::clone(&topic), partition: 0, offset, index: 0 };
            Input::Record(RawRecord { position, payload: sample.payload.clone(), ..RawRecord::default() })
        };
        slice.iter().zip(offsets.by_ref()).map(record).collect::<Vec<Input>>()
    });
    let end = vec![Input::Complete { upto_ms: samples.last().unwrap().at_ms }];
    for batch in records.chain([end]) {
        let effects = shard.step(batch);
        assert!(effects.dead_letters.is_empty(), "{:?}", effects.dead_letters);
        let loud = |alert: &Alert| alert.activity == Activity::Create && alert.rule.mode == Mode::Active;
        alerts.extend(effects.alerts.into_iter().filter(loud));
    }
    alerts
}

/// Alerts of one rule: their level, and what each says.
type Figures = BTreeMap<String, (Level, Vec<String>)>;

fn by_rule(alerts: &[Alert]) -> Figures {
    let mut figures = Figures::new();
    for alert in alerts {
        let at = jiff::Timestamp::from_millisecond(alert.fired_at_ms).unwrap();
        let of_rule = || (alert.rule.level, Vec::new());
        let (_, said) = figures.entry(alert.rule.name.to_string()).or_insert_with(of_rule);
        said.push(format!("{at} {}", alert.sentence));
    }
    figures
}

/// Alerts for 1,000 users and day.
fn rate(alerts: usize, week: &Week) -> f64 {
    alerts as f64 * 1_000.0 / (week.employees * week.days) as f64
}

/// Plays a week and prints its figures.
fn measured(seed: u64, sites: Vec<Site>, week: &Week) -> Figures {
    let samples = demo::week(seed, MONDAY_MS, week);
    let name = format!("week-{seed}-{}-{}-{}-{}", week.employees, week.days, week.roaming, sites.len());
    let figures = by_rule(&alerts(&config(&name, sites), &samples));
    println!("{name}: {} events of {} employees in {} days", samples.len(), week.employees, week.days);
    for level in [Level::High, Level::Medium, Level::Low] {
        let of_level =
            figures.values().filter(|(of, _)| *of == level || (level == Level::High && *of > level));
        let alerts: usize = of_level.map(|(_, said)| said.len()).sum();
        println!("  {:6.2} for 1,000 users and day: all of {level:?}", rate(alerts, week));
    }
    for (rule, (level, said)) in &figures {
        println!("  {:6.2} for 1,000 users and day: {rule} ({level:?})", rate(said.len(), week));
        said.iter().take(SHOWN).for_each(|one| println!("           {one}"));
    }
    figures
}

/// Whatever calls for an analyst at once must be silent; of what waits for the morning, there may be little.
fn assert_calm(figures: &Figures, week: &Week) {
    let of = |wanted: fn(Level) -> bool| figures.iter().filter(move |(_, (level, _))| wanted(*level));
    let loud: Vec<_> = of(|level| level >= Level::High).collect();
    assert!(loud.is_empty(), "{loud:#?}");
    let of_users =
        of(|level| level == Level::Medium).filter(|(rule, _)| !OF_CHANGES.contains(&rule.as_str()));
    let medium: usize = of_users.map(|(_, (_, said))| said.len()).sum();
    assert!(rate(medium, week) <= MEDIUM_MOST, "{:.2}: {figures:#?}", rate(medium, week));
}

/// Half of the company: what a debug build judges in half a minute.
const HALF: Week = Week { employees: 100, days: 7, roaming: false };

#[test]
fn a_week_raises_nothing_that_calls_for_an_analyst_at_once() {
    assert_calm(&measured(1, demo::week_sites(), &HALF), &HALF);
}

#[test]
fn nor_does_another_week() {
    assert_calm(&measured(2, demo::week_sites(), &HALF), &HALF);
}

/// Rules that say nothing of a user who has not been known for a week, or so.
const OF_KNOWN_USERS: [&str; 8] = [
    "dormant-account",
    "dormant-account-intruder",
    "helpdesk-takeover",
    "never-seen-account",
    "new-device-factor-enrolled",
    "off-hours-swa",
    "second-machine",
    "vishing-takeover",
];

#[test]
fn weeks_in_which_users_are_known_raise_nothing_by_rules_that_ask_for_that() {
    let weeks = Week { employees: 40, days: 17, roaming: true };
    let figures = measured(3, demo::week_sites(), &weeks);
    let raised: Vec<_> = OF_KNOWN_USERS.iter().filter_map(|rule| figures.get(*rule)).collect();
    assert!(raised.is_empty(), "{raised:#?}");
}

#[test]
#[ignore = "minutes in a debug build: cargo test --release --test week -- --ignored --nocapture"]
fn nor_do_more_weeks_of_the_whole_company() {
    for seed in 1..=8 {
        let week = Week { roaming: seed % 2 == 0, ..Week::default() };
        assert_calm(&measured(seed, demo::week_sites(), &week), &week);
    }
}

/// Long enough for every rule that first learns for a month.
const SIX_WEEKS: usize = 42;

#[test]
#[ignore = "minutes in a debug build: cargo test --release --test week -- --ignored --nocapture"]
fn nor_do_six_weeks_on_end() {
    for seed in 11..=14 {
        let weeks = Week { roaming: seed % 2 == 0, days: SIX_WEEKS, ..Week::default() };
        assert_calm(&measured(seed, demo::week_sites(), &weeks), &weeks);
    }
}

#[test]
#[ignore = "a measure: cargo test --release --test week unnamed -- --ignored --nocapture"]
fn a_week_whose_sites_are_unnamed_shows_every_rule_that_needs_their_names() {
    let figures = measured(2, Vec::new(), &Week::default());
    let known = ["impossible-travel", "many-users-one-new-ip-success", "session-asn-country-ua-change"];
    let expected = |rule: &str| known.contains(&rule) || OF_CHANGES.contains(&rule);
    let needs = |rule: &str, level: Level| level < Level::Medium || expected(rule);
    let others: Vec<_> = figures.iter().filter(|(rule, (level, _))| !needs(rule, *level)).collect();
    assert!(others.is_empty(), "{others:#?}");
}
