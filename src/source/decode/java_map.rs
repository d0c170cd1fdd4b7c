//! What does the text of a Java map hold, such as `{level=LOW}` or `Risk{level=LOW}`?

use serde_json::Value;

use super::bracket_list;

/// The members of a map's text. A part without `=` belongs to the value before it, as values may
/// hold commas; keys hold no `=`.
pub(crate) fn parse(text: &str) -> Option<Vec<(&str, &str)>> {
    let body = body(text)?;
    let mut members: Vec<(&str, &str, usize)> = Vec::new();
    let mut at = 0;
    for part in bracket_list::split(body) {
        let end = at + part.len();
        match (part.split_once('='), members.last_mut()) {
            (Some((key, _)), _) => {
                let start = at + key.len() + 1;
                members.push((key.trim(), body.get(start..end)?, start));
            }
            (None, Some((_, value, start))) => *value = body.get(*start..end)?,
            (None, None) if part.trim().is_empty() => {}
            (None, None) => return None,
        }
        at = end + 2;
    }
    Some(members.into_iter().map(|(key, value, _)| (key, value)).collect())
}

/// What stands between the braces; before them only a class name may stand.
pub(crate) fn body(text: &str) -> Option<&str> {
    let (class, rest) = text.trim().split_once('{')?;
    let is_name = class.bytes().all(|byte| byte.is_ascii_alphabetic());
    rest.strip_suffix('}').filter(|_| is_name)
}

/// The text Java would have written for what a collector has parsed: an object's members, or the
/// `key=value` texts of an array.
pub(crate) fn write(parsed: &Value) -> String {
    let parts: Vec<String> = match parsed {
        Value::Object(members) => {
            members.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect()
        }
        Value::Array(elements) => elements.iter().map(plain).collect(),
        other => return plain(other),
    };
    format!("{{{}}}", parts.join(", "))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_with_commas_in_their_values() {
        let members = parse("{reasons=malware detected, malicious proxy, level=HIGH, name=vendor}");
        let expected =
            vec![("reasons", "malware detected, malicious proxy"), ("level", "HIGH"), ("name", "vendor")];
        assert_eq!(members, Some(expected));
        assert_eq!(parse("Risk{level=LOW}"), Some(vec![("level", "LOW")]));
        assert_eq!(parse("{}"), Some(vec![]));
        assert_eq!(
            parse("{result=true, condition=security.risk.level == 'LOW'}"),
            Some(vec![("result", "true"), ("condition", "security.risk.level == 'LOW'")])
        );
        assert_eq!(parse("{a={b=1, c=2}, d=3}"), Some(vec![("a", "{b=1, c=2}"), ("d", "3")]));
    }

    #[test]
    fn what_is_no_map_is_none() {
        for text in ["", "level=LOW", "{level", "not a map {a=1}", "{no equals sign}"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_parsed_is_written_as_java_would() {
        let array = serde_json::json!(["New IP=POSITIVE", "New Device=NEGATIVE"]);
        assert_eq!(write(&array), "{New IP=POSITIVE, New Device=NEGATIVE}");
        assert_eq!(write(&serde_json::json!({"level": "LOW"})), "{level=LOW}");
        assert_eq!(write(&serde_json::json!({"reasons": ["A", "B"]})), "{reasons=A, B}");
    }

    proptest::proptest! {
        #[test]
        fn a_written_map_is_read_back(
            members in proptest::collection::vec(("[A-Za-z][A-Za-z0-9 :-]{0,10}[a-z]", "[A-Za-z0-9]{1,8}(, [a-z ]{1,8}[a-z])?"), 0..6)
        ) {
            let parts: Vec<String> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let text = format!("{{{}}}", parts.join(", "));
            let expected: Vec<(&str, &str)> =
                members.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            proptest::prop_assert_eq!(parse(&text).unwrap(), expected);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*|[{}\\[\\]=, aé]*") {
            let _ = parse(&text);
        }
    }
}
