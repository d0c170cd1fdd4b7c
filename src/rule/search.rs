//! What do the selections of a document say together, and which of them does the condition use?

use super::condition::{self, Names, Place};
use super::detection::Expression;
use super::diagnostic::Findings;
use super::reader::{Map, Spanned};
use super::selection::Reading;
use super::yaml::{Entry, Kind, Node};

/// Selections with the condition over them.
#[derive(Debug)]
pub(super) struct Search {
    pub selections: Vec<Expression>,
    pub condition: Expression,
}

impl Reading<'_> {
    /// Reads the map under `detection` or `filter`: every key is a selection but `condition` and
    /// those in `others`.
    pub(super) fn search(&mut self, map: &Map<'_>, others: &[&str]) -> Option<Search> {
        map.require("condition", self.findings);
        let is_selection = |entry: &&Entry| entry.key != "condition" && !others.contains(&entry.key.as_str());
        let entries: Vec<&Entry> = map.entries.iter().filter(is_selection).collect();
        let selections: Vec<_> = entries.iter().map(|entry| self.named(entry)).collect();
        let mut names = Names::new(entries.iter().map(|entry| entry.key.as_str()).collect());
        let condition = condition(map.get("condition")?, &mut names, self.findings);
        if condition.is_some() {
            let read = |place: &usize| selections.get(*place).is_some_and(Option::is_some);
            let unused = names.unused().filter(read).filter_map(|place| entries.get(place));
            for entry in unused.filter(|entry| !entry.key.starts_with('_')) {
                let message = format!("no condition uses the selection `{}`", entry.key);
                self.findings.warning(entry.key_span, "unused-selection", message);
            }
        }
        let selections = selections.into_iter().collect::<Option<_>>()?;
        Some(Search { selections, condition: condition? })
    }

    fn named(&mut self, entry: &Entry) -> Option<Expression> {
        if entry.key == "timeframe" {
            let message = "`timeframe` is not Sigma any more, and no selection";
            let finding = self.findings.error(entry.key_span, "condition", message);
            finding.help("Write a document with `correlation:` that names this rule, with a `timespan`.");
            return None;
        }
        self.selection(&entry.value)
    }

    /// Further fields that the evidence shows; those that were read come first.
    pub(super) fn shown(&mut self, fields: &[Spanned]) {
        for path in fields {
            let field = self.field(path, false);
            self.reads.extend(field.filter(|field| !self.reads.contains(field)));
        }
    }
}

/// One condition, or a list of which one must hold.
fn condition(node: &Node, names: &mut Names<'_>, findings: &mut Findings) -> Option<Expression> {
    match &node.kind {
        Kind::Scalar(scalar) => {
            let place = Place { span: node.span, base: scalar.base };
            condition::parse(&scalar.text, place, names, findings)
        }
        Kind::List(items) if !items.is_empty() => {
            let parts: Vec<_> = items.iter().map(|item| condition(item, names, findings)).collect();
            parts.into_iter().collect::<Option<_>>().map(Expression::Any)
        }
        _ => {
            findings.error(node.span, "wrong-type", "`condition` is text, or a list of texts");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{matches, mistakes, one};
    use crate::model::Value::Text;

    #[test]
    fn the_names_of_conditions_are_patterns_with_an_order_of_operators() {
        let selections = "a_one: {eventType: a}\na_two: {severity: b}\n_c: {outcome.result: c}\n";
        let (a, b, c) = (("eventType", Text("a")), ("severity", Text("b")), ("outcome.result", Text("c")));
        for (condition, yes, no) in [
            ("1 of a_*", vec![b], vec![c]),
            ("any of a_*", vec![a], vec![]),
            ("all of a_*", vec![a, b], vec![a, c]),
            ("all of them", vec![a, b], vec![a]),
            ("1 of them", vec![b], vec![c]),
            ("1 of *", vec![b], vec![c]),
            ("1 of *_one or _c", vec![c], vec![b]),
            ("not a_one and a_two or _c", vec![b], vec![a, b]),
            ("not (a_one and a_two)", vec![a], vec![a, b]),
            ("a_one and not not (a_two or _c)", vec![a, c], vec![a]),
            ("[a_one and a_two, _c]", vec![c], vec![b]),
        ] {
            let set = one(&format!("{selections}condition: {condition}"));
            assert!(matches(&set, &yes) && !matches(&set, &no), "{condition}");
        }
    }

    #[test]
    fn what_sigma_took_back_is_told_from_a_selection() {
        let found = mistakes("sel: {eventType: a}\ntimeframe: 15m\ncondition: sel");
        assert_eq!(found, [("condition", "`timeframe` is not Sigma any more, and no selection".to_owned())]);
        assert_eq!(mistakes("sel: {eventType: a}\ncondition: {sel: 1}")[0].0, "wrong-type");
        assert_eq!(mistakes("sel: {eventType: a}\ncondition: []")[0].0, "wrong-type");
        assert_eq!(mistakes("sel: {eventType: a}")[0].1, "`detection` needs `condition`");
    }
}
