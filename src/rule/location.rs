//! Where does a mistake stand, as people and editors count?

use std::iter::Peekable;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::CharIndices;

use serde::Serialize;

use super::sources::{Sources, Span};

/// A place in a rule file. Lines and columns count from 1, columns in characters; the end is the
/// column after the last character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file.
    #[serde(serialize_with = "shown")]
    pub file: PathBuf,
    /// Byte range in the file.
    pub span: Range<usize>,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column of the end.
    pub end_column: usize,
}

/// A path need not be text; JSON must.
fn shown<S: serde::Serializer>(path: &Path, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&path.display())
}

impl Location {
    /// A file as a whole.
    pub(super) fn of_file(file: PathBuf) -> Self {
        Self { file, span: 0..0, line: 1, column: 1, end_line: 1, end_column: 1 }
    }

    pub(super) fn new(span: Span, inside: Option<&Inside>, sources: &Sources) -> Self {
        let Some(source) = sources.get(span.file) else { return Self::of_file(PathBuf::new()) };
        let text = source.text.as_str();
        let mut range = visible(text, span.range());
        if let Some(part) = inside.and_then(|inside| inside.place(text.get(range.clone())?)) {
            range = range.start + part.start..range.start + part.end;
        }
        let (line, column) = line_and_column(text, range.start);
        let (end_line, end_column) = line_and_column(text, range.end);
        Self { file: source.path.clone(), span: range, line, column, end_line, end_column }
    }
}

/// Without the blanks and line ends at a node's end; what stands behind the last line is at its end.
fn visible(text: &str, range: Range<usize>) -> Range<usize> {
    let last = text.trim_end().len();
    let start = if range.start >= text.len() { last } else { range.start };
    let end = range.end.min(text.len()).max(start);
    let written = text.get(start..end).unwrap_or_default().trim_end();
    start..start + written.len()
}

/// A byte order mark is no column.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.get(line_start..).unwrap_or_default();
    let line = if line_start == 0 { line.trim_start_matches('\u{feff}') } else { line };
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Part of a scalar, in bytes of the text that YAML makes of what is written.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    pub text: String,
    pub range: Range<usize>,
}

impl Inside {
    /// The same part in what is written: with quotes, escapes, indentation and folded lines.
    fn place(&self, written: &str) -> Option<Range<usize>> {
        let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
        let quoted = quote.and_then(|quote| self.walk(written, Some(quote)));
        quoted.or_else(|| self.walk(written, None))
    }

    /// Goes along both texts. `None` if they do not go together.
    fn walk(&self, written: &str, quote: Option<char>) -> Option<Range<usize>> {
        let mut walk = Walk { rest: written.char_indices().peekable(), written, quote };
        if quote.is_some() {
            walk.rest.next();
        }
        let mut found = None;
        for (at, wanted) in self.text.char_indices() {
            if at >= self.range.end && found.is_some() {
                return found;
            }
            let step = walk.step(wanted)?;
            if at >= self.range.start {
                found = Some(found.map_or(step.start, |found: Range<usize>| found.start)..step.end);
            }
        }
        found
    }
}

struct Walk<'w> {
    rest: Peekable<CharIndices<'w>>,
    written: &'w str,
    quote: Option<char>,
}

