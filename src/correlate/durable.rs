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
use crate::state::{Change, Corrupt, Names};

/// What a key of a correlation begins with.
pub const LETTER: u8 = b'c';

/// A correlation by what it means, to the order in which what is held knows things.
pub(super) type Meaning = [u8; 16];

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
    pub fn changes(&mut self) -> Vec<Change> {
        if !self.keeps_changes {
            return Vec::new();
        }
        let mut changes = std::mem::take(&mut self.gone);
        for (meaning, rule) in &self.meanings {
            let Some(Some(held)) = self.tables.get_mut(rule.0 as usize) else { continue };
            held.table.changes(&self.rules.table, &mut |key, value| {
                changes.push(Change { key: spelled(meaning, key), value });
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
        if let Some((first_ms, _)) = held.table.waiting() {
            let first_ms = first_ms.saturating_add(held.lag_ms);
            if let Some(next_ms) = self.next_ms.get_mut(held.level) {
                *next_ms = first_ms.min(*next_ms);
            }
        }
        Ok(true)
    }

    /// Lets go of all that is held, and gives what that changes.
    pub(super) fn let_go(&mut self) -> Vec<Change> {
        for held in self.tables.iter_mut().flatten() {
            held.table.clear();
        }
        self.changes().into_iter().filter(|change| change.value.is_none()).collect()
    }
}

/// Which correlation has which meaning.
pub(super) fn meanings(tables: &[Option<Held>]) -> BTreeMap<Meaning, RuleIndex> {
    let held = (0..).map(RuleIndex).zip(tables).filter_map(|(index, held)| Some((index, held.as_ref()?)));
    held.map(|(index, held)| (held.meaning, index)).collect()
}

/// The digest of a rule does not depend on the order of what it takes, nor an aggregate's on that of its
/// values; but what is held knows both by their places.
pub(super) fn meaning(rules: &RuleSet, index: RuleIndex) -> Meaning {
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
    hash.digest128().to_be_bytes()
}

fn spelled(meaning: &Meaning, key: Option<u128>) -> Vec<u8> {
    let mut spelled = vec![LETTER];
    spelled.extend(meaning);
    spelled.extend(key.into_iter().flat_map(u128::to_be_bytes));
    spelled
}

fn read(key: &[u8]) -> Result<(Meaning, Option<u128>), Corrupt> {
    let wrong = Corrupt("key of a correlation");
    let rest = key.strip_prefix(&[LETTER]).ok_or(wrong)?;
    let (meaning, rest) = rest.split_first_chunk().ok_or(wrong)?;
    match rest {
        [] => Ok((*meaning, None)),
        rest => Ok((*meaning, Some(u128::from_be_bytes(rest.try_into().map_err(|_| wrong)?)))),
    }
}
