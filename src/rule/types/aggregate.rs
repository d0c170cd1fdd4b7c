//! `aggregate`: several figures of one window under one formula, what does it say?

use super::super::condition::Place;
use super::super::correlation::{Counted, Test, required};
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{Map, Spanned};
use super::super::selection::Reading;
use super::super::yaml::Entry;
use super::aggregate_figure::{self, AggregateFigure, places};
use super::formula::Formula;
use super::formula_parser;
use super::formula_tokens::KEYWORDS;
use super::window_figure::{self, Written};
use super::{Content, TestDocument};
use crate::limits;
use crate::model::{FieldId, FieldTable};

/// Its keys.
pub(super) const KEYS: &[&str] = &["rules", "timespan", "values", "per", "condition"];

/// Several figures of one window under one formula.
#[derive(Debug)]
pub struct AggregateTest {
    /// The named figures; the formula goes by their places.
    pub values: Vec<AggregateValue>,
    /// What the inner groups are by.
    pub per: Option<Counted>,
    /// What must hold of them.
    pub condition: Formula,
}

/// A figure with its name.
#[derive(Debug)]
pub struct AggregateValue {
    /// As the document names it.
    pub name: String,
    /// What it is.
    pub figure: AggregateFigure,
    /// Name and figure, as alerts show them: `ips (distinct client.ipAddress)`.
    pub what: String,
    /// What the formula asks of it, as alerts show it; where that cannot be said of each value alone,
    /// the first has the whole formula, and the others have nothing.
    pub required: String,
    /// More events in the window can only raise it.
    pub rises: bool,
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct AggregateDocument {
    values: Vec<ValueDocument>,
    per: Option<Spanned>,
    condition: Formula,
    /// The condition as it is written.
    text: String,
}

#[derive(Debug)]
struct ValueDocument {
    name: Spanned,
    written: Written,
    /// The formula reads it.
    used: bool,
}

pub(super) fn read(map: &Map<'_>, findings: &mut Findings) -> Option<Content> {
    let rules = super::rules(map, findings);
    let timespan_ms = super::window(map, findings);
    let per = map.text("per", findings);
    let mut values = values(map, findings)?;
    check_groups(map, &values, per.as_ref(), findings);
    let (condition, text) = condition(map, &mut values, findings)?;
    let document = AggregateDocument { values, per, condition, text };
    Some(Content { rules, timespan_ms: timespan_ms?, test: TestDocument::Aggregate(Box::new(document)) })
}

fn values(map: &Map<'_>, findings: &mut Findings) -> Option<Vec<ValueDocument>> {
    let node = map.require("values", findings)?;
    let before = findings.errors();
    let values = Map::of(node, "`values`", findings)?;
    let found: Vec<_> = values.entries.iter().filter_map(|entry| value(entry, findings)).collect();
    if values.entries.is_empty() {
        let finding = findings.error(values.span, "empty", "`values` needs a figure");
        finding.help("Write a name and its figure, as in `n: count`.");
    }
    if values.entries.len() > limits::AGGREGATE_VALUES {
        let message = format!("an aggregate has at most {} values", limits::AGGREGATE_VALUES);
        findings.error(values.first_key(), "too-large", message);
    }
    (findings.errors() == before).then_some(found)
}

fn value(entry: &Entry, findings: &mut Findings) -> Option<ValueDocument> {
    let name = Spanned { text: entry.key.clone(), span: entry.key_span };
    let starts_well = name.text.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_word = name.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !starts_well || !is_word || KEYWORDS.contains(&name.text.as_str()) {
        let message = format!("`{}` is no name of a value", name.text);
        let finding = findings.error(name.span, "name", message);
        finding.help("A name is a letter, then letters, digits and `_`; `and`, `or` and `not` are taken.");
        return None;
    }
    let Some(scalar) = entry.value.scalar().filter(|_| !entry.value.is_null()) else {
        let message = format!("`{}` is a figure, not {}", name.text, entry.value.what());
        findings.error(entry.value.span, "wrong-type", message).help("Write it as in `n: count`.");
        return None;
    };
    let place = Place { span: entry.value.span, base: scalar.base };
    let written = window_figure::read(&scalar.text, place, findings)?;
    Some(ValueDocument { name, written, used: false })
}

fn check_groups(map: &Map<'_>, values: &[ValueDocument], per: Option<&Spanned>, findings: &mut Findings) {
    let mut of_groups = values.iter().filter(|value| value.written.is_of_groups()).peekable();
    match per {
        Some(per) if of_groups.peek().is_none() => {
            let finding = findings.warning(per.span, "unused-per", "no value is a figure of the groups");
            finding.help("Figures of groups are `groups`, `most`, `least`, `mean` and `share(2..6)`.");
        }
        None if map.get("per").is_none() => {
            for value in of_groups {
                let message = format!("`{}` needs `per`", value.written.spelled);
                let finding = findings.error(value.name.span, "missing-key", message);
                finding.help("Say what the groups are by, as in `per: actor.alternateId`.");
            }
        }
        _ => {}
    }
}

fn condition(
    map: &Map<'_>,
    values: &mut [ValueDocument],
    findings: &mut Findings,
) -> Option<(Formula, String)> {
    let node = map.require("condition", findings)?;
    let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
        let message = format!("the `condition` of an aggregate is text, not {}", node.what());
        let finding = findings.error(node.span, "wrong-type", message);
        finding.help("Write it as in `n >= 10 and (ips >= 5 or asns >= 3)`.");
        return None;
    };
    let names: Vec<&str> = values.iter().map(|value| value.name.text.as_str()).collect();
    let place = Place { span: node.span, base: scalar.base };
    let parsed = formula_parser::parse(&scalar.text, place, &names, findings)?;
    for (value, used) in values.iter_mut().zip(parsed.used) {
        value.used = used;
    }
    let mut formula = parsed.formula;
    formula.mark_peaks(&|place| values.get(place).is_some_and(|value| value.written.rises()));
    let words: Vec<&str> = scalar.text.split_whitespace().collect();
    Some((formula, words.join(" ")))
}

