//! Can a regular expression match anything, and does it need to be one?
//!
//! Expressions come here even if they do not compile; such a one may be judged either way. Only what
//! is plain to see is judged: anchors behind or before what takes a character, and classes that hold
//! none.

use std::iter::Peekable;
use std::str::Chars;

use crate::limits;

/// Ways through an expression that are looked at; one that has more counts as able to match.
const WAYS: usize = 64;

/// Classes that no character is in.
const NOTHING: &[&str] =
    &[r"[^\s\S]", r"[^\S\s]", r"[^\d\D]", r"[^\D\d]", r"[^\w\W]", r"[^\W\w]", r"[^\x00-\x{10FFFF}]"];

/// One step on a way through an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// `^`
    Start,
    /// `$`
    End,
    /// A character at least.
    Take,
    /// What no character satisfies.
    Never,
}

type Way = Vec<Step>;

/// Whether some text may match. `lines`: anchors stand at lines, too, as the flag `m` says.
pub(super) fn can_match(expression: &str, lines: bool) -> bool {
    let mut reader = Reader { rest: expression.chars().peekable(), depth: 0 };
    let Some(ways) = reader.alternatives() else { return true };
    ways.iter().any(|way| is_open(way, lines))
}

fn is_open(way: &[Step], lines: bool) -> bool {
    let (mut taken, mut ended) = (false, false);
    for step in way {
        match step {
            Step::Never => return false,
            Step::Start if taken && !lines => return false,
            Step::Take if ended && !lines => return false,
            Step::Take => taken = true,
            Step::End => ended = true,
            Step::Start => {}
        }
    }
    true
}

/// Reads an expression into the ways through it; `None` where that is too much to judge.
struct Reader<'e> {
    rest: Peekable<Chars<'e>>,
    /// Groups around what is read; deeper than compiles is not followed, as each takes stack.
    depth: u32,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Option<Vec<Way>> {
        let mut ways = self.sequence()?;
        while self.rest.next_if_eq(&'|').is_some() {
            ways.extend(self.sequence()?);
        }
        (ways.len() <= WAYS).then_some(ways)
    }

    fn sequence(&mut self) -> Option<Vec<Way>> {
        let mut ways = vec![Way::new()];
        while self.rest.peek().is_some_and(|next| !matches!(next, '|' | ')')) {
            let part = self.part()?;
            if ways.len() * part.len() > WAYS {
                return None;
            }
            ways =
                ways.iter().flat_map(|way| part.iter().map(|part| [way.as_slice(), part].concat())).collect();
        }
        Some(ways)
    }

    /// One part with what says how often it stands.
    fn part(&mut self) -> Option<Vec<Way>> {
        let mut ways = match self.rest.next()? {
            '^' => vec![vec![Step::Start]],
            '$' => vec![vec![Step::End]],
            '(' => self.group()?,
            '[' => vec![vec![self.class()?]],
            '\\' => vec![self.escape()?],
            _ => vec![vec![Step::Take]],
        };
        if self.may_be_left_out()? {
            ways.push(Way::new());
        }
        Some(ways)
    }

    fn group(&mut self) -> Option<Vec<Way>> {
        if self.rest.next_if_eq(&'?').is_some() {
            match self.rest.next()? {
                ':' => {}
                'P' | '<' => while self.rest.next()? != '>' {},
                // Flags.
                _ => return None,
            }
        }
        self.depth += 1;
        if self.depth > limits::REGEX_DEPTH {
            return None;
        }
        let ways = self.alternatives()?;
        self.depth -= 1;
        self.rest.next_if_eq(&')')?;
        Some(ways)
    }

    fn class(&mut self) -> Option<Step> {
        let mut text = String::from("[");
        let mut depth = 1;
        while depth > 0 {
            let next = self.rest.next()?;
            // A bracket that closes stands first where it is meant itself.
            let first = matches!(text.as_str(), "[" | "[^");
            text.push(next);
            match next {
                '\\' => text.push(self.rest.next()?),
                '[' => depth += 1,
                ']' if !first => depth -= 1,
                _ => {}
            }
        }
        Some(if NOTHING.contains(&text.as_str()) { Step::Never } else { Step::Take })
    }

    fn escape(&mut self) -> Option<Way> {
        Some(match self.rest.next()? {
            'A' => vec![Step::Start],
            'z' => vec![Step::End],
            'b' | 'B' => Way::new(),
            'p' | 'P' | 'x' | 'u' | 'U' => {
                if self.rest.next_if_eq(&'{').is_some() {
                    while self.rest.next()? != '}' {}
                }
                vec![Step::Take]
            }
            _ => vec![Step::Take],
        })
    }

    fn may_be_left_out(&mut self) -> Option<bool> {
        let mut left_out = false;
        while let Some(next) = self.rest.next_if(|next| matches!(next, '?' | '*' | '+' | '{')) {
            match next {
                '{' => {
                    let first = self.rest.next()?;
                    left_out |= matches!(first, '0' | ',');
                    while self.rest.next()? != '}' {}
                }
                '+' => {}
                // Behind another, a question mark says only how greedy that is; so this counts
                // some expressions as able to match that are not.
                _ => left_out = true,
            }
        }
        Some(left_out)
    }
}

