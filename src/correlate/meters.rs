//! Which figures does an aggregate keep of a window, and what of each event do they need?
//!
//! Figures that need the same share it: an event keeps each field once, and a window what two figures
//! of one field have in common.

use smallvec::SmallVec;

use super::counted;
use super::distinct::{Distinct, Values};
use super::gauge::Bag;
use super::groups::{Groups, Range};
use super::numbers::{Heap, Numbers, Ranks, Sum};
use crate::durable;
use crate::model::Match;
use crate::rule::{AggregateFigure, AggregateTest, Counted};
use crate::state::{self, Corrupt, Durable, Writer};

/// What one event adds.
#[derive(Clone, Debug, Default)]
pub(super) struct Added {
    /// What is true of it, one bit for each [`Fact`].
    facts: u64,
    /// Its values in each field of which values are kept, as hashes.
    values: Box<[Values]>,
    /// Its numbers in each field of which numbers are kept.
    numbers: Box<[Numbers]>,
}

/// Something that is true of an event or not.
#[derive(Debug, PartialEq)]
enum Fact {
    /// The branch matched it.
    Of(usize),
    /// It has a value.
    Has(Counted),
}

/// What is kept up to date of a window.
#[derive(Clone, Debug, PartialEq)]
enum Kept {
    /// How many events a fact is true of.
    Fact(usize),
    /// Distinct values of a field.
    Distinct(usize),
    /// The sum of a field's numbers.
    Sum(usize),
    /// A field's numbers in order.
    Order(usize),
    /// The numbers of a field around a percentile.
    Ranks(usize, f64),
    /// The counts of groups by the values of a field.
    Groups(usize),
}

/// How a value is read from what is kept.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// How many events the window holds.
    Events,
    /// Seconds from its first event to its last.
    Span,
    /// From what is kept at a place.
    Of(usize, Aspect),
}

/// What is read of it.
#[derive(Clone, Copy, Debug)]
enum Aspect {
    /// How much there is of it in all.
    Total,
    /// That, as a part of the window's events.
    Part,
    Mean,
    Lowest,
    Highest,
    Within(Range),
}

/// What an aggregate needs of events and windows.
#[derive(Debug, Default)]
pub(super) struct Plan {
    facts: Vec<Fact>,
    values: Vec<Counted>,
    numbers: Vec<Counted>,
    kept: Vec<Kept>,
    readers: Vec<Reader>,
    ranges: Vec<Range>,
}

/// The window whose figures are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) events: usize,
    pub(super) span_ms: i64,
}

/// What is kept of a window.
#[derive(Debug, Default)]
pub(super) struct Meters {
    meters: Vec<(usize, Meter)>,
}

#[derive(Debug)]
enum Meter {
    Fact(u64, u64),
    Distinct(usize, Distinct),
    Sum(usize, Sum),
    Order(usize, Heap),
    Ranks(usize, f64, Ranks),
    Groups(usize, Groups),
}

