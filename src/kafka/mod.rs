//! How do records come from Kafka and alerts go there, exactly once?
//!
//! One worker is one thread with one consumer and one transactional producer. More threads and more
//! processes are the same thing: members of one consumer group, which spreads over them the partitions of
//! the input and those of the repartition topic, one for each shard. Each round of a worker reads a batch,
//! steps its [`Member`](crate::engine::Member), and commits what that asked for together with the offsets
//! of what it read, in one transaction: alerts, dead letters, what goes on to other shards, and what
//! changed in its own.
//!
//! What is in memory is ahead of what is committed for as long as a transaction is under way. So a
//! batch that was not committed is not stepped again: it is kept as it is and tried again, with the
//! same records and the same offsets, through outages of any length. After a commit whose answer
//! was lost, a tag beside the committed offsets says whether it happened.

mod arrivals;
mod backoff;
mod batch;
mod client;
mod clock;
mod context;
mod embedded;
mod gather;
mod positions;
mod reaction;
mod rebalance;
mod restore;
mod session;
mod settle;
mod shared;
mod sink;
mod stage;
mod survey;
mod topics;
mod worker;

pub use client::{Role, properties};
pub use clock::{steady_ms, wall_ms};
pub use embedded::Embedded;
pub use shared::Shared;
pub use stage::Stage;
pub use survey::survey;
pub use topics::{Trouble, ensure};
pub use worker::run as run_worker;
