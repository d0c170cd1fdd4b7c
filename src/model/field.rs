//! Which fields does an event have, and which of them does this run read?
//!
//! The table starts with the core set, which enrichment, sessions and evidence always need; the
//! rules' own fields are added when they are loaded. A [`FieldId`] is an index into the table, so
//! nothing is looked up by path once the rules are compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A field's place in the [`FieldTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

impl FieldId {
    /// The field at a place of the table.
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its place in the table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a field's values are; strings that spell a value of the kind are met too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Free text or an identifier.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An instant, as Okta writes it: RFC 3339 with milliseconds.
    Time,
    /// An IPv4 or IPv6 address.
    Ip,
}

impl FieldKind {
    /// The word `oktawatch fields` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Ip => "ip",
        }
    }
}

/// Path of the field that holds every value of an event, for rules that search it as a whole. No path
/// of Okta's looks so.
pub const KEYWORDS: &str = "*";

/// One field a rule may use.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Okta's JSON path, or a path under `enriched.`.
    pub path: &'static str,
    /// What its values are.
    pub kind: FieldKind,
    /// Whether it crosses an array, so that an event may have several values.
    pub many: bool,
    /// A value as it occurs.
    pub example: &'static str,
    /// What it says, in one line.
    pub about: &'static str,
}

/// Objects whose keys Okta does not fix: any key under them is a field.
pub const OPEN_MAPS: &[&str] = &[
    "debugContext.debugData",
    "target.detailEntry",
    "target.changeDetails.from",
    "target.changeDetails.to",
    "actor.detailEntry",
    "transaction.detail",
    "device.device_integrator",
    "enriched.target",
];

