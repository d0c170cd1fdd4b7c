//! What can be said of an event by itself?

use std::net::IpAddr;
use std::sync::Arc;

use super::cache::Cache;
use super::fill::Filler;
use super::geo::{Asked, Decoded, GeoIp};
use super::okta::Told;
use super::{address, role, who};
use crate::limits;
use crate::model::{Event, FieldId, FieldTable, Fields, Observation, Place, Role, Tally, core};

/// The stateless part: whose the address is, and its place.
#[derive(Debug)]
pub struct Observer {
    table: Arc<FieldTable>,
    geoip: Arc<GeoIp>,
    decoded: Decoded,
    places: Cache<IpAddr, Known>,
}

/// What is kept of an address.
#[derive(Debug)]
struct Known {
    /// What databases and sites say.
    place: Place,
    asked: Asked,
    /// The same with what the event said of it by which it was last seen.
    made: Option<Arc<Place>>,
}

impl Observer {
    /// An observer over these databases.
    pub fn new(table: Arc<FieldTable>, geoip: Arc<GeoIp>) -> Self {
        Self { table, geoip, decoded: Decoded::default(), places: Cache::new(limits::GEOIP_CACHE) }
    }

    /// Replaces the databases; cached locations are forgotten.
    pub fn set_geoip(&mut self, geoip: Arc<GeoIp>) {
        *self = Self::new(Arc::clone(&self.table), geoip);
    }

    /// Replaces the fields that rules read.
    pub fn set_table(&mut self, table: Arc<FieldTable>) {
        self.table = table;
    }

    /// Says of one event what can be said of it alone.
    pub fn observe(&mut self, mut event: Event, tally: &mut Tally) -> Observation {
        let address = event.fields.text(core::CLIENT_IP).and_then(address::parse);
        let place = address.map(|address| self.seen(address, &event.fields, tally));
        fill(&self.table, &mut event, place.as_deref());
        Observation { event, place }
    }

    /// The place at which an event was seen: that of its address, or of who is behind it if that is a
    /// gateway. Okta's own location of the event is the gateway's then.
    fn seen(&mut self, address: IpAddr, fields: &Fields, tally: &mut Tally) -> Arc<Place> {
        let (role, behind) = role::decide(fields, Some(address), &self.geoip);
        let Some(client) = behind else {
            return self.place(address, |place| Told::read(fields, place), role, tally);
        };
        let place = self.place(client, |_| Told::default(), role, tally);
        let site = self.geoip.site(address).filter(|_| place.ip.site.is_none());
        match site {
            Some(site) => {
                let mut place = Place::clone(&place);
                place.ip.site = Some(site);
                Arc::new(place)
            }
            None => place,
        }
    }

    /// The place of an address, shared by all events of which the same is known.
    fn place<'a>(
        &mut self,
        address: IpAddr,
        told: impl FnOnce(&Place) -> Told<'a>,
        role: Role,
        tally: &mut Tally,
    ) -> Arc<Place> {
        if self.places.get(&address).is_none() {
            let (place, asked) = self.geoip.look_up(address, &mut self.decoded);
            self.places.insert(address, Known { place, asked, made: None });
        }
        let Some(known) = self.places.get(&address) else { return Arc::default() };
        match known.asked {
            Asked::Found => tally.geoip_found += 1,
            Asked::Missed => tally.geoip_missed += 1,
            Asked::Not => {}
        }
        known.with(&told(&known.place), role)
    }
}

/// Whether [`fill`] sets the field.
pub fn is_filled(id: FieldId) -> bool {
    (core::ENRICHED_ORG.index()..=core::ENRICHED_USER_LOGIN.index()).contains(&id.index())
}

/// Sets the fields that follow from an event and the place of its address.
pub fn fill(table: &FieldTable, event: &mut Event, place: Option<&Place>) {
    let id = Some(core::ENRICHED_USER_ID).filter(|id| table.is_read(*id));
    let id = id.and_then(|_| who::user_id(&event.fields)).map(str::to_owned);
    let login = Some(core::ENRICHED_USER_LOGIN).filter(|login| table.is_read(*login));
    let login = login.and_then(|_| who::login(&event.fields));
    let mut filler = Filler::new(table, &mut event.fields);
    filler.who(event.org.as_deref(), id.as_deref(), login.as_deref());
    match place {
        Some(place) => filler.place(place),
        None => filler.role(Role::default()),
    }
}

