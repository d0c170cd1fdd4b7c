//! How do compiled rules become a rule set that is ready to run?

use std::sync::Arc;

use super::correlation::Correlation;
use super::detection::{Detection, Expression};
use super::diagnostic::Findings;
use super::document::Document;
use super::exception::Exception;
use super::graph::Graph;
use super::index::{EventTypeIndex, needed_types};
use super::memo::Sharing;
use super::options::UPDATE_EVERY_MS;
use super::pattern;
use super::roles::{self, Roles};
use super::sources::{Sources, Span};
use super::{Body, Rule, RuleSet, derive, digest};
use crate::limits;
use crate::model::{EntityKind, FieldTable, ListInfo, Mode, RuleIndex, RuleInfo, RuleKind};

/// All that was read and found right.
pub(super) struct Assembling<'a, 'd> {
    pub documents: &'a [Document<'d>],
    pub graph: &'a Graph,
    pub roles: &'a Roles,
    pub sources: &'a Sources,
    pub table: FieldTable,
}

impl Assembling<'_, '_> {
    /// One body for each document, in the same order.
    pub(super) fn rule_set(self, bodies: Vec<(Body, Vec<Exception>)>, findings: &mut Findings) -> RuleSet {
        let (bodies, exceptions): (Vec<Body>, Vec<Vec<Exception>>) = bodies.into_iter().unzip();
        let digests = self.digests(&bodies);
        let mut lists = self.lists(&bodies, &exceptions).into_iter();
        let mut exceptions = exceptions.into_iter();
        let active = self.roles.active(self.documents, self.graph);
        self.warn_of_rules_that_are_off(&active, findings);
        let mut feeds = roles::feeds(self.graph, &active).into_iter();
        let index = self.index(&bodies, &active);
        let sharing = self.sharing(&bodies, &active);
        let mut rules = Vec::new();
        for (place, (document, body)) in self.documents.iter().zip(bodies).enumerate() {
            let digest = digests.get(place).cloned().unwrap_or_default();
            let lists = lists.next().unwrap_or_default();
            let info = RuleInfo { lists, ..self.info(place, document, &body, digest) };
            let span = document.name.span;
            let body = match body {
                Body::Detection(detection) => {
                    Body::Detection(finish(sharing.share(detection, &self.table), span, findings))
                }
                correlation @ Body::Correlation(_) => correlation,
            };
            let exceptions = exceptions.next().unwrap_or_default();
            let excepted = exceptions.into_iter().map(|exception| Exception {
                matches: finish(exception.matches, span, findings),
                ..exception
            });
            let exceptions = excepted.collect();
            let feeds = feeds.next().unwrap_or_default();
            rules.push(Rule { info: Arc::new(info), body, feeds, exceptions });
        }
        let digest = digest::of_set(digests.iter().map(String::as_str));
        let derived = derive::of_table(&self.table);
        let infos = rules.iter().map(|rule| Arc::clone(&rule.info)).collect();
        let contents = self.sources.digest();
        let order = self.graph.order.iter().filter_map(|place| u32::try_from(*place).ok().map(RuleIndex));
        let order = order.collect();
        let table = Arc::new(self.table);
        let shared = sharing.finish();
        RuleSet { rules, table, infos, digest, contents, order, derived, index, shared, ..RuleSet::default() }
    }

    /// Each rule after those it takes, so that every digest finds those below it.
    fn digests(&self, bodies: &[Body]) -> Vec<String> {
        let mut digests = vec![String::new(); bodies.len()];
        for place in self.graph.order.iter().copied() {
            let (Some(document), Some(body)) = (self.documents.get(place), bodies.get(place)) else {
                continue;
            };
            let id = document.id.text.as_str();
            let digest = match body {
                Body::Detection(detection) => digest::of_detection(id, detection, &self.table),
                Body::Correlation(correlation) => {
                    let child = |rule: &RuleIndex| digests.get(rule.0 as usize).map_or("", String::as_str);
                    let children: Vec<&str> = correlation.rules.iter().map(child).collect();
                    digest::of_correlation(id, correlation, &children, &self.table)
                }
            };
            if let Some(known) = digests.get_mut(place) {
                *known = digest;
            }
        }
        digests
    }

