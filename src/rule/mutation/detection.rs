//! How is a detection a little wrong?

use std::ops::Range;

use super::super::edit::{self, Edit};
use super::super::outline::of_entry;
use super::super::yaml::{Entry, Kind, Literal, Node};
use super::{Change, Ground};

/// What a modifier is mistaken for; nothing where it is forgotten.
const MODIFIERS: &[(&str, Option<&str>)] = &[
    ("startswith", Some("contains")),
    ("endswith", Some("contains")),
    ("all", None),
    ("cased", None),
    ("windash", None),
];

const COMPARISONS: &[(&str, Option<&str>)] =
    &[("gte", Some("gt")), ("gt", Some("gte")), ("lte", Some("lt")), ("lt", Some("lte"))];

const NEGATIONS: &[(&str, Option<&str>)] = &[("neq", None)];

/// Every field of a selection, also of its alternatives.
pub(super) fn fields(selection: &Node) -> Vec<&Entry> {
    match &selection.kind {
        Kind::Map(entries) => entries.iter().collect(),
        Kind::List(items) => items.iter().flat_map(fields).collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

/// Without each selection, where the condition does not name it but a pattern that fits others too.
pub(super) fn selection(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    let entries = ground.detection();
    let pieces: Vec<Range<usize>> = entries.iter().map(|entry| of_entry(entry)).collect();
    for (place, entry) in entries.iter().enumerate() {
        if entry.key != "condition" {
            changes.extend(ground.removal(&pieces, place));
        }
    }
}

/// Without each field of a selection.
pub(super) fn field(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entry in ground.selections() {
        for map in maps(&entry.value) {
            let pieces: Vec<_> = map.iter().map(of_entry).collect();
            changes.extend((0..pieces.len()).filter_map(|place| ground.removal(&pieces, place)));
        }
    }
}

fn maps(node: &Node) -> Vec<&[Entry]> {
    match &node.kind {
        Kind::Map(entries) => vec![entries],
        Kind::List(items) => items.iter().flat_map(maps).collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

/// Without each value of a field, and each alternative of a selection.
pub(super) fn value(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entry in ground.selections() {
        for items in lists(&entry.value) {
            let pieces: Vec<_> = items.iter().map(|item| item.span.range()).collect();
            changes.extend((0..pieces.len()).filter_map(|place| ground.removal(&pieces, place)));
        }
    }
}

fn lists(node: &Node) -> Vec<&[Node]> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().flat_map(|entry| lists(&entry.value)).collect(),
        Kind::List(items) => std::iter::once(items.as_slice()).chain(items.iter().flat_map(lists)).collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

pub(super) fn comparison(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    each_modifier(ground, COMPARISONS, changes);
}

pub(super) fn modifier(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    each_modifier(ground, MODIFIERS, changes);
}

/// Without `neq`, and `exists` the other way round.
pub(super) fn negation(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    each_modifier(ground, NEGATIONS, changes);
    for entry in ground.selections().flat_map(|entry| fields(&entry.value)) {
        let asks = entry.key.split('|').skip(1).any(|modifier| modifier == "exists");
        let literal = entry.value.scalar().filter(|_| asks).map(|scalar| scalar.literal());
        if let Some(Literal::Boolean(flag)) = literal {
            changes.push(ground.replacement(entry.value.span.range(), &(!flag).to_string()));
        }
    }
}

fn each_modifier(ground: &Ground<'_>, mistaken: &[(&str, Option<&str>)], changes: &mut Vec<Change>) {
    for entry in ground.selections().flat_map(|entry| fields(&entry.value)) {
        let key = ground.written(entry.key_span.range());
        let start = entry.key_span.range().start;
        let mut at = start;
        for (number, part) in key.split('|').enumerate() {
            let bare = part.trim_end_matches(['"', '\'']);
            let range = at..at + bare.len();
            at += part.len() + 1;
            let Some((_, other)) = mistaken.iter().find(|(name, _)| number > 0 && *name == bare) else {
                continue;
            };
            let edit = match other {
                Some(other) => Edit::new(range, *other),
                // The bar goes with it.
                None => Edit::new(range.start - 1..range.end, ""),
            };
            let other = edit.within(start).and_then(|edit| edit::apply(key, &[edit])).unwrap_or_default();
            changes.push(Change::new(edit, format!("`{key}` → `{other}`")));
        }
    }
}
