//! Which keys does an object have at its first level?

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::source::parser::string_content;
use crate::source::scan::{Broken, Items};

macro_rules! keys {
    ($($name:ident $text:literal)*) => {
        /// A key by which an envelope is known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Key { $(#[doc = concat!("`", $text, "`")] $name,)* }

        impl Key {
            fn of(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        /// Their number: each is one bit of [`Keys`].
        const KEYS: usize = [$(Key::$name),*].len();
    };
}

keys! {
    Uuid "uuid" EventType "eventType" Published "published" Actor "actor" Client "client"
    Outcome "outcome" Target "target" Transaction "transaction" DebugContext "debugContext"
    DisplayMessage "displayMessage" LegacyEventType "legacyEventType" SecurityContext "securityContext"
    AuthenticationContext "authenticationContext"
    OktaResponseError "okta_response_error" HttpResponseError "http_response_error"
    HttpRequestError "http_request_error" Tags "tags"
    ClassUid "class_uid" LogId "log_id" Type "type" Metadata "metadata" Udm "udm"
    EventTypeVersion "eventTypeVersion" CloudEventsVersion "cloudEventsVersion"
    SpecVersion "specversion" Data "data" DataBase64 "data_base64" Source "source"
    DetailType "detail-type" Detail "detail" Subscription "subscription" MessageId "messageId"
    PLogType "p_log_type" Event "event" SourceType "sourcetype" Time "time" Host "host"
    Msg "msg" DataStream "data_stream" Okta "okta"
    EventOriginalType "EventOriginalType" EventTypeS "eventType_s"
    Streams "streams" Values "values" Records "Records" AzureRecords "records" SnsType "Type"
    SnsMessage "Message" Sns "Sns" Kinesis "kinesis"
    Schema "schema" Payload "payload" ShortMessage "short_message" FullMessage "full_message"
    DdSource "ddsource" Attributes "attributes" Integration "integration"
    Message "message" Log "log" Raw "_raw" UpperMsg "MESSAGE" Body "body" UpperBody "Body"
    TextPayload "textPayload"
    Items "Items" Results "results" Value "value" Logs "logs" Events "events" Messages "Messages"
    VectorSourceType "source_type" LogstashVersion "@version" Timestamp "@timestamp" Date "date"
    Tag "tag" CriblBreaker "cribl_breaker" CriblTime "_time" NxlogReceived "EventReceivedTime"
    NxlogModule "SourceModuleName" BeatMetadata "@metadata" Version "version"
    RecordData "recordId"
}

const _: () = assert!(KEYS <= 128, "one bit for each key");

/// A set of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys(u128);

impl Keys {
    /// The set of these keys.
    pub(crate) const fn of(keys: &[Key]) -> Self {
        let mut set = 0;
        let mut rest = keys;
        while let [key, others @ ..] = rest {
            set |= 1 << *key as u8;
            rest = others;
        }
        Self(set)
    }

    /// Whether the two have a key in common.
    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether this one holds every key of the other.
    pub(crate) const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// How many keys the two have in common.
    pub(crate) const fn common(self, other: Self) -> u32 {
        (self.0 & other.0).count_ones()
    }
}

/// One member: the key if an envelope is known by it, the key's text, the value as written.
type Member<'a> = (Option<Key>, &'a str, &'a str);

/// The first level of an object. Values are left as they are written.
#[derive(Clone, Debug)]
pub(crate) struct Root<'a> {
    /// The object as it is written.
    pub(crate) text: &'a str,
    members: SmallVec<[Member<'a>; 24]>,
    keys: Keys,
}

impl<'a> Root<'a> {
    /// Reads the object that a text begins with; what stands behind it is not looked at.
    pub(crate) fn scan(text: &'a str) -> Result<Self, Broken> {
        let mut items = Items::new(text);
        let mut root = Self { text, members: SmallVec::new(), keys: Keys::default() };
        while let Some(member) = items.member() {
            let (name, value) = member?;
            let key = Key::of(name);
            root.keys.0 |= key.map_or(0, |key| 1 << key as u8);
            root.members.push((key, name, value));
        }
        root.text = text.get(..items.offset()).unwrap_or(text);
        Ok(root)
    }

    /// The known keys it has.
    pub(crate) fn keys(&self) -> Keys {
        self.keys
    }

    /// Every member: key and value, as written.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.members.iter().map(|(_, name, value)| (*name, *value))
    }

    /// The value under a key, as it is written; the last of equal keys.
    pub(crate) fn get(&self, key: Key) -> Option<&'a str> {
        let found = self.members.iter().rev().find(|(known, _, _)| *known == Some(key));
        found.map(|(_, _, value)| *value)
    }

    /// The value under any key, as it is written.
    pub(crate) fn named(&self, name: &str) -> Option<&'a str> {
        self.members.iter().rev().find(|(_, known, _)| *known == name).map(|(_, _, value)| *value)
    }

    /// The text under a key, if it is a string.
    pub(crate) fn text_of(&self, key: Key) -> Option<Cow<'a, str>> {
        self.get(key).and_then(string_content)
    }

    /// The object under a key, if it is one.
    pub(crate) fn object(&self, key: Key) -> Option<Root<'a>> {
        let value = self.get(key).filter(|value| value.starts_with('{'))?;
        Root::scan(value).ok()
    }

    /// Whether a string stands under a key.
    pub(crate) fn is_text(&self, key: Key) -> bool {
        self.get(key).is_some_and(|value| value.starts_with('"'))
    }

    /// Whether an object stands under a key.
    pub(crate) fn is_object(&self, key: Key) -> bool {
        self.get(key).is_some_and(|value| value.starts_with('{'))
    }

    /// Whether an array stands under a key.
    pub(crate) fn is_array(&self, key: Key) -> bool {
        self.get(key).is_some_and(|value| value.starts_with('['))
    }

    /// Whether a number stands under a key.
    pub(crate) fn is_number(&self, key: Key) -> bool {
        self.get(key)
            .is_some_and(|value| value.starts_with(|first: char| first == '-' || first.is_ascii_digit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_level_is_read_and_what_follows_is_left() {
        let root = Root::scan(r#"{"uuid":"1","x":{"eventType":2},"event":[1]} {"next":1}"#).unwrap();
        assert_eq!(root.text, r#"{"uuid":"1","x":{"eventType":2},"event":[1]}"#);
        assert_eq!(root.get(Key::Uuid), Some("\"1\""));
        assert_eq!(root.named("x"), Some(r#"{"eventType":2}"#));
        assert!(root.is_array(Key::Event));
        assert!(root.keys().holds(Keys::of(&[Key::Uuid, Key::Event])));
        assert!(!root.keys().meets(Keys::of(&[Key::EventType])));
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        let root = Root::scan(r#"{"event":"a","event":{"b":1}}"#).unwrap();
        assert_eq!(root.get(Key::Event), Some(r#"{"b":1}"#));
    }
}
