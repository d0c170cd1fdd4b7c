//! What does the product need to show itself without anybody's data?
//!
//! A day of a small company in Okta's log, a week of a larger one, and GeoIP databases that know its networks. Seeded and
//! without a clock: the same seed and start give the same day, byte for byte. Addresses are those reserved for
//! documentation, and so are the autonomous systems of offices, homes and carriers. Rented servers and exits of VPN
//! services have the numbers of real providers, by which rules know them.

mod company;
mod day;
mod event;
mod geoip;
mod incidents;
pub mod mmdb;
mod random;
mod week;
mod wrap;

pub use company::COMPANY;
pub use day::{Sample, day};
pub use geoip::{Databases, databases, sites};
pub use week::{Week, week, week_sites};
