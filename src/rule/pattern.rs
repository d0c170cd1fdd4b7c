//! Does one value of a field match one value of a rule?

use std::borrow::Cow;
use std::cell::OnceCell;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use compact_str::{CompactString, ToCompactString};
use ipnet::IpNet;
use regex::Regex;

use super::modifier::Operation;
use super::network::{self, Networks};
use super::set::{Affixes, Integers, Texts};
use super::time_part::TimePart;
use super::wildcard::{Shape, fold};
use crate::model::{Value, instant_ms};

/// From so many values on, a set is faster than one comparison after the other.
const SET_FROM: usize = 8;

/// From so many bytes of searched texts on, the compact automaton is taken.
const COMPACT_FROM: usize = 4_096;

/// From so large a number on, it may name an instant: seconds or milliseconds since 1970.
const INSTANT_FROM: f64 = 1e8;

/// What one value must be.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Text {
        shape: Shape,
        cased: bool,
    },
    Integer(i64),
    Float(f64),
    Order(Operation, Bound),
    /// A part of the instant equals a number, or is in order with it.
    Part(TimePart, Operation, i64),
    Cidr(IpNet),
    /// One of many networks.
    Networks(Networks),
    /// With its flags in order, which the expression's own text does not show.
    Regex {
        regex: Box<Regex>,
        flags: String,
    },
    /// One of many numbers.
    Integers(Integers),
    /// One of many texts.
    Texts(Texts),
    /// The start, or the end, is one of many texts.
    Affixes(Affixes),
    /// Texts, one of which the value must contain.
    Search {
        automaton: AhoCorasick,
        cased: bool,
    },
}

/// What values are put in order with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    Number(f64),
    /// In ms.
    Instant(i64),
}

/// One value of an event in the forms that patterns ask for.
pub(super) struct Subject<'v> {
    value: Value<'v>,
    raw: Cow<'v, str>,
    /// Lower case, unless it is ASCII: then the comparison itself is blind to case.
    folded: Option<String>,
    /// Once it is asked for: the instant it names.
    instant: OnceCell<Option<i64>>,
}

impl<'v> Subject<'v> {
    /// `spelled` lends its room to numbers, so that they need no allocation.
    pub(super) fn new(value: Value<'v>, spelled: &'v mut CompactString) -> Self {
        let raw = match value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Boolean(true) => Cow::Borrowed("true"),
            Value::Boolean(false) => Cow::Borrowed("false"),
            Value::Container => Cow::Borrowed(""),
            Value::Integer(_) | Value::Number(_) => {
                *spelled = value.to_compact_string();
                Cow::Borrowed(spelled.as_str())
            }
        };
        let folded = (!raw.is_ascii()).then(|| fold(&raw));
        Self { value, raw, folded, instant: OnceCell::new() }
    }

    fn text(&self, cased: bool) -> &str {
        match &self.folded {
            Some(folded) if !cased => folded,
            _ => &self.raw,
        }
    }

    /// The text that patterns blind to case ask for; a container has none.
    pub(super) fn blind_text(&self) -> Option<&str> {
        (!matches!(self.value, Value::Container)).then(|| self.text(false))
    }

    fn number(&self) -> Option<f64> {
        match self.value {
            Value::Integer(number) => Some(number as f64),
            Value::Number(number) => Some(number),
            _ => self.raw.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        }
    }

    fn instant(&self) -> Option<i64> {
        *self.instant.get_or_init(|| match self.value {
            Value::Integer(number) if (number as f64) < INSTANT_FROM => None,
            Value::Number(number) if number < INSTANT_FROM => None,
            value => instant_ms(value),
        })
    }

    /// Whether this equals, contains, … another value.
    pub(super) fn compare(&self, other: &Subject<'_>, operation: Operation, cased: bool) -> bool {
        if matches!(self.value, Value::Container) || matches!(other.value, Value::Container) {
            return false;
        }
        let (left, right) = (self.text(cased), other.text(cased));
        // Both are folded or ASCII, so that comparing ASCII without case is enough.
        let same = |left: &[u8]| match cased {
            true => left == right.as_bytes(),
            false => left.eq_ignore_ascii_case(right.as_bytes()),
        };
        let bytes = left.as_bytes();
        match operation {
            Operation::StartsWith => bytes.get(..right.len()).is_some_and(same),
            Operation::EndsWith => {
                bytes.len().checked_sub(right.len()).and_then(|start| bytes.get(start..)).is_some_and(same)
            }
            Operation::Contains => bytes.windows(right.len().max(1)).any(same),
            _ => same(bytes),
        }
    }
}

