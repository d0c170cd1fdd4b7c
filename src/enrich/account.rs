//! What became of a user's account that its sessions and tokens must answer to?
//!
//! Which sessions were ended at once, by the user or by somebody else, and whether the user acts as an
//! administrator.

use super::agent::hash;
use super::console;
use super::session::earlier;
use super::told::Told;
use crate::model::{Ending, Event, NoticeKind, Said, core};
use crate::{durable, limits};

/// What is kept of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    admin_ms: Option<i64>,
    endings: Vec<Over>,
}

/// The end of the sessions of an account that had begun before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over {
    /// When.
    pub at_ms: i64,
    /// By what.
    pub by: Ending,
    /// The session that goes on, by its hash: the one it was done in.
    but: Option<u32>,
}

durable!(Account { admin_ms, endings });
durable!(Over { at_ms, by, but });

impl Account {
    /// Takes in what the user did to the account.
    pub fn take(&mut self, event: &Event, session: Option<&str>) {
        let fields = &event.fields;
        if fields.text(core::OUTCOME_RESULT) != Some("SUCCESS") {
            return;
        }
        let at_ms = event.published_ms;
        match fields.text(core::EVENT_TYPE).unwrap_or_default() {
            console::ENTRY => self.is_admin_from(at_ms),
            "user.account.update_password" => self.sessions_over(at_ms, Ending::Password, session),
            "user.session.clear" if is_own(event) => self.sessions_over(at_ms, Ending::Clear, session),
            _ => {}
        }
    }

    /// Takes in what others did last to the account by the time of an event of its user's.
    pub fn told(&mut self, told: &Told, event: &Event) {
        let at_ms = event.published_ms;
        let login = event.fields.text(core::ACTOR_ALTERNATE_ID).unwrap_or_default();
        for kind in [NoticeKind::SessionsEnded, NoticeKind::PasswordReset] {
            let said = told.last(kind, at_ms).filter(|said| !said.by.eq_ignore_ascii_case(login));
            if let Some(said) = said {
                self.sessions_over(said.at_ms, ending(said), None);
            }
        }
        if let Some(said) = told.last(NoticeKind::RoleGranted, at_ms) {
            self.is_admin_from(said.at_ms);
        }
    }

    /// The user is an administrator from this time on.
    pub fn is_admin_from(&mut self, at_ms: i64) {
        earlier(&mut self.admin_ms, at_ms);
    }

    /// All sessions that had begun are over, but one.
    pub fn sessions_over(&mut self, at_ms: i64, by: Ending, but: Option<&str>) {
        let over = Over { at_ms, by, but: but.map(hash) };
        let place = self.endings.partition_point(|before| before.at_ms <= at_ms);
        self.endings.insert(place, over);
        if self.endings.len() > limits::ENDINGS_PER_USER {
            self.endings.remove(0);
        }
    }

    /// Whether the user was an administrator by this time.
    pub fn was_admin(&self, at_ms: i64) -> bool {
        self.admin_ms.is_some_and(|since_ms| since_ms <= at_ms)
    }

    /// The last end, before this time, of a session that began at another.
    pub fn over(&self, session: &str, began_ms: i64, at_ms: i64) -> Option<Over> {
        let session = hash(session);
        let meant = |over: &&Over| over.at_ms > began_ms && over.at_ms < at_ms && over.but != Some(session);
        self.endings.iter().rev().find(meant).copied()
    }
}

/// What somebody else ended the sessions by.
fn ending(said: &Said) -> Ending {
    match said.event_type.as_str() {
        "user.lifecycle.suspend" | "user.lifecycle.deactivate" => Ending::Suspend,
        _ if said.of == NoticeKind::PasswordReset => Ending::Reset,
        _ => Ending::Clear,
    }
}

