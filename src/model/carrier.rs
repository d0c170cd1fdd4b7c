//! Is a network a mobile carrier's, or the exit of a private relay?
//!
//! Told by the registered name of the autonomous system, which city databases and Okta give, and by
//! number for relays. Both lists are short on purpose: a network that is not named here is taken for a
//! place like any other, and rules may name more (`enriched.asn.org|contains`).

use super::Asn;

/// Words in the names of mobile carriers, lower case; whole words only. Carriers leave the Internet at a
/// few gateways, often far from the phone.
const MOBILE: &[&str] = &[
    "mobile",
    "mobiles",
    "mobil",
    "movil",
    "móvil",
    "moviles",
    "móviles",
    "mobilecom",
    "wireless",
    "cellular",
    "cellco",
    "gsm",
    "umts",
    "lte",
    "pcs",
    "hutchison",
    "jio",
    "safaricom",
    "mtn",
    "celcom",
    "telcel",
    "claro",
    "vodacom",
];

/// Systems whose users are behind a relay: iCloud Private Relay (Akamai, Cloudflare, Fastly) and WARP.
/// A relay stands in the user's country, seldom in the city.
const RELAYS: &[u32] = &[36_183, 13_335, 54_113];

/// What the names of such systems, and of Okta's `tunnels`, contain; lower case.
const RELAY_NAMES: &[&str] =
    &["private relay", "private_relay", "icloud_relay", "cloudflare warp", "cloudflare_warp"];

/// Whether it is a mobile carrier's network; nothing where its name is not known.
pub(super) fn is_mobile(asn: &Asn) -> Option<bool> {
    let name = asn.org.as_deref()?.to_lowercase();
    let mut words = name.split(|sign: char| !sign.is_alphanumeric());
    Some(words.any(|word| MOBILE.contains(&word)))
}

/// Whether it is a private relay's network.
pub(super) fn is_relay(asn: &Asn) -> bool {
    RELAYS.contains(&asn.number) || asn.org.as_deref().is_some_and(is_relay_name)
}

/// Whether an operator is called like a private relay.
pub fn is_relay_name(name: &str) -> bool {
    let name = name.to_lowercase();
    RELAY_NAMES.iter().any(|relay| name.contains(relay))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asn(number: u32, org: &str) -> Asn {
        Asn { number, org: Some(org.to_owned()) }
    }

    #[test]
    fn a_carrier_is_known_by_a_word_of_its_name() {
        for org in ["T-Mobile USA, Inc.", "Cellco Partnership DBA Verizon Wireless", "Example GSM", "JIO-AS"]
        {
            assert_eq!(is_mobile(&asn(64_500, org)), Some(true), "{org}");
        }
        for org in ["Example Fibre", "Mobileye Cloud", "Altelte Hosting", ""] {
            assert_eq!(is_mobile(&asn(64_500, org)), Some(false), "{org}");
        }
        assert_eq!(is_mobile(&Asn { number: 64_500, org: None }), None);
    }

    #[test]
    fn a_relay_is_known_by_number_or_name() {
        assert!(is_relay(&asn(36_183, "Akamai")) && is_relay(&Asn { number: 13_335, org: None }));
        assert!(is_relay(&asn(64_500, "iCloud Private Relay")) && is_relay_name("ICLOUD_RELAY_PROXY"));
        assert!(!is_relay(&asn(64_500, "Akamai Technologies")) && !is_relay_name("NORD_VPN"));
    }
}
