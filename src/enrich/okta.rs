//! What does Okta itself say of the client address?
//!
//! Its location and autonomous system count where no database has an answer; that it is a proxy
//! or another anonymiser counts always.

use std::sync::Arc;

use serde::Deserialize;

use super::countries;
use crate::model::{Asn, Fields, Geo, GeoSource, Place, Value, core, is_relay_name};

/// What one event adds to what the databases know of its address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told<'a> {
    geo: Option<ToldGeo<'a>>,
    asn: Option<(u32, Option<&'a str>)>,
    proxy: bool,
    anonymous: bool,
    relay: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct ToldGeo<'a> {
    country: Option<&'a str>,
    region: Option<&'a str>,
    city: Option<&'a str>,
    point: Option<(f64, f64)>,
}

/// One element of `debugData.tunnels`.
#[derive(Deserialize)]
struct Tunnel {
    #[serde(rename = "type")]
    kind: Option<String>,
    operator: Option<String>,
    anonymous: Option<bool>,
}

impl<'a> Told<'a> {
    /// Reads what is not known of the place yet.
    pub fn read(fields: &'a Fields, known: &Place) -> Self {
        let proxy = fields.boolean(core::IS_PROXY).unwrap_or_default();
        let mut told = Self { geo: None, asn: None, proxy, anonymous: proxy, relay: false };
        if known.geo.is_none() {
            told.geo = ToldGeo::read(fields);
        }
        if known.asn.is_none() {
            told.asn = system(fields);
        }
        told.read_services(fields);
        told.read_tunnels(fields);
        told.proxy &= !known.ip.proxy;
        told.anonymous &= !known.ip.anonymous;
        told.relay &= !known.ip.relay;
        told
    }

    /// Whether the event adds nothing.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The place with what the event adds.
    pub fn add_to(&self, known: &Place) -> Place {
        let mut place = known.clone();
        if let Some(geo) = &self.geo {
            place.geo = Some(Arc::new(geo.to_geo()));
        }
        if let Some((number, org)) = self.asn {
            place.asn = Some(Arc::new(Asn { number, org: org.map(str::to_owned) }));
        }
        place.ip.proxy |= self.proxy;
        place.ip.anonymous |= self.anonymous;
        place.ip.relay |= self.relay;
        place
    }

    /// Whether `with` is what [`add_to`](Self::add_to) makes of `known`, told without making it.
    pub fn made(&self, known: &Place, with: &Place) -> bool {
        let geo = match (&self.geo, &with.geo) {
            (Some(told), Some(geo)) => told.says(geo),
            (told, geo) => told.is_none() && *geo == known.geo,
        };
        let asn = match (self.asn, &with.asn) {
            (Some((number, org)), Some(asn)) => number == asn.number && org == asn.org.as_deref(),
            (told, asn) => told.is_none() && *asn == known.asn,
        };
        geo && asn
            && with.ip.proxy == (known.ip.proxy || self.proxy)
            && with.ip.anonymous == (known.ip.anonymous || self.anonymous)
            && with.ip.relay == (known.ip.relay || self.relay)
    }

    /// Structured data of 2025 and later.
    fn read_services(&mut self, fields: &Fields) {
        let kinds = fields.elements(core::CONTEXT_IP_SERVICES);
        let mut flags = fields.elements(core::CONTEXT_IP_ANONYMOUS);
        for kind in kinds {
            let anonymous = match flags.next().flatten() {
                Some(Value::Boolean(flag)) => Some(flag),
                Some(Value::Text(text)) => text.parse().ok(),
                _ => None,
            };
            if let Some(Value::Text(kind)) = kind {
                self.service(Some(kind), anonymous);
            }
        }
    }

    /// The same as JSON within a string, since 2023.
    fn read_tunnels(&mut self, fields: &Fields) {
        let Some(text) = fields.text(core::TUNNELS) else { return };
        // What is not the JSON that is documented says nothing; the field itself stays for rules.
        let tunnels: Vec<Tunnel> = serde_json::from_str(text).unwrap_or_default();
        for tunnel in tunnels {
            self.relay |= tunnel.operator.as_deref().is_some_and(is_relay_name);
            self.service(tunnel.kind.as_deref(), tunnel.anonymous);
        }
    }

