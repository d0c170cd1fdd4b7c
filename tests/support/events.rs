//! What does Okta write into its System Log?

use serde_json::{Value, json};
use uuid::Uuid;

use super::random::Random;

const PLACES: &[(&str, &str, f64, f64, u32, &str)] = &[
    ("Lyon", "France", 45.75, 4.85, 3215, "orange"),
    ("Porto", "Portugal", 41.15, -8.61, 2860, "nos comunicacoes"),
    ("Austin", "United States", 30.27, -97.74, 7018, "at&t enterprises"),
    ("Osaka", "Japan", 34.69, 135.5, 2516, "kddi corporation"),
];
const BROWSERS: &[(&str, &str, &str)] = &[
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Mac OS 10.15.7 (Catalina)",
        "CHROME",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
        "Windows 10",
        "FIREFOX",
    ),
];

/// Makes events of one tenant, each with an uuid of its own, the same at every run.
pub struct Okta {
    random: Random,
    tenant: String,
    made: u64,
}

/// What an event is about, before Okta's many other fields are put around it.
pub struct Happening<'a> {
    /// `user.session.start`
    pub kind: &'a str,
    /// Login of who acted.
    pub actor: &'a str,
    /// Client address.
    pub ip: &'a str,
    /// `published`, ms since the epoch.
    pub at_ms: i64,
    /// `SUCCESS`, `FAILURE`, …
    pub result: &'a str,
}

impl Okta {
    /// The log of a tenant.
    pub fn new(tenant: &str, seed: u64) -> Self {
        Self { random: Random::new(seed), tenant: tenant.to_owned(), made: 0 }
    }

    /// An event with all the fields that the System Log API gives.
    pub fn event(&mut self, what: &Happening<'_>) -> Value {
        self.made += 1;
        let place = *self.random.pick(PLACES);
        let browser = *self.random.pick(BROWSERS);
        let geo = json!({
            "city": place.0, "state": null, "country": place.1, "postalCode": "10001",
            "geolocation": {"lat": place.2, "lon": place.3}
        });
        let request = format!("{:016x}", self.random.bits());
        let session = if what.result == "SUCCESS" { format!("idx{request}") } else { "unknown".to_owned() };
        json!({
            "actor": {
                "id": id("00u", what.actor), "type": "User", "alternateId": what.actor,
                "displayName": display_name(what.actor), "detailEntry": null
            },
            "client": {
                "userAgent": {"rawUserAgent": browser.0, "os": browser.1, "browser": browser.2},
                "zone": "null", "device": "Computer", "id": null, "ipAddress": what.ip,
                "geographicalContext": geo
            },
            "device": null,
            "authenticationContext": {
                "authenticationProvider": null, "credentialProvider": null, "credentialType": null,
                "issuer": null, "interface": null, "authenticationStep": 0,
                "rootSessionId": session, "externalSessionId": session
            },
            "displayMessage": what.kind,
            "eventType": what.kind,
            "outcome": {
                "result": what.result,
                "reason": if what.result == "FAILURE" { json!("INVALID_CREDENTIALS") } else { Value::Null }
            },
            "published": timestamp(what.at_ms),
            "securityContext": {
                "asNumber": place.4, "asOrg": place.5, "isp": place.5, "domain": ".", "isProxy": false
            },
            "severity": if what.result == "FAILURE" { "WARN" } else { "INFO" },
            "debugContext": {"debugData": {
                "requestId": request, "dtHash": format!("{:064x}", self.random.bits()),
                "requestUri": "/idp/idx/identify", "url": "/idp/idx/identify?",
                "behaviors": "{New Geo-Location=NEGATIVE, New Device=NEGATIVE, New IP=POSITIVE}",
                "risk": "{level=LOW}", "threatSuspected": "false"
            }},
            "legacyEventType": null,
            "transaction": {"type": "WEB", "id": request, "detail": {}},
            "uuid": self.uuid(),
            "version": "0",
            "request": {"ipChain": [
                {"ip": what.ip, "geographicalContext": geo, "version": "V4", "source": null}
            ]},
            "target": null
        })
    }

    fn uuid(&self) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{}/{}", self.tenant, self.made).as_bytes()).to_string()
    }
}

/// As the wire has it: `2026-03-01T09:00:00.000Z`
pub fn timestamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Okta's identifiers: a prefix that tells the kind, 20 characters in all.
pub fn id(prefix: &str, of: &str) -> String {
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, of.as_bytes()).simple().to_string();
    format!("{prefix}{digest:.17}")
}

fn display_name(login: &str) -> String {
    let name = login.split('@').next().unwrap_or(login);
    name.split('.').map(capitalised).collect::<Vec<_>>().join(" ")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
