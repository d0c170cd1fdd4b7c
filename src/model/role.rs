//! Whose address is it that an event came from, and what says so?

use super::words;

words! {
    /// `enriched.ip.role`: whose the client address of an event is.
    IpRole {
        /// Nobody's that could be told: there is no address.
        #[default]
        None = "none",
        /// Of whoever uses the account: a browser or another program in the user's hands.
        UserAgent = "user_agent",
        /// Of an application's server that speaks for the user.
        RelyingPartyBackchannel = "relying_party_backchannel",
        /// Of Okta itself.
        OktaInternal = "okta_internal",
        /// Of the phone, or the program, that answers for a sign-in which goes on elsewhere.
        MobileAuthenticator = "mobile_authenticator",
        /// Of a program that calls the API under a token.
        ApiClient = "api_client",
        /// Of the organisation's own gateway, behind which the user is.
        ProxyChain = "proxy_chain",
    }
}

words! {
    /// `enriched.ip.role_reason`: the row that decided on the role.
    RoleReason {
        /// There is no address.
        #[default]
        NoAddress = "no_address",
        /// `geoip.roles` of the configuration.
        Configured = "configured",
        /// A job of Okta's, not a request.
        Job = "job",
        /// The user agent of Okta's own servers.
        OktaRelay = "okta_relay",
        /// Okta acts, and there is no user agent.
        OktaSystem = "okta_system",
        /// An API token made the request.
        ApiToken = "api_token",
        /// An endpoint that applications' servers call.
        TokenEndpoint = "token_endpoint",
        /// OpenID Connect with no initiator and no path: what the token endpoint leaves.
        OidcExchange = "oidc_exchange",
        /// A mail server signs in for its user by WS-Federation's active profile.
        ActiveFederation = "active_federation",
        /// A RADIUS agent asks for its user.
        Radius = "radius",
        /// An authenticator's own endpoint.
        AuthenticatorEndpoint = "authenticator_endpoint",
        /// The user agent of Okta's authenticator.
        AuthenticatorAgent = "authenticator_agent",
        /// An OAuth client of somebody's acts, or its access token, and no browser.
        OauthClient = "oauth_client",
        /// A script's user agent calls the API outside of any session.
        Script = "script",
        /// The chain of proxies shows who is behind the organisation's gateway.
        ClientBehindGateway = "client_behind_gateway",
        /// The organisation's gateway, and nothing shows who is behind it.
        Gateway = "gateway",
        /// A browser.
        Browser = "browser",
        /// None of the others.
        OtherAgent = "other_agent",
    }
}

/// Whose an address is, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Whose.
    pub of: IpRole,
    /// What says so.
    pub reason: RoleReason,
}

impl Role {
    /// Whether the place the event is seen at is the user's own: where the program in the user's hands
    /// is, or who is behind the gateway.
    pub fn is_users_own(self) -> bool {
        self.of == IpRole::UserAgent || self.reason == RoleReason::ClientBehindGateway
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_uses_the_same_words_as_rules() {
        for role in IpRole::ALL {
            let text = serde_json::to_string(role).unwrap();
            assert_eq!(text.trim_matches('"'), role.as_str());
        }
        for reason in RoleReason::ALL {
            let text = serde_json::to_string(reason).unwrap();
            assert_eq!(text.trim_matches('"'), reason.as_str());
        }
    }

    #[test]
    fn a_gateway_alone_is_nobody_s_own_place() {
        let role = |of, reason| Role { of, reason }.is_users_own();
        assert!(role(IpRole::UserAgent, RoleReason::Browser));
        assert!(role(IpRole::UserAgent, RoleReason::Configured));
        assert!(role(IpRole::ProxyChain, RoleReason::ClientBehindGateway));
        assert!(!role(IpRole::ProxyChain, RoleReason::Gateway));
        assert!(!role(IpRole::MobileAuthenticator, RoleReason::AuthenticatorAgent));
        assert!(!Role::default().is_users_own());
    }
}
