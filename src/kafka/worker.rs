//! How does one worker live, from its start to its last commit?
//!
//! A worker is one thread with one consumer, one producer and some of the shards, and a loop that goes
//! round as long as they are good: [`Session`]. When they are not, all are made anew, and its shards are
//! restored from what was committed. Its states and what may follow which: [`WorkerState`].

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::clock;
use super::session::Session;
use super::shared::Shared;
use super::topics::Trouble;
use crate::error::Failure;
use crate::telemetry::{Fact, WorkerState};

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// The worker was asked to stop.
    Stopped,
    /// Its clients or its state are no longer good, for this reason.
    Rebuild(String),
    /// A person has to act.
    Failed(Failure),
}

/// What a worker says of itself.
#[derive(Debug)]
pub struct Status {
    /// Which worker, from 0.
    pub worker: usize,
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    state: WorkerState,
}

impl Status {
    /// Its loop came round.
    pub fn beat(&self) {
        self.shared.telemetry.health().beat(self.worker, clock::steady_ms());
    }

    /// Its state.
    pub fn state(&self) -> WorkerState {
        self.state
    }

    /// Goes to another state, if it is another.
    pub fn become_(&mut self, to: WorkerState, why: &str) {
        let from = std::mem::replace(&mut self.state, to);
        if from == to {
            return;
        }
        debug_assert!(from.may_become(to), "{from:?} may not become {to:?}");
        self.observe(&Fact::WorkerMoved { worker: self.worker, from, to, why });
        match (from, to) {
            (_, WorkerState::Waiting) => self.observe(&Fact::ClusterDown { worker: self.worker, error: why }),
            (WorkerState::Waiting | WorkerState::Joining, WorkerState::Running) => {
                self.observe(&Fact::ClusterUp { worker: self.worker });
            }
            _ => {}
        }
    }

    /// States a fact.
    pub fn observe(&self, fact: &Fact<'_>) {
        self.shared.telemetry.observe(fact);
    }

    /// The consumer met an error that the worker copes with.
    pub fn complain(&self, error: &str) {
        self.observe(&Fact::ConsumerError { worker: self.worker, error });
    }

    /// Sleeps in short pieces, so that a stop is noticed and the pulse goes on.
    fn sleep(&self, wait: Duration) {
        let until = clock::instant() + wait;
        while clock::instant() < until && !self.shared.is_stopping() {
            self.beat();
            std::thread::sleep(Duration::from_millis(50).min(wait));
        }
    }
}

/// Runs a worker until it is asked to stop.
///
/// # Errors
/// What a person has to mend: settings, missing topics, missing rights.
pub fn run(shared: Arc<Shared>, worker: usize) -> Result<(), Failure> {
    let mut status = Status { worker, shared, state: WorkerState::Starting };
    let mut backoff = Backoff::default();
    loop {
        let end = live(&mut status, &mut backoff);
        match end {
            End::Rebuild(why) if !status.shared.is_stopping() => {
                status.become_(WorkerState::Rebuilding, &why);
                status.sleep(backoff.wait());
                status.become_(WorkerState::Starting, "");
            }
            End::Stopped | End::Rebuild(_) => {
                status.become_(WorkerState::Draining, "");
                status.become_(WorkerState::Stopped, "");
                return Ok(());
            }
            End::Failed(failure) => {
                status.become_(WorkerState::Draining, &failure.primary);
                status.become_(WorkerState::Stopped, &failure.primary);
                return Err(failure);
            }
        }
    }
}

/// One life: topics, clients, the loop, and the goodbye to the group.
fn live(status: &mut Status, backoff: &mut Backoff) -> End {
    let shards = match topics(status) {
        Ok(shards) => shards,
        Err(end) => return end,
    };
    status.become_(WorkerState::Joining, "");
    let mut session = match Session::open(status, shards) {
        Ok(session) => session,
        Err(failure) => return End::Failed(failure),
    };
    let end = loop {
        match session.round() {
            Ok(true) => backoff.reset(),
            Ok(false) => {}
            Err(end) => break end,
        }
    };
    session.close(matches!(end, End::Stopped));
    end
}

/// Waits until the topics are there, and says how many shards there are.
fn topics(status: &mut Status) -> Result<u32, End> {
    let mut backoff = Backoff::default();
    loop {
        status.beat();
        if status.shared.is_stopping() {
            return Err(End::Stopped);
        }
        match status.shared.ensure_topics() {
            Ok(shards) => return Ok(shards),
            Err(Trouble::Never(failure)) => return Err(End::Failed(failure)),
            Err(Trouble::Later(why)) => {
                status.become_(WorkerState::Waiting, &why);
                status.sleep(backoff.wait());
            }
        }
    }
}
