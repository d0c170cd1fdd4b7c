//! How does what was found become something a SIEM reads?

mod attack_names;
mod dead_letter;
mod ecs;
mod enriched;
mod evidence;
mod facts;
mod figure;
mod fit;
mod flat;
mod id;
mod json;
mod mask;
mod mask_json;
mod masked;
mod ocsf;
mod provenance;
mod readable;
mod schema;
mod sentence;
mod splunk;
mod unsaid;

#[cfg(test)]
#[path = "../../tests/alerts/samples.rs"]
mod samples;

use std::sync::Arc;

use serde_json::{Map, Value, json};

pub use attack_names::technique_name;
pub use evidence::{event_facts, fields_read};
pub use id::{id, identify};
pub use provenance::{Database, DatabaseRole, Provenance};
pub use readable::{readable, styled};
pub use schema::alert_schema;
pub use sentence::{duration, sentence};

use crate::config;
use crate::limits;
#[cfg(test)]
use crate::model;
use crate::model::{Alert, DeadLetter, Enriched, FieldTable, Header, Measured, Mode, RuleInfo};
use mask::Masker;
use masked::Masks;

const JSON: &str = "application/json";

/// A record to produce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRecord {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<Header>,
    /// Its value.
    pub payload: Vec<u8>,
}

/// Gives alerts the shape of the configured format.
#[derive(Debug)]
pub struct Renderer {
    format: config::Format,
    schema: String,
    ocsf_version: String,
    raw: bool,
    masker: Masker,
    provenance: Provenance,
    alerts: Arc<str>,
    shadow: Arc<str>,
    dead_letters: Arc<str>,
    enriched: Arc<str>,
}

impl Renderer {
    /// A renderer for these settings.
    pub fn new(output: &config::Output) -> Self {
        let schema = match output.format {
            config::Format::Ocsf => format!("ocsf-{}", output.ocsf_version),
            config::Format::Ecs => format!("ecs-{}", ecs::ECS_VERSION),
            config::Format::SplunkHec => "splunk_hec-1".to_owned(),
            config::Format::Flat => "flat-1".to_owned(),
        };
        Self {
            format: output.format,
            schema,
            ocsf_version: output.ocsf_version.clone(),
            raw: output.raw_event,
            masker: Masker::new(output),
            provenance: Provenance::default(),
            alerts: Arc::from(output.alerts.as_str()),
            shadow: Arc::from(output.shadow.as_str()),
            dead_letters: Arc::from(output.dead_letters.as_str()),
            enriched: Arc::from(output.enriched.as_str()),
        }
    }

    /// The same, for alerts that say which databases and rules stand behind them.
    #[must_use]
    pub fn with(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// The record of an alert. Its key is the entity, so that all alerts of one stay in order.
    pub fn alert(&self, alert: &Alert) -> OutRecord {
        self.alert_showing(alert, usize::MAX)
    }

    /// The same with at most so many events. They go once all is masked: what must not be seen is
    /// known from the events.
    pub fn alert_showing(&self, alert: &Alert, most: usize) -> OutRecord {
        let mut shown = Masks::of(&self.masker, alert).apply(alert);
        if shown.evidence.len() > most {
            fit::keep(shown.to_mut(), most);
        }
        let rule = &shown.rule;
        let topic = if rule.mode == Mode::Shadow { &self.shadow } else { &self.alerts };
        OutRecord {
            topic: topic.clone(),
            key: Some(shown.entity.value.clone().into_bytes()),
            headers: vec![
                header("rule", &rule.name),
                header("severity", rule.level.as_str()),
                header("mode", rule.mode.as_str()),
                header("content-type", JSON),
                header("schema-version", &self.schema),
            ],
            payload: fit::fitted(&shown, |alert| self.value(alert).to_string()).into_bytes(),
        }
    }

    fn value(&self, shown: &Alert) -> Value {
        match self.format {
            config::Format::Ocsf => ocsf::finding(shown, &self.ocsf_version, self.raw, &self.provenance),
            config::Format::Ecs => ecs::document(shown, self.raw, &self.provenance),
            config::Format::SplunkHec => splunk::envelope(shown, self.raw, &self.provenance),
            config::Format::Flat => flat::row(shown, self.raw, &self.provenance),
        }
    }

    /// The record of what could not be understood: the original bytes and key, unchanged.
    pub fn dead_letter(&self, letter: &DeadLetter) -> OutRecord {
        dead_letter::record(&self.dead_letters, letter)
    }

    /// The record of an event with what was added. Its key is the actor's.
    pub fn enriched(&self, event: &Enriched, table: &FieldTable) -> OutRecord {
        enriched::record(&self.enriched, &self.masker, event, table)
    }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.as_bytes().to_vec() }
}

/// The runbook, where it is nothing but a link.
fn runbook_link(rule: &RuleInfo) -> Option<&str> {
    let runbook = rule.runbook.trim();
    let link = runbook.starts_with("https://") || runbook.starts_with("http://");
    (link && !runbook.contains(char::is_whitespace)).then_some(runbook)
}

/// The JSON of the event that fired it, as much as fits.
fn raw_event(alert: &Alert) -> Option<&str> {
    let raw = sentence::decisive(alert)?.raw.as_deref()?;
    Some(crate::text::cut(raw, limits::RAW_EVENT_BYTES))
}

/// The lists behind the rule, as they are at the time of the alert.
fn lists(rule: &RuleInfo) -> Vec<Value> {
    rule.lists.iter().map(|list| json::list(list)).collect()
}

fn group(alert: &Alert) -> Value {
    let pairs = alert.group.iter().map(|(name, value)| (name.clone(), json::text(value)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// One figure against what is asked of it, for people.
fn told(measured: &Measured) -> String {
    let Measured { what, observed, required } = measured;
    let observed = figure::rounded(*observed, 4);
    if required.is_empty() {
        return format!("{what} {observed}");
    }
    format!("{what} {observed} (required {required})")
}

fn measured(alert: &Alert) -> Vec<Value> {
    let all = alert.measured.iter();
    all.map(|one| json!({ "what": one.what, "observed": one.observed, "required": one.required })).collect()
}

fn window(alert: &Alert) -> Option<Value> {
    alert.window.map(|window| {
        json!({
            "start": json::time(window.start_ms),
            "end": json::time(window.end_ms),
            "timespan_s": window.timespan_ms / 1000,
        })
    })
}