    fn warn_of_rules_that_are_off(&self, active: &[bool], findings: &mut Findings) {
        for (parent, children) in self.graph.children.iter().enumerate() {
            let is_active = active.get(parent).copied().unwrap_or_default();
            for child in children.iter().filter(|_| is_active).filter_map(|child| self.documents.get(*child))
            {
                let Some(parent) = self.documents.get(parent) else { continue };
                if child.options.mode == Mode::Off {
                    let name = &child.name.text;
                    let message = format!("the correlation takes the rule `{name}`, which is off");
                    let finding = findings.warning(parent.name.span, "rule-off", message);
                    finding.related(child.name.span, "this one is off");
                }
            }
        }
    }

    fn index(&self, bodies: &[Body], active: &[bool]) -> EventTypeIndex {
        let bodies = (0..).map(RuleIndex).zip(bodies).zip(active);
        let needs = bodies.filter_map(|((rule, body), active)| match body {
            Body::Detection(detection) if *active => Some((rule, needed_types(detection))),
            _ => None,
        });
        EventTypeIndex::new(needs)
    }

    fn sharing(&self, bodies: &[Body], active: &[bool]) -> Sharing {
        let detections = bodies.iter().zip(active).filter_map(|(body, active)| match body {
            Body::Detection(detection) if *active => Some(detection),
            _ => None,
        });
        Sharing::new(detections, &self.table)
    }

    fn info(&self, place: usize, document: &Document<'_>, body: &Body, digest: String) -> RuleInfo {
        let options = &document.options;
        let (kind, timespan_ms, entity) = match body {
            Body::Detection(_) => (RuleKind::Detection, 0, EntityKind::Actor),
            Body::Correlation(correlation) => {
                (correlation.kind, correlation.timespan_ms, entity_of(correlation))
            }
        };
        let source = self.sources.get(document.name.span.file);
        RuleInfo {
            id: document.id.text.clone(),
            name: Arc::from(document.name.text.as_str()),
            title: document.title.clone(),
            description: document.description.clone(),
            level: document.level,
            status: document.status.clone(),
            author: document.author.clone(),
            tags: document.tags.clone(),
            attacks: document.attacks.clone(),
            references: document.references.clone(),
            false_positives: document.false_positives.clone(),
            digest,
            kind,
            mode: options.mode,
            generates: self.roles.generates(place),
            suppress_ms: options.suppress_ms.unwrap_or(timespan_ms),
            update_every_ms: options.update_every_ms.unwrap_or(UPDATE_EVERY_MS),
            entity: options.entity.unwrap_or(entity),
            risk: options.risk.unwrap_or_else(|| document.level.risk()),
            confidence: options.confidence,
            runbook: options.runbook.clone().unwrap_or_default(),
            message: options.message.as_ref().map(|message| message.text.clone()),
            evidence_max: options.evidence_max.unwrap_or(limits::EVIDENCE_PER_ALERT),
            source: source.map(|source| source.path.display().to_string()).unwrap_or_default(),
            lists: Vec::new(),
        }
    }

    /// For each rule the lists that stand behind it, by name.
    fn lists(&self, bodies: &[Body], exceptions: &[Vec<Exception>]) -> Vec<Vec<Arc<ListInfo>>> {
        let mut lists = vec![Vec::new(); bodies.len()];
        for place in self.graph.order.iter().copied() {
            let of_rule = exceptions.get(place).into_iter().flatten();
            let mut found: Vec<Arc<ListInfo>> = of_rule.flat_map(|one| one.matches.lists()).collect();
            match bodies.get(place) {
                Some(Body::Detection(detection)) => found.extend(detection.lists()),
                Some(Body::Correlation(correlation)) => {
                    let children = correlation.rules.iter().filter_map(|rule| lists.get(rule.0 as usize));
                    found.extend(children.flatten().cloned());
                }
                None => {}
            }
            found.sort_by(|left, right| left.name.cmp(&right.name));
            found.dedup();
            if let Some(known) = lists.get_mut(place) {
                *known = found;
            }
        }
        lists
    }
}

/// What a correlation's alert is about when it does not say: what it groups by.
fn entity_of(correlation: &Correlation) -> EntityKind {
    let Some(first) = correlation.group_by.first() else { return EntityKind::Org };
    match first.name.as_str() {
        "client.ipAddress" => EntityKind::Ip,
        "transaction.detail.requestApiTokenId" => EntityKind::Token,
        "enriched.org" => EntityKind::Org,
        path if path.starts_with("enriched.target.App") => EntityKind::App,
        path if path.starts_with("target.") || path.starts_with("enriched.target.User.") => {
            EntityKind::TargetUser
        }
        _ => EntityKind::Actor,
    }
}

