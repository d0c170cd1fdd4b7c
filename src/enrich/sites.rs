//! Which of the organisation's own ranges holds an address?

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::countries;
use crate::config;
use crate::error::Failure;
use crate::model::{Geo, GeoSource};

/// The configured ranges, narrowest first.
#[derive(Debug, Default)]
pub(super) struct Sites {
    ranges: Vec<(IpNet, Site)>,
}

/// One range's name, and its place where the configuration gives one.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// `enriched.ip.site`
    pub name: Arc<str>,
    /// Where it is.
    pub geo: Option<Arc<Geo>>,
}

impl Sites {
    /// Reads the ranges.
    ///
    /// # Errors
    /// A range that is none, a country that is none, or coordinates out of bounds.
    pub fn new(sites: &[config::Site]) -> Result<Self, Failure> {
        let mut ranges = Vec::with_capacity(sites.len());
        for (index, site) in sites.iter().enumerate() {
            ranges.push((
                range(&format!("geoip.sites.{index}.cidr"), &site.cidr)?,
                Site { name: Arc::from(site.name.as_str()), geo: geo(index, site)? },
            ));
        }
        ranges.sort_by_key(|(range, _)| std::cmp::Reverse(range.prefix_len()));
        Ok(Self { ranges })
    }

    /// The narrowest range that holds the address; of two alike, the one configured first.
    pub fn find(&self, address: IpAddr) -> Option<&Site> {
        self.ranges.iter().find(|(range, _)| range.contains(&address)).map(|(_, site)| site)
    }
}

/// The range or the one address that a key of the configuration gives.
pub(super) fn range(key: &str, text: &str) -> Result<IpNet, Failure> {
    let text = text.trim();
    let range = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    range.map_err(|_| {
        Failure::new(format!("{key} is not an address range"))
            .detail(format!("It is `{text}`."))
            .hint("Write it as 198.51.100.0/24 or 2001:db8::/32.")
    })
}

fn geo(index: usize, site: &config::Site) -> Result<Option<Arc<Geo>>, Failure> {
    if site.country.is_none() && site.city.is_none() && (site.lat.is_none() || site.lon.is_none()) {
        return Ok(None);
    }
    let country = site.country.as_deref().map(|country| code(index, country)).transpose()?;
    let point = site.lat.zip(site.lon);
    if let Some((lat, lon)) = point.filter(|(lat, lon)| lat.abs() > 90.0 || lon.abs() > 180.0) {
        return Err(Failure::new(format!("geoip.sites.{index} is nowhere"))
            .detail(format!("Its lat is {lat} and its lon is {lon}."))
            .hint("A latitude is between -90 and 90, a longitude between -180 and 180."));
    }
    Ok(Some(Arc::new(Geo {
        country: country.map(str::to_owned),
        country_name: country.and_then(countries::name).map(str::to_owned),
        region: None,
        city: site.city.clone(),
        lat: point.map(|(lat, _)| lat),
        lon: point.map(|(_, lon)| lon),
        accuracy_km: None,
        source: GeoSource::Site,
    })))
}

fn code(index: usize, country: &str) -> Result<&'static str, Failure> {
    countries::code(country).ok_or_else(|| {
        Failure::new(format!("geoip.sites.{index}.country is no country"))
            .detail(format!("It is `{country}`."))
            .hint("Write its ISO 3166-1 alpha-2 code, such as PT.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(cidr: &str, name: &str) -> config::Site {
        config::Site { cidr: cidr.into(), name: name.into(), country: None, city: None, lat: None, lon: None }
    }

    fn name(sites: &Sites, address: &str) -> Option<Arc<str>> {
        sites.find(address.parse().unwrap()).map(|site| Arc::clone(&site.name))
    }

    #[test]
    fn the_narrowest_range_wins_in_whatever_order_they_are_configured() {
        let wide = site("198.51.100.0/24", "campus");
        let narrow = site("198.51.100.64/26", "laboratory");
        let one = site("198.51.100.65", "telescope");
        let six = site("2001:db8::/32", "six");
        for order in [[&wide, &narrow, &one, &six], [&six, &one, &narrow, &wide]] {
            let sites = Sites::new(&order.map(Clone::clone)).unwrap();
            assert_eq!(name(&sites, "198.51.100.65").as_deref(), Some("telescope"));
            assert_eq!(name(&sites, "198.51.100.66").as_deref(), Some("laboratory"));
            assert_eq!(name(&sites, "198.51.100.1").as_deref(), Some("campus"));
            assert_eq!(name(&sites, "2001:db8::1").as_deref(), Some("six"));
            assert_eq!(name(&sites, "203.0.113.1"), None);
        }
    }

    #[test]
    fn a_site_s_place_comes_from_the_configuration() {
        let mut office = site("10.1.0.0/16", "lisbon");
        office.country = Some("pt".into());
        (office.lat, office.lon) = (Some(38.7), Some(-9.1));
        let sites = Sites::new(&[office]).unwrap();
        let geo = sites.find("10.1.2.3".parse().unwrap()).unwrap().geo.clone().unwrap();
        assert_eq!((geo.country.as_deref(), geo.country_name.as_deref()), (Some("PT"), Some("Portugal")));
        assert_eq!((geo.lat, geo.source), (Some(38.7), GeoSource::Site));
    }

    #[test]
    fn mistakes_name_their_key() {
        let mut nowhere = site("10.0.0.0/8", "x");
        (nowhere.lat, nowhere.lon) = (Some(95.0), Some(0.0));
        let mut unknown = site("10.0.0.0/8", "x");
        unknown.country = Some("Atlantis".into());
        for (bad, key) in [
            (site("10.0.0.0/40", "x"), "geoip.sites.1.cidr"),
            (nowhere, "geoip.sites.1"),
            (unknown, "geoip.sites.1.country"),
        ] {
            let failure = Sites::new(&[site("10.0.0.0/8", "good"), bad]).unwrap_err();
            assert!(failure.primary.contains(key), "{failure}");
        }
    }
}
