//! Which mistakes can a worker of the simulation make on purpose?

/// Something that the service must not do. Each has to be found by the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Committed offsets are one too low: a record is taken again after a move.
    OffsetsBehind,
    /// Committed offsets are one too high: a record is left out after a move.
    OffsetsAhead,
    /// A shard is restored from what can be read, though a transaction is still open in its changelog.
    RestoresEarly,
    /// The group's offsets are taken as they are, though a transaction may still move them.
    OffsetsEarly,
    /// A shard is restored without the ids of the events it has seen.
    ForgetsIds,
    /// A shard is restored from its tables alone, without the steps since the last checkpoint.
    ForgetsSteps,
    /// A batch whose commit had no answer is sent again without asking whether it was committed.
    SendsTwice,
    /// Offsets are committed by themselves, after the transaction.
    OffsetsApart,
    /// The cluster takes offsets of any generation.
    BelievesZombies,
    /// A batch that was not committed is read and stepped again.
    StepsAgain,
    /// How far partitions and shards are goes straight to shards in the same member.
    ShortClaims,
    /// The cleaner removes a tombstone before what it stands for.
    CarelessCleaner,
    /// The repartition topic is read without asking for its records to be committed.
    DirtyReads,
    /// Changes are written outside of the transaction.
    ChangesApart,
    /// A member that has lost its partitions goes on delivering the batch it has.
    KeepsBatch,
    /// Partitions are handed over before the batch that was read from them is committed.
    HandsOverEarly,
}
