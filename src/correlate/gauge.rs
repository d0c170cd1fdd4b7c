//! How is one figure of a window kept up to date, without measuring it anew for each event?
//!
//! A [`Frame`] lies over a stretch of the series and holds what is inside. Moving it costs as much as
//! it moves: one step for an event in order, as many as the event is out of order else.

use std::fmt::Debug;

use super::measure::{Timespan, reaches};
use super::series::{Occurrence, Series};
use crate::model::Match;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// One figure of a window.
pub(super) trait Gauge: Debug {
    /// What one event adds.
    type Mark: Clone + Debug + Durable + Send + Sync + 'static;
    /// What is kept of a key besides its events.
    type Frame: Default + Debug;

    /// What a match adds; `None` when a field it needs is missing.
    fn mark(&self, branch: usize, matched: &Match) -> Option<Self::Mark>;

    /// An event was put to a place of the series.
    fn inserted(&self, series: &Series<Self::Mark>, place: usize, frame: &mut Self::Frame);

    /// Another rule matched an event that is there already. Whether that changed anything.
    fn merged(
        &self,
        series: &mut Series<Self::Mark>,
        place: usize,
        more: Self::Mark,
        frame: &mut Self::Frame,
    ) -> bool;

    /// The oldest event was taken out of the series.
    fn removed(&self, gone: &Occurrence<Self::Mark>, frame: &mut Self::Frame);

    /// The figure of the window that ends with the event at `place`.
    fn figure(
        &self,
        series: &Series<Self::Mark>,
        timespan: Timespan,
        place: usize,
        frame: &mut Self::Frame,
    ) -> f64;

    /// Writes what is kept of a key besides its events, as far as it does not follow from them.
    fn write(&self, frame: &Self::Frame, out: &mut Writer<'_>);

    /// Reads it again, for a key with these events.
    fn read(&self, series: &Series<Self::Mark>, from: &mut Reader<'_>) -> Result<Self::Frame, Corrupt>;

    /// The figure's name in an alert.
    fn name(&self) -> String;
}

/// What a frame holds of the events inside.
pub(super) trait Bag: Default + Debug {
    /// What one event adds.
    type Mark;
    /// An event is inside now.
    fn add(&mut self, mark: &Self::Mark);
    /// An event is outside now.
    fn take(&mut self, mark: &Self::Mark);
    /// Writes what the events inside do not tell to the last bit: of most bags nothing.
    fn write(&self, _out: &mut Writer<'_>) {}
    /// Reads that again into an empty one.
    fn read(&mut self, _from: &mut Reader<'_>) -> Result<(), Corrupt> {
        Ok(())
    }
    /// An event that was inside is inside again. What was written holds it already.
    fn again(&mut self, mark: &Self::Mark) {
        self.add(mark);
    }
}

/// The events from `start` up to, not with, `end`, as a bag.
#[derive(Debug, Default)]
pub(super) struct Frame<B> {
    start: usize,
    end: usize,
    bag: B,
}

impl<B: Bag> Frame<B> {
    /// Writes where it lies, and what the events inside do not tell.
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let Self { start, end, bag } = self;
        start.write(out);
        end.write(out);
        bag.write(out);
    }

    /// Lays it over the same events again, with an empty bag.
    pub(super) fn read(series: &Series<B::Mark>, mut bag: B, from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (start, end) = (usize::read(from)?, usize::read(from)?);
        if start > end || end > series.len() {
            return Err(Corrupt("place in a series"));
        }
        bag.read(from)?;
        for occurrence in (start..end).filter_map(|place| series.get(place)) {
            bag.again(&occurrence.mark);
        }
        Ok(Self { start, end, bag })
    }

    /// What it holds.
    pub(super) fn bag(&mut self) -> &mut B {
        &mut self.bag
    }

    /// The place of the first event inside.
    pub(super) fn first(&self) -> usize {
        self.start
    }

    /// An event was put to a place.
    pub(super) fn inserted(&mut self, series: &Series<B::Mark>, place: usize) {
        if place < self.start {
            self.start += 1;
            self.end += 1;
        } else if place < self.end {
            self.end += 1;
            self.add(series, place);
        }
    }

    /// An event at a place got more, which is given as a mark of its own.
    pub(super) fn grown(&mut self, place: usize, more: &B::Mark) {
        if (self.start..self.end).contains(&place) {
            self.bag.add(more);
        }
    }

    /// The oldest event, with this mark, was taken out.
    pub(super) fn removed(&mut self, mark: &B::Mark) {
        if self.start > 0 {
            self.start -= 1;
            self.end -= 1;
        } else if self.end > 0 {
            self.end -= 1;
            self.bag.take(mark);
        }
    }

    /// What is in the window that ends with an event.
    pub(super) fn over(&mut self, series: &Series<B::Mark>, timespan: Timespan, last: usize) -> &mut B {
        while self.start > 0 && reaches(series, timespan, self.start - 1, last) {
            self.start -= 1;
            self.add(series, self.start);
        }
        while self.end <= last {
            self.add(series, self.end);
            self.end += 1;
        }
        while self.end > last + 1 {
            self.end -= 1;
            self.take(series, self.end);
        }
        while self.start <= last && !reaches(series, timespan, self.start, last) {
            self.take(series, self.start);
            self.start += 1;
        }
        &mut self.bag
    }

    fn add(&mut self, series: &Series<B::Mark>, place: usize) {
        if let Some(occurrence) = series.get(place) {
            self.bag.add(&occurrence.mark);
        }
    }

    fn take(&mut self, series: &Series<B::Mark>, place: usize) {
        if let Some(occurrence) = series.get(place) {
            self.bag.take(&occurrence.mark);
        }
    }
}
