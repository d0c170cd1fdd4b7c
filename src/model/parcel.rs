//! What do shards tell each other?

use std::sync::Arc;

use super::{Match, Notice, Observation, RuleIndex};

/// Something for a shard, from another or from whoever reads the input.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The shard it is for.
    pub to: u32,
    /// What it is.
    pub cargo: Cargo,
}

/// What is in a parcel.
#[derive(Clone, Debug)]
pub enum Cargo {
    /// An event by an actor of the shard.
    Observation(Box<Observation>),
    /// What somebody else did to a user of the shard.
    Notice(Box<Notice>),
    /// A match of one of a rule's branches, for the one key of the rule that lives in the shard; or a
    /// detection's own match, whose alert belongs to something that lives there.
    Match {
        /// Who takes it.
        consumer: RuleIndex,
        /// The match.
        matched: Box<Match>,
    },
    /// How far an input partition is read.
    Read {
        /// Its topic.
        topic: Arc<str>,
        /// Its number.
        partition: i32,
        /// The highest `published` so far, ms; `None` before the first event.
        highest_ms: Option<i64>,
        /// It is read to its end and quiet.
        idle: bool,
        /// The offset after the last record that was read. Of what was sent straight to a shard, some may
        /// be from behind it.
        next: i64,
    },
    /// How far a shard has decided, by level: none of its matches that it sends from now on is
    /// from before, less what its rules wait.
    Decided {
        /// Which shard.
        shard: u32,
        /// For each level, ms.
        upto_ms: Vec<Option<i64>>,
        /// The watermark at which the last of what waits there can be decided, ms.
        waits_until_ms: Option<i64>,
    },
}
