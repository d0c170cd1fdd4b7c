//! How are the series and the matches of tests made?

use std::fmt::Debug;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use uuid::Uuid;

use super::measure::{Measure, Timespan};
use super::own::Own;
use super::series::{Occurrence, Series, Stamp};
use super::{Correlator, Firing, Moment};
use crate::config::Limits;
use crate::model::{
    Enriched, Event, EventFacts, FieldId, Fields, Match, Observation, Position, RuleIndex, Shared, Tally,
    Value, core,
};
use crate::rule::{Body, RuleSet, Sources, compile};

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
        envelope: "raw".into(),
        lossy: false,
        fields,
        raw: None,
    };
    let observation = Observation { event, place: None };
    let event = Enriched::alone(observation, false);
    Match {
        rule: RuleIndex(0),
        event: Shared::new(event),
        evidence: SmallVec::new(),
        group: Vec::new(),
        key: 0,
        only: None,
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

/// A match of an event that says nothing.
pub(super) fn bare(time_ms: i64, uuid: &str) -> Match {
    event(RuleIndex(0), time_ms, uuid, Fields::new(0))
}

fn event(rule: RuleIndex, time_ms: i64, uuid: &str, fields: Fields) -> Match {
    let event = Event {
        position: Position::default(),
        uuid: uuid.into(),
        published_ms: time_ms,
        org: None,
        envelope: "raw".into(),
        lossy: false,
        fields,
        raw: None,
    };
    let observation = Observation { event, place: None };
    let event = Enriched::alone(observation, false);
    let facts = EventFacts { uuid: uuid.into(), published_ms: time_ms, ..EventFacts::default() };
    let (event, evidence, group) = (Shared::new(event), smallvec![Shared::new(facts.into())], Vec::new());
    Match { rule, event, evidence, group, key: 0, only: None }
}

/// The correlations of some documents, fed match by match.
pub(super) struct Play {
    rules: Arc<RuleSet>,
    pub(super) correlator: Correlator,
    watermark_ms: Option<i64>,
    pub(super) tally: Tally,
}

/// A detection named `name`, with further lines at the top level.
pub(super) fn detection(name: &str, more: &str) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    format!(
        "title: T\nid: {id}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n{more}\n\
         detection: {{selection: {{eventType: {name}}}, condition: selection}}\n"
    )
}

/// A correlation named `name` around the lines under `correlation:`.
pub(super) fn correlation(name: &str, lines: &str, more: &str) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    format!("title: T\nid: {id}\nname: {name}\n{more}\ncorrelation:\n{lines}")
}

impl Play {
    /// Of a correlation `c` over the detections `a` and `b`.
    pub(super) fn new(lines: &str) -> Self {
        Self::of(&[detection("a", ""), detection("b", ""), correlation("c", lines, "")], &Limits::default())
    }

    pub(super) fn of(documents: &[String], limits: &Limits) -> Self {
        let text = documents.join("---\n");
        let rules = match compile(&Sources::of([("rules.yml", text.as_str())])) {
            Ok(rules) => Arc::new(rules),
            Err(findings) => panic!("{findings:#?}"),
        };
        let correlator = Correlator::new(Arc::clone(&rules), limits);
        Self { rules, correlator, watermark_ms: None, tally: Tally::default() }
    }

    fn index(&self, rule: &str) -> RuleIndex {
        let place = self.rules.rules.iter().position(|one| &*one.info.name == rule).unwrap();
        RuleIndex(u32::try_from(place).unwrap())
    }

    /// The detection matches an event; what comes true by that at once.
    pub(super) fn take(
        &mut self,
        rule: &str,
        time_ms: i64,
        uuid: u128,
        values: &[(&str, &str)],
    ) -> Vec<Firing> {
        let matched = self.matched(self.index(rule), time_ms, uuid, values);
        self.chain(vec![matched])
    }

    /// Gives matches to what takes them, and what comes true by that to what takes those.
    fn chain(&mut self, mut waiting: Vec<Match>) -> Vec<Firing> {
        let moment = Moment { watermark_ms: self.watermark_ms, now_ms: None };
        let rules = Arc::clone(&self.rules);
        let (mut fired, mut all) = (Vec::new(), Vec::new());
        while let Some(matched) = waiting.pop() {
            for consumer in &rules.get(matched.rule).unwrap().feeds {
                self.correlator.feed(*consumer, &matched, moment, &mut fired, &mut self.tally);
                waiting.extend(fired.iter().filter_map(Firing::chained));
                all.append(&mut fired);
            }
        }
        all
    }

    fn matched(&self, rule: RuleIndex, time_ms: i64, uuid: u128, values: &[(&str, &str)]) -> Match {
        let mut fields = Fields::new(self.rules.table.len());
        for (path, _) in values {
            let id = self.rules.table.id(path).unwrap();
            let same = values.iter().filter(|(other, _)| other == path);
            fields.set_list(id, same.map(|(_, value)| Some(Value::Text(value))));
        }
        event(rule, time_ms, &Uuid::from_u128(uuid).to_string(), fields)
    }

    /// The watermark comes so far; what is decided by that.
    pub(super) fn reach(&mut self, watermark_ms: i64) -> Vec<Firing> {
        let rules = Arc::clone(&self.rules);
        let moment = Moment { watermark_ms: Some(watermark_ms), now_ms: None };
        let mut all = Vec::new();
        for rule in &rules.order {
            let mut fired = Vec::new();
            self.correlator.decide(*rule, moment, &mut fired, &mut self.tally);
            let above = self.chain(fired.iter().filter_map(Firing::chained).collect());
            all.extend(fired.into_iter().chain(above));
        }
        self.correlator.decided(0);
        self.watermark_ms = Some(watermark_ms);
        self.correlator.expire(|_| Some(watermark_ms));
        all
    }

    /// The rules.
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.rules)
    }

    /// Whether this run knows a field.
    pub(super) fn reads(&self, path: &str) -> bool {
        self.rules.table.id(path).is_some()
    }

    /// How many keys the correlation `c` holds.
    pub(super) fn keys(&self) -> usize {
        let index = self.index("c");
        assert!(matches!(self.rules.get(index).unwrap().body, Body::Correlation(_)));
        self.correlator.keys().find(|(rule, _)| *rule == index).unwrap().1
    }
}

/// When each came true, and for which group.
pub(super) fn told(fired: &[Firing]) -> Vec<(i64, String)> {
    let group = |firing: &Firing| {
        let values: Vec<&str> = firing.group.iter().map(|(_, value)| value.as_str()).collect();
        values.join(" ")
    };
    fired.iter().map(|firing| (firing.last_ms, group(firing))).collect()
}