/// Where something stands in a list, to which it is added if it is not there.
fn place_in<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl Plan {
    pub(super) fn new(test: &AggregateTest) -> Self {
        let mut plan = Self::default();
        for value in &test.values {
            let reader = plan.reader(&value.figure, test.per.as_ref());
            plan.readers.push(reader);
        }
        plan
    }

    fn keep(&mut self, kept: Kept, aspect: Aspect) -> Reader {
        Reader::Of(place_in(&mut self.kept, kept), aspect)
    }

    fn reader(&mut self, figure: &AggregateFigure, per: Option<&Counted>) -> Reader {
        match figure {
            AggregateFigure::Count => Reader::Events,
            AggregateFigure::Span => Reader::Span,
            AggregateFigure::CountOf(branch) => self.fact(Fact::Of(*branch), Aspect::Total),
            AggregateFigure::PartOf(branch) => self.fact(Fact::Of(*branch), Aspect::Part),
            AggregateFigure::Having(counted) => self.fact(Fact::Has(counted.clone()), Aspect::Part),
            AggregateFigure::Distinct(counted) => {
                let field = place_in(&mut self.values, counted.clone());
                self.keep(Kept::Distinct(field), Aspect::Total)
            }
            AggregateFigure::Sum(counted) => self.numbers(counted, Kept::Sum, Aspect::Total),
            AggregateFigure::Average(counted) => self.numbers(counted, Kept::Sum, Aspect::Mean),
            AggregateFigure::Minimum(counted) => self.numbers(counted, Kept::Order, Aspect::Lowest),
            AggregateFigure::Maximum(counted) => self.numbers(counted, Kept::Order, Aspect::Highest),
            AggregateFigure::Percentile(counted, percent) => {
                self.numbers(counted, |field| Kept::Ranks(field, *percent), Aspect::Total)
            }
            AggregateFigure::Groups => self.groups(per, Aspect::Total),
            AggregateFigure::Most => self.groups(per, Aspect::Highest),
            AggregateFigure::Least => self.groups(per, Aspect::Lowest),
            AggregateFigure::Mean => self.groups(per, Aspect::Mean),
            AggregateFigure::GroupsWithin(low, high) => {
                place_in(&mut self.ranges, (*low, *high));
                self.groups(per, Aspect::Within((*low, *high)))
            }
        }
    }

    fn fact(&mut self, fact: Fact, aspect: Aspect) -> Reader {
        let fact = place_in(&mut self.facts, fact);
        self.keep(Kept::Fact(fact), aspect)
    }

    fn numbers(&mut self, counted: &Counted, kept: impl Fn(usize) -> Kept, aspect: Aspect) -> Reader {
        let field = place_in(&mut self.numbers, counted.clone());
        self.keep(kept(field), aspect)
    }

    /// A figure of groups without `per` is refused at load.
    fn groups(&mut self, per: Option<&Counted>, aspect: Aspect) -> Reader {
        let field = place_in(&mut self.values, per.cloned().unwrap_or_default());
        self.keep(Kept::Groups(field), aspect)
    }

    /// What a match adds.
    pub(super) fn added(&self, branch: usize, matched: &Match) -> Added {
        let values = |counted: &Counted| counted::values(counted, branch, matched).unwrap_or_default();
        let numbers = |counted: &Counted| counted::numbers(counted, branch, matched).unwrap_or_default();
        let kept: Box<[Values]> = self.values.iter().map(values).collect();
        let is_true = |fact: &Fact| match fact {
            Fact::Of(of) => *of == branch,
            Fact::Has(counted) => match self.values.iter().position(|known| known == counted) {
                Some(place) => kept.get(place).is_some_and(|values| !values.is_empty()),
                None => !values(counted).is_empty(),
            },
        };
        let facts = self.facts.iter().enumerate().filter(|(_, fact)| is_true(fact));
        Added {
            facts: facts.fold(0, |bits, (place, _)| bits | bit(place)),
            values: kept,
            numbers: self.numbers.iter().map(numbers).collect(),
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.readers.len()
    }

    /// Meters for all values.
    pub(super) fn all(&self) -> Meters {
        self.meters(|_| true)
    }

    /// Meters for one value.
    pub(super) fn only(&self, value: usize) -> Meters {
        let wanted = match self.readers.get(value) {
            Some(Reader::Of(place, _)) => Some(*place),
            _ => None,
        };
        self.meters(|place| Some(place) == wanted)
    }

    fn meters(&self, wanted: impl Fn(usize) -> bool) -> Meters {
        let meter = |kept: &Kept| match kept {
            Kept::Fact(fact) => Meter::Fact(bit(*fact), 0),
            Kept::Distinct(field) => Meter::Distinct(*field, Distinct::default()),
            Kept::Sum(field) => Meter::Sum(*field, Sum::default()),
            Kept::Order(field) => Meter::Order(*field, Heap::default()),
            Kept::Ranks(field, percent) => Meter::Ranks(*field, *percent, Ranks::default()),
            Kept::Groups(field) => Meter::Groups(*field, Groups::new(&self.ranges)),
        };
        let kept = self.kept.iter().enumerate().filter(|(place, _)| wanted(*place));
        Meters { meters: kept.map(|(place, kept)| (place, meter(kept))).collect() }
    }

    /// The figure of a value; `None` where there is nothing to take it of.
    pub(super) fn figure(&self, value: usize, meters: &mut Meters, extent: Extent) -> Option<f64> {
        match self.readers.get(value)? {
            Reader::Events => Some(extent.events as f64),
            Reader::Span => Some(extent.span_ms as f64 / 1000.0),
            Reader::Of(place, aspect) => {
                let (_, meter) = meters.meters.iter_mut().find(|(known, _)| known == place)?;
                meter.read(*aspect, extent.events)
            }
        }
    }
}

fn bit(place: usize) -> u64 {
    u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or_default()
}

durable!(Added { facts, values, numbers });

impl Added {
    /// Takes in what another branch has of the same event, and gives what of that is new; numbers only
    /// where there were none.
    pub(super) fn merge(&mut self, more: Self) -> Option<Self> {
        let mut new = Self { facts: more.facts & !self.facts, ..more };
        self.facts |= new.facts;
        for (known, new) in self.values.iter_mut().zip(&mut new.values) {
            new.retain(|value| !known.contains(value));
            known.extend_from_slice(new);
        }
        for (known, new) in self.numbers.iter_mut().zip(&mut new.numbers) {
            if known.is_empty() {
                known.extend_from_slice(new);
            } else {
                new.clear();
            }
        }
        let is_new = new.facts != 0
            || new.values.iter().any(|values| !values.is_empty())
            || new.numbers.iter().any(|numbers| !numbers.is_empty());
        is_new.then_some(new)
    }
}

impl Meters {
    /// Nothing is kept, or nothing has been set up yet.
    pub(super) fn is_empty(&self) -> bool {
        self.meters.is_empty()
    }
}

impl Bag for Meters {
    type Mark = Added;

    fn add(&mut self, added: &Added) {
        for (_, meter) in &mut self.meters {
            meter.add(added);
        }
    }

    fn take(&mut self, added: &Added) {
        for (_, meter) in &mut self.meters {
            meter.take(added);
        }
    }

    fn write(&self, out: &mut Writer<'_>) {
        for (_, meter) in &self.meters {
            if let Meter::Sum(_, sum) = meter {
                Durable::write(sum, out);
            }
        }
    }

    fn read(&mut self, from: &mut state::Reader<'_>) -> Result<(), Corrupt> {
        for (_, meter) in &mut self.meters {
            if let Meter::Sum(_, sum) = meter {
                *sum = Durable::read(from)?;
            }
        }
        Ok(())
    }

    fn again(&mut self, added: &Added) {
        for (_, meter) in self.meters.iter_mut().filter(|(_, meter)| !matches!(meter, Meter::Sum(..))) {
            meter.add(added);
        }
    }
}

impl Meter {
    fn add(&mut self, added: &Added) {
        match self {
            Self::Fact(bit, events) => *events += u64::from(added.facts & *bit != 0),
            Self::Distinct(field, distinct) => each(&added.values, *field, |values| distinct.add(values)),
            Self::Sum(field, sum) => each(&added.numbers, *field, |numbers| sum.add(numbers)),
            Self::Order(field, order) => each(&added.numbers, *field, |numbers| order.add(numbers)),
            Self::Ranks(field, _, ranks) => each(&added.numbers, *field, |numbers| ranks.add(numbers)),
            Self::Groups(field, groups) => each(&added.values, *field, |values| groups.add(values)),
        }
    }

    fn take(&mut self, added: &Added) {
        match self {
            Self::Fact(bit, events) => *events -= u64::from(added.facts & *bit != 0),
            Self::Distinct(field, distinct) => each(&added.values, *field, |values| distinct.take(values)),
            Self::Sum(field, sum) => each(&added.numbers, *field, |numbers| sum.take(numbers)),
            Self::Order(field, order) => each(&added.numbers, *field, |numbers| order.take(numbers)),
            Self::Ranks(field, _, ranks) => each(&added.numbers, *field, |numbers| ranks.take(numbers)),
            Self::Groups(field, groups) => each(&added.values, *field, |values| groups.take(values)),
        }
    }

    fn read(&mut self, aspect: Aspect, events: usize) -> Option<f64> {
        match (self, aspect) {
            (Self::Fact(_, number), Aspect::Part) => (events > 0).then(|| *number as f64 / events as f64),
            (Self::Fact(_, number), _) => Some(*number as f64),
            (Self::Distinct(_, distinct), _) => Some(distinct.len() as f64),
            (Self::Sum(_, sum), Aspect::Mean) => (sum.len() > 0).then(|| sum.mean()),
            (Self::Sum(_, sum), _) => Some(sum.total()),
            (Self::Order(_, order), Aspect::Lowest) => order.lowest(),
            (Self::Order(_, order), _) => order.highest(),
            (Self::Ranks(_, percent, ranks), _) => (ranks.len() > 0).then(|| ranks.percentile(*percent)),
            (Self::Groups(_, groups), Aspect::Lowest) => groups.least(),
            (Self::Groups(_, groups), Aspect::Highest) => Some(groups.most()),
            (Self::Groups(_, groups), Aspect::Mean) => groups.mean(),
            (Self::Groups(_, groups), Aspect::Within(range)) => groups.within(range),
            (Self::Groups(_, groups), _) => Some(groups.len() as f64),
        }
    }
}

fn each<T>(fields: &[SmallVec<T>], field: usize, with: impl FnOnce(&SmallVec<T>))
where
    T: smallvec::Array,
{
    if let Some(items) = fields.get(field) {
        with(items);
    }
}
