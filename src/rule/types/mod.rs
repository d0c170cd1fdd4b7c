//! What does a correlation say, before the rules it names are known?
//!
//! One file for each kind of test that a correlation makes: what its document says, and what that
//! becomes once the rules are known.

mod absence;
mod aggregate;
mod aggregate_figure;
mod baseline;
mod condition;
mod figure;
mod formula;
mod formula_parser;
mod formula_tokens;
mod new_value;
mod risk_score;
mod sequence;
mod temporal;
mod window_figure;

pub use absence::AbsenceTest;
pub use aggregate::{AggregateTest, AggregateValue};
pub use aggregate_figure::AggregateFigure;
pub use baseline::BaselineTest;
pub(super) use condition::OPERATORS;
pub use figure::{FigureKind, FigureTest};
pub use formula::{Arithmetic, Comparison, Formula, Term};
pub use new_value::{NewValueTest, Scope};
pub use risk_score::{RiskTest, Weight};
pub(super) use sequence::STEP_KEYS;
pub use sequence::{SequenceTest, Step};
pub use temporal::{RuleCondition, RuleExpression, TemporalTest};

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::diagnostic::Findings;
use super::reader::{Map, Spanned};
use super::timespan;
use super::yaml::{Entry, Literal, Node};
use crate::limits;
use crate::model::RuleKind;
use crate::text::nearest;

/// The map under `correlation`.
#[derive(Debug)]
pub(super) struct CorrelationDocument {
    pub kind: RuleKind,
    /// The rules it takes, as it names them.
    pub rules: Vec<Spanned>,
    pub group_by: Vec<Spanned>,
    pub timespan_ms: i64,
    pub aliases: Vec<Alias>,
    pub generate: bool,
    pub test: TestDocument,
}

/// What it asks, by its type.
#[derive(Debug)]
pub(super) enum TestDocument {
    Figure(figure::FigureDocument),
    Temporal(temporal::TemporalDocument),
    Sequence(sequence::SequenceDocument),
    Absence(absence::AbsenceDocument),
    Aggregate(Box<aggregate::AggregateDocument>),
    NewValue(new_value::NewValueDocument),
    Baseline(baseline::BaselineDocument),
    RiskScore(risk_score::RiskDocument),
}

/// What the reader of a type gives.
pub(super) struct Content {
    rules: Vec<Spanned>,
    timespan_ms: i64,
    test: TestDocument,
}

/// One name for different fields of different rules.
#[derive(Debug)]
pub(super) struct Alias {
    pub name: Spanned,
    /// Rule, and its field.
    pub fields: Vec<(Spanned, Spanned)>,
    /// The places in `fields` of each word for a rule, in lower case, as ids may be written in capitals.
    by_rule: BTreeMap<String, Vec<usize>>,
}

impl Alias {
    fn new(name: Spanned, fields: Vec<(Spanned, Spanned)>) -> Self {
        let mut by_rule: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, (rule, _)) in fields.iter().enumerate() {
            by_rule.entry(rule.text.to_lowercase()).or_default().push(place);
        }
        Self { name, fields, by_rule }
    }

    /// Every rule with its field that may be meant by one of these words, in the document's order.
    pub(super) fn of_rule(&self, words: [&str; 2]) -> impl Iterator<Item = &(Spanned, Spanned)> {
        let places = words.iter().filter_map(|word| self.by_rule.get(&word.to_lowercase())).flatten();
        let places: BTreeSet<usize> = places.copied().collect();
        places.into_iter().filter_map(|place| self.fields.get(place))
    }
}

/// Keys that every type has.
const KEYS: &[&str] = &["type", "group-by", "aliases", "generate"];

/// Every key of a type.
pub(super) fn keys_of(kind: RuleKind) -> Vec<&'static str> {
    KEYS.iter().chain(keys(kind)).copied().collect()
}

/// The keys of a type, besides those that every type has.
fn keys(kind: RuleKind) -> &'static [&'static str] {
    match kind {
        RuleKind::Temporal | RuleKind::TemporalOrdered => temporal::KEYS,
        RuleKind::Sequence => sequence::KEYS,
        RuleKind::Absence => absence::KEYS,
        RuleKind::Aggregate => aggregate::KEYS,
        RuleKind::NewValue => new_value::KEYS,
        RuleKind::Baseline => baseline::KEYS,
        RuleKind::RiskScore => risk_score::KEYS,
        _ => figure::KEYS,
    }
}

