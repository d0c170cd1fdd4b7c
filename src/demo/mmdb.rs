//! How is a small database in MaxMind format written, so that nobody's has to be shipped?
//!
//! The file is a binary tree over the bits of an address, whose leaves point into a section of
//! records, then a map that describes it. Records are written once however many networks share
//! them, as in the databases that are sold.

mod value;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::Failure;

pub use value::Value;
use value::encode;

/// Stands before the map that describes the file.
const METADATA_MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Zero bytes between the tree and the records.
const SEPARATOR: usize = 16;

/// Bits before an IPv4 address in a tree of IPv6 addresses: it stands in `::/96`.
const IPV4_DEPTH: usize = 96;

/// A location, for [`city`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct City {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// English name of the country.
    pub country_name: String,
    /// English name of the first-level subdivision.
    pub region: String,
    /// English name of the city.
    pub city: String,
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// Accuracy radius in km.
    pub accuracy_km: u16,
}

/// A record in the layout of GeoLite2-City and GeoIP2-City.
pub fn city(place: &City) -> Value {
    let named = |name: &str| Value::map([("names", Value::map([("en", Value::text(name))]))]);
    let country = Value::map([
        ("iso_code", Value::text(&place.country)),
        ("names", Value::map([("en", Value::text(&place.country_name))])),
    ]);
    let location = Value::map([
        ("accuracy_radius", Value::Short(place.accuracy_km)),
        ("latitude", Value::Double(place.lat)),
        ("longitude", Value::Double(place.lon)),
    ]);
    Value::map([
        ("city", named(&place.city)),
        ("country", country),
        ("location", location),
        ("subdivisions", Value::List(vec![named(&place.region)])),
    ])
}

/// A record in the layout of GeoLite2-ASN and GeoIP2-ASN.
pub fn asn(number: u32, organisation: &str) -> Value {
    Value::map([
        ("autonomous_system_number", Value::Integer(number)),
        ("autonomous_system_organization", Value::text(organisation)),
    ])
}

/// A record in the layout of GeoIP2-Anonymous-IP, with these flags set, and `is_anonymous`.
pub fn anonymous(flags: &[&str]) -> Value {
    let all = std::iter::once("is_anonymous").chain(flags.iter().copied());
    Value::map(all.map(|flag| (flag, Value::Boolean(true))))
}

/// A database to be written.
#[derive(Clone, Debug)]
pub struct Database {
    database_type: String,
    build_epoch: u64,
    ip_version: u16,
    networks: Vec<(IpNet, Value)>,
}

impl Database {
    /// An empty database for both kinds of address, of a type such as `GeoLite2-City`, built at
    /// this time (seconds since the epoch).
    pub fn new(database_type: &str, build_epoch: u64) -> Self {
        Self { database_type: database_type.to_owned(), build_epoch, ip_version: 6, networks: Vec::new() }
    }

    /// For IPv4 alone: IPv6 networks are refused when it is written.
    #[must_use]
    pub fn ipv4_only(mut self) -> Self {
        self.ip_version = 4;
        self
    }

    /// Adds a network. A narrower one goes before a wider one; of two alike the later counts.
    #[must_use]
    pub fn with(mut self, network: IpNet, record: Value) -> Self {
        self.networks.push((network.trunc(), record));
        self
    }

    /// The file.
    ///
    /// # Errors
    /// An IPv6 network in a database for IPv4 alone, or more than the format can hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        let mut records = Records::default();
        let mut tree = Tree::default();
        let mut networks: Vec<&(IpNet, Value)> = self.networks.iter().collect();
        networks.sort_by_key(|(network, _)| network.prefix_len());
        for (network, record) in networks {
            let bits = self.bits(*network)?;
            tree.insert(&bits, records.add(record));
        }
        let mut file = tree.to_bytes()?;
        file.extend_from_slice(&[0; SEPARATOR]);
        file.extend_from_slice(&records.bytes);
        file.extend_from_slice(METADATA_MARKER);
        encode(&self.metadata(tree.nodes.len()), &mut file);
        Ok(file)
    }

    /// The bits of a network from the root of the tree, most significant first.
    fn bits(&self, network: IpNet) -> Result<Vec<bool>, Failure> {
        let prefix = usize::from(network.prefix_len());
        let bit = |number: u128, width: usize, at: usize| number >> (width - 1 - at) & 1 == 1;
        match (network.addr(), self.ip_version) {
            (IpAddr::V4(address), 4) => {
                let number = u128::from(u32::from(address));
                Ok((0..prefix).map(|at| bit(number, 32, at)).collect())
            }
            (IpAddr::V4(address), _) => {
                let number = u128::from(u32::from(address));
                Ok((0..IPV4_DEPTH + prefix).map(|at| bit(number, 128, at)).collect())
            }
            (IpAddr::V6(address), 6) => Ok((0..prefix).map(|at| bit(u128::from(address), 128, at)).collect()),
            (IpAddr::V6(_), _) => Err(Failure::new("cannot write the database")
                .detail(format!("{network} is IPv6, and the database is for IPv4 alone."))),
        }
    }

    fn metadata(&self, nodes: usize) -> Value {
        let description = format!("{}, written by oktawatch", self.database_type);
        Value::map([
            ("binary_format_major_version", Value::Short(2)),
            ("binary_format_minor_version", Value::Short(0)),
            ("build_epoch", Value::Long(self.build_epoch)),
            ("database_type", Value::text(&self.database_type)),
            ("description", Value::map([("en", Value::text(description))])),
            ("ip_version", Value::Short(self.ip_version)),
            ("languages", Value::List(vec![Value::text("en")])),
            ("node_count", Value::Integer(u32::try_from(nodes).unwrap_or(u32::MAX))),
            ("record_size", Value::Short(32)),
        ])
    }
}

