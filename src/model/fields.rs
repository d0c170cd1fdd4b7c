//! How are the values of one event held, so that rules read them without a lookup?
//!
//! One slot for each field of the [`FieldTable`](super::FieldTable), all text in one buffer: two
//! or three allocations an event, whatever the number of fields. Where only a few fields are kept, as of most
//! events that are held in windows, they are looked for among those few.

use super::FieldId;

/// The values of one event, one slot a field.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    slots: Vec<Slot>,
    /// The fields there are, where there are no slots for all.
    few: Vec<(FieldId, Slot)>,
    lists: Vec<Slot>,
    text: String,
}

/// One value, as it stood in the event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A string.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// An object or array that is there, but whose content was not asked for.
    Container,
}

#[derive(Clone, Copy, Debug, Default)]
enum Slot {
    #[default]
    Absent,
    Text {
        start: u32,
        len: u32,
    },
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Container,
    List {
        start: u32,
        len: u32,
    },
}

impl Fields {
    /// Empty slots for a table of `len` fields.
    pub fn new(len: usize) -> Self {
        // Room for an ordinary event's lists and text, so that neither grows step by step.
        let (lists, text) = (Vec::with_capacity(32), String::with_capacity(2048));
        Self { slots: vec![Slot::Absent; len], few: Vec::new(), lists, text }
    }

    /// Empty slots again, for a table of `len` fields, in the room that this has.
    #[must_use]
    pub fn emptied(mut self, len: usize) -> Self {
        self.slots.clear();
        self.slots.resize(len, Slot::Absent);
        self.few.clear();
        self.lists.clear();
        self.text.clear();
        self
    }

    /// The same with the values of some fields only, in as little room as they need.
    pub fn only(&self, ids: &[FieldId]) -> Self {
        let mut only = Self::default();
        for id in ids {
            match self.slot(*id) {
                None | Some(Slot::Absent) => {}
                Some(Slot::List { .. }) => only.set_list(*id, self.elements(*id)),
                Some(_) => self.values(*id).for_each(|value| only.set(*id, value)),
            }
        }
        only
    }

    /// The fields that hold anything, and whether as a list.
    pub fn held(&self) -> impl Iterator<Item = (FieldId, bool)> {
        let all = (0..).map(FieldId::new).zip(self.slots.iter().copied());
        let there = all.chain(self.few.iter().copied()).filter(|(_, slot)| !matches!(slot, Slot::Absent));
        there.map(|(id, slot)| (id, matches!(slot, Slot::List { .. })))
    }

    /// The same with a slot for each field of a table of `len`.
    #[must_use]
    pub fn widened(mut self, len: usize) -> Self {
        self.slots.resize(len, Slot::Absent);
        for (id, slot) in std::mem::take(&mut self.few) {
            self.put(id, slot);
        }
        self
    }

    /// Bytes of text that it has room for.
    pub fn text_room(&self) -> usize {
        self.text.capacity()
    }

    /// Whether anything is set: if not, the field has no value.
    pub fn holds(&self, id: FieldId) -> bool {
        !matches!(self.slot(id), None | Some(Slot::Absent))
    }

    /// Whether the field has any value.
    pub fn exists(&self, id: FieldId) -> bool {
        self.values(id).next().is_some()
    }

