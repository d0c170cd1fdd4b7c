//! What is known of an API token?
//!
//! A token belongs to the user who made it: its making and its use are events of one actor. What somebody
//! else does to it, such as to revoke it, is an event of that other's, and not seen here.

use std::net::IpAddr;

use compact_str::CompactString;

use super::account::Account;
use super::known::Known;
use super::{agent, console, who};
use crate::model::{Event, Fields, IpRole, Observation, Tally, TokenFacts, TokenOrigin, core};
use crate::text::cut;
use crate::{durable, limits};

/// Start of the types of events about tokens.
const ABOUT: &str = "system.api_token.";

/// Okta refused a request, as its token is limited to other networks.
const REFUSED: &str = "system.api_token.request_outside_allowed_range";

/// Outcomes after which a request was made.
const DONE: &[&str] = &["SUCCESS", "ALLOW"];

const DAY_MS: i64 = 24 * 3_600_000;

/// The state of one token.
#[derive(Debug, Default)]
pub(super) struct Token {
    first_ms: Option<i64>,
    created: Option<Box<TokenOrigin>>,
    uses: u64,
    last_ms: Option<i64>,
    network: CompactString,
    zones: CompactString,
    network_ms: Option<i64>,
    revoked_ms: Option<i64>,
    enabled_ms: Option<i64>,
    systems: Known<u32>,
    addresses: Known<IpAddr>,
    clients: Known<CompactString>,
    refused: Known<IpAddr>,
}

durable!(Token {
    first_ms,
    created,
    uses,
    last_ms,
    network,
    zones,
    network_ms,
    revoked_ms,
    enabled_ms,
    systems,
    addresses,
    clients,
    refused
});

/// The token that an event is by, or else about.
pub(super) fn id(fields: &Fields) -> Option<&str> {
    let about = || fields.text(core::EVENT_TYPE).filter(|kind| kind.starts_with(ABOUT));
    fields
        .text(core::API_TOKEN_ID)
        .or_else(|| about().and_then(|_| console::targets(fields, "Token").next()))
        .filter(|id| id.len() <= limits::TOKEN_ID_BYTES)
}

/// Whether an API token made the request.
pub(super) fn is_by_token(fields: &Fields) -> bool {
    fields.exists(core::API_TOKEN_ID)
}

impl Token {
    /// Takes in an event and says what the token is at it. `account` is its owner's.
    pub fn take(&mut self, observation: &Observation, account: &Account, tally: &mut Tally) -> TokenFacts {
        let event = &observation.event;
        let at_ms = event.published_ms;
        let first_ms = super::session::earlier(&mut self.first_ms, at_ms);
        let mut facts = TokenFacts {
            known_days: at_ms.saturating_sub(first_ms) / DAY_MS,
            // What the event itself ends or begins is not yet so at it.
            revoked: self.is_revoked(at_ms),
            ..TokenFacts::default()
        };
        let kind = event.fields.text(core::EVENT_TYPE).unwrap_or_default();
        if kind == REFUSED {
            self.refuse(observation, &mut facts, tally);
        } else if is_by_token(&event.fields) {
            self.used(observation, &mut facts, tally);
        } else if is_done(&event.fields) {
            self.changed(kind, observation, account, &mut facts);
        }
        facts.network = self.network.clone();
        facts.zones = self.zones.clone();
        facts.uses = self.uses;
        if let Some(created) = self.created.as_deref().filter(|created| created.at_ms <= at_ms) {
            facts.age_s = Some(at_ms.saturating_sub(created.at_ms) / 1_000);
            facts.created = Some(created.clone());
        }
        facts.owner_admin =
            facts.created.as_ref().map_or_else(|| account.was_admin(at_ms), |created| created.owner_admin);
        facts
    }

    fn is_revoked(&self, at_ms: i64) -> bool {
        let before = |time_ms: Option<i64>| time_ms.filter(|time_ms| *time_ms < at_ms);
        before(self.revoked_ms).is_some_and(|revoked_ms| before(self.enabled_ms) < Some(revoked_ms))
    }

