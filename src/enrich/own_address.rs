//! Does an event's address tell where its user is?
//!
//! Travel, changes of place and new places follow only from events that pass here: whose address has the
//! user's own role (the module `role` says what that is), which the user did, and which succeeded. When in
//! doubt an event does not.

use std::net::IpAddr;

use super::who;
use crate::model::{Fields, IpRole, Observation, Role, core};

/// Outcomes after which the address was really used by the user.
const DONE: &[&str] = &["SUCCESS", "ALLOW"];

/// The address at which the user is, if the event tells.
pub(super) fn own_address(observation: &Observation) -> Option<IpAddr> {
    users_address(observation).filter(|_| is_done(&observation.event.fields))
}

/// The address at which somebody says to be the user, whether or not that one got in.
pub(super) fn users_address(observation: &Observation) -> Option<IpAddr> {
    let facts = observation.ip().filter(|facts| facts.role.is_users_own() && !facts.private)?;
    facts.address.filter(|_| who::is_user(&observation.event.fields))
}

/// Whether the user did something, by whichever program.
pub(super) fn is_act(observation: &Observation) -> bool {
    let role = observation.ip().map(|facts| facts.role);
    let by_user = |role: Role| role.is_users_own() || role.of == IpRole::MobileAuthenticator;
    role.is_some_and(by_user) && is_done(&observation.event.fields) && who::is_user(&observation.event.fields)
}

/// Whether it was allowed.
pub(super) fn is_done(fields: &Fields) -> bool {
    fields.text(core::OUTCOME_RESULT).is_some_and(|result| DONE.contains(&result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{event, observation, place};
    use crate::model::{FieldId, Value};

    fn passes(address: &str, values: &[(FieldId, Value<'_>)]) -> bool {
        let place = place(address, "PT", 64500, None);
        own_address(&observation(event(0, "u", values), Some(place))).is_some()
    }

    #[test]
    fn what_the_user_did_from_an_address_of_the_user_s_own_passes() {
        assert!(passes("203.0.113.7", &[]));
        assert!(passes("203.0.113.7", &[(core::OUTCOME_RESULT, Value::Text("ALLOW"))]));
    }

    #[test]
    fn what_failed_what_others_did_and_whose_address_is_another_s_does_not() {
        let cases: &[(FieldId, &str)] = &[
            (core::OUTCOME_RESULT, "FAILURE"),
            (core::OUTCOME_RESULT, "DENY"),
            (core::OUTCOME_RESULT, ""),
            (core::ACTOR_TYPE, "SystemPrincipal"),
            (core::ACTOR_TYPE, "PublicClientApp"),
            (core::TRANSACTION_TYPE, "JOB"),
            (core::API_TOKEN_ID, "00T1"),
            (core::CLIENT_USER_AGENT, "Okta-Integrations"),
            (core::CLIENT_USER_AGENT, "OktaVerify/9.1 com.okta.mobile/9.1 iOS/17"),
            (core::REQUEST_URI, "/oauth2/v1/token"),
        ];
        for (id, text) in cases {
            assert!(!passes("203.0.113.7", &[(*id, Value::Text(text))]), "{text}");
        }
        let browser = (core::CLIENT_USER_AGENT, Value::Text("Mozilla/5.0"));
        assert!(!passes("203.0.113.7", &[browser, (core::ACTOR_TYPE, Value::Text("SystemPrincipal"))]));
    }

    #[test]
    fn no_address_and_a_private_one_tell_nothing() {
        assert_eq!(own_address(&observation(event(0, "u", &[]), None)), None);
        let mut observed = observation(event(0, "u", &[]), Some(place("10.0.0.1", "PT", 64500, None)));
        assert!(own_address(&observed).is_some(), "but for being private");
        let mut inside = (**observed.place.as_ref().unwrap()).clone();
        inside.ip.private = true;
        observed.place = Some(std::sync::Arc::new(inside));
        assert_eq!(own_address(&observed), None);
    }
}
