//! What do the events before make of an event?

use std::net::IpAddr;
use std::sync::Arc;

use compact_str::CompactString;

use super::account::Account;
use super::fill::Filler;
use super::own_address::own_address;
use super::principals::Principals;
use super::routine::{OfMachines, Routine};
use super::session::{self, Session};
use super::table::{KeyRef, Table};
use super::token::{self, Token};
use super::told::Told;
use super::user::User;
use super::who;
use crate::model::{
    AdminFacts, Change, Enriched, Event, FieldTable, Notice, NoticeKind, Observation, PrincipalClass,
    SessionFacts, Tally, TokenFacts, TravelFacts, UserFacts, core,
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
        let role = self.holds_role(&observation.event);
        let principal = self.principals.take(&observation, by, role, tally);
        // Who only gets tokens has many addresses, and no place.
        let own = own_address(&observation).filter(|_| principal.is.class != PrincipalClass::TokenGranter);
        let user = self.user(&observation, own, by, tally);
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

    /// Whether the actor of an event was given an administrator's role, and none was taken away since.
    fn holds_role(&self, event: &Event) -> bool {
        let (Some(id), at_ms) = (who::user_id(&event.fields), event.published_ms) else { return false };
        let told = self.told.get(KeyRef { org: event.org.as_ref(), id }, at_ms);
        let last = |of| told.and_then(|told| told.last(of, at_ms)).map(|said| said.at_ms);
        last(NoticeKind::RoleGranted) > last(NoticeKind::RoleRevoked)
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
        own: Option<IpAddr>,
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
        if let Some(told) = self.told.get(KeyRef { org: event.org.as_ref(), id }, at_ms) {
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
mod tests {
    use super::*;
    use crate::enrich::cause;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{FieldId, Said, Value};

    const LISBON: (f64, f64) = (38.72, -9.14);
    const BERLIN: (f64, f64) = (52.52, 13.40);

    fn context(sessions: usize, users: usize) -> Context {
        let limits = config::Limits { sessions, users, ..config::Limits::default() };
        Context::new(Arc::default(), &limits)
    }

    fn run(context: &mut Context, at_ms: i64, values: &[(FieldId, Value<'_>)]) -> (Enriched, Tally) {
        let mut tally = Tally::default();
        let place = place("203.0.113.1", "PT", 1, Some(LISBON));
        let uuid = at_ms.to_string();
        let enriched =
            context.enrich(observation(event(at_ms, &uuid, values), Some(place)), false, &mut tally);
        (enriched, tally)
    }

    #[test]
    fn session_user_and_travel_come_together() {
        let mut context = context(10, 10);
        run(&mut context, 0, &[]);
        let berlin = place("198.51.100.1", "DE", 2, Some(BERLIN));
        let event = event(1_800_000, "leap", &[(core::SESSION_ID, Value::Text("idxtwo"))]);
        let enriched = context.enrich(observation(event, Some(berlin)), true, &mut Tally::default());
        let (session, user, travel) =
            (enriched.session.unwrap(), enriched.user.unwrap(), enriched.travel.unwrap());
        assert_eq!((session.id.as_str(), session.events, session.concurrent), ("idxtwo", 1, 2));
        assert_eq!((user.id.as_str(), user.login.as_str(), user.events), ("00uana", "ana@example.com", 2));
        assert!(user.new_country && user.new_asn);
        assert!(travel.km > 2000.0 && travel.kmh > 4000.0);
        assert_eq!(travel.from_uuid, "0");
        assert!(enriched.late);
        assert_eq!(context.held(), (2, 1));
    }

    #[test]
    fn what_a_token_does_is_not_the_user_s_own() {
        let mut context = context(10, 10);
        let type_of = |kind| (core::EVENT_TYPE, Value::Text(kind));
        run(&mut context, 0, &[type_of("user.session.access_admin_app")]);
        let target = [(core::TARGET_TYPE, Value::Text("Token")), (core::TARGET_ID, Value::Text("00T1"))];
        let (made, _) =
            run(&mut context, 60_000, &[type_of("system.api_token.create"), target[0], target[1]]);
        assert_eq!(made.token.unwrap().uses, 0);
        let used = [(core::API_TOKEN_ID, Value::Text("00T1")), type_of("user.lifecycle.create")];
        let berlin = place("198.51.100.1", "DE", 2, Some(BERLIN));
        let observation = observation(event(120_000, "used", &used), Some(berlin));
        let enriched = context.enrich(observation, false, &mut Tally::default());
        let (token, user) = (enriched.token.unwrap(), enriched.user.unwrap());
        assert_eq!((token.id.as_str(), token.uses, token.age_s), ("00T1", 1, Some(60)));
        assert!(token.elsewhere && token.owner_admin);
        assert!(enriched.session.is_none() && enriched.travel.is_none() && enriched.admin.is_none());
        assert!(!user.new_country && !user.new_asn);
        let (own, _) = run(&mut context, 180_000, &[]);
        assert_eq!(own.session.unwrap().events, 3);
        assert!(own.travel.is_none() && own.token.is_none() && own.admin.is_some());
    }

    #[test]
    fn the_same_token_of_two_owners_is_two() {
        let mut context = context(10, 10);
        let used = [(core::API_TOKEN_ID, Value::Text("00T1")), (core::ACTOR_ID, Value::Text("00uben"))];
        run(&mut context, 0, &used[..1]);
        assert_eq!(run(&mut context, 1, &used).0.token.unwrap().uses, 1);
        assert_eq!(run(&mut context, 2, &used[..1]).0.token.unwrap().uses, 2);
    }

    #[test]
    fn strangers_and_services_make_no_user() {
        let mut context = context(10, 10);
        let stranger = [
            (core::ACTOR_ID, Value::Text("")),
            (core::SESSION_ID, Value::Text("")),
            (core::OUTCOME_RESULT, Value::Text("FAILURE")),
        ];
        let service =
            [(core::ACTOR_TYPE, Value::Text("SystemPrincipal")), (core::SESSION_ID, Value::Text("trs1"))];
        for values in [&stranger[..], &service[..]] {
            let (enriched, _) = run(&mut context, 0, values);
            assert!(enriched.user.is_none() && enriched.session.is_none() && enriched.travel.is_none());
        }
        assert_eq!(context.held(), (0, 0));
    }

    #[test]
    fn a_failed_sign_in_from_afar_does_not_make_the_place_known() {
        let mut context = context(10, 10);
        run(&mut context, 0, &[]);
        let berlin = || Some(place("198.51.100.1", "DE", 2, Some(BERLIN)));
        let mut visit = |at_ms, result| {
            let event = event(at_ms, &at_ms.to_string(), &[(core::OUTCOME_RESULT, Value::Text(result))]);
            let enriched = context.enrich(observation(event, berlin()), false, &mut Tally::default());
            (enriched.user.unwrap().new_country, enriched.travel.is_some())
        };
        assert_eq!(visit(10, "FAILURE"), (false, false));
        assert_eq!(visit(20, "SUCCESS"), (true, true));
    }

    #[test]
    fn what_goes_at_the_bound_is_counted_by_table() {
        let mut context = context(2, 1);
        run(&mut context, 0, &[]);
        let (_, tally) = run(&mut context, 1, &[(core::SESSION_ID, Value::Text("idxtwo"))]);
        assert!(tally.evicted_state.is_empty());
        let other = [(core::SESSION_ID, Value::Text("idxthree")), (core::ACTOR_ID, Value::Text("00uben"))];
        let (_, tally) = run(&mut context, 2, &other);
        assert_eq!(tally.evicted_state, [("habits", 1), ("users", 1), ("sessions", 1)]);
        assert_eq!(context.held(), (2, 1));
    }

    #[test]
    fn the_watermark_forgets_quiet_sessions_and_never_goes_back() {
        let mut context = context(10, 10);
        run(&mut context, 0, &[]);
        context.expire(limits::SESSION_QUIET_MS, &mut Tally::default());
        assert_eq!(context.held(), (1, 1));
        context.expire(limits::SESSION_QUIET_MS + 120_000, &mut Tally::default());
        context.expire(0, &mut Tally::default());
        assert_eq!(context.held(), (0, 1));
        let (enriched, _) = run(&mut context, limits::SESSION_QUIET_MS + 120_000, &[]);
        assert_eq!(enriched.session.unwrap().events, 1);
        assert_eq!(enriched.user.unwrap().events, 2);
    }

    #[test]
    fn orgs_are_kept_apart() {
        let mut context = context(10, 10);
        run(&mut context, 0, &[]);
        let mut other = event(1, "u", &[]);
        other.org = Some(Arc::from("other"));
        let enriched = context.enrich(observation(other, None), false, &mut Tally::default());
        assert_eq!((enriched.session.unwrap().events, enriched.user.unwrap().events), (1, 1));
    }

    #[test]
    fn who_was_given_a_role_is_an_administrator_until_it_is_taken_away() {
        let mut context = context(10, 10);
        let reason = |context: &mut Context, at_ms| run(context, at_ms, &[]).0.principal.is.reason.as_str();
        let tell = |context: &mut Context, of, at_ms| {
            let said = Said { of, at_ms, uuid: at_ms.to_string().into(), ..Said::default() };
            let notice =
                Notice { org: Some(Arc::from("acme")), id: "00uana".into(), said, ..Notice::default() };
            context.notice(&notice, &mut Tally::default());
        };
        assert_eq!(reason(&mut context, 0), "user");
        tell(&mut context, NoticeKind::RoleGranted, 10);
        assert_eq!((reason(&mut context, 5), reason(&mut context, 20)), ("user", "holds_role"));
        tell(&mut context, NoticeKind::RoleRevoked, 30);
        assert_eq!(reason(&mut context, 40), "user");
    }

    #[test]
    fn what_okta_answers_is_told_with_what_it_is() {
        let mut context = context(10, 10);
        let change = [(core::EVENT_TYPE, Value::Text("user.account.update_password"))];
        let cause = cause(&observation(event(0, "cause", &change), None)).unwrap();
        context.notice(&cause, &mut Tally::default());
        let system = [
            (core::ACTOR_TYPE, Value::Text("SystemPrincipal")),
            (core::EVENT_TYPE, Value::Text("system.email.password_reset.sent_message")),
            (core::TARGET_TYPE, Value::Text("User")),
            (core::TARGET_ID, Value::Text("00uana")),
        ];
        let facts = run(&mut context, 1_000, &system).0.principal.system.unwrap();
        assert_eq!((facts.class.as_str(), facts.reason.as_str()), ("reaction", "message"));
        assert_eq!(facts.cause.unwrap().uuid, "cause");
    }

    #[test]
    fn a_flood_of_failed_sign_ins_costs_no_session_and_no_user_that_got_in() {
        let mut context = context(20, 20);
        run(&mut context, 0, &[]);
        let failed = (core::OUTCOME_RESULT, Value::Text("FAILURE"));
        let mut tally = Tally::default();
        for n in 1..500_i64 {
            let (session, user) = (format!("idx{n}"), format!("00u{n}"));
            let values = [failed, (core::SESSION_ID, Value::Text(&session))];
            let id = if n % 2 == 0 { user.as_str() } else { "" };
            let (_, more) = run(&mut context, n, &[values[0], values[1], (core::ACTOR_ID, Value::Text(id))]);
            more.evicted_state.into_iter().for_each(|(table, count)| tally.evict(table, count));
        }
        assert_eq!(context.held(), (20, 20));
        tally.evicted_state.sort_unstable();
        assert_eq!(tally.evicted_state, [("sessions", 480), ("users", 230)]);
        let (enriched, _) = run(&mut context, 1_000, &[]);
        assert_eq!((enriched.session.unwrap().events, enriched.user.unwrap().events), (2, 2));
    }
}
