//! How is a long list held so that a change of it touches, and writes, only a little of it?
//!
//! The newest elements lie open. Those before them are put into pages that hardly change any more: each is
//! written once, under a digest of its own ([`Shared`]), and the list only names it from then on. A short list
//! has no pages.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::ops::Range;

use super::codec::{Corrupt, Durable, Writer};
use super::reader::Reader;
use crate::model::Shared;

/// Elements of a page; one that is put in between may make it twice as long. Short in tests, so that what is
/// tested with a few events has pages.
const PAGE: usize = if cfg!(test) { 2 } else { 64 };
/// Elements that lie open at most: then the older half becomes a page.
const OPEN: usize = 2 * PAGE;

/// A list in some order.
#[derive(Clone, Debug)]
pub struct Pages<T> {
    pages: VecDeque<Page<T>>,
    /// How many elements of the first page are gone.
    gone: usize,
    /// How many elements the pages have, without those.
    paged: usize,
    open: VecDeque<T>,
}

/// Elements that stand behind one another.
#[derive(Clone, Debug)]
struct Page<T> {
    elements: Shared<Vec<T>>,
    /// Place of the first in a list that counts on when elements go.
    start: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: VecDeque::new(), gone: 0, paged: 0, open: VecDeque::new() }
    }
}

impl<T> Page<T> {
    fn end(&self) -> usize {
        self.start + self.elements.len()
    }
}

impl<T> Pages<T> {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.paged + self.open.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at a place.
    pub fn get(&self, place: usize) -> Option<&T> {
        if let Some(place) = place.checked_sub(self.paged) {
            return self.open.get(place);
        }
        let (page, within) = self.find(place)?;
        self.pages.get(page)?.elements.get(within)
    }

    /// The last element.
    pub fn back(&self) -> Option<&T> {
        self.open.back().or_else(|| self.get(self.len().checked_sub(1)?))
    }

    /// The elements at some places, as far as they are there.
    pub fn range(&self, places: Range<usize>) -> impl Iterator<Item = &T> {
        places.map_while(|place| self.get(place))
    }

    /// The first place at which `holds` does not hold, as it holds for all elements before and for none after.
    pub fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        if self.open.front().is_some_and(&holds) || self.pages.is_empty() {
            return self.paged + self.open.partition_point(holds);
        }
        let page = self.pages.partition_point(|page| page.elements.last().is_some_and(&holds));
        let Some(found) = self.pages.get(page) else { return self.paged };
        // What is gone may have been put there before what came later and is earlier.
        let gone = if page == 0 { self.gone } else { 0 };
        let there = found.elements.get(gone..).unwrap_or_default();
        found.start + gone + there.partition_point(holds) - self.start()
    }

    /// The first of the elements' places, counted on.
    fn start(&self) -> usize {
        self.pages.front().map_or(0, |first| first.start + self.gone)
    }

    /// The page of a place before those that lie open, and the place within it.
    fn find(&self, place: usize) -> Option<(usize, usize)> {
        let counted = self.start() + place;
        let page = self.pages.partition_point(|page| page.end() <= counted);
        Some((page, counted - self.pages.get(page)?.start))
    }
}

impl<T: Clone> Pages<T> {
    /// The element at a place, to be changed: its page is written again.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        if let Some(place) = place.checked_sub(self.paged) {
            return self.open.get_mut(place);
        }
        let (page, within) = self.find(place)?;
        self.pages.get_mut(page)?.elements.make_mut().get_mut(within)
    }

    /// Puts an element at a place, before the one that is there; behind all, if there is none.
    pub fn insert(&mut self, place: usize, element: T) {
        match place.checked_sub(self.paged) {
            Some(place) => self.open.insert(place.min(self.open.len()), element),
            None => self.insert_paged(place, element),
        }
        if self.open.len() > OPEN {
            let elements: Vec<T> = self.open.drain(..PAGE).collect();
            let start = self.pages.back().map_or(0, Page::end);
            self.paged += elements.len();
            self.pages.push_back(Page { elements: Shared::new(elements), start });
        }
    }

    /// Takes the first element out.
    pub fn pop_front(&mut self) -> Option<T> {
        let Some(first) = self.pages.front_mut() else { return self.open.pop_front() };
        let element = first.elements.get(self.gone).cloned();
        self.gone += 1;
        self.paged -= 1;
        if self.gone >= first.elements.len() {
            self.pages.pop_front();
            self.gone = 0;
        }
        element
    }

    /// Takes the element at a place out.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        if let Some(place) = place.checked_sub(self.paged) {
            return self.open.remove(place);
        }
        let (page, within) = self.find(place)?;
        let found = self.pages.get_mut(page)?;
        let element = found.elements.make_mut().remove(within);
        if found.elements.is_empty() {
            self.pages.remove(page);
        }
        self.count_again();
        Some(element)
    }

    fn insert_paged(&mut self, place: usize, element: T) {
        let Some((page, within)) = self.find(place) else { return };
        let Some(found) = self.pages.get_mut(page) else { return };
        let elements = found.elements.make_mut();
        elements.insert(within, element);
        let later = (elements.len() > 2 * PAGE).then(|| elements.split_off(PAGE));
        if let Some(later) = later {
            self.pages.insert(page + 1, Page { elements: Shared::new(later), start: 0 });
        }
        self.count_again();
    }

    /// Says anew where each page begins, and how many elements there are.
    fn count_again(&mut self) {
        while let Some(gone) = self.pages.front().map(|first| first.elements.len())
            && gone <= self.gone
        {
            self.pages.pop_front();
            self.gone -= gone;
        }
        let mut start = 0;
        for page in &mut self.pages {
            page.start = start;
            start = page.end();
        }
        self.paged = start - self.gone;
    }
}

