//! `risk_score`: do the alerts about an entity add up?
//!
//! Whether a match counts depends on those of its rule before it, so each waits until the watermark
//! has passed it; from then on everything is in the order of time.

use super::episode::Episodes;
use super::findings::{Entity, Own};
use super::firing::{Feed, Firing};
use super::kept::Lost;
use super::key::{Key, keys_here};
use super::measure::Timespan;
use super::points::Worth;
use super::score::{Score, Told};
use super::series::Stamp;
use super::store::{Agenda, Store};
use super::table::{Correlate, Spec};
use crate::model::{Measured, Tally};
use crate::rule::{Correlation, RiskTest, Test};

/// What was found of every entity of one rule.
#[derive(Debug)]
pub(super) struct RiskScores {
    test: RiskTest,
    pub(super) worths: Vec<Worth>,
    timespan: Timespan,
    spec: Spec,
    pub(super) entities: Store<Entity>,
    /// Entities with matches that wait to be decided.
    pub(super) agenda: Agenda,
    /// Entities whose latest match was not after this may have been dropped at the bound.
    pub(super) lost: Lost,
    nearest: Option<Score>,
}

impl RiskScores {
    pub(super) fn new(test: &RiskTest, timespan: Timespan, spec: Spec) -> Self {
        Self {
            test: test.clone(),
            worths: test.weights.iter().map(Worth::new).collect(),
            timespan,
            entities: Store::new(spec.keys),
            spec,
            agenda: Agenda::default(),
            lost: Lost::default(),
            nearest: None,
        }
    }

    fn feed_key(&mut self, key: Key, feed: &Feed<'_>, tally: &mut Tally) {
        let hash = key.hash;
        for (gone, mut entity) in self.entities.make_room(hash) {
            self.agenda.plan(gone, &mut entity.planned_ms, None);
            self.lost.upto(Some(entity.newest_ms));
            Tally::add(&mut tally.evicted, self.spec.rule, 1);
        }
        let stamp = Stamp::new(feed.matched.time_ms(), feed.matched.uuid());
        let half_life_ms = self.test.half_life_ms;
        let due_ms = self.timespan.end(stamp.time_ms);
        let entity = self.entities.touch(hash, feed.touch(), due_ms, || Entity::new(key, half_life_ms));
        entity.take(stamp, feed, &self.spec);
        let gone = entity.shrink(self.spec.events_per_key, &self.worths);
        if gone > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, gone);
        }
        let due_ms = entity.next_due_ms();
        self.agenda.plan(hash, &mut entity.planned_ms, due_ms);
    }

    fn note(&mut self, score: &Score) {
        let before = self.nearest.as_ref().map(|before| (before.holds, before.points, before.distinct));
        if before.is_none_or(|before| before < (score.holds, score.points, score.distinct)) {
            self.nearest = Some(score.clone());
        }
    }
}

