//! Does the figure of a window satisfy bounds that each window answers for itself?

use super::gauge::Gauge;
use super::measure::{Measure, Reading, Timespan, holds, reaches};
use super::series::{Occurrence, Series};
use crate::model::{Match, Measured};
use crate::rule::{Threshold, required};
use crate::state::{Corrupt, Reader, Writer};

/// Every window with its own figure.
#[derive(Debug)]
pub(super) struct Own<G> {
    pub(super) gauge: G,
    pub(super) timespan: Timespan,
    pub(super) conditions: Vec<Threshold>,
    /// The figure only rises: a late event can only add to it, so that what held once still does.
    pub(super) rises: bool,
}

impl<G: Gauge> Measure for Own<G> {
    type Mark = G::Mark;
    type Tally = G::Frame;

    /// What may fall again is decided once no late event can come into the window.
    fn waits_ms(&self) -> Option<i64> {
        (!self.rises).then_some(0)
    }

    fn mark(&self, branch: usize, matched: &Match) -> Option<G::Mark> {
        self.gauge.mark(branch, matched)
    }

    fn inserted(&self, series: &Series<G::Mark>, place: usize, frame: &mut G::Frame) {
        self.gauge.inserted(series, place, frame);
    }

    fn merged(
        &self,
        series: &mut Series<G::Mark>,
        place: usize,
        more: G::Mark,
        frame: &mut G::Frame,
    ) -> bool {
        self.gauge.merged(series, place, more, frame)
    }

    fn removed(&self, gone: &Occurrence<G::Mark>, frame: &mut G::Frame) {
        self.gauge.removed(gone, frame);
    }

    fn judge(
        &self,
        series: &Series<G::Mark>,
        place: usize,
        frame: &mut G::Frame,
        judged: &mut dyn FnMut(usize, Reading),
    ) {
        let mut last = place;
        while reaches(series, self.timespan, place, last) {
            judged(last, self.decide(series, last, frame));
            last += 1;
        }
    }

    fn decide(&self, series: &Series<G::Mark>, place: usize, frame: &mut G::Frame) -> Reading {
        let figure = self.gauge.figure(series, self.timespan, place, frame);
        Reading::new(figure, holds(&self.conditions, figure))
    }

    fn write(&self, frame: &G::Frame, out: &mut Writer<'_>) {
        self.gauge.write(frame, out);
    }

    fn read(&self, series: &Series<G::Mark>, from: &mut Reader<'_>) -> Result<G::Frame, Corrupt> {
        self.gauge.read(series, from)
    }

    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        measured(&self.gauge, &self.conditions, reading)
    }
}

/// A figure against its thresholds.
pub(super) fn measured<G: Gauge>(gauge: &G, conditions: &[Threshold], reading: &Reading) -> Vec<Measured> {
    vec![Measured { what: gauge.name(), observed: reading.headline(), required: required(conditions) }]
}
