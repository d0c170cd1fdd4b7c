//! Who really acts, by all that is known?

use std::sync::Arc;

use super::actor::{Actor, Sign};
use super::asked::Asked;
use super::causes::{self, Causes};
use super::granter::Granter;
use super::principal::{Listed, decide};
use super::system;
use super::table::{KeyRef, Table};
use crate::model::{
    Change, FieldTable, HabitFacts, Notice, Observation, Principal, PrincipalClass, PrincipalFacts,
    PrincipalReason, Tally, core,
};
use crate::state::{Corrupt, Names, Proof, Touch};
use crate::{config, limits};

/// The principals that are remembered, and the habits of those that have one of their own.
#[derive(Debug)]
pub(super) struct Principals {
    listed: Listed,
    actors: Table<Actor>,
    granters: Table<Granter>,
    causes: Table<Causes>,
}

/// The tables by the first byte of their keys.
const ACTORS: u8 = b'p';
const GRANTERS: u8 = b'g';
const CAUSES: u8 = b'r';

/// What else is known of the user that acts.
pub(super) struct OfUser<'a> {
    /// An administrator's role is held.
    pub role: bool,
    /// Tells the last day at a browser; asked only of those that must be remembered from now on.
    pub browser_day: &'a dyn Fn() -> Option<i64>,
}

impl Default for Principals {
    fn default() -> Self {
        Self {
            listed: Listed::default(),
            actors: Table::new(limits::PRINCIPALS_PER_SHARD, limits::USER_QUIET_MS),
            granters: Table::new(limits::PRINCIPALS_PER_SHARD, limits::USER_QUIET_MS),
            causes: Table::new(limits::PRINCIPALS_PER_SHARD, limits::CAUSE_QUIET_MS),
        }
    }
}

impl Principals {
    /// Takes `[principals]` of the configuration.
    pub fn list(&mut self, principals: &config::Principals) {
        self.listed = Listed::new(principals);
    }

    /// What an event alone tells of who acts.
    pub fn alone(&self, observation: &Observation) -> PrincipalFacts {
        let asked = Asked::of(&observation.event.fields);
        let is = decide(&asked, &self.listed);
        let sign = Sign::of(observation, &asked, is);
        PrincipalFacts {
            is,
            interactive: sign.is_some_and(Sign::is_by_hand),
            habit: None,
            system: system::decide(&asked, is.class),
        }
    }

    /// Takes in an event of a user that Okta may answer.
    pub fn hear(&mut self, notice: &Notice, tally: &mut Tally) {
        let key = KeyRef { org: notice.org.as_ref(), id: &notice.id };
        let by = Touch { proof: Proof::Named, time_ms: notice.said.at_ms };
        let ((), evicted) = self.causes.with(key, by, |causes| causes.take(notice));
        tally.evict("causes", evicted);
    }

    /// Takes in an event, and says who acts.
    pub fn take(
        &mut self,
        observation: &Observation,
        by: Touch,
        known: &OfUser<'_>,
        tally: &mut Tally,
    ) -> PrincipalFacts {
        let mut facts = self.alone(observation);
        let event = &observation.event;
        let Some(id) = event.fields.text(core::ACTOR_ID) else { return facts };
        let key = KeyRef { org: event.org.as_ref(), id };
        let asked = Asked::of(&event.fields);
        let by_itself = facts.is;
        if matches!(by_itself.class, PrincipalClass::Human | PrincipalClass::ApiToken) {
            let sign = Sign::of(observation, &asked, by_itself);
            let is = self.actor(key, sign, (by, known), tally);
            facts.is = is.filter(|_| by_itself.class == PrincipalClass::Human).unwrap_or(by_itself);
        }
        if known.role && facts.is.class == PrincipalClass::Human {
            facts.is = Principal { class: PrincipalClass::Admin, reason: PrincipalReason::HoldsRole };
        }
        if let Some(system) = &mut facts.system {
            let whose = causes::whose(&event.fields).map(|id| KeyRef { org: event.org.as_ref(), id });
            let heard = whose.and_then(|key| self.causes.get(key, by.time_ms));
            let cause = heard.and_then(|heard| heard.find(by.time_ms, causes::links(&event.fields)));
            system.cause = cause.map(Box::new);
        }
        if matches!(facts.is.class, PrincipalClass::TokenGranter | PrincipalClass::AiAgent) {
            facts.habit = Some(self.habit(key, observation, by, tally));
        }
        facts
    }

