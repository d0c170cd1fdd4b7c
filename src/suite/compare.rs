//! Are the alerts that were raised those that had to be?

use super::bench::Seen;
use crate::rule::Expectation;

/// One thing about an alert that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key of the expectation.
    pub what: &'static str,
    /// As it had to be.
    pub expected: String,
    /// As it is.
    pub seen: String,
}

/// What becomes of each expectation and each alert, by their places.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Expectations without an alert.
    pub(super) missing: Vec<usize>,
    /// Alerts without an expectation.
    pub(super) extra: Vec<usize>,
    /// An expectation and an alert that are meant to be the same, and what differs.
    pub(super) changed: Vec<(usize, usize, Vec<Difference>)>,
}

impl Comparison {
    pub(super) fn agrees(&self) -> bool {
        *self == Self::default()
    }
}

/// Gives each expectation an alert of its own, those that ask for most first; then pairs what is
/// left over where it is alike.
pub(super) fn compare(expected: &[Expectation], seen: &[Seen]) -> Comparison {
    let mut open: Vec<usize> = (0..seen.len()).collect();
    let mut order: Vec<(usize, &Expectation)> = expected.iter().enumerate().collect();
    order.sort_by_key(|(_, expectation)| std::cmp::Reverse(asked(expectation)));
    let mut missing = Vec::new();
    for (place, expectation) in order {
        let fits = |alert: &usize| {
            seen.get(*alert)
                .is_some_and(|seen| is_of(expectation, seen) && differences(expectation, seen).is_empty())
        };
        match open.iter().position(fits) {
            Some(found) => drop(open.remove(found)),
            None => missing.push(place),
        }
    }
    missing.sort_unstable();
    let mut comparison = Comparison { missing, extra: open, changed: Vec::new() };
    pair(&mut comparison, expected, seen);
    comparison
}

/// Takes an expectation and an alert of one rule, with the fewest differences first, for the same.
fn pair(comparison: &mut Comparison, expected: &[Expectation], seen: &[Seen]) {
    let mut pairs = Vec::new();
    for place in &comparison.missing {
        for alert in &comparison.extra {
            let (Some(expectation), Some(seen)) = (expected.get(*place), seen.get(*alert)) else { continue };
            let different = differences(expectation, seen);
            let alike = asked(expectation) - usize::from(expectation.rule.is_some()) > different.len();
            if is_of(expectation, seen) && (alike || different.len() == 1) {
                pairs.push((*place, *alert, different));
            }
        }
    }
    pairs.sort_by_key(|(place, alert, different)| (different.len(), *place, *alert));
    for (place, alert, different) in pairs {
        if comparison.missing.contains(&place) && comparison.extra.contains(&alert) {
            comparison.missing.retain(|other| *other != place);
            comparison.extra.retain(|other| *other != alert);
            comparison.changed.push((place, alert, different));
        }
    }
    comparison.changed.sort_by_key(|(place, ..)| *place);
}

fn asked(expectation: &Expectation) -> usize {
    let Expectation { rule, at_ms, key, count, message, mode } = expectation;
    let asked =
        [rule.is_some(), at_ms.is_some(), key.is_some(), count.is_some(), message.is_some(), mode.is_some()];
    asked.into_iter().filter(|asked| *asked).count()
}

/// Whether an alert is one of the rule that is expected.
pub(super) fn is_of(expectation: &Expectation, seen: &Seen) -> bool {
    let named = |name: &String| *name == seen.rule || name.eq_ignore_ascii_case(&seen.rule_id);
    expectation.rule.as_ref().is_none_or(named)
}

/// Whether an alert has the key that is expected.
pub(super) fn has_key(expectation: &Expectation, seen: &Seen) -> bool {
    let Some(key) = &expectation.key else { return true };
    let whole = seen.group.join(", ");
    seen.group.iter().chain([&whole, &seen.entity]).any(|value| value.eq_ignore_ascii_case(key))
}

