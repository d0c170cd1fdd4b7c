//! Where do the values of a JSON text begin and end?
//!
//! A structural scan: brackets, strings and commas, no values. It never recurses, so that no input
//! can exhaust the stack, and it enforces [`JSON_DEPTH`] before any recursive parser sees the text.
//! What stands inside a nested value is checked later by the parser that reads it.

use crate::limits::JSON_DEPTH;

/// Why a text cannot be split into values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The text ends inside a value.
    Truncated,
    /// Something stands where it must not; the offset in bytes.
    Syntax(usize),
    /// More nesting than is followed.
    TooDeep,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => out.write_str("The JSON breaks off."),
            Self::Syntax(at) => write!(out, "The JSON has a syntax error at byte {at}."),
            Self::TooDeep => write!(out, "The JSON is nested deeper than {JSON_DEPTH} levels."),
        }
    }
}

/// The end of the value that begins at `at`.
pub(crate) fn value_end(text: &str, at: usize) -> Result<usize, Broken> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        None => Err(Broken::Truncated),
        Some(b'"') => string_end(bytes, at + 1),
        Some(b'{' | b'[') => container_end(bytes, at),
        Some(_) => scalar_end(text, at),
    }
}

/// The first byte at or after `at` that is not white space.
pub(crate) fn skip_space(bytes: &[u8], at: usize) -> usize {
    let space = bytes.get(at..).unwrap_or_default().iter();
    at + space.take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// Whether a text is one value with nothing behind it, and not too deep.
pub(crate) fn is_one_value(text: &str) -> bool {
    let start = skip_space(text.as_bytes(), 0);
    value_end(text, start).is_ok_and(|end| skip_space(text.as_bytes(), end) == text.len())
}

fn container_end(bytes: &[u8], start: usize) -> Result<usize, Broken> {
    // One bit for each open container: 1 for an object, 0 for an array.
    let (mut objects, mut depth, mut at) = (0_u64, 0, start);
    loop {
        match bytes.get(at) {
            None => return Err(Broken::Truncated),
            Some(b'"') => {
                at = string_end(bytes, at + 1)?;
                continue;
            }
            Some(open @ (b'{' | b'[')) => {
                if depth >= JSON_DEPTH {
                    return Err(Broken::TooDeep);
                }
                objects = (objects << 1) | u64::from(*open == b'{');
                depth += 1;
            }
            Some(close @ (b'}' | b']')) => {
                if (objects & 1 == 1) != (*close == b'}') {
                    return Err(Broken::Syntax(at));
                }
                objects >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            Some(_) => {}
        }
        at += 1;
    }
}

/// The end of a string whose content begins at `at`: eight bytes at a time while nothing is special.
fn string_end(bytes: &[u8], mut at: usize) -> Result<usize, Broken> {
    loop {
        at = special_from(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(_) => return Err(Broken::Syntax(at)),
            None => return Err(Broken::Truncated),
        }
    }
}

/// Where the next quote, backslash or control character stands, or the end.
#[inline]
fn special_from(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let found = specials(u64::from_le_bytes(*chunk)).trailing_zeros() / 8;
        at += found as usize;
        if found < 8 {
            return at;
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count()
}

/// The high bit of each of eight bytes that is a quote, a backslash or a control character. A borrow
/// may mark bytes above such a one too; the lowest mark is always right.
fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    equal(b'"') | equal(b'\\') | below(word, 0x20)
}

fn scalar_end(text: &str, at: usize) -> Result<usize, Broken> {
    let rest = text.get(at..).unwrap_or_default();
    let len = rest.bytes().take_while(|byte| !matches!(byte, b',' | b']' | b'}' | b' ' | 0..=0x1f)).count();
    let word = rest.get(..len).unwrap_or_default();
    let number = word.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if number || matches!(word, "true" | "false" | "null") { Ok(at + len) } else { Err(Broken::Syntax(at)) }
}

/// One item of a container, or why the rest of it cannot be read.
type Item<T> = Result<T, Broken>;

/// A cursor over the members of an object or the elements of an array.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a> {
    text: &'a str,
    at: usize,
    close: u8,
    first: bool,
    done: bool,
}

impl<'a> Items<'a> {
    /// Over the members of the object, or the elements of the array, that the text begins with.
    pub(crate) fn new(text: &'a str) -> Self {
        let close = if text.starts_with('{') { b'}' } else { b']' };
        Self { text, at: 1, close, first: true, done: text.is_empty() }
    }

    /// The text from the cursor on.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The offset behind the container's end; meaningful once the cursor has come to it.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// The next element of an array.
    pub(crate) fn element(&mut self) -> Option<Item<&'a str>> {
        let item = self.start().transpose()?.and_then(|()| self.value());
        self.ended(item)
    }

    /// The next member of an object: its key as it stands between the quotes, and its value.
    pub(crate) fn member(&mut self) -> Option<Item<(&'a str, &'a str)>> {
        let item = self.start().transpose()?.and_then(|()| self.key_and_value());
        self.ended(item)
    }

    fn key_and_value(&mut self) -> Item<(&'a str, &'a str)> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at) {
            Some(b'"') => {}
            Some(_) => return Err(Broken::Syntax(self.at)),
            None => return Err(Broken::Truncated),
        }
        let end = string_end(bytes, self.at + 1)?;
        let key = self.text.get(self.at + 1..end - 1).unwrap_or_default();
        let colon = skip_space(bytes, end);
        match bytes.get(colon) {
            Some(b':') => self.at = skip_space(bytes, colon + 1),
            Some(_) => return Err(Broken::Syntax(colon)),
            None => return Err(Broken::Truncated),
        }
        Ok((key, self.value()?))
    }

    fn value(&mut self) -> Item<&'a str> {
        let end = value_end(self.text, self.at)?;
        let value = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        Ok(value)
    }

    /// Moves to the next item, over its comma; `None` at the end of the container.
    fn start(&mut self) -> Item<Option<()>> {
        if self.done {
            return Ok(None);
        }
        let bytes = self.text.as_bytes();
        let at = skip_space(bytes, self.at);
        match bytes.get(at) {
            None => Err(Broken::Truncated),
            Some(byte) if *byte == self.close => {
                (self.at, self.done) = (at + 1, true);
                Ok(None)
            }
            Some(b',') if !self.first => {
                self.at = skip_space(bytes, at + 1);
                Ok(Some(()))
            }
            Some(_) if self.first => {
                (self.at, self.first) = (at, false);
                Ok(Some(()))
            }
            Some(_) => Err(Broken::Syntax(at)),
        }
    }

    fn ended<T>(&mut self, item: Item<T>) -> Option<Item<T>> {
        self.done |= item.is_err();
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &str) -> Vec<Item<&str>> {
        let mut items = Items::new(text);
        std::iter::from_fn(|| items.element()).collect()
    }

    #[test]
    fn members_are_split_where_they_end() {
        let mut items = Items::new(r#"{ "a" : {"b":"}\"]"} , "c":[1,2], "d":-1.5e3 }tail"#);
        assert_eq!(items.member(), Some(Ok(("a", r#"{"b":"}\"]"}"#))));
        assert_eq!(items.member(), Some(Ok(("c", "[1,2]"))));
        assert_eq!(items.member(), Some(Ok(("d", "-1.5e3"))));
        assert_eq!(items.member(), None);
        assert_eq!(items.rest(), "tail");
    }

    #[test]
    fn elements_before_a_break_are_kept() {
        let found = elements(r#"["a",{"b":1},{"c":"#);
        assert_eq!(found, [Ok("\"a\""), Ok("{\"b\":1}"), Err(Broken::Truncated)]);
        assert_eq!(elements("[1 2]"), [Ok("1"), Err(Broken::Syntax(3))]);
        assert_eq!(elements("[nul]"), [Err(Broken::Syntax(1))]);
    }

    #[test]
    fn nesting_is_followed_to_its_bound_and_no_further() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(value_end(&nested(JSON_DEPTH), 0), Ok(2 * JSON_DEPTH));
        assert_eq!(value_end(&nested(JSON_DEPTH + 1), 0), Err(Broken::TooDeep));
        assert_eq!(value_end(&"[".repeat(1_000_000), 0), Err(Broken::TooDeep));
    }

    #[test]
    fn mismatched_brackets_and_raw_line_breaks_in_strings_are_errors() {
        assert_eq!(value_end("{]", 0), Err(Broken::Syntax(1)));
        assert_eq!(value_end("\"0123456789ab\ncd\"", 0), Err(Broken::Syntax(13)));
        assert_eq!(value_end(r#""0123456\"89\\""#, 0), Ok(15));
        assert_eq!(value_end("\"ends with a backslash\\", 0), Err(Broken::Truncated));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned_without_a_panic(text in "\\PC*|[\\[\\]{}\",:\\\\ a0\n]*") {
            let mut items = Items::new(&text);
            while items.member().is_some() {}
            let mut items = Items::new(&text);
            while items.element().is_some() {}
            let _ = is_one_value(&text);
        }

        #[test]
        fn a_string_ends_where_the_parser_says(content in "\\PC*") {
            let text = serde_json::to_string(&content).unwrap();
            proptest::prop_assert_eq!(value_end(&format!("{text},x"), 0), Ok(text.len()));
        }
    }
}
