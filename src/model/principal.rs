//! Who really acts, and what says so?

use compact_str::CompactString;

use super::words;

words! {
    /// `enriched.principal.class`: who really acts.
    PrincipalClass {
        /// Nobody that could be told.
        #[default]
        Unknown = "unknown",
        /// A person.
        Human = "human",
        /// A person that has entered the Admin Console, or holds an administrator's role.
        Admin = "admin",
        /// An account that a program works under, or a directory's agent.
        ServiceAccount = "service_account",
        /// An OAuth client: it has a secret and no user, and does nothing but get tokens.
        TokenGranter = "token_granter",
        /// A program with an API token, whose owner is only named.
        ApiToken = "api_token",
        /// Okta itself.
        OktaSystem = "okta_system",
        /// Okta's support.
        OktaSupport = "okta_support",
        /// A registered device.
        Device = "device",
        /// An AI agent.
        AiAgent = "ai_agent",
    }
}

words! {
    /// `enriched.principal.reason`: the row that decided on the class.
    PrincipalReason {
        /// Nobody is named.
        #[default]
        NoActor = "no_actor",
        /// A login that somebody typed, and that Okta does not know.
        Stranger = "stranger",
        /// `[principals]` of the configuration.
        Configured = "configured",
        /// What only Okta's support does.
        SupportEvent = "support_event",
        /// Okta changes credentials with no client and no transaction.
        SupportSignature = "support_signature",
        /// Okta's own principal.
        SystemPrincipal = "system_principal",
        /// The actor's type says that it is an AI agent.
        AgentType = "agent_type",
        /// An API token made the request.
        ApiToken = "api_token",
        /// The actor's type or id is a device's.
        DeviceActor = "device_actor",
        /// The actor's type or id is an OAuth client's.
        OauthClient = "oauth_client",
        /// A token is granted to somebody of no type, upon nobody that has a login.
        TokenPattern = "token_pattern",
        /// For a while the actor has done nothing but get tokens, from several addresses.
        TokenRoutine = "token_routine",
        /// The actor's type is none of the others.
        OtherType = "other_type",
        /// For a while only programs have used the account.
        NeverInteractive = "never_interactive",
        /// The user has entered the Admin Console.
        EnteredConsole = "entered_console",
        /// The user was granted an administrator's role.
        HoldsRole = "holds_role",
        /// A user of whom nothing else is known.
        User = "user",
    }
}

words! {
    /// `enriched.system.class`: what Okta's own work is.
    SystemClass {
        /// What nobody asked for and nobody caused.
        #[default]
        Maintenance = "maintenance",
        /// Accounts and groups come in from another directory, or are written to one.
        Import = "import",
        /// Something that a user or a risk caused.
        Reaction = "reaction",
        /// Okta's support acts.
        SupportAction = "support_action",
        /// Another identity provider vouches for somebody.
        Federation = "federation",
    }
}

words! {
    /// `enriched.system.reason`: the row that decided on the class.
    SystemReason {
        /// Nothing asked for it that the event shows.
        #[default]
        NoCause = "no_cause",
        /// A job of Okta's.
        Job = "job",
        /// What only Okta's support does.
        SupportEvent = "support_event",
        /// Credentials are changed with no client and no transaction.
        SupportSignature = "support_signature",
        /// A sign-in by another identity provider.
        IdentityProvider = "identity_provider",
        /// The event types of imports and provisioning.
        ImportEvent = "import_event",
        /// A job changes accounts and memberships.
        ImportJob = "import_job",
        /// Okta's protection of sessions and identities acts upon a risk.
        Protection = "protection",
        /// An account is locked, or no longer.
        Lockout = "lockout",
        /// A user's authenticator answers.
        Authenticator = "authenticator",
        /// A message goes to a user.
        Message = "message",
        /// It belongs to a request.
        SameRequest = "same_request",
        /// It belongs to a session.
        SameSession = "same_session",
        /// It belongs to a chain of work that has a trace.
        SameTrace = "same_trace",
    }
}

/// Who acts, and why it is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub class: PrincipalClass,
    /// What says so.
    pub reason: PrincipalReason,
}

/// `enriched.principal.*` and `enriched.system.*`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrincipalFacts {
    /// Who.
    pub is: Principal,
    /// A person does it: successfully, in a browser, and with no API token.
    pub interactive: bool,
    /// How it stands to the habit of a principal that has one of its own: of a token granter or an AI
    /// agent.
    pub habit: Option<HabitFacts>,
    /// What Okta's own work is.
    pub system: Option<SystemFacts>,
}

/// What is new in an event of a principal that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HabitFacts {
    /// Whole days since the principal was first seen.
    pub known_days: i64,
    /// It comes from an autonomous system for the first time.
    pub new_asn: bool,
    /// It uses software for the first time.
    pub new_client: bool,
    /// It asks for a scope, or is granted one, for the first time.
    pub new_scope: bool,
    /// It uses a grant type for the first time.
    pub new_grant_type: bool,
    /// It proves who it is in this way for the first time.
    pub new_auth_type: bool,
}

/// What Okta's own work is, and what caused it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemFacts {
    /// What it is.
    pub class: SystemClass,
    /// What says so.
    pub reason: SystemReason,
    /// The user's event that it answers.
    pub cause: Option<Box<Cause>>,
}

words! {
    /// `enriched.system.cause_link`: what an event has in common with its cause, besides the user.
    CauseLink {
        /// The request.
        #[default]
        Transaction = "transaction",
        /// The trace of a chain of work.
        Trace = "trace",
        /// The session.
        Session = "session",
        /// A few minutes.
        Time = "time",
    }
}

/// An event that led to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// Its id.
    pub uuid: CompactString,
    /// What happened.
    pub event_type: CompactString,
    /// What shows that.
    pub link: CauseLink,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_use_the_same_words_as_rules() {
        fn same<T: serde::Serialize>(word: T, text: &str) {
            assert_eq!(serde_json::to_string(&word).unwrap().trim_matches('"'), text);
        }
        PrincipalClass::ALL.iter().for_each(|word| same(word, word.as_str()));
        PrincipalReason::ALL.iter().for_each(|word| same(word, word.as_str()));
        SystemClass::ALL.iter().for_each(|word| same(word, word.as_str()));
        CauseLink::ALL.iter().for_each(|word| same(word, word.as_str()));
        SystemReason::ALL.iter().for_each(|word| same(word, word.as_str()));
    }
}
