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
//! - **Every satisfying window is covered by an alert, and no alert is without one.** Windows that
//!   end within the rule's `suppress` of an alert belong to it ([`Episodes`]). Which of them names
//!   the alert does depend on the order of arrival, and so does the alert's id.
//! - **An event counts once**, by uuid, even if several of the rule's branches match it; only
//!   `temporal` and `temporal_ordered` ask which branches those were.
//! - **A group-by on an array** makes a key of each element. An event without a group-by field, or
//!   without the counted field, is left out and counted.
//! - **Chains.** For the correlations that take its matches, a correlation matches at the last event
//!   of every satisfying window, once, whether or not that window raised an alert of its own. Were
//!   it only once an alert, the chain's verdict would depend on which window came first.
//!
//! Everything held is bounded; what is dropped is counted, and alerts that may be too low say so.

mod distinct;
mod episode;
mod event_count;
mod fire;
mod firing;
mod key;
mod measure;
#[cfg(test)]
mod samples;
mod series;
mod shown;
mod state;
mod table;
mod temporal;
mod temporal_ordered;
mod value_count;

use std::sync::Arc;

pub use episode::{Episodes, Story, Suppression, Verdict};
pub use firing::Firing;
pub use shown::Selection;

use crate::config::Limits;
use crate::model::{Match, RuleIndex, RuleInfo, RuleKind, Tally};
use crate::rule::{Body, Correlation, RuleSet};
use firing::Feed;
use measure::{Measure, Timespan};
use table::{Correlate, Spec, Table};

/// All correlations of a rule set, with their state.
#[derive(Debug)]
pub struct Correlator {
    rules: Arc<RuleSet>,
    /// One for each rule; `None` for detections.
    tables: Vec<Option<Box<dyn Correlate + Send>>>,
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
        let tables = (0..).map(RuleIndex).zip(&rules.rules).map(|(index, rule)| match &rule.body {
            Body::Detection(_) => None,
            Body::Correlation(correlation) => {
                let spec = Spec {
                    rule: index,
                    info: Arc::clone(&rule.info),
                    suppression: suppression(&rule.info),
                    feeds: !rule.feeds.is_empty(),
                    keys: limits.keys_per_rule,
                    events_per_key: limits.events_per_key,
                };
                Some(table(correlation, spec))
            }
        });
        let tables = tables.collect();
        Self { rules, tables }
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
        let Some(Body::Correlation(correlation)) = self.rules.get(consumer).map(|rule| &rule.body) else {
            return;
        };
        let Some(branch) = correlation.rules.iter().position(|rule| *rule == matched.rule) else { return };
        let Some(Some(table)) = self.tables.get_mut(consumer.0 as usize) else { return };
        let Moment { watermark_ms, now_ms } = moment;
        table.feed(correlation, &Feed { matched, branch, watermark_ms, now_ms }, fired, tally);
    }

    /// The alerts of the key that came true, by which an update finds its alert.
    pub fn episodes(&mut self, firing: &Firing) -> Option<&mut Episodes> {
        self.tables.get_mut(firing.rule.0 as usize)?.as_mut()?.episodes(firing.key)
    }

    /// Forgets what no event at or after the watermark can need.
    pub fn expire(&mut self, watermark_ms: i64) {
        for (rule, table) in self.rules.rules.iter().zip(&mut self.tables) {
            if let (Body::Correlation(correlation), Some(table)) = (&rule.body, table) {
                table.expire(Timespan(correlation.timespan_ms), watermark_ms);
            }
        }
    }

    /// The highest figure any window of a correlation has had, whether it came true or not; `None`
    /// for a detection.
    pub fn highest(&self, rule: RuleIndex) -> Option<f64> {
        Some(self.tables.get(rule.0 as usize)?.as_ref()?.highest())
    }

    /// How many keys each correlation holds.
    pub fn keys(&self) -> impl Iterator<Item = (RuleIndex, usize)> {
        let held = |(index, table): (RuleIndex, &Option<Box<dyn Correlate + Send>>)| {
            table.as_ref().map(|table| (index, table.keys()))
        };
        (0..).map(RuleIndex).zip(&self.tables).filter_map(held)
    }
}

/// How a rule's alerts are held together.
pub fn suppression(info: &RuleInfo) -> Suppression {
    Suppression { suppress_ms: info.suppress_ms, update_every_ms: info.update_every_ms }
}

/// The figure a correlation measures, by its name in an alert.
pub fn measured(correlation: &Correlation) -> String {
    let timespan = Timespan(correlation.timespan_ms);
    match correlation.kind {
        RuleKind::ValueCount => value_count(correlation, timespan).name(),
        RuleKind::Temporal => temporal::Temporal { timespan }.name(),
        RuleKind::TemporalOrdered => ordered(correlation, timespan).name(),
        RuleKind::EventCount | RuleKind::Detection => event_count::EventCount { timespan }.name(),
    }
}

fn table(correlation: &Correlation, spec: Spec) -> Box<dyn Correlate + Send> {
    let timespan = Timespan(correlation.timespan_ms);
    match correlation.kind {
        RuleKind::ValueCount => Box::new(Table::new(value_count(correlation, timespan), spec)),
        RuleKind::Temporal => Box::new(Table::new(temporal::Temporal { timespan }, spec)),
        RuleKind::TemporalOrdered => Box::new(Table::new(ordered(correlation, timespan), spec)),
        // The loader gives no correlation the kind of a detection.
        RuleKind::EventCount | RuleKind::Detection => {
            Box::new(Table::new(event_count::EventCount { timespan }, spec))
        }
    }
}

fn value_count(correlation: &Correlation, timespan: Timespan) -> value_count::ValueCount {
    value_count::ValueCount {
        timespan,
        counted: correlation.counted.clone(),
        counted_name: correlation.counted_name.clone(),
    }
}

fn ordered(correlation: &Correlation, timespan: Timespan) -> temporal_ordered::TemporalOrdered {
    temporal_ordered::TemporalOrdered { timespan, steps: correlation.rules.len() }
}
