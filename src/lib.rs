//! How does an Okta event become an alert?
pub mod alert;
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
pub mod rule;
pub mod run;
pub mod source;
pub mod suite;
pub mod telemetry;
pub mod text;