    /// Something was done to the token.
    fn changed(&mut self, kind: &str, observation: &Observation, account: &Account, facts: &mut TokenFacts) {
        let at_ms = observation.event.published_ms;
        match kind.strip_prefix(ABOUT) {
            Some("create") => self.created = Some(Box::new(origin(observation, account))),
            Some("revoke") => self.revoked_ms = self.revoked_ms.max(Some(at_ms)),
            Some("enable") => self.enabled_ms = self.enabled_ms.max(Some(at_ms)),
            _ => {}
        }
        let text = |field| observation.event.fields.text(field);
        let Some(network) = text(core::NETWORK_CONNECTION).filter(|_| Some(at_ms) >= self.network_ms) else {
            return;
        };
        facts.network_before = std::mem::replace(&mut self.network, short(network));
        self.zones = short(text(core::INCLUDED_ZONES).unwrap_or_default());
        self.network_ms = Some(at_ms);
    }

    /// Okta refused a request.
    fn refuse(&mut self, observation: &Observation, facts: &mut TokenFacts, tally: &mut Tally) {
        facts.outside_range = true;
        if let Some(address) = address(observation) {
            let told = self.refused.take(address, observation.event.published_ms, limits::SOURCES_PER_TOKEN);
            tally.evict("token_sources", told.evicted);
        }
    }

    /// A request was made with the token.
    fn used(&mut self, observation: &Observation, facts: &mut TokenFacts, tally: &mut Tally) {
        let event = &observation.event;
        let at_ms = event.published_ms;
        self.uses += 1;
        facts.quiet_s = self.last_ms.map(|last_ms| at_ms.saturating_sub(last_ms).max(0) / 1_000);
        self.last_ms = self.last_ms.max(Some(at_ms));
        facts.client = event.fields.text(core::CLIENT_USER_AGENT).map(agent::name).unwrap_or_default();
        let address = address(observation);
        facts.outside_range = address.is_some_and(|address| self.refused.holds(&address, at_ms));
        facts.elsewhere = self
            .created
            .as_deref()
            .is_some_and(|created| address.is_some() && is_elsewhere(created, observation));
        if is_done(&event.fields) {
            self.learn(observation, address, facts, tally);
        }
    }

    /// Where and by what the token was used successfully.
    fn learn(
        &mut self,
        observation: &Observation,
        address: Option<IpAddr>,
        facts: &mut TokenFacts,
        tally: &mut Tally,
    ) {
        let (at_ms, bound) = (observation.event.published_ms, limits::SOURCES_PER_TOKEN);
        let mut evicted = 0;
        if let Some(address) = address {
            let told = self.addresses.take(address, at_ms, bound);
            (facts.new_ip, evicted) = (told.new, evicted + told.evicted);
            if let Some(asn) = asn(observation) {
                let told = self.systems.take(asn, at_ms, bound);
                (facts.new_asn, evicted) = (told.new, evicted + told.evicted);
            }
        }
        if !facts.client.is_empty() {
            let told = self.clients.take(facts.client.clone(), at_ms, limits::CLIENTS_PER_TOKEN);
            (facts.new_client, evicted) = (told.new, evicted + told.evicted);
        }
        tally.evict("token_sources", evicted);
    }
}

/// The address a request came from, unless that is Okta's own.
fn address(observation: &Observation) -> Option<IpAddr> {
    observation.ip().filter(|ip| ip.role.of != IpRole::OktaInternal).and_then(|ip| ip.address)
}

fn asn(observation: &Observation) -> Option<u32> {
    observation.place.as_deref().and_then(|place| place.asn.as_deref()).map(|asn| asn.number)
}

fn country(observation: &Observation) -> Option<&str> {
    observation.place.as_deref().and_then(|place| place.geo.as_deref()).and_then(|geo| geo.country.as_deref())
}

