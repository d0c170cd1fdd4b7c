//! What do the events before make of an event?

use std::net::IpAddr;
use std::sync::Arc;

use compact_str::CompactString;

use super::account::Account;
use super::fill::Filler;
use super::own_address::own_address;
use super::principals::{self, Principals};
use super::routine::{OfMachines, Routine};
use super::session::{self, Session};
use super::table::{KeyRef, Table};
use super::token::{self, Token};
use super::told::Told;
use super::user::User;
use super::who;
use crate::model::{
    AdminFacts, Change, Enriched, Event, FieldTable, Notice, NoticeKind, Observation, PrincipalClass,
    PrincipalFacts, SessionFacts, Tally, TokenFacts, TravelFacts, UserFacts, core,
};
use crate::state::{Corrupt, Names, Proof, Touch};
use crate::{config, limits};

/// The stateful part: sessions, users, travel, API tokens.
///
/// Only event time counts. A late event takes its place in time; what is promised for events out
/// of order, the module `history` says. State is bounded: what goes first at
/// the bound, the module `table` says, and it is counted; what is quiet is forgotten.
#[derive(Debug)]
pub struct Context {
    table: Arc<FieldTable>,
    sessions: Table<Session>,
    users: Table<User>,
    principals: Principals,
    tokens: Table<Token>,
    routine: Routine,
    told: Table<Told>,
    watermark_ms: i64,
}

/// The tables by the first byte of their keys.
const SESSIONS: u8 = b's';
const USERS: u8 = b'u';
const TOKENS: u8 = b't';
const TOLD: u8 = b'n';

/// What the user's state says of one event.
#[derive(Default)]
struct OfUser {
    facts: Option<UserFacts>,
    travel: Option<TravelFacts>,
    concurrent: Option<u32>,
    account: Account,
    machines: OfMachines,
}

impl Context {
    /// An empty state.
    pub fn new(table: Arc<FieldTable>, limits: &config::Limits) -> Self {
        Self {
            table,
            sessions: Table::new(limits.sessions, limits::SESSION_QUIET_MS),
            users: Table::new(limits.users, limits::USER_QUIET_MS),
            principals: Principals::default(),
            tokens: Table::new(limits.tokens, limits::TOKEN_QUIET_MS),
            routine: Routine::new(limits.users),
            told: Table::new(limits.users, limits::USER_QUIET_MS),
            watermark_ms: i64::MIN,
        }
    }

    /// With what a configuration says of keep-alives.
    #[must_use]
    pub fn with_keepalive(mut self, keepalive: &config::Keepalive) -> Self {
        self.routine.set(keepalive);
        self
    }

    /// Replaces the fields that rules read.
    pub fn set_table(&mut self, table: Arc<FieldTable>) {
        self.table = table;
    }

    /// Takes `[principals]` of the configuration.
    pub fn list(&mut self, principals: &config::Principals) {
        self.principals.list(principals);
    }

    /// What can be said of an event that the state must not take in.
    pub fn apart(&self, mut observation: Observation, late: bool) -> Enriched {
        let principal = self.principals.alone(&observation);
        Filler::new(&self.table, &mut observation.event.fields).principal(&principal);
        Enriched { principal, ..Enriched::alone(observation, late) }
    }

    /// Takes the event into the state and says what the state makes of it.
    pub fn enrich(&mut self, mut observation: Observation, late: bool, tally: &mut Tally) -> Enriched {
        let by = touch(&observation.event);
        let told = self.told(&observation.event);
        let principal = self.principal(&observation, told.as_ref(), by, tally);
        // Who only gets tokens has many addresses, and no place.
        let own = own_address(&observation).filter(|_| principal.is.class != PrincipalClass::TokenGranter);
        let user = self.user(&observation, (own, told.as_ref()), by, tally);
        let (mut session, admin) = self.session(&observation, own, by, &user.account, tally).unzip();
        if let (Some(session), Some(concurrent)) = (&mut session, user.concurrent) {
            session.concurrent = concurrent;
        }
        let (token, admin) =
            (self.token(&observation, by, &user.account, tally).map(Box::new), admin.flatten().map(Box::new));
        let mut filler = Filler::new(&self.table, &mut observation.event.fields);
        filler.principal(&principal);
        if let Some(session) = &session {
            filler.session(session);
        }
        if let Some(facts) = &user.facts {
            filler.user(facts);
            filler.keepalive(user.machines.keepalive.as_ref());
        }
        if let Some(home) = &user.machines.home {
            filler.home(home);
        }
        if let Some(travel) = &user.travel {
            filler.travel(travel);
        }
        let OfMachines { keepalive, home } = user.machines;
        if let Some(token) = &token {
            filler.token(token);
        }
        if let Some(admin) = &admin {
            filler.admin(admin);
        }
        Enriched {
            observation,
            session,
            user: user.facts,
            travel: user.travel,
            principal,
            token,
            admin,
            keepalive,
            home,
            late,
        }
    }

