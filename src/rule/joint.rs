//! Which of the texts that many rules look for in one field does a value hold, in one look?

use std::collections::BTreeMap;

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, BuildError};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::pattern::Pattern;
use super::wildcard::Shape;

/// Texts of one automaton: the time to build one grows faster than their number.
const PORTION: usize = 4_096;

/// Tests, by their slots, that a text decides.
type Slots = SmallVec<[u32; 2]>;

/// Where in a value the texts must stand, blind to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Whole,
    Start,
    End,
    Inside,
}

/// The place and the texts, if every pattern is a text blind to case in the same place.
pub(super) fn texts(patterns: &[Pattern]) -> Option<(Place, Vec<&str>)> {
    let text = |pattern| match pattern {
        &Pattern::Text { ref shape, cased: false } => match shape {
            Shape::Exact(text) => Some((Place::Whole, text.as_str())),
            Shape::Prefix(text) => Some((Place::Start, text.as_str())),
            Shape::Suffix(text) => Some((Place::End, text.as_str())),
            Shape::Contains(text) if !text.is_empty() => Some((Place::Inside, text.as_str())),
            _ => None,
        },
        _ => None,
    };
    let (place, _) = text(patterns.first()?)?;
    let all: Option<Vec<&str>> = patterns
        .iter()
        .map(|pattern| text(pattern).filter(|found| found.0 == place).map(|(_, text)| text))
        .collect();
    Some((place, all?))
}

/// The texts of many tests of one field, all in the same place.
#[derive(Debug)]
pub(super) enum Joint {
    Whole(HashMap<Box<[u8]>, Slots, FixedState>),
    Affixes(Affixes),
    Inside(Vec<Portion>),
}

/// Starts, or ends back to front: those that a value begins with are the last one that does not come
/// after it, and what that one begins with itself.
#[derive(Debug)]
pub(super) struct Affixes {
    sorted: Vec<Affix>,
    longest: usize,
    at_end: bool,
}

#[derive(Debug)]
struct Affix {
    bytes: Box<[u8]>,
    /// The longest other one that it begins with.
    inner: Option<usize>,
    slots: Slots,
}

/// One automaton over some of the texts.
#[derive(Debug)]
pub(super) struct Portion {
    automaton: NFA,
    texts: Vec<Slots>,
    /// Of its first text among those of the joint.
    first: usize,
}

impl Joint {
    /// From texts in lower case with the tests they decide.
    pub(super) fn new(place: Place, texts: BTreeMap<Vec<u8>, Slots>) -> Result<Self, BuildError> {
        Ok(match place {
            Place::Whole => {
                let texts = texts.into_iter().map(|(text, slots)| (text.into_boxed_slice(), slots));
                Self::Whole(texts.collect())
            }
            Place::Start | Place::End => Self::Affixes(Affixes::new(texts, place == Place::End)),
            Place::Inside => Self::Inside(portions(texts)?),
        })
    }

    /// How many marks [`Joint::scan`] needs.
    pub(super) fn marks(&self) -> usize {
        match self {
            Self::Inside(portions) => portions.iter().map(|portion| portion.texts.len()).sum(),
            Self::Whole(_) | Self::Affixes(_) => 0,
        }
    }

    /// Tells every test that the value decides, once or oftener. The value is folded or ASCII. A text
    /// that is found leaves the `epoch` on its mark, so that the texts within it are told but once.
    pub(super) fn scan(&self, value: &str, marks: &mut [u64], epoch: u64, tell: &mut impl FnMut(u32)) {
        match self {
            Self::Whole(texts) => {
                let key: SmallVec<[u8; 64]> = value.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
                texts.get(key.as_slice()).into_iter().flatten().copied().for_each(tell);
            }
            Self::Affixes(affixes) => affixes.scan(value, tell),
            Self::Inside(portions) => {
                for portion in portions {
                    let marks = marks.get_mut(portion.first..).unwrap_or_default();
                    portion.scan(value, marks, epoch, tell);
                }
            }
        }
    }
}

