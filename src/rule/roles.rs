//! Which rules raise alerts, and which only feed correlations?

use super::document::{Content, Document};
use super::graph::{Directory, Graph};
use crate::model::{Mode, RuleIndex, RuleKind};

/// Which rules only feed correlations.
pub(super) struct Roles {
    /// For each rule: `None` if no correlation takes it, else whether one says `generate: true`.
    taken: Vec<Option<bool>>,
}

impl Roles {
    pub(super) fn new(documents: &[Document<'_>], directory: &Directory<'_>) -> Self {
        let mut taken = vec![None; documents.len()];
        for document in documents {
            let Content::Correlation(correlation) = &document.content else { continue };
            // Adding up what rules found does not take their alerts' place.
            if correlation.kind == RuleKind::RiskScore && !correlation.generate {
                continue;
            }
            let children = correlation.rules.iter().filter_map(|rule| directory.get(&rule.text));
            for child in children {
                if let Some(taken) = taken.get_mut(child) {
                    *taken = Some(taken.unwrap_or_default() || correlation.generate);
                }
            }
        }
        Self { taken }
    }

    /// A rule that a correlation takes, other than for its risk, raises no alerts of its own, unless one of them says
    /// `generate: true`.
    pub(super) fn generates(&self, place: usize) -> bool {
        self.taken.get(place).copied().flatten().unwrap_or(true)
    }

    /// Which rules are worth evaluating: those that alert, and those whose matches lead to one that
    /// does. A rule that is off leads nowhere.
    pub(super) fn active(&self, documents: &[Document<'_>], graph: &Graph) -> Vec<bool> {
        let mut wanted = vec![false; documents.len()];
        for place in graph.order.iter().rev().copied() {
            let is_on = documents.get(place).is_some_and(|document| document.options.mode != Mode::Off);
            let needed = self.generates(place) || wanted.get(place).copied().unwrap_or_default();
            let active = is_on && needed;
            if let Some(wanted) = wanted.get_mut(place) {
                *wanted = active;
            }
            for child in graph.children.get(place).into_iter().flatten().filter(|_| active) {
                if let Some(wanted) = wanted.get_mut(*child) {
                    *wanted = true;
                }
            }
        }
        wanted
    }
}

/// For each rule, the active correlations that take its matches.
pub(super) fn feeds(graph: &Graph, active: &[bool]) -> Vec<Vec<RuleIndex>> {
    let mut feeds = vec![Vec::new(); graph.children.len()];
    for ((place, children), active) in (0..).zip(&graph.children).zip(active) {
        for child in children.iter().filter(|_| *active) {
            if let Some(feeds) = feeds.get_mut(*child) {
                feeds.push(RuleIndex(place));
            }
        }
    }
    feeds
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, correlation, document};

    #[test]
    fn a_rule_that_a_correlation_takes_alerts_only_if_asked() {
        let sel = "sel: {eventType: a}\ncondition: sel";
        let lines = |rules: &str, generate: &str| {
            format!("type: temporal\nrules: [{rules}]\ntimespan: 1m\ngenerate: {generate}")
        };
        let set = compile(&[
            document("alone", sel, ""),
            document("fed", sel, ""),
            document("shown", sel, ""),
            correlation("quiet", &lines("fed, shown", "false")),
            correlation("loud", &lines("shown", "true")),
        ])
        .unwrap();
        let generates: Vec<_> =
            set.rules.iter().map(|rule| (&*rule.info.name, rule.info.generates)).collect();
        let expected = [("alone", true), ("fed", false), ("loud", true), ("quiet", true), ("shown", true)];
        assert_eq!(generates, expected);
        let feeds: Vec<usize> = set.rules.iter().map(|rule| rule.feeds.len()).collect();
        assert_eq!(feeds, [0, 1, 0, 0, 2]);
    }

    #[test]
    fn taking_a_rule_that_is_off_is_a_warning() {
        let set = compile(&[
            document("dark", "sel: {eventType: a}\ncondition: sel", "oktawatch: {mode: off}"),
            correlation("c", "type: temporal\nrules: dark\ntimespan: 1m"),
        ])
        .unwrap();
        assert_eq!(set.warnings[0].code, "rule-off");
        assert!(set.candidates("a").len() == 0);
    }
}
