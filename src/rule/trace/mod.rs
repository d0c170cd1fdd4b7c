//! Which parts of a detection hold for an event, and why does it not match?
//!
//! A detection as it is written, beside the compiled one that the engine runs: the same readers
//! compile its parts one by one, so that each can be asked on its own and told with its line.

mod reading;

use super::detection::Detection;
use crate::model::{FieldId, FieldTable, Fields};

/// Values of one field that are shown; the rest is counted.
const VALUES_SHOWN: usize = 3;

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
                let weight = if part.of_type { TYPE_WEIGHT } else { 1 };
                vec![Reason { line: part.line, text: self.told(part, *field, wanted), weight }]
            }
        }
    }

    fn told(&self, part: &Part, field: Option<FieldId>, wanted: bool) -> String {
        let Some(field) = field else {
            return format!("`{}` {}", part.text, if wanted { "does not hold" } else { "holds" });
        };
        let values = self.fields.values(field).take(VALUES_SHOWN).map(|value| value.to_string());
        let values = values.collect::<Vec<_>>().join(", ");
        let was = if values.is_empty() { "had no value".to_owned() } else { format!("was {values}") };
        let not = if wanted { "" } else { "not " };
        format!("`{}` {was}, wanted {not}`{}`", self.table.path(field), part.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, document, event};
    use super::super::{Outline, RuleSet, Sources, compile};
    use super::*;
    use crate::model::Value::{self, Boolean, Text};

    const RULE: &str = "classic: {eventType: a}\ndeclined:\n  eventType: b\n\
        \x20 outcome.result|startswith: [FAIL, DENY, NO, NEVER]\n\
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
    fn a_filter_that_holds_an_event_back_is_the_reason() {
        let filter = "title: F\nlogsource: {product: okta}\n\
            filter: {rules: [one], us: {actor.id: '1'}, condition: not us}\n";
        let rule = document("one", "sel: {severity: x}\ncondition: sel", "");
        let sources = Sources::of([("a.yml", rule.as_str()), ("f.yml", filter)]);
        let set = compile(&sources).unwrap();
        let trace = Outline::new(&sources).trace("one", &set).unwrap();
        let fields = event(&set, &[("severity", Text("x")), ("actor.id", Text("1"))]);
        let reasons = trace.reasons(&fields, &set.table);
        assert_eq!(reasons[0].text, "`a filter` does not hold");
        assert_eq!((trace.judge(&fields).last(), trace.points().len()), (Some(&false), 1));
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
