//! What does `[A, B]` list?

/// The elements of a bracketed list without quotes, split at commas outside inner brackets.
pub(crate) fn parse(text: &str) -> Option<Vec<&str>> {
    let body = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    if body.trim().is_empty() {
        return Some(Vec::new());
    }
    Some(split(body).map(str::trim).collect())
}

/// The parts between the commas (each followed by a space) that stand outside any bracket.
pub(crate) fn split(body: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(comma) = comma_outside(text) else { return rest.take() };
        let (part, tail) = text.split_at_checked(comma)?;
        rest = tail.get(2..);
        Some(part)
    })
}

fn comma_outside(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 && bytes.peek().is_some_and(|(_, next)| *next == b' ') => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_split_outside_brackets_only() {
        assert_eq!(parse("[OKTA_SIGN_ON]"), Some(vec!["OKTA_SIGN_ON"]));
        assert_eq!(parse("[pwd, otp, hwk]"), Some(vec!["pwd", "otp", "hwk"]));
        assert_eq!(parse("[{a=1, b=2}, {c=[3, 4]}]"), Some(vec!["{a=1, b=2}", "{c=[3, 4]}"]));
        assert_eq!(parse("[]"), Some(vec![]));
        assert_eq!(parse("pwd, otp"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_written_list_is_read_back(words in proptest::collection::vec("[A-Za-z0-9_.:/-]{1,12}", 1..8)) {
            let text = format!("[{}]", words.join(", "));
            proptest::prop_assert_eq!(parse(&text).unwrap(), words);
        }

        #[test]
        fn any_text_is_split_without_a_panic(text in "\\PC*|[\\[\\]{}, é]*") {
            let _ = parse(&text);
        }
    }
}
