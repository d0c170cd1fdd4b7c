//! How is a number or a length of time a little wrong?

use super::super::edit::Edit;
use super::super::site::{Amount, Site};
use super::super::yaml::{Kind, Literal, Node};
use super::{Change, Ground};

/// Numbers one more and one less; lengths of time a fifth more and less, and a second, which is the
/// edge: an event just there is in the window or it is not.
pub(super) fn nudge(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for site in ground.outline.sites(&ground.document.name) {
        for steps in nudges(site.amount) {
            let mut lesser = false;
            for steps in steps {
                let change = Change::new(site.edit(steps), told(&site, steps));
                changes.push(Change { lesser, ..change });
                lesser = true;
            }
        }
    }
    ordered_fields(ground, changes);
}

/// The amounts to try, largest change first, for each direction.
fn nudges(amount: Amount) -> [Vec<i64>; 2] {
    let steps = amount.steps();
    let reach: &[i64] = if amount.is_time() && steps / 5 > 1 { &[steps / 5, 1] } else { &[1] };
    let more = reach.iter().map(|by| steps.saturating_add(*by)).collect();
    let less = reach.iter().map(|by| steps.saturating_sub(*by)).filter(|steps| *steps >= 0).collect();
    if amount.is_time() { [more, less] } else { [less, more] }
}

fn told(site: &Site, steps: i64) -> String {
    let key = site.last_key();
    format!("`{}` → `{}`", site.told(key, site.amount.steps()), site.told(key, steps))
}

/// Modifiers that compare by order.
const ORDERS: &[&str] = &["lt", "lte", "gt", "gte"];

/// Numbers that a detection compares by order.
fn ordered_fields(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for entry in ground.selections().flat_map(|entry| super::detection::fields(&entry.value)) {
        if !entry.key.split('|').any(|modifier| ORDERS.contains(&modifier)) {
            continue;
        }
        for (node, number) in numbers(&entry.value) {
            for other in [number - 1, number + 1] {
                let what = format!("`{}: {number}` → `{}: {other}`", entry.key, entry.key);
                changes.push(Change::new(Edit::new(node.span.range(), other.to_string()), what));
            }
        }
    }
}

fn numbers(node: &Node) -> Vec<(&Node, i64)> {
    match &node.kind {
        Kind::Scalar(scalar) => match scalar.literal() {
            Literal::Integer(number) => vec![(node, number)],
            _ => Vec::new(),
        },
        Kind::List(items) => items.iter().flat_map(numbers).collect(),
        Kind::Map(_) => Vec::new(),
    }
}
