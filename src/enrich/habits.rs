//! What is a user used to?
//!
//! Per kind of thing (countries, networks, devices, applications, …) the values that the user's own acts
//! showed, each with when it was first seen, the day it was last seen, and on how many days. Values are
//! only compared, so digests of them are held. Of a kind at its bound, the value goes that weighs least:
//! its days count half for every [`limits::HABIT_FADES_DAYS`] in which it was not seen.
//!
//! It counts days, not events, so that most events change nothing and are not written to the changelog.

use super::act::{Act, DAY_S, KINDS, Kind};
use super::agent::hash;
use super::hours::Hours;
use crate::limits;
use crate::model::{Tally, UserFacts};
use crate::state::{Corrupt, Durable, Reader, Writer};

/// What Okta calls a browser that it does not know; programs are mostly called so.
const NO_BROWSER: &str = "UNKNOWN";

/// What one user is used to.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Sorted by nothing but the order in which they came.
    known: Vec<Known>,
    hours: Hours,
    /// The last day (UTC, since the epoch) with an act.
    last_day: Option<i64>,
    /// The last before that.
    before_day: Option<i64>,
    first_s: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    kind: Kind,
    value: u32,
    first_s: i64,
    last_day: i64,
    days: u8,
}

impl Known {
    fn is_fresh(&self, day: i64) -> bool {
        day.saturating_sub(self.last_day) <= limits::HABIT_QUIET_DAYS
    }

    /// What it weighs on a day; of the same weight, what was seen longer ago weighs less.
    fn weight(&self, day: i64) -> (u8, i64) {
        let faded = day.saturating_sub(self.last_day).max(0) / limits::HABIT_FADES_DAYS;
        (self.days.checked_shr(u32::try_from(faded).unwrap_or(u32::MAX)).unwrap_or(0), self.last_day)
    }
}

impl Habits {
    /// What an act is beside the user's habits, and whether it changes them.
    pub fn judge(&self, act: &Act, facts: &mut UserFacts) -> bool {
        let is_new =
            |kind| act.values.iter().any(|(of, value)| *of == kind && self.is_new(kind, *value, act));
        facts.new_country = is_new(Kind::Country);
        facts.new_region = is_new(Kind::Region);
        facts.new_asn = is_new(Kind::Asn);
        facts.new_os = is_new(Kind::Os);
        facts.new_browser = is_new(Kind::Browser);
        facts.new_app = is_new(Kind::App);
        facts.new_factor = is_new(Kind::Factor);
        facts.new_device = self.is_new_device(act);
        facts.country_age_s = self.age_s(&[Kind::Country], act);
        facts.asn_age_s = self.age_s(&[Kind::Asn], act);
        facts.device_age_s = self.age_s(&[Kind::Device, Kind::Token], act);
        if act.by_hand {
            facts.unusual_hour = self.hours.is_unusual(act.at_s);
        }
        self.changes(act)
    }

    /// Whole days (UTC) without an act before the day of an event.
    pub fn dormant_days(&self, at_s: i64) -> i64 {
        let day = at_s.div_euclid(DAY_S);
        let before = [self.last_day, self.before_day].into_iter().flatten().find(|last| *last < day);
        before.map_or(0, |last| day.saturating_sub(last).saturating_sub(1))
    }

    /// The last day (since the epoch) on which the user was at a browser.
    pub fn browser_day(&self) -> Option<i64> {
        let unknown = hash(NO_BROWSER);
        let browsers = self.known.iter().filter(|known| known.kind == Kind::Browser);
        browsers.filter(|known| known.value != unknown).map(|known| known.last_day).max()
    }

    /// When the user first did something, seconds.
    pub fn first_s(&self) -> Option<i64> {
        self.first_s
    }

    /// Takes in an act.
    pub fn learn(&mut self, act: &Act, tally: &mut Tally) {
        let day = act.at_s.div_euclid(DAY_S);
        self.first_s = Some(self.first_s.map_or(act.at_s, |first_s| first_s.min(act.at_s)));
        for (kind, value) in &act.values {
            self.see(*kind, *value, act.at_s, tally);
        }
        if act.by_hand {
            self.hours.learn(act.at_s);
            self.come(day);
        }
    }

    fn come(&mut self, day: i64) {
        match self.last_day {
            Some(last) if day < last => self.before_day = self.before_day.max(Some(day)),
            Some(last) if day == last => {}
            last => (self.last_day, self.before_day) = (Some(day), last),
        }
    }

    fn find(&self, kind: Kind, value: u32) -> Option<&Known> {
        self.known.iter().find(|known| known.kind == kind && known.value == value)
    }

