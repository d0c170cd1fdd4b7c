//! Between which of a user's places is it no news to go?
//!
//! A user who has gone between two places on [`limits::TRAVEL_PAIR_DAYS`] days commutes between them: by
//! train, or by switching a VPN on. Later days find the pair known. Only the day counts, so that neither
//! the order of arrival within a day nor how often somebody goes makes a difference; and as it takes days,
//! a thief's first days in a place far away are told.

use super::travel::{great_circle, point};
use crate::model::{Geo, Tally};
use crate::{durable, limits};

/// Points nearer than this, in km, are one place: about what the locations of one city's networks differ.
const SAME_KM: f64 = 100.0;

/// A day in ms.
const DAY_MS: i64 = 24 * 3_600_000;

/// The pairs of places one user goes between; bounded.
#[derive(Debug, Default)]
pub(super) struct Commutes(Vec<Pair>);

/// Two places, in whichever direction.
#[derive(Debug)]
struct Pair {
    ends: [Spot; 2],
    /// The first days (UTC, since the epoch) on which the user went, in their order, as many as are needed.
    days: Vec<i64>,
    last_ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Spot {
    lat: f64,
    lon: f64,
}

durable!(Commutes { 0 });
durable!(Pair { ends, days, last_ms });
durable!(Spot { lat, lon });

impl Commutes {
    /// Takes in that the user went from one place to the other, and says whether that was known: gone on
    /// enough days before this one.
    pub fn take(&mut self, from: &Geo, to: &Geo, at_ms: i64, tally: &mut Tally) -> bool {
        let (Some(from), Some(to)) = (Spot::of(from), Spot::of(to)) else { return false };
        if from.is_near(to) {
            return false;
        }
        let joins = |pair: &&mut Pair| pair.joins(from, to);
        if let Some(pair) = self.0.iter_mut().find(joins) {
            return pair.go(at_ms);
        }
        if self.0.len() >= limits::TRAVEL_PAIRS_PER_USER {
            let least = self.0.iter().enumerate().min_by_key(|(_, pair)| pair.last_ms);
            if let Some(place) = least.map(|(place, _)| place) {
                self.0.swap_remove(place);
                tally.evict("user_commutes", 1);
            }
        }
        let day = at_ms.div_euclid(DAY_MS);
        self.0.push(Pair { ends: [from, to], days: vec![day], last_ms: at_ms });
        false
    }
}

impl Pair {
    fn joins(&self, from: Spot, to: Spot) -> bool {
        let [one, other] = self.ends;
        (one.is_near(from) && other.is_near(to)) || (one.is_near(to) && other.is_near(from))
    }

    fn go(&mut self, at_ms: i64) -> bool {
        if at_ms.saturating_sub(self.last_ms) > limits::TRAVEL_PAIR_QUIET_MS {
            self.days.clear();
        }
        self.last_ms = self.last_ms.max(at_ms);
        let day = at_ms.div_euclid(DAY_MS);
        let known = self.days.get(limits::TRAVEL_PAIR_DAYS - 1).is_some_and(|enough| *enough < day);
        if let Err(place) = self.days.binary_search(&day) {
            self.days.insert(place, day);
            self.days.truncate(limits::TRAVEL_PAIR_DAYS);
        }
        known
    }
}

impl Spot {
    fn of(geo: &Geo) -> Option<Self> {
        point(geo).map(|(lat, lon)| Self { lat, lon })
    }

