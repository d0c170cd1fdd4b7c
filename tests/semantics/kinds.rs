//! What may a correlation of each type say?
//!
//! Windows are short and figures small, so that random events satisfy them now and then.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::events::{AMOUNT, IP, TARGET, USER};
use crate::reference::absence::Absence;
use crate::reference::baseline::Baseline;
use crate::reference::condition::{Operator, Threshold};
use crate::reference::event_count::EventCount;
use crate::reference::new_value::NewValue;
use crate::reference::risk_score::RiskScore;
use crate::reference::rule::Kind;
use crate::reference::sequence::{Sequence, Step};
use crate::reference::temporal::{Asked, Boolean, Temporal};
use crate::reference::temporal_ordered::TemporalOrdered;
use crate::reference::value_avg::ValueAvg;
use crate::reference::value_count::ValueCount;
use crate::reference::value_percentile::ValuePercentile;
use crate::reference::value_sum::ValueSum;

/// Every correlation type, by the word in a rule.
pub const TYPES: [&str; 14] = [
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
    "temporal_ordered",
    "sequence",
    "absence",
    "new_value",
    "aggregate",
    "baseline",
    "risk_score",
];

/// A correlation of a type that takes so many rules.
pub fn kind(word: &'static str, takes: usize) -> BoxedStrategy<Kind> {
    match word {
        "event_count" => (span(), thresholds(1..5))
            .prop_map(|(timespan_ms, thresholds)| Kind::EventCount(EventCount { timespan_ms, thresholds }))
            .boxed(),
        "value_count" => value_count(),
        "value_sum" => value_sum(),
        "value_avg" => value_avg(),
        "value_median" => percentile(Just(50)).prop_map(Kind::ValueMedian).boxed(),
        "value_percentile" => {
            percentile(select(vec![0, 25, 50, 75, 100])).prop_map(Kind::ValuePercentile).boxed()
        }
        "temporal" => temporal(takes),
        "temporal_ordered" => temporal_ordered(takes),
        "sequence" => sequence(takes),
        "absence" => absence(takes),
        "new_value" => new_value(),
        "aggregate" => super::aggregates::aggregate(takes).prop_map(Kind::Aggregate).boxed(),
        "baseline" => baseline(),
        "risk_score" => risk_score(),
        other => panic!("no type {other}"),
    }
}

/// A few seconds, in ms.
pub fn span() -> BoxedStrategy<i64> {
    (3..15_i64).prop_map(|seconds| seconds * 1_000).boxed()
}

fn one_field() -> impl Strategy<Value = String> {
    select(vec![IP, TARGET, USER]).prop_map(str::to_owned)
}

fn fields() -> impl Strategy<Value = Vec<String>> {
    let sets = [vec![IP], vec![TARGET], vec![IP, TARGET], vec![TARGET, USER]];
    let owned = |set: Vec<&str>| set.into_iter().map(str::to_owned).collect();
    select(sets.into_iter().map(owned).collect::<Vec<Vec<String>>>())
}

