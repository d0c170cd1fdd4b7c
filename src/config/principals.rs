//! Who acts, where the organisation knows better than the log?

use serde::{Deserialize, Serialize};

/// `[principals]`: logins or ids, in which `*` stands for anything; upper and lower case are the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Principals {
    /// Accounts that programs work under.
    pub service_accounts: Vec<String>,
    /// Accounts of the agents that join a directory to Okta.
    pub directory_agents: Vec<String>,
    /// Accounts of Okta's support, or of another provider's that works in the tenant.
    pub support: Vec<String>,
    /// Principals that only get tokens.
    pub token_granters: Vec<String>,
    /// AI agents that the log does not call so.
    pub ai_agents: Vec<String>,
}

impl Principals {
    /// No pattern stands for everybody.
    pub(super) fn check(&self, need: &mut impl FnMut(bool, &str, String)) {
        for (key, list) in self.lists() {
            for pattern in list {
                let says = pattern.chars().any(|sign| sign != '*' && !sign.is_whitespace());
                need(says, key, format!("`{pattern}` names everybody"));
            }
        }
    }

    /// Every list with its key.
    pub fn lists(&self) -> [(&'static str, &[String]); 5] {
        [
            ("principals.service_accounts", &self.service_accounts),
            ("principals.directory_agents", &self.directory_agents),
            ("principals.support", &self.support),
            ("principals.token_granters", &self.token_granters),
            ("principals.ai_agents", &self.ai_agents),
        ]
    }
}
