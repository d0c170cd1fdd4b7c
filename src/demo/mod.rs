//! What does a small company's day look like in Okta's log?
//!
//! Seeded and without a clock: the same seed and start give the same day, byte for byte. Addresses
//! and autonomous systems are those reserved for documentation.

mod company;
mod day;
mod event;
mod incidents;
mod random;
mod wrap;

pub use company::{COMPANY, Place, Vantage};
pub use day::{Sample, day};
