//! What is known of a user?

use compact_str::CompactString;

use super::account::Account;
use super::session::earlier;
use super::travel::Journeys;
use crate::model::{Observation, Tally, TravelFacts, UserFacts};
use crate::{durable, limits};

/// Sessions whose last event is longer ago than this do not count as concurrent.
const HOUR_MS: i64 = 3_600_000;

/// The state of one user.
#[derive(Debug, Default)]
pub(super) struct User {
    first_ms: Option<i64>,
    events: u64,
    known: bool,
    countries: Known<CompactString>,
    systems: Known<u32>,
    sessions: Vec<Active>,
    journeys: Journeys,
    /// What its sessions and tokens answer to.
    pub account: Account,
}

/// One session of the user: when it was first and last active.
#[derive(Debug)]
struct Active {
    id: CompactString,
    first_ms: i64,
    last_ms: i64,
}

/// Values seen before, each with when it was first and last seen in event time; bounded.
#[derive(Debug)]
struct Known<T>(Vec<Sighted<T>>);

#[derive(Debug)]
struct Sighted<T> {
    value: T,
    first_ms: i64,
    last_ms: i64,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

durable!(User { first_ms, events, known, countries, systems, sessions, journeys, account });
durable!(Active { id, first_ms, last_ms });

durable!(Known<T> { 0 });
durable!(Sighted<T> { value, first_ms, last_ms });

impl User {
    /// Takes in an event, but for its place; whether the user did something by it.
    pub fn take(&mut self, at_ms: i64, acted: bool) -> UserFacts {
        let first_ms = earlier(&mut self.first_ms, at_ms);
        self.events += 1;
        self.known |= acted;
        UserFacts {
            known_days: at_ms.saturating_sub(first_ms) / (24 * HOUR_MS),
            events: self.events,
            known: self.known,
            ..UserFacts::default()
        }
    }

    /// Takes in the user's own place: is it new, and what way led there?
    pub fn visit(
        &mut self,
        observation: &Observation,
        watermark_ms: i64,
        facts: &mut UserFacts,
        tally: &mut Tally,
    ) -> Option<TravelFacts> {
        let (place, event) = (observation.place.as_ref()?, &observation.event);
        if let Some(country) = place.geo.as_deref().and_then(|geo| geo.country.as_deref()) {
            facts.new_country =
                self.countries.is_new(CompactString::from(country), event.published_ms, tally);
        }
        if let Some(asn) = place.asn.as_deref() {
            facts.new_asn = self.systems.is_new(asn.number, event.published_ms, tally);
        }
        self.journeys.judge(event, place, watermark_ms, tally)
    }

    /// Takes in the session of an event and counts those active in the hour before it, with this
    /// one.
    pub fn concurrent(&mut self, session: &str, at_ms: i64, watermark_ms: i64, tally: &mut Tally) -> u32 {
        let horizon_ms = watermark_ms.saturating_sub(HOUR_MS);
        self.sessions.retain(|active| active.last_ms > horizon_ms);
        match self.sessions.iter_mut().find(|active| active.id == session) {
            Some(active) => {
                active.first_ms = active.first_ms.min(at_ms);
                active.last_ms = active.last_ms.max(at_ms);
            }
            None => self.begin(session, at_ms, tally),
        }
        let hour_ms = at_ms.saturating_sub(HOUR_MS);
        let active = |active: &&Active| active.first_ms <= at_ms && active.last_ms > hour_ms;
        u32::try_from(self.sessions.iter().filter(active).count()).unwrap_or(u32::MAX).max(1)
    }

