//! What is wrong with a rule file, where, and what would be right?

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::codes;
use super::location::{Inside, Location};
use super::sources::{Sources, Span};
use crate::limits;
use crate::text::cut;

/// A mistake in a rule file: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// `error` stops the load, `warning` does not.
    pub severity: Severity,
    /// Stable word for the kind of mistake: `unknown-field`; see [`codes`].
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub at: Location,
    /// What to do.
    pub help: Option<String>,
    /// Further places that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// A further place of a mistake: `the first stands here`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// What stands there.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub at: Location,
}

/// How bad a mistake is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Stops the load.
    #[default]
    Error,
    /// Does not.
    Warning,
}

/// What has been found so far, in all files.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    unreadable: Vec<(PathBuf, String)>,
    /// Errors that are only counted, as too many came before.
    untold: usize,
    /// Takes what is not told.
    sink: Finding,
}

/// One mistake, before its line and column are known.
#[derive(Debug, Default)]
pub(super) struct Finding {
    severity: Severity,
    code: &'static str,
    message: String,
    span: Span,
    /// The part of the scalar at `span` that is meant.
    inside: Option<Inside>,
    help: Option<String>,
    related: Vec<(Span, String)>,
}

impl Finding {
    /// Only this part of the scalar is meant, in bytes of the text that YAML makes of it.
    pub(super) fn inside(&mut self, text: &str, range: Range<usize>) -> &mut Self {
        self.inside = Some(Inside { text: text.to_owned(), range });
        self
    }

    /// A further place, and what stands there.
    pub(super) fn related(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.related.push((span, message.into()));
        self
    }

    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(bounded(help.into()));
    }

    /// Names what was probably meant, or else what there is.
    pub(super) fn suggest(&mut self, nearest: Option<&str>, otherwise: impl FnOnce() -> String) {
        self.help(nearest.map_or_else(otherwise, |nearest| format!("did you mean `{nearest}`?")));
    }
}

impl Findings {
    pub(super) fn error(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let message = message.into();
        self.push(Finding { severity: Severity::Error, span, code, message, ..Finding::default() })
    }

    pub(super) fn warning(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let message = message.into();
        self.push(Finding { severity: Severity::Warning, span, code, message, ..Finding::default() })
    }

    /// A file or folder that is not even there to point into.
    pub(super) fn unreadable(&mut self, path: &Path, message: impl Into<String>) {
        self.unreadable.push((path.to_owned(), message.into()));
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.unreadable.is_empty()
    }

    /// How many errors there are so far, to see whether a step added any.
    pub(super) fn errors(&self) -> usize {
        let errors = self.list.iter().filter(|finding| finding.severity == Severity::Error);
        errors.count() + self.unreadable.len() + self.untold
    }

    /// What a guess at the right word finds, while there are few mistakes: each guess looks at
    /// every word there is.
    pub(super) fn guess<T>(&self, guess: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.list.len() < limits::RULE_GUESSES { guess() } else { None }
    }

    /// Takes over what another list has found, so that a step can be judged by its own findings.
    pub(super) fn absorb(&mut self, other: Self) {
        self.unreadable.extend(other.unreadable);
        self.untold += other.untold;
        for finding in other.list {
            self.push(finding);
        }
    }

    fn is_full(&self) -> bool {
        self.list.len() >= limits::RULE_MISTAKES
    }

    /// The files that have errors so far.
    pub(super) fn files_with_errors(&self) -> BTreeSet<u32> {
        let errors = self.list.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.span.file).collect()
    }

    /// All of it, in the order of files and places.
    pub(super) fn finish(mut self, sources: &Sources) -> Vec<Diagnostic> {
        if let Some(last) = self.list.last().filter(|_| self.untold > 0) {
            let message = format!("{} more errors are not told", self.untold);
            let span = last.span;
            self.list.push(Finding { message, code: "too-many", span, ..Finding::default() });
        }
        self.list.sort_by_key(|finding| (finding.span.file, finding.span.start, finding.severity));
        let unreadable = self.unreadable.into_iter().map(|(file, message)| Diagnostic {
            severity: Severity::Error,
            code: "unreadable",
            message,
            at: Location::of_file(file),
            help: None,
            related: Vec::new(),
        });
        unreadable.chain(self.list.into_iter().map(|finding| finding.locate(sources))).collect()
    }

    fn push(&mut self, mut finding: Finding) -> &mut Finding {
        debug_assert!(codes::code(finding.code).is_some(), "`{}` is missing in codes.rs", finding.code);
        finding.message = bounded(finding.message);
        if self.is_full() {
            self.untold += usize::from(finding.severity == Severity::Error);
            self.sink = finding;
            return &mut self.sink;
        }
        let place = self.list.len();
        self.list.push(finding);
        self.list.get_mut(place).unwrap_or(&mut self.sink)
    }
}

/// What a mistake says may quote the file, which may hold anything.
fn bounded(mut text: String) -> String {
    if text.len() > limits::RULE_MESSAGE_BYTES {
        text.truncate(cut(&text, limits::RULE_MESSAGE_BYTES).len());
        text.push('…');
    }
    text
}

impl Finding {
    fn locate(self, sources: &Sources) -> Diagnostic {
        let related = self.related.into_iter();
        let related =
            related.map(|(span, message)| Related { message, at: Location::new(span, None, sources) });
        Diagnostic {
            severity: self.severity,
            code: self.code,
            message: self.message,
            at: Location::new(self.span, self.inside.as_ref(), sources),
            help: self.help,
            related: related.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_lines_and_characters() {
        let sources = Sources::of([("a.yml", "x: 1\n\u{e9}: \u{e9}b\n")]);
        let mut findings = Findings::default();
        findings.error(Span { file: 0, start: 11, end: 12 }, "unknown-key", "no such key");
        let diagnostics = findings.finish(&sources);
        assert_eq!((diagnostics[0].at.line, diagnostics[0].at.column), (2, 5));
    }

    #[test]
    fn too_many_mistakes_are_counted() {
        let mut findings = Findings::default();
        for _ in 0..limits::RULE_MISTAKES + 5 {
            findings.error(Span::default(), "empty", "wrong").help("less");
        }
        assert_eq!(findings.errors(), limits::RULE_MISTAKES + 5);
        assert_eq!(findings.guess(|| Some(1)), None);
        let told = findings.finish(&Sources::default());
        assert_eq!(told.len(), limits::RULE_MISTAKES + 1);
        assert_eq!(told.last().unwrap().message, "5 more errors are not told");
    }

    #[test]
    fn what_a_mistake_quotes_is_cut() {
        let mut findings = Findings::default();
        let long = "é".repeat(limits::RULE_MESSAGE_BYTES);
        findings.error(Span::default(), "yaml", format!("no {long}")).help(format!("{long}!"));
        let told = findings.finish(&Sources::default()).remove(0);
        assert_eq!(told.message.len(), limits::RULE_MESSAGE_BYTES - 1 + '…'.len_utf8());
        assert!(told.message.ends_with("é…") && told.help.is_some_and(|help| help.ends_with("é…")));
    }

    #[test]
    fn mistakes_come_in_the_order_of_their_places() {
        let sources = Sources::of([("a.yml", "abc"), ("b.yml", "abc")]);
        let mut findings = Findings::default();
        for (file, start) in [(1, 0), (0, 2), (0, 1)] {
            findings.warning(Span { file, start, end: start }, "empty", format!("{file}{start}"));
        }
        let messages: Vec<_> = findings.finish(&sources).into_iter().map(|found| found.message).collect();
        assert_eq!(messages, ["01", "02", "10"]);
    }
}