impl Pattern {
    /// Whether it is judged by itself, in time that grows with the value, however many there are.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Self::Regex { .. } | Self::Text { shape: Shape::Glob(_), .. })
    }

    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        if matches!(subject.value, Value::Container) {
            return matches!(self, Self::Text { shape: Shape::Any, .. });
        }
        match self {
            Self::Text { shape, cased } => shape.matches(subject.text(*cased), *cased),
            Self::Integer(wanted) => match subject.value {
                Value::Integer(number) => number == *wanted,
                Value::Text(text) if text.parse() == Ok(*wanted) => true,
                _ => subject.number() == Some(*wanted as f64),
            },
            Self::Float(wanted) => subject.number() == Some(*wanted),
            Self::Order(operation, Bound::Number(bound)) => {
                subject.number().is_some_and(|number| in_order(&number, *operation, bound))
            }
            Self::Order(operation, Bound::Instant(bound)) => {
                subject.instant().is_some_and(|instant| in_order(&instant, *operation, bound))
            }
            Self::Part(part, operation, bound) => {
                let value = subject.instant().and_then(|instant| part.of(instant));
                value.is_some_and(|value| in_order(&value, *operation, bound))
            }
            Self::Cidr(net) => {
                network::address(&subject.raw).is_some_and(|address| network::holds(net, address))
            }
            Self::Networks(all) => network::address(&subject.raw).is_some_and(|address| all.hold(address)),
            Self::Regex { regex, .. } => regex.is_match(&subject.raw),
            Self::Integers(all) => match subject.value {
                Value::Integer(number) => all.hold(number),
                Value::Text(text) if text.parse().is_ok_and(|number| all.hold(number)) => true,
                _ => subject.number().is_some_and(|number| all.hold_number(number)),
            },
            Self::Texts(all) => all.hold(subject.text(all.cased())),
            Self::Affixes(all) => all.hold(subject.text(all.cased())),
            Self::Search { automaton, cased } => automaton.is_match(subject.text(*cased)),
        }
    }
}

fn in_order<T: PartialOrd>(number: &T, operation: Operation, bound: &T) -> bool {
    match operation {
        Operation::Equals => number == bound,
        Operation::Less => number < bound,
        Operation::LessOrEqual => number <= bound,
        Operation::Greater => number > bound,
        Operation::GreaterOrEqual => number >= bound,
        _ => false,
    }
}

/// Patterns by kind, of which those of one kind are judged together.
#[derive(Default)]
struct Kinds {
    integers: Vec<i64>,
    networks: Vec<IpNet>,
    /// With case and without.
    equal: [Vec<String>; 2],
    starts: [Vec<String>; 2],
    ends: [Vec<String>; 2],
    inside: [Vec<String>; 2],
    rest: Vec<Pattern>,
}

impl Kinds {
    fn push(&mut self, pattern: Pattern) {
        let (shape, cased) = match pattern {
            Pattern::Integer(number) => return self.integers.push(number),
            Pattern::Cidr(network) => return self.networks.push(network),
            Pattern::Text { shape, cased } => (shape, cased),
            other => return self.rest.push(other),
        };
        let (kind, text) = match shape {
            Shape::Exact(text) => (&mut self.equal, text),
            Shape::Prefix(text) => (&mut self.starts, text),
            Shape::Suffix(text) => (&mut self.ends, text),
            Shape::Contains(text) => (&mut self.inside, text),
            shape @ (Shape::Any | Shape::Glob(_)) => return self.rest.push(Pattern::Text { shape, cased }),
        };
        let [blind, exact] = kind;
        if cased { exact.push(text) } else { blind.push(text) }
    }

