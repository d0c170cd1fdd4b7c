//! Is a value among many, without a look at each of them?

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use smallvec::SmallVec;

/// The start or the end of a text, or all of it, in the form that is looked up.
type Key = SmallVec<[u8; 64]>;

/// Texts, one of which a value must equal; folded unless case counts.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    texts: HashSet<Box<[u8]>, FixedState>,
    longest: usize,
    cased: bool,
}

impl Texts {
    pub(super) fn new(texts: Vec<String>, cased: bool) -> Self {
        let longest = texts.iter().map(String::len).max().unwrap_or_default();
        let texts = texts.into_iter().map(|text| text.into_bytes().into_boxed_slice()).collect();
        Self { texts, longest, cased }
    }

    pub(super) fn cased(&self) -> bool {
        self.cased
    }

    /// The texts, if case does not count.
    pub(super) fn folded(&self) -> Option<impl Iterator<Item = &str>> {
        let texts = (!self.cased).then_some(&self.texts)?;
        Some(texts.iter().filter_map(|text| std::str::from_utf8(text).ok()))
    }

    /// Whether the text, folded or ASCII unless case counts, is one of them.
    pub(super) fn hold(&self, text: &str) -> bool {
        text.len() <= self.longest && self.texts.contains(key(text.bytes(), self.cased).as_slice())
    }
}

/// Texts, with one of which a value must begin, or end; folded unless case counts.
///
/// They are sorted, and none begins with another: so the only one that a text can begin with is the last
/// that does not come after it. Ends are kept back to front.
#[derive(Clone, Debug)]
pub(super) struct Affixes {
    sorted: Vec<Box<[u8]>>,
    longest: usize,
    at_end: bool,
    cased: bool,
}

impl Affixes {
    pub(super) fn new(texts: Vec<String>, at_end: bool, cased: bool) -> Self {
        let longest = texts.iter().map(String::len).max().unwrap_or_default();
        let turned = texts.into_iter().map(|text| {
            let mut bytes = text.into_bytes();
            if at_end {
                bytes.reverse();
            }
            bytes.into_boxed_slice()
        });
        let mut sorted: Vec<Box<[u8]>> = turned.collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, before| next.starts_with(before));
        Self { sorted, longest, at_end, cased }
    }

    pub(super) fn cased(&self) -> bool {
        self.cased
    }

    /// Whether the text, folded or ASCII unless case counts, begins or ends with one of them.
    pub(super) fn hold(&self, text: &str) -> bool {
        let key = match self.at_end {
            false => key(text.bytes().take(self.longest), self.cased),
            true => key(text.bytes().rev().take(self.longest), self.cased),
        };
        let after = self.sorted.partition_point(|affix| **affix <= *key);
        let last = after.checked_sub(1).and_then(|place| self.sorted.get(place));
        last.is_some_and(|affix| key.starts_with(affix))
    }
}

fn key(bytes: impl Iterator<Item = u8>, cased: bool) -> Key {
    if cased { bytes.collect() } else { bytes.map(|byte| byte.to_ascii_lowercase()).collect() }
}

/// Whole numbers, one of which a value must be.
#[derive(Clone, Debug)]
pub(super) struct Integers {
    sorted: Vec<i64>,
}

impl Integers {
    pub(super) fn new(mut numbers: Vec<i64>) -> Self {
        numbers.sort_unstable();
        Self { sorted: numbers }
    }

    pub(super) fn hold(&self, number: i64) -> bool {
        self.sorted.binary_search(&number).is_ok()
    }

    /// Whether a number that is no integer by its type equals one of them.
    pub(super) fn hold_number(&self, number: f64) -> bool {
        let place = self.sorted.partition_point(|known| (*known as f64) < number);
        self.sorted.get(place).is_some_and(|known| *known as f64 == number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn an_affix_may_begin_with_another() {
        let starts = Affixes::new(texts(&["user.", "user.mfa", "app", "appl", "é"]), false, false);
        for text in ["user.mf", "USER.MFA", "app", "applé", "éa"] {
            assert!(starts.hold(text), "{text}");
        }
        for text in ["", "user", "ap", "zone", "e"] {
            assert!(!starts.hold(text), "{text}");
        }
        let ends = Affixes::new(texts(&[".com", "example.com", "é"]), true, true);
        assert!(ends.hold("x.com") && ends.hold("example.com") && ends.hold("aé"));
        assert!(!ends.hold("x.COM") && !ends.hold("com") && !ends.hold(""));
    }

    #[test]
    fn numbers_are_found_in_either_type() {
        let numbers = Integers::new(vec![9_007_199_254_740_993, -3, 5, i64::MAX]);
        assert!(numbers.hold(5) && numbers.hold_number(5.0) && numbers.hold_number(-3.0));
        assert!(numbers.hold(9_007_199_254_740_993) && !numbers.hold(9_007_199_254_740_992));
        assert!(!numbers.hold(4) && !numbers.hold_number(5.5) && !numbers.hold_number(f64::NAN));
    }

    proptest! {
        #[test]
        fn affixes_are_those_of_a_look_at_each(
            affixes in proptest::collection::vec("[abé]{1,4}", 0..12), text in "[abé]{0,8}", at_end: bool
        ) {
            let found = Affixes::new(affixes.clone(), at_end, true).hold(&text);
            let fits = |affix: &String| if at_end { text.ends_with(affix) } else { text.starts_with(affix) };
            prop_assert_eq!(found, affixes.iter().any(fits));
        }
    }
}
