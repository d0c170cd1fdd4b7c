//! Which parts of a detection hold for an event, and why does it not match?
//!
//! A detection as it is written, beside the compiled one that the engine runs: the same readers
//! compile its parts one by one, so that each can be asked on its own and told with its line.

use super::RuleSet;
use super::budget::Budget;
use super::condition::{self, Names, Place};
use super::detection::{Detection, Expression};
use super::diagnostic::Findings;
use super::lists::Lists;
use super::outline::Outline;
use super::selection::Reading;
use super::yaml::{Entry, Kind, Node};
use crate::model::{FieldId, FieldTable, Fields, core};

/// A detection taken apart.
#[derive(Debug)]
pub struct Trace {
    /// Each after those it is made of; the condition is the last.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    made: Made,
    /// Line in the file, from 1.
    line: usize,
    /// As it is written, for people.
    text: String,
    kind: PartKind,
    /// It asks for nothing but the event's type.
    of_type: bool,
}

#[derive(Debug)]
enum Made {
    All(Vec<usize>),
    Any(Vec<usize>),
    Not(usize),
    /// One field, and the fields it reads.
    Leaf(Box<Detection>, Option<FieldId>),
}

/// What a part of a detection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A field with what it must be.
    Field,
    /// A selection, or one of its alternatives.
    Selection,
    /// Part of the condition, or the condition.
    Condition,
    /// Says nothing that another part does not say.
    Repeated,
}

/// A part of a detection, to be told to people.
#[derive(Clone, Copy, Debug)]
pub struct Point<'t> {
    /// Its place in what [`Trace::judge`] gives.
    pub place: usize,
    /// What it is.
    pub kind: PartKind,
    /// Line in the file, from 1.
    pub line: usize,
    /// As it is written.
    pub text: &'t str,
    /// It asks for nothing but the event's type.
    pub of_type: bool,
}

/// Something that keeps a detection from matching an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Line in the file, from 1.
    pub line: usize,
    /// What was, and what was wanted.
    pub text: String,
    /// How far that is from a match: an event of another type is further away than one with another
    /// value.
    pub weight: usize,
}

/// As many other values as this weigh as much as another type of event.
const TYPE_WEIGHT: usize = 10;

/// How far an event is from a match.
pub fn weight(reasons: &[Reason]) -> usize {
    reasons.iter().map(|reason| reason.weight).sum()
}

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
        Taking { reading, text: self.text(document.file), parts: Vec::new() }.trace(entries)
    }
}

struct Taking<'t> {
    reading: Reading<'t>,
    text: &'t str,
    parts: Vec<Part>,
}

