//! Is an address in one of many networks?
//!
//! An IPv4 address written in IPv6 (`::ffff:10.1.2.3`) is the same address, in a rule's network too. The
//! zone behind an address (`fe80::1%eth0`) says through which interface it is reached and is left out.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// How many leading bits say that an IPv6 address is one of IPv4.
const MAPPED_BITS: u8 = 96;

/// A network, or the one address; `None` if the text is neither. Bits of the host are cut off.
pub(super) fn parse(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    Some(canonical(network.trunc()))
}

/// Whether the text names more than its network.
pub(super) fn has_host_bits(text: &str) -> bool {
    text.parse::<IpNet>().is_ok_and(|network| network != network.trunc())
}

fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(wide) = network else { return network };
    let narrow = wide.prefix_len().checked_sub(MAPPED_BITS);
    let mapped = wide.network().to_ipv4_mapped().zip(narrow);
    let mapped = mapped.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok());
    mapped.map_or(network, IpNet::V4)
}

/// The address that a value spells.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
}

/// Whether the network holds the address, in either way to write it.
pub(super) fn holds(network: &IpNet, address: IpAddr) -> bool {
    network.contains(&address) || network.contains(&address.to_canonical())
}

/// Many networks as ranges that do not touch, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Networks {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    pub(super) fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let mut all = Self::default();
        for network in networks {
            match network {
                IpNet::V4(net) => all.v4.push((net.network().into(), net.broadcast().into())),
                IpNet::V6(net) => all.v6.push((net.network().into(), net.broadcast().into())),
            }
        }
        Self { v4: joined(all.v4), v6: joined(all.v6) }
    }

    /// Whether one of them holds the address.
    pub(super) fn hold(&self, address: IpAddr) -> bool {
        let one = |address| match address {
            IpAddr::V4(address) => within(&self.v4, address.into()),
            IpAddr::V6(address) => within(&self.v6, address.into()),
        };
        one(address) || one(address.to_canonical())
    }
}

fn joined<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut().filter(|before| first <= before.1) {
            Some(before) => before.1 = before.1.max(last),
            None => joined.push((first, last)),
        }
    }
    joined
}

fn within<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let above = ranges.partition_point(|(first, _)| *first <= address);
    let below = above.checked_sub(1).and_then(|place| ranges.get(place));
    below.is_some_and(|(_, last)| address <= *last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inside(network: &str, text: &str) -> bool {
        address(text).is_some_and(|address| holds(&parse(network).unwrap(), address))
    }

    #[test]
    fn an_address_of_ipv4_is_the_same_in_ipv6() {
        assert!(inside("10.0.0.0/8", "::ffff:10.1.2.3") && inside("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(inside("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
        assert!(inside("::ffff:10.1.2.3", "10.1.2.3"));
        assert!(inside("::/0", "::ffff:10.1.2.3") && inside("0.0.0.0/0", "::ffff:10.1.2.3"));
        assert!(!inside("::ffff:10.0.0.0/104", "11.1.2.3") && !inside("10.0.0.0/8", "::10.1.2.3"));
    }

    #[test]
    fn a_zone_makes_no_difference() {
        assert!(inside("fe80::/10", "fe80::1%eth0") && inside("fe80::1", " fe80::1%25 "));
        assert!(!inside("fe80::/10", "eth0%fe80::1"));
    }

    #[test]
    fn what_is_no_network_is_none() {
        for text in ["", "10.0.0/8", "10.0.0.0/33", "::/129", "host", "fe80::%eth0/64"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("10.1.2.3/8"), parse("10.0.0.0/8"));
        assert!(has_host_bits("10.1.2.3/8") && !has_host_bits("10.0.0.0/8") && !has_host_bits("10.1.2.3"));
    }

    fn network() -> impl Strategy<Value = String> {
        let v4 =
            (any::<[u8; 4]>(), 0..=32_u8).prop_map(|(bytes, bits)| format!("{}/{bits}", IpAddr::from(bytes)));
        let v6 = (any::<[u8; 16]>(), 0..=128_u8)
            .prop_map(|(bytes, bits)| format!("{}/{bits}", IpAddr::from(bytes)));
        let near = (0..4_u8, 20..=32_u8).prop_map(|(last, bits)| format!("192.0.2.{last}/{bits}"));
        let mapped = (0..4_u8, 90..=128_u8).prop_map(|(last, bits)| format!("::ffff:192.0.2.{last}/{bits}"));
        prop_oneof![v4, v6, near, mapped]
    }

    fn host() -> impl Strategy<Value = IpAddr> {
        let near = (0..8_u8).prop_map(|last| IpAddr::from([192, 0, 2, last]));
        let mapped = (0..8_u8).prop_map(|last| format!("::ffff:192.0.2.{last}").parse().unwrap());
        prop_oneof![
            near,
            mapped,
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from)
        ]
    }

    proptest! {
        #[test]
        fn many_networks_hold_what_one_of_them_holds(
            texts in proptest::collection::vec(network(), 0..12), host in host()
        ) {
            let all: Vec<IpNet> = texts.iter().map(|text| parse(text).unwrap()).collect();
            let wanted = all.iter().any(|network| holds(network, host));
            prop_assert_eq!(Networks::new(all).hold(host), wanted);
        }
    }
}
