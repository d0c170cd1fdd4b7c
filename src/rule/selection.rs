//! What does a selection match?
//!
//! What Sigma leaves open is decided so: `neq` means that no value of the field equals any of the
//! list, so a field without a value satisfies it; `''` asks for an absent field like `null` does,
//! as empty values are absent. A keyword, which names no field, is looked for inside every text, number
//! and boolean of Okta's event (not in what is computed of it); without a modifier it need not be the
//! whole of it. Under `all`, each keyword may stand in another value.

use smallvec::SmallVec;

use super::budget::Budget;
use super::detection::{Comparison, Expression};
use super::diagnostic::Findings;
use super::fields::{self, PathKind};
use super::lists::Lists;
use super::modifier::{self, Modifiers, Operation};
use super::reader::Spanned;
use super::sources::Span;
use super::value::spelled;
use super::wildcard::{Symbol, symbols};
use super::yaml::{Entry, Kind, Literal, Node};
use crate::limits;
use crate::model::{FieldId, FieldKind, FieldTable, KEYWORDS, core};

/// What reading a detection fills besides its expressions.
pub(super) struct Reading<'c> {
    pub table: &'c mut FieldTable,
    pub lists: &'c mut Lists,
    pub budget: &'c mut Budget,
    pub findings: &'c mut Findings,
    /// The fields it reads, each once, in the order they are named.
    pub reads: Vec<FieldId>,
    /// The event types it names, for the check against Okta's catalogue.
    pub event_types: Vec<Spanned>,
}

/// The table is full.
pub(super) const TOO_MANY_FIELDS: &str = "too-many-fields";

/// Spellings of an absent value: no event ever holds them.
const SENTINELS: &[&str] = &["null", "unknown", "None", "-"];

/// A field as a selection names it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'s> {
    pub id: FieldId,
    path: &'s str,
    kind: FieldKind,
}

