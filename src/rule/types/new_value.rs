//! `new_value`: a value of which fields must be new to whom?

use super::super::correlation::{GroupBy, GroupSource, Test};
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{self, Map, Spanned};
use super::super::selection::Reading;
use super::{Content, TestDocument};
use crate::limits;
use crate::model::FieldTable;

/// Its keys.
pub(super) const KEYS: &[&str] = &["rules", "field", "learning", "forget", "scope"];

const DAY_MS: i64 = 24 * 3_600_000;
const LEARNING_MS: i64 = 14 * DAY_MS;
const FORGET_MS: i64 = 60 * DAY_MS;
const SCOPES: &[(&str, Scope)] = &[("entity", Scope::Entity), ("org", Scope::Org)];

/// A value that was not seen before.
#[derive(Clone, Debug)]
pub struct NewValueTest {
    /// Of these fields; of several, their combination.
    pub fields: Vec<GroupBy>,
    /// So long after the first event nothing is new yet, ms.
    pub learning_ms: i64,
    /// A value that was not seen for longer is new again, ms.
    pub forget_ms: i64,
    /// Who remembers together.
    pub scope: Scope,
}

/// Who remembers together which values were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every key of the group-by has a memory of its own.
    #[default]
    Entity,
    /// All keys of a tenant share one.
    Org,
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct NewValueDocument {
    pub fields: Vec<Spanned>,
    learning_ms: i64,
    forget_ms: i64,
    scope: Scope,
}

pub(super) fn read(map: &Map<'_>, findings: &mut Findings) -> Option<Content> {
    let rules = super::rules(map, findings);
    let fields = fields(map, findings);
    let bounds = 0..=limits::ENTITY_QUIET_MS;
    let learning_ms = super::span(map, "learning", bounds, LEARNING_MS, findings);
    let forget_ms = super::span(map, "forget", 1..=limits::ENTITY_QUIET_MS, FORGET_MS, findings);
    let words: Vec<&str> = SCOPES.iter().map(|(word, _)| *word).collect();
    let scope = map.word("scope", &words, findings).and_then(|place| SCOPES.get(place));
    let document = NewValueDocument {
        fields: fields?,
        learning_ms: learning_ms?,
        forget_ms: forget_ms?,
        scope: scope.map(|(_, scope)| *scope).unwrap_or_default(),
    };
    let timespan_ms = document.forget_ms;
    Some(Content { rules, timespan_ms, test: TestDocument::NewValue(document) })
}

fn fields(map: &Map<'_>, findings: &mut Findings) -> Option<Vec<Spanned>> {
    let node = map.require("field", findings)?;
    let before = findings.errors();
    let fields = reader::texts(node, "field", findings);
    let fields = super::bounded("field", limits::COUNTED_FIELDS, fields, findings)?;
    if fields.is_empty() && findings.errors() == before {
        findings.error(node.span, "empty", "`field` needs a field");
    }
    for (place, field) in fields.iter().enumerate() {
        if fields.iter().take(place).any(|other| other.text == field.text) {
            let message = format!("the field `{}` is named twice", field.text);
            findings.error(field.span, "duplicate-field", message);
        }
    }
    (findings.errors() == before).then_some(fields)
}

impl NewValueDocument {
    pub(in super::super) fn link(
        &self,
        linking: &Linking<'_, '_>,
        reading: &mut Reading<'_>,
    ) -> Option<Test> {
        self.warn_of_the_key_itself(linking, reading.findings);
        let counted = linking.counted(&self.fields, reading)?;
        let fields = self.fields.iter().zip(counted.fields).map(|(field, ids)| GroupBy {
            name: field.text.clone(),
            source: ids.into_iter().map(GroupSource::Field).collect(),
            hidden: false,
        });
        let (learning_ms, forget_ms, scope) = (self.learning_ms, self.forget_ms, self.scope);
        Some(Test::NewValue(NewValueTest { fields: fields.collect(), learning_ms, forget_ms, scope }))
    }

