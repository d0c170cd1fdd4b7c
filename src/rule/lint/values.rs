//! Are a selection's values written as they are meant?

use std::collections::BTreeMap;

use super::super::diagnostic::Findings;
use super::super::fields;
use super::super::modifier::{self, Edge, Modifiers, Operation};
use super::super::reader::Spanned;
use super::super::value;
use super::super::wildcard::{Shape, Symbol, fold, symbols};
use super::super::yaml::{Entry, Kind, Literal, Node};
use super::{LintOptions, regex};
use crate::limits;
use crate::model::{FieldDef, FieldKind};
use crate::text::nearest;

/// The values of fields that Okta fills from a fixed list.
const CLOSED: &[(&str, &[&str])] = &[
    (
        "outcome.result",
        &[
            "SUCCESS",
            "FAILURE",
            "SKIPPED",
            "ALLOW",
            "DENY",
            "CHALLENGE",
            "UNKNOWN",
            "RATE_LIMIT",
            "DEFERRED",
            "SCHEDULED",
            "ABANDONED",
            "UNANSWERED",
        ],
    ),
    ("severity", &["DEBUG", "INFO", "WARN", "ERROR"]),
    ("transaction.type", &["WEB", "JOB"]),
];

/// Looks at every value of one field of a selection.
pub(super) fn look(entry: &Entry, options: &LintOptions, findings: &mut Findings) {
    // What is wrong with the key itself was told when it was compiled.
    let parsed = modifier::parse(&entry.key, entry.key_span, &mut Findings::default());
    let Some((path, modifiers)) = parsed.filter(|(_, modifiers)| !modifiers.fieldref) else { return };
    let values: Vec<Spanned> = match &entry.value.kind {
        Kind::List(items) => items.iter().filter_map(text).collect(),
        _ => text(&entry.value).into_iter().collect(),
    };
    repeated(&values, &modifiers, findings);
    let def = fields::catalogue().find(|def| def.path == path.text);
    for value in &values {
        let look = Look { path: &path.text, def, modifiers: &modifiers, value };
        look.edges(findings);
        look.wildcards(findings);
        look.regex(findings);
        look.kind(findings);
        look.closed(findings);
        look.event_type(options, findings);
    }
}

/// A text or a boolean with its place: `true` is compared as it is spelled.
fn text(node: &Node) -> Option<Spanned> {
    let text = match node.scalar()?.literal() {
        Literal::Text(text) => text,
        Literal::Boolean(flag) => flag.to_string(),
        _ => return None,
    };
    Some(Spanned { text, span: node.span })
}

fn repeated(values: &[Spanned], modifiers: &Modifiers, findings: &mut Findings) {
    let exact = modifiers.cased || modifiers.operation == Operation::Regex;
    let mut seen = BTreeMap::new();
    for value in values {
        let word = if exact { value.text.clone() } else { fold(&value.text) };
        let first = *seen.entry(word).or_insert(value.span);
        if first != value.span {
            let message = format!("the value `{}` stands twice in one list", value.text);
            findings.warning(value.span, "repeated-value", message).related(first, "the first stands here");
        }
    }
}

/// One value with all that decides what it means.
struct Look<'l> {
    path: &'l str,
    def: Option<&'static FieldDef>,
    modifiers: &'l Modifiers,
    value: &'l Spanned,
}

