//! Which country does a code or a name mean?
//!
//! The table is data beside this file: one country a line, its ISO 3166-1 alpha-2 code (and `XK`
//! for Kosovo, which databases use), its English name, then other spellings in use.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("countries.txt")));

/// The countries, found from either side.
struct Table {
    names: BTreeMap<&'static str, &'static str>,
    codes: BTreeMap<String, &'static str>,
}

impl Table {
    fn parse(text: &'static str) -> Self {
        let mut table = Self { names: BTreeMap::new(), codes: BTreeMap::new() };
        for (code, names) in text.lines().filter_map(|line| line.split_once('=')) {
            for name in names.split('|') {
                table.names.entry(code).or_insert(name);
                table.codes.insert(name.to_lowercase(), code);
            }
        }
        table
    }
}

/// The English name of an alpha-2 code in upper case.
pub(super) fn name(code: &str) -> Option<&'static str> {
    TABLE.names.get(code).copied()
}

/// The alpha-2 code of an English name, or of a code in any case.
pub(super) fn code(name: &str) -> Option<&'static str> {
    let name = name.trim();
    if is_code(name) {
        let upper = name.to_ascii_uppercase();
        return TABLE.names.get_key_value(upper.as_str()).map(|(code, _)| *code);
    }
    TABLE.codes.get(&name.to_lowercase()).copied()
}

/// Whether a text has the shape of an alpha-2 code.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_found_by_its_name_and_by_its_code() {
        assert_eq!(TABLE.names.len(), 250);
        for (country, english) in &TABLE.names {
            assert!(is_code(country), "{country}");
            assert_eq!(code(english), Some(*country), "{english}");
            assert_eq!(code(&country.to_lowercase()), Some(*country));
            assert_eq!(name(country), Some(*english));
        }
    }

    #[test]
    fn no_spelling_means_two_countries() {
        let spellings =
            include_str!("countries.txt").lines().map(|line| line.split('|').count()).sum::<usize>();
        assert_eq!(TABLE.codes.len(), spellings);
    }

    #[test]
    fn other_spellings_are_known_and_other_words_are_not() {
        assert_eq!(code("Korea, Republic of"), Some("KR"));
        assert_eq!(code(" russian federation "), Some("RU"));
        assert_eq!(code("Atlantis"), None);
        assert_eq!(code("ZZ"), None);
        assert_eq!(name("ZZ"), None);
    }
}
