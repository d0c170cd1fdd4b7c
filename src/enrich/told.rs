//! What was last done to a user by others?

use crate::model::{NoticeKind, Said};
use crate::{durable, limits};

/// Of each kind, what was done last in event time; and the roles that were given and taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    last: Vec<Said>,
    roles: Vec<Role>,
}

/// When one role was last given and last taken.
#[derive(Clone, Copy, Debug)]
struct Role {
    name: u32,
    given_ms: Option<i64>,
    taken_ms: Option<i64>,
}

durable!(Told { last, roles });
durable!(Role { name, given_ms, taken_ms });

impl Told {
    /// Takes in what was done. It may come twice, and in any order.
    pub fn take(&mut self, said: &Said) {
        said.roles.iter().for_each(|name| self.role(*name, said));
        match self.last.iter_mut().find(|known| known.of == said.of) {
            Some(known) if (known.at_ms, &known.uuid) < (said.at_ms, &said.uuid) => *known = said.clone(),
            Some(_) => {}
            None => self.last.push(said.clone()),
        }
    }

    fn role(&mut self, name: u32, said: &Said) {
        let place = self.roles.iter().position(|role| role.name == name).unwrap_or_else(|| {
            self.make_room();
            self.roles.push(Role { name, given_ms: None, taken_ms: None });
            self.roles.len() - 1
        });
        let Some(role) = self.roles.get_mut(place) else { return };
        let last = if said.of == NoticeKind::RoleGranted { &mut role.given_ms } else { &mut role.taken_ms };
        *last = (*last).max(Some(said.at_ms));
    }

    /// At the bound, the role goes of which was heard longest ago.
    fn make_room(&mut self) {
        if self.roles.len() < limits::ROLES_PER_USER {
            return;
        }
        let heard = |(_, role): &(usize, &Role)| role.given_ms.max(role.taken_ms);
        if let Some((oldest, _)) = self.roles.iter().enumerate().min_by_key(heard) {
            self.roles.swap_remove(oldest);
        }
    }

    /// Whether an administrator's role was given, and not taken away since. Of events that name no role, the last
    /// counts: it took all that had been given before, or gave one.
    pub fn holds_role(&self, at_ms: i64) -> bool {
        let last = |of| self.last(of, at_ms).filter(|said| said.roles.is_empty()).map(|said| said.at_ms);
        let (given, taken) = (last(NoticeKind::RoleGranted), last(NoticeKind::RoleRevoked));
        let by_then = |time: Option<i64>| time.filter(|time| *time <= at_ms);
        let held = |role: &Role| by_then(role.given_ms) > by_then(role.taken_ms).max(taken);
        given > taken || self.roles.iter().any(held)
    }

    /// The last of a kind, if it was done by then.
    pub fn last(&self, of: NoticeKind, by_ms: i64) -> Option<&Said> {
        self.last.iter().find(|known| known.of == of && known.at_ms <= by_ms)
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

    fn told(events: &[(NoticeKind, i64, &[u32])]) -> Told {
        let mut told = Told::default();
        for (of, at_ms, roles) in events {
            told.take(&Said { roles: roles.to_vec(), ..said(*of, *at_ms, "u") });
        }
        told
    }

    const GIVEN: NoticeKind = NoticeKind::RoleGranted;
    const TAKEN: NoticeKind = NoticeKind::RoleRevoked;

    #[test]
    fn who_has_two_roles_is_an_administrator_until_both_are_taken() {
        let events: [(NoticeKind, i64, &[u32]); 4] =
            [(GIVEN, 1, &[7, 8]), (TAKEN, 5, &[7]), (TAKEN, 9, &[8]), (GIVEN, 12, &[7])];
        for order in crate::enrich::testing::permutations(events.len()) {
            let told = told(&order.iter().map(|place| events[*place]).collect::<Vec<_>>());
            assert!(told.holds_role(12), "{order:?}");
        }
        let holds = |upto: usize, at_ms| told(&events[..upto]).holds_role(at_ms);
        assert_eq!((holds(1, 0), holds(1, 1), holds(2, 6), holds(3, 9)), (false, true, true, false));
    }

    #[test]
    fn an_event_that_names_no_role_gives_one_or_takes_all() {
        assert!(told(&[(GIVEN, 1, &[])]).holds_role(1));
        assert!(!told(&[(GIVEN, 1, &[]), (TAKEN, 2, &[])]).holds_role(2));
        assert!(!told(&[(GIVEN, 1, &[7, 8]), (TAKEN, 2, &[])]).holds_role(2));
        assert!(told(&[(GIVEN, 1, &[7]), (TAKEN, 2, &[]), (GIVEN, 3, &[8])]).holds_role(3));
    }

    #[test]
    fn roles_are_bounded_and_the_one_heard_of_longest_ago_goes() {
        let many: Vec<(NoticeKind, i64, Vec<u32>)> =
            (0..100).map(|n| (GIVEN, i64::from(n), vec![n])).collect();
        let many: Vec<_> = many.iter().map(|(of, at_ms, roles)| (*of, *at_ms, roles.as_slice())).collect();
        let told = told(&many);
        assert_eq!(told.roles.len(), limits::ROLES_PER_USER);
        assert!(
            told.roles.iter().any(|role| role.name == 99) && told.roles.iter().all(|role| role.name != 0)
        );
    }
}
