//! Which states can a worker be in, and which may follow which?
//!
//! ```text
//!  Starting ──► Joining ──► Running ◄──► Waiting
//!     ▲            │           │            │
//!     │            ▼           ▼            ▼
//!     └──────── Rebuilding ◄───┴────────────┤
//!                  │                        │
//!                  └──► Draining ◄──────────┘        (from every state but Stopped)
//!                          │
//!                          ▼
//!                       Stopped
//! ```

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum WorkerState {
    /// Checks topics and makes its clients.
    Starting,
    /// Asks the group for partitions.
    Joining,
    /// A member of the group, with or without partitions.
    Running,
    /// The cluster does not answer, or does not take what is produced.
    Waiting,
    /// Its clients or its state are no longer good: makes all of them anew.
    Rebuilding,
    /// Finishes what it began and leaves the group.
    Draining,
    /// Gone.
    Stopped,
}

impl WorkerState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Starting,
        Self::Joining,
        Self::Running,
        Self::Waiting,
        Self::Rebuilding,
        Self::Draining,
        Self::Stopped,
    ];

    /// The word in metrics, logs and `/readyz`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Joining => "joining",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Rebuilding => "rebuilding",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }

    /// Whether a worker in this state may go to that one.
    pub fn may_become(self, next: Self) -> bool {
        use WorkerState as S;
        match (self, next) {
            (S::Stopped, _) | (_, S::Starting) => (self, next) == (S::Rebuilding, S::Starting),
            (S::Draining, next) => next == S::Stopped,
            (_, S::Draining) => true,
            (S::Starting, next) => matches!(next, S::Joining | S::Waiting | S::Stopped | S::Rebuilding),
            (S::Joining, next) => matches!(next, S::Running | S::Waiting | S::Rebuilding),
            (S::Running, next) => matches!(next, S::Waiting | S::Rebuilding),
            (S::Waiting, next) => matches!(next, S::Joining | S::Running | S::Rebuilding),
            (S::Rebuilding, _) => false,
        }
    }

    pub(super) fn from_u8(number: u8) -> Self {
        Self::ALL.into_iter().find(|state| *state as u8 == number).unwrap_or(Self::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_stopped_and_only_that_follows_draining() {
        for next in WorkerState::ALL {
            assert!(!WorkerState::Stopped.may_become(next), "{next:?}");
            assert_eq!(WorkerState::Draining.may_become(next), next == WorkerState::Stopped, "{next:?}");
        }
    }

    #[test]
    fn every_working_state_can_drain_and_none_stays_forever() {
        for state in &WorkerState::ALL[..5] {
            assert!(state.may_become(WorkerState::Draining), "{state:?}");
            assert!(!state.may_become(*state), "{state:?}");
        }
    }

    #[test]
    fn a_rebuilt_worker_begins_at_the_start() {
        assert!(WorkerState::Rebuilding.may_become(WorkerState::Starting));
        assert!(!WorkerState::Rebuilding.may_become(WorkerState::Running));
        assert!(!WorkerState::Running.may_become(WorkerState::Starting));
    }

    #[test]
    fn a_state_survives_its_number() {
        for state in WorkerState::ALL {
            assert_eq!(WorkerState::from_u8(state as u8), state);
        }
    }
}
