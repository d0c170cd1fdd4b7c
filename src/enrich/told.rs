//! What was last done to a user by others?

use crate::durable;
use crate::model::{NoticeKind, Said};

/// Of each kind, what was done last in event time.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Vec<Said>);

durable!(Told { 0 });

impl Told {
    /// Takes in what was done. It may come twice, and in any order.
    pub fn take(&mut self, said: &Said) {
        match self.0.iter_mut().find(|known| known.of == said.of) {
            Some(known) if (known.at_ms, &known.uuid) < (said.at_ms, &said.uuid) => *known = said.clone(),
            Some(_) => {}
            None => self.0.push(said.clone()),
        }
    }

    /// Whether an administrator's role was given, and none was taken away since.
    pub fn holds_role(&self, at_ms: i64) -> bool {
        let last = |of| self.last(of, at_ms).map(|said| said.at_ms);
        last(NoticeKind::RoleGranted) > last(NoticeKind::RoleRevoked)
    }

    /// The last of a kind, if it was done by then.
    pub fn last(&self, of: NoticeKind, by_ms: i64) -> Option<&Said> {
        self.0.iter().find(|known| known.of == of && known.at_ms <= by_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(of: NoticeKind, at_ms: i64, uuid: &str) -> Said {
        Said { of, at_ms, uuid: uuid.into(), ..Said::default() }
    }

    #[test]
    fn the_last_of_each_kind_is_kept_whatever_comes_first() {
        let mut told = Told::default();
        for (at_ms, uuid) in [(5, "b"), (9, "c"), (9, "c"), (1, "a")] {
            told.take(&said(NoticeKind::SessionsEnded, at_ms, uuid));
        }
        told.take(&said(NoticeKind::RoleGranted, 3, "d"));
        let last = |of, by_ms| told.last(of, by_ms).map(|said| said.uuid.as_str());
        assert_eq!(last(NoticeKind::SessionsEnded, 9), Some("c"));
        assert_eq!(last(NoticeKind::SessionsEnded, 8), None, "what was before the last is not kept");
        assert_eq!(last(NoticeKind::RoleGranted, 9), Some("d"));
        assert_eq!(last(NoticeKind::PasswordReset, 9), None);
    }
}
