//! What looks like a record of events but is none of Okta's?

use super::root::{Key, Root};
use crate::text::cut;

/// Tags that Logstash inputs put on their error reports.
const ERROR_TAGS: [&str; 4] = [
    "\"_okta_response_error\"",
    "\"_http_response_error\"",
    "\"_http_request_error\"",
    "\"_http_request_failure\"",
];

/// Keys that hold the error.
const ERROR_KEYS: [Key; 3] = [Key::OktaResponseError, Key::HttpResponseError, Key::HttpRequestError];

/// Whether a collector reports that it could not read.
pub(super) fn is_collector_error(root: &Root<'_>) -> bool {
    let tags = root.get(Key::Tags).unwrap_or_default();
    ERROR_KEYS.iter().any(|key| root.get(*key).is_some()) || ERROR_TAGS.iter().any(|tag| tags.contains(tag))
}

/// What the collector says.
pub(super) fn collector_error(root: &Root<'_>) -> String {
    let error = ERROR_KEYS.iter().find_map(|key| root.get(*key)).unwrap_or("no detail");
    format!("The collector could not read from Okta: {}", cut(error, 500))
}

/// Auth0's tenant log: an id of its own and a short type code, at the root or in a log stream's
/// `data`.
pub(super) fn is_auth0(root: &Root<'_>) -> bool {
    let has_code = |root: &Root<'_>| root.text_of(Key::Type).is_some_and(|code| code.len() <= 8);
    root.get(Key::EventType).is_none()
        && (has_code(root) || root.object(Key::Data).is_some_and(|data| has_code(&data)))
}

/// Google SecOps' unified data model.
pub(super) fn is_udm(root: &Root<'_>) -> bool {
    let metadata = root.object(Key::Metadata).or_else(|| root.object(Key::Udm)?.object(Key::Metadata));
    metadata.is_some_and(|metadata| {
        ["productEventType", "product_event_type"].iter().any(|name| metadata.named(name).is_some())
    })
}

/// A text format of another product, by its name.
pub(super) fn text_format(text: &str) -> Option<&'static str> {
    [("CEF:", "CEF"), ("LEEF:", "LEEF")]
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix))
        .map(|(_, name)| *name)
}
