//! Which values does a rule with keywords search?
//!
//! Every text, number and boolean of an event, wherever it stands, except those that say "nothing".
//! They are kept only while a walk goes on, and only if any rule searches events as a whole. A text
//! that spells JSON counts as that text. Of equal keys, all values count: nothing can be hidden behind
//! a repeated key.

use crate::limits::{KEYWORD_BYTES, KEYWORD_VALUE_BYTES};
use crate::model::Value;
use crate::text::cut;

/// The values of one event, in its order.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: Vec<Stored>,
    text: String,
    /// What they count so far of [`KEYWORD_BYTES`].
    size: usize,
}

/// A value whose text, if it is one, stands in a buffer beside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored {
    Text { start: usize, len: usize },
    Other(Value<'static>),
}

impl Stored {
    /// A text at the end of a buffer.
    pub(super) fn text(text: &str, buffer: &mut String) -> Self {
        let start = buffer.len();
        buffer.push_str(text);
        Self::Text { start, len: text.len() }
    }

    pub(super) fn view<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        match *self {
            Self::Text { start, len } => text.get(start..start + len).map(Value::Text),
            Self::Other(value) => Some(value),
        }
    }
}

impl Words {
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.text.clear();
        self.size = 0;
    }

    /// Keeps a value as far as there is room.
    pub(super) fn keep(&mut self, value: Value<'_>) {
        let room = KEYWORD_BYTES.saturating_sub(self.size);
        if room < KEYWORD_VALUE_BYTES {
            return;
        }
        let word = match value {
            Value::Container => return,
            Value::Text(text) => {
                let text = cut(text, room);
                self.size += text.len().max(KEYWORD_VALUE_BYTES);
                Stored::text(text, &mut self.text)
            }
            Value::Integer(number) => self.other(Value::Integer(number)),
            Value::Number(number) => self.other(Value::Number(number)),
            Value::Boolean(flag) => self.other(Value::Boolean(flag)),
        };
        self.words.push(word);
    }

    fn other(&mut self, value: Value<'static>) -> Stored {
        self.size += KEYWORD_VALUE_BYTES;
        Stored::Other(value)
    }

    /// Every value that was kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<Value<'_>>> {
        self.words.iter().map(|word| word.view(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{FieldTable, Fields, KEYWORDS};
    use crate::source::extract::tests::{fields, table};

    fn words(table: &FieldTable, fields: &Fields) -> Vec<String> {
        fields.values(table.keywords().unwrap()).map(|value| value.to_string()).collect()
    }

    fn read(json: &serde_json::Value) -> Vec<String> {
        let table = table(&[KEYWORDS, "debugContext.debugData.risk.level", "target.detailEntry.a"]);
        words(&table, &fields(&table, &json.to_string()))
    }

    #[test]
    fn every_value_of_an_event_is_kept_wherever_it_stands() {
        let json = serde_json::json!({
            "eventType": "a.b", "unheard": {"of": ["x", {"deep": 5}], "flag": true, "none": null},
            "target": [{"id": "1", "alternateId": "unknown", "other": [1.5, "y"]}, "plain"],
            "securityContext": {"asNumber": 0, "isProxy": false},
            "client": {"zone": "null", "device": "-", "id": ""},
        });
        let mut found = read(&json);
        found.sort();
        assert_eq!(found, ["1", "1.5", "5", "a.b", "false", "plain", "true", "x", "y"]);
    }

    #[test]
    fn a_text_that_spells_json_is_that_text_however_a_collector_parsed_it() {
        let spelled = serde_json::json!({"debugContext": {"debugData": {
            "risk": "{level=HIGH}", "logOnlySecurityData": "{\"risk\":{\"level\":\"LOW\"}}"
        }}});
        let parsed = serde_json::json!({"debugContext": {"debugData": {
            "risk": {"level": "HIGH"}, "logOnlySecurityData": {"risk": {"level": "LOW"}}
        }}});
        let mut wanted = ["{level=HIGH}", "{\"risk\":{\"level\":\"LOW\"}}"];
        wanted.sort_unstable();
        for json in [spelled, parsed] {
            let mut found = read(&json);
            found.sort();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn nothing_hides_behind_the_end_of_an_array_or_a_repeated_key() {
        let table = table(&[KEYWORDS]);
        let mut targets = vec![serde_json::json!({"id": "x"}); crate::limits::ARRAY_ELEMENTS];
        targets.push(serde_json::json!({"id": "last", "unheard": ["of"]}));
        let json = serde_json::json!({ "target": targets }).to_string();
        let found = words(&table, &fields(&table, &json));
        assert_eq!(found[found.len() - 2..], ["last", "of"]);
        let twice = r#"{"severity":"one","severity":"two","other":1,"other":2}"#;
        assert_eq!(words(&table, &fields(&table, twice)), ["one", "two", "1", "2"]);
    }

    #[test]
    fn what_is_kept_of_one_event_is_bounded() {
        let long = "é".repeat(KEYWORD_BYTES);
        let found = read(&serde_json::json!({"a": long, "b": "c"}));
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [KEYWORD_BYTES]);
        let many = read(&serde_json::json!({"a": vec![1; KEYWORD_BYTES]}));
        assert_eq!(many.len(), KEYWORD_BYTES / KEYWORD_VALUE_BYTES);
    }

    #[test]
    fn nothing_is_kept_when_no_rule_searches_events_as_a_whole() {
        let table = FieldTable::default();
        let read = fields(&table, r#"{"eventType":"a","other":"b"}"#);
        let all = (0..).map(crate::model::FieldId::new).take(table.len());
        assert_eq!(all.flat_map(|id| read.values(id)).collect::<Vec<_>>(), [Value::Text("a")]);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            "[a-z{=}]{0,6}".prop_map(serde_json::Value::from),
            any::<i32>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let key = "(target|id|actor|client|unheard|a|b|debugContext|detailEntry)";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                prop::collection::btree_map(key, inner, 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn leaves(json: &serde_json::Value, into: &mut Vec<String>) {
        match json {
            serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
            serde_json::Value::Object(map) => map.values().for_each(|item| leaves(item, into)),
            serde_json::Value::String(text) if !crate::source::absent::is_absent(text) => {
                into.push(text.clone())
            }
            serde_json::Value::Number(_) | serde_json::Value::Bool(_) => into.push(json.to_string()),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn the_walk_agrees_with_a_tree(members in prop::collection::btree_map("[a-c]|actor|target|client", json(), 0..6)) {
            let json = serde_json::Value::Object(members.into_iter().collect());
            let mut wanted = Vec::new();
            leaves(&json, &mut wanted);
            prop_assert_eq!(read(&json), wanted);
        }
    }
}