    /// Whether others of the kind had been seen but not this one. If its first two events arrive the wrong
    /// way round, the earlier one is new as well: it is the first in event time.
    fn is_new(&self, kind: Kind, value: u32, act: &Act) -> bool {
        let day = act.at_s.div_euclid(DAY_S);
        let mut others = self.known.iter().filter(|known| known.kind == kind);
        match self.find(kind, value).filter(|known| known.is_fresh(day)) {
            Some(known) if act.at_s < known.first_s => {
                others.any(|other| other.value != value && other.first_s < act.at_s)
            }
            Some(_) => false,
            None => others.next().is_some(),
        }
    }

    /// A device is known by its registration or by the browser's token: a browser whose token was cleared is
    /// no new device if Okta still knows the machine.
    fn is_new_device(&self, act: &Act) -> bool {
        let day = act.at_s.div_euclid(DAY_S);
        let is_device = |kind| matches!(kind, Kind::Device | Kind::Token);
        let mut shown = act.values.iter().filter(|(kind, _)| is_device(*kind)).peekable();
        let others = self.known.iter().any(|known| is_device(known.kind) && known.first_s <= act.at_s);
        let is_known = |(kind, value): &(Kind, u32)| {
            let known = self.find(*kind, *value).filter(|known| known.is_fresh(day));
            known.is_some_and(|known| known.first_s <= act.at_s)
        };
        shown.peek().is_some() && others && !shown.any(is_known)
    }

    /// Seconds since the value of these kinds was new to the user: of several, the one known longest. None
    /// of what the user was seen with from the first.
    fn age_s(&self, kinds: &[Kind], act: &Act) -> Option<i64> {
        let day = act.at_s.div_euclid(DAY_S);
        let shown = || act.values.iter().filter(|(kind, _)| kinds.contains(kind));
        let first_s = |(kind, value): &(Kind, u32)| {
            let known = self.find(*kind, *value).filter(|known| known.is_fresh(day));
            known.map_or(act.at_s, |known| known.first_s.min(act.at_s))
        };
        let first_s = shown().map(first_s).min()?;
        let is_other = |known: &Known| !shown().any(|shown| *shown == (known.kind, known.value));
        let before =
            |known: &Known| kinds.contains(&known.kind) && known.first_s < first_s && is_other(known);
        self.known.iter().any(before).then(|| act.at_s.saturating_sub(first_s))
    }

    fn changes(&self, act: &Act) -> bool {
        let day = act.at_s.div_euclid(DAY_S);
        let is_held = |(kind, value): &(Kind, u32)| {
            let held = self.find(*kind, *value);
            held.is_some_and(|known| known.first_s <= act.at_s && known.last_day >= day)
        };
        !act.values.iter().all(is_held)
            || (act.by_hand && (self.hours.changes(act.at_s) || self.is_new_day(day)))
            || ((act.by_hand || !act.values.is_empty())
                && self.first_s.is_none_or(|first_s| act.at_s < first_s))
    }

    fn is_new_day(&self, day: i64) -> bool {
        self.last_day != Some(day) && (self.last_day < Some(day) || self.before_day < Some(day))
    }

    fn see(&mut self, kind: Kind, value: u32, at_s: i64, tally: &mut Tally) {
        let day = at_s.div_euclid(DAY_S);
        let fresh = Known { kind, value, first_s: at_s, last_day: day, days: 1 };
        if let Some(known) = self.known.iter_mut().find(|known| known.kind == kind && known.value == value) {
            if !known.is_fresh(day) {
                *known = fresh;
            } else if day > known.last_day {
                known.days = known.weight(day).0.saturating_add(1);
                known.last_day = day;
            }
            known.first_s = known.first_s.min(at_s);
            return;
        }
        if self.known.iter().filter(|known| known.kind == kind).count() >= kind.bound() {
            let of_kind = self.known.iter().enumerate().filter(|(_, known)| known.kind == kind);
            if let Some((least, _)) = of_kind.min_by_key(|(_, known)| known.weight(day)) {
                self.known.swap_remove(least);
                tally.evict("user_habits", 1);
            }
        }
        self.known.push(fresh);
    }
}

