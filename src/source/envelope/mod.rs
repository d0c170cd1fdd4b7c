//! How is an envelope opened, and the envelope within it, down to the events?
//!
//! Bytes are unpacked, text is split into documents, an object is recognised by its
//! [`shape`] and opened. Each step may hand on to an earlier one, as chains occur: Fluent Bit
//! around Splunk's HEC around the event, Pub/Sub's base64 around EventBridge. What cannot be opened
//! becomes a dead letter with its own bytes, and its neighbours go on.

mod datadog;
mod ecs;
mod foreign;
mod outcome;
mod panther;
mod root;
mod sentinel;
mod shape;
mod syslog;
mod tenant;
mod unpack;

use std::borrow::Cow;
use std::sync::Arc;

use self::root::Root;
use self::shape::Open;
use self::unpack::Coding;
use super::event::{Decoder, Rejected};
use super::parser::string_content;
use super::scan::{Broken, Items, value_end};
use super::{Options, Read, Room, org};
use crate::limits::{ENVELOPE_DEPTH, UNPACKED_BYTES};
use crate::model::{DeadLetterReason, RawRecord};

/// What is known of the envelopes around a value.
#[derive(Clone, Debug, Default)]
struct Around<'a> {
    /// The outermost envelope.
    envelope: Option<&'static str>,
    /// The tenant that an envelope named; the outermost that does.
    org: Option<Arc<str>>,
    /// How many there are.
    depth: usize,
    /// The element of several that is being read; `None`: the record is one thing.
    element: Option<&'a str>,
}

impl Around<'_> {
    /// One envelope further in.
    fn within(&self, envelope: &'static str) -> Self {
        Self { envelope: self.envelope.or(Some(envelope)), depth: self.depth + 1, ..self.clone() }
    }

    /// At one element of several.
    fn at<'b>(&self, element: &'b str) -> Around<'b> {
        Around { envelope: self.envelope, org: self.org.clone(), depth: self.depth, element: Some(element) }
    }
}

/// Opens one record.
pub(super) struct Opener<'r> {
    decoder: &'r Decoder,
    options: &'r Options,
    record: &'r RawRecord,
    room: &'r mut Room,
    given_org: Option<Arc<str>>,
    read: Read,
    /// Elements met so far, whatever became of them.
    elements: usize,
    /// Bytes that may still be unpacked.
    unpackable: usize,
}

impl<'r> Opener<'r> {
    /// Reads a record to its last event.
    pub(super) fn open(
        decoder: &'r Decoder,
        options: &'r Options,
        record: &'r RawRecord,
        room: &'r mut Room,
    ) -> Read {
        let given_org = org::given(options, record);
        let read = Read::default();
        let mut opener =
            Self { decoder, options, record, room, given_org, read, elements: 0, unpackable: UNPACKED_BYTES };
        opener.bytes(&record.payload, &Around::default());
        opener.read
    }

    /// Goes into an envelope, unless there are too many around it.
    fn enter<'a>(&mut self, envelope: &'static str, around: &Around<'a>) -> Option<Around<'a>> {
        if around.depth >= ENVELOPE_DEPTH {
            let detail = format!("There are more than {ENVELOPE_DEPTH} envelopes within each other.");
            self.reject(Rejected::new(DeadLetterReason::TooDeep, detail), around);
            return None;
        }
        Some(around.within(envelope))
    }

    fn bytes(&mut self, bytes: &[u8], around: &Around<'_>) {
        let unpacked = match unpack::coding(bytes) {
            Coding::Text => return self.text(&lossy(bytes), around),
            Coding::RegistryJson => {
                let json = lossy(bytes.get(5..).unwrap_or_default());
                return self.text(&json, &around.within("schema_registry_json"));
            }
            Coding::Unsupported(name) => {
                let detail = format!("The bytes are {name}, which is not read.");
                Err(Rejected::new(DeadLetterReason::UnsupportedEncoding, detail))
            }
            Coding::Gzip => unpack::gunzip(bytes, self.unpackable),
            Coding::Zstd => unpack::unzstd(bytes, self.unpackable),
        };
        // Compression is no envelope by name, but counts as one, so that it cannot nest for ever.
        let Some(inner) = self.enter("compressed", around) else { return };
        self.unpacked(unpacked, &Around { envelope: around.envelope, ..inner });
    }