/// What is not as expected, besides the rule.
fn differences(expectation: &Expectation, seen: &Seen) -> Vec<Difference> {
    let Expectation { rule: _, at_ms, key, count, message, mode } = expectation;
    let mut found = Vec::new();
    let mut differ = |what, expected: String, seen: String| found.push(Difference { what, expected, seen });
    if let Some(at_ms) = at_ms.filter(|at_ms| *at_ms != seen.at_ms) {
        differ("at", moment(at_ms), moment(seen.at_ms));
    }
    if let Some(key) = key.as_ref().filter(|_| !has_key(expectation, seen)) {
        differ("key", key.clone(), seen.key());
    }
    if let Some(count) = count.filter(|count| *count != seen.count) {
        differ("count", count.to_string(), seen.count.to_string());
    }
    if let Some(message) = message.as_ref().filter(|message| !seen.sentence.contains(message.as_str())) {
        differ("message", message.clone(), seen.sentence.clone());
    }
    if let Some(mode) = mode.filter(|mode| *mode != seen.mode) {
        differ("mode", mode.as_str().to_owned(), seen.mode.as_str().to_owned());
    }
    found
}

/// A time of a test, as tests write it: `1h2m3s`.
pub fn moment(ms: i64) -> String {
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = ms.unsigned_abs();
    let mut text = String::from(if ms < 0 { "-" } else { "" });
    for (unit, scale) in units {
        if rest >= scale {
            text.push_str(&format!("{}{unit}", rest / scale));
            rest %= scale;
        }
    }
    if ms == 0 { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Mode};

    fn seen(at_ms: i64, key: &str) -> Seen {
        Seen {
            rule: "denied".into(),
            rule_id: "2222-ab".into(),
            at_ms,
            group: vec![key.into()],
            entity: key.into(),
            count: 3,
            mode: Mode::Active,
            level: Level::High,
            sentence: format!("3 pushes denied by {key}"),
        }
    }

    fn expectation(at_ms: Option<i64>, key: Option<&str>) -> Expectation {
        let (rule, key) = (Some("denied".into()), key.map(str::to_owned));
        Expectation { rule, at_ms, key, ..Expectation::default() }
    }

    #[test]
    fn an_expectation_that_asks_for_more_is_served_first() {
        let expected = [expectation(None, None), expectation(Some(5), None)];
        assert!(compare(&expected, &[seen(5, "ana"), seen(9, "ana")]).agrees());
    }

    #[test]
    fn each_point_is_compared() {
        let ana = seen(5, "ana");
        let asked = Expectation {
            rule: Some("2222-AB".into()),
            at_ms: Some(5),
            key: Some("ANA".into()),
            count: Some(3),
            message: Some("denied by".into()),
            mode: Some(Mode::Active),
        };
        assert!(compare(std::slice::from_ref(&asked), std::slice::from_ref(&ana)).agrees());
        let others = [
            ("at", Expectation { at_ms: Some(60_005), ..asked.clone() }),
            ("key", Expectation { key: Some("ben".into()), ..asked.clone() }),
            ("count", Expectation { count: Some(4), ..asked.clone() }),
            ("message", Expectation { message: Some("approved".into()), ..asked.clone() }),
            ("mode", Expectation { mode: Some(Mode::Shadow), ..asked.clone() }),
        ];
        for (what, other) in others {
            let comparison = compare(&[other], std::slice::from_ref(&ana));
            let (place, alert, differences) = &comparison.changed[0];
            assert_eq!((*place, *alert, differences.len(), differences[0].what), (0, 0, 1, what));
        }
        let of_another = Expectation { rule: Some("other".into()), ..asked };
        let comparison = compare(&[of_another], &[ana]);
        assert_eq!((comparison.missing, comparison.extra, comparison.changed), (vec![0], vec![0], vec![]));
    }

    #[test]
    fn what_is_most_alike_is_taken_for_the_same() {
        let expected = [expectation(Some(1), Some("ana")), expectation(Some(2), Some("ben"))];
        let comparison = compare(&expected, &[seen(9, "ben"), seen(1, "cyd"), seen(7, "dan")]);
        let pairs: Vec<_> = comparison.changed.iter().map(|(place, alert, _)| (*place, *alert)).collect();
        assert_eq!((pairs, comparison.extra), (vec![(0, 1), (1, 0)], vec![2]));
        let nothing_alike = compare(&[expectation(Some(1), Some("ana"))], &[seen(7, "dan")]);
        assert_eq!(nothing_alike.changed, []);
    }

    #[test]
    fn a_moment_is_written_as_tests_write_it() {
        let shown = [0, 90_000, 3_600_000, 93_784_005, -1_500].map(moment);
        assert_eq!(shown, ["0s", "1m30s", "1h", "26h3m4s5ms", "-1s500ms"]);
    }
}
