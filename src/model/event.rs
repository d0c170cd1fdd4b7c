//! What is an event at each stage of its way?

use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;

use super::{
    AdminFacts, Ending, Evidence, Factors, FieldId, Fields, HomeFacts, IpFacts, KeepaliveFacts, Place,
    Position, PrincipalFacts, RuleIndex, Shared, TokenFacts,
};

/// One Okta event, taken out of its envelope and decoded.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where it came from.
    pub position: Position,
    /// Okta's id of the event; where an envelope lost it, one derived from the content.
    pub uuid: CompactString,
    /// `published`, in ms since the epoch.
    pub published_ms: i64,
    /// The tenant, where the envelope, a header, the topic or the configuration says.
    pub org: Option<Arc<str>>,
    /// Name of the outermost envelope it came in (`raw`, `splunk_hec`, …).
    pub envelope: CompactString,
    /// Mapped back from another schema, so that fields may be missing.
    pub lossy: bool,
    /// Its values.
    pub fields: Fields,
    /// The event's JSON as it was, when it is wanted downstream.
    pub raw: Option<Arc<str>>,
}

/// An event with everything that can be said of it alone.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The event.
    pub event: Event,
    /// Where the client address is, and whose; `None` without an address.
    pub place: Option<Arc<Place>>,
}

impl Observation {
    /// What is known of the client address.
    pub fn ip(&self) -> Option<&IpFacts> {
        self.place.as_deref().map(|place| &place.ip)
    }
}

/// An observation with what state adds: its session, its user, the way from the place before.
#[derive(Clone, Debug)]
pub struct Enriched {
    /// The observation.
    pub observation: Observation,
    /// Its Okta session, if it has a real one.
    pub session: Option<SessionFacts>,
    /// Its user, if the actor is one.
    pub user: Option<UserFacts>,
    /// The way from the user's place before, if both are known.
    pub travel: Option<TravelFacts>,
    /// Who really acts.
    pub principal: PrincipalFacts,
    /// The API token that made the request, or that it is about.
    pub token: Option<Box<TokenFacts>>,
    /// What its session does as an administrator's.
    pub admin: Option<Box<AdminFacts>>,
    /// What a machine sent by itself, if the event is that.
    pub keepalive: Option<KeepaliveFacts>,
    /// Where the user's machine is at home, if it sends keep-alives.
    pub home: Option<HomeFacts>,
    /// It came after the watermark had passed it.
    pub late: bool,
}

impl Enriched {
    /// An observation to which no state adds anything.
    pub fn alone(observation: Observation, late: bool) -> Self {
        let principal = PrincipalFacts::default();
        Self {
            observation,
            session: None,
            user: None,
            travel: None,
            principal,
            token: None,
            admin: None,
            keepalive: None,
            home: None,
            late,
        }
    }

    /// Who, when and some of its fields: what is kept of an event that a correlation came true at.
    pub fn only(&self, fields: &[FieldId]) -> Self {
        let event = self.event();
        let event = Event {
            position: Position::default(),
            uuid: event.uuid.clone(),
            published_ms: event.published_ms,
            org: event.org.clone(),
            envelope: event.envelope.clone(),
            lossy: event.lossy,
            fields: event.fields.only(fields),
            raw: None,
        };
        let observation = Observation { event, place: None };
        Self::alone(observation, self.late)
    }

    /// The event inside.
    pub fn event(&self) -> &Event {
        &self.observation.event
    }
}

