//! How is a condition of thresholds read?

use super::super::correlation::{Operator, Threshold};
use super::super::diagnostic::Findings;
use super::super::reader::Map;
use super::super::yaml::Literal;

/// The keys of the operators.
pub(in super::super) const OPERATORS: &[&str] = &["gt", "gte", "lt", "lte", "eq", "neq"];

/// The largest figure of a condition: up to here a whole number is exact.
const FIGURE_MAX: f64 = 9_007_199_254_740_992.0;

/// What numbers the figure can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Whole numbers from 1: every window holds an event.
    Counts,
    /// Any.
    Any,
}

/// All thresholds of a condition; none, and an error, if one is wrong or there is none.
pub(super) fn thresholds(map: &Map<'_>, numbers: Numbers, findings: &mut Findings) -> Option<Vec<Threshold>> {
    let before = findings.errors();
    let mut found = Vec::new();
    for (operator, key, _) in Operator::ALL {
        if map.get(key).is_none() {
            continue;
        }
        found.extend(number(map, key, numbers, findings).map(|value| Threshold { operator, value }));
    }
    if found.is_empty() && findings.errors() == before {
        let message = "`condition` needs one of gt, gte, lt, lte, eq, neq";
        findings.error(map.first_key(), "missing-key", message);
    }
    if findings.errors() == before && numbers == Numbers::Counts {
        refuse_what_is_decided(map, &found, findings);
    }
    (findings.errors() == before).then_some(found)
}

fn number(map: &Map<'_>, key: &str, numbers: Numbers, findings: &mut Findings) -> Option<f64> {
    let node = map.get(key)?;
    let number = match node.scalar().map(|scalar| scalar.literal()) {
        Some(Literal::Integer(number)) => Some(number as f64),
        Some(Literal::Float(number)) if numbers == Numbers::Any => Some(number),
        _ => None,
    };
    let fits = |number: &f64| number.abs() <= FIGURE_MAX && (numbers == Numbers::Any || *number >= 0.0);
    let number = number.filter(fits);
    if number.is_none() {
        let wanted = match numbers {
            Numbers::Counts => "a whole number from 0 to 9007199254740992",
            Numbers::Any => "a number",
        };
        findings.error(node.span, "wrong-type", format!("`{key}` is {wanted}"));
    }
    number
}

/// Conditions that every window, or none, satisfies.
fn refuse_what_is_decided(map: &Map<'_>, thresholds: &[Threshold], findings: &mut Findings) {
    let mut lowest: f64 = 1.0;
    let mut highest = f64::INFINITY;
    for Threshold { operator, value } in thresholds.iter().copied() {
        let Some(span) = map.get(operator.as_str()).map(|node| node.span) else { continue };
        match operator {
            Operator::GreaterOrEqual if value < 1.0 => {
                let message = "every window holds at least nothing; ask for 1 or more";
                findings.error(span, "condition", message);
            }
            Operator::Greater => lowest = lowest.max(value + 1.0),
            Operator::GreaterOrEqual => lowest = lowest.max(value),
            Operator::Less => highest = highest.min(value - 1.0),
            Operator::LessOrEqual => highest = highest.min(value),
            Operator::Equal => {
                lowest = lowest.max(value);
                highest = highest.min(value);
            }
            Operator::NotEqual => {}
        }
    }
    if lowest > highest {
        let message = "no window can satisfy this condition";
        let finding = findings.error(map.first_key(), "condition", message);
        finding.help(
            "A window is judged at an event, so it holds at least one; for none at all there is `absence`.",
        );
    }
}