    /// The field's values: none, one, or one for each array element that has it.
    pub fn values(&self, id: FieldId) -> impl Iterator<Item = Value<'_>> {
        self.elements(id).flatten()
    }

    /// The field's values with the elements that lack it, so that the fields of one array of
    /// objects stay aligned: element `n` of `target.id` and of `target.type` are the same target.
    pub fn elements(&self, id: FieldId) -> impl Iterator<Item = Option<Value<'_>>> {
        self.range(id).iter().map(|slot| self.view(*slot))
    }

    /// The first value, if it is text.
    pub fn text(&self, id: FieldId) -> Option<&str> {
        match self.values(id).next() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The first value, if it is a whole number, or text that spells one.
    pub fn integer(&self, id: FieldId) -> Option<i64> {
        match self.values(id).next()? {
            Value::Integer(number) => Some(number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The first value, if it is a finite number, or text that spells one.
    pub fn number(&self, id: FieldId) -> Option<f64> {
        let number = match self.values(id).next()? {
            Value::Number(number) => number,
            Value::Integer(number) => number as f64,
            Value::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// The first value, if it is a boolean, or text that spells one.
    pub fn boolean(&self, id: FieldId) -> Option<bool> {
        match self.values(id).next()? {
            Value::Boolean(flag) => Some(flag),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// Puts one value into the field, in place of what it held.
    pub fn set(&mut self, id: FieldId, value: Value<'_>) {
        let slot = self.store(value);
        self.put(id, slot);
    }

    /// Puts several values into the field; `None` keeps the place of an element without it.
    pub fn set_list<'v>(&mut self, id: FieldId, values: impl IntoIterator<Item = Option<Value<'v>>>) {
        let start = self.lists.len();
        for value in values {
            let slot = value.map_or(Slot::Absent, |value| self.store(value));
            self.lists.push(slot);
        }
        let list = Slot::List { start: small(start), len: small(self.lists.len() - start) };
        self.put(id, list);
    }

    /// Empties the field.
    pub fn clear(&mut self, id: FieldId) {
        if self.holds(id) {
            self.put(id, Slot::Absent);
        }
    }

    #[inline]
    fn slot(&self, id: FieldId) -> Option<&Slot> {
        let few = || self.few.iter().find(|(field, _)| *field == id).map(|(_, slot)| slot);
        self.slots.get(id.index()).or_else(few)
    }

    /// Where there are slots, a field that has none came after the event and is absent from it.
    fn put(&mut self, id: FieldId, slot: Slot) {
        if let Some(place) = self.slots.get_mut(id.index()) {
            *place = slot;
        } else if let Some((_, place)) = self.few.iter_mut().find(|(field, _)| *field == id) {
            *place = slot;
        } else if self.slots.is_empty() {
            self.few.push((id, slot));
        }
    }

    fn range(&self, id: FieldId) -> &[Slot] {
        let Some(slot) = self.slot(id) else { return &[] };
        match *slot {
            Slot::Absent => &[],
            Slot::List { start, len } => {
                self.lists.get(start as usize..(start + len) as usize).unwrap_or_default()
            }
            _ => std::slice::from_ref(slot),
        }
    }

    fn view(&self, slot: Slot) -> Option<Value<'_>> {
        match slot {
            Slot::Absent | Slot::List { .. } => None,
            Slot::Text { start, len } => {
                self.text.get(start as usize..(start + len) as usize).map(Value::Text)
            }
            Slot::Integer(number) => Some(Value::Integer(number)),
            Slot::Number(number) => Some(Value::Number(number)),
            Slot::Boolean(flag) => Some(Value::Boolean(flag)),
            Slot::Container => Some(Value::Container),
        }
    }

    fn store(&mut self, value: Value<'_>) -> Slot {
        match value {
            Value::Text(text) => {
                let start = small(self.text.len());
                self.text.push_str(text);
                Slot::Text { start, len: small(text.len()) }
            }
            Value::Integer(number) => Slot::Integer(number),
            Value::Number(number) => Slot::Number(number),
            Value::Boolean(flag) => Slot::Boolean(flag),
            Value::Container => Slot::Container,
        }
    }
}

/// Records are bounded far below 4 GiB ([`crate::limits::RECORD_BYTES`]), so this never saturates.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

impl std::fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Boolean(flag) => write!(out, "{flag}"),
            Self::Container => out.write_str("{…}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_the_places_of_elements_without_the_field() {
        let mut fields = Fields::new(2);
        fields.set_list(FieldId::new(1), [Some(Value::Text("a")), None, Some(Value::Text("c"))]);
        let elements: Vec<_> = fields.elements(FieldId::new(1)).collect();
        assert_eq!(elements, [Some(Value::Text("a")), None, Some(Value::Text("c"))]);
        assert_eq!(fields.values(FieldId::new(1)).count(), 2);
        assert!(!fields.exists(FieldId::new(0)));
    }

    #[test]
    fn some_fields_are_kept_as_they_are() {
        let mut fields = Fields::new(4);
        fields.set(FieldId::new(0), Value::Text("gone"));
        fields.set(FieldId::new(1), Value::Text("kept"));
        fields.set_list(FieldId::new(2), [Some(Value::Integer(7)), None]);
        let only = fields.only(&[FieldId::new(2), FieldId::new(1), FieldId::new(3)]);
        assert_eq!((only.text(FieldId::new(0)), only.text(FieldId::new(1))), (None, Some("kept")));
        assert_eq!(only.elements(FieldId::new(2)).collect::<Vec<_>>(), [Some(Value::Integer(7)), None]);
        assert!(!only.exists(FieldId::new(3)) && only.text_room() < 16);
        assert_eq!(only.held().collect::<Vec<_>>(), [(FieldId::new(2), true), (FieldId::new(1), false)]);
        let mut wide = only.widened(3);
        assert_eq!(wide.held().collect::<Vec<_>>(), [(FieldId::new(1), false), (FieldId::new(2), true)]);
        assert_eq!(wide.text(FieldId::new(1)), Some("kept"));
        wide.clear(FieldId::new(1));
        assert!(!wide.holds(FieldId::new(1)) && wide.few.is_empty());
    }

    #[test]
    fn a_field_that_came_after_the_event_is_absent_from_it() {
        let mut fields = Fields::new(1);
        let later = FieldId::new(7);
        fields.set(later, Value::Text("a"));
        fields.set_list(later, [Some(Value::Text("a"))]);
        fields.clear(later);
        assert!(!fields.exists(later));
        assert_eq!(
            (fields.text(later), fields.integer(later), fields.elements(later).count()),
            (None, None, 0)
        );
    }

    #[test]
    fn text_that_spells_a_number_or_boolean_reads_as_one() {
        let mut fields = Fields::new(1);
        fields.set(FieldId::new(0), Value::Text("true"));
        assert_eq!(fields.boolean(FieldId::new(0)), Some(true));
        fields.set(FieldId::new(0), Value::Text("42"));
        assert_eq!(fields.integer(FieldId::new(0)), Some(42));
        fields.set(FieldId::new(0), Value::Text("NaN"));
        assert_eq!(fields.number(FieldId::new(0)), None);
    }
}