/// `enriched.session.*`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionFacts {
    /// The session's id.
    pub id: CompactString,
    /// Seconds since its first event.
    pub age_s: i64,
    /// Its events so far, with this one.
    pub events: u64,
    /// The address differs from the event before.
    pub ip_changed: bool,
    /// The autonomous system differs from the event before.
    pub asn_changed: bool,
    /// The country differs from the event before.
    pub country_changed: bool,
    /// The operating system differs from the event before.
    pub os_changed: bool,
    /// The user agent differs from the event before.
    pub ua_changed: bool,
    /// Okta's name of the browser differs from the event before.
    pub browser_changed: bool,
    /// The hash of the device token cookie differs from the event before.
    pub cookie_changed: bool,
    /// The browser's fingerprint differs from the event before.
    pub fingerprint_changed: bool,
    /// The registered device differs from the event before.
    pub device_changed: bool,
    /// Another program, or one on another platform, or in an earlier version: no update of the same one.
    pub client_changed: bool,
    /// How alike the user agent is to that of the event before, in hundredths, if both are known.
    pub ua_similarity: Option<u8>,
    /// Sessions of the user active in the last hour.
    pub concurrent: u32,
    /// It has entered the Admin Console.
    pub admin: bool,
    /// It has passed a second factor.
    pub mfa: bool,
    /// The factors it has passed.
    pub factors: Factors,
    /// Applications it has opened.
    pub apps: u32,
    /// What ended it before this event.
    pub ended_by: Option<Ending>,
    /// Seconds since then.
    pub since_end_s: Option<i64>,
}

/// `enriched.user.*`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserFacts {
    /// The actor's id.
    pub id: CompactString,
    /// The login, lower case.
    pub login: CompactString,
    /// Whole days since the user was first seen.
    pub known_days: i64,
    /// Events of the user so far, with this one.
    pub events: u64,
    /// The user has done something, at this event or before: one who only ever failed has not.
    pub known: bool,
    /// Whole days (UTC) without an act of the user before the day of the event.
    pub dormant_days: i64,
    /// First event of the user from this country.
    pub new_country: bool,
    /// First event of the user from this region.
    pub new_region: bool,
    /// First event of the user from this autonomous system.
    pub new_asn: bool,
    /// First event of the user with this device.
    pub new_device: bool,
    /// First event of the user with this operating system.
    pub new_os: bool,
    /// First event of the user with this browser.
    pub new_browser: bool,
    /// First time the user opens this application.
    pub new_app: bool,
    /// First time the user passes this factor.
    pub new_factor: bool,
    /// Seconds since this country was new to the user; none for the first of all.
    pub country_age_s: Option<i64>,
    /// Seconds since this autonomous system was new to the user; none for the first of all.
    pub asn_age_s: Option<i64>,
    /// Seconds since this device was new to the user; none for the first of all.
    pub device_age_s: Option<i64>,
    /// The user hardly ever does something at this hour.
    pub unusual_hour: bool,
}

/// `enriched.travel.*`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TravelFacts {
    /// Distance less both accuracy radii.
    pub km: f64,
    /// The speed that needs.
    pub kmh: f64,
    /// Time between the two.
    pub seconds: i64,
    /// The place before; for an event out of order perhaps the place after, if that way is the less
    /// likely one.
    pub from: Option<Arc<Place>>,
    /// The event at that place.
    pub from_uuid: CompactString,
    /// The user goes between the two places often enough.
    pub known: bool,
}

/// An event that one rule matched, or a correlation that came true, as another correlation sees it.
#[derive(Clone, Debug)]
pub struct Match {
    /// The rule.
    pub rule: RuleIndex,
    /// The enriched event that decided, for a correlation its last: group-by and counted fields are read
    /// from it.
    pub event: Shared<Enriched>,
    /// What to show of it; for a correlation, all of its events.
    pub evidence: SmallVec<[Shared<Evidence>; 1]>,
    /// Values of the correlation's own group-by, by name; empty for a detection.
    pub group: Vec<(String, String)>,
    /// What the rule's own alerts are held together by: the group of a correlation, what a detection is
    /// about, as a digest; 0 where nobody asks.
    pub key: u128,
    /// The one key of those it belongs to that it was sent for, where keys live in different shards.
    pub only: Option<u128>,
}

impl Match {
    /// When: the event's `published`.
    pub fn time_ms(&self) -> i64 {
        self.event.event().published_ms
    }

    /// The event's id; ties in time are broken by it.
    pub fn uuid(&self) -> &CompactString {
        &self.event.event().uuid
    }
}
