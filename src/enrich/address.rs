//! Which address does a text mean, and is it on the public Internet?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Reads an address as collectors write it: bare, in brackets, with a port or a zone. An IPv4
/// address in IPv6 clothing becomes IPv4.
pub(super) fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => undress(text)?,
    };
    Some(address.to_canonical())
}

fn undress(text: &str) -> Option<IpAddr> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let bare = bare.split_once('%').map_or(bare, |(bare, _zone)| bare);
    bare.parse().ok()
}

/// Whether an address is not routable on the public Internet: RFC 1918, unique local, loopback,
/// link-local, carrier-grade NAT and the unspecified address. Ranges set aside for documentation
/// do not count: samples and tests use them as public ones.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let carrier_grade_nat = first == 100 && (64..128).contains(&second);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || carrier_grade_nat
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_loopback()
        || address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_however_it_is_dressed() {
        for text in ["203.0.113.7", " 203.0.113.7 ", "203.0.113.7:443", "[203.0.113.7]", "::ffff:203.0.113.7"]
        {
            assert_eq!(parse(text), Some(IpAddr::from([203, 0, 113, 7])), "{text}");
        }
        let six: IpAddr = "2001:db8::7".parse().unwrap();
        for text in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:443", "2001:DB8:0::7", "2001:db8::7%eth0"]
        {
            assert_eq!(parse(text), Some(six), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in ["", "null", "localhost", "203.0.113", "203.0.113.7, 198.51.100.1", "[]", "::1::"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn private_ranges_end_where_they_should() {
        let private = [
            "10.0.0.1",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.0",
            "100.127.255.255",
            "0.0.0.0",
            "::1",
            "::",
            "fc00::1",
            "fdff::1",
            "fe80::1",
        ];
        let public = [
            "9.255.255.255",
            "172.32.0.0",
            "192.169.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "2001:db8::1",
            "2606:4700::1",
        ];
        for text in private {
            assert!(is_private(parse(text).unwrap()), "{text}");
        }
        for text in public {
            assert!(!is_private(parse(text).unwrap()), "{text}");
        }
    }
}