impl Look<'_> {
    fn symbols(&self) -> Vec<Symbol> {
        symbols(&self.value.text)
    }

    /// Whether the value is compared as it is written: neither encoded nor the name of a list nor a
    /// part of an instant.
    fn is_textual(&self) -> bool {
        use Operation::{Contains, EndsWith, Equals, StartsWith};
        let Modifiers { encodings, expand, part, .. } = self.modifiers;
        let plain = encodings.is_empty() && !expand && part.is_none();
        plain && matches!(self.modifiers.operation, Equals | Contains | StartsWith | EndsWith)
    }

    /// The pattern that the value becomes.
    fn shape(&self) -> Option<Shape> {
        if !self.is_textual() || self.value.text.is_empty() {
            return None;
        }
        let mut pattern = self.symbols();
        if matches!(self.modifiers.operation, Operation::Contains | Operation::EndsWith) {
            pattern.insert(0, Symbol::Star);
        }
        if matches!(self.modifiers.operation, Operation::Contains | Operation::StartsWith) {
            pattern.push(Symbol::Star);
        }
        Some(Shape::new(pattern, false))
    }

    fn edges(&self, findings: &mut Findings) {
        let text = self.value.text.as_str();
        let (begins, ends) = match self.modifiers.operation {
            Operation::Equals => (true, true),
            Operation::StartsWith => (true, false),
            Operation::EndsWith => (false, true),
            _ => return,
        };
        if !self.is_textual() {
            return;
        }
        let blank = |edge: Option<char>| edge.is_some_and(char::is_whitespace);
        if (begins && blank(text.chars().next())) || (ends && blank(text.chars().next_back())) {
            let message = "the value begins or ends with a blank, which the field must have, too";
            let finding = findings.warning(self.value.span, "blank-edge", message);
            finding.help("Take the blank away, or say with `|contains` that it is meant.");
        }
    }

    fn wildcards(&self, findings: &mut Findings) {
        if !self.is_textual() {
            return;
        }
        let pattern = self.symbols();
        let leads = pattern.first() == Some(&Symbol::Star);
        let ends = pattern.last() == Some(&Symbol::Star);
        let idle = match self.modifiers.operation {
            Operation::Contains => leads || ends,
            Operation::StartsWith => ends,
            Operation::EndsWith => leads,
            _ => false,
        };
        let twice = pattern.windows(2).any(|pair| pair == [Symbol::Star, Symbol::Star]);
        if (idle || twice) && pattern.len() > 1 {
            let finding = findings.warning(self.value.span, "idle-wildcard", "a star that changes nothing");
            finding.help(if idle {
                "The modifier already lets anything stand there."
            } else {
                "One star already stands for any text."
            });
        }
    }

    fn regex(&self, findings: &mut Findings) {
        let long = self.value.text.len() > limits::REGEX_TEXT_BYTES;
        if self.modifiers.operation != Operation::Regex || long {
            return;
        }
        let text = self.value.text.as_str();
        let anywhere = self.modifiers.edge == Edge::Anywhere;
        if !regex::can_match(text, self.modifiers.flags.contains(&'m')) {
            let message = "no text matches this regular expression";
            let finding = findings.error(self.value.span, "impossible-value", message);
            finding.help("`^` stands only before what takes a character, and `$` only behind it.");
        } else if let Some((text, modifier)) = regex::literal(text).filter(|_| anywhere) {
            let cased = if self.modifiers.flags.contains(&'i') { "" } else { "|cased" };
            let message = "the regular expression has no operator: it is only text";
            let finding = findings.warning(self.value.span, "plain-regex", message);
            finding.help(format!("`{}{modifier}{cased}: '{}'` says the same.", self.path, escaped(&text)));
        }
    }

    /// A field of booleans, numbers or addresses cannot hold any text.
    fn kind(&self, findings: &mut Findings) {
        let (Some(def), Some(shape)) = (self.def, self.shape()) else { return };
        let possible = match (def.kind, &shape) {
            (FieldKind::Boolean, shape) => ["true", "false"].iter().any(|word| shape.matches(word, false)),
            (FieldKind::Integer | FieldKind::Number, Shape::Exact(text)) => text.parse::<f64>().is_ok(),
            (FieldKind::Ip, Shape::Exact(text)) => text.parse::<std::net::IpAddr>().is_ok(),
            _ => true,
        };
        if !possible {
            let message = format!("`{}` never holds `{}`", self.path, self.value.text);
            let finding = findings.warning(self.value.span, "impossible-value", message);
            finding.help(match def.kind {
                FieldKind::Boolean => "The field is true or false.".to_owned(),
                FieldKind::Ip => "The field is an IP address; `|cidr` asks for a network.".to_owned(),
                _ => format!("The field is a number, such as {}.", def.example),
            });
        }
    }

    fn closed(&self, findings: &mut Findings) {
        let known = CLOSED.iter().find(|(path, _)| *path == self.path);
        let (Some((_, words)), Some(shape)) = (known, self.shape()) else { return };
        if !words.iter().any(|word| shape.matches(word, false)) {
            let message = format!("Okta never writes `{}` into `{}`", self.value.text, self.path);
            findings
                .warning(self.value.span, "impossible-value", message)
                .suggest(nearest(&self.value.text, words.iter().copied()), || {
                    format!("It writes one of {}.", words.join(", "))
                });
        }
    }

    /// Patterns of event types; those without a modifier are looked at together with the rule.
    fn event_type(&self, options: &LintOptions, findings: &mut Findings) {
        let Some(known) = options.event_types.as_ref().filter(|_| self.path == "eventType") else { return };
        let fits = match self.modifiers.operation {
            Operation::Regex => {
                // Too long or too large a one was told when it was compiled.
                if self.value.text.len() > limits::REGEX_TEXT_BYTES {
                    return;
                }
                let flags: String = ['i', 'm', 's']
                    .into_iter()
                    .filter(|flag| *flag == 'i' || self.modifiers.flags.contains(flag))
                    .collect();
                let regex = value::build(&self.value.text, &flags, limits::REGEX_BYTES);
                regex.is_ok_and(|regex| known.iter().any(|known| regex.is_match(known)))
            }
            Operation::Equals => true,
            _ => self.shape().is_none_or(|shape| known.iter().any(|known| shape.matches(known, false))),
        };
        if !fits {
            let message = format!("no event type of Okta fits `{}`", self.value.text);
            findings.error(self.value.span, "unknown-event-type", message);
        }
    }
}