    /// Cheap ones first.
    fn joined(self) -> Result<Vec<Pattern>, BuildError> {
        let mut all = Vec::new();
        join(self.integers, &mut all, Pattern::Integer, |all| Pattern::Integers(Integers::new(all)));
        for (texts, cased) in self.equal.into_iter().zip([false, true]) {
            let one = |text| Pattern::Text { shape: Shape::Exact(text), cased };
            join(texts, &mut all, one, |all| Pattern::Texts(Texts::new(all, cased)));
        }
        for (texts, cased) in self.starts.into_iter().zip([false, true]) {
            let one = |text| Pattern::Text { shape: Shape::Prefix(text), cased };
            join(texts, &mut all, one, |all| Pattern::Affixes(Affixes::new(all, false, cased)));
        }
        for (texts, cased) in self.ends.into_iter().zip([false, true]) {
            let one = |text| Pattern::Text { shape: Shape::Suffix(text), cased };
            join(texts, &mut all, one, |all| Pattern::Affixes(Affixes::new(all, true, cased)));
        }
        match self.networks.as_slice() {
            [] => {}
            [only] => all.push(Pattern::Cidr(*only)),
            _ => all.push(Pattern::Networks(Networks::new(self.networks))),
        }
        for (texts, cased) in self.inside.into_iter().zip([false, true]) {
            if !texts.is_empty() {
                all.push(Pattern::Search { automaton: automaton(&texts, cased)?, cased });
            }
        }
        all.extend(self.rest);
        Ok(all)
    }
}

/// A few one by one, many together.
fn join<T>(
    values: Vec<T>,
    all: &mut Vec<Pattern>,
    one: impl FnMut(T) -> Pattern,
    many: impl FnOnce(Vec<T>) -> Pattern,
) {
    if values.len() < SET_FROM {
        all.extend(values.into_iter().map(one));
    } else {
        all.push(many(values));
    }
}

/// The same patterns, those of one kind put together; any of them may match.
pub(super) fn together(patterns: Vec<Pattern>) -> Result<Vec<Pattern>, BuildError> {
    let mut kinds = Kinds::default();
    patterns.into_iter().for_each(|pattern| kinds.push(pattern));
    kinds.joined()
}

