//! How does an Okta event become an alert?
//!
//! # The way of one event
//!
//! 1. A collector writes a record. [`kafka`] polls it, or [`replay`] reads it from a file: a
//!    [`RawRecord`](model::RawRecord), bytes with a position. Nothing of it is understood yet.
//! 2. [`source`] takes the envelope off, however many there are within each other, and walks each
//!    log event once along a trie of the fields that this run reads: an [`Event`](model::Event). What
//!    cannot be understood becomes a [`DeadLetter`](model::DeadLetter) with its reason.
//! 3. [`enrich`] says of the event what can be said of it alone, an
//!    [`Observation`](model::Observation): where its address is, whose, and who acts. Then what
//!    follows from the events before, an [`Enriched`](model::Enriched) event: its session, its user,
//!    the way from the user's place before.
//! 4. [`rule`] holds the compiled Sigma documents. The event's type names the detections that could
//!    match; each that does gives a [`Match`](model::Match).
//! 5. [`correlate`] puts matches into windows by event time, one series a rule and key, and says
//!    which windows came true. A correlation's match may feed another.
//! 6. [`alert`] keeps the evidence, makes the [`Alert`](model::Alert)'s id and its sentence, masks what
//!    must not be shown, and gives it the shape a SIEM reads.
//! 7. [`engine::Shard::step`] is all of 2 to 6: a batch of [`Input`](model::Input)s in, the
//!    [`Effects`](model::Effects) out. It reads no clock, no file and no environment; time and files
//!    enter as data. So `run`, `demo`, `replay` and `test` cannot disagree.
//! 8. [`kafka`] commits what a step asked for together with the offsets of what it read, in one
//!    transaction. [`run`](mod@run) has the threads, the signals and [`http`]; [`telemetry`] turns facts into
//!    log lines and metrics, both at once.
//!
//! # Many shards
//!
//! The state of all keys is parted among shards. [`engine::Member`] is what one worker runs: an
//! [`Intake`](engine::Intake) does 2 and 3 for the partitions that the worker reads and sends each event to the
//! [`Shard`](engine::Shard) of its actor; a match of another key goes on to that key's shard as a
//! [`Parcel`](model::Parcel). [`engine::Wire`] makes bytes of parcels for the repartition topic, [`state`] makes
//! bytes of what a shard holds, for the changelog.
//!
//! # Floors
//!
//! A module uses only what stands below it: [`error`], [`limits`], [`text`]; [`model`]; [`config`], [`state`];
//! [`telemetry`], [`source`], [`enrich`], [`rule`]; [`correlate`]; [`alert`]; [`engine`]; [`suite`],
//! [`replay`], [`demo`], [`kafka`], [`http`]; [`run`](mod@run); [`cli`]. A test holds the rule.

pub mod alert;
pub mod cli;
pub mod config;
pub mod correlate;
pub mod demo;
pub mod engine;
pub mod enrich;
pub mod error;
pub mod http;
pub mod kafka;
pub mod limits;
pub mod model;
pub mod replay;
pub mod rule;
pub mod run;
pub mod source;
pub mod state;
pub mod suite;
pub mod telemetry;
pub mod text;
