//! Which fields does an event have, and which of them does this run read?
//!
//! The table starts with the core set, which enrichment, sessions and evidence always need; the
//! rules' own fields are added when they are loaded. A [`FieldId`] is an index into the table, so
//! nothing is looked up by path once the rules are compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::core;

/// A field's place in the [`FieldTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

impl FieldId {
    /// The field at a place of the table.
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its place in the table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a field's values are; strings that spell a value of the kind are met too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Free text or an identifier.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An instant, as Okta writes it: RFC 3339 with milliseconds.
    Time,
    /// An IPv4 or IPv6 address.
    Ip,
}

impl FieldKind {
    /// The word `oktawatch fields` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Ip => "ip",
        }
    }
}

/// Path of the field that holds every value of an event, for rules that search it as a whole. No path
/// of Okta's looks so.
pub const KEYWORDS: &str = "*";

/// One field a rule may use.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Okta's JSON path, or a path under `enriched.`.
    pub path: &'static str,
    /// What its values are.
    pub kind: FieldKind,
    /// Whether it crosses an array, so that an event may have several values.
    pub many: bool,
    /// A value as it occurs.
    pub example: &'static str,
    /// What it says, in one line.
    pub about: &'static str,
}

/// Objects whose keys Okta does not fix: any key under them is a field.
pub const OPEN_MAPS: &[&str] = &[
    "debugContext.debugData",
    "target.detailEntry",
    "target.changeDetails.from",
    "target.changeDetails.to",
    "actor.detailEntry",
    "transaction.detail",
    "device.device_integrator",
    "enriched.target",
];

/// Every field of this run: the core set, then what the rules read besides.
#[derive(Clone, Debug)]
pub struct FieldTable {
    paths: Vec<Arc<str>>,
    ids: BTreeMap<Arc<str>, FieldId>,
    read_by_rules: Vec<bool>,
}

impl Default for FieldTable {
    fn default() -> Self {
        let paths: Vec<Arc<str>> = core::ALL.iter().map(|def| Arc::from(def.path)).collect();
        let ids = (0..).map(FieldId::new);
        let ids = paths.iter().cloned().zip(ids).collect();
        Self { read_by_rules: vec![false; paths.len()], paths, ids }
    }
}

impl FieldTable {
    /// Adds a field that a rule reads, and says where it stands. `None`: the table is full.
    pub fn read(&mut self, path: &str) -> Option<FieldId> {
        let id = match self.ids.get(path) {
            Some(id) => *id,
            None => self.add(path)?,
        };
        if let Some(flag) = self.read_by_rules.get_mut(id.index()) {
            *flag = true;
        }
        Some(id)
    }

    /// Where a field stands, if it is in the table.
    pub fn id(&self, path: &str) -> Option<FieldId> {
        self.ids.get(path).copied()
    }

    /// Where every value of an event is kept, if any rule searches events as a whole.
    pub fn keywords(&self) -> Option<FieldId> {
        self.id(KEYWORDS).filter(|id| self.is_read(*id))
    }

    /// A field's path.
    pub fn path(&self, id: FieldId) -> &str {
        self.paths.get(id.index()).map_or("", |path| path)
    }

    /// The same, to be kept.
    pub fn shared_path(&self, id: FieldId) -> Arc<str> {
        self.paths.get(id.index()).cloned().unwrap_or_default()
    }

    /// Whether any rule reads the field: computed fields that none reads need not be filled.
    pub fn is_read(&self, id: FieldId) -> bool {
        self.read_by_rules.get(id.index()).copied().unwrap_or_default()
    }

    /// Whether events have to be asked for the field: it is of the core set, or a rule reads it.
    pub fn is_wanted(&self, id: FieldId) -> bool {
        id.index() < core::ALL.len() || self.is_read(id)
    }

    /// The same fields at the same places, as if no rule read them yet: what other rules are compiled
    /// onto, so that events that are held keep their meaning.
    #[must_use]
    pub fn unread(&self) -> Self {
        Self { read_by_rules: vec![false; self.paths.len()], ..self.clone() }
    }

    /// Whether every field of another table stands at the same place here.
    pub fn extends(&self, other: &Self) -> bool {
        self.paths.starts_with(&other.paths)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether the table is empty; it never is.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Every field that has a place in the event, with its path, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &str)> {
        let all = (0..).map(FieldId::new).zip(self.paths.iter().map(|path| &**path));
        all.filter(|(_, path)| *path != KEYWORDS)
    }

    fn add(&mut self, path: &str) -> Option<FieldId> {
        if self.paths.len() >= crate::limits::FIELDS {
            return None;
        }
        let id = FieldId::new(u16::try_from(self.paths.len()).ok()?);
        let path: Arc<str> = Arc::from(path);
        self.paths.push(Arc::clone(&path));
        self.read_by_rules.push(false);
        self.ids.insert(path, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_where_its_path_stands() {
        let table = FieldTable::default();
        assert_eq!(table.path(core::EVENT_TYPE), "eventType");
        assert_eq!(table.path(core::ENRICHED_BEHAVIORS_POSITIVE), "enriched.behaviors.positive");
        assert_eq!(table.id("target.type"), Some(core::TARGET_TYPE));
        assert_eq!(table.len(), core::ALL.len());
    }

    #[test]
    fn a_rule_s_field_is_added_once() {
        let mut table = FieldTable::default();
        let first = table.read("debugContext.debugData.authorizationServer");
        assert_eq!(first, table.read("debugContext.debugData.authorizationServer"));
        assert_eq!(table.len(), core::ALL.len() + 1);
        assert!(table.is_read(first.unwrap()));
        assert!(!table.is_read(core::UUID));
    }

    #[test]
    fn what_is_searched_as_a_whole_has_no_place_of_its_own() {
        let mut table = FieldTable::default();
        assert_eq!(table.keywords(), None);
        let keywords = table.read(KEYWORDS);
        assert_eq!((table.keywords(), table.len()), (keywords, core::ALL.len() + 1));
        assert!(table.iter().all(|(_, path)| path != KEYWORDS));
        assert_eq!(table.iter().count(), core::ALL.len());
    }

    #[test]
    fn what_is_compiled_onto_a_table_keeps_its_places_and_wants_only_what_it_reads() {
        let mut first = FieldTable::default();
        let grant = first.read("debugContext.debugData.authorizationServer").unwrap();
        let mut second = first.unread();
        let scope = second.read("debugContext.debugData.deniedScopes").unwrap();
        assert!(second.extends(&first) && !first.extends(&second));
        assert_eq!(second.path(grant), "debugContext.debugData.authorizationServer");
        assert_eq!((second.is_wanted(grant), second.is_wanted(scope)), (false, true));
        assert!(second.is_wanted(core::UUID));
        first.read(KEYWORDS);
        assert_eq!((first.keywords().is_some(), first.unread().keywords()), (true, None));
        let mut afresh = FieldTable::default();
        afresh.read("debugContext.debugData.deniedScopes");
        assert!(!afresh.extends(&first));
    }
}
