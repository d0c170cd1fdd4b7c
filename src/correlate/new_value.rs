//! `new_value`: is this the first time that an entity shows a value?
//!
//! A value seems new until the watermark has passed its sighting, since an earlier one may still
//! come. So a sighting that is known not to be new is settled at once, and any other waits.

use super::episode::{Episodes, Verdict};
use super::firing::{Feed, Firing};
use super::kept::Lost;
use super::key::{Key, keys, keys_here};
use super::memory::{First, Memory};
use super::series::Stamp;
use super::sighting::{Sighting, paired};
use super::store::{Agenda, Store};
use super::table::{Correlate, Spec};
use crate::limits;
use crate::model::{Measured, Tally, Window};
use crate::rule::{Correlation, NewValueTest, Scope};
use crate::state::Touch;

const DAY_MS: f64 = 86_400_000.0;

/// What every entity of one rule has shown.
#[derive(Debug)]
pub(super) struct NewValues {
    test: NewValueTest,
    spec: Spec,
    pub(super) entities: Store<Memory<Sighting>>,
    /// Entities with sightings that wait to be decided.
    pub(super) agenda: Agenda,
    /// The alerts of each value of each key.
    pub(super) alerts: Store<Episodes>,
    /// Entities whose latest event was not after this may have been dropped at the bound.
    pub(super) lost: Lost,
    nearest: Nearest,
}

/// How near a sighting came: whether it was new, and how long its entity was known; ms.
type Nearest = (bool, i64);

impl NewValues {
    pub(super) fn new(test: &NewValueTest, spec: Spec) -> Self {
        Self {
            test: test.clone(),
            entities: Store::new(spec.keys),
            alerts: Store::new(spec.keys),
            spec,
            agenda: Agenda::default(),
            lost: Lost::default(),
            nearest: (false, 0),
        }
    }

