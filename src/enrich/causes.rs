//! Which user's event does something that Okta does answer?
//!
//! What Okta does is an event of `system@okta.com`, and lives in the shard of that login; what it answers is an
//! event of a user, and lives in the user's. Of the few events that are answered, a notice goes to the system's
//! shard. One that comes after its answer finds nobody any more: the cause is told where it is known, and no
//! class depends on it.

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use super::asked::Asked;
use super::principal::SYSTEM_LOGIN;
use super::who;
use crate::model::{
    Cause, CauseLink, FieldId, Fields, Links, Notice, NoticeKind, Observation, Said, Value, core,
};
use crate::{durable, limits};

/// Starts of the types of events that are answered whether or not they succeed.
const ANSWERED: &[&str] = &[
    "device.enrollment.create",
    "device.user.add",
    "security.events.provider.receive_event",
    "user.account.privilege.",
    "user.account.report_suspicious_activity_by_enduser",
    "user.account.reset_password",
    "user.account.unlock",
    "user.account.update_password",
    "user.lifecycle.",
    "user.mfa.factor.",
    "user.risk.",
    "user.session.clear",
    "user.session.context.change",
];

/// Those that are answered if they fail, or come from a device that Okta takes for a new one.
const ANSWERED_FAILURES: &[&str] =
    &["user.authentication.auth_via_mfa", "user.authentication.verify", "user.session.start"];

/// What was heard of one user lately.
#[derive(Debug, Default)]
pub(super) struct Causes(Vec<Heard>);

#[derive(Debug)]
struct Heard {
    at_ms: i64,
    uuid: CompactString,
    event_type: CompactString,
    links: Links,
}

durable!(Causes { 0 });
durable!(Heard { at_ms, uuid, event_type, links });

/// The notice for Okta's own principal of an event that it may answer.
pub(super) fn cause(observation: &Observation) -> Option<Notice> {
    let event = &observation.event;
    let asked = Asked::of(&event.fields);
    let answered = asked.starts(ANSWERED) || (asked.starts(ANSWERED_FAILURES) && is_odd(&asked));
    if !answered || asked.is_system() {
        return None;
    }
    Some(Notice {
        org: event.org.clone(),
        id: whose(&event.fields)?.into(),
        login: SYSTEM_LOGIN.into(),
        said: Said {
            of: NoticeKind::MayBeAnswered,
            at_ms: event.published_ms,
            uuid: event.uuid.clone(),
            event_type: asked.event_type.into(),
            ..Said::default()
        },
        links: links(&event.fields),
    })
}

fn is_odd(asked: &Asked<'_>) -> bool {
    asked.text(core::OUTCOME_RESULT) == "FAILURE"
        || asked.text(core::BEHAVIORS).contains("New Device=POSITIVE")
}

/// The user that an event is upon, else the user that acts.
pub(super) fn whose(fields: &Fields) -> Option<&str> {
    let place = fields.elements(core::TARGET_TYPE).position(|kind| kind == Some(Value::Text("User")));
    let target = place.and_then(|place| match fields.elements(core::TARGET_ID).nth(place)? {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    });
    target.or_else(|| who::user_id(fields))
}

/// What an event belongs to, as digests; 0 where there is nothing.
pub(super) fn links(fields: &Fields) -> Links {
    let digest = |id: FieldId| fields.text(id).map_or(0, |text| xxh3_64(text.as_bytes()));
    let session = match fields.exists(core::SESSION_ID) {
        true => core::SESSION_ID,
        false => core::ROOT_SESSION_ID,
    };
    Links {
        transaction: digest(core::TRANSACTION_ID),
        trace: digest(core::TRACE_ID),
        session: digest(session),
    }
}

impl Causes {
    /// Takes in a notice. It may come twice, and in any order; the latest are kept.
    pub fn take(&mut self, notice: &Notice) {
        let said = &notice.said;
        if self.0.iter().any(|heard| heard.uuid == said.uuid) {
            return;
        }
        let place = self.0.partition_point(|heard| (heard.at_ms, &heard.uuid) < (said.at_ms, &said.uuid));
        let heard = Heard {
            at_ms: said.at_ms,
            uuid: said.uuid.clone(),
            event_type: said.event_type.clone(),
            links: notice.links,
        };
        self.0.insert(place, heard);
        if self.0.len() > limits::CAUSES_PER_USER {
            self.0.remove(0);
        }
    }

    /// What an event at this time answers: the latest of those before it that it has most in common with.
    pub fn find(&self, at_ms: i64, links: Links) -> Option<Cause> {
        let near = |heard: &&Heard| (0..=limits::CAUSE_QUIET_MS).contains(&at_ms.saturating_sub(heard.at_ms));
        let found = self.0.iter().filter(near).filter_map(|heard| Some((heard.link(at_ms, links)?, heard)));
        let (link, heard) =
            found.max_by_key(|(link, heard)| (std::cmp::Reverse(*link as u8), heard.at_ms))?;
        Some(Cause { uuid: heard.uuid.clone(), event_type: heard.event_type.clone(), link })
    }
}

