//! What does a YAML text say, and where does it say it?
//!
//! A tree with byte ranges, built from parser events so that aliases, nesting and repeated keys
//! are judged before anything is believed.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use super::diagnostic::Findings;
use super::sources::Span;
use super::tree::Size;
pub(super) use super::tree::{Entry, Kind, Literal, Node, Scalar};
use crate::limits;

/// Reads every document of a file. After a mistake in the file's structure the documents before it
/// are returned; the mistake is in `findings`.
pub(super) fn parse(file: u32, text: &str, findings: &mut Findings) -> Vec<Node> {
    let mut builder = Builder::new(file, text);
    if text.len() > limits::RULE_FILE_BYTES {
        let message = format!("a rule file has at most {} bytes", limits::RULE_FILE_BYTES);
        findings.error(builder.bytes(0, 0), "too-large", message);
        return Vec::new();
    }
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let taken = match next {
            Ok((event, marks)) => builder.take(event, marks, findings),
            Err(error) => {
                let at = error.marker().index();
                findings.error(builder.span(at, at), "yaml", format!("not YAML: {}", error.info()));
                None
            }
        };
        if taken.is_none() {
            break;
        }
    }
    builder.documents
}

struct Builder<'t> {
    file: u32,
    text: &'t str,
    /// Byte offset of each character; empty when every character is one byte.
    offsets: Vec<u32>,
    documents: Vec<Node>,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    /// Of all that was read, and of each copy that an anchor or an alias makes.
    size: Size,
}

struct Frame {
    node: Node,
    anchor: usize,
    keys: BTreeMap<String, Span>,
    key: Option<(String, Span)>,
}

impl<'t> Builder<'t> {
    fn new(file: u32, text: &'t str) -> Self {
        let offset = |(at, _): (usize, char)| u32::try_from(at).unwrap_or(u32::MAX);
        let offsets = if text.is_ascii() { Vec::new() } else { text.char_indices().map(offset).collect() };
        let (documents, stack, anchors) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { file, text, offsets, documents, stack, anchors, size: Size::default() }
    }

    /// `None`: the file is not worth reading on.
    fn take(&mut self, event: Event<'_>, marks: Marks, findings: &mut Findings) -> Option<()> {
        let span = self.span(marks.start.index(), marks.end.index());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                self.check_tag(span, tag.as_deref(), findings)?;
                let base = self.base(span, &text);
                let scalar = Scalar { text: text.into_owned(), plain, base };
                self.add(Node { span, kind: Kind::Scalar(scalar) }, anchor, findings)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(span, tag.as_deref(), findings)?;
                self.open(Node { span, kind: Kind::List(Vec::new()) }, anchor, findings)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(span, tag.as_deref(), findings)?;
                self.open(Node { span, kind: Kind::Map(Vec::new()) }, anchor, findings)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let mut frame = self.stack.pop()?;
                // A closing bracket belongs to what it closes, but not what follows it; the end of a
                // block is where the next thing begins.
                if self.text.get(span.range()).is_some_and(|end| end.starts_with([']', '}'])) {
                    frame.node.span = frame.node.span.to(self.bytes(span.start, span.start + 1));
                }
                self.add(frame.node, frame.anchor, findings)
            }
            Event::Alias(anchor) => {
                let node = self.copy(anchor, span, findings)?;
                self.attach(node, findings)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Some(())
            }
            _ => Some(()),
        }
    }

    /// What an alias repeats; its size is judged before it is copied.
    fn copy(&mut self, anchor: usize, span: Span, findings: &mut Findings) -> Option<Node> {
        let Some(size) = self.anchors.get(&anchor).map(Node::size) else {
            findings.error(span, "yaml", "an alias stands inside what it repeats");
            return None;
        };
        self.charge(size, span, findings)?;
        let node = self.anchors.get(&anchor)?.clone();
        Some(Node { span, ..node })
    }

    fn charge(&mut self, size: Size, span: Span, findings: &mut Findings) -> Option<()> {
        self.size = self.size + size;
        let message = if self.size.nodes > limits::RULE_NODES {
            format!("more than {} values, aliases counted in full", limits::RULE_NODES)
        } else if self.size.bytes > limits::RULE_TEXT_BYTES {
            format!("more than {} bytes of text, aliases counted in full", limits::RULE_TEXT_BYTES)
        } else {
            return Some(());
        };
        findings.error(span, "too-large", message);
        None
    }

    fn check_tag(&self, span: Span, tag: Option<&Tag>, findings: &mut Findings) -> Option<()> {
        let Some(tag) = tag else { return Some(()) };
        if tag.is_yaml_core_schema() && tag.suffix == "str" {
            return Some(());
        }
        findings.error(span, "yaml", format!("the YAML tag `{tag}` means nothing in a rule"));
        None
    }

    fn open(&mut self, node: Node, anchor: usize, findings: &mut Findings) -> Option<()> {
        if self.stack.len() >= limits::RULE_DEPTH {
            let message = format!("nested deeper than {} levels", limits::RULE_DEPTH);
            findings.error(node.span, "too-deep", message);
            return None;
        }
        self.stack.push(Frame { node, anchor, keys: BTreeMap::new(), key: None });
        Some(())
    }

    fn add(&mut self, node: Node, anchor: usize, findings: &mut Findings) -> Option<()> {
        let own = node.scalar().map_or(Size::NODE, |scalar| Size::of(&scalar.text));
        self.charge(own, node.span, findings)?;
        if anchor != 0 {
            self.charge(node.size(), node.span, findings)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.attach(node, findings)
    }

    /// Puts a node where it belongs.
    fn attach(&mut self, node: Node, findings: &mut Findings) -> Option<()> {
        match self.stack.last_mut() {
            Some(frame) => frame.add(node, findings),
            None => self.document(node, findings),
        }
    }

    fn document(&mut self, node: Node, findings: &mut Findings) -> Option<()> {
        if self.documents.len() >= limits::RULE_DOCUMENTS {
            let message = format!("a rule file has at most {} documents", limits::RULE_DOCUMENTS);
            findings.error(node.span, "too-large", message);
            return None;
        }
        self.documents.push(node);
        Some(())
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.bytes(self.byte(start), self.byte(end).max(self.byte(start)))
    }

    fn bytes(&self, start: u32, end: u32) -> Span {
        Span { file: self.file, start, end }
    }

    fn byte(&self, character: usize) -> u32 {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        if self.offsets.is_empty() {
            return u32::try_from(character).unwrap_or(u32::MAX).min(end);
        }
        self.offsets.get(character).copied().unwrap_or(end)
    }

    /// Where the text itself starts: after a quote, if there is one.
    fn base(&self, span: Span, text: &str) -> Option<u32> {
        let written = self.text.get(span.range())?;
        let quote = usize::from(written.starts_with(['"', '\'']));
        let inside = written.get(quote..)?.starts_with(text);
        inside.then(|| span.start + u32::from(quote == 1))
    }
}

