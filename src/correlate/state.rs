//! What is held of one key in the order of time, and what does one more event change?

use super::early::Arrival;
use super::episode::Episodes;
use super::measure::{Measure, Reading, Timespan};
use super::series::{Series, Stamp};
use super::shown::Gallery;
use super::table::Spec;
use crate::model::Tally;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// The events of one key.
#[derive(Debug)]
pub(super) struct State<M: Measure> {
    pub(super) series: Series<M::Mark>,
    pub(super) tally: M::Tally,
    pub(super) gallery: Gallery,
    pub(super) episodes: Episodes,
    pub(super) lost_upto_ms: i64,
    /// The last event whose window was decided, where windows wait.
    decided: Option<Stamp>,
}

impl<M: Measure> Default for State<M> {
    fn default() -> Self {
        Self {
            series: Series::default(),
            tally: M::Tally::default(),
            gallery: Gallery::default(),
            episodes: Episodes::default(),
            lost_upto_ms: i64::MIN,
            decided: None,
        }
    }
}

impl<M: Measure> State<M> {
    /// Writes all of it.
    pub(super) fn write(&self, measure: &M, out: &mut Writer<'_>) {
        let Self { series, tally, gallery, episodes, lost_upto_ms, decided } = self;
        series.write(out);
        measure.write(tally, out);
        gallery.write(out);
        episodes.write(out);
        lost_upto_ms.write(out);
        decided.write(out);
    }

    /// Reads it again.
    pub(super) fn read(measure: &M, from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let series = Series::read(from)?;
        Ok(Self {
            tally: measure.read(&series, from)?,
            series,
            gallery: Gallery::read(from)?,
            episodes: Episodes::read(from)?,
            lost_upto_ms: i64::read(from)?,
            decided: Durable::read(from)?,
        })
    }

    /// Takes out what is in no window that ends at or after an instant, and in none that is still to
    /// be decided; and what is of no use in any.
    pub(super) fn prune(&mut self, measure: &M, timespan: Timespan, settled_ms: i64) {
        let first_open_ms =
            measure.waits_ms().and_then(|_| self.series.time(self.series.after(self.decided)));
        let settled_ms = first_open_ms.map_or(settled_ms, |open_ms| open_ms.min(settled_ms));
        while self.series.oldest().is_some_and(|time_ms| timespan.end(time_ms) <= settled_ms) {
            if let Some(gone) = self.series.pop_oldest() {
                measure.removed(&gone, &mut self.tally);
            }
        }
        self.gallery.forget(timespan.start(settled_ms));
        self.drop_useless(measure, settled_ms);
    }

    /// Takes out what stands before the first event that can begin a window, where no such event can come
    /// before it any more.
    fn drop_useless(&mut self, measure: &M, settled_ms: i64) {
        while let Some(oldest) = self.series.get(0) {
            if oldest.stamp.time_ms >= settled_ms || measure.begins(&oldest.mark) {
                break;
            }
            let Some(gone) = self.series.pop_oldest() else { return };
            measure.removed(&gone, &mut self.tally);
            self.gallery.forget_to(gone.stamp);
        }
    }

    /// Puts the event to its place, which is given if anything changed by it.
    pub(super) fn take(&mut self, measure: &M, arrival: Arrival<M::Mark>) -> Option<usize> {
        let Arrival { occurrence, shown } = arrival;
        let place = match self.series.find(occurrence.stamp) {
            Ok(place) => {
                if !measure.merged(&mut self.series, place, occurrence.mark, &mut self.tally) {
                    return None;
                }
                place
            }
            Err(place) => {
                self.series.insert(place, occurrence);
                measure.inserted(&self.series, place, &mut self.tally);
                place
            }
        };
        self.gallery.add(shown);
        Some(place)
    }

    /// Judges the windows that an event at `place` changed, and adds those that came true by it.
    pub(super) fn judge(
        &mut self,
        measure: &M,
        place: usize,
        nearest: &mut Option<Reading>,
        came_true: &mut Vec<(usize, Reading)>,
    ) {
        measure.judge(&self.series, place, &mut self.tally, &mut |last, reading| {
            note(nearest, &reading);
            if reading.holds {
                came_true.push((last, reading));
            }
        });
        came_true.retain(|(last, _)| {
            let Some(occurrence) = self.series.get_mut(*last) else { return false };
            !std::mem::replace(&mut occurrence.satisfied, true)
        });
    }

    /// The watermark at which the first undecided window can be decided.
    pub(super) fn next_due_ms(&self, waits_ms: i64) -> Option<i64> {
        let time_ms = self.series.time(self.series.after(self.decided))?;
        Some(time_ms.saturating_add(waits_ms).saturating_add(1))
    }

    /// Decides the first undecided window, and gives its place if it satisfies the rule.
    pub(super) fn decide(&mut self, measure: &M, nearest: &mut Option<Reading>) -> Option<(usize, Reading)> {
        let place = self.series.after(self.decided);
        self.decided = Some(self.series.get(place)?.stamp);
        let reading = measure.decide(&self.series, place, &mut self.tally);
        note(nearest, &reading);
        if !reading.holds {
            return None;
        }
        self.series.get_mut(place)?.satisfied = true;
        Some((place, reading))
    }

    /// Goes back to the bounds.
    pub(super) fn shrink(&mut self, measure: &M, spec: &Spec, tally: &mut Tally) {
        let judged = if measure.waits_ms().is_some() { self.decided } else { Some(Stamp::LAST) };
        if let Some(judged) = judged {
            self.gallery.thin(judged);
        }
        while self.series.len() > spec.events_per_key {
            let Some(gone) = self.series.pop_oldest() else { return };
            measure.removed(&gone, &mut self.tally);
            self.lost_upto_ms = self.lost_upto_ms.max(gone.stamp.time_ms);
            Tally::add(&mut tally.evicted, spec.rule, 1);
        }
    }
}

/// Keeps the reading that came nearest.
fn note(nearest: &mut Option<Reading>, reading: &Reading) {
    let before = nearest.as_ref().map(|before| (before.holds, before.headline()));
    if before.is_none_or(|before| before < (reading.holds, reading.headline())) {
        *nearest = Some(reading.clone());
    }
}
