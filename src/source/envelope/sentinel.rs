//! How does a row of Microsoft Sentinel become Okta's event again?
//!
//! The first connector (`Okta_CL`) flattens the event into columns with a type suffix; the second
//! (`OktaV2_CL`) renames it column by column. Both leave things out: the event is marked lossy.

use serde_json::{Map, Value, json};

/// Columns of the second connector and where their values belong; the first that is there counts.
const COLUMNS: &[(&str, &str)] = &[
    ("EventOriginalUid", "uuid"),
    ("EventOriginalType", "eventType"),
    ("TimeGenerated", "published"),
    ("LegacyEventType", "legacyEventType"),
    ("EventMessage", "displayMessage"),
    ("OriginalSeverity", "severity"),
    ("EventSeverity", "severity"),
    ("Version", "version"),
    ("ActorUserId", "actor.id"),
    ("OriginalUserType", "actor.type"),
    ("OriginalActorAlternateId", "actor.alternateId"),
    ("ActorUsername", "actor.alternateId"),
    ("ActorDisplayName", "actor.displayName"),
    ("ActorDetailEntry", "actor.detailEntry"),
    ("SrcIpAddr", "client.ipAddress"),
    ("SrcZone", "client.zone"),
    ("SrcDvcId", "client.id"),
    ("OriginalClientDevice", "client.device"),
    ("SrcDeviceType", "client.device"),
    ("HttpUserAgent", "client.userAgent.rawUserAgent"),
    ("SrcDvcOs", "client.userAgent.os"),
    ("ActingAppName", "client.userAgent.browser"),
    ("SrcGeoCity", "client.geographicalContext.city"),
    ("SrcGeoRegion", "client.geographicalContext.state"),
    ("SrcGeoCountry", "client.geographicalContext.country"),
    ("SrcGeoPostalCode", "client.geographicalContext.postalCode"),
    ("SrcGeoLatitude", "client.geographicalContext.geolocation.lat"),
    ("SrcGeoLongitude", "client.geographicalContext.geolocation.lon"),
    ("ActorSessionId", "authenticationContext.externalSessionId"),
    ("LogonMethod", "authenticationContext.credentialType"),
    ("OriginalOutcomeResult", "outcome.result"),
    ("EventOriginalResultDetails", "outcome.reason"),
    ("DebugData", "debugContext.debugData"),
    ("OriginalTarget", "target"),
    ("Request", "request"),
    ("Device", "device"),
];

/// Column prefixes whose remainder is the key.
const PREFIXES: &[(&str, &str)] = &[
    ("SecurityContext", "securityContext"),
    ("AuthenticationContext", "authenticationContext"),
    ("Transaction", "transaction"),
];

/// Okta's event for a row of the second connector, as JSON.
pub(super) fn rewrite_v2(row: &str) -> Option<String> {
    let row: Map<String, Value> = serde_json::from_str(row).ok()?;
    let mut event = json!({});
    for (column, path) in COLUMNS.iter().rev() {
        if let Some(value) = row.get(*column).filter(|value| is_filled(value)) {
            put(&mut event, path.split('.'), parsed(value));
        }
    }
    for (prefix, parent) in PREFIXES {
        for (column, value) in row.iter().filter(|(_, value)| is_filled(value)) {
            if let Some(name) = column.strip_prefix(prefix).filter(|name| !name.is_empty()) {
                put(&mut event, [*parent, &lower_first(name)].into_iter(), parsed(value));
            }
        }
    }
    Some(event.to_string())
}

/// Okta's event for a row of the first connector, as JSON.
pub(super) fn rewrite_v1(row: &str) -> Option<String> {
    let row: Map<String, Value> = serde_json::from_str(row).ok()?;
    let mut event = json!({});
    for (column, value) in row.iter().filter(|(_, value)| is_filled(value)) {
        if let Some(path) = path_of_column(column) {
            put(&mut event, path.iter().map(String::as_str), parsed(value));
        }
    }
    if let (None, Some(time)) = (event.get("published"), row.get("TimeGenerated")) {
        put(&mut event, ["published"].into_iter(), time.clone());
    }
    Some(event.to_string())
}

