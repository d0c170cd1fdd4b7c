//! Where is an address, as far as databases and the configuration know?

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::address;
use super::cache::Cache;
use super::database::{Database, DatabaseInfo, Records};
use super::layout::{Anonymous, Answer};
use super::listed::Roles;
use super::sites::Sites;
use crate::config;
use crate::error::Failure;
use crate::limits;
use crate::model::{Asn, Geo, IpFacts, Place};

/// The loaded GeoIP databases and site ranges: immutable, replaced whole when a file changes.
#[derive(Debug, Default)]
pub struct GeoIp {
    config: config::GeoIp,
    city: Option<Database<Geo>>,
    asn: Option<Database<Asn>>,
    anonymous: Option<Database<Anonymous>>,
    sites: Sites,
    roles: Roles,
    infos: Vec<DatabaseInfo>,
}

/// Records decoded before, one cache a database; they belong to one [`GeoIp`] and die with it.
#[derive(Debug)]
pub(super) struct Decoded {
    city: Records<Geo>,
    asn: Records<Asn>,
    anonymous: Records<Anonymous>,
}

impl Default for Decoded {
    fn default() -> Self {
        Self {
            city: Cache::new(limits::GEOIP_RECORDS),
            asn: Cache::new(limits::GEOIP_RECORDS),
            anonymous: Cache::new(limits::GEOIP_RECORDS),
        }
    }
}

/// Whether the databases knew an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// One of them did.
    Found,
    /// None did.
    Missed,
    /// There are none, or the address is a private one, which none can know.
    Not,
}

impl GeoIp {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// A file that cannot be read or is not a database of the right kind, or a site or role that is wrong.
    pub fn open(config: &config::GeoIp) -> Result<Self, Failure> {
        let city = open(config.city.as_deref())?;
        let asn = open(config.asn.as_deref())?;
        let anonymous = open(config.anonymous.as_deref())?;
        let sites = Sites::new(&config.sites)?;
        let roles = Roles::new(&config.roles)?;
        let mut infos = Vec::new();
        infos.extend(city.iter().flat_map(Database::infos));
        infos.extend(asn.iter().flat_map(Database::infos));
        infos.extend(anonymous.iter().flat_map(Database::infos));
        Ok(Self { config: config.clone(), city, asn, anonymous, sites, roles, infos })
    }

    /// Every loaded file: city first, then ASN, then anonymous-IP.
    pub fn databases(&self) -> &[DatabaseInfo] {
        &self.infos
    }

    /// Whether a file was replaced, rewritten, added or removed since it was read. Looks at the
    /// directory only: time of change, size and inode.
    pub fn changed(&self) -> bool {
        self.city.as_ref().is_some_and(Database::changed)
            || self.asn.as_ref().is_some_and(Database::changed)
            || self.anonymous.as_ref().is_some_and(Database::changed)
    }

    /// Opens everything anew if a file or the configuration changed; `None` if neither did.
    ///
    /// # Errors
    /// As [`GeoIp::open`]; this one stays good for use then.
    pub fn reload(&self, config: &config::GeoIp) -> Result<Option<Self>, Failure> {
        if self.config == *config && !self.changed() {
            return Ok(None);
        }
        Self::open(config).map(Some)
    }

    /// What is known of one address, decoded anew; for a command that asks once.
    pub fn place(&self, address: IpAddr) -> Place {
        self.look_up(address.to_canonical(), &mut Decoded::default()).0
    }

    /// Whose the configuration says that addresses are.
    pub(super) fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The site that holds an address.
    pub(super) fn site(&self, address: IpAddr) -> Option<Arc<str>> {
        self.sites.find(address).map(|site| Arc::clone(&site.name))
    }

    /// Whether the configuration makes the address a gateway of the organisation: by its role, or as a
    /// site without a location, the exit of a VPN or a proxy, which says nothing of where its users are.
    pub(super) fn is_gateway(&self, address: IpAddr) -> bool {
        let exit = self.sites.find(address).is_some_and(|site| site.geo.is_none());
        exit || self.roles.is_gateway(address)
    }

