//! How do correlations outlive the process that holds them?
//!
//! A key of a change is a letter, the meaning of the rule and the key within the rule; without the
//! latter it is what is said of the whole rule. So what is held is found again by every set of rules that
//! has one of that meaning, wherever it stands.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3;

use super::adopt::branches;
use super::{Correlator, Held, correlation};
use crate::model::RuleIndex;
use crate::rule::{RuleSet, Test};
use crate::state::{Change, Corrupt, Dirty, Names};

/// What a key of a correlation begins with.
pub const LETTER: u8 = b'c';

/// A rule by what it means, to the order in which what is held of a correlation knows things.
pub(super) type Meaning = u128;

impl Correlator {
    /// Whether [`Self::changes`] are asked for, which costs a little with each match. When they are
    /// asked for, all that is held by then is a change.
    pub fn keep_changes(&mut self, wanted: bool) {
        self.keeps_changes = wanted;
        for held in self.tables.iter_mut().flatten() {
            held.table.keep_changes(wanted);
        }
    }

    /// What changed since this was asked last, in an order that depends on nothing but the rules and
    /// the keys. To be asked after every step.
    pub fn changes(&mut self) -> Vec<Dirty> {
        if !self.keeps_changes {
            return Vec::new();
        }
        let mut changes = std::mem::take(&mut self.gone);
        for (meaning, rule) in &self.meanings {
            let Some(Some(held)) = self.tables.get_mut(rule.0 as usize) else { continue };
            held.table.changes(&self.rules.table, &mut |key, value| {
                changes.push((spelled(*meaning, key), value));
            });
        }
        changes
    }

    /// Holds what a change says. Gives whether there is a correlation that it is about: if there is
    /// none, it was of rules that are no longer there, or mean something else now.
    ///
    /// # Errors
    /// The change says something else than was ever written; its key is not held then.
    pub fn restore(&mut self, names: &mut Names, change: &Change) -> Result<bool, Corrupt> {
        let (meaning, key) = read(&change.key)?;
        let rule = self.meanings.get(&meaning).map_or(usize::MAX, |rule| rule.0 as usize);
        let Some(Some(held)) = self.tables.get_mut(rule) else { return Ok(false) };
        held.table.restore(&self.rules.table, names, key, change.value.as_deref())?;
        held.hasten(&mut self.next_ms);
        Ok(true)
    }

    /// The rule that a key of a change is about, if there is one.
    pub fn rule_of(&self, key: &[u8]) -> Option<RuleIndex> {
        self.meanings.get(&read(key).ok()?.0).copied()
    }

    /// Lets go of all that is held, and gives what that changes.
    pub(super) fn let_go(&mut self) -> Vec<Dirty> {
        for held in self.tables.iter_mut().flatten() {
            held.table.clear();
        }
        self.changes().into_iter().filter(|(_, value)| value.is_none()).collect()
    }
}

/// Which correlation has which meaning.
pub(super) fn meanings(tables: &[Option<Held>]) -> BTreeMap<Meaning, RuleIndex> {
    let held = (0..).map(RuleIndex).zip(tables).filter_map(|(index, held)| Some((index, held.as_ref()?)));
    held.map(|(index, held)| (held.meaning, index)).collect()
}

/// The digest of a rule does not depend on the order of what it takes, nor an aggregate's on that of its
/// values; but what is held knows both by their places.
pub fn meaning(rules: &RuleSet, index: RuleIndex) -> Meaning {
    let own = rules.get(index).map(|rule| rule.info.digest.as_ref()).unwrap_or_default();
    let taken = branches(rules, index);
    let values = match correlation(rules, index).map(|correlation| &correlation.test) {
        Some(Test::Aggregate(test)) => test.spelled(&taken, &rules.table),
        _ => Vec::new(),
    };
    let mut hash = Xxh3::new();
    let parts = std::iter::once(own).chain(taken.iter().copied());
    for part in parts.chain(values.iter().map(String::as_str)) {
        hash.update(part.as_bytes());
        // 0xFF never occurs in UTF-8, so no two lists of parts read the same.
        hash.update(&[0xFF]);
    }
    hash.digest128()
}

fn spelled(meaning: Meaning, key: Option<u128>) -> Vec<u8> {
    let mut spelled = vec![LETTER];
    spelled.extend(meaning.to_be_bytes());
    spelled.extend(key.into_iter().flat_map(u128::to_be_bytes));
    spelled
}

