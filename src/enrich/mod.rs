//! What does an event mean beside what it says?
//!
//! In two steps. The [`Observer`] says what can be said of the event alone: whose its address is
//! and where, and who acts. The [`Context`] adds what follows from the events before: of the
//! session, of the user, and the way from the user's place before. Both write the fields under
//! `enriched.` that a rule of the run reads, and no others.

mod account;
mod act;
mod actor;
mod address;
mod agent;
mod asked;
mod beats;
mod cache;
mod causes;
mod commute;
mod console;
mod context;
mod countries;
mod database;
mod fill;
mod gateway;
mod geo;
mod granter;
mod habits;
mod history;
mod hours;
mod keepalive;
mod known;
mod layout;
mod listed;
mod machine;
mod machines;
mod notice;
mod observe;
mod okta;
mod own_address;
mod principal;
mod principals;
mod probe;
mod role;
mod routine;
mod session;
mod sites;
mod system;
mod table;
#[cfg(test)]
mod testing;
mod token;
mod told;
mod trace;
mod travel;
mod user;
#[cfg(test)]
mod weight;
mod who;

pub use context::Context;
pub use database::DatabaseInfo;
pub use geo::GeoIp;
pub use notice::notices;
pub use observe::{Observer, fill, is_filled};
pub use who::{actor_key, login_key};
