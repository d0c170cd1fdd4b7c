//! What can be set, what is it when nobody sets it, and who set it?
//!
//! Layers, later over earlier: defaults, TOML files, environment (`OKTAWATCH_` with `__` between
//! levels), flags. Unknown keys are errors; every error names its key and its layer.

mod check;
mod keepalive;
mod load;
mod principals;
mod schema;
mod units;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use keepalive::Keepalive;
pub use load::{Layer, Setting, load, settings};
pub use principals::Principals;
pub use schema::config_schema;
pub use units::{Duration, Size};

use crate::limits;
use crate::model::IpRole;

/// Every setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The cluster and how to reach it.
    pub kafka: Kafka,
    /// Where events come from.
    pub input: Input,
    /// Where alerts go.
    pub output: Output,
    /// The product's own topics.
    pub state: State,
    /// How work is done.
    pub engine: Engine,
    /// How time passes.
    pub time: Time,
    /// Which rules run.
    pub rules: Rules,
    /// Where addresses are.
    pub geoip: GeoIp,
    /// Who acts, where the organisation knows better than the log.
    pub principals: Principals,
    /// What users' machines send by themselves.
    pub keepalive: Keepalive,
    /// Health and metrics.
    pub http: Http,
    /// What is written to stderr.
    pub log: Log,
    /// Every bound that a site may need to move.
    pub limits: Limits,
}

/// `[kafka]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kafka {
    /// Bootstrap servers, `host:port`, comma-separated.
    pub brokers: String,
    /// Consumer group; also the stem of the transactional ids.
    pub group: String,
    /// How this client names itself to the brokers.
    pub client_id: String,
    /// Stable name of this instance: static membership and a stable transactional id across
    /// restarts. Empty: the host name and process id, without static membership.
    pub instance_id: String,
    /// Any librdkafka property; a key that ends in `_file` names a file that holds the value.
    #[serde(deserialize_with = "units::properties")]
    pub properties: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: "localhost:9092".to_owned(),
            group: "oktawatch".to_owned(),
            client_id: "oktawatch".to_owned(),
            instance_id: String::new(),
            properties: BTreeMap::new(),
        }
    }
}

/// `[input]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// Topics that hold forwarded Okta events.
    pub topics: Vec<String>,
    /// The tenant all events belong to. Empty: the envelope or `org_header` says.
    pub org: String,
    /// Record header that names the tenant. Empty: none does.
    pub org_header: String,
    /// Where a group without committed offsets begins.
    pub start: Start,
    /// A larger record is a dead letter.
    pub max_record_bytes: Size,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            topics: vec!["okta-events".to_owned()],
            org: String::new(),
            org_header: String::new(),
            start: Start::Earliest,
            max_record_bytes: Size::bytes(limits::RECORD_BYTES),
        }
    }
}

/// Where a group without committed offsets begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the oldest record.
    Earliest,
    /// With the next record.
    Latest,
}

/// `[output]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Topic of alerts.
    pub alerts: String,
    /// Topic of alerts of rules in shadow mode.
    pub shadow: String,
    /// Topic of records that could not be understood.
    pub dead_letters: String,
    /// Topic of every event with its enrichment. Empty: none.
    pub enriched: String,
    /// Shape of an alert.
    pub format: Format,
    /// OCSF version that alerts declare.
    pub ocsf_version: String,
    /// Whether alerts carry the JSON of the event that fired them.
    pub raw_event: bool,
    /// Okta paths whose values outputs show only as a mask.
    pub redact: Vec<String>,
    /// Key of the masks. Empty: masks are so short that no guess at a value can be confirmed.
    pub mask_secret: String,
}

impl Output {
    /// The topics that are written to; one that is empty is off.
    pub fn topics(&self) -> impl Iterator<Item = &String> {
        let topics = [&self.alerts, &self.shadow, &self.dead_letters, &self.enriched];
        topics.into_iter().filter(|topic| !topic.is_empty())
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            alerts: "okta-alerts".to_owned(),
            shadow: "okta-alerts-shadow".to_owned(),
            dead_letters: "okta-dead-letters".to_owned(),
            enriched: String::new(),
            format: Format::Ocsf,
            ocsf_version: "1.8.0".to_owned(),
            raw_event: false,
            redact: Vec::new(),
            mask_secret: String::new(),
        }
    }
}

/// Shape of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// OCSF Detection Finding.
    Ocsf,
    /// Elastic Common Schema.
    Ecs,
    /// Splunk HTTP Event Collector.
    SplunkHec,
    /// One level of keys.
    Flat,
}

/// `[state]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Topic through which what belongs to another shard goes there. It is the group's own, and by
    /// default `<kafka.group>-repartition`.
    pub repartition: String,
    /// Compacted topic of what each shard holds; by default `<kafka.group>-changelog`.
    pub changelog: String,
    /// Whether missing topics are created.
    pub create_topics: bool,
    /// Partitions of the two, which is how many shards there are, and of any other topic that is
    /// created.
    pub partitions: i32,
    /// Replicas of a topic that is created; fewer when the cluster has fewer brokers.
    pub replication: i32,
    /// Keys that changed are written once a shard has taken in this many inputs, and the inputs themselves in
    /// between; with 0, keys are written with each transaction.
    pub checkpoint_inputs: usize,
}

