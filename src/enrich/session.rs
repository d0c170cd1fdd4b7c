//! What is known of an Okta session?

use std::net::IpAddr;

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use super::history::{Around, History, Seen};
use crate::durable;
use crate::model::{Event, Fields, Observation, SessionFacts, core};

/// Start of the ids of transient sessions: those of API tokens and of sign-ins under way, which
/// are as many as requests.
const TRANSIENT: &str = "trs";

/// Event of entering the Admin Console.
const ADMIN: &str = "user.session.access_admin_app";

/// Event of passing a factor.
const FACTOR: &str = "user.authentication.auth_via_mfa";

/// The state of one session.
#[derive(Debug, Default)]
pub(super) struct Session {
    first_ms: Option<i64>,
    events: u64,
    admin_ms: Option<i64>,
    mfa_ms: Option<i64>,
    seen: History<Trace>,
}

/// Where and with what the session was used. Texts that are only compared are kept as hashes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Trace {
    ip: Option<IpAddr>,
    asn: Option<u32>,
    country: Option<CompactString>,
    os: Option<u64>,
    ua: Option<u64>,
}

durable!(Session { first_ms, events, admin_ms, mfa_ms, seen });
durable!(Trace { ip, asn, country, os, ua });

/// The id of the event's session, if it is one that lasts.
pub(super) fn id(fields: &Fields) -> Option<&str> {
    fields.text(core::SESSION_ID).filter(|id| !id.starts_with(TRANSIENT))
}

impl Session {
    /// Takes in an event and says what the session is at it. `own` is the user's own address, if
    /// the event tells it: only then it can show a change.
    pub fn take(
        &mut self,
        observation: &Observation,
        own: Option<IpAddr>,
        watermark_ms: i64,
    ) -> SessionFacts {
        let event = &observation.event;
        let at_ms = event.published_ms;
        let first_ms = earlier(&mut self.first_ms, at_ms);
        self.events += 1;
        if event.fields.text(core::OUTCOME_RESULT) == Some("SUCCESS") {
            match event.fields.text(core::EVENT_TYPE) {
                Some(ADMIN) => drop(earlier(&mut self.admin_ms, at_ms)),
                Some(FACTOR) => drop(earlier(&mut self.mfa_ms, at_ms)),
                _ => {}
            }
        }
        let mut facts = SessionFacts {
            age_s: at_ms.saturating_sub(first_ms) / 1_000,
            events: self.events,
            concurrent: 1,
            admin: self.admin_ms.is_some_and(|since_ms| since_ms <= at_ms),
            mfa: self.mfa_ms.is_some_and(|since_ms| since_ms <= at_ms),
            ..SessionFacts::default()
        };
        if let Some(ip) = own {
            let trace = Trace::of(observation, ip);
            self.compare(event, &trace, &mut facts);
            let seen = Seen { at_ms, uuid: event.uuid.clone(), what: trace };
            self.seen.insert(seen, watermark_ms, Trace::inherit);
        }
        facts
    }

    fn compare(&self, event: &Event, trace: &Trace, facts: &mut SessionFacts) {
        let around = self.seen.around(event.published_ms, &event.uuid);
        facts.ip_changed = trace.changed(&around, |trace| trace.ip.as_ref());
        facts.asn_changed = trace.changed(&around, |trace| trace.asn.as_ref());
        facts.country_changed = trace.changed(&around, |trace| trace.country.as_ref());
        facts.os_changed = trace.changed(&around, |trace| trace.os.as_ref());
        facts.ua_changed = trace.changed(&around, |trace| trace.ua.as_ref());
    }
}

impl Trace {
    fn of(observation: &Observation, ip: IpAddr) -> Self {
        let place = observation.place.as_deref();
        let geo = place.and_then(|place| place.geo.as_deref());
        let hash = |id| observation.event.fields.text(id).map(|text| xxh3_64(text.as_bytes()));
        Self {
            ip: Some(ip),
            asn: place.and_then(|place| place.asn.as_deref()).map(|asn| asn.number),
            country: geo.and_then(|geo| geo.country.as_deref()).map(CompactString::from),
            os: hash(core::CLIENT_OS),
            ua: hash(core::CLIENT_USER_AGENT),
        }
    }

    /// Whether a trait differs from the nearest sighting on either side that has it.
    fn changed<T: PartialEq>(&self, around: &Around<'_, Self>, get: impl Fn(&Self) -> Option<&T>) -> bool {
        let Some(mine) = get(self) else { return false };
        let differs = |seen: &Seen<Self>| get(&seen.what).map(|other| other != mine);
        let before = around.before().find_map(differs);
        let after = around.after().find_map(differs);
        before == Some(true) || after == Some(true)
    }

    /// Fills what this sighting does not say from one before it.
    fn inherit(&mut self, before: Self) {
        self.ip = self.ip.or(before.ip);
        self.asn = self.asn.or(before.asn);
        self.country = self.country.take().or(before.country);
        self.os = self.os.or(before.os);
        self.ua = self.ua.or(before.ua);
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
        session.take(&observation, own_address(&observation), i64::MIN)
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
        let denied = [(core::EVENT_TYPE, Value::Text(ADMIN)), (core::OUTCOME_RESULT, Value::Text("FAILURE"))];
        let admin = [(core::EVENT_TYPE, Value::Text(ADMIN))];
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