impl Durable for Habits {
    /// Kind by kind, times from the first of all.
    fn write(&self, out: &mut Writer<'_>) {
        self.first_s.write(out);
        let base_s = self.first_s.unwrap_or_default();
        let base_day = base_s.div_euclid(DAY_S);
        for day in [self.last_day, self.before_day] {
            day.map(|day| day.wrapping_sub(base_day)).write(out);
        }
        self.hours.write(out);
        for kind in KINDS {
            let of_kind = || self.known.iter().filter(|known| known.kind == kind);
            out.number(of_kind().count() as u64);
            for known in of_kind() {
                out.raw(&known.value.to_le_bytes());
                known.first_s.wrapping_sub(base_s).write(out);
                known.last_day.wrapping_sub(known.first_s.div_euclid(DAY_S)).write(out);
                known.days.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let first_s: Option<i64> = Durable::read(from)?;
        let base_s = first_s.unwrap_or_default();
        let mut habits = Self { first_s, ..Self::default() };
        let base_day = base_s.div_euclid(DAY_S);
        for day in [&mut habits.last_day, &mut habits.before_day] {
            *day = Option::<i64>::read(from)?.map(|day| day.wrapping_add(base_day));
        }
        habits.hours = Durable::read(from)?;
        for kind in KINDS {
            for _ in 0..from.count()? {
                let value = u32::from_le_bytes(from.array()?);
                let first_s = i64::read(from)?.wrapping_add(base_s);
                let last_day = i64::read(from)?.wrapping_add(first_s.div_euclid(DAY_S));
                let days = Durable::read(from)?;
                habits.known.push(Known { kind, value, first_s, last_day, days });
            }
        }
        Ok(habits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::permutations;
    use crate::model::FieldTable;
    use crate::state::{Names, whole, written};

    fn act(at_s: i64, values: &[(Kind, u32)]) -> Act {
        Act { at_s, values: values.iter().copied().collect(), by_hand: true }
    }

    /// Judges, then learns if that changes anything, as the routine does.
    fn take(habits: &mut Habits, act: &Act) -> UserFacts {
        let mut facts = UserFacts { dormant_days: habits.dormant_days(act.at_s), ..UserFacts::default() };
        if habits.judge(act, &mut facts) {
            habits.learn(act, &mut Tally::default());
            assert!(!habits.changes(act), "what was learnt changes nothing again");
        }
        facts
    }

    fn visit(habits: &mut Habits, at_s: i64, country: u32, asn: u32) -> (bool, bool) {
        let facts = take(habits, &act(at_s, &[(Kind::Country, country), (Kind::Asn, asn)]));
        (facts.new_country, facts.new_asn)
    }

    #[test]
    fn a_place_is_new_once_and_the_first_of_all_never() {
        let mut habits = Habits::default();
        assert_eq!(visit(&mut habits, 10, 1, 1), (false, false));
        assert_eq!(visit(&mut habits, 20, 1, 2), (false, true));
        assert_eq!(visit(&mut habits, 30, 2, 2), (true, false));
        assert_eq!(visit(&mut habits, 40, 1, 1), (false, false));
    }

    #[test]
    fn in_any_order_every_country_but_one_is_new_once() {
        let countries = [1, 2, 1, 3];
        for order in permutations(countries.len()) {
            let mut habits = Habits::default();
            let new = order.iter().filter(|index| {
                let at_s = i64::try_from(**index).unwrap();
                visit(&mut habits, at_s, countries[**index], 1).0
            });
            assert_eq!(new.count(), 2, "{order:?}");
        }
    }

    #[test]
    fn the_earlier_of_two_events_at_a_new_place_is_new_even_if_it_comes_second() {
        let mut habits = Habits::default();
        for (at_s, country, expected) in
            [(0, 1, false), (20, 2, true), (10, 2, true), (15, 2, false), (-5, 1, false)]
        {
            assert_eq!(visit(&mut habits, at_s, country, 1).0, expected, "{at_s}");
        }
    }

    #[test]
    fn a_device_is_known_by_its_registration_or_its_token() {
        let mut habits = Habits::default();
        let mut is_new = |at_s, values: &[(Kind, u32)]| take(&mut habits, &act(at_s, values)).new_device;
        let (laptop, token) = ((Kind::Device, 1), (Kind::Token, 2));
        assert!(!is_new(0, &[laptop, token]), "the first of all");
        assert!(!is_new(10, &[laptop, (Kind::Token, 3)]), "cookies cleared");
        assert!(!is_new(20, &[token]), "not signed in to the device");
        assert!(is_new(30, &[(Kind::Token, 4)]));
        assert!(!is_new(40, &[(Kind::Token, 4)]));
        assert!(is_new(50, &[(Kind::Device, 5), (Kind::Token, 6)]));
        assert!(!is_new(60, &[(Kind::Os, 1)]), "an event that names no device");
    }

    #[test]
    fn ages_go_on_after_the_first_event_and_are_none_of_what_was_there_from_the_first() {
        let mut habits = Habits::default();
        take(&mut habits, &act(0, &[(Kind::Asn, 1), (Kind::Token, 1)]));
        let facts = take(&mut habits, &act(1_000, &[(Kind::Asn, 2), (Kind::Token, 1)]));
        assert_eq!((facts.asn_age_s, facts.device_age_s, facts.country_age_s), (Some(0), None, None));
        let facts = take(&mut habits, &act(1_060, &[(Kind::Asn, 2), (Kind::Token, 2)]));
        assert_eq!((facts.asn_age_s, facts.new_asn, facts.device_age_s), (Some(60), false, Some(0)));
        let facts = take(&mut habits, &act(1_090, &[(Kind::Device, 1), (Kind::Token, 2)]));
        assert_eq!(facts.device_age_s, Some(30), "the one known longest");
        assert_eq!(take(&mut habits, &act(1_100, &[(Kind::Asn, 1)])).asn_age_s, None, "known from the first");
    }

    #[test]
    fn days_without_an_act_count_for_every_event_of_the_day_that_ends_them() {
        let mut habits = Habits::default();
        let mut dormant = |day: i64, second| take(&mut habits, &act(day * DAY_S + second, &[])).dormant_days;
        assert_eq!((dormant(10, 5), dormant(10, 90)), (0, 0));
        assert_eq!(dormant(11, 0), 0, "the next day");
        assert_eq!((dormant(52, 0), dormant(52, 700)), (40, 40));
        assert_eq!(dormant(30, 0), 18, "a late event of a day between");
        assert_eq!((dormant(52, 800), dormant(53, 0)), (21, 0));
    }

    #[test]
    fn what_a_machine_does_by_itself_is_no_act() {
        let mut habits = Habits::default();
        take(&mut habits, &act(0, &[]));
        for day in 1..40 {
            take(&mut habits, &Act { by_hand: false, ..act(day * DAY_S, &[(Kind::Asn, 1)]) });
        }
        assert_eq!(habits.dormant_days(40 * DAY_S), 39);
    }

    #[test]
    fn what_was_seen_on_few_days_and_long_ago_goes_first() {
        let mut habits = Habits::default();
        let mut tally = Tally::default();
        let mut see = |day: i64, asn, tally: &mut Tally| {
            habits.learn(&act(day * DAY_S, &[(Kind::Asn, asn)]), tally);
            habits.known.iter().map(|known| known.value).collect::<Vec<_>>()
        };
        for day in 0..8 {
            see(day, 1, &mut tally);
        }
        let bound = u32::try_from(Kind::Asn.bound()).unwrap();
        for other in 2..=bound {
            see(10, other, &mut tally);
        }
        assert!(tally.evicted_state.is_empty());
        let held = see(20, 100, &mut tally);
        assert!(held.contains(&1) && held.contains(&100), "seen on eight days");
        let held = see(10 + 5 * limits::HABIT_FADES_DAYS, 101, &mut tally);
        assert!(!held.contains(&1) && held.contains(&101), "so long ago that it weighs nothing");
        assert_eq!(tally.evicted_state, [("user_habits", 2)]);
    }

    #[test]
    fn what_was_not_seen_for_a_year_is_new_again() {
        let mut habits = Habits::default();
        visit(&mut habits, 0, 1, 1);
        visit(&mut habits, DAY_S, 2, 1);
        assert!(!visit(&mut habits, limits::HABIT_QUIET_DAYS * DAY_S, 1, 1).0);
        assert!(visit(&mut habits, (limits::HABIT_QUIET_DAYS + 2) * DAY_S, 2, 1).0);
    }

    /// Of a user with one laptop, two networks, ten applications; and one with all there can be.
    fn samples() -> [Habits; 2] {
        let (mut typical, mut full) = (Habits::default(), Habits::default());
        let start_s = 20_454 * DAY_S;
        let counts = [1, 2, 3, 1, 2, 2, 2, 10, 2];
        for day in 0..60 {
            for hour in 9..18 {
                for (kind, count) in KINDS.into_iter().zip(counts) {
                    let at_s = start_s + day * DAY_S + hour * 3_600;
                    let value = |n: u32| n.wrapping_mul(0x9E37_79B9);
                    for n in 0..count {
                        typical.learn(&act(at_s, &[(kind, value(n))]), &mut Tally::default());
                    }
                    for n in 0..u32::try_from(kind.bound()).unwrap() {
                        full.learn(&act(at_s, &[(kind, value(n))]), &mut Tally::default());
                    }
                }
            }
        }
        [typical, full]
    }

    #[test]
    fn they_are_read_as_they_were_written_in_few_bytes() {
        let table = FieldTable::default();
        for (habits, most) in samples().into_iter().zip([330, 1_700]) {
            let bytes = written(&table, |out| habits.write(out));
            assert!(bytes.len() <= most, "{} values, {} bytes", habits.known.len(), bytes.len());
            let read = whole(&table, &mut Names::default(), &bytes, Habits::read).unwrap();
            let again = written(&table, |out| read.write(out));
            assert_eq!(bytes, again);
            assert_eq!(read.dormant_days(i64::from(u32::MAX)), habits.dormant_days(i64::from(u32::MAX)));
        }
    }
}
