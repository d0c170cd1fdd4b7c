//! Which matches of a single-event rule are one alert?

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::correlate::{Episodes, Story, Suppression, Verdict};
use crate::model::Evidence;

/// A rule by its meaning with what its alert is about, both as digests.
pub(super) type Subject = (u128, u128);

/// The alerts of single-event rules that have a `suppress`; a rule without raises one each time.
///
/// Each rule has its own room, so that a flood of one rule's subjects costs no other rule anything. A
/// rule is known by its meaning: the alerts of one that is loaded again go on.
#[derive(Debug)]
pub(super) struct Singles {
    rules: BTreeMap<u128, Subjects>,
    most: usize,
}

/// What one rule's alerts are about.
#[derive(Debug, Default)]
struct Subjects {
    held: BTreeMap<u128, Episodes>,
    /// Subjects by an instant before which they are needed; they may be needed longer.
    due: BTreeMap<(i64, u128), Suppression>,
}

/// The digest of a tenant's entity, case aside, under the digest of a rule's meaning.
pub(super) fn subject(rule: &str, org: &str, entity: &str) -> Subject {
    let mut hash = Xxh3::new();
    hash.update(org.as_bytes());
    hash.update(&[0xFF]);
    hash.update(entity.to_lowercase().as_bytes());
    (xxh3_128(rule.as_bytes()), hash.digest128())
}

impl Singles {
    /// Holds the alerts of so many subjects for each rule.
    pub(super) fn new(most: usize) -> Self {
        Self { rules: BTreeMap::new(), most }
    }

    /// What a match is to the alerts of its subject, and how many subjects had to go for it.
    pub(super) fn offer(
        &mut self,
        (rule, subject): Subject,
        suppression: Suppression,
        time_ms: i64,
        made_at_ms: i64,
    ) -> (Verdict, u64) {
        if suppression.suppress_ms <= 0 {
            return (Verdict::New, 0);
        }
        let subjects = self.rules.entry(rule).or_default();
        let mut evicted = 0;
        if !subjects.held.contains_key(&subject) {
            evicted = subjects.make_room(self.most);
            subjects.due.insert((time_ms.saturating_add(suppression.suppress_ms), subject), suppression);
        }
        (subjects.held.entry(subject).or_default().offer(suppression, time_ms, made_at_ms), evicted)
    }

    /// The alerts of a subject, by which an update finds its alert.
    pub(super) fn identify(&mut self, subject: Subject, fired_at_ms: i64, id: Uuid) {
        if let Some(episodes) = self.episodes(subject) {
            episodes.identify(fired_at_ms, id);
        }
    }

    /// The id of the alert that fired at an instant.
    pub(super) fn id(&self, (rule, subject): Subject, fired_at_ms: i64) -> Option<Uuid> {
        self.rules.get(&rule)?.held.get(&subject)?.id(fired_at_ms)
    }

    /// Adds an event to the alert of a subject, and gives all that is kept of it.
    pub(super) fn tell(
        &mut self,
        subject: Subject,
        fired_at_ms: i64,
        evidence: &Arc<Evidence>,
        most: usize,
    ) -> Option<Story> {
        Some(self.episodes(subject)?.tell(fired_at_ms, evidence, most))
    }

    /// Forgets alerts that nothing at or after the watermark can belong to.
    pub(super) fn expire(&mut self, watermark_ms: i64) {
        self.rules.values_mut().for_each(|subjects| subjects.expire(watermark_ms));
        self.rules.retain(|_, subjects| !subjects.held.is_empty());
    }

    fn episodes(&mut self, (rule, subject): Subject) -> Option<&mut Episodes> {
        self.rules.get_mut(&rule)?.held.get_mut(&subject)
    }
}

impl Subjects {
    fn expire(&mut self, watermark_ms: i64) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= watermark_ms) {
            let ((_, subject), suppression) = entry.remove_entry();
            let Some(episodes) = self.held.get_mut(&subject) else { continue };
            episodes.forget(suppression, watermark_ms);
            match episodes.until(suppression) {
                Some(until_ms) => {
                    self.due.insert((until_ms, subject), suppression);
                }
                None => {
                    self.held.remove(&subject);
                }
            }
        }
    }

    /// Forgets subjects until one more fits; gives how many.
    fn make_room(&mut self, most: usize) -> u64 {
        let mut evicted = 0;
        while self.held.len() >= most {
            let Some(((_, subject), _)) = self.due.pop_first() else { break };
            self.held.remove(&subject);
            evicted += 1;
        }
        evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Suppression = Suppression { suppress_ms: 60_000, update_every_ms: 60_000 };

    fn held(singles: &Singles) -> (usize, usize) {
        let subjects = singles.rules.values();
        subjects.fold((0, 0), |(held, due), one| (held + one.held.len(), due + one.due.len()))
    }

    fn verdict(singles: &mut Singles, subject: Subject, time_ms: i64) -> Verdict {
        singles.offer(subject, MINUTE, time_ms, 0).0
    }

    #[test]
    fn matches_about_the_same_thing_are_one_alert_for_a_while() {
        let mut singles = Singles::new(10);
        let ana = subject("one", "acme", "Ana@example.com");
        assert_eq!(ana, subject("one", "acme", "ana@example.com"));
        let ben = subject("one", "acme", "ben@example.com");
        assert_eq!(verdict(&mut singles, ana, 0), Verdict::New);
        assert_eq!(verdict(&mut singles, ana, 59_999), Verdict::Covered { of_ms: 0 });
        assert_eq!(verdict(&mut singles, ben, 59_999), Verdict::New);
        assert_eq!(verdict(&mut singles, ana, 60_000), Verdict::New);
    }

    #[test]
    fn what_nothing_can_belong_to_is_forgotten() {
        let mut singles = Singles::new(10);
        let ana = subject("one", "acme", "ana@example.com");
        verdict(&mut singles, ana, 0);
        verdict(&mut singles, ana, 70_000);
        singles.expire(60_000);
        assert_eq!(held(&singles).0, 1);
        singles.expire(130_000);
        assert_eq!((held(&singles), singles.rules.len()), ((0, 0), 0));
    }

    #[test]
    fn at_the_bound_the_subject_that_is_due_first_goes_and_is_counted() {
        let mut singles = Singles::new(1);
        verdict(&mut singles, subject("one", "", "ana"), 0);
        assert_eq!(singles.offer(subject("one", "", "ben"), MINUTE, 0, 0), (Verdict::New, 1));
        assert_eq!(held(&singles), (1, 1));
    }

    #[test]
    fn a_flood_of_one_rule_costs_no_other_rule_its_alerts() {
        let mut singles = Singles::new(2);
        let ana = subject("two", "", "ana");
        verdict(&mut singles, ana, 0);
        let flood = (1..10).map(|n| singles.offer(subject("one", "", &n.to_string()), MINUTE, n, 0).1);
        assert_eq!(flood.sum::<u64>(), 7);
        assert_eq!(verdict(&mut singles, ana, 1), Verdict::Covered { of_ms: 0 });
    }
}
