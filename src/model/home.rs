//! Where does a user's machine stand, and did it speak by itself?

use std::net::IpAddr;

use compact_str::CompactString;

use super::words;

/// `enriched.keepalive.*`: of an event that a machine sent by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeepaliveFacts {
    /// What says so.
    pub reason: KeepaliveReason,
    /// Its period in seconds; 0 while it is not known.
    pub period_s: i64,
    /// Clusters of the machine so far, with this one.
    pub clusters: u32,
    /// Which machine: a digest of its device or user agent.
    pub emitter: u32,
    /// Machines that send at the same time, with this one.
    pub machines: u32,
}

impl KeepaliveFacts {
    /// `enriched.keepalive.emitter`
    pub fn name(&self) -> String {
        format!("{:08x}", self.emitter)
    }
}

words! {
    /// `enriched.keepalive.reason`
    KeepaliveReason {
        /// A user agent of `keepalive.agents`.
        #[default]
        UserAgent = "user_agent",
        /// It comes in a constant period.
        Rhythm = "rhythm",
    }
}

/// `enriched.home.*`: where the user's machine sends its keep-alives from.
#[derive(Clone, Debug, PartialEq)]
pub struct HomeFacts {
    /// Address of the latest cluster there.
    pub ip: IpAddr,
    /// Its autonomous system; 0 where that is not known.
    pub asn: u32,
    /// Its country, ISO 3166-1 alpha-2; empty where that is not known.
    pub country: CompactString,
    /// Its city; empty where that is not known.
    pub city: CompactString,
    /// Since when keep-alives come from that network, ms.
    pub since_ms: i64,
    /// Seconds since the latest cluster there.
    pub ago_s: i64,
    /// How sure that is.
    pub confidence: HomeConfidence,
    /// The event is by the user's own agent from there.
    pub here: bool,
    /// The event is by the user's own agent from another place, while keep-alives go on at home.
    pub elsewhere: bool,
    /// Distance of the event from home, km, where both are on the map.
    pub km: Option<f64>,
}

words! {
    /// `enriched.home.confidence`
    HomeConfidence {
        /// No keep-alive came in the last period: the machine may be off, or gone.
        #[default]
        Low = "low",
        /// They go on.
        Medium = "medium",
        /// They go on, and have for [`crate::limits::HOME_CLUSTERS`] clusters.
        High = "high",
    }
}
