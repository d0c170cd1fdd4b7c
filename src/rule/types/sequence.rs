//! `sequence`: which steps must follow one another, how often each, and what stops it?

use std::collections::BTreeSet;

use super::super::correlation::{Counted, Test};
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{Map, Spanned};
use super::super::selection::Reading;
use super::super::timespan;
use super::super::yaml::{Kind, Node};
use super::{Content, TestDocument};
use crate::limits;
use crate::model::FieldTable;

/// Its keys.
pub(super) const KEYS: &[&str] = &["steps", "until", "within", "timespan", "unequal", "equal"];

/// The keys of a step.
pub(in super::super) const STEP_KEYS: &[&str] = &["rule", "min", "max", "distinct", "within"];

/// The most events one step can ask for.
const COUNT_MAX: i64 = 1_000;

/// Steps that follow one another.
#[derive(Debug)]
pub struct SequenceTest {
    /// In their order.
    pub steps: Vec<Step>,
    /// Branches whose matches between the first event and the last stop it.
    pub until: Vec<usize>,
    /// Fields in which a step's last event and the next step's first differ.
    pub unequal: Vec<Counted>,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// Branches of which any will do.
    pub branches: Vec<usize>,
    /// At least so many events; with `distinct`, so many values.
    pub min: usize,
    /// At most so many events between the steps beside it.
    pub max: Option<usize>,
    /// What is counted instead of events.
    pub distinct: Option<Counted>,
    /// The step ends within this time of the end of the step before; the first, of its own start; ms.
    pub within_ms: Option<i64>,
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct SequenceDocument {
    steps: Vec<StepDocument>,
    until: Vec<Spanned>,
    unequal: Vec<Spanned>,
    pub equal: Vec<Spanned>,
}

#[derive(Debug)]
struct StepDocument {
    rules: Vec<Spanned>,
    min: usize,
    max: Option<usize>,
    distinct: Option<Spanned>,
    within_ms: Option<i64>,
}

pub(super) fn read(map: &Map<'_>, findings: &mut Findings) -> Option<Content> {
    let steps = steps(map, findings);
    let until = bounded(map, "until", limits::CORRELATION_RULES, findings);
    let timespan_ms = super::within(map, findings);
    let unequal = bounded(map, "unequal", limits::COUNTED_FIELDS, findings);
    let equal = bounded(map, "equal", limits::COUNTED_FIELDS, findings);
    let (steps, until) = (steps?, until?);
    let mut known = BTreeSet::new();
    let named = steps.iter().flat_map(|step| &step.rules).chain(&until);
    let rules = named.filter(|rule| known.insert(rule.text.as_str())).cloned().collect();
    let document = SequenceDocument { steps, until, unequal: unequal?, equal: equal? };
    Some(Content { rules, timespan_ms: timespan_ms?, test: TestDocument::Sequence(document) })
}

fn bounded(map: &Map<'_>, key: &str, most: usize, findings: &mut Findings) -> Option<Vec<Spanned>> {
    let names = map.texts(key, findings);
    super::bounded(key, most, names, findings)
}

fn steps(map: &Map<'_>, findings: &mut Findings) -> Option<Vec<StepDocument>> {
    let node = map.require("steps", findings)?;
    let Kind::List(items) = &node.kind else {
        findings.error(node.span, "wrong-type", format!("`steps` is a list, not {}", node.what()));
        return None;
    };
    if items.is_empty() || items.len() > limits::SEQUENCE_STEPS {
        let message = format!("a sequence has 1 to {} steps", limits::SEQUENCE_STEPS);
        findings.error(node.span, "steps", message);
        return None;
    }
    let steps: Vec<Option<StepDocument>> = items.iter().map(|item| step(item, findings)).collect();
    steps.into_iter().collect()
}

fn step(node: &Node, findings: &mut Findings) -> Option<StepDocument> {
    let before = findings.errors();
    let map = Map::of(node, "a step", findings)?;
    map.only(STEP_KEYS, findings);
    let rules = super::named(&map, "rule", findings);
    let min = count(&map, "min", findings).unwrap_or(1);
    let max = count(&map, "max", findings);
    let distinct = map.text("distinct", findings);
    let written = map.text("within", findings);
    let within_ms = written.and_then(|written| timespan::positive(&written, findings));
    let Some(max_span) = map.get("max").map(|node| node.span) else {
        return (findings.errors() == before).then_some(StepDocument {
            rules,
            min,
            max,
            distinct,
            within_ms,
        });
    };
    if max.is_some_and(|max| max < min) {
        findings.error(max_span, "steps", "`max` is at least `min`");
    }
    if distinct.is_some() {
        let finding = findings.error(max_span, "steps", "`max` counts events, `distinct` values");
        finding.help("Leave one of them out; `aggregate` bounds distinct values from above.");
    }
    (findings.errors() == before).then_some(StepDocument { rules, min, max, distinct, within_ms })
}

fn count(map: &Map<'_>, key: &str, findings: &mut Findings) -> Option<usize> {
    let number = map.integer(key, COUNT_MAX, findings)?;
    if number == 0 {
        let finding = findings.error(map.get(key)?.span, "steps", format!("`{key}` is 1 or more"));
        finding.help("A step that must not happen is an `until`.");
        return None;
    }
    usize::try_from(number).ok()
}

impl SequenceDocument {
    pub(in super::super) fn link(
        &self,
        linking: &Linking<'_, '_>,
        reading: &mut Reading<'_>,
    ) -> Option<Test> {
        let branches = |rules: &[Spanned]| rules.iter().filter_map(|rule| linking.branch(rule)).collect();
        let mut steps = Vec::new();
        for step in &self.steps {
            let distinct = match &step.distinct {
                Some(field) => Some(linking.counted(std::slice::from_ref(field), reading)?),
                None => None,
            };
            let StepDocument { min, max, within_ms, .. } = *step;
            steps.push(Step { branches: branches(&step.rules), min, max, distinct, within_ms });
        }
        let fields = self.unequal.iter().map(|field| linking.counted(std::slice::from_ref(field), reading));
        let unequal = fields.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?;
        Some(Test::Sequence(SequenceTest { steps, until: branches(&self.until), unequal }))
    }
}

impl SequenceTest {
    /// The fields in which steps differ.
    pub(in super::super) fn role(&self, branch: usize, table: &FieldTable) -> String {
        let steps = self.steps.iter().filter_map(|step| step.distinct.as_ref());
        let paths = self.unequal.iter().chain(steps).flat_map(|field| field.paths(branch, table));
        paths.collect::<Vec<_>>().join(" ")
    }

    pub(in super::super) fn meaning(&self, branches: &[&str]) -> Vec<String> {
        let names = |list: &[usize]| {
            let mut names: Vec<&str> =
                list.iter().filter_map(|branch| branches.get(*branch).copied()).collect();
            names.sort_unstable();
            names.join(" ")
        };
        let step = |step: &Step| {
            let Step { branches, min, max, distinct, within_ms } = step;
            let counted = distinct.is_some();
            format!("{} {min} {max:?} {counted} {within_ms:?}", names(branches))
        };
        let mut parts: Vec<String> = self.steps.iter().map(step).collect();
        parts.push(format!("until {}", names(&self.until)));
        parts.push(format!("unequal {}", self.unequal.len()));
        parts
    }
}