    /// A service that is said not to hide its users, such as a company's VPN, is no anonymiser.
    fn service(&mut self, kind: Option<&str>, anonymous: Option<bool>) {
        self.anonymous |= anonymous.unwrap_or(true);
        self.proxy |= kind.is_some_and(|kind| kind.to_ascii_lowercase().ends_with("proxy"));
    }
}

fn system(fields: &Fields) -> Option<(u32, Option<&str>)> {
    let number = u32::try_from(fields.integer(core::AS_NUMBER)?).ok().filter(|number| *number != 0)?;
    Some((number, fields.text(core::AS_ORG).or_else(|| fields.text(core::ISP))))
}

impl<'a> ToldGeo<'a> {
    fn read(fields: &'a Fields) -> Option<Self> {
        let point = fields.number(core::CLIENT_LAT).zip(fields.number(core::CLIENT_LON));
        let geo = Self {
            country: fields.text(core::CLIENT_COUNTRY),
            region: fields.text(core::CLIENT_STATE),
            city: fields.text(core::CLIENT_CITY),
            point: point.filter(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0),
        };
        (geo != Self::default()).then_some(geo)
    }

    fn to_geo(&self) -> Geo {
        let code = self.country.and_then(countries::code);
        let name = self.country.filter(|country| !countries::is_code(country));
        Geo {
            country: code.map(str::to_owned),
            country_name: name.or_else(|| countries::name(code?)).map(str::to_owned),
            region: self.region.map(str::to_owned),
            city: self.city.map(str::to_owned),
            lat: self.point.map(|(lat, _)| lat),
            lon: self.point.map(|(_, lon)| lon),
            accuracy_km: None,
            source: GeoSource::Okta,
        }
    }

