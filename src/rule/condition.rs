//! What does a condition say about its selections?

use std::collections::BTreeMap;

use super::detection::Expression;
use super::diagnostic::Findings;
use super::sources::Span;
use crate::limits;
use crate::text::nearest;

/// Names a condition can use, with what has been used of them.
pub(super) struct Names<'s> {
    names: Vec<&'s str>,
    places: BTreeMap<&'s str, usize>,
    used: Vec<bool>,
    /// What they name.
    what: &'static str,
    /// How many names patterns have been held against.
    compared: usize,
}

impl<'s> Names<'s> {
    pub(super) fn new(names: Vec<&'s str>) -> Self {
        let places = names.iter().zip(0..).map(|(name, place)| (*name, place)).collect();
        Self { used: vec![false; names.len()], names, places, what: "selection", compared: 0 }
    }

    /// The rules of a correlation.
    pub(super) fn of_rules(names: Vec<&'s str>) -> Self {
        Self { what: "rule", ..Self::new(names) }
    }

    /// Selections that no condition has used, by place.
    pub(super) fn unused(&self) -> impl Iterator<Item = usize> {
        self.used.iter().enumerate().filter(|(_, used)| !**used).map(|(place, _)| place)
    }

    fn named(&mut self, name: &str) -> Option<Expression> {
        let place = *self.places.get(name)?;
        *self.used.get_mut(place)? = true;
        Some(Expression::Selection(place))
    }

    /// `None`: the conditions have held too many names against patterns.
    fn fitting(&mut self, fits: impl Fn(&str) -> bool) -> Option<Vec<Expression>> {
        self.compared += self.names.len();
        if self.compared > limits::RULE_NODES {
            return None;
        }
        let mut found = Vec::new();
        for (place, (name, used)) in self.names.iter().zip(&mut self.used).enumerate() {
            if fits(name) {
                *used = true;
                found.push(Expression::Selection(place));
            }
        }
        Some(found)
    }
}

/// Where the condition's text stands, for mistakes inside it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub span: Span,
    pub base: Option<u32>,
}

/// Reads a condition. `None`, and an error, if it is none.
pub(super) fn parse(
    text: &str,
    place: Place,
    names: &mut Names<'_>,
    findings: &mut Findings,
) -> Option<Expression> {
    let tokens = tokens(text);
    let mut parser = Parser { text, tokens: &tokens, at: 0, depth: 0, place, names, findings };
    let expression = parser.or()?;
    match parser.peek() {
        None => Some(expression),
        Some("|") => parser.fail(
            "the old form of counting with `|` is not Sigma any more",
            Some("Write a document with `correlation:` that names this rule.".to_owned()),
        ),
        Some(word) => {
            parser.fail(&format!("`{word}` stands where `and`, `or` or the end is due"), hint(word))
        }
    }
}

struct Token<'t> {
    text: &'t str,
    at: usize,
}

/// Words, and brackets and bars as words of their own.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = None;
    let single = |char: char| matches!(char, '(' | ')' | '|');
    for (at, char) in text.char_indices().chain([(text.len(), ' ')]) {
        if char.is_whitespace() || single(char) {
            let word =
                start.take().and_then(|start| text.get(start..at).map(|text| Token { text, at: start }));
            tokens.extend(word);
            let bracket = text.get(at..at + char.len_utf8()).filter(|_| single(char));
            tokens.extend(bracket.map(|text| Token { text, at }));
        } else if start.is_none() {
            start = Some(at);
        }
    }
    tokens
}

fn hint(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let keyword = ["and", "or", "not", "of", "them", "all"].contains(&lower.as_str());
    (keyword && lower != word).then(|| format!("Keywords are in lower case: `{lower}`."))
}

struct Parser<'p, 't, 's> {
    text: &'t str,
    tokens: &'p [Token<'t>],
    at: usize,
    depth: usize,
    place: Place,
    names: &'p mut Names<'s>,
    findings: &'p mut Findings,
}

