//! Which GeoIP databases know the sample company's networks?

use ipnet::IpNet;

use super::company::{ALL, OFFICE, SPRAYER, THIEF, VPN, Vantage};
use super::mmdb::{self, City, Database};
use crate::config::Site;
use crate::error::Failure;

/// Databases in MaxMind's format, as bytes.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Layout of GeoLite2-City.
    pub city: Vec<u8>,
    /// Layout of GeoLite2-ASN.
    pub asn: Vec<u8>,
    /// Layout of GeoIP2-Anonymous-IP.
    pub anonymous: Vec<u8>,
}

/// Writes the databases, as if built at `build_epoch` (seconds since the epoch).
///
/// # Errors
/// A network of the company that is none.
pub fn databases(build_epoch: u64) -> Result<Databases, Failure> {
    let mut city = Database::new("oktawatch-demo-City", build_epoch);
    let mut asn = Database::new("oktawatch-demo-ASN", build_epoch);
    let mut anonymous = Database::new("oktawatch-demo-Anonymous-IP", build_epoch);
    for vantage in ALL.into_iter().chain(super::week::networks()) {
        let network = network(&vantage)?;
        city = city.with(network, mmdb::city(&location(&vantage)));
        asn = asn.with(network, mmdb::asn(vantage.asn, vantage.org));
    }
    for vantage in [SPRAYER, THIEF] {
        anonymous = anonymous.with(network(&vantage)?, mmdb::anonymous(&["is_anonymous_vpn"]));
    }
    Ok(Databases { city: city.to_bytes()?, asn: asn.to_bytes()?, anonymous: anonymous.to_bytes()? })
}

/// The company's own ranges, as an administrator would configure them: the office is a place, the
/// VPN's exit says nothing of where its users are.
pub fn sites() -> Vec<Site> {
    let office = Site {
        cidr: OFFICE.network.to_owned(),
        name: "lisbon-office".to_owned(),
        country: Some(OFFICE.place.country.to_owned()),
        city: Some(OFFICE.place.city.to_owned()),
        lat: Some(OFFICE.place.lat),
        lon: Some(OFFICE.place.lon),
    };
    let (cidr, name) = (VPN.network.to_owned(), "company-vpn".to_owned());
    vec![office, Site { cidr, name, country: None, city: None, lat: None, lon: None }]
}

fn location(vantage: &Vantage) -> City {
    let place = &vantage.place;
    City {
        country: place.country.to_owned(),
        country_name: place.country_name.to_owned(),
        region: place.region.to_owned(),
        city: place.city.to_owned(),
        lat: place.lat,
        lon: place.lon,
        accuracy_km: 20,
    }
}

fn network(vantage: &Vantage) -> Result<IpNet, Failure> {
    vantage
        .network
        .parse()
        .map_err(|error| Failure::new(format!("{} is not a network", vantage.network)).detail(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_company_is_found_in_its_network() {
        let databases = databases(1_790_000_000).unwrap();
        let city = maxminddb::Reader::from_source(databases.city).unwrap();
        for vantage in ALL.into_iter().chain(super::super::week::networks()) {
            let network: IpNet = vantage.network.parse().unwrap();
            let address = vantage.ip;
            assert!(network.contains(&address), "{} in {}", vantage.ip, vantage.network);
            assert!(city.lookup(address).unwrap().has_data(), "{}", vantage.ip);
        }
    }
}
