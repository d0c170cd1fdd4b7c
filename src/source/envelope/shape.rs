//! Which envelope is it, and where in it does the event stand?
//!
//! One row for each envelope, tried in the order of [`SHAPES`]: the first whose keys and test hold
//! is it. The order matters where envelopes resemble each other, and where one does, its row says.

use super::foreign;
use super::root::{Key, Keys, Root};
use super::{datadog, ecs, panther, sentinel};
use crate::model::DeadLetterReason;
use crate::source::decode::json_in_string;

/// One envelope.
pub(super) struct Shape {
    /// Its name in `Event.envelope`.
    pub(super) name: &'static str,
    /// The object has one of these, or it is not this envelope.
    pub(super) any: Keys,
    /// Whether it is.
    pub(super) is: fn(&Root<'_>) -> bool,
    /// What to do with it.
    pub(super) open: Open,
}

/// Finds a value in an object, as it is written.
type Find = for<'a> fn(&Root<'a>) -> Option<&'a str>;

/// How an envelope is opened.
pub(super) enum Open {
    /// It is the event, with or without keys of the collector beside Okta's.
    Event,
    /// The event is a value within: an object, an array, or a string that holds JSON.
    Inner(Find),
    /// The value within is base64.
    Base64(Find),
    /// Every element of an array within.
    Each(Find),
    /// Loki's streams of lines.
    Loki(Find),
    /// Another schema that is written back as Okta's.
    Rewrite {
        /// Gives the event as JSON.
        write: fn(&str) -> Option<String>,
        /// Whether something is missing.
        lossy: bool,
    },
    /// No event; why.
    Dead(DeadLetterReason, fn(&Root<'_>) -> String),
    /// Not a log event on purpose.
    Skip,
}

/// The keys of Okta's event.
const OKTA: Keys = Keys::of(&[
    Key::Uuid,
    Key::EventType,
    Key::Published,
    Key::Actor,
    Key::Client,
    Key::Outcome,
    Key::Target,
    Key::Transaction,
    Key::DebugContext,
    Key::DisplayMessage,
    Key::LegacyEventType,
    Key::SecurityContext,
    Key::AuthenticationContext,
]);

/// Whether an object is Okta's event, perhaps with something missing.
fn is_event(root: &Root<'_>) -> bool {
    let named = root.keys().holds(Keys::of(&[Key::EventType]))
        && root.keys().meets(Keys::of(&[Key::Uuid, Key::Published]));
    named || root.keys().common(OKTA) >= 4
}

fn text_is(root: &Root<'_>, key: Key, text: &str) -> bool {
    root.get(key).and_then(|value| value.strip_prefix('"')?.strip_suffix('"')) == Some(text)
}

/// Whether a string, as it is written, holds what may be events: JSON or syslog lines.
fn holds_events(value: &str) -> bool {
    let Some(mut text) = value.strip_prefix('"') else { return false };
    while let Some(rest) = ["\\n", "\\r", "\\t", " "].iter().find_map(|space| text.strip_prefix(space)) {
        text = rest;
    }
    text.starts_with(['{', '[', '<']) || text.starts_with("\\\"")
}

fn texts_in(root: &Root<'_>, key: Key) -> bool {
    root.get(key).is_some_and(holds_events)
}

fn dataset_is_okta(root: &Root<'_>) -> bool {
    [Key::DataStream, Key::Event].into_iter().filter_map(|key| root.get(key)).any(|value| {
        json_in_string::get_text(value, "dataset").is_some_and(|dataset| dataset.starts_with("okta."))
    })
}

fn event_member<'a>(root: &Root<'a>, name: &str) -> Option<&'a str> {
    json_in_string::get(root.get(Key::Event)?, name)
}

/// Splunk's sourcetype; what is not Okta's log is a user, a group or an application.
fn is_sibling_sourcetype(root: &Root<'_>) -> bool {
    let sourcetype = root.text_of(Key::SourceType).unwrap_or_default().to_lowercase();
    sourcetype.strip_prefix("oktaim2:").is_some_and(|kind| kind != "log")
}

