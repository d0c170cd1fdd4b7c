//! Which values of an event's JSON go into which fields?
//!
//! One walk over the JSON along the [`Trie`], without building a tree of it. Where a path crosses
//! an array, the field gets one place for each element, so that the fields of one array stay
//! aligned; an array within an array gives its values to the outer element. Where a path goes on
//! below a string, the string is read as JSON or as a Java map. The last of two equal keys wins.
//!
//! If any rule searches events as a whole, the walk leaves nothing out and keeps every value besides.
//! That is another instance of the same code, so that other runs do not even ask.

use std::marker::PhantomData;

use smallvec::SmallVec;

use super::absent::is_absent;
use super::decode::{self, Decoded, java_map, json_in_string};
use super::parser::Parser;
use super::room::Room;
use super::scan;
use super::trie::{NodeId, Trie, Wire};
use super::visit::Seed;
use super::words::Stored;
use crate::limits::{ARRAY_ELEMENTS, JSON_DEPTH, VALUE_BYTES};
use crate::model::{FieldId, Fields, Value};
use crate::text::cut;

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Extracted {
    /// The fields.
    pub(crate) fields: Fields,
    /// Every key of the first level is one that Okta's event has: the object is no envelope.
    pub(crate) plain: bool,
}

/// Extracts the fields of one event; with `keywords`, every value of it into that field.
///
/// # Errors
/// What is wrong with the JSON.
pub(crate) fn extract<P: Parser>(
    trie: &Trie,
    slots: usize,
    keywords: Option<FieldId>,
    json: &str,
    room: &mut Room,
) -> Result<Extracted, String> {
    let Some(keywords) = keywords else { return Walk::<P, false>::go(trie, slots, json, room) };
    let mut extracted = Walk::<P, true>::go(trie, slots, json, room)?;
    extracted.fields.set_list(keywords, room.words.iter());
    Ok(extracted)
}

/// The state of one walk. `WORDS`: every value is kept for keywords.
pub(crate) struct Walk<'t, P, const WORDS: bool> {
    pub(crate) trie: &'t Trie,
    fields: Fields,
    /// See [`Extracted::plain`].
    pub(crate) plain: bool,
    /// The element of the outermost array being walked, if any.
    row: Option<usize>,
    /// Holds the values found in that array, which become lists when it ends; and in which container
    /// each place was last met: twice in the same one is a repeated key.
    room: &'t mut Room,
    containers: u32,
    /// Strings within strings being read.
    nesting: usize,
    parser: PhantomData<P>,
}

/// A value found in an array.
#[derive(Debug)]
pub(super) struct Cell {
    field: FieldId,
    row: usize,
    value: Stored,
}

impl<'t, P: Parser, const WORDS: bool> Walk<'t, P, WORDS> {
    fn go(trie: &'t Trie, slots: usize, json: &str, room: &'t mut Room) -> Result<Extracted, String> {
        let mut walk = Self::new(trie, slots, room);
        P::walk(json, Seed { walk: &mut walk, node: NodeId::ROOT, below: false })?;
        Ok(Extracted { fields: walk.fields, plain: walk.plain })
    }

    fn new(trie: &'t Trie, slots: usize, room: &'t mut Room) -> Self {
        Self {
            trie,
            fields: room.begin(trie.len(), slots),
            plain: true,
            row: None,
            room,
            containers: 0,
            nesting: 0,
            parser: PhantomData,
        }
    }

    /// A key that was met before in this container takes the place of what it gave then.
    pub(crate) fn meet(&mut self, node: NodeId, container: u32) {
        let Some(met) = self.room.met.get_mut(node.index()) else { return };
        if std::mem::replace(met, container) == container {
            self.forget(&self.trie.node(node).subtree);
        }
    }

    fn forget(&mut self, subtree: &[FieldId]) {
        match self.row {
            Some(row) => self.room.cells.retain(|cell| cell.row != row || !subtree.contains(&cell.field)),
            None => subtree.iter().for_each(|field| self.fields.clear(*field)),
        }
    }

