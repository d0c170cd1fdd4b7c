//! Which tenant does an event belong to?
//!
//! In this order: the configured org, the configured record header, what the envelope says, and the
//! topic. A topic speaks only when its name holds an Okta domain (`acme.okta.com`): names like
//! `okta-events` or `okta.logs` are far more common than tenants called `events` or `logs`.

use std::sync::Arc;

use super::Options;
use crate::model::RawRecord;

/// Domains under which Okta gives each tenant a name.
const OKTA_DOMAINS: [&str; 8] = [
    ".okta.com",
    ".oktapreview.com",
    ".okta-emea.com",
    ".okta-gov.com",
    ".okta.mil",
    ".okta-miltest.com",
    ".trex-govcloud.com",
    ".trexcloud.com",
];

/// The tenant that configuration or header name, over whatever the envelope says.
pub(crate) fn given(options: &Options, record: &RawRecord) -> Option<Arc<str>> {
    options.org.clone().or_else(|| header(options, record))
}

fn header(options: &Options, record: &RawRecord) -> Option<Arc<str>> {
    let name = options.org_header.as_deref()?;
    let header = record.headers.iter().rev().find(|header| header.name.eq_ignore_ascii_case(name))?;
    let value = std::str::from_utf8(&header.value).ok()?.trim();
    from_address(value).or_else(|| (!value.is_empty()).then(|| value.to_lowercase().into()))
}

/// The tenant that a topic's name holds.
pub(crate) fn from_topic(topic: &str) -> Option<Arc<str>> {
    from_okta_domain(topic)
}

/// The tenant of an Okta URL or host name: `https://acme.okta.com/…` gives `acme`. Any other
/// domain is none, as a forwarder's own host would be taken for a tenant.
pub(crate) fn from_okta_domain(text: &str) -> Option<Arc<str>> {
    let host = host(text);
    let name = OKTA_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain))?;
    let label = name.rsplit('.').next()?;
    let label = label.strip_suffix("-admin").unwrap_or(label);
    (!label.is_empty()).then(|| label.into())
}

/// The tenant of a URL or host name that is known to be the tenant's own: a custom domain is kept
/// whole.
pub(crate) fn from_address(text: &str) -> Option<Arc<str>> {
    from_okta_domain(text).or_else(|| {
        let host = host(text);
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        (host.contains('.') && !is_address).then(|| host.into())
    })
}

/// The tenant in an EventBridge source: `aws.partner/okta.com/<org>/<name>`.
pub(crate) fn from_partner_source(source: &str) -> Option<Arc<str>> {
    let org = source.strip_prefix("aws.partner/okta.com/")?.split('/').next()?;
    from_okta_domain(org).or_else(|| (!org.is_empty()).then(|| org.to_lowercase().into()))
}

/// The host of a URL, or the text itself; lower case, without port and trailing dot.
fn host(text: &str) -> String {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.trim().trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Header;

    #[test]
    fn an_okta_host_gives_its_label_and_a_custom_domain_stays_whole() {
        assert_eq!(from_address("https://Acme.okta.com/api/v1/eventHooks/who1").as_deref(), Some("acme"));
        assert_eq!(from_address("acme-admin.oktapreview.com:443").as_deref(), Some("acme"));
        assert_eq!(from_address("https://login.example.com/x").as_deref(), Some("login.example.com"));
        assert_eq!(from_address("192.0.2.1"), None);
        assert_eq!(from_address("localhost"), None);
    }

    #[test]
    fn only_an_okta_domain_names_a_tenant_where_any_host_may_stand() {
        assert_eq!(from_okta_domain("forwarder.example.com"), None);
        assert_eq!(from_okta_domain("acme.okta.com").as_deref(), Some("acme"));
        assert_eq!(from_okta_domain("okta.com"), None);
        assert_eq!(from_okta_domain("acme.okta.com.example.com"), None);
    }

    #[test]
    fn a_topic_speaks_only_through_a_domain() {
        assert_eq!(from_topic("logs.acme.okta.com").as_deref(), Some("acme"));
        assert_eq!(from_topic("okta-events"), None);
        assert_eq!(from_topic("okta.acme"), None);
    }

    #[test]
    fn an_event_bridge_source_names_its_tenant() {
        assert_eq!(from_partner_source("aws.partner/okta.com/acme/stream").as_deref(), Some("acme"));
        assert_eq!(from_partner_source("aws.partner/other.com/acme"), None);
    }

    #[test]
    fn configuration_goes_before_the_header() {
        let header = Header { name: "Tenant".into(), value: b"Beta".to_vec() };
        let record = RawRecord { headers: vec![header], ..RawRecord::default() };
        let mut options = Options { org_header: Some("tenant".into()), ..Options::default() };
        assert_eq!(given(&options, &record).as_deref(), Some("beta"));
        options.org = Some("alpha".into());
        assert_eq!(given(&options, &record).as_deref(), Some("alpha"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = (from_address(&text), from_partner_source(&text));
        }
    }
}
