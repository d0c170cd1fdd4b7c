//! Where in a value does the name of a list stand?

use super::lists;
use super::sources::Span;

/// Part of a value with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// The name of a list, with its place in the value.
    List(String, std::ops::Range<usize>),
}

/// Splits at `%name%`; `\%` is a plain `%`. `Err`: where a `%` stands that is neither.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, usize> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        let after = after.get(1..).unwrap_or_default();
        let place = text.len() - after.len() - 1;
        if let Some(before) = before.strip_suffix('\\') {
            plain.push_str(before);
            plain.push('%');
            rest = after;
            continue;
        }
        plain.push_str(before);
        let Some((name, after)) = after.split_once('%').filter(|(name, _)| lists::is_name(name)) else {
            return Err(place);
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::List(name.to_owned(), place..place + name.len() + 2));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Where a text begins that stands as it is, with or without quotes.
pub(super) fn base(text: &str, span: Span) -> Option<u32> {
    match (span.end.saturating_sub(span.start) as usize).checked_sub(text.len()) {
        Some(0) => Some(span.start),
        Some(2) => Some(span.start + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_split_from_the_text_around_it() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let list = |name: &str, at: std::ops::Range<usize>| Piece::List(name.to_owned(), at);
        assert_eq!(pieces("%a%"), Ok(vec![list("a", 0..3)]));
        assert_eq!(pieces("x%a_1%%b%y"), Ok(vec![text("x"), list("a_1", 1..6), list("b", 6..9), text("y")]));
        assert_eq!(pieces(r"100\% of %a%"), Ok(vec![text("100% of "), list("a", 9..12)]));
        assert_eq!(pieces("plain"), Ok(vec![text("plain")]));
        for (wrong, at) in [("50%", 2), ("%a-b%", 0), ("%%", 0), ("é%x", 2)] {
            assert_eq!(pieces(wrong), Err(at), "{wrong}");
        }
    }
}
