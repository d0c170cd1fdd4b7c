//! `baseline`: is a bucket of an entity far above what is usual for it?
//!
//! A bucket is judged from the moment on at which all buckets before it are over, and then with every
//! event: its figure only rises.

use super::bucket::Reached;
use super::counted;
use super::distinct::Values;
use super::episode::Episodes;
use super::fire_bucket::FireBucket;
use super::firing::{Feed, Firing};
use super::habits::{Asked, Entity, Open};
use super::kept::Lost;
use super::key::{Key, keys_here};
use super::series::Stamp;
use super::store::{Agenda, Store};
use super::table::{Correlate, Spec};
use crate::model::{Measured, Tally};
use crate::rule::{BaselineTest, Correlation};

/// The habits of every entity of one rule.
#[derive(Debug)]
pub(super) struct Baselines {
    test: BaselineTest,
    spec: Spec,
    pub(super) entities: Store<Entity>,
    /// Entities with buckets that wait to be judged.
    pub(super) agenda: Agenda,
    /// Entities whose latest event was not after this may have been dropped at the bound.
    pub(super) lost: Lost,
    reached: Vec<Reached>,
    /// The figure that came nearest, of an entity that is known long enough if there was one.
    nearest: Option<(bool, u64, Asked)>,
}

impl Baselines {
    pub(super) fn new(test: &BaselineTest, spec: Spec) -> Self {
        Self {
            test: test.clone(),
            entities: Store::new(spec.keys),
            spec,
            agenda: Agenda::default(),
            lost: Lost::default(),
            reached: Vec::new(),
            nearest: None,
        }
    }

    fn feed_key(
        &mut self,
        key: Key,
        values: Option<&Values>,
        correlation: &Correlation,
        feed: &Feed<'_>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let (hash, time_ms) = (key.hash, feed.matched.time_ms());
        let stamp = Stamp::new(time_ms, feed.matched.uuid());
        self.make_room(hash, tally);
        let (test, number) = (&self.test, self.test.number(time_ms));
        let due_ms = test.start_ms(number + 1);
        let entity = self.entities.touch(hash, feed.touch(), due_ms, || Entity::new(key));
        entity.lives.see(time_ms);
        let waits = feed.watermark_ms.is_none_or(|watermark_ms| watermark_ms < test.start_ms(number));
        let new = || Open::new(waits);
        let bucket = &mut entity.buckets.entry(number).or_insert_with(new).bucket;
        let most = self.spec.events_per_key;
        bucket.pass(feed.watermark_ms, usize::MAX);
        let place = bucket.take(stamp, values, most, feed, || self.spec.passed(&feed.matched.event));
        if waits {
            let due_ms = entity.next_due_ms(test);
            self.agenda.plan(hash, &mut entity.planned_ms, due_ms);
        } else if let Some(place) = place {
            self.judge(hash, number, place, Some(stamp), feed.now_ms, correlation, fired, tally);
        }
        self.shrink(hash, number, tally);
    }

    /// Judges a bucket from a place on, and adds what is to be told of it.
    #[expect(clippy::too_many_arguments, reason = "where, since when, and the three that everything has")]
    fn judge(
        &mut self,
        hash: u128,
        number: i64,
        from: usize,
        arrived: Option<Stamp>,
        now_ms: Option<i64>,
        correlation: &Correlation,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let mut reached = std::mem::take(&mut self.reached);
        reached.clear();
        let Some(entity) = self.entities.get_mut(hash) else { return };
        if let Some(asked) = entity.judge(number, from, &self.test, &mut reached) {
            let figure = entity.buckets.get(&number).map_or(0, |open| open.bucket.figure);
            let near = (asked.least.is_some(), figure, asked);
            if self.nearest.is_none_or(|before| (before.0, before.1) < (near.0, near.1)) {
                self.nearest = Some(near);
            }
            for reached in &reached {
                Tally::add(&mut tally.matches, self.spec.rule, 1);
                let arrived = arrived.unwrap_or(Stamp::LAST);
                let fire = FireBucket { test: &self.test, spec: &self.spec, arrived, now_ms };
                let firing = fire.fire(entity, number, reached, &asked, correlation, tally);
                let start_ms = self.test.start_ms(number - self.test.buckets);
                let forgotten = self.lost.upto_ms >= start_ms;
                fired.extend(firing.map(|one| Firing { may_be_low: one.may_be_low || forgotten, ..one }));
            }
        }
        self.reached = reached;
    }

