//! Whose state goes first when there is too much of it?
//!
//! Whoever floods the log chooses how many names, addresses and sessions there are, but not which names
//! Okta knows, nor which of those get in. So what only strangers made goes first, then what only those made
//! who never got in, then what users made that fail now and got in before, and last what somebody made who
//! got in. Among the same, what was seen once goes before what was seen again, as a flood mostly says a
//! thing once; then by age.
//!
//! Nobody is starved by that. Those of each kind may have a [`SHARE`] of the room whoever else is there, or
//! a second attacker could not be watched in a table that is full of users. And what was seen again has at
//! most [`AGAIN`] times the room of what was seen once, or nothing could be seen again any more in a table
//! that somebody has filled with pairs. So a flood of strangers takes nothing of anybody else's as long as
//! that leaves them their share; else no more than the share, and of what would go first by itself.
//!
//! All of it follows from what is held, in O(log n): a table that is moved lets the same go next.

use std::collections::BTreeMap;

use super::codec::{Corrupt, Durable, Writer};
use super::reader::Reader;
use crate::model::{EventFacts, Evidence};

/// The part of the room, as a divisor, that each of those who prove less may have in any case.
const SHARE: usize = 16;

/// How many times as much room as for what was seen once there is for what was seen again.
const AGAIN: usize = 7;

/// What proves that an event was allowed.
const DONE: [&str; 2] = ["SUCCESS", "ALLOW"];

/// What the events of a key prove of whoever made them; who proves the least goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing: any text can be typed.
    #[default]
    Stranger,
    /// Okta knows who it is, but that one never did anything; or something was done by nobody that is
    /// named.
    Named,
    /// A user that did something before, but not now.
    Known,
    /// Somebody whom Okta knows did something.
    Acted,
}

impl Proof {
    /// Each at the place of its number.
    const ALL: [Self; 4] = [Self::Stranger, Self::Named, Self::Known, Self::Acted];

    /// By the id that Okta gives to the actor, empty if it gives none, and the event's result.
    pub fn of(id: &str, result: &str) -> Self {
        let done = DONE.iter().any(|done| result.eq_ignore_ascii_case(done));
        match (id.is_empty(), done) {
            (false, true) => Self::Acted,
            (true, false) => Self::Stranger,
            _ => Self::Named,
        }
    }

    /// By what is shown of one event.
    pub(super) fn of_facts(facts: &EventFacts) -> Self {
        match Self::of(&facts.actor.id, &facts.result) {
            Self::Named if facts.actor.known => Self::Known,
            proof => proof,
        }
    }

    /// By the events of a match.
    pub fn of_all<'e>(evidence: impl IntoIterator<Item = &'e Evidence>) -> Self {
        let noted = |one: &Evidence| Self::ALL.get(usize::from(one.facts.written()?.mark)).copied();
        let proof = |one: &Evidence| noted(one).unwrap_or_else(|| Self::of_facts(one.facts.get()));
        evidence.into_iter().map(proof).max().unwrap_or_default()
    }
}

impl Durable for Proof {
    fn write(&self, out: &mut Writer<'_>) {
        (*self as u8).write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Self::ALL.get(usize::read(from)?).copied().ok_or(Corrupt("standing"))
    }
}

/// One event of a key: who made it, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Who made it.
    pub proof: Proof,
    /// When, ms.
    pub time_ms: i64,
}

/// How a key stands among others: by all of its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    proof: Proof,
    again: bool,
}

impl Standing {
    /// Of a key with one event.
    pub fn new(proof: Proof) -> Self {
        Self { proof, again: false }
    }

    /// After a further match; `again` if that is of another event.
    #[must_use]
    pub fn after(self, proof: Proof, again: bool) -> Self {
        Self { proof: self.proof.max(proof), again: self.again || again }
    }
}

impl Durable for Standing {
    fn write(&self, out: &mut Writer<'_>) {
        self.proof.write(out);
        self.again.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self { proof: Proof::read(from)?, again: bool::read(from)? })
    }
}

/// Keys in the order in which they go, each at a place of its own.
#[derive(Debug)]
pub struct Order<P, K> {
    /// By what is proven.
    parts: [Part<P, K>; 4],
}

/// Keys of which the same is proven.
#[derive(Debug)]
struct Part<P, K> {
    once: BTreeMap<P, K>,
    again: BTreeMap<P, K>,
}

impl<P, K> Default for Order<P, K> {
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| Part { once: BTreeMap::new(), again: BTreeMap::new() }) }
    }
}

impl<P: Ord, K> Part<P, K> {
    fn len(&self) -> usize {
        self.once.len() + self.again.len()
    }

    fn of(&mut self, again: bool) -> &mut BTreeMap<P, K> {
        if again { &mut self.again } else { &mut self.once }
    }

    fn pop(&mut self) -> Option<(P, K)> {
        let again = self.again.len() > AGAIN * self.once.len();
        self.of(again).pop_first()
    }
}

impl<P: Ord, K> Order<P, K> {
    /// Puts a key to its place, where none is.
    pub fn insert(&mut self, standing: Standing, place: P, key: K) {
        self.of(standing).insert(place, key);
    }

