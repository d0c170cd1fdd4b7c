//! How is a formula over named values written?
//!
//! `or`, `and`, `not`, comparisons, arithmetic and brackets, each binding closer than the one before.
//! Numbers may be parts of a hundred (`60%`) or durations, which count as seconds (`5m`).

use std::ops::Range;

use super::super::condition::Place;
use super::super::diagnostic::Findings;
use super::formula::{Arithmetic, Comparison, Formula, Term};
use super::formula_tokens::{KEYWORDS, Token, hint, is_word, mirrored, number, operator, tokens};
use crate::limits;
use crate::text::nearest;

/// A formula, with which of the values it reads.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) formula: Formula,
    pub(super) used: Vec<bool>,
}

/// Reads a formula over the values of these names. `None`, and an error, if it is none.
pub(super) fn parse(text: &str, place: Place, names: &[&str], findings: &mut Findings) -> Option<Parsed> {
    let mut parser = Parser {
        tokens: tokens(text),
        end: text.trim_end().len(),
        at: 0,
        depth: 0,
        size: 0,
        used: vec![false; names.len()],
        place,
        names,
        findings,
    };
    let piece = parser.or()?;
    if let Some(token) = parser.tokens.get(parser.at) {
        let (range, message) = (token.range.clone(), format!("`{}` stands where an end is due", token.text));
        let help = hint(token.text).or(Some("Join two comparisons with `and` or `or`.".to_owned()));
        return parser.fail(range, &message, help);
    }
    let formula = parser.logic(piece)?;
    Some(Parsed { formula, used: parser.used })
}

/// What a part of a formula is: something that holds or not, or a number.
#[derive(Debug)]
enum Part {
    Logic(Formula),
    Number(Term),
}

#[derive(Debug)]
struct Piece {
    part: Part,
    range: Range<usize>,
}