impl Affixes {
    fn new(texts: BTreeMap<Vec<u8>, Slots>, at_end: bool) -> Self {
        let longest = texts.keys().map(Vec::len).max().unwrap_or_default();
        let turned = texts.into_iter().map(|(mut bytes, slots)| {
            if at_end {
                bytes.reverse();
            }
            (bytes, slots)
        });
        let mut sorted: Vec<Affix> = Vec::new();
        for (bytes, slots) in turned.collect::<BTreeMap<_, _>>() {
            // Among what came before, only the last and what it begins with can begin this one.
            let mut inner = sorted.len().checked_sub(1);
            while let Some(affix) = inner.and_then(|place| sorted.get(place)) {
                if bytes.starts_with(&affix.bytes) {
                    break;
                }
                inner = affix.inner;
            }
            sorted.push(Affix { bytes: bytes.into_boxed_slice(), inner, slots });
        }
        Self { sorted, longest, at_end }
    }

    fn scan(&self, value: &str, tell: &mut impl FnMut(u32)) {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        let key: SmallVec<[u8; 64]> = match self.at_end {
            false => value.bytes().take(self.longest).map(lower).collect(),
            true => value.bytes().rev().take(self.longest).map(lower).collect(),
        };
        let after = self.sorted.partition_point(|affix| *affix.bytes <= *key);
        let mut place = after.checked_sub(1);
        while let Some(affix) = place.and_then(|place| self.sorted.get(place)) {
            if key.starts_with(&affix.bytes) {
                affix.slots.iter().copied().for_each(&mut *tell);
            }
            place = affix.inner;
        }
    }
}

fn portions(texts: BTreeMap<Vec<u8>, Slots>) -> Result<Vec<Portion>, BuildError> {
    let texts: Vec<(Vec<u8>, Slots)> = texts.into_iter().collect();
    let portions = texts.chunks(PORTION).enumerate().map(|(number, portion)| {
        let automaton =
            NFA::builder().ascii_case_insensitive(true).build(portion.iter().map(|(text, _)| text))?;
        let texts = portion.iter().map(|(_, slots)| slots.clone()).collect();
        Ok(Portion { automaton, texts, first: number * PORTION })
    });
    portions.collect()
}

impl Portion {
    fn scan(&self, value: &str, marks: &mut [u64], epoch: u64, tell: &mut impl FnMut(u32)) {
        let automaton = &self.automaton;
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        for byte in value.bytes() {
            state = automaton.next_state(Anchored::No, state, byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            // The longest text that ends here comes first, then those that it ends with: where one was
            // found before, so were those after it.
            for place in 0..automaton.match_len(state) {
                let text = automaton.match_pattern(state, place).as_usize();
                let Some(mark) = marks.get_mut(text).filter(|mark| **mark != epoch) else { break };
                *mark = epoch;
                self.texts.get(text).into_iter().flatten().copied().for_each(&mut *tell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_texts_found_are_those_of_a_look_at_each(
            texts in proptest::collection::btree_set("[abé]{1,5}", 0..14),
            values in proptest::collection::vec("[aAbBé]{0,12}", 1..4)
        ) {
            let numbered: BTreeMap<Vec<u8>, Slots> =
                (0..).zip(&texts).map(|(slot, text)| (text.clone().into_bytes(), Slots::from_elem(slot, 1))).collect();
            for place in [Place::Whole, Place::Start, Place::End, Place::Inside] {
                let joint = Joint::new(place, numbered.clone()).unwrap();
                let mut marks = vec![0; joint.marks()];
                let mut found = vec![false; texts.len()];
                for value in &values {
                    joint.scan(value, &mut marks, 1, &mut |slot| found[slot as usize] = true);
                }
                let holds = |value: &String, text: &str| match (place, value.to_ascii_lowercase()) {
                    (Place::Whole, value) => value == *text,
                    (Place::Start, value) => value.starts_with(text),
                    (Place::End, value) => value.ends_with(text),
                    (Place::Inside, value) => value.contains(text),
                };
                let each: Vec<bool> =
                    texts.iter().map(|text| values.iter().any(|value| holds(value, text))).collect();
                prop_assert_eq!(found, each, "{:?}", place);
            }
        }
    }

    #[test]
    fn more_texts_than_one_automaton_takes_are_all_found() {
        let text = |number: u32| format!("<{number}>");
        let texts = (0..10_000).map(|number| (text(number).into_bytes(), Slots::from_elem(number, 1)));
        let joint = Joint::new(Place::Inside, texts.collect()).unwrap();
        assert!(matches!(&joint, Joint::Inside(portions) if portions.len() == 3));
        let mut marks = vec![0; joint.marks()];
        let mut found = Vec::new();
        joint.scan("<0> <4999><9999> <10000>", &mut marks, 1, &mut |slot| found.push(slot));
        found.sort_unstable();
        assert_eq!(found, [0, 4_999, 9_999]);
    }
}
