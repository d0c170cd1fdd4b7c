//! How does an event that Panther stored become Okta's again?
//!
//! Panther adds `p_` columns, and some of its exports spell keys in lower case. Okta's own keys are
//! given their spelling back; nothing is lost.

use serde_json::{Map, Value};

/// Okta's keys that have a capital letter.
const KEYS: &[&str] = &[
    "alternateId",
    "applicationVersion",
    "asNumber",
    "asOrg",
    "authenticationContext",
    "authenticationProvider",
    "authenticationStep",
    "authenticatorContext",
    "authnRequestId",
    "changeDetails",
    "clientAuthType",
    "credentialProvider",
    "credentialType",
    "debugContext",
    "debugData",
    "detailEntry",
    "deviceFingerprint",
    "deviceSessionId",
    "displayMessage",
    "displayName",
    "dtHash",
    "eventType",
    "externalSessionId",
    "factorIntent",
    "geographicalContext",
    "grantType",
    "grantedScopes",
    "initiationType",
    "ipAddress",
    "ipChain",
    "ipDetails",
    "ipServiceCategories",
    "isProxy",
    "legacyEventType",
    "logOnlySecurityData",
    "loginResult",
    "oktaUserAgentExtended",
    "originalPrincipal",
    "postalCode",
    "previousLevel",
    "privilegeGranted",
    "privilegeRevoked",
    "promptingPolicyTypes",
    "proxyType",
    "pushOnlyResponseType",
    "pushWithNumberChallengeResponseType",
    "rawUserAgent",
    "redirectUri",
    "requestApiTokenId",
    "requestId",
    "requestUri",
    "requestedScopes",
    "rootSessionId",
    "securityContext",
    "signOnMode",
    "threatDetections",
    "threatSuspected",
    "traceId",
    "userAgent",
    "userBehaviors",
];

/// Okta's event, as JSON.
pub(super) fn rewrite(row: &str) -> Option<String> {
    let row: Map<String, Value> = serde_json::from_str(row).ok()?;
    let members = row.into_iter().filter(|(key, _)| !key.starts_with("p_"));
    Some(Value::Object(members.map(respell_member).collect()).to_string())
}

fn respell(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().map(respell_member).collect()),
        Value::Array(elements) => Value::Array(elements.into_iter().map(respell).collect()),
        other => other,
    }
}

fn respell_member((key, value): (String, Value)) -> (String, Value) {
    let has_capitals = key.bytes().any(|byte| byte.is_ascii_uppercase());
    let known = KEYS.iter().find(|known| !has_capitals && known.eq_ignore_ascii_case(&key));
    (known.map_or(key, |known| (*known).to_owned()), respell(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lower_cased_keys_are_respelled_and_panther_s_own_are_dropped() {
        let row = json!({
            "p_log_type": "Okta.SystemLog", "eventtype": "user.session.start", "actor": {"alternateid": "a"},
            "debugcontext": {"debugdata": {"requesturi": "/x", "mapkept": 1}}, "displayMessage": "kept",
        });
        let event: Value = serde_json::from_str(&rewrite(&row.to_string()).unwrap()).unwrap();
        let expected = json!({
            "eventType": "user.session.start", "actor": {"alternateId": "a"},
            "debugContext": {"debugData": {"requestUri": "/x", "mapkept": 1}}, "displayMessage": "kept",
        });
        assert_eq!(event, expected);
    }
}
