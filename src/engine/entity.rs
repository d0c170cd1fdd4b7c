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
            token.map(|(_, value)| value.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, EventFacts, RuleKind, Target, Value};
    use crate::rule::{Counted, FigureKind, FigureTest, GroupBy, Test};

    fn evidence() -> Evidence {
        let target = |kind: &str, id: &str, name: &str| Target {
            id: id.into(),
            kind: kind.into(),
            alternate_id: "ben@example.com".into(),
            name: name.into(),
        };
        Evidence::from(EventFacts {
            actor: Actor { id: "00uAna".into(), login: "ana@example.com".into(), ..Actor::default() },
            ip: "203.0.113.7".into(),
            targets: vec![target("AppInstance", "0oa1", "Payroll"), target("User", "00uBen", "Ben")],
            org: Some("acme".into()),
            ..EventFacts::default()
        })
    }

    #[test]
    fn a_detection_is_about_what_its_event_says() {
        let mut fields = Fields::new(core::ALL.len());
        fields.set(core::API_TOKEN_ID, Value::Text("00T1"));
        for (kind, value) in [
            (EntityKind::Actor, "ana@example.com"),
            (EntityKind::TargetUser, "ben@example.com"),
            (EntityKind::App, "Payroll"),
            (EntityKind::Ip, "203.0.113.7"),
            (EntityKind::Token, "00T1"),
            (EntityKind::Org, "acme"),
        ] {
            assert_eq!(of_event(kind, &evidence(), &fields), Entity { kind, value: value.to_owned() });
        }
    }

    #[test]
    fn an_event_without_it_is_about_whoever_acted() {
        let mut bare = evidence();
        bare.targets.clear();
        let entity = of_event(EntityKind::App, &bare, &Fields::new(core::ALL.len()));
        assert_eq!(entity, Entity { kind: EntityKind::Actor, value: "ana@example.com".to_owned() });
    }

    #[test]
    fn a_correlation_is_about_its_group_even_under_an_alias() {
        let source = vec![GroupSource::Field(core::CLIENT_IP)];
        let correlation = Correlation {
            kind: RuleKind::EventCount,
            rules: Vec::new(),
            group_by: vec![GroupBy { name: "from".to_owned(), source, hidden: false }],
            timespan_ms: 1,
            test: Test::Figure(FigureTest {
                figure: FigureKind::Count,
                counted: Counted::default(),
                conditions: Vec::new(),
            }),
        };
        let group = [("from".to_owned(), "198.51.100.1".to_owned())];
        let about = |kind| of_group(kind, &correlation, &group, &evidence(), &FieldTable::default()).value;
        assert_eq!(about(EntityKind::Ip), "198.51.100.1");
        assert_eq!(about(EntityKind::Actor), "ana@example.com");
    }
}