    /// What the actor is by what it did before; for an administrator, by this event as well.
    fn actor(
        &mut self,
        key: KeyRef<'_>,
        sign: Option<Sign>,
        (by, known): (Touch, &OfUser<'_>),
        tally: &mut Tally,
    ) -> Option<Principal> {
        let before = self.actors.get(key, by.time_ms);
        let was = before.and_then(|actor| actor.is(by.time_ms));
        let Some(sign) = sign else { return was };
        let after = match before {
            Some(actor) => actor.after(sign, by.time_ms),
            None if sign.is_remembered() => Actor::seen((known.browser_day)()).after(sign, by.time_ms),
            None => return was,
        };
        let is = was.or_else(|| after.is(by.time_ms));
        if before != Some(&after) {
            let ((), evicted) = self.actors.with(key, by, |actor| *actor = after);
            tally.evict("principals", evicted);
        }
        is
    }

    fn habit(
        &mut self,
        key: KeyRef<'_>,
        observation: &Observation,
        by: Touch,
        tally: &mut Tally,
    ) -> HabitFacts {
        let asked = Asked::of(&observation.event.fields);
        let done = by.proof == Proof::Acted;
        let take = |granter: &mut Granter| granter.take(observation, &asked, done, tally);
        let (facts, evicted) = self.granters.with(key, by, take);
        tally.evict("granters", evicted);
        facts
    }

    /// How much each table holds.
    pub fn entries(&self) -> [(&'static str, usize); 3] {
        let (actors, granters, causes) = (self.actors.len(), self.granters.len(), self.causes.len());
        [("principals", actors), ("granters", granters), ("causes", causes)]
    }

    /// Forgets those that have been quiet.
    pub fn expire(&mut self, watermark_ms: i64) {
        self.actors.expire(watermark_ms);
        self.granters.expire(watermark_ms);
        self.causes.expire(watermark_ms);
    }

    /// Whether it is kept in mind which of them change from now on.
    pub fn keep_changes(&mut self, wanted: bool) {
        self.actors.keep_changes(wanted);
        self.granters.keep_changes(wanted);
        self.causes.keep_changes(wanted);
    }

    /// Adds those that changed since the last time.
    pub fn changes(&mut self, fields: &FieldTable, out: &mut Vec<Change>) {
        self.granters.changes(GRANTERS, fields, out);
        self.actors.changes(ACTORS, fields, out);
        self.causes.changes(CAUSES, fields, out);
    }

    /// Takes in what is held of one; `false` if the key is of none.
    ///
    /// # Errors
    /// The bytes say what cannot be.
    pub fn restore(
        &mut self,
        names: &mut Names,
        change: &Change,
        fields: &Arc<FieldTable>,
    ) -> Result<bool, Corrupt> {
        let value = change.value.as_deref();
        match change.key.split_first() {
            Some((&ACTORS, key)) => self.actors.restore(key, value, fields, names)?,
            Some((&GRANTERS, key)) => self.granters.restore(key, value, fields, names)?,
            Some((&CAUSES, key)) => self.causes.restore(key, value, fields, names)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{FieldId, Value};

    const DAY_MS: i64 = 24 * 3_600_000;
    const BROWSER: (FieldId, &str) = (core::CLIENT_USER_AGENT, "Mozilla/5.0 (X11) Firefox/140.0");
    const TOKEN: (FieldId, &str) = (core::API_TOKEN_ID, "00T1");
    const CONSOLE: (FieldId, &str) = (core::EVENT_TYPE, "user.session.access_admin_app");

    fn take(principals: &mut Principals, at_ms: i64, values: &[(FieldId, &str)]) -> PrincipalFacts {
        let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
        let event = event(at_ms, &at_ms.to_string(), &values);
        let observation = observation(event, Some(place("203.0.113.1", "PT", 1, None)));
        let fields = &observation.event.fields;
        let text = |id| fields.text(id).unwrap_or_default();
        let proof = Proof::of(text(core::ACTOR_ID), text(core::OUTCOME_RESULT));
        take_of(principals, &observation, Touch { proof, time_ms: at_ms }, None)
    }

    fn take_of(
        principals: &mut Principals,
        observation: &Observation,
        by: Touch,
        browser_day: Option<i64>,
    ) -> PrincipalFacts {
        let known = OfUser { role: false, browser_day: &|| browser_day };
        principals.take(observation, by, &known, &mut Tally::default())
    }

    fn is(facts: &PrincipalFacts) -> &'static str {
        facts.is.reason.as_str()
    }

    #[test]
    fn of_most_users_nothing_is_held() {
        let mut principals = Principals::default();
        assert_eq!(is(&take(&mut principals, 0, &[BROWSER])), "user");
        take(&mut principals, 1, &[(core::ACTOR_TYPE, "SystemPrincipal")]);
        take(&mut principals, 2, &[CONSOLE, (core::OUTCOME_RESULT, "FAILURE")]);
        assert_eq!((principals.actors.len(), principals.granters.len()), (0, 0));
    }

    #[test]
    fn an_administrator_is_one_from_the_entry_on_and_what_fails_later_is_one_s_too() {
        let mut principals = Principals::default();
        assert_eq!(is(&take(&mut principals, 0, &[BROWSER])), "user");
        let entered = take(&mut principals, 10, &[CONSOLE]);
        assert_eq!((is(&entered), entered.interactive), ("entered_console", true));
        let failed = take(&mut principals, 20, &[BROWSER, (core::OUTCOME_RESULT, "FAILURE")]);
        assert_eq!((is(&failed), failed.interactive), ("entered_console", false));
        assert_eq!(is(&take(&mut principals, 30, &[TOKEN])), "api_token", "the token is none");
        assert_eq!(is(&take(&mut principals, 40, &[(core::ACTOR_ID, "00uben")])), "user");
    }

    #[test]
    fn a_token_s_owner_that_never_is_at_a_browser_is_a_service_account_and_alone_at_one_stands_out() {
        let mut principals = Principals::default();
        for day in 0..i64::from(limits::SERVICE_DAYS) {
            assert_eq!(is(&take(&mut principals, day * DAY_MS, &[TOKEN])), "api_token");
        }
        let at_browser = take(&mut principals, 20 * DAY_MS, &[BROWSER]);
        assert_eq!((is(&at_browser), at_browser.interactive), ("never_interactive", true));
    }

    #[test]
    fn clients_and_agents_have_a_habit_and_users_none() {
        let mut principals = Principals::default();
        let client = (core::ACTOR_TYPE, "PublicClientApp");
        assert_eq!(take(&mut principals, 0, &[client]).habit, Some(HabitFacts::default()));
        let agent = [(core::ACTOR_TYPE, "AI Agent"), (core::ACTOR_ID, "wlp1")];
        assert!(take(&mut principals, 0, &agent).habit.is_some());
        assert!(take(&mut principals, 0, &[BROWSER]).habit.is_none());
        assert_eq!(take(&mut principals, 3 * DAY_MS, &[client]).habit.unwrap().known_days, 3);
    }

    #[test]
    fn what_is_held_is_read_as_it_was_written() {
        let mut principals = Principals::default();
        principals.keep_changes(true);
        take(&mut principals, 0, &[CONSOLE]);
        take(&mut principals, 0, &[(core::ACTOR_TYPE, "PublicClientApp"), (core::ACTOR_ID, "0oa1")]);
        let (table, mut changes) = (Arc::<FieldTable>::default(), Vec::new());
        principals.changes(&table, &mut changes);
        assert_eq!(changes.len(), 2);
        let mut restored = Principals::default();
        for change in &changes {
            assert_eq!(restored.restore(&mut Names::default(), change, &table), Ok(true));
        }
        assert_eq!(is(&take(&mut restored, 10, &[BROWSER])), "entered_console");
        assert_eq!(restored.granters.len(), 1);
    }
}
