//! What does a correlation say, before the rules it names are known?

use super::correlation::{Operator, Threshold};
use super::diagnostic::Findings;
use super::reader::{Map, Spanned};
use super::timespan;
use super::yaml::{Literal, Node};
use crate::model::RuleKind;
use crate::text::nearest;

/// The map under `correlation`.
#[derive(Debug)]
pub(super) struct CorrelationDocument {
    pub kind: RuleKind,
    pub rules: Vec<Spanned>,
    pub group_by: Vec<Spanned>,
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    /// Where the condition stands, or the type, if it has none.
    pub condition: Spanned,
    /// The counted field of `value_count`.
    pub field: Option<Spanned>,
    pub aliases: Vec<Alias>,
    pub generate: bool,
}

/// One name for different fields of different rules.
#[derive(Debug)]
pub(super) struct Alias {
    pub name: Spanned,
    /// Rule, and its field.
    pub fields: Vec<(Spanned, Spanned)>,
}

const KEYS: &[&str] = &["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];
const KINDS: &[RuleKind] =
    &[RuleKind::EventCount, RuleKind::ValueCount, RuleKind::Temporal, RuleKind::TemporalOrdered];

/// Types that are known, but not evaluated here.
const REFUSED: &[&str] = &["value_sum", "value_avg", "value_percentile", "value_median"];

/// The largest figure of a condition: up to here a whole number is exact.
const FIGURE_MAX: i64 = 1 << 53;

impl CorrelationDocument {
    /// `None`, and an error, if it cannot be understood.
    pub(super) fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let map = Map::of(node, "`correlation`", findings)?;
        map.only(KEYS, findings);
        map.require("type", findings);
        map.require("rules", findings);
        map.require("timespan", findings);
        let kind = kind(&map, findings);
        let timespan = map.text("timespan", findings);
        let timespan_ms = timespan.and_then(|written| timespan::positive(&written, findings));
        let rules = map.texts("rules", findings);
        if map.get("rules").is_some() && rules.is_empty() {
            findings.error(map.first_key(), "empty", "a correlation needs a rule");
        }
        let group_by = map.texts("group-by", findings);
        let aliases = aliases(&map, findings);
        let generate = map.boolean("generate", findings).unwrap_or_default();
        let kind = kind?;
        let (thresholds, field) = condition(&map, kind, findings)?;
        let place = map.get("condition").map_or_else(|| map.first_key(), |node| node.span);
        let condition = Spanned { text: String::new(), span: place };
        let timespan_ms = timespan_ms?;
        Some(Self { kind, rules, group_by, timespan_ms, thresholds, condition, field, aliases, generate })
    }
}

fn kind(map: &Map<'_>, findings: &mut Findings) -> Option<RuleKind> {
    let word = map.text("type", findings)?;
    let known = KINDS.iter().find(|kind| kind.as_str() == word.text);
    if known.is_none() {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.as_str()).collect();
        let (code, message) = if REFUSED.contains(&word.text.as_str()) {
            (
                "unsupported-correlation",
                format!("the correlation type `{}` is not evaluated by this version", word.text),
            )
        } else {
            ("unknown-correlation", format!("no correlation type `{}`", word.text))
        };
        findings.error(word.span, code, message).suggest(nearest(&word.text, names.iter().copied()), || {
            format!("the types are {}", names.join(", "))
        });
    }
    known.copied()
}

type Condition = (Vec<Threshold>, Option<Spanned>);

fn condition(map: &Map<'_>, kind: RuleKind, findings: &mut Findings) -> Option<Condition> {
    let temporal = matches!(kind, RuleKind::Temporal | RuleKind::TemporalOrdered);
    let Some(node) = map.get("condition") else {
        if !temporal {
            map.require("condition", findings);
        }
        return temporal.then(Condition::default);
    };
    if temporal && node.scalar().is_some() {
        let message = "a condition over rules is not evaluated by this version";
        let finding = findings.error(node.span, "unsupported-condition", message);
        finding.help("Without a condition, every rule must match; `gte: 2` asks for two of them.");
        return None;
    }
    let map = Map::of(node, "`condition`", findings)?;
    let counts = kind == RuleKind::ValueCount;
    let known: &[&str] = if counts { &["field", "gt", "gte"] } else { &["gt", "gte"] };
    refuse_comparisons(&map, findings)?;
    map.only(known, findings);
    let field = if counts { Some(counted(&map, findings)?) } else { None };
    let before = findings.errors();
    let thresholds = [("gt", Operator::Greater), ("gte", Operator::GreaterOrEqual)]
        .into_iter()
        .filter_map(|(key, operator)| threshold(&map, key, operator, findings))
        .collect::<Vec<_>>();
    if thresholds.is_empty() && findings.errors() == before {
        findings.error(map.first_key(), "missing-key", "`condition` needs `gt` or `gte`");
    }
    (!thresholds.is_empty()).then_some((thresholds, field))
}

fn refuse_comparisons(map: &Map<'_>, findings: &mut Findings) -> Option<()> {
    let refused = map.entries.iter().find(|entry| ["lt", "lte", "eq", "neq"].contains(&entry.key.as_str()));
    let Some(entry) = refused else { return Some(()) };
    let message = format!("the comparison `{}` is not evaluated by this version", entry.key);
    let finding = findings.error(entry.key_span, "unsupported-comparison", message);
    finding.help("Only the end of a window can decide it; use `gt` or `gte`.");
    None
}

fn counted(map: &Map<'_>, findings: &mut Findings) -> Option<Spanned> {
    let node = map.require("field", findings)?;
    if node.scalar().is_none() {
        let message = "`value_count` over several fields is not evaluated by this version";
        findings.error(node.span, "unsupported-condition", message).help("Name one field.");
        return None;
    }
    map.text("field", findings)
}

fn threshold(map: &Map<'_>, key: &str, operator: Operator, findings: &mut Findings) -> Option<Threshold> {
    let value = map.integer(key, FIGURE_MAX, findings)?;
    if value == 0 && operator == Operator::GreaterOrEqual {
        let span = map.get(key)?.span;
        findings.error(span, "condition", "every window holds at least nothing; ask for 1 or more");
        return None;
    }
    Some(Threshold { operator, value: value as f64 })
}

fn aliases(map: &Map<'_>, findings: &mut Findings) -> Vec<Alias> {
    let aliases = map.get("aliases").and_then(|node| Map::of(node, "`aliases`", findings));
    let Some(aliases) = aliases else { return Vec::new() };
    let mut found = Vec::new();
    for entry in aliases.entries {
        let Some(fields) = Map::of(&entry.value, "an alias", findings) else { continue };
        let field = |rule: &super::yaml::Entry| match rule.value.scalar().map(|scalar| scalar.literal()) {
            Some(Literal::Text(text)) => Some((
                Spanned { text: rule.key.clone(), span: rule.key_span },
                Spanned { text, span: rule.value.span },
            )),
            _ => None,
        };
        let pairs: Vec<_> = fields.entries.iter().filter_map(field).collect();
        if pairs.len() < fields.entries.len() {
            findings.error(fields.span, "wrong-type", "an alias names a field for each rule");
        }
        let name = Spanned { text: entry.key.clone(), span: entry.key_span };
        found.push(Alias { name, fields: pairs });
    }
    found
}