/// Puts the patterns of a detection together in the form that is judged fastest.
pub(super) fn finish(detection: Detection, span: Span, findings: &mut Findings) -> Detection {
    let selections = detection.selections.into_iter();
    let selections = selections.map(|selection| together(selection, span, findings)).collect();
    Detection { selections, ..detection }.cheap_first().with_needs()
}

fn together(expression: Expression, span: Span, findings: &mut Findings) -> Expression {
    let all = |parts: Vec<Expression>, findings: &mut Findings| {
        parts.into_iter().map(|part| together(part, span, findings)).collect()
    };
    match expression {
        Expression::All(parts) => Expression::All(all(parts, findings)),
        Expression::Any(parts) => Expression::Any(all(parts, findings)),
        Expression::Not(part) => Expression::Not(Box::new(together(*part, span, findings))),
        Expression::Shared(slot, test) => Expression::Shared(slot, Box::new(together(*test, span, findings))),
        Expression::Test(field, patterns) => match pattern::together(patterns) {
            Ok(patterns) => Expression::Test(field, patterns),
            Err(error) => {
                let message = format!("the rule's texts are too many to search for: {error}");
                findings.error(span, "too-large", message);
                Expression::default()
            }
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, correlation, document};
    use super::*;
    use crate::model::{Confidence, Level};

    #[test]
    fn rules_that_replace_others_keep_the_places_of_fields_while_there_is_room() {
        let reads = |fields: std::ops::Range<usize>| {
            let field = |n| format!("  debugContext.debugData.f{n}: x\n");
            let lines: String = fields.map(field).collect();
            document("one", &format!("sel:\n{lines}condition: sel"), "")
        };
        let onto = |text: &str, table: &FieldTable| {
            super::super::compile_onto(&Sources::of([("a.yml", text)]), table).unwrap()
        };
        let room = limits::FIELDS - FieldTable::default().len();
        let first = onto(&reads(0..room - 10), &FieldTable::default());
        let few = onto(&reads(room..room + 10), &first.table);
        assert!(few.table.extends(&first.table));
        assert_eq!(few.table.len(), limits::FIELDS);
        let many = onto(&reads(room..room + 11), &first.table);
        assert!(!many.table.extends(&first.table));
        assert_eq!(many.table.len(), FieldTable::default().len() + 11);
        assert!(
            super::super::compile_onto(&Sources::of([("a.yml", reads(0..room + 1).as_str())]), &first.table)
                .is_err()
        );
    }

    #[test]
    fn options_reach_the_rule_and_defaults_fill_the_rest() {
        let options = "level: high\nauthor: A\nreferences: https://x\nfalsepositives: [f]\n\
            tags: [attack.t1621]\n\
            oktawatch: {mode: shadow, suppress: 1h, update_every: 5m, entity: ip, risk: 90, \
            confidence: high,             runbook: R, message: M, evidence: {max: 3}}";
        let sel = "sel: {eventType: a}\ncondition: sel";
        let lines = "type: event_count\nrules: plain\ngroup-by: [client.ipAddress]\n\
            timespan: 9m\ncondition: {gte: 2}";
        let set =
            compile(&[document("full", sel, options), document("plain", sel, ""), correlation("c", lines)])
                .unwrap();
        let info = |name: &str| &set.rules.iter().find(|rule| &*rule.info.name == name).unwrap().info;
        let full = info("full");
        assert_eq!((full.level, full.mode, full.entity), (Level::High, Mode::Shadow, EntityKind::Ip));
        assert_eq!((full.suppress_ms, full.update_every_ms, full.risk), (3_600_000, 300_000, 90));
        assert_eq!((full.confidence, full.evidence_max), (Confidence::High, 3));
        assert_eq!((full.runbook.as_str(), full.message.as_deref()), ("R", Some("M")));
        assert_eq!((full.attacks.len(), full.source.as_str()), (1, "rules.yml"));
        let plain = info("plain");
        assert_eq!((plain.suppress_ms, plain.update_every_ms, plain.risk), (0, 60_000, Level::Medium.risk()));
        assert_eq!(plain.evidence_max, limits::EVIDENCE_PER_ALERT);
        let count = info("c");
        assert_eq!(
            (count.suppress_ms, count.entity, count.kind),
            (540_000, EntityKind::Ip, RuleKind::EventCount)
        );
    }
}
