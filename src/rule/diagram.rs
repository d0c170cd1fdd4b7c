//! How do rules hang together: which events lead to which correlations, and those to which alerts?
//!
//! What a correlation asks is shown as its document says it, so that no type of correlation needs a
//! picture of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::compile::{self, Inspection};
use super::correlation::Operator;
use super::diagnostic::{Diagnostic, Findings};
use super::document::Content;
use super::index::needed_types;
use super::sources::Sources;
use super::yaml::{Kind, Node};
use super::{Body, Rule, RuleSet};
use crate::config::Duration;
use crate::model::{FieldTable, Mode};

/// Every rule with what it takes.
#[derive(Debug, Default)]
pub struct Diagram {
    /// In the order of their names.
    pub rules: Vec<Drawn>,
}

/// One rule of a diagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// `detection`, or the type of the correlation.
    pub kind: &'static str,
    /// `active`, `shadow` or `off`.
    pub mode: &'static str,
    /// How bad.
    pub level: &'static str,
    /// What its alert is about; `None` if it raises none of its own.
    pub alerts: Option<&'static str>,
    /// The event types that a detection needs; none if any will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// What keeps the matches of a correlation apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// Its window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// What else it asks, as its document says it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<String>,
    /// The rules whose matches it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Taken>,
    /// The file it stands in.
    pub file: String,
}

/// A rule whose matches another takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its name.
    pub rule: String,
    /// As what: `step 1`, `until`, `trigger`; nothing where all are alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role: Vec<String>,
}

/// What a document says of itself that a compiled rule does not.
#[derive(Default)]
struct Said {
    asks: Vec<String>,
    /// A word that names a rule, and as what.
    named: Vec<(String, String)>,
}

/// Draws every rule under the paths.
///
/// # Errors
/// Every mistake of every file, as [`super::load`] tells them.
pub fn diagram(paths: &[PathBuf]) -> Result<Diagram, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let sources = Sources::read(paths, &mut findings);
    let mut said = Vec::new();
    let compiled = compile::inspected(&sources, FieldTable::default(), &mut findings, |inspection| {
        said = all_said(inspection)
    });
    match compiled.set.filter(|_| findings.errors() == 0) {
        Some(set) => Ok(Diagram::new(&set, &said)),
        None => Err(findings.finish(&sources)),
    }
}

impl Diagram {
    fn new(set: &RuleSet, said: &[Said]) -> Self {
        let nothing = Said::default();
        let rules = set.rules.iter().enumerate();
        let rules = rules.map(|(place, rule)| drawn(rule, said.get(place).unwrap_or(&nothing), set));
        Self { rules: rules.collect() }
    }

    /// Only what leads to a rule and from it. `None` if there is no such rule.
    pub fn around(&self, name: &str) -> Option<Self> {
        self.rules.iter().find(|rule| rule.name == name)?;
        let mut kept = BTreeSet::from([name]);
        self.spread(&mut kept, |rule, kept| {
            let named = kept.contains(rule.name.as_str());
            rule.takes.iter().filter(|_| named).map(|taken| taken.rule.as_str()).collect()
        });
        let mut above = BTreeSet::from([name]);
        self.spread(&mut above, |rule, above| {
            let takes = rule.takes.iter().any(|taken| above.contains(taken.rule.as_str()));
            takes.then_some(rule.name.as_str()).into_iter().collect()
        });
        kept.append(&mut above);
        let rules = self.rules.iter().filter(|rule| kept.contains(rule.name.as_str())).cloned();
        let mut around = Self { rules: rules.collect() };
        for rule in &mut around.rules {
            rule.takes.retain(|taken| kept.contains(taken.rule.as_str()));
        }
        Some(around)
    }

    /// Adds to a set of names until nothing is left to add.
    fn spread<'d>(
        &'d self,
        names: &mut BTreeSet<&'d str>,
        more: impl Fn(&'d Drawn, &BTreeSet<&'d str>) -> Vec<&'d str>,
    ) {
        loop {
            let found: Vec<&str> = self.rules.iter().flat_map(|rule| more(rule, names)).collect();
            let before = names.len();
            names.extend(found);
            if names.len() == before {
                return;
            }
        }
    }
}

