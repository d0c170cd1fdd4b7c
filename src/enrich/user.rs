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

durable!(User { first_ms, events, known, sessions, journeys, account });
durable!(Active { id, first_ms, last_ms });

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

    /// Takes in the user's own place: what way led there?
    pub fn visit(
        &mut self,
        observation: &Observation,
        watermark_ms: i64,
        tally: &mut Tally,
    ) -> Option<TravelFacts> {
        self.journeys.judge(&observation.event, observation.place.as_ref()?, watermark_ms, tally)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY_MS: i64 = 24 * HOUR_MS;

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
