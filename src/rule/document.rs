//! What does one document say: a detection, a correlation or a filter, with what is known of it?

use uuid::Uuid;

use super::attack;
use super::case::{self, ReadTest};
use super::diagnostic::Findings;
use super::filter::{self, FilterDocument};
use super::options::{self, Options};
use super::reader::{Map, Spanned};
use super::types::CorrelationDocument;
use super::yaml::{Kind, Node};
use crate::limits;
use crate::model::{Attack, Level};

/// One rule as it was read.
#[derive(Debug)]
pub(super) struct Document<'n> {
    pub id: Spanned,
    pub name: Spanned,
    pub title: String,
    pub description: String,
    pub level: Level,
    pub status: String,
    pub author: String,
    pub tags: Vec<String>,
    pub attacks: Vec<Attack>,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    /// Sigma's `fields`: what an analyst wants to see besides.
    pub fields: Vec<Spanned>,
    pub options: Options<'n>,
    /// Of a detection.
    pub source: LogSource,
    pub content: Content<'n>,
    /// The whole document.
    pub node: &'n Node,
}

/// Which log a detection or a filter is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogSource {
    product: Option<String>,
    service: Option<String>,
}

impl LogSource {
    /// Whether it names the same, or less.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let same = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        same(&self.product, &other.product) && same(&self.service, &other.service)
    }
}

/// What a document holds.
#[derive(Debug)]
pub(super) enum Read<'n> {
    Rule(Box<Document<'n>>),
    Filter(Box<FilterDocument<'n>>),
}

#[derive(Debug)]
pub(super) enum Content<'n> {
    /// The map under `detection`.
    Detection(&'n Node),
    Correlation(CorrelationDocument),
}

/// Sigma's top-level keys, then ours.
pub(super) const KEYS: &[&str] = &[
    "title",
    "id",
    "name",
    "taxonomy",
    "related",
    "status",
    "description",
    "license",
    "references",
    "author",
    "date",
    "modified",
    "logsource",
    "detection",
    "correlation",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    options::KEY,
    "tests",
];
pub(super) const LEVELS: &[Level] =
    &[Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];
pub(super) const STATUSES: &[&str] = &["stable", "test", "experimental", "deprecated", "unsupported"];

/// The keys of a log source; a category has a mistake of its own.
pub(super) const LOGSOURCE_KEYS: &[&str] = &["product", "service", "category", "definition"];

/// What a filter may say besides; it matches nothing itself and so has no options.
pub(super) const FILTER_KEYS: &[&str] = &[
    "title",
    "id",
    "name",
    "taxonomy",
    "related",
    "status",
    "description",
    "license",
    "references",
    "author",
    "date",
    "modified",
    "logsource",
    "filter",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "tests",
];

/// Reads one document. Its tests are read even when the rule itself is wrong.
pub(super) fn read<'n>(node: &'n Node, findings: &mut Findings) -> (Option<Read<'n>>, Vec<ReadTest>) {
    let is_filter =
        matches!(&node.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key == "filter"));
    let what = if is_filter { "a filter" } else { "a rule" };
    let Some(map) = Map::of(node, what, findings) else { return (None, Vec::new()) };
    let tests = map.get("tests").map(|node| case::read(node, findings)).unwrap_or_default();
    if is_filter {
        map.only(FILTER_KEYS, findings);
        return (filter::read(&map, findings).map(|filter| Read::Filter(Box::new(filter))), tests);
    }
    map.only(KEYS, findings);
    (document(node, &map, findings).map(|document| Read::Rule(Box::new(document))), tests)
}

/// Keys whose texts are in no alert.
const NO_PROSE: &[&str] = &["detection", "correlation", "tests"];

fn bound_prose(map: &Map<'_>, findings: &mut Findings) -> Option<()> {
    let prose = map.entries.iter().filter(|entry| !NO_PROSE.contains(&entry.key.as_str()));
    if prose.map(|entry| entry.value.bytes()).sum::<usize>() > limits::RULE_PROSE_BYTES {
        let most = limits::RULE_PROSE_BYTES;
        let message = format!("what a rule says besides what it matches has at most {most} bytes");
        findings.error(map.first_key(), "too-large", message);
        return None;
    }
    Some(())
}

