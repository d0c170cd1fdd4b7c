//! Which events does a backlog consist of?

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use oktawatch::demo;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;

use crate::PARTITIONS;
use crate::events::{self, Day};

/// What happens in it.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// The sample day of many companies: of sixty events, one leads to an alert, and no user comes often.
    Day,
    /// Ordinary weeks of one company.
    Ordinary,
}

impl Stream {
    pub const ALL: [Self; 2] = [Self::Day, Self::Ordinary];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Ordinary => "ordinary",
        }
    }

    pub fn topic(self) -> &'static str {
        match self {
            Self::Day => "okta-events",
            Self::Ordinary => "okta-ordinary-events",
        }
    }

    fn events(self, number: usize) -> Vec<Vec<u8>> {
        match self {
            Self::Day => Day::new().events(number).collect(),
            Self::Ordinary => events::ordinary(number).collect(),
        }
    }

    /// Adds to the configuration what is known of the places where the events come from: of a company whose
    /// networks are made up, its own database and its sites.
    pub fn place(self, file: &Path) {
        let Self::Ordinary = self else { return };
        let city = file.with_extension("mmdb");
        std::fs::write(&city, demo::databases(0).unwrap().city).unwrap();
        let mut text = std::fs::read_to_string(file).unwrap();
        let start = text.find("city = ").unwrap();
        let end = text[start..].find('\n').unwrap() + start;
        text.replace_range(start..end, &format!("city = {city:?}\n{}", sites()));
        std::fs::write(file, text).unwrap();
    }

    /// Produces the events to partitions as chance has it, and says how many bytes they are.
    pub fn produce(self, brokers: &str, number: usize) -> usize {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("linger.ms", "20")
            .set("compression.type", "lz4")
            .create()
            .unwrap();
        let (mut bytes, mut chance) = (0, 1_u32);
        for payload in self.events(number) {
            bytes += payload.len();
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let partition = (chance >> 16) as i32 % PARTITIONS;
            let mut record = BaseRecord::<(), _>::to(self.topic()).partition(partition).payload(&payload);
            while let Err((error, back)) = producer.send(record) {
                assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                producer.poll(Duration::from_millis(20));
                record = back;
            }
        }
        producer.flush(Duration::from_secs(60)).unwrap();
        bytes
    }
}

/// The company's offices and its VPN, as they stand in a configuration.
fn sites() -> String {
    let mut text = String::new();
    for site in demo::week_sites() {
        write!(text, "\n[[geoip.sites]]\ncidr = {:?}\nname = {:?}", site.cidr, site.name).unwrap();
        if let (Some(country), Some(city), Some(lat), Some(lon)) =
            (site.country, site.city, site.lat, site.lon)
        {
            write!(text, "\ncountry = {country:?}\ncity = {city:?}\nlat = {lat:?}\nlon = {lon:?}").unwrap();
        }
        text.push('\n');
    }
    text
}