    fn unpacked(&mut self, unpacked: Result<Vec<u8>, Rejected>, around: &Around<'_>) {
        match unpacked {
            Err(rejected) => self.reject(rejected, around),
            Ok(bytes) => {
                self.unpackable = self.unpackable.saturating_sub(bytes.len());
                self.bytes(&bytes, around);
            }
        }
    }

    fn text(&mut self, text: &str, around: &Around<'_>) {
        let text = text.trim_start_matches('\u{feff}').trim();
        match text.as_bytes().first() {
            None => self.skip(),
            Some(b'{' | b'[' | b'"') => self.documents(text, around),
            Some(_) if syslog::begins_line(text) => self.syslog_lines(text, around),
            Some(_) => self.other_text(text, around),
        }
    }

    fn other_text(&mut self, text: &str, around: &Around<'_>) {
        let rejected = match foreign::text_format(text) {
            Some(name) => {
                let detail = format!("This is {name}, not Okta's own schema.");
                Rejected::new(DeadLetterReason::OtherSchema, detail)
            }
            None => Rejected::new(DeadLetterReason::NotJson, "The text is no JSON object or array."),
        };
        self.reject(rejected, around);
    }

    /// One JSON value, or several behind one another: lines, or objects with nothing between.
    fn documents(&mut self, text: &str, around: &Around<'_>) {
        if self.plain_event(text, around) {
            return;
        }
        if text.starts_with('{')
            && let Ok(root) = Root::scan(text)
            && root.text.len() == text.len()
        {
            return self.object(&root, around);
        }
        let whole = value_end(text, 0) == Ok(text.len());
        // An array that breaks off is still read up to there.
        let cut_array = text.starts_with('[') && until_next_document(text).len() == text.len();
        if whole || (cut_array && value_end(text, 0).is_err()) {
            return self.value(text, around);
        }
        if value_end(text, 0).is_err() && until_next_document(text).len() == text.len() {
            return self.broken(value_end(text, 0).err().unwrap_or(Broken::Truncated), around);
        }
        self.several(text, around);
    }

