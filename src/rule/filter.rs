//! Which rules does a Sigma filter go on, and what does it add to them?
//!
//! A document with a top-level `filter` holds no rule: its condition, over selections of its own, must
//! hold besides the condition of each detection it goes on. What Sigma leaves open is decided so: names
//! and ids must be those of rules that are there; an empty list of rules, which other tools take for
//! `any`, is a mistake; `any` means every detection whose log source fits; fields that only a filter
//! reads are not shown as evidence.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::assemble;
use super::detection::Detection;
use super::diagnostic::Findings;
use super::digest;
use super::document::{self, Content, Document, LogSource};
use super::graph::Directory;
use super::reader::{self, Map, Spanned};
use super::selection::Reading;
use super::sources::Span;
use super::yaml::{Kind, Node};

/// A filter as it was read.
#[derive(Debug)]
pub(super) struct FilterDocument<'n> {
    pub id: Option<Spanned>,
    pub name: Option<Spanned>,
    pub title: Spanned,
    source: LogSource,
    /// `None`: any.
    rules: Option<Vec<Spanned>>,
    /// The map under `filter`.
    pub map: Map<'n>,
}

/// A compiled filter, shared by the rules it goes on.
#[derive(Debug)]
pub(super) struct Filter {
    /// What it lets through.
    pub detection: Detection,
    /// The digest of that.
    pub meaning: String,
}

/// The filters of all rules.
#[derive(Debug, Default)]
pub(super) struct Filters {
    /// For each rule, by place, those that go on it.
    pub of_rule: Vec<Vec<Arc<Filter>>>,
    /// For each filter, the rules it goes on, by place.
    pub rules: Vec<Vec<usize>>,
    /// For each filter, the event types it names.
    pub event_types: Vec<Vec<Spanned>>,
}

/// Reads a document that has the key `filter`.
pub(super) fn read<'n>(map: &Map<'n>, findings: &mut Findings) -> Option<FilterDocument<'n>> {
    let title = document::title(map, findings);
    let id = map.get("id").and_then(|_| document::id(map, findings));
    let name = map.get("name").and_then(|_| document::name(map, findings));
    document::words(map, findings);
    let before = findings.errors();
    let source = document::logsource(map, findings);
    if let Some(span) = map.key_span("logsource").filter(|_| source == Some(LogSource::default())) {
        findings.error(span, "missing-key", "`logsource` needs `product` or `service`");
    }
    let source = source.filter(|_| findings.errors() == before);
    let body = map.get("filter").and_then(|node| Map::of(node, "`filter`", findings))?;
    let rules = body.require("rules", findings).and_then(|node| rules(node, findings));
    if let Some(node) = body.get("condition").filter(|node| node.scalar().is_none()) {
        findings.error(node.span, "wrong-type", "the condition of a filter is text");
        return None;
    }
    Some(FilterDocument { id, name, title: title?, source: source?, rules: rules?, map: body })
}

/// `Some(None)`: any.
fn rules(node: &Node, findings: &mut Findings) -> Option<Option<Vec<Spanned>>> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.text.eq_ignore_ascii_case("any") => Some(None),
        Kind::List(items) if items.is_empty() => {
            let finding = findings.error(node.span, "empty", "a filter goes on a rule");
            finding.help("Name rules, or write `rules: any`.");
            None
        }
        _ => {
            let before = findings.errors();
            let names = reader::texts(node, "rules", findings);
            (findings.errors() == before).then_some(Some(names))
        }
    }
}

