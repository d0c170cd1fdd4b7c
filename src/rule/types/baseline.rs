//! `baseline`: of what does an entity have a habit, and how far above it must it be?

use super::super::correlation::{Counted, Test};
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{Map, Spanned};
use super::super::selection::Reading;
use super::super::sources::Span;
use super::super::timespan;
use super::super::yaml::Literal;
use super::{Content, TestDocument};
use crate::limits;
use crate::model::FieldTable;

/// Its keys.
pub(super) const KEYS: &[&str] =
    &["rules", "metric", "bucket", "history", "deviations", "floor", "min_history", "hours_of_week"];

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const HISTORY_MS: i64 = 30 * DAY_MS;
const MIN_HISTORY_MS: i64 = 7 * DAY_MS;
const THOUSANDTHS: u64 = 3_000;
const FLOOR: i64 = 5;
const FLOOR_MAX: i64 = 1_000_000_000;

/// A bucket of time that is far above the ones before it.
#[derive(Clone, Debug)]
pub struct BaselineTest {
    /// Distinct values of this count; without it, events.
    pub distinct: Option<Counted>,
    /// Length of a bucket, ms.
    pub bucket_ms: i64,
    /// How many buckets the history has.
    pub buckets: i64,
    /// Every how many buckets one counts: 1, or with `hours_of_week` those of a week.
    pub step: i64,
    /// How many thousandths of a standard deviation above the mean.
    pub thousandths: u64,
    /// The figure is at least this.
    pub floor: u64,
    /// So long before the bucket the entity must have been seen, ms.
    pub min_history_ms: i64,
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct BaselineDocument {
    distinct: Option<Vec<Spanned>>,
    test: BaselineTest,
}

pub(super) fn read(map: &Map<'_>, findings: &mut Findings) -> Option<Content> {
    let rules = super::rules(map, findings);
    let distinct = metric(map, findings);
    map.require("bucket", findings);
    let most = limits::ENTITY_QUIET_MS;
    let bucket_ms = super::span(map, "bucket", 1..=most, 0, findings);
    let history_ms = super::span(map, "history", 1..=most, HISTORY_MS, findings);
    let thousandths = deviations(map, findings);
    let floor = match map.get("floor") {
        Some(_) => map.integer("floor", FLOOR_MAX, findings),
        None => Some(FLOOR),
    };
    let (bucket_ms, history_ms) = (bucket_ms.filter(|bucket_ms| *bucket_ms > 0)?, history_ms?);
    let otherwise = MIN_HISTORY_MS.min(history_ms);
    let min_history_ms = super::span(map, "min_history", 0..=most, otherwise, findings);
    let step = step(map, bucket_ms, findings);
    let buckets = buckets(map, bucket_ms, history_ms, step?, findings);
    let test = BaselineTest {
        distinct: None,
        bucket_ms,
        buckets: buckets?,
        step: step?,
        thousandths: thousandths?,
        floor: u64::try_from(floor?).unwrap_or_default(),
        min_history_ms: min_history_ms?,
    };
    let document = BaselineDocument { distinct: distinct?, test };
    Some(Content { rules, timespan_ms: bucket_ms, test: TestDocument::Baseline(document) })
}

/// `count`, which is no field, or the fields of `distinct(…)`.
fn metric(map: &Map<'_>, findings: &mut Findings) -> Option<Option<Vec<Spanned>>> {
    if map.get("metric").is_none() {
        return Some(None);
    }
    let written = map.text("metric", findings)?;
    let text = written.text.trim();
    if text == "count" {
        return Some(None);
    }
    let inside = text.strip_prefix("distinct").and_then(|rest| rest.trim_start().strip_prefix('('));
    let names: Vec<&str> =
        inside.and_then(|rest| rest.strip_suffix(')')).into_iter().flat_map(|list| list.split(',')).collect();
    let fields = names.iter().map(|name| Spanned { text: name.trim().to_owned(), span: written.span });
    let fields: Vec<Spanned> = fields.collect();
    if fields.is_empty() || fields.iter().any(|field| field.text.is_empty()) {
        let finding = findings.error(written.span, "metric", format!("`{text}` is no metric"));
        finding.help("It is `count`, or `distinct(field)` for the number of distinct values.");
        return None;
    }
    super::bounded("metric", limits::COUNTED_FIELDS, fields, findings).map(Some)
}

/// As thousandths, in which figures are compared without rounding.
fn deviations(map: &Map<'_>, findings: &mut Findings) -> Option<u64> {
    let Some(node) = map.get("deviations") else { return Some(THOUSANDTHS) };
    let number = match node.scalar().map(|scalar| scalar.literal()) {
        Some(Literal::Integer(number)) => Some(number as f64),
        Some(Literal::Float(number)) => Some(number),
        _ => None,
    };
    let Some(number) = number.filter(|number| (0.0..=100.0).contains(number)) else {
        findings.error(node.span, "wrong-type", "`deviations` is a number from 0 to 100");
        return None;
    };
    let thousandths = number * 1_000.0;
    if (thousandths - thousandths.round()).abs() > 1e-6 {
        findings.error(node.span, "wrong-type", "`deviations` has at most three decimals");
        return None;
    }
    Some(thousandths.round() as u64)
}

fn step(map: &Map<'_>, bucket_ms: i64, findings: &mut Findings) -> Option<i64> {
    if !map.boolean("hours_of_week", findings).unwrap_or_default() {
        return Some(1);
    }
    if bucket_ms != HOUR_MS {
        let finding =
            findings.error(span_of(map, "bucket"), "timespan", "an hour of the week has `bucket: 1h`");
        finding.help("With another bucket, leave out `hours_of_week`.");
        return None;
    }
    Some(7 * 24)
}

/// How many buckets the history has: at least one that counts, and no more than is bearable.
fn buckets(
    map: &Map<'_>,
    bucket_ms: i64,
    history_ms: i64,
    step: i64,
    findings: &mut Findings,
) -> Option<i64> {
    let buckets = history_ms / bucket_ms;
    let most = limits::BUCKETS_PER_HISTORY;
    let message = if buckets < step {
        format!("a history of {} has no bucket that could count", timespan::spell(history_ms))
    } else if buckets > most {
        format!("a history has at most {most} buckets, not {buckets}")
    } else {
        return Some(buckets);
    };
    let place = if map.get("history").is_some() { "history" } else { "bucket" };
    findings.error(span_of(map, place), "timespan", message);
    None
}

fn span_of(map: &Map<'_>, key: &str) -> Span {
    map.get(key).map_or_else(|| map.first_key(), |node| node.span)
}

impl BaselineDocument {
    pub(in super::super) fn link(
        &self,
        linking: &Linking<'_, '_>,
        reading: &mut Reading<'_>,
    ) -> Option<Test> {
        let distinct = match &self.distinct {
            Some(fields) => Some(linking.counted(fields, reading)?),
            None => None,
        };
        Some(Test::Baseline(BaselineTest { distinct, ..self.test.clone() }))
    }
}

impl BaselineTest {
    /// The counted fields of a branch.
    pub(in super::super) fn role(&self, branch: usize, table: &FieldTable) -> String {
        self.distinct.as_ref().map_or_else(String::new, |counted| counted.paths(branch, table).join(" "))
    }

