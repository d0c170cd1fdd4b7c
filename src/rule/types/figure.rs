//! `event_count` and the `value_` types: which figure of a window, and what must hold of it?

use super::super::correlation::{Counted, Test, Threshold};
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{self, Map, Spanned};
use super::super::selection::Reading;
use super::super::yaml::{Kind, Literal, Node};
use super::condition::{self, Numbers};
use super::{Content, TestDocument};
use crate::limits;
use crate::model::{FieldTable, RuleKind};

/// Their keys.
pub(super) const KEYS: &[&str] = &["rules", "timespan", "condition"];

/// A figure of a window against thresholds.
#[derive(Debug)]
pub struct FigureTest {
    /// Which figure.
    pub figure: FigureKind,
    /// What it is taken of; no field at all for `event_count`.
    pub counted: Counted,
    /// All must hold.
    pub conditions: Vec<Threshold>,
}

/// A figure of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FigureKind {
    /// How many events.
    Count,
    /// How many distinct values.
    Distinct,
    /// The sum of the values.
    Sum,
    /// Their mean.
    Average,
    /// The value below which so many percent of them lie, neighbours interpolated.
    Percentile(f64),
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct FigureDocument {
    figure: FigureKind,
    fields: Vec<Spanned>,
    thresholds: Vec<Threshold>,
}

pub(super) fn read(map: &Map<'_>, kind: RuleKind, findings: &mut Findings) -> Option<Content> {
    let rules = super::rules(map, findings);
    let timespan_ms = super::window(map, findings);
    let node = map.require("condition", findings)?;
    let condition = Map::of(node, "`condition`", findings)?;
    let mut known = condition::OPERATORS.to_vec();
    known.extend((kind != RuleKind::EventCount).then_some("field"));
    known.extend((kind == RuleKind::ValuePercentile).then_some("percentile"));
    condition.only(&known, findings);
    let fields = if kind == RuleKind::EventCount { Vec::new() } else { fields(&condition, kind, findings)? };
    let figure = figure(&condition, kind, findings);
    let counts = matches!(kind, RuleKind::EventCount | RuleKind::ValueCount);
    let numbers = if counts { Numbers::Counts } else { Numbers::Any };
    let thresholds = condition::thresholds(&condition, numbers, findings)?;
    let document = FigureDocument { figure: figure?, fields, thresholds };
    Some(Content { rules, timespan_ms: timespan_ms?, test: TestDocument::Figure(document) })
}

/// One field; `value_count` takes several, whose values count together.
fn fields(condition: &Map<'_>, kind: RuleKind, findings: &mut Findings) -> Option<Vec<Spanned>> {
    let node = condition.require("field", findings)?;
    let is_list = matches!(node.kind, Kind::List(_));
    if is_list && kind != RuleKind::ValueCount {
        let message = format!("`{}` takes one field", kind.as_str());
        findings.error(node.span, "wrong-type", message).help("Only `value_count` takes several.");
        return None;
    }
    let fields = reader::texts(node, "field", findings);
    if fields.is_empty() {
        findings.error(node.span, "empty", "`field` needs a field");
        return None;
    }
    super::bounded("field", limits::COUNTED_FIELDS, fields, findings)
}

fn figure(condition: &Map<'_>, kind: RuleKind, findings: &mut Findings) -> Option<FigureKind> {
    Some(match kind {
        RuleKind::ValueCount => FigureKind::Distinct,
        RuleKind::ValueSum => FigureKind::Sum,
        RuleKind::ValueAvg => FigureKind::Average,
        RuleKind::ValueMedian => FigureKind::Percentile(50.0),
        RuleKind::ValuePercentile => {
            let node = condition.require("percentile", findings)?;
            FigureKind::Percentile(percentile(node, findings)?)
        }
        _ => FigureKind::Count,
    })
}

fn percentile(node: &Node, findings: &mut Findings) -> Option<f64> {
    let number = match node.scalar().map(|scalar| scalar.literal()) {
        Some(Literal::Integer(number)) => Some(number as f64),
        Some(Literal::Float(number)) => Some(number),
        _ => None,
    };
    let number = number.filter(|number| (0.0..=100.0).contains(number));
    if number.is_none() {
        findings.error(node.span, "wrong-type", "`percentile` is a number from 0 to 100");
    }
    number
}

impl FigureDocument {
    pub(in super::super) fn link(
        &self,
        linking: &Linking<'_, '_>,
        reading: &mut Reading<'_>,
    ) -> Option<Test> {
        let counted = linking.counted(&self.fields, reading)?;
        Some(Test::Figure(FigureTest { figure: self.figure, counted, conditions: self.thresholds.clone() }))
    }
}

impl FigureTest {
    /// The counted fields of a branch.
    pub(in super::super) fn role(&self, branch: usize, table: &FieldTable) -> String {
        self.counted.paths(branch, table).join(" ")
    }

    pub(in super::super) fn meaning(&self) -> Vec<String> {
        let mut parts = spelled(&self.conditions);
        parts.push(format!("{:?}", self.figure));
        parts
    }
}

/// Thresholds in an order of their own.
pub(super) fn spelled(thresholds: &[Threshold]) -> Vec<String> {
    let spell = |threshold: &Threshold| format!("{} {}", threshold.operator.as_str(), threshold.value);
    let mut spelled: Vec<String> = thresholds.iter().map(spell).collect();
    spelled.sort_unstable();
    spelled
}