    fn shrink(&mut self, hash: u128, number: i64, tally: &mut Tally) {
        let Some(entity) = self.entities.get_mut(hash) else { return };
        let Some(open) = entity.buckets.get_mut(&number) else { return };
        let left_out = std::mem::take(&mut open.bucket.left_out);
        let gone = left_out + open.bucket.pass(None, self.spec.events_per_key);
        open.bucket.thin();
        if gone > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, gone);
        }
    }

    fn make_room(&mut self, hash: u128, tally: &mut Tally) {
        for (gone, mut entity) in self.entities.make_room(hash) {
            self.agenda.plan(gone, &mut entity.planned_ms, None);
            self.lost.upto(entity.lives.newest());
            Tally::add(&mut tally.evicted, self.spec.rule, 1);
        }
    }
}

impl Correlate for Baselines {
    fn feed(
        &mut self,
        correlation: &Correlation,
        feed: &Feed<'_>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let counted = self.test.distinct.as_ref();
        let values = counted.map(|counted| counted::values(counted, feed.branch, feed.matched));
        let (keys, left_out) = keys_here(&correlation.group_by, feed.branch, feed.matched);
        if keys.is_empty() || values == Some(None) {
            return Tally::add(&mut tally.ungrouped, self.spec.rule, 1);
        }
        if left_out > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, left_out);
        }
        let values = values.flatten();
        for key in keys {
            self.feed_key(key, values.as_ref(), correlation, feed, fired, tally);
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
            let waiting = entity.buckets.iter().find(|(_, open)| open.bucket.waits);
            let Some(number) = waiting.map(|(number, _)| *number) else { break };
            self.judge(hash, number, 0, None, now_ms, correlation, fired, tally);
            self.shrink(hash, number, tally);
            if let Some(entity) = self.entities.get_mut(hash) {
                let due_ms = entity.next_due_ms(&self.test);
                self.agenda.plan(hash, &mut entity.planned_ms, due_ms);
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
        let (test, suppression) = (&self.test, self.spec.suppression);
        let current = test.number(watermark_ms);
        self.entities.expire(watermark_ms, |entity| {
            entity.close_before(current);
            entity.habit.forget(current - test.buckets);
            entity.lives.forget(watermark_ms);
            entity.episodes.forget(suppression, watermark_ms);
            let until_ms = entity.lives.until().max(entity.episodes.until(suppression))?;
            if until_ms < watermark_ms && entity.buckets.is_empty() {
                return None;
            }
            let over = (!entity.buckets.is_empty()).then(|| test.start_ms(current + 1));
            // What a habit loses with time is not looked at for every bucket.
            let later_ms = watermark_ms.saturating_add(test.start_ms(test.buckets) / 8);
            let shorter = (!entity.habit.is_empty()).then_some(later_ms);
            [over, shorter].into_iter().flatten().chain([until_ms.saturating_add(1)]).min()
        });
    }

    fn keys(&self) -> usize {
        self.entities.len()
    }

    fn nearest(&self) -> Vec<Measured> {
        let (figure, asked) = self.nearest.map_or((0, None), |(_, figure, asked)| (figure, Some(asked)));
        self.test.measured(figure, asked.as_ref())
    }

    fn episodes(&mut self, key: u128) -> Option<&mut Episodes> {
        self.entities.get_mut(key).map(|entity| &mut entity.episodes)
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

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const RULE: &str = "type: baseline\nrules: [a, b]\ngroup-by: [actor.id]\nbucket: 1h\nhistory: 4h\n\
        deviations: 1\nfloor: 3\nmin_history: 2h";

    const NONE: [i64; 0] = [];

    /// Events of Ana at these minutes of an hour.
    fn at(play: &mut Play, hour: i64, minutes: &[i64]) -> Vec<i64> {
        let mut fired = Vec::new();
        for minute in minutes {
            let time_ms = hour * HOUR + minute * MINUTE;
            let uuid = u128::try_from(time_ms).unwrap();
            fired.extend(play.take("a", time_ms, uuid, &[("actor.id", "ana"), ("client.ipAddress", "x")]));
        }
        minutes_of(&fired)
    }

    fn minutes_of(fired: &[Firing]) -> Vec<i64> {
        fired.iter().map(|firing| firing.last_ms / MINUTE).collect()
    }

    /// Two events in each of the hours 0 to 3, and the watermark at the beginning of hour 4.
    fn usual() -> Play {
        let mut play = Play::new(RULE);
        (0..4).for_each(|hour| assert_eq!(at(&mut play, hour, &[0, 30]), NONE));
        assert!(play.reach(4 * HOUR).is_empty());
        play
    }

    fn matches(play: &Play) -> u64 {
        play.tally.matches.iter().map(|(_, count)| count).sum()
    }

    #[test]
    fn the_event_that_goes_above_the_habit_fires_at_once() {
        let mut play = usual();
        assert_eq!(at(&mut play, 4, &[10, 20, 30]), [4 * 60 + 30]);
        assert_eq!((at(&mut play, 4, &[40]), matches(&play)), (vec![4 * 60 + 40], 2), "told again");
    }

    #[test]
    fn a_late_event_raises_the_figures_after_it() {
        let mut play = usual();
        assert_eq!(at(&mut play, 4, &[20, 10, 5]), [4 * 60 + 20]);
        assert_eq!(at(&mut play, 4, &[15]), NONE);
        assert_eq!(matches(&play), 2, "the third and the fourth of the hour");
    }

    #[test]
    fn a_bucket_waits_until_those_before_it_are_over() {
        let mut play = Play::new(RULE);
        (0..4).for_each(|hour| assert_eq!(at(&mut play, hour, &[0, 30]), NONE));
        assert_eq!(at(&mut play, 4, &[10, 20, 30, 35]), NONE);
        assert!(play.reach(4 * HOUR - 1).is_empty());
        assert_eq!(minutes_of(&play.reach(4 * HOUR)), [4 * 60 + 30, 4 * 60 + 35]);
    }

    #[test]
    fn what_still_comes_into_the_history_counts() {
        let mut play = Play::new(RULE);
        (0..4).for_each(|hour| assert_eq!(at(&mut play, hour, &[0, 30]), NONE));
        assert_eq!(at(&mut play, 4, &[10, 20, 30]), NONE);
        assert_eq!(at(&mut play, 3, &[40, 41, 42, 43]), NONE);
        let fired = minutes_of(&play.reach(4 * HOUR));
        assert_eq!(fired, [220, 221, 222, 223], "hour 3 itself, but not hour 4: mean 3, deviation 1.7");
    }

    #[test]
    fn an_entity_must_be_known_long_enough_to_the_millisecond() {
        for (first_ms, count) in [(0, 1), (1, 0)] {
            let mut play = Play::new(RULE);
            play.take("a", first_ms, 1, &[("actor.id", "ana")]);
            at(&mut play, 2, &[10, 20, 30]);
            assert_eq!(play.reach(2 * HOUR).len(), count, "{first_ms}");
        }
    }

    #[test]
    fn an_hour_without_events_counts_as_zero() {
        let mut play = Play::new(&RULE.replace("floor: 3", "floor: 1"));
        at(&mut play, 0, &[0, 1, 2, 3]);
        play.reach(4 * HOUR);
        // 4, 0, 0, 0: mean 1, deviation 1.73.
        assert_eq!(at(&mut play, 4, &[1, 2]), NONE);
        assert_eq!(at(&mut play, 4, &[3]), [4 * 60 + 3]);
        play.reach(5 * HOUR);
        // 0, 0, 0, 3 are left.
        assert_eq!(at(&mut play, 5, &[1, 2]), NONE);
        assert_eq!(at(&mut play, 5, &[3]), [5 * 60 + 3]);
    }

    #[test]
    fn with_no_history_asked_for_an_event_at_the_very_start_is_one() {
        let rule = RULE.replace("min_history: 2h", "min_history: 0s").replace("floor: 3", "floor: 1");
        let mut play = Play::new(&rule);
        play.reach(2 * HOUR);
        assert_eq!(at(&mut play, 2, &[5]), NONE, "it began five minutes into its first hour");
        assert_eq!(at(&mut play, 2, &[0]), [120, 125]);
        assert_eq!(matches(&play), 2);
    }

    #[test]
    fn distinct_values_count_each_once_an_hour() {
        let mut play = Play::new(&format!("{RULE}\nmetric: distinct(client.ipAddress)"));
        let show = |play: &mut Play, minute: i64, value: &str| {
            let uuid = u128::try_from(minute).unwrap();
            let values = [("actor.id", "ana"), ("client.ipAddress", value)];
            minutes_of(&play.take("a", minute * MINUTE, uuid, &values))
        };
        for hour in 0..4 {
            show(&mut play, hour * 60, "x");
        }
        play.reach(4 * HOUR);
        assert_eq!(show(&mut play, 241, "x"), NONE);
        assert_eq!(show(&mut play, 242, "X"), NONE);
        assert_eq!(show(&mut play, 250, "y"), NONE);
        assert_eq!(show(&mut play, 245, "z"), [250], "three of them are there at 250 now");
        play.take("a", 251 * MINUTE, 1, &[("actor.id", "ana")]);
        assert_eq!(play.tally.ungrouped, [(RuleIndex(2), 1)]);
    }

    #[test]
    fn an_hour_of_the_week_is_compared_with_the_same_hour() {
        let rule = RULE.replace("history: 4h", "history: 28d\nhours_of_week: true");
        let mut play = Play::new(&rule);
        for week in 0..3 {
            at(&mut play, week * 168 + 10, &[0, 1, 2, 3, 4, 5]);
        }
        play.reach((3 * 168 + 10) * HOUR);
        assert_eq!(at(&mut play, 3 * 168 + 10, &[0, 1, 2, 3, 4, 5]), NONE, "as every week");
        assert_eq!(at(&mut play, 3 * 168 + 10, &[6]), [(3 * 168 + 10) * 60 + 6]);
        play.reach((3 * 168 + 12) * HOUR);
        assert_eq!(at(&mut play, 3 * 168 + 12, &[0, 1, 2]), [(3 * 168 + 12) * 60 + 2], "never at this hour");
    }

    #[test]
    fn an_alert_says_what_is_usual() {
        let mut play = usual();
        at(&mut play, 4, &[10, 20]);
        let before = play.correlator.nearest(RuleIndex(2)).unwrap();
        assert_eq!((before[0].what.as_str(), before[0].observed), ("events per 1h", 2.0));
        let values = [("actor.id", "ana"), ("client.ipAddress", "x")];
        let fired = play.take("a", 4 * HOUR + 30 * MINUTE, 9, &values).remove(0);
        assert_eq!(fired.measured[0].required, "> 2.0 and >= 3 (mean 2.0, sd 0.0, 1 deviations over 4h)");
        assert_eq!((fired.count, fired.shown.evidence.len(), fired.measured[0].observed), (3, 3, 3.0));
        assert_eq!((fired.window.start_ms, fired.window.end_ms), (4 * HOUR - 1, 5 * HOUR - 1));
        assert_eq!((fired.first_seen_ms, fired.may_be_low), (4 * HOUR + 10 * MINUTE, false));
    }

    #[test]
    fn at_the_bound_an_entity_goes_and_alerts_say_that_the_habit_may_be_gone() {
        let limits = Limits { keys_per_rule: 1, ..Limits::default() };
        let rule = RULE.replace("min_history: 2h", "min_history: 1h");
        let mut play =
            Play::of(&[detection("a", ""), detection("b", ""), correlation("c", &rule, "")], &limits);
        play.take("a", 0, 1, &[("actor.id", "ben")]);
        at(&mut play, 0, &[1]);
        play.reach(HOUR + 1);
        at(&mut play, 1, &[1]);
        play.reach(4 * HOUR);
        let low = |play: &mut Play, hour: i64| {
            let take = |n: i64| play.take("a", hour * HOUR + n, 1, &[("actor.id", "ana")]);
            (0..3).flat_map(take).map(|firing| firing.may_be_low).collect::<Vec<_>>()
        };
        assert_eq!((low(&mut play, 4), play.keys()), (vec![true], 1));
        play.reach(9 * HOUR);
        assert_eq!(low(&mut play, 9), [false], "what was lost is before its history");
    }

    #[test]
    fn at_the_bound_of_events_the_figure_goes_on_and_the_alert_says_so() {
        let limits = Limits { events_per_key: 2, ..Limits::default() };
        let mut play =
            Play::of(&[detection("a", ""), detection("b", ""), correlation("c", RULE, "")], &limits);
        at(&mut play, 0, &[0]);
        play.reach(4 * HOUR);
        let values = [("actor.id", "ana")];
        let fired: Vec<_> = (0..9).flat_map(|n| play.take("a", 4 * HOUR + n, 1, &values)).collect();
        assert_eq!(told(&fired)[0], (4 * HOUR + 2, "ana".to_owned()));
        let more: Vec<_> = (0..3).flat_map(|n| play.take("a", 4 * HOUR + n * HOUR / 3, 2, &values)).collect();
        assert!(more.iter().all(|firing| firing.may_be_low));
        assert_eq!(play.tally.evicted[0].1, 10);
    }

    #[test]
    fn a_habit_is_kept_for_a_year_of_quiet_and_then_forgotten() {
        let mut play = usual();
        play.reach(crate::limits::ENTITY_QUIET_MS);
        assert_eq!(play.keys(), 1);
        play.reach(2 * crate::limits::ENTITY_QUIET_MS);
        assert_eq!(play.keys(), 0);
    }

    #[test]
    fn values_for_which_a_bucket_has_no_room_are_counted() {
        let limits = Limits { events_per_key: 2, ..Limits::default() };
        let rule = format!("{RULE}\nmetric: distinct(client.ipAddress)");
        let documents = [detection("a", ""), detection("b", ""), correlation("c", &rule, "")];
        let mut play = Play::of(&documents, &limits);
        let addresses: Vec<String> = (0..9).map(|n| format!("203.0.113.{n}")).collect();
        let mut values = vec![("actor.id", "ana")];
        values.extend(addresses.iter().map(|address| ("client.ipAddress", address.as_str())));
        play.take("a", 0, 1, &values);
        assert_eq!(play.tally.evicted, [(RuleIndex(2), 7)]);
    }
}
