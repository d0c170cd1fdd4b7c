//! Which matches, taken together, make a correlation true?
//!
//! # What a correlation promises
//!
//! Every event is the last of one window: the events of its key with
//! `last - timespan < time <= last`, and of those at the same millisecond the ones whose uuid is
//! not greater. A window *satisfies* its rule when its figure satisfies all thresholds. Time is the
//! event's `published`, never its arrival.
//!
//! - **Order does not matter.** An event that is out of order, but not behind the watermark, takes
//!   its place in time, and every window that holds it is judged again. So the satisfying windows
//!   are those of the events in order of time, whatever the order of arrival, the size of batches or
//!   the partitions events came by.
//! - **What an event decides fires with it.** What only more events can decide (a bound from above, a
//!   figure that may fall, something that must not happen) waits until the watermark says that
//!   none can come. Such a correlation lags: those that take its matches see a watermark that lies as
//!   far behind.
//! - **Every satisfying window is covered by an alert, and no alert is without one.** Windows that
//!   end within the rule's `suppress` of an alert belong to it ([`Episodes`]). Which of them names
//!   the alert does depend on the order of arrival, and so does the alert's id.
//! - **An event counts once**, by uuid, even if several of the rule's branches match it; only
//!   the types that ask which rules match (`temporal`, `sequence`, an `aggregate`'s `count(rule)`) look
//!   at which branches those were.
//! - **A group-by on an array** makes a key of each element. An event without a group-by field, or
//!   without the counted field, is left out and counted.
//! - **Chains.** For the correlations that take its matches, a correlation matches at the last event
//!   of every satisfying window, once, whether or not that window raised an alert of its own. Were
//!   it only once an alert, the chain's verdict would depend on which window came first.
//!
//! - **What looks further back than a window** has a table of its own: the values that an entity has shown
//!   ([`new_value`]), the figures of its buckets of time ([`baseline`]), what was found of it
//!   ([`risk_score`]). They keep numbers, not events, and hold all that is said above.
//!
//! Everything held is bounded; what is dropped is counted, and alerts that may be too low say so.

mod absence;
mod adopt;
mod aggregate;
mod baseline;
mod bucket;
mod build;
mod counted;
mod distinct;
mod durable;
mod early;
mod episode;
mod event_count;
mod findings;
mod fire;
mod fire_bucket;
mod firing;
mod gauge;
mod groups;
mod habit;
mod habits;
mod kept;
mod key;
mod lives;
mod measure;
mod memory;
mod meters;
mod nearby;
mod new_value;
mod numbers;
mod own;
mod points;
#[cfg(test)]
mod recount;
mod remembered;
mod risk_score;
#[cfg(test)]
mod samples;
mod score;
mod sequence;
mod series;
mod settled;
mod shown;
mod sighting;
mod state;
mod step;
mod store;
mod table;
mod temporal;
mod temporal_condition;
mod temporal_ordered;
mod value_count;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use adopt::Adopted;
pub use durable::{LETTER, meaning};
pub use episode::{Episodes, Story, Suppression, Verdict};
pub use firing::Firing;
pub use key::{Key, homes};
pub use shown::Selection;

use crate::config::Limits;
use crate::model::{FieldId, Match, Measured, RuleIndex, RuleInfo, Tally};
use crate::rule::{Body, Correlation, RuleSet};
use crate::state::Dirty;
use durable::Meaning;
use firing::Feed;
use table::{Correlate, Spec};

/// All correlations of a rule set, with their state.
#[derive(Debug)]
pub struct Correlator {
    rules: Arc<RuleSet>,
    /// One for each rule; `None` for detections.
    tables: Vec<Option<Held>>,
    /// For each level, the watermark at which the next thing can be decided; no earlier one needs a
    /// look.
    next_ms: Vec<i64>,
    /// Which correlation has which meaning.
    meanings: BTreeMap<Meaning, RuleIndex>,
    keeps_changes: bool,
    /// Keys of correlations that are no longer there.
    gone: Vec<Dirty>,
}

/// One correlation with its place in the chains.
#[derive(Debug)]
struct Held {
    table: Box<dyn Correlate + Send>,
    /// How long after the events the matches it takes come at most, ms.
    lag_ms: i64,
    /// Rules whose matches come too late for it.
    slow: Vec<RuleIndex>,
    /// Which watermark it goes by.
    level: usize,
    /// What its table holds the state of.
    meaning: Meaning,
}