    /// The entity `of` shows values, which is about these keys.
    fn see(&mut self, of: u128, about: &[Key], values: &[Key], feed: &Feed<'_>, tally: &mut Tally) {
        self.make_room(of, tally);
        let stamp = Stamp::new(feed.matched.time_ms(), feed.matched.uuid());
        let forget_ms = self.test.forget_ms;
        let due_ms = stamp.time_ms.saturating_add(forget_ms);
        let values_most = match self.test.scope {
            Scope::Entity => limits::VALUES_PER_ENTITY,
            Scope::Org => limits::VALUES_PER_ORG,
        };
        let memory = self.entities.touch(of, feed.touch(), due_ms, Memory::default);
        for value in values {
            let sighting = || Sighting::new(value, stamp, feed, &self.spec);
            match memory.see(value.hash as u64, stamp, forget_ms, sighting) {
                Some(sighting) => sighting.add(about, feed),
                None => {
                    let known_ms = stamp.time_ms.saturating_sub(memory.lives.since(stamp.time_ms));
                    self.nearest = self.nearest.max((false, known_ms));
                }
            }
        }
        let gone = memory.shrink(values_most, self.spec.events_per_key);
        if gone > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, gone);
        }
        let due_ms = memory.next_ms().map(|first_ms| first_ms.saturating_add(1));
        self.agenda.plan(of, &mut memory.planned_ms, due_ms);
    }

    fn make_room(&mut self, of: u128, tally: &mut Tally) {
        for (gone, mut memory) in self.entities.make_room(of) {
            self.agenda.plan(gone, &mut memory.planned_ms, None);
            self.lost.upto(memory.lives.newest());
            Tally::add(&mut tally.evicted, self.spec.rule, 1);
        }
    }

    /// A sighting that is the first: what is to be told of it, for each key that it is about.
    fn tell(
        &mut self,
        correlation: &Correlation,
        first: First<Sighting>,
        lost_upto_ms: i64,
        now_ms: Option<i64>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let time_ms = first.stamp.time_ms;
        let known_ms = time_ms.saturating_sub(first.since_ms);
        self.nearest = self.nearest.max((true, known_ms));
        if known_ms < self.test.learning_ms {
            return;
        }
        let start_ms = time_ms.saturating_sub(self.test.forget_ms);
        for about in &first.kept.about {
            Tally::add(&mut tally.matches, self.spec.rule, 1);
            let key = paired(about.hash, first.kept.value.hash);
            let by = Touch { proof: first.kept.proof(), time_ms };
            let Some(verdict) = self.verdict(key, by, now_ms, tally) else { continue };
            fired.push(Firing {
                key,
                group: self.group(correlation, about, &first.kept.value),
                measured: self.measured(true, known_ms),
                window: Window { start_ms, end_ms: time_ms, timespan_ms: self.test.forget_ms },
                may_be_low: lost_upto_ms.max(self.lost.upto_ms) >= start_ms,
                ..first.kept.firing(&self.spec, time_ms, verdict)
            });
        }
    }

    fn verdict(&mut self, key: u128, by: Touch, now_ms: Option<i64>, tally: &mut Tally) -> Option<Verdict> {
        let gone = self.alerts.make_room(key).len() as u64;
        if gone > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, gone);
        }
        let until_ms = by.time_ms.saturating_add(self.spec.suppression.suppress_ms);
        let episodes = self.alerts.touch(key, by, until_ms, Episodes::default);
        self.spec.verdict(episodes, by.time_ms, now_ms, tally)
    }

    /// The group-by, then the new value.
    fn group(&self, correlation: &Correlation, about: &Key, value: &Key) -> Vec<(String, String)> {
        let names = correlation.group_by.iter().chain(&self.test.fields).map(|field| field.name.clone());
        let values = about.values.iter().chain(&value.values).map(ToString::to_string);
        names.zip(values).collect()
    }

    fn measured(&self, is_new: bool, known_ms: i64) -> Vec<Measured> {
        let names: Vec<&str> = self.test.fields.iter().map(|field| field.name.as_str()).collect();
        let days = |ms: i64| (ms as f64 / DAY_MS * 100.0).round() / 100.0;
        let new = Measured {
            what: format!("new {}", names.join(", ")),
            observed: f64::from(u8::from(is_new)),
            required: ">= 1".to_owned(),
        };
        let learnt = Measured {
            what: "days known".to_owned(),
            observed: days(known_ms),
            required: format!(">= {}", days(self.test.learning_ms)),
        };
        if self.test.learning_ms == 0 { vec![new] } else { vec![new, learnt] }
    }
}

