//! What is known of an Okta session?

use std::net::IpAddr;

use super::account::{Account, Over};
use super::agent::hash;
use super::console::{self, Work};
use super::history::{History, Seen};
use super::trace::Trace;
use super::{token, who};
use crate::model::{AdminFacts, Ending, Event, Factors, Fields, Observation, SessionFacts, core};
use crate::{durable, limits};

/// Start of the ids of transient sessions: those of API tokens and of sign-ins under way, which
/// are as many as requests.
const TRANSIENT: &str = "trs";

/// Event of passing a factor.
const FACTOR: &str = "user.authentication.auth_via_mfa";

/// Event of opening an application.
const OPENED: &str = "user.authentication.sso";

/// Outcomes of what was really done.
const DONE: &[&str] = &["SUCCESS", "ALLOW"];

/// The state of one session.
#[derive(Debug, Default)]
pub(super) struct Session {
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    events: u64,
    /// Its beginning was seen.
    begun: bool,
    admin_ms: Option<i64>,
    mfa_ms: Option<i64>,
    factors: Factors,
    /// Applications it opened, as hashes.
    apps: Vec<u32>,
    writes: u64,
    reads: u64,
    /// It was ended by itself.
    ended: Option<(i64, Ending)>,
    seen: History<Trace>,
}

durable!(Session {
    first_ms,
    last_ms,
    events,
    begun,
    admin_ms,
    mfa_ms,
    factors,
    apps,
    writes,
    reads,
    ended,
    seen
});

/// The id of the event's session, if it is one that lasts: its own, else the one it was derived from. What an
/// API token does is no session's.
pub(super) fn id(fields: &Fields) -> Option<&str> {
    let lasts = |id: &&str| !id.starts_with(TRANSIENT);
    let own = fields.text(core::SESSION_ID).filter(lasts);
    let root = || fields.text(core::ROOT_SESSION_ID).filter(lasts).filter(|_| who::is_user(fields));
    own.or_else(root).filter(|_| !token::is_by_token(fields))
}

/// The session that the event's was derived from, if that is another.
pub(super) fn root<'f>(fields: &'f Fields, id: &str) -> Option<&'f str> {
    fields.text(core::ROOT_SESSION_ID).filter(|root| !root.starts_with(TRANSIENT) && *root != id)
}

impl Session {
    /// Takes in an event and says what the session is at it. `own` is the user's own address, if
    /// the event tells it: only then it can show a change. `account` is the user's.
    pub fn take(
        &mut self,
        id: &str,
        observation: &Observation,
        own: Option<IpAddr>,
        account: &Account,
        watermark_ms: i64,
    ) -> (SessionFacts, Option<AdminFacts>) {
        let event = &observation.event;
        let at_ms = event.published_ms;
        let silent_ms = self.last_ms.map(|last_ms| at_ms.saturating_sub(last_ms).max(0));
        let first_ms = earlier(&mut self.first_ms, at_ms);
        self.last_ms = self.last_ms.max(Some(at_ms));
        self.events += 1;
        let over = self.over(id, account, at_ms);
        let kind = event.fields.text(core::EVENT_TYPE).unwrap_or_default();
        if event.fields.text(core::OUTCOME_RESULT).is_some_and(|result| DONE.contains(&result)) {
            self.done(kind, event);
        }
        let work = Work::of(event);
        self.writes += u64::from(work.write);
        self.reads += u64::from(work.read);
        let mut facts = SessionFacts {
            age_s: at_ms.saturating_sub(first_ms) / 1_000,
            events: self.events,
            concurrent: 1,
            admin: self.admin_ms.is_some_and(|since_ms| since_ms <= at_ms),
            mfa: self.mfa_ms.is_some_and(|since_ms| since_ms <= at_ms),
            factors: self.factors,
            apps: u32::try_from(self.apps.len()).unwrap_or(u32::MAX),
            ended_by: over.map(|(_, by)| by),
            since_end_s: over.map(|(over_ms, _)| at_ms.saturating_sub(over_ms) / 1_000),
            ..SessionFacts::default()
        };
        if let Some(ip) = own {
            self.trace(observation, ip, watermark_ms, &mut facts);
        }
        let admin = self.admin(work, at_ms, silent_ms);
        (facts, admin)
    }

