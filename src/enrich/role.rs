//! Whose is the address that an event came from?
//!
//! Okta's log names a user and an address, but the address is often another's: a relying party's server
//! fetches tokens, Okta calls on itself, a telephone answers a push while the browser waits elsewhere, a
//! script uses an API token, everybody is behind one gateway. [`ROWS`] are asked from the top, and the
//! first that holds decides; its name is `enriched.ip.role_reason`.
//!
//! Only the log can tell, and a client says much of it itself. So whatever a browser's thief could say of
//! himself to be taken for another must not be enough: a user agent alone makes no script of a session,
//! and no authenticator of who opens an application; a chain of proxies is believed only as far as the
//! organisation's own gateways wrote it.

use std::net::IpAddr;

use super::asked::Asked;
use super::geo::GeoIp;
use super::{gateway, session, who};
use crate::model::{Fields, IpRole, Role, RoleReason, core};

/// What user agents of Okta's own authenticators and their software kits contain.
const AUTHENTICATOR: &[&str] = &["OktaVerify", "Okta Verify", "com.okta.", "OktaDeviceSDK"];

/// The user agent of Okta's own servers when they relay.
const OKTA_RELAY: &str = "Okta-Integrations";

/// Start of the ids of Okta's own OAuth clients: dashboard and Admin Console, which run in a browser.
const OKTA_CLIENT: &str = "okta.";

/// Actors that are programs.
const PROGRAMS: &[&str] = &["PublicClientApp", "AI Agent"];

/// How user agents of scripts and software kits begin, lower case.
const SCRIPTS: &[&str] = &[
    "go-http-client",
    "python-",
    "curl/",
    "wget/",
    "apache-httpclient",
    "java/",
    "okhttp",
    "axios/",
    "node",
    "okta-sdk-",
    "oktasdk",
    "terraform",
    "rust-",
    "libwww-perl",
    "ruby",
    "postmanruntime",
];

/// Ends of paths under `/oauth2/` that an application's server calls.
const SERVER_ENDPOINTS: &[&str] =
    &["/v1/token", "/v1/introspect", "/v1/revoke", "/v1/par", "/v1/bc/authorize"];

/// What opens something for whoever holds the session.
const OPENINGS: &[&str] = &["user.authentication.sso", "user.session.access_admin_app"];

