//! Does every selection of a detection have a part in what it matches?

use super::super::diagnostic::Findings;
use super::super::reader::{Map, Spanned};
use super::super::sources::Span;
use super::super::yaml::Node;
use super::logic::Logic;

/// Tells of a condition that never or always holds, and of selections that change nothing.
pub(super) fn look(node: &Node, logic: Logic<'_>, findings: &mut Findings) {
    let Some(map) = Map::of(node, "`detection`", &mut Findings::default()) else { return };
    let Some(condition) = map.get("condition").map(|node| node.span) else { return };
    let entries = map.entries.iter().filter(|entry| entry.key != "condition");
    let names: Vec<Spanned> =
        entries.map(|entry| Spanned { text: entry.key.clone(), span: entry.key_span }).collect();
    let look = Selections { logic, names };
    if look.whole(condition, findings).is_some() {
        look.parts(findings);
    }
}

struct Selections<'l> {
    logic: Logic<'l>,
    /// In the order of their places.
    names: Vec<Spanned>,
}

impl Selections<'_> {
    /// `None`: what can be said of the selections was said of the condition.
    fn whole(&self, condition: Span, findings: &mut Findings) -> Option<()> {
        if self.logic.cases(true).is_some_and(|cases| cases.is_empty()) {
            let finding = findings.error(condition, "never-true", "no event can satisfy this condition");
            for place in self.logic.asked().0 {
                if let Some(name) = self.names.get(place).filter(|_| self.is_impossible(place)) {
                    finding.related(name.span, "no event is in this selection");
                }
            }
            finding.help(
                "Two tests of one field contradict each other, or a selection is asked for and excluded.",
            );
            return None;
        }
        if self.logic.cases(false).is_some_and(|cases| cases.is_empty()) {
            let message = "every event satisfies this condition";
            let finding = findings.warning(condition, "always-true", message);
            finding.help("Join the selections with `and` where both are meant.");
            return None;
        }
        Some(())
    }

    fn parts(&self, findings: &mut Findings) {
        let (positive, negative) = self.logic.asked();
        let helping = self.logic.cases(true);
        for place in positive.union(&negative).copied() {
            let Some(name) = self.names.get(place) else { continue };
            let helps = |cases: &Vec<super::logic::Case<'_>>| {
                cases.iter().any(|case| case.selections.contains(&place))
            };
            let (message, help) = if self.is_impossible(place) {
                ("no event is in the selection", "Two of its tests of one field contradict each other.")
            } else if positive.contains(&place) {
                if helping.as_ref().is_none_or(helps) {
                    continue;
                }
                ("the condition never holds by the selection", "What must hold beside it contradicts it.")
            } else {
                if self.logic.excluded_by(place).is_none_or(|cases| !cases.is_empty()) {
                    continue;
                }
                (
                    "the condition excludes nothing by the selection",
                    "What must hold beside it contradicts it.",
                )
            };
            let message = format!("{message} `{}`", name.text);
            findings.warning(name.span, "idle-selection", message).help(help);
        }
    }

    fn is_impossible(&self, place: usize) -> bool {
        self.logic.of_selection(place).is_some_and(|cases| cases.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::lint;

    fn told(lines: &str) -> Vec<(&'static str, String)> {
        lint(lines).into_iter().map(|found| (found.code, found.message)).collect()
    }

    #[test]
    fn a_condition_that_cannot_hold_is_an_error_with_its_place() {
        let found =
            lint("a: {eventType: x, outcome.result: DENY}\nb: {eventType: y}\ncondition: a and b").remove(0);
        assert_eq!((found.code, found.at.line, found.at.column), ("never-true", 9, 14));
        let inner = lint("a: {outcome.result: DENY, outcome.result|startswith: A}\ncondition: a").remove(0);
        assert_eq!((inner.code, inner.related[0].at.line), ("never-true", 7));
        assert_eq!(told("a: {eventType: x}\ncondition: a and not a")[0].0, "never-true");
        assert_eq!(told("a: {eventType: x}\ncondition: a or not a")[0].0, "always-true");
    }

    #[test]
    fn a_selection_that_changes_nothing_is_told() {
        let sel = "sel: {eventType: x}\n";
        let one = |more: &str| told(&format!("{sel}{more}")).remove(0).1;
        assert_eq!(
            one("other: {eventType: y}\ncondition: sel and (other or sel)"),
            "the condition never holds by the selection `other`"
        );
        assert_eq!(
            one("filter: {eventType: y}\ncondition: sel and not filter"),
            "the condition excludes nothing by the selection `filter`"
        );
        assert_eq!(
            one("never: {severity: INFO, severity|startswith: W}\ncondition: sel or never"),
            "no event is in the selection `never`"
        );
    }

    #[test]
    fn what_has_a_part_is_left_alone() {
        for lines in [
            "sel: {eventType: x}\nfilter: {outcome.result: DENY}\ncondition: sel and not filter",
            "a: {eventType: x}\nb: {eventType: y}\ncondition: a or b",
            "a: {eventType: x}\nb: {eventType: y}\nf: {eventType: y, severity: INFO}\ncondition: (a or b) and not f",
            "a: {eventType: [x, y]}\nb: {eventType: y}\ncondition: a and not 1 of b*",
            "a: {eventType: x}\nf1: {severity: INFO}\nf2: {actor.id: null}\ncondition: a and not 1 of f*",
        ] {
            assert_eq!(told(lines), [], "{lines}");
        }
    }
}
