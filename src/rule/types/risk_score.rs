//! `risk_score`: what do the matches of which rules add up to?

use super::super::correlation::Test;
use super::super::diagnostic::Findings;
use super::super::document::{Content as Body, Document};
use super::super::link::Linking;
use super::super::reader::Map;
use super::super::timespan;
use super::super::yaml::Literal;
use super::{Content, TestDocument};

/// Its keys.
pub(super) const KEYS: &[&str] =
    &["rules", "timespan", "decay", "threshold", "distinct_tactics", "distinct_techniques"];

/// The word under `rules` for every rule that raises alerts.
const ANY: &str = "any";

const THRESHOLD_MAX: f64 = 1_000_000.0;
const TACTICS_MAX: i64 = 14;
const TECHNIQUES_MAX: i64 = 1_000;

/// What the matches of a window add up to; every bound that is there must hold.
#[derive(Clone, Debug)]
pub struct RiskTest {
    /// It takes every rule that raises alerts, and waits for none of them.
    pub any: bool,
    /// What a match of each branch adds.
    pub weights: Vec<Weight>,
    /// The time in which a match loses half of its points, ms; without it, none are lost.
    pub half_life_ms: Option<i64>,
    /// The points are at least this.
    pub threshold: Option<f64>,
    /// The matched rules name at least so many ATT&CK tactics.
    pub tactics: Option<u64>,
    /// The matched rules name at least so many techniques.
    pub techniques: Option<u64>,
}

/// What a match of a rule adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The rule's name.
    pub name: String,
    /// Its risk, 0–100.
    pub points: u8,
    /// Matches closer than this to one that counted do not count; ms.
    pub suppress_ms: i64,
    /// Ids of its tactics.
    pub tactics: Vec<&'static str>,
    /// Ids of its techniques.
    pub techniques: Vec<String>,
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct RiskDocument {
    pub test: RiskTest,
}

pub(super) fn read(map: &Map<'_>, findings: &mut Findings) -> Option<Content> {
    let any = map.get("rules").and_then(|node| node.scalar()).is_some_and(|rules| rules.text == ANY);
    let rules = if any { Vec::new() } else { super::rules(map, findings) };
    if let Some(span) = map.key_span("aliases").filter(|_| any) {
        let message = "`rules: any` takes no aliases, as its rules are not named";
        findings.error(span, "alias", message);
    }
    let timespan_ms = super::window(map, findings);
    let before = findings.errors();
    let decay = map.text("decay", findings);
    let test = RiskTest {
        any,
        weights: Vec::new(),
        half_life_ms: decay.and_then(|written| timespan::positive(&written, findings)),
        threshold: threshold(map, findings),
        tactics: least(map, "distinct_tactics", TACTICS_MAX, findings),
        techniques: least(map, "distinct_techniques", TECHNIQUES_MAX, findings),
    };
    if findings.errors() > before {
        return None;
    }
    if test.threshold.is_none() && test.tactics.is_none() && test.techniques.is_none() {
        let message = "`correlation` needs `threshold`, `distinct_tactics` or `distinct_techniques`";
        findings.error(map.first_key(), "missing-key", message);
        return None;
    }
    let document = RiskDocument { test };
    Some(Content { rules, timespan_ms: timespan_ms?, test: TestDocument::RiskScore(document) })
}

fn threshold(map: &Map<'_>, findings: &mut Findings) -> Option<f64> {
    let node = map.get("threshold")?;
    let number = match node.scalar().map(|scalar| scalar.literal()) {
        Some(Literal::Integer(number)) => Some(number as f64),
        Some(Literal::Float(number)) => Some(number),
        _ => None,
    };
    let number = number.filter(|number| *number > 0.0 && *number <= THRESHOLD_MAX);
    if number.is_none() {
        let message = format!("`threshold` is a number above 0, at most {THRESHOLD_MAX}");
        findings.error(node.span, "wrong-type", message);
    }
    number
}

fn least(map: &Map<'_>, key: &str, most: i64, findings: &mut Findings) -> Option<u64> {
    let number = map.integer(key, most, findings)?;
    if number == 0 {
        let message = format!("every window holds at least nothing; `{key}` is from 1 to {most}");
        findings.error(map.get(key)?.span, "condition", message);
    }
    u64::try_from(number).ok()
}

impl RiskDocument {
    pub(in super::super) fn link(&self, linking: &Linking<'_, '_>) -> Test {
        let children = linking.children.iter().filter_map(|child| linking.documents.get(*child));
        let weights = children.map(Weight::of).collect();
        Test::RiskScore(RiskTest { weights, ..self.test.clone() })
    }
}

