//! Which modifiers follow a field's name, and do they go together?
//!
//! All of Sigma 2.1 is read. The order is the one that pySigma asks for, where each modifier takes what
//! the one before has made of the value:
//!
//! 1. What takes the value as it is written comes first: `re`, `cidr`, `exists`, `fieldref`, a part of
//!    time.
//! 2. `windash` opens dashes of plain text, before or after it is placed.
//! 3. `wide` (`utf16le`), `utf16be`, `utf16`, `base64` and `base64offset` encode plain text, also one
//!    after the other. No field holds the bytes of UTF-16 as text, so `base64` or `base64offset` comes
//!    last.
//! 4. `contains`, `startswith` or `endswith` places the text, the field, or the regular expression.
//! 5. `lt`, `lte`, `gt` or `gte` compares a number, an instant or a part of one.
//!
//! `all` and `neq` are about the list and not about a value, so they may stand anywhere; so may `cased`
//! and `expand` among modifiers of text: the values of a list are put in before anything is done to them. pySigma lets more pass that means nothing (`contains|startswith`, two
//! parts of time, dashes of encoded text, one modifier twice); it is refused. It refuses a case that
//! counts in `fieldref`, numbers under text modifiers, instants under `lt` to `gte`, and wildcards or
//! letters beyond ASCII under some encodings; all but the wildcards are taken.

use super::diagnostic::Findings;
use super::encoding::Encoding;
use super::reader::Spanned;
use super::sources::Span;
use super::time_part::TimePart;
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

/// Where in a value a regular expression must match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Edge {
    #[default]
    Anywhere,
    Start,
    End,
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
    pub edge: Edge,
    /// What is done to the text before it is looked for, in this order.
    pub encodings: Vec<Encoding>,
    /// Of the field's instant, this part is compared.
    pub part: Option<TimePart>,
}

/// What the modifiers so far have made of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Plain,
    /// Plain text with open dashes.
    Dashed,
    Encoded,
    /// Text with something before it or behind it.
    Placed,
    Regex,
    PlacedRegex,
    Network,
    Field,
    PlacedField,
    Part,
    Compared,
    Presence,
}

/// What a modifier does, besides what it makes of the value.
#[derive(Clone, Copy, Debug)]
enum Effect {
    All,
    Neq,
    Cased,
    Windash,
    Encode(Encoding),
    Place(Operation),
    Operation(Operation),
    Fieldref,
    Expand,
    Flag(char),
    Part(TimePart),
}

const EFFECTS: &[(&str, Effect)] = &[
    ("contains", Effect::Place(Operation::Contains)),
    ("startswith", Effect::Place(Operation::StartsWith)),
    ("endswith", Effect::Place(Operation::EndsWith)),
    ("exists", Effect::Operation(Operation::Exists)),
    ("re", Effect::Operation(Operation::Regex)),
    ("cidr", Effect::Operation(Operation::Cidr)),
    ("lt", Effect::Operation(Operation::Less)),
    ("lte", Effect::Operation(Operation::LessOrEqual)),
    ("gt", Effect::Operation(Operation::Greater)),
    ("gte", Effect::Operation(Operation::GreaterOrEqual)),
    ("all", Effect::All),
    ("cased", Effect::Cased),
    ("neq", Effect::Neq),
    ("windash", Effect::Windash),
    ("fieldref", Effect::Fieldref),
    ("expand", Effect::Expand),
    ("i", Effect::Flag('i')),
    ("ignorecase", Effect::Flag('i')),
    ("m", Effect::Flag('m')),
    ("multiline", Effect::Flag('m')),
    ("s", Effect::Flag('s')),
    ("dotall", Effect::Flag('s')),
    ("base64", Effect::Encode(Encoding::Base64)),
    ("base64offset", Effect::Encode(Encoding::Base64Offset)),
    ("wide", Effect::Encode(Encoding::Utf16Le)),
    ("utf16le", Effect::Encode(Encoding::Utf16Le)),
    ("utf16be", Effect::Encode(Encoding::Utf16Be)),
    ("utf16", Effect::Encode(Encoding::Utf16)),
    ("minute", Effect::Part(TimePart::Minute)),
    ("hour", Effect::Part(TimePart::Hour)),
    ("day", Effect::Part(TimePart::Day)),
    ("week", Effect::Part(TimePart::Week)),
    ("month", Effect::Part(TimePart::Month)),
    ("year", Effect::Part(TimePart::Year)),
];

