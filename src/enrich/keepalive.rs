//! Which events may a machine have sent by itself?
//!
//! Programs such as Jamf Connect check their user's password every quarter of an hour, whether or not
//! anybody sits there. Such a check leaves a few events of one request: a sign-in by Okta's authentication
//! API, with no application as its target. The shape alone says little, as people sign in that way too;
//! that it comes in a constant period, or from a program that does nothing else, says the rest.

use std::net::IpAddr;

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use super::agent::hash;
use super::beats::{Beat, Measure};
use super::listed::matches;
use super::own_address::{is_done, users_address};
use crate::config;
use crate::durable;
use crate::model::{Fields, Observation, Place, Role, RoleReason, core};

/// What a check of the password leaves.
const TYPES: &[&str] = &[
    "user.session.start",
    "policy.evaluate_sign_on",
    "user.authentication.verify",
    "user.authentication.authenticate",
    "device.password_sync.authentication",
    "device.platform_sso.authentication",
];

/// Where the check is made.
const ENDPOINT: &str = "/api/v1/authn";

/// Types that are made by a machine's own service, wherever it calls.
const OF_DEVICES: &str = "device.";

/// `keepalive` of the configuration.
#[derive(Debug)]
pub(super) struct Settings {
    /// In lower case.
    agents: Vec<String>,
    /// Of named agents, until their own is known.
    pub period_s: i64,
    /// What is a period.
    pub measure: Measure,
}

impl Settings {
    /// As the configuration says.
    pub fn new(keepalive: &config::Keepalive) -> Self {
        Self {
            agents: keepalive.agents.iter().map(|agent| agent.to_lowercase()).collect(),
            period_s: keepalive.period.as_millis() / 1_000,
            measure: Measure {
                shortest_s: keepalive.shortest.as_millis() / 1_000,
                longest_s: keepalive.longest.as_millis() / 1_000,
                tolerance: i64::from(keepalive.tolerance_percent),
            },
        }
    }

    fn names(&self, agent: &str) -> bool {
        let agent = agent.to_lowercase();
        self.agents.iter().any(|pattern| matches(pattern, &agent))
    }
}

/// A network in which a user's machine is, or may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    /// What tells networks apart: system and country; the address where neither is known.
    pub tag: u16,
    /// The address.
    pub ip: IpAddr,
    /// The autonomous system, or 0.
    pub asn: u32,
    /// Country and city, as far as they are known.
    pub names: [CompactString; 2],
    /// Latitude and longitude in hundredths of a degree: about a kilometre.
    pub point: Option<[i32; 2]>,
}

durable!(Spot { tag, ip, asn, names, point });

impl Spot {
    /// Where a place is.
    pub fn of(place: &Place, ip: IpAddr) -> Self {
        let geo = place.geo.as_deref();
        let name = |text: Option<&String>| text.map(CompactString::from).unwrap_or_default();
        let names =
            [name(geo.and_then(|geo| geo.country.as_ref())), name(geo.and_then(|geo| geo.city.as_ref()))];
        let asn = place.asn.as_deref().map_or(0, |asn| asn.number);
        let [country, _] = &names;
        let text = match (asn, country.is_empty()) {
            (0, true) => ip.to_string(),
            _ => format!("{asn} {country}"),
        };
        let hundredths = |degrees: f64| (degrees * 100.0).round() as i32;
        let point =
            geo.and_then(|geo| geo.lat.zip(geo.lon)).map(|(lat, lon)| [hundredths(lat), hundredths(lon)]);
        Self { tag: xxh3_64(text.as_bytes()) as u16, ip, asn, names, point }
    }
}

/// An event that has the shape of a keep-alive.
#[derive(Debug)]
pub(super) struct Sent {
    /// A digest of the machine.
    pub machine: u32,
    /// When, and from which network.
    pub beat: Beat,
    /// From where.
    pub spot: Spot,
    /// The agent is named in the configuration.
    pub is_named: bool,
    /// The agent is a browser, which people use too.
    pub is_browser: bool,
    /// The password was right.
    pub is_done: bool,
}

impl Sent {
    /// The event as a keep-alive, if it can be one. A failed one too, at the user's own address.
    pub fn of(observation: &Observation, settings: &Settings) -> Option<Self> {
        let fields = &observation.event.fields;
        let kind = fields.text(core::EVENT_TYPE).filter(|kind| TYPES.contains(kind))?;
        let ip = users_address(observation)?;
        let role = observation.ip()?.role;
        let is_named = settings.names(fields.text(core::CLIENT_USER_AGENT).unwrap_or_default());
        if !(is_named || kind.starts_with(OF_DEVICES) || is_endpoint(fields, role)) || has_app(fields) {
            return None;
        }
        let spot = Spot::of(observation.place.as_deref()?, ip);
        Some(Self {
            machine: if is_named { digest(fields, &[core::CLIENT_USER_AGENT]) } else { machine(fields) }?,
            beat: Beat { at_s: observation.event.published_ms.div_euclid(1_000), tag: spot.tag },
            spot,
            is_named,
            is_browser: role.reason == RoleReason::Browser,
            is_done: is_done(fields),
        })
    }
}

/// A digest of the machine that an event came from: its registration, its token, else its user agent.
pub(super) fn machine(fields: &Fields) -> Option<u32> {
    digest(fields, &[core::DEVICE_ID, core::DT_HASH, core::CLIENT_USER_AGENT])
}

fn digest(fields: &Fields, ids: &[crate::model::FieldId]) -> Option<u32> {
    let text = ids.iter().find_map(|id| fields.text(*id))?;
    Some(hash(text))
}

/// A collector may have dropped the path; of a browser, that says nothing.
fn is_endpoint(fields: &Fields, role: Role) -> bool {
    match fields.text(core::REQUEST_URI) {
        Some(uri) => uri.split_once('?').map_or(uri, |(path, _)| path) == ENDPOINT,
        None => role.reason != RoleReason::Browser,
    }
}

fn has_app(fields: &Fields) -> bool {
    let is_app = |value| matches!(value, Some(crate::model::Value::Text("AppInstance" | "AppUser")));
    fields.elements(core::TARGET_TYPE).any(is_app)
}
