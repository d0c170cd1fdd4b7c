//! Which modifiers follow a field's name, and do they go together?

use super::diagnostic::Findings;
use super::reader::Spanned;
use super::sources::Span;
use crate::text::nearest;

/// How a field's values are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Operation {
    #[default]
    Equals,
    Contains,
    StartsWith,
    EndsWith,
    Exists,
    Regex,
    Cidr,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// All modifiers of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub operation: Operation,
    /// Every value of the list must match, not just one.
    pub all: bool,
    pub cased: bool,
    /// Nothing of the list may match.
    pub neq: bool,
    pub windash: bool,
    /// The values name fields to compare with.
    pub fieldref: bool,
    /// The values name lists, whose values stand in their place.
    pub expand: bool,
    /// Letters of `i`, `m` and `s` after `re`.
    pub flags: Vec<char>,
}

const OPERATIONS: &[(&str, Operation)] = &[
    ("contains", Operation::Contains),
    ("startswith", Operation::StartsWith),
    ("endswith", Operation::EndsWith),
    ("exists", Operation::Exists),
    ("re", Operation::Regex),
    ("cidr", Operation::Cidr),
    ("lt", Operation::Less),
    ("lte", Operation::LessOrEqual),
    ("gt", Operation::Greater),
    ("gte", Operation::GreaterOrEqual),
];

const OTHERS: &[&str] = &[
    "all",
    "cased",
    "neq",
    "windash",
    "fieldref",
    "expand",
    "i",
    "ignorecase",
    "m",
    "multiline",
    "s",
    "dotall",
];

/// Sigma's, but not evaluated here.
const REFUSED: &[&str] = &[
    "base64",
    "base64offset",
    "utf16",
    "utf16le",
    "utf16be",
    "wide",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
];

/// Splits `field|modifier|modifier`. `None` if a modifier is wrong; the field's name may be empty.
pub(super) fn parse(key: &str, span: Span, findings: &mut Findings) -> Option<(Spanned, Modifiers)> {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default();
    let base = Some(span.start).filter(|_| (span.end - span.start) as usize == key.len());
    let mut at = field.len() + 1;
    let mut modifiers = Modifiers::default();
    for name in parts {
        let place = span.part(base, at..at + name.len());
        modifiers.take(name, place, findings)?;
        at += name.len() + 1;
    }
    modifiers.check(span, findings)?;
    let field = Spanned { text: field.to_owned(), span: span.part(base, 0..field.len()) };
    Some((field, modifiers))
}

impl Modifiers {
    fn take(&mut self, name: &str, span: Span, findings: &mut Findings) -> Option<()> {
        match name {
            "all" => self.all = true,
            "cased" => self.cased = true,
            "neq" => self.neq = true,
            "windash" => self.windash = true,
            "fieldref" => self.fieldref = true,
            "expand" => self.expand = true,
            "i" | "ignorecase" if self.operation == Operation::Regex => self.flags.push('i'),
            "m" | "multiline" if self.operation == Operation::Regex => self.flags.push('m'),
            "s" | "dotall" if self.operation == Operation::Regex => self.flags.push('s'),
            _ => return self.take_operation(name, span, findings),
        }
        Some(())
    }

    fn take_operation(&mut self, name: &str, span: Span, findings: &mut Findings) -> Option<()> {
        let found = OPERATIONS.iter().find(|(known, _)| *known == name);
        let Some((_, operation)) = found else {
            unknown(name, span, findings);
            return None;
        };
        if self.operation != Operation::Equals {
            let message = format!("`{name}` cannot follow another way to compare");
            findings.error(span, "modifier-conflict", message);
            return None;
        }
        self.operation = *operation;
        Some(())
    }

    fn check(&self, span: Span, findings: &mut Findings) -> Option<()> {
        let textual = matches!(
            self.operation,
            Operation::Equals | Operation::Contains | Operation::StartsWith | Operation::EndsWith
        );
        let conflict = match self {
            _ if self.fieldref && !textual => "`fieldref` goes with contains, startswith or endswith only",
            _ if self.windash && (!textual || self.fieldref) => {
                "`windash` goes with plain text, contains, startswith or endswith only"
            }
            _ if self.cased && !textual => "`cased` changes nothing here",
            _ if self.all && self.operation == Operation::Exists => "`all` changes nothing after `exists`",
            _ if self.expand && self.operation == Operation::Regex => {
                findings
                    .error(
                        span,
                        "modifier-conflict",
                        "`expand` does not go with `re`: a list holds no patterns",
                    )
                    .help("Use contains, startswith or endswith; a list's values may hold `*` and `?`.");
                return None;
            }
            _ if self.expand && (self.fieldref || !(textual || self.operation == Operation::Cidr)) => {
                "`expand` goes with plain text, contains, startswith, endswith or cidr only"
            }
            _ => return Some(()),
        };
        findings.error(span, "modifier-conflict", conflict);
        None
    }
}

fn unknown(name: &str, span: Span, findings: &mut Findings) {
    if REFUSED.contains(&name) {
        let message = format!("the Sigma modifier `{name}` is not evaluated by this version");
        findings
            .error(span, "unsupported-modifier", message)
            .help("A rule that uses it is refused rather than matched wrongly.");
        return;
    }
    let known = OPERATIONS.iter().map(|(known, _)| *known).chain(OTHERS.iter().copied());
    let all: Vec<&str> = known.clone().collect();
    findings
        .error(span, "unknown-modifier", format!("no modifier `{name}`"))
        .suggest(nearest(name, known), || format!("the modifiers are {}", all.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str) -> Result<(String, Modifiers), (String, std::ops::Range<usize>)> {
        let mut findings = Findings::default();
        let span = Span { file: 0, start: 0, end: u32::try_from(key.len()).unwrap() };
        let parsed = parse(key, span, &mut findings);
        let found = findings.finish(&super::super::Sources::of([("a.yml", key)]));
        match (parsed, found.into_iter().next()) {
            (Some((field, modifiers)), None) => Ok((field.text, modifiers)),
            (_, found) => Err(found.map(|found| (found.message, found.span)).unwrap()),
        }
    }

    #[test]
    fn modifiers_add_up() {
        let (field, modifiers) = read("actor.alternateId|contains|all|cased|neq").unwrap();
        assert_eq!((field.as_str(), modifiers.operation), ("actor.alternateId", Operation::Contains));
        assert!(modifiers.all && modifiers.cased && modifiers.neq);
        assert_eq!(read("a|re|i|dotall").unwrap().1.flags, ['i', 's']);
        let (_, modifiers) = read("a|contains|expand|cased").unwrap();
        assert!(modifiers.expand && modifiers.cased && modifiers.operation == Operation::Contains);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for key in ["a|contains|re", "a|re|cased", "a|gt|fieldref", "a|exists|all", "a|cidr|windash"] {
            assert!(read(key).is_err(), "{key}");
        }
        for key in ["a|expand|re", "a|expand|fieldref", "a|expand|exists", "a|gt|expand"] {
            assert!(read(key).unwrap_err().0.contains("`expand`"), "{key}");
        }
    }

    #[test]
    fn a_slip_is_shown_where_it_stands() {
        let (message, span) = read("a.b|contians").unwrap_err();
        assert_eq!((message.as_str(), span), ("no modifier `contians`", 4..12));
        assert!(read("a|base64").unwrap_err().0.contains("not evaluated by this version"));
        assert!(read("a|i").unwrap_err().0.contains("no modifier `i`"));
    }
}
