//! Does a string hold JSON, and what does it say at its first level?

use std::borrow::Cow;

use crate::source::parser::string_content;
use crate::source::scan::Items;

/// Whether a text begins as JSON does and as a Java map does not: `{"`, `{}`, `[{"`, `["`.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let mut bytes = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    match (bytes.next(), bytes.next()) {
        (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'"' | b']')) => true,
        (Some(b'['), Some(b'{')) => matches!(bytes.next(), Some(b'"' | b'}')),
        _ => false,
    }
}

/// The members of a JSON object: keys and values as they are written. Ends where the text breaks.
pub(crate) fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let json = json.trim_start();
    let mut items = Items::new(if json.starts_with('{') { json } else { "" });
    std::iter::from_fn(move || items.member()?.ok())
}

/// The value under a key of a JSON object, as it is written; the last of equal keys.
pub(crate) fn get<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    members(json).filter(|(name, _)| *name == key).last().map(|(_, value)| value)
}

/// The text under a key of a JSON object.
pub(crate) fn get_text<'a>(json: &'a str, key: &str) -> Option<Cow<'a, str>> {
    get(json, key).and_then(string_content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_java_maps_are_told_apart() {
        for text in [r#"{"a":1}"#, "{}", " [ { \"a\":1}]", r#"["a"]"#, "[]"] {
            assert!(looks_like_json(text), "{text}");
        }
        for text in ["{level=LOW}", "[{reasons=x}]", "[OKTA_SIGN_ON]", "plain", ""] {
            assert!(!looks_like_json(text), "{text}");
        }
    }

    #[test]
    fn the_first_level_is_read_without_the_rest() {
        let json = r#"{"risk":{"level":"LOW"},"behaviors":{},"note":"a\nb"}"#;
        assert_eq!(get(json, "risk"), Some(r#"{"level":"LOW"}"#));
        assert_eq!(get_text(json, "note").as_deref(), Some("a\nb"));
        assert_eq!(get(json, "nothing"), None);
        assert_eq!(members("[1]").count(), 0);
        assert_eq!(members(r#"{"a":1,"b":{"#).count(), 1);
    }

    proptest::proptest! {
        #[test]
        fn a_written_text_is_read_back(key in "[a-z]{1,8}", text in "\\PC*") {
            let json = serde_json::json!({ key.clone(): text.clone() }).to_string();
            let read = get_text(&json, &key);
            proptest::prop_assert_eq!(read.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*|[{}\\[\\]\":,a\\\\]*") {
            let _ = (looks_like_json(&text), members(&text).count());
        }
    }
}
