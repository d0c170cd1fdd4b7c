//! Which exit code means what?

use std::process::ExitCode;

use crate::error::Failure;

/// How a command ended; the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all good.
    Good,
    /// 1: it ran, and found something: a failed rule test, an error in a rule.
    Findings,
    /// 2: bad usage or configuration.
    Usage,
    /// 3: it could not go on.
    Runtime,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Runtime => 3,
        })
    }
}

/// What a command gives back.
pub type Outcome = Result<Exit, (Failure, Exit)>;

/// Says which exit code a failure means.
pub trait OrExit<T> {
    /// This failure is bad usage or configuration.
    fn or_usage(self) -> Result<T, (Failure, Exit)>;
    /// This failure came while running.
    fn or_runtime(self) -> Result<T, (Failure, Exit)>;
}

impl<T> OrExit<T> for Result<T, Failure> {
    fn or_usage(self) -> Result<T, (Failure, Exit)> {
        self.map_err(|failure| (failure, Exit::Usage))
    }

    fn or_runtime(self) -> Result<T, (Failure, Exit)> {
        self.map_err(|failure| (failure, Exit::Runtime))
    }
}