/// With a backslash before what Sigma takes for a wildcard.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")
}

#[cfg(test)]
mod tests {
    use super::super::testing::lint;

    fn told(item: &str) -> Vec<(&'static str, String)> {
        lint(&format!("sel:\n  {item}\ncondition: sel"))
            .into_iter()
            .map(|found| (found.code, found.message))
            .collect()
    }

    fn codes(item: &str) -> Vec<&'static str> {
        told(item).into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn a_value_is_named_once() {
        assert_eq!(told("actor.id: [a, b, A]")[0].1, "the value `A` stands twice in one list");
        assert_eq!(codes("actor.id|cased: [a, A]"), [""; 0]);
        assert_eq!(codes("actor.id|re: ['a.', 'A.']"), [""; 0]);
        let related = &lint("sel:\n  actor.id: [a, b, a]\ncondition: sel")[0].related[0];
        assert_eq!((related.at.column, related.message.as_str()), (16, "the first stands here"));
    }

    #[test]
    fn blanks_at_the_edge_are_told_where_they_count() {
        for item in
            ["actor.id: ' a'", "actor.id: \"a\\t\"", "actor.id|startswith: ' a'", "actor.id|endswith: 'a '"]
        {
            assert_eq!(codes(item), ["blank-edge"], "{item}");
        }
        for item in ["actor.id|contains: ' a '", "actor.id|startswith: 'a '", "actor.id: 'a b'"] {
            assert_eq!(codes(item), [""; 0], "{item}");
        }
    }

    #[test]
    fn a_star_too_many_is_told() {
        for item in ["actor.id|contains: '*a*'", "actor.id|startswith: 'a*'", "actor.id: 'a**b'"] {
            assert_eq!(codes(item), ["idle-wildcard"], "{item}");
        }
        for item in
            [r"actor.id|contains: '\*a'", "actor.id|startswith: '*a'", "actor.id: '*'", "actor.id: 'a*b'"]
        {
            assert_eq!(codes(item), [""; 0], "{item}");
        }
    }

    #[test]
    fn a_regular_expression_must_be_able_to_match_and_need_to_be_one() {
        assert_eq!(codes("actor.id|re: 'a^b'"), ["impossible-value"]);
        assert_eq!(codes("actor.id|re|m: 'a\\n^b'"), [""; 0]);
        let plain = lint("sel:\n  actor.alternateId|re: '@example\\.com$'\ncondition: sel").remove(0);
        assert_eq!(plain.code, "plain-regex");
        assert_eq!(
            plain.help.as_deref(),
            Some("`actor.alternateId|endswith|cased: '@example.com'` says the same.")
        );
        assert_eq!(codes("actor.id|re|i: 'a.c'"), [""; 0]);
    }

    #[test]
    fn what_a_field_cannot_hold_is_told() {
        assert_eq!(
            told("securityContext.isProxy: 'yes'")[0].1,
            "`securityContext.isProxy` never holds `yes`"
        );
        assert_eq!(codes("securityContext.asNumber: many"), ["impossible-value"]);
        assert_eq!(codes("client.ipAddress: 203.0.113.0/24"), ["impossible-value"]);
        assert_eq!(codes("securityContext.isProxy: true\n  client.ipAddress: '203.0.113.*'"), [""; 0]);
        let outcome = lint("sel:\n  outcome.result: SUCESS\ncondition: sel").remove(0);
        assert_eq!(outcome.message, "Okta never writes `SUCESS` into `outcome.result`");
        assert_eq!(outcome.help.as_deref(), Some("did you mean `SUCCESS`?"));
        assert_eq!(codes("outcome.result: [success, 'DEN*', null]"), [""; 0]);
        assert_eq!(codes("severity|contains: WAR"), [""; 0]);
    }

    #[test]
    fn a_pattern_of_event_types_must_fit_one_of_the_catalogue() {
        for item in [
            "eventType|startswith: user.sesion.",
            "eventType|contains: '.strat'",
            "eventType|re: '^user\\.mf$'",
        ] {
            assert_eq!(codes(item)[0], "unknown-event-type", "{item}");
        }
        for item in [
            "eventType|startswith: User.session.",
            "eventType|re: '^USER\\.s.*t$'",
            "eventType|endswith: start",
        ] {
            assert_eq!(codes(item), [""; 0], "{item}");
        }
    }
}