    /// Of a field that it is grouped by, an entity knows one value.
    fn warn_of_the_key_itself(&self, linking: &Linking<'_, '_>, findings: &mut Findings) {
        let [only] = self.fields.as_slice() else { return };
        let grouped = linking.correlation.group_by.iter().any(|group| group.text == only.text);
        if grouped && self.scope == Scope::Entity {
            let message = format!("the correlation groups by `{}`, so an entity has one value", only.text);
            let finding = findings.warning(only.span, "one-value", message);
            finding.help("With `scope: org` the value is new if nobody in the tenant had it before.");
        }
    }
}

impl NewValueTest {
    /// The fields of a branch.
    pub(in super::super) fn role(&self, branch: usize, table: &FieldTable) -> String {
        let paths = self.fields.iter().map(|field| match field.source.get(branch) {
            Some(GroupSource::Field(field)) => table.path(*field).to_owned(),
            Some(GroupSource::Group(name)) => name.clone(),
            None => String::new(),
        });
        paths.collect::<Vec<_>>().join(" ")
    }

    pub(in super::super) fn meaning(&self) -> Vec<String> {
        let mut parts: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        parts.push(format!("{:?} {} {}", self.scope, self.learning_ms, self.forget_ms));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{compile, correlation, document, told};
    use super::super::super::{Body, RuleSet};
    use super::*;

    fn set(lines: &str) -> Result<RuleSet, Vec<(&'static str, String)>> {
        let base = document("base", "sel: {eventType: a}\ncondition: sel", "");
        let text = format!("type: new_value\nrules: base\ngroup-by: [actor.id]\n{lines}");
        compile(&[base, correlation("c", &text)]).map_err(|found| told(Err(found)))
    }

    fn test(lines: &str) -> NewValueTest {
        let set = set(lines).unwrap();
        match &set.rules[1].body {
            Body::Correlation(correlation) => match &correlation.test {
                Test::NewValue(test) => test.clone(),
                other => panic!("{other:?}"),
            },
            Body::Detection(_) => panic!("a detection"),
        }
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let plain = test("field: client.ipAddress");
        assert_eq!(
            (plain.learning_ms, plain.forget_ms, plain.scope),
            (14 * DAY_MS, 60 * DAY_MS, Scope::Entity)
        );
        assert_eq!(plain.fields[0].name, "client.ipAddress");
        let told = test("field: [client.ipAddress, client.zone]\nlearning: 0s\nforget: 1h\nscope: org");
        assert_eq!((told.learning_ms, told.forget_ms, told.scope), (0, 3_600_000, Scope::Org));
        assert_eq!(told.fields.len(), 2);
    }

    #[test]
    fn alerts_are_held_together_as_long_as_values_are_remembered() {
        let set = set("field: client.ipAddress\nforget: 30d").unwrap();
        assert_eq!(set.rules[1].info.suppress_ms, 30 * DAY_MS);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mistake = |lines: &str| set(lines).unwrap_err().remove(0);
        assert_eq!(mistake("learning: 1d").1, "`correlation` needs `field`");
        assert_eq!(mistake("field: []").0, "empty");
        assert_eq!(mistake("field: [client.zone, client.zone]").0, "duplicate-field");
        assert_eq!(mistake("field: client.zon").0, "unknown-field");
        assert_eq!(mistake("field: client.zone\nforget: 0s").1, "`forget` is from 1s to 365d");
        assert_eq!(mistake("field: client.zone\nlearning: 366d").1, "`learning` is at most 365d");
        assert_eq!(mistake("field: client.zone\nscope: tenant").1, "`tenant` is no scope");
        assert_eq!(mistake("field: client.zone\ntimespan: 1h").0, "unknown-key");
        assert_eq!(set("field: actor.id").unwrap().warnings[0].code, "one-value");
        assert!(set("field: actor.id\nscope: org").unwrap().warnings.is_empty());
    }

    #[test]
    fn every_part_of_the_meaning_is_in_the_digest() {
        let others = [
            "field: client.ipAddress",
            "field: client.zone",
            "field: [client.ipAddress, client.zone]",
            "field: client.ipAddress\nlearning: 1d",
            "field: client.ipAddress\nforget: 1d",
            "field: client.ipAddress\nscope: org",
        ];
        let digest = |lines: &&str| set(lines).unwrap().rules[1].info.digest.clone();
        let digests: std::collections::BTreeSet<_> = others.iter().map(digest).collect();
        assert_eq!(digests.len(), others.len());
    }
}
