//! What does an act show of its user?

use std::net::IpAddr;

use smallvec::SmallVec;

use super::agent::hash;
use crate::limits;
use crate::model::{Fields, Observation, Place, Value, core};

/// A day in seconds.
pub(super) const DAY_S: i64 = 24 * 3_600;

/// What a user may be used to, in the order in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ISO 3166-1 alpha-2.
    Country,
    /// First-level subdivision, within its country.
    Region,
    /// Autonomous system.
    Asn,
    /// A registered device.
    Device,
    /// A browser's device token.
    Token,
    /// Operating system.
    Os,
    /// Browser.
    Browser,
    /// Application.
    App,
    /// Second factor.
    Factor,
}

/// Every kind.
pub(super) const KINDS: [Kind; 9] = [
    Kind::Country,
    Kind::Region,
    Kind::Asn,
    Kind::Device,
    Kind::Token,
    Kind::Os,
    Kind::Browser,
    Kind::App,
    Kind::Factor,
];

impl Kind {
    /// How many values of it are held.
    pub fn bound(self) -> usize {
        limits::HABITS_PER_USER.get(self as usize).copied().unwrap_or_default()
    }
}

/// What one act shows of its user.
#[derive(Debug, Default)]
pub(super) struct Act {
    /// When, seconds.
    pub at_s: i64,
    /// Values as digests.
    pub values: SmallVec<[(Kind, u32); 10]>,
    /// The user did it, and not a machine by itself: only then it says when the user works, and that the
    /// account is in use.
    pub by_hand: bool,
}

impl Act {
    /// What an act shows. A machine by itself tells where it is and nothing else; only what was done at the
    /// user's own address tells the device, and an authenticator only the factor.
    pub fn of(observation: &Observation, own: Option<IpAddr>, is_keepalive: bool) -> Self {
        let fields = &observation.event.fields;
        let mut act = Self {
            at_s: observation.event.published_ms.div_euclid(1_000),
            values: SmallVec::new(),
            by_hand: !is_keepalive,
        };
        if let Some(place) = observation.place.as_deref().filter(|_| own.is_some()) {
            act.places(place);
            if !is_keepalive {
                act.devices(fields);
            }
        }
        if !is_keepalive && fields.text(core::EVENT_TYPE) == Some("user.authentication.auth_via_mfa") {
            act.put(Kind::Factor, fields.text(core::FACTOR));
        }
        act
    }

    fn places(&mut self, place: &Place) {
        let geo = place.geo.as_deref();
        let country = geo.and_then(|geo| geo.country.as_deref());
        self.put(Kind::Country, country);
        if let Some((country, region)) = country.zip(geo.and_then(|geo| geo.region.as_deref())) {
            self.put(Kind::Region, Some(&format!("{country}/{region}")));
        }
        if let Some(asn) = place.asn.as_deref() {
            self.values.push((Kind::Asn, asn.number));
        }
    }

    fn devices(&mut self, fields: &Fields) {
        self.put(Kind::Device, fields.text(core::DEVICE_ID));
        self.put(Kind::Token, fields.text(core::DT_HASH));
        self.put(Kind::Os, fields.text(core::CLIENT_OS));
        self.put(Kind::Browser, fields.text(core::CLIENT_BROWSER));
        if fields.text(core::EVENT_TYPE) == Some("user.authentication.sso") {
            self.put(Kind::App, app(fields));
        }
    }

    fn put(&mut self, kind: Kind, text: Option<&str>) {
        if let Some(text) = text {
            self.values.push((kind, hash(text)));
        }
    }
}

fn app(fields: &Fields) -> Option<&str> {
    let types = fields.elements(core::TARGET_TYPE);
    let is_app = |(kind, _): &(Option<Value<'_>>, _)| *kind == Some(Value::Text("AppInstance"));
    match types.zip(fields.elements(core::TARGET_ID)).find(is_app)?.1? {
        Value::Text(id) => Some(id),
        _ => None,
    }
}
