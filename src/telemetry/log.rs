//! What does a log line look like, and which are written?
//!
//! One line, one JSON object: `ts`, `level`, `target`, `msg`, then the fields of the event. Levels:
//!
//! - `error`: a person has to act, the service cannot mend it alone;
//! - `warn`: something is wrong, and the service copes (waits, retries, leaves out);
//! - `info`: the life of the service: start, partitions, reloads, stop; a few lines an hour;
//! - `debug`: each batch; `trace`: each record.
//!
//! Lines never hold a password, a token or, above `debug`, a person.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{self, LogFormat};
use crate::error::Failure;

/// Sends log lines to stderr from now on. A second call changes nothing.
///
/// # Errors
/// A level that is neither a word nor directives.
pub fn init(config: &config::Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.level).map_err(|error| {
        Failure::new(format!("log.level `{}` is not valid", config.level))
            .detail(error)
            .hint("Write error, warn, info, debug or trace, or directives such as info,oktawatch=debug.")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A subscriber that is there already, as in tests, is left in its place.
    let _already_set = match config.format {
        LogFormat::Json => builder.event_format(Json).finish().try_init(),
        LogFormat::Text => builder.finish().try_init(),
    };
    Ok(())
}

/// One JSON object a line.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("ts".to_owned(), timestamp().into());
        line.insert("level".to_owned(), metadata.level().as_str().to_lowercase().into());
        line.insert("target".to_owned(), metadata.target().into());
        line.insert("msg".to_owned(), fields.message.into());
        line.extend(fields.rest);
        writeln!(out, "{}", Value::Object(line))
    }
}

#[expect(clippy::disallowed_methods, reason = "a log line says when it was written; nothing reads it back")]
fn timestamp() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        match value.into() {
            Value::String(text) if field.name() == "message" => self.message = text,
            // An empty text says nothing, and leaving it out keeps lines short.
            Value::String(text) if text.is_empty() => {}
            value => drop(self.rest.insert(field.name().to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_with_its_fields_at_the_top() {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber =
            tracing_subscriber::fmt().event_format(Json).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "kafka", partition = 3, why = "", error = "a \"b\"\n", "took over");
        });
        let bytes = sink.0.lock().unwrap().clone();
        let line: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(line["msg"], "took over");
        assert_eq!(line["level"], "info");
        assert_eq!(line["target"], "kafka");
        assert_eq!(line["partition"], 3);
        assert_eq!(line["error"], "a \"b\"\n");
        assert!(line.get("why").is_none());
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
    }

    #[test]
    fn a_level_that_is_none_is_refused_with_a_hint() {
        let config = config::Log { level: "info,=loud=".to_owned(), format: LogFormat::Json };
        assert!(init(&config).unwrap_err().hint.is_some());
    }
}
