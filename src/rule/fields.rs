//! Which fields may a rule use?

use super::known::KNOWN;
use crate::limits;
use crate::model::{FieldDef, FieldKind, OPEN_MAPS, core};
use crate::text::nearest;

/// Every field with a fixed path: the core set, then the further fields of Okta's events.
pub fn catalogue() -> impl Iterator<Item = &'static FieldDef> {
    core::ALL.iter().chain(KNOWN)
}

/// The root of the targets by type: `enriched.target.<Type>.<attribute>`.
const TARGET_ROOT: &str = "enriched.target.";

/// What `enriched.target.<Type>` offers, with the list it is taken from.
pub(super) const TARGET_ATTRIBUTES: &[(&str, &str)] = &[
    ("id", "target.id"),
    ("alternateId", "target.alternateId"),
    ("displayName", "target.displayName"),
    ("type", "target.type"),
];

/// What `enriched.target.<Type>` offers, with the field that it is taken from.
pub fn target_fields() -> impl Iterator<Item = (&'static str, &'static FieldDef)> {
    let of_list = |list: &str| catalogue().find(|def| def.path == list);
    TARGET_ATTRIBUTES.iter().filter_map(move |(attribute, list)| Some((*attribute, of_list(list)?)))
}

/// What a path is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathKind {
    /// A value.
    Value,
    /// An object or array, of which only presence can be asked.
    Container,
    /// Nothing known.
    Unknown,
}

/// What a path is to a rule.
pub(super) fn kind_of(path: &str) -> PathKind {
    if path.len() > limits::FIELD_PATH_BYTES {
        return PathKind::Unknown;
    }
    if path.starts_with(TARGET_ROOT) {
        return if target_of(path).is_some() { PathKind::Value } else { PathKind::Unknown };
    }
    let below = |map: &str| path.strip_prefix(map).and_then(|rest| rest.strip_prefix('.'));
    let in_open_map = OPEN_MAPS.iter().any(|map| below(map).is_some_and(is_key));
    if in_open_map || catalogue().any(|def| def.path == path) {
        return PathKind::Value;
    }
    let above = |whole: &str| whole.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let is_above = OPEN_MAPS.contains(&path) || catalogue().any(|def| above(def.path));
    let computed = path == "enriched" || path.starts_with("enriched.");
    if is_above && !computed { PathKind::Container } else { PathKind::Unknown }
}

/// What the values at a path are; text where nothing is known of them.
pub(super) fn value_kind(path: &str) -> FieldKind {
    catalogue().find(|def| def.path == path).map_or(FieldKind::Text, |def| def.kind)
}

/// What a field of the kind holds, for messages.
pub(super) fn holds(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Integer => "whole numbers",
        FieldKind::Number => "numbers",
        FieldKind::Boolean => "true or false",
        FieldKind::Time => "instants",
        FieldKind::Ip => "addresses",
    }
}

fn is_key(rest: &str) -> bool {
    rest.split('.').all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}

/// The type and the attribute of `enriched.target.<Type>.<attribute>`, with the list it is taken
/// from. A type may hold spaces, as in `URL Pattern`.
pub(super) fn target_of(path: &str) -> Option<(&str, &'static str)> {
    let (kind, attribute) = path.strip_prefix(TARGET_ROOT)?.rsplit_once('.')?;
    let (_, list) = TARGET_ATTRIBUTES.iter().find(|(name, _)| *name == attribute)?;
    (!kind.trim().is_empty()).then_some((kind, *list))
}

/// What was probably meant by an unknown path.
pub(super) fn suggestion(path: &str) -> Option<String> {
    if path.len() > limits::FIELD_PATH_BYTES {
        return None;
    }
    if let Some((kind, attribute)) = path.strip_prefix(TARGET_ROOT).and_then(|rest| rest.rsplit_once('.')) {
        let names = TARGET_ATTRIBUTES.iter().map(|(name, _)| *name);
        return nearest(attribute, names).map(|name| format!("{TARGET_ROOT}{kind}.{name}"));
    }
    let ends_alike = |def: &&FieldDef| {
        let last = def.path.rsplit('.').next().unwrap_or_default();
        last.eq_ignore_ascii_case(path)
            || def.path.to_lowercase().ends_with(&format!(".{}", path.to_lowercase()))
    };
    let whole = || nearest(path, catalogue().map(|def| def.path));
    catalogue().find(ends_alike).map(|def| def.path).or_else(whole).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_path_is_a_value_a_container_or_unknown() {
        for path in [
            "eventType",
            "target.changeDetails.to.status",
            "debugContext.debugData.anythingAtAll",
            "enriched.target.URL Pattern.id",
        ] {
            assert_eq!(kind_of(path), PathKind::Value, "{path}");
        }
        for path in ["actor", "target", "debugContext.debugData", "client.userAgent", "device"] {
            assert_eq!(kind_of(path), PathKind::Container, "{path}");
        }
        for path in
            ["", "evntType", "enriched", "enriched.geo", "enriched.target.User", "target.detailEntry."]
        {
            assert_eq!(kind_of(path), PathKind::Unknown, "{path}");
        }
        let deep = |parts: usize| kind_of(&format!("debugContext.debugData{}", ".a".repeat(parts)));
        assert_eq!((deep(200), deep(100_000)), (PathKind::Value, PathKind::Unknown));
    }

    #[test]
    fn a_slip_or_a_bare_name_finds_its_field() {
        assert_eq!(suggestion("client.ipAdress").as_deref(), Some("client.ipAddress"));
        assert_eq!(suggestion("eventtype").as_deref(), Some("eventType"));
        assert_eq!(suggestion("grantType").as_deref(), Some("debugContext.debugData.grantType"));
        assert_eq!(
            suggestion("enriched.target.User.alternateid").as_deref(),
            Some("enriched.target.User.alternateId")
        );
        assert_eq!(suggestion("zzzzzz"), None);
    }

    #[test]
    fn no_field_is_listed_twice_and_every_one_is_explained() {
        let mut seen = BTreeSet::new();
        for def in catalogue() {
            assert!(seen.insert(def.path), "{} stands twice", def.path);
            assert!(!def.about.is_empty() && !def.example.is_empty(), "{}", def.path);
        }
    }
}
