//! What is kept of a sighting that may be new, and told if it is?

use smallvec::SmallVec;
use xxhash_rust::xxh3::Xxh3;

use super::episode::Verdict;
use super::firing::{Feed, Firing};
use super::key::Key;
use super::series::Stamp;
use super::shown::{Shown, select};
use super::table::Spec;
use crate::durable;
use crate::model::{Enriched, Shared, Window};
use crate::state::Proof;

/// What is kept of a sighting that may be new.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) value: Key,
    /// Whom it is about: of an array in the group-by, several.
    pub(super) about: SmallVec<[Key; 1]>,
    shown: Shown,
    event: Option<Shared<Enriched>>,
}

durable!(Sighting { value, about, shown, event });

impl Sighting {
    /// With nobody it is about yet.
    pub(super) fn new(value: &Key, stamp: Stamp, feed: &Feed<'_>, spec: &Spec) -> Self {
        let shown = Shown::new(stamp, feed.matched);
        let event = spec.passed(&feed.matched.event);
        Self { value: value.clone(), about: SmallVec::new(), shown, event }
    }

    /// It is about these keys as well, and another rule shows more of it.
    pub(super) fn add(&mut self, about: &[Key], feed: &Feed<'_>) {
        self.shown.add(&feed.matched.evidence);
        for key in about {
            if self.about.iter().all(|known| known.hash != key.hash) {
                self.about.push(key.clone());
            }
        }
    }

    /// What is proven of whoever showed it.
    pub(super) fn proof(&self) -> Proof {
        Proof::of_all(self.shown.evidence.iter().map(AsRef::as_ref))
    }

    /// What of a firing does not depend on whom it is about.
    pub(super) fn firing(&self, spec: &Spec, time_ms: i64, verdict: Verdict) -> Firing {
        let own = self.shown.own().cloned();
        Firing {
            rule: spec.rule,
            key: 0,
            org: own.as_ref().and_then(|own| own.org.clone()),
            group: Vec::new(),
            uuid: self.shown.uuid().clone(),
            fired_at_ms: time_ms,
            last_ms: time_ms,
            event: self.event.clone(),
            decided: own,
            measured: Vec::new(),
            count: 1,
            first_seen_ms: time_ms,
            window: Window { start_ms: time_ms, end_ms: time_ms, timespan_ms: 0 },
            shown: select(std::iter::once(&self.shown), self.shown.uuid(), spec.info.evidence_max),
            may_be_low: false,
            verdict,
        }
    }
}

/// One number for a key and a value.
pub(super) fn paired(key: u128, value: u128) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&key.to_le_bytes());
    hash.update(&value.to_le_bytes());
    hash.digest128()
}
