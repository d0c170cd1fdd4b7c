//! Which numbers and lengths of time does a correlation hang on, and where are they written?
//!
//! Found by their form and not by the name of their key, so that every type has them: plain numbers
//! and timespans anywhere under `correlation:`, and those in the text of its conditions.

use std::ops::Range;
use std::path::Path;

use super::edit::Edit;
use super::expression::{self, Kind as TokenKind};
use super::outline::Outline;
use super::timespan;
use super::yaml::{Kind, Literal, Node, Scalar};
use crate::config::Duration;

/// One number or length of time of a correlation.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The rule.
    pub rule: String,
    /// The keys that lead to it: `condition.gte`.
    pub key: String,
    /// What stands before it in the text of a condition: `ips >= `.
    pub before: String,
    /// Byte range in the file.
    pub range: Range<usize>,
    /// What stands there.
    pub amount: Amount,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A number, in units of its last digit.
    Number {
        /// How many of those units.
        units: i64,
        /// Digits behind the point.
        decimals: usize,
    },
    /// A length of time, in seconds.
    Time {
        /// How many.
        seconds: i64,
    },
}

impl Amount {
    /// In whole steps: units of a number's last digit, or seconds.
    pub fn steps(self) -> i64 {
        match self {
            Self::Number { units, .. } => units,
            Self::Time { seconds } => seconds,
        }
    }

    /// As much of the same kind.
    #[must_use]
    pub fn of(self, steps: i64) -> Self {
        match self {
            Self::Number { decimals, .. } => Self::Number { units: steps, decimals },
            Self::Time { .. } => Self::Time { seconds: steps },
        }
    }

    /// Whether it is a length of time.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Time { .. })
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Number { units, decimals: 0 } => write!(out, "{units}"),
            Self::Number { units, decimals } => {
                let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or_default());
                write!(out, "{:.decimals$}", units as f64 / scale)
            }
            Self::Time { seconds } => write!(out, "{}", Duration::secs(seconds)),
        }
    }
}

impl Site {
    /// As it would be written with another amount: `gte: 4`, `condition: ips >= 4`.
    pub fn told(&self, key: &str, steps: i64) -> String {
        format!("{key}: {}{}", self.before, self.amount.of(steps))
    }

    /// The last key: `gte`.
    pub fn last_key(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or_default()
    }

    /// Writes another amount there.
    pub fn edit(&self, steps: i64) -> Edit {
        Edit::new(self.range.clone(), self.amount.of(steps).to_string())
    }
}

/// Keys whose values name things.
const NAMES: &[&str] = &["type", "rules", "rule", "group-by", "aliases", "field", "unequal", "equal", "per"];

impl Outline {
    /// The numbers and lengths of time of a correlation, in their order.
    pub fn sites(&self, rule: &str) -> Vec<Site> {
        let mut found = Vec::new();
        if let Some(document) = self.document(rule) {
            let node = document.get("correlation");
            node.into_iter().for_each(|node| walk(node, "", rule, &mut found));
        }
        found
    }

    /// The line of a file, from 1, that a byte of it stands in.
    pub fn line(&self, file: &Path, at: usize) -> usize {
        self.sources().text(file).map_or(1, |text| crate::text::line(text, at))
    }
}

fn walk(node: &Node, key: &str, rule: &str, found: &mut Vec<Site>) {
    match &node.kind {
        Kind::Scalar(scalar) => scalar_sites(node, scalar, key, rule, found),
        Kind::List(items) => items.iter().for_each(|item| walk(item, key, rule, found)),
        Kind::Map(entries) => {
            for entry in entries.iter().filter(|entry| !NAMES.contains(&entry.key.as_str())) {
                let inner = if key.is_empty() { entry.key.clone() } else { format!("{key}.{}", entry.key) };
                walk(&entry.value, &inner, rule, found);
            }
        }
    }
}

fn scalar_sites(node: &Node, scalar: &Scalar, key: &str, rule: &str, found: &mut Vec<Site>) {
    let mut add = |range, before: &str, amount| {
        let (rule, key, before) = (rule.to_owned(), key.to_owned(), before.to_owned());
        found.push(Site { rule, key, before, range, amount });
    };
    let (literal, base) = (scalar.literal(), scalar.base.map(|base| base as usize));
    match (literal, base) {
        (Literal::Integer(_) | Literal::Float(_), _) => {
            number(&scalar.text).into_iter().for_each(|amount| add(node.span.range(), "", amount));
        }
        (Literal::Text(text), Some(base)) => match timespan::seconds(&text) {
            Some(seconds) => add(base..base + text.len(), "", Amount::Time { seconds }),
            None => {
                for (range, before, amount) in amounts(&text) {
                    add(base + range.start..base + range.end, before, amount);
                }
            }
        },
        _ => {}
    }
}

