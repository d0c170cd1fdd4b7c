//! Who really acts, by the event alone?
//!
//! [`ROWS`] are asked from the top, and the first that holds decides. What a principal is by its habit, or
//! became by what it did before, no single event tells: the module `actor` knows that, and asks here first.

use super::asked::Asked;
use super::listed::matches;
use super::who;
use crate::config;
use crate::model::{FieldId, Principal, PrincipalClass, PrincipalReason, core};

/// The login of Okta's own principal.
pub(super) const SYSTEM_LOGIN: &str = "system@okta.com";

/// Start of the id of Okta's own principal.
const SYSTEM_ID: &str = "spr";

/// Starts of the ids of OAuth clients: the tenant's, and Okta's own.
const CLIENT_IDS: &[&str] = &["0oa", "okta."];

/// Start of the ids of registered devices.
const DEVICE_ID: &str = "guo";

/// What only Okta's support does. Who grants, extends and revokes its access is the tenant's own.
const SUPPORT: &[&str] = &[
    "user.session.impersonation.initiate",
    "support.org.view",
    "support.org.update",
    "user.account.access_support_user_app",
    "user.account.access_super_user_app",
];

/// Starts of the types of events that change what a user proves himself with.
const CREDENTIALS: &[&str] = &[
    "user.account.reset_password",
    "user.account.update_password",
    "user.account.expire_password",
    "user.mfa.factor.",
    "system.mfa.factor.deactivate",
];

/// Starts of the types of events by which a client gets a code, then tokens.
const TOKENS: &[&str] = &[
    "app.oauth2.authorize.code",
    "app.oauth2.token.grant",
    "app.oauth2.as.authorize.code",
    "app.oauth2.as.token.grant",
];