impl AggregateDocument {
    /// The names of its values, each with whether the formula reads it.
    pub(in super::super) fn names(&self) -> impl Iterator<Item = (&Spanned, bool)> {
        self.values.iter().map(|value| (&value.name, value.used))
    }

    pub(in super::super) fn link(
        &self,
        linking: &Linking<'_, '_>,
        reading: &mut Reading<'_>,
    ) -> Option<Test> {
        let per = self.per.as_ref().map(|per| linking.counted(std::slice::from_ref(per), reading));
        let figures: Vec<_> = self
            .values
            .iter()
            .map(|value| aggregate_figure::figure(&value.written, linking, reading))
            .collect();
        let asked = self.condition.conjunction();
        let values = self.values.iter().zip(figures).enumerate().map(|(place, (value, figure))| {
            let required = match &asked {
                Some(asked) => {
                    let own = asked.iter().filter(|(of, _)| *of == place).map(|(_, threshold)| *threshold);
                    required(&own.collect::<Vec<_>>())
                }
                None if place == 0 => self.text.clone(),
                None => String::new(),
            };
            let (name, spelled) = (&value.name.text, &value.written.spelled);
            let what = if name == spelled { name.clone() } else { format!("{name} ({spelled})") };
            let rises = value.written.rises();
            Some(AggregateValue { name: name.clone(), figure: figure?, what, required, rises })
        });
        let values = values.collect::<Option<Vec<_>>>()?;
        let per = per.map_or(Some(None), |per| per.map(Some))?;
        Some(Test::Aggregate(AggregateTest { values, per, condition: self.condition.clone() }))
    }
}

impl AggregateTest {
    /// The fields that it reads of a branch's matches.
    pub(in super::super) fn reads(&self, branch: usize) -> Vec<FieldId> {
        let counted = self.values.iter().filter_map(|value| value.figure.counted()).chain(&self.per);
        counted.flat_map(|counted| counted.of_branch(branch)).flatten().collect()
    }

    /// It is true for good as soon as it is true.
    pub fn only_rises(&self) -> bool {
        self.condition.only_rises(&|place| self.values.get(place).is_some_and(|value| value.rises))
    }

    /// Its values in their order, without their names. Branches are the digests of the rules.
    pub fn spelled(&self, branches: &[&str], table: &FieldTable) -> Vec<String> {
        self.values.iter().map(|value| value.figure.spell(branches, table)).collect()
    }