impl Held {
    /// The first and the last watermark it waits for.
    fn waiting(&self) -> Option<(i64, i64)> {
        let (first_ms, last_ms) = self.table.waiting()?;
        Some((first_ms.saturating_add(self.lag_ms), last_ms.saturating_add(self.lag_ms)))
    }

    /// Its level is looked at when the first can be decided, if that is before what was planned.
    fn hasten(&self, next_ms: &mut [i64]) {
        if let (Some((first_ms, _)), Some(next_ms)) = (self.waiting(), next_ms.get_mut(self.level)) {
            *next_ms = first_ms.min(*next_ms);
        }
    }
}

/// When a match is taken in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Events before it are late: what only they could need is forgotten; ms.
    pub watermark_ms: Option<i64>,
    /// The last tick, if there ever was one; ms.
    pub now_ms: Option<i64>,
}

impl Correlator {
    /// An empty state for these rules.
    pub fn new(rules: Arc<RuleSet>, limits: &Limits) -> Self {
        let mut tables: Vec<Option<Held>> = rules.rules.iter().map(|_| None).collect();
        let mut passes = passes(&rules);
        for index in &rules.order {
            let Some(Body::Correlation(correlation)) = rules.get(*index).map(|rule| &rule.body) else {
                continue;
            };
            let lag = |rule: &RuleIndex| {
                let below = tables.get(rule.0 as usize).and_then(Option::as_ref);
                below.map_or(0, |below| below.lag_ms.saturating_add(below.table.waits_ms()))
            };
            // What takes any rule does not wait for those that wait themselves.
            let is_slow = |rule: &RuleIndex| correlation.test.takes_any() && lag(rule) > 0;
            let (slow, taken): (Vec<RuleIndex>, Vec<RuleIndex>) =
                correlation.rules.iter().copied().partition(is_slow);
            let lag_ms = taken.iter().map(lag).max().unwrap_or_default();
            let passes = passes.get_mut(index.0 as usize).map(std::mem::take).unwrap_or_default();
            let table = spec(&rules, *index, passes, limits).map(|spec| build::table(correlation, spec));
            if let Some(held) = tables.get_mut(index.0 as usize) {
                let meaning = durable::meaning(&rules, *index);
                *held = table.map(|table| Held { table, lag_ms, slow, level: 0, meaning });
            }
        }
        let meanings = durable::meanings(&tables);
        let next_ms = vec![i64::MAX];
        Self { rules, tables, next_ms, meanings, keeps_changes: false, gone: Vec::new() }
    }

    /// Has each rule go by the watermark of its level, of so many.
    pub fn set_levels(&mut self, levels: usize, of: impl Fn(RuleIndex) -> usize) {
        for (index, held) in (0..).map(RuleIndex).zip(&mut self.tables) {
            if let Some(held) = held {
                held.level = of(index);
            }
        }
        self.next_ms = vec![i64::MAX; levels];
        (0..levels).for_each(|level| self.decided(level));
    }

    /// Gives a match to one of the correlations that take it, and adds what came true by it, in the
    /// order of time. A match that is behind the watermark must not come here.
    pub fn feed(
        &mut self,
        consumer: RuleIndex,
        matched: &Match,
        moment: Moment,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let Some(correlation) = correlation(&self.rules, consumer) else { return };
        let Some(branch) = correlation.rules.iter().position(|rule| *rule == matched.rule) else { return };
        let Some(Some(held)) = self.tables.get_mut(consumer.0 as usize) else { return };
        if held.slow.contains(&matched.rule) {
            return;
        }
        let watermark_ms = moment.watermark_ms.map(|watermark_ms| watermark_ms.saturating_sub(held.lag_ms));
        let feed = Feed { matched, branch, watermark_ms, now_ms: moment.now_ms };
        held.table.feed(correlation, &feed, fired, tally);
        held.hasten(&mut self.next_ms);
    }

    /// Whether something of a level can be decided at its watermark.
    pub fn is_due(&self, level: usize, watermark_ms: i64) -> bool {
        self.next_ms.get(level).is_some_and(|next_ms| *next_ms <= watermark_ms)
    }

    /// Decides what one correlation can decide at the watermark, and adds what came true. To be asked
    /// of every rule in the order of the rule set, with what came true fed on in between.
    pub fn decide(&mut self, rule: RuleIndex, moment: Moment, fired: &mut Vec<Firing>, tally: &mut Tally) {
        let (Some(watermark_ms), Some(correlation)) = (moment.watermark_ms, correlation(&self.rules, rule))
        else {
            return;
        };
        let Some(Some(held)) = self.tables.get_mut(rule.0 as usize) else { return };
        let watermark_ms = watermark_ms.saturating_sub(held.lag_ms);
        held.table.decide(correlation, watermark_ms, moment.now_ms, fired, tally);
    }