fn drawn(rule: &Rule, said: &Said, set: &RuleSet) -> Drawn {
    let info = &rule.info;
    let (event_types, group_by, window) = match &rule.body {
        Body::Detection(detection) => (needed_types(detection).unwrap_or_default(), Vec::new(), 0),
        Body::Correlation(correlation) => {
            let groups = correlation.group_by.iter().map(|group| group.name.clone());
            (BTreeSet::new(), groups.collect(), correlation.timespan_ms)
        }
    };
    let takes = match &rule.body {
        Body::Detection(_) => &[],
        Body::Correlation(correlation) => correlation.rules.as_slice(),
    };
    let alerts = info.generates && info.mode != Mode::Off;
    Drawn {
        name: info.name.to_string(),
        title: info.title.clone(),
        kind: info.kind.as_str(),
        mode: info.mode.as_str(),
        level: info.level.as_str(),
        alerts: alerts.then(|| info.entity.as_str()),
        event_types: event_types.into_iter().collect(),
        group_by,
        window: (window > 0).then(|| Duration::millis(window).to_string()),
        asks: said.asks.clone(),
        takes: takes.iter().filter_map(|taken| set.get(*taken)).map(|taken| said.taken(taken)).collect(),
        file: info.source.clone(),
    }
}

fn all_said(inspection: &Inspection<'_, '_>) -> Vec<Said> {
    let said = inspection.documents.iter().map(|document| match (&document.content, &document.node.kind) {
        (Content::Correlation(_), Kind::Map(entries)) => {
            let correlation = entries.iter().find(|entry| entry.key == "correlation");
            correlation.map(|entry| Said::of(&entry.value)).unwrap_or_default()
        }
        _ => Said::default(),
    });
    said.collect()
}

/// Keys whose values name rules.
const NAMING: &[&str] = &["rules", "steps", "until", "trigger", "absent"];

/// Keys that are drawn in a way of their own, or not at all.
const OTHERS: &[&str] = &["type", "group-by", "timespan", "aliases", "generate"];

impl Said {
    fn of(correlation: &Node) -> Self {
        let Kind::Map(entries) = &correlation.kind else { return Self::default() };
        let mut said = Self::default();
        let ordered =
            entries.iter().any(|entry| entry.key == "type" && flat(&entry.value).ends_with("_ordered"));
        for entry in entries {
            let key = entry.key.as_str();
            if NAMING.contains(&key) {
                said.name(key, &entry.value, ordered);
            } else if !OTHERS.contains(&key) {
                let value = flat(&entry.value);
                said.asks.push(if key == "condition" { value } else { format!("{key} {value}") });
            }
        }
        said
    }

    fn name(&mut self, key: &str, node: &Node, ordered: bool) {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        for (number, item) in (1..).zip(items) {
            match &item.kind {
                Kind::Map(entries) => {
                    let rule = entries.iter().find(|entry| entry.key == "rule").map(|entry| &entry.value);
                    let rest = entries.iter().filter(|entry| entry.key != "rule");
                    let rest: Vec<_> =
                        rest.map(|entry| format!("{} {}", entry.key, flat(&entry.value))).collect();
                    let role = format!("step {number} {}", rest.join(", "));
                    let words = rule.map(words).unwrap_or_default();
                    self.named.extend(words.into_iter().map(|word| (word, role.trim().to_owned())));
                }
                _ if key == "rules" && !ordered => {}
                _ => {
                    let role = if key == "rules" { format!("step {number}") } else { key.to_owned() };
                    self.named.extend(words(item).into_iter().map(|word| (word, role.clone())));
                }
            }
        }
    }

