//! What does an alert keep of an event that contributed to it?

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use compact_str::CompactString;

use super::facts::Facts;
use super::{AdminFacts, Place, Position, Principal, SessionFacts, Shared, TokenFacts, TravelFacts};

/// One contributing event as one rule shows it, small enough to be kept in a window.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What every rule shows of it.
    pub facts: Shared<Facts>,
    /// The fields the rule read, with what stood there, in the rule's order.
    pub read: Vec<(Arc<str>, CompactString)>,
    /// Paths of fields with the name of a list that holds what stood there.
    pub listed: Vec<(Arc<str>, Arc<str>)>,
}

/// What is shown of an event, whichever rule shows it.
#[derive(Clone, Debug, Default)]
pub struct EventFacts {
    /// Where the record stands.
    pub position: Position,
    /// Okta's id of the event.
    pub uuid: CompactString,
    /// What happened.
    pub event_type: CompactString,
    /// When, ms since the epoch.
    pub published_ms: i64,
    /// The event as the console shows it.
    pub display_message: String,
    /// `outcome.result`
    pub result: CompactString,
    /// `outcome.reason`
    pub reason: CompactString,
    /// Who acted.
    pub actor: Actor,
    /// The Okta session; empty without a real one.
    pub session_id: CompactString,
    /// The client address as text; empty without one.
    pub ip: CompactString,
    /// Where that address is.
    pub place: Option<Arc<Place>>,
    /// Client software.
    pub user_agent: String,
    /// What was acted on.
    pub targets: Vec<Target>,
    /// The session's state at this event.
    pub session: Option<SessionFacts>,
    /// The way from the user's place before.
    pub travel: Option<TravelFacts>,
    /// The API token that made the request, or that it is about.
    pub token: Option<Box<TokenFacts>>,
    /// What the session does as an administrator's.
    pub admin: Option<Box<AdminFacts>>,
    /// The event came late.
    pub late: bool,
    /// The event was mapped back from another schema.
    pub lossy: bool,
    /// The tenant.
    pub org: Option<Arc<str>>,
    /// The event's JSON, when it is wanted in the output.
    pub raw: Option<Arc<str>>,
}

impl Deref for Evidence {
    type Target = EventFacts;

    fn deref(&self) -> &EventFacts {
        self.facts.get()
    }
}

impl DerefMut for Evidence {
    /// Changes what this one shows, nobody else's.
    fn deref_mut(&mut self) -> &mut EventFacts {
        self.facts.make_mut().to_mut()
    }
}

impl From<EventFacts> for Evidence {
    /// Of a rule that read nothing.
    fn from(facts: EventFacts) -> Self {
        Self { facts: Facts::from(facts).into(), ..Self::default() }
    }
}

/// Who acted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// `actor.id`
    pub id: CompactString,
    /// `actor.type`
    pub kind: CompactString,
    /// `actor.alternateId`
    pub login: CompactString,
    /// `actor.displayName`
    pub name: CompactString,
    /// The login is what a stranger typed at a failed sign-in, perhaps a password: outputs show
    /// only its mask.
    pub unproven: bool,
    /// The user has done something, at this event or before: one who only ever failed has not.
    pub known: bool,
    /// Who really acts.
    pub is: Principal,
}

/// What was acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// `target[].id`
    pub id: CompactString,
    /// `target[].type`
    pub kind: CompactString,
    /// `target[].alternateId`
    pub alternate_id: CompactString,
    /// `target[].displayName`
    pub name: CompactString,
}
