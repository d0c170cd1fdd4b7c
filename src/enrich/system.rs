//! What is it that Okta itself does?
//!
//! Most of what `system@okta.com` does is maintenance or an import, and some of it only answers what a user did.
//! [`ROWS`] are asked from the top, and the first that holds decides; its name is `enriched.system.reason`.

use super::asked::Asked;
use crate::model::{PrincipalClass, SystemClass, SystemFacts, SystemReason, core};

/// Another provider vouches for somebody.
const FEDERATION: &[&str] = &[
    "user.authentication.auth_via_IDP",
    "user.authentication.auth_via_inbound_SAML",
    "user.authentication.auth_via_inbound_delauth",
    "user.authentication.auth_via_social",
];

/// Accounts and groups come from another directory, or go to one.
const IMPORTS: &[&str] = &[
    "system.import.",
    "app.user_management",
    "application.provision.",
    "user.import.",
    "system.agent.ad.import_user",
    "system.agent.ad.realtimesync",
];

/// What an import does to accounts and groups, if a job does it.
const IMPORTED: &[&str] = &[
    "user.lifecycle.",
    "user.account.update_profile",
    "group.lifecycle.",
    "group.profile.",
    "group.user_membership.",
    "group.application_assignment.",
    "application.user_membership.",
];

/// Okta's protection of sessions and identities.
const PROTECTION: &[&str] = &[
    "policy.auth_reevaluate.",
    "policy.continuous_access.",
    "policy.entity_risk.",
    "security.attack.",
    "security.breached_credential.",
    "security.session.",
    "security.threat.",
    "user.authentication.universal_logout",
    "user.risk.",
    "user.session.clear",
    "user.session.context.change",
    "user.session.end",
];

const LOCKOUT: &[&str] = &["user.account.lock", "user.account.unlock"];

/// Okta Verify's own answers are logged as Okta's: a phishing attempt that FastPass declined.
const AUTHENTICATOR: &[&str] = &["user.authentication.auth_via_mfa", "user.mfa.okta_verify"];

const MESSAGES: &[&str] = &["system.email.", "system.sms.", "system.voice.", "system.push."];

