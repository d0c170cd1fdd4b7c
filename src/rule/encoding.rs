//! How does a text look inside encoded data?
//!
//! A chain of encodings turns one text into those texts of which at least one stands in the data.
//! Base64 writes three bytes as four letters, so a text inside longer data is written in one of three
//! ways, by where it starts; only the letters that depend on nothing around it are looked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits;

/// One step of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf16Le,
    Utf16Be,
    /// Little-endian behind a byte order mark.
    Utf16,
    Base64,
    /// Base64 of data that the text is a part of.
    Base64Offset,
}

impl Encoding {
    /// Whether what it gives can be the text of a field.
    pub(super) fn gives_text(self) -> bool {
        matches!(self, Self::Base64 | Self::Base64Offset)
    }

    fn apply(self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Utf16Le => vec![utf16(bytes, u16::to_le_bytes).collect()],
            Self::Utf16Be => vec![utf16(bytes, u16::to_be_bytes).collect()],
            Self::Utf16 => vec![[0xff, 0xfe].into_iter().chain(utf16(bytes, u16::to_le_bytes)).collect()],
            Self::Base64 => vec![STANDARD.encode(bytes).into_bytes()],
            Self::Base64Offset => (0..3).map(|offset| at_offset(bytes, offset)).collect(),
        }
    }
}

/// The text in two bytes for each unit. What is no text, as it was encoded before, is taken byte by
/// byte.
fn utf16(bytes: &[u8], order: fn(u16) -> [u8; 2]) -> impl Iterator<Item = u8> {
    let units: Vec<u16> = match std::str::from_utf8(bytes) {
        Ok(text) => text.encode_utf16().collect(),
        Err(_) => bytes.iter().map(|byte| u16::from(*byte)).collect(),
    };
    units.into_iter().flat_map(order)
}

/// Base64 behind so many unknown bytes: without the letters that hold bits of what is around.
fn at_offset(bytes: &[u8], offset: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(b' ', offset).chain(bytes.iter().copied()).collect();
    let encoded = STANDARD.encode(&padded).into_bytes();
    let before = [0, 2, 3].get(offset).copied().unwrap_or_default();
    let behind = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or_default();
    let end = encoded.len().saturating_sub(behind);
    encoded.get(before..end).unwrap_or_default().to_vec()
}

/// Why a chain gives nothing to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// More texts, or longer ones, than [`limits::ENCODED_TEXTS`] and [`limits::WILDCARD_BYTES`].
    TooLarge,
    /// A part of so short a text depends on what is around it.
    TooShort,
}

/// All texts that one of some texts gives along a chain that ends in text.
pub(super) fn encode(texts: Vec<String>, chain: &[Encoding]) -> Result<Vec<String>, Unusable> {
    let mut all: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    for encoding in chain {
        all = all.iter().flat_map(|bytes| encoding.apply(bytes)).collect();
        let long = all.iter().any(|bytes| bytes.len() > limits::WILDCARD_BYTES);
        if long || all.len() > limits::ENCODED_TEXTS {
            return Err(Unusable::TooLarge);
        }
        if all.iter().any(Vec::is_empty) {
            return Err(Unusable::TooShort);
        }
    }
    Ok(all.into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Encoding::{Base64, Base64Offset, Utf16, Utf16Be, Utf16Le};
    use super::*;

    fn encoded(text: &str, chain: &[Encoding]) -> Vec<String> {
        encode(vec![text.to_owned()], chain).unwrap()
    }

    #[test]
    fn texts_are_encoded_as_sigma_s_own_converter_does() {
        assert_eq!(encoded("foobar", &[Base64]), ["Zm9vYmFy"]);
        assert_eq!(encoded("foobar", &[Base64Offset]), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
        assert_eq!(encoded("cmd", &[Utf16Le, Base64]), ["YwBtAGQA"]);
        assert_eq!(encoded("cmd", &[Utf16Be, Base64]), ["AGMAbQBk"]);
        assert_eq!(encoded("cmd", &[Utf16, Base64]), ["//5jAG0AZAA="]);
        assert_eq!(encoded("é", &[Base64]), ["w6k="]);
        assert_eq!(encoded("é", &[Utf16Le, Base64]), ["6QA="]);
        assert_eq!(encoded("a", &[Base64, Base64]), ["WVE9PQ=="]);
    }

    #[test]
    fn what_leaves_no_letter_of_its_own_is_refused() {
        assert_eq!(encoded("ab", &[Base64Offset]), ["YW", "Fi", "hY"]);
        assert_eq!(encode(vec!["a".to_owned()], &[Base64Offset]), Err(Unusable::TooShort));
        assert_eq!(encode(vec![String::new()], &[Base64]), Err(Unusable::TooShort));
    }

    #[test]
    fn a_chain_does_not_grow_without_bound() {
        let long = vec!["x".repeat(limits::WILDCARD_BYTES)];
        assert_eq!(encode(long, &[Base64]), Err(Unusable::TooLarge));
        assert_eq!(encode(vec!["text".to_owned()], &[Base64; 200]), Err(Unusable::TooLarge));
        assert_eq!(encode(vec!["a long text".to_owned()], &[Base64Offset; 10]), Err(Unusable::TooLarge));
    }

    proptest! {
        #[test]
        fn a_text_inside_data_is_found_at_every_offset(
            before in "\\PC{0,7}", text in "\\PC{2,12}", after in "\\PC{0,7}"
        ) {
            let data = STANDARD.encode(format!("{before}{text}{after}"));
            let found = encoded(&text, &[Base64Offset]);
            prop_assert!(found.iter().any(|part| data.contains(part.as_str())), "{found:?} in {data}");
        }

        #[test]
        fn wide_text_inside_data_is_found_too(
            before in "[a-z]{0,7}", text in "\\PC{1,12}", after in "[a-z]{0,7}"
        ) {
            let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
            let data = STANDARD.encode([before.as_bytes(), &wide(&text), after.as_bytes()].concat());
            let found = encoded(&text, &[Utf16Le, Base64Offset]);
            prop_assert!(found.iter().any(|part| data.contains(part.as_str())), "{found:?} in {data}");
        }
    }
}