fn read(key: &[u8]) -> Result<(Meaning, Option<u128>), Corrupt> {
    let wrong = Corrupt("key of a correlation");
    let rest = key.strip_prefix(&[LETTER]).ok_or(wrong)?;
    let (meaning, rest) = rest.split_first_chunk().ok_or(wrong)?;
    let meaning = Meaning::from_be_bytes(*meaning);
    match rest {
        [] => Ok((meaning, None)),
        rest => Ok((meaning, Some(u128::from_be_bytes(rest.try_into().map_err(|_| wrong)?)))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Play, correlation, detection};
    use super::*;
    use crate::config::Limits;
    use crate::state::Apart;

    const SECOND: i64 = 1_000;

    /// A correlation of each type, with the bytes that a key of it takes with two events: they hold what
    /// is shown of them, which is little in these tests.
    const TYPES: [(&str, &str, usize); 16] = [
        ("event_count", "timespan: 1m\ncondition: {gte: 9}", 500),
        ("event_count, at most", "timespan: 1m\ncondition: {lte: 1}", 500),
        ("value_count", "timespan: 1m\ncondition: {field: client.ipAddress, gte: 9}", 500),
        ("value_sum", "timespan: 1m\ncondition: {field: severity, gte: 9}", 500),
        ("value_avg", "timespan: 1m\ncondition: {field: severity, gte: 9}", 500),
        ("value_median", "timespan: 1m\ncondition: {field: severity, gte: 9}", 500),
        ("value_percentile", "timespan: 1m\ncondition: {field: severity, gte: 9, percentile: 90}", 500),
        ("temporal", "timespan: 1m", 500),
        ("temporal, without", "timespan: 1m\ncondition: a and not b", 500),
        ("temporal_ordered", "timespan: 1m", 500),
        ("sequence", "within: 1m\nsteps: [{rule: a}, {rule: b}]", 500),
        ("absence", "within: 1m\ntrigger: a\nabsent: b\nwhen: after", 500),
        ("aggregate", "timespan: 1m\nvalues: {ips: distinct(client.ipAddress)}\ncondition: ips >= 9", 500),
        ("new_value", "field: client.ipAddress\nforget: 30d", 500),
        ("baseline", "bucket: 1h\nhistory: 4h\nfloor: 3", 500),
        ("risk_score", "timespan: 1m\nthreshold: 90", 500),
    ];

    fn lines(name: &str, more: &str) -> String {
        let word = name.split(',').next().unwrap();
        // These two say with each rule what it is to them.
        let rules = if ["sequence", "absence"].contains(&word) { "" } else { "rules: [a, b]\n" };
        format!("type: {word}\n{rules}group-by: [actor.id]\n{more}")
    }

    fn two(play: &mut Play) {
        let values = [("actor.id", "ana"), ("client.ipAddress", "203.0.113.7"), ("severity", "3")];
        for (time_ms, uuid) in [(100 * SECOND, u128::MAX / 3), (101 * SECOND, u128::MAX / 5)] {
            let known: Vec<(&str, &str)> = values.into_iter().filter(|(path, _)| play.reads(path)).collect();
            play.take("a", time_ms, uuid, &known);
        }
    }

    #[test]
    fn a_key_takes_few_bytes_besides_what_is_shown_of_its_events() {
        for (name, more, most) in TYPES {
            let mut play = Play::new(&lines(name, more));
            play.correlator.keep_changes(true);
            two(&mut play);
            let said = changes(&mut play);
            let bytes: usize = said.iter().filter_map(|change| change.value.as_ref()).map(Vec::len).sum();
            println!("{name}: {} changes, {bytes} bytes", said.len());
            assert!((1..=most).contains(&bytes), "{name}: {bytes} bytes");
            assert!(said.iter().all(|change| change.key.len() == 33 && change.key[0] == LETTER));
            assert_eq!(changes(&mut play), [], "{name}");
        }
    }

    /// What changed, with all in one place.
    fn changes(play: &mut Play) -> Vec<Change> {
        let whole = |value: Apart| {
            assert!(value.parts.is_empty(), "events of tests are short");
            value.bytes
        };
        play.correlator.changes().into_iter().map(|(key, value)| Change::new(key, value.map(whole))).collect()
    }

    fn counting() -> Play {
        Play::new(&lines("event_count", "timespan: 1m\ncondition: {gte: 9}"))
    }

    #[test]
    fn nothing_is_kept_of_what_changes_unless_it_is_asked_for() {
        let mut play = counting();
        two(&mut play);
        assert_eq!(changes(&mut play), []);
        play.correlator.keep_changes(true);
        assert_eq!(changes(&mut play).len(), 1, "what is held by then");
        two(&mut play);
        play.correlator.keep_changes(false);
        assert_eq!(changes(&mut play), []);
    }

    #[test]
    fn a_key_that_time_has_passed_is_gone() {
        let mut play = counting();
        play.correlator.keep_changes(true);
        two(&mut play);
        let written = changes(&mut play);
        play.reach(900 * SECOND);
        let gone = changes(&mut play);
        assert_eq!(gone, [Change::new(written[0].key.clone(), None)]);
        let (mut other, mut names) = (counting(), Names::default());
        for (change, keys) in [(&written[0], 1), (&written[0], 1), (&gone[0], 0)] {
            assert_eq!(other.correlator.restore(&mut names, change), Ok(true));
            assert_eq!(other.keys(), keys);
        }
    }

    #[test]
    fn what_no_rule_means_is_left_and_what_nobody_wrote_is_told() {
        let mut play = counting();
        play.correlator.keep_changes(true);
        two(&mut play);
        let written = changes(&mut play).remove(0);
        let mut names = Names::default();
        let mut other = Play::new(&lines("event_count", "timespan: 2m\ncondition: {gte: 9}"));
        assert_eq!(other.correlator.restore(&mut names, &written), Ok(false));
        let value = written.value.clone().unwrap();
        let short = Change { value: Some(value[..value.len() - 1].to_vec()), ..written.clone() };
        for wrong in [short, Change { key: written.key[..20].to_vec(), ..written.clone() }] {
            assert!(play.correlator.restore(&mut names, &wrong).is_err());
        }
        let torn = Change { value: Some(value[..9].to_vec()), ..written };
        assert!(counting().correlator.restore(&mut names, &torn).is_err());
    }

    #[test]
    fn with_a_rule_that_is_dropped_its_keys_are_gone() {
        let mut play = counting();
        play.correlator.keep_changes(true);
        two(&mut play);
        let written = changes(&mut play);
        let lines = lines("event_count", "timespan: 2m\ncondition: {gte: 9}");
        let next = Play::of(
            &[detection("a", ""), detection("b", ""), correlation("c", &lines, "")],
            &Limits::default(),
        );
        play.correlator.adopt(next.rules(), &Limits::default());
        let gone = Change::new(written[0].key.clone(), None);
        assert_eq!(changes(&mut play), [gone]);
        assert_eq!(changes(&mut play), []);
    }
}