impl Frame {
    fn add(&mut self, node: Node, findings: &mut Findings) -> Option<()> {
        self.node.span = self.node.span.to(node.span);
        match &mut self.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => match self.key.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => self.key = Some(key(&mut self.keys, node, findings)?),
            },
            Kind::Scalar(_) => {}
        }
        Some(())
    }
}

fn key(seen: &mut BTreeMap<String, Span>, node: Node, findings: &mut Findings) -> Option<(String, Span)> {
    let Kind::Scalar(scalar) = node.kind else {
        findings.error(node.span, "yaml", "a key is text, not a list or a map");
        return None;
    };
    if scalar.text.len() > limits::RULE_KEY_BYTES {
        let message = format!("a key has at most {} bytes", limits::RULE_KEY_BYTES);
        findings.error(node.span, "too-large", message);
        return None;
    }
    let first = *seen.entry(scalar.text.clone()).or_insert(node.span);
    if first != node.span {
        let message = format!("the key `{}` stands twice in one map", scalar.text);
        let finding = findings.error(node.span, "duplicate-key", message);
        finding.related(first, "the first stands here").help("A map keeps one value for each key.");
    }
    Some((scalar.text, node.span))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Vec<Node>, Vec<String>) {
        let mut findings = Findings::default();
        let documents = parse(0, text, &mut findings);
        let sources = super::super::Sources::of([("a.yml", text)]);
        let messages = findings.finish(&sources).into_iter().map(|found| found.message).collect();
        (documents, messages)
    }

    #[test]
    fn every_document_of_a_file_is_read_with_byte_ranges() {
        let text = "é: [1, 'two']\n---\nb: c\n";
        let (documents, messages) = read(text);
        assert_eq!((documents.len(), messages.len()), (2, 0));
        let Kind::Map(entries) = &documents[0].kind else { panic!() };
        assert_eq!(text.get(entries[0].key_span.range()), Some("é"));
        let Kind::List(items) = &entries[0].value.kind else { panic!() };
        assert_eq!(text.get(items[1].span.range()), Some("'two'"));
        assert_eq!(items[0].scalar().unwrap().literal(), Literal::Integer(1));
        assert_eq!(items[1].scalar().unwrap().base, Some(9));
    }

    #[test]
    fn a_list_or_map_reaches_from_its_first_character_to_its_last() {
        let text = "a: [1, [] ]  # no more\nb:\n  - {c: d } # no more\n  - e:\n    - f\n\n# no more\ng: {}\n";
        let (documents, _) = read(text);
        let Kind::Map(entries) = &documents[0].kind else { panic!() };
        let written = |node: &Node| text.get(node.span.range()).unwrap().to_owned();
        let spans: Vec<_> = entries.iter().map(|entry| written(&entry.value)).collect();
        assert_eq!(spans, ["[1, [] ]", "- {c: d } # no more\n  - e:\n    - f", "{}"]);
        let Kind::List(items) = &entries[1].value.kind else { panic!() };
        assert_eq!(items.iter().map(written).collect::<Vec<_>>(), ["{c: d }", "e:\n    - f"]);
        let Kind::List(items) = &entries[0].value.kind else { panic!() };
        assert_eq!(written(&items[1]), "[]");
    }

    #[test]
    fn a_quoted_number_is_text() {
        let kinds = ["1", "'1'", "!!str 1", "1.5", "yes", "~", "False", "0x10", "-3", "nan", "1e400"];
        let literals: Vec<_> = kinds.iter().map(|text| read(text).0[0].scalar().unwrap().literal()).collect();
        let text = |text: &str| Literal::Text(text.to_owned());
        let wanted = [
            Literal::Integer(1),
            text("1"),
            text("1"),
            Literal::Float(1.5),
            text("yes"),
            Literal::Null,
            Literal::Boolean(false),
            Literal::Integer(16),
            Literal::Integer(-3),
            text("nan"),
            text("1e400"),
        ];
        assert_eq!(literals, wanted);
    }

    #[test]
    fn a_repeated_key_is_an_error() {
        assert_eq!(read("a: 1\nb: 2\na: 3\n").1, ["the key `a` stands twice in one map"]);
    }

    #[test]
    fn aliases_are_counted_in_full() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let repeated = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{repeated}]\n"));
        }
        assert!(read(&bomb).1[0].contains("aliases counted in full"));
        let (documents, messages) = read("a: &x [1, 2]\nb: *x\n");
        assert_eq!((documents[0].size(), messages.len()), (Size { nodes: 9, bytes: 6 }, 0));
        assert_eq!(read("a: &x [*x]\n").1.len(), 1);
    }

    #[test]
    fn what_anchors_and_aliases_copy_is_bounded_in_bytes_too() {
        let long = "x".repeat(400_000);
        let repeated = |times: usize| read(&format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(times))).1;
        assert_eq!(repeated(7), Vec::<String>::new());
        assert_eq!(repeated(10), ["more than 4194304 bytes of text, aliases counted in full"]);
        let nested: String = (0..60).map(|level| format!("&a{level} [")).collect();
        let nested = format!("{nested}{}{}", "x, ".repeat(10_000), "]".repeat(60));
        assert_eq!(read(&nested).1, ["more than 100000 values, aliases counted in full"]);
    }

    #[test]
    fn documents_are_counted_and_keys_measured() {
        let many = "---\na: b\n".repeat(limits::RULE_DOCUMENTS + 5);
        let (documents, messages) = read(&many);
        assert_eq!(documents.len(), limits::RULE_DOCUMENTS);
        assert_eq!(messages, ["a rule file has at most 1000 documents"]);
        assert_eq!(read(&format!("? {}\n: b\n", "k".repeat(1_025))).1, ["a key has at most 1024 bytes"]);
        assert!(read(&format!("? {}\n: b\n", "k".repeat(1_024))).1.is_empty());
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        assert!(read(&"[".repeat(100)).1[0].contains("nested deeper"));
        assert_eq!(read(&"[".repeat(100_000)).1.len(), 1);
        assert!(read(&"- ".repeat(100_000)).1[0].contains("nested deeper"));
    }

    #[test]
    fn broken_yaml_is_told_with_its_place() {
        assert!(read("a: [1, 2\nb: {").1[0].starts_with("not YAML: "));
        assert!(read("a: !!python/object x").1[0].contains("tag"));
        assert!(read("[a]: b").1[0].contains("a key is text"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[-a-c:é \\[\\]{}&*!|>'\"#,\n\t?%@~]{0,60}") {
            read(&text);
        }

        #[test]
        fn no_unicode_makes_the_reader_panic(text in any::<String>()) {
            read(&text);
        }
    }
}