    pub(in super::super) fn meaning(&self) -> Vec<String> {
        let figures = [self.bucket_ms, self.buckets, self.step, self.min_history_ms].map(|it| it.to_string());
        let bounds = [self.thousandths, self.floor].map(|it| it.to_string());
        let metric = if self.distinct.is_some() { "distinct" } else { "count" };
        figures.into_iter().chain(bounds).chain([metric.to_owned()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{compile, correlation, document, told};
    use super::super::super::{Body, RuleSet};
    use super::*;

    fn set(lines: &str) -> Result<RuleSet, Vec<(&'static str, String)>> {
        let base = document("base", "sel: {eventType: a}\ncondition: sel", "");
        let text = format!("type: baseline\nrules: base\ngroup-by: [actor.id]\n{lines}");
        compile(&[base, correlation("c", &text)]).map_err(|found| told(Err(found)))
    }

    fn test(lines: &str) -> BaselineTest {
        let set = set(lines).unwrap();
        match &set.rules[1].body {
            Body::Correlation(correlation) => match &correlation.test {
                Test::Baseline(test) => test.clone(),
                other => panic!("{other:?}"),
            },
            Body::Detection(_) => panic!("a detection"),
        }
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let plain = test("bucket: 1h");
        assert_eq!((plain.bucket_ms, plain.buckets, plain.step), (HOUR_MS, 720, 1));
        assert_eq!((plain.thousandths, plain.floor, plain.min_history_ms), (3_000, 5, 7 * DAY_MS));
        assert!(plain.distinct.is_none());
        assert_eq!(set("bucket: 1h").unwrap().rules[1].info.suppress_ms, HOUR_MS);
        assert_eq!(test("bucket: 1h\nhistory: 3d").min_history_ms, 3 * DAY_MS);
    }

    #[test]
    fn everything_can_be_said() {
        let told = test(
            "metric: distinct(client.ipAddress, client.zone)\nbucket: 1h\nhistory: 28d\ndeviations: 2.5\n\
             floor: 3\nmin_history: 14d\nhours_of_week: true",
        );
        assert_eq!((told.buckets, told.step, told.thousandths), (672, 168, 2_500));
        assert_eq!((told.floor, told.min_history_ms), (3, 14 * DAY_MS));
        let distinct = told.distinct.unwrap();
        assert_eq!((distinct.name.as_str(), distinct.fields.len()), ("client.ipAddress, client.zone", 2));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mistake = |lines: &str| set(lines).unwrap_err().remove(0);
        assert_eq!(mistake("metric: count").1, "`correlation` needs `bucket`");
        assert_eq!(mistake("bucket: 1h\nmetric: sum(client.zone)").1, "`sum(client.zone)` is no metric");
        assert_eq!(mistake("bucket: 1h\nmetric: distinct()").0, "metric");
        assert_eq!(mistake("bucket: 1h\nmetric: distinct(client.zon)").0, "unknown-field");
        assert_eq!(mistake("bucket: 1h\ndeviations: -1").1, "`deviations` is a number from 0 to 100");
        assert_eq!(mistake("bucket: 1h\ndeviations: 2.0005").0, "wrong-type");
        assert_eq!(mistake("bucket: 1m\nhistory: 30d").1, "a history has at most 10000 buckets, not 43200");
        assert!(mistake("bucket: 1d\nhistory: 12h").1.starts_with("a history of 12h has no bucket"));
        assert_eq!(mistake("bucket: 1d\nhours_of_week: true").1, "an hour of the week has `bucket: 1h`");
        assert!(mistake("bucket: 1h\nhistory: 6d\nhours_of_week: true").1.contains("no bucket"));
        assert_eq!(mistake("bucket: 1h\nfloor: -5").0, "wrong-type");
        assert_eq!(mistake("bucket: 1h\nflor: 5").0, "unknown-key");
    }

    #[test]
    fn every_part_of_the_meaning_is_in_the_digest() {
        let others = [
            "bucket: 1h",
            "bucket: 2h",
            "bucket: 1h\nhistory: 28d",
            "bucket: 1h\ndeviations: 2",
            "bucket: 1h\nfloor: 6",
            "bucket: 1h\nmin_history: 8d",
            "bucket: 1h\nhours_of_week: true",
            "bucket: 1h\nmetric: distinct(client.zone)",
            "bucket: 1h\nmetric: distinct(client.ipAddress)",
        ];
        let digest = |lines: &&str| set(lines).unwrap().rules[1].info.digest.clone();
        let digests: std::collections::BTreeSet<_> = others.iter().map(digest).collect();
        assert_eq!(digests.len(), others.len());
    }
}
