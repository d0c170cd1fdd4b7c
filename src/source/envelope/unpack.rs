//! Which bytes are compressed or binary, and what do they hold?

use std::io::Read;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::model::DeadLetterReason;
use crate::source::event::Rejected;

/// What the first bytes of a payload say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Perhaps text.
    Text,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// Schema Registry's five-byte header before JSON.
    RegistryJson,
    /// A coding that is not read; its name.
    Unsupported(&'static str),
}

/// Codings by the bytes they begin with.
const MAGIC: [(&[u8], Coding); 14] = [
    (&[0x1f, 0x8b], Coding::Gzip),
    (&[0x28, 0xb5, 0x2f, 0xfd], Coding::Zstd),
    (b"Obj\x01", Coding::Unsupported("an Avro file")),
    (b"PAR1", Coding::Unsupported("Parquet")),
    (b"\xff\x06\x00\x00sNaPpY", Coding::Unsupported("Snappy")),
    (b"\x82SNAPPY\x00", Coding::Unsupported("Snappy")),
    (&[0x04, 0x22, 0x4d, 0x18], Coding::Unsupported("LZ4")),
    (b"BZh", Coding::Unsupported("bzip2")),
    (&[0xfd, b'7', b'z', b'X', b'Z'], Coding::Unsupported("xz")),
    (b"PK\x03\x04", Coding::Unsupported("ZIP")),
    (&[0xc3, 0x01], Coding::Unsupported("Avro with a single-object header")),
    (&[0xde], Coding::Unsupported("MessagePack")),
    (&[0xdf], Coding::Unsupported("MessagePack")),
    (&[0x00], Coding::Unsupported("Avro or Protobuf with a Schema Registry header")),
];

/// Tells the coding of a payload by its first bytes.
pub(crate) fn coding(bytes: &[u8]) -> Coding {
    if let [0x00, _, _, _, _, json @ ..] = bytes
        && matches!(json.trim_ascii_start().first(), Some(b'{' | b'['))
    {
        return Coding::RegistryJson;
    }
    let known = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    match (known, bytes.first()) {
        (Some((_, coding)), _) => *coding,
        (None, Some(0x80..=0x9f)) => Coding::Unsupported("MessagePack"),
        (None, _) => Coding::Text,
    }
}

/// The bytes that gzip data holds, at most `most`.
pub(crate) fn gunzip(bytes: &[u8], most: usize) -> Result<Vec<u8>, Rejected> {
    read_capped(flate2::read::MultiGzDecoder::new(bytes), most, "gzip")
}

/// The bytes that zstd data holds, at most `most`.
pub(crate) fn unzstd(bytes: &[u8], most: usize) -> Result<Vec<u8>, Rejected> {
    /// Memory of the decoder's window: 2^25 bytes.
    const WINDOW_LOG: u32 = 25;
    let broken = |error: std::io::Error| unreadable("zstd", &error);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(broken)?;
    decoder.window_log_max(WINDOW_LOG).map_err(broken)?;
    read_capped(decoder, most, "zstd")
}

/// Reads as it unpacks, so that a small payload that unpacks to a huge one stops at the cap.
fn read_capped(source: impl Read, most: usize, name: &str) -> Result<Vec<u8>, Rejected> {
    let mut unpacked = Vec::new();
    let cap = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source.take(cap).read_to_end(&mut unpacked).map_err(|error| unreadable(name, &error))?;
    if unpacked.len() > most { Err(too_large()) } else { Ok(unpacked) }
}

/// The record unpacks to more than is read.
pub(crate) fn too_large() -> Rejected {
    let most = crate::limits::UNPACKED_BYTES;
    Rejected::new(DeadLetterReason::TooLarge, format!("The record unpacks to more than {most} bytes."))
}

fn unreadable(name: &str, error: &std::io::Error) -> Rejected {
    let detail = format!("The {name} data cannot be unpacked: {error}.");
    Rejected::new(DeadLetterReason::UnsupportedEncoding, detail)
}

/// The bytes of a base64 text, in either alphabet, with or without padding and line breaks.
pub(crate) fn base64(text: &str, most: usize) -> Result<Vec<u8>, Rejected> {
    if text.len() / 4 * 3 > most {
        return Err(too_large());
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let url_safe = compact.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    GeneralPurpose::new(alphabet, config).decode(compact).map_err(|error| {
        let detail = format!("The base64 data cannot be decoded: {error}.");
        Rejected::new(DeadLetterReason::UnsupportedEncoding, detail)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let text = b"some text, some text";
        assert_eq!(gunzip(&gzip(text), 100).unwrap(), text);
        assert_eq!(unzstd(&zstd::encode_all(&text[..], 3).unwrap(), 100).unwrap(), text);
        let two_members = [gzip(b"first "), gzip(b"second")].concat();
        assert_eq!(gunzip(&two_members, 100).unwrap(), b"first second");
    }

    #[test]
    fn unpacking_stops_at_the_cap() {
        let bomb = gzip(&vec![b' '; 1_000_000]);
        assert_eq!(gunzip(&bomb, 1000).unwrap_err().reason, DeadLetterReason::TooLarge);
        let bomb = zstd::encode_all(&vec![b' '; 1_000_000][..], 3).unwrap();
        assert_eq!(unzstd(&bomb, 1000).unwrap_err().reason, DeadLetterReason::TooLarge);
    }

    #[test]
    fn data_that_breaks_off_is_an_error() {
        let packed = gzip(b"some text, some text");
        let cut = packed.get(..packed.len() - 9).unwrap();
        assert_eq!(gunzip(cut, 100).unwrap_err().reason, DeadLetterReason::UnsupportedEncoding);
    }

    #[test]
    fn base64_is_read_in_every_spelling() {
        for text in ["e30/fg==", "e30/fg", "e30_fg", "e30/\nfg=="] {
            assert_eq!(base64(text, 100).unwrap(), b"{}?~", "{text}");
        }
        assert!(base64("***", 100).is_err());
    }

    #[test]
    fn codings_are_told_by_their_first_bytes() {
        assert_eq!(coding(b"\x00\x00\x00\x00\x07{\"a\":1}"), Coding::RegistryJson);
        assert!(matches!(coding(b"\x00\x00\x00\x00\x07\x02ab"), Coding::Unsupported(_)));
        assert_eq!(coding(b"{}"), Coding::Text);
        assert_eq!(coding(b""), Coding::Text);
        assert!(matches!(coding(&[0x85, 0xa4]), Coding::Unsupported(_)));
    }
}
