//! What is a principal by its habit, or since it did something?
//!
//! Few principals need to be remembered: who has entered the Admin Console, whose account
//! programs use, and who has a type of user but only ever gets tokens. Of all others nothing is held, and an
//! event that tells nothing new of one that is held touches it once a day.

use crate::model::{IpRole, Observation, Principal, PrincipalClass, PrincipalReason, core};
use crate::{durable, limits};

use super::asked::Asked;
use super::console;
use super::session::earlier;
use crate::state::Proof;

const DAY_MS: i64 = 24 * 3_600_000;

/// The state of one principal.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Actor {
    /// The last day of it, since the epoch.
    day: i64,
    console_ms: Option<i64>,
    /// Days on which only programs used it, counted until they are a habit.
    program_days: u8,
    program_day: i64,
    service_ms: Option<i64>,
    /// Days on which a person used it; once it is a service account, since then.
    hand_days: u8,
    hand_day: Option<i64>,
    /// Tokens that it got, counted until they are a routine.
    tokens: u8,
    addresses: Vec<u64>,
    granter_ms: Option<i64>,
    other_day: Option<i64>,
}

durable!(Actor {
    day,
    console_ms,
    program_days,
    program_day,
    service_ms,
    hand_days,
    hand_day,
    tokens,
    addresses,
    granter_ms,
    other_day
});

/// What an event tells of who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The Admin Console was entered.
    Console,
    /// A person uses the account.
    Hand,
    /// A program does.
    Program,
    /// A token is granted to nobody that has a login; the digest of the address.
    Token(u64),
    /// Something else was done.
    Other,
}

impl Sign {
    /// What an event tells, if it succeeded and Okta knows who acts.
    pub fn of(observation: &Observation, asked: &Asked<'_>, is: Principal) -> Option<Self> {
        let acts = matches!(is.class, PrincipalClass::Human | PrincipalClass::ApiToken);
        let known = is.reason == PrincipalReason::Configured && is.class == PrincipalClass::ServiceAccount;
        let result = asked.text(core::OUTCOME_RESULT);
        if !(acts || known) || Proof::of(asked.id, result) != Proof::Acted {
            return None;
        }
        let role = observation.ip().map(|ip| ip.role.of);
        Some(match role {
            _ if asked.event_type == console::ENTRY => Self::Console,
            _ if asked.is_token_routine() => Self::Token(address(asked)),
            Some(IpRole::ApiClient) => Self::Program,
            Some(IpRole::UserAgent | IpRole::ProxyChain) if asked.is_browser() => Self::Hand,
            _ => Self::Other,
        })
    }

    /// Whether a person does it.
    pub fn is_by_hand(self) -> bool {
        matches!(self, Self::Hand | Self::Console)
    }

    /// Whether somebody of whom nothing is held must be remembered from now on.
    pub fn is_remembered(self) -> bool {
        matches!(self, Self::Console | Self::Program | Self::Token(_))
    }
}

fn address(asked: &Asked<'_>) -> u64 {
    xxhash_rust::xxh3::xxh3_64(asked.text(core::CLIENT_IP).as_bytes())
}

impl Actor {
    /// One of which nothing is held yet, that was last at a browser on a day.
    pub fn seen(browser_day: Option<i64>) -> Self {
        Self { hand_day: browser_day, other_day: browser_day, ..Self::default() }
    }

    /// What it is at a time, if it is more than an event alone tells.
    pub fn is(&self, at_ms: i64) -> Option<Principal> {
        let since = |since_ms: Option<i64>| since_ms.is_some_and(|since_ms| since_ms <= at_ms);
        let is = |class, reason| Some(Principal { class, reason });
        if since(self.granter_ms) {
            return is(PrincipalClass::TokenGranter, PrincipalReason::TokenRoutine);
        }
        if since(self.service_ms) {
            return is(PrincipalClass::ServiceAccount, PrincipalReason::NeverInteractive);
        }
        if since(self.console_ms) {
            return is(PrincipalClass::Admin, PrincipalReason::EnteredConsole);
        }
        None
    }

