//! How does a correlation find its values in the matches of the rules it takes?

use std::collections::BTreeSet;

use super::correlation::{Correlation, Counted, GroupBy, GroupSource};
use super::document::{Content, Document};
use super::graph::Directory;
use super::reader::Spanned;
use super::selection::Reading;
use super::types::{Alias, CorrelationDocument, TestDocument};
use crate::model::{FieldId, RuleIndex, RuleKind};

/// A correlation with the rules it takes.
pub(super) struct Linking<'l, 'd> {
    pub correlation: &'l CorrelationDocument,
    pub documents: &'l [Document<'d>],
    pub directory: &'l Directory<'l>,
    /// The rules it takes, by place.
    pub children: &'l [usize],
}

impl Linking<'_, '_> {
    /// `None`, and an error, if a field or an alias does not fit.
    pub(super) fn link(&self, reading: &mut Reading<'_>) -> Option<Correlation> {
        let before = reading.findings.errors();
        self.check_aliases(reading);
        let mut group_by: Vec<_> =
            self.correlation.group_by.iter().filter_map(|group| self.group(group, reading)).collect();
        if let TestDocument::Sequence(document) = &self.correlation.test {
            let equal = document.equal.iter().filter_map(|field| self.group(field, reading));
            group_by.extend(equal.map(|group| GroupBy { hidden: true, ..group }).collect::<Vec<_>>());
        }
        let test = match &self.correlation.test {
            TestDocument::Figure(document) => document.link(self, reading),
            TestDocument::Temporal(document) => document.link(self, reading),
            TestDocument::Sequence(document) => document.link(self, reading),
            TestDocument::Absence(document) => Some(document.link(self)),
            TestDocument::Aggregate(document) => document.link(self, reading),
            TestDocument::NewValue(document) => document.link(self, reading),
            TestDocument::Baseline(document) => document.link(self, reading),
            TestDocument::RiskScore(document) => Some(document.link(self)),
        };
        let rules = self.children.iter().filter_map(|child| u32::try_from(*child).ok().map(RuleIndex));
        let linked = Correlation {
            kind: self.correlation.kind,
            rules: rules.collect(),
            group_by,
            timespan_ms: self.correlation.timespan_ms,
            test: test?,
        };
        (reading.findings.errors() == before).then_some(linked)
    }

    /// The place of a rule among those it takes.
    pub(super) fn branch(&self, rule: &Spanned) -> Option<usize> {
        let place = self.directory.get(&rule.text)?;
        self.children.iter().position(|child| *child == place)
    }