impl Correlate for NewValues {
    fn feed(
        &mut self,
        correlation: &Correlation,
        feed: &Feed<'_>,
        _fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let (values, values_out) = keys(&self.test.fields, feed.branch, feed.matched);
        let (about, keys_out) = match self.test.scope {
            Scope::Entity => keys_here(&correlation.group_by, feed.branch, feed.matched),
            Scope::Org => keys(&correlation.group_by, feed.branch, feed.matched),
        };
        if values.is_empty() || about.is_empty() {
            return Tally::add(&mut tally.ungrouped, self.spec.rule, 1);
        }
        if values_out + keys_out > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, values_out + keys_out);
        }
        match self.test.scope {
            Scope::Entity => {
                for key in &about {
                    self.see(key.hash, std::slice::from_ref(key), &values, feed, tally);
                }
            }
            Scope::Org => {
                let (tenant, _) = keys_here(&[], feed.branch, feed.matched);
                for tenant in &tenant {
                    self.see(tenant.hash, &about, &values, feed, tally);
                }
            }
        }
    }

    fn decide(
        &mut self,
        correlation: &Correlation,
        watermark_ms: i64,
        now_ms: Option<i64>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        while let Some(hash) = self.agenda.reached(watermark_ms) {
            let Some(memory) = self.entities.get_mut(hash) else { break };
            let first = memory.decide();
            let due_ms = memory.next_ms().map(|first_ms| first_ms.saturating_add(1));
            self.agenda.plan(hash, &mut memory.planned_ms, due_ms);
            let lost_upto_ms = memory.lost_upto_ms;
            if let Some(first) = first {
                self.tell(correlation, first, lost_upto_ms, now_ms, fired, tally);
            }
        }
    }

    fn waiting(&self) -> Option<(i64, i64)> {
        self.agenda.span()
    }

    fn waits_ms(&self) -> i64 {
        0
    }

    fn expire(&mut self, _correlation: &Correlation, watermark_ms: i64) {
        let (forget_ms, suppression) = (self.test.forget_ms, self.spec.suppression);
        self.entities.expire(watermark_ms, |memory| memory.forget(watermark_ms, forget_ms));
        self.alerts.expire(watermark_ms, |episodes| {
            episodes.forget(suppression, watermark_ms);
            episodes.until(suppression)
        });
    }

    fn keys(&self) -> usize {
        self.entities.len()
    }

    fn nearest(&self) -> Vec<Measured> {
        let (is_new, known_ms) = self.nearest;
        self.measured(is_new, known_ms)
    }

    fn episodes(&mut self, key: u128) -> Option<&mut Episodes> {
        self.alerts.get_mut(key)
    }

    fn adopt(&mut self, _correlation: &Correlation, spec: Spec) {
        self.spec = spec;
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Play, correlation, detection, told};
    use super::*;
    use crate::config::Limits;
    use crate::model::RuleIndex;

    const HOUR: i64 = 3_600_000;
    const RULE: &str = "type: new_value\nrules: [a, b]\ngroup-by: [actor.id]\nfield: client.ipAddress\n\
        learning: 2h\nforget: 10h";

    fn see(play: &mut Play, hour: i64, who: &str, value: &str) -> Vec<Firing> {
        let uuid = u128::try_from(hour).unwrap();
        play.take("a", hour * HOUR, uuid, &[("actor.id", who), ("client.ipAddress", value)])
    }

    fn hours(fired: &[Firing]) -> Vec<(i64, String)> {
        told(fired).into_iter().map(|(at_ms, group)| (at_ms / HOUR, group)).collect()
    }

    #[test]
    fn a_value_is_new_once_the_entity_was_learnt_and_no_earlier_sighting_can_come() {
        let mut play = Play::new(RULE);
        see(&mut play, 0, "ana", "home");
        see(&mut play, 1, "ana", "office");
        assert!(see(&mut play, 2, "ana", "abroad").is_empty());
        assert!(play.reach(2 * HOUR).is_empty(), "an event at that very instant may still come");
        assert_eq!(hours(&play.reach(2 * HOUR + 1)), [(2, "ana abroad".to_owned())]);
        see(&mut play, 3, "ana", "office");
        see(&mut play, 4, "ben", "abroad");
        assert!(play.reach(9 * HOUR).is_empty(), "known, and not learnt");
    }

    #[test]
    fn learning_ends_exactly_when_it_says() {
        for (ms, alerts) in [(2 * HOUR - 1, 0), (2 * HOUR, 1)] {
            let mut play = Play::new(RULE);
            see(&mut play, 0, "ana", "home");
            play.take("a", ms, 9, &[("actor.id", "ana"), ("client.ipAddress", "abroad")]);
            assert_eq!(play.reach(3 * HOUR).len(), alerts, "{ms}");
        }
    }

    #[test]
    fn an_earlier_first_event_that_comes_late_ends_the_learning_earlier() {
        let mut play = Play::new(RULE);
        see(&mut play, 2, "ana", "home");
        see(&mut play, 3, "ana", "abroad");
        see(&mut play, 1, "ana", "office");
        assert_eq!(hours(&play.reach(4 * HOUR)), [(3, "ana abroad".to_owned())]);
    }

    #[test]
    fn an_earlier_sighting_that_comes_late_is_the_new_one() {
        let mut play = Play::new(RULE);
        see(&mut play, 0, "ana", "home");
        see(&mut play, 6, "ana", "abroad");
        see(&mut play, 5, "ana", "abroad");
        see(&mut play, 1, "ana", "abroad");
        assert!(play.reach(9 * HOUR).is_empty(), "the first one was while learning");
        see(&mut play, 11, "ana", "away");
        see(&mut play, 10, "ana", "away");
        assert_eq!(hours(&play.reach(12 * HOUR)), [(10, "ana away".to_owned())]);
    }

    #[test]
    fn a_value_that_was_forgotten_is_new_again_and_an_alert_of_its_own() {
        let mut play = Play::new(RULE);
        for (hour, value) in [(0, "home"), (5, "abroad"), (15, "abroad"), (25, "home"), (26, "abroad")] {
            see(&mut play, hour, "ana", value);
        }
        let fired = play.reach(30 * HOUR);
        let expected = [(5, "ana abroad"), (25, "ana home"), (26, "ana abroad")];
        assert_eq!(hours(&fired), expected.map(|(hour, group)| (hour, group.to_owned())));
        assert!(fired.iter().all(|firing| firing.verdict == Verdict::New && !firing.may_be_low));
    }

    #[test]
    fn every_value_of_an_array_is_one_and_every_combination() {
        let rule = RULE.replace("client.ipAddress", "[target.id, client.ipAddress]");
        let mut play = Play::new(&rule);
        let with = |play: &mut Play, hour: i64, targets: &[&str]| {
            let mut values = vec![("actor.id", "ana"), ("client.ipAddress", "home")];
            values.extend(targets.iter().map(|target| ("target.id", *target)));
            play.take("a", hour * HOUR, u128::try_from(hour).unwrap(), &values);
        };
        with(&mut play, 0, &["x"]);
        with(&mut play, 3, &["X", "y", "z", "y"]);
        let expected = [(3, "ana y home".to_owned()), (3, "ana z home".to_owned())];
        let mut fired = hours(&play.reach(4 * HOUR));
        fired.sort();
        assert_eq!(fired, expected);
        play.take("a", 5 * HOUR, 5, &[("actor.id", "ana"), ("target.id", "new")]);
        assert_eq!(play.tally.ungrouped.iter().map(|(_, count)| count).sum::<u64>(), 1);
    }

    #[test]
    fn an_event_of_two_rules_is_one_sighting() {
        let mut play = Play::new(RULE);
        see(&mut play, 0, "ana", "home");
        for rule in ["a", "b"] {
            play.take(rule, 3 * HOUR, 3, &[("actor.id", "ana"), ("client.ipAddress", "abroad")]);
        }
        let fired = play.reach(4 * HOUR);
        assert_eq!(hours(&fired), [(3, "ana abroad".to_owned())]);
        assert_eq!((fired[0].shown.evidence.len(), fired[0].count), (1, 1));
    }

    #[test]
    fn a_tenant_remembers_what_any_of_its_entities_showed() {
        let mut play = Play::new(&format!("{RULE}\nscope: org"));
        see(&mut play, 0, "ana", "home");
        see(&mut play, 3, "ben", "home");
        see(&mut play, 4, "ben", "abroad");
        see(&mut play, 5, "ana", "abroad");
        assert_eq!(hours(&play.reach(6 * HOUR)), [(4, "ben abroad".to_owned())]);
        assert_eq!(play.keys(), 1);
    }

    #[test]
    fn an_event_about_several_is_an_alert_for_each() {
        let rule = RULE.replace("actor.id", "target.id");
        let mut play = Play::new(&format!("{rule}\nscope: org"));
        play.take("a", 0, 1, &[("target.id", "x"), ("client.ipAddress", "home")]);
        let values = [("target.id", "x"), ("target.id", "y"), ("client.ipAddress", "abroad")];
        play.take("a", 3 * HOUR, 2, &values);
        let mut fired = hours(&play.reach(4 * HOUR));
        fired.sort();
        assert_eq!(fired, [(3, "x abroad".to_owned()), (3, "y abroad".to_owned())]);
    }

    #[test]
    fn an_alert_says_what_is_new_and_how_long_the_entity_was_known() {
        let mut play = Play::new(RULE);
        see(&mut play, 0, "ana", "home");
        assert_eq!(play.correlator.nearest(RuleIndex(2)).unwrap()[0].observed, 0.0);
        see(&mut play, 6, "ana", "abroad");
        let fired = play.reach(7 * HOUR).remove(0);
        let measured: Vec<_> = fired
            .measured
            .iter()
            .map(|one| (one.what.as_str(), one.observed, one.required.as_str()))
            .collect();
        assert_eq!(measured, [("new client.ipAddress", 1.0, ">= 1"), ("days known", 0.25, ">= 0.08")]);
        assert_eq!((fired.window.start_ms, fired.window.end_ms), (-4 * HOUR, 6 * HOUR));
        assert_eq!(fired.group[1], ("client.ipAddress".to_owned(), "abroad".to_owned()));
    }

    #[test]
    fn at_the_bound_an_entity_goes_and_alerts_say_that_it_may_have_known() {
        let limits = Limits { keys_per_rule: 1, ..Limits::default() };
        let documents = [detection("a", ""), detection("b", ""), correlation("c", RULE, "")];
        let mut play = Play::of(&documents, &limits);
        see(&mut play, 0, "ana", "home");
        see(&mut play, 1, "ben", "home");
        see(&mut play, 4, "ben", "abroad");
        see(&mut play, 13, "ben", "away");
        let fired = play.reach(14 * HOUR);
        assert_eq!(hours(&fired), [(4, "ben abroad".to_owned()), (13, "ben away".to_owned())]);
        assert_eq!(fired.iter().map(|firing| firing.may_be_low).collect::<Vec<_>>(), [true, false]);
        assert_eq!((play.keys(), play.tally.evicted.len()), (1, 1));
    }

    #[test]
    fn an_entity_that_is_quiet_for_a_year_is_forgotten_and_learnt_anew() {
        let mut play = Play::new(RULE);
        see(&mut play, 0, "ana", "home");
        play.reach(limits::ENTITY_QUIET_MS);
        assert_eq!(play.keys(), 1, "its values are forgotten long since, but not that it is known");
        see(&mut play, 24 * 365, "ana", "home");
        assert_eq!(play.reach(limits::ENTITY_QUIET_MS + 1).len(), 1);
        play.reach(2 * limits::ENTITY_QUIET_MS + 10);
        assert_eq!(play.keys(), 0);
        see(&mut play, 24 * 365 * 2 + 1, "ana", "away");
        assert!(play.reach(3 * limits::ENTITY_QUIET_MS).is_empty());
    }

    #[test]
    fn a_chain_takes_the_new_value_as_a_group() {
        let above = "type: event_count\nrules: c\ngroup-by: [client.ipAddress]\ntimespan: 5h\n\
            condition: {gte: 2}";
        let documents =
            [detection("a", ""), detection("b", ""), correlation("c", RULE, ""), correlation("d", above, "")];
        let mut play = Play::of(&documents, &Limits::default());
        for who in ["ana", "ben"] {
            see(&mut play, 0, who, "home");
        }
        see(&mut play, 4, "ana", "abroad");
        see(&mut play, 5, "ben", "abroad");
        let fired = play.reach(6 * HOUR);
        let expected = [(4, "ana abroad"), (5, "ben abroad"), (5, "abroad")];
        assert_eq!(hours(&fired), expected.map(|(hour, group)| (hour, group.to_owned())));
    }
}
