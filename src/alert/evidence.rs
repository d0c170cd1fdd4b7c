//! What does an alert keep of an event that contributed to it?

use std::sync::Arc;

use compact_str::{CompactString, ToCompactString as _};

use crate::limits;
use crate::model::{
    Actor, Enriched, EventFacts, FieldId, FieldTable, Fields, Principal, Target, Value, core,
};
use crate::text::cut;

/// What an alert keeps of what a rule read of an event.
pub fn fields_read(
    table: &FieldTable,
    reads: &[FieldId],
    event: &Enriched,
) -> Vec<(Arc<str>, CompactString)> {
    let fields = &event.event().fields;
    reads.iter().filter_map(|id| read(table, fields, *id)).collect()
}

/// What an alert keeps of an event, whichever rule matched it.
pub fn event_facts(event: &Enriched) -> EventFacts {
    let observation = &event.observation;
    let inner = &observation.event;
    let fields = &inner.fields;
    EventFacts {
        position: inner.position.clone(),
        uuid: inner.uuid.clone(),
        event_type: short(fields, core::EVENT_TYPE),
        published_ms: inner.published_ms,
        display_message: long(fields, core::DISPLAY_MESSAGE),
        result: short(fields, core::OUTCOME_RESULT),
        reason: short(fields, core::OUTCOME_REASON),
        actor: Actor {
            known: event.user.as_ref().is_some_and(|user| user.known),
            is: event.principal.is,
            ..actor(fields)
        },
        session_id: session_id(event),
        ip: address(event),
        place: observation.place.clone(),
        user_agent: long(fields, core::CLIENT_USER_AGENT),
        targets: targets(fields),
        session: event.session.clone(),
        travel: event.travel.clone(),
        token: event.token.clone(),
        admin: event.admin.clone(),
        late: event.late,
        lossy: inner.lossy,
        org: inner.org.clone(),
        raw: inner.raw.clone(),
    }
}

/// Who acted. Without an id, a failed sign-in proves nothing about its login: it is what was typed.
fn actor(fields: &Fields) -> Actor {
    let id = short(fields, core::ACTOR_ID);
    let login = short(fields, core::ACTOR_ALTERNATE_ID);
    let failed =
        fields.text(core::OUTCOME_RESULT).is_some_and(|result| result.eq_ignore_ascii_case("FAILURE"));
    Actor {
        unproven: id.is_empty() && failed && !login.is_empty(),
        kind: short(fields, core::ACTOR_TYPE),
        name: short(fields, core::ACTOR_DISPLAY_NAME),
        id,
        login,
        known: false,
        is: Principal::default(),
    }
}

/// The targets, put together from the lists of their fields, which are aligned.
fn targets(fields: &Fields) -> Vec<Target> {
    let mut targets = Vec::new();
    let lists = [core::TARGET_ID, core::TARGET_TYPE, core::TARGET_ALTERNATE_ID, core::TARGET_DISPLAY_NAME];
    for (part, list) in lists.into_iter().enumerate() {
        for (place, value) in fields.elements(list).take(limits::EVIDENCE_TARGETS).enumerate() {
            if targets.len() <= place {
                targets.resize(place + 1, Target::default());
            }
            let (Some(target), Some(value)) = (targets.get_mut(place), value) else { continue };
            let slot = match part {
                0 => &mut target.id,
                1 => &mut target.kind,
                2 => &mut target.alternate_id,
                _ => &mut target.name,
            };
            *slot = match value {
                Value::Text(text) => bounded(text),
                other => bounded(&other.to_string()),
            };
        }
    }
    targets.retain(|target| *target != Target::default());
    targets
}

/// One field the rule reads, if anything stands there.
fn read(table: &FieldTable, fields: &Fields, id: FieldId) -> Option<(Arc<str>, CompactString)> {
    let mut values = fields.values(id).filter(|value| *value != Value::Container);
    let first = values.next()?;
    let shown = match (first, values.next()) {
        (Value::Text(text), None) => bounded(text),
        (first, second) => {
            let all = [Some(first), second].into_iter().flatten().chain(values);
            let all: Vec<String> = all.map(|value| value.to_string()).collect();
            bounded(&all.join(", "))
        }
    };
    Some((table.shared_path(id), shown))
}

fn session_id(event: &Enriched) -> CompactString {
    match &event.session {
        Some(session) => session.id.clone(),
        None => short(&event.event().fields, core::SESSION_ID),
    }
}

