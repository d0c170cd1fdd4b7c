//! Who is behind a gateway of the organisation?

use std::net::IpAddr;

use super::address;
use super::geo::GeoIp;
use crate::limits;
use crate::model::{Fields, Value, core};

/// Who is behind a gateway, by the chain of proxies that the event shows. Each proxy appends who called it,
/// so the chain is read from its end: past the gateway's own address and those of others of the
/// organisation stands what the outermost of them saw. What stands before that, anybody may have made up. None without a gateway at the end, and if who
/// is behind has no public address.
pub(super) fn behind(fields: &Fields, address: IpAddr, geoip: &GeoIp) -> Option<IpAddr> {
    let chain: Vec<Option<IpAddr>> = fields.elements(core::IP_CHAIN).map(parse).collect();
    let is_gateway = |link: &Option<IpAddr>| link.is_some_and(|ip| ip == address || geoip.is_gateway(ip));
    let place = chain.iter().rposition(|link| !is_gateway(link))?;
    let believed = chain.len() <= limits::IP_CHAIN && place + 1 < chain.len();
    let client = chain.get(place).copied().flatten().filter(|_| believed)?;
    Some(client).filter(|client| !address::is_private(*client))
}

fn parse(value: Option<Value<'_>>) -> Option<IpAddr> {
    match value {
        Some(Value::Text(text)) => address::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::enrich::role;
    use crate::enrich::testing::event;
    use crate::model::IpRole;

    fn configured() -> GeoIp {
        let role = config::RoleRange {
            cidr: Some("192.0.2.3".into()),
            agent: None,
            zone: None,
            role: IpRole::ProxyChain,
        };
        let exit = config::Site {
            cidr: "192.0.2.2".into(),
            name: "vpn".into(),
            country: None,
            city: None,
            lat: None,
            lon: None,
        };
        let config = config::GeoIp { roles: vec![role], sites: vec![exit], ..config::GeoIp::default() };
        GeoIp::open(&config).unwrap()
    }

    /// What is told of an address whose event shows this chain.
    fn chain(address: &str, chain: &[&str]) -> (&'static str, Option<IpAddr>) {
        let mut event = event(0, "u", &[(core::CLIENT_USER_AGENT, Value::Text("Mozilla/5.0"))]);
        event.fields.set_list(core::IP_CHAIN, chain.iter().map(|link| Some(Value::Text(link))));
        let (role, behind) = role::decide(&event.fields, address.parse().ok(), &configured());
        (role.reason.as_str(), behind)
    }

    #[test]
    fn who_is_behind_a_gateway_is_what_the_outermost_of_the_gateways_saw() {
        let client = Some("203.0.113.9".parse().unwrap());
        for gateway in ["192.0.2.2", "192.0.2.3"] {
            let shown = ("client_behind_gateway", client);
            assert_eq!(chain(gateway, &["203.0.113.9", gateway]), shown);
            assert_eq!(chain(gateway, &["203.0.113.9", "192.0.2.3", gateway]), shown, "two gateways");
            assert_eq!(
                chain(gateway, &["198.51.100.1", "203.0.113.9", gateway]),
                shown,
                "the first is made up"
            );
            assert_eq!(
                chain(gateway, &["192.0.2.3", "203.0.113.9", gateway]),
                shown,
                "so is a gateway there"
            );
        }
    }

    #[test]
    fn a_chain_that_does_not_show_it_clearly_shows_nobody() {
        let nobody = ("gateway", None);
        let gateway = "192.0.2.2";
        assert_eq!(chain(gateway, &[]), nobody);
        assert_eq!(chain(gateway, &[gateway]), nobody);
        assert_eq!(chain(gateway, &[gateway, "203.0.113.9"]), nobody, "the gateway is not at the end");
        assert_eq!(chain(gateway, &["10.1.2.3", gateway]), nobody, "a private address is no place");
        assert_eq!(chain(gateway, &["203.0.113.9", "nonsense", gateway]), nobody);
        let long: Vec<&str> = std::iter::repeat_n("203.0.113.9", limits::IP_CHAIN).chain([gateway]).collect();
        assert_eq!(chain(gateway, &long), nobody, "longer than any real one");
    }

    #[test]
    fn a_chain_by_others_than_the_organisation_is_not_believed() {
        assert_eq!(chain("203.0.113.9", &["198.51.100.1", "203.0.113.9"]), ("browser", None));
        assert_eq!(chain("203.0.113.9", &["203.0.113.9", "192.0.2.2"]), ("browser", None), "Okta trusts it");
    }
}