/// The text that an expression without any operator stands for, and the modifier that says the same.
pub(super) fn literal(expression: &str) -> Option<(String, &'static str)> {
    let (start, rest) = match expression.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, expression),
    };
    let mut text = String::new();
    let mut chars = rest.chars().peekable();
    let mut end = false;
    while let Some(next) = chars.next() {
        match next {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '$' if chars.peek().is_none() => end = true,
            '.' | '^' | '$' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => return None,
            plain => text.push(plain),
        }
    }
    let modifier = match (start, end) {
        (false, false) => "|contains",
        (true, false) => "|startswith",
        (false, true) => "|endswith",
        (true, true) => "",
    };
    (!text.is_empty()).then_some((text, modifier))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn anchors_inside_and_empty_classes_match_nothing() {
        for never in
            ["a^b", "$a", "x(^a|b$c)", r"[^\s\S]", r"a[^\d\D]+", "^a$b", r"a\Ab", r"(?:\zb)", "a(b^)c"]
        {
            assert!(!can_match(never, false), "{never}");
            assert!(regex::Regex::new(never).is_ok(), "{never}");
        }
    }

    #[test]
    fn what_may_match_is_left_alone() {
        for may in [
            "^a$",
            "(^|/)a",
            "a($|/)",
            "a?^b",
            "a*^",
            "$a?",
            "[^]a]",
            "[[:alpha:]]^?",
            "(?i)a^b",
            "(?:a|^)b",
            "",
            r"\p{Greek}",
            r"[\]^]a",
            "a{0,3}^b",
            "(a^b)*c",
            r"[^\s\S]?",
        ] {
            assert!(can_match(may, false), "{may}");
        }
        assert!(can_match("a\n^b", true) && !can_match(r"[^\s\S]", true));
    }

    #[test]
    fn an_expression_without_operators_is_its_text() {
        assert_eq!(literal(r"example\.com"), Some(("example.com".to_owned(), "|contains")));
        assert_eq!(literal("^api/"), Some(("api/".to_owned(), "|startswith")));
        assert_eq!(literal("^api$"), Some(("api".to_owned(), "")));
        for operator in ["a.b", "a|b", r"\d", "", "^", "a+", r"a\", "x{2}"] {
            assert_eq!(literal(operator), None, "{operator}");
        }
    }

    proptest! {
        #[test]
        fn what_matches_is_never_called_impossible(
            expression in r"([ab^$|.]|\(|\)|\[a\]|\[\^\\s\\S\]|\?|\*|\+|\\A|\\z){1,8}", text in "[ab]{0,4}"
        ) {
            if let Ok(regex) = regex::Regex::new(&expression) {
                prop_assert!(!regex.is_match(&text) || can_match(&expression, false), "{expression} {text}");
            }
        }

        #[test]
        fn no_expression_makes_the_reader_panic(expression in any::<String>()) {
            can_match(&expression, false);
            literal(&expression);
        }
    }
}
