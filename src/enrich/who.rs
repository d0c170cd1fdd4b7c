//! Who acts, and is it a person?

use std::fmt::Write as _;

use compact_str::CompactString;

use crate::model::{Fields, Observation, core};

/// Start of the ids that Okta gives to users.
const USER_ID: &str = "00u";

/// Whether the actor is a user: by its type, or where that is missing by the shape of its id.
pub(super) fn is_user(fields: &Fields) -> bool {
    match fields.text(core::ACTOR_TYPE) {
        Some(kind) => kind.eq_ignore_ascii_case("User"),
        None => fields.text(core::ACTOR_ID).is_some_and(|id| id.starts_with(USER_ID)),
    }
}

/// The id of the user that acts. None for anything else that acts, and for a stranger who failed
/// to sign in: Okta then knows what was typed, but nobody by that name.
pub(super) fn user_id(fields: &Fields) -> Option<&str> {
    fields.text(core::ACTOR_ID).filter(|_| is_user(fields))
}

/// The login of the user that acts, lower case; at a failed sign-in, what was typed.
pub(super) fn login(fields: &Fields) -> Option<CompactString> {
    fields.text(core::ACTOR_ALTERNATE_ID).filter(|_| is_user(fields)).map(lower)
}

/// The key of a login: [`actor_key`] of all events by whoever has it.
pub fn login_key(org: &str, login: &str) -> CompactString {
    let mut key = CompactString::from(org);
    key.push_str("|login|");
    key.push_str(&lower(login));
    key
}

/// Who acts, as one key: the org, then the login, else the id, else the address it came from. The
/// word between tells the three apart.
pub fn actor_key(observation: &Observation) -> CompactString {
    let event = &observation.event;
    let org = event.org.as_deref().unwrap_or_default();
    if let Some(login) = event.fields.text(core::ACTOR_ALTERNATE_ID) {
        return login_key(org, login);
    }
    let mut key = CompactString::from(org);
    if let Some(id) = event.fields.text(core::ACTOR_ID) {
        key.push_str("|id|");
        key.push_str(id);
    } else {
        key.push_str("|ip|");
        if let Some(address) = observation.ip().and_then(|facts| facts.address) {
            // Writing to memory cannot fail.
            write!(key, "{address}").unwrap_or_default();
        }
    }
    key
}

fn lower(text: &str) -> CompactString {
    if !text.is_ascii() {
        return text.chars().flat_map(char::to_lowercase).collect();
    }
    let mut lower = CompactString::from(text);
    lower.make_ascii_lowercase();
    lower
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::Value;

    #[test]
    fn the_key_is_the_login_in_lower_case_then_the_id_then_the_address() {
        let event = event(0, "u", &[(core::ACTOR_ALTERNATE_ID, Value::Text("ÄNA@Example.com"))]);
        let mut observed = observation(event, Some(place("203.0.113.7", "PT", 64500, None)));
        assert_eq!(actor_key(&observed), "acme|login|äna@example.com");
        observed.event.fields.clear(core::ACTOR_ALTERNATE_ID);
        assert_eq!(actor_key(&observed), "acme|id|00uana");
        observed.event.fields.clear(core::ACTOR_ID);
        assert_eq!(actor_key(&observed), "acme|ip|203.0.113.7");
        (observed.event.org, observed.place) = (None, None);
        assert_eq!(actor_key(&observed), "|ip|");
    }

    #[test]
    fn a_user_is_known_by_type_or_by_id() {
        let fields = |kind, id| {
            event(0, "u", &[(core::ACTOR_TYPE, Value::Text(kind)), (core::ACTOR_ID, Value::Text(id))]).fields
        };
        assert!(is_user(&fields("User", "00u1")) && is_user(&fields("", "00u1")));
        assert!(!is_user(&fields("SystemPrincipal", "spr1")) && !is_user(&fields("", "0oa1")));
        assert!(!is_user(&fields("PublicClientApp", "00u1")));
    }

    #[test]
    fn a_stranger_has_a_login_and_no_id() {
        let stranger = event(0, "u", &[(core::ACTOR_ID, Value::Text(""))]).fields;
        assert_eq!(user_id(&stranger), None);
        assert_eq!(login(&stranger).as_deref(), Some("ana@example.com"));
    }
}
