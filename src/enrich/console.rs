//! Which events are an administrator's, and do they change something or show it?
//!
//! Okta logs what administrators change, and hardly anything of what they look at: pages of the Admin Console
//! leave no event, but for client secrets, exported reports, shown passwords, Workflows. So few reads seen
//! are no proof of few reads.

use crate::model::{Event, Fields, Value, core};

/// Entering the Admin Console.
pub(super) const ENTRY: &str = "user.session.access_admin_app";

/// Parts of the tenant: starts of the event types about them.
const AREAS: &[&str] = &[
    "app.keys.",
    "app.oauth2.client.",
    "app.oauth2.credentials.",
    "application.configuration.",
    "application.lifecycle.",
    "application.policy.",
    "application.user_membership.",
    "event_hook.",
    "group.",
    "iam.",
    "inline_hook.",
    "network_zone.",
    "oauth2.",
    "pki.",
    "policy.lifecycle.",
    "policy.rule.",
    "security.",
    "system.agent.",
    "system.api_token.",
    "system.brand",
    "system.email",
    "system.feature",
    "system.hook",
    "system.idp.",
    "system.log_stream.",
    "system.mfa.",
    "system.org.",
    "user.account.privilege.",
    "user.lifecycle.",
    "workflows.",
    "zone.",
];

/// What is done to them: ends of event types.
const CHANGES: &[&str] = &[
    "activate",
    "activated",
    "add",
    "clone",
    "create",
    "created",
    "deactivate",
    "deactivated",
    "delete",
    "deleted",
    "delete.initiated",
    "disabled",
    "enable",
    "generate",
    "grant",
    "import",
    "make_blacklist",
    "overwrite",
    "reactivate",
    "remove",
    "remove_blacklist",
    "revoke",
    "rotate",
    "suspend",
    "unsuspend",
    "update",
    "updated",
];

/// What changes an account; everybody may do it to the own one.
const TO_ACCOUNTS: &[&str] = &[
    "application.user_membership.",
    "user.account.expire_password",
    "user.account.reset_password",
    "user.account.unlock_by_admin",
    "user.account.update_profile",
    "user.mfa.factor.deactivate",
    "user.mfa.factor.reset_all",
    "user.session.clear",
];

/// What administrators alone are shown.
const SHOWN: &[&str] = &[
    "analytics.reports.export.request",
    "analytics.reports.export.download",
    "app.oauth2.client.read_client_secret",
    "application.configuration.read_client_secret",
    "mim.streamDevicesCSVDownload",
    "system.idp.lifecycle.read_client_secret",
];

/// What others may be shown as well: the own password for an application, a flow in Workflows, which has a
/// way in of its own; and what Okta's staff looks at.
const SHOWN_TO_OTHERS: &[&str] = &["application.user_membership.show_password", "support.org.view"];

/// Paths of the Admin Console's pages; those of the way in are not.
const PATHS: &[&str] = &["/admin/", "/reports/"];

/// The way in.
const ENTRANCE: &str = "/admin/sso/";

/// What an event is to an administrator's session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// It changes the tenant.
    pub write: bool,
    /// It shows what few may see.
    pub read: bool,
    /// Only the Admin Console, or who takes its place, makes it.
    pub console: bool,
}

impl Work {
    /// What an event is.
    pub fn of(event: &Event) -> Self {
        let fields = &event.fields;
        let kind = fields.text(core::EVENT_TYPE).unwrap_or_default();
        let done = fields.text(core::OUTCOME_RESULT) == Some("SUCCESS");
        let shown = SHOWN.contains(&kind);
        let page = is_page(fields);
        Self {
            write: done && is_change(kind, fields),
            read: (done && (shown || is_shown_to_others(kind))) || page,
            console: shown || page,
        }
    }

