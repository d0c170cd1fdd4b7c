//! What do forwarders put around an event?

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::events::timestamp;

/// One way in which events arrive in Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Envelope {
    /// Nothing around it.
    Raw,
    /// A page of the System Log API.
    Array,
    /// Several events in one record, a line each.
    Lines,
    /// Vector's `okta` source.
    Vector,
    /// Vector's `http_client` source: the event as text.
    VectorMessage,
    /// Elastic Agent's Okta integration, before any ingest pipeline.
    ElasticAgent,
    /// Mapped to ECS, with the original kept.
    EcsOriginal,
    /// Splunk's HTTP Event Collector format.
    SplunkHec,
    /// Logstash with a target field.
    Logstash,
    /// Fluent Bit: the event as text under `log`.
    FluentBit,
    /// Fluentd with tag and time.
    Fluentd,
    /// Cribl Stream.
    Cribl,
    /// Okta log streaming to AWS EventBridge.
    EventBridge,
    /// The same, through SNS and SQS.
    Sqs,
    /// An Okta event hook.
    EventHook,
    /// CloudEvents 1.0.
    CloudEvents,
    /// syslog as of RFC 5424.
    Syslog,
    /// rsyslog's JSON.
    Rsyslog,
    /// Loki's push format.
    Loki,
    /// Google Pub/Sub.
    PubSub,
    /// Kafka Connect's JsonConverter with schemas.
    Connect,
    /// Graylog.
    Gelf,
}

impl Envelope {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Raw,
        Self::Array,
        Self::Lines,
        Self::Vector,
        Self::VectorMessage,
        Self::ElasticAgent,
        Self::EcsOriginal,
        Self::SplunkHec,
        Self::Logstash,
        Self::FluentBit,
        Self::Fluentd,
        Self::Cribl,
        Self::EventBridge,
        Self::Sqs,
        Self::EventHook,
        Self::CloudEvents,
        Self::Syslog,
        Self::Rsyslog,
        Self::Loki,
        Self::PubSub,
        Self::Connect,
        Self::Gelf,
    ];

    /// How many events one record of this kind may hold.
    pub fn capacity(self) -> usize {
        match self {
            Self::Array | Self::Lines | Self::EventHook | Self::Loki => 3,
            _ => 1,
        }
    }

    /// The record's value.
    pub fn wrap(self, events: &[Value]) -> Vec<u8> {
        assert!((1..=self.capacity()).contains(&events.len()), "{self:?} holds {}", events.len());
        match self {
            Self::Array => json!(events).to_string().into_bytes(),
            Self::Lines => events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n").into_bytes(),
            Self::EventHook => event_hook(events).to_string().into_bytes(),
            Self::Loki => loki(events).to_string().into_bytes(),
            Self::Syslog => format!(
                "<134>1 {} acme.okta.com okta - SystemLog - {}",
                events[0]["published"].as_str().unwrap(),
                events[0]
            )
            .into_bytes(),
            one => one.around(&events[0]).to_string().into_bytes(),
        }
    }

    fn around(self, event: &Value) -> Value {
        let text = event.to_string();
        match self {
            Self::Vector => with(event, &[("source_type", json!("okta")), ("timestamp", collected())]),
            Self::VectorMessage => {
                json!({"message": text, "source_type": "http_client", "timestamp": collected()})
            }
            Self::ElasticAgent => json!({
                "@timestamp": collected(),
                "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.19.0"},
                "message": text,
                "event": {"dataset": "okta.system", "created": collected()},
                "data_stream": {"dataset": "okta.system", "namespace": "default", "type": "logs"},
                "input": {"type": "httpjson"},
                "tags": ["preserve_original_event", "forwarded", "okta-system"]
            }),
            Self::EcsOriginal => json!({
                "@timestamp": event["published"],
                "event": {
                    "action": event["eventType"], "id": event["uuid"], "module": "okta",
                    "dataset": "okta.system", "original": text
                },
                "okta": {"event_type": event["eventType"], "uuid": event["uuid"]}
            }),
            Self::SplunkHec => json!({
                "time": 1_772_355_600.353, "host": "acme.okta.com", "source": "okta:im2",
                "sourcetype": "OktaIM2:log", "index": "okta", "event": event
            }),
            Self::Logstash => json!({"okta": event, "@version": "1", "@timestamp": collected()}),
            Self::FluentBit => json!({"@timestamp": 1_772_355_600.35, "log": text}),
            Self::Fluentd => with(event, &[("tag", json!("okta.system")), ("time", json!(1_772_355_600))]),
            Self::Cribl => {
                json!({"_raw": text, "_time": 1_772_355_600.353, "source": "okta", "cribl_breaker": "ndjson"})
            }
            Self::EventBridge => event_bridge(event),
            Self::Sqs => json!({"Records": [{
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "eventSource": "aws:sqs",
                "body": json!({"Type": "Notification", "Message": event_bridge(event).to_string()}).to_string()
            }]}),
            Self::CloudEvents => json!({
                "specversion": "1.0", "type": "com.okta.system_log", "source": "https://acme.okta.com",
                "id": event["uuid"], "datacontenttype": "application/json", "data": event
            }),
            Self::Rsyslog => json!({"host": "collector-1", "facility": "local0", "msg": text}),
            Self::PubSub => json!({
                "message": {"data": STANDARD.encode(text), "attributes": {}, "messageId": "136969346945"},
                "subscription": "projects/acme/subscriptions/okta"
            }),
            Self::Connect => json!({"schema": {"type": "string", "optional": false}, "payload": text}),
            Self::Gelf => json!({
                "version": "1.1", "host": "collector-1", "short_message": "okta", "full_message": text,
                "_okta_tenant": "acme"
            }),
            _ => event.clone(),
        }
    }
}

/// When a collector fetched it: not the event's time.
fn collected() -> Value {
    json!(timestamp(1_772_355_600_353))
}

fn with(event: &Value, more: &[(&str, Value)]) -> Value {
    let mut event = event.clone();
    for (key, value) in more {
        event[*key] = value.clone();
    }
    event
}

fn event_bridge(event: &Value) -> Value {
    json!({
        "version": "0", "id": "9bafdb5b-6f0e-4f0b-9d0c-2ea1a2b7e7a1", "detail-type": "SystemLog",
        "source": "aws.partner/okta.com/acme/okta-stream", "account": "123456789012",
        "time": event["published"], "region": "eu-central-1", "resources": [], "detail": event
    })
}

/// Hooks deliver the address chain under `client`.
fn event_hook(events: &[Value]) -> Value {
    let moved: Vec<Value> = events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            event["client"]["ipChain"] = event["request"]["ipChain"].take();
            event.as_object_mut().unwrap().remove("request");
            event["insertionTimestamp"] = collected();
            event
        })
        .collect();
    json!({
        "eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
        "source": "https://acme.okta.com/api/v1/eventHooks/who7hgxtpEIGyQTVx0x7",
        "eventId": "85b6a7c0-3f6b-4b0b-9ee4-5f3a0e7a5d11",
        "data": {"events": moved}, "eventTime": collected(), "contentType": "application/json"
    })
}

fn loki(events: &[Value]) -> Value {
    let values: Vec<Value> =
        events.iter().map(|event| json!(["1772355600353000000", event.to_string()])).collect();
    json!({"streams": [{"stream": {"job": "okta"}, "values": values}]})
}
