//! What does a user's routine make of an event: what the user is used to, and what machines send by themselves?
//!
//! Both are held apart from what else is known of the user, and taken in only where they change: each change
//! is written to the changelog, and most events change neither.

use std::net::IpAddr;

use super::act::{Act, DAY_S};
use super::habits::Habits;
use super::keepalive::{Sent, Settings, Spot, machine};
use super::machines::{Here, Machines};
use super::own_address::is_act;
use super::table::{KeyRef, Table};
use crate::config;
use crate::limits;
use crate::model::{
    Change, FieldTable, HomeFacts, IpRole, KeepaliveFacts, Observation, Place, Tally, UserFacts,
};
use crate::state::{Corrupt, Names, Touch};

/// The tables by the first byte of their keys.
const HABITS: u8 = b'h';
const MACHINES: u8 = b'k';

/// The routines of all users.
#[derive(Debug)]
pub(super) struct Routine {
    habits: Table<Habits>,
    machines: Table<Machines>,
    settings: Settings,
}

/// What the routine says of where an event came from.
#[derive(Debug, Default)]
pub(super) struct OfMachines {
    /// It is a keep-alive.
    pub keepalive: Option<KeepaliveFacts>,
    /// Where the user's machine is at home.
    pub home: Option<HomeFacts>,
}

impl Routine {
    /// No routines, for at most so many users.
    pub fn new(users: usize) -> Self {
        Self {
            habits: Table::new(users, limits::HABITS_QUIET_MS),
            machines: Table::new(users, limits::MACHINES_QUIET_MS),
            settings: Settings::new(&config::Keepalive::default()),
        }
    }

    /// Replaces what the configuration says of keep-alives.
    pub fn set(&mut self, keepalive: &config::Keepalive) {
        self.settings = Settings::new(keepalive);
    }

    /// Takes in what may be a keep-alive, and says where home is. `own` is the user's own address, if the
    /// event tells it.
    pub fn machines(
        &mut self,
        key: KeyRef<'_>,
        observation: &Observation,
        own: Option<IpAddr>,
        by: Touch,
        tally: &mut Tally,
    ) -> OfMachines {
        let settings = &self.settings;
        let sent = Sent::of(observation, settings);
        if let Some(sent) = &sent {
            let known = self.machines.get(key, by.time_ms);
            let is_news = known.map_or(sent.is_done, |known| known.is_news(sent, settings));
            if is_news {
                let learn = |machines: &mut Machines| machines.learn(sent, settings, &mut *tally);
                let ((), evicted) = self.machines.with(key, by, learn);
                tally.evict("machines", evicted);
            }
        }
        let Some(machines) = self.machines.get(key, by.time_ms) else { return OfMachines::default() };
        let keepalive = sent.and_then(|sent| machines.judge(&sent, settings));
        let home = machines.home(&here(observation, own), settings);
        OfMachines { keepalive, home }
    }

    /// Takes in an act and says what of it the user is not used to.
    pub fn habits(
        &mut self,
        key: KeyRef<'_>,
        observation: &Observation,
        (own, is_keepalive): (Option<IpAddr>, bool),
        by: Touch,
        facts: &mut UserFacts,
        tally: &mut Tally,
    ) {
        let at_s = by.time_ms.div_euclid(1_000);
        let known = self.habits.get(key, by.time_ms);
        if let Some(known) = known {
            facts.dormant_days = known.dormant_days(at_s);
            let first_s = known.first_s().unwrap_or(at_s);
            facts.known_days = facts.known_days.max(at_s.saturating_sub(first_s) / DAY_S);
        }
        if !is_act(observation) {
            return;
        }
        let act = Act::of(observation, own, is_keepalive);
        let changes = match known {
            Some(known) => known.judge(&act, facts),
            None => Habits::default().judge(&act, facts),
        };
        if changes {
            let learn = |habits: &mut Habits| habits.learn(&act, &mut *tally);
            let ((), evicted) = self.habits.with(key, by, learn);
            tally.evict("habits", evicted);
        }
    }

    /// The last day (since the epoch) on which a user was at a browser.
    pub fn browser_day(&self, key: KeyRef<'_>, at_ms: i64) -> Option<i64> {
        self.habits.get(key, at_ms).and_then(Habits::browser_day)
    }

