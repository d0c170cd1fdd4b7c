//! What makes a JSON object an Okta event, and what of it is taken along?

use std::sync::Arc;

use compact_str::{CompactString, ToCompactString};
use uuid::Uuid;

use super::absent::is_absent;
use super::decode::security;
use super::extract::{Extracted, extract};
use super::parser::{Fast, without_lone_surrogates};
use super::room::Room;
use super::trie::Trie;
use crate::limits::JSON_DEPTH;
use crate::model::{DeadLetterReason, FieldId, FieldTable, Fields, Value, core, instant_ms};

/// Under which names of events without an id are made: `UUIDv5(NAMESPACE, the event's JSON)`.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f2c_8b0e_57d1_4c39_9a64_1e0d_b7f3_a285);

/// Why something is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// As a word.
    pub(crate) reason: DeadLetterReason,
    /// As a sentence.
    pub(crate) detail: String,
}

impl Rejected {
    pub(crate) fn new(reason: DeadLetterReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// An event as its JSON alone tells it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) uuid: CompactString,
    pub(crate) published_ms: i64,
    pub(crate) fields: Fields,
}

/// Decodes events: the fields of one table, found along one tree.
#[derive(Debug)]
pub(crate) struct Decoder {
    trie: Trie,
    slots: usize,
    /// Where every value goes, if any rule searches events as a whole.
    keywords: Option<FieldId>,
}

impl Decoder {
    pub(crate) fn new(table: &Arc<FieldTable>) -> Self {
        Self { trie: Trie::new(table), slots: table.len(), keywords: table.keywords() }
    }

    /// Decodes one event. Unknown event types pass; `eventType` and `published` must be there.
    pub(crate) fn decode(&self, json: &str, room: &mut Room) -> Result<Decoded, Rejected> {
        Self::complete(self.fields(json, room)?, json)
    }

    /// Decodes a text that is nothing but Okta's event, in one pass: the way of nearly all events.
    ///
    /// `None`: it may be an envelope, or something is wrong with it; the long way will tell.
    pub(crate) fn decode_plain(&self, json: &str, room: &mut Room) -> Option<Decoded> {
        // No more brackets than that is no deeper either, so that the parser may recurse.
        if brackets(json) > JSON_DEPTH || !begins_as_event(json) {
            return None;
        }
        let extracted = self.extract(self.keywords, json, room).ok()?;
        if extracted.plain { Self::complete(extracted.fields, json).ok() } else { None }
    }

    fn complete(mut fields: Fields, json: &str) -> Result<Decoded, Rejected> {
        if !fields.exists(core::EVENT_TYPE) {
            return Err(Rejected::new(DeadLetterReason::Incomplete, "The event has no eventType."));
        }
        let published = fields
            .values(core::PUBLISHED)
            .next()
            .ok_or_else(|| Rejected::new(DeadLetterReason::Incomplete, "The event has no published time."))?;
        let published_ms = instant_ms(published).ok_or_else(|| {
            let detail = format!("The event's published time cannot be read: `{published}`.");
            Rejected::new(DeadLetterReason::Incomplete, detail)
        })?;
        let uuid = uuid(&fields, json);
        security::fill(&mut fields);
        Ok(Decoded { uuid, published_ms, fields })
    }

    fn extract(&self, keywords: Option<FieldId>, json: &str, room: &mut Room) -> Result<Extracted, String> {
        extract::<Fast>(&self.trie, self.slots, keywords, json, room)
    }

    fn fields(&self, json: &str, room: &mut Room) -> Result<Fields, Rejected> {
        let error = match self.extract(self.keywords, json, room) {
            Ok(extracted) => return Ok(extracted.fields),
            Err(error) => error,
        };
        let repaired = without_lone_surrogates(json);
        let again = repaired.as_deref().and_then(|json| self.extract(self.keywords, json, room).ok());
        let again = again.or_else(|| self.without_keywords(repaired.as_deref().unwrap_or(json), room));
        let broken = || Rejected::new(DeadLetterReason::NotJson, format!("The JSON is broken: {error}."));
        again.map(|extracted| extracted.fields).ok_or_else(broken)
    }

