//! `sequence`: which events end a run of counted steps?
//!
//! Every choice of a first and a last event for each step is tried.

use std::collections::BTreeSet;

use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct Sequence {
    pub steps: Vec<Step>,
    /// Rules that stop a run.
    pub until: Vec<usize>,
    /// The whole run is shorter.
    pub within_ms: i64,
    /// Fields in which the last event of a step differs from the first of the next.
    pub unequal: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub rules: Vec<usize>,
    pub min: usize,
    pub max: Option<usize>,
    /// Distinct values of the field count, not events.
    pub distinct: Option<String>,
    /// The step's last event is less than this after the step before (or after the step's first).
    pub within_ms: Option<i64>,
}

/// The first and the last event chosen for a step.
type Chosen = (usize, usize);

impl Sequence {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        (0..events.len()).filter(|end| self.runs(events, *end, &[])).collect()
    }

    /// Whether the steps chosen so far can be continued to a run that ends with an event.
    fn runs(&self, events: &[Occurrence<'_>], end: usize, chosen: &[Chosen]) -> bool {
        let Some(step) = self.steps.get(chosen.len()) else { return self.is_run(events, end, chosen) };
        let is_last = chosen.len() + 1 == self.steps.len();
        let after_ms = chosen.last().map(|(_, last)| events[*last].time_ms());
        let may_be = |place: &usize| {
            let time_ms = events[*place].time_ms();
            step.takes(&events[*place])
                && time_ms > events[end].time_ms() - self.within_ms
                && after_ms.is_none_or(|after_ms| time_ms > after_ms)
        };
        let places: Vec<usize> = (0..=end).filter(may_be).collect();
        places.iter().any(|first| {
            let lasts = places.iter().filter(|last| *last >= first && (!is_last || **last == end));
            lasts.into_iter().any(|last| {
                let longer = [chosen, &[(*first, *last)]].concat();
                self.fits(events, &longer) && self.runs(events, end, &longer)
            })
        })
    }

    /// Whether the step chosen last has enough events, in time, and differs from the one before.
    fn fits(&self, events: &[Occurrence<'_>], chosen: &[Chosen]) -> bool {
        let step = &self.steps[chosen.len() - 1];
        let (first, last) = chosen[chosen.len() - 1];
        let before = (chosen.len() >= 2).then(|| chosen[chosen.len() - 2].1);
        let since_ms = events[before.unwrap_or(first)].time_ms();
        step.count(&events[first..=last]) >= step.min
            && step.within_ms.is_none_or(|within_ms| events[last].time_ms() - since_ms < within_ms)
            && before.is_none_or(|before| self.differ(&events[before], &events[first]))
    }

    fn differ(&self, one: &Occurrence<'_>, other: &Occurrence<'_>) -> bool {
        self.unequal.iter().all(|field| {
            let (one, other) = (one.event.values(field), other.event.values(field));
            !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
        })
    }

    /// Whether steps that are all chosen are not too many, and nothing stops them.
    fn is_run(&self, events: &[Occurrence<'_>], end: usize, chosen: &[Chosen]) -> bool {
        let end_ms = events[end].time_ms();
        let start_ms = events[chosen[0].0].time_ms();
        let stops = |other: &Occurrence<'_>| {
            other.is_of(&self.until) && start_ms < other.time_ms() && other.time_ms() < end_ms
        };
        !events.iter().any(stops)
            && (0..self.steps.len()).all(|number| self.is_not_too_much(events, end, chosen, number))
    }

    /// What counts against a step's `max` lies after the step before (or in the window of what
    /// completes the next step) and before the next step is complete (or up to the end).
    fn is_not_too_much(
        &self,
        events: &[Occurrence<'_>],
        end: usize,
        chosen: &[Chosen],
        number: usize,
    ) -> bool {
        let Some(max) = self.steps[number].max else { return true };
        let next = chosen.get(number + 1).map(|(_, last)| *last);
        let after_ms = match number.checked_sub(1) {
            Some(before) => events[chosen[before].1].time_ms(),
            None => events[next.unwrap_or(end)].time_ms() - self.within_ms,
        };
        let between = |place: &usize| {
            let time_ms = events[*place].time_ms();
            let is_before = match next {
                Some(next) => time_ms < events[next].time_ms(),
                None => *place <= end,
            };
            time_ms > after_ms && is_before
        };
        let between: Vec<Occurrence<'_>> =
            (0..events.len()).filter(between).map(|place| events[place].clone()).collect();
        self.steps[number].count(&between) <= max
    }
}

impl Step {
    /// Whether an event is one of the step's.
    fn takes(&self, occurrence: &Occurrence<'_>) -> bool {
        let has_value = |field: &String| !occurrence.event.values(field).is_empty();
        occurrence.is_of(&self.rules) && self.distinct.as_ref().is_none_or(has_value)
    }

    fn count(&self, events: &[Occurrence<'_>]) -> usize {
        let own = events.iter().filter(|occurrence| self.takes(occurrence));
        match &self.distinct {
            None => own.count(),
            Some(field) => {
                own.flat_map(|occurrence| occurrence.event.values(field)).collect::<BTreeSet<_>>().len()
            }
        }
    }
}
