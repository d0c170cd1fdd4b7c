//! How does an author write a rule?

use crate::events::EVENT_TYPES;
use crate::reference::absence::Absence;
use crate::reference::aggregate::{Aggregate, Figure};
use crate::reference::baseline::Baseline;
use crate::reference::condition::{Operator, Threshold};
use crate::reference::expression::{Arithmetic, Expression, Term};
use crate::reference::new_value::NewValue;
use crate::reference::risk_score::RiskScore;
use crate::reference::rule::{Body, Correlation, Kind, Rule};
use crate::reference::sequence::Sequence;
use crate::reference::temporal::{Asked, Boolean, Temporal};
use crate::reference::temporal_ordered::TemporalOrdered;

/// The rules as documents of one file.
pub fn documents(rules: &[Rule]) -> String {
    let documents: Vec<String> = (0..rules.len()).map(|place| document(rules, place)).collect();
    documents.join("---\n")
}

fn document(rules: &[Rule], place: usize) -> String {
    let rule = &rules[place];
    let body = match &rule.body {
        Body::Detection { kinds } => {
            let types: Vec<&str> = kinds.iter().map(|kind| EVENT_TYPES[*kind]).collect();
            format!(
                "logsource: {{product: okta, service: okta}}\n\
                 detection: {{selection: {{eventType: [{}]}}, condition: selection}}\n",
                types.join(", ")
            )
        }
        Body::Correlation(correlation) => {
            let lines: Vec<String> = Lines { rules, correlation }.all();
            format!("correlation:\n  {}\n", lines.join("\n  "))
        }
    };
    let tags: Vec<String> =
        rule.tactics.iter().chain(&rule.techniques).map(|tag| format!("attack.{tag}")).collect();
    format!(
        "title: Rule {name}\nid: 00000000-0000-4000-8000-{place:012}\nname: {name}\nstatus: test\nlevel: medium\n\
         tags: [{tags}]\n{body}oktawatch: {{suppress: {suppress}, update_every: 2s, risk: {risk}, entity: actor}}\n",
        name = rule.name,
        tags = tags.join(", "),
        suppress = seconds(rule.suppress_ms),
        risk = rule.risk,
    )
}

fn seconds(ms: i64) -> String {
    format!("{}s", ms / 1_000)
}

/// The map under `correlation`.
struct Lines<'a> {
    rules: &'a [Rule],
    correlation: &'a Correlation,
}

