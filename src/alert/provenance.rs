//! Which databases, rules and product version stand behind an alert?

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

/// The product's version, as alerts declare it.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Provenance {
    pub(super) fn database(&self, role: DatabaseRole) -> Option<&Database> {
        self.databases.iter().find(|database| database.role == role)
    }
}