fn automaton(texts: &[String], cased: bool) -> Result<AhoCorasick, BuildError> {
    let bytes: usize = texts.iter().map(String::len).sum();
    let kind = (bytes >= COMPACT_FROM).then_some(AhoCorasickKind::ContiguousNFA);
    AhoCorasick::builder().ascii_case_insensitive(!cased).kind(kind).build(texts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wildcard::symbols;
    use super::*;

    fn text(pattern: &str, cased: bool) -> Pattern {
        Pattern::Text { shape: Shape::new(symbols(pattern), cased), cased }
    }

    fn any(patterns: &[Pattern], value: Value<'_>) -> bool {
        let mut room = CompactString::default();
        let subject = Subject::new(value, &mut room);
        patterns.iter().any(|pattern| pattern.matches(&subject))
    }

    #[test]
    fn case_counts_only_when_asked() {
        assert!(any(&[text("success", false)], Value::Text("SUCCESS")));
        assert!(any(&[text("ÄÖ*", false)], Value::Text("äöÜ")));
        assert!(any(&[text("k", false)], Value::Text("\u{212a}")), "the Kelvin sign folds to k");
        assert!(!any(&[text("success", true)], Value::Text("SUCCESS")));
        assert!(any(&[text("Ä*", true)], Value::Text("Äb")));
    }

    #[test]
    fn numbers_and_booleans_equal_their_spelling() {
        assert!(any(&[text("TRUE", false)], Value::Boolean(true)));
        assert!(any(&[text("1", false)], Value::Integer(1)));
        assert!(any(&[text("1.5", false)], Value::Number(1.5)));
        assert!(any(&[Pattern::Integer(1)], Value::Text("1")));
        assert!(any(&[Pattern::Integer(1)], Value::Number(1.0)));
        assert!(any(&[Pattern::Float(1.5)], Value::Text("1.50")));
        assert!(!any(&[Pattern::Integer(1)], Value::Text("one")));
        assert!(!any(&[Pattern::Integer(9_007_199_254_740_993)], Value::Integer(9_007_199_254_740_992)));
    }

    #[test]
    fn order_needs_a_number() {
        let pattern = [Pattern::Order(Operation::GreaterOrEqual, Bound::Number(900.0))];
        assert!(any(&pattern, Value::Number(900.0)));
        assert!(any(&pattern, Value::Text("901")));
        assert!(!any(&pattern, Value::Text("fast")));
        assert!(!any(&pattern, Value::Text("NaN")));
    }

    #[test]
    fn a_number_too_small_for_one_is_no_instant() {
        let pattern = [Pattern::Part(TimePart::Year, Operation::Equals, 2023)];
        assert!(any(&pattern, Value::Integer(1_700_000_000)) && any(&pattern, Value::Number(1.7e12)));
        assert!(any(&pattern, Value::Text("2023-11-14T22:13:20Z")));
        let epoch = [Pattern::Part(TimePart::Year, Operation::LessOrEqual, 1970)];
        assert!(!any(&epoch, Value::Integer(5)) && !any(&epoch, Value::Number(-1.0)));
        assert!(!any(&epoch, Value::Boolean(true)) && !any(&epoch, Value::Container));
    }

    #[test]
    fn many_networks_become_one_test() {
        let single: Vec<_> = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"]
            .iter()
            .map(|net| Pattern::Cidr(network::parse(net).unwrap()))
            .collect();
        let all = together(single.clone()).unwrap();
        assert!(matches!(all.as_slice(), [Pattern::Networks(_)]));
        for address in ["10.1.2.3", "2001:db8::1", "::ffff:10.1.2.3", "11.1.2.3", "2001:db9::1", "10.1", ""] {
            assert_eq!(any(&single, Value::Text(address)), any(&all, Value::Text(address)), "{address}");
        }
    }

    #[test]
    fn a_container_is_there_but_equals_nothing() {
        assert!(any(&[text("*", false)], Value::Container));
        assert!(!any(&[text("a*", false), text("x", false)], Value::Container));
    }

    #[test]
    fn patterns_put_together_match_the_same() {
        let words: Vec<String> = (0..20).map(|n| format!("Wört{n}")).collect();
        let single: Vec<_> = words.iter().map(|word| text(word, false)).collect();
        let search: Vec<_> = words.iter().map(|word| text(&format!("*{word}*"), false)).collect();
        let set = together(single.clone()).unwrap();
        let found = together(search.clone()).unwrap();
        assert!(matches!(set.as_slice(), [Pattern::Texts(_)]));
        assert!(matches!(found.as_slice(), [Pattern::Search { .. }]));
        for value in ["WÖRT7", "wört7", "wört70", "xwört3y", "wort3", ""] {
            let value = Value::Text(value);
            assert_eq!(any(&single, value), any(&set, value), "{value}");
            assert_eq!(any(&search, value), any(&found, value), "{value}");
        }
    }

    fn some_pattern() -> impl Strategy<Value = Pattern> {
        let network = (0..4_u8, 28..=32_u8).prop_map(|(last, bits)| format!("192.0.2.{last}/{bits}"));
        prop_oneof![
            6 => ("[abÄ*?]{1,4}", proptest::bool::ANY).prop_map(|(pattern, cased)| text(&pattern, cased)),
            2 => (-3..9_i64).prop_map(Pattern::Integer),
            1 => (-3..9_i32).prop_map(|number| Pattern::Float(f64::from(number) / 2.0)),
            1 => network.prop_map(|net| Pattern::Cidr(network::parse(&net).unwrap())),
        ]
    }

    proptest! {
        #[test]
        fn patterns_put_together_match_what_one_of_them_matches(
            patterns in proptest::collection::vec(some_pattern(), 0..60),
            word in "[abAÄä]{0,5}|192.0.2.[0-9]|-?[0-9](\\.[05])?",
            number in -3..9_i64
        ) {
            let joined = together(patterns.clone()).unwrap();
            for value in [Value::Text(&word), Value::Integer(number), Value::Number(number as f64 / 2.0)] {
                prop_assert_eq!(any(&joined, value), any(&patterns, value), "{:?}", value);
            }
        }
    }
}
