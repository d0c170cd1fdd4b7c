//! How are maps, texts and lists of a document read, so that every mistake is told?

use super::diagnostic::Findings;
use super::sources::Span;
use super::yaml::{Entry, Kind, Literal, Node};
use crate::text::nearest;

/// Text with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spanned {
    pub text: String,
    pub span: Span,
}

/// A map of a document with what it is called in messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map<'n> {
    pub span: Span,
    pub entries: &'n [Entry],
    what: &'static str,
}

impl<'n> Map<'n> {
    /// `None`, and an error, if the node is no map.
    pub(super) fn of(node: &'n Node, what: &'static str, findings: &mut Findings) -> Option<Self> {
        match &node.kind {
            Kind::Map(entries) => Some(Self { span: node.span, entries, what }),
            _ => {
                findings.error(node.span, "wrong-type", format!("{what} is a map, not {}", node.what()));
                None
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Where a key stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_span)
    }

    /// The key's node; an error if it is not there.
    pub(super) fn require(&self, key: &str, findings: &mut Findings) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            let message = format!("{} needs `{key}`", self.what);
            findings.error(self.first_key(), "missing-key", message);
        }
        found
    }

    /// The map's first key: a place to point to that is not the whole map.
    pub(super) fn first_key(&self) -> Span {
        self.entries.first().map_or(self.span, |entry| entry.key_span)
    }

    /// An error for each key that is not among those known.
    pub(super) fn only(&self, known: &[&str], findings: &mut Findings) {
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let message = format!("{} has no key `{}`", self.what, entry.key);
            let near = findings.guess(|| nearest(&entry.key, known.iter().copied()));
            let finding = findings.error(entry.key_span, "unknown-key", message);
            finding.suggest(near, || list_of("its keys are", known));
        }
    }

    /// The key's text, if it is there; an error if it is no text.
    pub(super) fn text(&self, key: &str, findings: &mut Findings) -> Option<Spanned> {
        text(self.get(key)?, key, findings)
    }

    /// The key's texts: one, or a list of them.
    pub(super) fn texts(&self, key: &str, findings: &mut Findings) -> Vec<Spanned> {
        self.get(key).map(|node| texts(node, key, findings)).unwrap_or_default()
    }

    /// The key's boolean, if it is there; an error if it is none.
    pub(super) fn boolean(&self, key: &str, findings: &mut Findings) -> Option<bool> {
        let node = self.get(key)?;
        match node.scalar().map(|scalar| scalar.literal()) {
            Some(Literal::Boolean(flag)) => Some(flag),
            _ => wrong(node, key, "true or false", findings),
        }
    }

    /// The key's whole number, if it is there; an error if it is none in the range.
    pub(super) fn integer(&self, key: &str, most: i64, findings: &mut Findings) -> Option<i64> {
        let node = self.get(key)?;
        match node.scalar().map(|scalar| scalar.literal()) {
            Some(Literal::Integer(number)) if (0..=most).contains(&number) => Some(number),
            _ => {
                let message = format!("`{key}` is a whole number from 0 to {most}");
                findings.error(node.span, "wrong-type", message);
                None
            }
        }
    }

    /// The key's word, which must be one of those known; its place among them.
    pub(super) fn word(&self, key: &str, known: &[&str], findings: &mut Findings) -> Option<usize> {
        let word = self.text(key, findings)?;
        let place = known.iter().position(|known| *known == word.text);
        if place.is_none() {
            let message = format!("`{}` is no {key}", word.text);
            findings
                .error(word.span, "unknown-word", message)
                .suggest(nearest(&word.text, known.iter().copied()), || list_of("it is one of", known));
        }
        place
    }
}

/// A scalar as text; null is none.
pub(super) fn text(node: &Node, key: &str, findings: &mut Findings) -> Option<Spanned> {
    match node.scalar() {
        Some(scalar) if !node.is_null() => Some(Spanned { text: scalar.text.clone(), span: node.span }),
        _ => wrong(node, key, "text", findings),
    }
}

/// One text, or a list of texts.
pub(super) fn texts(node: &Node, key: &str, findings: &mut Findings) -> Vec<Spanned> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(|item| text(item, key, findings)).collect(),
        _ => text(node, key, findings).into_iter().collect(),
    }
}

fn wrong<T>(node: &Node, key: &str, wanted: &str, findings: &mut Findings) -> Option<T> {
    findings.error(node.span, "wrong-type", format!("`{key}` is {wanted}, not {}", node.what()));
    None
}

fn list_of(intro: &str, words: &[&str]) -> String {
    format!("{intro} {}", words.join(", "))
}
