//! Which windows go on under another set of rules?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Correlator, correlation, passes, spec};
use crate::config::Limits;
use crate::model::RuleIndex;
use crate::rule::{Body, RuleSet};

/// What became of the windows of correlations when the rules were replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Correlations that mean what they meant: their windows go on.
    pub kept: usize,
    /// Correlations that are new, or mean something else: theirs begin empty.
    pub anew: usize,
}

impl Correlator {
    /// Takes another set of rules. A correlation that means the same, by its digest, keeps what it
    /// holds, whatever its place in the set, its options and the rules beside it have become.
    ///
    /// Events that are held know their fields by place, so the new table must go on from the old one;
    /// if it does not, all windows begin empty.
    pub fn adopt(&mut self, rules: Arc<RuleSet>, limits: &Limits) -> Adopted {
        let mut next = Self::new(rules, limits);
        let before: BTreeMap<&str, RuleIndex> = match next.rules.table.extends(&self.rules.table) {
            true => (0..)
                .map(RuleIndex)
                .zip(&self.rules.rules)
                .map(|(at, rule)| (&*rule.info.digest, at))
                .collect(),
            false => BTreeMap::new(),
        };
        let mut adopted = Adopted::default();
        let passes = passes(&next.rules);
        for ((index, rule), passes) in (0..).map(RuleIndex).zip(&next.rules.rules).zip(passes) {
            let Body::Correlation(correlation) = &rule.body else { continue };
            let Some(Some(held)) = next.tables.get_mut(index.0 as usize) else { continue };
            let old = before.get(&*rule.info.digest).copied();
            let old = old.filter(|old| branches(&self.rules, *old) == branches(&next.rules, index));
            let old = old.and_then(|old| self.tables.get_mut(old.0 as usize)?.take());
            let (Some(old), Some(spec)) = (old, spec(&next.rules, index, passes, limits)) else {
                adopted.anew += 1;
                continue;
            };
            held.table = old.table;
            held.table.adopt(correlation, spec);
            adopted.kept += 1;
        }
        (0..next.next_ms.len()).for_each(|level| next.decided(level));
        *self = next;
        adopted
    }
}

/// What a correlation takes, in its order: what is held knows a rule by its place there, and that may
/// change though the meaning does not.
fn branches(rules: &RuleSet, index: RuleIndex) -> Vec<&str> {
    let taken = correlation(rules, index).map(|correlation| correlation.rules.as_slice()).unwrap_or_default();
    taken.iter().filter_map(|rule| rules.get(*rule)).map(|rule| &*rule.info.digest).collect()
}
