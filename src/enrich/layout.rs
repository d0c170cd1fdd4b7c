//! What does a record of a GeoIP database say, whoever made it?
//!
//! Known are MaxMind's nested layouts (GeoLite2, GeoIP2, DB-IP's own files) and flat ones (DB-IP
//! as repackaged, IPinfo), in which the same things stand under other names, and numbers perhaps
//! as text. A value of a kind that is not expected counts as absent.

use maxminddb::{LookupResult, MaxMindDbError};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::countries;
use crate::model::{Asn, Geo, GeoSource};

/// What a database of one kind tells of an address.
pub(super) trait Answer: Sized {
    /// The configuration's key for it.
    const KEY: &'static str;
    /// What it is called.
    const KIND: &'static str;

    /// Reads a record; `None` where the record says nothing of this kind.
    ///
    /// # Errors
    /// A record that is damaged.
    fn read(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Self>, MaxMindDbError>;
}

/// What an anonymous-IP database says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anonymous {
    /// An anonymiser of whatever kind.
    pub anonymous: bool,
    /// A hosting provider.
    pub hosting: bool,
    /// A public or residential proxy.
    pub proxy: bool,
}

/// A value of whatever kind.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Loose<'a> {
    Boolean(bool),
    Number(f64),
    Text(&'a str),
    #[serde(borrow)]
    Named(Named<'a>),
    Other(IgnoredAny),
}

/// A value of one form, or of one that is not expected.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Perhaps<T> {
    Is(T),
    Other(IgnoredAny),
}

impl<T> Perhaps<T> {
    fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Other(_) => None,
        }
    }
}

/// A thing with names, and a code if it is a country.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    iso_code: Option<&'a str>,
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names<'a> {
    en: Option<&'a str>,
}

impl<'a> Loose<'a> {
    /// Text, or the English name of a thing with names.
    fn text(&self) -> Option<&'a str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Named(named) => named.names.en?,
            _ => return None,
        };
        (!matches!(text, "" | "-")).then_some(text)
    }

    fn code(&self) -> Option<&'a str> {
        match self {
            Self::Named(named) => named.iso_code,
            _ => self.text(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number| number.is_finite())
    }

    fn flag(&self) -> bool {
        matches!(self, Self::Boolean(true) | Self::Text("true"))
    }
}

/// A record of any city database.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CityRecord<'a> {
    #[serde(borrow)]
    country: Option<Loose<'a>>,
    country_code: Option<Loose<'a>>,
    country_name: Option<Loose<'a>>,
    #[serde(borrow)]
    subdivisions: Option<Perhaps<Vec<Named<'a>>>>,
    region: Option<Loose<'a>>,
    state1: Option<Loose<'a>>,
    city: Option<Loose<'a>>,
    #[serde(borrow)]
    location: Option<Perhaps<Location<'a>>>,
    latitude: Option<Loose<'a>>,
    longitude: Option<Loose<'a>>,
    lat: Option<Loose<'a>>,
    lng: Option<Loose<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location<'a> {
    #[serde(borrow)]
    latitude: Option<Loose<'a>>,
    longitude: Option<Loose<'a>>,
    accuracy_radius: Option<Loose<'a>>,
}

impl Location<'_> {
    fn point(&self) -> Option<(f64, f64)> {
        number(&self.latitude).zip(number(&self.longitude))
    }
}

impl Answer for Geo {
    const KEY: &'static str = "geoip.city";
    const KIND: &'static str = "city";

    fn read(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Self>, MaxMindDbError> {
        let Some(record) = found.decode::<CityRecord<'_>>()? else { return Ok(None) };
        let geo = record.geo();
        Ok((geo.country.is_some() || geo.lat.is_some()).then_some(geo))
    }
}

impl CityRecord<'_> {
    fn geo(&self) -> Geo {
        let country = self.code();
        let point = self.point();
        let region = self.subdivisions.as_ref().and_then(Perhaps::get).and_then(|all| all.first()?.names.en);
        let region = region.or_else(|| text(&self.region)).or_else(|| text(&self.state1));
        Geo {
            country_name: self.country_name(country.as_deref()),
            country,
            region: region.map(str::to_owned),
            city: text(&self.city).map(str::to_owned),
            lat: point.map(|(lat, _)| lat),
            lon: point.map(|(_, lon)| lon),
            accuracy_km: self
                .location()
                .and_then(|location| number(&location.accuracy_radius))
                .filter(|radius| *radius > 0.0),
            source: GeoSource::Database,
        }
    }

