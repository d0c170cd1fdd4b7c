//! Under which id is an alert known, however often it is computed?

use uuid::Uuid;

use super::masked::Masks;
use crate::model::Alert;

/// The namespace of the product's ids: UUIDv5 of `oktawatch` under the nil UUID.
const NAMESPACE: Uuid = Uuid::from_u128(0x614f_2a71_f7eb_564e_822b_3364_4e44_8b53);

/// The id of an alert: UUIDv5 of rule id, key and the event that first fired it.
///
/// The id is a digest that anyone may try guesses on, so a key that may be a mistyped password
/// must come masked; [`identify`] sees to that.
pub fn id(rule_id: &str, key: &str, first_uuid: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, joined(&[rule_id, key, first_uuid]).as_bytes())
}

/// The id of an alert whose group and evidence are filled in; `first_uuid` is the event that first
/// fired it.
pub fn identify(alert: &Alert, first_uuid: &str) -> Uuid {
    let shown = Masks::unproven(alert).apply(alert);
    id(&alert.rule.id, &key(&shown), first_uuid)
}

/// What all alerts of one rule and one key share, whichever event fired them.
pub(super) fn correlation(shown: &Alert) -> Uuid {
    let org = shown.org.as_deref().unwrap_or_default();
    Uuid::new_v5(&NAMESPACE, joined(&[&shown.rule.id, org, &key(shown)]).as_bytes())
}

/// The group-by values as one text, else the entity.
fn key(alert: &Alert) -> String {
    if alert.group.is_empty() {
        return alert.entity.value.clone();
    }
    let values: Vec<&str> = alert.group.iter().map(|(_, value)| value.as_str()).collect();
    joined(&values)
}

/// Parts with their lengths, so that no two lists of parts give the same text.
fn joined(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("{}:{part}", part.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;

    #[test]
    fn the_namespace_is_what_it_says() {
        assert_eq!(NAMESPACE, Uuid::new_v5(&Uuid::nil(), b"oktawatch"));
    }

    #[test]
    fn each_part_counts_and_none_runs_into_the_next() {
        let one = id("rule", "ana", "u1");
        assert_eq!(one, id("rule", "ana", "u1"));
        for other in [id("rulea", "na", "u1"), id("rule", "ben", "u1"), id("rule", "ana", "u2")] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_guessed_password_cannot_be_confirmed_by_the_id() {
        let alert = samples::mistyped_password("Winter2026!");
        let first = alert.fired_by.clone();
        let plain = id(&alert.rule.id, &key(&alert), &first);
        assert_ne!(identify(&alert, &first), plain);
        assert_eq!(identify(&alert, &first), identify(&alert.clone(), &first));
    }
}