    /// Takes in what somebody else did to a user of this shard; it may come twice.
    pub fn notice(&mut self, notice: &Notice, tally: &mut Tally) {
        if notice.said.of == NoticeKind::MayBeAnswered {
            return self.principals.hear(notice, tally);
        }
        let key = KeyRef { org: notice.org.as_ref(), id: &notice.id };
        // Whoever could do it has signed in.
        let by = Touch { proof: Proof::Acted, time_ms: notice.said.at_ms };
        let ((), evicted) = self.told.with(key, by, |told| told.take(&notice.said));
        tally.evict("notices", evicted);
    }

    /// What others did to the actor of an event; to most, nothing.
    fn told(&self, event: &Event) -> Option<Told> {
        let id = who::user_id(&event.fields)?;
        self.told.get(KeyRef { org: event.org.as_ref(), id }, event.published_ms).cloned()
    }

    fn principal(
        &mut self,
        observation: &Observation,
        told: Option<&Told>,
        by: Touch,
        tally: &mut Tally,
    ) -> PrincipalFacts {
        let event = &observation.event;
        let routine = &self.routine;
        let browser_day = || {
            let key = KeyRef { org: event.org.as_ref(), id: who::user_id(&event.fields)? };
            routine.browser_day(key, by.time_ms)
        };
        let role = told.is_some_and(|told| told.holds_role(by.time_ms));
        self.principals.take(observation, by, &principals::OfUser { role, browser_day: &browser_day }, tally)
    }

    /// How many sessions are held.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many users are held.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Forgets what no event after the watermark can need.
    pub fn expire(&mut self, watermark_ms: i64, _tally: &mut Tally) {
        self.watermark_ms = self.watermark_ms.max(watermark_ms);
        self.sessions.expire(self.watermark_ms);
        self.users.expire(self.watermark_ms);
        self.principals.expire(self.watermark_ms);
        self.tokens.expire(self.watermark_ms);
        self.routine.expire(self.watermark_ms);
        self.told.expire(self.watermark_ms);
    }

    /// Sessions and users held now, for metrics.
    pub fn held(&self) -> (usize, usize) {
        (self.sessions.len(), self.users.len())
    }

    /// How much each other table holds, by the names under which what goes at a bound is counted.
    pub fn entries(&self) -> Vec<(&'static str, usize)> {
        let mut entries = vec![("tokens", self.tokens.len()), ("notices", self.told.len())];
        entries.extend(self.principals.entries());
        entries.extend(self.routine.entries());
        entries
    }

    /// Whether it is kept in mind which sessions and users change from now on.
    pub fn keep_changes(&mut self, wanted: bool) {
        self.sessions.keep_changes(wanted);
        self.users.keep_changes(wanted);
        self.principals.keep_changes(wanted);
        self.tokens.keep_changes(wanted);
        self.routine.keep_changes(wanted);
        self.told.keep_changes(wanted);
    }