    /// What it would be after an event; itself if that tells nothing new today.
    #[must_use]
    pub fn after(&self, sign: Sign, at_ms: i64) -> Self {
        let mut after = self.clone();
        let day = at_ms.div_euclid(DAY_MS);
        after.day = after.day.max(day);
        match sign {
            Sign::Console => {
                earlier(&mut after.console_ms, at_ms);
                after.by_hand(day);
            }
            Sign::Hand => after.by_hand(day),
            Sign::Program => after.by_program(day, at_ms),
            Sign::Token(address) => after.gets_token(address, day, at_ms),
            Sign::Other => {}
        }
        if !matches!(sign, Sign::Token(_)) {
            after.does_other(day);
        }
        after
    }

    /// A program used it: on enough days, with nobody at a browser for long, it is a service account.
    fn by_program(&mut self, day: i64, at_ms: i64) {
        if self.program_days == 0 || day > self.program_day {
            self.program_days = self.program_days.saturating_add(1);
            self.program_day = day;
        }
        let unused = self.hand_day.is_none_or(|hand_day| day - hand_day > limits::SERVICE_QUIET_DAYS);
        if self.service_ms.is_none() && unused && self.program_days >= limits::SERVICE_DAYS {
            (self.service_ms, self.hand_days) = (Some(at_ms), 0);
        }
    }

    /// A person used it: no service account is used so on several days.
    fn by_hand(&mut self, day: i64) {
        if self.hand_day.is_none_or(|hand_day| hand_day < day) {
            self.hand_days = self.hand_days.saturating_add(1);
            self.hand_day = Some(day);
        }
        if self.service_ms.is_none() || self.hand_days >= limits::SERVICE_HAND_DAYS {
            (self.service_ms, self.program_days) = (None, 0);
        }
    }

    fn gets_token(&mut self, address: u64, day: i64, at_ms: i64) {
        if self.granter_ms.is_some() {
            return;
        }
        self.tokens = self.tokens.saturating_add(1);
        if self.addresses.len() < limits::ROUTINE_ADDRESSES && !self.addresses.contains(&address) {
            self.addresses.push(address);
        }
        let alone = self.other_day.is_none_or(|other_day| day - other_day > limits::SERVICE_QUIET_DAYS);
        let often = self.tokens >= limits::ROUTINE_TOKENS;
        if alone && often && self.addresses.len() >= limits::ROUTINE_ADDRESSES {
            (self.granter_ms, self.addresses) = (Some(at_ms), Vec::new());
        }
    }