    /// Takes a key from its place.
    pub fn remove(&mut self, standing: Standing, place: &P) -> Option<K> {
        self.of(standing).remove(place)
    }

    /// Whether a key has this place.
    pub fn contains(&mut self, standing: Standing, place: &P) -> bool {
        self.of(standing).contains_key(place)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the key that goes first of a table for `most` that is full.
    pub fn pop(&mut self, most: usize) -> Option<(P, K)> {
        let share = (most / SHARE).max(1);
        self.parts.iter_mut().find(|part| part.len() >= share)?.pop()
    }

    /// Takes a key whose place is over, if there is one: the first of any standing, not of all.
    pub fn pop_over(&mut self, is_over: impl Fn(&P) -> bool) -> Option<(P, K)> {
        let mut parts = self.parts.iter_mut().flat_map(|part| [&mut part.once, &mut part.again]);
        parts.find(|part| part.first_key_value().is_some_and(|(place, _)| is_over(place)))?.pop_first()
    }

    fn of(&mut self, standing: Standing) -> &mut BTreeMap<P, K> {
        let [strangers, named, known, acted] = &mut self.parts;
        let part = match standing.proof {
            Proof::Stranger => strangers,
            Proof::Named => named,
            Proof::Known => known,
            Proof::Acted => acted,
        };
        part.of(standing.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Actor;

    /// What goes of a table for `most`, until it holds so many.
    fn gone(order: &mut Order<u64, u64>, most: usize, left: usize) -> Vec<u64> {
        std::iter::from_fn(|| if order.len() > left { order.pop(most) } else { None })
            .map(|(_, key)| key)
            .collect()
    }

    fn order(keys: impl IntoIterator<Item = (Proof, bool, u64)>) -> Order<u64, u64> {
        let mut order = Order::default();
        for (proof, again, key) in keys {
            order.insert(Standing { proof, again }, key, key);
        }
        order
    }

    #[test]
    fn an_id_and_a_success_prove_something_and_both_prove_more() {
        let proof = |id: &str, result: &str| {
            let (known, id) = (id.ends_with('k'), id.into());
            let actor = Actor { id, known, login: "ana".into(), ..Actor::default() };
            Proof::of_all([&Evidence::from(EventFacts {
                actor,
                result: result.into(),
                ..EventFacts::default()
            })])
        };
        assert_eq!(proof("", "FAILURE"), Proof::Stranger);
        assert_eq!((proof("00u1", "FAILURE"), proof("00u1", "DENY")), (Proof::Named, Proof::Named));
        assert_eq!((proof("", "SUCCESS"), proof("00u1", "")), (Proof::Named, Proof::Named));
        assert_eq!((proof("00u1", "SUCCESS"), proof("00u1", "Allow")), (Proof::Acted, Proof::Acted));
        assert_eq!((proof("00uk", "FAILURE"), proof("00uk", "SUCCESS")), (Proof::Known, Proof::Acted));
        assert_eq!(Proof::of_all([]), Proof::Stranger);
    }

    #[test]
    fn what_proves_less_goes_first_then_what_was_seen_once_then_the_oldest() {
        use Proof::{Acted, Named, Stranger};
        let keys = [(Acted, false, 1), (Named, true, 2), (Stranger, true, 3), (Stranger, false, 5)];
        let more = [(Stranger, false, 4), (Named, false, 6), (Acted, true, 0)];
        let mut order = order(keys.into_iter().chain(more));
        assert_eq!(gone(&mut order, 7, 0), [4, 5, 3, 6, 2, 1, 0]);
    }

    #[test]
    fn those_who_prove_less_have_a_sixteenth_each() {
        let proof = |key: u64| match key % 8 {
            0 => Proof::Stranger,
            1 => Proof::Named,
            _ => Proof::Acted,
        };
        let mut order = order((0..64).map(|key| (proof(key), false, key)));
        assert_eq!(gone(&mut order, 64, 54), [0, 8, 16, 24, 32, 1, 9, 17, 25, 33]);
        assert_eq!(gone(&mut order, 64, 50), [2, 3, 4, 5]);
    }

    #[test]
    fn what_was_seen_again_has_seven_times_the_room_of_what_was_seen_once() {
        let mut order = order((0..64).map(|key| (Proof::Stranger, key < 60, key)));
        let gone = gone(&mut order, 64, 31);
        assert_eq!(gone, (0..32).chain([60]).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_over_goes_whoever_made_it() {
        let mut order =
            order([(Proof::Acted, true, 1), (Proof::Stranger, false, 2), (Proof::Named, false, 3)]);
        let over: Vec<_> = std::iter::from_fn(|| order.pop_over(|place| *place < 3)).collect();
        assert_eq!((over, order.len()), (vec![(2, 2), (1, 1)], 1));
    }

    #[test]
    fn a_key_stands_by_the_best_of_its_events() {
        let standing = Standing::new(Proof::Named).after(Proof::Stranger, false);
        assert_eq!(standing, Standing { proof: Proof::Named, again: false });
        let standing = standing.after(Proof::Acted, true).after(Proof::Named, false);
        assert_eq!(standing, Standing { proof: Proof::Acted, again: true });
    }
}
