//! Who works here, where from, and with what?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The tenant's name.
pub const COMPANY: &str = "acme";

/// A network somewhere, as the sample GeoIP database knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// Okta writes names, not codes.
    pub country_name: &'static str,
    /// Region.
    pub region: &'static str,
    /// City.
    pub city: &'static str,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// A place seen from an address: who owns it, and what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vantage {
    /// The network it belongs to.
    pub network: &'static str,
    /// The address.
    pub ip: IpAddr,
    /// Where.
    pub place: Place,
    /// Autonomous system.
    pub asn: u32,
    /// Its organisation.
    pub org: &'static str,
    /// Okta takes it for a proxy.
    pub proxy: bool,
}

pub(super) const LISBON: Place = Place {
    country: "PT",
    country_name: "Portugal",
    region: "Lisbon",
    city: "Lisbon",
    lat: 38.72,
    lon: -9.14,
};
pub(super) const PORTO: Place =
    Place { country: "PT", country_name: "Portugal", region: "Porto", city: "Porto", lat: 41.15, lon: -8.61 };
pub(super) const BERLIN: Place = Place {
    country: "DE",
    country_name: "Germany",
    region: "Berlin",
    city: "Berlin",
    lat: 52.52,
    lon: 13.40,
};
pub(super) const DUBLIN: Place = Place {
    country: "IE",
    country_name: "Ireland",
    region: "Leinster",
    city: "Dublin",
    lat: 53.35,
    lon: -6.26,
};
pub(super) const ASHBURN: Place = Place {
    country: "US",
    country_name: "United States",
    region: "Virginia",
    city: "Ashburn",
    lat: 39.04,
    lon: -77.49,
};
const SINGAPORE: Place = Place {
    country: "SG",
    country_name: "Singapore",
    region: "Singapore",
    city: "Singapore",
    lat: 1.35,
    lon: 103.82,
};
const BUCHAREST: Place = Place {
    country: "RO",
    country_name: "Romania",
    region: "Bucharest",
    city: "Bucharest",
    lat: 44.43,
    lon: 26.10,
};

pub(super) const fn vantage(
    network: &'static str,
    [a, b, c, d]: [u8; 4],
    place: Place,
    asn: u32,
    org: &'static str,
) -> Vantage {
    let ip = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    Vantage { network, ip, place, asn, org, proxy: false }
}

/// The office.
pub(super) const OFFICE: Vantage = vantage("198.51.100.0/27", [198, 51, 100, 10], LISBON, 64496, "Acme Lda");
/// The company VPN's exit.
pub(super) const VPN: Vantage = vantage("198.51.100.32/27", [198, 51, 100, 40], DUBLIN, 16509, "Amazon.com");
/// Homes, by turns.
pub(super) const HOMES: [Vantage; 4] = [
    vantage("203.0.113.0/27", [203, 0, 113, 5], LISBON, 64498, "Example Fibre Portugal"),
    vantage("203.0.113.32/27", [203, 0, 113, 44], PORTO, 64498, "Example Fibre Portugal"),
    vantage("203.0.113.64/27", [203, 0, 113, 77], BERLIN, 64499, "Beispiel Telekom"),
    Vantage {
        ip: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 0x1f)),
        ..vantage("2001:db8:10::/48", [0; 4], LISBON, 64498, "Example Fibre Portugal")
    },
];
/// Phones, on a mobile network that leaves from one city.
pub(super) const MOBILE: Vantage =
    vantage("203.0.113.96/27", [203, 0, 113, 101], LISBON, 64500, "Example Mobile Portugal");
/// The server of an application that redeems its codes itself.
pub(super) const APP_SERVER: Vantage = vantage("192.0.2.0/27", [192, 0, 2, 11], ASHBURN, 14618, "Amazon.com");
/// A rented server that tries passwords.
pub(super) const SPRAYER: Vantage =
    Vantage { proxy: true, ..vantage("192.0.2.64/27", [192, 0, 2, 77], BUCHAREST, 9009, "M247") };
/// Where a stolen cookie is replayed.
pub(super) const THIEF: Vantage =
    Vantage { proxy: true, ..vantage("192.0.2.96/27", [192, 0, 2, 103], SINGAPORE, 212238, "Datacamp") };
/// Okta's own support.
pub(super) const SUPPORT: Vantage =
    vantage("192.0.2.128/27", [192, 0, 2, 140], ASHBURN, 64504, "Example Support Vendor");

/// Every network, for the sample GeoIP database.
pub(super) const ALL: [Vantage; 11] =
    [OFFICE, VPN, HOMES[0], HOMES[1], HOMES[2], HOMES[3], MOBILE, APP_SERVER, SPRAYER, THIEF, SUPPORT];

/// Someone with a login.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) home: Vantage,
    pub(super) mac: bool,
}

const FIRST: [&str; 12] =
    ["Ana", "Bruno", "Carla", "Duarte", "Elsa", "Filipe", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Luis"];
const LAST: [&str; 3] = ["Exemplo", "Muster", "Sample"];

/// The employees: the same every day.
pub(super) fn people() -> Vec<Person> {
    let names = LAST.iter().flat_map(|last| FIRST.iter().map(move |first| (first, last)));
    names
        .enumerate()
        .map(|(number, (first, last))| Person {
            id: format!("00u{:04}demoUser{:04}", number + 1, number + 1),
            login: format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase()),
            name: format!("{first} {last}"),
            home: *HOMES.get(number % HOMES.len()).unwrap_or(&OFFICE),
            mac: number % 3 != 0,
        })
        .collect()
}
