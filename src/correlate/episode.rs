//! Is this a new alert, more of one that was raised, or nothing to tell?

use uuid::Uuid;

use crate::model::{Evidence, Shared};
use crate::{durable, limits};

/// What a satisfying window is to its alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It raises an alert.
    New,
    /// It belongs to an alert that was raised before, and enough time has passed to tell more.
    Update {
        /// The event time at which the alert fired: which of the key's alerts it is; ms.
        of_ms: i64,
        /// When the alert was raised, ms.
        created_at_ms: i64,
    },
    /// It belongs to an alert that was raised before.
    Covered {
        /// The event time at which the alert fired, ms.
        of_ms: i64,
    },
    /// The rule raises no alerts of its own.
    Silent,
}

/// How alerts of a rule and key are held together.
#[derive(Clone, Copy, Debug)]
pub struct Suppression {
    /// Windows that end closer than this to the event that fired belong to its alert; ms.
    pub suppress_ms: i64,
    /// At least this much event time lies between two updates; ms.
    pub update_every_ms: i64,
}

/// The alerts of one rule and key that further windows may still belong to.
///
/// An alert that an event at `F` fired covers the windows whose last event lies between
/// `F - suppress` and `F + suppress`, both excluded. It reaches back as well, because a late event
/// may satisfy windows before `F`. So every satisfying window raises an alert or is covered by one,
/// in whatever order events arrive.
#[derive(Debug, Default)]
pub struct Episodes {
    raised: Vec<Raised>,
}

#[derive(Debug)]
struct Raised {
    fired_at_ms: i64,
    id: Option<Uuid>,
    created_at_ms: i64,
    told_at_ms: i64,
    /// What is shown of a single-event rule's matches; windows keep their own.
    story: Story,
}

/// The events of an alert that no window holds together.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The first that was told, and the latest, up to the rule's bound.
    pub evidence: Vec<Shared<Evidence>>,
    /// How many there were.
    pub events: u64,
}

durable!(Episodes { raised });
durable!(Raised { fired_at_ms, id, created_at_ms, told_at_ms, story });
durable!(Story { evidence, events });

impl Story {
    /// Adds an event; of more than `most`, the second oldest to be told goes.
    fn add(&mut self, evidence: &Shared<Evidence>, most: usize) {
        self.events += 1;
        self.evidence.push(evidence.clone());
        if self.evidence.len() > most.max(2) {
            self.evidence.remove(1);
        }
    }
}

impl Episodes {
    /// Says what a satisfying window is, whose last event lies at `last_ms`.
    pub fn offer(&mut self, suppression: Suppression, last_ms: i64, made_at_ms: i64) -> Verdict {
        let covering = self.raised.iter_mut().find(|raised| {
            let apart = last_ms.abs_diff(raised.fired_at_ms);
            apart < suppression.suppress_ms.unsigned_abs()
        });
        match covering {
            Some(raised) if last_ms >= raised.told_at_ms.saturating_add(suppression.update_every_ms) => {
                raised.told_at_ms = last_ms;
                Verdict::Update { of_ms: raised.fired_at_ms, created_at_ms: raised.created_at_ms }
            }
            Some(raised) => Verdict::Covered { of_ms: raised.fired_at_ms },
            None => {
                self.raise(suppression, last_ms, made_at_ms);
                Verdict::New
            }
        }
    }

    /// Whether a further alert costs the earliest its place.
    pub fn is_full(&self) -> bool {
        self.raised.len() >= limits::EPISODES_PER_KEY
    }

    fn raise(&mut self, suppression: Suppression, fired_at_ms: i64, created_at_ms: i64) {
        if suppression.suppress_ms <= 0 {
            return;
        }
        if self.is_full() {
            self.raised.remove(0);
        }
        let place = self.raised.partition_point(|raised| raised.fired_at_ms <= fired_at_ms);
        let raised =
            Raised { fired_at_ms, id: None, created_at_ms, told_at_ms: fired_at_ms, story: Story::default() };
        self.raised.insert(place, raised);
    }

    /// Adds an event to the alert that fired at an instant, and gives all that is kept of it.
    pub fn tell(&mut self, fired_at_ms: i64, evidence: &Shared<Evidence>, most: usize) -> Story {
        let raised = self.raised.iter_mut().find(|raised| raised.fired_at_ms == fired_at_ms);
        raised.map_or_else(Story::default, |raised| {
            raised.story.add(evidence, most);
            raised.story.clone()
        })
    }

