//! How is a correlation a little wrong?

use std::ops::Range;

use super::super::edit::Edit;
use super::super::outline::of_entry;
use super::super::yaml::{Entry, Kind, Literal, Node};
use super::{Change, Ground, shown};

/// What a key or a word is mistaken for.
const COMPARISONS: &[(&str, &str)] =
    &[("gte", "gt"), ("gt", "gte"), ("lte", "lt"), ("lt", "lte"), ("eq", "gte"), ("neq", "eq")];
const WORDS: &[(&str, &str)] = &[
    ("after", "before"),
    ("before", "after"),
    ("entity", "org"),
    ("org", "entity"),
    ("temporal", "temporal_ordered"),
    ("temporal_ordered", "temporal"),
];

/// Keys whose words are chosen from a few, so that another of them is another meaning.
const CHOSEN: &[&str] = &["type", "when", "scope"];

/// Every node below, with the key it stands under.
fn nodes<'n>(node: &'n Node, key: &'n str, found: &mut Vec<(&'n str, &'n Node)>) {
    found.push((key, node));
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| nodes(item, key, found)),
        Kind::Map(entries) => entries.iter().for_each(|entry| nodes(&entry.value, &entry.key, found)),
    }
}

fn all<'g>(ground: &Ground<'g>) -> Vec<(&'g str, &'g Node)> {
    let mut found = Vec::new();
    ground.correlation().into_iter().for_each(|node| nodes(node, "", &mut found));
    found
}

fn maps<'g>(ground: &Ground<'g>) -> impl Iterator<Item = &'g [Entry]> {
    all(ground).into_iter().filter_map(|(_, node)| match &node.kind {
        Kind::Map(entries) => Some(entries.as_slice()),
        _ => None,
    })
}

fn lists<'g>(ground: &Ground<'g>) -> impl Iterator<Item = (&'g str, Vec<Range<usize>>)> {
    all(ground).into_iter().filter_map(|(key, node)| match &node.kind {
        Kind::List(items) => Some((key, items.iter().map(|item| item.span.range()).collect())),
        _ => None,
    })
}

/// `gt` for `gte` and the like.
pub(super) fn comparison(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entry in maps(ground).flatten() {
        let other = COMPARISONS.iter().find(|(key, _)| *key == entry.key);
        changes.extend(other.map(|(_, other)| ground.replacement(entry.key_span.range(), other)));
    }
}

/// Without each key: a group-by, a stop, a bound.
pub(super) fn key(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entries in maps(ground) {
        let pieces: Vec<_> = entries.iter().map(of_entry).collect();
        changes.extend((0..pieces.len()).filter_map(|place| ground.removal(&pieces, place)));
    }
}

/// Without each item of a list: a rule, a step, a field.
pub(super) fn item(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for (_, pieces) in lists(ground) {
        changes.extend((0..pieces.len()).filter_map(|place| ground.removal(&pieces, place)));
    }
}

/// Rules and steps that change places with the next one.
pub(super) fn order(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for (key, pieces) in lists(ground) {
        let ordered = matches!(key, "rules" | "steps");
        for (left, right) in pieces.iter().zip(pieces.iter().skip(1)).filter(|_| ordered) {
            let [first, between, second] =
                [left.clone(), left.end..right.start, right.clone()].map(|range| ground.written(range));
            let edit = Edit::new(left.start..right.end, format!("{second}{between}{first}"));
            let what = format!("`{}` and `{}` in the other order", shown(first), shown(second));
            changes.push(Change::new(edit, what));
        }
    }
}

/// Another of the words a key takes.
pub(super) fn word(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entry in maps(ground).flatten().filter(|entry| CHOSEN.contains(&entry.key.as_str())) {
        let Some((scalar, base)) =
            entry.value.scalar().and_then(|scalar| scalar.base.map(|base| (scalar, base)))
        else {
            continue;
        };
        let start = base as usize;
        let other = WORDS.iter().find(|(word, _)| *word == scalar.text);
        changes.extend(other.map(|(word, other)| {
            let what = format!("`{}: {word}` → `{}: {other}`", entry.key, entry.key);
            Change::new(Edit::new(start..start + word.len(), *other), what)
        }));
    }
}

/// `true` for `false`, and the other way round.
pub(super) fn boolean(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entry in maps(ground).flatten() {
        if let Some(Literal::Boolean(flag)) = entry.value.scalar().map(|scalar| scalar.literal()) {
            let what = format!("`{}: {flag}` → `{}: {}`", entry.key, entry.key, !flag);
            changes.push(Change::new(Edit::new(entry.value.span.range(), (!flag).to_string()), what));
        }
    }
}