    fn location(&self) -> Option<&Location<'_>> {
        self.location.as_ref().and_then(Perhaps::get)
    }

    fn code(&self) -> Option<String> {
        let candidates = [&self.country_code, &self.country];
        let code =
            candidates.into_iter().flatten().filter_map(Loose::code).find(|code| countries::is_code(code));
        code.map(str::to_ascii_uppercase).filter(|code| code != "ZZ")
    }

    fn country_name(&self, code: Option<&str>) -> Option<String> {
        let candidates = [&self.country_name, &self.country];
        let mut names = candidates.into_iter().flatten().filter_map(Loose::text);
        let name = names.find(|name| !countries::is_code(name));
        name.or_else(|| countries::name(code?)).map(str::to_owned)
    }

    /// Latitude and longitude, to about a metre. Some databases write 0, 0 for "unknown".
    fn point(&self) -> Option<(f64, f64)> {
        let nested = self.location().and_then(Location::point);
        let long = || number(&self.latitude).zip(number(&self.longitude));
        let short = || number(&self.lat).zip(number(&self.lng));
        let (lat, lon) = nested.or_else(long).or_else(short)?;
        let known = lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat != 0.0 || lon != 0.0);
        known.then_some((rounded(lat), rounded(lon)))
    }
}

fn rounded(degrees: f64) -> f64 {
    (degrees * 1e5).round() / 1e5
}

fn text<'a>(value: &Option<Loose<'a>>) -> Option<&'a str> {
    value.as_ref().and_then(Loose::text)
}

fn number(value: &Option<Loose<'_>>) -> Option<f64> {
    value.as_ref().and_then(Loose::number)
}

/// A record of any ASN database.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AsnRecord<'a> {
    #[serde(borrow)]
    autonomous_system_number: Option<Loose<'a>>,
    autonomous_system_organization: Option<Loose<'a>>,
    asn: Option<Loose<'a>>,
    as_name: Option<Loose<'a>>,
    name: Option<Loose<'a>>,
    as_domain: Option<Loose<'a>>,
}

impl Answer for Asn {
    const KEY: &'static str = "geoip.asn";
    const KIND: &'static str = "ASN";

    fn read(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Self>, MaxMindDbError> {
        let Some(record) = found.decode::<AsnRecord<'_>>()? else { return Ok(None) };
        let numbers = [&record.autonomous_system_number, &record.asn];
        let number = numbers.into_iter().flatten().find_map(system).filter(|number| *number != 0);
        let names =
            [&record.autonomous_system_organization, &record.as_name, &record.name, &record.as_domain];
        let org = names.into_iter().find_map(text).map(str::to_owned);
        Ok(number.map(|number| Self { number, org }))
    }
}

/// The number of an autonomous system: a number, or text such as `AS64500`.
fn system(value: &Loose<'_>) -> Option<u32> {
    match value {
        Loose::Number(number) if *number >= 0.0 && *number <= f64::from(u32::MAX) => Some(*number as u32),
        Loose::Text(text) => text.trim_start_matches(['A', 'S', 'a', 's']).parse().ok(),
        _ => None,
    }
}

/// A record of GeoIP2-Anonymous-IP.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnonymousRecord<'a> {
    #[serde(borrow)]
    is_anonymous: Option<Loose<'a>>,
    is_anonymous_vpn: Option<Loose<'a>>,
    is_hosting_provider: Option<Loose<'a>>,
    is_public_proxy: Option<Loose<'a>>,
    is_tor_exit_node: Option<Loose<'a>>,
    is_residential_proxy: Option<Loose<'a>>,
}

impl Answer for Anonymous {
    const KEY: &'static str = "geoip.anonymous";
    const KIND: &'static str = "anonymous-IP";

