//! Since when is an entity known?

use smallvec::SmallVec;

use crate::durable;
use crate::limits::ENTITY_QUIET_MS;

/// The stretches of time in which an entity was never quiet for longer than
/// [`ENTITY_QUIET_MS`]; nearly always one. After a longer quiet it begins anew.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// In the order of time.
    held: SmallVec<[Life; 1]>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    first_ms: i64,
    last_ms: i64,
}

durable!(Lives { held });
durable!(Life { first_ms, last_ms });

/// Whether a life goes on from one instant to a later one.
fn goes_on(from_ms: i64, to_ms: i64) -> bool {
    to_ms <= from_ms.saturating_add(ENTITY_QUIET_MS)
}

impl Lives {
    /// Takes an event, in whatever order they come.
    pub(super) fn see(&mut self, time_ms: i64) {
        let next = self.held.partition_point(|life| life.first_ms <= time_ms);
        let follows = self.held.get(next).copied();
        let own = next.checked_sub(1).and_then(|place| self.held.get_mut(place));
        match (own.filter(|life| goes_on(life.last_ms, time_ms)), follows) {
            (Some(life), follows) => {
                life.last_ms = life.last_ms.max(time_ms);
                if let Some(joined) = follows.filter(|follows| goes_on(life.last_ms, follows.first_ms)) {
                    life.last_ms = joined.last_ms;
                    self.held.remove(next);
                }
            }
            (None, Some(follows)) if goes_on(time_ms, follows.first_ms) => {
                self.held.iter_mut().skip(next).take(1).for_each(|life| life.first_ms = time_ms);
            }
            _ => self.held.insert(next, Life { first_ms: time_ms, last_ms: time_ms }),
        }
    }

    /// The first event of the life to which an event at an instant belongs; that instant, if there is
    /// none.
    pub(super) fn since(&self, time_ms: i64) -> i64 {
        self.held.iter().rfind(|life| life.first_ms <= time_ms).map_or(time_ms, |life| life.first_ms)
    }

    /// The last instant at which the entity is still known.
    pub(super) fn until(&self) -> Option<i64> {
        self.held.last().map(|life| life.last_ms.saturating_add(ENTITY_QUIET_MS))
    }

    /// The latest event.
    pub(super) fn newest(&self) -> Option<i64> {
        self.held.last().map(|life| life.last_ms)
    }

    /// Forgets the lives that no event at or after the watermark belongs to.
    pub(super) fn forget(&mut self, watermark_ms: i64) {
        while self.held.get(1).is_some_and(|second| second.first_ms <= watermark_ms) {
            self.held.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives(times: &[i64]) -> Lives {
        let mut lives = Lives::default();
        times.iter().for_each(|time_ms| lives.see(*time_ms));
        lives
    }

    #[test]
    fn an_entity_is_known_since_its_first_event_whenever_that_arrives() {
        let lives = lives(&[50, 70, 40]);
        assert_eq!((lives.since(45), lives.since(90), lives.since(39)), (40, 40, 39));
        assert_eq!((lives.newest(), lives.until()), (Some(70), Some(70 + ENTITY_QUIET_MS)));
    }

    #[test]
    fn after_a_year_of_quiet_it_begins_anew_and_after_exactly_one_it_does_not() {
        assert_eq!(lives(&[0, ENTITY_QUIET_MS]).since(ENTITY_QUIET_MS), 0);
        let anew = ENTITY_QUIET_MS + 1;
        assert_eq!(lives(&[0, anew]).since(anew), anew);
        assert_eq!(lives(&[0, anew]).since(5), 0);
    }

    #[test]
    fn an_event_in_between_makes_two_lives_one() {
        let (far, between) = (ENTITY_QUIET_MS + 10, 20);
        assert_eq!(lives(&[0, far, between]).since(far), 0);
        let later = far + ENTITY_QUIET_MS;
        assert_eq!(lives(&[0, later, far]).since(later), far, "the first is too far away");
    }

    #[test]
    fn a_life_that_is_over_is_forgotten() {
        let mut lives = lives(&[0, ENTITY_QUIET_MS + 1]);
        lives.forget(ENTITY_QUIET_MS);
        assert_eq!(lives.since(5), 0);
        lives.forget(ENTITY_QUIET_MS + 1);
        assert_eq!((lives.held.len(), lives.since(5)), (1, 5));
    }
}
