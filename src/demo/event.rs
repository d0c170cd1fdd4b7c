//! How is one Okta event written?

use serde_json::{Map, Value, json};

use super::company::{COMPANY, Person, Vantage};
use super::random::Random;

/// Software that calls Okta.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agent {
    pub(super) raw: &'static str,
    pub(super) os: &'static str,
    pub(super) browser: &'static str,
    pub(super) device: &'static str,
}

pub(super) const CHROME_MAC: Agent = Agent {
    raw: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    os: "Mac OS 15 (Sequoia)",
    browser: "CHROME",
    device: "Computer",
};
pub(super) const EDGE_WINDOWS: Agent = Agent {
    raw: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    os: "Windows 11",
    browser: "EDGE",
    device: "Computer",
};
pub(super) const VERIFY_PHONE: Agent = Agent {
    raw: "D1EMO2APP3.com.okta.mobile/9.40.0 OktaVerify/9.40.0 iOS/18.6 Apple/iPhone15,2",
    os: "iOS 18 (iPhone)",
    browser: "UNKNOWN",
    device: "Mobile",
};
pub(super) const FIREFOX_LINUX: Agent = Agent {
    raw: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    os: "Linux",
    browser: "FIREFOX",
    device: "Computer",
};
pub(super) const SCRIPT: Agent =
    Agent { raw: "python-requests/2.32.3", os: "Unknown", browser: "UNKNOWN", device: "Unknown" };
pub(super) const APP_BACKEND: Agent =
    Agent { raw: "okta-sdk-java/21.0.0", os: "Unknown", browser: "UNKNOWN", device: "Unknown" };
/// What comes with the password: nothing is known of the caller's software.
pub(super) const KEEP_ALIVE: Agent = Agent {
    raw: "Jamf%20Connect/2030 CFNetwork/1568 Darwin/24.6.0",
    os: "Unknown",
    browser: "UNKNOWN",
    device: "Computer",
};

/// An event that is being written: `with` sets what differs from the ordinary.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) at_ms: i64,
    value: Value,
}

impl Draft {
    /// An event of nobody from nowhere, as the system writes them.
    pub(super) fn new(random: &mut Random, at_ms: i64, event_type: &str, message: &str) -> Self {
        let transaction = random.hex(20);
        let value = json!({
            "uuid": random.uuid(), "published": instant(at_ms), "eventType": event_type, "version": "0",
            "severity": "INFO", "displayMessage": message, "legacyEventType": null,
            "actor": {"id": "sprdemo0000000000001", "type": "SystemPrincipal", "alternateId": "system@okta.com",
                      "displayName": "Okta System", "detailEntry": null},
            "client": {"userAgent": null, "zone": "null", "device": null, "id": null, "ipAddress": null,
                       "geographicalContext": null},
            "device": null,
            "authenticationContext": {"authenticationProvider": null, "credentialProvider": null,
                "credentialType": null, "issuer": null, "interface": null, "authenticationStep": 0,
                "externalSessionId": "unknown", "rootSessionId": null},
            "outcome": {"result": "SUCCESS", "reason": null},
            "securityContext": {"asNumber": null, "asOrg": null, "isp": null, "domain": null, "isProxy": null},
            "request": {"ipChain": []},
            "transaction": {"type": "JOB", "id": transaction, "detail": {}},
            "target": null,
            "debugContext": {"debugData": {}},
        });
        Self { at_ms, value }
    }

    /// Done by a person.
    pub(super) fn by(self, person: &Person) -> Self {
        self.with(
            "actor",
            json!({"id": person.id, "type": "User", "alternateId": person.login,
            "displayName": person.name, "detailEntry": null}),
        )
    }

    /// Done over the web from an address with some software.
    pub(super) fn from(self, vantage: &Vantage, agent: Agent, uri: &str) -> Self {
        let place = &vantage.place;
        let geo = json!({"city": place.city, "state": place.region, "country": place.country_name,
            "postalCode": null, "geolocation": {"lat": place.lat, "lon": place.lon}});
        let (ip, version) = (vantage.ip.to_string(), if vantage.ip.is_ipv6() { "V6" } else { "V4" });
        let request = self.value.pointer("/transaction/id").cloned().unwrap_or_default();
        self.with("client.userAgent", json!({"rawUserAgent": agent.raw, "os": agent.os, "browser": agent.browser}))
            .with("client.device", agent.device)
            .with("client.ipAddress", ip.as_str())
            .with("client.geographicalContext", geo.clone())
            .with("securityContext", json!({"asNumber": vantage.asn, "asOrg": vantage.org.to_lowercase(),
                "isp": vantage.org.to_lowercase(), "domain": ".", "isProxy": vantage.proxy}))
            .with("request.ipChain", json!([{"ip": ip, "version": version, "source": null, "geographicalContext": geo}]))
            .with("transaction.type", "WEB")
            .with("debugContext.debugData.requestId", request)
            .with("debugContext.debugData.requestUri", uri)
            .with("debugContext.debugData.url", format!("{uri}?"))
            .with("debugContext.debugData.threatSuspected", "false")
            .with("debugContext.debugData.risk", "{level=LOW}")
            .with("debugContext.debugData.behaviors",
                "{New Geo-Location=NEGATIVE, New Device=NEGATIVE, New IP=NEGATIVE, New State=NEGATIVE, New Country=NEGATIVE, Velocity=NEGATIVE, New City=NEGATIVE}")
            .with("debugContext.debugData.logOnlySecurityData",
                "{\"risk\":{\"level\":\"LOW\"},\"behaviors\":{\"New Geo-Location\":\"NEGATIVE\",\"New Device\":\"NEGATIVE\"}}")
    }

    /// Within a session of a device.
    pub(super) fn session(self, session: &str, device_token: &str) -> Self {
        self.with("authenticationContext.externalSessionId", session)
            .with("authenticationContext.rootSessionId", session)
            .with("debugContext.debugData.dtHash", device_token)
    }

    /// With a result and its reason.
    pub(super) fn outcome(self, result: &str, reason: Option<&str>) -> Self {
        let severity = if result == "FAILURE" || result == "DENY" { "WARN" } else { "INFO" };
        self.with("outcome", json!({"result": result, "reason": reason})).with("severity", severity)
    }

    /// One more target.
    pub(super) fn target(mut self, kind: &str, id: &str, alternate_id: &str, name: &str) -> Self {
        let target = json!({"id": id, "type": kind, "alternateId": alternate_id, "displayName": name, "detailEntry": null});
        match self.value.get_mut("target").and_then(Value::as_array_mut) {
            Some(targets) => targets.push(target),
            None => return self.with("target", json!([target])),
        }
        self
    }

    /// A person as target.
    pub(super) fn upon(self, person: &Person) -> Self {
        self.target("User", &person.id, &person.login, &person.name)
    }

    /// Sets the value at a dotted path.
    pub(super) fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        let mut place = &mut self.value;
        for key in path.split('.') {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Some(map) = place.as_object_mut() else { return self };
            place = map.entry(key).or_insert(Value::Null);
        }
        *place = value.into();
        self
    }

    /// The event as Okta sends it.
    pub(super) fn json(&self) -> &Value {
        &self.value
    }
}

/// Host name of the tenant.
pub(super) fn host() -> String {
    format!("{COMPANY}.okta.com")
}

/// RFC 3339 with milliseconds, as Okta writes it.
pub(super) fn instant(at_ms: i64) -> String {
    crate::text::instant(at_ms)
}