/// Every modifier.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    EFFECTS.iter().map(|(name, _)| *name)
}

/// Splits `field|modifier|modifier`. `None` if a modifier is wrong; the field's name may be empty.
pub(super) fn parse(key: &str, span: Span, findings: &mut Findings) -> Option<(Spanned, Modifiers)> {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default();
    // As written, or in quotes.
    let base = match ((span.end - span.start) as usize).saturating_sub(key.len()) {
        0 => Some(span.start),
        2 => Some(span.start + 1),
        _ => None,
    };
    let mut at = field.len() + 1;
    let mut reading = Reading { modifiers: Modifiers::default(), made: Made::Plain, last: None };
    for name in parts {
        let place = span.part(base, at..at + name.len());
        reading.take(name, place, findings)?;
        at += name.len() + 1;
    }
    reading.check(span, findings)?;
    let field = Spanned { text: field.to_owned(), span: span.part(base, 0..field.len()) };
    Some((field, reading.modifiers))
}

struct Reading<'k> {
    modifiers: Modifiers,
    made: Made,
    /// The modifier that has made it so.
    last: Option<&'k str>,
}

impl<'k> Reading<'k> {
    fn take(&mut self, name: &'k str, span: Span, findings: &mut Findings) -> Option<()> {
        let Some((_, effect)) = EFFECTS.iter().find(|(known, _)| *known == name) else {
            unknown(name, span, findings);
            return None;
        };
        let Some(made) = effect.on(self.made).filter(|_| !self.repeats(*effect)) else {
            let message = match self.last {
                _ if self.repeats(*effect) => format!("`{name}` is said twice"),
                Some(last) => format!("`{name}` cannot follow `{last}`"),
                None => format!("`{name}` cannot stand first"),
            };
            findings.error(span, "modifier-conflict", message).help(effect.advice());
            return None;
        };
        if made != self.made || matches!(effect, Effect::Encode(_)) {
            (self.made, self.last) = (made, Some(name));
        }
        self.modifiers.apply(*effect);
        Some(())
    }

    fn repeats(&self, effect: Effect) -> bool {
        match effect {
            Effect::All => self.modifiers.all,
            Effect::Neq => self.modifiers.neq,
            Effect::Cased => self.modifiers.cased,
            Effect::Windash => self.modifiers.windash,
            Effect::Expand => self.modifiers.expand,
            Effect::Flag(flag) => self.modifiers.flags.contains(&flag),
            _ => false,
        }
    }

    /// What only the whole of them shows.
    fn check(&self, span: Span, findings: &mut Findings) -> Option<()> {
        let is_text = !matches!(
            self.made,
            Made::Regex | Made::PlacedRegex | Made::Network | Made::Part | Made::Compared | Made::Presence
        );
        let last = self.modifiers.encodings.last();
        let (message, help) = match &self.modifiers {
            modifiers if modifiers.cased && !is_text => {
                ("`cased` changes nothing here", "It goes with plain text and `fieldref`.")
            }
            modifiers if modifiers.all && self.made == Made::Presence => {
                ("`all` changes nothing after `exists`", "Leave it out.")
            }
            modifiers if modifiers.expand && matches!(self.made, Made::Regex | Made::PlacedRegex) => (
                "`expand` does not go with `re`: a list holds no patterns",
                "Use contains, startswith or endswith; a list's values may hold `*` and `?`.",
            ),
            modifiers
                if modifiers.expand && (modifiers.fieldref || !is_text && self.made != Made::Network) =>
            {
                (
                    "`expand` goes with plain text, contains, startswith, endswith or cidr only",
                    "A list's values are texts, addresses and networks.",
                )
            }
            _ if last.is_some_and(|last| !last.gives_text()) => (
                "no field holds the bytes of UTF-16 as text",
                "They are met inside Base64: write `wide|base64offset|contains`.",
            ),
            _ => return Some(()),
        };
        findings.error(span, "modifier-conflict", message).help(help);
        None
    }
}

