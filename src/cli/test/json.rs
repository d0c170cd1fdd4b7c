//! How does a program see what came of a test?

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::rule::Expectation;
use crate::suite::{Coverage, Outcome, Seen, Survivor};

/// One test.
pub(super) fn test(outcome: &Outcome, took: Duration) -> Value {
    let expected = |place: usize| outcome.expected.get(place).map(expectation).unwrap_or_default();
    let missing = outcome
        .missing
        .iter()
        .map(|missing| json!({"expected": expected(missing.place), "nearest": missing.nearest}));
    let changed = outcome.changed.iter().map(|changed| {
        let differences = changed.differences.iter();
        let differences: Map<String, Value> = differences
            .map(|one| (one.what.to_owned(), json!({"expected": one.expected, "seen": one.seen})))
            .collect();
        json!({"expected": expected(changed.place), "seen": seen(&changed.seen), "differences": differences})
    });
    json!({
        "file": outcome.file.display().to_string(),
        "line": outcome.line,
        "test": outcome.name,
        "passed": outcome.passed(),
        "seconds": took.as_secs_f64(),
        "expected": outcome.expected.iter().map(expectation).collect::<Vec<_>>(),
        "seen": outcome.seen.iter().map(seen).collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
        "changed": changed.collect::<Vec<_>>(),
        "extra": outcome.extra.iter().map(seen).collect::<Vec<_>>(),
        "failure": outcome.failure.as_ref().map(ToString::to_string),
    })
}

/// What a test expects; what it does not ask is left out.
fn expectation(expected: &Expectation) -> Value {
    let Expectation { rule, at_ms, key, count, message, mode } = expected;
    let pairs = [
        ("rule", rule.clone().map(Value::from)),
        ("at_ms", at_ms.map(Value::from)),
        ("key", key.clone().map(Value::from)),
        ("count", count.map(Value::from)),
        ("message", message.clone().map(Value::from)),
        ("mode", mode.map(|mode| Value::from(mode.as_str()))),
    ];
    let asked = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(asked.collect())
}

fn seen(alert: &Seen) -> Value {
    json!({"rule": alert.rule, "rule_id": alert.rule_id, "at_ms": alert.at_ms, "key": alert.key(),
        "group": alert.group, "entity": alert.entity, "count": alert.count, "mode": alert.mode.as_str(),
        "level": alert.level.as_str(), "message": alert.sentence})
}

/// How much of one rule is reached.
pub(super) fn coverage(covered: &Coverage) -> Value {
    let gaps = covered.gaps.iter().map(|gap| json!({"line": gap.line, "text": gap.text}));
    let gaps: Vec<Value> = gaps.collect();
    json!({"file": covered.file.display().to_string(), "rule": covered.rule, "percent": covered.percent(),
        "total": covered.total, "reached": covered.total - covered.gaps.len(), "gaps": gaps})
}

/// A change that no test notices.
pub(super) fn survivor(found: &Survivor) -> Value {
    json!({"file": found.file.display().to_string(), "line": found.line, "rule": found.rule,
        "operator": found.operator, "change": found.what})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_changed_and_extra_is_told_in_parts() {
        let record = test(&super::super::diff::tests::outcome(), Duration::from_millis(1_500));
        assert_eq!(
            (&record["passed"], &record["seconds"], &record["line"]),
            (&json!(false), &json!(1.5), &json!(7))
        );
        assert_eq!(
            record["missing"][0]["expected"],
            json!({"rule": "denied", "at_ms": 60_000, "key": "ben@example.com"})
        );
        assert_eq!(record["missing"][0]["nearest"], json!(["4 of 5 in 10m"]));
        assert_eq!(record["changed"][0]["differences"], json!({"at": {"expected": "4m", "seen": "5m"}}));
        assert_eq!(record["changed"][0]["seen"]["at_ms"], 300_000);
        assert_eq!(
            (record["extra"][0]["key"].as_str(), record["seen"].as_array().map(Vec::len)),
            (Some("cyd"), Some(3))
        );
    }
}
