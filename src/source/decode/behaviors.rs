//! Which behaviours did Okta see, and which of them were new for the user?

use super::java_map;

/// Names with their results. An administrator chooses the names, so that they may hold commas and
/// colons; a result is one upper-case word (`POSITIVE`, `BAD_REQUEST`), which ends the entry.
///
/// `None` for a text of another form.
pub(crate) fn parse(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = java_map::body(text)?;
    let mut behaviors = Vec::new();
    while !rest.is_empty() {
        let (name, result, tail) = rest.match_indices('=').find_map(|(at, _)| entry(rest, at))?;
        behaviors.push((name, result));
        rest = tail;
    }
    Some(behaviors)
}

/// The entry whose `=` stands at an offset, if a result stands behind it, and what follows.
fn entry(text: &str, at: usize) -> Option<(&str, &str, &str)> {
    let behind = text.get(at + 1..)?;
    let len = behind.bytes().take_while(|byte| byte.is_ascii_uppercase() || *byte == b'_').count();
    let (result, tail) = behind.split_at_checked(len)?;
    let tail = if tail.is_empty() { tail } else { tail.strip_prefix(", ")? };
    let name = text.get(..at)?;
    (len > 0 && !name.is_empty()).then_some((name, result, tail))
}

/// The names of those that were positive.
pub(crate) fn positive<'a>(behaviors: &[(&'a str, &str)]) -> Vec<&'a str> {
    behaviors.iter().filter(|(_, result)| *result == "POSITIVE").map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything_but_the_result_ends_the_entry() {
        let text = "{New Geo-Location=NEGATIVE, Anomalous Location: Country=POSITIVE, \
                    Late, or early=POSITIVE, 0f8a2b4c-1d2e-4f5a-8b9c-0d1e2f3a4b5c=BAD_REQUEST}";
        let behaviors = parse(text).unwrap();
        assert_eq!(behaviors.len(), 4);
        assert_eq!(positive(&behaviors), ["Anomalous Location: Country", "Late, or early"]);
        assert_eq!(parse("{}"), Some(vec![]));
    }

    #[test]
    fn another_form_is_not_taken_for_behaviours() {
        assert_eq!(parse("{reasons=Anomalous Location, level=high}"), None);
        assert_eq!(parse("New IP=POSITIVE"), None);
        assert_eq!(parse("{=POSITIVE}"), None);
    }

    proptest::proptest! {
        #[test]
        fn written_behaviours_are_read_back(
            entries in proptest::collection::vec(
                ("[A-Za-z0-9][A-Za-z0-9 :,().-]{0,20}[A-Za-z0-9)]", "POSITIVE|NEGATIVE|UNKNOWN|BAD_REQUEST"), 0..8)
        ) {
            let parts: Vec<String> = entries.iter().map(|(name, result)| format!("{name}={result}")).collect();
            let text = format!("{{{}}}", parts.join(", "));
            let expected: Vec<(&str, &str)> =
                entries.iter().map(|(name, result)| (name.as_str(), result.as_str())).collect();
            proptest::prop_assert_eq!(parse(&text).unwrap(), expected);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*|\\{[=, A-Zé]*\\}") {
            let _ = parse(&text);
        }
    }
}