    /// Whether what no path leads to is walked all the same. What a text spells is not: the text
    /// itself is kept.
    pub(crate) fn keeps_words(&self) -> bool {
        WORDS && self.nesting == 0
    }

    /// Puts a value that is no text into the field of a place.
    pub(crate) fn put(&mut self, node: NodeId, value: Value<'static>) {
        if self.keeps_words() {
            self.room.words.keep(value);
        }
        if let Some(field) = self.trie.node(node).field {
            match self.row {
                None => self.fields.set(field, value),
                Some(row) => self.room.cells.push(Cell { field, row, value: Stored::Other(value) }),
            }
        }
    }

    /// Puts a text into the field of a place, and into those below it what the text spells.
    pub(crate) fn put_text(&mut self, node: NodeId, text: &str) {
        let wanted = self.trie.node(node);
        if is_absent(text) {
            return;
        }
        if self.keeps_words() {
            self.room.words.keep(Value::Text(text));
        }
        if let Some(field) = wanted.field {
            let text = cut(text, VALUE_BYTES);
            match self.row {
                None => self.fields.set(field, Value::Text(text)),
                Some(row) => {
                    let value = Stored::text(text, &mut self.room.cell_text);
                    self.room.cells.push(Cell { field, row, value });
                }
            }
        }
        if wanted.leads_on() {
            self.read_below(node, text);
        }
    }

    /// A path goes on below a string: what the string spells is walked.
    fn read_below(&mut self, node: NodeId, text: &str) {
        if self.nesting >= JSON_DEPTH {
            return;
        }
        self.nesting += 1;
        if !self.read_json_below(node, text) {
            match decode::decode(text) {
                Some(Decoded::Map(members)) => self.put_members(node, &members),
                Some(Decoded::List(elements)) => self.put_elements_below(node, &elements),
                None => {}
            }
        }
        self.nesting -= 1;
    }

    fn read_json_below(&mut self, node: NodeId, text: &str) -> bool {
        if !json_in_string::looks_like_json(text) || !scan::is_one_value(text) {
            return false;
        }
        let read = P::walk(text, Seed { walk: self, node, below: true }).is_ok();
        if !read {
            let trie = self.trie;
            self.forget(trie.node(node).below());
        }
        read
    }

    fn put_members(&mut self, node: NodeId, members: &[(&str, &str)]) {
        for (key, value) in members {
            if let Some(child) = self.trie.child(node, key) {
                self.put_text(child, value);
            }
        }
    }

    fn put_elements_below(&mut self, node: NodeId, elements: &[&str]) {
        let outermost = self.enter_array();
        let rows = elements.len().min(ARRAY_ELEMENTS);
        for (row, element) in elements.iter().take(rows).enumerate() {
            self.enter_element(outermost, row);
            self.read_below(node, element);
        }
        let trie = self.trie;
        self.leave_array(outermost, trie.node(node).below(), rows);
    }

    /// What a collector has parsed is written back as Okta wrote it.
    pub(crate) fn put_parsed(&mut self, node: NodeId, parsed: &serde_json::Value) {
        let text = match self.trie.node(node).wire {
            Wire::JavaMap => java_map::write(parsed),
            Wire::Json | Wire::Plain => parsed.to_string(),
        };
        self.put_text(node, &text);
    }

    /// A number for the object that begins, by which its repeated keys are told.
    pub(crate) fn enter_object(&mut self) -> u32 {
        self.containers = self.containers.wrapping_add(1);
        self.containers
    }

    /// Whether the array that begins is the outermost.
    pub(crate) fn enter_array(&mut self) -> bool {
        self.row.is_none()
    }

    /// The next element of the outermost array begins.
    pub(crate) fn enter_element(&mut self, outermost: bool, row: usize) {
        if outermost {
            self.row = Some(row);
        }
    }

