//! What do the fuzz targets for rules do with their bytes?
//!
//! The same functions are called by `tests/fuzz_seeds.rs` with the shipped rules, slightly spoiled.

use std::sync::Arc;

use oktawatch::alert::{Renderer, readable};
use oktawatch::config::{Config, Format};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Effects, Input, Position, RawRecord};
use oktawatch::rule::{self, CheckReport, LintOptions, RuleSet, Sources};

/// What stands between a rule file and the events that it judges.
pub const SEPARATOR: &str = "\n\0\n";

/// Most events of one input: what is looked for shows with few.
const EVENTS: usize = 64;

/// Checks one text as a rule file, and shows what is wrong with it. Whether it loads.
pub fn rule(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let sources = Sources::of([("fuzz.yml", text)]);
    let report = rule::check_texts(sources, &LintOptions { tests: false, ..LintOptions::default() });
    places_are_right(&report, text);
    let shown = rule::render(&report.diagnostics, &report.sources);
    assert_eq!(shown.is_empty(), report.diagnostics.is_empty(), "what is wrong is shown");
    assert!(report.rules.is_some() || report.failed(), "rules that do not load have a mistake");
    report.rules.is_some()
}

fn places_are_right(report: &CheckReport, text: &str) {
    for found in &report.diagnostics {
        assert!(!found.message.is_empty() && !found.code.is_empty(), "a mistake without words: {found:?}");
        assert!(text.get(found.at.span.clone()).is_some(), "a mistake that stands nowhere: {found:?}");
        assert!(found.at.line > 0 && found.at.column > 0, "a mistake without a line: {found:?}");
    }
}

/// Compiles the text before the first separator and judges the lines behind it, each a record. How
/// many alerts came of it, if the rules load.
pub fn evaluate(bytes: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (rules, events) = text.split_once(SEPARATOR)?;
    let rules = Arc::new(rule::compile(&Sources::of([("fuzz.yml", rules)])).ok()?);
    let config = config();
    let mut shard = Shard::new(&config, Arc::clone(&rules), Arc::new(GeoIp::default()));
    let effects = shard.step(inputs(events));
    assert_eq!(effects.tally.invariants, 0, "what must hold does");
    render(&effects, config, &rules);
    Some(effects.alerts.len())
}

/// Small tables, so that their ends are reached.
fn config() -> Config {
    let mut config = Config::default();
    config.output.enriched = "enriched".to_owned();
    config.output.raw_event = true;
    config.limits.keys_per_rule = 16;
    config
}

/// The records, then all the time there is, so that whatever waits is decided.
fn inputs(events: &str) -> Vec<Input> {
    let records = (0..).zip(events.lines().take(EVENTS)).map(|(offset, line)| {
        let position = Position { topic: "fuzz".into(), partition: 0, offset, index: 0 };
        Input::Record(RawRecord { position, payload: line.as_bytes().to_vec(), ..RawRecord::default() })
    });
    records.chain([Input::Complete { upto_ms: i64::MAX / 2 }]).collect()
}

fn render(effects: &Effects, mut config: Config, rules: &RuleSet) {
    for format in [Format::Ocsf, Format::Ecs, Format::SplunkHec, Format::Flat] {
        config.output.format = format;
        let renderer = Renderer::new(&config.output);
        for alert in &effects.alerts {
            assert!(!renderer.alert(alert).payload.is_empty(), "an alert without bytes");
        }
        for event in &effects.enriched {
            assert!(!renderer.enriched(event, &rules.table).payload.is_empty(), "an event without bytes");
        }
    }
    assert!(effects.alerts.iter().all(|alert| !readable(alert).is_empty()), "an alert nobody can read");
}
