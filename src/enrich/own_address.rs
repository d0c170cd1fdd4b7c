//! Does an event's address tell where its user is?
//!
//! Often it does not: a relying party's server fetches tokens, Okta calls on itself, a telephone
//! answers a push while the browser waits elsewhere, a script uses an API token. Travel, changes of
//! place and new places follow only from events that pass here. When in doubt an event does not.

use std::net::IpAddr;

use super::who;
use crate::model::{Fields, GeoSource, Observation, Place, core};

/// Outcomes after which the address was really used by the user.
const DONE: &[&str] = &["SUCCESS", "ALLOW"];

/// What user agents of Okta's own authenticator and software kits contain.
const AUTHENTICATOR: &[&str] = &["OktaVerify", "Okta Verify", "com.okta."];

/// The user agent of Okta's own servers when they relay.
const OKTA_RELAY: &str = "Okta-Integrations";

/// The address at which the user is, if the event tells.
pub(super) fn own_address(observation: &Observation) -> Option<IpAddr> {
    let place = observation.place.as_deref().filter(|place| !place.ip.private && !is_exit(place))?;
    place.ip.address.filter(|_| is_own(&observation.event.fields))
}

/// A range of the organisation that is configured without a location: the exit of a VPN or a proxy
/// says nothing of where its users are.
fn is_exit(place: &Place) -> bool {
    let located = place.geo.as_ref().is_some_and(|geo| geo.source == GeoSource::Site);
    place.ip.site.is_some() && !located
}

fn is_own(fields: &Fields) -> bool {
    let done = fields.text(core::OUTCOME_RESULT).is_some_and(|result| DONE.contains(&result));
    let job = fields.text(core::TRANSACTION_TYPE) == Some("JOB");
    done && !job
        && who::is_user(fields)
        && !fields.exists(core::API_TOKEN_ID)
        && !is_relayed(fields)
        && !is_authenticator(fields)
}

/// Sent by a server on the user's behalf.
fn is_relayed(fields: &Fields) -> bool {
    let token_endpoint = fields.text(core::REQUEST_URI).is_some_and(is_token_endpoint);
    let okta = fields.text(core::CLIENT_USER_AGENT).is_some_and(|agent| agent.starts_with(OKTA_RELAY));
    token_endpoint || okta
}

/// `/oauth2/v1/token` of the org, `/oauth2/<id>/v1/token` of a custom authorization server.
fn is_token_endpoint(uri: &str) -> bool {
    let path = uri.split_once('?').map_or(uri, |(path, _)| path);
    path.starts_with("/oauth2/") && path.ends_with("/v1/token")
}

/// Sent by an authenticator, perhaps from another device than the one that signs in.
fn is_authenticator(fields: &Fields) -> bool {
    let agent = fields.text(core::CLIENT_USER_AGENT).unwrap_or_default();
    AUTHENTICATOR.iter().any(|mark| agent.contains(mark))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{FieldId, Geo, Value};

    #[test]
    fn a_site_is_a_place_only_if_it_is_configured_with_one() {
        let mut site = Place::clone(&place("203.0.113.7", "PT", 64500, None));
        site.ip.site = Some(Arc::from("vpn"));
        assert!(own_address(&observation(event(0, "u", &[]), Some(Arc::new(site.clone())))).is_none());
        let located = Geo { source: GeoSource::Site, ..Geo::default() };
        site.geo = Some(Arc::new(located));
        assert!(own_address(&observation(event(0, "u", &[]), Some(Arc::new(site)))).is_some());
    }

    fn passes(values: &[(FieldId, Value<'_>)]) -> bool {
        let place = place("203.0.113.7", "PT", 64500, None);
        own_address(&observation(event(0, "u", values), Some(place))).is_some()
    }

    #[test]
    fn a_user_s_browser_passes() {
        assert!(passes(&[]));
        assert!(passes(&[(core::OUTCOME_RESULT, Value::Text("ALLOW"))]));
        assert!(passes(&[(core::CLIENT_USER_AGENT, Value::Text("Mozilla/5.0 (Macintosh)"))]));
        assert!(passes(&[(core::REQUEST_URI, Value::Text("/app/example/exk1/sso/saml"))]));
        assert!(passes(&[(core::REQUEST_URI, Value::Text("/oauth2/v1/authorize?prompt=/v1/token"))]));
        assert!(passes(&[(core::EVENT_TYPE, Value::Text("user.authentication.auth_via_mfa"))]));
    }

    #[test]
    fn everything_that_speaks_for_the_user_from_elsewhere_does_not() {
        let cases: &[(FieldId, &str)] = &[
            (core::OUTCOME_RESULT, "FAILURE"),
            (core::OUTCOME_RESULT, "DENY"),
            (core::OUTCOME_RESULT, ""),
            (core::ACTOR_TYPE, "SystemPrincipal"),
            (core::ACTOR_TYPE, "PublicClientApp"),
            (core::TRANSACTION_TYPE, "JOB"),
            (core::API_TOKEN_ID, "00T1"),
            (core::CLIENT_USER_AGENT, "Okta-Integrations"),
            (core::CLIENT_USER_AGENT, "OktaVerify/9.1 com.okta.mobile/9.1 iOS/17"),
            (core::CLIENT_USER_AGENT, "D2DD7D3915.com.okta.android.auth/6.8 OktaDeviceSDK Android/8.1"),
            (core::REQUEST_URI, "/oauth2/v1/token"),
            (core::REQUEST_URI, "/oauth2/aus1/v1/token?x=1"),
        ];
        for (id, text) in cases {
            assert!(!passes(&[(*id, Value::Text(text))]), "{text}");
        }
    }

    #[test]
    fn no_address_and_a_private_one_tell_nothing() {
        assert_eq!(own_address(&observation(event(0, "u", &[]), None)), None);
        let mut inside: Place = (*place("10.0.0.1", "PT", 64500, None)).clone();
        inside.ip.private = true;
        assert_eq!(own_address(&observation(event(0, "u", &[]), Some(Arc::new(inside)))), None);
    }
}
