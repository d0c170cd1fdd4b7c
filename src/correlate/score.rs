//! What do findings add up to, and what is told of it?

use super::episode::Verdict;
use super::findings::{Entity, Found};
use super::firing::Firing;
use super::measure::Timespan;
use super::points::Points;
use super::shown::select;
use super::table::Spec;
use crate::limits;
use crate::model::{Measured, Window};
use crate::rule::{Correlation, RiskTest};

/// What a part of the score is measured as, before its rule's name.
const PART: &str = "points of ";

fn rounded(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

/// Points, tactics and techniques; whether they are enough.
#[derive(Clone, Debug, Default)]
pub(super) struct Score {
    pub(super) holds: bool,
    pub(super) points: f64,
    pub(super) distinct: (u64, u64),
    pub(super) parts: Vec<(u32, f64)>,
}

impl Score {
    /// As it is at an instant.
    pub(super) fn of(points: &Points, at_ms: i64, test: &RiskTest) -> Self {
        let holds = points.holds(at_ms, test);
        Self {
            holds,
            points: points.score(at_ms, test.threshold),
            distinct: points.distinct(),
            parts: if holds { points.by_branch(at_ms) } else { Vec::new() },
        }
    }

    /// What an alert tells: the score, tactics and techniques, then who has which part in the score.
    pub(super) fn measured(&self, test: &RiskTest) -> Vec<Measured> {
        let least = |bound: Option<f64>| bound.map_or("any".to_owned(), |bound| format!(">= {bound}"));
        let figure = |what: &str, observed: f64, bound: Option<f64>| Measured {
            what: what.to_owned(),
            observed: rounded(observed),
            required: least(bound),
        };
        let (tactics, techniques) = self.distinct;
        let mut measured = vec![
            figure("risk score", self.points, test.threshold),
            figure("tactics", tactics as f64, test.tactics.map(|least| least as f64)),
            figure("techniques", techniques as f64, test.techniques.map(|least| least as f64)),
        ];
        let (shown, rest) = self.parts.split_at(self.parts.len().min(limits::RISK_PARTS));
        measured.extend(shown.iter().map(|(branch, points)| {
            let weight = test.weights.get(*branch as usize);
            let name = weight.map_or("", |weight| weight.name.as_str());
            Measured { what: format!("{PART}{name}"), observed: rounded(*points), required: "any".to_owned() }
        }));
        if !rest.is_empty() {
            let what = format!("{PART}{} other rules", rest.len());
            let observed = rounded(rest.iter().map(|(_, points)| points).sum());
            measured.push(Measured { what, observed, required: "any".to_owned() });
        }
        measured
    }
}

/// What of an entity is told.
pub(super) struct Told<'a> {
    pub(super) correlation: &'a Correlation,
    pub(super) spec: &'a Spec,
    pub(super) timespan: Timespan,
    pub(super) lost_upto_ms: i64,
}

impl Told<'_> {
    /// The firing of an event at which an entity's score is enough.
    pub(super) fn firing(
        &self,
        entity: &Entity,
        found: &Found,
        measured: Vec<Measured>,
        verdict: Verdict,
    ) -> Firing {
        let stamp = found.shown.stamp;
        let start_ms = self.timespan.start(stamp.time_ms);
        // An event whose matches do not count again is shown because it decided.
        let kept = entity.gallery.window(start_ms, stamp);
        let own = entity.gallery.get(stamp).is_none().then_some(&found.shown);
        let names = self.correlation.group_by.iter().map(|field| field.name.clone());
        let decided = found.shown.own().cloned();
        Firing {
            rule: self.spec.rule,
            key: entity.key.hash,
            org: decided.as_ref().and_then(|own| own.org.clone()),
            group: names.zip(entity.key.values.iter().map(ToString::to_string)).collect(),
            uuid: found.shown.uuid().clone(),
            fired_at_ms: stamp.time_ms,
            last_ms: stamp.time_ms,
            event: found.event.clone(),
            decided,
            measured,
            count: entity.points.events().max(1),
            first_seen_ms: entity.points.first_ms().unwrap_or(stamp.time_ms),
            shown: select(kept.chain(own), found.shown.uuid(), self.spec.info.evidence_max),
            window: Window { start_ms, end_ms: stamp.time_ms, timespan_ms: self.timespan.0 },
            may_be_low: start_ms < entity.lost_upto_ms.max(self.lost_upto_ms),
            verdict,
        }
    }
}