impl Correlate for RiskScores {
    fn feed(
        &mut self,
        correlation: &Correlation,
        feed: &Feed<'_>,
        _fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let (keys, left_out) = keys_here(&correlation.group_by, feed.branch, feed.matched);
        if keys.is_empty() {
            return Tally::add(&mut tally.ungrouped, self.spec.rule, 1);
        }
        if left_out > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, left_out);
        }
        for key in keys {
            self.feed_key(key, feed, tally);
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
            let Some(entity) = self.entities.get_mut(hash) else { break };
            let found = entity.count(&self.test, &self.worths, self.timespan);
            let due_ms = entity.next_due_ms();
            self.agenda.plan(hash, &mut entity.planned_ms, due_ms);
            let Some(found) = found else { continue };
            let at_ms = found.shown.stamp.time_ms;
            let score = Score::of(&entity.points, at_ms, &self.test);
            if score.holds {
                Tally::add(&mut tally.matches, self.spec.rule, 1);
                let verdict = self.spec.verdict(&mut entity.episodes, at_ms, now_ms, tally);
                let lost_upto_ms = self.lost.upto_ms;
                let told = Told { correlation, spec: &self.spec, timespan: self.timespan, lost_upto_ms };
                let measured = || score.measured(&self.test);
                fired.extend(verdict.map(|verdict| told.firing(entity, &found, measured(), verdict)));
            }
            self.note(&score);
        }
    }

    fn waiting(&self) -> Option<(i64, i64)> {
        self.agenda.span()
    }

    fn waits_ms(&self) -> i64 {
        0
    }

    fn expire(&mut self, _correlation: &Correlation, watermark_ms: i64) {
        let (test, worths, timespan) = (&self.test, &self.worths, self.timespan);
        let suppression = self.spec.suppression;
        self.entities.expire(watermark_ms, |entity| {
            entity.points.forget(timespan.start(watermark_ms), worths);
            entity.gallery.forget(timespan.start(watermark_ms));
            entity.episodes.forget(suppression, watermark_ms);
            let until = |own: Own, last_ms: i64| {
                let weight = test.weights.get(own.0 as usize);
                last_ms.saturating_add(weight.map_or(0, |weight| weight.suppress_ms))
            };
            let mut thinned = None;
            entity.last.keep(|own, last_ms| {
                let until_ms = until(own, last_ms);
                let keeps = until_ms > watermark_ms;
                thinned = thinned.max(keeps.then_some(until_ms));
                keeps
            });
            entity.needed_ms(timespan, thinned, entity.episodes.until(suppression))
        });
    }

    fn keys(&self) -> usize {
        self.entities.len()
    }

    fn nearest(&self) -> Vec<Measured> {
        let none = Score::default();
        self.nearest.as_ref().unwrap_or(&none).measured(&self.test)
    }

    fn episodes(&mut self, key: u128) -> Option<&mut Episodes> {
        self.entities.get_mut(key).map(|entity| &mut entity.episodes)
    }

    /// Rules that add to the score may have other names.
    fn adopt(&mut self, correlation: &Correlation, spec: Spec) {
        if let Test::RiskScore(test) = &correlation.test {
            self.test = test.clone();
        }
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

    /// The detections `a` (40 points), `b` (30) and `c-quiet` (20, alerts an hour long), whose risk is
    /// added up by `c`.
    fn play(lines: &str) -> Play {
        play_within(lines, &Limits::default())
    }

    fn play_within(lines: &str, limits: &Limits) -> Play {
        let lines = format!("type: risk_score\nrules: any\ngroup-by: [actor.id]\ntimespan: 10h\n{lines}");
        let a = detection("a", "tags: [attack.persistence, attack.t1098]\noktawatch: {risk: 40}");
        let b = detection("b", "tags: [attack.persistence, attack.t1136]\noktawatch: {risk: 30}");
        let quiet = "tags: [attack.impact, attack.t1531]\noktawatch: {risk: 20, suppress: 1h}";
        Play::of(&[a, b, detection("c-quiet", quiet), correlation("c", &lines, "")], limits)
    }

    fn ana(play: &mut Play, rule: &str, hour: f64) {
        let time_ms = (hour * HOUR as f64) as i64;
        assert!(play.take(rule, time_ms, time_ms as u128, &[("actor.id", "ana")]).is_empty());
    }

    fn hours(fired: &[Firing]) -> Vec<f64> {
        fired.iter().map(|firing| firing.last_ms as f64 / HOUR as f64).collect()
    }

    #[test]
    fn what_is_found_of_an_entity_adds_up_once_nothing_can_come_before_it() {
        let mut play = play("threshold: 70");
        ana(&mut play, "a", 1.0);
        play.take("b", HOUR, 1, &[("actor.id", "ben")]);
        ana(&mut play, "b", 2.0);
        assert!(play.reach(2 * HOUR).is_empty());
        let fired = play.reach(2 * HOUR + 1);
        assert_eq!(told(&fired), [(2 * HOUR, "ana".to_owned())]);
        assert_eq!((fired[0].count, fired[0].shown.evidence.len()), (2, 2));
        assert_eq!((fired[0].first_seen_ms, fired[0].window.start_ms), (HOUR, -8 * HOUR));
    }

    #[test]
    fn the_window_holds_what_is_less_than_its_length_before() {
        for (first, count) in [(1.0, 0), (1.1, 1)] {
            let mut play = play("threshold: 70");
            ana(&mut play, "a", first);
            ana(&mut play, "b", 11.0);
            assert_eq!(play.reach(12 * HOUR).len(), count, "{first}");
        }
    }

    #[test]
    fn points_decay() {
        for (first, count) in [(6.9, 0), (7.0, 1)] {
            let mut play = play("threshold: 50\ndecay: 2h");
            ana(&mut play, "a", first);
            ana(&mut play, "b", 9.0);
            assert_eq!(play.reach(12 * HOUR).len(), count, "40 points of {first} are 20 at most");
        }
    }

    #[test]
    fn matches_that_belong_to_one_alert_count_once_in_whatever_order_they_come() {
        let mut play = play("threshold: 40");
        for hour in [1.9, 1.0, 1.5, 2.0] {
            ana(&mut play, "c-quiet", hour);
        }
        let fired = play.reach(3 * HOUR);
        assert_eq!(hours(&fired), [2.0], "those at one and at two o'clock count");
        assert_eq!(fired[0].shown.evidence.len(), 2);
    }

    #[test]
    fn an_event_that_does_not_count_again_is_judged_and_shown_all_the_same() {
        let mut play = play("threshold: 60");
        ana(&mut play, "a", 1.0);
        ana(&mut play, "c-quiet", 1.1);
        ana(&mut play, "c-quiet", 1.5);
        let fired = play.reach(3 * HOUR);
        assert_eq!(hours(&fired), [1.1, 1.5], "raised, and told more of");
        assert_eq!(fired[1].shown.evidence.iter().map(|one| one.published_ms).max(), Some(fired[1].last_ms));
        assert_eq!(fired[1].count, 2);
    }

    #[test]
    fn an_alert_names_who_has_which_part_in_it() {
        let mut play = play("threshold: 80\ndistinct_tactics: 2\ndecay: 10h");
        ana(&mut play, "b", 0.0);
        ana(&mut play, "a", 9.0);
        ana(&mut play, "a", 9.0);
        ana(&mut play, "c-quiet", 9.5);
        ana(&mut play, "a", 9.7);
        let fired = play.reach(10 * HOUR).remove(0);
        let measured: Vec<_> = fired
            .measured
            .iter()
            .map(|one| (one.what.as_str(), one.observed, one.required.as_str()))
            .collect();
        let expected = [
            ("risk score", 113.1, ">= 80"),
            ("tactics", 2.0, ">= 2"),
            ("techniques", 3.0, "any"),
            ("points of a", 78.1, "any"),
            ("points of c-quiet", 19.7, "any"),
            ("points of b", 15.3, "any"),
        ];
        assert_eq!(measured, expected);
    }

    #[test]
    fn every_bound_must_hold() {
        let of = |lines: &str, rules: &[&str]| {
            let mut play = play(lines);
            for (hour, rule) in (1..).zip(rules) {
                ana(&mut play, rule, f64::from(hour));
            }
            hours(&play.reach(9 * HOUR))
        };
        assert_eq!(of("distinct_techniques: 2", &["a", "a", "b"]), [3.0]);
        assert_eq!(of("distinct_tactics: 2", &["a", "b", "c-quiet"]), [3.0]);
        assert_eq!(of("distinct_tactics: 2\nthreshold: 100", &["a", "c-quiet", "b"]), [] as [f64; 0]);
        assert_eq!(of("distinct_tactics: 2\nthreshold: 90", &["a", "c-quiet", "b"]), [3.0]);
    }

    #[test]
    fn two_rules_of_one_event_add_up() {
        let mut play = play("threshold: 70");
        for rule in ["b", "a"] {
            assert!(play.take(rule, HOUR, 7, &[("actor.id", "ana")]).is_empty());
        }
        let fired = play.reach(2 * HOUR);
        assert_eq!((fired.len(), fired[0].count, fired[0].measured[0].observed), (1, 1, 70.0));
    }

    #[test]
    fn a_correlation_counts_and_what_it_is_about_may_stand_in_its_group() {
        let counted = "type: event_count\nrules: a\ngroup-by: [target.id]\ntimespan: 1h\n\
            condition: {gte: 2}\ngenerate: true";
        let risk = "type: risk_score\nrules: any\ngroup-by: [target.id]\ntimespan: 9h\nthreshold: 140";
        let documents = [
            detection("a", "oktawatch: {risk: 40}"),
            correlation("b", counted, "oktawatch: {risk: 70}"),
            correlation("c", risk, ""),
        ];
        let mut play = Play::of(&documents, &Limits::default());
        for n in 0..2 {
            let targets = [("target.id", "x"), ("target.id", "y")];
            play.take("a", n, 1, &targets);
        }
        let mut fired = told(&play.reach(HOUR));
        fired.sort();
        assert_eq!(fired, [(1, "x".to_owned()), (1, "y".to_owned())], "40 + 40 + 70 each");
    }

    #[test]
    fn what_comes_long_after_its_event_is_waited_for_only_if_it_is_named() {
        let absence = "type: absence\ntrigger: a\nabsent: b\nwithin: 2h\ngroup-by: [actor.id]";
        let of = |rules: &str| {
            let risk = format!(
                "type: risk_score\nrules: {rules}\ngroup-by: [actor.id]\ntimespan: 9h\nthreshold: 30"
            );
            let documents = [
                detection("a", ""),
                detection("b", ""),
                correlation("silent", absence, "oktawatch: {risk: 20}"),
                detection("noise", "oktawatch: {risk: 30}"),
                correlation("c", &risk, ""),
            ];
            let mut play = Play::of(&documents, &Limits::default());
            ana(&mut play, "a", 1.0);
            ana(&mut play, "noise", 1.5);
            let fired = play.reach(2 * HOUR);
            (hours(&fired), hours(&play.reach(5 * HOUR)))
        };
        assert_eq!(of("any"), (vec![1.5], vec![1.0]), "the score, and long after it the absence");
        assert_eq!(of("[noise, silent]"), (vec![], vec![1.0, 1.5]), "the absence, then the score");
    }

    #[test]
    fn at_the_bounds_the_oldest_goes_and_alerts_say_so() {
        let limits = Limits { keys_per_rule: 1, events_per_key: 2, ..Limits::default() };
        let mut play = play_within("threshold: 70", &limits);
        play.take("a", 0, 1, &[("actor.id", "ben")]);
        for hour in [1.0, 2.0, 3.0] {
            ana(&mut play, "a", hour);
        }
        assert_eq!(play.keys(), 1);
        let fired = play.reach(4 * HOUR);
        assert_eq!((hours(&fired), fired[0].may_be_low), (vec![3.0], true));
        assert_eq!(play.tally.evicted, [(RuleIndex(2), 2)]);
    }

    #[test]
    fn an_entity_is_forgotten_when_nothing_of_it_can_count_any_more() {
        let mut play = play("threshold: 10");
        ana(&mut play, "a", 1.0);
        assert_eq!(play.reach(11 * HOUR - 1).len(), 1);
        assert_eq!(play.keys(), 1);
        play.reach(11 * HOUR);
        assert_eq!(play.keys(), 0);
    }
}