impl Effect {
    /// What it makes of a value; `None` if it cannot be.
    fn on(self, made: Made) -> Option<Made> {
        use Made::{
            Compared, Dashed, Encoded, Field, Network, Part, Placed, PlacedField, PlacedRegex, Plain,
            Presence, Regex,
        };
        match (self, made) {
            (Self::All | Self::Neq | Self::Cased | Self::Expand, made) => Some(made),
            (Self::Windash, Plain) => Some(Dashed),
            (Self::Windash, Placed) => Some(Placed),
            (Self::Encode(_), Plain | Dashed | Encoded) => Some(Encoded),
            (Self::Place(_), Plain | Dashed | Encoded) => Some(Placed),
            (Self::Place(_), Regex) => Some(PlacedRegex),
            (Self::Place(_), Field) => Some(PlacedField),
            (Self::Flag(_), Regex | PlacedRegex) => Some(made),
            (Self::Fieldref, Plain) => Some(Field),
            (Self::Part(_), Plain) => Some(Part),
            (Self::Operation(Operation::Exists), Plain) => Some(Presence),
            (Self::Operation(Operation::Regex), Plain) => Some(Regex),
            (Self::Operation(Operation::Cidr), Plain) => Some(Network),
            (Self::Operation(Operation::Exists | Operation::Regex | Operation::Cidr), _) => None,
            (Self::Operation(_), Plain | Part) => Some(Compared),
            _ => None,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::All | Self::Neq | Self::Cased | Self::Expand => "Once is enough.",
            Self::Windash => "Dashes are looked for in plain text: write `windash|contains`.",
            Self::Encode(_) => "Plain text is encoded before it is placed: write `base64offset|contains`.",
            Self::Place(_) => {
                "Plain text, `re` and `fieldref` go with one of contains, startswith, endswith."
            }
            Self::Flag(_) => "The letters i, m and s each follow `re` once: write `re|i|s`.",
            Self::Part(_) => "A part of time comes first, a comparison behind it: write `hour|gte`.",
            Self::Fieldref => "The name of a field comes as it is: write `fieldref|startswith`.",
            Self::Operation(Operation::Exists | Operation::Regex | Operation::Cidr) => {
                "It takes the value as it is written, so it comes first."
            }
            Self::Operation(_) => {
                "It compares numbers, instants and parts of time: write `gte` or `hour|gte`."
            }
        }
    }
}

impl Modifiers {
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::All => self.all = true,
            Effect::Neq => self.neq = true,
            Effect::Cased => self.cased = true,
            Effect::Windash => self.windash = true,
            Effect::Fieldref => self.fieldref = true,
            Effect::Expand => self.expand = true,
            Effect::Encode(encoding) => self.encodings.push(encoding),
            Effect::Flag(flag) => self.flags.push(flag),
            Effect::Part(part) => self.part = Some(part),
            Effect::Place(place) if self.operation == Operation::Regex => {
                self.edge = match place {
                    Operation::StartsWith => Edge::Start,
                    Operation::EndsWith => Edge::End,
                    _ => Edge::Anywhere,
                }
            }
            Effect::Place(operation) | Effect::Operation(operation) => self.operation = operation,
        }
    }

    /// Whether values are put in order.
    pub(super) fn compares(&self) -> bool {
        use Operation::{Greater, GreaterOrEqual, Less, LessOrEqual};
        matches!(self.operation, Less | LessOrEqual | Greater | GreaterOrEqual)
    }

    /// Whether the value itself is what an event's value must equal.
    pub(super) fn is_plain(&self) -> bool {
        self.operation == Operation::Equals
            && !self.fieldref
            && self.part.is_none()
            && self.encodings.is_empty()
    }
}

