//! Where is an address, and whose is it?

use std::net::IpAddr;
use std::sync::Arc;

use super::{Role, carrier};

/// Everything known about the address of an event's client without looking at any other event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The location, where one is known.
    pub geo: Option<Arc<Geo>>,
    /// The autonomous system, where one is known.
    pub asn: Option<Arc<Asn>>,
    /// What kind of address it is.
    pub ip: IpFacts,
}

impl Place {
    /// Whether the address is in a mobile carrier's network; nothing where the network's name is not known.
    pub fn mobile(&self) -> Option<bool> {
        self.asn.as_deref().and_then(carrier::is_mobile)
    }

    /// Whether the address is the exit of a private relay; nothing where the network is not known.
    pub fn relay(&self) -> Option<bool> {
        let relay = self.asn.as_deref().map(carrier::is_relay);
        if self.ip.relay { Some(true) } else { relay }
    }

    /// Whether others than its owner leave the network there by choice: nobody stays at such an address.
    pub fn is_passage(&self) -> bool {
        self.ip.anonymous || self.relay() == Some(true)
    }
}

/// A location. Names are as the source gives them; `country` is always ISO 3166-1 alpha-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geo {
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<String>,
    /// English name of the country.
    pub country_name: Option<String>,
    /// First-level subdivision (state, Land, county).
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Latitude in degrees.
    pub lat: Option<f64>,
    /// Longitude in degrees.
    pub lon: Option<f64>,
    /// Radius in km around the point within which the address is expected.
    pub accuracy_km: Option<f64>,
    /// Who says so.
    pub source: GeoSource,
}

/// Which source a location came from, in the order in which they are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GeoSource {
    /// A site range of the configuration.
    Site,
    /// The GeoIP database.
    Database,
    /// Okta's own `client.geographicalContext`.
    #[default]
    Okta,
}

impl GeoSource {
    /// The word used in `enriched.geo.source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Database => "database",
            Self::Okta => "okta",
        }
    }
}

/// An autonomous system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asn {
    /// Its number; never 0.
    pub number: u32,
    /// The organisation it is registered to.
    pub org: Option<String>,
}

/// What kind of address it is, and whose in this event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpFacts {
    /// The address, IPv4-mapped IPv6 unwrapped to IPv4.
    pub address: Option<IpAddr>,
    /// Not routable on the public Internet (RFC 1918, ULA, loopback, link-local, CGNAT).
    pub private: bool,
    /// Name of the configured site whose range holds the address, or the gateway before it.
    pub site: Option<Arc<str>>,
    /// An anonymiser: from the anonymous-IP database, `securityContext.isProxy` or Okta's tunnels.
    pub anonymous: bool,
    /// A hosting provider's address, where the anonymous-IP database says so.
    pub hosting: bool,
    /// A proxy, as Okta's `securityContext.isProxy` or the database says.
    pub proxy: bool,
    /// A private relay, as Okta's tunnels say; [`Place::relay`] asks the network as well.
    pub relay: bool,
    /// Whose the address is in this event, and what says so.
    pub role: Role,
}