    fn says(&self, geo: &Geo) -> bool {
        let country = match self.country {
            Some(country) if countries::is_code(country) => {
                countries::code(country) == geo.country.as_deref()
            }
            country => country == geo.country_name.as_deref(),
        };
        country
            && self.region == geo.region.as_deref()
            && self.city == geo.city.as_deref()
            && self.point == geo.lat.zip(geo.lon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::fields;
    use crate::model::IpFacts;

    fn place(fields: &Fields) -> Place {
        Told::read(fields, &Place::default()).add_to(&Place::default())
    }

    #[test]
    fn okta_s_own_location_counts_where_there_is_none_and_names_its_source() {
        let fields = fields(&[
            (core::CLIENT_COUNTRY, Value::Text("Portugal")),
            (core::CLIENT_STATE, Value::Text("Lisbon")),
            (core::CLIENT_CITY, Value::Text("Lisbon")),
            (core::CLIENT_LAT, Value::Number(38.7)),
            (core::CLIENT_LON, Value::Number(-9.1)),
            (core::AS_NUMBER, Value::Integer(3320)),
            (core::AS_ORG, Value::Text("example fibre")),
        ]);
        let place = place(&fields);
        let geo = place.geo.as_deref().unwrap();
        assert_eq!((geo.country.as_deref(), geo.source), (Some("PT"), GeoSource::Okta));
        assert_eq!((geo.lat, geo.lon, geo.accuracy_km), (Some(38.7), Some(-9.1), None));
        assert_eq!(place.asn.as_deref(), Some(&Asn { number: 3320, org: Some("example fibre".into()) }));
        assert!(Told::read(&fields, &place).is_empty(), "a known place is not overruled");
    }

    #[test]
    fn a_country_nobody_knows_keeps_its_name() {
        let place = place(&fields(&[(core::CLIENT_COUNTRY, Value::Text("Atlantis"))]));
        let geo = place.geo.unwrap();
        assert_eq!((geo.country.as_deref(), geo.country_name.as_deref()), (None, Some("Atlantis")));
    }

    #[test]
    fn coordinates_that_are_none_and_system_0_are_absent() {
        let fields = fields(&[
            (core::CLIENT_LAT, Value::Number(138.7)),
            (core::CLIENT_LON, Value::Number(-9.1)),
            (core::AS_NUMBER, Value::Integer(0)),
        ]);
        assert!(Told::read(&fields, &Place::default()).is_empty());
    }

    #[test]
    fn a_proxy_and_a_tunnel_are_anonymisers_and_a_company_s_vpn_is_not() {
        let told = |fields: &Fields| {
            let IpFacts { anonymous, proxy, .. } = place(fields).ip;
            (anonymous, proxy)
        };
        assert_eq!(told(&fields(&[(core::IS_PROXY, Value::Boolean(true))])), (true, true));
        assert_eq!(told(&fields(&[(core::IS_PROXY, Value::Boolean(false))])), (false, false));
        for (text, expected) in [
            (r#"[{"operator":"NORD_VPN","type":"VPN","anonymous":true}]"#, (true, false)),
            (r#"[{"operator":null,"type":"Residential Proxy","anonymous":true}]"#, (true, true)),
            (r#"[{"operator":"CORP","type":"VPN","anonymous":false}]"#, (false, false)),
            (r#"[{"type":"TOR"}]"#, (true, false)),
            ("[]", (false, false)),
            ("{broken", (false, false)),
        ] {
            assert_eq!(told(&fields(&[(core::TUNNELS, Value::Text(text))])), expected, "{text}");
        }
    }

    #[test]
    fn a_tunnel_of_a_private_relay_makes_one() {
        let relay = |operator: &str| {
            let text = format!(r#"[{{"operator":"{operator}","type":"VPN","anonymous":true}}]"#);
            let place = place(&fields(&[(core::TUNNELS, Value::Text(&text))]));
            (place.relay(), place.is_passage())
        };
        assert_eq!(relay("ICLOUD_RELAY_PROXY"), (Some(true), true));
        assert_eq!(relay("NORD_VPN"), (None, true));
    }

    #[test]
    fn services_of_the_address_are_read_with_their_flags() {
        let told = |services: &[(&str, Option<bool>)]| {
            let mut fields = fields(&[]);
            fields.set_list(
                core::CONTEXT_IP_SERVICES,
                services.iter().map(|(kind, _)| Some(Value::Text(kind))),
            );
            let flags = services.iter().map(|(_, flag)| flag.map(Value::Boolean));
            fields.set_list(core::CONTEXT_IP_ANONYMOUS, flags);
            let facts = place(&fields).ip;
            (facts.anonymous, facts.proxy)
        };
        assert_eq!(told(&[]), (false, false));
        assert_eq!(told(&[("VPN", Some(false))]), (false, false));
        assert_eq!(told(&[("VPN", Some(false)), ("Tor", None)]), (true, false));
        assert_eq!(told(&[("Proxy", Some(true))]), (true, true));
    }

    #[test]
    fn a_place_made_before_is_recognised_and_another_is_not() {
        let here = [
            (core::CLIENT_COUNTRY, Value::Text("Portugal")),
            (core::CLIENT_CITY, Value::Text("Lisbon")),
            (core::AS_NUMBER, Value::Integer(3320)),
        ];
        let known = Place::default();
        let fields_here = fields(&here);
        let told = Told::read(&fields_here, &known);
        let made = told.add_to(&known);
        assert!(told.made(&known, &made));
        let others = [
            (core::CLIENT_CITY, Value::Text("Porto")),
            (core::CLIENT_STATE, Value::Text("Lisboa")),
            (core::CLIENT_COUNTRY, Value::Text("Spain")),
            (core::AS_NUMBER, Value::Integer(1)),
            (core::AS_ORG, Value::Text("x")),
            (core::IS_PROXY, Value::Boolean(true)),
        ];
        for other in others {
            let mut changed = fields(&here);
            changed.set(other.0, other.1);
            assert!(!Told::read(&changed, &known).made(&known, &made), "{other:?}");
        }
    }
}