impl Taking<'_> {
    fn trace(mut self, entries: &[Entry]) -> Option<Trace> {
        let (mut names, mut places) = (Vec::new(), Vec::new());
        for entry in entries.iter().filter(|entry| entry.key != "condition") {
            names.push(entry.key.as_str());
            places.push(self.selection(&entry.value, &entry.key)?);
        }
        let node = entries.iter().find(|entry| entry.key == "condition").map(|entry| &entry.value)?;
        let place = self.condition(node, &names, &places)?;
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
    let detection = Detection { selections: Vec::new(), condition: compiled, reads: Vec::new() };
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

/// Values of one field that are shown; the rest is counted.
const VALUES_SHOWN: usize = 3;

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

impl Trace {
    /// What the condition does not lead to has nothing to say.
    fn hush_unused(&mut self) {
        let mut used = vec![false; self.parts.len()];
        used.iter_mut().next_back().into_iter().for_each(|last| *last = true);
        for place in (0..self.parts.len()).rev() {
            let Some(part) = self.parts.get_mut(place) else { continue };
            if used.get(place) != Some(&true) {
                part.kind = PartKind::Repeated;
                continue;
            }
            let made_of = match &part.made {
                Made::All(parts) | Made::Any(parts) => parts.as_slice(),
                Made::Not(part) => std::slice::from_ref(part),
                Made::Leaf(..) => &[],
            };
            for place in made_of {
                used.get_mut(*place).into_iter().for_each(|used| *used = true);
            }
        }
    }

    /// Whether each part holds for an event; the last is the detection.
    pub fn judge(&self, fields: &Fields) -> Vec<bool> {
        let mut judged: Vec<bool> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let holds = |place: &usize| judged.get(*place).copied().unwrap_or_default();
            let holds = match &part.made {
                Made::All(parts) => parts.iter().all(holds),
                Made::Any(parts) => parts.iter().any(holds),
                Made::Not(part) => !holds(part),
                Made::Leaf(test, _) => test.matches(fields),
            };
            judged.push(holds);
        }
        judged
    }

    /// The parts that say something of their own, in the order of their lines.
    pub fn points(&self) -> Vec<Point<'_>> {
        let points = self.parts.iter().enumerate().map(|(place, part)| Point {
            place,
            kind: part.kind,
            line: part.line,
            text: &part.text,
            of_type: part.of_type,
        });
        let mut points: Vec<_> = points.filter(|point| point.kind != PartKind::Repeated).collect();
        points.sort_by_key(|point| (point.line, point.place));
        points
    }

    /// The fewest things that would have to be otherwise for the event to match; none if it does.
    pub fn reasons(&self, fields: &Fields, table: &FieldTable) -> Vec<Reason> {
        let judged = self.judge(fields);
        let asking = Asking { trace: self, judged: &judged, fields, table };
        self.parts.len().checked_sub(1).map(|last| asking.unlike(last, true)).unwrap_or_default()
    }
}

/// One event, and what the parts say of it.
struct Asking<'a> {
    trace: &'a Trace,
    judged: &'a [bool],
    fields: &'a Fields,
    table: &'a FieldTable,
}

