//! Which matches of a single-event rule are one alert?

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use crate::correlate::{Episodes, Story, Suppression, Verdict};
use crate::model::{Evidence, RuleIndex, Tally};

/// A rule with what its alert is about, as a digest.
pub(super) type Subject = (RuleIndex, u128);

/// The alerts of single-event rules that have a `suppress`; a rule without raises one each time.
///
/// Each rule has its own room, so that a flood of one rule's subjects costs no other rule anything.
#[derive(Debug)]
pub(super) struct Singles {
    rules: BTreeMap<RuleIndex, Subjects>,
    most: usize,
}

/// What one rule's alerts are about.
#[derive(Debug, Default)]
struct Subjects {
    held: BTreeMap<u128, Episodes>,
    /// Subjects by an instant before which they are needed; they may be needed longer.
    due: BTreeMap<(i64, u128), Suppression>,
}

/// The digest of a tenant's entity, case aside.
pub(super) fn subject(rule: RuleIndex, org: &str, entity: &str) -> Subject {
    let mut hash = Xxh3::new();
    hash.update(org.as_bytes());
    hash.update(&[0xFF]);
    hash.update(entity.to_lowercase().as_bytes());
    (rule, hash.digest128())
}

impl Singles {
    /// Holds the alerts of so many subjects for each rule.
    pub(super) fn new(most: usize) -> Self {
        Self { rules: BTreeMap::new(), most }
    }

    /// What a match is to the alerts of its subject.
    pub(super) fn offer(
        &mut self,
        (rule, subject): Subject,
        suppression: Suppression,
        time_ms: i64,
        made_at_ms: i64,
        tally: &mut Tally,
    ) -> Verdict {
        if suppression.suppress_ms <= 0 {
            return Verdict::New;
        }
        let subjects = self.rules.entry(rule).or_default();
        if !subjects.held.contains_key(&subject) {
            let evicted = subjects.make_room(self.most);
            if evicted > 0 {
                Tally::add(&mut tally.evicted, rule, evicted);
            }
            subjects.due.insert((time_ms.saturating_add(suppression.suppress_ms), subject), suppression);
        }
        subjects.held.entry(subject).or_default().offer(suppression, time_ms, made_at_ms)
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

    #[test]
    fn matches_about_the_same_thing_are_one_alert_for_a_while() {
        let mut singles = Singles::new(10);
        let mut tally = Tally::default();
        let ana = subject(RuleIndex(1), "acme", "Ana@example.com");
        assert_eq!(ana, subject(RuleIndex(1), "acme", "ana@example.com"));
        let ben = subject(RuleIndex(1), "acme", "ben@example.com");
        assert_eq!(singles.offer(ana, MINUTE, 0, 0, &mut tally), Verdict::New);
        assert_eq!(singles.offer(ana, MINUTE, 59_999, 0, &mut tally), Verdict::Covered { of_ms: 0 });
        assert_eq!(singles.offer(ben, MINUTE, 59_999, 0, &mut tally), Verdict::New);
        assert_eq!(singles.offer(ana, MINUTE, 60_000, 0, &mut tally), Verdict::New);
    }

    #[test]
    fn what_nothing_can_belong_to_is_forgotten() {
        let mut singles = Singles::new(10);
        let mut tally = Tally::default();
        let ana = subject(RuleIndex(1), "acme", "ana@example.com");
        singles.offer(ana, MINUTE, 0, 0, &mut tally);
        singles.offer(ana, MINUTE, 70_000, 0, &mut tally);
        singles.expire(60_000);
        assert_eq!(held(&singles).0, 1);
        singles.expire(130_000);
        assert_eq!(held(&singles), (0, 0));
    }

    #[test]
    fn at_the_bound_the_subject_that_is_due_first_goes_and_is_counted() {
        let mut singles = Singles::new(1);
        let mut tally = Tally::default();
        singles.offer(subject(RuleIndex(1), "", "ana"), MINUTE, 0, 0, &mut tally);
        singles.offer(subject(RuleIndex(1), "", "ben"), MINUTE, 0, 0, &mut tally);
        assert_eq!(tally.evicted, [(RuleIndex(1), 1)]);
        assert_eq!(held(&singles), (1, 1));
    }

    #[test]
    fn a_flood_of_one_rule_costs_no_other_rule_its_alerts() {
        let mut singles = Singles::new(2);
        let mut tally = Tally::default();
        let ana = subject(RuleIndex(2), "", "ana");
        singles.offer(ana, MINUTE, 0, 0, &mut tally);
        for n in 1..10 {
            singles.offer(subject(RuleIndex(1), "", &n.to_string()), MINUTE, n, 0, &mut tally);
        }
        assert_eq!(singles.offer(ana, MINUTE, 1, 0, &mut tally), Verdict::Covered { of_ms: 0 });
        assert_eq!(tally.evicted, [(RuleIndex(1), 7)]);
    }
}
