//! How is a record kept that could not be understood?

use super::{OutRecord, header};
use crate::limits::HEADER_BYTES;
use crate::model::DeadLetter;

/// The original bytes and key, unchanged; why and from where is told in the headers.
pub(super) fn record(topic: &std::sync::Arc<str>, letter: &DeadLetter) -> OutRecord {
    let position = &letter.position;
    let mut headers = vec![
        header("reason", letter.reason.as_str()),
        header("detail", crate::text::cut(&letter.detail, HEADER_BYTES)),
        header("topic", &position.topic),
        header("partition", &position.partition.to_string()),
        header("offset", &position.offset.to_string()),
        header("index", &position.index.to_string()),
    ];
    if let Some(ms) = letter.timestamp_ms {
        headers.push(header("timestamp", &ms.to_string()));
    }
    OutRecord { topic: topic.clone(), key: letter.key.clone(), headers, payload: letter.payload.clone() }
}
