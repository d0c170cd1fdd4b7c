//! Which tenant does an envelope name?

use std::sync::Arc;

use super::root::{Key, Keys, Root};
use crate::source::decode::json_in_string;
use crate::source::org;

/// Keys under which collectors write where they read.
const PLACES: [&str; 6] = ["host", "source", "domain", "okta_domain", "url", "hostname"];

/// The tenant, where an envelope says. An event hook's source is the tenant's own address, whatever
/// its domain; elsewhere only an Okta domain counts, as a host may be the forwarder's.
pub(super) fn named_by(envelope: &str, root: &Root<'_>) -> Option<Arc<str>> {
    match envelope {
        "raw" => None,
        "okta_event_hook" => org::from_address(&root.text_of(Key::Source)?),
        "eventbridge" => org::from_partner_source(&root.text_of(Key::Source)?),
        _ => PLACES.iter().find_map(|place| at_place(root.named(place)?)).or_else(|| by_host_object(root)),
    }
}

fn at_place(value: &str) -> Option<Arc<str>> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    org::from_okta_domain(text)
}

/// Elastic's `host.name`.
fn by_host_object(root: &Root<'_>) -> Option<Arc<str>> {
    if !root.keys().meets(Keys::of(&[Key::Host])) {
        return None;
    }
    let name = json_in_string::get_text(root.get(Key::Host)?, "name")?;
    org::from_okta_domain(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(envelope: &str, json: &str) -> Option<Arc<str>> {
        named_by(envelope, &Root::scan(json).unwrap())
    }

    #[test]
    fn each_envelope_names_the_tenant_in_its_own_way() {
        let hook = r#"{"source":"https://login.example.com/api/v1/eventHooks/who1"}"#;
        assert_eq!(named("okta_event_hook", hook).as_deref(), Some("login.example.com"));
        assert_eq!(named("cloudevents", hook), None);
        let bus = r#"{"source":"aws.partner/okta.com/acme/stream"}"#;
        assert_eq!(named("eventbridge", bus).as_deref(), Some("acme"));
        assert_eq!(named("splunk_hec", r#"{"host":"acme.okta.com"}"#).as_deref(), Some("acme"));
        assert_eq!(named("splunk_hec", r#"{"host":"forwarder.example.com"}"#), None);
        assert_eq!(named("elastic_agent", r#"{"host":{"name":"acme.okta.com"}}"#).as_deref(), Some("acme"));
    }
}