/// One comparison, or two that do not exclude each other.
fn thresholds(values: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Threshold>> {
    let threshold = |operator, value| Threshold { operator, value: value as f64 };
    (values, 0..3_i64, 0..10).prop_map(move |(value, wider, shape)| match shape {
        0..4 => vec![threshold(Operator::Gte, value)],
        4 => vec![threshold(Operator::Gt, value)],
        5 => vec![threshold(Operator::Lte, value)],
        6 => vec![threshold(Operator::Lt, value + 1)],
        7 => vec![threshold(Operator::Eq, value)],
        8 => vec![threshold(Operator::Gte, value), threshold(Operator::Lte, value + wider)],
        _ => vec![threshold(Operator::Gt, value - 1), threshold(Operator::Neq, value + wider)],
    })
}

fn value_count() -> BoxedStrategy<Kind> {
    (span(), thresholds(1..4), fields())
        .prop_map(|(timespan_ms, thresholds, fields)| {
            Kind::ValueCount(ValueCount { timespan_ms, thresholds, fields })
        })
        .boxed()
}

fn value_sum() -> BoxedStrategy<Kind> {
    (span(), thresholds(1..12))
        .prop_map(|(timespan_ms, thresholds)| {
            Kind::ValueSum(ValueSum { timespan_ms, thresholds, field: AMOUNT.to_owned() })
        })
        .boxed()
}

fn value_avg() -> BoxedStrategy<Kind> {
    (span(), thresholds(1..4))
        .prop_map(|(timespan_ms, thresholds)| {
            Kind::ValueAvg(ValueAvg { timespan_ms, thresholds, field: AMOUNT.to_owned() })
        })
        .boxed()
}

fn percentile(percent: impl Strategy<Value = i64>) -> impl Strategy<Value = ValuePercentile> {
    (span(), thresholds(1..4), percent).prop_map(|(timespan_ms, thresholds, percent)| ValuePercentile {
        timespan_ms,
        thresholds,
        field: AMOUNT.to_owned(),
        percentile: percent as f64,
    })
}

fn temporal(takes: usize) -> BoxedStrategy<Kind> {
    let threshold = |operator, value: usize| Threshold { operator, value: value as f64 };
    let all = vec![threshold(Operator::Gte, takes)];
    let number = (1..=takes, 0..6).prop_map(move |(value, shape)| match shape {
        0 | 1 => vec![threshold(Operator::Gte, value)],
        2 => vec![threshold(Operator::Gt, value - 1)],
        3 => vec![threshold(Operator::Lte, value)],
        4 => vec![threshold(Operator::Eq, value)],
        _ => vec![threshold(Operator::Gte, value), threshold(Operator::Neq, takes)],
    });
    let asked = prop_oneof![
        Just(Asked::Number(all)),
        number.prop_map(Asked::Number),
        boolean(takes).prop_map(Asked::Said)
    ];
    (span(), asked).prop_map(|(timespan_ms, asked)| Kind::Temporal(Temporal { timespan_ms, asked })).boxed()
}

/// A condition that names every rule once, and does not hold when nothing happens.
fn boolean(takes: usize) -> BoxedStrategy<Boolean> {
    let shape = (vec(any::<bool>(), takes), vec(any::<bool>(), takes), any::<bool>());
    shape
        .prop_map(|(negated, joined, left)| {
            let atom = |rule: usize| match negated[rule] {
                true => Boolean::Not(Box::new(Boolean::Rule(rule))),
                false => Boolean::Rule(rule),
            };
            (1..negated.len()).fold(atom(0), |before, rule| {
                let (one, other) = if left { (before, atom(rule)) } else { (atom(rule), before) };
                match joined[rule] {
                    true => Boolean::And(Box::new(one), Box::new(other)),
                    false => Boolean::Or(Box::new(one), Box::new(other)),
                }
            })
        })
        .prop_filter("holds without any rule", |boolean| !boolean.holds(true, &|_| false, &|_| true))
        .boxed()
}

fn temporal_ordered(takes: usize) -> BoxedStrategy<Kind> {
    (span(), vec(prop::bool::weighted(0.2), takes))
        .prop_map(|(timespan_ms, without)| {
            let (mut without, mut run): (Vec<usize>, Vec<usize>) =
                (0..without.len()).partition(|rule| without[*rule]);
            if run.is_empty() {
                std::mem::swap(&mut without, &mut run);
            }
            Kind::TemporalOrdered(TemporalOrdered { timespan_ms, run, without })
        })
        .boxed()
}

fn sequence(takes: usize) -> BoxedStrategy<Kind> {
    let until = option::weighted(0.3, 0..takes);
    let unequal = option::weighted(0.25, one_field());
    (span(), vec(step(takes), 1..4), until, unequal)
        .prop_map(|(within_ms, steps, until, unequal)| {
            let (until, unequal) = (until.into_iter().collect(), unequal.into_iter().collect());
            Kind::Sequence(Sequence { steps, until, within_ms, unequal })
        })
        .boxed()
}

fn step(takes: usize) -> impl Strategy<Value = Step> {
    let rules = (0..takes, option::weighted(0.2, 0..takes)).prop_map(|(one, other)| {
        let mut rules: Vec<usize> = std::iter::once(one).chain(other).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    });
    let counts = (prop_oneof![3 => Just(1_usize), 2 => 2..4_usize], option::weighted(0.25, 0..3_usize));
    let within = option::weighted(0.2, (2..8_i64).prop_map(|seconds| seconds * 1_000));
    (rules, counts, option::weighted(0.25, one_field()), within).prop_map(
        |(rules, (min, more), distinct, within_ms)| Step {
            rules,
            min,
            max: more.filter(|_| distinct.is_none()).map(|more| min + more),
            distinct,
            within_ms,
        },
    )
}

fn absence(takes: usize) -> BoxedStrategy<Kind> {
    (span(), any::<bool>(), 0..takes, 0..takes, option::weighted(0.3, 0..takes))
        .prop_map(|(within_ms, after, trigger, absent, another)| {
            let mut absent: Vec<usize> = std::iter::once(absent).chain(another).collect();
            absent.sort_unstable();
            absent.dedup();
            Kind::Absence(Absence { trigger: vec![trigger], absent, within_ms, after })
        })
        .boxed()
}

fn new_value() -> BoxedStrategy<Kind> {
    let spans = (0..10_i64, 4..30_i64);
    (fields(), spans, any::<bool>())
        .prop_map(|(fields, (learning, forget), whole_org)| {
            let (learning_ms, forget_ms) = (learning * 1_000, forget * 1_000);
            Kind::NewValue(NewValue { fields, learning_ms, forget_ms, whole_org })
        })
        .boxed()
}

fn baseline() -> BoxedStrategy<Kind> {
    let measure = (option::weighted(0.3, one_field()), 2..7_i64, 2..10_i64);
    (measure, 0..3_i64, 1..4_i64, 0..15_i64)
        .prop_map(|((distinct, bucket, buckets), deviations, floor, min_history)| {
            let bucket_ms = bucket * 1_000;
            Kind::Baseline(Baseline {
                distinct,
                bucket_ms,
                history_ms: bucket_ms * buckets,
                deviations,
                floor,
                min_history_ms: min_history * 1_000,
                hours_of_week: false,
            })
        })
        .boxed()
}

/// Hourly habits over some weeks.
pub fn weekly_baseline() -> BoxedStrategy<Kind> {
    const WEEK_MS: i64 = 7 * 24 * 3_600_000;
    (option::weighted(0.3, one_field()), any::<bool>(), 0..3_i64, 1..4_i64)
        .prop_map(|(distinct, hours_of_week, deviations, floor)| {
            Kind::Baseline(Baseline {
                distinct,
                bucket_ms: 3_600_000,
                history_ms: 4 * WEEK_MS,
                deviations,
                floor,
                min_history_ms: WEEK_MS,
                hours_of_week,
            })
        })
        .boxed()
}

fn risk_score() -> BoxedStrategy<Kind> {
    let bounds = (option::weighted(0.8, 20..150_i64), option::weighted(0.3, 1..3_usize));
    let half_life = option::weighted(0.4, (2..10_i64).prop_map(|seconds| seconds * 1_000));
    (span(), half_life, bounds, option::weighted(0.3, 1..3_usize))
        .prop_map(|(timespan_ms, half_life_ms, (threshold, distinct_tactics), distinct_techniques)| {
            let none = distinct_tactics.or(distinct_techniques).is_none();
            let threshold = threshold.or(none.then_some(40));
            Kind::RiskScore(RiskScore {
                timespan_ms,
                half_life_ms,
                threshold,
                distinct_tactics,
                distinct_techniques,
            })
        })
        .boxed()
}