    /// Where the session is used, and what differs from where it was.
    fn trace(&mut self, observation: &Observation, ip: IpAddr, watermark_ms: i64, facts: &mut SessionFacts) {
        let event = &observation.event;
        let around = self.seen.around(event.published_ms, &event.uuid);
        let before = around.before().next().map(|seen| &seen.what);
        let trace = Trace::of(observation, ip, before);
        trace.compare(&around, facts);
        let seen = Seen { at_ms: event.published_ms, uuid: event.uuid.clone(), what: trace };
        self.seen.insert(seen, watermark_ms, Trace::inherit);
    }

    /// What was done successfully.
    fn done(&mut self, kind: &str, event: &Event) {
        let at_ms = event.published_ms;
        match kind {
            "user.session.start" => self.begun = true,
            console::ENTRY => drop(earlier(&mut self.admin_ms, at_ms)),
            FACTOR => {
                earlier(&mut self.mfa_ms, at_ms);
                self.factors.insert(event.fields.text(core::FACTOR).unwrap_or_default());
            }
            OPENED => self.opened(event),
            "user.session.end" => self.ends(at_ms, Ending::End),
            "user.session.expire" => self.ends(at_ms, Ending::Expire),
            _ => {}
        }
    }

    fn opened(&mut self, event: &Event) {
        for app in console::targets(&event.fields, "AppInstance").map(hash) {
            if !self.apps.contains(&app) && self.apps.len() < limits::APPS_PER_SESSION {
                self.apps.push(app);
            }
        }
    }

    fn ends(&mut self, at_ms: i64, by: Ending) {
        if self.ended.is_none_or(|(over_ms, _)| over_ms < at_ms) {
            self.ended = Some((at_ms, by));
        }
    }

    /// When and by what the session was over before this time: by itself, or with all of the user's.
    fn over(&self, id: &str, account: &Account, at_ms: i64) -> Option<(i64, Ending)> {
        let own = self.ended.filter(|(over_ms, _)| *over_ms < at_ms);
        let began_ms = self.first_ms.unwrap_or(at_ms);
        let all = account.over(id, began_ms, at_ms).map(|Over { at_ms, by, .. }| (at_ms, by));
        own.into_iter().chain(all).max_by_key(|(over_ms, _)| *over_ms)
    }

    /// Whether the session has entered the Admin Console by this time.
    pub fn has_entered(&self, at_ms: i64) -> bool {
        self.admin_ms.is_some_and(|since_ms| since_ms <= at_ms)
    }

    /// What the session is as an administrator's, if it is one.
    fn admin(&self, work: Work, at_ms: i64, silent_ms: Option<i64>) -> Option<AdminFacts> {
        let entered_ms = self.admin_ms.filter(|since_ms| *since_ms <= at_ms);
        if entered_ms.is_none() && work.is_none() {
            return None;
        }
        Some(AdminFacts {
            seconds: entered_ms.map(|since_ms| at_ms.saturating_sub(since_ms) / 1_000),
            write: work.write,
            read: work.read,
            writes: self.writes,
            reads: self.reads,
            silent_s: entered_ms.and(silent_ms).map(|silent_ms| silent_ms / 1_000),
            without_entry: entered_ms.is_none() && work.console && self.begun,
        })
    }
}