impl Lines<'_> {
    fn all(&self) -> Vec<String> {
        let mut lines = match &self.correlation.kind {
            Kind::EventCount(kind) => self.counted("event_count", kind.timespan_ms, &[], &kind.thresholds),
            Kind::ValueCount(kind) => {
                let fields = match kind.fields.as_slice() {
                    [field] => format!("field: {field}"),
                    fields => format!("field: [{}]", fields.join(", ")),
                };
                self.counted("value_count", kind.timespan_ms, &[fields], &kind.thresholds)
            }
            Kind::ValueSum(kind) => {
                let field = format!("field: {}", kind.field);
                self.counted("value_sum", kind.timespan_ms, &[field], &kind.thresholds)
            }
            Kind::ValueAvg(kind) => {
                let field = format!("field: {}", kind.field);
                self.counted("value_avg", kind.timespan_ms, &[field], &kind.thresholds)
            }
            Kind::ValueMedian(kind) => {
                let field = format!("field: {}", kind.field);
                self.counted("value_median", kind.timespan_ms, &[field], &kind.thresholds)
            }
            Kind::ValuePercentile(kind) => {
                let field = [format!("field: {}", kind.field), format!("percentile: {}", kind.percentile)];
                self.counted("value_percentile", kind.timespan_ms, &field, &kind.thresholds)
            }
            Kind::Temporal(kind) => self.temporal(kind),
            Kind::TemporalOrdered(kind) => self.temporal_ordered(kind),
            Kind::Sequence(kind) => self.sequence(kind),
            Kind::Absence(kind) => self.absence(kind),
            Kind::NewValue(kind) => self.new_value(kind),
            Kind::Aggregate(kind) => self.aggregate(kind),
            Kind::Baseline(kind) => self.baseline(kind),
            Kind::RiskScore(kind) => self.risk_score(kind),
        };
        lines.extend(self.group_by());
        lines.push("generate: true".to_owned());
        lines
    }

    fn name(&self, branch: usize) -> &str {
        &self.rules[self.correlation.takes[branch]].name
    }

    fn names(&self, branches: &[usize]) -> String {
        let names: Vec<&str> = branches.iter().map(|branch| self.name(*branch)).collect();
        format!("[{}]", names.join(", "))
    }

    fn taken(&self) -> String {
        let all: Vec<usize> = (0..self.correlation.takes.len()).collect();
        format!("rules: {}", self.names(&all))
    }

    fn group_by(&self) -> Vec<String> {
        let groups = &self.correlation.group_by;
        if groups.is_empty() {
            return Vec::new();
        }
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let mut lines = vec![format!("group-by: [{}]", names.join(", "))];
        for group in groups.iter().filter(|group| !group.name.contains('.')) {
            let named = self.correlation.kind.names();
            let fields = group
                .fields
                .iter()
                .enumerate()
                .filter(|(branch, _)| named.as_ref().is_none_or(|named| named.contains(branch)));
            let fields: Vec<String> =
                fields.map(|(branch, field)| format!("{}: {field}", self.name(branch))).collect();
            lines.push(format!("aliases: {{{}: {{{}}}}}", group.name, fields.join(", ")));
        }
        lines
    }

    fn counted(
        &self,
        word: &str,
        timespan_ms: i64,
        beside: &[String],
        thresholds: &[Threshold],
    ) -> Vec<String> {
        vec![
            format!("type: {word}"),
            self.taken(),
            format!("timespan: {}", seconds(timespan_ms)),
            format!("condition: {{{}}}", [beside, &compared(thresholds)].concat().join(", ")),
        ]
    }

    fn temporal(&self, kind: &Temporal) -> Vec<String> {
        let mut lines = vec![
            "type: temporal".to_owned(),
            self.taken(),
            format!("timespan: {}", seconds(kind.timespan_ms)),
        ];
        lines.extend(match &kind.asked {
            Asked::Number(thresholds) if self.is_all(thresholds) => None,
            Asked::Number(thresholds) => Some(format!("condition: {{{}}}", compared(thresholds).join(", "))),
            Asked::Said(boolean) => Some(format!("condition: {}", self.boolean(boolean))),
        });
        lines
    }

    /// What is asked for where nothing is said.
    fn is_all(&self, thresholds: &[Threshold]) -> bool {
        let all = self.correlation.takes.len() as f64;
        matches!(thresholds, [Threshold { operator: Operator::Gte, value }] if *value == all)
    }

    fn boolean(&self, boolean: &Boolean) -> String {
        match boolean {
            Boolean::Rule(branch) => self.name(*branch).to_owned(),
            Boolean::Not(inner) => format!("not {}", self.boolean(inner)),
            Boolean::And(left, right) => format!("({} and {})", self.boolean(left), self.boolean(right)),
            Boolean::Or(left, right) => format!("({} or {})", self.boolean(left), self.boolean(right)),
        }
    }

    fn temporal_ordered(&self, kind: &TemporalOrdered) -> Vec<String> {
        let order: Vec<usize> = kind.run.iter().chain(&kind.without).copied().collect();
        let mut lines = vec![
            "type: temporal_ordered".to_owned(),
            format!("rules: {}", self.names(&order)),
            format!("timespan: {}", seconds(kind.timespan_ms)),
        ];
        if !kind.without.is_empty() {
            let there = kind.run.iter().map(|branch| self.name(*branch).to_owned());
            let not = kind.without.iter().map(|branch| format!("not {}", self.name(*branch)));
            lines.push(format!("condition: {}", there.chain(not).collect::<Vec<_>>().join(" and ")));
        }
        lines
    }

    fn sequence(&self, kind: &Sequence) -> Vec<String> {
        let steps = kind.steps.iter().map(|step| {
            let mut keys = vec![format!("rule: {}", self.names(&step.rules)), format!("min: {}", step.min)];
            keys.extend(step.max.map(|max| format!("max: {max}")));
            keys.extend(step.distinct.as_ref().map(|field| format!("distinct: {field}")));
            keys.extend(step.within_ms.map(|within_ms| format!("within: {}", seconds(within_ms))));
            format!("{{{}}}", keys.join(", "))
        });
        let steps: Vec<String> = steps.collect();
        let mut lines = vec![
            "type: sequence".to_owned(),
            format!("steps: [{}]", steps.join(", ")),
            format!("within: {}", seconds(kind.within_ms)),
        ];
        let listed = |key: &str, fields: &[String]| {
            (!fields.is_empty()).then(|| format!("{key}: [{}]", fields.join(", ")))
        };
        lines.extend((!kind.until.is_empty()).then(|| format!("until: {}", self.names(&kind.until))));
        lines.extend(listed("unequal", &kind.unequal));
        lines.extend(listed("equal", &self.correlation.equal));
        lines
    }

    fn absence(&self, kind: &Absence) -> Vec<String> {
        vec![
            "type: absence".to_owned(),
            format!("trigger: {}", self.names(&kind.trigger)),
            format!("absent: {}", self.names(&kind.absent)),
            format!("within: {}", seconds(kind.within_ms)),
            format!("when: {}", if kind.after { "after" } else { "before" }),
        ]
    }

    fn new_value(&self, kind: &NewValue) -> Vec<String> {
        vec![
            "type: new_value".to_owned(),
            self.taken(),
            format!("field: [{}]", kind.fields.join(", ")),
            format!("learning: {}", seconds(kind.learning_ms)),
            format!("forget: {}", seconds(kind.forget_ms)),
            format!("scope: {}", if kind.whole_org { "org" } else { "entity" }),
        ]
    }

    fn baseline(&self, kind: &Baseline) -> Vec<String> {
        let metric = match &kind.distinct {
            None => "count".to_owned(),
            Some(field) => format!("distinct({field})"),
        };
        vec![
            "type: baseline".to_owned(),
            self.taken(),
            format!("metric: {metric}"),
            format!("bucket: {}", seconds(kind.bucket_ms)),
            format!("history: {}", seconds(kind.history_ms)),
            format!("deviations: {}", kind.deviations),
            format!("floor: {}", kind.floor),
            format!("min_history: {}", seconds(kind.min_history_ms)),
            format!("hours_of_week: {}", kind.hours_of_week),
        ]
    }

    fn risk_score(&self, kind: &RiskScore) -> Vec<String> {
        let mut lines = vec![
            "type: risk_score".to_owned(),
            self.taken(),
            format!("timespan: {}", seconds(kind.timespan_ms)),
        ];
        lines.extend(kind.half_life_ms.map(|half_life_ms| format!("decay: {}", seconds(half_life_ms))));
        lines.extend(kind.threshold.map(|least| format!("threshold: {least}")));
        lines.extend(kind.distinct_tactics.map(|least| format!("distinct_tactics: {least}")));
        lines.extend(kind.distinct_techniques.map(|least| format!("distinct_techniques: {least}")));
        lines
    }

    fn aggregate(&self, kind: &Aggregate) -> Vec<String> {
        let figures = kind.condition.figures();
        let values = figures.iter().map(|place| {
            let (name, figure) = &kind.values[*place];
            format!("{name}: \"{}\"", self.figure(figure))
        });
        let values: Vec<String> = values.collect();
        let mut lines = vec![
            "type: aggregate".to_owned(),
            self.taken(),
            format!("timespan: {}", seconds(kind.timespan_ms)),
            format!("values: {{{}}}", values.join(", ")),
            format!("condition: \"{}\"", expression(kind, &kind.condition)),
        ];
        lines.extend(kind.per.as_ref().map(|per| format!("per: {per}")));
        lines
    }

    fn figure(&self, figure: &Figure) -> String {
        match figure {
            Figure::Count => "count".to_owned(),
            Figure::CountOf(branch) => format!("count({})", self.name(*branch)),
            Figure::Distinct(fields) => format!("distinct({})", fields.join(", ")),
            Figure::Sum(field) => format!("sum({field})"),
            Figure::Avg(field) => format!("avg({field})"),
            Figure::Min(field) => format!("min({field})"),
            Figure::Max(field) => format!("max({field})"),
            Figure::Median(field) => format!("median({field})"),
            Figure::Percentile(field, percent) => format!("percentile({field}, {percent})"),
            Figure::Share(field) => format!("share({field})"),
            Figure::ShareOf(branch) => format!("share({})", self.name(*branch)),
            Figure::Span => "span".to_owned(),
            Figure::Groups => "groups".to_owned(),
            Figure::Most => "most".to_owned(),
            Figure::Least => "least".to_owned(),
            Figure::Mean => "mean".to_owned(),
            Figure::ShareOfGroups(low, high) => format!("share({low}..{high})"),
        }
    }
}

