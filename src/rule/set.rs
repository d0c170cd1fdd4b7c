//! Is a value among many, without a look at each of them?

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::wildcard::Shape;

/// Texts, and with which part of a value they are compared. They are folded unless case counts.
#[derive(Clone, Debug)]
pub(super) struct Set {
    part: Part,
    pub cased: bool,
    texts: HashSet<Box<[u8]>, FixedState>,
    /// The lengths that texts have, each once, the shortest first.
    lengths: Box<[usize]>,
}

/// The part of a value that a text is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Whole,
    Start,
    End,
    Inside,
}

impl Set {
    pub(super) fn new(part: Part, cased: bool, texts: Vec<String>) -> Self {
        let mut lengths: Vec<usize> = texts.iter().map(String::len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let texts = texts.into_iter().map(|text| text.into_bytes().into_boxed_slice()).collect();
        Self { part, cased, texts, lengths: lengths.into_boxed_slice() }
    }

    /// A text that is folded unless case counts, or ASCII. One look-up for each length that texts
    /// have, however many texts there are.
    pub(super) fn matches(&self, text: &str) -> bool {
        if self.part == Part::Whole && self.lengths.last().is_none_or(|longest| text.len() > *longest) {
            return false;
        }
        let bytes: SmallVec<[u8; 64]> = match self.cased {
            true => SmallVec::from_slice(text.as_bytes()),
            false => text.bytes().map(|byte| byte.to_ascii_lowercase()).collect(),
        };
        let has = |part: Option<&[u8]>| part.is_some_and(|part| self.texts.contains(part));
        let mut lengths = self.lengths.iter().take_while(|length| **length <= bytes.len());
        match self.part {
            Part::Start => lengths.any(|length| has(bytes.get(..*length))),
            Part::End => lengths.any(|length| has(bytes.get(bytes.len() - length..))),
            Part::Whole | Part::Inside => has(Some(&bytes)),
        }
    }

    /// The texts, if the whole value must equal one of them, case aside.
    pub(super) fn equal(&self) -> Option<impl Iterator<Item = &str>> {
        let texts = (self.part == Part::Whole && !self.cased).then_some(&self.texts)?;
        Some(texts.iter().filter_map(|text| std::str::from_utf8(text).ok()))
    }
}

/// The text of a shape and the part of a value that it is compared with.
pub(super) fn parted(shape: Shape) -> Result<(Part, String), Shape> {
    match shape {
        Shape::Exact(text) => Ok((Part::Whole, text)),
        Shape::Prefix(text) => Ok((Part::Start, text)),
        Shape::Suffix(text) => Ok((Part::End, text)),
        Shape::Contains(text) => Ok((Part::Inside, text)),
        other => Err(other),
    }
}

pub(super) fn whole(part: Part, text: String) -> Shape {
    match part {
        Part::Whole => Shape::Exact(text),
        Part::Start => Shape::Prefix(text),
        Part::End => Shape::Suffix(text),
        Part::Inside => Shape::Contains(text),
    }
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
    use super::*;

    #[test]
    fn numbers_are_found_in_either_type() {
        let numbers = Integers::new(vec![9_007_199_254_740_993, -3, 5, i64::MAX]);
        assert!(numbers.hold(5) && numbers.hold_number(5.0) && numbers.hold_number(-3.0));
        assert!(numbers.hold(9_007_199_254_740_993) && !numbers.hold(9_007_199_254_740_992));
        assert!(!numbers.hold(4) && !numbers.hold_number(5.5) && !numbers.hold_number(f64::NAN));
    }
}