/// The records, each once.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
    places: BTreeMap<Vec<u8>, usize>,
}

impl Records {
    /// Where the record stands in the section.
    fn add(&mut self, record: &Value) -> usize {
        let mut encoded = Vec::new();
        encode(record, &mut encoded);
        *self.places.entry(encoded).or_insert_with_key(|encoded| {
            let place = self.bytes.len();
            self.bytes.extend_from_slice(encoded);
            place
        })
    }
}

/// One side of a node.
#[derive(Clone, Copy, Debug)]
enum Side {
    Nothing,
    Node(usize),
    Record(usize),
}

/// The tree; its root is the first node.
#[derive(Debug)]
struct Tree {
    nodes: Vec<[Side; 2]>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![[Side::Nothing; 2]] }
    }
}

impl Tree {
    /// Sets a network's record. Wider networks must have been inserted before.
    fn insert(&mut self, bits: &[bool], record: usize) {
        let Some((last, way)) = bits.split_last() else {
            self.nodes = vec![[Side::Record(record); 2]];
            return;
        };
        let node = way.iter().fold(0, |node, bit| self.descend(node, usize::from(*bit)));
        self.set(node, usize::from(*last), Side::Record(record));
    }

    /// The node below one side, made if there is none: what covered the side covers both of its own.
    fn descend(&mut self, node: usize, side: usize) -> usize {
        let below = self.nodes.get(node).and_then(|sides| sides.get(side)).copied();
        if let Some(Side::Node(next)) = below {
            return next;
        }
        let next = self.nodes.len();
        self.nodes.push([below.unwrap_or(Side::Nothing); 2]);
        self.set(node, side, Side::Node(next));
        next
    }

    fn set(&mut self, node: usize, side: usize, value: Side) {
        if let Some(place) = self.nodes.get_mut(node).and_then(|sides| sides.get_mut(side)) {
            *place = value;
        }
    }