    /// A value that keywords alone would read must not lose an event that can be read without.
    fn without_keywords(&self, json: &str, room: &mut Room) -> Option<Extracted> {
        self.keywords.and_then(|_| self.extract(None, json, room).ok())
    }
}

/// How many brackets a text opens, in strings or not.
fn brackets(json: &str) -> usize {
    // Counted in bytes over short chunks, which compiles to vector instructions; setting the bit by
    // which `[` and `{` differ makes one comparison of two.
    let in_chunk =
        |chunk: &[u8]| chunk.iter().fold(0_u8, |n, byte| n.wrapping_add(u8::from(byte | 0x20 == b'{')));
    json.as_bytes().chunks(128).map(|chunk| usize::from(in_chunk(chunk))).sum()
}

/// Whether the first key is one that collectors leave first in Okta's event.
fn begins_as_event(json: &str) -> bool {
    let key = json.trim_start_matches(['{', ' ', '\n', '\r', '\t']);
    ["\"actor\"", "\"uuid\"", "\"published\"", "\"eventType\"", "\"version\"", "\"client\"", "\"severity\""]
        .iter()
        .any(|first| key.starts_with(first))
}

/// Okta's id; for an event that lost it, one made of its content, so that the same bytes delivered
/// again get the same id.
fn uuid(fields: &Fields, json: &str) -> CompactString {
    match fields.values(core::UUID).next() {
        Some(Value::Text(text)) if !is_absent(text) => CompactString::new(text),
        Some(Value::Integer(number)) => number.to_compact_string(),
        _ => Uuid::new_v5(&NAMESPACE, json.as_bytes()).to_compact_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KEYWORDS;

    fn decoder() -> Decoder {
        Decoder::new(&Arc::new(FieldTable::default()))
    }

    #[test]
    fn an_event_without_an_id_gets_one_of_its_content() {
        let json = r#"{"eventType":"a.b","published":"2026-08-13T15:58:20Z","uuid":"null"}"#;
        let other = r#"{"eventType":"a.c","published":"2026-08-13T15:58:20Z"}"#;
        let first = decoder().decode(json, &mut Room::default()).unwrap().uuid;
        assert_eq!(first, decoder().decode(json, &mut Room::default()).unwrap().uuid);
        assert_ne!(first, decoder().decode(other, &mut Room::default()).unwrap().uuid);
        assert!(Uuid::parse_str(&first).is_ok());
    }

    #[test]
    fn what_lacks_its_type_or_time_is_incomplete() {
        for json in [
            r#"{"uuid":"1","published":"2026-08-13T15:58:20Z"}"#,
            r#"{"uuid":"1","eventType":"a.b"}"#,
            r#"{"uuid":"1","eventType":"a.b","published":"soon"}"#,
            r#"{"uuid":"1","eventType":"","published":"2026-08-13T15:58:20Z"}"#,
        ] {
            assert_eq!(
                decoder().decode(json, &mut Room::default()).unwrap_err().reason,
                DeadLetterReason::Incomplete,
                "{json}"
            );
        }
    }

    #[test]
    fn a_text_cut_within_a_character_pair_does_not_lose_the_event() {
        let json = r#"{"uuid":"1","eventType":"a.b","published":"2026-08-13T15:58:20Z","outcome":{"reason":"cut \ud83d"}}"#;
        let decoded = decoder().decode(json, &mut Room::default()).unwrap();
        assert_eq!(decoded.fields.text(core::OUTCOME_REASON), Some("cut \u{fffd}"));
    }

    #[test]
    fn the_short_way_takes_plain_events_only_and_reads_them_alike() {
        let plain = r#"{"uuid":"1","eventType":"a.b","published":"2026-08-13T15:58:20Z","version":0}"#;
        let short = decoder().decode_plain(plain, &mut Room::default()).unwrap();
        let long = decoder().decode(plain, &mut Room::default()).unwrap();
        assert_eq!((short.uuid, short.published_ms), (long.uuid, long.published_ms));
        let deep = plain.replace('0', &format!("{}{}", "[".repeat(99), "]".repeat(99)));
        for other in
            [&plain.replace("version", "detail-type"), &format!("{plain}{plain}"), &deep, "{\"uuid\":1}"]
        {
            assert!(decoder().decode_plain(other, &mut Room::default()).is_none(), "{other}");
        }
    }

    #[test]
    fn what_only_keywords_read_does_not_lose_an_event() {
        let mut table = FieldTable::default();
        let keywords = table.read(KEYWORDS).unwrap();
        let searching = Decoder::new(&Arc::new(table));
        let plain =
            r#"{"uuid":"1","eventType":"a.b","published":"2026-08-13T15:58:20Z","other":"cut \ud83d"}"#;
        for other in ["\"cut \\ud83d\"", "1e999", "123456789012345678901234567890"] {
            let json = plain.replace("\"cut \\ud83d\"", other);
            let without = decoder().decode(&json, &mut Room::default());
            let with = searching.decode(&json, &mut Room::default());
            assert_eq!(with.is_ok(), without.is_ok(), "{other}");
        }
        let repaired = searching.decode(plain, &mut Room::default()).unwrap();
        assert!(repaired.fields.values(keywords).any(|value| value == Value::Text("cut \u{fffd}")));
    }

    #[test]
    fn brackets_are_counted_over_any_length() {
        assert_eq!(brackets("{[a;]}"), 2);
        assert_eq!(brackets(&"[".repeat(1000)), 1000);
    }

    #[test]
    fn broken_json_is_told_from_an_incomplete_event() {
        let json = r#"{"uuid":"1","eventType":"a.b",,"published":"2026-08-13T15:58:20Z"}"#;
        assert_eq!(
            decoder().decode(json, &mut Room::default()).unwrap_err().reason,
            DeadLetterReason::NotJson
        );
    }
}