/// The amounts in the text of a condition, each with what stands before it in its comparison.
fn amounts(text: &str) -> Vec<(Range<usize>, &str, Amount)> {
    let mut start = 0;
    let mut found = Vec::new();
    for token in expression::tokens(text) {
        match token.kind {
            TokenKind::Amount => {
                let written = text.get(token.range.clone()).and_then(amount);
                let before = text.get(start..token.range.start).unwrap_or_default().trim_start();
                found.extend(written.map(|amount| (token.range, before, amount)));
            }
            TokenKind::And | TokenKind::Or | TokenKind::Not | TokenKind::Open | TokenKind::Close => {
                start = token.range.end;
            }
            _ => {}
        }
    }
    found
}

fn amount(written: &str) -> Option<Amount> {
    number(written).or_else(|| timespan::seconds(written).map(|seconds| Amount::Time { seconds }))
}

/// A decimal number as it is written, so that it can be written again with as many digits.
fn number(written: &str) -> Option<Amount> {
    let (whole, decimals) = written.split_once('.').unwrap_or((written, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(decimals) || !digits(whole.strip_prefix('-').unwrap_or(whole)) {
        return None;
    }
    let units = format!("{whole}{decimals}").parse().ok()?;
    Some(Amount::Number { units, decimals: decimals.len() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::correlation;
    use super::super::{Sources, edit};
    use super::*;

    fn sites(lines: &str) -> (String, Vec<Site>) {
        let text = correlation("c", lines);
        let outline = Outline::new(&Sources::of([("a.yml", text.as_str())]));
        (text, outline.sites("c"))
    }

    fn shown(lines: &str) -> Vec<String> {
        let (text, sites) = sites(lines);
        sites
            .iter()
            .map(|site| {
                let written = text.get(site.range.clone()).unwrap();
                format!("{written}={}", site.told(&site.key, site.amount.steps()))
            })
            .collect()
    }

    #[test]
    fn numbers_and_timespans_are_found_under_any_key() {
        let standard = "type: value_percentile\nrules: [a-1, b]\ngroup-by: [actor.id]\ntimespan: '90m'\n\
                        condition: {field: x, gte: 5, lt: 0.25, percentile: 95}";
        let expected = [
            "90m=timespan: 90m",
            "5=condition.gte: 5",
            "0.25=condition.lt: 0.25",
            "95=condition.percentile: 95",
        ];
        assert_eq!(shown(standard), expected);
        let steps = "type: sequence\nsteps:\n- {rule: a, min: 3, within: 5m}\n- {rule: [b, c], max: 1}\n\
                     within: 1h\nhours_of_week: true\nwhen: after";
        assert_eq!(
            shown(steps),
            ["3=steps.min: 3", "5m=steps.within: 5m", "1=steps.max: 1", "1h=within: 1h"]
        );
    }

    #[test]
    fn the_text_of_a_condition_has_amounts_too() {
        let lines = "type: aggregate\nvalues: {p9: 'percentile(client.x5, 95)'}\n\
                     condition: p9 >= 5 and (part-2 < 60% or gap > 5m) and x == 1.50";
        let expected = [
            "95=values.p9: client.x5, 95",
            "5=condition: p9 >= 5",
            "60=condition: part-2 < 60",
            "5m=condition: gap > 5m",
            "1.50=condition: x == 1.50",
        ];
        assert_eq!(shown(lines), expected);
    }

    #[test]
    fn another_amount_is_written_like_the_first() {
        let (text, sites) = sites("type: event_count\ntimespan: 10m\ncondition: {gte: 0.5}");
        let written = |place: usize, steps: i64| {
            let changed = edit::apply(&text, &[sites[place].edit(steps)]).unwrap();
            changed.lines().skip(5 + place).take(1).collect::<String>().trim().to_owned()
        };
        assert_eq!(written(0, 638), "timespan: 638s");
        assert_eq!(written(0, 7_200), "timespan: 2h");
        assert_eq!(written(1, 4), "condition: {gte: 0.4}");
        assert_eq!((sites[0].amount.steps(), sites[1].amount.steps()), (600, 5));
    }
}