    /// The sessions and users that changed since the last time, if that is kept in mind.
    pub fn changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.sessions.changes(SESSIONS, &self.table, &mut changes);
        self.users.changes(USERS, &self.table, &mut changes);
        self.principals.changes(&self.table, &mut changes);
        self.tokens.changes(TOKENS, &self.table, &mut changes);
        self.routine.changes(&self.table, &mut changes);
        self.told.changes(TOLD, &self.table, &mut changes);
        changes
    }

    /// Takes in what is held of a session, user or token; `false` if the key is of none.
    ///
    /// # Errors
    /// The bytes say what cannot be.
    pub fn restore(&mut self, names: &mut Names, change: &Change) -> Result<bool, Corrupt> {
        let (fields, value) = (&self.table, change.value.as_deref());
        match change.key.split_first() {
            Some((&SESSIONS, key)) => self.sessions.restore(key, value, fields, names)?,
            Some((&USERS, key)) => self.users.restore(key, value, fields, names)?,
            Some((&TOKENS, key)) => self.tokens.restore(key, value, fields, names)?,
            Some((&TOLD, key)) => self.told.restore(key, value, fields, names)?,
            _ => {
                return Ok(self.principals.restore(names, change, fields)?
                    || self.routine.restore(fields, names, change)?);
            }
        }
        Ok(true)
    }

    /// Goes on at the watermark up to which it had expired, which belongs to no key.
    pub fn resume(&mut self, watermark_ms: i64) {
        self.watermark_ms = watermark_ms;
    }

    fn user(
        &mut self,
        observation: &Observation,
        (own, told): (Option<IpAddr>, Option<&Told>),
        by: Touch,
        tally: &mut Tally,
    ) -> OfUser {
        let event = &observation.event;
        let Some(id) = who::user_id(&event.fields) else { return OfUser::default() };
        let (at_ms, watermark_ms) = (event.published_ms, self.watermark_ms);
        let key = KeyRef { org: event.org.as_ref(), id };
        let machines = self.routine.machines(key, observation, own, by, tally);
        let is_keepalive = machines.keepalive.is_some();
        // What a machine sends by itself is no journey: it may stay where its user is not.
        let travels = own.is_some() && !is_keepalive;
        let (mut of_user, evicted) = self.users.with(key, by, |user| {
            let facts = user.take(at_ms, by.proof == Proof::Acted);
            let travel = travels.then(|| user.visit(observation, watermark_ms, tally)).flatten();
            let session = session::id(&event.fields);
            user.account.take(event, session);
            let account = user.account.clone();
            let concurrent = session.map(|session| user.concurrent(session, at_ms, watermark_ms, tally));
            OfUser { facts: Some(facts), travel, concurrent, account, machines }
        });
        if let Some(told) = told {
            of_user.account.told(told, event);
        }
        if let Some(facts) = &mut of_user.facts {
            self.routine.habits(key, observation, (own, is_keepalive), by, facts, tally);
            facts.id = CompactString::from(id);
            facts.login = who::login(&event.fields).unwrap_or_default();
        }
        tally.evict("users", evicted);
        of_user
    }

    fn session(
        &mut self,
        observation: &Observation,
        own: Option<IpAddr>,
        by: Touch,
        account: &Account,
        tally: &mut Tally,
    ) -> Option<(SessionFacts, Option<AdminFacts>)> {
        let event = &observation.event;
        let id = session::id(&event.fields)?;
        let watermark_ms = self.watermark_ms;
        let key = |id| KeyRef { org: event.org.as_ref(), id };
        let take = |session: &mut Session| session.take(id, observation, own, account, watermark_ms);
        let ((mut facts, mut admin), evicted) = self.sessions.with(key(id), by, take);
        facts.id = CompactString::from(id);
        tally.evict("sessions", evicted);
        if let Some(admin) = admin.as_mut().filter(|admin| admin.without_entry) {
            let root = session::root(&event.fields, id)
                .and_then(|root| self.sessions.get(key(root), event.published_ms));
            admin.without_entry = !root.is_some_and(|root| root.has_entered(event.published_ms));
        }
        Some((facts, admin))
    }

    fn token(
        &mut self,
        observation: &Observation,
        by: Touch,
        account: &Account,
        tally: &mut Tally,
    ) -> Option<TokenFacts> {
        let event = &observation.event;
        let id = token::id(&event.fields)?;
        let key = token::key(event, id)?;
        let key = KeyRef { org: event.org.as_ref(), id: &key };
        let (mut facts, evicted) = self.tokens.with(key, by, |token| token.take(observation, account, tally));
        facts.id = CompactString::from(id);
        tally.evict("tokens", evicted);
        Some(facts)
    }
}

/// Who makes an event, and when.
fn touch(event: &Event) -> Touch {
    let text = |field| event.fields.text(field).unwrap_or_default();
    let proof = Proof::of(text(core::ACTOR_ID), text(core::OUTCOME_RESULT));
    Touch { proof, time_ms: event.published_ms }
}

#[cfg(test)]
mod tests;
