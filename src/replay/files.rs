//! What is one record of a file?
//!
//! A line, where the first line stands alone (NDJSON, syslog); otherwise the file is one or more
//! JSON documents over many lines, and each document, or each element of a top-level array, is a
//! record.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::Failure;
use crate::model::{Position, RawRecord};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Calls `each` for every record of a file.
pub(super) fn records(path: &Path, mut each: impl FnMut(RawRecord)) -> Result<(), Failure> {
    let fail = |error: io::Error| Failure::new(format!("cannot read {}", path.display())).detail(error);
    let mut input = open(path).map_err(fail)?;
    let topic: Arc<str> = Arc::from(path.to_string_lossy());
    let mut number = 0;
    let mut record = |payload: &[u8]| {
        if !payload.trim_ascii().is_empty() {
            let position = Position { topic: Arc::clone(&topic), partition: 0, offset: number, index: 0 };
            each(RawRecord { position, payload: payload.to_vec(), ..RawRecord::default() });
        }
        number += 1;
    };
    let first = line(&mut input).map_err(fail)?;
    if stands_alone(&first) {
        let mut next = first;
        while !next.is_empty() {
            record(next.trim_ascii_end());
            next = line(&mut input).map_err(fail)?;
        }
        return Ok(());
    }
    let mut whole = first;
    input.read_to_end(&mut whole).map_err(fail)?;
    documents(&whole, &mut record);
    Ok(())
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut input = BufReader::with_capacity(256 * 1024, raw);
    let start = input.fill_buf()?;
    if start.starts_with(GZIP) {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input))));
    }
    if start.starts_with(ZSTD) {
        return Ok(Box::new(BufReader::new(zstd::Decoder::with_buffer(input)?)));
    }
    Ok(Box::new(input))
}

/// The next line that holds anything, with its newline; empty at the end.
fn line(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            return Ok(line);
        }
        line.clear();
    }
    Ok(line)
}

fn stands_alone(line: &[u8]) -> bool {
    let opens = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
    !opens || serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// Splits documents that follow each other; what is no JSON is one record, so that it is refused
/// with its reason and not lost.
fn documents(bytes: &[u8], record: &mut impl FnMut(&[u8])) {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    loop {
        let start = stream.byte_offset();
        match stream.next() {
            Some(Ok(document)) => elements(document.get(), record),
            Some(Err(_)) => return record(bytes.get(start..).unwrap_or_default()),
            None => return,
        }
    }
}

fn elements(document: &str, record: &mut impl FnMut(&[u8])) {
    match serde_json::from_str::<Vec<&RawValue>>(document) {
        Ok(elements) => elements.iter().for_each(|element| record(element.get().as_bytes())),
        Err(_) => record(document.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut found = Vec::new();
        records(file.path(), |record| found.push(String::from_utf8(record.payload).unwrap())).unwrap();
        found
    }

    #[test]
    fn a_line_is_a_record() {
        assert_eq!(read(b"{\"a\":1}\n\n{\"a\":2}"), ["{\"a\":1}", "{\"a\":2}"]);
        assert_eq!(read(b"<134>1 - - {\"a\":1}\nrubbish\n"), ["<134>1 - - {\"a\":1}", "rubbish"]);
    }

    #[test]
    fn a_document_over_many_lines_is_a_record_and_an_array_is_one_for_each_element() {
        assert_eq!(read(b"{\n\"a\": 1\n}\n{\n\"a\": 2\n}\n").len(), 2);
        assert_eq!(read(b"[\n{\"a\":1},\n{\"a\":2}\n]\n"), ["{\"a\":1}", "{\"a\":2}"]);
    }

    #[test]
    fn what_breaks_off_is_kept_to_be_refused() {
        assert_eq!(read(b"{\n\"a\": 1\n}\n{\n\"a\": ").len(), 2);
    }

    #[test]
    fn compressed_files_are_read_as_they_are() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"{\"a\":1}\n{\"a\":2}\n").unwrap();
        assert_eq!(read(&gzip.finish().unwrap()).len(), 2);
        assert_eq!(read(&zstd::encode_all(&b"{\"a\":1}\n"[..], 1).unwrap()).len(), 1);
    }
}
