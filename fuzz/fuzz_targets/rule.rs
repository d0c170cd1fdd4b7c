//! Does any text as a rule file make the loader panic, or take longer or more room than it may?
//!
//! `fuzz/seeds.py && cargo +nightly fuzz run rule -- -dict=fuzz/rule.dict -timeout=10 -rss_limit_mb=1024`
#![no_main]

#[path = "../entry.rs"]
#[allow(dead_code, reason = "the other target uses the rest")]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::rule(bytes);
});
