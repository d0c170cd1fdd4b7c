//! How does a person see what a failed test expected and saw?
//!
//! Like a diff: `-` is expected and was not seen, `+` was seen and not expected, `~` says what of the
//! two differs.

use crate::rule::Expectation;
use crate::suite::{Outcome, Seen, moment};

/// One line of the diff: its sign and its cells, which are put below one another.
struct Line {
    sign: char,
    cells: [String; 5],
    /// Lines below that say more.
    notes: Vec<String>,
}

/// A failed test, in several lines.
pub(super) fn failure(outcome: &Outcome, colour: bool) -> String {
    let mut text = format!("FAILED {}:{}: {}", outcome.file.display(), outcome.line, outcome.name);
    if let Some(failure) = &outcome.failure {
        text.push_str(&format!("\n  {}", failure.to_string().replace('\n', "\n  ")));
    }
    let lines = lines(outcome);
    let width = |cell: usize| {
        let widths = lines.iter().filter_map(|line| line.cells.get(cell)).map(|text| text.chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    for line in &lines {
        text.push('\n');
        text.push_str(&painted(line.sign, &row(line, &widths), colour));
        for note in &line.notes {
            text.push('\n');
            text.push_str(&painted('~', &format!("      {note}"), colour));
        }
    }
    text
}

fn row(line: &Line, widths: &[usize]) -> String {
    let mut row = format!("  {}", line.sign);
    for (cell, width) in line.cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
        row.push_str(&format!(" {cell:<width$} "));
    }
    row.trim_end().to_owned()
}

fn painted(sign: char, text: &str, colour: bool) -> String {
    let code = match sign {
        '-' => 31,
        '+' => 32,
        '~' => 33,
        _ => return text.to_owned(),
    };
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn lines(outcome: &Outcome) -> Vec<Line> {
    let mut lines = Vec::new();
    let expected = |place: usize| outcome.expected.get(place).map(expectation).unwrap_or_default();
    for changed in &outcome.changed {
        let different = changed.differences.iter();
        let different = different.map(|one| format!("~ {}: {} → {}", one.what, one.expected, one.seen));
        lines.push(Line { sign: '-', cells: expected(changed.place), notes: Vec::new() });
        lines.push(Line { sign: '+', cells: seen(&changed.seen), notes: different.collect() });
    }
    for missing in &outcome.missing {
        let notes = missing.nearest.iter().map(|line| format!("nearest: {line}")).collect();
        lines.push(Line { sign: '-', cells: expected(missing.place), notes });
    }
    for extra in &outcome.extra {
        lines.push(Line { sign: '+', cells: seen(extra), notes: Vec::new() });
    }
    let told = |alert: &&Seen| {
        outcome.extra.contains(*alert) || outcome.changed.iter().any(|changed| changed.seen == **alert)
    };
    for alert in outcome.seen.iter().filter(|alert| !told(alert)) {
        lines.push(Line { sign: ' ', cells: seen(alert), notes: Vec::new() });
    }
    lines
}

fn expectation(expected: &Expectation) -> [String; 5] {
    let Expectation { rule, at_ms, key, count, message, mode } = expected;
    let rule = rule.clone().unwrap_or_else(|| "any rule of the file".to_owned());
    let told = |what: &str, value: Option<String>| value.map(|value| format!("{what}{value}"));
    let last = [
        told("…", message.as_ref().map(|part| format!("{part}…"))),
        told("mode ", mode.map(|mode| mode.as_str().to_owned())),
    ];
    [
        rule,
        told("at ", at_ms.map(moment)).unwrap_or_default(),
        told("key ", key.clone()).unwrap_or_default(),
        told("count ", count.map(|count| count.to_string())).unwrap_or_default(),
        last.into_iter().flatten().collect::<Vec<_>>().join(", "),
    ]
}

fn seen(alert: &Seen) -> [String; 5] {
    [
        alert.rule.clone(),
        format!("at {}", moment(alert.at_ms)),
        format!("key {}", alert.key()),
        format!("count {}", alert.count),
        alert.sentence.clone(),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Level, Mode};
    use crate::suite::{Changed, Difference, Missing};

    pub(in super::super) fn outcome() -> Outcome {
        let alert = |rule: &str, at_ms: i64, key: &str| Seen {
            rule: rule.into(),
            rule_id: String::new(),
            at_ms,
            group: Vec::new(),
            entity: key.into(),
            count: 5,
            mode: Mode::Active,
            level: Level::High,
            sentence: format!("five by <{key}>"),
        };
        let asked = |rule: &str, at_ms: i64, key: &str| Expectation {
            rule: Some(rule.into()),
            at_ms: Some(at_ms),
            key: Some(key.into()),
            ..Expectation::default()
        };
        let at = Difference { what: "at", expected: "4m".into(), seen: "5m".into() };
        Outcome {
            file: "rules/a.yml".into(),
            line: 7,
            name: "five & a half".into(),
            span: 0..1,
            expected: vec![asked("bombing", 240_000, "ana"), asked("denied", 60_000, "ben@example.com")],
            seen: vec![
                alert("bombing", 300_000, "ana"),
                alert("spray", 0, "cyd"),
                alert("spray", 9_000, "dan"),
            ],
            missing: vec![Missing { place: 1, nearest: vec!["4 of 5 in 10m".into()] }],
            changed: vec![Changed {
                place: 0,
                seen: alert("bombing", 300_000, "ana"),
                differences: vec![at],
            }],
            extra: vec![alert("spray", 0, "cyd")],
            failure: None,
        }
    }

    #[test]
    fn what_was_expected_and_what_was_seen_stand_below_one_another() {
        let expected = "\
FAILED rules/a.yml:7: five & a half
  - bombing  at 4m  key ana
  + bombing  at 5m  key ana              count 5  five by <ana>
      ~ at: 4m → 5m
  - denied   at 1m  key ben@example.com
      nearest: 4 of 5 in 10m
  + spray    at 0s  key cyd              count 5  five by <cyd>
    spray    at 9s  key dan              count 5  five by <dan>";
        assert_eq!(failure(&outcome(), false), expected);
    }

    #[test]
    fn colours_are_there_only_when_asked_for() {
        assert!(!failure(&outcome(), false).contains('\u{1b}'));
        let coloured = failure(&outcome(), true);
        assert!(coloured.contains("\u{1b}[31m  - bombing  at 4m  key ana\u{1b}[0m"), "{coloured}");
    }
}