/// One row of the table.
struct Row {
    class: SystemClass,
    reason: SystemReason,
    holds: fn(&Asked<'_>) -> bool,
}

const fn row(class: SystemClass, reason: SystemReason, holds: fn(&Asked<'_>) -> bool) -> Row {
    Row { class, reason, holds }
}

/// The table; what is left over is maintenance without a cause.
const ROWS: &[Row] = &[
    row(SystemClass::SupportAction, SystemReason::SupportEvent, |asked| {
        asked.is_support_event() || asked.starts(&["user.session.impersonation."])
    }),
    row(SystemClass::SupportAction, SystemReason::SupportSignature, |asked| asked.is_support_signature()),
    row(SystemClass::Federation, SystemReason::IdentityProvider, |asked| asked.starts(FEDERATION)),
    row(SystemClass::Import, SystemReason::ImportEvent, |asked| asked.starts(IMPORTS)),
    row(SystemClass::Import, SystemReason::ImportJob, |asked| is_job(asked) && asked.starts(IMPORTED)),
    row(SystemClass::Reaction, SystemReason::Protection, |asked| asked.starts(PROTECTION)),
    row(SystemClass::Reaction, SystemReason::Lockout, |asked| asked.starts(LOCKOUT)),
    row(SystemClass::Reaction, SystemReason::Authenticator, |asked| asked.starts(AUTHENTICATOR)),
    row(SystemClass::Reaction, SystemReason::Message, |asked| asked.starts(MESSAGES)),
    row(SystemClass::Reaction, SystemReason::SameRequest, |asked| {
        asked.text(core::TRANSACTION_TYPE) == "WEB" && asked.fields.exists(core::TRANSACTION_ID)
    }),
    row(SystemClass::Reaction, SystemReason::SameSession, |asked| {
        asked.fields.exists(core::SESSION_ID) || asked.fields.exists(core::ROOT_SESSION_ID)
    }),
    row(SystemClass::Reaction, SystemReason::SameTrace, |asked| asked.fields.exists(core::TRACE_ID)),
    row(SystemClass::Maintenance, SystemReason::Job, is_job),
];

/// What an event by Okta itself, or by its support, is.
pub(super) fn decide(asked: &Asked<'_>, class: PrincipalClass) -> Option<SystemFacts> {
    if !matches!(class, PrincipalClass::OktaSystem | PrincipalClass::OktaSupport) {
        return None;
    }
    let found = ROWS.iter().find(|row| (row.holds)(asked));
    let facts = |row: &Row| SystemFacts { class: row.class, reason: row.reason, cause: None };
    Some(found.map(facts).unwrap_or_default())
}

fn is_job(asked: &Asked<'_>) -> bool {
    asked.text(core::TRANSACTION_TYPE) == "JOB"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::event;
    use crate::model::{FieldId, Value};

    /// What a job of Okta's is, with these values.
    fn told(kind: &str, values: &[(FieldId, &str)]) -> (&'static str, &'static str) {
        let job = [
            (core::EVENT_TYPE, kind),
            (core::ACTOR_TYPE, "SystemPrincipal"),
            (core::SESSION_ID, ""),
            (core::TRANSACTION_TYPE, "JOB"),
        ];
        let values: Vec<_> = job.iter().chain(values).map(|(id, text)| (*id, Value::Text(text))).collect();
        let event = event(0, "u", &values);
        let facts = decide(&Asked::of(&event.fields), PrincipalClass::OktaSystem).unwrap();
        (facts.class.as_str(), facts.reason.as_str())
    }

    const WEB: (FieldId, &str) = (core::TRANSACTION_TYPE, "WEB");

    #[test]
    fn the_table_names_each_row_once_and_has_every_class() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(index + 1).all(|other| other.reason != row.reason), "{:?}", row.reason);
        }
        assert!(SystemClass::ALL.iter().all(|class| ROWS.iter().any(|row| row.class == *class)));
    }

    #[test]
    fn only_what_okta_does_has_a_class() {
        let event = event(0, "u", &[]);
        let asked = Asked::of(&event.fields);
        assert!(decide(&asked, PrincipalClass::Human).is_none());
        assert!(decide(&asked, PrincipalClass::OktaSupport).is_some());
    }

    #[test]
    fn imports_are_known_by_their_types_or_by_what_a_job_changes() {
        assert_eq!(told("system.import.start", &[]), ("import", "import_event"));
        assert_eq!(told("application.provision.user.sync", &[WEB]), ("import", "import_event"));
        assert_eq!(told("group.user_membership.add", &[]), ("import", "import_job"));
        assert_eq!(told("user.lifecycle.deactivate", &[]), ("import", "import_job"));
        let request = [WEB, (core::TRANSACTION_ID, "Zx1")];
        assert_eq!(told("user.lifecycle.deactivate", &request), ("reaction", "same_request"));
    }

    #[test]
    fn reactions_are_known_by_their_types_or_by_what_they_belong_to() {
        for (kind, reason) in [
            ("policy.auth_reevaluate.fail", "protection"),
            ("user.authentication.universal_logout.scheduled", "protection"),
            ("user.account.lock", "lockout"),
            ("user.authentication.auth_via_mfa", "authenticator"),
            ("system.email.new_device_notification.sent_message", "message"),
        ] {
            assert_eq!(told(kind, &[]), ("reaction", reason), "{kind}");
        }
        let update = "user.account.update_password";
        assert_eq!(told(update, &[WEB, (core::TRANSACTION_ID, "Zx1")]), ("reaction", "same_request"));
        let known = (core::TRANSACTION_ID, "Zx1");
        assert_eq!(told(update, &[known, (core::ROOT_SESSION_ID, "idx1")]), ("reaction", "same_session"));
        assert_eq!(told(update, &[known, (core::TRACE_ID, "t1")]), ("reaction", "same_trace"));
        assert_eq!(told(update, &[known]), ("maintenance", "job"));
    }

    #[test]
    fn support_and_other_providers_come_before_all_else() {
        assert_eq!(told("user.mfa.factor.reset_all", &[]), ("support_action", "support_signature"));
        assert_eq!(told("support.org.view", &[]), ("support_action", "support_event"));
        assert_eq!(told("user.session.impersonation.end", &[]), ("support_action", "support_event"));
        let browser = (core::CLIENT_USER_AGENT, "Mozilla/5.0");
        let by = "user.authentication.auth_via_IDP";
        assert_eq!(told(by, &[WEB, browser]), ("federation", "identity_provider"));
    }

    #[test]
    fn the_rest_is_maintenance() {
        assert_eq!(told("system.org.rate_limit.warning", &[]), ("maintenance", "job"));
        assert_eq!(told("system.org.rate_limit.warning", &[WEB]), ("maintenance", "no_cause"));
    }
}
