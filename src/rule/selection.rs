//! What does a selection match?
//!
//! What Sigma leaves open is decided so: `neq` means that no value of the field equals any of the
//! list, so a field without a value satisfies it; `''` asks for an absent field like `null` does,
//! as empty values are absent; keywords are refused, as an event is held as the fields that rules
//! name and not as its whole text.

use regex::RegexBuilder;

use super::detection::{Comparison, Expression};
use super::diagnostic::Findings;
use super::fields::{self, PathKind};
use super::lists::{self, Lists};
use super::modifier::{self, Modifiers, Operation};
use super::pattern::Pattern;
use super::reader::Spanned;
use super::sources::Span;
use super::wildcard::{Shape, Symbol, open_dashes, symbols};
use super::yaml::{Entry, Kind, Literal, Node};
use crate::limits;
use crate::model::{FieldId, FieldTable, core};

/// What reading a detection fills besides its expressions.
pub(super) struct Reading<'c> {
    pub table: &'c mut FieldTable,
    pub lists: &'c mut Lists,
    pub findings: &'c mut Findings,
    /// The fields it reads, each once, in the order they are named.
    pub reads: Vec<FieldId>,
    /// The event types it names, for the check against Okta's catalogue.
    pub event_types: Vec<Spanned>,
}

/// Spellings of an absent value: no event ever holds them.
const SENTINELS: &[&str] = &["null", "unknown", "None", "-"];