    /// Whether it is neither.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

fn is_change(kind: &str, fields: &Fields) -> bool {
    let begins = |start: &&str| kind.starts_with(start);
    if TO_ACCOUNTS.iter().any(begins) {
        return kind != "application.user_membership.show_password" && is_about_another(fields);
    }
    let ends = |end: &&str| kind.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
    kind == "user.session.impersonation.grant" || (AREAS.iter().any(begins) && CHANGES.iter().any(ends))
}

fn is_shown_to_others(kind: &str) -> bool {
    let workflows = kind.starts_with("workflows.") && (kind.ends_with(".view") || kind.ends_with(".export"));
    workflows || SHOWN_TO_OTHERS.contains(&kind)
}

/// A page of the console by its path, which some events tell.
fn is_page(fields: &Fields) -> bool {
    let uri = fields.text(core::REQUEST_URI).unwrap_or_default();
    !uri.starts_with(ENTRANCE) && PATHS.iter().any(|path| uri.starts_with(path))
}

/// Whether a user other than who acts is among the targets.
fn is_about_another(fields: &Fields) -> bool {
    let actor = fields.text(core::ACTOR_ID);
    users(fields).any(|id| Some(id) != actor)
}

/// The ids of the users among the targets.
pub(super) fn users(fields: &Fields) -> impl Iterator<Item = &str> {
    targets(fields, "User")
}

/// The ids of the targets of a type.
pub(super) fn targets<'f>(fields: &'f Fields, kind: &'static str) -> impl Iterator<Item = &'f str> {
    let pairs = fields.elements(core::TARGET_TYPE).zip(fields.elements(core::TARGET_ID));
    pairs.filter_map(move |pair| match pair {
        (Some(Value::Text(of)), Some(Value::Text(id))) if of == kind => Some(id),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::event;

    fn work(kind: &str, uri: &str, target: &str) -> (bool, bool, bool) {
        let values = [
            (core::EVENT_TYPE, Value::Text(kind)),
            (core::REQUEST_URI, Value::Text(uri)),
            (core::TARGET_TYPE, Value::Text("User")),
            (core::TARGET_ID, Value::Text(target)),
        ];
        let Work { write, read, console } = Work::of(&event(0, "u", &values));
        (write, read, console)
    }

    #[test]
    fn changes_of_the_tenant_are_writes() {
        for kind in [
            "policy.rule.update",
            "system.idp.lifecycle.create",
            "user.account.privilege.grant",
            "group.user_membership.add",
            "zone.make_blacklist",
            "user.lifecycle.delete.initiated",
            "user.session.impersonation.grant",
        ] {
            assert_eq!(work(kind, "/api/v1/x", "00uana"), (true, false, false), "{kind}");
        }
        for kind in
            ["policy.evaluate_sign_on", "user.authentication.sso", "security.threat.detected", "group.readd"]
        {
            assert_eq!(work(kind, "/api/v1/x", "00uben"), (false, false, false), "{kind}");
        }
    }

    #[test]
    fn what_one_does_to_the_own_account_is_none() {
        for kind in ["user.mfa.factor.reset_all", "application.user_membership.add", "user.session.clear"] {
            assert!(work(kind, "", "00uben").0, "{kind}");
            assert!(!work(kind, "", "00uana").0, "{kind}");
        }
    }

    #[test]
    fn what_shows_something_is_a_read_and_the_consoles_own_are_told_apart() {
        assert_eq!(work("system.idp.lifecycle.read_client_secret", "", "0oa"), (false, true, true));
        assert_eq!(work("analytics.reports.export.request", "", "rep"), (false, true, true));
        assert_eq!(work("application.user_membership.show_password", "", "00uana"), (false, true, false));
        assert_eq!(work("workflows.user.table.export", "", "t"), (false, true, false));
        let path = "/reports/password-health/async_csv_download_schedule";
        assert_eq!(work("policy.evaluate_sign_on", path, "p"), (false, true, true));
        assert_eq!(
            work("user.session.access_admin_app", "/admin/sso/callback", "0oa"),
            (false, false, false)
        );
    }

    #[test]
    fn a_change_that_failed_changes_nothing() {
        let values = [
            (core::EVENT_TYPE, Value::Text("policy.rule.update")),
            (core::OUTCOME_RESULT, Value::Text("FAILURE")),
        ];
        assert!(Work::of(&event(0, "u", &values)).is_none());
    }
}