/// The rules that each filter goes on; mistakes in their names are in `findings`.
pub(super) fn targets(
    filters: &[FilterDocument<'_>],
    documents: &[Document<'_>],
    directory: &Directory<'_>,
    findings: &mut Findings,
) -> Vec<Vec<usize>> {
    filters.iter().map(|filter| filter.targets(documents, directory, findings)).collect()
}

impl FilterDocument<'_> {
    fn targets(
        &self,
        documents: &[Document<'_>],
        directory: &Directory<'_>,
        findings: &mut Findings,
    ) -> Vec<usize> {
        let Some(names) = &self.rules else { return self.any(documents, findings) };
        let mut seen = BTreeSet::new();
        let mut targets = Vec::new();
        for name in names {
            let Some(place) = directory.find(name, findings) else { continue };
            let Some(document) = documents.get(place) else { continue };
            if !seen.insert(place) {
                let message = format!("the rule `{}` is named twice", name.text);
                findings.error(name.span, "duplicate-rule", message);
            } else if self.fits(document, name.span, findings) {
                targets.push(place);
            }
        }
        targets
    }

    fn any(&self, documents: &[Document<'_>], findings: &mut Findings) -> Vec<usize> {
        let fits = |document: &Document<'_>| {
            matches!(document.content, Content::Detection(_)) && self.source.holds(&document.source)
        };
        let targets: Vec<usize> = documents
            .iter()
            .enumerate()
            .filter(|(_, document)| fits(document))
            .map(|(place, _)| place)
            .collect();
        if targets.is_empty() {
            let message = format!("the filter “{}” goes on no rule", self.title.text);
            findings.warning(self.title.span, "unused-filter", message);
        }
        targets
    }

    fn fits(&self, document: &Document<'_>, span: Span, findings: &mut Findings) -> bool {
        let name = &document.name.text;
        if let Content::Correlation(correlation) = &document.content {
            let taken: Vec<&str> = correlation.rules.iter().map(|rule| rule.text.as_str()).collect();
            let message = format!("`{name}` is a correlation, and a filter goes on detections");
            let finding = findings.error(span, "filter-correlation", message);
            finding
                .help(format!("Name the detections whose matches it takes; it takes {}.", taken.join(", ")));
            return false;
        }
        if !self.source.holds(&document.source) {
            let message = format!("the log source of the filter is not that of the rule `{name}`");
            let finding = findings.error(span, "logsource", message);
            finding.help("The filter may name less than the rule, but nothing that the rule does not name.");
            return false;
        }
        true
    }

    /// `None`, and an error, if its selections or its condition are wrong.
    pub(super) fn compile(&self, reading: &mut Reading<'_>) -> Option<Filter> {
        let search = reading.search(&self.map, &["rules"])?;
        let detection =
            Detection { selections: search.selections, condition: search.condition, ..Detection::default() };
        let meaning = digest::meaning_of(&detection, reading.table);
        let detection = assemble::finish(detection, self.title.span, reading.findings);
        Some(Filter { detection, meaning })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, correlation, document, event, told};
    use super::super::{Body, RuleSet};
    use crate::model::Value::{self, Text};

    const DETECTION: &str =
        "selection: {eventType: a}\nselection_x: {severity: x}\ncondition: 1 of selection*";

    fn filter(head: &str, lines: &str) -> String {
        let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
        format!("title: F\nlogsource: {{product: okta, service: okta}}\n{head}\nfilter:\n{lines}")
    }

    fn not_ana(rules: &str) -> String {
        filter(
            "",
            &format!("rules: {rules}\nselection: {{actor.alternateId: ana}}\ncondition: not selection"),
        )
    }

    fn holds(set: &RuleSet, name: &str, values: &[(&str, Value<'_>)]) -> bool {
        let rule = set.rules.iter().find(|rule| &*rule.info.name == name).unwrap();
        let Body::Detection(detection) = &rule.body else { panic!("not a detection") };
        detection.matches(&event(set, values))
    }

    fn set(documents: &[String]) -> RuleSet {
        compile(documents).unwrap_or_else(|found| panic!("{found:#?}"))
    }

    fn two(more: &[String]) -> Vec<String> {
        [&[document("one", DETECTION, ""), document("two", DETECTION, "")], more].concat()
    }

    #[test]
    fn a_filter_holds_besides_the_condition_of_each_rule_it_names() {
        let set = set(&two(&[not_ana("[one]")]));
        let (ana, ben) = (("actor.alternateId", Text("ana")), ("actor.alternateId", Text("ben")));
        let a = ("eventType", Text("a"));
        assert!(!holds(&set, "one", &[a, ana]) && holds(&set, "one", &[a, ben]) && holds(&set, "one", &[a]));
        assert!(holds(&set, "two", &[a, ana]), "it is not named");
        assert!(!holds(&set, "one", &[ben]), "a filter alone matches nothing");
        assert!(set.warnings.is_empty(), "{:?}", set.warnings);
    }

    #[test]
    fn any_and_ids_name_rules_too() {
        let id = set(&two(&[])).rules[0].info.id.to_uppercase();
        for rules in ["any", "Any", "[one, two]", &format!("['{id}', two]")] {
            let set = set(&two(&[not_ana(rules)]));
            for name in ["one", "two"] {
                assert!(!holds(&set, name, &[("eventType", Text("a")), ("actor.alternateId", Text("ana"))]));
            }
        }
        let one = set(&two(&[not_ana("one")]));
        assert!(holds(&one, "two", &[("eventType", Text("a")), ("actor.alternateId", Text("ana"))]));
    }

    #[test]
    fn the_selections_of_a_filter_and_of_a_rule_do_not_meet() {
        let lines = "rules: any\nselection_y: {outcome.result: b}\nselection: {severity: x}\n\
                     condition: not all of selection*";
        let set = set(&two(&[filter("", lines)]));
        let (x, b) = (("severity", Text("x")), ("outcome.result", Text("b")));
        assert!(!holds(&set, "one", &[b]), "the rule's `1 of selection*` is over its own");
        assert!(holds(&set, "one", &[x]), "the filter's `all of selection*` is over its own");
        assert!(!holds(&set, "one", &[x, b]));
    }

    #[test]
    fn filters_add_up() {
        let not_ben = not_ana("any").replace("ana", "ben");
        let set = set(&two(&[not_ana("any"), not_ben]));
        let by = |who| holds(&set, "one", &[("eventType", Text("a")), ("actor.alternateId", Text(who))]);
        assert!(!by("ana") && !by("ben") && by("eve"));
        assert_eq!(set.candidates("a").len(), 2);
    }

    fn digests(set: &RuleSet) -> Vec<&str> {
        set.rules.iter().map(|rule| rule.info.digest.as_str()).collect()
    }

    #[test]
    fn a_filter_changes_the_digest_of_the_rules_it_goes_on_alone() {
        let (plain, filtered) = (set(&two(&[])), set(&two(&[not_ana("one")])));
        assert_ne!(digests(&plain)[0], digests(&filtered)[0]);
        assert_eq!(digests(&plain)[1], digests(&filtered)[1]);
        assert_ne!(plain.digest, filtered.digest);
        let told = not_ana("[one]").replace("title: F", "title: Other\nname: f\nlevel: high");
        let told = told.replace("selection", "somebody");
        assert_eq!(digests(&set(&two(&[told])))[0], digests(&filtered)[0], "only what it matches counts");
        let other = not_ana("one").replace("ana", "ben");
        assert_ne!(digests(&set(&two(std::slice::from_ref(&other))))[0], digests(&filtered)[0]);
        let both = [not_ana("one"), other.clone()];
        let turned = [other, not_ana("one")];
        assert_eq!(digests(&set(&two(&both))), digests(&set(&two(&turned))), "their order means nothing");
    }

    #[test]
    fn a_filter_says_the_same_as_the_rule_s_own_condition() {
        let lines =
            "selection: {eventType: a}\nana: {actor.alternateId: ana}\ncondition: selection and not ana";
        let short = "selection: {eventType: a}\ncondition: selection";
        let own = set(&[document("one", lines, "")]);
        let filtered = set(&[document("one", short, ""), not_ana("one")]);
        assert_eq!(digests(&own), digests(&filtered));
    }

    fn mistake(filter: String) -> (&'static str, String) {
        let counted =
            correlation("counted", "type: event_count\nrules: [one]\ntimespan: 1m\ncondition: {gte: 2}");
        told(compile(&two(&[counted, filter]))).remove(0)
    }

    #[test]
    fn names_and_ids_must_be_those_of_detections() {
        assert_eq!(mistake(not_ana("[oen]")), ("unknown-rule", "no rule `oen`".to_owned()));
        assert_eq!(mistake(not_ana("[one, one]")).0, "duplicate-rule");
        let found = mistake(not_ana("[counted]"));
        assert_eq!(
            found,
            ("filter-correlation", "`counted` is a correlation, and a filter goes on detections".to_owned())
        );
        assert_eq!(mistake(not_ana("[]")), ("empty", "a filter goes on a rule".to_owned()));
        assert_eq!(mistake(not_ana("{a: b}")).0, "wrong-type");
    }

    #[test]
    fn the_log_source_must_fit() {
        let narrow = document("one", DETECTION, "").replace(", service: okta", "");
        let found = told(compile(&[narrow.clone(), not_ana("one")]));
        assert_eq!(
            found[0],
            ("logsource", "the log source of the filter is not that of the rule `one`".to_owned())
        );
        let found = told(compile(&[narrow.clone(), not_ana("any")]));
        assert_eq!(found[0], ("unused-filter", "the filter “F” goes on no rule".to_owned()));
        let wide = not_ana("any").replace("product: okta, ", "");
        assert!(told(compile(&[document("one", DETECTION, ""), wide.clone()])).is_empty());
        assert_eq!(told(compile(&[narrow, wide]))[0].0, "unused-filter");
        assert_eq!(mistake(not_ana("any").replace("product: okta", "product: aws")).0, "logsource");
        assert_eq!(
            mistake(not_ana("any").replace("product: okta, service: okta", "definition: x")).0,
            "missing-key"
        );
        assert_eq!(
            mistake(not_ana("any").replace("logsource", "# logsource")).1,
            "a filter needs `logsource`"
        );
    }

    #[test]
    fn a_filter_is_checked_like_a_rule() {
        assert_eq!(mistake(not_ana("any").replace("title: F", "status: test")).1, "a filter needs `title`");
        assert_eq!(
            mistake(not_ana("any").replace("condition: not selection", "")).1,
            "`filter` needs `condition`"
        );
        assert_eq!(mistake(not_ana("any").replace("rules: any", "")).1, "`filter` needs `rules`");
        assert_eq!(mistake(not_ana("any").replace("not selection", "[not selection]")).0, "wrong-type");
        assert_eq!(mistake(not_ana("any").replace("not selection", "not selectoin")).0, "condition");
        assert_eq!(mistake(not_ana("any").replace("alternateId", "alternateID")).0, "unknown-field");
        assert_eq!(mistake(filter("id: x", "rules: any\nsel: {severity: x}\ncondition: sel")).0, "id");
        assert_eq!(
            mistake(filter("name: one", "rules: any\nsel: {severity: x}\ncondition: sel")).0,
            "duplicate-name"
        );
        let options = filter("oktawatch: {mode: off}", "rules: any\nsel: {severity: x}\ncondition: sel");
        assert_eq!(mistake(options).1, "a filter has no key `oktawatch`");
        assert_eq!(mistake(not_ana("any").replace("\nfilter:", "\ndetection: {}\nfilter:")).0, "unknown-key");
    }

    #[test]
    fn the_tests_of_a_filter_s_file_are_about_the_rules_it_changes() {
        let counted = |name: &str, rules: &str| {
            correlation(
                name,
                &format!("type: event_count\nrules: [{rules}]\ntimespan: 1m\ncondition: {{gte: 2}}"),
            )
        };
        let rules = [
            two(&[counted("counted", "one"), counted("chained", "counted")]),
            vec![document("three", DETECTION, "")],
        ]
        .concat()
        .join("---\n");
        let filter = not_ana("[one]") + "tests: [{name: quiet, events: [{at: 0s}], expect: []}]\n";
        let sources =
            super::super::Sources::of([("filter.yml", filter.as_str()), ("rules.yml", rules.as_str())]);
        let set = super::super::compile(&sources).unwrap();
        assert_eq!(set.tests.len(), 1);
        assert_eq!(*set.tests[0].rules, ["chained", "counted", "one"]);
    }

    #[test]
    fn a_long_list_is_held_once_for_all_rules() {
        let names: Vec<String> = (0..20_000).map(|n| format!("user{n}")).collect();
        let rules: Vec<String> = (0..50).map(|n| document(&format!("r{n}"), DETECTION, "")).collect();
        let long = not_ana("any").replace("ana", &format!("[{}]", names.join(",")));
        let set = set(&[rules, vec![long]].concat());
        assert!(!holds(&set, "r7", &[("eventType", Text("a")), ("actor.alternateId", Text("USER19999"))]));
        assert!(holds(&set, "r7", &[("eventType", Text("a")), ("actor.alternateId", Text("user20000"))]));
    }
}