    /// At the end of the outermost array its cells become lists, one place for each element.
    pub(crate) fn leave_array(&mut self, outermost: bool, subtree: &[FieldId], rows: usize) {
        if !outermost {
            return;
        }
        self.row = None;
        if rows > 0 {
            subtree.iter().for_each(|field| self.set_list(*field, rows));
        }
        self.room.cells.clear();
        self.room.cell_text.clear();
    }

    /// Every element has its place; of arrays within the elements, all together give no more values
    /// than one array may.
    fn set_list(&mut self, field: FieldId, rows: usize) {
        let text = &self.room.cell_text;
        let mut cells = self.room.cells.iter().filter(|cell| cell.field == field).peekable();
        let mut places: SmallVec<[Option<Value<'_>>; 16]> = SmallVec::new();
        for row in 0..rows {
            let before = places.len();
            while let Some(cell) = cells.next_if(|cell| cell.row == row) {
                if places.len() == before || places.len() < ARRAY_ELEMENTS {
                    places.push(cell.value.view(text));
                }
            }
            if places.len() == before {
                places.push(None);
            }
        }
        self.fields.set_list(field, places);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{FieldTable, core};
    use crate::source::parser::{Fast, Reference};

    pub(crate) fn table(paths: &[&str]) -> FieldTable {
        let mut table = FieldTable::default();
        for path in paths {
            table.read(path).unwrap();
        }
        table
    }

    /// The fields by both parsers, which must agree.
    pub(crate) fn fields(table: &FieldTable, json: &str) -> Fields {
        let trie = Trie::new(table);
        let (slots, words) = (table.len(), table.keywords());
        let fast = extract::<Fast>(&trie, slots, words, json, &mut Room::default()).unwrap().fields;
        let reference = extract::<Reference>(&trie, slots, words, json, &mut Room::default()).unwrap().fields;
        assert_eq!(shown(table, &fast), shown(table, &reference));
        fast
    }

    fn shown(table: &FieldTable, fields: &Fields) -> Vec<String> {
        let elements = |id| fields.elements(id).collect::<Vec<_>>();
        let keywords = table.keywords().map(|id| (id, table.path(id)));
        let filled = table.iter().chain(keywords).filter(|(id, _)| !elements(*id).is_empty());
        filled.map(|(id, path)| format!("{path} {:?}", elements(id))).collect()
    }

    fn list(fields: &Fields, id: FieldId) -> Vec<Option<String>> {
        fields.elements(id).map(|value| value.map(|value| value.to_string())).collect()
    }

    fn texts(values: &[&str]) -> Vec<Option<String>> {
        values.iter().map(|text| (*text != "·").then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn the_fields_of_one_array_stay_aligned() {
        let json = r#"{"target":[{"id":"1","type":"User","alternateId":"unknown"},
            {"type":"AppInstance","alternateId":"portal"},null,{"id":"4"}]}"#;
        let fields = fields(&FieldTable::default(), json);
        assert_eq!(list(&fields, core::TARGET_ID), texts(&["1", "·", "·", "4"]));
        assert_eq!(list(&fields, core::TARGET_TYPE), texts(&["User", "AppInstance", "·", "·"]));
        assert_eq!(list(&fields, core::TARGET_ALTERNATE_ID), texts(&["·", "portal", "·", "·"]));
        assert_eq!(list(&fields, core::TARGET_DISPLAY_NAME), texts(&["·", "·", "·", "·"]));
        assert!(!fields.exists(core::TARGET_DISPLAY_NAME));
    }

    #[test]
    fn an_array_within_an_array_gives_its_values_to_the_outer_element() {
        let table = table(&["target.detailEntry.roles.name"]);
        let json =
            r#"{"target":[{"id":"1","detailEntry":{"roles":[{"name":"a"},{"name":"b"}]}},{"id":"2"}]}"#;
        let fields = fields(&table, json);
        let id = table.id("target.detailEntry.roles.name").unwrap();
        assert_eq!(list(&fields, core::TARGET_ID), texts(&["1", "2"]));
        assert_eq!(list(&fields, id), texts(&["a", "b", "·"]));
    }

    #[test]
    fn arrays_within_an_array_give_a_bounded_number_of_values() {
        let table = table(&["target.detailEntry.roles.name"]);
        let roles = vec![r#"{"name":"a"}"#; ARRAY_ELEMENTS].join(",");
        let target = format!(r#"{{"id":"1","detailEntry":{{"roles":[{roles}]}}}}"#);
        let json = format!(r#"{{"target":[{}]}}"#, vec![target.as_str(); ARRAY_ELEMENTS].join(","));
        let fields = fields(&table, &json);
        let id = table.id("target.detailEntry.roles.name").unwrap();
        assert_eq!(fields.values(core::TARGET_ID).count(), ARRAY_ELEMENTS);
        assert!((ARRAY_ELEMENTS..2 * ARRAY_ELEMENTS).contains(&fields.values(id).count()));
    }

    #[test]
    fn the_last_of_equal_keys_takes_the_place_of_all_it_gave() {
        let json = r#"{"eventType":"a","eventType":"b","actor":{"id":"1","type":"User"},"actor":{"id":"2"},
            "target":[{"id":"1","type":"x"},{"id":"2"}],"target":[{"id":"3"}],"severity":"INFO","severity":null,
            "request":{"ipChain":[{"ip":"192.0.2.1","ip":"192.0.2.2"}]}}"#;
        let fields = fields(&FieldTable::default(), json);
        assert_eq!(fields.text(core::EVENT_TYPE), Some("b"));
        assert_eq!(fields.text(core::ACTOR_ID), Some("2"));
        assert!(!fields.exists(core::ACTOR_TYPE));
        assert_eq!(list(&fields, core::TARGET_ID), texts(&["3"]));
        assert!(!fields.exists(core::TARGET_TYPE));
        assert!(!fields.exists(core::SEVERITY));
        assert_eq!(list(&fields, core::IP_CHAIN), texts(&["192.0.2.2"]));
    }

    #[test]
    fn words_for_nothing_are_absent_and_numbers_stay_numbers() {
        let json = r#"{"client":{"ipAddress":"null","zone":"None","device":"-","id":""},"outcome":null,
            "securityContext":{"asNumber":0,"isProxy":false},"authenticationContext":{"externalSessionId":"unknown"},
            "severity":3,"debugContext":{}}"#;
        let fields = fields(&FieldTable::default(), json);
        for id in
            [core::CLIENT_IP, core::CLIENT_ZONE, core::CLIENT_DEVICE, core::CLIENT_ID, core::OUTCOME_RESULT]
        {
            assert!(!fields.exists(id));
        }
        assert!(!fields.exists(core::AS_NUMBER) && !fields.exists(core::SESSION_ID));
        assert_eq!(fields.boolean(core::IS_PROXY), Some(false));
        assert_eq!(fields.integer(core::SEVERITY), Some(3));
    }

    #[test]
    fn paths_go_on_below_strings() {
        let paths = [
            "debugContext.debugData.logOnlySecurityData.risk.level",
            "debugContext.debugData.tunnels.operator",
            "debugContext.debugData.risk.reasons",
            "debugContext.debugData.behaviors.New Device",
            "debugContext.debugData.partnerRisk.level",
            "target.changeDetails.from.policyRuleActionJson.x",
        ];
        let table = table(&paths);
        let json = serde_json::json!({
            "debugContext": {"debugData": {
                "logOnlySecurityData": "{\"risk\":{\"level\":\"HIGH\"}}",
                "tunnels": "[{\"operator\":\"A\",\"type\":\"VPN\"},{\"operator\":null},{\"operator\":\"C\"}]",
                "risk": "Risk{reasons=One, Two, level=LOW}",
                "behaviors": "{New Device=POSITIVE, New IP=NEGATIVE}",
                "partnerRisk": "[{reasons=a, b, level=HIGH, name=x}, {level=LOW}]",
            }},
            "target": [{"id": "1"}, {"id": "2", "changeDetails": {"from": {"policyRuleActionJson": "{\"x\":\"2FA\"}"}}}],
        });
        let fields = fields(&table, &json.to_string());
        let values = |path: &str| list(&fields, table.id(path).unwrap());
        assert_eq!(values(paths[0]), texts(&["HIGH"]));
        assert_eq!(values(paths[1]), texts(&["A", "·", "C"]));
        assert_eq!(values(paths[2]), texts(&["One, Two"]));
        assert_eq!(values(paths[3]), texts(&["POSITIVE"]));
        assert_eq!(values(paths[4]), texts(&["HIGH", "LOW"]));
        assert_eq!(values(paths[5]), texts(&["·", "2FA"]));
        assert_eq!(fields.text(core::RISK), Some("Risk{reasons=One, Two, level=LOW}"));
        assert!(fields.text(core::TUNNELS).is_some_and(|text| text.starts_with('[')));
    }

    #[test]
    fn what_a_collector_parsed_reads_as_what_okta_wrote() {
        let table = table(&["debugContext.debugData.logOnlySecurityData.risk.level"]);
        let json = r#"{"debugContext":{"debugData":{"behaviors":["New IP=POSITIVE","New City=NEGATIVE"],
            "risk":{"level":"LOW"},"logOnlySecurityData":{"risk":{"level":"HIGH"}},"tunnels":[{"operator":"A"}]}}}"#;
        let fields = fields(&table, json);
        assert_eq!(fields.text(core::BEHAVIORS), Some("{New IP=POSITIVE, New City=NEGATIVE}"));
        assert_eq!(fields.text(core::RISK), Some("{level=LOW}"));
        assert_eq!(fields.text(core::LOG_ONLY_SECURITY_DATA), Some(r#"{"risk":{"level":"HIGH"}}"#));
        assert_eq!(fields.text(core::TUNNELS), Some(r#"[{"operator":"A"}]"#));
        let below = table.id("debugContext.debugData.logOnlySecurityData.risk.level").unwrap();
        assert_eq!(fields.text(below), Some("HIGH"));
    }

    #[test]
    fn an_object_where_a_value_is_wanted_is_there_without_its_content() {
        let table = table(&["transaction.detail", "debugContext.debugData.originalPrincipal"]);
        let json = r#"{"transaction":{"detail":{"requestApiTokenId":"00T1"}},
            "debugContext":{"debugData":{"originalPrincipal":{}}}}"#;
        let fields = fields(&table, json);
        let values = |path: &str| fields.values(table.id(path).unwrap()).collect::<Vec<_>>();
        assert_eq!(values("transaction.detail"), [Value::Container]);
        assert_eq!(fields.text(core::API_TOKEN_ID), Some("00T1"));
        assert_eq!(values("debugContext.debugData.originalPrincipal"), []);
    }

    #[test]
    fn values_and_arrays_are_cut_at_their_bounds() {
        let targets: Vec<_> =
            (0..ARRAY_ELEMENTS + 50).map(|n| serde_json::json!({"id": n.to_string()})).collect();
        let json = serde_json::json!({"displayMessage": "é".repeat(VALUE_BYTES), "target": targets, "eventType": "a"});
        let fields = fields(&FieldTable::default(), &json.to_string());
        assert_eq!(fields.elements(core::TARGET_ID).count(), ARRAY_ELEMENTS);
        assert_eq!(fields.text(core::DISPLAY_MESSAGE).unwrap().len(), VALUE_BYTES);
        assert_eq!(fields.text(core::EVENT_TYPE), Some("a"));
    }

    #[test]
    fn strings_nested_in_strings_are_left_where_they_are_too_deep() {
        let table = table(&["debugContext.debugData.tunnels.operator"]);
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        let json = serde_json::json!({"debugContext": {"debugData": {"tunnels": format!("[{{\"operator\":{deep}}}]")}}});
        assert!(
            !fields(&table, &json.to_string())
                .exists(table.id("debugContext.debugData.tunnels.operator").unwrap())
        );
    }
}