struct Parser<'p> {
    tokens: Vec<Token<'p>>,
    /// Where the text ends.
    end: usize,
    at: usize,
    depth: usize,
    size: usize,
    used: Vec<bool>,
    place: Place,
    names: &'p [&'p str],
    findings: &'p mut Findings,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(|token| token.text)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let fits = self.peek() == Some(wanted);
        self.at += usize::from(fits);
        fits
    }

    fn fail<T>(&mut self, range: Range<usize>, message: &str, help: Option<String>) -> Option<T> {
        let span = self.place.span.part(self.place.base, range);
        let finding = self.findings.error(span, "condition", message);
        if let Some(help) = help {
            finding.help(help);
        }
        None
    }

    /// At the next token, or at the last if there is none.
    fn fail_here<T>(&mut self, message: &str, help: Option<String>) -> Option<T> {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        let range = token.map_or(self.end..self.end, |token| token.range.clone());
        self.fail(range, message, help)
    }

    /// Counts one more node.
    fn grow(&mut self) -> Option<()> {
        self.size += 1;
        if self.size > limits::FORMULA_NODES {
            let message = format!("the condition has more than {} parts", limits::FORMULA_NODES);
            return self.fail_here(&message, None);
        }
        Some(())
    }

    fn logic(&mut self, piece: Piece) -> Option<Formula> {
        match piece.part {
            Part::Logic(formula) => Some(formula),
            Part::Number(_) => {
                let help = "Compare it with something, as in `n >= 5`.".to_owned();
                self.fail(piece.range, "a number stands where a comparison is due", Some(help))
            }
        }
    }

    fn term(&mut self, piece: Piece) -> Option<Term> {
        match piece.part {
            Part::Number(term) => Some(term),
            Part::Logic(_) => self.fail(piece.range, "a comparison stands where a number is due", None),
        }
    }

    fn or(&mut self) -> Option<Piece> {
        self.joined("or", Self::and, Formula::Any)
    }

    fn and(&mut self) -> Option<Piece> {
        self.joined("and", Self::not, Formula::All)
    }

    /// Parts with one word between them; those of a part that is joined alike stand beside the others.
    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Option<Piece>,
        join: fn(Vec<Formula>) -> Formula,
    ) -> Option<Piece> {
        let first = part(self)?;
        if self.peek() != Some(word) {
            return Some(first);
        }
        let mut range = first.range.clone();
        let mut parts = vec![self.logic(first)?];
        while self.take(word) {
            self.grow()?;
            let next = part(self)?;
            range.end = next.range.end;
            parts.push(self.logic(next)?);
        }
        let alike = join(Vec::new());
        let parts = parts.into_iter().flat_map(|part| match (part, &alike) {
            (Formula::All(inner), Formula::All(_)) | (Formula::Any(inner), Formula::Any(_)) => inner,
            (other, _) => vec![other],
        });
        Some(Piece { part: Part::Logic(join(parts.collect())), range })
    }

    fn not(&mut self) -> Option<Piece> {
        let start = self.tokens.get(self.at).map_or(self.end, |token| token.range.start);
        let (mut negated, mut any) = (false, false);
        while self.take("not") {
            (negated, any) = (!negated, true);
        }
        let piece = self.comparison()?;
        if !any {
            return Some(piece);
        }
        let range = start..piece.range.end;
        let formula = self.logic(piece)?;
        let formula = if negated { Formula::Not(Box::new(formula)) } else { formula };
        Some(Piece { part: Part::Logic(formula), range })
    }

    fn comparison(&mut self) -> Option<Piece> {
        let left = self.sum()?;
        let Some(sign) = self.peek().and_then(operator) else { return Some(left) };
        self.at += 1;
        self.grow()?;
        let right = self.sum()?;
        if self.peek().and_then(operator).is_some() {
            let help = "Join two with `and`, as in `2 <= n and n <= 6`.".to_owned();
            return self.fail_here("a comparison has two sides", Some(help));
        }
        let range = left.range.start..right.range.end;
        let (left, right) = (self.term(left)?, self.term(right)?);
        let (left, operator, right) = match (left, right) {
            (Term::Number(_), Term::Number(_)) => {
                return self.fail(range, "two numbers are compared, and no value", None);
            }
            (left @ Term::Number(_), right) => (right, mirrored(sign), left),
            (left, right) => (left, sign, right),
        };
        let comparison = Comparison { left, operator, right, on_peak: false };
        Some(Piece { part: Part::Logic(Formula::Compare(comparison)), range })
    }

    fn sum(&mut self) -> Option<Piece> {
        self.computed(&[Arithmetic::Add, Arithmetic::Subtract], Self::product)
    }

    fn product(&mut self) -> Option<Piece> {
        self.computed(&[Arithmetic::Multiply, Arithmetic::Divide], Self::factor)
    }

    fn computed(&mut self, known: &[Arithmetic], part: fn(&mut Self) -> Option<Piece>) -> Option<Piece> {
        let mut left = part(self)?;
        loop {
            let sign = self.peek();
            let found = Arithmetic::ALL
                .iter()
                .find(|(arithmetic, known_sign)| known.contains(arithmetic) && Some(*known_sign) == sign);
            let Some((arithmetic, _)) = found else { return Some(left) };
            self.at += 1;
            self.grow()?;
            let right = part(self)?;
            let range = left.range.start..right.range.end;
            let (first, second) = (self.term(left)?, self.term(right)?);
            let term = self.compute(first, *arithmetic, second, &range)?;
            left = Piece { part: Part::Number(term), range };
        }
    }

    /// Of two numbers, a number.
    fn compute(
        &mut self,
        left: Term,
        arithmetic: Arithmetic,
        right: Term,
        range: &Range<usize>,
    ) -> Option<Term> {
        match (&left, &right) {
            (Term::Number(first), Term::Number(second)) => match arithmetic.of(*first, *second) {
                Some(number) => Some(Term::Number(number)),
                None => self.fail(range.clone(), "this is no number", None),
            },
            _ => Some(Term::Computed(Box::new(left), arithmetic, Box::new(right))),
        }
    }

    fn factor(&mut self) -> Option<Piece> {
        let start = self.tokens.get(self.at).map_or(self.end, |token| token.range.start);
        let mut negative = false;
        while self.take("-") {
            negative = !negative;
        }
        let piece = self.operand()?;
        if !negative {
            return Some(piece);
        }
        let range = start..piece.range.end;
        let term = self.term(piece)?;
        let term = self.compute(Term::Number(0.0), Arithmetic::Subtract, term, &range)?;
        Some(Piece { part: Part::Number(term), range })
    }

    fn operand(&mut self) -> Option<Piece> {
        self.grow()?;
        let Some(token) = self.tokens.get(self.at).cloned() else {
            return self.fail_here("the condition ends too early", None);
        };
        if token.text == "(" {
            return self.bracket(token.range.start);
        }
        let starts_like = |fits: fn(char) -> bool| token.text.starts_with(fits);
        let part = if starts_like(|first| first.is_ascii_digit()) {
            self.number(&token)?
        } else if starts_like(is_word) && !KEYWORDS.contains(&token.text) {
            self.value(&token)?
        } else {
            let message = format!("`{}` stands where a value or a number is due", token.text);
            return self.fail_here(&message, hint(token.text));
        };
        self.at += 1;
        Some(Piece { part: Part::Number(part), range: token.range })
    }

    fn bracket(&mut self, start: usize) -> Option<Piece> {
        self.depth += 1;
        if self.depth > limits::RULE_DEPTH {
            return self.fail_here(&format!("brackets are nested deeper than {}", limits::RULE_DEPTH), None);
        }
        self.at += 1;
        let inner = self.or()?;
        self.depth -= 1;
        let end = self.tokens.get(self.at).map_or(self.end, |token| token.range.end);
        if self.take(")") {
            return Some(Piece { part: inner.part, range: start..end });
        }
        let help = self.peek().and_then(hint);
        self.fail_here("a bracket is not closed", help)
    }

    fn number(&mut self, token: &Token<'_>) -> Option<Term> {
        match number(token.text) {
            Some(number) => Some(Term::Number(number)),
            None => {
                let help = "Write it as `12`, `0.5`, `60%`, or as a duration such as `5m`.".to_owned();
                self.fail_here(&format!("`{}` is no number", token.text), Some(help))
            }
        }
    }

    fn value(&mut self, token: &Token<'_>) -> Option<Term> {
        let place = self.names.iter().position(|name| *name == token.text);
        if let Some(used) = place.and_then(|place| self.used.get_mut(place)) {
            *used = true;
            return place.map(Term::Value);
        }
        let near =
            nearest(token.text, self.names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let help = hint(token.text).or(near).unwrap_or_else(|| {
            format!("It is one of {}; figures get their names under `values`.", self.names.join(", "))
        });
        self.fail_here(&format!("no value `{}`", token.text), Some(help))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::sources::{Sources, Span};
    use super::*;

    const NAMES: &[&str] = &["ips", "n", "countries", "asns"];

    fn read(text: &str) -> Result<String, String> {
        let mut findings = Findings::default();
        let span = Span { file: 0, start: 0, end: u32::try_from(text.len()).unwrap() };
        let parsed = parse(text, Place { span, base: Some(0) }, NAMES, &mut findings);
        let found = findings.finish(&Sources::of([("a.yml", text)]));
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        match parsed {
            Some(parsed) if found.is_empty() => Ok(parsed.formula.spell(&names)),
            _ => Err(format!("{} @{}..{}", found[0].message, found[0].at.span.start, found[0].at.span.end)),
        }
    }

    fn help(text: &str) -> String {
        let mut findings = Findings::default();
        let place = Place { span: Span::default(), base: None };
        assert!(parse(text, place, NAMES, &mut findings).is_none(), "{text}");
        findings.finish(&Sources::default()).remove(0).help.unwrap_or_default()
    }

    #[test]
    fn arithmetic_binds_before_comparisons_and_they_before_not_and_and_or() {
        let both = "(any (all (((2 * ips) + asns) >= 3) (not (n > 5))) (n < 1))";
        assert_eq!(read("not n > 5 and asns + ips * 2 >= 3 or n < 1").unwrap(), both);
        assert_eq!(read("((n)) >= 3").unwrap(), "(n >= 3)");
        assert_eq!(read("not not (n >= 3)").unwrap(), "(n >= 3)");
        assert_eq!(read("(n - ips - asns) / 2 > 1").unwrap(), "((((n - ips) - asns) / 2) > 1)");
    }

    #[test]
    fn what_is_joined_alike_is_one_list() {
        let list = "(all (asns >= 3) (ips >= 5) (n >= 10))";
        assert_eq!(read("ips >= 5 and n >= 10 and asns >= 3").unwrap(), list);
        assert_eq!(read("(asns >= 3) and (ips >= 5 and n >= 10)").unwrap(), list);
        assert_eq!(
            read("n > 1 and (ips > 1 or (asns > 1 or n > 2))").unwrap(),
            "(all (any (asns > 1) (ips > 1) (n > 2)) (n > 1))"
        );
    }

    #[test]
    fn numbers_may_be_parts_of_a_hundred_and_durations() {
        assert_eq!(read("n >= 60%").unwrap(), "(n >= 0.6)");
        assert_eq!(read("n >= 5m").unwrap(), "(n >= 300)");
        assert_eq!(read("n >= -0.5").unwrap(), "(n >= -0.5)");
        assert_eq!(read("n >= 2 * (3 + 4)").unwrap(), "(n >= 14)");
        assert_eq!(read("-n >= 1").unwrap(), "((0 - n) >= 1)");
        for wrong in ["5x", "1.2.3", "5m%", "1h30m", "5.", "1e9", "99999999999999999999s"] {
            assert!(read(&format!("n >= {wrong}")).unwrap_err().contains("is no number @5"), "{wrong}");
        }
    }

    #[test]
    fn the_value_of_a_plain_comparison_stands_on_the_left() {
        assert_eq!(read("5 > n").unwrap(), "(n < 5)");
        assert_eq!(read("5 <= n").unwrap(), "(n >= 5)");
        assert_eq!(read("5 = n and n != 3").unwrap(), "(all (n != 3) (n == 5))");
        assert_eq!(read("5m<n").unwrap(), "(n > 300)");
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        for (text, expected) in [
            ("ips >= 5 and m >= 2", "no value `m` @13..14"),
            ("ips >= 5 and", "the condition ends too early @9..12"),
            ("", "the condition ends too early @0..0"),
            ("ips and n >= 2", "a number stands where a comparison is due @0..3"),
            ("n >= 1 or not (ips + n)", "a number stands where a comparison is due @14..23"),
            ("(n >= 1) + 2 > 3", "a comparison stands where a number is due @0..8"),
            ("2 <= n <= 6", "a comparison has two sides @7..9"),
            ("(n >= 1", "a bracket is not closed @6..7"),
            ("n >= 1) or", "`)` stands where an end is due @6..7"),
            ("n >= * 1", "`*` stands where a value or a number is due @5..6"),
            ("5 > 3", "two numbers are compared, and no value @0..5"),
            ("n > 5 / 0", "this is no number @4..9"),
            ("n >= 5 ips >= 3", "`ips` stands where an end is due @7..10"),
            ("é > 5", "no value `é` @0..2"),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_named() {
        assert_eq!(help("isp >= 5"), "did you mean `ips`?");
        assert_eq!(help("n >= 5 && ips > 2"), "did you mean `and`?");
        assert_eq!(help("n >= 5 AND ips > 2"), "did you mean `and`?");
        assert_eq!(help("!n"), "did you mean `not`?");
        assert!(help("client.ipAddress >= 5").contains("under `values`"));
        assert!(help("1 < n < 5").contains("`and`"));
    }

    #[test]
    fn a_formula_is_bounded() {
        let deep = format!("{}n{} > 1", "(".repeat(65), ")".repeat(65));
        assert!(read(&deep).unwrap_err().contains("nested deeper"));
        let long = vec!["n > 1"; limits::FORMULA_NODES].join(" or ");
        assert!(read(&long).unwrap_err().contains("more than 256 parts"));
        assert!(read(&format!("n > {}1", "-".repeat(100_000))).is_ok());
        assert!(read(&format!("{} n > 1", "not ".repeat(100_000))).is_ok());
    }

    #[test]
    fn what_the_formula_does_not_read_is_known() {
        let place = Place { span: Span::default(), base: None };
        let parsed = parse("n > 5 or asns > n", place, NAMES, &mut Findings::default()).unwrap();
        assert_eq!(parsed.used, [false, true, false, true]);
    }

    const TOKEN: &str = "and|or|not|\\(|\\)|<|<=|==|=|!=|\\+|-|\\*|/|n|ips|5|60%|5m|!|&&|é|%";

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(words in proptest::collection::vec(TOKEN, 0..14)) {
            drop(read(&words.join(" ")));
            drop(read(&words.concat()));
        }
    }
}
