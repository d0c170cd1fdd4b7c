//! Which rules does a correlation take, and do their chains end?

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::Findings;
use super::document::{Content, Document};
use super::reader::Spanned;
use super::risk;
use super::roles::Roles;
use crate::limits;
use crate::model::RuleKind;
use crate::text::nearest;

/// Finds rules by name or by id.
pub(super) struct Directory<'d> {
    by_word: BTreeMap<&'d str, usize>,
}

impl<'d> Directory<'d> {
    pub(super) fn new(documents: &'d [Document<'_>]) -> Self {
        let mut by_word = BTreeMap::new();
        for (place, document) in documents.iter().enumerate() {
            by_word.entry(document.name.text.as_str()).or_insert(place);
            by_word.entry(document.id.text.as_str()).or_insert(place);
        }
        Self { by_word }
    }

    /// The rule of a name or an id; an error if there is none.
    pub(super) fn find(&self, word: &Spanned, findings: &mut Findings) -> Option<usize> {
        let found = self.get(&word.text);
        if found.is_none() {
            let names = self.by_word.keys().copied();
            let near = findings.guess(|| nearest(&word.text, names));
            findings
                .error(word.span, "unknown-rule", format!("no rule `{}`", word.text))
                .suggest(near, || {
                    "Name a rule by its `name` or its `id`; it may stand in another file.".to_owned()
                });
        }
        found
    }

    pub(super) fn get(&self, word: &str) -> Option<usize> {
        let lower = || self.by_word.get(word.to_lowercase().as_str());
        self.by_word.get(word).or_else(lower).copied()
    }
}

/// The correlations of a rule set with the rules each takes, by place.
pub(super) struct Graph {
    /// For each rule: the rules it takes; empty for a detection.
    pub children: Vec<Vec<usize>>,
    /// Every rule, each after those it takes.
    pub order: Vec<usize>,
}