    /// What is known of an address, and whether the databases knew it.
    pub(super) fn look_up(&self, address: IpAddr, decoded: &mut Decoded) -> (Place, Asked) {
        let private = address::is_private(address);
        let site = self.sites.find(address);
        let geo = self.city.as_ref().and_then(|city| city.find(address, &mut decoded.city));
        let asn = self.asn.as_ref().and_then(|asn| asn.find(address, &mut decoded.asn));
        let hidden = self.anonymous.as_ref().and_then(|hidden| hidden.find(address, &mut decoded.anonymous));
        let asked = match (&self.city, &self.asn) {
            _ if geo.is_some() || asn.is_some() => Asked::Found,
            (None, None) => Asked::Not,
            _ if private => Asked::Not,
            _ => Asked::Missed,
        };
        let hidden = hidden.map(|hidden| *hidden).unwrap_or_default();
        let ip = IpFacts {
            address: Some(address),
            private,
            site: site.map(|site| Arc::clone(&site.name)),
            anonymous: hidden.anonymous,
            hosting: hidden.hosting,
            proxy: hidden.proxy,
            ..IpFacts::default()
        };
        (Place { geo: site.and_then(|site| site.geo.clone()).or(geo), asn, ip }, asked)
    }
}

fn open<A: Answer>(path: Option<&Path>) -> Result<Option<Database<A>>, Failure> {
    path.map(Database::open).transpose()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::demo::mmdb::{self, Value};
    use crate::model::GeoSource;

    fn city(name: &str) -> Value {
        mmdb::city(&mmdb::City {
            country: "PT".into(),
            country_name: "Portugal".into(),
            region: "Lisboa".into(),
            city: name.into(),
            lat: 38.72,
            lon: -9.13,
            accuracy_km: 20,
        })
    }

    fn database(kind: &str, network: &str, record: Value) -> Vec<u8> {
        mmdb::Database::new(kind, 1_700_000_000).with(network.parse().unwrap(), record).to_bytes().unwrap()
    }

    fn cities(name: &str) -> Vec<u8> {
        database("GeoLite2-City", "203.0.113.0/24", city(name))
    }

    fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn config(city: PathBuf) -> config::GeoIp {
        config::GeoIp { city: Some(city), ..config::GeoIp::default() }
    }

    fn name(geoip: &GeoIp, address: &str) -> Option<String> {
        geoip.place(address.parse().unwrap()).geo.and_then(|geo| geo.city.clone())
    }

    #[test]
    fn a_place_is_put_together_from_all_databases_and_the_sites() {
        let folder = tempfile::tempdir().unwrap();
        let hosting = mmdb::anonymous(&["is_tor_exit_node", "is_hosting_provider"]);
        let site = config::Site {
            cidr: "203.0.113.128/25".into(),
            name: "porto".into(),
            country: Some("PT".into()),
            city: Some("Porto".into()),
            lat: None,
            lon: None,
        };
        let geoip = GeoIp::open(&config::GeoIp {
            city: Some(write(&folder, "city.mmdb", &cities("Lisbon"))),
            asn: Some(write(
                &folder,
                "asn.mmdb",
                &database("ASN", "203.0.113.0/24", mmdb::asn(64500, "Fibre")),
            )),
            anonymous: Some(write(
                &folder,
                "anonymous.mmdb",
                &database("Anonymous", "203.0.113.0/25", hosting),
            )),
            sites: vec![site],
            ..config::GeoIp::default()
        })
        .unwrap();
        let outside = geoip.place("::ffff:203.0.113.1".parse().unwrap());
        assert_eq!(outside.geo.as_ref().unwrap().city.as_deref(), Some("Lisbon"));
        assert_eq!(outside.asn.as_ref().unwrap().number, 64500);
        assert!(outside.ip.anonymous && outside.ip.hosting && !outside.ip.proxy && !outside.ip.private);
        let inside = geoip.place("203.0.113.200".parse().unwrap());
        let geo = inside.geo.unwrap();
        assert_eq!((geo.city.as_deref(), geo.source), (Some("Porto"), GeoSource::Site));
        assert_eq!(inside.ip.site.as_deref(), Some("porto"));
        assert!(inside.asn.is_some() && !inside.ip.anonymous);
        let known: Vec<_> =
            geoip.databases().iter().map(|info| (info.key, info.database_type.as_str())).collect();
        let expected =
            [("geoip.city", "GeoLite2-City"), ("geoip.asn", "ASN"), ("geoip.anonymous", "Anonymous")];
        assert_eq!(known, expected);
        assert!(geoip.databases().iter().all(|info| info.build_epoch == 1_700_000_000 && info.nodes > 0));
    }

    #[test]
    fn a_folder_answers_from_whichever_file_knows_the_address() {
        let folder = tempfile::tempdir().unwrap();
        let four = mmdb::Database::new("city ipv4", 1).ipv4_only();
        let four = four.with("203.0.113.0/24".parse().unwrap(), city("Lisbon")).to_bytes().unwrap();
        write(&folder, "v4.mmdb", &four);
        write(&folder, "v6.mmdb", &database("city ipv6", "2001:db8::/32", city("Porto")));
        write(&folder, "README.txt", b"not a database");
        let geoip = GeoIp::open(&config(folder.path().to_owned())).unwrap();
        assert_eq!(geoip.databases().len(), 2);
        assert_eq!(name(&geoip, "203.0.113.1").as_deref(), Some("Lisbon"));
        assert_eq!(name(&geoip, "2001:db8::1").as_deref(), Some("Porto"));
        assert_eq!(name(&geoip, "198.51.100.1"), None);
        assert!(!geoip.changed());
        write(&folder, "more.mmdb", &cities("Faro"));
        assert!(geoip.changed());
    }

    #[test]
    fn a_wrong_file_names_its_key_the_file_and_what_it_would_be_right_for() {
        let folder = tempfile::tempdir().unwrap();
        let asn = write(&folder, "asn.mmdb", &database("GeoLite2-ASN", "203.0.113.0/24", mmdb::asn(1, "x")));
        let failure = GeoIp::open(&config(asn)).unwrap_err();
        assert!(failure.primary.contains("geoip.city") && failure.primary.contains("asn.mmdb"), "{failure}");
        assert!(failure.detail.unwrap().contains("GeoLite2-ASN"));
        assert_eq!(failure.hint.as_deref(), Some("It looks right for geoip.asn."));
    }

    #[test]
    fn a_missing_an_empty_and_a_broken_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let missing = GeoIp::open(&config(folder.path().join("none.mmdb"))).unwrap_err();
        assert!(missing.primary.starts_with("cannot read the city database"), "{missing}");
        let empty = GeoIp::open(&config(folder.path().to_owned())).unwrap_err();
        assert!(empty.detail.as_ref().unwrap().contains(".mmdb"), "{empty}");
        let bytes = cities("Lisbon");
        let record = bytes.windows(7).position(|window| window == b"country").unwrap();
        let mut damaged = bytes.clone();
        damaged[record - 1..record + 20].fill(0xff);
        for broken in [&b""[..], b"<html>", &bytes[..bytes.len() / 2], &damaged] {
            let failure = GeoIp::open(&config(write(&folder, "broken.mmdb", broken))).unwrap_err();
            assert!(failure.primary.contains("not a usable database"), "{failure}");
        }
    }

    #[test]
    fn nothing_changed_is_nothing_to_load() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(write(&folder, "city.mmdb", &cities("Lisbon")));
        let geoip = GeoIp::open(&config).unwrap();
        assert!(geoip.reload(&config).unwrap().is_none());
        assert!(GeoIp::default().reload(&config::GeoIp::default()).unwrap().is_none());
        assert!(GeoIp::default().reload(&config).unwrap().is_some());
    }

    #[test]
    fn a_file_renamed_over_the_old_one_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(write(&folder, "city.mmdb", &cities("Lisbon")));
        let geoip = GeoIp::open(&config).unwrap();
        let next = write(&folder, "next", &cities("Oporto"));
        fs::rename(next, folder.path().join("city.mmdb")).unwrap();
        let after = geoip.reload(&config).unwrap().unwrap();
        assert_eq!(name(&after, "203.0.113.1").as_deref(), Some("Oporto"));
        assert_eq!(name(&geoip, "203.0.113.1").as_deref(), Some("Lisbon"), "the old one is whole");
        assert!(!after.changed());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_swapped_by_its_symlink_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let swap = |version: &str, city: &str| {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::write(folder.path().join(version).join("city.mmdb"), cities(city)).unwrap();
            std::os::unix::fs::symlink(version, folder.path().join("..tmp")).unwrap();
            fs::rename(folder.path().join("..tmp"), folder.path().join("..data")).unwrap();
        };
        swap("..one", "Lisbon");
        std::os::unix::fs::symlink("..data/city.mmdb", folder.path().join("city.mmdb")).unwrap();
        let config = config(folder.path().join("city.mmdb"));
        let geoip = GeoIp::open(&config).unwrap();
        swap("..two", "Porto!");
        let after = geoip.reload(&config).unwrap().unwrap();
        assert_eq!(name(&after, "203.0.113.1").as_deref(), Some("Porto!"));
    }

    #[test]
    fn a_broken_replacement_is_an_error_and_the_old_stays_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(write(&folder, "city.mmdb", &cities("Lisbon")));
        let geoip = GeoIp::open(&config).unwrap();
        write(&folder, "city.mmdb", b"half a file");
        assert!(geoip.changed());
        assert!(geoip.reload(&config).is_err());
        assert_eq!(name(&geoip, "203.0.113.1").as_deref(), Some("Lisbon"));
        fs::remove_file(folder.path().join("city.mmdb")).unwrap();
        assert!(geoip.reload(&config).is_err());
        assert_eq!(name(&geoip, "203.0.113.1").as_deref(), Some("Lisbon"));
    }
}