    fn several(&mut self, text: &str, around: &Around<'_>) {
        let Some(around) = self.enter("ndjson", around) else { return };
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{1e}']);
            if rest.is_empty() || self.is_full(rest, &around) {
                return;
            }
            let end = value_end(rest, 0);
            let len = end.unwrap_or_else(|_| until_next_document(rest).len());
            let Some((element, behind)) = rest.split_at_checked(len.max(1)) else { return };
            let around = around.at(element.trim_end());
            match end {
                Ok(_) => self.value(element, &around),
                Err(broken) => self.broken(broken, &around),
            }
            rest = behind;
        }
    }

    fn syslog_lines(&mut self, text: &str, around: &Around<'_>) {
        let Some(around) = self.enter("syslog", around) else { return };
        let several = text.contains('\n');
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if self.is_full(line, &around) {
                return;
            }
            let mut around = if several { around.at(line) } else { around.clone() };
            let parsed = syslog::parse(line);
            around.org = around.org.or_else(|| org::from_okta_domain(parsed?.host?));
            let message = parsed.map_or(line, |parsed| parsed.message);
            match message.as_bytes().first() {
                Some(b'{' | b'[') => self.documents(message, &around),
                _ => self.other_text(message, &around),
            }
        }
    }

    /// One JSON value as it is written.
    fn value(&mut self, value: &str, around: &Around<'_>) {
        match value.as_bytes().first() {
            Some(b'{') if self.plain_event(value, around) => {}
            Some(b'{') => match Root::scan(value) {
                Ok(root) => self.object(&root, around),
                Err(broken) => self.broken(broken, around),
            },
            Some(b'[') => {
                if let Some(around) = self.enter("json_array", around) {
                    self.array(value, &around);
                }
            }
            Some(b'"') => {
                if let Some(around) = self.enter("json_string", around) {
                    self.string(value, &around);
                }
            }
            _ => self.unknown("The value is neither an object nor an array.", around),
        }
    }

    /// The text that a JSON string holds.
    fn string(&mut self, value: &str, around: &Around<'_>) {
        match string_content(value) {
            None => self.broken(Broken::Syntax(0), around),
            Some(Cow::Borrowed(text)) => self.text(text, around),
            Some(Cow::Owned(text)) if text.len() > self.unpackable => {
                self.reject(unpack::too_large(), around)
            }
            Some(Cow::Owned(text)) => {
                self.unpackable -= text.len();
                self.text(&text, around);
            }
        }
    }

    fn base64(&mut self, value: &str, around: &Around<'_>) {
        let text = string_content(value).unwrap_or_default();
        self.unpacked(unpack::base64(&text, self.unpackable), around);
    }

    fn array(&mut self, array: &str, around: &Around<'_>) {
        let mut items = Items::new(array);
        let mut rest = items.rest();
        let mut empty = true;
        while let Some(element) = items.element() {
            let remains = rest.trim_start_matches([',', ' ', '\t', '\r', '\n']);
            if self.is_full(remains, around) {
                return;
            }
            match element {
                Ok(element) => self.value(element, &around.at(element)),
                Err(broken) => self.broken(broken, &around.at(remains)),
            }
            rest = items.rest();
            empty = false;
        }
        if empty {
            self.skip();
        }
    }

    fn object(&mut self, root: &Root<'_>, around: &Around<'_>) {
        let Some(shape) = shape::detect(root) else {
            return self.unknown("No known envelope has these keys, and it is no Okta event.", around);
        };
        match &shape.open {
            Open::Event => self.event(root.text, &Self::named(shape.name, root, around), false),
            Open::Rewrite { write, lossy } => match write(root.text) {
                Some(json) => self.event(&json, &Self::named(shape.name, root, around), *lossy),
                None => self.unknown("The row cannot be read as an Okta event.", around),
            },
            Open::Dead(reason, detail) => self.reject(Rejected::new(*reason, detail(root)), around),
            Open::Skip => self.skip(),
            Open::Inner(find) | Open::Base64(find) | Open::Each(find) | Open::Loki(find) => {
                let Some(mut inner) = self.enter(shape.name, around) else { return };
                inner.org = inner.org.or_else(|| tenant::named_by(shape.name, root));
                match find(root) {
                    Some(value) => self.content(&shape.open, value, &inner),
                    None => self.unknown("The envelope holds nothing.", &inner),
                }
            }
        }
    }

    fn named<'a>(envelope: &'static str, root: &Root<'_>, around: &Around<'a>) -> Around<'a> {
        let mut inner = around.within(envelope);
        inner.org = inner.org.or_else(|| tenant::named_by(envelope, root));
        inner
    }

    /// What an envelope holds; text and arrays within it are part of it.
    fn content(&mut self, open: &Open, value: &str, around: &Around<'_>) {
        match (open, value.as_bytes().first()) {
            (Open::Base64(_), Some(b'"')) => self.base64(value, around),
            (Open::Loki(_), Some(b'[')) => self.streams(value, around),
            (_, Some(b'"')) => self.string(value, around),
            (_, Some(b'[')) => self.array(value, around),
            _ => self.value(value, around),
        }
    }

    /// Loki's `streams[].values[]`, each a time and a line.
    fn streams(&mut self, streams: &str, around: &Around<'_>) {
        let before = self.elements;
        let mut streams = Items::new(streams);
        while let Some(Ok(stream)) = streams.element() {
            let values =
                Root::scan(stream).ok().and_then(|root| root.get(root::Key::Values)).unwrap_or_default();
            let mut values = Items::new(values);
            while let Some(Ok(entry)) = values.element() {
                if self.is_full(entry, around) {
                    return;
                }
                let mut parts = Items::new(entry);
                match parts.element().and_then(|_| parts.element()) {
                    Some(Ok(line)) => self.string(line, &around.at(line)),
                    _ => self.unknown("The entry has no line.", &around.at(entry)),
                }
            }
        }
        if self.elements == before {
            self.skip();
        }
    }
}

/// The bytes as text; what is not UTF-8 is replaced, so that one bad byte does not hide an event.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // The check is several times faster than the repair's own.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// A broken document up to where the next may begin: a line that opens an object or an array.
fn until_next_document(text: &str) -> &str {
    let starts = text.match_indices('\n').map(|(at, _)| at + 1);
    let mut next = starts.filter(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(['{', '['])));
    next.next().and_then(|at| text.get(..at)).unwrap_or(text)
}
