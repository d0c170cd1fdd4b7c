//! Which events tell a user's own state of something that was done to the user?
//!
//! Few do, and only if they succeeded. Of an event with several users as targets the first counts: Okta
//! writes one event for each user.

use compact_str::CompactString;

use super::agent::hash;
use super::causes::cause;
use crate::limits;
use crate::model::{FieldId, Fields, Links, Notice, NoticeKind, Observation, Said, Value, core};

/// Event types and what they do to the user who is their target.
const TYPES: &[(&str, NoticeKind)] = &[
    ("user.session.clear", NoticeKind::SessionsEnded),
    ("user.lifecycle.suspend", NoticeKind::SessionsEnded),
    ("user.lifecycle.deactivate", NoticeKind::SessionsEnded),
    ("user.authentication.universal_logout", NoticeKind::SessionsEnded),
    ("user.account.reset_password", NoticeKind::PasswordReset),
    ("user.account.update_password", NoticeKind::PasswordReset),
    ("user.account.expire_password", NoticeKind::PasswordReset),
    ("user.mfa.factor.reset_all", NoticeKind::FactorsReset),
    ("user.mfa.factor.deactivate", NoticeKind::FactorsReset),
    ("user.account.privilege.grant", NoticeKind::RoleGranted),
    ("user.account.privilege.revoke", NoticeKind::RoleRevoked),
];

/// All that an event tells others' state: its target's, and that of Okta itself, which may answer it.
pub fn notices(observation: &Observation) -> impl Iterator<Item = Notice> + use<> {
    [notice(observation), cause(observation)].into_iter().flatten()
}

/// What an event tells its target, if it tells anything and the target's login is known.
fn notice(observation: &Observation) -> Option<Notice> {
    let (event, fields) = (&observation.event, &observation.event.fields);
    let event_type = fields.text(core::EVENT_TYPE)?;
    let (_, of) = TYPES.iter().find(|(known, _)| *known == event_type)?;
    if fields.text(core::OUTCOME_RESULT) != Some("SUCCESS") {
        return None;
    }
    let place = fields.elements(core::TARGET_TYPE).position(|kind| kind == Some(Value::Text("User")))?;
    let by = fields.text(core::ACTOR_ALTERNATE_ID).or_else(|| fields.text(core::ACTOR_ID));
    Some(Notice {
        org: event.org.clone(),
        id: target(fields, core::TARGET_ID, place)?,
        login: target(fields, core::TARGET_ALTERNATE_ID, place)?,
        said: Said {
            of: *of,
            at_ms: event.published_ms,
            uuid: event.uuid.clone(),
            event_type: event_type.into(),
            by: by.unwrap_or_default().into(),
            roles: roles(fields, *of),
        },
        links: Links::default(),
    })
}

/// The roles that were given or taken: Okta lists their names.
fn roles(fields: &Fields, of: NoticeKind) -> Vec<u32> {
    let names = match of {
        NoticeKind::RoleGranted => fields.text(core::PRIVILEGE_GRANTED),
        NoticeKind::RoleRevoked => fields.text(core::PRIVILEGE_REVOKED),
        _ => None,
    };
    let names = names.unwrap_or_default().split(',').map(|name| name.trim().to_lowercase());
    names.filter(|name| !name.is_empty()).map(|name| hash(&name)).take(limits::ROLES_PER_USER).collect()
}

/// One part of the target at a place.
fn target(fields: &Fields, part: FieldId, place: usize) -> Option<CompactString> {
    match fields.elements(part).nth(place)?? {
        Value::Text(text) => Some(text.into()).filter(|text: &CompactString| !text.is_empty()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation};

    fn told(event_type: &str, result: &str, targets: &[(&str, &str, &str)]) -> Option<Notice> {
        let values =
            [(core::EVENT_TYPE, Value::Text(event_type)), (core::OUTCOME_RESULT, Value::Text(result))];
        let mut event = event(7, "u7", &values);
        let list = |part: fn(&(&str, &str, &str)) -> String| targets.iter().map(part).collect::<Vec<_>>();
        for (id, texts) in [
            (core::TARGET_TYPE, list(|target| target.0.to_owned())),
            (core::TARGET_ID, list(|target| target.1.to_owned())),
            (core::TARGET_ALTERNATE_ID, list(|target| target.2.to_owned())),
        ] {
            let values = texts.iter().map(|text| (!text.is_empty()).then_some(Value::Text(text)));
            event.fields.set_list(id, values);
        }
        notice(&observation(event, None))
    }

    #[test]
    fn the_user_among_the_targets_is_told_who_did_what_and_when() {
        let targets = [("AppInstance", "0oa1", "console"), ("User", "00uben", "Ben@example.com")];
        let told = told("user.account.privilege.grant", "SUCCESS", &targets).unwrap();
        assert_eq!((told.id.as_str(), told.login.as_str()), ("00uben", "Ben@example.com"));
        assert_eq!(
            (told.said.of, told.said.at_ms, told.said.uuid.as_str()),
            (NoticeKind::RoleGranted, 7, "u7")
        );
        assert_eq!(told.said.by, "Ana@Example.com");
    }

    #[test]
    fn what_failed_what_is_of_no_interest_and_whom_nobody_can_name_tells_nothing() {
        let ben = ("User", "00uben", "ben@example.com");
        assert!(told("user.session.clear", "SUCCESS", &[ben]).is_some());
        assert_eq!(told("user.session.clear", "FAILURE", &[ben]), None);
        assert_eq!(told("user.session.start", "SUCCESS", &[ben]), None);
        assert_eq!(told("user.session.clear", "SUCCESS", &[("AppInstance", "0oa1", "x")]), None);
        assert_eq!(told("user.session.clear", "SUCCESS", &[("User", "00uben", "")]), None);
        assert_eq!(told("user.session.clear", "SUCCESS", &[]), None);
    }

    #[test]
    fn the_roles_that_were_given_or_taken_are_told_by_name() {
        let roles = |event_type: &str, field, names: &str| {
            let values = [
                (core::EVENT_TYPE, Value::Text(event_type)),
                (field, Value::Text(names)),
                (core::TARGET_TYPE, Value::Text("User")),
                (core::TARGET_ID, Value::Text("00uben")),
                (core::TARGET_ALTERNATE_ID, Value::Text("ben@example.com")),
            ];
            notice(&observation(event(7, "u7", &values), None)).unwrap().said.roles
        };
        let (grant, revoke) = ("user.account.privilege.grant", "user.account.privilege.revoke");
        let both = roles(grant, core::PRIVILEGE_GRANTED, "Super administrator, Help Desk administrator");
        assert_eq!(both.len(), 2);
        assert_eq!(roles(revoke, core::PRIVILEGE_REVOKED, "help desk administrator ,"), both[1..]);
        assert!(roles(revoke, core::PRIVILEGE_GRANTED, "Super administrator").is_empty());
        assert!(roles("user.session.clear", core::PRIVILEGE_GRANTED, "Super administrator").is_empty());
    }
}
