//! Which of many networks hold an address?

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks of both families as ranges that do not overlap, so that one search finds the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Networks {
    pub(super) fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNet::V4(network) => v4.push((network.network().into(), network.broadcast().into())),
                IpNet::V6(network) => v6.push((network.network().into(), network.broadcast().into())),
            }
        }
        Self { v4: disjoint(v4), v6: disjoint(v6) }
    }

    /// Whether some network holds the address, as it is or as the IPv4 address that it carries.
    pub(super) fn hold(&self, address: IpAddr) -> bool {
        self.hold_exactly(address) || self.hold_exactly(address.to_canonical())
    }

    fn hold_exactly(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => is_in(&self.v4, address.into()),
            IpAddr::V6(address) => is_in(&self.v6, address.into()),
        }
    }
}

/// The same numbers in as few ranges as possible, in order; both ends belong to a range.
fn disjoint<N: Ord + Copy>(mut ranges: Vec<(N, N)>) -> Box<[(N, N)]> {
    ranges.sort_unstable();
    let mut apart: Vec<(N, N)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match apart.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => apart.push((first, last)),
        }
    }
    apart.into_boxed_slice()
}

fn is_in<N: Ord + Copy>(ranges: &[(N, N)], number: N) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= number);
    let range = after.checked_sub(1).and_then(|place| ranges.get(place));
    range.is_some_and(|(_, last)| number <= *last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn both_families_are_searched_and_neighbours_are_not_held() {
        let networks =
            networks(&["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32", "0.0.0.0/32"]);
        for inside in ["10.0.0.0", "10.255.255.255", "192.0.2.7", "2001:db8:ffff::1", "0.0.0.0"] {
            assert!(networks.hold(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "2001:db9::", "::", "0.0.0.1"]
        {
            assert!(!networks.hold(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn a_mapped_address_is_held_by_networks_of_either_family() {
        let mapped: IpAddr = "::ffff:10.1.2.3".parse().unwrap();
        assert!(networks(&["10.0.0.0/8"]).hold(mapped));
        assert!(networks(&["::ffff:0:0/96"]).hold(mapped));
        assert!(!networks(&["11.0.0.0/8", "2001:db8::/32"]).hold(mapped));
    }

    proptest! {
        #[test]
        fn what_is_held_is_what_some_network_contains(
            nets in prop::collection::vec((any::<u32>(), 0_u8..=32), 0..20), address in any::<u32>()
        ) {
            let nets: Vec<IpNet> = nets
                .into_iter()
                .map(|(base, bits)| IpNet::new(IpAddr::V4(base.into()), bits).unwrap().trunc())
                .collect();
            // Near the ends of a network as well as anywhere.
            let ends = nets.iter().flat_map(|net| match net {
                IpNet::V4(net) => [u32::from(net.network()), u32::from(net.broadcast())],
                IpNet::V6(_) => [0, 0],
            });
            let near = ends.flat_map(|end| [end.wrapping_sub(1), end, end.wrapping_add(1)]);
            let searched = Networks::new(nets.iter().copied());
            for number in near.chain([address]).collect::<Vec<_>>() {
                let address = IpAddr::V4(number.into());
                prop_assert_eq!(searched.hold(address), nets.iter().any(|net| net.contains(&address)));
            }
        }
    }
}