    /// How much each table holds.
    pub fn entries(&self) -> [(&'static str, usize); 2] {
        [("habits", self.habits.len()), ("machines", self.machines.len())]
    }

    /// Forgets what no event after the watermark can need.
    pub fn expire(&mut self, watermark_ms: i64) {
        self.habits.expire(watermark_ms);
        self.machines.expire(watermark_ms);
    }

    /// Whether it is kept in mind what changes from now on.
    pub fn keep_changes(&mut self, wanted: bool) {
        self.habits.keep_changes(wanted);
        self.machines.keep_changes(wanted);
    }

    /// Adds what changed since the last time, if that is kept in mind.
    pub fn changes(&mut self, table: &FieldTable, changes: &mut Vec<Change>) {
        self.habits.changes(HABITS, table, changes);
        self.machines.changes(MACHINES, table, changes);
    }

    /// Takes in what is held of a user; `false` if the key is of something else.
    ///
    /// # Errors
    /// The bytes say what cannot be.
    pub fn restore(
        &mut self,
        table: &FieldTable,
        names: &mut Names,
        change: &Change,
    ) -> Result<bool, Corrupt> {
        let value = change.value.as_deref();
        match change.key.split_first() {
            Some((&HABITS, key)) => self.habits.restore(key, value, table, names)?,
            Some((&MACHINES, key)) => self.machines.restore(key, value, table, names)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Where an event is.
fn here(observation: &Observation, own: Option<IpAddr>) -> Here {
    let is_site = |place: &Place| place.ip.site.is_some() && place.ip.role.of == IpRole::UserAgent;
    let place = observation.place.as_deref();
    Here {
        at_s: observation.event.published_ms.div_euclid(1_000),
        machine: machine(&observation.event.fields),
        spot: place.zip(own).map(|(place, ip)| Spot::of(place, ip)),
        is_shared: place.is_some_and(|place| place.relay() == Some(true) || is_site(place)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::enrich::Context;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{Enriched, FieldId, Value, core};

    const MINUTE_MS: i64 = 60_000;
    const DAY_MS: i64 = DAY_S * 1_000;
    const LISBON: (&str, &str, u32, (f64, f64)) = ("203.0.113.1", "PT", 1, (38.72, -9.14));
    const BERLIN: (&str, &str, u32, (f64, f64)) = ("198.51.100.1", "DE", 2, (52.52, 13.40));
    const PROGRAM: [(FieldId, &str); 2] =
        [(core::CLIENT_USER_AGENT, "Checker/2.1"), (core::REQUEST_URI, "/api/v1/authn")];
    const BROWSER: [(FieldId, &str); 2] =
        [(core::CLIENT_USER_AGENT, "Mozilla/5.0 (X11)"), (core::REQUEST_URI, "/idp/idx/identify")];

    type Network = (&'static str, &'static str, u32, (f64, f64));

    fn context() -> Context {
        Context::new(Arc::default(), &config::Limits::default())
    }

    fn act(context: &mut Context, at_ms: i64, network: Network, values: &[(FieldId, &str)]) -> Enriched {
        let (ip, country, asn, point) = network;
        let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
        let event = event(at_ms, &at_ms.to_string(), &values);
        let place = place(ip, country, asn, Some(point));
        context.enrich(observation(event, Some(place)), false, &mut Tally::default())
    }

    #[test]
    fn keep_alives_make_no_journey_no_working_hours_and_no_device() {
        let mut context = context();
        for n in 0..4 {
            act(&mut context, n * 15 * MINUTE_MS, LISBON, &PROGRAM);
        }
        let enriched = act(&mut context, 60 * MINUTE_MS, BERLIN, &PROGRAM);
        assert!(enriched.keepalive.is_some() && enriched.travel.is_none());
        let facts = enriched.user.unwrap();
        assert!(facts.new_country && facts.new_asn && !facts.new_device, "only where it is");
    }

    #[test]
    fn somebody_else_far_away_is_elsewhere_and_travels() {
        let mut context = context();
        for n in 0..4 {
            act(&mut context, n * 15 * MINUTE_MS, LISBON, &PROGRAM);
        }
        let enriched = act(&mut context, 50 * MINUTE_MS, BERLIN, &BROWSER);
        assert!(enriched.keepalive.is_none() && enriched.home.unwrap().elsewhere);
        let refused: Vec<_> = BROWSER.into_iter().chain([(core::OUTCOME_RESULT, "FAILURE")]).collect();
        let enriched = act(&mut context, 51 * MINUTE_MS, BERLIN, &refused);
        assert!(!enriched.home.unwrap().elsewhere, "who did not get in is nobody's");
    }

    #[test]
    fn an_application_a_factor_and_a_machine_are_new_once() {
        let mut context = context();
        let open = |app: &'static str, token: &'static str| {
            let mut values = BROWSER.to_vec();
            values.extend([(core::EVENT_TYPE, "user.authentication.sso"), (core::DT_HASH, token)]);
            values.extend([(core::TARGET_TYPE, "AppInstance"), (core::TARGET_ID, app)]);
            values
        };
        let mut new = |at_ms, app, token| {
            let facts = act(&mut context, at_ms, LISBON, &open(app, token)).user.unwrap();
            (facts.new_app, facts.new_device)
        };
        assert_eq!(new(0, "0oamail", "a"), (false, false));
        assert_eq!(new(1, "0oapay", "a"), (true, false));
        assert_eq!(new(2, "0oapay", "b"), (false, true));
        assert_eq!(new(3, "0oamail", "b"), (false, false));
        let factor = |name| [(core::EVENT_TYPE, "user.authentication.auth_via_mfa"), (core::FACTOR, name)];
        let mut new = |at_ms, name| act(&mut context, at_ms, LISBON, &factor(name)).user.unwrap().new_factor;
        assert_eq!(
            [new(4, "FIDO_WEBAUTHN"), new(5, "SMS_FACTOR"), new(6, "SMS_FACTOR")],
            [false, true, false]
        );
    }

    #[test]
    fn a_phone_that_answers_tells_the_factor_and_not_the_place() {
        let mut context = context();
        act(&mut context, 0, LISBON, &BROWSER);
        let phone = [
            (core::EVENT_TYPE, "user.authentication.auth_via_mfa"),
            (core::REQUEST_URI, "/idp/authenticators/aut1/transactions/ft1/verify"),
            (core::FACTOR, "OKTA_VERIFY_PUSH"),
            (core::DT_HASH, "phone"),
        ];
        let facts = act(&mut context, DAY_MS, BERLIN, &phone).user.unwrap();
        assert!(!facts.new_country && !facts.new_device && facts.asn_age_s.is_none());
        assert_eq!(act(&mut context, 3 * DAY_MS, LISBON, &BROWSER).user.unwrap().dormant_days, 1);
    }

    #[test]
    fn who_comes_back_after_a_long_leave_is_still_known() {
        let mut context = context();
        act(&mut context, 0, LISBON, &BROWSER);
        let at_ms = 200 * DAY_MS;
        context.expire(at_ms, &mut Tally::default());
        let facts = act(&mut context, at_ms, BERLIN, &BROWSER).user.unwrap();
        assert_eq!((facts.dormant_days, facts.known_days, facts.events), (199, 200, 1));
        assert!(facts.new_country);
    }

    #[test]
    fn only_what_changes_is_written() {
        let mut context = context();
        context.keep_changes(true);
        let names = |context: &mut Context| -> String {
            context
                .changes()
                .iter()
                .filter_map(|change| change.key.first())
                .map(|name| char::from(*name))
                .collect()
        };
        act(&mut context, 0, LISBON, &BROWSER);
        assert_eq!(names(&mut context), "suh");
        act(&mut context, 1, LISBON, &BROWSER);
        assert_eq!(names(&mut context), "su");
        act(&mut context, DAY_MS, LISBON, &PROGRAM);
        assert_eq!(names(&mut context), "suhk");
        act(&mut context, DAY_MS + 44, LISBON, &PROGRAM);
        assert_eq!(names(&mut context), "su", "of the same cluster");
    }

    #[test]
    fn routines_move_with_their_users() {
        let mut here = context();
        here.keep_changes(true);
        let mut there = context();
        for n in 0..40 {
            let network = if n % 9 == 0 { BERLIN } else { LISBON };
            let values = if n % 2 == 0 { PROGRAM } else { BROWSER };
            act(&mut here, n * 7 * MINUTE_MS, network, &values);
            for change in here.changes() {
                assert!(there.restore(&mut Names::default(), &change).unwrap());
            }
        }
        let at_ms = 300 * MINUTE_MS;
        let facts = |context: &mut Context| {
            let enriched = act(context, at_ms, BERLIN, &PROGRAM);
            format!("{:?} {:?} {:?}", enriched.keepalive, enriched.home, enriched.user)
        };
        assert_eq!(facts(&mut here), facts(&mut there));
    }
}
