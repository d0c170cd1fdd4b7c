//! `absence`: has a trigger no partner?

use std::collections::VecDeque;

use super::measure::{Measure, Reading, Timespan};
use super::series::{Occurrence, Series, Stamp};
use crate::durable;
use crate::model::{Match, Measured};
use crate::rule::AbsenceTest;
use crate::state::{Corrupt, Reader, Writer};

/// What an event is to the rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    trigger: bool,
    partner: bool,
}

durable!(Role { trigger, partner });

/// Looks for a partner in the time after each trigger, or before it. An event is not its own.
#[derive(Debug)]
pub(super) struct Absence {
    timespan: Timespan,
    roles: Vec<Role>,
    before: bool,
}

impl Absence {
    pub(super) fn new(test: &AbsenceTest, timespan: Timespan) -> Self {
        let last = test.trigger.iter().chain(&test.absent).max().map_or(0, |branch| branch + 1);
        let role = |branch: usize| Role {
            trigger: test.trigger.contains(&branch),
            partner: test.absent.contains(&branch),
        };
        Self { timespan, roles: (0..last).map(role).collect(), before: test.before }
    }

    fn has_partner(&self, trigger: Stamp, partners: &VecDeque<Stamp>) -> bool {
        let (start_ms, end_ms) = self.window(self.timespan, trigger.time_ms);
        let first = partners.partition_point(|partner| partner.time_ms <= start_ms);
        let others = partners.range(first..).filter(|partner| **partner != trigger);
        others.take(1).any(|partner| partner.time_ms <= end_ms)
    }
}

impl Measure for Absence {
    type Mark = Role;
    /// The partners in the order of time.
    type Tally = VecDeque<Stamp>;

    fn waits_ms(&self) -> Option<i64> {
        Some(if self.before { 0 } else { self.timespan.0 })
    }

    fn mark(&self, branch: usize, _matched: &Match) -> Option<Role> {
        self.roles.get(branch).copied()
    }

    fn inserted(&self, series: &Series<Role>, place: usize, partners: &mut VecDeque<Stamp>) {
        if let Some(occurrence) = series.get(place).filter(|occurrence| occurrence.mark.partner) {
            let place = partners.partition_point(|partner| *partner < occurrence.stamp);
            partners.insert(place, occurrence.stamp);
        }
    }

    fn merged(
        &self,
        series: &mut Series<Role>,
        place: usize,
        more: Role,
        partners: &mut VecDeque<Stamp>,
    ) -> bool {
        let Some(occurrence) = series.get_mut(place) else { return false };
        let before = occurrence.mark;
        occurrence.mark.trigger |= more.trigger;
        occurrence.mark.partner |= more.partner;
        let changed = occurrence.mark != before;
        if more.partner && !before.partner {
            self.inserted(series, place, partners);
        }
        changed
    }

    fn removed(&self, gone: &Occurrence<Role>, partners: &mut VecDeque<Stamp>) {
        if partners.front() == Some(&gone.stamp) {
            partners.pop_front();
        }
    }

    fn judge(
        &self,
        _series: &Series<Role>,
        _place: usize,
        _partners: &mut VecDeque<Stamp>,
        _judged: &mut dyn FnMut(usize, Reading),
    ) {
        debug_assert!(false, "it waits");
    }

    fn decide(&self, series: &Series<Role>, place: usize, partners: &mut VecDeque<Stamp>) -> Reading {
        let Some(occurrence) = series.get(place).filter(|occurrence| occurrence.mark.trigger) else {
            return Reading::default();
        };
        let found = self.has_partner(occurrence.stamp, partners);
        Reading::new(if found { 1.0 } else { 0.0 }, !found)
    }

    fn write(&self, _partners: &VecDeque<Stamp>, _out: &mut Writer<'_>) {}

    fn read(&self, series: &Series<Role>, _from: &mut Reader<'_>) -> Result<VecDeque<Stamp>, Corrupt> {
        let held = (0..series.len()).filter_map(|place| series.get(place));
        Ok(held.filter(|occurrence| occurrence.mark.partner).map(|occurrence| occurrence.stamp).collect())
    }

    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        let when = if self.before { "before" } else { "after" };
        vec![Measured {
            what: format!("partners {when} it"),
            observed: reading.headline(),
            required: "0".to_owned(),
        }]
    }

    fn window(&self, timespan: Timespan, time_ms: i64) -> (i64, i64) {
        if self.before { (timespan.start(time_ms), time_ms) } else { (time_ms, timespan.end(time_ms)) }
    }

    /// The trigger alone.
    fn shown_after_ms(&self, _timespan: Timespan, time_ms: i64) -> i64 {
        time_ms.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    const TRIGGER: Role = Role { trigger: true, partner: false };
    const PARTNER: Role = Role { trigger: false, partner: true };
    const BOTH: Role = Role { trigger: true, partner: true };

    fn alone(before: bool, events: &[(i64, Role)]) -> Vec<i64> {
        let test = AbsenceTest { trigger: vec![0], absent: vec![1], before };
        let mut fed = Fed::new(Absence::new(&test, Timespan(10)));
        for (uuid, (time, role)) in (1..).zip(events) {
            fed.put(*time, uuid, *role);
        }
        fed.decide_all().into_iter().filter(|(_, holds)| *holds).map(|(time, _)| time).collect()
    }

    #[test]
    fn a_partner_after_the_trigger_comes_within_the_timespan_and_not_at_the_same_instant() {
        for (partner, found) in [(99, false), (100, false), (101, true), (110, true), (111, false)] {
            let expected: &[i64] = if found { &[] } else { &[100] };
            assert_eq!(alone(false, &[(100, TRIGGER), (partner, PARTNER)]), expected, "at {partner}");
        }
    }

    #[test]
    fn a_partner_before_the_trigger_may_come_with_it() {
        for (partner, found) in [(90, false), (91, true), (100, true), (101, false)] {
            let expected: &[i64] = if found { &[] } else { &[100] };
            assert_eq!(alone(true, &[(partner, PARTNER), (100, TRIGGER)]), expected, "at {partner}");
        }
    }

    #[test]
    fn an_event_is_the_partner_of_others_and_not_its_own() {
        assert_eq!(alone(false, &[(100, BOTH), (105, BOTH)]), [105]);
        assert_eq!(alone(true, &[(100, BOTH), (105, BOTH)]), [100]);
        assert!(alone(true, &[(100, BOTH), (100, BOTH)]).is_empty());
    }
}
