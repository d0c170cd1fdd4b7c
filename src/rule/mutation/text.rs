//! How is the text of a condition a little wrong?

use std::ops::Range;

use super::super::edit::{self, Edit};
use super::super::expression::{Kind, parts, tokens};
use super::Change;

/// What a word or a sign of a condition is mistaken for.
const MISTAKEN: &[(&str, &str)] = &[
    ("and", "or"),
    ("or", "and"),
    (">=", ">"),
    (">", ">="),
    ("<=", "<"),
    ("<", "<="),
    ("==", "!="),
    ("=", "!="),
    ("!=", "=="),
];

/// `and` for `or`, `1 of` for `all of`, and the other way round.
pub(super) fn joints(text: &str, base: usize) -> Vec<Change> {
    let joints = parts(text).joined.into_iter().flat_map(|joined| joined.joints);
    let mut changes: Vec<Change> = joints.filter_map(|range| mistake(text, base, range)).collect();
    for token in tokens(text).into_iter().filter(|token| token.kind == Kind::Quantity) {
        let other = if text.get(token.range.clone()) == Some("all") { "1" } else { "all" };
        changes.extend(change(text, base, token.range, other));
    }
    changes
}

/// `>` for `>=`, and the other way round.
pub(super) fn comparisons(text: &str, base: usize) -> Vec<Change> {
    let comparisons = tokens(text).into_iter().filter(|token| token.kind == Kind::Comparison);
    comparisons.filter_map(|token| mistake(text, base, token.range)).collect()
}

/// Without each `not`.
pub(super) fn negations(text: &str, base: usize) -> Vec<Change> {
    let negations = parts(text).negations.into_iter();
    negations.filter_map(|range| change(text, base, range, "")).collect()
}

/// Without each operand of an `and` or `or`.
pub(super) fn operands(text: &str, base: usize) -> Vec<Change> {
    let mut changes = Vec::new();
    for joined in parts(text).joined {
        for (place, operand) in joined.operands.iter().enumerate() {
            let Some(cut) = edit::without(text, &joined.operands, place) else { continue };
            let gone = text.get(operand.clone()).unwrap_or_default();
            let edit = Edit::new(cut.range.start + base..cut.range.end + base, cut.text);
            let what = format!("without `{gone}` in the condition");
            changes.push(Change { at: operand.start + base, ..Change::new(edit, what) });
        }
    }
    changes
}

fn mistake(text: &str, base: usize, range: Range<usize>) -> Option<Change> {
    let word = text.get(range.clone())?;
    let (_, other) = MISTAKEN.iter().find(|(known, _)| *known == word)?;
    change(text, base, range, other)
}

/// Another text in place of one of the condition's, told with what stands around it.
fn change(text: &str, base: usize, range: Range<usize>, other: &str) -> Option<Change> {
    let edit = Edit::new(range.start + base..range.end + base, other);
    let changed = edit::apply(text, &[Edit::new(range, other)])?;
    Some(Change::new(edit, format!("`{}` → `{}`", super::shown(text), super::shown(&changed))))
}
