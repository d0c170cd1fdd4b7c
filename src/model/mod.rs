//! What passes between the stages?
//!
//! Types are named by their state of processing:
//! [`RawRecord`] → [`Event`] → [`Observation`] → [`Enriched`] → [`Match`] → [`Alert`].
//! Each stage takes one of them and gives the next; none knows where its bytes came from or go to.

mod alert;
mod carrier;
mod change;
pub mod core;
mod effects;
mod entity;
mod event;
mod evidence;
mod factor;
mod facts;
mod field;
mod fields;
mod home;
mod instant;
mod notice;
mod parcel;
mod place;
pub mod placeholder;
mod principal;
mod record;
mod role;
mod rule;
mod shared;
mod words;

pub use alert::{Activity, Alert, Entity, EntityKind, Measured, Window};
pub use carrier::is_relay_name;
pub use change::Change;
pub use effects::{DeadLetter, DeadLetterReason, Effects, Input, Tally};
pub use entity::{AdminFacts, Ending, TokenFacts, TokenOrigin};
pub use event::{Enriched, Event, Match, Observation, SessionFacts, TravelFacts, UserFacts};
pub use evidence::{Actor, EventFacts, Evidence, Target};
pub use factor::{Factors, Strength};
pub use facts::{Facts, Written};
pub use field::{FieldDef, FieldId, FieldKind, FieldTable, KEYWORDS, OPEN_MAPS};
pub use fields::{Fields, Value};
pub use home::{HomeConfidence, HomeFacts, KeepaliveFacts, KeepaliveReason};
pub use instant::instant_ms;
pub use notice::{Links, Notice, NoticeKind, Said};
pub use parcel::{Cargo, Parcel};
pub use place::{Asn, Geo, GeoSource, IpFacts, Place};
pub use principal::{
    Cause, CauseLink, HabitFacts, Principal, PrincipalClass, PrincipalFacts, PrincipalReason, SystemClass,
    SystemFacts, SystemReason,
};
pub use record::{Header, Position, RawRecord};
pub use role::{IpRole, Role, RoleReason};
pub use rule::{Attack, Confidence, Level, ListInfo, Mode, RuleIndex, RuleInfo, RuleKind, Tactic};
pub use shared::{Held, Shared};
use words::words;
