//! `temporal` and `temporal_ordered`: which rules must match near each other?

use super::super::condition::{self, Names, Place};
use super::super::correlation::{Operator, Test, Threshold};
use super::super::detection::Expression;
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{Map, Spanned};
use super::super::selection::Reading;
use super::super::sources::Span;
use super::condition::Numbers;
use super::{Content, TestDocument, figure};
use crate::model::RuleKind;

/// Their keys.
pub(super) const KEYS: &[&str] = &["rules", "timespan", "condition"];

/// Rules that must match within one window.
#[derive(Debug)]
pub struct TemporalTest {
    /// One after the other, as listed.
    pub ordered: bool,
    /// Which of them.
    pub condition: RuleCondition,
}

/// Which rules must match.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleCondition {
    /// So many of them.
    Number(Vec<Threshold>),
    /// Those that an expression asks for.
    Boolean(RuleExpression),
}

/// An expression over the correlation's branches.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleExpression {
    /// The window holds a match of the branch.
    Seen(usize),
    /// No window that shares its last event holds one.
    Unseen(usize),
    /// All of them.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct TemporalDocument {
    kind: RuleKind,
    condition: ConditionDocument,
    /// Where the condition stands, or the type, if it has none.
    place: Span,
    rules: usize,
}

#[derive(Debug)]
enum ConditionDocument {
    Every,
    Number(Vec<Threshold>),
    Boolean(RuleExpression),
}

pub(super) fn read(map: &Map<'_>, kind: RuleKind, findings: &mut Findings) -> Option<Content> {
    let rules = super::rules(map, findings);
    let timespan_ms = super::window(map, findings);
    let place = map.get("condition").map_or_else(|| map.first_key(), |node| node.span);
    let condition = condition(map, &rules, findings)?;
    let document = TemporalDocument { kind, condition, place, rules: rules.len() };
    Some(Content { rules, timespan_ms: timespan_ms?, test: TestDocument::Temporal(document) })
}

fn condition(map: &Map<'_>, rules: &[Spanned], findings: &mut Findings) -> Option<ConditionDocument> {
    let Some(node) = map.get("condition") else { return Some(ConditionDocument::Every) };
    if let Some(scalar) = node.scalar() {
        let mut names = Names::of_rules(rules.iter().map(|rule| rule.text.as_str()).collect());
        let place = Place { span: node.span, base: scalar.base };
        let parsed = condition::parse(&scalar.text, place, &mut names, findings)?;
        for unused in names.unused() {
            let Some(rule) = rules.get(unused) else { continue };
            let message = format!("the condition does not ask for the rule `{}`", rule.text);
            findings.warning(rule.span, "unused-rule", message);
        }
        return Some(ConditionDocument::Boolean(RuleExpression::new(parsed, false)));
    }
    let map = Map::of(node, "`condition`", findings)?;
    map.only(super::condition::OPERATORS, findings);
    super::condition::thresholds(&map, Numbers::Counts, findings).map(ConditionDocument::Number)
}

impl RuleExpression {
    /// With every `not` moved down to the rules.
    fn new(expression: Expression, negated: bool) -> Self {
        let each = |parts: Vec<Expression>| parts.into_iter().map(|part| Self::new(part, negated)).collect();
        match expression {
            Expression::Not(part) => Self::new(*part, !negated),
            Expression::Selection(branch) if negated => Self::Unseen(branch),
            Expression::Selection(branch) => Self::Seen(branch),
            Expression::All(parts) if negated => Self::Any(each(parts)),
            Expression::All(parts) => Self::All(each(parts)),
            Expression::Any(parts) if negated => Self::All(each(parts)),
            Expression::Any(parts) => Self::Any(each(parts)),
            // A condition's parser makes nothing else.
            _ => Self::Any(Vec::new()),
        }
    }