fn origin(observation: &Observation, account: &Account) -> TokenOrigin {
    let event = &observation.event;
    TokenOrigin {
        by: who::login(&event.fields).unwrap_or_default(),
        at_ms: event.published_ms,
        ip: address(observation),
        asn: asn(observation),
        country: country(observation).map(CompactString::from),
        owner_admin: account.was_admin(event.published_ms),
    }
}

/// Whether the network or the country is another than where the token was made.
fn is_elsewhere(created: &TokenOrigin, observation: &Observation) -> bool {
    let other_asn = created.asn.zip(asn(observation)).is_some_and(|(there, here)| there != here);
    let other_country = created.country.as_deref().zip(country(observation));
    other_asn || other_country.is_some_and(|(there, here)| there != here)
}

fn is_done(fields: &Fields) -> bool {
    fields.text(core::OUTCOME_RESULT).is_some_and(|result| DONE.contains(&result))
}

fn short(text: &str) -> CompactString {
    cut(text, limits::TOKEN_TEXT_BYTES).into()
}

/// The key of a token: its owner's id and its own, so that whoever else is in the shard changes nothing.
pub(super) fn key(event: &Event, id: &str) -> Option<CompactString> {
    let owner = who::user_id(&event.fields)?;
    let mut key = CompactString::from(owner);
    key.push('/');
    key.push_str(id);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{FieldId, Value};

    const TYPE: FieldId = core::EVENT_TYPE;
    const GO: (FieldId, Value<'static>) = (core::CLIENT_USER_AGENT, Value::Text("Go-http-client/2.0"));
    const USE: (FieldId, Value<'static>) = (core::API_TOKEN_ID, Value::Text("00T1"));

    fn take(token: &mut Token, at_ms: i64, ip: &str, values: &[(FieldId, Value<'_>)]) -> TokenFacts {
        let (country, system) = if ip.starts_with("198") { ("DE", 64501) } else { ("PT", 64500) };
        let uuid = format!("{at_ms:04}");
        let observation = observation(event(at_ms, &uuid, values), Some(place(ip, country, system, None)));
        token.take(&observation, &Account::default(), &mut Tally::default())
    }

    fn done(token: &mut Token, at_ms: i64, what: &str, network: &str) -> TokenFacts {
        let kind = format!("{ABOUT}{what}");
        let values = [(TYPE, Value::Text(&kind)), (core::NETWORK_CONNECTION, Value::Text(network))];
        take(token, at_ms, "203.0.113.1", &values)
    }

    #[test]
    fn the_id_is_of_the_request_else_of_the_target() {
        let target = [
            (TYPE, Value::Text("system.api_token.create")),
            (core::TARGET_TYPE, Value::Text("Token")),
            (core::TARGET_ID, Value::Text("00Tnew")),
        ];
        let id = |values: &[(FieldId, Value<'_>)]| id(&event(0, "u", values).fields).map(str::to_owned);
        assert_eq!(id(&target).as_deref(), Some("00Tnew"));
        assert_eq!(id(&[target[0], target[1], target[2], USE]).as_deref(), Some("00T1"));
        assert_eq!(id(&[(TYPE, Value::Text("app.oauth2.token.revoke")), target[1], target[2]]), None);
        assert_eq!(id(&[]), None);
    }

    #[test]
    fn who_made_it_and_where_is_known_from_then_on() {
        let mut token = Token::default();
        assert_eq!(take(&mut token, 500, "203.0.113.1", &[USE]).created, None);
        let made = done(&mut token, 1_000, "create", "ZONE");
        let created = made.created.unwrap();
        assert_eq!(
            (created.by.as_str(), created.at_ms, created.asn),
            ("ana@example.com", 1_000, Some(64500))
        );
        let facts = take(&mut token, 61_000, "203.0.113.9", &[USE, GO]);
        assert_eq!((facts.age_s, facts.uses, facts.quiet_s), (Some(60), 2, Some(60)));
        assert!(!facts.elsewhere && facts.network == "ZONE");
        assert!(take(&mut token, 62_000, "198.51.100.1", &[USE, GO]).elsewhere);
        assert_eq!(take(&mut token, 900, "198.51.100.1", &[USE]).created, None, "a late request from before");
    }

    #[test]
    fn sources_are_new_once_and_the_first_of_all_never() {
        let mut token = Token::default();
        let mut new = |at_ms, ip, agent| {
            let facts = take(&mut token, at_ms, ip, &[USE, (core::CLIENT_USER_AGENT, Value::Text(agent))]);
            (facts.new_asn, facts.new_ip, facts.new_client)
        };
        assert_eq!(new(1, "203.0.113.1", "Go-http-client/2.0"), (false, false, false));
        assert_eq!(new(2, "203.0.113.2", "Go-http-client/2.1"), (false, true, false));
        assert_eq!(new(3, "198.51.100.1", "curl/8.1"), (true, true, true));
        assert_eq!(new(4, "198.51.100.1", "curl/8.2"), (false, false, false));
    }

    #[test]
    fn what_failed_is_not_learnt() {
        let mut token = Token::default();
        take(&mut token, 1, "203.0.113.1", &[USE]);
        let failed = (core::OUTCOME_RESULT, Value::Text("FAILURE"));
        let facts = take(&mut token, 2, "198.51.100.1", &[USE, failed]);
        assert_eq!((facts.new_asn, facts.uses), (false, 2));
        assert!(take(&mut token, 3, "198.51.100.1", &[USE]).new_asn);
    }

    #[test]
    fn a_revoked_token_is_revoked_until_it_is_enabled() {
        let mut token = Token::default();
        assert!(!done(&mut token, 100, "revoke", "").revoked, "not yet at the revocation");
        assert!(take(&mut token, 200, "203.0.113.1", &[USE]).revoked);
        assert!(!take(&mut token, 50, "203.0.113.1", &[USE]).revoked);
        done(&mut token, 300, "enable", "");
        assert!(!take(&mut token, 400, "203.0.113.1", &[USE]).revoked);
        done(&mut token, 500, "revoke", "");
        assert!(take(&mut token, 600, "203.0.113.1", &[USE]).revoked);
    }

    #[test]
    fn a_change_of_its_networks_says_what_was_before() {
        let mut token = Token::default();
        done(&mut token, 100, "create", "ZONE");
        let facts = done(&mut token, 200, "update", "ANYWHERE");
        assert_eq!((facts.network_before.as_str(), facts.network.as_str()), ("ZONE", "ANYWHERE"));
        assert_eq!(done(&mut token, 150, "update", "ZONE").network, "ANYWHERE", "a late change is over");
    }

    #[test]
    fn an_address_that_was_refused_stays_outside() {
        let mut token = Token::default();
        assert!(take(&mut token, 1, "198.51.100.1", &[(TYPE, Value::Text(REFUSED)), USE]).outside_range);
        assert!(take(&mut token, 2, "198.51.100.1", &[USE]).outside_range);
        assert!(!take(&mut token, 2, "203.0.113.1", &[USE]).outside_range);
    }

    #[test]
    fn sources_are_bounded() {
        let mut token = Token::default();
        let mut tally = Tally::default();
        for n in 0..1_000_i64 {
            let (ip, agent) = (format!("203.0.{}.{}", n / 250, n % 250), format!("client{n}/1"));
            let values = [USE, (core::CLIENT_USER_AGENT, Value::Text(&agent))];
            let seen = Some(place(&ip, "PT", u32::try_from(n).unwrap(), None));
            token.take(&observation(event(n, &ip, &values), seen), &Account::default(), &mut tally);
        }
        let held = (token.addresses.len(), token.systems.len(), token.clients.len());
        assert_eq!(held, (limits::SOURCES_PER_TOKEN, limits::SOURCES_PER_TOKEN, limits::CLIENTS_PER_TOKEN));
        assert!(tally.evicted_state.iter().any(|(table, _)| *table == "token_sources"));
    }
}
