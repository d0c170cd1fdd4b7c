//! Does any rule that loads make the engine panic with any events?
//!
//! `fuzz/seeds.py && cargo +nightly fuzz run evaluate -- -dict=fuzz/rule.dict -timeout=10 -rss_limit_mb=1024`
#![no_main]

#[path = "../entry.rs"]
#[allow(dead_code, reason = "the other target uses the rest")]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::evaluate(bytes);
});