impl Reading<'_> {
    /// A map (all must match), or a list of maps (one must).
    pub(super) fn selection(&mut self, node: &Node) -> Option<Expression> {
        match &node.kind {
            Kind::Map(entries) => self.map(node, entries),
            Kind::List(items) if items.is_empty() => {
                self.fail(node.span, "empty", "a selection needs a field")
            }
            Kind::List(items) => {
                let parts: Vec<_> = items.iter().map(|item| self.selection(item)).collect();
                parts.into_iter().collect::<Option<_>>().map(Expression::Any)
            }
            Kind::Scalar(_) => self.refuse_keywords(node.span),
        }
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
        let id = self.table.read(&path.text);
        if id.is_none() {
            let message = format!("all rules together read more than {} fields", limits::FIELDS);
            self.findings.error(path.span, "too-large", message);
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
            return self.refuse_keywords(entry.key_span);
        }
        let values: Vec<(Literal, Span)> = self.values(&entry.value)?;
        let presence = modifiers.operation == Operation::Exists
            || values.iter().all(|(literal, _)| asks_presence(literal, &modifiers));
        let field = self.field(&path, presence)?;
        if !self.reads.contains(&field) {
            self.reads.push(field);
        }
        self.note(field, &modifiers, &values);
        let parts = if modifiers.expand {
            self.expanded(field, &modifiers, &values)?
        } else {
            let value = |(literal, span): &(Literal, Span)| self.value(field, &modifiers, literal, *span);
            let parts: Vec<_> = values.iter().map(value).collect();
            parts.into_iter().collect::<Option<_>>()?
        };
        let joined = if modifiers.all { Expression::All(parts) } else { any_value(parts) };
        Some(if modifiers.neq { Expression::Not(Box::new(joined)) } else { joined })
    }

    fn values(&mut self, node: &Node) -> Option<Vec<(Literal, Span)>> {
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
        let values = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                return self.fail(node.span, "empty", "an empty list matches nothing");
            }
            Kind::List(items) => items.iter().map(literal).collect(),
            _ => literal(node).map(|value| vec![value]),
        };
        values.or_else(|| self.fail(node.span, "wrong-type", "a field takes a value or a list of values"))
    }

    /// Warns of values no event holds, and keeps the event types that are named.
    fn note(&mut self, field: FieldId, modifiers: &Modifiers, values: &[(Literal, Span)]) {
        if modifiers.operation != Operation::Equals || modifiers.fieldref {
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
        field: FieldId,
        modifiers: &Modifiers,
        literal: &Literal,
        span: Span,
    ) -> Option<Expression> {
        if modifiers.fieldref {
            return self.comparison(field, modifiers, literal, span);
        }
        let absent = || Expression::Not(Box::new(Expression::Exists(field)));
        match (modifiers.operation, literal) {
            (Operation::Exists, Literal::Boolean(true)) => return Some(Expression::Exists(field)),
            (Operation::Exists, Literal::Boolean(false)) => return Some(absent()),
            (Operation::Exists, _) => return self.fail(span, "wrong-type", "`exists` takes true or false"),
            (Operation::Equals, Literal::Null) => return Some(absent()),
            (Operation::Equals, Literal::Text(text)) if text.is_empty() => return Some(absent()),
            (_, Literal::Null) => {
                return self.fail(span, "wrong-type", "null can only be asked for without a modifier");
            }
            _ => {}
        }
        let pattern = self.pattern(modifiers, literal, span)?;
        Some(Expression::Test(field, vec![pattern]))
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

    fn pattern(&mut self, modifiers: &Modifiers, literal: &Literal, span: Span) -> Option<Pattern> {
        match (modifiers.operation, literal) {
            (
                Operation::Less | Operation::LessOrEqual | Operation::Greater | Operation::GreaterOrEqual,
                _,
            ) => {
                let bound = match literal {
                    Literal::Integer(number) => Some(*number as f64),
                    Literal::Float(number) => Some(*number),
                    Literal::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
                    _ => None,
                };
                let pattern = bound.map(|bound| Pattern::Order(modifiers.operation, bound));
                pattern.or_else(|| self.fail(span, "wrong-type", "this comparison takes a number"))
            }
            (Operation::Equals, Literal::Integer(number)) => Some(Pattern::Integer(*number)),
            (Operation::Equals, Literal::Float(number)) => Some(Pattern::Float(*number)),
            (Operation::Cidr, literal) => self.network(&spelled(literal), span),
            (Operation::Regex, literal) => self.regex(&spelled(literal), modifiers, span),
            (_, literal) => self.text(&spelled(literal), modifiers, span),
        }
    }

    pub(super) fn text(&mut self, text: &str, modifiers: &Modifiers, span: Span) -> Option<Pattern> {
        if text.is_empty() {
            return self.fail(span, "empty", "every text contains, starts and ends with nothing");
        }
        let mut pattern = symbols(text);
        if modifiers.windash {
            open_dashes(&mut pattern);
        }
        if matches!(modifiers.operation, Operation::Contains | Operation::EndsWith) {
            pattern.insert(0, Symbol::Star);
        }
        if matches!(modifiers.operation, Operation::Contains | Operation::StartsWith) {
            pattern.push(Symbol::Star);
        }
        let shape = Shape::new(pattern, modifiers.cased);
        if text.len() > limits::WILDCARD_BYTES && !matches!(shape, Shape::Exact(_)) {
            let message = format!("a pattern has at most {} bytes", limits::WILDCARD_BYTES);
            return self.fail(span, "too-large", message);
        }
        Some(Pattern::Text { shape, cased: modifiers.cased })
    }

    pub(super) fn network(&mut self, text: &str, span: Span) -> Option<Pattern> {
        let network = lists::network(text).map(Pattern::Cidr);
        network.or_else(|| self.fail(span, "cidr", format!("`{text}` is no network such as 10.0.0.0/8")))
    }

    fn regex(&mut self, text: &str, modifiers: &Modifiers, span: Span) -> Option<Pattern> {
        let on = |flag: char| modifiers.flags.contains(&flag);
        let built = RegexBuilder::new(text)
            .case_insensitive(on('i'))
            .multi_line(on('m'))
            .dot_matches_new_line(on('s'))
            .size_limit(limits::REGEX_BYTES)
            .build();
        match built {
            Ok(regex) => {
                let flags = ['i', 'm', 's'].into_iter().filter(|flag| on(*flag)).collect();
                Some(Pattern::Regex { regex: Box::new(regex), flags })
            }
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().next_back().unwrap_or_default().trim();
                let reason = last.strip_prefix("error: ").unwrap_or(last);
                let message = format!("not a regular expression that runs in linear time: {reason}");
                self.fail(span, "regex", message)
            }
        }
    }

    fn refuse_keywords<T>(&mut self, span: Span) -> Option<T> {
        let message = "keywords, which search the whole event, are not evaluated by this version";
        let finding = self.findings.error(span, "unsupported-keywords", message);
        finding.help("Name the field: `displayMessage|contains: …`.");
        None
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
    any_value && modifiers.operation == Operation::Equals && !modifiers.fieldref
}

/// A boolean or an octal number in YAML 1.1, text or a decimal number since.
fn is_read_in_two_ways(text: &str) -> bool {
    let octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    octal || ["yes", "no", "on", "off"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn spelled(literal: &Literal) -> String {
    match literal {
        Literal::Null => String::new(),
        Literal::Boolean(flag) => flag.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Text(text) => text.clone(),
    }
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

    use super::super::testing::{document, event, matches, mistakes, one};
    use super::super::{Sources, compile};
    use crate::model::Value;

    fn mistake(item: &str) -> (&'static str, String) {
        mistakes(&format!("sel:\n  {item}\ncondition: sel")).remove(0)
    }

    #[test]
    fn what_cannot_match_is_refused() {
        assert_eq!(mistake("- word").0, "unsupported-keywords");
        assert_eq!(mistake("'|contains': word").0, "unsupported-keywords");
        assert_eq!(mistake("severity: []").0, "empty");
        assert_eq!(mistake("severity|contains: ''").0, "empty");
        assert_eq!(mistake("severity|contains: null").0, "wrong-type");
        assert_eq!(mistake("severity: {a: b}").0, "wrong-type");
        assert_eq!(mistake("severity|exists: maybe").0, "wrong-type");
        assert_eq!(mistake("severity|gt: high").0, "wrong-type");
        assert_eq!(mistake("client.ipAddress|cidr: 10.0.0/8").0, "cidr");
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
        let yes = one("sel: {severity: [yes, 'no', 010]}\ncondition: sel");
        assert_eq!(yes.warnings.iter().filter(|found| found.code == "ambiguous-yaml").count(), 2);
        let unused = one("sel: {severity: x}\nother: {severity: y}\n_helper: {severity: z}\ncondition: sel");
        assert_eq!(unused.warnings[0].message, "no condition uses the selection `other`");
        assert_eq!(unused.warnings.len(), 1);
    }

    #[test]
    fn the_fields_read_are_known_for_evidence() {
        let detection = "sel:\n  severity: x\n  actor.id|fieldref: target.id\n  eventType: a\ncondition: sel";
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