fn address(event: &Enriched) -> CompactString {
    let known = event.observation.ip().and_then(|facts| facts.address);
    known.map_or_else(|| short(&event.event().fields, core::CLIENT_IP), |address| address.to_compact_string())
}

fn short(fields: &Fields, id: FieldId) -> CompactString {
    fields.text(id).map(bounded).unwrap_or_default()
}

fn long(fields: &Fields, id: FieldId) -> String {
    fields.text(id).map(bounded).unwrap_or_default()
}

/// A text that fits, or its start with an ellipsis.
fn bounded<T: for<'t> From<&'t str>>(text: &str) -> T {
    if text.len() <= limits::EVIDENCE_VALUE_BYTES {
        return T::from(text);
    }
    T::from(&format!("{}…", cut(text, limits::EVIDENCE_VALUE_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;
    use crate::model::{Event, Evidence, Observation, Position};

    /// An event with these fields, from Lisbon.
    fn event(fill: impl FnOnce(&mut Fields)) -> (FieldTable, Enriched) {
        let table = FieldTable::default();
        let mut fields = Fields::new(table.len());
        fill(&mut fields);
        let event = Event {
            position: Position::default(),
            uuid: "u1".into(),
            published_ms: samples::T0,
            org: None,
            envelope: "raw".into(),
            lossy: false,
            fields,
            raw: None,
        };
        let observation = Observation { event, place: Some(samples::lisbon()) };
        (table, Enriched::alone(observation, false))
    }

    fn kept(fill: impl FnOnce(&mut Fields), reads: &[FieldId]) -> Evidence {
        let (table, event) = event(fill);
        Evidence { read: fields_read(&table, reads, &event), ..Evidence::from(event_facts(&event)) }
    }

    #[test]
    fn targets_are_put_together_from_aligned_lists() {
        let evidence = kept(
            |fields| {
                fields
                    .set_list(core::TARGET_ID, [Some(Value::Text("00u1")), Some(Value::Text("0oa1")), None]);
                fields.set_list(
                    core::TARGET_TYPE,
                    [Some(Value::Text("User")), Some(Value::Text("AppInstance")), None],
                );
                fields.set_list(core::TARGET_ALTERNATE_ID, [None, Some(Value::Text("Payroll")), None]);
            },
            &[],
        );
        let [user, app] = evidence.targets.as_slice() else { panic!("{:?}", evidence.targets) };
        assert_eq!((user.id.as_str(), user.kind.as_str(), user.alternate_id.as_str()), ("00u1", "User", ""));
        assert_eq!((app.id.as_str(), app.alternate_id.as_str()), ("0oa1", "Payroll"));
    }

    #[test]
    fn what_the_rule_read_is_kept_in_its_order_and_bounded() {
        let long = "é".repeat(limits::EVIDENCE_VALUE_BYTES);
        let evidence = kept(
            |fields| {
                fields.set(core::REQUEST_URI, Value::Text(&long));
                fields.set_list(core::CONTEXT_RISK_REASONS, [Some(Value::Text("a")), Some(Value::Text("b"))]);
            },
            &[core::CONTEXT_RISK_REASONS, core::REQUEST_URI, core::FACTOR],
        );
        let [(first, reasons), (_, uri)] = evidence.read.as_slice() else { panic!("{:?}", evidence.read) };
        assert_eq!((first.as_ref(), reasons.as_str()), ("securityContext.risk.reasons", "a, b"));
        assert!(uri.ends_with('…') && uri.len() <= limits::EVIDENCE_VALUE_BYTES + '…'.len_utf8());
    }

    #[test]
    fn only_a_failed_sign_in_without_an_id_is_unproven() {
        let unproven = |id: &'static str, result: &'static str| {
            let set = |fields: &mut Fields| {
                if !id.is_empty() {
                    fields.set(core::ACTOR_ID, Value::Text(id));
                }
                fields.set(core::ACTOR_ALTERNATE_ID, Value::Text("Winter2026!"));
                fields.set(core::OUTCOME_RESULT, Value::Text(result));
            };
            kept(set, &[]).actor.unproven
        };
        assert!(unproven("", "FAILURE"));
        assert!(!unproven("00u1", "FAILURE"));
        assert!(!unproven("", "SUCCESS"));
    }

    #[test]
    fn the_address_is_the_normalised_one() {
        let evidence = kept(|fields| fields.set(core::CLIENT_IP, Value::Text("::ffff:203.0.113.7")), &[]);
        assert_eq!(evidence.ip, "203.0.113.7");
    }
}