    /// Whoever does something else does not only get tokens.
    fn does_other(&mut self, day: i64) {
        if self.tokens > 0 || self.granter_ms.is_some() {
            self.other_day = self.other_day.max(Some(day));
            (self.tokens, self.granter_ms, self.addresses) = (0, None, Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::principal::{Listed, decide};
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{FieldId, FieldTable, Value};
    use crate::state::{Durable as _, written};

    const BROWSER: (FieldId, &str) = (core::CLIENT_USER_AGENT, "Mozilla/5.0 (X11) Firefox/140.0");
    const TOKEN: (FieldId, &str) = (core::API_TOKEN_ID, "00T1");

    fn sign(values: &[(FieldId, &str)]) -> Option<Sign> {
        let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
        let observation = observation(event(0, "u", &values), Some(place("203.0.113.1", "PT", 1, None)));
        let asked = Asked::of(&observation.event.fields);
        Sign::of(&observation, &asked, decide(&asked, &Listed::default()))
    }

    fn run(signs: &[(i64, Sign)]) -> Actor {
        signs.iter().fold(Actor::default(), |actor, (day, sign)| actor.after(*sign, day * DAY_MS))
    }

    fn is(actor: &Actor, day: i64) -> &'static str {
        actor.is(day * DAY_MS).map_or("", |is| is.reason.as_str())
    }

    #[test]
    fn an_event_tells_who_uses_an_account_if_it_succeeded() {
        let console = (core::EVENT_TYPE, console::ENTRY);
        assert_eq!(sign(&[BROWSER]), Some(Sign::Hand));
        assert_eq!(sign(&[console]), Some(Sign::Console));
        assert_eq!(sign(&[TOKEN, BROWSER]), Some(Sign::Program));
        assert_eq!(sign(&[]), Some(Sign::Other));
        let grant = (core::EVENT_TYPE, "app.oauth2.token.grant.access_token");
        assert!(matches!(sign(&[grant, (core::ACTOR_ALTERNATE_ID, "")]), Some(Sign::Token(_))));
        assert_eq!(sign(&[grant, BROWSER]), Some(Sign::Hand));
        for nobody in [
            (core::OUTCOME_RESULT, "FAILURE"),
            (core::ACTOR_ID, ""),
            (core::ACTOR_TYPE, "PublicClientApp"),
            (core::ACTOR_TYPE, "SystemPrincipal"),
        ] {
            assert_eq!(sign(&[BROWSER, nobody]), None, "{nobody:?}");
        }
    }

    #[test]
    fn whoever_entered_the_console_is_an_administrator_from_then_on() {
        let actor = run(&[(5, Sign::Console), (6, Sign::Hand)]);
        assert_eq!((is(&actor, 4), is(&actor, 5), is(&actor, 9)), ("", "entered_console", "entered_console"));
        assert_eq!(is(&actor.after(Sign::Console, 3 * DAY_MS), 4), "entered_console", "told late");
    }

    fn service() -> Vec<(i64, Sign)> {
        let days = i64::from(limits::SERVICE_DAYS);
        (1..=days).flat_map(|day| [(day, Sign::Program), (day, Sign::Other), (day, Sign::Program)]).collect()
    }

    #[test]
    fn an_account_that_only_programs_use_is_a_service_account() {
        let days = i64::from(limits::SERVICE_DAYS);
        let mut signs = service();
        assert_eq!(is(&run(&signs), days), "never_interactive");
        let short = signs.len() - 3;
        assert_eq!(is(&run(&signs[..short]), days), "");
        signs.insert(3, (1, Sign::Hand));
        assert_eq!(is(&run(&signs), days), "", "somebody was at it");
    }

    #[test]
    fn a_service_account_stays_one_at_first_when_a_person_uses_it() {
        let day = i64::from(limits::SERVICE_DAYS) + 1;
        let mut signs = service();
        signs.extend([(day, Sign::Hand), (day, Sign::Console), (day + 1, Sign::Hand)]);
        assert_eq!(is(&run(&signs), day + 1), "never_interactive");
        signs.extend([(day + 2, Sign::Hand)]);
        assert_eq!(is(&run(&signs), day + 2), "entered_console");
    }

    fn routine() -> Vec<(i64, Sign)> {
        (0..u64::from(limits::ROUTINE_TOKENS)).map(|n| (1, Sign::Token(n % 3))).collect()
    }

    #[test]
    fn who_only_gets_tokens_from_several_addresses_is_a_token_granter() {
        let signs = routine();
        assert_eq!(is(&run(&signs), 2), "token_routine");
        assert_eq!(is(&run(&signs[1..]), 2), "");
        let one: Vec<_> = signs.iter().map(|(day, _)| (*day, Sign::Token(0))).collect();
        assert_eq!(is(&run(&one), 2), "", "one address");
    }

    #[test]
    fn who_does_anything_else_is_none() {
        let mut signs = routine();
        signs.push((2, Sign::Hand));
        assert_eq!(is(&run(&signs), 2), "");
        signs.extend(routine());
        assert_eq!(is(&run(&signs), 3), "", "not for a while");
    }

    #[test]
    fn an_event_that_tells_nothing_new_today_changes_nothing() {
        let actor = run(&service());
        let at_ms = i64::from(limits::SERVICE_DAYS) * DAY_MS + 5;
        for sign in [Sign::Program, Sign::Other] {
            assert_eq!(actor.after(sign, at_ms), actor);
        }
        let mut tomorrow = actor.clone();
        tomorrow.day += 1;
        assert_eq!(actor.after(Sign::Other, at_ms + DAY_MS), tomorrow);
    }

    #[test]
    fn little_is_held_of_one() {
        let table = FieldTable::default();
        let bytes = |actor: &Actor| written(&table, |out| actor.write(out)).len();
        let mut most = run(&service());
        most = most.after(Sign::Console, 20_000 * DAY_MS).after(Sign::Token(u64::MAX), 20_000 * DAY_MS);
        most.addresses = vec![u64::MAX; limits::ROUTINE_ADDRESSES];
        assert!(bytes(&most) < 100, "{}", bytes(&most));
    }
}
