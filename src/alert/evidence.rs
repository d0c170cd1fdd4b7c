//! What does an alert keep of an event that contributed to it?

use std::sync::Arc;

use compact_str::CompactString;

use crate::limits;
use crate::model::{Actor, Enriched, Evidence, FieldId, FieldTable, Fields, Target, Value, core};
use crate::text::cut;

/// What an alert keeps of an event: `reads` are the fields of the rule that matched it.
pub fn evidence(table: &FieldTable, reads: &[FieldId], event: &Enriched) -> Evidence {
    let observation = &event.observation;
    let inner = &observation.event;
    let fields = &inner.fields;
    Evidence {
        position: inner.position.clone(),
        uuid: inner.uuid.clone(),
        event_type: short(fields, core::EVENT_TYPE),
        published_ms: inner.published_ms,
        display_message: long(fields, core::DISPLAY_MESSAGE),
        result: short(fields, core::OUTCOME_RESULT),
        reason: short(fields, core::OUTCOME_REASON),
        actor: actor(fields),
        session_id: session_id(event),
        ip: address(event),
        place: observation.place.clone(),
        user_agent: long(fields, core::CLIENT_USER_AGENT),
        targets: targets(fields),
        read: reads.iter().filter_map(|id| read(table, fields, *id)).collect(),
        session: event.session.clone(),
        travel: event.travel.clone(),
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
            *slot = bounded(&value.to_string()).into();
        }
    }
    targets.retain(|target| *target != Target::default());
    targets
}

/// One field the rule reads, if anything stands there.
fn read(table: &FieldTable, fields: &Fields, id: FieldId) -> Option<(Arc<str>, String)> {
    let values: Vec<String> =
        fields.values(id).filter(|value| *value != Value::Container).map(|value| value.to_string()).collect();
    (!values.is_empty()).then(|| (Arc::from(table.path(id)), bounded(&values.join(", "))))
}

fn session_id(event: &Enriched) -> CompactString {
    match &event.session {
        Some(session) => session.id.clone(),
        None => short(&event.event().fields, core::SESSION_ID),
    }
}

fn address(event: &Enriched) -> CompactString {
    let known = event.observation.ip().and_then(|facts| facts.address);
    known.map_or_else(|| short(&event.event().fields, core::CLIENT_IP), |address| address.to_string().into())
}

fn short(fields: &Fields, id: FieldId) -> CompactString {
    fields.text(id).map(|text| bounded(text).into()).unwrap_or_default()
}

fn long(fields: &Fields, id: FieldId) -> String {
    fields.text(id).map(bounded).unwrap_or_default()
}

/// A text that fits, or its start with an ellipsis.
fn bounded(text: &str) -> String {
    if text.len() <= limits::EVIDENCE_VALUE_BYTES {
        return text.to_owned();
    }
    format!("{}…", cut(text, limits::EVIDENCE_VALUE_BYTES))
}
