//! How are the series of tests made?

use std::fmt::Debug;
use std::sync::Arc;

use super::measure::{Measure, Timespan};
use super::own::Own;
use super::series::{Occurrence, Series, Stamp};
use crate::model::{Enriched, Event, FieldId, Fields, Match, Observation, Position, RuleIndex, Value, core};

/// A figure whose windows are all looked at.
pub(super) fn rising<G>(gauge: G, timespan_ms: i64) -> Own<G> {
    Own { gauge, timespan: Timespan(timespan_ms), conditions: Vec::new(), rises: true }
}

/// A match of an event that has these values in core fields.
pub(super) fn matched(values: &[(FieldId, Vec<Value<'_>>)]) -> Match {
    let mut fields = Fields::new(core::ALL.len());
    for (field, values) in values {
        fields.set_list(*field, values.iter().map(|value| Some(*value)));
    }
    let event = Event {
        position: Position::default(),
        uuid: "u1".into(),
        published_ms: 0,
        org: None,
        envelope: "raw",
        lossy: false,
        fields,
        raw: None,
    };
    let observation = Observation { event, place: None };
    let event = Enriched { observation, session: None, user: None, travel: None, late: false };
    Match {
        rule: RuleIndex(0),
        time_ms: 0,
        uuid: "u1".into(),
        event: Arc::new(event),
        evidence: Vec::new(),
        group: Vec::new(),
    }
}

/// A key of one correlation, fed event by event.
pub(super) struct Fed<M: Measure> {
    pub(super) measure: M,
    pub(super) series: Series<M::Mark>,
    pub(super) tally: M::Tally,
}

impl<M: Measure> Fed<M>
where
    M::Mark: Debug,
{
    pub(super) fn new(measure: M) -> Self {
        Self { measure, series: Series::default(), tally: M::Tally::default() }
    }

    /// Takes an event, and gives the windows it changed: the last event's time, and the figure.
    pub(super) fn take(&mut self, time_ms: i64, uuid: u128, mark: M::Mark) -> Vec<(i64, f64)> {
        let stamp = Stamp::new(time_ms, &uuid::Uuid::from_u128(uuid).to_string());
        let place = match self.series.find(stamp) {
            Ok(place) => {
                if !self.measure.merged(&mut self.series, place, mark, &mut self.tally) {
                    return Vec::new();
                }
                place
            }
            Err(place) => {
                self.series.insert(place, Occurrence { stamp, mark, satisfied: false, event: None });
                self.measure.inserted(&self.series, place, &mut self.tally);
                place
            }
        };
        let mut judged = Vec::new();
        self.measure.judge(&self.series, place, &mut self.tally, &mut |last, reading| {
            judged.push((self.series.time(last).unwrap(), reading.headline()));
        });
        judged
    }

    /// Decides every window that is not decided, as when the watermark has passed all: whether each
    /// satisfies the rule.
    pub(super) fn decide_all(&mut self) -> Vec<(i64, bool)> {
        let places = 0..self.series.len();
        let decided = places.map(|place| {
            let reading = self.measure.decide(&self.series, place, &mut self.tally);
            (self.series.time(place).unwrap(), reading.holds)
        });
        decided.collect()
    }

    /// Takes an event without judging it, or what another rule has of one that is there.
    pub(super) fn put(&mut self, time_ms: i64, uuid: u128, mark: M::Mark) {
        let stamp = Stamp::new(time_ms, &uuid::Uuid::from_u128(uuid).to_string());
        match self.series.find(stamp) {
            Ok(place) => {
                self.measure.merged(&mut self.series, place, mark, &mut self.tally);
            }
            Err(place) => {
                self.series.insert(place, Occurrence { stamp, mark, satisfied: false, event: None });
                self.measure.inserted(&self.series, place, &mut self.tally);
            }
        }
    }

    /// Takes the oldest event out.
    pub(super) fn remove_oldest(&mut self) {
        let gone = self.series.pop_oldest().unwrap();
        self.measure.removed(&gone, &mut self.tally);
    }
}