impl Parser<'_, '_, '_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(|token| token.text)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let fits = self.peek() == Some(wanted);
        self.at += usize::from(fits);
        fits
    }

    fn fail<T>(&mut self, message: &str, help: Option<String>) -> Option<T> {
        self.fail_as("condition", message, help)
    }

    fn fail_as<T>(&mut self, code: &'static str, message: &str, help: Option<String>) -> Option<T> {
        let whole = Token { text: "", at: 0 };
        let last = self.tokens.last().unwrap_or(&whole);
        let range = match self.tokens.get(self.at) {
            Some(token) => token.at..token.at + token.text.len(),
            None => last.at..last.at + last.text.len(),
        };
        let span = self.place.span.part(self.place.base, range.clone());
        let finding = self.findings.error(span, code, message);
        if self.place.base.is_none() {
            finding.inside(self.text, range);
        }
        if let Some(help) = help {
            finding.help(help);
        }
        None
    }

    fn or(&mut self) -> Option<Expression> {
        let mut parts = vec![self.and()?];
        while self.take("or") {
            parts.push(self.and()?);
        }
        Some(single_or(parts, Expression::Any))
    }

    fn and(&mut self) -> Option<Expression> {
        let mut parts = vec![self.not()?];
        while self.take("and") {
            parts.push(self.not()?);
        }
        Some(single_or(parts, Expression::All))
    }

    fn not(&mut self) -> Option<Expression> {
        let mut negated = false;
        while self.take("not") {
            negated = !negated;
        }
        let part = self.part()?;
        Some(if negated { Expression::Not(Box::new(part)) } else { part })
    }

    fn part(&mut self) -> Option<Expression> {
        let Some(word) = self.tokens.get(self.at).map(|token| token.text) else {
            return self.fail("the condition ends too early", None);
        };
        let of = self.tokens.get(self.at + 1).is_some_and(|token| token.text == "of");
        match word {
            "(" => self.bracket(),
            ")" | "|" | "and" | "or" | "of" => {
                self.fail(&format!("`{word}` stands where a {} is due", self.names.what), None)
            }
            quantity if of => self.some_of(quantity),
            name => self.selection(name),
        }
    }

    fn bracket(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > limits::RULE_DEPTH {
            let message = format!("brackets are nested deeper than {}", limits::RULE_DEPTH);
            return self.fail_as("too-deep", &message, None);
        }
        self.at += 1;
        let inner = self.or()?;
        self.depth -= 1;
        if self.take(")") {
            return Some(inner);
        }
        self.fail("a bracket is not closed", None)
    }

    fn some_of(&mut self, quantity: &str) -> Option<Expression> {
        let combine = match quantity {
            "1" | "any" => Expression::Any,
            "all" => Expression::All,
            _ => {
                let help = "Sigma has `1 of` and `all of`.".to_owned();
                return self.fail(&format!("`{quantity} of` is no Sigma condition"), Some(help));
            }
        };
        self.at += 2;
        let Some(pattern) = self.tokens.get(self.at).map(|token| token.text) else {
            return self.fail("a name, a pattern such as `selection*`, or `them` is due", None);
        };
        let found = match pattern {
            "them" => self.names.fitting(|name| fits("*", name)),
            _ => self.names.fitting(|name| fits(pattern, name)),
        };
        let Some(found) = found else {
            let (what, most) = (self.names.what, limits::RULE_NODES);
            return self.fail(&format!("patterns are held against more than {most} {what}s"), None);
        };
        if found.is_empty() {
            return self.fail(&format!("no {} fits `{pattern}`", self.names.what), None);
        }
        self.at += 1;
        Some(combine(found))
    }

    fn selection(&mut self, name: &str) -> Option<Expression> {
        match self.names.named(name) {
            Some(selection) => {
                self.at += 1;
                Some(selection)
            }
            None => {
                let near = self.findings.guess(|| nearest(name, self.names.names.iter().copied()));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                self.fail(&format!("no {} `{name}`", self.names.what), hint(name).or(help))
            }
        }
    }
}

fn single_or(mut parts: Vec<Expression>, combine: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.pop().unwrap_or_default(),
        _ => combine(parts),
    }
}