impl Reading<'_> {
    /// A map (all must match), a keyword, or a list of either (one must).
    pub(super) fn selection(&mut self, node: &Node) -> Option<Expression> {
        match &node.kind {
            Kind::Map(entries) => self.map(node, entries),
            Kind::List(items) if items.is_empty() => {
                self.fail(node.span, "empty", "a selection needs a field or a keyword")
            }
            Kind::List(items) => self.list(items),
            Kind::Scalar(_) => self.keywords(&Modifiers::default(), node, node.span),
        }
    }

    /// The keywords among the items are searched for together.
    fn list(&mut self, items: &[Node]) -> Option<Expression> {
        let mut words = Vec::new();
        let mut parts = Vec::new();
        for item in items {
            match self.selection(item) {
                Some(Expression::Test(field, patterns)) if item.scalar().is_some() => {
                    words.push(Expression::Test(field, patterns));
                }
                part => parts.push(part),
            }
        }
        let keywords = (!words.is_empty()).then(|| any_value(words));
        let parts: Option<Vec<_>> = parts.into_iter().chain(keywords.map(Some)).collect();
        parts.map(Expression::Any)
    }

    /// A field by its path, which is added to the table. `container`: presence is all that is asked.
    pub(super) fn field(&mut self, path: &Spanned, container: bool) -> Option<FieldId> {
        match fields::kind_of(&path.text) {
            PathKind::Value => {}
            PathKind::Container if container => {}
            PathKind::Container => {
                let message =
                    format!("`{}` is an object or a list, which has no value to compare", path.text);
                let finding = self.findings.error(path.span, "container-field", message);
                finding.help("Name a field inside it, or ask for it with `|exists: true` or `null`.");
                return None;
            }
            PathKind::Unknown => {
                let message = format!("no field `{}`", path.text);
                let near = self.findings.guess(|| fields::suggestion(&path.text));
                self.findings.error(path.span, "unknown-field", message).suggest(near.as_deref(), || {
                    "`oktawatch fields` lists every field a rule may use".to_owned()
                });
                return None;
            }
        }
        self.place(&path.text, path.span)
    }

    fn place(&mut self, path: &str, span: Span) -> Option<FieldId> {
        let id = self.table.read(path);
        if id.is_none() {
            let message = format!("all rules together read more than {} fields", limits::FIELDS);
            self.findings.error(span, TOO_MANY_FIELDS, message);
        }
        id
    }

    fn map(&mut self, node: &Node, entries: &[Entry]) -> Option<Expression> {
        if entries.is_empty() {
            return self.fail(node.span, "empty", "a selection needs a field");
        }
        let parts: Vec<_> = entries.iter().map(|entry| self.item(entry)).collect();
        parts.into_iter().collect::<Option<_>>().map(Expression::All)
    }

    /// One field with what it must be.
    pub(super) fn item(&mut self, entry: &Entry) -> Option<Expression> {
        let (path, modifiers) = modifier::parse(&entry.key, entry.key_span, self.findings)?;
        if path.text.is_empty() {
            return self.keywords(&modifiers, &entry.value, entry.key_span);
        }
        let values = self.values(&modifiers, &entry.value)?;
        let presence = modifiers.operation == Operation::Exists
            || values.iter().all(|(literal, _)| asks_presence(literal, &modifiers));
        let id = self.field(&path, presence)?;
        let subject = Subject { id, path: &path.text, kind: fields::value_kind(&path.text) };
        self.check_kind(subject.path, subject.kind, &modifiers, path.span)?;
        if !self.reads.contains(&id) {
            self.reads.push(id);
        }
        self.note(id, &modifiers, &values);
        self.linked(subject, &modifiers, &values)
    }

    /// Searches the whole event; no evidence is made of that.
    fn keywords(&mut self, modifiers: &Modifiers, node: &Node, span: Span) -> Option<Expression> {
        let takes_field = modifiers.compares()
            || modifiers.fieldref
            || modifiers.part.is_some()
            || matches!(modifiers.operation, Operation::Exists | Operation::Cidr);
        if takes_field {
            let finding = self.findings.error(span, "keywords", "this asks for a field, and none is named");
            finding.help("Keywords go with contains, startswith, endswith, re, all, cased and encodings.");
            return None;
        }
        let values = self.values(modifiers, node)?;
        let says_nothing = |literal: &Literal| {
            let text = spelled(literal);
            *literal == Literal::Null
                || modifiers.operation != Operation::Regex
                    && symbols(&text).iter().all(|symbol| *symbol == Symbol::Star)
        };
        if let Some((literal, span)) = values.iter().find(|(literal, _)| says_nothing(literal)) {
            return match literal {
                Literal::Null => self.fail(*span, "wrong-type", "null asks for a field, and none is named"),
                _ => self.fail(*span, "empty", "every event holds such a keyword"),
            };
        }
        let mut modifiers = modifiers.clone();
        if modifiers.operation == Operation::Equals {
            modifiers.operation = Operation::Contains;
        }
        let id = self.place(KEYWORDS, span)?;
        self.linked(Subject { id, path: KEYWORDS, kind: FieldKind::Text }, &modifiers, &values)
    }

    /// The values as the modifiers say: any of them, all, or none.
    fn linked(
        &mut self,
        subject: Subject<'_>,
        modifiers: &Modifiers,
        values: &[(Literal, Span)],
    ) -> Option<Expression> {
        let parts: Vec<Expression> = if modifiers.expand {
            self.expanded(subject, modifiers, values)?
        } else {
            self.each(subject, modifiers, values)?
        };
        let slow = |part: &Expression| match part {
            Expression::Test(_, patterns) => patterns.iter().filter(|pattern| pattern.is_slow()).count(),
            _ => 0,
        };
        if parts.iter().map(slow).sum::<usize>() > limits::RULE_SLOW_VALUES {
            let most = limits::RULE_SLOW_VALUES;
            let message =
                format!("a field takes at most {most} values with wildcards inside, or regular expressions");
            let span = values.first().map(|(_, span)| *span).unwrap_or_default();
            return self.fail(span, "too-large", message);
        }
        let joined = if modifiers.all { Expression::All(parts) } else { any_value(parts) };
        Some(if modifiers.neq { Expression::Not(Box::new(joined)) } else { joined })
    }

    fn values(&mut self, modifiers: &Modifiers, node: &Node) -> Option<Vec<(Literal, Span)>> {
        let mut literal = |node: &Node| {
            let scalar = node.scalar()?;
            if scalar.plain && is_read_in_two_ways(&scalar.text) {
                let message = format!(
                    "YAML 1.1, which other Sigma tools read, takes `{}` for something else",
                    scalar.text
                );
                self.findings.warning(node.span, "ambiguous-yaml", message).help("Put it in quotes.");
            }
            Some((scalar.literal(), node.span))
        };
        let most = if modifiers.all { limits::RULE_ALL_VALUES } else { limits::RULE_VALUES };
        let values = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                return self.fail(node.span, "empty", "an empty list matches nothing");
            }
            Kind::List(items) if items.len() > most => {
                let how = if modifiers.all { " under `all`" } else { "" };
                let message = format!("a field takes at most {most} values{how}");
                return self.fail(node.span, "too-large", message);
            }
            Kind::List(items) => items.iter().map(literal).collect(),
            _ => literal(node).map(|value| vec![value]),
        };
        values.or_else(|| self.fail(node.span, "wrong-type", "a field takes a value or a list of values"))
    }

    /// Warns of values no event holds, and keeps the event types that are named.
    fn note(&mut self, field: FieldId, modifiers: &Modifiers, values: &[(Literal, Span)]) {
        if !modifiers.is_plain() {
            return;
        }
        for (literal, span) in values {
            let absent = match literal {
                Literal::Text(text) => SENTINELS.contains(&text.as_str()),
                Literal::Integer(number) => *number == 0 && field == core::AS_NUMBER,
                _ => false,
            };
            if absent {
                let message = "this is how an absent value is written; no event holds it";
                let finding = self.findings.warning(*span, "sentinel", message);
                finding.help("Write `null`, which matches a field without a value.");
            }
            if let (Literal::Text(text), core::EVENT_TYPE) = (literal, field) {
                self.event_types.push(Spanned { text: text.clone(), span: *span });
            }
        }
    }

    pub(super) fn value(
        &mut self,
        subject: Subject<'_>,
        modifiers: &Modifiers,
        literal: &Literal,
        span: Span,
    ) -> Option<Expression> {
        let field = subject.id;
        if modifiers.fieldref {
            return self.comparison(field, modifiers, literal, span);
        }
        let absent = || Expression::Not(Box::new(Expression::Exists(field)));
        match (modifiers.operation, literal) {
            (Operation::Exists, Literal::Boolean(true)) => return Some(Expression::Exists(field)),
            (Operation::Exists, Literal::Boolean(false)) => return Some(absent()),
            (Operation::Exists, _) => return self.fail(span, "wrong-type", "`exists` takes true or false"),
            (_, Literal::Null) if modifiers.is_plain() => return Some(absent()),
            (_, Literal::Text(text)) if modifiers.is_plain() && text.is_empty() => return Some(absent()),
            (_, Literal::Null) => {
                return self.fail(span, "wrong-type", "null can only be asked for without a modifier");
            }
            _ => {}
        }
        let patterns = self.patterns(subject.kind, modifiers, literal, span)?;
        self.budget.take_patterns(patterns.len(), span, self.findings)?;
        Some(Expression::Test(field, patterns))
    }

    fn comparison(
        &mut self,
        left: FieldId,
        modifiers: &Modifiers,
        literal: &Literal,
        span: Span,
    ) -> Option<Expression> {
        let Literal::Text(path) = literal else {
            return self.fail(span, "wrong-type", "`fieldref` takes the path of a field");
        };
        let right = self.field(&Spanned { text: path.clone(), span }, false)?;
        if !self.reads.contains(&right) {
            self.reads.push(right);
        }
        let Modifiers { operation, cased, .. } = *modifiers;
        Some(Expression::Compare(Comparison { left, right, operation, cased }))
    }

    pub(super) fn fail<T>(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> Option<T> {
        self.findings.error(span, code, message);
        None
    }
}

