//! Which matches of a single-event rule are one alert?

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::correlate::{Episodes, Story, Suppression, Verdict};
use crate::model::{Change, Evidence, FieldTable, Shared};
use crate::state::{Corrupt, Dirty, Durable, Names, Order, Proof, Reader, Standing, Writer, apart, whole};

/// The table by the first byte of its keys.
pub(super) const NAME: u8 = b'i';

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
    /// Subjects that changed since they were last asked for, if anybody asks.
    changed: Option<BTreeSet<Subject>>,
}

/// What one rule's alerts are about.
#[derive(Debug, Default)]
struct Subjects {
    held: BTreeMap<u128, About>,
    /// Subjects by the instant at which they are due.
    due: Order<(i64, u128), ()>,
}

/// The alerts of one subject.
#[derive(Debug)]
struct About {
    standing: Standing,
    episodes: Episodes,
    /// They are needed before this instant, and may be needed longer; ms.
    due_ms: i64,
    /// How they were held together when the first was raised.
    suppression: Suppression,
}

impl Durable for About {
    fn write(&self, out: &mut Writer<'_>) {
        self.standing.write(out);
        self.due_ms.write(out);
        (self.suppression.suppress_ms, self.suppression.update_every_ms).write(out);
        self.episodes.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (standing, due_ms) = (Standing::read(from)?, i64::read(from)?);
        let (suppress_ms, update_every_ms) = Durable::read(from)?;
        let suppression = Suppression { suppress_ms, update_every_ms };
        Ok(Self { standing, episodes: Episodes::read(from)?, due_ms, suppression })
    }
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
        Self { rules: BTreeMap::new(), most, changed: None }
    }

    /// What a match is to the alerts of its subject, and how many subjects and earlier alerts had to go
    /// for it.
    pub(super) fn offer(
        &mut self,
        (rule, subject): Subject,
        proof: Proof,
        suppression: Suppression,
        time_ms: i64,
        made_at_ms: i64,
    ) -> (Verdict, u64) {
        if suppression.suppress_ms <= 0 {
            return (Verdict::New, 0);
        }
        let subjects = self.rules.entry(rule).or_default();
        let mut gone = Vec::new();
        subjects.make_room(subject, self.most, &mut gone);
        let about = subjects.touch(subject, proof, suppression, time_ms);
        let was_full = about.episodes.is_full();
        let verdict = about.episodes.offer(suppression, time_ms, made_at_ms);
        let forgotten = u64::from(was_full && verdict == Verdict::New);
        if let Some(changed) = &mut self.changed {
            changed.insert((rule, subject));
            changed.extend(gone.iter().map(|subject| (rule, *subject)));
        }
        (verdict, gone.len() as u64 + forgotten)
    }

    /// The alerts of a subject, by which an update finds its alert.
    pub(super) fn identify(&mut self, subject: Subject, fired_at_ms: i64, id: Uuid) {
        if let Some(episodes) = self.episodes(subject) {
            episodes.identify(fired_at_ms, id);
        }
    }

    /// The id of the alert that fired at an instant.
    pub(super) fn id(&self, (rule, subject): Subject, fired_at_ms: i64) -> Option<Uuid> {
        self.rules.get(&rule)?.held.get(&subject)?.episodes.id(fired_at_ms)
    }

    /// Adds an event to the alert of a subject, and gives all that is kept of it.
    pub(super) fn tell(
        &mut self,
        subject: Subject,
        fired_at_ms: i64,
        evidence: &Shared<Evidence>,
        most: usize,
    ) -> Option<Story> {
        Some(self.episodes(subject)?.tell(fired_at_ms, evidence, most))
    }

    /// Forgets alerts that nothing at or after the watermark can belong to.
    pub(super) fn expire(&mut self, watermark_ms: i64) {
        for (rule, subjects) in &mut self.rules {
            let mut touched = Vec::new();
            subjects.expire(watermark_ms, &mut touched);
            if let Some(changed) = &mut self.changed {
                changed.extend(touched.into_iter().map(|subject| (*rule, subject)));
            }
        }
        self.rules.retain(|_, subjects| !subjects.held.is_empty());
    }

    /// How many subjects there are.
    pub(super) fn len(&self) -> usize {
        self.rules.values().map(|subjects| subjects.held.len()).sum()
    }

    /// Whether it is kept in mind which subjects change from now on.
    pub(super) fn keep_changes(&mut self, wanted: bool) {
        self.changed = wanted.then(BTreeSet::new);
    }

    /// Adds what changed since the last time, if that is kept in mind.
    pub(super) fn changes(&mut self, fields: &FieldTable, out: &mut Vec<Dirty>) {
        let Some(changed) = &mut self.changed else { return };
        let rules = &self.rules;
        out.extend(std::mem::take(changed).into_iter().map(|(rule, subject)| {
            let about = rules.get(&rule).and_then(|subjects| subjects.held.get(&subject));
            let value = about.map(|about| apart(fields, |out| about.write(out)));
            let key = [&[NAME][..], &rule.to_be_bytes(), &subject.to_be_bytes()].concat();
            (key, value)
        }));
    }

    /// Takes in what is held of a subject. Whether a rule of this run means it does not matter: it
    /// expires by itself, and that takes it out of wherever it was read from.
    pub(super) fn restore(
        &mut self,
        change: &Change,
        fields: &FieldTable,
        names: &mut Names,
    ) -> Result<(), Corrupt> {
        let (rule, subject) = read_key(&change.key)?;
        let subjects = self.rules.entry(rule).or_default();
        if let Some(before) = subjects.held.remove(&subject) {
            subjects.due.remove(before.standing, &(before.due_ms, subject));
        }
        if let Some(value) = &change.value {
            let about: About = whole(fields, names, value, Durable::read)?;
            subjects.due.insert(about.standing, (about.due_ms, subject), ());
            subjects.held.insert(subject, about);
        }
        if subjects.held.is_empty() {
            self.rules.remove(&rule);
        }
        Ok(())
    }

    /// The alerts of a subject, which will change.
    fn episodes(&mut self, (rule, subject): Subject) -> Option<&mut Episodes> {
        let about = self.rules.get_mut(&rule)?.held.get_mut(&subject)?;
        if let Some(changed) = &mut self.changed {
            changed.insert((rule, subject));
        }
        Some(&mut about.episodes)
    }
}

