//! When does a figure satisfy a condition?

use super::event::Occurrence;
use super::window::{holding, window};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Gt,
    Gte,
    Lt,
    Lte,
    Eq,
    Neq,
}

/// One comparison; of several, all must hold.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    pub operator: Operator,
    pub value: f64,
}

impl Operator {
    pub const ALL: [Self; 6] = [Self::Gt, Self::Gte, Self::Lt, Self::Lte, Self::Eq, Self::Neq];

    /// Sigma's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Eq => "eq",
            Self::Neq => "neq",
        }
    }

    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Gt => left > right,
            Self::Gte => left >= right,
            Self::Lt => left < right,
            Self::Lte => left <= right,
            Self::Eq => left == right,
            Self::Neq => left != right,
        }
    }
}

/// The places at which a figure that grows with every event satisfies all thresholds.
///
/// What asks for much is told by the event's own window; what asks for little, by the highest
/// figure of all windows that hold the event: five events in a burst are never "at most three".
pub fn rising(
    thresholds: &[Threshold],
    events: &[Occurrence<'_>],
    timespan_ms: i64,
    figure: impl Fn(&[&Occurrence<'_>]) -> f64,
) -> Vec<usize> {
    let of_window = |last| figure(&window(events, timespan_ms, last));
    let satisfied = |place: &usize| {
        let own = of_window(*place);
        let holding = holding(events, timespan_ms, *place);
        let peak = holding.into_iter().map(of_window).fold(own, f64::max);
        thresholds.iter().all(|Threshold { operator, value }| match operator {
            Operator::Gt => own > *value,
            Operator::Gte => own >= *value,
            Operator::Lt => peak < *value,
            Operator::Lte => peak <= *value,
            Operator::Eq => own == *value && peak == *value,
            Operator::Neq => peak < *value || own > *value,
        })
    };
    (0..events.len()).filter(satisfied).collect()
}

/// The places at which a figure that may fall satisfies all thresholds, by the event's own window.
pub fn falling(
    thresholds: &[Threshold],
    events: &[Occurrence<'_>],
    timespan_ms: i64,
    figure: impl Fn(&[&Occurrence<'_>]) -> f64,
) -> Vec<usize> {
    let satisfied = |place: &usize| {
        let own = figure(&window(events, timespan_ms, *place));
        thresholds.iter().all(|threshold| threshold.operator.holds(own, threshold.value))
    };
    (0..events.len()).filter(satisfied).collect()
}

/// Answers for some of the events, by their places among all.
pub fn among(
    events: &[Occurrence<'_>],
    of: impl Fn(&Occurrence<'_>) -> bool,
    satisfied: impl Fn(&[Occurrence<'_>]) -> Vec<usize>,
) -> Vec<usize> {
    let places: Vec<usize> = (0..events.len()).filter(|place| of(&events[*place])).collect();
    let some: Vec<Occurrence<'_>> = places.iter().map(|place| events[*place].clone()).collect();
    satisfied(&some).into_iter().map(|place| places[place]).collect()
}