impl Asking<'_> {
    /// What keeps a part from being as it should.
    fn unlike(&self, place: usize, wanted: bool) -> Vec<Reason> {
        let Some(part) = self.trace.parts.get(place) else { return Vec::new() };
        if self.judged.get(place) == Some(&wanted) {
            return Vec::new();
        }
        match (&part.made, wanted) {
            (Made::Not(part), wanted) => self.unlike(*part, !wanted),
            // All of them have to change, or the cheapest one.
            (Made::All(parts), true) | (Made::Any(parts), false) => {
                parts.iter().flat_map(|part| self.unlike(*part, wanted)).collect()
            }
            (Made::All(parts), false) | (Made::Any(parts), true) => {
                let each = parts.iter().map(|part| self.unlike(*part, wanted));
                each.min_by_key(|reasons| weight(reasons)).unwrap_or_default()
            }
            (Made::Leaf(_, field), wanted) => {
                let not = if wanted { "" } else { "not " };
                let text = format!("{}, wanted {not}`{}`", self.was(part, *field), part.text);
                let weight = if part.of_type { TYPE_WEIGHT } else { 1 };
                vec![Reason { line: part.line, text, weight }]
            }
        }
    }

    fn was(&self, part: &Part, field: Option<FieldId>) -> String {
        let Some(field) = field else { return format!("`{}`", part.text) };
        let values: Vec<String> =
            self.fields.values(field).take(VALUES_SHOWN).map(|value| value.to_string()).collect();
        let path = self.table.path(field);
        match values.as_slice() {
            [] => format!("`{path}` had no value"),
            values => format!("`{path}` was {}", values.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, document, event};
    use super::super::{Sources, compile};
    use super::*;
    use crate::model::Value::{self, Boolean, Text};

    const RULE: &str = "classic: {eventType: a}\ndeclined:\n  eventType: b\n  outcome.result|startswith: [FAIL, DENY, NO, NEVER]\n\
        way:\n- severity: x\n- severity: y\n  actor.id: z\noffice: {securityContext.isProxy: true}\n\
        condition: (classic or (declined and way)) and not office";

    fn taken_apart(detection: &str) -> (RuleSet, Trace) {
        let text = document("one", detection, "");
        let sources = Sources::of([("a.yml", text.as_str())]);
        let set = compile(&sources).unwrap();
        let trace = Outline::new(&sources).trace("one", &set).unwrap();
        (set, trace)
    }

    fn reasons(values: &[(&str, Value<'_>)]) -> Vec<String> {
        let (set, trace) = taken_apart(RULE);
        let reasons = trace.reasons(&event(&set, values), &set.table);
        reasons.into_iter().map(|reason| format!("{}: {}", reason.line, reason.text)).collect()
    }

    #[test]
    fn every_part_is_told_once_with_its_line() {
        let (_, trace) = taken_apart(RULE);
        let shown: Vec<_> = trace
            .points()
            .iter()
            .map(|point| format!("{} {:?} {} {}", point.line, point.kind, point.text, point.of_type))
            .collect();
        assert_eq!(
            shown,
            [
                "7 Field eventType: a true",
                "9 Field eventType: b true",
                "9 Selection declined false",
                "10 Field outcome.result|startswith: FAIL or DENY or NO and 1 more false",
                "12 Field severity: x false",
                "12 Selection way false",
                "13 Field severity: y false",
                "13 Selection way, alternative 2 false",
                "14 Field actor.id: z false",
                "15 Field securityContext.isProxy: true false",
                "16 Condition declined and way false",
                "16 Condition classic or (declined and way) false",
                "16 Condition condition: (classic or (declined and way)) and not office false",
            ]
        );
    }

    #[test]
    fn the_parts_together_say_what_the_compiled_detection_says() {
        let (set, trace) = taken_apart(RULE);
        let compiled = testing::detection(&set);
        let kinds = ["a", "b", "c"];
        let mut matched = 0;
        for kind in kinds {
            for (result, severity, proxy) in [
                ("FAILURE", "x", false),
                ("FAILURE", "y", true),
                ("SUCCESS", "x", false),
                ("DENY", "n", false),
            ] {
                let fields = event(
                    &set,
                    &[
                        ("eventType", Text(kind)),
                        ("outcome.result", Text(result)),
                        ("severity", Text(severity)),
                        ("securityContext.isProxy", Boolean(proxy)),
                    ],
                );
                let judged = *trace.judge(&fields).last().unwrap();
                assert_eq!(judged, compiled.matches(&fields), "{kind} {result} {severity} {proxy}");
                assert_eq!(judged, trace.reasons(&fields, &set.table).is_empty());
                matched += usize::from(judged);
            }
        }
        assert_eq!(matched, 4);
    }

    #[test]
    fn the_shortest_way_to_a_match_is_what_was_wrong() {
        let almost = [("eventType", Text("b")), ("outcome.result", Text("ALLOW")), ("severity", Text("x"))];
        let wanted = "outcome.result|startswith: FAIL or DENY or NO and 1 more";
        assert_eq!(reasons(&almost), [format!("10: `outcome.result` was ALLOW, wanted `{wanted}`")]);
        let office = [("eventType", Text("a")), ("securityContext.isProxy", Boolean(true))];
        let excluded = "15: `securityContext.isProxy` was true, wanted not `securityContext.isProxy: true`";
        assert_eq!(reasons(&office), [excluded]);
        assert_eq!(reasons(&[]), ["7: `eventType` had no value, wanted `eventType: a`"]);
        assert_eq!(reasons(&[("eventType", Text("A"))]), Vec::<String>::new());
    }

    #[test]
    fn only_what_the_condition_uses_is_told_and_one_selection_is_no_part_of_its_own() {
        let (set, trace) = taken_apart("sel: {severity: x}\nother: {severity: y}\ncondition: sel");
        assert_eq!(trace.points().iter().map(|point| point.text).collect::<Vec<_>>(), ["severity: x"]);
        let fields = event(&set, &[("severity", Text("x"))]);
        assert_eq!(trace.judge(&fields), [true, false, true]);
    }
}
