//! Which words, numbers and signs does a formula consist of?

use std::ops::Range;

use super::super::correlation::Operator;
use super::super::timespan;

/// A word, a number or a sign.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) range: Range<usize>,
}

/// The words, numbers and signs of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut end = start + first.len_utf8();
        while let Some((at, next)) = chars.next_if(|(_, next)| goes_on(first, *next)) {
            end = at + next.len_utf8();
            if !is_word(first) {
                break;
            }
        }
        tokens.extend(text.get(start..end).map(|text| Token { text, range: start..end }));
    }
    tokens
}

/// Whether it may stand in a word.
pub(super) fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '.'
}

/// Whether a character belongs to the token that `first` begins.
fn goes_on(first: char, next: char) -> bool {
    match first {
        '<' | '>' | '=' | '!' => next == '=' || (first, next) == ('<', '>'),
        '&' | '|' => next == first,
        first => is_word(first) && (is_word(next) || (next == '%' && first.is_ascii_digit())),
    }
}

/// What a token that does not fit was probably meant to be.
pub(super) fn hint(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let meant = match word {
        "&&" | "&" => "and",
        "||" | "|" => "or",
        "!" => "not",
        "<>" => "!=",
        _ if lower != word && KEYWORDS.contains(&lower.as_str()) => lower.as_str(),
        _ => return None,
    };
    Some(format!("did you mean `{meant}`?"))
}

/// Words that are no names.
pub(super) const KEYWORDS: &[&str] = &["and", "or", "not"];

/// How a sign compares.
pub(super) fn operator(token: &str) -> Option<Operator> {
    let sign = if token == "=" { "==" } else { token };
    Operator::ALL.iter().find(|(_, _, known)| *known == sign).map(|(operator, ..)| *operator)
}

/// The comparison read from right to left.
pub(super) fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        same => same,
    }
}

/// `12`, `0.5`, `60%`, `5m`.
pub(super) fn number(token: &str) -> Option<f64> {
    if let Some(percent) = token.strip_suffix('%') {
        return number(percent).filter(|_| decimal(percent)).map(|number| number / 100.0);
    }
    if decimal(token) {
        return token.parse().ok().filter(|number: &f64| number.is_finite());
    }
    timespan::length(token).map(|ms| ms as f64 / 1000.0)
}

fn decimal(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() <= 2 && parts.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_end_words_and_a_unit_belongs_to_its_number() {
        let words = |text| tokens(text).iter().map(|token| token.text).collect::<Vec<_>>();
        assert_eq!(words("n>=5m and(é!=60%)"), ["n", ">=", "5m", "and", "(", "é", "!=", "60%", ")"]);
        assert_eq!(words("a-b <> c.d&&!e"), ["a", "-", "b", "<>", "c.d", "&&", "!", "e"]);
        assert_eq!(words("  "), Vec::<&str>::new());
    }
}