    /// Whether it holds, from which branches are seen and which are near.
    pub fn holds(&self, seen: &dyn Fn(usize) -> bool, near: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Seen(branch) => seen(*branch),
            Self::Unseen(branch) => !near(*branch),
            Self::All(parts) => parts.iter().all(|part| part.holds(seen, near)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(seen, near)),
        }
    }

    /// The branches that must not be near.
    pub fn unwanted(&self) -> Vec<usize> {
        self.branches(&|part| match part {
            Self::Unseen(branch) => Some(*branch),
            _ => None,
        })
    }

    /// The branches that must be seen.
    pub fn wanted(&self) -> Vec<usize> {
        self.branches(&|part| match part {
            Self::Seen(branch) => Some(*branch),
            _ => None,
        })
    }

    fn branches(&self, of: &dyn Fn(&Self) -> Option<usize>) -> Vec<usize> {
        let mut found = match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(|part| part.branches(of)).collect(),
            leaf => of(leaf).into_iter().collect::<Vec<_>>(),
        };
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The branches of a plain conjunction: those wanted, and those not.
    fn conjunction(&self) -> Option<()> {
        let is_leaf = |part: &Self| matches!(part, Self::Seen(_) | Self::Unseen(_));
        match self {
            Self::All(parts) => parts.iter().all(|part| part.conjunction().is_some()).then_some(()),
            leaf => is_leaf(leaf).then_some(()),
        }
    }

    fn spell(&self, branches: &[&str]) -> String {
        let name = |branch: &usize| branches.get(*branch).copied().unwrap_or_default();
        let list = |word: &str, parts: &[Self]| {
            let mut parts: Vec<String> = parts.iter().map(|part| part.spell(branches)).collect();
            parts.sort_unstable();
            format!("({word} {})", parts.join(" "))
        };
        match self {
            Self::Seen(branch) => name(branch).to_owned(),
            Self::Unseen(branch) => format!("(not {})", name(branch)),
            Self::All(parts) => list("all", parts),
            Self::Any(parts) => list("any", parts),
        }
    }
}

impl TemporalDocument {
    /// Without a condition, it asks for every rule.
    pub(in super::super) fn link(
        &self,
        linking: &Linking<'_, '_>,
        reading: &mut Reading<'_>,
    ) -> Option<Test> {
        let ordered = self.kind == RuleKind::TemporalOrdered;
        let all = linking.children.len() as f64;
        let every = Threshold { operator: Operator::GreaterOrEqual, value: all };
        let condition = match &self.condition {
            ConditionDocument::Every => RuleCondition::Number(vec![every]),
            ConditionDocument::Number(thresholds) => {
                self.check_number(thresholds, all, reading.findings)?;
                RuleCondition::Number(thresholds.clone())
            }
            ConditionDocument::Boolean(expression) => {
                self.check_boolean(expression, reading.findings)?;
                RuleCondition::Boolean(expression.clone())
            }
        };
        Some(Test::Temporal(TemporalTest { ordered, condition }))
    }

    fn check_number(&self, thresholds: &[Threshold], all: f64, findings: &mut Findings) -> Option<()> {
        let lower = || thresholds.iter().filter(|threshold| threshold.is_lower_bound());
        let never = lower().any(|threshold| !threshold.holds(all));
        let fewer = thresholds.iter().all(|threshold| threshold.holds(all - 1.0));
        let message = if never {
            "the condition asks for more rules than the correlation names"
        } else if self.kind == RuleKind::TemporalOrdered && (fewer || lower().count() < thresholds.len()) {
            "an ordered correlation asks for every rule; leave the condition out"
        } else {
            return Some(());
        };
        findings.error(self.place, "condition", message);
        None
    }

    fn check_boolean(&self, expression: &RuleExpression, findings: &mut Findings) -> Option<()> {
        if expression.holds(&|_| false, &|_| false) {
            let message = "the condition holds without a match of any rule";
            let finding = findings.error(self.place, "condition", message);
            finding.help("Ask for a rule that must match; for what does not happen there is `absence`.");
            return None;
        }
        if self.kind == RuleKind::TemporalOrdered && expression.conjunction().is_none() {
            let message = "an ordered correlation takes rules joined by `and`, each perhaps with `not`";
            let finding = findings.error(self.place, "condition", message);
            finding.help("`temporal` takes any condition, `sequence` steps with alternatives.");
            return None;
        }
        debug_assert!(expression.wanted().iter().all(|branch| *branch < self.rules), "a branch of no rule");
        Some(())
    }
}

impl TemporalTest {
    /// The branch's place in the order.
    pub(in super::super) fn role(&self, branch: usize) -> String {
        if self.ordered { branch.to_string() } else { String::new() }
    }

    pub(in super::super) fn meaning(&self, branches: &[&str]) -> Vec<String> {
        match &self.condition {
            RuleCondition::Number(thresholds) => figure::spelled(thresholds),
            RuleCondition::Boolean(expression) => vec![expression.spell(branches)],
        }
    }

    /// How many rules must match.
    pub fn thresholds(&self) -> &[Threshold] {
        match &self.condition {
            RuleCondition::Number(thresholds) => thresholds,
            RuleCondition::Boolean(_) => &[],
        }
    }
}