fn read_key(key: &[u8]) -> Result<Subject, Corrupt> {
    let corrupt = Corrupt("rule and subject");
    let rest = key.strip_prefix(&[NAME]).ok_or(corrupt)?;
    let (rule, subject) = rest.split_first_chunk().ok_or(corrupt)?;
    let subject = <[u8; 16]>::try_from(subject).map_err(|_| corrupt)?;
    Ok((u128::from_be_bytes(*rule), u128::from_be_bytes(subject)))
}

impl Subjects {
    /// The alerts of a subject, begun if there are none.
    fn touch(&mut self, subject: u128, proof: Proof, suppression: Suppression, time_ms: i64) -> &mut About {
        let is_known = self.held.contains_key(&subject);
        let about = self.held.entry(subject).or_insert_with(|| {
            let due_ms = time_ms.saturating_add(suppression.suppress_ms);
            About { standing: Standing::new(proof), episodes: Episodes::default(), due_ms, suppression }
        });
        self.due.remove(about.standing, &(about.due_ms, subject));
        about.standing = about.standing.after(proof, is_known);
        self.due.insert(about.standing, (about.due_ms, subject), ());
        about
    }

    fn expire(&mut self, watermark_ms: i64, touched: &mut Vec<u128>) {
        while let Some(((_, subject), ())) = self.due.pop_over(|due| due.0 <= watermark_ms) {
            let Some(about) = self.held.get_mut(&subject) else { continue };
            touched.push(subject);
            about.episodes.forget(about.suppression, watermark_ms);
            match about.episodes.until(about.suppression) {
                Some(until_ms) => {
                    about.due_ms = until_ms;
                    self.due.insert(about.standing, (until_ms, subject), ());
                }
                None => {
                    self.held.remove(&subject);
                }
            }
        }
    }

    /// Forgets subjects until one that is not held fits; adds those that went.
    fn make_room(&mut self, subject: u128, most: usize, gone: &mut Vec<u128>) {
        while self.held.len() >= most && !self.held.contains_key(&subject) {
            let Some(((_, first), ())) = self.due.pop(most) else { break };
            self.held.remove(&first);
            gone.push(first);
        }
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
        singles.offer(subject, Proof::Acted, MINUTE, time_ms, 0).0
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
        assert_eq!(singles.offer(subject("one", "", "ben"), Proof::Acted, MINUTE, 0, 0), (Verdict::New, 1));
        assert_eq!(held(&singles), (1, 1));
    }

    #[test]
    fn a_flood_of_one_rule_costs_no_other_rule_its_alerts() {
        let mut singles = Singles::new(2);
        let ana = subject("two", "", "ana");
        verdict(&mut singles, ana, 0);
        let flood =
            (1..10).map(|n| singles.offer(subject("one", "", &n.to_string()), Proof::Acted, MINUTE, n, 0).1);
        assert_eq!(flood.sum::<u64>(), 7);
        assert_eq!(verdict(&mut singles, ana, 1), Verdict::Covered { of_ms: 0 });
    }

    #[test]
    fn strangers_cost_no_user_the_alerts_of_one_rule() {
        let mut singles = Singles::new(4);
        for (name, proof) in [("ana", Proof::Acted), ("ben", Proof::Named)] {
            assert_eq!(singles.offer(subject("one", "", name), proof, MINUTE, 0, 0), (Verdict::New, 0));
        }
        for n in 1..50 {
            singles.offer(subject("one", "", &n.to_string()), Proof::Stranger, MINUTE, n, 0);
        }
        assert_eq!(held(&singles), (4, 4));
        for name in ["ana", "ben"] {
            let covered = verdict(&mut singles, subject("one", "", name), 50);
            assert_eq!(covered, Verdict::Covered { of_ms: 0 }, "{name}");
        }
    }

    #[test]
    fn a_forgotten_alert_of_one_subject_is_counted() {
        let mut singles = Singles::new(4);
        let most = i64::try_from(crate::limits::EPISODES_PER_KEY).unwrap();
        let ana = subject("one", "", "ana");
        let gone = (0..most + 2).map(|n| singles.offer(ana, Proof::Acted, MINUTE, n * 60_000, 0).1);
        assert_eq!(gone.sum::<u64>(), 2);
    }
}