fn document<'n>(node: &'n Node, map: &Map<'n>, findings: &mut Findings) -> Option<Document<'n>> {
    bound_prose(map, findings)?;
    let tags = map.texts("tags", findings);
    let plain = |texts: Vec<Spanned>| texts.into_iter().map(|text| text.text).collect();
    let title = title(map, findings);
    let id = id(map, findings);
    let name = name(map, findings);
    let (level, status) = words(map, findings);
    let text = |key: &str, findings: &mut Findings| map.text(key, findings).map(|text| text.text);
    let content = content(map, findings);
    let (content, source) = content.unzip();
    Some(Document {
        title: title.map(|title| title.text).unwrap_or_default(),
        description: text("description", findings).unwrap_or_default(),
        level,
        status: status.to_owned(),
        author: text("author", findings).unwrap_or_default(),
        attacks: attack::from_tags(&tags, findings),
        tags: plain(tags),
        references: plain(map.texts("references", findings)),
        false_positives: plain(map.texts("falsepositives", findings)),
        fields: map.texts("fields", findings),
        options: Options::read(map.get(options::KEY), findings),
        content: content?,
        source: source.unwrap_or_default(),
        node,
        id: id?,
        name: name?,
    })
}

pub(super) fn title(map: &Map<'_>, findings: &mut Findings) -> Option<Spanned> {
    map.require("title", findings)?;
    let title = map.text("title", findings)?;
    if title.text.chars().count() > limits::RULE_TITLE_CHARS {
        let message = format!("a title has at most {} characters", limits::RULE_TITLE_CHARS);
        findings.error(title.span, "too-large", message);
    }
    Some(title)
}

pub(super) fn id(map: &Map<'_>, findings: &mut Findings) -> Option<Spanned> {
    map.require("id", findings)?;
    let id = map.text("id", findings)?;
    if id.text.len() != 36 || Uuid::parse_str(&id.text).is_err() {
        let finding = findings.error(id.span, "id", format!("`{}` is no UUID", id.text));
        finding
            .help("Write one such as `929a690e-bef0-4204-a928-ef5e620d6fcc`, made once and never changed.");
        return None;
    }
    Some(Spanned { text: id.text.to_lowercase(), span: id.span })
}

pub(super) fn name(map: &Map<'_>, findings: &mut Findings) -> Option<Spanned> {
    map.require("name", findings)?;
    let name = map.text("name", findings)?;
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let starts_well = name.text.starts_with(|first: char| first.is_ascii_lowercase());
    if !starts_well || !name.text.bytes().all(allowed) {
        let finding = findings.error(name.span, "name", format!("`{}` is no name of a rule", name.text));
        finding.help("A name is a letter, then letters, digits and hyphens, all in lower case.");
        return None;
    }
    if name.text.len() > limits::RULE_NAME_BYTES {
        let message = format!("a name has at most {} characters", limits::RULE_NAME_BYTES);
        findings.error(name.span, "too-large", message);
        return None;
    }
    Some(name)
}

/// Level and status, which must be those that Sigma knows; dates must be dates.
pub(super) fn words(map: &Map<'_>, findings: &mut Findings) -> (Level, &'static str) {
    let levels: Vec<&str> = LEVELS.iter().map(|level| level.as_str()).collect();
    let level = map.word("level", &levels, findings).and_then(|place| LEVELS.get(place).copied());
    let status = map.word("status", STATUSES, findings).and_then(|place| STATUSES.get(place).copied());
    dates(map, findings);
    (level.unwrap_or_default(), status.unwrap_or_default())
}

fn dates(map: &Map<'_>, findings: &mut Findings) {
    for key in ["date", "modified"] {
        let Some(date) = map.text(key, findings) else { continue };
        if date.text.replace('/', "-").parse::<jiff::civil::Date>().is_err() {
            let finding = findings.error(date.span, "date", format!("`{}` is no date", date.text));
            finding.help("Write it as `2026-08-31`.");
        }
    }
}

fn content<'n>(map: &Map<'n>, findings: &mut Findings) -> Option<(Content<'n>, LogSource)> {
    match (map.get("detection"), map.get("correlation")) {
        (Some(_), Some(_)) => {
            let message = "a rule is a detection or a correlation, not both";
            let finding = findings.error(map.key_span("correlation")?, "rule-kind", message);
            finding.related(map.key_span("detection")?, "the detection stands here");
            None
        }
        (None, Some(node)) => {
            let read = CorrelationDocument::read(node, findings);
            read.map(|correlation| (Content::Correlation(correlation), LogSource::default()))
        }
        (Some(node), None) => {
            let source = logsource(map, findings).unwrap_or_default();
            if let Some(span) = map.key_span("logsource").filter(|_| source.product.is_none()) {
                findings.error(span, "missing-key", "`logsource` needs `product`");
            }
            Some((Content::Detection(node), source))
        }
        (None, None) => {
            findings.error(map.first_key(), "missing-key", "a rule needs `detection` or `correlation`");
            None
        }
    }
}