    fn taken(&self, rule: &Rule) -> Taken {
        let is_it = |word: &str| *word == *rule.info.name || word.eq_ignore_ascii_case(&rule.info.id);
        let roles = self.named.iter().filter(|(word, _)| is_it(word)).map(|(_, role)| role.clone());
        Taken { rule: rule.info.name.to_string(), role: roles.collect() }
    }
}

fn words(node: &Node) -> Vec<String> {
    match &node.kind {
        Kind::Scalar(scalar) => vec![scalar.text.clone()],
        Kind::List(items) => items.iter().flat_map(words).collect(),
        Kind::Map(_) => Vec::new(),
    }
}

/// A value in one line, thresholds with their signs.
fn flat(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.split_whitespace().collect::<Vec<_>>().join(" "),
        Kind::List(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        Kind::Map(entries) => {
            let sign =
                |key: &str| Operator::ALL.iter().find(|(_, word, _)| *word == key).map(|(.., sign)| *sign);
            let each = entries
                .iter()
                .map(|entry| format!("{} {}", sign(&entry.key).unwrap_or(&entry.key), flat(&entry.value)));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{correlation, document};
    use super::*;

    fn draw(documents: &[String]) -> Diagram {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.yml");
        std::fs::write(&file, documents.join("---\n")).unwrap();
        diagram(&[file]).unwrap()
    }

    fn rules() -> Vec<String> {
        let many = "type: value_count\nrules: deny\ngroup-by: [actor.id]\ntimespan: 10m\n\
                    condition: {field: client.ipAddress, gte: 5}";
        vec![
            document("deny", "sel: {eventType: [b, a]}\ncondition: sel", "level: low"),
            document("allow", "sel: {severity: INFO}\ncondition: sel", "oktawatch: {mode: off}"),
            document("alone", "sel: {eventType: c}\ncondition: sel", "oktawatch: {entity: ip}"),
            correlation("many", many),
            correlation(
                "then",
                "type: temporal_ordered\nrules: [many, allow]\ngroup-by: actor.id\ntimespan: 1h",
            ),
        ]
    }

    fn find<'d>(diagram: &'d Diagram, name: &str) -> &'d Drawn {
        diagram.rules.iter().find(|rule| rule.name == name).unwrap()
    }

    #[test]
    fn a_rule_is_drawn_with_what_it_takes_and_asks() {
        let diagram = draw(&rules());
        let many = find(&diagram, "many");
        assert_eq!((many.kind, many.window.as_deref()), ("value_count", Some("10m")));
        assert_eq!(many.asks, ["field client.ipAddress, >= 5"]);
        assert_eq!((many.group_by.as_slice(), many.alerts), (&["actor.id".to_owned()][..], None));
        assert_eq!(many.takes, [Taken { rule: "deny".to_owned(), role: Vec::new() }]);
        let then = find(&diagram, "then");
        assert_eq!(then.takes[1], Taken { rule: "allow".to_owned(), role: vec!["step 2".to_owned()] });
        assert_eq!(then.alerts, Some("actor"));
        assert_eq!(find(&diagram, "deny").event_types, ["a", "b"]);
        assert_eq!((find(&diagram, "allow").mode, find(&diagram, "alone").alerts), ("off", Some("ip")));
    }

    #[test]
    fn around_a_rule_stands_what_leads_to_it_and_from_it() {
        let diagram = draw(&rules());
        let names = |name: &str| {
            let around = diagram.around(name).unwrap();
            around.rules.into_iter().map(|rule| rule.name).collect::<Vec<_>>()
        };
        assert_eq!(names("many"), ["deny", "many", "then"]);
        assert_eq!(names("then"), ["allow", "deny", "many", "then"]);
        assert_eq!(names("alone"), ["alone"]);
        assert!(diagram.around("nobody").is_none());
        assert_eq!(diagram.around("many").unwrap().rules[2].takes.len(), 1);
    }

    #[test]
    fn mistakes_are_told_and_not_drawn() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yml"), "title: [").unwrap();
        assert_eq!(diagram(&[folder.path().to_owned()]).unwrap_err()[0].code, "yaml");
    }
}
