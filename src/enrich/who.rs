//! Who acts, and is it a person?

use std::fmt::Write as _;
use std::net::IpAddr;

use compact_str::CompactString;

use crate::model::{Event, Fields, core};

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

/// Who acts, as one key: the org, then the login, else the id, else the address it came from. The
/// word between tells the three apart.
pub(super) fn actor_key(event: &Event, address: Option<IpAddr>) -> CompactString {
    let mut key = CompactString::from(event.org.as_deref().unwrap_or_default());
    if let Some(login) = event.fields.text(core::ACTOR_ALTERNATE_ID) {
        key.push_str("|login|");
        push_lower(&mut key, login);
    } else if let Some(id) = event.fields.text(core::ACTOR_ID) {
        key.push_str("|id|");
        key.push_str(id);
    } else {
        key.push_str("|ip|");
        if let Some(address) = address {
            // Writing to memory cannot fail.
            write!(key, "{address}").unwrap_or_default();
        }
    }
    key
}

fn lower(text: &str) -> CompactString {
    let mut lower = CompactString::with_capacity(text.len());
    push_lower(&mut lower, text);
    lower
}

fn push_lower(out: &mut CompactString, text: &str) {
    if text.is_ascii() {
        out.extend(text.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::event;
    use crate::model::Value;

    #[test]
    fn the_key_is_the_login_in_lower_case_then_the_id_then_the_address() {
        let address = Some(IpAddr::from([203, 0, 113, 7]));
        let mut event = event(0, "u", &[(core::ACTOR_ALTERNATE_ID, Value::Text("ÄNA@Example.com"))]);
        assert_eq!(actor_key(&event, address), "acme|login|äna@example.com");
        event.fields.clear(core::ACTOR_ALTERNATE_ID);
        assert_eq!(actor_key(&event, address), "acme|id|00uana");
        event.fields.clear(core::ACTOR_ID);
        assert_eq!(actor_key(&event, address), "acme|ip|203.0.113.7");
        event.org = None;
        assert_eq!(actor_key(&event, None), "|ip|");
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