/// A log source is Okta's, whatever part of it is named.
pub(super) fn logsource(map: &Map<'_>, findings: &mut Findings) -> Option<LogSource> {
    let node = map.require("logsource", findings)?;
    let source = Map::of(node, "`logsource`", findings)?;
    source.only(LOGSOURCE_KEYS, findings);
    let mut okta = |key: &str| {
        let word = source.text(key, findings)?;
        if word.text != "okta" {
            let message = format!("the {key} is `okta`, not `{}`", word.text);
            findings.error(word.span, "logsource", message);
        }
        Some(word.text)
    };
    let found = LogSource { product: okta("product"), service: okta("service") };
    if let Some(span) = source.key_span("category") {
        findings.error(span, "logsource", "events of Okta have no category in Sigma");
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, correlation, document, told};

    fn mistakes(change: impl Fn(String) -> String) -> Vec<(&'static str, String)> {
        told(compile(&[change(document("one", "sel: {eventType: a}\ncondition: sel", "level: low"))]))
    }

    fn mistake(from: &str, to: &str) -> (&'static str, String) {
        mistakes(|text| text.replace(from, to)).remove(0)
    }

    #[test]
    fn what_a_rule_must_have_is_asked_for() {
        for key in ["title: T\n", "name: one\n", "logsource: {product: okta, service: okta}\n"] {
            let word = key.split(':').next().unwrap();
            assert_eq!(mistake(key, ""), ("missing-key", format!("a rule needs `{word}`")));
        }
        assert_eq!(mistake("id: ", "id: x").0, "id");
        assert_eq!(mistake("name: one", "name: One rule").0, "name");
        assert_eq!(told(compile(&["- a list\n".to_owned()]))[0].1, "a rule is a map, not a list");
    }

    #[test]
    fn keys_and_words_that_are_unknown_are_told_with_a_guess() {
        let found =
            compile(&[document("one", "sel: {eventType: a}\ncondition: sel", "levle: low")]).unwrap_err();
        assert_eq!(found[0].message, "a rule has no key `levle`");
        assert_eq!(found[0].help.as_deref(), Some("did you mean `level`?"));
        assert_eq!(mistake("level: low", "level: hihg").1, "`hihg` is no level");
        assert_eq!(mistake("level: low", "status: done").1, "`done` is no status");
        assert_eq!(mistake("level: low", "date: soon").1, "`soon` is no date");
        assert_eq!(mistake("level: low", "oktawatch: {supress: 1h}").1, "`oktawatch` has no key `supress`");
        assert_eq!(mistake("level: low", "oktawatch: {risk: 101}").0, "wrong-type");
        assert_eq!(mistake("level: low", "oktawatch: {entity: host}").1, "`host` is no entity");
        assert_eq!(
            mistakes(|text| text.replace("level: low", "date: 2026-08-31\nlicense: MIT\nrelated: []")),
            []
        );
    }

    #[test]
    fn another_product_is_refused() {
        assert_eq!(mistake("product: okta", "product: aws").1, "the product is `okta`, not `aws`");
        assert_eq!(mistake("service: okta", "service: sshd").1, "the service is `okta`, not `sshd`");
        assert_eq!(mistake("service: okta", "category: x").0, "logsource");
    }

    #[test]
    fn what_this_version_does_not_evaluate_is_refused_by_name() {
        let of = |lines: &str| {
            let base = document("base", "sel: {eventType: a}\ncondition: sel", "");
            told(compile(&[base, correlation("c", &format!("rules: base\ntimespan: 1m\n{lines}"))])).remove(0)
        };
        assert_eq!(of("type: sequnce\ncondition: {gte: 1}").0, "unknown-correlation");
        assert_eq!(of("type: event_count\ncondition: {gte: 0}").0, "condition");
        assert_eq!(of("type: event_count\ncondition: {lt: 1}").0, "condition");
        assert_eq!(of("type: event_count").1, "`correlation` needs `condition`");
        assert_eq!(of("type: value_sum\ncondition: {field: [actor.id], gte: 1}").0, "wrong-type");
        assert_eq!(of("type: value_percentile\ncondition: {field: actor.id, gte: 1}").0, "missing-key");
        assert_eq!(of("type: value_count\ncondition: {gte: 1}").1, "`condition` needs `field`");
        assert_eq!(of("type: event_count\ncondition: {field: actor.id, gte: 1}").0, "unknown-key");
        assert_eq!(of("type: event_count\ncondition: {gte: many}").0, "wrong-type");
    }

    #[test]
    fn names_and_ids_are_taken_once() {
        let one = document("one", "sel: {eventType: a}\ncondition: sel", "");
        let codes: Vec<_> = told(compile(&[one.clone(), one])).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), 2);
        assert!(codes.contains(&"duplicate-name") && codes.contains(&"duplicate-id"));
    }

    #[test]
    fn the_mistakes_of_all_documents_are_told_at_once() {
        let found = told(compile(&[
            document("one", "sel: {evntType: a}\ncondition: sel", ""),
            document("two", "sel: {eventType|contans: a}\ncondition: sell", ""),
            correlation("c", "type: temporal\nrules: three\ntimespan: 1 hour"),
        ]));
        let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, ["unknown-field", "unknown-modifier", "condition", "timespan"]);
    }
}