impl CorrelationDocument {
    /// The names of the figures it measures, each with whether its own condition reads it.
    pub(super) fn values(&self) -> Vec<(Spanned, bool)> {
        match &self.test {
            TestDocument::Aggregate(document) => {
                document.names().map(|(name, used)| (name.clone(), used)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `None`, and an error, if it cannot be understood.
    pub(super) fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let map = Map::of(node, "`correlation`", findings)?;
        map.require("type", findings);
        let kind = kind(&map, findings)?;
        map.only(&keys_of(kind), findings);
        let group_by = bounded("group-by", limits::GROUP_BY, map.texts("group-by", findings), findings)?;
        let aliases = aliases(&map, findings);
        let generate = map.boolean("generate", findings).unwrap_or_default();
        let content = match kind {
            RuleKind::Temporal | RuleKind::TemporalOrdered => temporal::read(&map, kind, findings),
            RuleKind::Sequence => sequence::read(&map, findings),
            RuleKind::Absence => absence::read(&map, findings),
            RuleKind::Aggregate => aggregate::read(&map, findings),
            RuleKind::NewValue => new_value::read(&map, findings),
            RuleKind::Baseline => baseline::read(&map, findings),
            RuleKind::RiskScore => risk_score::read(&map, findings),
            _ => figure::read(&map, kind, findings),
        };
        let Content { rules, timespan_ms, test } = content?;
        Some(Self { kind, rules, group_by, timespan_ms, aliases, generate, test })
    }

    /// It takes every rule that raises alerts.
    pub(super) fn takes_any(&self) -> bool {
        matches!(&self.test, TestDocument::RiskScore(document) if document.test.any)
    }

    /// What its matches show as their group: the group-by, and a new value.
    pub(super) fn shows(&self) -> impl Iterator<Item = &Spanned> {
        let beside = match &self.test {
            TestDocument::NewValue(document) => document.fields.as_slice(),
            _ => &[],
        };
        self.group_by.iter().chain(beside)
    }
}

/// The types this version evaluates, as rules name them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.as_str())
}

/// The types this version evaluates.
pub(super) const KINDS: &[RuleKind] = &[
    RuleKind::EventCount,
    RuleKind::ValueCount,
    RuleKind::Temporal,
    RuleKind::TemporalOrdered,
    RuleKind::ValueSum,
    RuleKind::ValueAvg,
    RuleKind::ValueMedian,
    RuleKind::ValuePercentile,
    RuleKind::Sequence,
    RuleKind::Absence,
    RuleKind::Aggregate,
    RuleKind::NewValue,
    RuleKind::Baseline,
    RuleKind::RiskScore,
];

fn kind(map: &Map<'_>, findings: &mut Findings) -> Option<RuleKind> {
    let word = map.text("type", findings)?;
    let known = KINDS.iter().find(|kind| kind.as_str() == word.text);
    if known.is_none() {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.as_str()).collect();
        let message = format!("no correlation type `{}`", word.text);
        let near = nearest(&word.text, names.iter().copied());
        let all = || format!("the types are {}", names.join(", "));
        findings.error(word.span, "unknown-correlation", message).suggest(near, all);
    }
    known.copied()
}

/// The rules under `rules`; an error if there are none.
fn rules(map: &Map<'_>, findings: &mut Findings) -> Vec<Spanned> {
    named(map, "rules", findings)
}

/// The names under a key that must name a rule or several.
fn named(map: &Map<'_>, key: &str, findings: &mut Findings) -> Vec<Spanned> {
    let Some(node) = map.require(key, findings) else { return Vec::new() };
    let before = findings.errors();
    let names = map.texts(key, findings);
    let Some(names) = bounded(key, limits::CORRELATION_RULES, names, findings) else { return Vec::new() };
    if names.is_empty() && findings.errors() == before {
        findings.error(node.span, "empty", format!("`{key}` needs a rule"));
    }
    names
}

/// `None`, and an error, if a key names too many.
fn bounded(key: &str, most: usize, names: Vec<Spanned>, findings: &mut Findings) -> Option<Vec<Spanned>> {
    let Some(first) = names.get(most) else { return Some(names) };
    findings.error(first.span, "too-large", format!("`{key}` names at most {most}"));
    None
}

/// The window under `timespan`, ms.
fn window(map: &Map<'_>, findings: &mut Findings) -> Option<i64> {
    map.require("timespan", findings)?;
    timespan::positive(&map.text("timespan", findings)?, findings)
}

/// The window under `within`, or `timespan`, ms.
fn within(map: &Map<'_>, findings: &mut Findings) -> Option<i64> {
    if map.get("within").is_none() && map.get("timespan").is_some() {
        return window(map, findings);
    }
    map.require("within", findings)?;
    if let Some(span) = map.key_span("timespan") {
        findings.error(span, "unknown-key", "`within` says it already; leave `timespan` out");
    }
    timespan::positive(&map.text("within", findings)?, findings)
}

/// The timespan under a key, within bounds; `otherwise` if the key is not there; ms.
fn span(
    map: &Map<'_>,
    key: &str,
    bounds: RangeInclusive<i64>,
    otherwise: i64,
    findings: &mut Findings,
) -> Option<i64> {
    if map.get(key).is_none() {
        return Some(otherwise);
    }
    let written = map.text(key, findings)?;
    let span_ms = timespan::parse(&written, findings)?;
    if bounds.contains(&span_ms) {
        return Some(span_ms);
    }
    let (least, most) = (timespan::spell((*bounds.start()).max(1_000)), timespan::spell(*bounds.end()));
    let message = match bounds.start() {
        0 => format!("`{key}` is at most {most}"),
        _ => format!("`{key}` is from {least} to {most}"),
    };
    findings.error(written.span, "timespan", message);
    None
}

fn aliases(map: &Map<'_>, findings: &mut Findings) -> Vec<Alias> {
    let aliases = map.get("aliases").and_then(|node| Map::of(node, "`aliases`", findings));
    let Some(aliases) = aliases else { return Vec::new() };
    if let Some(first) = aliases.entries.get(limits::ALIASES) {
        let message = format!("a correlation has at most {} aliases", limits::ALIASES);
        findings.error(first.key_span, "too-large", message);
        return Vec::new();
    }
    let mut found = Vec::new();
    for entry in aliases.entries {
        let Some(fields) = Map::of(&entry.value, "an alias", findings) else { continue };
        let pairs: Vec<_> = fields.entries.iter().filter_map(aliased).collect();
        if pairs.len() < fields.entries.len() {
            findings.error(fields.span, "wrong-type", "an alias names a field for each rule");
        }
        let name = Spanned { text: entry.key.clone(), span: entry.key_span };
        found.push(Alias::new(name, pairs));
    }
    found
}

fn aliased(rule: &Entry) -> Option<(Spanned, Spanned)> {
    match rule.value.scalar()?.literal() {
        Literal::Text(text) => Some((
            Spanned { text: rule.key.clone(), span: rule.key_span },
            Spanned { text, span: rule.value.span },
        )),
        _ => None,
    }
}