impl<T: Durable + Clone + Send + Sync + Debug + 'static> Durable for Pages<T> {
    fn write(&self, out: &mut Writer<'_>) {
        self.gone.write(out);
        out.number(self.pages.len() as u64);
        for page in &self.pages {
            page.elements.write(out);
        }
        self.open.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let gone = usize::read(from)?;
        let mut read = Self { gone, ..Self::default() };
        for _ in 0..from.count()? {
            read.pages.push_back(Page { elements: Shared::read(from)?, start: 0 });
        }
        if read.pages.front().map_or(gone > 0, |first| gone >= first.elements.len()) {
            return Err(Corrupt("elements of a page"));
        }
        read.count_again();
        read.open = VecDeque::read(from)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::FieldTable;
    use crate::state::{Names, apart, whole};

    #[derive(Clone, Debug)]
    enum Change {
        /// At a place, in parts of 1,000 from the end.
        Insert(usize),
        Append(usize),
        Pop(usize),
        Touch(usize),
        Remove(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            2 => (0_usize..=1_000).prop_map(Change::Insert),
            4 => (1_usize..200).prop_map(Change::Append),
            3 => (1_usize..150).prop_map(Change::Pop),
            1 => (0_usize..=1_000).prop_map(Change::Touch),
            1 => (0_usize..=1_000).prop_map(Change::Remove),
        ]
    }

    /// Does the same to both. Numbers are spread so that one fits between any two.
    fn apply(change: &Change, pages: &mut Pages<u64>, plain: &mut Vec<u64>) {
        match change {
            Change::Insert(part) => {
                let place = plain.len() * part / 1_000;
                let before = place.checked_sub(1).map_or(0, |before| plain[before]);
                let element = plain.get(place).map_or(before + 1_000_000, |after| before.midpoint(*after));
                pages.insert(place, element);
                plain.insert(place, element);
            }
            Change::Append(count) => {
                for _ in 0..*count {
                    let element = plain.last().map_or(0, |last| last + 1_000_000);
                    pages.insert(pages.len(), element);
                    plain.push(element);
                }
            }
            Change::Pop(count) => {
                for _ in 0..*count {
                    let first = (!plain.is_empty()).then(|| plain.remove(0));
                    assert_eq!(pages.pop_front(), first);
                }
            }
            Change::Remove(part) => {
                let place = plain.len() * part / 1_000;
                let gone = (place < plain.len()).then(|| plain.remove(place));
                assert_eq!(pages.remove(place), gone);
            }
            Change::Touch(part) => {
                let place = plain.len() * part / 1_000;
                assert_eq!(pages.get_mut(place).copied(), plain.get(place).copied());
            }
        }
    }

    fn read_again(pages: &Pages<u64>) -> Pages<u64> {
        let table = FieldTable::default();
        let written = apart(&table, |out| pages.write(out));
        let mut names = std::collections::BTreeMap::new();
        let mut wanted = written.parts.iter().flat_map(|part| part.digests().iter().copied()).collect();
        for part in written.parts {
            part.write(&table, &mut wanted, &mut |digest, bytes| {
                names.insert(digest, std::sync::Arc::from(bytes));
            });
        }
        whole(&table, &mut Names::with(names), &written.bytes, Durable::read).unwrap()
    }

    proptest! {
        #[test]
        fn they_hold_what_a_plain_list_holds(changes in proptest::collection::vec(change(), 1..40)) {
            let (mut pages, mut plain) = (Pages::default(), Vec::new());
            for change in &changes {
                apply(change, &mut pages, &mut plain);
                prop_assert_eq!(pages.len(), plain.len());
                prop_assert!(pages.open.len() <= OPEN && pages.pages.iter().all(|page| page.elements.len() <= OPEN));
            }
            let all: Vec<u64> = pages.range(0..pages.len()).copied().collect();
            prop_assert_eq!(&all, &plain);
            prop_assert_eq!(pages.back(), plain.last());
            for element in plain.iter().step_by(17) {
                let before = pages.partition_point(|other| other < element);
                prop_assert_eq!(before, plain.partition_point(|other| other < element));
            }
            prop_assert_eq!(pages.partition_point(|_| true), plain.len());
            prop_assert_eq!(pages.partition_point(|_| false), 0);
            let read = read_again(&pages);
            prop_assert_eq!(read.range(0..read.len()).copied().collect::<Vec<_>>(), plain);
        }
    }

    #[test]
    fn a_short_list_stays_in_one_piece_and_a_long_one_names_its_pages() {
        let mut pages: Pages<String> = Pages::default();
        let parts = |pages: &Pages<String>| apart(&FieldTable::default(), |out| pages.write(out)).parts.len();
        (0..OPEN).for_each(|number| pages.insert(pages.len(), number.to_string().repeat(100)));
        assert_eq!(parts(&pages), 0);
        pages.insert(pages.len(), String::new());
        assert_eq!((parts(&pages), pages.open.len()), (1, OPEN + 1 - PAGE));
    }
}