/// One row of the table.
struct Row {
    role: IpRole,
    reason: RoleReason,
    holds: fn(&Asked<'_>) -> bool,
}

const fn row(role: IpRole, reason: RoleReason, holds: fn(&Asked<'_>) -> bool) -> Row {
    Row { role, reason, holds }
}

/// The table. `geoip.roles` are asked before it, gateways and then what is left after it.
const ROWS: &[Row] = &[
    row(IpRole::OktaInternal, RoleReason::Job, |asked| asked.is_job()),
    row(IpRole::OktaInternal, RoleReason::OktaRelay, |asked| asked.is_okta_relay()),
    row(IpRole::OktaInternal, RoleReason::OktaSystem, |asked| asked.is_okta_system()),
    row(IpRole::ApiClient, RoleReason::ApiToken, |asked| asked.has_api_token()),
    row(IpRole::RelyingPartyBackchannel, RoleReason::TokenEndpoint, |asked| asked.is_server_endpoint()),
    row(IpRole::RelyingPartyBackchannel, RoleReason::OidcExchange, |asked| asked.is_oidc_exchange()),
    row(IpRole::RelyingPartyBackchannel, RoleReason::ActiveFederation, |asked| asked.is_active_federation()),
    row(IpRole::RelyingPartyBackchannel, RoleReason::Radius, |asked| asked.is_radius()),
    row(IpRole::MobileAuthenticator, RoleReason::AuthenticatorEndpoint, |asked| {
        asked.is_authenticator_endpoint()
    }),
    row(IpRole::MobileAuthenticator, RoleReason::AuthenticatorAgent, |asked| asked.is_authenticator_agent()),
    row(IpRole::ApiClient, RoleReason::OauthClient, |asked| asked.is_oauth_client()),
    row(IpRole::ApiClient, RoleReason::Script, |asked| asked.is_script()),
];

/// The role of an event's address, and the address of the user's own place if that is another: the one
/// behind the gateway. `address` is the client's, if there is one.
pub(super) fn decide(fields: &Fields, address: Option<IpAddr>, geoip: &GeoIp) -> (Role, Option<IpAddr>) {
    let Some(address) = address else { return (Role::default(), None) };
    let asked = Asked::of(fields);
    let configured = geoip.roles().find(address, asked.agent, asked.text(core::CLIENT_ZONE));
    match configured {
        Some(IpRole::ProxyChain) => return by_gateway(fields, address, geoip),
        Some(of) => return (Role { of, reason: RoleReason::Configured }, None),
        None => {}
    }
    if let Some(row) = ROWS.iter().find(|row| (row.holds)(&asked)) {
        return (Role { of: row.role, reason: row.reason }, None);
    }
    if geoip.is_gateway(address) {
        return by_gateway(fields, address, geoip);
    }
    let reason = if asked.is_browser() { RoleReason::Browser } else { RoleReason::OtherAgent };
    (Role { of: IpRole::UserAgent, reason }, None)
}

fn by_gateway(fields: &Fields, address: IpAddr, geoip: &GeoIp) -> (Role, Option<IpAddr>) {
    let behind = gateway::behind(fields, address, geoip);
    let reason = behind.map_or(RoleReason::Gateway, |_| RoleReason::ClientBehindGateway);
    (Role { of: IpRole::ProxyChain, reason }, behind)
}

impl Asked<'_> {
    fn is_job(&self) -> bool {
        self.text(core::TRANSACTION_TYPE) == "JOB"
    }

    fn is_okta_relay(&self) -> bool {
        self.agent.starts_with(OKTA_RELAY)
    }

    /// With a user agent, Okta's principal stands for somebody who signs in by another provider.
    fn is_okta_system(&self) -> bool {
        self.agent.is_empty() && self.kind == "SystemPrincipal"
    }

    /// `/oauth2/v1/token` of the org, `/oauth2/<id>/v1/token` of a custom authorization server.
    fn is_server_endpoint(&self) -> bool {
        self.path.starts_with("/oauth2/") && SERVER_ENDPOINTS.iter().any(|end| self.path.ends_with(end))
    }

    /// The same where a collector dropped the path.
    fn is_oidc_exchange(&self) -> bool {
        self.path.is_empty()
            && self.event_type == "user.authentication.sso"
            && self.text(core::INITIATION_TYPE) == "NA"
            && self.text(core::SIGN_ON_MODE) == "OpenID Connect"
    }

    fn is_active_federation(&self) -> bool {
        self.path.starts_with("/app/") && self.path.ends_with("/sso/wsfed/active")
    }

    fn is_radius(&self) -> bool {
        self.event_type == "user.authentication.auth_via_radius"
    }

    /// `/idp/authenticators/<id>/transactions/<id>/verify`, where answers to a push arrive.
    fn is_authenticator_endpoint(&self) -> bool {
        self.path.starts_with("/idp/authenticators/") && !self.opens()
    }

    fn is_authenticator_agent(&self) -> bool {
        AUTHENTICATOR.iter().any(|mark| self.agent.contains(mark)) && !self.opens()
    }

    /// An authenticator opens nothing; whoever says so of himself is no authenticator.
    fn opens(&self) -> bool {
        OPENINGS.contains(&self.event_type)
    }

    /// An OAuth client acts itself, or a user's access token of one that is not Okta's own.
    fn is_oauth_client(&self) -> bool {
        let client = self.text(core::CLIENT_ID);
        let token = !client.is_empty() && !client.starts_with(OKTA_CLIENT) && self.path.starts_with("/api/");
        let acts = PROGRAMS.contains(&self.kind);
        !self.is_browser() && (acts || (token && !self.has_session()))
    }

    /// A sign-in by a script is whoever's who knows the password, and so is a session it has.
    fn is_script(&self) -> bool {
        let begins = |script: &&str| {
            self.agent.get(..script.len()).is_some_and(|start| start.eq_ignore_ascii_case(script))
        };
        who::is_user(self.fields)
            && self.path.starts_with("/api/")
            && !self.path.starts_with("/api/v1/authn")
            && !self.has_session()
            && SCRIPTS.iter().any(begins)
    }

    fn has_session(&self) -> bool {
        session::id(self.fields).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::enrich::testing::{event, fields};
    use crate::model::{FieldId, Value};

    const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/143.0.0.0 Safari/537.36";
    const PHONE: &str = "D7KQ2T9XYZ.com.okta.mobile/9.40.1 OktaVerify/9.40.1 iOS/26.1 Apple/iPhone16,1";
    const FASTPASS: &str =
        "B7F62B65BN.com.okta.mobile/3.13.4 OktaDeviceSDK/0.0.1 macOS/13.3.1 Apple/MacBookPro18,2";
    const KEEP_ALIVE: &str = "Jamf%20Connect/3.2 CFNetwork/1568 Darwin/25.1.0";

    const AGENT: FieldId = core::CLIENT_USER_AGENT;
    const TYPE: FieldId = core::EVENT_TYPE;
    const URI: FieldId = core::REQUEST_URI;

    fn told(values: &[(FieldId, &str)], geoip: &GeoIp) -> (&'static str, &'static str, Option<IpAddr>) {
        let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
        let event = event(0, "u", &values);
        let (role, behind) = decide(&event.fields, Some("192.0.2.1".parse().unwrap()), geoip);
        (role.of.as_str(), role.reason.as_str(), behind)
    }

    /// The role and the row of an event from 192.0.2.1 with these values, where nothing is configured.
    fn role(values: &[(FieldId, &str)]) -> (&'static str, &'static str) {
        let (of, reason, behind) = told(values, &GeoIp::default());
        assert_eq!(behind, None);
        (of, reason)
    }

    #[test]
    fn the_table_names_each_row_once_and_has_every_role_that_is_not_left_over() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(index + 1).all(|other| other.reason != row.reason), "{:?}", row.reason);
        }
        let left = [IpRole::None, IpRole::UserAgent, IpRole::ProxyChain];
        for of in IpRole::ALL.iter().filter(|of| !left.contains(of)) {
            assert!(ROWS.iter().any(|row| row.role == *of), "{of:?}");
        }
    }

    #[test]
    fn without_an_address_it_is_nobody_s() {
        let (role, behind) = decide(&fields(&[]), None, &GeoIp::default());
        assert_eq!((role, behind), (Role::default(), None));
    }

    #[test]
    fn whoever_uses_the_account_is_the_user_agent() {
        let browser = ("user_agent", "browser");
        assert_eq!(role(&[(AGENT, BROWSER)]), browser);
        assert_eq!(role(&[(AGENT, BROWSER), (URI, "/app/example/exk1/sso/saml")]), browser);
        assert_eq!(role(&[(AGENT, BROWSER), (URI, "/oauth2/v1/authorize?prompt=/v1/token")]), browser);
        assert_eq!(
            role(&[(AGENT, BROWSER), (core::OUTCOME_RESULT, "FAILURE"), (core::ACTOR_ID, "")]),
            browser
        );
        let factor = [
            (AGENT, BROWSER),
            (TYPE, "user.authentication.auth_via_mfa"),
            (URI, "/idp/idx/challenge/answer"),
        ];
        assert_eq!(role(&factor), browser);
        assert_eq!(role(&[]), ("user_agent", "other_agent"));
        let keep_alive = [(AGENT, KEEP_ALIVE), (URI, "/api/v1/authn"), (core::SESSION_ID, "trs1")];
        assert_eq!(role(&keep_alive), ("user_agent", "other_agent"));
    }

    #[test]
    fn somebody_of_another_identity_provider_is_a_user_agent_though_okta_acts() {
        let system = (core::ACTOR_TYPE, "SystemPrincipal");
        let by_provider = (TYPE, "user.authentication.auth_via_IDP");
        assert_eq!(role(&[system, by_provider, (AGENT, BROWSER)]), ("user_agent", "browser"));
        assert_eq!(role(&[system, (TYPE, "user.account.reset_password")]), ("okta_internal", "okta_system"));
    }

    #[test]
    fn okta_s_jobs_and_relays_are_its_own() {
        assert_eq!(role(&[(core::TRANSACTION_TYPE, "JOB"), (AGENT, BROWSER)]), ("okta_internal", "job"));
        let relay =
            [(AGENT, "Okta-Integrations"), (TYPE, "user.authentication.sso"), (URI, "/oauth2/v1/token")];
        assert_eq!(role(&relay), ("okta_internal", "okta_relay"));
    }

    #[test]
    fn a_relying_party_s_server_is_known_by_what_it_calls() {
        let of = "relying_party_backchannel";
        let sso = (TYPE, "user.authentication.sso");
        for uri in ["/oauth2/v1/token", "/oauth2/aus1/v1/token?x=1", "/oauth2/v1/introspect"] {
            assert_eq!(
                role(&[sso, (URI, uri), (AGENT, "python-requests/2.32.5")]),
                (of, "token_endpoint"),
                "{uri}"
            );
        }
        let open_id = (core::SIGN_ON_MODE, "OpenID Connect");
        assert_eq!(role(&[sso, open_id, (core::INITIATION_TYPE, "NA")]), (of, "oidc_exchange"));
        let by_browser = [sso, open_id, (core::INITIATION_TYPE, "SP_INITIATED"), (AGENT, BROWSER)];
        assert_eq!(role(&by_browser), ("user_agent", "browser"));
        let na =
            [sso, open_id, (core::INITIATION_TYPE, "NA"), (URI, "/oauth2/v1/authorize"), (AGENT, BROWSER)];
        assert_eq!(role(&na), ("user_agent", "browser"), "a path that is there decides");
        let saml = [sso, (core::SIGN_ON_MODE, "SAML 2.0"), (core::INITIATION_TYPE, "NA")];
        assert_eq!(role(&saml).0, "user_agent");
        let start = [(TYPE, "user.session.start"), open_id, (core::INITIATION_TYPE, "NA")];
        assert_eq!(role(&start).0, "user_agent");
        assert_eq!(role(&[(URI, "/app/office365/exk1/sso/wsfed/active")]), (of, "active_federation"));
        assert_eq!(role(&[(URI, "/app/office365/exk1/sso/wsfed/passive")]).0, "user_agent");
        assert_eq!(role(&[(TYPE, "user.authentication.auth_via_radius")]), (of, "radius"));
    }

    #[test]
    fn an_authenticator_is_known_by_where_it_answers_or_by_its_name() {
        let factor = (TYPE, "user.authentication.auth_via_mfa");
        let answer = (URI, "/idp/authenticators/aut1/transactions/t1/verify");
        assert_eq!(role(&[factor, answer]), ("mobile_authenticator", "authenticator_endpoint"));
        for agent in [PHONE, FASTPASS, "D2DD7D3915.com.okta.android.auth/6.8 Android/16 Google/Pixel_9_Pro"] {
            assert_eq!(
                role(&[factor, (AGENT, agent)]),
                ("mobile_authenticator", "authenticator_agent"),
                "{agent}"
            );
        }
    }

    #[test]
    fn who_opens_something_is_no_authenticator_whatever_it_says() {
        for kind in ["user.authentication.sso", "user.session.access_admin_app"] {
            assert_eq!(role(&[(TYPE, kind), (AGENT, PHONE)]), ("user_agent", "other_agent"), "{kind}");
            let path = [(TYPE, kind), (URI, "/idp/authenticators/x"), (AGENT, BROWSER)];
            assert_eq!(role(&path), ("user_agent", "browser"), "{kind}");
        }
    }

    #[test]
    fn programs_with_tokens_are_api_clients() {
        let users = (URI, "/api/v1/users");
        let go = (AGENT, "Go-http-client/2.0");
        let transient = (core::SESSION_ID, "trs1");
        let token = [(core::API_TOKEN_ID, "00T1"), users, (AGENT, BROWSER)];
        assert_eq!(role(&token), ("api_client", "api_token"));
        let client = (core::CLIENT_ID, "0oa1");
        assert_eq!(role(&[client, users, go, transient]), ("api_client", "oauth_client"));
        let acts = [(core::ACTOR_TYPE, "PublicClientApp"), (core::ACTOR_ID, "0oa1"), go];
        assert_eq!(role(&acts), ("api_client", "oauth_client"));
        assert_eq!(role(&[users, go, transient]), ("api_client", "script"));
        assert_eq!(role(&[users, (AGENT, "python-requests/2.32.5"), transient]), ("api_client", "script"));
    }

    #[test]
    fn what_a_thief_of_a_session_or_a_password_would_look_like_is_no_api_client() {
        let users = (URI, "/api/v1/users");
        let go = (AGENT, "Go-http-client/2.0");
        let client = (core::CLIENT_ID, "0oa1");
        let transient = (core::SESSION_ID, "trs1");
        let other = ("user_agent", "other_agent");
        assert_eq!(role(&[users, go]), other, "a script with a session");
        assert_eq!(role(&[client, users, go]), other, "the same with a client");
        assert_eq!(role(&[(URI, "/api/v1/authn"), go, transient]), other, "a script with a password");
        assert_eq!(role(&[(URI, "/app/x"), go, transient]), other, "not the API");
        assert_eq!(role(&[users, (AGENT, "My go-http-client"), transient]), other, "another name");
        let console = [(core::CLIENT_ID, "okta.b58d5b75"), users, (AGENT, "Electron"), transient];
        assert_eq!(role(&console), other, "Okta's own console");
        assert_eq!(role(&[client, users, (AGENT, BROWSER), transient]), ("user_agent", "browser"));
        let front = [(core::ACTOR_TYPE, "PublicClientApp"), (URI, "/oauth2/v1/authorize"), (AGENT, BROWSER)];
        assert_eq!(role(&front), ("user_agent", "browser"));
    }

    fn configured() -> GeoIp {
        let role = |zone: &str, role| config::RoleRange {
            cidr: None,
            agent: None,
            zone: Some(zone.to_owned()),
            role,
        };
        GeoIp::open(&config::GeoIp {
            roles: vec![
                role("Servers", IpRole::RelyingPartyBackchannel),
                role("Gateways", IpRole::ProxyChain),
            ],
            ..config::GeoIp::default()
        })
        .unwrap()
    }

    #[test]
    fn the_configuration_knows_better() {
        let told = |zone, agent| told(&[(core::CLIENT_ZONE, zone), (AGENT, agent)], &configured());
        assert_eq!(told("Servers", BROWSER), ("relying_party_backchannel", "configured", None));
        assert_eq!(told("Servers", "Okta-Integrations"), ("relying_party_backchannel", "configured", None));
        assert_eq!(told("Gateways", BROWSER), ("proxy_chain", "gateway", None));
        assert_eq!(told("", BROWSER), ("user_agent", "browser", None));
    }
}
