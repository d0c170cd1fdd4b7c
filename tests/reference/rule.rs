//! What does a rule of the tests say?

use std::collections::BTreeSet;

use super::absence::Absence;
use super::aggregate::Aggregate;
use super::baseline::Baseline;
use super::condition::Gauge as _;
use super::event::{Match, Occurrence};
use super::event_count::EventCount;
use super::new_value::NewValue;
use super::risk_score::RiskScore;
use super::sequence::Sequence;
use super::temporal::Temporal;
use super::temporal_ordered::TemporalOrdered;
use super::value_avg::ValueAvg;
use super::value_count::ValueCount;
use super::value_percentile::ValuePercentile;
use super::value_sum::ValueSum;

/// A detection or a correlation.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub body: Body,
    /// Alerts nearer to each other are one; for a detection that names none, 0.
    pub suppress_ms: i64,
    /// 0–100.
    pub risk: i64,
    /// ATT&CK's short names: `credential-access`.
    pub tactics: Vec<&'static str>,
    /// `t1110`
    pub techniques: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// Events of these kinds.
    Detection {
        kinds: Vec<usize>,
    },
    Correlation(Correlation),
}

#[derive(Clone, Debug)]
pub struct Correlation {
    /// The rules whose matches it takes, by their places in the list; they stand before it.
    pub takes: Vec<usize>,
    pub group_by: Vec<GroupBy>,
    /// Further fields that all events of a window share, which are not shown as the key.
    pub equal: Vec<String>,
    pub kind: Kind,
}

/// A group-by field, or an alias.
#[derive(Clone, Debug)]
pub struct GroupBy {
    pub name: String,
    /// The field of each rule that is taken.
    pub fields: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    EventCount(EventCount),
    ValueCount(ValueCount),
    ValueSum(ValueSum),
    ValueAvg(ValueAvg),
    ValueMedian(ValuePercentile),
    ValuePercentile(ValuePercentile),
    Temporal(Temporal),
    TemporalOrdered(TemporalOrdered),
    Sequence(Sequence),
    Absence(Absence),
    NewValue(NewValue),
    Aggregate(Aggregate),
    Baseline(Baseline),
    RiskScore(RiskScore),
}

impl Rule {
    /// Whether different keys of it look the same in its alerts.
    pub fn hides_a_part_of_its_key(&self) -> bool {
        matches!(&self.body, Body::Correlation(correlation) if !correlation.equal.is_empty())
    }

    /// What its alerts are kept together by: a correlation's group, or whom a detection is about.
    pub fn own_key(&self, matched: &Match<'_>) -> String {
        let group: Vec<String> = match &self.body {
            Body::Detection { .. } => matched.event.values("actor.alternateId").into_iter().collect(),
            Body::Correlation(_) => matched.group.iter().map(|(_, value)| value.clone()).collect(),
        };
        group.join("\n")
    }
}

impl Correlation {
    /// The keys of a match: every combination of its group-by values, none if one is missing.
    ///
    /// The values of `equal` belong to it, behind those of the group-by.
    pub fn keys(&self, branch: usize, matched: &Match<'_>) -> BTreeSet<Vec<String>> {
        let grouped = self.group_by.iter().map(|group| matched.values(&group.fields[branch]));
        let equal = self.equal.iter().map(|field| matched.values(field));
        let mut keys = BTreeSet::from([Vec::new()]);
        for values in grouped.chain(equal) {
            let longer = |key: &Vec<String>| {
                values
                    .iter()
                    .map(|value| [key.as_slice(), std::slice::from_ref(value)].concat())
                    .collect::<Vec<_>>()
            };
            keys = keys.iter().flat_map(longer).collect();
        }
        keys
    }

    /// The places of the events of a key at which the correlation is satisfied, with what its
    /// matches show beside the key.
    pub fn satisfied(
        &self,
        events: &[Occurrence<'_>],
        everything: &[Occurrence<'_>],
        rules: &[Rule],
    ) -> Vec<(usize, Vec<String>)> {
        let places = match &self.kind {
            Kind::EventCount(kind) => kind.satisfied(events),
            Kind::ValueCount(kind) => kind.satisfied(events),
            Kind::ValueSum(kind) => kind.satisfied(events),
            Kind::ValueAvg(kind) => kind.satisfied(events),
            Kind::ValueMedian(kind) | Kind::ValuePercentile(kind) => kind.satisfied(events),
            Kind::Temporal(kind) => kind.satisfied(events),
            Kind::TemporalOrdered(kind) => kind.satisfied(events),
            Kind::Sequence(kind) => kind.satisfied(events),
            Kind::Absence(kind) => kind.satisfied(events),
            Kind::NewValue(kind) => return kind.satisfied(events, everything),
            Kind::Aggregate(kind) => kind.satisfied(events),
            Kind::Baseline(kind) => kind.satisfied(events),
            Kind::RiskScore(kind) => kind.satisfied(events, rules),
        };
        places.into_iter().map(|place| (place, Vec::new())).collect()
    }

    /// What is measured of the window that ends with an event, where that is one number.
    pub fn figure(&self, events: &[Occurrence<'_>], last: usize) -> Option<f64> {
        match &self.kind {
            Kind::EventCount(kind) => Some(kind.own(events, last)),
            Kind::ValueCount(kind) => Some(kind.own(events, last)),
            Kind::ValueSum(kind) => Some(kind.own(events, last)),
            Kind::ValueAvg(kind) => Some(kind.own(events, last)),
            Kind::ValueMedian(kind) | Kind::ValuePercentile(kind) => Some(kind.own(events, last)),
            Kind::Temporal(kind) => kind.seen().map(|seen| seen.own(events, last)),
            _ => None,
        }
    }

    /// The names of what its matches show: the group-by, and the fields of a new value.
    pub fn shows(&self) -> Vec<String> {
        let grouped = self.group_by.iter().map(|group| group.name.clone());
        let beside: &[String] = if let Kind::NewValue(kind) = &self.kind { &kind.fields } else { &[] };
        grouped.chain(beside.iter().cloned()).collect()
    }
}

impl Kind {
    /// The places of the rules that it names one by one; `None` if it lists all that it takes.
    pub fn names(&self) -> Option<BTreeSet<usize>> {
        match self {
            Self::Sequence(kind) => {
                let steps = kind.steps.iter().flat_map(|step| &step.rules);
                Some(steps.chain(&kind.until).copied().collect())
            }
            Self::Absence(kind) => Some(kind.trigger.iter().chain(&kind.absent).copied().collect()),
            _ => None,
        }
    }
}