impl Heard {
    /// What it has in common with an event at a time.
    fn link(&self, at_ms: i64, other: Links) -> Option<CauseLink> {
        let same = |one: u64, other: u64| one != 0 && one == other;
        let at_once = at_ms.saturating_sub(self.at_ms) <= limits::CAUSE_MS;
        [
            (CauseLink::Transaction, same(self.links.transaction, other.transaction)),
            (CauseLink::Trace, same(self.links.trace, other.trace)),
            (CauseLink::Session, same(self.links.session, other.session)),
            (CauseLink::Time, at_once),
        ]
        .into_iter()
        .find_map(|(link, holds)| holds.then_some(link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation};

    fn noticed(at_ms: i64, uuid: &str, values: &[(FieldId, &str)]) -> Option<Notice> {
        let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
        cause(&observation(event(at_ms, uuid, &values), None))
    }

    const CHANGE: (FieldId, &str) = (core::EVENT_TYPE, "user.account.update_password");

    #[test]
    fn the_system_hears_of_what_it_may_answer_and_of_whom() {
        let told = noticed(7, "u7", &[CHANGE]).unwrap();
        assert_eq!((told.id.as_str(), told.login.as_str()), ("00uana", SYSTEM_LOGIN));
        assert_eq!((told.said.at_ms, told.said.uuid.as_str()), (7, "u7"));
        let upon = [CHANGE, (core::TARGET_TYPE, "User"), (core::TARGET_ID, "00uben")];
        assert_eq!(noticed(7, "u", &upon).unwrap().id, "00uben");
    }

    #[test]
    fn it_hears_of_nothing_else_nor_of_itself() {
        assert_eq!(noticed(7, "u", &[]), None, "a sign-in");
        assert!(noticed(7, "u", &[(core::OUTCOME_RESULT, "FAILURE")]).is_some());
        assert!(noticed(7, "u", &[(core::BEHAVIORS, "{New Device=POSITIVE}")]).is_some());
        assert_eq!(noticed(7, "u", &[CHANGE, (core::ACTOR_TYPE, "SystemPrincipal")]), None);
        assert_eq!(noticed(7, "u", &[CHANGE, (core::ACTOR_ID, "")]), None, "nobody");
    }

    /// When, under which uuid, and with which values a password is changed.
    type Changed<'a> = (i64, &'a str, &'a [(FieldId, &'a str)]);

    fn heard(all: &[Changed<'_>]) -> Causes {
        let mut causes = Causes::default();
        for (at_ms, uuid, values) in all {
            let values: Vec<_> = [CHANGE].iter().chain(*values).copied().collect();
            causes.take(&noticed(*at_ms, uuid, &values).unwrap());
        }
        causes
    }

    #[test]
    fn what_belongs_together_comes_before_what_is_near_in_time() {
        let transaction: &[(FieldId, &str)] = &[(core::TRANSACTION_ID, "Z1"), (core::SESSION_ID, "idx1")];
        let causes = heard(&[
            (0, "same", transaction),
            (10, "session", &[(core::SESSION_ID, "idx2")]),
            (20, "near", &[]),
        ]);
        let find = |at_ms, values: &[(FieldId, &str)]| {
            let values: Vec<_> = values.iter().map(|(id, text)| (*id, Value::Text(text))).collect();
            let fields = event(at_ms, "x", &values).fields;
            causes.find(at_ms, links(&fields)).map(|cause| (cause.uuid.to_string(), cause.link.as_str()))
        };
        let some = |uuid: &str, link| Some((uuid.to_owned(), link));
        assert_eq!(find(30, &[(core::TRANSACTION_ID, "Z1")]), some("same", "transaction"));
        assert_eq!(
            find(30, &[(core::SESSION_ID, ""), (core::ROOT_SESSION_ID, "idx2")]),
            some("session", "session")
        );
        assert_eq!(find(30, &[(core::SESSION_ID, "")]), some("near", "time"));
        assert_eq!(find(15, &[(core::SESSION_ID, "")]), some("session", "time"), "what is later is no cause");
        let late = limits::CAUSE_MS + 21;
        assert_eq!(find(late, &[(core::SESSION_ID, "")]), None);
        assert_eq!(find(late, &[(core::TRANSACTION_ID, "Z1")]), some("same", "transaction"));
    }

    #[test]
    fn the_latest_are_kept_each_once_whatever_comes_first() {
        let count = i64::try_from(limits::CAUSES_PER_USER).unwrap() + 2;
        let mut causes = Causes::default();
        for at_ms in (0..count).rev().chain(0..count) {
            causes.take(&noticed(at_ms, &at_ms.to_string(), &[CHANGE]).unwrap());
        }
        let uuids: Vec<_> = causes.0.iter().map(|heard| heard.uuid.as_str()).collect();
        assert_eq!(uuids, ["2", "3", "4", "5"]);
    }
}
