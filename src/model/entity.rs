//! What is known of the API tokens and of the visits to the Admin Console that events are made with?

use std::net::IpAddr;

use compact_str::CompactString;

use super::words;

/// `enriched.token.*`: the API token that made the request, or that the event is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenFacts {
    /// The token's id.
    pub id: CompactString,
    /// Who made it, when and where, if that was seen.
    pub created: Option<TokenOrigin>,
    /// Seconds since it was made, if that was seen.
    pub age_s: Option<i64>,
    /// Whole days since the token was first seen: made, changed or used.
    pub known_days: i64,
    /// Requests with it so far, with this one.
    pub uses: u64,
    /// Seconds since the request before.
    pub quiet_s: Option<i64>,
    /// The program that uses it at this event, by its user agent.
    pub client: CompactString,
    /// First request from this autonomous system, after others.
    pub new_asn: bool,
    /// First request from this address, after others.
    pub new_ip: bool,
    /// First request by this program, after others.
    pub new_client: bool,
    /// Used from another autonomous system or country than it was made in.
    pub elsewhere: bool,
    /// Used, or tried, from an address that Okta refused it at.
    pub outside_range: bool,
    /// Networks it may be used from, as the log last said: `ANYWHERE` or `ZONE`; empty: not said.
    pub network: CompactString,
    /// The same before this event, where the event changes it.
    pub network_before: CompactString,
    /// The zones, as the log last said.
    pub zones: CompactString,
    /// It was revoked before this event, and not enabled since.
    pub revoked: bool,
    /// Its owner was an administrator when it was made; of one that was not seen made, is one by now.
    pub owner_admin: bool,
}

/// The making of a token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenOrigin {
    /// The login of who made it, lower case: its owner.
    pub by: CompactString,
    /// When, ms since the epoch.
    pub at_ms: i64,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// In which autonomous system.
    pub asn: Option<u32>,
    /// In which country.
    pub country: Option<CompactString>,
    /// The owner had entered the Admin Console before, or been given a role.
    pub owner_admin: bool,
}

/// `enriched.admin.*`: what a session does as an administrator's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdminFacts {
    /// Seconds since the session entered the Admin Console.
    pub seconds: Option<i64>,
    /// The event changes the tenant.
    pub write: bool,
    /// The event shows or takes out what only administrators see.
    pub read: bool,
    /// Changes of the tenant by the session so far, with this event.
    pub writes: u64,
    /// What it was seen to read so far, with this event.
    pub reads: u64,
    /// Seconds since the session's event before: the console was open, and nothing was logged.
    pub silent_s: Option<i64>,
    /// The event is of the console, and the session, seen from its beginning, never entered it.
    pub without_entry: bool,
}

words! {
    /// What ended a session.
    Ending {
        /// The user signed out.
        #[default]
        End = "end",
        /// Okta ended it.
        Expire = "expire",
        /// All of the user's sessions were cleared.
        Clear = "clear",
        /// The account was suspended or deactivated.
        Suspend = "suspend",
        /// The password was reset by somebody else.
        Reset = "reset",
        /// The user changed the password.
        Password = "password",
    }
}