    /// Every correlation of a level has decided what it could.
    pub fn decided(&mut self, level: usize) {
        let waiting = self.waiting().filter(|(of, _, _)| *of == level);
        let first_ms = waiting.map(|(_, first_ms, _)| first_ms).min().unwrap_or(i64::MAX);
        if let Some(next_ms) = self.next_ms.get_mut(level) {
            *next_ms = first_ms;
        }
    }

    /// The watermark at which the last of all that waits can be decided; `None` if nothing waits.
    pub fn waits_until_ms(&self) -> Option<i64> {
        self.waiting().map(|(_, _, last_ms)| last_ms).max()
    }

    /// The level of each rule that waits, with the first and the last watermark it waits for.
    fn waiting(&self) -> impl Iterator<Item = (usize, i64, i64)> {
        self.tables.iter().flatten().filter_map(|held| {
            let (first_ms, last_ms) = held.waiting()?;
            Some((held.level, first_ms, last_ms))
        })
    }

    /// The alerts of the key that came true, by which an update finds its alert.
    pub fn episodes(&mut self, firing: &Firing) -> Option<&mut Episodes> {
        self.tables.get_mut(firing.rule.0 as usize)?.as_mut()?.table.episodes(firing.key)
    }

    /// Forgets what no event at or after the watermark of its level can need.
    pub fn expire(&mut self, watermark_ms: impl Fn(usize) -> Option<i64>) {
        for (rule, held) in self.rules.rules.iter().zip(&mut self.tables) {
            if let (Body::Correlation(correlation), Some(held)) = (&rule.body, held)
                && let Some(watermark_ms) = watermark_ms(held.level)
            {
                held.table.expire(correlation, watermark_ms.saturating_sub(held.lag_ms));
            }
        }
    }

    /// The figures of the window of a correlation that came nearest to what it asks, whether it came
    /// true or not; `None` for a detection.
    pub fn nearest(&self, rule: RuleIndex) -> Option<Vec<Measured>> {
        Some(self.tables.get(rule.0 as usize)?.as_ref()?.table.nearest())
    }

    /// How many keys each correlation holds.
    pub fn keys(&self) -> impl Iterator<Item = (RuleIndex, usize)> {
        let held =
            |(index, held): (RuleIndex, &Option<Held>)| held.as_ref().map(|held| (index, held.table.keys()));
        (0..).map(RuleIndex).zip(&self.tables).filter_map(held)
    }
}

fn correlation(rules: &RuleSet, rule: RuleIndex) -> Option<&Correlation> {
    match &rules.get(rule)?.body {
        Body::Correlation(correlation) => Some(correlation),
        Body::Detection(_) => None,
    }
}

/// For each rule, the fields that the correlations above it read of the event that a match of it came
/// true at.
pub fn passes(rules: &RuleSet) -> Vec<Vec<FieldId>> {
    let mut passes: Vec<Vec<FieldId>> = vec![Vec::new(); rules.rules.len()];
    for index in rules.order.iter().rev() {
        let consumers = rules.get(*index).into_iter().flat_map(|rule| &rule.feeds);
        let fields = consumers.flat_map(|consumer| {
            let taken = correlation(rules, *consumer).map(|above| &above.rules);
            let branch = taken.and_then(|taken| taken.iter().position(|rule| rule == index));
            let read = rules.get(*consumer).zip(branch).map(|(above, branch)| above.reads(branch));
            read.into_iter().chain(passes.get(consumer.0 as usize).cloned()).flatten()
        });
        let mut fields: Vec<FieldId> = fields.collect();
        fields.sort_unstable();
        fields.dedup();
        if let Some(own) = passes.get_mut(index.0 as usize) {
            *own = fields;
        }
    }
    passes
}

fn spec(rules: &RuleSet, index: RuleIndex, passes: Vec<FieldId>, limits: &Limits) -> Option<Spec> {
    let rule = rules.get(index)?;
    Some(Spec {
        rule: index,
        info: Arc::clone(&rule.info),
        suppression: suppression(&rule.info),
        feeds: !rule.feeds.is_empty(),
        passes,
        keys: limits.keys_per_rule,
        events_per_key: limits.events_per_key,
    })
}

/// How a rule's alerts are held together.
pub fn suppression(info: &RuleInfo) -> Suppression {
    Suppression { suppress_ms: info.suppress_ms, update_every_ms: info.update_every_ms }
}