/// Moves a time to the earlier of two and gives it.
pub(super) fn earlier(since_ms: &mut Option<i64>, at_ms: i64) -> i64 {
    let earlier = since_ms.map_or(at_ms, |since_ms| since_ms.min(at_ms));
    *since_ms = Some(earlier);
    earlier
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::enrich::own_address::own_address;
    use crate::enrich::testing::{event, observation, permutations, place};
    use crate::model::{FieldId, Value};

    fn take(session: &mut Session, at_ms: i64, ip: &str, values: &[(FieldId, Value<'_>)]) -> SessionFacts {
        let country = if ip.starts_with("198") { "DE" } else { "PT" };
        let system = if ip.starts_with("198") { 64501 } else { 64500 };
        let uuid = format!("{at_ms:04}");
        let observation = observation(event(at_ms, &uuid, values), Some(place(ip, country, system, None)));
        session.take("idxone", &observation, own_address(&observation), &Account::default(), i64::MIN).0
    }

    #[test]
    fn transient_sessions_are_none() {
        let id =
            |text| id(&event(0, "u", &[(core::SESSION_ID, Value::Text(text))]).fields).map(str::to_owned);
        assert_eq!(id("idx1").as_deref(), Some("idx1"));
        assert_eq!(id("102abc").as_deref(), Some("102abc"));
        assert_eq!(id("trs1"), None);
        assert_eq!(id(""), None);
    }

    #[test]
    fn age_and_events_count_from_the_first_event_in_time() {
        let mut session = Session::default();
        let facts = take(&mut session, 100_000, "203.0.113.1", &[]);
        assert_eq!((facts.age_s, facts.events), (0, 1));
        let facts = take(&mut session, 40_000, "203.0.113.1", &[]);
        assert_eq!((facts.age_s, facts.events), (0, 2), "a late event is the first then");
        let facts = take(&mut session, 160_999, "203.0.113.1", &[]);
        assert_eq!((facts.age_s, facts.events), (120, 3));
    }

    #[test]
    fn a_factor_and_the_admin_console_count_from_their_time_on() {
        let mut session = Session::default();
        let factor = [(core::EVENT_TYPE, Value::Text(FACTOR))];
        let denied =
            [(core::EVENT_TYPE, Value::Text(console::ENTRY)), (core::OUTCOME_RESULT, Value::Text("FAILURE"))];
        let admin = [(core::EVENT_TYPE, Value::Text(console::ENTRY))];
        let mut facts = |at_ms, values: &[_]| {
            let facts = take(&mut session, at_ms, "203.0.113.1", values);
            (facts.mfa, facts.admin)
        };
        assert_eq!(facts(10, &[]), (false, false));
        assert_eq!(facts(20, &factor), (true, false));
        assert_eq!(facts(30, &denied), (true, false));
        assert_eq!(facts(40, &admin), (true, true));
        assert_eq!(facts(35, &[]), (true, false), "a late event from before");
        assert_eq!(facts(50, &[]), (true, true));
    }

    #[test]
    fn what_an_api_token_does_is_no_session_s_and_a_missing_id_is_the_root_s() {
        let id = |values: &[(FieldId, Value<'_>)]| id(&event(0, "u", values).fields).map(str::to_owned);
        let root = (core::ROOT_SESSION_ID, Value::Text("idxroot"));
        assert_eq!(id(&[(core::API_TOKEN_ID, Value::Text("00T1")), root]), None);
        assert_eq!(id(&[root]).as_deref(), Some("idxone"));
        assert_eq!(id(&[(core::SESSION_ID, Value::Text("")), root]).as_deref(), Some("idxroot"));
        assert_eq!(id(&[(core::SESSION_ID, Value::Text("trs1")), root]).as_deref(), Some("idxroot"));
        let system = (core::ACTOR_TYPE, Value::Text("SystemPrincipal"));
        assert_eq!(id(&[(core::SESSION_ID, Value::Text("")), root, system]), None);
    }

    #[test]
    fn factors_applications_and_work_add_up() {
        let mut session = Session::default();
        let factor = |factor| [(core::EVENT_TYPE, Value::Text(FACTOR)), (core::FACTOR, Value::Text(factor))];
        let opens = |app| {
            let kind = (core::TARGET_TYPE, Value::Text("AppInstance"));
            [(core::EVENT_TYPE, Value::Text(OPENED)), kind, (core::TARGET_ID, Value::Text(app))]
        };
        take(&mut session, 10, "203.0.113.1", &factor("PASSWORD_AS_FACTOR"));
        let facts = take(&mut session, 20, "203.0.113.1", &factor("OKTA_VERIFY_PUSH"));
        assert_eq!(facts.factors.strength().as_str(), "possession");
        take(&mut session, 30, "203.0.113.1", &opens("0oa1"));
        take(&mut session, 40, "203.0.113.1", &opens("0oa2"));
        assert_eq!(take(&mut session, 50, "203.0.113.1", &opens("0oa1")).apps, 2);
    }

    fn admin(session: &mut Session, at_ms: i64, kind: &str, uri: &str) -> Option<AdminFacts> {
        let values = [(core::EVENT_TYPE, Value::Text(kind)), (core::REQUEST_URI, Value::Text(uri))];
        let observation = observation(event(at_ms, "u", &values), None);
        session.take("idxone", &observation, None, &Account::default(), i64::MIN).1
    }

    #[test]
    fn an_administrator_s_session_is_one_from_its_entry_on() {
        let mut session = Session::default();
        assert_eq!(admin(&mut session, 0, "user.session.start", "/api/v1/authn"), None);
        let facts = admin(&mut session, 10_000, console::ENTRY, "/admin/sso/callback").unwrap();
        assert_eq!((facts.seconds, facts.silent_s, facts.without_entry), (Some(0), Some(10), false));
        let facts = admin(&mut session, 70_000, "policy.rule.update", "/api/v1/policies").unwrap();
        assert_eq!((facts.write, facts.writes, facts.reads, facts.silent_s), (true, 1, 0, Some(60)));
        let facts = admin(&mut session, 75_000, "analytics.reports.export.request", "").unwrap();
        assert_eq!((facts.read, facts.writes, facts.reads, facts.seconds), (true, 1, 1, Some(65)));
        let facts = admin(&mut session, 72_000, "user.authentication.sso", "").unwrap();
        assert_eq!((facts.write, facts.silent_s), (false, Some(0)), "a late event");
    }

    #[test]
    fn the_console_without_its_entry_is_told_only_of_a_session_seen_from_its_beginning() {
        let export =
            |session: &mut Session| admin(session, 20, "analytics.reports.export.request", "").unwrap();
        let mut begun = Session::default();
        admin(&mut begun, 10, "user.session.start", "");
        assert!(export(&mut begun).without_entry);
        assert!(!export(&mut Session::default()).without_entry);
        admin(&mut begun, 15, console::ENTRY, "");
        assert!(!export(&mut begun).without_entry);
    }

    #[test]
    fn what_ended_it_is_told_after_it_and_the_last_end_counts() {
        let mut session = Session::default();
        let mut account = Account::default();
        account.sessions_over(20_000, Ending::Clear, None);
        let mut over = |at_ms: i64, kind| {
            let observation = observation(event(at_ms, "u", &[(core::EVENT_TYPE, Value::Text(kind))]), None);
            let facts = session.take("idxone", &observation, None, &account, i64::MIN).0;
            (facts.ended_by, facts.since_end_s)
        };
        assert_eq!(over(10_000, "user.session.start"), (None, None));
        assert_eq!(over(50_000, OPENED), (Some(Ending::Clear), Some(30)));
        assert_eq!(over(60_000, "user.session.end"), (Some(Ending::Clear), Some(40)));
        assert_eq!(over(90_000, OPENED), (Some(Ending::End), Some(30)));
        assert_eq!(over(15_000, OPENED), (None, None), "a late event from before");
    }

    #[test]
    fn an_update_of_the_browser_is_the_same_client() {
        let mut session = Session::default();
        let mut with = |at_ms, agent: &str, cookie| {
            let values =
                [(core::CLIENT_USER_AGENT, Value::Text(agent)), (core::DT_HASH, Value::Text(cookie))];
            let facts = take(&mut session, at_ms, "203.0.113.1", &values);
            (facts.ua_changed, facts.ua_similarity, facts.client_changed, facts.cookie_changed)
        };
        let chrome = |version| format!("Mozilla/5.0 (Windows NT 10.0) Chrome/{version}.0.0.0 Safari/537.36");
        assert_eq!(with(10, &chrome(143), "a"), (false, None, false, false));
        assert_eq!(with(20, &chrome(144), "a"), (true, Some(90), false, false));
        assert_eq!(with(30, "curl/8.1", "b"), (true, Some(0), true, true));
        assert_eq!(
            with(15, &chrome(143), ""),
            (true, Some(90), false, false),
            "between, as the later is an update"
        );
    }

    #[test]
    fn each_trait_that_changes_is_told_and_only_at_the_change() {
        let mut session = Session::default();
        let mac =
            [(core::CLIENT_OS, Value::Text("Mac OS")), (core::CLIENT_USER_AGENT, Value::Text("Safari"))];
        let windows =
            [(core::CLIENT_OS, Value::Text("Windows")), (core::CLIENT_USER_AGENT, Value::Text("Edge"))];
        let mut facts = |at_ms, ip, values: &[_]| {
            let facts = take(&mut session, at_ms, ip, values);
            [facts.ip_changed, facts.asn_changed, facts.country_changed, facts.os_changed, facts.ua_changed]
        };
        assert_eq!(facts(10, "203.0.113.1", &mac), [false; 5]);
        assert_eq!(facts(20, "203.0.113.2", &mac), [true, false, false, false, false]);
        assert_eq!(facts(30, "198.51.100.1", &windows), [true; 5]);
        assert_eq!(facts(40, "198.51.100.1", &windows), [false; 5]);
        assert_eq!(facts(50, "198.51.100.1", &mac), [false, false, false, true, true]);
    }

    #[test]
    fn what_an_event_does_not_say_is_compared_with_the_last_that_did() {
        let mut session = Session::default();
        take(&mut session, 10, "203.0.113.1", &[(core::CLIENT_OS, Value::Text("Mac OS"))]);
        assert!(!take(&mut session, 20, "203.0.113.1", &[]).os_changed);
        assert!(
            take(&mut session, 30, "203.0.113.1", &[(core::CLIENT_OS, Value::Text("Windows"))]).os_changed
        );
    }

    #[test]
    fn a_push_answered_on_a_telephone_changes_nothing() {
        let mut session = Session::default();
        let phone = [
            (core::EVENT_TYPE, Value::Text(FACTOR)),
            (core::CLIENT_USER_AGENT, Value::Text("OktaVerify/9.1 iOS/17")),
            (core::CLIENT_OS, Value::Text("iOS")),
        ];
        take(&mut session, 10, "203.0.113.1", &[]);
        let facts = take(&mut session, 20, "198.51.100.1", &phone);
        assert!(facts.mfa && !facts.ip_changed && !facts.os_changed);
        let facts = take(&mut session, 30, "203.0.113.1", &[]);
        assert!(facts.mfa && !facts.ip_changed, "nor does coming back to the browser");
    }

    /// The neighbours in time whose address differs, by index.
    fn changes(ips: &[&str]) -> Vec<usize> {
        (1..ips.len()).filter(|index| ips[index - 1] != ips[*index]).collect()
    }

    /// What is told in one order of arrival: at which event (by index) a change was.
    fn told(ips: &[&str], order: &[usize]) -> Vec<usize> {
        let mut session = Session::default();
        let at = |index: usize| i64::try_from(index).unwrap() * 10;
        let told = order.iter().filter(|index| take(&mut session, at(**index), ips[**index], &[]).ip_changed);
        told.copied().collect()
    }

    proptest! {
        #[test]
        fn a_change_is_told_in_every_order_of_arrival_and_none_where_there_is_none(
            ips in proptest::collection::vec(prop_oneof![Just("203.0.113.1"), Just("203.0.113.2"), Just("198.51.100.1")], 1..6)
        ) {
            let changes = changes(&ips);
            for order in permutations(ips.len()) {
                let told = told(&ips, &order);
                // Each pair of neighbours that differs is told at the one of the two that came second.
                for second in &changes {
                    let place = |index: usize| order.iter().position(|arrived| *arrived == index);
                    let later = if place(*second) > place(second - 1) { *second } else { second - 1 };
                    prop_assert!(told.contains(&later), "{:?}: {:?}", order, told);
                }
                // What is told besides is true as well: a change lies between the event and the
                // nearest that had come.
                for index in &told {
                    let came = order.iter().take_while(|arrived| *arrived != index);
                    let (before, after): (Vec<usize>, Vec<usize>) = came.partition(|came| *came < index);
                    let from = before.into_iter().max().unwrap_or(*index);
                    let to = after.into_iter().min().unwrap_or(*index);
                    prop_assert!(changes.iter().any(|change| from < *change && *change <= to));
                }
            }
        }
    }
}