    fn read(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Self>, MaxMindDbError> {
        let Some(record) = found.decode::<AnonymousRecord<'_>>()? else { return Ok(None) };
        let flag = |value: &Option<Loose<'_>>| value.as_ref().is_some_and(Loose::flag);
        let hosting = flag(&record.is_hosting_provider);
        let proxy = flag(&record.is_public_proxy) || flag(&record.is_residential_proxy);
        let hidden = flag(&record.is_anonymous_vpn) || flag(&record.is_tor_exit_node) || proxy;
        let anonymous = hidden || (flag(&record.is_anonymous) && !hosting);
        let facts = Self { anonymous, hosting, proxy };
        Ok((facts != Self::default()).then_some(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::mmdb::{self, Database, Value};

    fn read<A: Answer>(record: Value) -> Option<A> {
        let bytes =
            Database::new("Test", 1).with("203.0.113.0/24".parse().unwrap(), record).to_bytes().unwrap();
        let reader = maxminddb::Reader::from_source(bytes).unwrap();
        A::read(&reader.lookup("203.0.113.1".parse().unwrap()).unwrap()).unwrap()
    }

    fn lisbon() -> Geo {
        Geo {
            country: Some("PT".into()),
            country_name: Some("Portugal".into()),
            region: Some("Lisboa".into()),
            city: Some("Lisbon".into()),
            lat: Some(38.72),
            lon: Some(-9.13),
            accuracy_km: None,
            source: GeoSource::Database,
        }
    }

    #[test]
    fn maxmind_s_city_layout_is_read() {
        let record = mmdb::city(&mmdb::City {
            country: "PT".into(),
            country_name: "Portugal".into(),
            region: "Lisboa".into(),
            city: "Lisbon".into(),
            lat: 38.72,
            lon: -9.13,
            accuracy_km: 50,
        });
        assert_eq!(read::<Geo>(record), Some(Geo { accuracy_km: Some(50.0), ..lisbon() }));
    }

    #[test]
    fn a_flat_layout_with_numbers_is_read() {
        let record = Value::map([
            ("city", Value::text("Lisbon")),
            ("country_code", Value::text("PT")),
            ("latitude", Value::Float(38.72)),
            ("longitude", Value::Float(-9.13)),
            ("postcode", Value::text("")),
            ("state1", Value::text("Lisboa")),
            ("state2", Value::text("")),
        ]);
        assert_eq!(read::<Geo>(record), Some(lisbon()));
    }

    #[test]
    fn a_flat_layout_with_numbers_as_text_is_read() {
        for (lat, lon) in [("lat", "lng"), ("latitude", "longitude")] {
            let record = Value::map([
                ("city", Value::text("Lisbon")),
                ("country", Value::text("PT")),
                ("country_name", Value::text("Portugal")),
                ("region", Value::text("Lisboa")),
                (lat, Value::text("38.72")),
                (lon, Value::text("-9.13")),
            ]);
            assert_eq!(read::<Geo>(record), Some(lisbon()));
        }
    }

    #[test]
    fn a_country_may_be_written_as_name_and_code() {
        let record = Value::map([("country", Value::text("Portugal")), ("country_code", Value::text("PT"))]);
        let geo: Geo = read(record).unwrap();
        assert_eq!((geo.country.as_deref(), geo.country_name.as_deref()), (Some("PT"), Some("Portugal")));
    }

    #[test]
    fn a_record_without_a_place_is_no_answer() {
        assert_eq!(read::<Geo>(Value::map::<&str>([])), None);
        assert_eq!(read::<Geo>(mmdb::asn(64500, "Example")), None);
        let nowhere = Value::map([
            ("country_code", Value::text("ZZ")),
            ("latitude", Value::Double(0.0)),
            ("longitude", Value::Double(0.0)),
        ]);
        assert_eq!(read::<Geo>(nowhere), None);
    }

    #[test]
    fn values_of_an_unexpected_kind_count_as_absent() {
        let record = Value::map([
            ("country_code", Value::text("PT")),
            ("city", Value::List(vec![])),
            ("latitude", Value::text("north")),
            ("region", Value::Boolean(true)),
            ("location", Value::text("38.72,-9.13")),
            ("subdivisions", Value::Integer(7)),
        ]);
        let geo: Geo = read(record).unwrap();
        assert_eq!((geo.city, geo.region, geo.lat), (None, None, None));
    }

    #[test]
    fn autonomous_systems_are_read_from_every_layout() {
        let expected = Some(Asn { number: 64500, org: Some("Example Fibre".into()) });
        assert_eq!(read::<Asn>(mmdb::asn(64500, "Example Fibre")), expected);
        for name in ["as_name", "name"] {
            let record = Value::map([
                ("asn", Value::text("AS64500")),
                (name, Value::text("Example Fibre")),
                ("as_domain", Value::text("fibre.example")),
            ]);
            assert_eq!(read::<Asn>(record), expected);
        }
        let domain =
            Value::map([("asn", Value::Integer(64500)), ("as_domain", Value::text("fibre.example"))]);
        assert_eq!(read::<Asn>(domain), Some(Asn { number: 64500, org: Some("fibre.example".into()) }));
        assert_eq!(read::<Asn>(mmdb::asn(0, "Nobody")), None);
    }

    #[test]
    fn hosting_alone_is_not_an_anonymiser() {
        let facts = |flags: &[&str]| read::<Anonymous>(mmdb::anonymous(flags)).unwrap_or_default();
        assert_eq!(facts(&["is_hosting_provider"]), Anonymous { hosting: true, ..Anonymous::default() });
        assert_eq!(facts(&[]), Anonymous { anonymous: true, ..Anonymous::default() });
        for vpn in ["is_anonymous_vpn", "is_tor_exit_node"] {
            assert_eq!(
                facts(&[vpn, "is_hosting_provider"]),
                Anonymous { anonymous: true, hosting: true, proxy: false }
            );
        }
        for proxy in ["is_public_proxy", "is_residential_proxy"] {
            assert_eq!(facts(&[proxy]), Anonymous { anonymous: true, hosting: false, proxy: true });
        }
    }
}