impl State {
    /// The topics that have a partition for each shard.
    pub fn topics(&self) -> [&String; 2] {
        [&self.repartition, &self.changelog]
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            repartition: "oktawatch-repartition".to_owned(),
            changelog: "oktawatch-changelog".to_owned(),
            create_topics: true,
            partitions: 12,
            replication: 3,
            checkpoint_inputs: 10_000,
        }
    }
}

/// `[engine]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Worker threads, each with its own consumer and transactional producer.
    pub workers: usize,
    /// A transaction is begun this often while records arrive, or when the one before has ended.
    pub commit_interval: Duration,
    /// … or when it holds this many records,
    pub commit_records: usize,
    /// … or this many bytes.
    pub commit_bytes: Size,
    /// What is promised.
    pub delivery: Delivery,
    /// Whether what belongs to a shard of the same worker goes there without the repartition topic.
    pub local_fast_path: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            workers: 1,
            commit_interval: Duration::millis(30),
            commit_records: 10_000,
            commit_bytes: Size::bytes(16 * 1024 * 1024),
            delivery: Delivery::ExactlyOnce,
            local_fast_path: true,
        }
    }
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Alerts, dead letters, what goes on to other shards, state and offsets in one transaction.
    ExactlyOnce,
    /// For clusters without transactions: offsets after alerts; repeats have the same id.
    AtLeastOnce,
}

/// `[time]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Time {
    /// How far behind the newest event another may be and still take its place in time.
    pub allowed_lateness: Duration,
    /// A partition that is read to its end and quiet for this long stops holding time back.
    pub idle_timeout: Duration,
    /// How long an event's uuid is remembered, in event time.
    pub dedup_window: Duration,
    /// Events further ahead of the wall clock than this do not move time.
    pub max_clock_skew: Duration,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            allowed_lateness: Duration::secs(300),
            idle_timeout: Duration::secs(30),
            dedup_window: Duration::secs(24 * 3600),
            max_clock_skew: Duration::secs(300),
        }
    }
}

/// `[rules]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Rule files, and folders that are searched for them.
    pub paths: Vec<PathBuf>,
    /// Whether rules and lists that change are taken up without a restart.
    pub reload: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { paths: vec![PathBuf::from("detections")], reload: true }
    }
}

/// `[geoip]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeoIp {
    /// City database in MaxMind format (GeoLite2, GeoIP2, DB-IP, IPinfo). Unset: Okta's own geo.
    /// This and the others may be a folder: all its `*.mmdb` files are one database then, such as
    /// separate files for IPv4 and IPv6.
    pub city: Option<PathBuf>,
    /// ASN database in MaxMind format. Unset: Okta's own `securityContext`.
    pub asn: Option<PathBuf>,
    /// Anonymous-IP database in MaxMind format.
    pub anonymous: Option<PathBuf>,
    /// Named ranges of the organisation.
    pub sites: Vec<Site>,
    /// Whose addresses are, where the organisation knows better.
    pub roles: Vec<RoleRange>,
}

/// Whose an address is: all that is given must hold, and the first entry that does decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRange {
    /// A range or an address.
    #[serde(default)]
    pub cidr: Option<String>,
    /// A user agent, in which `*` stands for anything; upper and lower case are the same. It is what a
    /// client says of itself: safer with a `cidr`.
    #[serde(default)]
    pub agent: Option<String>,
    /// A network zone of Okta's that decided the policy, by its name.
    #[serde(default)]
    pub zone: Option<String>,
    /// `enriched.ip.role`
    pub role: IpRole,
}

impl RoleRange {
    /// Whether it would hold for everything.
    pub fn names_nothing(&self) -> bool {
        self.cidr.is_none() && self.agent.is_none() && self.zone.is_none()
    }
}

/// One named range of the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The range, IPv4 or IPv6.
    pub cidr: String,
    /// Its name: `enriched.ip.site`.
    pub name: String,
    /// Country of the site, ISO 3166-1 alpha-2, for ranges no database knows.
    #[serde(default)]
    pub country: Option<String>,
    /// City of the site.
    #[serde(default)]
    pub city: Option<String>,
    /// Latitude of the site.
    #[serde(default)]
    pub lat: Option<f64>,
    /// Longitude of the site.
    #[serde(default)]
    pub lon: Option<f64>,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address of `/metrics`, `/healthz` and `/readyz`. Empty: none.
    pub listen: String,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9464".to_owned() }
    }
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `oktawatch=debug`.
    pub level: String,
    /// `json` or `text`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// `[limits]`: see [`crate::limits`] for what happens at each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Keys of one correlation.
    pub keys_per_rule: usize,
    /// Events held for one key.
    pub events_per_key: usize,
    /// Okta sessions held.
    pub sessions: usize,
    /// Users held.
    pub users: usize,
    /// API tokens held.
    pub tokens: usize,
    /// Event ids remembered.
    pub uuids: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys_per_rule: limits::KEYS_PER_RULE,
            events_per_key: limits::EVENTS_PER_KEY,
            sessions: limits::SESSIONS,
            users: limits::USERS,
            tokens: limits::TOKENS,
            uuids: limits::UUIDS,
        }
    }
}
