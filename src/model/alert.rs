//! What is an alert, before it takes the shape of an output format?

use std::sync::Arc;

use compact_str::CompactString;
use uuid::Uuid;

use super::{Evidence, RuleInfo, Shared};

/// A rule that came true for one key, with what made it true.
#[derive(Clone, Debug)]
pub struct Alert {
    /// UUIDv5 of rule id, key and the event that first fired it: the same however often computed.
    pub id: Uuid,
    /// Raised, or told more of.
    pub activity: Activity,
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// The tenant.
    pub org: Option<Arc<str>>,
    /// What it is about; also the key of the output record.
    pub entity: Entity,
    /// The group-by fields with their values; empty for a rule that has none.
    pub group: Vec<(String, String)>,
    /// The event that fired it (for an update: that caused the update).
    pub fired_by: CompactString,
    /// `published` of that event, ms.
    pub fired_at_ms: i64,
    /// When the finding was made: the tick's time in a run, the event's own time in a replay; ms.
    pub made_at_ms: i64,
    /// When the alert was first raised; equals `made_at_ms` unless it is an update.
    pub created_at_ms: i64,
    /// Earliest and latest contributing event, ms.
    pub first_seen_ms: i64,
    /// Latest contributing event, ms.
    pub last_seen_ms: i64,
    /// How many events contributed.
    pub count: u64,
    /// What was measured against what was asked.
    pub measured: Vec<Measured>,
    /// The window that held, for correlations.
    pub window: Option<Window>,
    /// The sentence a person reads first.
    pub sentence: String,
    /// The events, in event-time order: first, decisive and last are always there.
    pub evidence: Vec<Shared<Evidence>>,
    /// Contributing events that are not in `evidence`.
    pub omitted: u64,
    /// Contributing events that came late.
    pub late_events: u64,
    /// The watermark when it was decided, ms.
    pub watermark_ms: Option<i64>,
    /// State was evicted for this rule: the figures may be too low.
    pub may_be_low: bool,
}

/// OCSF's activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A new alert.
    Create,
    /// More of an alert that was raised before, under the same id.
    Update,
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// What kind of thing.
    pub kind: EntityKind,
    /// Which one; masked where it may be a mistyped password.
    pub value: String,
}

/// What kind of thing an alert is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntityKind {
    /// Who acted.
    #[default]
    Actor,
    /// The user acted on.
    TargetUser,
    /// The client address.
    Ip,
    /// An API token.
    Token,
    /// The application acted on.
    App,
    /// The tenant.
    Org,
}

impl EntityKind {
    /// The word in rules and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::TargetUser => "target_user",
            Self::Ip => "ip",
            Self::Token => "token",
            Self::App => "app",
            Self::Org => "org",
        }
    }
}

/// One figure of a correlation against its threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// `events`, `distinct client.ipAddress`, `rules seen`
    pub what: String,
    /// What was seen.
    pub observed: f64,
    /// What was asked, as written: `>= 5`
    pub required: String,
}

/// The window that held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Exclusive start, ms: the last event's time less the timespan.
    pub start_ms: i64,
    /// Inclusive end, ms: the last event's time.
    pub end_ms: i64,
    /// The rule's timespan, ms.
    pub timespan_ms: i64,
}
