//! What does a text with wildcards match?

/// One symbol of a Sigma string, after its escapes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Char(char),
    /// `*`: any characters.
    Star,
    /// `?`: one character.
    Question,
    /// A dash or slash that `windash` leaves open.
    Dash,
}

/// What `windash` takes for one another.
pub(super) const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// Reads a Sigma string: a backslash makes a following `*`, `?` or backslash plain, and is itself
/// before anything else.
pub(super) fn symbols(text: &str) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        let escaped = chars.next_if(|after| next == '\\' && matches!(after, '*' | '?' | '\\'));
        symbols.push(match (next, escaped) {
            (_, Some(plain)) => Symbol::Char(plain),
            ('*', None) => Symbol::Star,
            ('?', None) => Symbol::Question,
            (plain, None) => Symbol::Char(plain),
        });
    }
    symbols
}

/// Leaves open which dash begins an option: one before a word, but not inside a word.
pub(super) fn open_dashes(symbols: &mut [Symbol]) {
    let is_word = |symbol: Option<&Symbol>| match symbol {
        Some(Symbol::Char(char)) => char.is_alphanumeric() || *char == '_',
        _ => false,
    };
    let begins = |at: usize| {
        let dash = matches!(symbols.get(at), Some(Symbol::Char(char)) if DASHES.contains(char));
        let inside = at > 0 && is_word(symbols.get(at - 1));
        dash && !inside && is_word(symbols.get(at + 1))
    };
    let places: Vec<usize> = (0..symbols.len()).filter(|at| begins(*at)).collect();
    for at in places {
        if let Some(symbol) = symbols.get_mut(at) {
            *symbol = Symbol::Dash;
        }
    }
}

/// A text pattern in the form that is cheapest to judge. Texts are folded unless case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Glob(Glob),
}

/// A pattern with wildcards between its characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    steps: Vec<Symbol>,
    cased: bool,
}

impl Shape {
    pub(super) fn new(mut symbols: Vec<Symbol>, cased: bool) -> Self {
        symbols.dedup_by(|next, before| *next == Symbol::Star && *before == Symbol::Star);
        let leads = symbols.first() == Some(&Symbol::Star);
        let ends = symbols.last() == Some(&Symbol::Star);
        let inner = symbols.strip_prefix(&[Symbol::Star]).unwrap_or(&symbols);
        let inner = inner.strip_suffix(&[Symbol::Star]).unwrap_or(inner);
        match (literal(inner, cased), leads, ends) {
            (Some(text), true, _) | (Some(text), _, true) if text.is_empty() => Self::Any,
            (Some(text), false, false) => Self::Exact(text),
            (Some(text), false, true) => Self::Prefix(text),
            (Some(text), true, false) => Self::Suffix(text),
            (Some(text), true, true) => Self::Contains(text),
            (None, _, _) => Self::Glob(Glob::new(symbols, cased)),
        }
    }

    /// Whether a text matches: folded unless case counts, or ASCII, where folding is not needed.
    pub(super) fn matches(&self, text: &str, cased: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(wanted) => same(text.as_bytes(), wanted.as_bytes(), cased),
            Self::Prefix(wanted) => {
                text.as_bytes().get(..wanted.len()).is_some_and(|head| same(head, wanted.as_bytes(), cased))
            }
            Self::Suffix(wanted) => {
                let start = text.len().checked_sub(wanted.len());
                let tail = start.and_then(|start| text.as_bytes().get(start..));
                tail.is_some_and(|tail| same(tail, wanted.as_bytes(), cased))
            }
            Self::Contains(wanted) => {
                let mut windows = text.as_bytes().windows(wanted.len().max(1));
                wanted.is_empty() || windows.any(|window| same(window, wanted.as_bytes(), cased))
            }
            Self::Glob(glob) => glob.matches(text),
        }
    }
}

fn same(left: &[u8], right: &[u8], cased: bool) -> bool {
    if cased { left == right } else { left.eq_ignore_ascii_case(right) }
}

fn literal(symbols: &[Symbol], cased: bool) -> Option<String> {
    let chars = symbols.iter().map(|symbol| match symbol {
        Symbol::Char(char) => Some(*char),
        _ => None,
    });
    let text: String = chars.collect::<Option<_>>()?;
    Some(if cased { text } else { fold(&text) })
}

/// Lower case, character by character, so that the same character folds alike everywhere.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

