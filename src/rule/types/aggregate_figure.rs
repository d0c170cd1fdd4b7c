//! What is a figure of an aggregate taken of, once its rules are known?

use super::super::correlation::Counted;
use super::super::fields::{self, PathKind};
use super::super::link::Linking;
use super::super::reader::Spanned;
use super::super::selection::Reading;
use super::window_figure::{Function, Written};
use crate::model::FieldTable;
use crate::text::nearest;

/// A figure of a window.
#[derive(Clone, Debug)]
pub enum AggregateFigure {
    /// How many events.
    Count,
    /// How many of them a branch matched.
    CountOf(usize),
    /// How many distinct values, or combinations of values.
    Distinct(Counted),
    /// The sum of the numbers.
    Sum(Counted),
    /// Their mean.
    Average(Counted),
    /// The lowest.
    Minimum(Counted),
    /// The highest.
    Maximum(Counted),
    /// The one below which so many percent of them lie.
    Percentile(Counted, f64),
    /// The part of the events that have a value.
    Having(Counted),
    /// The part of the events that a branch matched.
    PartOf(usize),
    /// Seconds from the first event to the last.
    Span,
    /// How many inner groups.
    Groups,
    /// The most events of one group.
    Most,
    /// The fewest.
    Least,
    /// The mean.
    Mean,
    /// The part of the groups that have so many events, both bounds included.
    GroupsWithin(u64, u64),
}

/// The figure of the rules that the aggregate takes.
pub(super) fn figure(
    written: &Written,
    linking: &Linking<'_, '_>,
    reading: &mut Reading<'_>,
) -> Option<AggregateFigure> {
    let mut counted = || linking.counted(&written.names, reading);
    Some(match written.function {
        Function::Count => match written.names.first() {
            None => AggregateFigure::Count,
            Some(rule) => AggregateFigure::CountOf(branch(rule, linking, reading)?),
        },
        Function::Distinct => AggregateFigure::Distinct(counted()?),
        Function::Sum => AggregateFigure::Sum(counted()?),
        Function::Average => AggregateFigure::Average(counted()?),
        Function::Minimum => AggregateFigure::Minimum(counted()?),
        Function::Maximum => AggregateFigure::Maximum(counted()?),
        Function::Median | Function::Percentile => AggregateFigure::Percentile(counted()?, written.percent),
        Function::Share => match (written.names.first(), written.counts) {
            (Some(name), _) => share(name, linking, reading)?,
            (None, counts) => {
                let (low, high) = counts?;
                AggregateFigure::GroupsWithin(low, high)
            }
        },
        Function::Span => AggregateFigure::Span,
        Function::Groups => AggregateFigure::Groups,
        Function::Most => AggregateFigure::Most,
        Function::Least => AggregateFigure::Least,
        Function::Mean => AggregateFigure::Mean,
    })
}

/// The branch of a rule; an error if the aggregate does not take it.
fn branch(rule: &Spanned, linking: &Linking<'_, '_>, reading: &mut Reading<'_>) -> Option<usize> {
    let found = linking.branch(rule);
    if found.is_none() {
        let near = nearest(&rule.text, linking.names());
        let message = format!("the aggregate does not take a rule `{}`", rule.text);
        reading.findings.error(rule.span, "unknown-rule", message).suggest(near, || {
            let names: Vec<&str> = linking.names().collect();
            format!("it takes {}", names.join(", "))
        });
    }
    found
}

/// The part of the events that a rule matched, or that have a field.
fn share(name: &Spanned, linking: &Linking<'_, '_>, reading: &mut Reading<'_>) -> Option<AggregateFigure> {
    let branch = linking.branch(name);
    let is_field = linking.has_alias(&name.text) || fields::kind_of(&name.text) == PathKind::Value;
    match branch {
        Some(_) if is_field => {
            let message = format!("`{}` is both a rule and a field here", name.text);
            let finding = reading.findings.error(name.span, "ambiguous", message);
            finding.help("Name the rule by its id, or rename it.");
            None
        }
        Some(branch) => Some(AggregateFigure::PartOf(branch)),
        None if !is_field && nearest(&name.text, linking.names()).is_some() => {
            self::branch(name, linking, reading).map(AggregateFigure::PartOf)
        }
        None => linking.counted(std::slice::from_ref(name), reading).map(AggregateFigure::Having),
    }
}

/// Where a counted field stands in the matches of each rule, whatever the order of the rules.
pub(super) fn places(counted: &Counted, branches: &[&str], table: &FieldTable) -> String {
    let place =
        |(branch, rule): (usize, &&str)| format!("{rule}: {}", counted.paths(branch, table).join(" "));
    let mut places: Vec<String> = branches.iter().enumerate().map(place).collect();
    places.sort_unstable();
    places.join(", ")
}

impl AggregateFigure {
    /// What it counts, if that is something of a field.
    pub(in super::super) fn counted(&self) -> Option<&Counted> {
        match self {
            Self::Distinct(counted)
            | Self::Sum(counted)
            | Self::Average(counted)
            | Self::Minimum(counted)
            | Self::Maximum(counted)
            | Self::Percentile(counted, _)
            | Self::Having(counted) => Some(counted),
            Self::Count
            | Self::CountOf(_)
            | Self::PartOf(_)
            | Self::Span
            | Self::Groups
            | Self::Most
            | Self::Least
            | Self::Mean
            | Self::GroupsWithin(..) => None,
        }
    }

    pub(super) fn spell(&self, branches: &[&str], table: &FieldTable) -> String {
        let rule = |branch: &usize| branches.get(*branch).copied().unwrap_or_default().to_owned();
        let (word, of) = match self {
            Self::Count => ("count", String::new()),
            Self::CountOf(branch) => ("count of", rule(branch)),
            Self::Distinct(counted) => ("distinct", places(counted, branches, table)),
            Self::Sum(counted) => ("sum", places(counted, branches, table)),
            Self::Average(counted) => ("avg", places(counted, branches, table)),
            Self::Minimum(counted) => ("min", places(counted, branches, table)),
            Self::Maximum(counted) => ("max", places(counted, branches, table)),
            Self::Percentile(counted, percent) => {
                ("percentile", format!("{percent} {}", places(counted, branches, table)))
            }
            Self::Having(counted) => ("having", places(counted, branches, table)),
            Self::PartOf(branch) => ("part of", rule(branch)),
            Self::Span => ("span", String::new()),
            Self::Groups => ("groups", String::new()),
            Self::Most => ("most", String::new()),
            Self::Least => ("least", String::new()),
            Self::Mean => ("mean", String::new()),
            Self::GroupsWithin(low, high) => ("groups within", format!("{low} {high}")),
        };
        format!("[{word} {of}]")
    }
}
