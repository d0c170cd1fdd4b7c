//! What can be said of an event by itself?

use std::net::IpAddr;
use std::sync::Arc;

use super::cache::Cache;
use super::fill::Filler;
use super::geo::{Asked, Decoded, GeoIp};
use super::okta::Told;
use super::{address, who};
use crate::limits;
use crate::model::{Event, FieldId, FieldTable, Fields, Observation, Place, Tally, core};

/// The stateless part: place and ip facts.
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
    place: Arc<Place>,
    asked: Asked,
    /// The same with what Okta added to it when it was last seen.
    with_told: Option<Arc<Place>>,
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
        let place = address.map(|address| self.place(address, &event.fields, tally));
        fill(&self.table, &mut event, place.as_deref());
        Observation { event, place }
    }

    /// The place of an address, shared by all events of which the same is known.
    fn place(&mut self, address: IpAddr, fields: &Fields, tally: &mut Tally) -> Arc<Place> {
        if self.places.get(&address).is_none() {
            let (place, asked) = self.geoip.look_up(address, &mut self.decoded);
            self.places.insert(address, Known { place: Arc::new(place), asked, with_told: None });
        }
        let Some(known) = self.places.get(&address) else { return Arc::default() };
        match known.asked {
            Asked::Found => tally.geoip_found += 1,
            Asked::Missed => tally.geoip_missed += 1,
            Asked::Not => {}
        }
        known.with(fields)
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
    if let Some(place) = place {
        filler.place(place);
    }
}

impl Known {
    /// The place with what the event's own fields add to it.
    fn with(&mut self, fields: &Fields) -> Arc<Place> {
        let told = Told::read(fields, &self.place);
        if told.is_empty() {
            return Arc::clone(&self.place);
        }
        if let Some(made) = self.with_told.as_ref().filter(|made| told.made(&self.place, made)) {
            return Arc::clone(made);
        }
        let made = Arc::new(told.add_to(&self.place));
        self.with_told = Some(Arc::clone(&made));
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