impl Walk<'_> {
    /// What is written for one character of the text.
    fn step(&mut self, wanted: char) -> Option<Range<usize>> {
        if !wanted.is_whitespace() {
            while self.rest.next_if(|(_, next)| next.is_whitespace()).is_some() {}
        }
        let (start, next) = *self.rest.peek()?;
        if next == '\\' && self.quote == Some('"') {
            return self.escape(start, wanted);
        }
        if wanted.is_whitespace() && next != wanted {
            // A folded line end, with the indentation behind it; or one that was folded away.
            while self.rest.next_if(|(_, next)| next.is_whitespace()).is_some() {}
        } else if next == wanted {
            self.rest.next();
            let doubled = self.quote == Some('\'') && wanted == '\'';
            self.rest.next_if(|(_, next)| doubled && *next == '\'');
        } else {
            return None;
        }
        Some(start..self.here())
    }

    fn escape(&mut self, start: usize, wanted: char) -> Option<Range<usize>> {
        self.rest.next();
        let (_, kind) = self.rest.next()?;
        if matches!(kind, '\n' | '\r') {
            while self.rest.next_if(|(_, next)| next.is_whitespace()).is_some() {}
            return self.step(wanted);
        }
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        for _ in 0..digits {
            self.rest.next()?;
        }
        Some(start..self.here())
    }

    fn here(&mut self) -> usize {
        self.rest.peek().map_or(self.written.len(), |(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::yaml;
    use super::*;
    use crate::rule::diagnostic::Findings;

    fn at(text: &str, range: Range<usize>) -> (usize, usize, usize, usize) {
        let sources = Sources::of([("a.yml", text)]);
        let span = Span { file: 0, start: range.start as u32, end: range.end as u32 };
        let found = Location::new(span, None, &sources);
        (found.line, found.column, found.end_line, found.end_column)
    }

    #[test]
    fn columns_are_characters_and_ends_are_behind_the_last() {
        assert_eq!(at("x: 1\n\u{e9}: \u{e9}b\n", 9..12), (2, 4, 2, 6));
        assert_eq!(at("a:\tb\n", 3..4), (1, 4, 1, 5));
        assert_eq!(at("a: b\r\nc: d\r\n", 9..10), (2, 4, 2, 5));
        assert_eq!(at("\u{feff}a: b\n", 6..7), (1, 4, 1, 5));
    }

    #[test]
    fn a_node_ends_with_its_last_visible_character() {
        assert_eq!(at("a:\n  b: c\n\n\nd: e\n", 5..12), (2, 3, 2, 7));
        assert_eq!(at("a: [\r\n", 6..6), (1, 5, 1, 5));
        assert_eq!(at("", 0..0), (1, 1, 1, 1));
        assert_eq!(at("a: b", 900..901), (1, 5, 1, 5));
    }

    /// Where a word of a scalar is found, as written in the file.
    fn found<'t>(file: &'t str, word: &str) -> &'t str {
        let sources = Sources::of([("a.yml", file)]);
        let node = yaml::parse(0, file, &mut Findings::default()).remove(0);
        let yaml::Kind::Map(entries) = &node.kind else { panic!("{file}") };
        let value = &entries[0].value;
        let text = value.scalar().unwrap().text.clone();
        let start = text.find(word).unwrap_or_else(|| panic!("{word} in {text:?}"));
        let inside = Inside { range: start..start + word.len(), text };
        file.get(Location::new(value.span, Some(&inside), &sources).span).unwrap()
    }

    #[test]
    fn a_word_is_found_in_every_kind_of_scalar() {
        for file in [
            "k: a and  b\n",
            "k: 'a and b'\n",
            "k: \"a and b\"\n",
            "k: |\n  a and\n  b\n",
            "k: |2-\n    a\n   b\n",
            "k: >-\n  a and\n\n  b\n",
            "k: a and\n   b\nc: d\n",
            "k: 'it''s a\n   b'\r\n",
            "k: \"\\x41 a \\\"\\\n   b\"\n",
            "é: |\n  é a\r\n  b\r\n",
            "k: |\n  'a' or 'b'\n",
            "k: \"a\\tb\"\n",
        ] {
            assert_eq!((found(file, "a"), found(file, "b")), ("a", "b"), "{file:?}");
        }
        assert_eq!(found("k: >-\n  a\n  and b\n", "a and"), "a\n  and");
        assert_eq!(found("k: \"x \\u00e9y\"\n", "éy"), "\\u00e9y");
    }

    #[test]
    fn what_cannot_be_followed_is_shown_as_a_whole() {
        let inside = Inside { text: "other".to_owned(), range: 0..5 };
        assert_eq!(inside.place("text"), None);
        assert_eq!(Inside { text: String::new(), range: 0..0 }.place(""), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_walk(text in ".{0,20}", written in "['\"]?.{0,20}", from in 0..20_usize) {
            if let Some(place) = (Inside { text, range: from..from + 3 }).place(&written) {
                prop_assert!(written.get(place).is_some());
            }
        }
    }
}