    fn is_near(self, other: Self) -> bool {
        great_circle((self.lat, self.lon), (other.lat, other.lon)) < SAME_KM
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::permutations;
    use crate::model::FieldTable;
    use crate::state::{Durable as _, Names, whole, written};

    const DAYS: i64 = limits::TRAVEL_PAIR_DAYS as i64;

    fn at(lat: f64, lon: f64) -> Geo {
        Geo { lat: Some(lat), lon: Some(lon), ..Geo::default() }
    }

    fn go(commutes: &mut Commutes, from: &Geo, to: &Geo, at_ms: i64) -> bool {
        commutes.take(from, to, at_ms, &mut Tally::default())
    }

    #[test]
    fn a_pair_is_known_from_the_day_after_enough_days_in_either_direction() {
        let (lisbon, madrid) = (at(38.72, -9.14), at(40.42, -3.70));
        let mut commutes = Commutes::default();
        for day in 0..DAYS {
            assert!(!go(&mut commutes, &lisbon, &madrid, day * DAY_MS), "{day}");
            assert!(!go(&mut commutes, &madrid, &lisbon, day * DAY_MS + 1), "{day}");
        }
        assert!(!go(&mut commutes, &lisbon, &madrid, DAYS * DAY_MS - 1), "the same day again");
        assert!(go(&mut commutes, &madrid, &lisbon, DAYS * DAY_MS));
        assert!(go(&mut commutes, &at(38.9, -9.0), &at(40.3, -3.8), DAYS * DAY_MS + 1), "nearly there");
        assert!(!go(&mut commutes, &lisbon, &at(1.29, 103.85), DAYS * DAY_MS + 2), "another place");
    }

    #[test]
    fn what_is_known_outlives_the_process() {
        let (lisbon, madrid) = (at(38.72, -9.14), at(40.42, -3.70));
        let mut commutes = Commutes::default();
        for day in 0..DAYS {
            go(&mut commutes, &lisbon, &madrid, day * DAY_MS);
        }
        let table = FieldTable::default();
        let bytes = written(&table, |out| commutes.write(out));
        let mut read = whole(&table, &mut Names::default(), &bytes, Commutes::read).unwrap();
        assert!(go(&mut read, &madrid, &lisbon, DAYS * DAY_MS));
    }

    #[test]
    fn the_order_within_makes_no_difference() {
        let (here, there) = (at(0.0, 0.0), at(0.0, 10.0));
        for order in permutations(5) {
            let mut commutes = Commutes::default();
            for day in order {
                go(&mut commutes, &here, &there, i64::try_from(day).unwrap() * DAY_MS);
            }
            assert!(!go(&mut commutes, &here, &there, (DAYS - 1) * DAY_MS + 1));
            assert!(go(&mut commutes, &here, &there, DAYS * DAY_MS));
        }
    }

    #[test]
    fn within_one_place_and_without_coordinates_nobody_goes_anywhere() {
        let mut commutes = Commutes::default();
        go(&mut commutes, &at(38.72, -9.14), &at(38.8, -9.3), 0);
        go(&mut commutes, &at(38.72, -9.14), &Geo::default(), 0);
        assert!(commutes.0.is_empty());
    }

    #[test]
    fn a_pair_that_was_quiet_for_long_is_learnt_anew() {
        let (here, there) = (at(0.0, 0.0), at(0.0, 10.0));
        let mut commutes = Commutes::default();
        let gone = (0..DAYS).filter(|day| go(&mut commutes, &here, &there, day * DAY_MS)).count();
        assert_eq!(gone, 0);
        let last_ms = (DAYS - 1) * DAY_MS + limits::TRAVEL_PAIR_QUIET_MS;
        assert!(go(&mut commutes, &here, &there, last_ms));
        assert!(!go(&mut commutes, &here, &there, last_ms + limits::TRAVEL_PAIR_QUIET_MS + 1));
    }

    #[test]
    fn the_pair_longest_not_gone_between_goes_at_the_bound() {
        let mut commutes = Commutes::default();
        let mut tally = Tally::default();
        let bound = u32::try_from(limits::TRAVEL_PAIRS_PER_USER).unwrap();
        for number in 0..=bound {
            let there = at(0.0, 2.0 + 2.0 * f64::from(number));
            commutes.take(&at(0.0, 0.0), &there, i64::from(number), &mut tally);
        }
        assert_eq!(tally.evicted_state, [("user_commutes", 1)]);
        assert_eq!(commutes.0.len(), limits::TRAVEL_PAIRS_PER_USER);
        assert!(commutes.0.iter().all(|pair| pair.last_ms > 0));
    }
}
