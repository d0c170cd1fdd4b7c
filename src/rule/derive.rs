//! What are an event's targets, by their type?

use compact_str::{CompactString, ToCompactString as _};
use smallvec::SmallVec;

use super::fields;
use crate::model::{FieldId, FieldTable, Fields, Value, core};

/// One `enriched.target.<Type>.<attribute>` that a rule reads.
#[derive(Clone, Debug)]
pub(super) struct DerivedTarget {
    field: FieldId,
    kind: String,
    list: FieldId,
}

/// Those that the rules read.
pub(super) fn of_table(table: &FieldTable) -> Vec<DerivedTarget> {
    let derived = table.iter().filter(|(field, _)| table.is_read(*field)).filter_map(|(field, path)| {
        let (kind, list) = fields::target_of(path)?;
        Some(DerivedTarget { field, kind: kind.to_owned(), list: table.id(list)? })
    });
    derived.collect()
}

fn spelled(value: Value<'_>) -> CompactString {
    match value {
        Value::Text(text) => CompactString::from(text),
        other => other.to_compact_string(),
    }
}

impl DerivedTarget {
    /// Fills the field from the targets of its type; their positions mean nothing.
    pub(super) fn fill(&self, fields: &mut Fields) {
        let of_kind = |value: Option<Value<'_>>| match value {
            Some(Value::Text(kind)) => kind.eq_ignore_ascii_case(&self.kind),
            _ => false,
        };
        let pairs = fields.elements(core::TARGET_TYPE).zip(fields.elements(self.list));
        let values = pairs.filter(|(kind, _)| of_kind(*kind)).filter_map(|(_, value)| value);
        let values: SmallVec<[CompactString; 4]> = values.map(spelled).collect();
        match values.as_slice() {
            [] => fields.clear(self.field),
            [only] => fields.set(self.field, Value::Text(only)),
            several => fields.set_list(self.field, several.iter().map(|value| Some(Value::Text(value)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_type_and_not_by_position() {
        let mut table = FieldTable::default();
        let app = table.read("enriched.target.AppInstance.alternateId").unwrap();
        let user = table.read("enriched.target.user.id").unwrap();
        let group = table.read("enriched.target.UserGroup.id").unwrap();
        let mut fields = Fields::new(table.len());
        let texts = |texts: [&'static str; 3]| texts.map(|text| Some(Value::Text(text)));
        fields.set_list(core::TARGET_TYPE, texts(["User", "AppInstance", "User"]));
        fields.set_list(core::TARGET_ID, texts(["00u1", "0oa1", "00u2"]));
        fields.set_list(core::TARGET_ALTERNATE_ID, [None, Some(Value::Text("Salesforce")), None]);
        for derived in of_table(&table) {
            derived.fill(&mut fields);
        }
        assert_eq!(fields.text(app), Some("Salesforce"));
        let users: Vec<_> = fields.values(user).collect();
        assert_eq!(users, [Value::Text("00u1"), Value::Text("00u2")]);
        assert!(!fields.exists(group));
    }
}
