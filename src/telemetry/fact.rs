//! What happens that somebody outside should know of?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::WorkerState;
use crate::model::{DeadLetterReason, RuleInfo, Tally};

/// Something that happened. [`super::Telemetry::observe`] alone decides what it does to metrics and
/// what it says in the log.
#[derive(Debug)]
pub enum Fact<'a> {
    /// The service begins with these rules.
    Started {
        /// The product's version.
        version: &'a str,
        /// Digest of the meaning of all rules.
        digest: &'a str,
    },
    /// Changed rules or lists were loaded; every worker takes them up between two transactions.
    RulesLoaded {
        /// Digest of the meaning of all rules.
        digest: &'a str,
        /// How many rules there are.
        rules: usize,
        /// How many of them are new.
        added: usize,
        /// How many mean something else than before.
        changed: usize,
        /// How many are gone.
        removed: usize,
    },
    /// A worker took up the rules.
    RulesTaken {
        /// The worker.
        worker: usize,
        /// Correlations whose windows go on.
        kept: usize,
        /// Correlations whose windows begin empty.
        anew: usize,
        /// Too many fields have come and gone: all windows begin empty.
        overflow: bool,
    },
    /// Changed rules or lists are not good; the ones in use stay.
    RulesFailed {
        /// How many mistakes there are.
        errors: usize,
        /// The first of them.
        error: &'a str,
    },
    /// An exception of a rule takes nothing out any more.
    ExceptionExpired {
        /// The rule.
        rule: &'a str,
        /// Its last day.
        until: &'a str,
        /// Who answers for it.
        owner: &'a str,
    },
    /// The service ends in good order.
    Stopped,
    /// It was asked to stop.
    StopRequested {
        /// By what: `SIGTERM`.
        by: &'a str,
    },
    /// Metrics and health are served.
    Listening {
        /// Where.
        address: &'a str,
    },
    /// A worker went from one state to another.
    WorkerMoved {
        /// Which.
        worker: usize,
        /// From this state.
        from: WorkerState,
        /// To that one.
        to: WorkerState,
        /// Why; may be empty.
        why: &'a str,
    },
    /// A topic was created.
    TopicCreated {
        /// Its name.
        topic: &'a str,
        /// Its partitions.
        partitions: i32,
        /// Its replicas.
        replication: i32,
    },
    /// An input topic is not there; it is waited for.
    InputMissing {
        /// Its name.
        topic: &'a str,
    },
    /// Whether the changelog is compacted cannot be asked.
    CompactionUnknown {
        /// Its name.
        topic: &'a str,
    },
    /// The group gave a worker partitions.
    Assigned {
        /// The worker.
        worker: usize,
        /// Topic and partition of each.
        partitions: &'a [(Arc<str>, i32)],
    },
    /// The group took partitions away.
    Revoked {
        /// The worker.
        worker: usize,
        /// Topic and partition of each.
        partitions: &'a [(Arc<str>, i32)],
        /// They were gone before the worker could finish them.
        lost: bool,
    },
    /// The state of a shard is being read.
    Restoring {
        /// For this worker.
        worker: usize,
        /// Which.
        shard: u32,
        /// Records read so far.
        records: u64,
        /// The offset at which the changelog ends; offsets have gaps.
        end: i64,
    },
    /// A shard is what it was.
    Restored {
        /// For this worker.
        worker: usize,
        /// Which.
        shard: u32,
        /// Records read.
        records: u64,
        /// Steps since the last checkpoint, done again.
        steps: usize,
        /// Keys of rules that this process does not have.
        skipped: usize,
        /// How long it took.
        seconds: f64,
    },
    /// How many partitions a worker was assigned and cannot read yet.
    Arriving {
        /// The worker.
        worker: usize,
        /// Shards that are being restored.
        shards: usize,
        /// Input partitions whose place is being looked up.
        inputs: usize,
    },
    /// The engine took a batch.
    Stepped {
        /// The worker.
        worker: usize,
        /// For how long.
        seconds: f64,
    },
    /// A step that nothing had to be committed for: time passed.
    Counted {
        /// What the engine counted.
        tally: &'a Tally,
        /// The rules that it counts by place.
        rules: &'a [Arc<RuleInfo>],
    },
    /// A batch was committed.
    Committed {
        /// The worker.
        worker: usize,
        /// From the transaction's begin.
        seconds: f64,
        /// What was in it.
        account: &'a Account,
    },
    /// A transaction ended otherwise.
    Setback {
        /// The worker.
        worker: usize,
        /// How it ended.
        outcome: Outcome,
        /// The operation that failed.
        operation: &'a str,
        /// The cluster's words.
        error: &'a str,
    },
    /// A worker forgot its state.
    BatchLost {
        /// The worker.
        worker: usize,
        /// Records of the batch that was not committed; they are read again.
        records: u64,
        /// Why.
        why: &'a str,
    },
    /// An output record was too large for the broker and goes out shortened.
    Shrunk {
        /// Its topic.
        topic: &'a str,
        /// Its size before.
        bytes: usize,
        /// What is sent in its place.
        into: &'a str,
    },
    /// How far a partition is behind.
    Lag {
        /// Topic.
        topic: &'a str,
        /// Partition.
        partition: i32,
        /// Records that are readable and not yet committed; never negative.
        records: i64,
    },
    /// How much a worker's shard holds.
    Holding {
        /// The worker.
        worker: usize,
        /// Now, ms since the epoch.
        now_ms: i64,
        /// What.
        gauges: &'a Gauges,
    },
    /// A worker lost the cluster.
    ClusterDown {
        /// The worker.
        worker: usize,
        /// The cluster's or the client's words.
        error: &'a str,
    },
    /// A worker reaches the cluster again.
    ClusterUp {
        /// The worker.
        worker: usize,
    },
    /// The consumer reported an error that it copes with.
    ConsumerError {
        /// The worker.
        worker: usize,
        /// Its words.
        error: &'a str,
    },
    /// The GeoIP databases were read.
    GeoIpLoaded {
        /// After a change, not at the start.
        again: bool,
        /// The key of each in the configuration, and when it was built, seconds since the epoch.
        built: &'a [(&'a str, u64)],
    },
    /// Changed GeoIP databases could not be read; the ones in use stay.
    GeoIpFailed {
        /// Why.
        error: &'a str,
    },
    /// librdkafka says something.
    Library {
        /// How bad.
        level: tracing::Level,
        /// Its word for the kind of line.
        facility: &'a str,
        /// The line.
        text: &'a str,
    },
}

