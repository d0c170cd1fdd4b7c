//! Which JSON parser walks an event?
//!
//! The walk itself is written once, over serde's traits; the fast parser and the reference parser
//! run the very same code.

use std::borrow::Cow;

use serde::de::DeserializeSeed;

/// A JSON parser that can drive a walk.
pub(crate) trait Parser {
    /// Walks one text from its beginning to its end.
    ///
    /// The text must have passed [`super::scan`] first: parsers skip values by recursion.
    ///
    /// # Errors
    /// What the parser says is wrong with the text.
    fn walk<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, String>;
}

/// The fast parser.
#[derive(Debug)]
pub(crate) struct Fast;

impl Parser for Fast {
    fn walk<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, String> {
        let mut parser = sonic_rs::Deserializer::from_str(text);
        let value = seed.deserialize(&mut parser).map_err(|error| first_line(&error))?;
        parser.end().map_err(|error| first_line(&error))?;
        Ok(value)
    }
}

/// The parser the fast one is checked against.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Reference;

#[cfg(test)]
impl Parser for Reference {
    fn walk<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, String> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut parser).map_err(|error| first_line(&error))?;
        parser.end().map_err(|error| first_line(&error))?;
        Ok(value)
    }
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The text with every lone surrogate escape (`\ud83d` without its partner) made `\ufffd`, or
/// `None` when it has none.
///
/// Java cuts texts between the halves of a pair; parsers reject what is left. A user agent that
/// ends so must not keep an event from being judged.
pub(crate) fn without_lone_surrogates(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + found;
        at = match surrogate(text, escape) {
            Some(0xd800..=0xdbff) if matches!(surrogate(text, escape + 6), Some(0xdc00..=0xdfff)) => {
                escape + 12
            }
            Some(0xd800..=0xdfff) => {
                repaired.push_str(text.get(kept..escape).unwrap_or_default());
                repaired.push_str("\\ufffd");
                kept = escape + 6;
                kept
            }
            _ => escape + 2,
        };
    }
    if kept == 0 {
        return None;
    }
    repaired.push_str(text.get(kept..).unwrap_or_default());
    Some(repaired)
}

/// The code unit of the `\uXXXX` at an offset.
fn surrogate(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    u32::from_str_radix(digits, 16).ok()
}

/// The content of a JSON string, given with its quotes; `None` when it is no string.
pub(crate) fn string_content(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    if let Ok(text) = sonic_rs::from_str::<String>(json) {
        return Some(Cow::Owned(text));
    }
    without_lone_surrogates(json).and_then(|json| sonic_rs::from_str(&json).ok()).map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_half_of_a_pair_is_replaced_and_a_pair_is_kept() {
        let text = r#""\ud83d\ude00 \ud83d x \\ud83d \ude00""#;
        let repaired = without_lone_surrogates(text).unwrap();
        assert_eq!(repaired, r#""\ud83d\ude00 \ufffd x \\ud83d \ufffd""#);
        assert_eq!(without_lone_surrogates(r#""\ud83d\ude00""#), None);
    }

    #[test]
    fn a_string_s_content_is_unescaped_and_repaired() {
        assert_eq!(string_content(r#""plain""#).as_deref(), Some("plain"));
        assert_eq!(string_content(r#""a\n\"b\"""#).as_deref(), Some("a\n\"b\""));
        assert_eq!(string_content(r#""cut \ud83d""#).as_deref(), Some("cut \u{fffd}"));
        assert_eq!(string_content("1"), None);
        assert_eq!(string_content(r#""bad \q""#), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_repaired_without_a_panic(text in "(\\\\u[d][89a-f][0-9a-f]{2}|\\\\|\\PC)*") {
            if let Some(repaired) = without_lone_surrogates(&text) {
                proptest::prop_assert_eq!(without_lone_surrogates(&repaired), None);
            }
        }
    }
}
