//! What becomes of each element of a record: an event, a dead letter, or nothing on purpose?

use std::sync::Arc;

use super::{Around, Opener};
use crate::limits::EVENTS_PER_RECORD;
use crate::model::{DeadLetter, DeadLetterReason, Event, Position, Value, core};
use crate::source::event::{Decoded, Rejected};
use crate::source::org;
use crate::source::scan::Broken;

impl Opener<'_> {
    /// Okta's event as JSON.
    pub(super) fn event(&mut self, json: &str, around: &Around<'_>, lossy: bool) {
        match self.decoder.decode(json, self.room) {
            Ok(decoded) => self.keep(decoded, json, around, lossy),
            Err(rejected) => self.reject(rejected, around),
        }
    }

    /// Takes a text that is nothing but Okta's event; `false` when it is anything else.
    pub(super) fn plain_event(&mut self, json: &str, around: &Around<'_>) -> bool {
        let decoded = self.decoder.decode_plain(json, self.room);
        decoded.map(|decoded| self.keep(decoded, json, around, false)).is_some()
    }

    fn keep(&mut self, mut decoded: Decoded, json: &str, around: &Around<'_>, lossy: bool) {
        let org = self.org(around);
        if let Some(org) = &org {
            decoded.fields.set(core::ENRICHED_ORG, Value::Text(org));
        }
        let position = self.position();
        self.read.events.push(Event {
            position,
            uuid: decoded.uuid,
            published_ms: decoded.published_ms,
            org,
            envelope: around.envelope.unwrap_or("raw").into(),
            lossy,
            fields: decoded.fields,
            raw: self.options.keep_raw.then(|| json.into()),
        });
    }

    fn org(&self, around: &Around<'_>) -> Option<Arc<str>> {
        let named = self.given_org.clone().or_else(|| around.org.clone());
        named.or_else(|| org::from_topic(&self.record.position.topic))
    }

    /// The record's position with the number of this element, which is counted with it.
    fn position(&mut self) -> Position {
        let index = u32::try_from(self.elements).unwrap_or(u32::MAX);
        self.elements += 1;
        Position { index, ..self.record.position.clone() }
    }

    /// A dead letter: the element's own bytes, or the whole record's where it is one thing.
    pub(super) fn reject(&mut self, rejected: Rejected, around: &Around<'_>) {
        let payload =
            around.element.map_or_else(|| self.record.payload.clone(), |text| text.as_bytes().to_vec());
        let dead_letter = DeadLetter {
            position: self.position(),
            timestamp_ms: self.record.timestamp_ms,
            reason: rejected.reason,
            detail: rejected.detail,
            payload,
            key: self.record.key.clone(),
        };
        self.read.dead_letters.push(dead_letter);
    }

    pub(super) fn broken(&mut self, broken: Broken, around: &Around<'_>) {
        self.reject(Rejected::new(DeadLetterReason::NotJson, broken.to_string()), around);
    }

    pub(super) fn unknown(&mut self, detail: &str, around: &Around<'_>) {
        self.reject(Rejected::new(DeadLetterReason::UnknownEnvelope, detail), around);
    }

    /// Something that is no log event on purpose.
    pub(super) fn skip(&mut self) {
        self.elements += 1;
        self.read.skipped += 1;
    }

    /// Whether the record has given all that one may; what remains of it is one dead letter.
    pub(super) fn is_full(&mut self, remains: &str, around: &Around<'_>) -> bool {
        let full = self.elements >= EVENTS_PER_RECORD;
        if full {
            let detail =
                format!("The record holds more than {EVENTS_PER_RECORD} elements; these are the rest.");
            self.reject(Rejected::new(DeadLetterReason::TooLarge, detail), &around.at(remains));
        }
        full
    }
}