/// How a transaction ended that was not known to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was known to commit.
    Committed,
    /// Undone; the same batch is tried again.
    Aborted,
    /// Nobody can say yet; the committed offsets will tell.
    Unknown,
    /// Another instance took over.
    Fenced,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Committed, Self::Aborted, Self::Unknown, Self::Fenced];

    /// The word in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
            Self::Fenced => "fenced",
        }
    }
}

/// What one committed batch held: counted once, however often it had to be tried.
#[derive(Debug, Default)]
pub struct Account {
    /// Records of the input and their bytes, by topic and partition.
    pub consumed: BTreeMap<(Arc<str>, i32), (u64, u64)>,
    /// Parcels between shards.
    pub parcels: Parcels,
    /// Keys of state that were written to the changelog, and their bytes.
    pub changes: (u64, u64),
    /// What the engine counted.
    pub tally: Tally,
    /// The rules that it counts by place.
    pub rules: Arc<[Arc<RuleInfo>]>,
    /// Alerts, by the rule's name.
    pub alerts: BTreeMap<Arc<str>, (Arc<RuleInfo>, u64)>,
    /// Dead letters, by reason.
    pub dead_letters: BTreeMap<DeadLetterReason, u64>,
}

/// How many parcels between shards took which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parcels {
    /// Read from the repartition topic.
    pub received: u64,
    /// Written to it.
    pub sent: u64,
    /// Bytes written to it.
    pub bytes: u64,
    /// Taken straight to a shard of the same worker.
    pub direct: u64,
}

impl Account {
    /// Input records in it.
    pub fn records(&self) -> u64 {
        self.consumed.values().map(|(records, _)| records).sum()
    }
}

/// How much a shard holds and how far it is in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// Okta sessions.
    pub sessions: usize,
    /// Users.
    pub users: usize,
    /// What else is known of users, principals and tokens, by table.
    pub entries: Vec<(&'static str, usize)>,
    /// Shards held.
    pub shards: usize,
    /// Event time up to which the stream is taken to be complete, ms.
    pub watermark_ms: Option<i64>,
    /// `published` of the newest event of each partition, ms.
    pub newest_ms: Vec<(Arc<str>, i32, i64)>,
    /// Keys held, by the rule's name.
    pub keys: Vec<(Arc<str>, usize)>,
}