fn unknown(name: &str, span: Span, findings: &mut Findings) {
    let known = EFFECTS.iter().map(|(known, _)| *known);
    let all: Vec<&str> = known.clone().collect();
    findings
        .error(span, "unknown-modifier", format!("no modifier `{name}`"))
        .suggest(nearest(name, known), || format!("the modifiers are {}", all.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<(String, Modifiers), (String, std::ops::Range<usize>)>;

    fn read(key: &str) -> Read {
        place(key, key)
    }

    fn place(key: &str, written: &str) -> Read {
        let mut findings = Findings::default();
        let span = Span { file: 0, start: 0, end: u32::try_from(written.len()).unwrap() };
        let parsed = parse(key, span, &mut findings);
        let found = findings.finish(&super::super::Sources::of([("a.yml", written)]));
        match (parsed, found.into_iter().next()) {
            (Some((field, modifiers)), None) => Ok((field.text, modifiers)),
            (_, found) => Err(found.map(|found| (found.message, found.at.span)).unwrap()),
        }
    }

    #[test]
    fn modifiers_add_up() {
        let (field, modifiers) = read("actor.alternateId|contains|all|cased|neq").unwrap();
        assert_eq!((field.as_str(), modifiers.operation), ("actor.alternateId", Operation::Contains));
        assert!(modifiers.all && modifiers.cased && modifiers.neq);
        assert_eq!(read("a|re|i|dotall").unwrap().1.flags, ['i', 's']);
        let encoded = read("a|windash|wide|base64offset|contains|cased").unwrap().1;
        assert_eq!(encoded.encodings, [Encoding::Utf16Le, Encoding::Base64Offset]);
        assert!(encoded.windash && encoded.operation == Operation::Contains);
        let hour = read("published|hour|gte|neq").unwrap().1;
        assert_eq!((hour.part, hour.operation), (Some(TimePart::Hour), Operation::GreaterOrEqual));
        assert_eq!(read("a|re|i|endswith|m").unwrap().1.edge, Edge::End);
    }

    #[test]
    fn what_goes_together_is_taken_in_its_order() {
        for key in [
            "a|all|contains",
            "a|cased|contains",
            "a|contains|windash|all",
            "a|windash|endswith",
            "a|base64|base64",
            "a|utf16|base64|startswith",
            "a|utf16be|base64offset|contains",
            "a|fieldref|startswith|neq",
            "a|cased|fieldref",
            "a|neq|exists",
            "a|all|neq|cidr",
            "a|week|lt",
            "a|year|all|neq",
            "|contains|all",
        ] {
            assert!(read(key).is_ok(), "{key}: {:?}", read(key));
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let pairs = [
            ("a|contains|re", "`re` cannot follow `contains`"),
            ("a|re|cased", "`cased` changes nothing here"),
            ("a|cased|re", "`cased` changes nothing here"),
            ("a|cased|gte", "`cased` changes nothing here"),
            ("a|hour|cased", "`cased` changes nothing here"),
            ("a|gt|fieldref", "`fieldref` cannot follow `gt`"),
            ("a|fieldref|gt", "`gt` cannot follow `fieldref`"),
            ("a|exists|all", "`all` changes nothing after `exists`"),
            ("a|cidr|windash", "`windash` cannot follow `cidr`"),
            ("a|contains|base64", "`base64` cannot follow `contains`"),
            ("a|base64|windash", "`windash` cannot follow `base64`"),
            ("a|contains|startswith", "`startswith` cannot follow `contains`"),
            ("a|contains|fieldref", "`fieldref` cannot follow `contains`"),
            ("a|re|contains|endswith", "`endswith` cannot follow `contains`"),
            ("a|gte|hour", "`hour` cannot follow `gte`"),
            ("a|hour|day", "`day` cannot follow `hour`"),
            ("a|hour|contains", "`contains` cannot follow `hour`"),
            ("a|gt|lt", "`lt` cannot follow `gt`"),
            ("a|re|cidr", "`cidr` cannot follow `re`"),
            ("a|i", "`i` cannot stand first"),
            ("a|contains|i", "`i` cannot follow `contains`"),
            ("a|re|i|ignorecase", "`ignorecase` is said twice"),
            ("a|all|contains|all", "`all` is said twice"),
            ("a|wide", "no field holds the bytes of UTF-16 as text"),
            ("a|base64|utf16|contains", "no field holds the bytes of UTF-16 as text"),
        ];
        for (key, message) in pairs {
            assert_eq!(read(key).unwrap_err().0, message, "{key}");
        }
    }

    #[test]
    fn a_slip_is_shown_where_it_stands() {
        let (message, span) = read("a.b|contians").unwrap_err();
        assert_eq!((message.as_str(), span), ("no modifier `contians`", 4..12));
        let (_, span) = place("a.b|contians", "'a.b|contians'").unwrap_err();
        assert_eq!(span, 5..13);
        assert_eq!(read("a.b|contains|base64").unwrap_err().1, 13..19);
        for key in ["a|weekday", "a|dayofweek", "a|not", "a|", "a||contains"] {
            assert!(read(key).unwrap_err().0.starts_with("no modifier"), "{key}");
        }
    }
}