fn compared(thresholds: &[Threshold]) -> Vec<String> {
    thresholds.iter().map(|threshold| format!("{}: {}", threshold.operator.word(), threshold.value)).collect()
}

fn expression(kind: &Aggregate, said: &Expression) -> String {
    match said {
        Expression::Or(left, right) => format!("({} or {})", expression(kind, left), expression(kind, right)),
        Expression::And(left, right) => {
            format!("({} and {})", expression(kind, left), expression(kind, right))
        }
        Expression::Not(inner) => format!("not ({})", expression(kind, inner)),
        Expression::Compare(left, operator, right) => {
            format!("{} {} {}", term(kind, left), sign(*operator), term(kind, right))
        }
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Gt => ">",
        Operator::Gte => ">=",
        Operator::Lt => "<",
        Operator::Lte => "<=",
        Operator::Eq => "==",
        Operator::Neq => "!=",
    }
}

fn term(kind: &Aggregate, of: &Term) -> String {
    match of {
        Term::Number(number) if *number == 0.5 => "50%".to_owned(),
        Term::Number(number) => number.to_string(),
        Term::Figure(place) => kind.values[*place].0.clone(),
        Term::Computed(left, arithmetic, right) => {
            let sign = match arithmetic {
                Arithmetic::Add => '+',
                Arithmetic::Subtract => '-',
                Arithmetic::Multiply => '*',
                Arithmetic::Divide => '/',
            };
            format!("{} {sign} {}", term(kind, left), term(kind, right))
        }
    }
}