fn is_hec(root: &Root<'_>) -> bool {
    let from_collector = root.keys().meets(Keys::of(&[Key::SourceType]))
        || root.keys().holds(Keys::of(&[Key::Time, Key::Host]));
    from_collector && (root.is_object(Key::Event) || root.is_text(Key::Event) || root.is_array(Key::Event))
}

fn is_mapped_ecs(root: &Root<'_>) -> bool {
    let mapped = root.object(Key::Okta).is_some_and(|okta| okta.named("event_type").is_some());
    mapped || (dataset_is_okta(root) && event_member(root, "action").is_some())
}

/// Whether Datadog has moved the event's type to `evt.name`.
fn is_moved(attributes: &Root<'_>) -> bool {
    attributes.get(Key::EventType).is_none() && attributes.named("evt").is_some()
}

/// The one value within that is an event; none when there are several.
fn only_event<'a>(root: &Root<'a>) -> Option<&'a str> {
    let objects = root.members().map(|(_, value)| value).filter(|value| value.starts_with('{'));
    let mut events = objects.filter(|value| Root::scan(value).is_ok_and(|inner| is_event(&inner)));
    events.next().filter(|_| events.next().is_none())
}

const fn has(keys: &[Key]) -> Keys {
    Keys::of(keys)
}

macro_rules! shapes {
    ($($name:literal [$($key:ident)+] if $is:expr => $open:expr;)*) => {
        &[$(Shape { name: $name, any: has(&[$(Key::$key),+]), is: $is, open: $open },)*]
    };
}

/// Finds a value by its key.
macro_rules! at {
    ($key:ident) => {
        |root| root.get(Key::$key)
    };
}