impl Known {
    /// The place with what the event's own fields add to it.
    fn with(&mut self, told: &Told<'_>, role: Role) -> Arc<Place> {
        let same = |made: &&Arc<Place>| made.ip.role == role && told.made(&self.place, made);
        if let Some(made) = self.made.as_ref().filter(same) {
            return Arc::clone(made);
        }
        let mut made = told.add_to(&self.place);
        made.ip.role = role;
        let made = Arc::new(made);
        self.made = Some(Arc::clone(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::demo::mmdb;
    use crate::enrich::testing::event;
    use crate::model::{GeoSource, Value};

    fn table(paths: &[&str]) -> Arc<FieldTable> {
        let mut table = FieldTable::default();
        for path in paths {
            table.read(path);
        }
        Arc::new(table)
    }

    fn geoip(city: &str) -> Arc<GeoIp> {
        let folder = tempfile::tempdir().unwrap();
        let record = mmdb::city(&mmdb::City {
            country: "PT".into(),
            country_name: "Portugal".into(),
            region: "Lisboa".into(),
            city: city.into(),
            lat: 38.72,
            lon: -9.13,
            accuracy_km: 20,
        });
        let database =
            mmdb::Database::new("GeoLite2-City", 1).with("203.0.113.0/24".parse().unwrap(), record);
        let path = folder.path().join("city.mmdb");
        std::fs::write(&path, database.to_bytes().unwrap()).unwrap();
        Arc::new(GeoIp::open(&config::GeoIp { city: Some(path), ..config::GeoIp::default() }).unwrap())
    }

    fn from(address: &str, country: &str) -> Event {
        event(
            0,
            "u",
            &[(core::CLIENT_IP, Value::Text(address)), (core::CLIENT_COUNTRY, Value::Text(country))],
        )
    }

    fn source(observation: &Observation) -> Option<GeoSource> {
        observation.place.as_ref()?.geo.as_ref().map(|geo| geo.source)
    }

    #[test]
    fn the_database_comes_before_okta_and_okta_before_nothing() {
        let mut observer = Observer::new(table(&[]), geoip("Lisbon"));
        let mut tally = Tally::default();
        assert_eq!(
            source(&observer.observe(from("203.0.113.1", "Spain"), &mut tally)),
            Some(GeoSource::Database)
        );
        assert_eq!(
            source(&observer.observe(from("198.51.100.1", "Spain"), &mut tally)),
            Some(GeoSource::Okta)
        );
        assert_eq!(source(&observer.observe(from("198.51.100.1", ""), &mut tally)), None);
        assert_eq!(source(&observer.observe(from("10.0.0.1", ""), &mut tally)), None);
        assert_eq!((tally.geoip_found, tally.geoip_missed), (1, 2));
        assert!(observer.observe(from("", ""), &mut tally).place.is_none());
    }

    #[test]
    fn a_place_is_made_once_for_an_address_and_anew_when_okta_says_something_else() {
        let mut observer = Observer::new(table(&[]), geoip("Lisbon"));
        let mut place = |ip: &str, country: &str| {
            observer.observe(from(ip, country), &mut Tally::default()).place.unwrap()
        };
        assert!(Arc::ptr_eq(&place("203.0.113.1", "Spain"), &place("203.0.113.1:99", "France")));
        assert!(Arc::ptr_eq(&place("198.51.100.1", "Spain"), &place("198.51.100.1", "Spain")));
        let france = place("198.51.100.1", "France");
        assert_eq!(france.geo.as_ref().unwrap().country.as_deref(), Some("FR"));
    }

    /// Databases that know Lisbon, a gateway and an exit.
    fn behind_a_gateway() -> Arc<GeoIp> {
        let role = config::RoleRange {
            cidr: Some("198.51.100.1".into()),
            agent: None,
            zone: None,
            role: crate::model::IpRole::ProxyChain,
        };
        let site = |cidr: &str, name: &str, country: Option<&str>| config::Site {
            cidr: cidr.into(),
            name: name.into(),
            country: country.map(str::to_owned),
            city: None,
            lat: None,
            lon: None,
        };
        let sites = vec![site("198.51.100.2", "exit", None), site("203.0.113.9", "lisbon", Some("PT"))];
        Arc::new(
            GeoIp::open(&config::GeoIp { roles: vec![role], sites, ..config::GeoIp::default() }).unwrap(),
        )
    }

    #[test]
    fn behind_a_gateway_the_place_is_that_of_who_is_behind_and_okta_s_own_is_not() {
        let mut observer = Observer::new(table(&["enriched.ip.address"]), behind_a_gateway());
        let mut seen = |ip: &str, client: &str| {
            let mut event = from(ip, "Germany");
            event.fields.set_list(core::IP_CHAIN, [client, ip].map(|link| Some(Value::Text(link))));
            let observation = observer.observe(event, &mut Tally::default());
            let place = observation.place.clone().unwrap();
            let address = observation.event.fields.text(core::ENRICHED_IP_ADDRESS).map(str::to_owned);
            let country = place.geo.as_ref().and_then(|geo| geo.country.clone());
            (address.unwrap(), country, place.ip.site.clone(), place.ip.role.reason.as_str())
        };
        let text = |text: &str| Some(text.to_owned());
        let (address, country, site, reason) = seen("198.51.100.1", "203.0.113.9");
        assert_eq!((address.as_str(), country), ("203.0.113.9", text("PT")));
        assert_eq!((site.as_deref(), reason), (Some("lisbon"), "client_behind_gateway"));
        let (address, country, site, _) = seen("198.51.100.2", "203.0.113.8");
        assert_eq!((address.as_str(), country), ("203.0.113.8", None));
        assert_eq!(site.as_deref(), Some("exit"), "the site through which it came");
        let (address, country, _, reason) = seen("198.51.100.1", "10.0.0.1");
        assert_eq!((address.as_str(), country, reason), ("198.51.100.1", text("DE"), "gateway"));
    }

    #[test]
    fn the_role_is_told_with_and_without_an_address() {
        let mut observer =
            Observer::new(table(&["enriched.ip.role", "enriched.ip.role_reason"]), Arc::default());
        let mut told = |ip: &str, uri: &str| {
            let mut event = from(ip, "");
            event.fields.set(core::REQUEST_URI, Value::Text(uri));
            let fields = observer.observe(event, &mut Tally::default()).event.fields;
            let text = |id| fields.text(id).unwrap().to_owned();
            (text(core::ENRICHED_IP_ROLE), text(core::ENRICHED_IP_ROLE_REASON))
        };
        let pair = |role: &str, reason: &str| (role.to_owned(), reason.to_owned());
        let server = pair("relying_party_backchannel", "token_endpoint");
        assert_eq!(told("203.0.113.1", "/oauth2/v1/token"), server);
        assert_eq!(told("203.0.113.1", "/app/x"), pair("user_agent", "other_agent"), "the same address");
        assert_eq!(told("", "/app/x"), pair("none", "no_address"));
    }

    #[test]
    fn new_databases_answer_from_then_on() {
        let mut observer = Observer::new(table(&["enriched.geo.city"]), geoip("Lisbon"));
        let city = |observer: &mut Observer| {
            let observation = observer.observe(from("203.0.113.1", ""), &mut Tally::default());
            observation.event.fields.text(core::ENRICHED_GEO_CITY).map(str::to_owned)
        };
        assert_eq!(city(&mut observer).as_deref(), Some("Lisbon"));
        observer.set_geoip(geoip("Porto"));
        assert_eq!(city(&mut observer).as_deref(), Some("Porto"));
    }

    #[test]
    fn only_fields_that_a_rule_reads_are_written() {
        let geoip = geoip("Lisbon");
        let mut reads =
            Observer::new(table(&["enriched.user.login", "enriched.ip.private"]), Arc::clone(&geoip));
        let fields = reads.observe(from("203.0.113.1", ""), &mut Tally::default()).event.fields;
        assert_eq!(fields.text(core::ENRICHED_USER_LOGIN), Some("ana@example.com"));
        assert_eq!(fields.boolean(core::ENRICHED_IP_PRIVATE), Some(false));
        assert!(!fields.exists(core::ENRICHED_USER_ID) && !fields.exists(core::ENRICHED_GEO_COUNTRY));
    }
}