    /// What it asks, without the names of the values. Branches are the digests of the rules.
    pub(in super::super) fn meaning(&self, branches: &[&str], table: &FieldTable) -> Vec<String> {
        let spelled = self.spelled(branches, table);
        let per = self.per.as_ref().map(|per| places(per, branches, table)).unwrap_or_default();
        let condition = self.condition.spell(&spelled);
        let mut parts = spelled;
        parts.sort_unstable();
        parts.dedup();
        parts.extend([format!("per {per}"), condition]);
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{compile, correlation, document};
    use super::super::super::{Body, Diagnostic, RuleSet};
    use super::*;

    fn set(lines: &str) -> Result<RuleSet, Vec<Diagnostic>> {
        let detection = |name: &str| document(name, "selection: {eventType: a}\ncondition: selection", "");
        compile(&[detection("deny"), detection("allow"), detection("other"), correlation("c", lines)])
    }

    fn aggregate(set: &RuleSet) -> &AggregateTest {
        let rule = set.rules.iter().find(|rule| &*rule.info.name == "c").unwrap();
        match &rule.body {
            Body::Correlation(correlation) => match &correlation.test {
                Test::Aggregate(test) => test,
                other => panic!("{other:?}"),
            },
            Body::Detection(_) => panic!("a detection"),
        }
    }

    const LINES: &str = "type: aggregate\nrules: [deny, allow]\ngroup-by: [actor.id]\ntimespan: 30m\n";

    fn of(values: &str, condition: &str) -> String {
        format!("{LINES}values: {values}\ncondition: \"{condition}\"\n")
    }

    /// Code, message and the text it points to.
    fn mistakes(lines: &str) -> Vec<(&'static str, String, String)> {
        let detection = |name: &str| document(name, "selection: {eventType: a}\ncondition: selection", "");
        let documents = [detection("deny"), detection("allow"), detection("other"), correlation("c", lines)];
        let text = documents.join("---\n");
        let found = compile(&documents).map_or_else(|found| found, |set| set.warnings);
        found
            .into_iter()
            .map(|found| (found.code, found.message, text.get(found.at.span).unwrap().to_owned()))
            .collect()
    }

    fn mistake(values: &str, condition: &str) -> (&'static str, String, String) {
        mistakes(&of(values, condition)).remove(0)
    }

    #[test]
    fn values_and_a_formula_compile() {
        let values =
            "{n: count, denied: count(deny), ips: distinct(client.ipAddress), few: share(2..6), span: span}";
        let lines = of(values, "n >= 10 and ips >= 5 and ips < 9 and few >= 60%") + "per: actor.alternateId";
        let set = set(&lines).unwrap();
        let test = aggregate(&set);
        let told: Vec<_> = test
            .values
            .iter()
            .map(|value| (value.what.as_str(), value.required.as_str(), value.rises))
            .collect();
        let expected = [
            ("n (count)", ">= 10", true),
            ("denied (count deny)", "", true),
            ("ips (distinct client.ipAddress)", ">= 5 and < 9", true),
            ("few (share 2..6)", ">= 0.6", false),
            ("span", "", true),
        ];
        assert_eq!(told, expected);
        assert!(matches!(test.values[1].figure, AggregateFigure::CountOf(0)));
        assert_eq!(test.per.as_ref().unwrap().name, "actor.alternateId");
        assert_eq!((test.condition.peaks(), test.only_rises()), (vec![2], false));
        assert!(set.warnings.is_empty());
    }

    #[test]
    fn a_formula_that_says_more_stands_with_the_first_value() {
        let set = set(&of("{n: count, ips: distinct(client.ipAddress)}", "n >= 10 and  (ips >= 5 or n > 9)"));
        let set = set.unwrap();
        let required: Vec<_> = aggregate(&set).values.iter().map(|value| value.required.as_str()).collect();
        assert_eq!(required, ["n >= 10 and (ips >= 5 or n > 9)", ""]);
        assert!(aggregate(&set).only_rises());
    }

    #[test]
    fn a_share_is_of_a_rule_a_field_or_an_alias() {
        let figure = |name: &str, more: &str| {
            let lines = of(&format!("{{part: share({name})}}"), "part > 50%") + more;
            aggregate(&set(&lines).unwrap()).values[0].figure.clone()
        };
        assert!(matches!(figure("allow", ""), AggregateFigure::PartOf(1)));
        assert!(matches!(figure("client.ipAddress", ""), AggregateFigure::Having(_)));
        let alias = "aliases:\n  user: {deny: actor.id, allow: enriched.target.User.id}\n";
        let AggregateFigure::Having(counted) = figure("user", alias) else { panic!("no field") };
        assert_ne!(counted.fields[0][0], counted.fields[0][1]);
        let both = "aliases:\n  deny: {deny: actor.id, allow: actor.id}\n";
        let found = mistakes(&(of("{part: share(deny)}", "part > 50%") + both));
        assert_eq!((found[0].0, found[0].2.as_str()), ("ambiguous", "deny"));
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        let n = "{n: count}";
        let found = |values: &str, condition: &str| {
            let (code, message, at) = mistake(values, condition);
            format!("{code}: {message} @{at}")
        };
        assert_eq!(found(n, "n >= 10 and m > 2"), "condition: no value `m` @m");
        assert_eq!(found("{n: coutn}", "n > 1"), "figure: no figure `coutn` @coutn");
        assert_eq!(
            found("{n: distinct(client.ipAdress)}", "n > 1"),
            "unknown-field: no field `client.ipAdress` @client.ipAdress"
        );
        assert_eq!(
            found("{n: count(dney)}", "n > 1"),
            "unknown-rule: the aggregate does not take a rule `dney` @dney"
        );
        assert_eq!(
            found("{n: count(other)}", "n > 1"),
            "unknown-rule: the aggregate does not take a rule `other` @other"
        );
        assert_eq!(
            found("{n: share(dney)}", "n > 1"),
            "unknown-rule: the aggregate does not take a rule `dney` @dney"
        );
        assert_eq!(found("{n: groups}", "n > 1"), "missing-key: `groups` needs `per` @n");
        assert_eq!(found("{n: share(1..2)}", "n > 1"), "missing-key: `share 1..2` needs `per` @n");
        assert_eq!(found("{n-m: count}", "n > 1"), "name: `n-m` is no name of a value @n-m");
        assert_eq!(found("{and: count}", "n > 1"), "name: `and` is no name of a value @and");
        assert_eq!(found("{n: [count]}", "n > 1"), "wrong-type: `n` is a figure, not a list @[count]");
        assert_eq!(found("{}", "n > 1"), "empty: `values` needs a figure @{}");
        let many: Vec<String> = (0..33).map(|n| format!("n{n}: count")).collect();
        assert!(found(&format!("{{{}}}", many.join(", ")), "n0 > 1").contains("at most 32 values"));
        let map = mistakes(&format!("{LINES}values: {n}\ncondition: {{gte: 2}}\n"));
        assert_eq!(map[0].1, "the `condition` of an aggregate is text, not a map");
        let unused = mistakes(&(of(n, "n > 1") + "per: actor.id\n"));
        assert_eq!((unused[0].0, unused[0].2.as_str()), ("unused-per", "actor.id"));
        let unknown = mistakes(&(of(n, "n > 1") + "perr: actor.id\n"));
        assert_eq!(unknown[0].1, "`correlation` has no key `perr`");
        let missing = mistakes(&format!("{LINES}values: {n}\n"));
        assert_eq!(missing[0].1, "`correlation` needs `condition`");
    }

    fn digest(lines: &str) -> String {
        let set = set(lines).unwrap();
        set.rules.iter().find(|rule| &*rule.info.name == "c").unwrap().info.digest.clone()
    }

    #[test]
    fn names_and_order_are_not_part_of_the_meaning_and_all_else_is() {
        let values = "{n: count(deny), ips: distinct(client.ipAddress), most: most}";
        let condition = "n >= 10 and (ips > 5 or most + n < 3)";
        let one = of(values, condition) + "per: actor.id";
        let same = [
            of(
                "{most: most, from: distinct(client.ipAddress), m: count(deny)}",
                "(n + most < 3 or ips > 5) and 10 <= n",
            )
            .replace("ips", "from")
            .replace("n + ", "m + ")
            .replace("<= n", "<= m")
                + "per: actor.id",
            one.replace("[deny, allow]", "[allow, deny]"),
            one.replace("10", "5 * 2"),
        ];
        for lines in same {
            assert_eq!(digest(&lines), digest(&one), "{lines}");
        }
        let others = [
            one.replace("count(deny)", "count(allow)"),
            one.replace("client.ipAddress", "client.id"),
            one.replace("> 5", ">= 5"),
            one.replace("most + n", "most - n"),
            one.replace("per: actor.id", "per: actor.alternateId"),
            one.replace("most: most", "most: least"),
            one.replace("10 and", "10 or"),
            one.replace("30m", "31m"),
        ];
        let digests: std::collections::BTreeSet<_> = others.iter().map(|lines| digest(lines)).collect();
        assert_eq!(digests.len(), others.len());
        assert!(!digests.contains(&digest(&one)));
    }
}