/// One row of the table.
struct Row {
    class: PrincipalClass,
    reason: PrincipalReason,
    holds: fn(&Asked<'_>) -> bool,
}

const fn row(class: PrincipalClass, reason: PrincipalReason, holds: fn(&Asked<'_>) -> bool) -> Row {
    Row { class, reason, holds }
}

/// The table. `[principals]` of the configuration is asked before it, of whom Okta knows.
const ROWS: &[Row] = &[
    row(PrincipalClass::OktaSupport, PrincipalReason::SupportEvent, |asked| asked.is_support_event()),
    row(PrincipalClass::OktaSupport, PrincipalReason::SupportSignature, |asked| asked.is_support_signature()),
    row(PrincipalClass::OktaSystem, PrincipalReason::SystemPrincipal, |asked| asked.is_system()),
    row(PrincipalClass::AiAgent, PrincipalReason::AgentType, |asked| asked.is_agent()),
    row(PrincipalClass::ApiToken, PrincipalReason::ApiToken, |asked| asked.has_api_token()),
    row(PrincipalClass::TokenGranter, PrincipalReason::OauthClient, |asked| asked.is_client()),
    row(PrincipalClass::Device, PrincipalReason::DeviceActor, |asked| asked.is_device()),
    row(PrincipalClass::TokenGranter, PrincipalReason::TokenPattern, |asked| {
        asked.kind.is_empty() && !who::is_user(asked.fields) && asked.is_token_routine()
    }),
    row(PrincipalClass::Human, PrincipalReason::User, |asked| !asked.id.is_empty() && asked.is_user()),
    row(PrincipalClass::Unknown, PrincipalReason::Stranger, |asked| asked.is_typed()),
    row(PrincipalClass::Unknown, PrincipalReason::OtherType, |asked| !asked.kind.is_empty()),
];

/// Who the configuration says acts.
#[derive(Debug, Default)]
pub(super) struct Listed(Vec<(String, PrincipalClass)>);

impl Listed {
    /// Reads `[principals]`.
    pub fn new(principals: &config::Principals) -> Self {
        let of = |names: &[String], class| {
            let lower = |name: &String| (name.to_lowercase(), class);
            names.iter().map(lower).collect::<Vec<_>>()
        };
        let lists = [
            of(&principals.support, PrincipalClass::OktaSupport),
            of(&principals.service_accounts, PrincipalClass::ServiceAccount),
            of(&principals.directory_agents, PrincipalClass::ServiceAccount),
            of(&principals.token_granters, PrincipalClass::TokenGranter),
            of(&principals.ai_agents, PrincipalClass::AiAgent),
        ];
        Self(lists.concat())
    }

    fn find(&self, asked: &Asked<'_>) -> Option<PrincipalClass> {
        if self.0.is_empty() || asked.id.is_empty() {
            return None;
        }
        let (id, login) = (asked.id.to_lowercase(), asked.login.to_lowercase());
        let holds = |pattern: &str| matches(pattern, &id) || matches(pattern, &login);
        self.0.iter().find(|(pattern, _)| holds(pattern)).map(|(_, class)| *class)
    }
}

/// Who acts, as far as the event alone tells.
pub(super) fn decide(asked: &Asked<'_>, listed: &Listed) -> Principal {
    if let Some(class) = listed.find(asked) {
        return Principal { class, reason: PrincipalReason::Configured };
    }
    let found = ROWS.iter().find(|row| (row.holds)(asked));
    found.map(|row| Principal { class: row.class, reason: row.reason }).unwrap_or_default()
}

impl Asked<'_> {
    /// Whether the event type starts with one of these.
    pub fn starts(&self, starts: &[&str]) -> bool {
        starts.iter().any(|start| self.event_type.starts_with(start))
    }

    /// What only Okta's support does.
    pub fn is_support_event(&self) -> bool {
        SUPPORT.contains(&self.event_type)
    }

    /// What a reset by Okta's support looks like in the log of the tenant: Okta changes credentials, and
    /// there is no client and no transaction. An administrator's reset has all of them, and
    /// maintenance changes no credentials.
    pub fn is_support_signature(&self) -> bool {
        const NOWHERE: &[FieldId] = &[core::TRANSACTION_ID, core::CLIENT_IP, core::CLIENT_USER_AGENT];
        self.is_system() && self.starts(CREDENTIALS) && !NOWHERE.iter().any(|id| self.fields.exists(*id))
    }

    /// By the actor's type; by login or id where a collector dropped it.
    pub fn is_system(&self) -> bool {
        self.kind == "SystemPrincipal"
            || self.login.eq_ignore_ascii_case(SYSTEM_LOGIN)
            || (self.kind.is_empty() && self.id.starts_with(SYSTEM_ID))
    }

    fn is_agent(&self) -> bool {
        self.kind.eq_ignore_ascii_case("AI Agent") || self.kind.eq_ignore_ascii_case("AIAgent")
    }

    fn is_client(&self) -> bool {
        let by_id = || self.kind.is_empty() && CLIENT_IDS.iter().any(|start| self.id.starts_with(start));
        self.kind == "PublicClientApp" || by_id()
    }

    fn is_device(&self) -> bool {
        let by_id = || self.kind.is_empty() && self.id.starts_with(DEVICE_ID);
        matches!(self.kind, "Device" | "UDDevice") || by_id()
    }

    fn is_user(&self) -> bool {
        who::is_user(self.fields)
    }

    fn is_typed(&self) -> bool {
        self.id.is_empty() && !self.login.is_empty()
    }

    /// A code or a token is given, and nobody that takes part has a login: neither who acts nor what is
    /// acted on.
    pub fn is_token_routine(&self) -> bool {
        let nameless = self.login.is_empty() || self.login == self.id;
        nameless && self.starts(TOKENS) && !self.fields.exists(core::TARGET_ALTERNATE_ID)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::event;
    use crate::model::Value;

    const ID: FieldId = core::ACTOR_ID;
    const KIND: FieldId = core::ACTOR_TYPE;
    const LOGIN: FieldId = core::ACTOR_ALTERNATE_ID;
    const TYPE: FieldId = core::EVENT_TYPE;

    fn told(values: &[(FieldId, &str)], listed: &Listed) -> (&'static str, &'static str) {
        let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
        let event = event(0, "u", &values);
        let is = decide(&Asked::of(&event.fields), listed);
        (is.class.as_str(), is.reason.as_str())
    }

    fn is(values: &[(FieldId, &str)]) -> (&'static str, &'static str) {
        told(values, &Listed::default())
    }

    #[test]
    fn the_table_names_each_row_once_and_has_every_class_that_needs_no_history() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(index + 1).all(|other| other.reason != row.reason), "{:?}", row.reason);
        }
        let learnt = [PrincipalClass::Admin, PrincipalClass::ServiceAccount];
        for class in PrincipalClass::ALL.iter().filter(|class| !learnt.contains(class)) {
            assert!(ROWS.iter().any(|row| row.class == *class), "{class:?}");
        }
    }

    #[test]
    fn a_user_is_human_and_a_typed_login_is_nobody() {
        assert_eq!(is(&[]), ("human", "user"));
        assert_eq!(is(&[(KIND, "")]), ("human", "user"), "by the id alone");
        assert_eq!(is(&[(ID, "")]), ("unknown", "stranger"));
        assert_eq!(is(&[(ID, ""), (LOGIN, ""), (KIND, "")]), ("unknown", "no_actor"));
        assert_eq!(is(&[(ID, ""), (LOGIN, "")]), ("unknown", "other_type"));
        assert_eq!(is(&[(ID, "203.0.113.1"), (LOGIN, ""), (KIND, "IP address")]), ("unknown", "other_type"));
    }

    #[test]
    fn okta_is_known_by_type_login_or_id() {
        let system = ("okta_system", "system_principal");
        assert_eq!(is(&[(KIND, "SystemPrincipal"), (ID, "spr1"), (LOGIN, "")]), system);
        assert_eq!(is(&[(LOGIN, "System@okta.com")]), system);
        assert_eq!(is(&[(KIND, ""), (ID, "spr1"), (LOGIN, "")]), system);
        let token = (core::API_TOKEN_ID, "00T1");
        assert_eq!(is(&[(KIND, "SystemPrincipal"), token]), system);
    }

    #[test]
    fn support_is_known_by_what_it_does_and_by_what_a_reset_lacks() {
        let system = (KIND, "SystemPrincipal");
        let reset = (TYPE, "user.mfa.factor.reset_all");
        let signature = ("okta_support", "support_signature");
        assert_eq!(is(&[system, (TYPE, "support.org.view")]), ("okta_support", "support_event"));
        assert_eq!(is(&[(TYPE, "user.session.impersonation.initiate")]), ("okta_support", "support_event"));
        assert_eq!(is(&[(TYPE, "user.session.impersonation.grant")]), ("human", "user"));
        assert_eq!(is(&[system, reset]), signature);
        for there in [core::TRANSACTION_ID, core::CLIENT_IP, core::CLIENT_USER_AGENT] {
            assert_eq!(is(&[system, reset, (there, "x")]).0, "okta_system", "{there:?}");
        }
        assert_eq!(is(&[reset]), ("human", "user"));
        assert_eq!(is(&[system, (TYPE, "user.lifecycle.deactivate")]).0, "okta_system");
    }

    #[test]
    fn programs_are_known_by_token_type_or_id() {
        assert_eq!(is(&[(core::API_TOKEN_ID, "00T1")]), ("api_token", "api_token"));
        assert_eq!(is(&[(KIND, "PublicClientApp"), (ID, "0oa1")]), ("token_granter", "oauth_client"));
        assert_eq!(is(&[(KIND, ""), (ID, "0oa1"), (LOGIN, "")]), ("token_granter", "oauth_client"));
        assert_eq!(is(&[(KIND, ""), (ID, "okta.b58d5b75")]), ("token_granter", "oauth_client"));
        assert_eq!(is(&[(KIND, "AI Agent"), (ID, "wlp1")]), ("ai_agent", "agent_type"));
        assert_eq!(is(&[(KIND, "UDDevice"), (ID, "guo1")]), ("device", "device_actor"));
        assert_eq!(is(&[(KIND, ""), (ID, "guo1")]), ("device", "device_actor"));
    }

    #[test]
    fn a_token_for_nobody_by_nobody_with_a_type_is_a_granter_s() {
        let grant = (TYPE, "app.oauth2.as.token.grant.id_token");
        let pattern = ("token_granter", "token_pattern");
        assert_eq!(is(&[(KIND, ""), (ID, "x1"), (LOGIN, ""), grant]), pattern);
        assert_eq!(is(&[(KIND, ""), (ID, "x1"), (LOGIN, "x1"), grant]), pattern);
        assert_eq!(is(&[(KIND, ""), (ID, "x1"), (LOGIN, "ana@example.com"), grant]).0, "unknown");
        assert_eq!(
            is(&[(KIND, ""), (ID, "x1"), (LOGIN, ""), grant, (core::TARGET_ALTERNATE_ID, "ben@example.com")])
                .0,
            "unknown"
        );
        assert_eq!(is(&[(LOGIN, ""), grant]), ("human", "user"), "a user's own, until it is a routine");
    }

    #[test]
    fn the_configuration_knows_better_but_not_who_a_stranger_is() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let listed = Listed::new(&config::Principals {
            service_accounts: names(&["SVC-*@example.com", "00usvc"]),
            directory_agents: names(&["ad-agent@example.com"]),
            support: names(&["*@vendor.example"]),
            token_granters: names(&["00ugranter"]),
            ai_agents: names(&["0oaagent*"]),
        });
        let told = |values: &[(FieldId, &str)]| told(values, &listed);
        let service = ("service_account", "configured");
        assert_eq!(told(&[(LOGIN, "svc-backup@example.com")]), service);
        assert_eq!(told(&[(ID, "00uSvc")]), service);
        assert_eq!(told(&[(LOGIN, "AD-Agent@example.com"), (core::API_TOKEN_ID, "00T1")]), service);
        assert_eq!(told(&[(LOGIN, "eve@vendor.example")]), ("okta_support", "configured"));
        assert_eq!(told(&[(ID, "00ugranter")]), ("token_granter", "configured"));
        let client = (KIND, "PublicClientApp");
        assert_eq!(told(&[client, (ID, "0oaAgent7")]), ("ai_agent", "configured"));
        assert_eq!(told(&[client, (ID, "0oaOther")]), ("token_granter", "oauth_client"));
        assert_eq!(told(&[(LOGIN, "svc-backup@example.com"), (ID, "")]), ("unknown", "stranger"));
        assert_eq!(told(&[(LOGIN, "svc-backup@example.org")]), ("human", "user"));
    }
}
