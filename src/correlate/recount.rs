//! What are the figures of a window, each counted anew? For tests of those that are kept up to date.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FieldId, core};
use crate::rule::{AggregateFigure, Counted};

/// The length of the windows, ms.
pub(super) const SPAN: i64 = 10_000;

/// The same field in the matches of both rules.
pub(super) fn field(field: FieldId) -> Counted {
    Counted { name: String::new(), fields: vec![vec![field; 2]] }
}

fn pair(first: FieldId, second: FieldId) -> Counted {
    Counted { name: String::new(), fields: vec![vec![first; 2], vec![second; 2]] }
}

/// A figure of each kind, with whether it rises; groups are by target.
pub(super) fn figures() -> Vec<(AggregateFigure, bool)> {
    use AggregateFigure as Of;
    vec![
        (Of::Count, true),
        (Of::CountOf(1), true),
        (Of::Distinct(field(core::CLIENT_IP)), true),
        (Of::Distinct(pair(core::CLIENT_IP, core::TARGET_ID)), true),
        (Of::Sum(field(core::AS_NUMBER)), true),
        (Of::Average(field(core::AS_NUMBER)), false),
        (Of::Minimum(field(core::AS_NUMBER)), false),
        (Of::Maximum(field(core::AS_NUMBER)), true),
        (Of::Percentile(field(core::AS_NUMBER), 50.0), false),
        (Of::Percentile(field(core::AS_NUMBER), 90.0), false),
        (Of::Having(field(core::CLIENT_IP)), false),
        (Of::Having(field(core::AS_NUMBER)), false),
        (Of::PartOf(0), false),
        (Of::Span, true),
        (Of::Groups, true),
        (Of::Most, true),
        (Of::Least, false),
        (Of::Mean, false),
        (Of::GroupsWithin(2, 3), false),
        (Of::GroupsWithin(1, 1), false),
    ]
}

/// An event as tests write it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) second: i64,
    pub(super) uuid: u128,
    /// Branches that match it.
    pub(super) branches: BTreeSet<usize>,
    pub(super) ip: Option<u8>,
    pub(super) targets: BTreeSet<u8>,
    pub(super) number: Option<i64>,
}

/// The figures of a window, each counted anew; no number where there is none.
pub(super) fn plainly(window: &[&Sample]) -> Vec<f64> {
    let part = |of: &dyn Fn(&Sample) -> bool| {
        window.iter().filter(|sample| of(sample)).count() as f64 / window.len() as f64
    };
    let mut numbers: Vec<f64> = window.iter().filter_map(|one| one.number).map(|n| n as f64).collect();
    numbers.sort_by(f64::total_cmp);
    let percentile = |percent: f64| match numbers.len() {
        0 => f64::NAN,
        len => {
            let rank = percent / 100.0 * (len - 1) as f64;
            let (low, high) = (numbers[rank.floor() as usize], numbers[rank.ceil() as usize]);
            low + (high - low) * rank.fract()
        }
    };
    let mut groups: BTreeMap<u8, u32> = BTreeMap::new();
    for target in window.iter().flat_map(|one| &one.targets) {
        *groups.entry(*target).or_default() += 1;
    }
    let counts: Vec<f64> = groups.values().map(|count| f64::from(*count)).collect();
    let within = |low: f64, high: f64| {
        let inside = counts.iter().filter(|count| (low..=high).contains(*count)).count();
        inside as f64 / counts.len() as f64
    };
    let sum: f64 = numbers.iter().sum();
    let ips: BTreeSet<_> = window.iter().filter_map(|one| one.ip).collect();
    let pairs = window.iter().filter(|one| one.ip.is_some());
    let pairs: BTreeSet<_> =
        pairs.flat_map(|one| one.targets.iter().map(|target| (one.ip, *target))).collect();
    vec![
        window.len() as f64,
        window.iter().filter(|one| one.branches.contains(&1)).count() as f64,
        ips.len() as f64,
        pairs.len() as f64,
        sum,
        sum / numbers.len() as f64,
        numbers.first().copied().unwrap_or(f64::NAN),
        numbers.last().copied().unwrap_or(f64::NAN),
        percentile(50.0),
        percentile(90.0),
        part(&|one| one.ip.is_some()),
        part(&|one| one.number.is_some()),
        part(&|one| one.branches.contains(&0)),
        (window[window.len() - 1].second - window[0].second) as f64,
        counts.len() as f64,
        counts.iter().copied().fold(0.0, f64::max),
        counts.iter().copied().reduce(f64::min).unwrap_or(f64::NAN),
        counts.iter().sum::<f64>() / counts.len() as f64,
        within(2.0, 3.0),
        within(1.0, 1.0),
    ]
}

/// The events of the window that ends with one of them.
pub(super) fn window<'s>(samples: &[&'s Sample], last: usize) -> Vec<&'s Sample> {
    let start = samples[last].second - SPAN / 1000;
    samples[..=last].iter().filter(|sample| sample.second > start).copied().collect()
}
