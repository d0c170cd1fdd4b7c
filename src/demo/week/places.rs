//! From which networks does the week's company reach Okta?
//!
//! Addresses are those that RFC 2544 and RFC 5737 set aside. Autonomous systems are those for documentation, but
//! for servers: rules know the providers of rented servers by their numbers, and must not mind that a company's VPN,
//! its applications and its scripts run there.

use std::net::{IpAddr, Ipv4Addr};

use crate::demo::company::{ASHBURN, BERLIN, DUBLIN, LISBON, PORTO, Place, Vantage, vantage};

const NEW_YORK: Place = Place {
    country: "US",
    country_name: "United States",
    region: "New York",
    city: "New York",
    lat: 40.71,
    lon: -74.01,
};
const PRINCETON: Place = Place {
    country: "US",
    country_name: "United States",
    region: "New Jersey",
    city: "Princeton",
    lat: 40.35,
    lon: -74.66,
};
const POTSDAM: Place = Place {
    country: "DE",
    country_name: "Germany",
    region: "Brandenburg",
    city: "Potsdam",
    lat: 52.40,
    lon: 13.07,
};

/// A town with an office: how its people reach the Internet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Town {
    /// Hours that its clocks are ahead of UTC, in winter.
    pub(super) offset_h: i64,
    /// The office's exit, the same for everybody in it.
    pub(super) office: Vantage,
    /// Providers of homes.
    pub(super) homes: [Vantage; 3],
    /// The carrier of telephones: many share an exit.
    pub(super) carrier: Vantage,
    /// What guests of cafés and hotels use.
    pub(super) guests: Vantage,
}

/// The offices, the largest first.
pub(super) const TOWNS: [Town; 3] = [
    Town {
        offset_h: 0,
        office: vantage("198.18.0.0/24", [198, 18, 0, 10], LISBON, 64496, "Acme Lda"),
        homes: [
            vantage("198.18.8.0/22", [198, 18, 8, 1], LISBON, 64498, "Example Fibre Portugal"),
            vantage("198.18.12.0/22", [198, 18, 12, 1], LISBON, 64505, "Exemplo Cabo"),
            vantage("198.18.16.0/22", [198, 18, 16, 1], PORTO, 64498, "Example Fibre Portugal"),
        ],
        carrier: vantage("198.18.20.0/24", [198, 18, 20, 1], LISBON, 64500, "Example Mobile Portugal"),
        guests: vantage("198.18.21.0/24", [198, 18, 21, 1], LISBON, 64506, "Exemplo Guest Networks"),
    },
    Town {
        offset_h: 1,
        office: vantage("198.18.1.0/24", [198, 18, 1, 10], BERLIN, 64507, "Acme GmbH"),
        homes: [
            vantage("198.18.24.0/22", [198, 18, 24, 1], BERLIN, 64499, "Beispiel Telekom"),
            vantage("198.18.28.0/22", [198, 18, 28, 1], BERLIN, 64508, "Beispiel Kabel"),
            vantage("198.18.32.0/22", [198, 18, 32, 1], POTSDAM, 64499, "Beispiel Telekom"),
        ],
        carrier: vantage("198.18.36.0/24", [198, 18, 36, 1], BERLIN, 64509, "Beispiel Mobil"),
        guests: vantage("198.18.37.0/24", [198, 18, 37, 1], BERLIN, 64510, "Beispiel Hotspots"),
    },
    Town {
        offset_h: -5,
        office: vantage("198.18.2.0/24", [198, 18, 2, 10], NEW_YORK, 64511, "Acme Inc"),
        homes: [
            vantage("198.18.40.0/22", [198, 18, 40, 1], NEW_YORK, 65536, "Example Cable New York"),
            vantage("198.18.44.0/22", [198, 18, 44, 1], NEW_YORK, 65537, "Example Fiber East"),
            vantage("198.18.48.0/22", [198, 18, 48, 1], PRINCETON, 65537, "Example Fiber East"),
        ],
        carrier: vantage("198.18.52.0/24", [198, 18, 52, 1], NEW_YORK, 65538, "Example Wireless"),
        guests: vantage("198.18.53.0/24", [198, 18, 53, 1], NEW_YORK, 65539, "Example Hospitality"),
    },
];

/// The exit of the company's VPN.
pub(super) const VPN: Vantage = vantage("198.18.3.0/24", [198, 18, 3, 10], DUBLIN, 16509, "Amazon.com");
/// Where the applications and the scripts run.
pub(super) const SERVERS: Vantage = vantage("198.18.4.0/24", [198, 18, 4, 1], ASHBURN, 14618, "Amazon.com");
/// Okta's own servers, when they call on Okta.
pub(super) const OKTA: Vantage = vantage("198.18.5.0/24", [198, 18, 5, 20], ASHBURN, 16509, "Amazon.com");

/// Another address of the same network: `number` further on.
pub(super) fn address(of: &Vantage, number: usize) -> Vantage {
    let IpAddr::V4(first) = of.ip else { return *of };
    let further = u32::try_from(number).unwrap_or_default();
    Vantage { ip: IpAddr::V4(Ipv4Addr::from_bits(first.to_bits().wrapping_add(further))), ..*of }
}

/// Every network, for the sample GeoIP databases.
pub(super) fn all() -> Vec<Vantage> {
    let mut all = vec![VPN, SERVERS, OKTA];
    for town in TOWNS {
        all.extend([town.office, town.carrier, town.guests]);
        all.extend(town.homes);
    }
    all
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;

    #[test]
    fn networks_hold_their_addresses_and_do_not_overlap() {
        let networks: Vec<IpNet> = all().iter().map(|one| one.network.parse().unwrap()).collect();
        for (number, network) in networks.iter().enumerate() {
            assert!(network.contains(&all()[number].ip), "{network}");
            let others = networks.iter().skip(number + 1);
            assert!(
                others.clone().all(|other| !network.contains(other) && !other.contains(network)),
                "{network}"
            );
        }
    }

    #[test]
    fn a_further_address_is_of_the_same_network() {
        let home = address(&TOWNS[0].homes[0], 300);
        assert_eq!(home.ip.to_string(), "198.18.9.45");
        assert_eq!(home.network, TOWNS[0].homes[0].network);
    }
}