/// Every envelope, the trickier first.
static SHAPES: &[Shape] = shapes! {
    // Reports of a collector that could not read; its tags say so even when the key is renamed.
    "collector_error" [OktaResponseError HttpResponseError HttpRequestError Tags]
        if |root| !is_event(root) && foreign::is_collector_error(root)
        => Open::Dead(DeadLetterReason::CollectorError, foreign::collector_error);
    // Other products. They go first, as Auth0 and OCSF share keys with wrappers below.
    "ocsf" [ClassUid] if |root| root.is_number(Key::ClassUid)
        => Open::Dead(DeadLetterReason::OtherSchema, |_| "This is OCSF, not Okta's own schema.".to_owned());
    "auth0" [LogId] if foreign::is_auth0
        => Open::Dead(DeadLetterReason::OtherSchema, |_| "This is an Auth0 tenant log, not Okta's System Log.".to_owned());
    "udm" [Metadata Udm] if foreign::is_udm
        => Open::Dead(DeadLetterReason::OtherSchema, |_| "This is Google SecOps' UDM, not Okta's own schema.".to_owned());
    // Its root has an eventType too, but not an event's.
    "okta_event_hook" [EventTypeVersion CloudEventsVersion Data]
        if |root| text_is(root, Key::EventType, "com.okta.event_hook")
            || root.object(Key::Data).is_some_and(|data| data.is_array(Key::Events))
        => Open::Each(|root| root.object(Key::Data)?.get(Key::Events));
    "cloudevents" [SpecVersion] if |root| root.get(Key::DataBase64).is_some()
        => Open::Base64(at!(DataBase64));
    "cloudevents" [SpecVersion] if |root| root.get(Key::Data).is_some() => Open::Inner(at!(Data));
    // Its root has version, id and time, which are the delivery's and not the event's.
    "eventbridge" [DetailType Detail]
        if |root| root.get(Key::Detail).is_some() && (text_is(root, Key::DetailType, "SystemLog")
            || root.text_of(Key::Source).is_some_and(|source| source.starts_with("aws.partner/okta.com")))
        => Open::Inner(at!(Detail));
    "pubsub" [Message] if |root| root.object(Key::Message).is_some_and(|message| message.is_text(Key::Data))
        => Open::Base64(|root| root.object(Key::Message)?.get(Key::Data));
    "pubsub" [MessageId] if |root| root.is_text(Key::Data) => Open::Base64(at!(Data));
    "firehose" [RecordData] if |root| root.is_text(Key::Data) => Open::Base64(at!(Data));
    "kinesis" [Kinesis] if |root| root.object(Key::Kinesis).is_some_and(|inner| inner.is_text(Key::Data))
        => Open::Base64(|root| root.object(Key::Kinesis)?.get(Key::Data));
    // Its keys may be Okta's in lower case, so that no later row would know them.
    "panther" [PLogType] if |root| text_is(root, Key::PLogType, "Okta.SystemLog")
        => Open::Rewrite { write: panther::rewrite, lossy: false };
    "panther" [PLogType] if |root| root.is_text(Key::PLogType)
        => Open::Dead(DeadLetterReason::OtherSchema, |_| "Panther stored this for another product than Okta.".to_owned());
    // The logrus line has msg and level; HEC, which has an event too, has sourcetype or host.
    "grafana_collector" [Msg] if |root| text_is(root, Key::Msg, "received event") && root.is_object(Key::Event)
        => Open::Inner(at!(Event));
    "splunk_hec" [SourceType] if is_sibling_sourcetype => Open::Skip;
    "splunk_hec" [Event] if is_hec => Open::Inner(at!(Event));
    // Elastic's event is an object of facts about the event, never Okta's event itself.
    "elastic_agent" [DataStream Event] if |root| dataset_is_okta(root) && texts_in(root, Key::Message)
        => Open::Inner(at!(Message));
    "ecs_original" [Event] if |root| event_member(root, "original").is_some_and(holds_events)
        => Open::Inner(|root| event_member(root, "original"));
    "ecs_mapped" [Okta Event] if is_mapped_ecs => Open::Rewrite { write: ecs::rewrite, lossy: true };
    "sentinel_v2" [EventOriginalType] if |root| root.is_text(Key::EventOriginalType)
        => Open::Rewrite { write: sentinel::rewrite_v2, lossy: true };
    "sentinel_v1" [EventTypeS] if |root| root.is_text(Key::EventTypeS)
        => Open::Rewrite { write: sentinel::rewrite_v1, lossy: true };
    "azure_records" [AzureRecords] if |root| root.is_array(Key::AzureRecords) => Open::Each(at!(AzureRecords));
    "loki" [Streams] if |root| root.is_array(Key::Streams) => Open::Loki(at!(Streams));
    "aws_records" [Records] if |root| root.is_array(Key::Records) => Open::Each(at!(Records));
    "aws_sns" [SnsType] if |root| text_is(root, Key::SnsType, "Notification") && root.is_text(Key::SnsMessage)
        => Open::Inner(at!(SnsMessage));
    "aws_sns" [Sns] if |root| root.object(Key::Sns).is_some_and(|sns| sns.is_text(Key::SnsMessage))
        => Open::Inner(|root| root.object(Key::Sns)?.get(Key::SnsMessage));
    "kafka_connect" [Payload] if |root| root.get(Key::Schema).is_some() => Open::Inner(at!(Payload));
    "gelf" [FullMessage] if |root| text_is(root, Key::Version, "1.1") && texts_in(root, Key::FullMessage)
        => Open::Inner(at!(FullMessage));
    "gelf" [ShortMessage] if |root| texts_in(root, Key::ShortMessage) => Open::Inner(at!(ShortMessage));
    "datadog" [DdSource] if |root| texts_in(root, Key::Message) => Open::Inner(at!(Message));
    // Where its pipeline has moved the event's type, the rest looks like an event that lost it.
    "datadog" [Attributes] if |root| root.object(Key::Attributes).is_some_and(|inner| is_moved(&inner))
        => Open::Rewrite { write: datadog::rewrite, lossy: true };
    "datadog" [Attributes] if |root| root.object(Key::Attributes).is_some_and(|inner| is_event(&inner))
        => Open::Inner(at!(Attributes));
    "datadog" [Attributes] if |root| root.object(Key::Attributes).is_some_and(|inner| inner.is_object(Key::Attributes))
        => Open::Inner(at!(Attributes));
    "wazuh" [Integration] if |root| text_is(root, Key::Integration, "okta") && root.is_object(Key::Okta)
        => Open::Inner(at!(Okta));
    "wazuh" [Data] if |root| root.object(Key::Data).is_some_and(|data| text_is(&data, Key::Integration, "okta"))
        => Open::Inner(at!(Data));
    // The event itself with a collector's keys beside Okta's.
    "vector_okta" [VectorSourceType] if is_event => Open::Event;
    "logstash" [LogstashVersion] if is_event => Open::Event;
    "nxlog" [NxlogReceived NxlogModule] if is_event => Open::Event;
    "cribl" [CriblBreaker CriblTime] if is_event => Open::Event;
    "fluent_bit" [Date Timestamp]
        if |root| (root.is_number(Key::Date) || root.is_number(Key::Timestamp)) && is_event(root) => Open::Event;
    "fluentd" [Tag] if |root| root.is_number(Key::Time) && is_event(root) => Open::Event;
    "raw" [Uuid EventType Published Actor Client Outcome Target Transaction DebugContext] if is_event
        => Open::Event;
    // Text in one field. What the other keys say only gives the name.
    "vector_text" [VectorSourceType] if |root| texts_in(root, Key::Message) => Open::Inner(at!(Message));
    "beats" [BeatMetadata] if |root| texts_in(root, Key::Message) => Open::Inner(at!(Message));
    "logstash" [LogstashVersion] if |root| texts_in(root, Key::Message) => Open::Inner(at!(Message));
    "logstash" [LogstashVersion] if |root| only_event(root).is_some() => Open::Inner(only_event);
    "fluentd" [Tag] if |root| texts_in(root, Key::Message) => Open::Inner(at!(Message));
    "cribl" [Raw] if |root| texts_in(root, Key::Raw) => Open::Inner(at!(Raw));
    "fluent_bit" [Log] if |root| texts_in(root, Key::Log) => Open::Inner(at!(Log));
    "message" [Message] if |root| texts_in(root, Key::Message) => Open::Inner(at!(Message));
    "syslog_json" [Msg] if |root| texts_in(root, Key::Msg) => Open::Inner(at!(Msg));
    "syslog_json" [UpperMsg] if |root| texts_in(root, Key::UpperMsg) => Open::Inner(at!(UpperMsg));
    "aws_sqs" [Body] if |root| texts_in(root, Key::Body) => Open::Inner(at!(Body));
    "aws_sqs" [UpperBody] if |root| texts_in(root, Key::UpperBody) => Open::Inner(at!(UpperBody));
    "google_logging" [TextPayload] if |root| texts_in(root, Key::TextPayload) => Open::Inner(at!(TextPayload));
    // Lists under one key.
    "json_list" [Items] if |root| root.is_array(Key::Items) => Open::Each(at!(Items));
    "json_list" [Results] if |root| root.is_array(Key::Results) => Open::Each(at!(Results));
    "json_list" [Value] if |root| root.is_array(Key::Value) => Open::Each(at!(Value));
    "json_list" [Logs] if |root| root.is_array(Key::Logs) => Open::Each(at!(Logs));
    "json_list" [Events] if |root| root.is_array(Key::Events) => Open::Each(at!(Events));
    "json_list" [Data] if |root| root.is_array(Key::Data) => Open::Each(at!(Data));
    "aws_sqs" [Messages] if |root| root.is_array(Key::Messages) => Open::Each(at!(Messages));
};

/// An object of no known envelope that holds one event under some key.
static HOLDER: Shape = Shape {
    name: "nested_object",
    any: Keys::of(&[]),
    is: |root| only_event(root).is_some(),
    open: Open::Inner(only_event),
};

/// The envelope that an object is, if it is known.
pub(super) fn detect(root: &Root<'_>) -> Option<&'static Shape> {
    let known = SHAPES.iter().find(|shape| root.keys().meets(shape.any) && (shape.is)(root));
    known.or_else(|| (HOLDER.is)(root).then_some(&HOLDER))
}
