//! What is a principal used to that only gets tokens?
//!
//! An OAuth client has no place and no working hours, and many addresses. What it does have is a habit: the
//! networks its servers are in, the software they run, the scopes and grant types it was made for, and the
//! way it proves who it is. Only what was granted makes a habit; what was refused is compared with it.

use xxhash_rust::xxh3::xxh3_64;

use super::asked::Asked;
use super::known::Known;
use super::session::earlier;
use crate::model::{HabitFacts, IpRole, Observation, Tally, core};
use crate::{durable, limits};

const DAY_MS: i64 = 24 * 3_600_000;

/// How a client says that it cannot prove who it is: it runs on its users' devices, which may be anywhere.
const PUBLIC: &str = "none";

/// The state of one principal that gets tokens.
#[derive(Debug, Default)]
pub(super) struct Granter {
    first_ms: Option<i64>,
    systems: Known<u64>,
    clients: Known<u64>,
    scopes: Known<u64>,
    grant_types: Known<u64>,
    auth_types: Known<u64>,
}

durable!(Granter { first_ms, systems, clients, scopes, grant_types, auth_types });

/// When an event was, and whether it makes a habit.
#[derive(Clone, Copy)]
struct Moment {
    at_ms: i64,
    done: bool,
}

impl Granter {
    /// Takes in an event, and says what is new in it. `done`: it succeeded.
    pub fn take(
        &mut self,
        observation: &Observation,
        asked: &Asked<'_>,
        done: bool,
        tally: &mut Tally,
    ) -> HabitFacts {
        let moment = Moment { at_ms: observation.event.published_ms, done };
        let first_ms = match done {
            true => earlier(&mut self.first_ms, moment.at_ms),
            false => self.first_ms.unwrap_or(moment.at_ms),
        };
        let mut facts = HabitFacts {
            known_days: moment.at_ms.saturating_sub(first_ms) / DAY_MS,
            ..HabitFacts::default()
        };
        self.asks(asked, moment, &mut facts, tally);
        if is_from_a_server(observation, asked) {
            self.comes(observation, asked, moment, &mut facts, tally);
        }
        facts
    }

    /// What it asks for, and how.
    fn asks(&mut self, asked: &Asked<'_>, moment: Moment, facts: &mut HabitFacts, tally: &mut Tally) {
        let granted = asked.text(core::GRANTED_SCOPES);
        let scopes = if granted.is_empty() { asked.text(core::REQUESTED_SCOPES) } else { granted };
        for scope in scopes.split([',', ' ', '[', ']', '"']).filter(|scope| !scope.is_empty()) {
            facts.new_scope |=
                is_new(&mut self.scopes, hash(scope), moment, limits::SCOPES_PER_GRANTER, tally);
        }
        let mut is_new_type = |known: &mut Known<u64>, id| {
            let text = asked.text(id);
            !text.is_empty() && is_new(known, hash(text), moment, limits::TYPES_PER_GRANTER, tally)
        };
        facts.new_grant_type = is_new_type(&mut self.grant_types, core::GRANT_TYPE);
        facts.new_auth_type = is_new_type(&mut self.auth_types, core::CLIENT_AUTH_TYPE);
    }

    /// Where it comes from, and with what software.
    fn comes(
        &mut self,
        observation: &Observation,
        asked: &Asked<'_>,
        moment: Moment,
        facts: &mut HabitFacts,
        tally: &mut Tally,
    ) {
        let place = observation.place.as_deref();
        if let Some(asn) = place.and_then(|place| place.asn.as_deref()) {
            let system = u64::from(asn.number);
            facts.new_asn = is_new(&mut self.systems, system, moment, limits::SYSTEMS_PER_GRANTER, tally);
        }
        let product = product(asked.agent);
        if !product.is_empty() {
            let client = hash(product);
            facts.new_client = is_new(&mut self.clients, client, moment, limits::CLIENTS_PER_GRANTER, tally);
        }
    }
}

