//! How is one place of a text changed, and everything else left as it is?

use std::ops::Range;

/// A piece of a text with what is to stand there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Byte range of the piece; empty where something is put in.
    pub range: Range<usize>,
    /// What is to stand there.
    pub text: String,
}

impl Edit {
    /// Puts a text in place of a piece.
    pub fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }

    /// The same change of a text that is cut out of this one, from `start` on. `None` if the piece
    /// begins before that.
    pub(super) fn within(&self, start: usize) -> Option<Self> {
        let range = self.range.start.checked_sub(start)?..self.range.end.checked_sub(start)?;
        Some(Self { range, text: self.text.clone() })
    }
}

/// The text with all of the changes. `None` if two of them overlap, or one does not fit the text.
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        changed.push_str(text.get(at..edit.range.start)?);
        changed.push_str(&edit.text);
        at = edit.range.end;
    }
    changed.push_str(text.get(at..)?);
    Some(changed)
}

/// Takes one of several neighbours (the entries of a map, the items of a list, the operands of an
/// `and`) out of a text, with what joins it to the others. `None` for an only one.
pub(super) fn without(text: &str, pieces: &[Range<usize>], place: usize) -> Option<Edit> {
    let piece = pieces.get(place)?;
    if let Some(next) = pieces.get(place + 1) {
        return Some(Edit::new(piece.start..next.start, ""));
    }
    let before = pieces.get(place.checked_sub(1)?)?;
    // A block of text has its line feed inside, which what follows needs.
    let feed = text.get(piece.clone())?.ends_with('\n') && !text.get(before.clone())?.ends_with('\n');
    Some(Edit::new(before.end..piece.end, if feed { "\n" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_out(text: &str, pieces: &[&str], place: usize) -> Option<String> {
        let range = |piece: &&str| {
            let start = text.find(*piece).unwrap();
            start..start + piece.len()
        };
        let pieces: Vec<_> = pieces.iter().map(range).collect();
        apply(text, &[without(text, &pieces, place)?])
    }

    #[test]
    fn changes_come_in_any_order_and_must_not_overlap() {
        let edits = [Edit::new(4..5, "X"), Edit::new(0..1, ""), Edit::new(2..2, "--")];
        assert_eq!(apply("abcdef", &edits).as_deref(), Some("b--cdXf"));
        assert_eq!(apply("abcdef", &[Edit::new(1..3, ""), Edit::new(2..4, "")]), None);
        assert_eq!(apply("abc", &[Edit::new(2..9, "")]), None);
        assert_eq!(Edit::new(5..7, "x").within(4), Some(Edit::new(1..3, "x")));
        assert_eq!(Edit::new(5..7, "x").within(6), None);
    }

    #[test]
    fn a_neighbour_goes_with_what_joins_it() {
        assert_eq!(taken_out("[a, b, c]", &["a", "b", "c"], 0).as_deref(), Some("[b, c]"));
        assert_eq!(taken_out("[a, b, c]", &["a", "b", "c"], 2).as_deref(), Some("[a, b]"));
        assert_eq!(taken_out("x and y", &["x", "y"], 1).as_deref(), Some("x"));
        let block = "l:\n  - a\n  - b\n  - c\nm: 1\n";
        assert_eq!(taken_out(block, &["a", "b", "c"], 1).as_deref(), Some("l:\n  - a\n  - c\nm: 1\n"));
        assert_eq!(taken_out(block, &["a", "b", "c"], 2).as_deref(), Some("l:\n  - a\n  - b\nm: 1\n"));
        assert_eq!(taken_out("[a]", &["a"], 0), None);
    }

    #[test]
    fn a_block_of_text_leaves_its_line_feed() {
        let text = "a: 1\nb: |\n  x\nc: 2\n";
        assert_eq!(taken_out(text, &["a: 1", "b: |\n  x\n"], 1).as_deref(), Some("a: 1\nc: 2\n"));
    }
}
