//! What does the product need to show itself without anybody's data?

pub mod mmdb;