/// `actor_alternateId_s` is `actor.alternateId`; keys that hold underscores themselves stand below
/// `device`.
fn path_of_column(column: &str) -> Option<Vec<String>> {
    let name = ["_s", "_d", "_b", "_t", "_g"].iter().find_map(|suffix| column.strip_suffix(suffix))?;
    let split = |name: &str| name.split('_').map(str::to_owned).collect();
    Some(match name.strip_prefix("device_") {
        Some(key) => vec!["device".to_owned(), key.to_owned()],
        None => split(name),
    })
}

fn is_filled(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// Columns hold nested values as JSON text, except where Okta's own value is such a text.
fn parsed(value: &Value) -> Value {
    let text = value.as_str().filter(|text| text.starts_with(['{', '[']));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn put<'p>(event: &mut Value, path: impl Iterator<Item = &'p str>, value: Value) {
    let mut place = event;
    for key in path {
        if !place.is_object() {
            *place = json!({});
        }
        let Value::Object(members) = place else { return };
        place = members.entry(key).or_insert(Value::Null);
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renamed_columns_go_back_where_they_belong() {
        let row = json!({
            "TimeGenerated": "2026-08-13T15:58:20.353Z", "EventOriginalType": "user.session.start",
            "EventOriginalUid": "u-1", "SrcIpAddr": "203.0.113.7", "ActorUsername": "other@example.com",
            "OriginalActorAlternateId": "ana@example.com", "SrcGeoLatitude": 38.7, "TransactionId": "t-1",
            "TransactionDetail": "{\"requestApiTokenId\":\"00Tx\"}", "SecurityContextAsNumber": 64500,
            "DebugData": {"requestUri": "/api/v1/authn"}, "OriginalTarget": "[{\"id\":\"00u1\"}]", "SrcZone": "",
        });
        let event: Value = serde_json::from_str(&rewrite_v2(&row.to_string()).unwrap()).unwrap();
        assert_eq!(event.pointer("/actor/alternateId").unwrap(), "ana@example.com");
        assert_eq!(event.pointer("/client/geographicalContext/geolocation/lat").unwrap(), 38.7);
        assert_eq!(event.pointer("/transaction/detail/requestApiTokenId").unwrap(), "00Tx");
        assert_eq!(event.pointer("/securityContext/asNumber").unwrap(), 64500);
        assert_eq!(event.pointer("/debugContext/debugData/requestUri").unwrap(), "/api/v1/authn");
        assert_eq!(event.pointer("/target/0/id").unwrap(), "00u1");
        assert_eq!(event.pointer("/client/zone"), None);
    }

    #[test]
    fn flattened_columns_are_nested_again() {
        let row = json!({
            "TimeGenerated": "2026-08-13T15:59:00Z", "published_t": "2026-08-13T15:58:20.353Z",
            "eventType_s": "user.session.start", "uuid_g": "u-1", "actor_alternateId_s": "ana@example.com",
            "client_geographicalContext_geolocation_lat_d": 38.7, "securityContext_isProxy_b": false,
            "debugContext_debugData_deviceFingerprint_g": "fp", "target_s": "[{\"type\":\"User\"}]",
            "device_os_platform_s": "macOS",
        });
        let event: Value = serde_json::from_str(&rewrite_v1(&row.to_string()).unwrap()).unwrap();
        assert_eq!(event.pointer("/published").unwrap(), "2026-08-13T15:58:20.353Z");
        assert_eq!(event.pointer("/client/geographicalContext/geolocation/lat").unwrap(), 38.7);
        assert_eq!(event.pointer("/securityContext/isProxy").unwrap(), false);
        assert_eq!(event.pointer("/debugContext/debugData/deviceFingerprint").unwrap(), "fp");
        assert_eq!(event.pointer("/target/0/type").unwrap(), "User");
        assert_eq!(event.pointer("/device/os_platform").unwrap(), "macOS");
    }
}
