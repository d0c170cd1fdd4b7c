//! Is each worker alive, and is the service ready?
//!
//! Alive means that the worker's loop came round lately; the cluster has no part in it, as
//! restarting a fleet does not mend a broker. Ready means that the worker is a member of its group
//! and does its work, with or without partitions.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicUsize, Ordering};

use super::WorkerState;
use crate::limits;

/// The condition of every worker; workers write, HTTP reads.
#[derive(Debug)]
pub struct Health {
    workers: Vec<Pulse>,
    draining: AtomicBool,
}

/// What one worker says of itself.
#[derive(Debug)]
struct Pulse {
    /// When its loop last came round, ms of the monotonic clock.
    beat_ms: AtomicI64,
    state: AtomicU8,
    /// Partitions that it was assigned and cannot read yet.
    arriving: AtomicUsize,
    /// Why it is in that state.
    why: Mutex<String>,
}

/// An answer of `/healthz` or `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Good or not.
    pub good: bool,
    /// Why not, one line for each reason.
    pub reasons: Vec<String>,
}

impl Health {
    /// The health of so many workers, all of them starting now.
    pub fn new(workers: usize, now_ms: i64) -> Self {
        let pulse = || Pulse {
            beat_ms: AtomicI64::new(now_ms),
            state: AtomicU8::new(WorkerState::Starting as u8),
            arriving: AtomicUsize::new(0),
            why: Mutex::default(),
        };
        Self { workers: (0..workers).map(|_| pulse()).collect(), draining: AtomicBool::new(false) }
    }

    /// The worker's loop came round.
    pub fn beat(&self, worker: usize, now_ms: i64) {
        if let Some(pulse) = self.workers.get(worker) {
            pulse.beat_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// The service was asked to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// The state of a worker.
    pub fn state(&self, worker: usize) -> WorkerState {
        let number = self.workers.get(worker).map(|pulse| pulse.state.load(Ordering::Relaxed));
        number.map_or(WorkerState::Stopped, WorkerState::from_u8)
    }

    pub(super) fn moved(&self, worker: usize, state: WorkerState, why: &str) {
        if let Some(pulse) = self.workers.get(worker) {
            pulse.state.store(state as u8, Ordering::Relaxed);
            if let Ok(mut text) = pulse.why.lock() {
                why.clone_into(&mut text);
            }
        }
    }

    pub(super) fn arriving(&self, worker: usize, partitions: usize) {
        if let Some(pulse) = self.workers.get(worker) {
            pulse.arriving.store(partitions, Ordering::Relaxed);
        }
    }

    /// Whether every worker's loop came round within [`limits::WORKER_SILENCE_MS`].
    pub fn alive(&self, now_ms: i64) -> Verdict {
        let silent = |(worker, pulse): (usize, &Pulse)| {
            let silence = now_ms - pulse.beat_ms.load(Ordering::Relaxed);
            let stopped = self.state(worker) == WorkerState::Stopped;
            (silence > limits::WORKER_SILENCE_MS && !stopped)
                .then(|| format!("worker {worker} has been silent for {} s", silence / 1_000))
        };
        Verdict::of(self.workers.iter().enumerate().filter_map(silent).collect())
    }

    /// Whether every worker is a member of its group and reads all that it was assigned.
    pub fn ready(&self) -> Verdict {
        if self.draining.load(Ordering::Relaxed) {
            return Verdict::of(vec!["draining".to_owned()]);
        }
        let idle = |(worker, pulse): (usize, &Pulse)| {
            let state = self.state(worker);
            let why = pulse.why.lock().map(|why| why.clone()).unwrap_or_default();
            let why = if why.is_empty() { why } else { format!(": {why}") };
            if state != WorkerState::Running {
                return Some(format!("worker {worker} is {}{why}", state.as_str()));
            }
            let arriving = pulse.arriving.load(Ordering::Relaxed);
            (arriving > 0).then(|| format!("worker {worker} restores: {arriving} partitions to go"))
        };
        Verdict::of(self.workers.iter().enumerate().filter_map(idle).collect())
    }
}

impl Verdict {
    fn of(reasons: Vec<String>) -> Self {
        Self { good: reasons.is_empty(), reasons }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_worker_is_not_alive_and_a_beat_revives_it() {
        let health = Health::new(2, 0);
        let late = limits::WORKER_SILENCE_MS + 1;
        health.beat(0, late);
        assert_eq!(health.alive(late).reasons, ["worker 1 has been silent for 120 s"]);
        health.beat(1, late);
        assert!(health.alive(late).good);
    }

    #[test]
    fn an_outage_makes_a_worker_unready_but_not_dead() {
        let health = Health::new(1, 0);
        health.moved(0, WorkerState::Waiting, "all brokers are down");
        assert_eq!(health.ready().reasons, ["worker 0 is waiting: all brokers are down"]);
        assert!(health.alive(0).good);
    }

    #[test]
    fn running_is_ready_until_the_service_drains() {
        let health = Health::new(1, 0);
        health.moved(0, WorkerState::Running, "");
        assert!(health.ready().good);
        health.arriving(0, 3);
        assert_eq!(health.ready().reasons, ["worker 0 restores: 3 partitions to go"]);
        health.arriving(0, 0);
        assert!(health.ready().good);
        health.drain();
        assert_eq!(health.ready().reasons, ["draining"]);
    }
}
