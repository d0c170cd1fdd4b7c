//! Which texts mean that there is no value?

/// Whether a text is one of the words that Okta and collectors write for "nothing".
///
/// They must never become values: every failed sign-in would share the session `unknown`, every
/// system event the address `null`. They are spelled exactly so; `NULL` may be somebody's name.
pub(crate) fn is_absent(text: &str) -> bool {
    matches!(text, "" | "-" | "null" | "None" | "unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_words_are_absent() {
        assert!(["", "-", "null", "None", "unknown"].into_iter().all(is_absent));
        assert!(!["NULL", "none", "Unknown", " ", "0", "--"].into_iter().any(is_absent));
    }
}
