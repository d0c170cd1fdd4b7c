//! How is a detection as it is written taken apart?

use std::sync::Arc;

use super::super::budget::Budget;
use super::super::condition::{self, Names, Place};
use super::super::detection::{Detection, Expression};
use super::super::diagnostic::Findings;
use super::super::filter::Filter;
use super::super::lists::Lists;
use super::super::outline::Outline;
use super::super::selection::Reading;
use super::super::yaml::{Entry, Kind, Node};
use super::super::{Body, RuleSet};
use super::{Made, Part, PartKind, Trace, VALUES_SHOWN};
use crate::model::{FieldId, core};

impl Outline {
    /// Takes a detection apart. `rules` are compiled from files that it stands in. `None` for what
    /// is no detection, or does not compile.
    pub fn trace(&self, rule: &str, rules: &RuleSet) -> Option<Trace> {
        let document = self.document(rule)?;
        let Kind::Map(entries) = &document.get("detection")?.kind else { return None };
        let mut table = (*rules.table).clone();
        let mut findings = Findings::default();
        let mut lists = Lists::new(self.sources(), &mut findings);
        let mut budget = Budget::default();
        let reading = Reading {
            table: &mut table,
            lists: &mut lists,
            budget: &mut budget,
            findings: &mut findings,
            reads: Vec::new(),
            event_types: Vec::new(),
        };
        let compiled = rules.rules.iter().find(|known| *known.info.name == *rule);
        let filters = compiled.map(|rule| filters(&rule.body)).unwrap_or_default();
        Taking { reading, text: self.text(document.file), parts: Vec::new() }.trace(entries, filters)
    }
}

/// The filters that go on a detection: they stand beside its own condition.
fn filters(body: &Body) -> Vec<Arc<Filter>> {
    let Body::Detection(Detection { condition: Expression::All(parts), .. }) = body else {
        return Vec::new();
    };
    let filters = parts.iter().filter_map(|part| match part {
        Expression::Filter(filter) => Some(Arc::clone(filter)),
        _ => None,
    });
    filters.collect()
}

struct Taking<'t> {
    reading: Reading<'t>,
    text: &'t str,
    parts: Vec<Part>,
}

