//! Does any record make the reader panic, hang, or lose the record?
//!
//! `cargo +nightly fuzz run record fuzz/corpus/record tests/envelopes`
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use oktawatch::model::{FieldTable, RawRecord};
use oktawatch::source::{Options, Reader};

/// Fields below strings, so that the decoders of those are reached too.
const BELOW_STRINGS: [&str; 6] = [
    "debugContext.debugData.behaviors.New Device",
    "debugContext.debugData.logOnlySecurityData.risk.level",
    "debugContext.debugData.partnerRisk.level",
    "debugContext.debugData.risk.level",
    "debugContext.debugData.tunnels.operator",
    "target.changeDetails.from.policyRuleActionJson.appSignOn",
];

static READER: LazyLock<Reader> = LazyLock::new(|| {
    let mut table = FieldTable::default();
    for path in BELOW_STRINGS {
        assert!(table.read(path).is_some(), "the table has room for {path}");
    }
    Reader::new(Arc::new(table), Options { keep_raw: true, ..Options::default() })
});

fuzz_target!(|payload: &[u8]| {
    let read = READER.read(&RawRecord { payload: payload.to_vec(), ..RawRecord::default() });
    assert!(read.events.len() + read.dead_letters.len() > 0 || read.skipped > 0, "the record was lost");
});
