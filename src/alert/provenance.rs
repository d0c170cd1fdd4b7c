//! Which databases, rules and product version stand behind an alert?

use crate::enrich::GeoIp;
use crate::rule::RuleSet;

/// Where what an alert says came from; fixed until files or rules are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The GeoIP databases in use.
    pub databases: Vec<Database>,
    /// Digest of all rules' meanings.
    pub rules_digest: String,
}

/// One GeoIP database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// What it is asked for.
    pub role: DatabaseRole,
    /// The type it declares: `GeoLite2-City`
    pub kind: String,
    /// Its file.
    pub path: String,
    /// When it was built, ms since the epoch.
    pub built_ms: i64,
}

/// What a database is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DatabaseRole {
    /// Locations.
    #[default]
    City,
    /// Autonomous systems.
    Asn,
    /// Anonymisers.
    Anonymous,
}

impl DatabaseRole {
    /// From the configuration's key.
    fn of(key: &str) -> Self {
        match key {
            "geoip.asn" => Self::Asn,
            "geoip.anonymous" => Self::Anonymous,
            _ => Self::City,
        }
    }
}

/// The product's version, as alerts declare it.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Provenance {
    /// What stands behind the alerts of a run.
    pub fn of(geoip: &GeoIp, rules: &RuleSet) -> Self {
        let databases = geoip.databases().iter().map(|info| Database {
            role: DatabaseRole::of(info.key),
            kind: info.database_type.clone(),
            path: info.path.display().to_string(),
            built_ms: i64::try_from(info.build_epoch).unwrap_or_default().saturating_mul(1_000),
        });
        Self { databases: databases.collect(), rules_digest: rules.digest.clone() }
    }

    pub(super) fn database(&self, role: DatabaseRole) -> Option<&Database> {
        self.databases.iter().find(|database| database.role == role)
    }
}
