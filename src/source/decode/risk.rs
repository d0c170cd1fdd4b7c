//! How risky did Okta find the request, and why?

use super::java_map;

/// The keys Okta writes; reasons are free text, so that only these begin a member.
const KEYS: [&str; 5] = ["level", "previousLevel", "reasons", "detectionName", "issuer"];

/// Members of a risk's text, such as `{reasons=Anomalous Location, Anomalous Device, level=HIGH}`.
///
/// `None` for a text of another form: only reasons hold commas.
pub(crate) fn members(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = java_map::body(text)?;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let key = key_of(rest)?;
        let value = rest.get(key.len() + 1..)?;
        let end = value.match_indices(", ").map(|(at, _)| at).find(|at| begins_member(value, at + 2));
        let (value, behind) = value.split_at_checked(end.unwrap_or(value.len()))?;
        if key != "reasons" && value.contains(", ") {
            return None;
        }
        members.push((key, value));
        rest = behind.strip_prefix(", ").unwrap_or(behind);
    }
    Some(members)
}

fn begins_member(text: &str, at: usize) -> bool {
    text.get(at..).is_some_and(|rest| key_of(rest).is_some())
}

fn key_of(text: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|key| text.strip_prefix(key).is_some_and(|rest| rest.starts_with('=')))
}

/// The reasons in a text that lists them with commas.
pub(crate) fn reasons(text: &str) -> impl Iterator<Item = &str> {
    text.split(", ").map(str::trim).filter(|reason| !super::super::absent::is_absent(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_hold_commas_and_only_known_keys_begin_a_member() {
        let text = "{previousLevel=LOW, level=MEDIUM, reasons=New IP, ratio=2, Anomalous Device}";
        let expected = vec![
            ("previousLevel", "LOW"),
            ("level", "MEDIUM"),
            ("reasons", "New IP, ratio=2, Anomalous Device"),
        ];
        assert_eq!(members(text), Some(expected));
        assert_eq!(members("Risk{level=LOW}"), Some(vec![("level", "LOW")]));
        assert_eq!(members("{New IP=POSITIVE}"), None);
        assert_eq!(members("{level=HIGH, name=vendor}"), None);
        assert_eq!(members("{}"), Some(vec![]));
    }

    proptest::proptest! {
        #[test]
        fn written_risk_is_read_back(
            level in "LOW|MEDIUM|HIGH",
            listed in proptest::collection::vec("[A-Z][a-z]{1,8}( [A-Z][a-z]{1,8})?", 1..5),
            reasons_first in proptest::bool::ANY,
        ) {
            let listed_text = listed.join(", ");
            let text = if reasons_first {
                format!("{{reasons={listed_text}, level={level}}}")
            } else {
                format!("{{level={level}, reasons={listed_text}}}")
            };
            let members = members(&text).unwrap();
            proptest::prop_assert!(members.contains(&("level", level.as_str())));
            proptest::prop_assert!(members.contains(&("reasons", listed_text.as_str())));
            proptest::prop_assert_eq!(reasons(&listed_text).collect::<Vec<_>>(), listed);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*|\\{(level=|reasons=|, |é|[A-Z])*\\}") {
            let _ = members(&text);
        }
    }
}