/// Whether the only user among an event's targets is who acts.
fn is_own(event: &Event) -> bool {
    let actor = event.fields.text(core::ACTOR_ID);
    console::users(&event.fields).all(|id| Some(id) == actor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::event;
    use crate::model::{FieldId, Value};

    const TYPE: FieldId = core::EVENT_TYPE;

    fn take(account: &mut Account, at_ms: i64, values: &[(FieldId, Value<'_>)]) {
        account.take(&event(at_ms, "u", values), Some("idxone"));
    }

    #[test]
    fn sessions_that_had_begun_are_over_and_those_after_are_not() {
        let mut account = Account::default();
        account.sessions_over(100, Ending::Clear, None);
        let over = |began_ms, at_ms| account.over("idxone", began_ms, at_ms).map(|over| over.by);
        assert_eq!(over(0, 200), Some(Ending::Clear));
        assert_eq!(over(0, 100), None, "the end itself");
        assert_eq!(over(0, 50), None, "a late event from before");
        assert_eq!(over(100, 200), None, "a session that begins with it");
        assert_eq!(over(150, 200), None);
    }

    #[test]
    fn who_changes_the_password_stays_signed_in() {
        let mut account = Account::default();
        take(&mut account, 100, &[(TYPE, Value::Text("user.account.update_password"))]);
        assert_eq!(account.over("idxone", 0, 200), None);
        assert_eq!(account.over("idxtwo", 0, 200).map(|over| over.by), Some(Ending::Password));
    }

    #[test]
    fn a_change_that_failed_and_the_sessions_of_another_end_nothing() {
        let mut account = Account::default();
        let failed = (core::OUTCOME_RESULT, Value::Text("FAILURE"));
        take(&mut account, 100, &[(TYPE, Value::Text("user.account.update_password")), failed]);
        let other = [
            (TYPE, Value::Text("user.session.clear")),
            (core::TARGET_TYPE, Value::Text("User")),
            (core::TARGET_ID, Value::Text("00uben")),
        ];
        take(&mut account, 100, &other);
        assert_eq!(account.over("idxtwo", 0, 200), None);
        let own = [other[0], other[1], (core::TARGET_ID, Value::Text("00uana"))];
        take(&mut account, 100, &own);
        assert_eq!(account.over("idxtwo", 0, 200).map(|over| over.by), Some(Ending::Clear));
    }

    #[test]
    fn what_others_did_ends_sessions_and_makes_administrators() {
        let said = |of, event_type: &str, by: &str| {
            let mut told = Told::default();
            told.take(&Said {
                of,
                at_ms: 100,
                event_type: event_type.into(),
                by: by.into(),
                ..Said::default()
            });
            let mut account = Account::default();
            account.told(&told, &event(200, "u", &[]));
            (account.over("idxone", 0, 200).map(|over| over.by), account.was_admin(100))
        };
        let (ended, reset) = (NoticeKind::SessionsEnded, NoticeKind::PasswordReset);
        assert_eq!(said(ended, "user.session.clear", "sam@example.com"), (Some(Ending::Clear), false));
        assert_eq!(said(ended, "user.lifecycle.suspend", "sam@example.com"), (Some(Ending::Suspend), false));
        assert_eq!(
            said(reset, "user.account.reset_password", "sam@example.com"),
            (Some(Ending::Reset), false)
        );
        assert_eq!(said(reset, "user.account.update_password", "ANA@example.com"), (None, false));
        assert_eq!(
            said(NoticeKind::RoleGranted, "user.account.privilege.grant", "sam@example.com"),
            (None, true)
        );
    }

    #[test]
    fn an_administrator_is_one_from_the_first_entry_on() {
        let mut account = Account::default();
        let entered = [(TYPE, Value::Text(console::ENTRY))];
        take(&mut account, 100, &entered);
        take(&mut account, 50, &entered);
        assert!(account.was_admin(50) && !account.was_admin(49));
    }

    #[test]
    fn the_oldest_end_goes_at_the_bound() {
        let mut account = Account::default();
        for at_ms in 1..100 {
            account.sessions_over(at_ms, Ending::Clear, None);
        }
        assert_eq!(account.endings.len(), limits::ENDINGS_PER_USER);
        assert_eq!(account.over("idxone", 0, 1_000).map(|over| over.at_ms), Some(99));
    }
}
