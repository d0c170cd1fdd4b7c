//! What do the strings say into which Okta packs structure?
//!
//! Three encodings are met in the same place: a Java map's text, lists of such maps, and JSON.

pub(crate) mod behaviors;
pub(crate) mod bracket_list;
pub(crate) mod java_map;
pub(crate) mod json_in_string;
pub(crate) mod risk;
pub(crate) mod security;

/// One level of structure; values are texts, perhaps with structure of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoded<'a> {
    /// Keys with their values, in their order.
    Map(Vec<(&'a str, &'a str)>),
    /// Elements in their order.
    List(Vec<&'a str>),
}

/// Reads a string that is not JSON: the closed keys of risk first, as its reasons hold commas, then
/// behaviours, as their names may, then any map or list.
pub(crate) fn decode(text: &str) -> Option<Decoded<'_>> {
    if let Some(elements) = bracket_list::parse(text) {
        return Some(Decoded::List(elements));
    }
    risk::members(text).or_else(|| plain_behaviors(text)).or_else(|| java_map::parse(text)).map(Decoded::Map)
}

/// Behaviours, unless a name holds `=`: then it is rather another map whose values are in capitals.
fn plain_behaviors(text: &str) -> Option<Vec<(&str, &str)>> {
    behaviors::parse(text).filter(|behaviors| behaviors.iter().all(|(name, _)| !name.contains('=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_told_by_its_form() {
        let risk = decode("{reasons=Anomalous Location, Anomalous Device, level=HIGH}");
        let members = vec![("reasons", "Anomalous Location, Anomalous Device"), ("level", "HIGH")];
        assert_eq!(risk, Some(Decoded::Map(members)));
        assert_eq!(decode("[{a=1}, {b=2}]"), Some(Decoded::List(vec!["{a=1}", "{b=2}"])));
        assert_eq!(
            decode("{Anomalous Location: Country=NEGATIVE}"),
            Some(Decoded::Map(vec![("Anomalous Location: Country", "NEGATIVE")]))
        );
        let partner = decode("{reasons=malware, proxy, level=HIGH, name=VENDOR}");
        let members = vec![("reasons", "malware, proxy"), ("level", "HIGH"), ("name", "VENDOR")];
        assert_eq!(partner, Some(Decoded::Map(members)));
        assert_eq!(decode("plain"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_decoded_without_a_panic(text in "\\PC*|[{}\\[\\]=, A-Zé]*") {
            let _ = decode(&text);
        }
    }
}