fn asks_presence(literal: &Literal, modifiers: &Modifiers) -> bool {
    let any_value = match literal {
        Literal::Null => true,
        Literal::Text(text) => text == "*",
        _ => false,
    };
    any_value && modifiers.is_plain()
}

/// A boolean, an octal or sexagesimal number, one with underscores or a date in YAML 1.1; text or a
/// decimal number since.
fn is_read_in_two_ways(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(is_digit);
    let joined = text.starts_with(|first: char| first.is_ascii_digit())
        && text.contains([':', '_'])
        && text.bytes().all(|byte| is_digit(byte) || matches!(byte, b':' | b'_'));
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts = date.split('-').map(|part| if part.bytes().all(is_digit) { part.len() } else { 0 });
    let date = matches!(parts.collect::<SmallVec<[usize; 4]>>().as_slice(), [4, 1..=2, 1..=2]);
    octal || joined || date || ["yes", "no", "on", "off"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// One of several values; the patterns among them become one test.
fn any_value(parts: Vec<Expression>) -> Expression {
    let mut rest = Vec::new();
    let mut patterns = Vec::new();
    let mut tested = None;
    for part in parts {
        match part {
            Expression::Test(field, found) => {
                tested = Some(field);
                patterns.extend(found);
            }
            other => rest.push(other),
        }
    }
    rest.extend(tested.map(|field| Expression::Test(field, patterns)));
    if rest.len() == 1 { rest.pop().unwrap_or_default() } else { Expression::Any(rest) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{document, event, matches, mistake, one};
    use super::super::{Sources, compile};
    use crate::model::Value;

    #[test]
    fn what_cannot_match_is_refused() {
        assert_eq!(mistake("- null").0, "wrong-type");
        for nothing in ["- ''", "- [word, '**']", "'|contains': ''", "'|startswith': '*'"] {
            assert_eq!(mistake(nothing).0, "empty", "{nothing}");
        }
        for item in ["exists: true", "cidr: 10.0.0.0/8", "gt: 5", "fieldref: actor.id", "hour: 3"] {
            assert_eq!(mistake(&format!("'|{item}'").replace(": ", "': '")).0, "keywords", "{item}");
        }
        assert_eq!(mistake("severity: []").0, "empty");
        assert_eq!(mistake("severity|contains: ''").0, "empty");
        assert_eq!(mistake("severity|contains: null").0, "wrong-type");
        assert_eq!(mistake("severity: {a: b}").0, "wrong-type");
        assert_eq!(mistake("severity|exists: maybe").0, "wrong-type");
        assert_eq!(mistake("severity|gt: high").0, "wrong-type");
        assert_eq!(mistake("client.ipAddress|cidr: 10.0.0/8").0, "cidr");
        assert_eq!(mistake("severity|expand: '%list%'").0, "unknown-list");
        assert_eq!(mistake("actor: ana").0, "container-field");
        assert_eq!(mistake("severity|fieldref: nothing.here").0, "unknown-field");
    }

    #[test]
    fn a_regular_expression_is_bounded_and_linear() {
        assert_eq!(mistake("severity|re: '('").0, "regex");
        let (code, message) = mistake("severity|re: '(?=a)b'");
        assert_eq!(code, "regex");
        assert!(message.contains("look-around"), "{message}");
        let (_, message) = mistake("severity|re: '(\\w{1000}){1000}'");
        assert!(message.contains("size limit"), "{message}");
        let long = format!("severity: '{}*'", "a".repeat(5_000));
        assert_eq!(mistake(&long).0, "too-large");
    }

    #[test]
    fn a_value_that_no_event_holds_is_a_warning() {
        let set = one("sel:\n  transaction.id: unknown\n  securityContext.asNumber: 0\ncondition: sel");
        let codes: Vec<_> = set.warnings.iter().map(|found| found.code).collect();
        assert_eq!(codes, ["sentinel", "sentinel"]);
        let unsure = "[yes, 010, 12:30, 1_000, 2026-08-13, 2026-8-1T00:00:00Z]";
        let sure = "['no', 10, a:b, 1-2-3, 20260-08-13, 2026-08-13x, _1, ':1', on-line]";
        let yes = one(&format!("sel: {{severity: {unsure}, displayMessage: {sure}}}\ncondition: sel"));
        assert_eq!(yes.warnings.iter().filter(|found| found.code == "ambiguous-yaml").count(), 6);
        let unused = one("sel: {severity: x}\nother: {severity: y}\n_helper: {severity: z}\ncondition: sel");
        assert_eq!(unused.warnings[0].message, "no condition uses the selection `other`");
        assert_eq!(unused.warnings.len(), 1);
    }

    #[test]
    fn the_fields_read_are_known_for_evidence() {
        let detection = "sel:\n  severity: x\n  '|contains': y\n  actor.id|fieldref: target.id\n  eventType: a\n\
            words: [z]\ncondition: sel or words";
        let text = document("one", detection, "fields: [displayMessage, severity]");
        let set = compile(&Sources::of([("a.yml", text.as_str())])).unwrap();
        let reads = super::super::testing::detection(&set).reads();
        let paths: Vec<_> = reads.iter().map(|field| set.table.path(*field)).collect();
        assert_eq!(paths, ["severity", "actor.id", "target.id", "eventType", "displayMessage"]);
    }

    #[test]
    fn an_enormous_list_is_matched_like_a_small_one() {
        let values: Vec<String> = (0..20_000).map(|n| format!("user{n}@example.com")).collect();
        let set = one(&format!("sel:\n  actor.alternateId: [{}]\ncondition: sel", values.join(", ")));
        assert!(matches(&set, &[("actor.alternateId", Value::Text("USER19999@example.com"))]));
        assert!(!matches(&set, &[("actor.alternateId", Value::Text("user20000@example.com"))]));
    }

    const TOKENS: &str = "(sel|eventType|severity\\|re|a\\|contains\\|all|condition|1 of\
        |not|:|'|\\*|\\?|\\\\|\n|\n  | |-|é|\\[|\\]|\\{|\\}|,){0,30}";

    proptest! {
        #[test]
        fn no_text_makes_the_compiler_panic(
            detection in TOKENS
        ) {
            let text = document("one", &detection, "");
            drop(compile(&Sources::of([("a.yml", text.as_str())])));
        }

        #[test]
        fn no_value_makes_the_matcher_panic(
            pattern in "[aé*?\\\\/ -]{1,12}", value in any::<String>(), number in any::<f64>()
        ) {
            let quoted = serde_json::to_string(&pattern).unwrap();
            for modifier in ["", "|contains", "|startswith|cased", "|endswith|windash"] {
                let set = one(&format!("sel:\n  severity{modifier}: {quoted}\ncondition: sel"));
                for value in [Value::Text(&value), Value::Number(number), Value::Container] {
                    let fields = event(&set, &[("severity", value)]);
                    super::super::testing::detection(&set).matches(&fields);
                }
            }
        }
    }
}