    /// Two numbers of 32 bits for each node.
    fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        let count = self.nodes.len();
        let mut bytes = Vec::with_capacity(count * 8);
        for side in self.nodes.iter().flatten() {
            let number = match side {
                Side::Nothing => count,
                Side::Node(node) => *node,
                Side::Record(place) => count + SEPARATOR + place,
            };
            let number = u32::try_from(number).map_err(|_| {
                Failure::new("cannot write the database").detail("It is larger than the format allows.")
            })?;
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(database: &Database) -> maxminddb::Reader<Vec<u8>> {
        let reader = maxminddb::Reader::from_source(database.to_bytes().unwrap()).unwrap();
        reader.verify().unwrap();
        reader
    }

    fn number(reader: &maxminddb::Reader<Vec<u8>>, address: &str) -> Option<u32> {
        let found = reader.lookup(address.parse().unwrap()).unwrap();
        found.decode::<maxminddb::geoip2::Asn<'_>>().unwrap()?.autonomous_system_number
    }

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_city_reads_back_as_it_was_written() {
        let lisbon = City {
            country: "PT".into(),
            country_name: "Portugal".into(),
            region: "Lisboa".into(),
            city: "Lisbon".into(),
            lat: 38.72,
            lon: -9.13,
            accuracy_km: 20,
        };
        let reader =
            read(&Database::new("GeoLite2-City", 1_700_000_000).with(net("203.0.113.0/24"), city(&lisbon)));
        assert_eq!(reader.metadata().build_epoch, 1_700_000_000);
        assert_eq!(reader.metadata().database_type, "GeoLite2-City");
        let found = reader.lookup("203.0.113.9".parse().unwrap()).unwrap();
        let city: maxminddb::geoip2::City<'_> = found.decode().unwrap().unwrap();
        assert_eq!(city.country.iso_code, Some("PT"));
        assert_eq!(city.country.names.english, Some("Portugal"));
        assert_eq!(city.subdivisions.first().and_then(|region| region.names.english), Some("Lisboa"));
        assert_eq!(city.city.names.english, Some("Lisbon"));
        assert_eq!((city.location.latitude, city.location.longitude), (Some(38.72), Some(-9.13)));
        assert_eq!(city.location.accuracy_radius, Some(20));
        assert_eq!(found.network().unwrap().to_string(), "203.0.113.0/24");
    }

    #[test]
    fn both_kinds_of_address_are_found_and_others_are_not() {
        let reader = read(
            &Database::new("GeoLite2-ASN", 1)
                .with(net("198.51.100.0/24"), asn(64500, "Four"))
                .with(net("2001:db8::/32"), asn(64501, "Six")),
        );
        assert_eq!(number(&reader, "198.51.100.200"), Some(64500));
        assert_eq!(number(&reader, "2001:db8:1::1"), Some(64501));
        assert_eq!(number(&reader, "198.51.101.1"), None);
        assert_eq!(number(&reader, "2001:db9::1"), None);
    }

    #[test]
    fn a_database_for_ipv4_alone_refuses_ipv6() {
        let four = Database::new("GeoLite2-ASN", 1).ipv4_only();
        let reader = read(&four.clone().with(net("198.51.100.0/24"), asn(64500, "Four")));
        assert_eq!(number(&reader, "198.51.100.1"), Some(64500));
        let failure = four.with(net("2001:db8::/32"), asn(1, "Six")).to_bytes().unwrap_err();
        assert!(failure.to_string().contains("2001:db8::/32"), "{failure}");
    }

    #[test]
    fn flags_long_texts_and_every_kind_of_number_read_back() {
        let long = "x".repeat(70_000);
        let record = Value::map([
            ("text", Value::text(&long)),
            ("middle", Value::text("y".repeat(300))),
            ("float", Value::Float(1.5)),
            ("long", Value::Long(1 << 40)),
            ("zero", Value::Integer(0)),
            ("no", Value::Boolean(false)),
            ("list", Value::List(vec![Value::Short(7), Value::Boolean(true)])),
        ]);
        let reader = read(&Database::new("Test", 1).with(net("0.0.0.0/0"), record));
        let found = reader.lookup("192.0.2.1".parse().unwrap()).unwrap();
        let value: serde_json::Value = found.decode().unwrap().unwrap();
        assert_eq!(value["text"], long);
        assert_eq!(value["middle"].as_str().unwrap().len(), 300);
        assert_eq!(value["float"], 1.5);
        assert_eq!(value["long"], 1_u64 << 40);
        assert_eq!(value["zero"], 0);
        assert_eq!(value["no"], false);
        assert_eq!(value["list"], serde_json::json!([7, true]));
    }

    #[test]
    fn a_record_shared_by_networks_is_written_once() {
        let one = Database::new("Test", 1).with(net("198.51.100.0/24"), asn(1, "Shared"));
        let two = one.clone().with(net("203.0.113.0/24"), asn(1, "Shared"));
        let reader = read(&two);
        let offset = |address: &str| reader.lookup(address.parse().unwrap()).unwrap().offset();
        assert!(offset("198.51.100.1").is_some());
        assert_eq!(offset("198.51.100.1"), offset("203.0.113.1"));
    }

    /// Networks over few addresses, so that they overlap.
    fn networks() -> impl Strategy<Value = Vec<(u8, u8, u32)>> {
        proptest::collection::vec((any::<u8>(), 0_u8..=8, 1_u32..1000), 1..12)
    }

    proptest! {
        #[test]
        fn the_narrowest_network_that_holds_an_address_answers(networks in networks(), last in any::<u8>()) {
            for base in ["198.51.100.", "2001:db8::"] {
                let (width, address) = if base.contains(':') {
                    (128, format!("{base}{last:x}"))
                } else {
                    (32, format!("{base}{last}"))
                };
                let address: IpAddr = address.parse().unwrap();
                let mut database = Database::new("Test", 1);
                let mut expected: Option<(u8, u32)> = None;
                for (host, free, number) in &networks {
                    let host = if width == 128 { format!("{base}{host:x}") } else { format!("{base}{host}") };
                    let network = IpNet::new(host.parse().unwrap(), width - free).unwrap().trunc();
                    database = database.with(network, asn(*number, "x"));
                    let narrower = expected.is_none_or(|(prefix, _)| prefix <= network.prefix_len());
                    if network.contains(&address) && narrower {
                        expected = Some((network.prefix_len(), *number));
                    }
                }
                let reader = read(&database);
                prop_assert_eq!(self::number(&reader, &address.to_string()), expected.map(|(_, number)| number));
            }
        }
    }
}
