//! How does state outlive the process that holds it?
//!
//! A shard's state is tables of keys. Now and then it says which keys changed, as [`Change`]s: the key with
//! what is held of it now, or with nothing when it is gone. In between it says what it took in, under keys of
//! a journal. Whoever applies them in their order to an empty shard, all of them or only the last of each key,
//! has the same shard. So a compacted topic can hold them, and what a shard does next does not depend on
//! whether it was moved.
//!
//! Values are written field by field with a version in front ([`codec`]): no names, numbers as short as
//! they are, fields of events by their path where they are not of the core set, as another process may
//! number those differently.

pub mod apart;
pub mod chunked;
pub mod codec;
mod facts;
mod pages;
mod reader;
mod shapes;
mod shown;
mod standing;

pub use crate::model::Change;
pub use apart::{Apart, Dirty, Part};
pub use codec::{Corrupt, Durable, Writer, apart, whole, written};
pub use facts::write_event;
pub use pages::Pages;
pub use reader::{Names, Reader, split};
pub use shapes::{read_id, write_id};
pub use shown::kept;
pub use standing::{Order, Proof, Standing, Touch};
