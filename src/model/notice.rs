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
        /// Nothing yet: Okta may do something about an event of the user: for Okta itself, not for the user.
        MayBeAnswered = "may_be_answered",
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
    /// What the event belongs to.
    pub links: Links,
}

/// What an event belongs to, as digests; 0 where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The request.
    pub transaction: u64,
    /// The chain of work of Okta's.
    pub trace: u64,
    /// The session.
    pub session: u64,
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
    /// Roles that were given or taken, as digests of their names; none where the event names none.
    pub roles: Vec<u32>,
}
