//! What goes into a correlation, and what comes out when it comes true?

use std::sync::Arc;

use compact_str::CompactString;

use super::episode::Verdict;
use super::key;
use super::shown::Selection;
use crate::model::{Enriched, Evidence, Match, Measured, RuleIndex, Shared, Window};
use crate::state::{Proof, Touch};

/// A match of one of a correlation's rules, with the time it is taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed<'a> {
    /// The match.
    pub(super) matched: &'a Match,
    /// The matched rule's place in the correlation's list.
    pub(super) branch: usize,
    /// Events before it are late, and none of them comes here; ms.
    pub(super) watermark_ms: Option<i64>,
    /// The last tick; ms.
    pub(super) now_ms: Option<i64>,
}

impl Feed<'_> {
    /// Who made the match's events, and when it was.
    pub(super) fn touch(&self) -> Touch {
        let proof = Proof::of_all(self.matched.evidence.iter().map(AsRef::as_ref));
        Touch { proof, time_ms: self.matched.time_ms() }
    }
}

/// A window that came true.
#[derive(Clone, Debug)]
pub struct Firing {
    /// The correlation.
    pub rule: RuleIndex,
    /// The key within the rule.
    pub key: u128,
    /// The tenant.
    pub org: Option<Arc<str>>,
    /// The group-by fields with their values.
    pub group: Vec<(String, String)>,
    /// The window's last event; if that is no longer kept to be shown, the one that arrived.
    pub uuid: CompactString,
    /// `published` of that event, ms.
    pub fired_at_ms: i64,
    /// The time of the window's last event, ms: the instant its alerts are held together by.
    pub last_ms: i64,
    /// The window's last event itself; always there if other correlations take the matches.
    pub event: Option<Shared<Enriched>>,
    /// What is shown of the event named by `uuid`.
    pub decided: Option<Shared<Evidence>>,
    /// What was measured against what is asked.
    pub measured: Vec<Measured>,
    /// How many matches the window holds.
    pub count: u64,
    /// The window's first match, ms.
    pub first_seen_ms: i64,
    /// The window.
    pub window: Window,
    /// The window's events to show; those behind the matches of other correlations too.
    pub shown: Selection,
    /// Events of the window, or a key that may have held some, were dropped at a bound.
    pub may_be_low: bool,
    /// Whether it is an alert, more of one, or neither.
    pub verdict: Verdict,
}

impl Firing {
    /// What came true, as the correlations that take its matches see it. The matched event is always
    /// there if any do.
    pub fn chained(&self) -> Option<Match> {
        let event = self.event.clone()?;
        Some(Match {
            rule: self.rule,
            event,
            evidence: self.shown.evidence.iter().cloned().collect(),
            group: self.group.clone(),
            key: key::of_group(self.org.as_deref().unwrap_or_default(), &self.group),
            only: None,
        })
    }
}