    /// Keeps the id of the alert that fired at an instant, for its updates.
    pub fn identify(&mut self, fired_at_ms: i64, id: Uuid) {
        if let Some(raised) = self.raised.iter_mut().find(|raised| raised.fired_at_ms == fired_at_ms) {
            raised.id = Some(id);
        }
    }

    /// The id of the alert that fired at an instant.
    pub fn id(&self, fired_at_ms: i64) -> Option<Uuid> {
        self.raised.iter().find(|raised| raised.fired_at_ms == fired_at_ms)?.id
    }

    /// Forgets alerts that no window ending at or after the watermark can belong to.
    pub fn forget(&mut self, suppression: Suppression, watermark_ms: i64) {
        let ended =
            |raised: &Raised| raised.fired_at_ms.saturating_add(suppression.suppress_ms) <= watermark_ms;
        self.raised.retain(|raised| !ended(raised));
    }

    /// Until when the latest alert may have to be known, ms.
    pub fn until(&self, suppression: Suppression) -> Option<i64> {
        self.raised.last().map(|raised| raised.fired_at_ms.saturating_add(suppression.suppress_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventFacts;

    const TEN_SECONDS: Suppression = Suppression { suppress_ms: 10_000, update_every_ms: 4_000 };

    #[test]
    fn windows_around_an_alert_belong_to_it_and_those_further_away_do_not() {
        let mut episodes = Episodes::default();
        assert_eq!(episodes.offer(TEN_SECONDS, 50_000, 1), Verdict::New);
        assert_eq!(episodes.offer(TEN_SECONDS, 40_001, 2), Verdict::Covered { of_ms: 50_000 });
        assert_eq!(episodes.offer(TEN_SECONDS, 40_000, 3), Verdict::New);
        assert_eq!(episodes.offer(TEN_SECONDS, 60_000, 4), Verdict::New);
    }

    #[test]
    fn an_alert_is_updated_at_most_so_often() {
        let mut episodes = Episodes::default();
        episodes.offer(TEN_SECONDS, 50_000, 1);
        assert_eq!(episodes.offer(TEN_SECONDS, 53_999, 2), Verdict::Covered { of_ms: 50_000 });
        let first = Verdict::Update { of_ms: 50_000, created_at_ms: 1 };
        assert_eq!(episodes.offer(TEN_SECONDS, 54_000, 3), first);
        assert_eq!(episodes.offer(TEN_SECONDS, 57_999, 4), Verdict::Covered { of_ms: 50_000 });
        assert_eq!(episodes.offer(TEN_SECONDS, 58_000, 5), first);
    }

    #[test]
    fn an_alert_is_remembered_exactly_as_long_as_it_can_cover() {
        let mut episodes = Episodes::default();
        episodes.offer(TEN_SECONDS, 50_000, 1);
        episodes.forget(TEN_SECONDS, 59_999);
        assert_eq!(
            episodes.offer(TEN_SECONDS, 59_999, 2),
            Verdict::Update { of_ms: 50_000, created_at_ms: 1 }
        );
        episodes.forget(TEN_SECONDS, 60_000);
        assert_eq!(episodes.until(TEN_SECONDS), None);
    }

    #[test]
    fn an_alert_shows_the_event_that_fired_it_and_the_latest() {
        let mut episodes = Episodes::default();
        episodes.offer(TEN_SECONDS, 50_000, 1);
        let event = |uuid: &str| {
            Shared::new(Evidence::from(EventFacts { uuid: uuid.into(), ..EventFacts::default() }))
        };
        for uuid in ["a", "b", "c"] {
            episodes.tell(50_000, &event(uuid), 3);
        }
        let story = episodes.tell(50_000, &event("d"), 3);
        let shown: Vec<&str> = story.evidence.iter().map(|event| event.uuid.as_str()).collect();
        assert_eq!((shown, story.events), (vec!["a", "c", "d"], 4));
    }

    #[test]
    fn an_update_finds_the_id_of_its_alert() {
        let mut episodes = Episodes::default();
        episodes.offer(TEN_SECONDS, 50_000, 1);
        episodes.identify(50_000, Uuid::from_u128(7));
        assert_eq!(episodes.id(50_000), Some(Uuid::from_u128(7)));
        assert_eq!(episodes.id(50_001), None);
    }

    #[test]
    fn without_suppression_every_window_is_an_alert() {
        let none = Suppression { suppress_ms: 0, update_every_ms: 0 };
        let mut episodes = Episodes::default();
        assert_eq!(episodes.offer(none, 1, 1), Verdict::New);
        assert_eq!(episodes.offer(none, 1, 1), Verdict::New);
    }
}
