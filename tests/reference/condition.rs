//! When does a figure of a window satisfy a condition?

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

/// A correlation type that compares one figure of a window.
pub trait Gauge {
    fn timespan_ms(&self) -> i64;
    fn thresholds(&self) -> &[Threshold];

    /// The figure grows with every event, or at least never falls.
    fn rises(&self) -> bool;

    /// Whether an event is one of the rule's: it has what is measured.
    fn takes(&self, occurrence: &Occurrence<'_>) -> bool;

    fn figure(&self, window: &[&Occurrence<'_>]) -> f64;

    /// The figure of the window that ends with an event.
    fn own(&self, events: &[Occurrence<'_>], last: usize) -> f64 {
        let window = window(events, self.timespan_ms(), last);
        let taken: Vec<_> = window.into_iter().filter(|other| self.takes(other)).collect();
        self.figure(&taken)
    }

    /// The places at which the figure satisfies all thresholds.
    ///
    /// Of a figure that rises, what asks for much is told by the event's own window; what asks for
    /// little, by the highest figure of all windows that hold the event: five events in a burst are
    /// never "at most three".
    fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let satisfied = |place: &usize| {
            let own = self.own(events, *place);
            let holding = holding(events, self.timespan_ms(), *place);
            let taken = holding.into_iter().filter(|last| self.takes(&events[*last]));
            let peak = match self.rises() {
                true => taken.map(|last| self.own(events, last)).fold(own, f64::max),
                false => own,
            };
            self.thresholds().iter().all(|Threshold { operator, value }| match operator {
                Operator::Gt => own > *value,
                Operator::Gte => own >= *value,
                Operator::Lt => peak < *value,
                Operator::Lte => peak <= *value,
                Operator::Eq => own == *value && peak == *value,
                Operator::Neq => peak < *value || own > *value,
            })
        };
        (0..events.len()).filter(|place| self.takes(&events[*place])).filter(satisfied).collect()
    }
}
