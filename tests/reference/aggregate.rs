//! `aggregate`: at which events do several figures of a window satisfy an expression?

use std::collections::{BTreeMap, BTreeSet};

use super::event::Occurrence;
use super::expression::Expression;
use super::value_avg::mean;
use super::value_percentile::percentile;
use super::window::{holding, window};

#[derive(Clone, Debug)]
pub struct Aggregate {
    pub timespan_ms: i64,
    /// By their names in the condition.
    pub values: Vec<(String, Figure)>,
    /// The field of the inner grouping.
    pub per: Option<String>,
    pub condition: Expression,
}

#[derive(Clone, Debug)]
pub enum Figure {
    Count,
    CountOf(usize),
    Distinct(Vec<String>),
    Sum(String),
    Avg(String),
    Min(String),
    Max(String),
    Median(String),
    Percentile(String, i64),
    /// The part of the events that have the field.
    Share(String),
    /// The part of the events that the rule matched.
    ShareOf(usize),
    /// Seconds from the first event to the last.
    Span,
    /// How many groups there are.
    Groups,
    /// The largest count of a group.
    Most,
    /// The smallest.
    Least,
    /// The mean.
    Mean,
    /// The part of the groups with a count in this range.
    ShareOfGroups(usize, usize),
}

impl Figure {
    /// Whether another event in the window can only raise it.
    pub fn rises(&self) -> bool {
        matches!(
            self,
            Self::Count
                | Self::CountOf(_)
                | Self::Distinct(_)
                | Self::Groups
                | Self::Most
                | Self::Max(_)
                | Self::Span
                | Self::Sum(_)
        )
    }
}

impl Aggregate {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let holds = |place: &usize| {
            let of = |last| {
                let window = window(events, self.timespan_ms, last);
                move |figure: usize| self.figure(&self.values[figure].1, &window)
            };
            let holding = holding(events, self.timespan_ms, *place);
            let peak =
                |figure: usize| holding.iter().filter_map(|last| of(*last)(figure)).max_by(f64::total_cmp);
            let rises = |figure: usize| self.values[figure].1.rises();
            self.condition.holds(true, &of(*place), &peak, &rises)
        };
        (0..events.len()).filter(holds).collect()
    }

    /// `None` if there is nothing to take the figure of.
    fn figure(&self, figure: &Figure, window: &[&Occurrence<'_>]) -> Option<f64> {
        let part = |of: &dyn Fn(&&&Occurrence<'_>) -> bool| {
            window.iter().filter(of).count() as f64 / window.len() as f64
        };
        match figure {
            Figure::Count => Some(window.len() as f64),
            Figure::CountOf(rule) => Some(window.iter().filter(|one| one.is_of(&[*rule])).count() as f64),
            Figure::Distinct(fields) => {
                let values = window.iter().flat_map(|occurrence| occurrence.event.tuples(fields));
                Some(values.collect::<BTreeSet<_>>().len() as f64)
            }
            Figure::Sum(field) => Some(numbers(field, window).iter().sum()),
            Figure::Avg(field) => some(numbers(field, window)).map(|numbers| mean(&numbers)),
            Figure::Min(field) => numbers(field, window).into_iter().min_by(f64::total_cmp),
            Figure::Max(field) => numbers(field, window).into_iter().max_by(f64::total_cmp),
            Figure::Median(field) => some(numbers(field, window)).map(|numbers| percentile(numbers, 50.0)),
            Figure::Percentile(field, percent) => {
                some(numbers(field, window)).map(|numbers| percentile(numbers, *percent as f64))
            }
            Figure::Share(field) => Some(part(&|one| !one.event.values(field).is_empty())),
            Figure::ShareOf(rule) => Some(part(&|one| one.is_of(&[*rule]))),
            Figure::Span => {
                let (first, last) = (window[0].time_ms(), window[window.len() - 1].time_ms());
                Some((last - first) as f64 / 1_000.0)
            }
            of_groups => self.of_groups(of_groups, window),
        }
    }

    fn of_groups(&self, figure: &Figure, window: &[&Occurrence<'_>]) -> Option<f64> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for occurrence in window {
            for group in self.per.iter().flat_map(|per| occurrence.event.values(per)) {
                *counts.entry(group).or_default() += 1;
            }
        }
        let counts: Vec<usize> = counts.into_values().collect();
        let groups = counts.len() as f64;
        match figure {
            Figure::Groups => Some(groups),
            Figure::Most => Some(counts.iter().max().map_or(0.0, |most| *most as f64)),
            Figure::Least => counts.iter().min().map(|least| *least as f64),
            Figure::ShareOfGroups(low, high) => {
                let inside = counts.iter().filter(|count| (low..=high).contains(count)).count();
                (groups > 0.0).then(|| inside as f64 / groups)
            }
            _ => (groups > 0.0).then(|| counts.iter().sum::<usize>() as f64 / groups),
        }
    }
}

fn numbers(field: &str, window: &[&Occurrence<'_>]) -> Vec<f64> {
    window.iter().flat_map(|occurrence| occurrence.event.numbers(field)).collect()
}

fn some(numbers: Vec<f64>) -> Option<Vec<f64>> {
    (!numbers.is_empty()).then_some(numbers)
}
