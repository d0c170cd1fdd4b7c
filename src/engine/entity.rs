//! What is an alert about?

use crate::model::{Entity, EntityKind, Evidence, FieldId, FieldTable, Fields, core};
use crate::rule::{Correlation, GroupSource};

/// What a detection's alert is about.
pub(super) fn of_event(kind: EntityKind, evidence: &Evidence, fields: &Fields) -> Entity {
    let token = || fields.text(core::API_TOKEN_ID).map(str::to_owned);
    let value = match kind {
        EntityKind::Token => token().or_else(|| read(kind, evidence)),
        _ => read(kind, evidence),
    };
    entity(kind, value, evidence)
}

/// What a correlation's alert is about: the group-by value of the kind where there is one, as it is
/// common to all events; else what the deciding event says.
pub(super) fn of_group(
    kind: EntityKind,
    correlation: &Correlation,
    group: &[(String, String)],
    decided: &Evidence,
    table: &FieldTable,
) -> Entity {
    let grouped = correlation.group_by.iter().zip(group).find(|(field, _)| {
        let sources = field.source.iter().map(|source| match source {
            GroupSource::Field(id) => table.path(*id),
            GroupSource::Group(name) => name.as_str(),
        });
        std::iter::once(field.name.as_str()).chain(sources).any(|path| says(kind, path))
    });
    match grouped {
        Some((_, (_, value))) => Entity { kind, value: value.clone() },
        None => entity(kind, read(kind, decided), decided),
    }
}

/// An event that lacks what the rule is about is about whoever acted.
fn entity(kind: EntityKind, value: Option<String>, evidence: &Evidence) -> Entity {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => Entity { kind, value },
        None => Entity { kind: EntityKind::Actor, value: actor(evidence) },
    }
}

fn read(kind: EntityKind, evidence: &Evidence) -> Option<String> {
    let target = |wanted: fn(&str) -> bool| evidence.targets.iter().find(|target| wanted(&target.kind));
    match kind {
        EntityKind::Actor => Some(actor(evidence)),
        EntityKind::TargetUser => target(is_user).map(|user| first(&[&user.alternate_id, &user.id])),
        EntityKind::App => target(is_app).map(|app| first(&[&app.name, &app.alternate_id, &app.id])),
        EntityKind::Ip => Some(evidence.ip.to_string()),
        EntityKind::Org => evidence.org.as_deref().map(str::to_owned),
        EntityKind::Token => {
            let token = evidence.read.iter().find(|(path, _)| says(kind, path));
            token.map(|(_, value)| value.clone())
        }
    }
}

fn actor(evidence: &Evidence) -> String {
    first(&[&evidence.actor.login, &evidence.actor.id])
}

fn first(candidates: &[&str]) -> String {
    candidates
        .iter()
        .find(|candidate| !candidate.is_empty())
        .map(|text| (*text).to_owned())
        .unwrap_or_default()
}

fn is_user(kind: &str) -> bool {
    matches!(kind, "User" | "AppUser")
}

fn is_app(kind: &str) -> bool {
    matches!(kind, "AppInstance" | "App")
}

/// Whether a path names a thing of the kind.
fn says(kind: EntityKind, path: &str) -> bool {
    let fields: &[FieldId] = match kind {
        EntityKind::Actor => {
            &[core::ACTOR_ALTERNATE_ID, core::ACTOR_ID, core::ENRICHED_USER_LOGIN, core::ENRICHED_USER_ID]
        }
        EntityKind::Ip => &[core::CLIENT_IP],
        EntityKind::Token => &[core::API_TOKEN_ID],
        EntityKind::Org => &[core::ENRICHED_ORG],
        EntityKind::TargetUser => return path.starts_with("enriched.target.User."),
        EntityKind::App => return path.starts_with("enriched.target.AppInstance."),
    };
    fields.iter().any(|id| core::ALL.get(id.index()).is_some_and(|field| field.path == path))
}