/// Whether a name fits a pattern with stars; one that begins with `_` only fits a pattern that does.
fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('_') && !pattern.starts_with('_') {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: &[&str] = &["selection", "filter_main", "filter_other", "_hidden"];

    fn read(text: &str) -> Result<String, String> {
        let mut findings = Findings::default();
        let mut names = Names::new(NAMES.to_vec());
        let span = Span { file: 0, start: 0, end: u32::try_from(text.len()).unwrap() };
        let parsed = parse(text, Place { span, base: Some(0) }, &mut names, &mut findings);
        let found = findings.finish(&super::super::Sources::of([("a.yml", text)]));
        match parsed {
            Some(expression) if found.is_empty() => Ok(show(&expression)),
            _ => Err(format!("{} @{}", found[0].message, found[0].at.span.start)),
        }
    }

    fn show(expression: &Expression) -> String {
        let list = |parts: &[Expression]| parts.iter().map(show).collect::<Vec<_>>().join(" ");
        match expression {
            Expression::All(parts) => format!("(and {})", list(parts)),
            Expression::Any(parts) => format!("(or {})", list(parts)),
            Expression::Not(part) => format!("(not {})", show(part)),
            Expression::Selection(place) => place.to_string(),
            other => panic!("{other:?} does not come from a condition"),
        }
    }

    #[test]
    fn not_binds_before_and_and_and_before_or() {
        assert_eq!(read("selection").unwrap(), "0");
        assert_eq!(read("selection and not filter_main or _hidden").unwrap(), "(or (and 0 (not 1)) 3)");
        assert_eq!(read("selection and (filter_main or _hidden)").unwrap(), "(and 0 (or 1 3))");
        assert_eq!(read("not not selection").unwrap(), "0");
    }

    #[test]
    fn quantities_take_patterns_and_them() {
        assert_eq!(read("selection and not 1 of filter_*").unwrap(), "(and 0 (not (or 1 2)))");
        assert_eq!(read("all of them").unwrap(), "(and 0 1 2)");
        assert_eq!(read("1 of *er_*").unwrap(), "(or 1 2)");
        assert_eq!(read("any of _hid*").unwrap(), "(or 3)");
        assert_eq!(read("1 of *").unwrap(), "(or 0 1 2)");
        assert_eq!(read("all of selection").unwrap(), "(and 0)");
        assert_eq!(
            read("not all of f*_* and any of them or _hidden").unwrap(),
            "(or (and (not (and 1 2)) (or 0 1 2)) 3)"
        );
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        assert_eq!(read("selection and fitler").unwrap_err(), "no selection `fitler` @14");
        assert_eq!(read("selection and").unwrap_err(), "the condition ends too early @10");
        assert_eq!(read("(selection").unwrap_err(), "a bracket is not closed @1");
        assert_eq!(read("2 of them").unwrap_err(), "`2 of` is no Sigma condition @0");
        assert_eq!(read("1 of x*").unwrap_err(), "no selection fits `x*` @5");
        assert!(read("selection | count() > 5").unwrap_err().contains("not Sigma any more"));
        assert!(read("selection filter_main").unwrap_err().contains("is due"));
        assert!(read(&"(".repeat(10_000)).unwrap_err().contains("nested deeper"));
        assert!(read("").unwrap_err().contains("too early"));
    }

    #[test]
    fn patterns_are_held_against_so_many_names_at_most() {
        let text = vec!["1 of them"; limits::RULE_NODES / NAMES.len()].join(" or ");
        assert!(read(&text).is_ok());
        let message = read(&format!("{text} or all of filter_*")).unwrap_err();
        assert!(message.starts_with("patterns are held against more than 100000 selections"), "{message}");
    }

    #[test]
    fn what_no_condition_uses_is_known() {
        let mut names = Names::new(NAMES.to_vec());
        let place = Place { span: Span::default(), base: None };
        parse("1 of filter_*", place, &mut names, &mut Findings::default());
        assert_eq!(names.unused().collect::<Vec<_>>(), [0, 3]);
    }

    const WORD: &str = "and|or|not|of|1|all|them|\\(|\\)|selection|filter_\\*|\\||é";

    proptest! {
        #[test]
        fn no_condition_makes_the_parser_panic(
            words in proptest::collection::vec(WORD, 0..12)
        ) {
            drop(read(&words.join(" ")));
        }
    }
}