impl Graph {
    /// `None`, and an error for each mistake, if a name is unknown or a chain does not end.
    pub(super) fn new(
        documents: &[Document<'_>],
        directory: &Directory<'_>,
        roles: &Roles,
        findings: &mut Findings,
    ) -> Option<Self> {
        let before = findings.errors();
        let mut children: Vec<Vec<usize>> =
            documents.iter().map(|document| take(document, documents, directory, findings)).collect();
        risk::take_any(documents, roles, &mut children, findings);
        let mut graph = Self { children, order: Vec::new() };
        let mut walk = Walk { depth: vec![None; documents.len()], trail: Vec::new(), too_long: false };
        for place in 0..documents.len() {
            graph.visit(place, &mut walk, documents, findings);
        }
        (findings.errors() == before).then_some(graph)
    }

    /// How many correlations stand above one another from here down. The trail is never longer
    /// than the bound, so neither is the recursion.
    fn visit(
        &mut self,
        place: usize,
        walk: &mut Walk,
        documents: &[Document<'_>],
        findings: &mut Findings,
    ) -> usize {
        if let Some(depth) = walk.depth.get(place).copied().flatten() {
            return depth;
        }
        if let Some(start) = walk.trail.iter().position(|on_trail| *on_trail == place) {
            walk.fail(documents, start, Some(place), findings);
            return 0;
        }
        if walk.trail.len() > limits::RULE_CHAIN {
            walk.fail(documents, 0, None, findings);
            return 0;
        }
        walk.trail.push(place);
        let children = self.children.get(place).cloned().unwrap_or_default();
        let below = children.iter().map(|child| self.visit(*child, walk, documents, findings)).max();
        walk.trail.pop();
        let depth = below.map_or(0, |below| below + 1);
        if depth > limits::RULE_CHAIN {
            walk.fail(documents, 0, Some(place), findings);
        }
        if let Some(known) = walk.depth.get_mut(place) {
            *known = Some(depth);
        }
        self.order.push(place);
        depth
    }
}

struct Walk {
    depth: Vec<Option<usize>>,
    trail: Vec<usize>,
    /// A chain that is too long has been told of.
    too_long: bool,
}

impl Walk {
    /// Names the rules of a cycle, or of a chain that is too long, once.
    fn fail(
        &mut self,
        documents: &[Document<'_>],
        start: usize,
        end: Option<usize>,
        findings: &mut Findings,
    ) {
        let places: Vec<usize> = self.trail.iter().skip(start).copied().chain(end).collect();
        let name = |place: &usize| documents.get(*place).map(|document| document.name.text.as_str());
        let chain: Vec<&str> = places.iter().filter_map(name).collect();
        let Some(first) = places.first().and_then(|place| documents.get(*place)) else { return };
        let cycle = places.len() > 1 && places.first() == places.last();
        if !cycle && std::mem::replace(&mut self.too_long, true) {
            return;
        }
        let (code, message) = if cycle {
            ("cycle", format!("a correlation takes its own matches: {}", chain.join(" → ")))
        } else {
            (
                "too-deep",
                format!("more than {} correlations in a chain: {}", limits::RULE_CHAIN, chain.join(" → ")),
            )
        };
        findings.error(first.name.span, code, message);
    }
}

fn take(
    document: &Document<'_>,
    documents: &[Document<'_>],
    directory: &Directory<'_>,
    findings: &mut Findings,
) -> Vec<usize> {
    let Content::Correlation(correlation) = &document.content else { return Vec::new() };
    let is_risk = correlation.kind == RuleKind::RiskScore;
    let mut seen = BTreeSet::new();
    let mut children = Vec::new();
    for word in &correlation.rules {
        let Some(child) = directory.find(word, findings) else { continue };
        if !seen.insert(child) {
            let message = format!("the rule `{}` is named twice", word.text);
            findings.error(word.span, "duplicate-rule", message);
            continue;
        }
        match documents.get(child) {
            Some(rule) if is_risk && !risk::counts(document, rule) => {
                risk::warn_of_shadow(word, rule, findings);
            }
            _ => children.push(child),
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, correlation, document, told};

    fn temporal(name: &str, rules: &str) -> String {
        correlation(name, &format!("type: temporal\nrules: [{rules}]\ntimespan: 1m"))
    }

    fn detection() -> String {
        document("base", "sel: {eventType: a}\ncondition: sel", "")
    }

    #[test]
    fn an_unknown_rule_is_an_error_with_a_guess() {
        let found = compile(&[detection(), temporal("c", "bsae")]).unwrap_err();
        assert_eq!(found[0].message, "no rule `bsae`");
        assert_eq!(found[0].help.as_deref(), Some("did you mean `base`?"));
        assert_eq!(told(compile(&[detection(), temporal("c", "base, base")]))[0].0, "duplicate-rule");
    }

    #[test]
    fn a_cycle_is_printed() {
        let found = told(compile(&[temporal("c", "d"), temporal("d", "e"), temporal("e", "c")]));
        assert_eq!(found, [("cycle", "a correlation takes its own matches: c → d → e → c".to_owned())]);
        assert_eq!(told(compile(&[temporal("c", "c")]))[0].1, "a correlation takes its own matches: c → c");
    }

    fn chain(length: usize, name: impl Fn(usize) -> String) -> Vec<String> {
        let rule = |at: usize| temporal(&name(at), &if at == 0 { "base".to_owned() } else { name(at - 1) });
        (0..length).map(rule).chain([detection()]).collect()
    }

    #[test]
    fn a_chain_has_an_end_whichever_end_is_met_first() {
        let upward = |at: usize| format!("c{at:04}");
        let downward = |at: usize| format!("c{:04}", 1000 - at);
        for length in [9, 500] {
            for documents in [chain(length, upward), chain(length, downward)] {
                let found = told(compile(&documents));
                assert_eq!(found.len(), 1, "{found:?}");
                assert!(found[0].1.starts_with("more than 8 correlations in a chain: "), "{}", found[0].1);
            }
        }
        assert!(compile(&chain(8, upward)).is_ok() && compile(&chain(8, downward)).is_ok());
    }
}