impl Taking<'_> {
    fn trace(mut self, entries: &[Entry], filters: Vec<Arc<Filter>>) -> Option<Trace> {
        let (mut names, mut places) = (Vec::new(), Vec::new());
        for entry in entries.iter().filter(|entry| entry.key != "condition") {
            names.push(entry.key.as_str());
            places.push(self.selection(&entry.value, &entry.key)?);
        }
        let node = entries.iter().find(|entry| entry.key == "condition").map(|entry| &entry.value)?;
        let own = self.condition(node, &names, &places)?;
        let place = self.filtered(own, filters, node);
        // The condition is asked for as the last part.
        if place + 1 < self.parts.len() {
            let Part { text, line, of_type, .. } = self.parts.get(place)?;
            let (text, line, of_type) = (text.clone(), *line, *of_type);
            let made = Made::All(vec![place]);
            self.parts.push(Part { made, line, text, kind: PartKind::Repeated, of_type });
        }
        let mut trace = Trace { parts: self.parts };
        trace.hush_unused();
        Some(trace)
    }

    /// The condition with the filters, which are not parts of the detection's own to be told of.
    fn filtered(&mut self, own: usize, filters: Vec<Arc<Filter>>, node: &Node) -> usize {
        let mut parts = vec![own];
        for filter in filters {
            let made = leaf(Expression::Filter(filter), None);
            parts.push(self.push(made, node, "a filter".to_owned(), PartKind::Repeated));
        }
        self.together(parts, Made::All, node, "", PartKind::Repeated)
    }

    fn push(&mut self, made: Made, node: &Node, text: String, kind: PartKind) -> usize {
        let of_type = match &made {
            Made::All(parts) | Made::Any(parts) => parts.iter().all(|part| self.is_of_type(*part)),
            Made::Not(part) => self.is_of_type(*part),
            Made::Leaf(_, field) => *field == Some(core::EVENT_TYPE),
        };
        let line = crate::text::line(self.text, node.span.range().start);
        self.parts.push(Part { made, line, text, kind, of_type });
        self.parts.len() - 1
    }

    fn is_of_type(&self, part: usize) -> bool {
        self.parts.get(part).is_some_and(|part| part.of_type)
    }

    fn selection(&mut self, node: &Node, name: &str) -> Option<usize> {
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => {
                let parts: Vec<usize> =
                    entries.iter().map(|entry| self.field(entry)).collect::<Option<_>>()?;
                Some(self.together(parts, Made::All, node, name, PartKind::Selection))
            }
            Kind::List(items) if items.iter().any(|item| item.scalar().is_none()) => {
                let parts = (1..).zip(items).map(|(number, item)| {
                    let name = format!("{name}, alternative {number}");
                    self.selection(item, &name)
                });
                let parts: Vec<usize> = parts.collect::<Option<_>>()?;
                Some(self.together(parts, Made::Any, node, name, PartKind::Selection))
            }
            _ => {
                let compiled = self.reading.selection(node)?;
                Some(self.push(leaf(compiled, None), node, name.to_owned(), PartKind::Selection))
            }
        }
    }

    /// Parts under `and` or `or`; of one, there is nothing more to say.
    fn together(
        &mut self,
        parts: Vec<usize>,
        made: fn(Vec<usize>) -> Made,
        node: &Node,
        text: &str,
        kind: PartKind,
    ) -> usize {
        match parts.as_slice() {
            [only] => *only,
            _ => self.push(made(parts), node, text.to_owned(), kind),
        }
    }

    fn field(&mut self, entry: &Entry) -> Option<usize> {
        let compiled = self.reading.item(entry)?;
        let path = entry.key.split('|').next().unwrap_or_default();
        let field = self.reading.table.id(path);
        let node = Node { span: entry.key_span, kind: entry.value.kind.clone() };
        Some(self.push(leaf(compiled, field), &node, written(entry), PartKind::Field))
    }

    fn condition(&mut self, node: &Node, names: &[&str], places: &[usize]) -> Option<usize> {
        match &node.kind {
            Kind::Scalar(scalar) => {
                let place = Place { span: node.span, base: scalar.base };
                let mut known = Names::new(names.to_vec());
                let parsed = condition::parse(&scalar.text, place, &mut known, self.reading.findings)?;
                let part = self.expression(&parsed, node, names, places)?;
                let whole = format!("condition: {}", scalar.text.trim());
                if let Some(part) = self.parts.get_mut(part).filter(|part| part.kind == PartKind::Condition) {
                    part.text = whole;
                }
                Some(part)
            }
            Kind::List(items) => {
                let parts = items.iter().map(|item| self.condition(item, names, places));
                let parts: Vec<usize> = parts.collect::<Option<_>>()?;
                Some(self.together(parts, Made::Any, node, "condition", PartKind::Condition))
            }
            Kind::Map(_) => None,
        }
    }

    fn expression(
        &mut self,
        expression: &Expression,
        node: &Node,
        names: &[&str],
        places: &[usize],
    ) -> Option<usize> {
        let (parts, made): (_, fn(Vec<usize>) -> Made) = match expression {
            Expression::Selection(place) => return places.get(*place).copied(),
            Expression::Not(part) => {
                let part = self.expression(part, node, names, places)?;
                return Some(self.push(Made::Not(part), node, String::new(), PartKind::Repeated));
            }
            Expression::All(parts) => (parts, Made::All),
            Expression::Any(parts) => (parts, Made::Any),
            _ => return None,
        };
        let parts: Vec<usize> =
            parts.iter().map(|part| self.expression(part, node, names, places)).collect::<Option<_>>()?;
        let text = spelled(expression, names);
        Some(self.together(parts, made, node, &text, PartKind::Condition))
    }
}

fn leaf(compiled: Expression, field: Option<FieldId>) -> Made {
    let detection = Detection { condition: compiled, ..Detection::default() };
    Made::Leaf(Box::new(detection), field)
}

/// A part of a condition, with the names of its selections.
fn spelled(expression: &Expression, names: &[&str]) -> String {
    let list = |parts: &[Expression], joint: &str| {
        let parts = parts.iter().map(|part| match part {
            Expression::All(_) | Expression::Any(_) => format!("({})", spelled(part, names)),
            _ => spelled(part, names),
        });
        parts.collect::<Vec<_>>().join(joint)
    };
    match expression {
        Expression::All(parts) => list(parts, " and "),
        Expression::Any(parts) => list(parts, " or "),
        Expression::Not(part) => match **part {
            Expression::Selection(_) => format!("not {}", spelled(part, names)),
            _ => format!("not ({})", spelled(part, names)),
        },
        Expression::Selection(place) => names.get(*place).map_or_else(String::new, |name| (*name).to_owned()),
        _ => String::new(),
    }
}

/// A field with its values: `outcome.result: FAILURE or DENY`.
fn written(entry: &Entry) -> String {
    let values: Vec<&str> = match &entry.value.kind {
        Kind::List(items) => items.iter().filter_map(Node::scalar).map(|scalar| &*scalar.text).collect(),
        Kind::Scalar(scalar) => vec![&scalar.text],
        Kind::Map(_) => Vec::new(),
    };
    let joint = if entry.key.split('|').any(|modifier| modifier == "all") { " and " } else { " or " };
    let mut shown = values.iter().take(VALUES_SHOWN).copied().collect::<Vec<_>>().join(joint);
    if values.len() > VALUES_SHOWN {
        shown.push_str(&format!(" and {} more", values.len() - VALUES_SHOWN));
    }
    format!("{}: {}", entry.key, if shown.is_empty() { "''" } else { &shown })
}