    fn begin(&mut self, session: &str, at_ms: i64, tally: &mut Tally) {
        if self.sessions.len() >= limits::SESSIONS_PER_USER {
            let least = self.sessions.iter().enumerate().min_by_key(|(_, active)| active.last_ms);
            if let Some(place) = least.map(|(place, _)| place) {
                self.sessions.swap_remove(place);
                tally.evict("user_sessions", 1);
            }
        }
        self.sessions.push(Active { id: session.into(), first_ms: at_ms, last_ms: at_ms });
    }
}

impl<T: PartialEq> Known<T> {
    /// Whether others had been seen but not this one. If its first two events arrive the wrong way
    /// round, the earlier one is new as well: it is the first in event time.
    fn is_new(&mut self, value: T, at_ms: i64, tally: &mut Tally) -> bool {
        let others = !self.0.is_empty();
        let elsewhere = self.0.iter().any(|known| known.value != value && known.first_ms < at_ms);
        if let Some(known) = self.0.iter_mut().find(|known| known.value == value) {
            let earlier = at_ms < known.first_ms;
            known.first_ms = known.first_ms.min(at_ms);
            known.last_ms = known.last_ms.max(at_ms);
            return earlier && elsewhere;
        }
        if self.0.len() >= limits::PLACES_PER_USER {
            let least = self.0.iter().enumerate().min_by_key(|(_, known)| known.last_ms);
            if let Some(place) = least.map(|(place, _)| place) {
                self.0.swap_remove(place);
                tally.evict("user_places", 1);
            }
        }
        self.0.push(Sighted { value, first_ms: at_ms, last_ms: at_ms });
        others
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::enrich::testing::{event, observation, permutations, place};

    const DAY_MS: i64 = 24 * HOUR_MS;

    fn visit(user: &mut User, at_ms: i64, country: &str, system: u32) -> (bool, bool) {
        let observation =
            observation(event(at_ms, "u", &[]), Some(place("203.0.113.1", country, system, None)));
        let mut facts = user.take(at_ms, true);
        user.visit(&observation, i64::MIN, &mut facts, &mut Tally::default());
        (facts.new_country, facts.new_asn)
    }

    #[test]
    fn days_and_events_count_from_the_first_event_in_time() {
        let mut user = User::default();
        let facts = user.take(5 * DAY_MS, false);
        assert!(!facts.known);
        assert_eq!((facts.known_days, facts.events), (0, 1));
        assert_eq!(user.take(0, true).known_days, 0);
        let facts = user.take(7 * DAY_MS - 1, false);
        assert!(facts.known);
        assert_eq!((facts.known_days, facts.events), (6, 3));
    }

    #[test]
    fn a_place_is_new_once_and_the_first_of_all_never() {
        let mut user = User::default();
        assert_eq!(visit(&mut user, 10, "PT", 1), (false, false));
        assert_eq!(visit(&mut user, 20, "PT", 2), (false, true));
        assert_eq!(visit(&mut user, 30, "DE", 2), (true, false));
        assert_eq!(visit(&mut user, 40, "PT", 1), (false, false));
    }

    #[test]
    fn in_any_order_every_country_but_one_is_new_once() {
        let countries = ["PT", "DE", "PT", "FR"];
        for order in permutations(countries.len()) {
            let mut user = User::default();
            let new = order.iter().filter(|index| {
                let at_ms = i64::try_from(**index).unwrap();
                visit(&mut user, at_ms, countries[**index], 1).0
            });
            assert_eq!(new.count(), 2, "{order:?}");
        }
    }

    #[test]
    fn the_earlier_of_two_events_at_a_new_place_is_new_even_if_it_comes_second() {
        let mut known = Known::default();
        assert!(!known.is_new("home", 0, &mut Tally::default()));
        assert!(known.is_new("abroad", 20, &mut Tally::default()));
        assert!(known.is_new("abroad", 10, &mut Tally::default()), "in event time this is the first");
        assert!(!known.is_new("abroad", 15, &mut Tally::default()));
        assert!(!known.is_new("home", -5, &mut Tally::default()), "nothing was before");
    }

    #[test]
    fn the_least_recently_seen_place_is_forgotten_at_the_bound() {
        let mut known = Known::default();
        let bound = i64::try_from(limits::PLACES_PER_USER).unwrap();
        let mut tally = Tally::default();
        for at_ms in 0..=bound {
            known.is_new(at_ms, at_ms, &mut tally);
        }
        assert_eq!(tally.evicted_state, [("user_places", 1)]);
        assert_eq!(known.0.len(), limits::PLACES_PER_USER);
        assert!(!known.is_new(1, bound + 1, &mut Tally::default()), "still known");
        assert!(known.is_new(0, bound + 2, &mut Tally::default()), "forgotten");
    }

    #[test]
    fn sessions_of_the_last_hour_are_concurrent() {
        let mut user = User::default();
        assert_eq!(user.concurrent("a", 0, i64::MIN, &mut Tally::default()), 1);
        assert_eq!(user.concurrent("b", HOUR_MS - 1, i64::MIN, &mut Tally::default()), 2);
        assert_eq!(
            user.concurrent("b", HOUR_MS, i64::MIN, &mut Tally::default()),
            1,
            "a has been quiet for an hour"
        );
        assert_eq!(
            user.concurrent("a", 10, i64::MIN, &mut Tally::default()),
            1,
            "b began after this late event"
        );
        assert_eq!(user.concurrent("c", HOUR_MS + 5, i64::MIN, &mut Tally::default()), 3);
    }

    proptest! {
        #[test]
        fn forgetting_by_the_watermark_changes_no_count(
            steps in proptest::collection::vec((0_u8..6, 0..HOUR_MS), 1..40)
        ) {
            let (mut swept, mut never) = (User::default(), User::default());
            let mut now = 0;
            for (session, wait) in steps {
                now += wait;
                let id = session.to_string();
                let count = |user: &mut User, watermark_ms| {
                    user.concurrent(&id, now, watermark_ms, &mut Tally::default())
                };
                prop_assert_eq!(count(&mut swept, now), count(&mut never, i64::MIN));
            }
        }
    }

    #[test]
    fn sessions_are_bounded() {
        let mut user = User::default();
        let mut tally = Tally::default();
        for at_ms in 0..1000 {
            user.concurrent(&at_ms.to_string(), at_ms, i64::MIN, &mut tally);
        }
        assert_eq!(tally.evicted_state, [("user_sessions", 1000 - limits::SESSIONS_PER_USER as u64)]);
        assert_eq!(user.sessions.len(), limits::SESSIONS_PER_USER);
    }
}