/// Whether the address is that of the principal's own server, not of a user whose browser or device it has
/// been sent to.
fn is_from_a_server(observation: &Observation, asked: &Asked<'_>) -> bool {
    let role = observation.ip().map(|ip| ip.role.of);
    matches!(role, Some(IpRole::RelyingPartyBackchannel | IpRole::ApiClient))
        && asked.text(core::CLIENT_AUTH_TYPE) != PUBLIC
}

/// What a user agent calls itself, without a version: that changes with every update.
fn product(agent: &str) -> &str {
    agent.split(['/', ' ', '(']).next().unwrap_or_default()
}

fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Whether a trait is new. What was refused is compared, and makes no habit.
fn is_new(known: &mut Known<u64>, value: u64, moment: Moment, most: usize, tally: &mut Tally) -> bool {
    let Moment { at_ms, done } = moment;
    let told = known.compare(&value, at_ms, limits::GRANTER_HABIT_QUIET_MS);
    if done {
        tally.evict("granter_habits", known.learn(value, at_ms, most, told.forgotten));
    }
    told.new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation, permutations, place};
    use crate::model::{FieldId, FieldTable, Value};
    use crate::state::{Durable as _, written};

    const URI: (FieldId, &str) = (core::REQUEST_URI, "/oauth2/v1/token");
    const AGENT: (FieldId, &str) = (core::CLIENT_USER_AGENT, "python-requests/2.32.5");
    const GRANT: (FieldId, &str) = (core::GRANT_TYPE, "client_credentials");
    const PROOF: (FieldId, &str) = (core::CLIENT_AUTH_TYPE, "client_secret_basic");
    const SCOPES: (FieldId, &str) = (core::GRANTED_SCOPES, "orders:read, openid");

    fn taken(granter: &mut Granter, day: i64, system: u32, values: &[(FieldId, &str)]) -> HabitFacts {
        attempt(granter, day, system, values, true)
    }

    fn attempt(
        granter: &mut Granter,
        day: i64,
        system: u32,
        values: &[(FieldId, &str)],
        done: bool,
    ) -> HabitFacts {
        let usual = [(core::ACTOR_TYPE, "PublicClientApp"), URI, AGENT, GRANT, PROOF, SCOPES];
        let values: Vec<_> = usual.iter().chain(values).map(|(id, text)| (*id, Value::Text(text))).collect();
        let place = place("203.0.113.40", "IE", system, None);
        let observation = observation(event(day * DAY_MS, "u", &values), Some(place));
        granter.take(&observation, &Asked::of(&observation.event.fields), done, &mut Tally::default())
    }

    fn nothing_new(known_days: i64) -> HabitFacts {
        HabitFacts { known_days, ..HabitFacts::default() }
    }

    #[test]
    fn each_trait_is_new_once_and_those_of_the_first_event_never() {
        let mut granter = Granter::default();
        assert_eq!(taken(&mut granter, 0, 1, &[]), nothing_new(0));
        let usual = nothing_new(20);
        assert_eq!(taken(&mut granter, 20, 2, &[]), HabitFacts { new_asn: true, ..usual });
        let curl = (core::CLIENT_USER_AGENT, "curl/8.5.0");
        assert_eq!(taken(&mut granter, 20, 1, &[curl]), HabitFacts { new_client: true, ..usual });
        let wide = (core::GRANTED_SCOPES, "openid okta.users.manage");
        assert_eq!(taken(&mut granter, 20, 1, &[wide]), HabitFacts { new_scope: true, ..usual });
        let password = (core::GRANT_TYPE, "password");
        assert_eq!(taken(&mut granter, 20, 1, &[password]), HabitFacts { new_grant_type: true, ..usual });
        let post = (core::CLIENT_AUTH_TYPE, "client_secret_post");
        assert_eq!(taken(&mut granter, 20, 1, &[post]), HabitFacts { new_auth_type: true, ..usual });
        assert_eq!(taken(&mut granter, 21, 2, &[curl, wide, password, post]), nothing_new(21));
    }

    #[test]
    fn an_update_of_the_software_and_another_order_of_scopes_are_nothing_new() {
        let mut granter = Granter::default();
        taken(&mut granter, 0, 1, &[]);
        let later = [(core::CLIENT_USER_AGENT, "python-requests/3.0"), (core::GRANTED_SCOPES, "openid")];
        assert_eq!(taken(&mut granter, 1, 1, &later), nothing_new(1));
    }

    #[test]
    fn what_was_refused_is_compared_but_makes_no_habit() {
        let mut granter = Granter::default();
        let wide = [(core::GRANTED_SCOPES, ""), (core::REQUESTED_SCOPES, "okta.users.manage")];
        assert_eq!(attempt(&mut granter, 0, 9, &wide, false), nothing_new(0));
        taken(&mut granter, 0, 1, &[]);
        for _ in 0..2 {
            let facts = attempt(&mut granter, 3, 2, &wide, false);
            assert!(facts.new_scope && facts.new_asn);
        }
    }

    #[test]
    fn the_places_of_users_and_their_devices_are_not_the_client_s() {
        let mut granter = Granter::default();
        taken(&mut granter, 0, 1, &[]);
        let browser = [(core::REQUEST_URI, "/oauth2/v1/authorize"), (core::CLIENT_USER_AGENT, "Mozilla/5.0")];
        assert_eq!(taken(&mut granter, 1, 2, &browser), nothing_new(1));
        let public = (core::CLIENT_AUTH_TYPE, "none");
        assert!(!taken(&mut granter, 1, 3, &[public]).new_asn);
    }

    #[test]
    fn a_trait_that_was_not_seen_for_long_is_new_again() {
        let mut granter = Granter::default();
        let quiet = limits::GRANTER_HABIT_QUIET_MS / DAY_MS;
        taken(&mut granter, 0, 2, &[]);
        taken(&mut granter, 0, 1, &[]);
        for day in 1..=quiet {
            taken(&mut granter, day, 1, &[]);
        }
        assert!(!taken(&mut granter, quiet, 2, &[]).new_asn);
        for day in quiet..=2 * quiet + 1 {
            taken(&mut granter, day, 1, &[]);
        }
        assert!(taken(&mut granter, 2 * quiet + 1, 2, &[]).new_asn);
        assert!(!taken(&mut granter, 2 * quiet + 2, 2, &[]).new_asn);
    }

    #[test]
    fn in_any_order_every_network_but_one_is_new_once() {
        let systems = [1, 2, 1, 3];
        for order in permutations(systems.len()) {
            let mut granter = Granter::default();
            let new = order.iter().filter(|index| {
                let day = i64::try_from(**index).unwrap();
                taken(&mut granter, day, systems[**index], &[]).new_asn
            });
            assert_eq!(new.count(), 2, "{order:?}");
        }
    }

    #[test]
    fn what_is_held_of_one_is_bounded_and_little() {
        let table = FieldTable::default();
        let bytes = |granter: &Granter| written(&table, |out| granter.write(out)).len();
        let mut typical = Granter::default();
        for day in 20_000..20_030 {
            taken(&mut typical, day, u32::try_from(day % 2).unwrap(), &[]);
        }
        assert!(bytes(&typical) < 200, "{}", bytes(&typical));
        let mut worst = Granter::default();
        for n in 0..1_000 {
            let text = n.to_string();
            let values = [
                (core::CLIENT_USER_AGENT, text.as_str()),
                (core::GRANTED_SCOPES, text.as_str()),
                (core::GRANT_TYPE, text.as_str()),
                (core::CLIENT_AUTH_TYPE, text.as_str()),
            ];
            taken(&mut worst, 20_000 + i64::from(n), 4_000_000_000 + n, &values);
        }
        assert!(bytes(&worst) < 4_096, "{}", bytes(&worst));
    }
}