macro_rules! core_fields {
    ($($name:ident $path:literal $kind:ident $many:literal $example:literal $about:literal;)*) => {
        /// The core set, by name.
        pub mod core {
            use super::{FieldDef, FieldId, FieldKind};
            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only gives each name its number")]
            #[repr(u16)]
            enum Place { $($name,)* }
            $(#[doc = concat!("`", $path, "`: ", $about)] pub const $name: FieldId = FieldId::new(Place::$name as u16);)*
            /// Every core field, in the order of its id.
            pub const ALL: &[FieldDef] = &[$(FieldDef {
                path: $path, kind: FieldKind::$kind, many: $many, example: $example, about: $about,
            },)*];
        }
    };
}

core_fields! {
    EVENT_TYPE "eventType" Text false "user.session.start" "what happened";
    LEGACY_EVENT_TYPE "legacyEventType" Text false "core.user_auth.login_success" "the event type's name before 2018";
    UUID "uuid" Text false "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a" "the event's id; the same on every delivery";
    PUBLISHED "published" Time false "2026-08-13T15:58:20.353Z" "when it happened";
    SEVERITY "severity" Text false "INFO" "DEBUG, INFO, WARN or ERROR";
    DISPLAY_MESSAGE "displayMessage" Text false "User login to Okta" "the event as the console shows it";
    ACTOR_ID "actor.id" Text false "00u1a2b3c4D5e6F7g8h9" "stable id of who acted";
    ACTOR_TYPE "actor.type" Text false "User" "User, SystemPrincipal, PublicClientApp, …";
    ACTOR_ALTERNATE_ID "actor.alternateId" Text false "ana@example.com" "login of who acted; for a failed sign-in, what was typed";
    ACTOR_DISPLAY_NAME "actor.displayName" Text false "Ana Example" "name of who acted";
    CLIENT_IP "client.ipAddress" Ip false "203.0.113.7" "source address, as Okta saw it";
    CLIENT_USER_AGENT "client.userAgent.rawUserAgent" Text false "Mozilla/5.0 (Macintosh; …)" "client software";
    CLIENT_OS "client.userAgent.os" Text false "Mac OS 14 (Sonoma)" "operating system, as Okta parsed it";
    CLIENT_BROWSER "client.userAgent.browser" Text false "CHROME" "browser, as Okta parsed it";
    CLIENT_DEVICE "client.device" Text false "Computer" "Computer, Mobile, Unknown, …";
    CLIENT_ZONE "client.zone" Text false "OfficeZone" "network zone that decided the policy";
    CLIENT_ID "client.id" Text false "0oa1b2c3d4E5f6G7h8i9" "OAuth client, when a token made the request";
    CLIENT_CITY "client.geographicalContext.city" Text false "Lisbon" "Okta's own GeoIP";
    CLIENT_STATE "client.geographicalContext.state" Text false "Lisbon" "Okta's own GeoIP";
    CLIENT_COUNTRY "client.geographicalContext.country" Text false "Portugal" "Okta's own GeoIP, English name";
    CLIENT_LAT "client.geographicalContext.geolocation.lat" Number false "38.7" "Okta's own GeoIP";
    CLIENT_LON "client.geographicalContext.geolocation.lon" Number false "-9.1" "Okta's own GeoIP";
    OUTCOME_RESULT "outcome.result" Text false "SUCCESS" "SUCCESS, FAILURE, ALLOW, DENY, CHALLENGE, …";
    OUTCOME_REASON "outcome.reason" Text false "INVALID_CREDENTIALS" "why";
    SESSION_ID "authenticationContext.externalSessionId" Text false "idxAbC1d2E3f4G5h6I7j8" "the Okta session";
    ROOT_SESSION_ID "authenticationContext.rootSessionId" Text false "idxAbC1d2E3f4G5h6I7j8" "the session others were derived from";
    CREDENTIAL_TYPE "authenticationContext.credentialType" Text false "PASSWORD" "what was presented";
    TRANSACTION_ID "transaction.id" Text false "ZrvBvMnPq1R2sT3u" "the request; shared by the events it caused";
    TRANSACTION_TYPE "transaction.type" Text false "WEB" "WEB or JOB";
    API_TOKEN_ID "transaction.detail.requestApiTokenId" Text false "00T1a2b3c4D5e6F7g8h9" "API token that made the request";
    AS_NUMBER "securityContext.asNumber" Integer false "3320" "autonomous system, as Okta says";
    AS_ORG "securityContext.asOrg" Text false "deutsche telekom ag" "its organisation, as Okta says";
    ISP "securityContext.isp" Text false "deutsche telekom ag" "its provider, as Okta says";
    IS_PROXY "securityContext.isProxy" Boolean false "false" "whether Okta takes the address for a proxy";
    CONTEXT_RISK_LEVEL "securityContext.risk.level" Text false "LOW" "risk as structured data (2025 and later)";
    CONTEXT_RISK_REASONS "securityContext.risk.reasons" Text true "Anomalous Device" "why";
    CONTEXT_BEHAVIOR_NAMES "securityContext.userBehaviors.name" Text true "New Device" "behaviours as structured data (2025 and later)";
    CONTEXT_BEHAVIOR_RESULTS "securityContext.userBehaviors.result" Text true "POSITIVE" "POSITIVE, NEGATIVE, UNKNOWN or BAD_REQUEST";
    CONTEXT_IP_SERVICES "securityContext.ipDetails.ipServiceCategories.type" Text true "VPN" "kinds of anonymiser the address belongs to";
    CONTEXT_IP_ANONYMOUS "securityContext.ipDetails.ipServiceCategories.isAnonymous" Boolean true "true" "whether they hide who uses them";
    IP_CHAIN "request.ipChain.ip" Ip true "203.0.113.7" "the client, then the proxies between";
    TARGET_ID "target.id" Text true "00u1a2b3c4D5e6F7g8h9" "ids of what was acted on";
    TARGET_TYPE "target.type" Text true "User" "types of what was acted on; their positions mean nothing";
    TARGET_ALTERNATE_ID "target.alternateId" Text true "ben@example.com" "logins or names of what was acted on";
    TARGET_DISPLAY_NAME "target.displayName" Text true "Ben Example" "names of what was acted on";
    REQUEST_URI "debugContext.debugData.requestUri" Text false "/api/v1/authn" "path that was called";
    INITIATION_TYPE "debugContext.debugData.initiationType" Text false "SP_INITIATED" "who began a single sign-on: SP_INITIATED, IDP_INITIATED, NA";
    SIGN_ON_MODE "debugContext.debugData.signOnMode" Text false "OpenID Connect" "how an application signs its users on";
    DT_HASH "debugContext.debugData.dtHash" Text false "53dd1a7513e0256eb13b9a47bb07ed61e8ca3d35fbdc36c909567a21a65a2b19" "hash of the device token cookie";
    DEVICE_FINGERPRINT "debugContext.debugData.deviceFingerprint" Text false "541daf91d15bef64a7e08c946fd9a9d0" "browser fingerprint";
    THREAT_SUSPECTED "debugContext.debugData.threatSuspected" Boolean false "false" "ThreatInsight's view of the request";
    FACTOR "debugContext.debugData.factor" Text false "OKTA_VERIFY_PUSH" "factor that was used";
    BEHAVIORS "debugContext.debugData.behaviors" Text false "{New Device=POSITIVE, New IP=NEGATIVE}" "behaviours as Okta writes them; see enriched.behaviors.positive";
    RISK "debugContext.debugData.risk" Text false "{level=LOW}" "risk as Okta writes it; see enriched.risk.level";
    LOG_ONLY_SECURITY_DATA "debugContext.debugData.logOnlySecurityData" Text false "{\"risk\":{\"level\":\"LOW\"}}" "risk and behaviours as JSON; see enriched.risk.level";
    TUNNELS "debugContext.debugData.tunnels" Text false "[{\"operator\":\"NORD_VPN\",\"type\":\"VPN\",\"anonymous\":true}]" "anonymisers as JSON; see enriched.ip.anonymous";
    GRANT_TYPE "debugContext.debugData.grantType" Text false "client_credentials" "how an OAuth client gets its token";
    CLIENT_AUTH_TYPE "debugContext.debugData.clientAuthType" Text false "private_key_jwt" "how it proves who it is; none: it cannot, as it runs on users' devices";
    GRANTED_SCOPES "debugContext.debugData.grantedScopes" Text false "openid, profile" "what the token is good for";
    REQUESTED_SCOPES "debugContext.debugData.requestedScopes" Text false "openid, profile" "what was asked for";
    TRACE_ID "debugContext.debugData.traceId" Text false "c5a59a7f-9b50-4d33-9e1e-8b6cc4ade87c" "work of Okta's that one thing set off";
    DEVICE_ID "device.id" Text false "guo1a2b3c4D5e6F7g8h9" "registered device";
    DEVICE_NAME "device.name" Text false "ana-laptop" "its name";
    NETWORK_CONNECTION "debugContext.debugData.networkConnection" Text false "ZONE" "where an API token may be used from: ANYWHERE or ZONE";
    INCLUDED_ZONES "debugContext.debugData.includedNetworkZones" Text false "[nzo1a2b3c4D5e6F7g8h9]" "the zones, if it is ZONE";

    ENRICHED_ORG "enriched.org" Text false "acme" "the Okta tenant";
    ENRICHED_GEO_COUNTRY "enriched.geo.country" Text false "PT" "ISO 3166-1 alpha-2 of the client address";
    ENRICHED_GEO_COUNTRY_NAME "enriched.geo.country_name" Text false "Portugal" "its English name";
    ENRICHED_GEO_REGION "enriched.geo.region" Text false "Lisbon" "first-level subdivision";
    ENRICHED_GEO_CITY "enriched.geo.city" Text false "Lisbon" "city";
    ENRICHED_GEO_LAT "enriched.geo.lat" Number false "38.72" "latitude in degrees";
    ENRICHED_GEO_LON "enriched.geo.lon" Number false "-9.13" "longitude in degrees";
    ENRICHED_GEO_ACCURACY_KM "enriched.geo.accuracy_km" Number false "20" "radius around the point";
    ENRICHED_GEO_SOURCE "enriched.geo.source" Text false "database" "site, database or okta";
    ENRICHED_ASN_NUMBER "enriched.asn.number" Integer false "64500" "autonomous system of the client address";
    ENRICHED_ASN_ORG "enriched.asn.org" Text false "Example Fibre" "its organisation";
    ENRICHED_IP_PRIVATE "enriched.ip.private" Boolean false "false" "not routable on the public Internet";
    ENRICHED_IP_SITE "enriched.ip.site" Text false "lisbon-office" "configured site that holds the address";
    ENRICHED_IP_ANONYMOUS "enriched.ip.anonymous" Boolean false "false" "an anonymiser: VPN service, Tor, proxy";
    ENRICHED_IP_HOSTING "enriched.ip.hosting" Boolean false "false" "a hosting provider's address";
    ENRICHED_IP_PROXY "enriched.ip.proxy" Boolean false "false" "a proxy";
    ENRICHED_IP_MOBILE "enriched.ip.mobile" Boolean false "false" "a mobile carrier's network, by the name of its autonomous system";
    ENRICHED_IP_RELAY "enriched.ip.relay" Boolean false "false" "a private relay: iCloud, Cloudflare, Akamai, Fastly";
    ENRICHED_IP_ADDRESS "enriched.ip.address" Ip false "203.0.113.7" "the address that all this is about: the client's, or the one behind the organisation's gateway";
    ENRICHED_IP_ROLE "enriched.ip.role" Text false "user_agent" "whose address it is: user_agent, relying_party_backchannel, okta_internal, mobile_authenticator, api_client, proxy_chain, none";
    ENRICHED_IP_ROLE_REASON "enriched.ip.role_reason" Text false "browser" "what decided on the role";
    ENRICHED_USER_ID "enriched.user.id" Text false "00u1a2b3c4D5e6F7g8h9" "the user the event is about: the actor";
    ENRICHED_USER_LOGIN "enriched.user.login" Text false "ana@example.com" "the user's login, lower case";
    ENRICHED_USER_KNOWN_DAYS "enriched.user.known_days" Integer false "12" "whole days since the user was first seen";
    ENRICHED_USER_EVENTS "enriched.user.events" Integer false "340" "events of the user so far, with this one";
    ENRICHED_USER_DORMANT_DAYS "enriched.user.dormant_days" Integer false "0" "whole days (UTC) without an act of the user before the day of the event";
    ENRICHED_USER_NEW_COUNTRY "enriched.user.new_country" Boolean false "false" "first event of the user from this country";
    ENRICHED_USER_NEW_REGION "enriched.user.new_region" Boolean false "false" "first event of the user from this region";
    ENRICHED_USER_NEW_ASN "enriched.user.new_asn" Boolean false "false" "first event of the user from this autonomous system";
    ENRICHED_PRINCIPAL_CLASS "enriched.principal.class" Text false "human" "who really acts: human, admin, service_account, token_granter, api_token, okta_system, okta_support, device, ai_agent, unknown";
    ENRICHED_PRINCIPAL_REASON "enriched.principal.reason" Text false "user" "what decided on the class";
    ENRICHED_PRINCIPAL_INTERACTIVE "enriched.principal.interactive" Boolean false "true" "whether a person does it: successfully, in a browser, with no API token";
    ENRICHED_PRINCIPAL_KNOWN_DAYS "enriched.principal.known_days" Integer false "40" "of a token granter or an AI agent: whole days since it first got something";
    ENRICHED_PRINCIPAL_NEW_ASN "enriched.principal.new_asn" Boolean false "false" "its servers' first event from this autonomous system";
    ENRICHED_PRINCIPAL_NEW_CLIENT "enriched.principal.new_client" Boolean false "false" "its servers' first event with this software, versions aside";
    ENRICHED_PRINCIPAL_NEW_SCOPE "enriched.principal.new_scope" Boolean false "false" "a scope that it never got before";
    ENRICHED_PRINCIPAL_NEW_GRANT_TYPE "enriched.principal.new_grant_type" Boolean false "false" "a grant type by which it never got a token before";
    ENRICHED_PRINCIPAL_NEW_AUTH_TYPE "enriched.principal.new_auth_type" Boolean false "false" "a way to prove who it is that it never used before";
    ENRICHED_SYSTEM_CLASS "enriched.system.class" Text false "import" "what Okta's own work is: maintenance, import, reaction, support_action, federation";
    ENRICHED_SYSTEM_REASON "enriched.system.reason" Text false "import_event" "what decided on the class";
    ENRICHED_SYSTEM_CAUSE_UUID "enriched.system.cause_uuid" Text false "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a" "the user's event that it answers, if that came before";
    ENRICHED_SYSTEM_CAUSE_EVENT_TYPE "enriched.system.cause_event_type" Text false "user.risk.detect" "what that was";
    ENRICHED_SYSTEM_CAUSE_LINK "enriched.system.cause_link" Text false "transaction" "what the two have in common besides the user: transaction, trace, session, time";
    ENRICHED_USER_NEW_DEVICE "enriched.user.new_device" Boolean false "false" "first event of the user with this device: neither its registration nor the browser's token is known";
    ENRICHED_USER_NEW_OS "enriched.user.new_os" Boolean false "false" "first event of the user with this operating system";
    ENRICHED_USER_NEW_BROWSER "enriched.user.new_browser" Boolean false "false" "first event of the user with this browser";
    ENRICHED_USER_NEW_APP "enriched.user.new_app" Boolean false "false" "first time the user opens this application";
    ENRICHED_USER_NEW_FACTOR "enriched.user.new_factor" Boolean false "false" "first time the user passes this factor";
    ENRICHED_USER_COUNTRY_AGE_S "enriched.user.country_age_s" Integer false "864000" "seconds since this country was new to the user; absent for the first of all";
    ENRICHED_USER_ASN_AGE_S "enriched.user.asn_age_s" Integer false "864000" "seconds since this autonomous system was new to the user; absent for the first of all";
    ENRICHED_USER_DEVICE_AGE_S "enriched.user.device_age_s" Integer false "864000" "seconds since this device was new to the user; absent for the first of all";
    ENRICHED_USER_UNUSUAL_HOUR "enriched.user.unusual_hour" Boolean false "false" "an hour (UTC) at which the user hardly ever does something";
    ENRICHED_KEEPALIVE_IS "enriched.keepalive.is" Boolean false "false" "a keep-alive: a machine of the user sent it by itself";
    ENRICHED_KEEPALIVE_REASON "enriched.keepalive.reason" Text false "rhythm" "what says so: user_agent, rhythm";
    ENRICHED_KEEPALIVE_PERIOD_S "enriched.keepalive.period_s" Integer false "900" "its period, once that is known";
    ENRICHED_KEEPALIVE_CLUSTERS "enriched.keepalive.clusters" Integer false "96" "clusters of the machine so far, with this one";
    ENRICHED_KEEPALIVE_EMITTER "enriched.keepalive.emitter" Text false "3f9a1c07" "which of the user's machines: a digest of its device or user agent";
    ENRICHED_KEEPALIVE_MACHINES "enriched.keepalive.machines" Integer false "1" "machines of the user that send keep-alives at the same time";
    ENRICHED_HOME_IP "enriched.home.ip" Ip false "203.0.113.7" "where the user's machine sends its keep-alives from";
    ENRICHED_HOME_ASN "enriched.home.asn" Integer false "64500" "autonomous system of that address";
    ENRICHED_HOME_COUNTRY "enriched.home.country" Text false "PT" "its country";
    ENRICHED_HOME_CITY "enriched.home.city" Text false "Lisbon" "its city";
    ENRICHED_HOME_SINCE "enriched.home.since" Time false "2026-08-03T08:15:00.000Z" "since when keep-alives come from that network";
    ENRICHED_HOME_AGO_S "enriched.home.ago_s" Integer false "420" "seconds since the latest keep-alive there";
    ENRICHED_HOME_CONFIDENCE "enriched.home.confidence" Text false "high" "high: they go on and have for long; medium: they go on; low: the last one is longer ago than the period";
    ENRICHED_HOME_HERE "enriched.home.here" Boolean false "true" "by the user's own agent from that network";
    ENRICHED_HOME_ELSEWHERE "enriched.home.elsewhere" Boolean false "false" "by the user's own agent from another network or country, while keep-alives go on at home";
    ENRICHED_HOME_KM "enriched.home.km" Number false "1502" "distance of the event from home";
    ENRICHED_SESSION_ID "enriched.session.id" Text false "idxAbC1d2E3f4G5h6I7j8" "the Okta session, if the event has a real one";
    ENRICHED_SESSION_AGE_S "enriched.session.age_s" Integer false "600" "seconds since its first event";
    ENRICHED_SESSION_EVENTS "enriched.session.events" Integer false "14" "its events so far, with this one";
    ENRICHED_SESSION_IP_CHANGED "enriched.session.ip_changed" Boolean false "false" "address differs from the event before in the session";
    ENRICHED_SESSION_ASN_CHANGED "enriched.session.asn_changed" Boolean false "false" "autonomous system differs from the event before";
    ENRICHED_SESSION_COUNTRY_CHANGED "enriched.session.country_changed" Boolean false "false" "country differs from the event before";
    ENRICHED_SESSION_OS_CHANGED "enriched.session.os_changed" Boolean false "false" "operating system differs from the event before";
    ENRICHED_SESSION_UA_CHANGED "enriched.session.ua_changed" Boolean false "false" "user agent differs from the event before";
    ENRICHED_SESSION_BROWSER_CHANGED "enriched.session.browser_changed" Boolean false "false" "Okta's name of the browser differs from the event before";
    ENRICHED_SESSION_COOKIE_CHANGED "enriched.session.cookie_changed" Boolean false "false" "device token cookie (dtHash) differs from the event before";
    ENRICHED_SESSION_FINGERPRINT_CHANGED "enriched.session.fingerprint_changed" Boolean false "false" "device fingerprint differs from the event before";
    ENRICHED_SESSION_DEVICE_CHANGED "enriched.session.device_changed" Boolean false "false" "registered device differs from the event before";
    ENRICHED_SESSION_CLIENT_CHANGED "enriched.session.client_changed" Boolean false "false" "another program, platform or an earlier version than at the event before; no update of the same browser";
    ENRICHED_SESSION_UA_SIMILARITY "enriched.session.ua_similarity" Number false "0.9" "how alike the user agent is to that of the event before, 0 to 1; 0.9: the same program in a later version";
    ENRICHED_SESSION_CONCURRENT "enriched.session.concurrent" Integer false "1" "sessions of the user active in the last hour";
    ENRICHED_SESSION_ADMIN "enriched.session.admin" Boolean false "false" "whether the session has entered the Admin Console";
    ENRICHED_SESSION_MFA "enriched.session.mfa" Boolean false "true" "whether the session has passed a second factor";
    ENRICHED_SESSION_FACTORS "enriched.session.factors" Text true "push" "factors it has passed: webauthn, fastpass, smart_card, push, otp, sms, call, email, password, question, other";
    ENRICHED_SESSION_FACTOR_STRENGTH "enriched.session.factor_strength" Text false "possession" "the strongest of them: none, knowledge, possession, phishing_resistant";
    ENRICHED_SESSION_APPS "enriched.session.apps" Integer false "3" "applications it has opened so far";
    ENRICHED_SESSION_ENDED_BY "enriched.session.ended_by" Text false "clear" "what ended it before this event: end, expire, clear, suspend, reset, password";
    ENRICHED_SESSION_SINCE_END_S "enriched.session.since_end_s" Integer false "120" "seconds since then";
    ENRICHED_ADMIN_SECONDS "enriched.admin.seconds" Integer false "900" "seconds since the session entered the Admin Console";
    ENRICHED_ADMIN_WRITE "enriched.admin.write" Boolean false "false" "the event changes the tenant, or somebody else's account";
    ENRICHED_ADMIN_READ "enriched.admin.read" Boolean false "false" "the event shows or takes out what few may see: a secret, a report, a page of the console";
    ENRICHED_ADMIN_WRITES "enriched.admin.writes" Integer false "4" "changes by the session so far, with this event";
    ENRICHED_ADMIN_READS "enriched.admin.reads" Integer false "1" "what the session was seen to read so far; most that is read is not logged";
    ENRICHED_ADMIN_SILENT_S "enriched.admin.silent_s" Integer false "1800" "seconds since the session's event before, in which the console was open and nothing was logged";
    ENRICHED_ADMIN_WITHOUT_ENTRY "enriched.admin.without_entry" Boolean false "false" "the event is of the Admin Console, and the session, seen from its beginning, never entered it";
    ENRICHED_TOKEN_ID "enriched.token.id" Text false "00T1a2b3c4D5e6F7g8h9" "the API token that made the request, else that the event is about";
    ENRICHED_TOKEN_KNOWN "enriched.token.known" Boolean false "true" "its making was seen";
    ENRICHED_TOKEN_CREATED_BY "enriched.token.created_by" Text false "ana@example.com" "login of who made it: its owner";
    ENRICHED_TOKEN_CREATED "enriched.token.created" Time false "2026-08-13T15:58:20.353Z" "when it was made";
    ENRICHED_TOKEN_CREATED_IP "enriched.token.created_ip" Ip false "203.0.113.7" "from which address";
    ENRICHED_TOKEN_CREATED_ASN "enriched.token.created_asn" Integer false "64500" "in which autonomous system";
    ENRICHED_TOKEN_CREATED_COUNTRY "enriched.token.created_country" Text false "PT" "in which country";
    ENRICHED_TOKEN_OWNER_ADMIN "enriched.token.owner_admin" Boolean false "true" "its owner was an administrator when it was made, or of one not seen made, is by now: had entered the Admin Console or been given a role";
    ENRICHED_TOKEN_AGE_S "enriched.token.age_s" Integer false "86400" "seconds since it was made";
    ENRICHED_TOKEN_KNOWN_DAYS "enriched.token.known_days" Integer false "12" "whole days since it was first seen";
    ENRICHED_TOKEN_USES "enriched.token.uses" Integer false "340" "requests with it so far, with this one";
    ENRICHED_TOKEN_QUIET_S "enriched.token.quiet_s" Integer false "3600" "seconds since the request before";
    ENRICHED_TOKEN_CLIENT "enriched.token.client" Text false "go-http-client" "program that makes the request, by its user agent";
    ENRICHED_TOKEN_NEW_ASN "enriched.token.new_asn" Boolean false "false" "first request with it from this autonomous system, after others";
    ENRICHED_TOKEN_NEW_IP "enriched.token.new_ip" Boolean false "false" "first request with it from this address, after others";
    ENRICHED_TOKEN_NEW_CLIENT "enriched.token.new_client" Boolean false "false" "first request with it by this program, after others";
    ENRICHED_TOKEN_ELSEWHERE "enriched.token.elsewhere" Boolean false "false" "used from another autonomous system or country than it was made in";
    ENRICHED_TOKEN_OUTSIDE_RANGE "enriched.token.outside_range" Boolean false "false" "used from an address that Okta refused it at, or refused now";
    ENRICHED_TOKEN_NETWORK "enriched.token.network" Text false "ZONE" "where it may be used from, as the log last said: ANYWHERE or ZONE";
    ENRICHED_TOKEN_NETWORK_BEFORE "enriched.token.network_before" Text false "ZONE" "the same before this event changed it";
    ENRICHED_TOKEN_ZONES "enriched.token.zones" Text false "[nzo1a2b3c4D5e6F7g8h9]" "the zones, as the log last said";
    ENRICHED_TOKEN_REVOKED "enriched.token.revoked" Boolean false "false" "its owner revoked it before this event";
    ENRICHED_TRAVEL_KM "enriched.travel.km" Number false "1502.3" "distance from the user's place before, less both accuracy radii";
    ENRICHED_TRAVEL_KMH "enriched.travel.kmh" Number false "3004.6" "the speed that needs";
    ENRICHED_TRAVEL_SECONDS "enriched.travel.seconds" Integer false "1800" "time between the two";
    ENRICHED_TRAVEL_FROM_COUNTRY "enriched.travel.from_country" Text false "DE" "country of the place before";
    ENRICHED_TRAVEL_FROM_CITY "enriched.travel.from_city" Text false "Berlin" "city of the place before";
    ENRICHED_TRAVEL_FROM_UUID "enriched.travel.from_uuid" Text false "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a" "the event at the place before";
    ENRICHED_TRAVEL_FROM_IP "enriched.travel.from_ip" Ip false "198.51.100.7" "address of the place before";
    ENRICHED_TRAVEL_FROM_MOBILE "enriched.travel.from_mobile" Boolean false "false" "whether that is in a mobile carrier's network";
    ENRICHED_TRAVEL_KNOWN "enriched.travel.known" Boolean false "false" "the user has gone between the two places on several days before";
    ENRICHED_RISK_LEVEL "enriched.risk.level" Text false "HIGH" "risk, decoded from whichever of its three encodings is there";
    ENRICHED_RISK_REASONS "enriched.risk.reasons" Text true "Anomalous Device" "why";
    ENRICHED_BEHAVIORS_POSITIVE "enriched.behaviors.positive" Text true "New Device" "behaviours that were POSITIVE";
}

/// Every field of this run: the core set, then what the rules read besides.
#[derive(Clone, Debug)]
pub struct FieldTable {
    paths: Vec<Arc<str>>,
    ids: BTreeMap<Arc<str>, FieldId>,
    read_by_rules: Vec<bool>,
}

impl Default for FieldTable {
    fn default() -> Self {
        let paths: Vec<Arc<str>> = core::ALL.iter().map(|def| Arc::from(def.path)).collect();
        let ids = (0..).map(FieldId::new);
        let ids = paths.iter().cloned().zip(ids).collect();
        Self { read_by_rules: vec![false; paths.len()], paths, ids }
    }
}

impl FieldTable {
    /// Adds a field that a rule reads, and says where it stands. `None`: the table is full.
    pub fn read(&mut self, path: &str) -> Option<FieldId> {
        let id = match self.ids.get(path) {
            Some(id) => *id,
            None => self.add(path)?,
        };
        if let Some(flag) = self.read_by_rules.get_mut(id.index()) {
            *flag = true;
        }
        Some(id)
    }

    /// Where a field stands, if it is in the table.
    pub fn id(&self, path: &str) -> Option<FieldId> {
        self.ids.get(path).copied()
    }

    /// Where every value of an event is kept, if any rule searches events as a whole.
    pub fn keywords(&self) -> Option<FieldId> {
        self.id(KEYWORDS).filter(|id| self.is_read(*id))
    }

    /// A field's path.
    pub fn path(&self, id: FieldId) -> &str {
        self.paths.get(id.index()).map_or("", |path| path)
    }

    /// The same, to be kept.
    pub fn shared_path(&self, id: FieldId) -> Arc<str> {
        self.paths.get(id.index()).cloned().unwrap_or_default()
    }

    /// Whether any rule reads the field: computed fields that none reads need not be filled.
    pub fn is_read(&self, id: FieldId) -> bool {
        self.read_by_rules.get(id.index()).copied().unwrap_or_default()
    }

    /// Whether events have to be asked for the field: it is of the core set, or a rule reads it.
    pub fn is_wanted(&self, id: FieldId) -> bool {
        id.index() < core::ALL.len() || self.is_read(id)
    }

    /// The same fields at the same places, as if no rule read them yet: what other rules are compiled
    /// onto, so that events that are held keep their meaning.
    #[must_use]
    pub fn unread(&self) -> Self {
        Self { read_by_rules: vec![false; self.paths.len()], ..self.clone() }
    }

    /// Whether every field of another table stands at the same place here.
    pub fn extends(&self, other: &Self) -> bool {
        self.paths.starts_with(&other.paths)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether the table is empty; it never is.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Every field that has a place in the event, with its path, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &str)> {
        let all = (0..).map(FieldId::new).zip(self.paths.iter().map(|path| &**path));
        all.filter(|(_, path)| *path != KEYWORDS)
    }

    fn add(&mut self, path: &str) -> Option<FieldId> {
        if self.paths.len() >= crate::limits::FIELDS {
            return None;
        }
        let id = FieldId::new(u16::try_from(self.paths.len()).ok()?);
        let path: Arc<str> = Arc::from(path);
        self.paths.push(Arc::clone(&path));
        self.read_by_rules.push(false);
        self.ids.insert(path, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_where_its_path_stands() {
        let table = FieldTable::default();
        assert_eq!(table.path(core::EVENT_TYPE), "eventType");
        assert_eq!(table.path(core::ENRICHED_BEHAVIORS_POSITIVE), "enriched.behaviors.positive");
        assert_eq!(table.id("target.type"), Some(core::TARGET_TYPE));
        assert_eq!(table.len(), core::ALL.len());
    }

    #[test]
    fn a_rule_s_field_is_added_once() {
        let mut table = FieldTable::default();
        let first = table.read("debugContext.debugData.authorizationServer");
        assert_eq!(first, table.read("debugContext.debugData.authorizationServer"));
        assert_eq!(table.len(), core::ALL.len() + 1);
        assert!(table.is_read(first.unwrap()));
        assert!(!table.is_read(core::UUID));
    }

    #[test]
    fn what_is_searched_as_a_whole_has_no_place_of_its_own() {
        let mut table = FieldTable::default();
        assert_eq!(table.keywords(), None);
        let keywords = table.read(KEYWORDS);
        assert_eq!((table.keywords(), table.len()), (keywords, core::ALL.len() + 1));
        assert!(table.iter().all(|(_, path)| path != KEYWORDS));
        assert_eq!(table.iter().count(), core::ALL.len());
    }

    #[test]
    fn what_is_compiled_onto_a_table_keeps_its_places_and_wants_only_what_it_reads() {
        let mut first = FieldTable::default();
        let grant = first.read("debugContext.debugData.authorizationServer").unwrap();
        let mut second = first.unread();
        let scope = second.read("debugContext.debugData.deniedScopes").unwrap();
        assert!(second.extends(&first) && !first.extends(&second));
        assert_eq!(second.path(grant), "debugContext.debugData.authorizationServer");
        assert_eq!((second.is_wanted(grant), second.is_wanted(scope)), (false, true));
        assert!(second.is_wanted(core::UUID));
        first.read(KEYWORDS);
        assert_eq!((first.keywords().is_some(), first.unread().keywords()), (true, None));
        let mut afresh = FieldTable::default();
        afresh.read("debugContext.debugData.deniedScopes");
        assert!(!afresh.extends(&first));
    }
}
