//! What goes into one step of the engine, and what comes out?

use std::sync::Arc;

use super::{Alert, Cargo, Change, Enriched, Event, Parcel, Position, RawRecord, RuleIndex, Shared};

/// One thing a shard is told. Time, files and rules enter as data, so that a run can be repeated.
#[derive(Clone, Debug)]
pub enum Input {
    /// A record of an input topic or file.
    Record(RawRecord),
    /// An event that was decoded before, as a replay sorts them: all of them are one source, and the
    /// watermark follows them.
    Event(Event),
    /// What another shard sent, or whoever reads the input.
    Parcel(Cargo),
    /// The wall clock, ms since the epoch. A replay sends none: there, events alone move time.
    Tick {
        /// Now.
        now_ms: i64,
    },
    /// The partition is read from now on: no event is late before its first one came, so that the
    /// partitions of a backlog may be read at different speeds. Whoever reads several partitions
    /// should say so of all before their first record; of an empty one, [`Input::Idle`] follows.
    Assigned {
        /// Topic.
        topic: Arc<str>,
        /// Partition.
        partition: i32,
        /// The offset at which reading begins; 0 where nobody read before.
        next: i64,
        /// The highest `published` of what was read before, by whomever, ms.
        highest_ms: Option<i64>,
    },
    /// The partition is read to its end and has been quiet for the idle timeout: it no longer
    /// holds the watermark back until its next record.
    Idle {
        /// Topic.
        topic: Arc<str>,
        /// Partition.
        partition: i32,
    },
    /// The recording is complete up to an instant: nothing of that time or before comes any more, so
    /// that what waits for the end of a window which ended by then is decided. Only a recording can
    /// say so; a run has [`Input::Idle`] and the clock.
    Complete {
        /// The instant, ms since the epoch.
        upto_ms: i64,
    },
    /// The partition belongs to another member now: it no longer counts for the watermark.
    Revoked {
        /// Topic.
        topic: Arc<str>,
        /// Partition.
        partition: i32,
    },
}

/// What one step asks the rim to do, all of it in one transaction.
#[derive(Debug, Default)]
pub struct Effects {
    /// Alerts to produce, in the order in which they came true.
    pub alerts: Vec<Alert>,
    /// Records that could not be understood.
    pub dead_letters: Vec<DeadLetter>,
    /// Every event with what was added, when the enriched output is on.
    pub enriched: Vec<Shared<Enriched>>,
    /// What other shards are to be told, in this order.
    pub parcels: Vec<Parcel>,
    /// Keys of the shard's state that changed, when somebody keeps them.
    pub changes: Vec<Change>,
    /// What to count.
    pub tally: Tally,
}

/// A record that could not be understood, whole or in part.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Where it stands.
    pub position: Position,
    /// The record's timestamp.
    pub timestamp_ms: Option<i64>,
    /// Why, as a word that metrics count.
    pub reason: DeadLetterReason,
    /// Why, in a sentence.
    pub detail: String,
    /// The original bytes: the whole record, or the one element of it that was bad.
    pub payload: Vec<u8>,
    /// The original key.
    pub key: Option<Vec<u8>>,
}

/// Why a record went to the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeadLetterReason {
    /// Not JSON, or JSON that breaks off.
    NotJson,
    /// JSON, but no envelope that is known and no Okta event.
    UnknownEnvelope,
    /// Another product's schema (OCSF, UDM, Auth0, …).
    OtherSchema,
    /// A binary or compressed encoding that is not read.
    UnsupportedEncoding,
    /// Larger than `input.max_record_bytes`, or larger when unpacked.
    TooLarge,
    /// Envelopes in envelopes, deeper than is followed.
    TooDeep,
    /// An Okta event without what makes it one (`eventType`, `published`).
    Incomplete,
    /// An error report of the collector, not an event.
    CollectorError,
    /// A record of the repartition topic that no version of this program wrote which this one knows.
    NotAParcel,
}

