//! What is a user told of that others did to it?
//!
//! State of a user is held where the user's own events are. What an administrator, Okta's support or the
//! system did to somebody is an event of theirs, and so of another shard: what of it matters to the one
//! it was done to goes there as a notice.

use std::sync::Arc;

use compact_str::CompactString;

use super::words;

words! {
    /// What was done to a user.
    NoticeKind {
        /// All sessions were ended, or the account was.
        #[default]
        SessionsEnded = "sessions_ended",
        /// The password was reset, changed or expired.
        PasswordReset = "password_reset",
        /// Factors were taken off.
        FactorsReset = "factors_reset",
        /// An administrator's role was given.
        RoleGranted = "role_granted",
        /// One was taken away.
        RoleRevoked = "role_revoked",
    }
}

/// One thing that was done to one user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notice {
    /// The tenant.
    pub org: Option<Arc<str>>,
    /// Whom it was done to: the id.
    pub id: CompactString,
    /// The login, by which the user's shard is known.
    pub login: CompactString,
    /// What was done.
    pub said: Said,
}

/// What was done, when, by whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// What.
    pub of: NoticeKind,
    /// When, ms since the epoch.
    pub at_ms: i64,
    /// The event's id.
    pub uuid: CompactString,
    /// Its type.
    pub event_type: CompactString,
    /// Login of who did it, else the id.
    pub by: CompactString,
}
