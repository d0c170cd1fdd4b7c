//! How long does it take to read one record of each common form?
#![expect(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oktawatch::model::{FieldTable, RawRecord};
use oktawatch::source::{Options, Reader};

const RAW: &str = include_str!("../tests/envelopes/00-raw.json");

fn compact(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap_or_default()
}

fn records() -> [(&'static str, String); 4] {
    let event = compact(RAW);
    [
        ("raw", event.to_string()),
        ("message", serde_json::json!({"message": event.to_string(), "source_type": "x"}).to_string()),
        (
            "splunk_hec",
            serde_json::json!({"event": event, "host": "acme.okta.com", "sourcetype": "OktaIM2:log"})
                .to_string(),
        ),
        ("json_array_of_100", serde_json::Value::from(vec![event; 100]).to_string()),
    ]
}

fn read(criterion: &mut Criterion) {
    let reader = Reader::new(Arc::new(FieldTable::default()), Options::default());
    let mut group = criterion.benchmark_group("read");
    for (name, payload) in records() {
        let record = RawRecord { payload: payload.into_bytes(), ..RawRecord::default() };
        group.throughput(Throughput::Bytes(u64::try_from(record.payload.len()).unwrap_or_default()));
        group.bench_function(name, |bencher| bencher.iter(|| reader.read(black_box(&record))));
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