impl DeadLetterReason {
    /// Every reason, for metrics that exist before they first count.
    pub const ALL: [Self; 9] = [
        Self::NotJson,
        Self::UnknownEnvelope,
        Self::OtherSchema,
        Self::UnsupportedEncoding,
        Self::TooLarge,
        Self::TooDeep,
        Self::Incomplete,
        Self::CollectorError,
        Self::NotAParcel,
    ];

    /// The word in the `reason` header and metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::UnknownEnvelope => "unknown_envelope",
            Self::OtherSchema => "other_schema",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::Incomplete => "incomplete",
            Self::CollectorError => "collector_error",
            Self::NotAParcel => "not_a_parcel",
        }
    }
}

/// What one step counted. Plain numbers: the rim turns them into metrics.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Records read.
    pub records: u64,
    /// Events decoded.
    pub events: u64,
    /// Events seen before under the same uuid.
    pub duplicates: u64,
    /// Events older than the watermark: judged by single-event rules only.
    pub late: u64,
    /// Events with a `published` further ahead than the clock skew allows.
    pub from_the_future: u64,
    /// Envelopes that hold something else than log events on purpose (another sourcetype).
    pub skipped: u64,
    /// Events mapped back from another schema.
    pub lossy: u64,
    /// Client addresses found in the GeoIP database.
    pub geoip_found: u64,
    /// Client addresses not found there.
    pub geoip_missed: u64,
    /// Matches, by rule.
    pub matches: Vec<(RuleIndex, u64)>,
    /// Matches that an exception of the rule took out, by rule.
    pub excepted: Vec<(RuleIndex, u64)>,
    /// Satisfying windows folded into an alert that was raised before, by rule.
    pub suppressed: Vec<(RuleIndex, u64)>,
    /// Events a correlation could not use because a group-by field was missing, by rule.
    pub ungrouped: Vec<(RuleIndex, u64)>,
    /// Keys or events dropped at a bound, by rule.
    pub evicted: Vec<(RuleIndex, u64)>,
    /// Entries dropped at a bound in the tables of sessions, users and uuids, and in what one user holds
    /// of sessions and places.
    pub evicted_state: Vec<(&'static str, u64)>,
    /// Matches that another process sent for a rule that this one does not have.
    pub unroutable: u64,
    /// Invariants that did not hold: each is a mistake in the program.
    pub invariants: u64,
}

impl Tally {
    /// Adds to a rule's count in one of the lists.
    pub fn add(list: &mut Vec<(RuleIndex, u64)>, rule: RuleIndex, n: u64) {
        count(list, rule, n);
    }

    /// Adds what another step counted.
    pub fn merge(&mut self, other: &Self) {
        let numbers = [
            (&mut self.records, other.records),
            (&mut self.events, other.events),
            (&mut self.duplicates, other.duplicates),
            (&mut self.late, other.late),
            (&mut self.from_the_future, other.from_the_future),
            (&mut self.skipped, other.skipped),
            (&mut self.lossy, other.lossy),
            (&mut self.geoip_found, other.geoip_found),
            (&mut self.geoip_missed, other.geoip_missed),
            (&mut self.unroutable, other.unroutable),
            (&mut self.invariants, other.invariants),
        ];
        for (number, more) in numbers {
            *number += more;
        }
        let lists = [
            (&mut self.matches, &other.matches),
            (&mut self.excepted, &other.excepted),
            (&mut self.suppressed, &other.suppressed),
            (&mut self.ungrouped, &other.ungrouped),
            (&mut self.evicted, &other.evicted),
        ];
        for (list, more) in lists {
            more.iter().for_each(|(rule, n)| count(list, *rule, *n));
        }
        other.evicted_state.iter().for_each(|(table, n)| self.evict(table, *n));
    }

    /// Counts entries that had to go from a table of state.
    pub fn evict(&mut self, table: &'static str, n: u64) {
        if n > 0 {
            count(&mut self.evicted_state, table, n);
        }
    }
}

fn count<K: PartialEq>(list: &mut Vec<(K, u64)>, key: K, n: u64) {
    match list.iter_mut().find(|(other, _)| *other == key) {
        Some((_, count)) => *count += n,
        None => list.push((key, n)),
    }
}