    /// The names of the rules it takes.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let documents = self.children.iter().filter_map(|child| self.documents.get(*child));
        documents.map(|document| document.name.text.as_str())
    }

    /// Whether there is an alias of this name.
    pub(super) fn has_alias(&self, name: &str) -> bool {
        self.alias(name).is_some()
    }

    /// Where fields stand in the matches of each rule, by their own names or by aliases.
    pub(super) fn counted(&self, fields: &[Spanned], reading: &mut Reading<'_>) -> Option<Counted> {
        let names: Vec<&str> = fields.iter().map(|field| field.text.as_str()).collect();
        let places: Vec<Option<Vec<_>>> = fields.iter().map(|field| self.places(field, reading)).collect();
        Some(Counted { name: names.join(", "), fields: places.into_iter().collect::<Option<_>>()? })
    }

    /// Where a field stands in the matches of each rule.
    fn places(&self, field: &Spanned, reading: &mut Reading<'_>) -> Option<Vec<FieldId>> {
        let ids: Vec<Option<FieldId>> = self
            .children
            .iter()
            .map(|child| {
                let name = self.name_in(field, *child, reading)?;
                reading.field(&name, false)
            })
            .collect();
        ids.into_iter().collect()
    }

    fn alias(&self, name: &str) -> Option<&Alias> {
        self.correlation.aliases.iter().find(|alias| alias.name.text == name)
    }

    fn check_aliases(&self, reading: &mut Reading<'_>) {
        let children: BTreeSet<usize> = self.children.iter().copied().collect();
        for alias in &self.correlation.aliases {
            for (rule, _) in &alias.fields {
                let child = self.directory.find(rule, reading.findings);
                if child.is_some_and(|child| !children.contains(&child)) {
                    let message = format!("the correlation does not take the rule `{}`", rule.text);
                    reading.findings.error(rule.span, "alias", message);
                }
            }
        }
    }

    /// What the name of a group-by or counted field is in a rule: itself, or what its alias says.
    fn name_in(&self, name: &Spanned, child: usize, reading: &mut Reading<'_>) -> Option<Spanned> {
        let Some(alias) = self.alias(&name.text) else { return Some(name.clone()) };
        let of_child = |(rule, _): &&(Spanned, Spanned)| self.directory.get(&rule.text) == Some(child);
        let words = self.documents.get(child).map(|document| [&document.name, &document.id]);
        let words = words.map_or([""; 2], |words| words.map(|word| word.text.as_str()));
        let field = alias.of_rule(words).find(of_child).map(|(_, field)| field.clone());
        if field.is_none() {
            let [rule, _] = words;
            let message = format!("the alias `{}` names no field of the rule `{rule}`", name.text);
            reading.findings.error(alias.name.span, "alias", message);
        }
        field
    }

    fn group(&self, name: &Spanned, reading: &mut Reading<'_>) -> Option<GroupBy> {
        let mut sources = self.children.iter().map(|child| self.group_source(name, *child, reading));
        // What is wrong with `any` rule is wrong with all of them, and told once.
        let source = if self.correlation.takes_any() {
            sources.collect::<Option<_>>()?
        } else {
            let sources: Vec<_> = sources.by_ref().collect();
            sources.into_iter().collect::<Option<_>>()?
        };
        Some(GroupBy { name: name.text.clone(), source, hidden: false })
    }

    fn group_source(&self, name: &Spanned, child: usize, reading: &mut Reading<'_>) -> Option<GroupSource> {
        let name = self.name_in(name, child, reading)?;
        let document = self.documents.get(child)?;
        let Content::Correlation(below) = &document.content else {
            return reading.field(&name, false).map(GroupSource::Field);
        };
        if below.shows().any(|group| group.text == name.text) {
            return Some(GroupSource::Group(name.text));
        }
        if self.correlation.kind == RuleKind::RiskScore {
            return reading.field(&name, false).map(GroupSource::Field);
        }
        let known: Vec<&str> = below.shows().map(|group| group.text.as_str()).collect();
        let message = format!("the correlation `{}` does not group by `{}`", document.name.text, name.text);
        let near = crate::text::nearest(&name.text, known.iter().copied());
        reading.findings.error(name.span, "group-by", message).suggest(near, || match known.as_slice() {
            [] => "It has no group-by at all.".to_owned(),
            known => format!("it groups by {}", known.join(", ")),
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, correlation, document, told};
    use super::super::{Body, Operator, RuleSet, Test, Threshold};
    use super::*;

    fn set(correlations: &[String]) -> Result<RuleSet, Vec<(&'static str, String)>> {
        let mut documents = vec![
            document("deny", "selection: {eventType: a}\ncondition: selection", ""),
            document("allow", "selection: {eventType: b}\ncondition: selection", ""),
        ];
        documents.extend_from_slice(correlations);
        compile(&documents).map_err(|diagnostics| told(Err(diagnostics)))
    }

    fn named<'s>(set: &'s RuleSet, name: &str) -> &'s Correlation {
        let rule = set.rules.iter().find(|rule| &*rule.info.name == name).unwrap();
        match &rule.body {
            Body::Correlation(correlation) => correlation,
            Body::Detection(_) => panic!("{name} is a detection"),
        }
    }

    fn mistake(lines: &str) -> (&'static str, String) {
        set(&[correlation("c", lines)]).unwrap_err().remove(0)
    }

    #[test]
    fn the_four_types_compile() {
        let group = "rules: [deny, allow]\ngroup-by: [actor.alternateId]\ntimespan: 10m\n";
        let set = set(&[
            correlation("count", &format!("type: event_count\n{group}condition: {{gte: 5, gt: 3}}")),
            correlation(
                "distinct",
                &format!("type: value_count\n{group}condition: {{field: client.ipAddress, gt: 3}}"),
            ),
            correlation("any-order", &format!("type: temporal\n{group}")),
            correlation("in-order", &format!("type: temporal_ordered\n{group}")),
        ])
        .unwrap();
        let count = named(&set, "count");
        assert_eq!(
            (count.kind, count.timespan_ms, count.test.thresholds().len()),
            (RuleKind::EventCount, 600_000, 2)
        );
        let names: Vec<_> =
            count.rules.iter().map(|rule| set.get(*rule).unwrap().info.name.to_string()).collect();
        assert_eq!(names, ["deny", "allow"]);
        let login = set.table.id("actor.alternateId").unwrap();
        assert_eq!(count.group_by[0].source, vec![GroupSource::Field(login); 2]);
        let distinct = named(&set, "distinct");
        let Test::Figure(test) = &distinct.test else { panic!("{distinct:?}") };
        assert_eq!(test.counted.fields, [vec![set.table.id("client.ipAddress").unwrap(); 2]]);
        assert_eq!(test.counted.name, "client.ipAddress");
        let every = Threshold { operator: Operator::GreaterOrEqual, value: 2.0 };
        assert_eq!(named(&set, "any-order").test.thresholds(), [every]);
        assert_eq!(named(&set, "in-order").test.thresholds(), [every]);
    }

    #[test]
    fn rules_are_found_by_id_too() {
        let id = set(&[]).unwrap().rules[0].info.id.to_uppercase();
        let lines = format!("type: event_count\nrules: {id}\ntimespan: 1h\ncondition: {{gte: 2}}");
        let set = set(&[correlation("c", &lines)]).unwrap();
        assert_eq!(&*set.get(named(&set, "c").rules[0]).unwrap().info.name, "allow");
    }

    #[test]
    fn an_alias_is_another_field_in_each_rule() {
        let lines = "type: temporal\nrules: [deny, allow]\ngroup-by: [user]\ntimespan: 10m\n\
                     aliases:\n  user:\n    deny: actor.id\n    allow: enriched.target.User.id";
        let set = set(&[correlation("c", lines)]).unwrap();
        let id = |path| GroupSource::Field(set.table.id(path).unwrap());
        assert_eq!(named(&set, "c").group_by[0].source, [id("actor.id"), id("enriched.target.User.id")]);
        assert_eq!(named(&set, "c").group_by[0].name, "user");
        let (code, message) = mistake(&lines.replace("    allow: enriched.target.User.id", ""));
        assert_eq!(
            (code, message.as_str()),
            ("alias", "the alias `user` names no field of the rule `allow`")
        );
        let (code, message) = mistake(&lines.replace("actor.id", "actor.idd"));
        assert_eq!((code, message.as_str()), ("unknown-field", "no field `actor.idd`"));
    }

    #[test]
    fn a_chain_takes_the_group_of_the_correlation_below() {
        let below = correlation(
            "below",
            "type: event_count\nrules: deny\ngroup-by: [actor.id]\ntimespan: 1m\ncondition: {gte: 3}",
        );
        let above = |group| {
            let lines = format!("type: temporal\nrules: [below, allow]\ngroup-by: [{group}]\ntimespan: 1h");
            set(&[below.clone(), correlation("above", &lines)])
        };
        let good = above("actor.id").unwrap();
        let source = &named(&good, "above").group_by[0].source;
        assert_eq!(source[0], GroupSource::Group("actor.id".to_owned()));
        assert!(matches!(source[1], GroupSource::Field(_)));
        let mistakes = above("actor.alternateId").unwrap_err();
        assert_eq!(mistakes[0].1, "the correlation `below` does not group by `actor.alternateId`");
    }

    #[test]
    fn a_condition_that_no_window_can_decide_is_refused() {
        let temporal = |kind, condition| {
            mistake(&format!("type: {kind}\nrules: [deny, allow]\ntimespan: 1m\ncondition: {condition}")).1
        };
        assert!(temporal("temporal", "{gte: 3}").contains("more rules"));
        assert!(temporal("temporal_ordered", "{gte: 1}").contains("every rule"));
        assert!(temporal("temporal", "deny or not allow").contains("without a match"));
        assert!(temporal("temporal", "deny and allwo").contains("no rule `allwo`"));
        assert!(temporal("temporal_ordered", "deny or allow").contains("joined by `and`"));
    }
}
