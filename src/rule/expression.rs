//! Where do the parts of a condition stand in its text?
//!
//! One reader for all of them: selections, rules and figures under `and`, `or`, `not` and brackets.
//! It judges nothing, so that a tool can change one part of a text and let the compiler say whether
//! that still means something.

use std::ops::Range;

/// One word, sign or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub range: Range<usize>,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    And,
    Or,
    Not,
    /// `1`, `any` or `all` before `of`.
    Quantity,
    /// `>=` and the like.
    Comparison,
    /// A number, perhaps with a unit; a `%` behind it is a word of its own.
    Amount,
    Word,
}

/// The parts of a condition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Operands that `and` or `or` joins, a list for each run of one of them, outer ones first.
    pub joined: Vec<Joined>,
    /// Each `not`, with the white space behind it.
    pub negations: Vec<Range<usize>>,
}

/// Operands with what joins them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub operands: Vec<Range<usize>>,
    /// The words between them.
    pub joints: Vec<Range<usize>>,
}

/// The tokens of a text, in their order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        let same = sort(first);
        let mut end = start + first.len_utf8();
        while let Some((at, next)) = rest.next_if(|(_, next)| same != Sort::Single && continues(same, *next))
        {
            end = at + next.len_utf8();
        }
        let kind = kind(text.get(start..end).unwrap_or_default(), same);
        tokens.push(Token { range: start..end, kind });
    }
    let is_of = |token: &Token| text.get(token.range.clone()) == Some("of");
    let before_of: Vec<bool> = tokens.iter().skip(1).map(is_of).collect();
    for (token, _) in tokens.iter_mut().zip(before_of).filter(|(_, before_of)| *before_of) {
        token.kind = Kind::Quantity;
    }
    tokens
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Word,
    Digits,
    Sign,
    Single,
}

fn sort(char: char) -> Sort {
    match char {
        '0'..='9' => Sort::Digits,
        '<' | '>' | '=' | '!' => Sort::Sign,
        '(' | ')' | '%' | ',' | '+' | '/' => Sort::Single,
        _ => Sort::Word,
    }
}

/// Names hold letters, digits, hyphens, dots and stars; numbers a point, and a unit behind.
fn continues(sort_before: Sort, char: char) -> bool {
    match sort_before {
        Sort::Sign => sort(char) == Sort::Sign,
        Sort::Word => !char.is_whitespace() && matches!(sort(char), Sort::Word | Sort::Digits),
        Sort::Digits => char.is_ascii_alphanumeric() || char == '.',
        Sort::Single => false,
    }
}

fn kind(text: &str, sort: Sort) -> Kind {
    match (text, sort) {
        ("(", _) => Kind::Open,
        (")", _) => Kind::Close,
        ("and", _) => Kind::And,
        ("or", _) => Kind::Or,
        ("not", _) => Kind::Not,
        (_, Sort::Sign) => Kind::Comparison,
        (_, Sort::Digits) => Kind::Amount,
        _ => Kind::Word,
    }
}

/// The parts of a text. Where brackets do not match, what stands in them is left out.
pub(super) fn parts(text: &str) -> Parts {
    let tokens = tokens(text);
    let mut reading = Reading { tokens: &tokens, at: 0, parts: Parts::default() };
    reading.joined(0);
    reading.parts
}

struct Reading<'t> {
    tokens: &'t [Token],
    at: usize,
    parts: Parts,
}

/// Brackets in brackets that are followed.
const DEPTH: usize = crate::limits::RULE_DEPTH;