impl Glob {
    fn new(symbols: Vec<Symbol>, cased: bool) -> Self {
        let fold = |symbol: Symbol| match symbol {
            Symbol::Char(char) if !cased => char.to_lowercase().map(Symbol::Char).collect(),
            other => vec![other],
        };
        Self { steps: symbols.into_iter().flat_map(fold).collect(), cased }
    }

    /// Goes back to the last star only: what an earlier star could take, the last can take too.
    fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut step = 0;
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.steps.get(step) {
                Some(Symbol::Star) => {
                    retry = Some((step + 1, rest.clone()));
                    step += 1;
                    continue;
                }
                None if rest.as_str().is_empty() => return true,
                wanted => {
                    let mut ahead = rest.clone();
                    let fits = ahead.next().is_some_and(|char| self.fits(wanted, char));
                    if fits {
                        (rest, step) = (ahead, step + 1);
                        continue;
                    }
                }
            }
            let Some((after, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (step, rest) = (*after, from.clone());
        }
    }

    fn fits(&self, wanted: Option<&Symbol>, char: char) -> bool {
        match wanted {
            Some(Symbol::Char(wanted)) if self.cased => *wanted == char,
            Some(Symbol::Char(wanted)) => *wanted == char || wanted.eq_ignore_ascii_case(&char),
            Some(Symbol::Question) => true,
            Some(Symbol::Dash) => DASHES.contains(&char),
            Some(Symbol::Star) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Shape::new(symbols(pattern), false).matches(&fold(text), false)
    }

    #[test]
    fn escapes_are_sigma_s() {
        use Symbol::{Char, Question, Star};
        assert_eq!(symbols(r"a\*"), [Char('a'), Char('*')]);
        assert_eq!(symbols(r"\\*"), [Char('\\'), Star]);
        assert_eq!(symbols(r"\\\*"), [Char('\\'), Char('*')]);
        assert_eq!(symbols(r"\a?\"), [Char('\\'), Char('a'), Question, Char('\\')]);
    }

    #[test]
    fn the_cheapest_shape_is_taken() {
        let shape = |pattern: &str| Shape::new(symbols(pattern), false);
        assert_eq!(shape("Ab"), Shape::Exact("ab".into()));
        assert_eq!(shape("Ab*"), Shape::Prefix("ab".into()));
        assert_eq!(shape("**b"), Shape::Suffix("b".into()));
        assert_eq!(shape("*b*"), Shape::Contains("b".into()));
        assert_eq!(shape("*"), Shape::Any);
        assert!(matches!(shape("a*b"), Shape::Glob(_)));
        assert!(matches!(shape("?"), Shape::Glob(_)));
    }

    #[test]
    fn a_question_mark_is_one_character_of_any_width() {
        assert!(matches("a?c", "aéc"));
        assert!(!matches("a?c", "ac"));
        assert!(matches("ÄRGER*", "ärger und mehr"));
        assert!(!matches("*a?", "a"));
    }

    #[test]
    fn an_option_s_dash_is_left_open() {
        let mut pattern = symbols("a-b -enc*");
        open_dashes(&mut pattern);
        let shape = Shape::new(pattern, false);
        for text in ["a-b -encoded", "a-b /enc", "a-b –enc", "a-b —enc", "a-b ―ENC"] {
            assert!(shape.matches(&fold(text), false), "{text}");
        }
        assert!(!shape.matches("a/b -enc", false) && !shape.matches("a-b _enc", false));
        let opened = |text: &str| {
            let mut pattern = symbols(text);
            open_dashes(&mut pattern);
            pattern.iter().filter(|symbol| **symbol == Symbol::Dash).count()
        };
        assert_eq!(["-a -b", "*/c –d", "- a", "--a", "a -", "―é"].map(opened), [2, 2, 0, 1, 0, 1]);
    }

    #[test]
    fn many_stars_end_in_good_time() {
        let pattern = format!("{}b", "*a".repeat(500));
        assert!(!matches(&pattern, &"a".repeat(16_384)));
    }

    fn naive(pattern: &[Symbol], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((Symbol::Star, rest)), next) => {
                naive(rest, text) || next.is_some_and(|(_, after)| naive(pattern, after))
            }
            (Some((Symbol::Question, rest)), Some((_, after))) => naive(rest, after),
            (Some((Symbol::Char(wanted), rest)), Some((char, after))) => wanted == char && naive(rest, after),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_a_naive_one(pattern in r"[ab\*?é]{0,8}", text in "[abé]{0,8}") {
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(matches(&pattern, &text), naive(&symbols(&pattern), &chars));
        }
    }
}