impl Weight {
    fn of(rule: &Document<'_>) -> Self {
        let timespan_ms = match &rule.content {
            Body::Correlation(correlation) => correlation.timespan_ms,
            Body::Detection(_) => 0,
        };
        let mut tactics: Vec<&'static str> =
            rule.attacks.iter().filter_map(|attack| Some(attack.tactic.as_ref()?.uid)).collect();
        let mut techniques: Vec<String> =
            rule.attacks.iter().filter_map(|attack| attack.technique.clone()).collect();
        tactics.sort_unstable();
        tactics.dedup();
        techniques.sort_unstable();
        techniques.dedup();
        Self {
            name: rule.name.text.clone(),
            points: rule.options.risk.unwrap_or_else(|| rule.level.risk()),
            suppress_ms: rule.options.suppress_ms.unwrap_or(timespan_ms),
            tactics,
            techniques,
        }
    }
}

impl RiskTest {
    /// What a match of the branch adds.
    pub(in super::super) fn role(&self, branch: usize) -> String {
        self.weights.get(branch).map_or_else(String::new, |weight| {
            let Weight { name: _, points, suppress_ms, tactics, techniques } = weight;
            format!("{points} {suppress_ms} {} {}", tactics.join(" "), techniques.join(" "))
        })
    }

    pub(in super::super) fn meaning(&self) -> Vec<String> {
        let figures = (self.any, self.half_life_ms, self.threshold, self.tactics, self.techniques);
        vec![format!("{figures:?}")]
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{compile, correlation, document, told};
    use super::super::super::{Body, GroupSource, RuleSet};
    use super::*;

    const SEL: &str = "sel: {eventType: a}\ncondition: sel";

    fn set(more: &[String], lines: &str) -> Result<RuleSet, Vec<(&'static str, String)>> {
        let options = "level: high\ntags: [attack.persistence, attack.t1098.003]\noktawatch: {suppress: 1h}";
        let mut documents = vec![document("base", SEL, options)];
        documents.extend_from_slice(more);
        let text = format!("type: risk_score\ngroup-by: [actor.id]\n{lines}");
        documents.push(correlation("z-risk", &text));
        compile(&documents).map_err(|found| told(Err(found)))
    }

    fn test(set: &RuleSet) -> (&RiskTest, &super::super::super::Correlation) {
        let rule = set.rules.iter().find(|rule| &*rule.info.name == "z-risk").unwrap();
        match &rule.body {
            Body::Correlation(correlation) => match &correlation.test {
                Test::RiskScore(test) => (test, correlation),
                other => panic!("{other:?}"),
            },
            Body::Detection(_) => panic!("a detection"),
        }
    }

    #[test]
    fn a_match_adds_what_its_rule_says() {
        let counted = correlation(
            "counted",
            "type: event_count\nrules: base\ntimespan: 9m\ncondition: {gte: 2}\ngenerate: true",
        );
        let set = set(&[counted], "rules: [counted, base]\ntimespan: 1d\ndecay: 6h\nthreshold: 100").unwrap();
        let (test, _) = test(&set);
        let base = Weight {
            name: "base".to_owned(),
            points: 73,
            suppress_ms: 3_600_000,
            tactics: vec!["TA0003"],
            techniques: vec!["T1098.003".to_owned()],
        };
        assert_eq!(test.weights[1], base);
        assert_eq!((test.weights[0].points, test.weights[0].suppress_ms), (47, 540_000));
        assert_eq!((test.half_life_ms, test.threshold), (Some(21_600_000), Some(100.0)));
    }

    #[test]
    fn any_is_every_rule_that_raises_alerts_and_no_risk_score() {
        let more = [
            document("fed", SEL, ""),
            document("off", SEL, "oktawatch: {mode: off}"),
            document("shadow", SEL, "oktawatch: {mode: shadow}"),
            correlation("counted", "type: event_count\nrules: fed\ntimespan: 9m\ncondition: {gte: 2}"),
            correlation("risk", "type: risk_score\nrules: [base]\ntimespan: 1d\nthreshold: 9"),
            correlation("above", "type: event_count\nrules: risk\ntimespan: 9m\ncondition: {gte: 2}"),
        ];
        let taken = |set: &RuleSet| {
            let (test, correlation) = test(set);
            let names: Vec<_> = test.weights.iter().map(|weight| weight.name.clone()).collect();
            assert_eq!(correlation.rules.len(), names.len());
            names
        };
        let active = set(&more, "rules: any\ntimespan: 1d\nthreshold: 100").unwrap();
        assert_eq!(taken(&active), ["base", "counted"]);
        let alerting: Vec<_> =
            active.rules.iter().filter(|rule| rule.info.generates).map(|rule| &*rule.info.name).collect();
        assert_eq!(alerting, ["above", "base", "counted", "off", "shadow", "z-risk"]);
        let text = correlation(
            "z-risk",
            "type: risk_score\ngroup-by: [actor.id]\nrules: any\ntimespan: 1d\nthreshold: 100",
        );
        let shadow = text.replace("title: T", "title: T\noktawatch: {mode: shadow}");
        let documents = [&[document("base", SEL, "")], more.as_slice(), &[shadow]].concat();
        assert_eq!(taken(&compile(&documents).unwrap()), ["base", "counted", "shadow"]);
    }

    #[test]
    fn a_shadow_rule_that_is_named_counts_only_in_the_shadow() {
        let more = [document("shadow", SEL, "oktawatch: {mode: shadow}")];
        let set = set(&more, "rules: [base, shadow]\ntimespan: 1d\nthreshold: 9").unwrap();
        assert_eq!(test(&set).0.weights.len(), 1);
        assert_eq!(set.warnings[0].code, "rule-shadow");
    }

    #[test]
    fn a_rule_set_without_alerts_is_a_warning() {
        let alone = "type: risk_score\nrules: any\ntimespan: 1d\nthreshold: 9";
        let set = compile(&[correlation("risk", alone)]).unwrap();
        assert_eq!(set.warnings[0].code, "no-rules");
    }

    #[test]
    fn a_group_is_read_from_the_match_s_own_if_it_is_there() {
        let counted = |name: &str, by: &str| {
            let lines = format!(
                "type: event_count\nrules: base\ngroup-by: [{by}]\ntimespan: 9m\n\
                condition: {{gte: 2}}\ngenerate: true"
            );
            correlation(name, &lines)
        };
        let more = [counted("by-id", "actor.id"), counted("by-ip", "client.ipAddress")];
        let set = set(&more, "rules: any\ntimespan: 1d\nthreshold: 9").unwrap();
        let id = GroupSource::Field(set.table.id("actor.id").unwrap());
        let expected = [id.clone(), GroupSource::Group("actor.id".to_owned()), id];
        assert_eq!(test(&set).1.group_by[0].source, expected);
    }

    #[test]
    fn what_is_wrong_is_told_once() {
        let mistake = |lines: &str| set(&[document("other", SEL, "")], lines).unwrap_err();
        let of = |lines: &str| mistake(&format!("rules: any\ntimespan: 1d\n{lines}")).remove(0);
        assert!(of("decay: 1h").1.contains("needs `threshold`, `distinct_tactics`"));
        assert_eq!(of("threshold: 0").0, "wrong-type");
        assert_eq!(of("threshold: many").0, "wrong-type");
        assert_eq!(of("threshold: 9\ndecay: 0s").0, "timespan");
        assert_eq!(of("distinct_tactics: 0").0, "condition");
        assert_eq!(of("distinct_tactics: 15").0, "wrong-type");
        assert_eq!(of("threshold: 9\naliases: {x: {base: actor.id}}").0, "alias");
        let mistyped = mistake("rules: any\ntimespan: 1d\ntreshold: 9");
        assert!(mistyped.contains(&("unknown-key", "`correlation` has no key `treshold`".to_owned())));
        assert_eq!(mistake("rules: [bse]\ntimespan: 1d\nthreshold: 9")[0].1, "no rule `bse`");
        let lines = "rules: any\ntimespan: 1d\nthreshold: 9\ngroup-by: [actor.idd]";
        let text = correlation("risk", &format!("type: risk_score\n{lines}"));
        let found = told(compile(&[document("base", SEL, ""), document("other", SEL, ""), text]));
        assert_eq!(found, [("unknown-field", "no field `actor.idd`".to_owned())]);
    }

    #[test]
    fn every_part_of_the_meaning_is_in_the_digest() {
        let digest = |options: &str, lines: &str| {
            let base = document("other", SEL, options);
            let set = set(&[base], &format!("rules: any\ntimespan: 1d\n{lines}")).unwrap();
            set.rules.iter().find(|rule| &*rule.info.name == "z-risk").unwrap().info.digest.clone()
        };
        let others = [
            digest("", "threshold: 9"),
            digest("", "threshold: 9\ndecay: 1h"),
            digest("", "threshold: 9\ndistinct_tactics: 2"),
            digest("", "threshold: 9\ndistinct_techniques: 2"),
            digest("level: high", "threshold: 9"),
            digest("oktawatch: {suppress: 1h}", "threshold: 9"),
            digest("tags: [attack.t1621]", "threshold: 9"),
            digest("oktawatch: {mode: off}", "threshold: 9"),
        ];
        let digests: std::collections::BTreeSet<_> = others.iter().collect();
        assert_eq!(digests.len(), others.len());
    }
}