impl Reading<'_> {
    fn peek(&self) -> Option<Kind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    /// Where a token stands; behind the last, the end.
    fn range(&self, place: usize) -> Range<usize> {
        let end = self.tokens.last().map_or(0, |last| last.range.end);
        self.tokens.get(place).map_or(end..end, |token| token.range.clone())
    }

    /// Operands under `or`, each of which may be operands under `and`.
    fn joined(&mut self, depth: usize) {
        let place = self.parts.joined.len();
        let mut any = Joined { operands: Vec::new(), joints: Vec::new() };
        loop {
            any.operands.push(self.all(depth));
            if self.peek() != Some(Kind::Or) {
                break;
            }
            any.joints.push(self.range(self.at));
            self.at += 1;
        }
        if !any.joints.is_empty() {
            self.parts.joined.insert(place, any);
        }
    }

    fn all(&mut self, depth: usize) -> Range<usize> {
        let place = self.parts.joined.len();
        let mut all = Joined { operands: Vec::new(), joints: Vec::new() };
        loop {
            all.operands.push(self.operand(depth));
            if self.peek() != Some(Kind::And) {
                break;
            }
            all.joints.push(self.range(self.at));
            self.at += 1;
        }
        let start = all.operands.first().map_or(0, |operand| operand.start);
        let end = all.operands.last().map_or(start, |operand| operand.end);
        if !all.joints.is_empty() {
            self.parts.joined.insert(place, all);
        }
        start..end
    }

    /// All up to the next `and`, `or` or closing bracket of this level.
    fn operand(&mut self, depth: usize) -> Range<usize> {
        let start = self.range(self.at).start;
        let mut end = start;
        while let Some(kind) = self.peek() {
            match kind {
                Kind::And | Kind::Or | Kind::Close => break,
                Kind::Open if depth < DEPTH => {
                    self.at += 1;
                    self.joined(depth + 1);
                }
                Kind::Not => {
                    let not = self.range(self.at);
                    let next = self.range(self.at + 1);
                    self.parts.negations.push(not.start..next.start);
                }
                _ => {}
            }
            end = self.range(self.at).end.max(end);
            self.at += 1;
        }
        start..end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let parts = parts(text);
        let written = |range: &Range<usize>| text.get(range.clone()).unwrap_or("?").to_owned();
        let joined = parts.joined.iter().map(|joined| {
            let operands: Vec<_> = joined.operands.iter().map(written).collect();
            let joints: Vec<_> = joined.joints.iter().map(written).collect();
            format!("{}: {}", joints.join(" "), operands.join(" | "))
        });
        let negations = parts.negations.iter().map(|range| format!("[{}]", written(range)));
        joined.chain(negations).collect()
    }

    #[test]
    fn operands_stand_beside_what_joins_them() {
        assert_eq!(shown("sel and not 1 of filter_*"), ["and: sel | not 1 of filter_*", "[not ]"]);
        assert_eq!(
            shown("a or (b and not (c or d)) and e"),
            [
                "or: a | (b and not (c or d)) and e",
                "and: (b and not (c or d)) | e",
                "and: b | not (c or d)",
                "or: c | d",
                "[not ]"
            ]
        );
        assert_eq!(
            shown("ips >= 5 and (n + m) / 2 > 3.5 and share <= 60%"),
            ["and and: ips >= 5 | (n + m) / 2 > 3.5 | share <= 60%"]
        );
        assert_eq!(shown("alone"), Vec::<String>::new());
    }

    #[test]
    fn words_numbers_and_signs_are_told_apart() {
        let text = "1 of x-1* and p95>=5m or all of them";
        let kinds: Vec<_> =
            tokens(text).into_iter().map(|token| (text.get(token.range).unwrap(), token.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("1", Kind::Quantity),
                ("of", Kind::Word),
                ("x-1*", Kind::Word),
                ("and", Kind::And),
                ("p95", Kind::Word),
                (">=", Kind::Comparison),
                ("5m", Kind::Amount),
                ("or", Kind::Or),
                ("all", Kind::Quantity),
                ("of", Kind::Word),
                ("them", Kind::Word),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_has_parts_that_lie_in_it(text in "( |and|or|not|\\(|\\)|a|1|of|>=|é|%){0,20}") {
            let parts = parts(&text);
            let ranges = parts.joined.iter().flat_map(|joined| joined.operands.iter().chain(&joined.joints));
            for range in ranges.chain(&parts.negations) {
                prop_assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}");
            }
        }
    }
}
