//! What does one walk leave to the next, so that it need not be allocated again?

use super::extract::Cell;
use super::words::Words;
use crate::limits;
use crate::model::Fields;

/// Working memory of a [`Reader`](super::Reader), to be used again for the next record.
#[derive(Debug, Default)]
pub struct Room {
    spare: Option<Fields>,
    /// Values found in the array being walked.
    pub(super) cells: Vec<Cell>,
    /// The text of those.
    pub(super) cell_text: String,
    /// In which container each place was last met.
    pub(super) met: Vec<u32>,
    /// Every value, if any rule searches events as a whole.
    pub(super) words: Words,
}

impl Room {
    /// Takes the fields of an event that nobody needs any more.
    pub fn give_back(&mut self, fields: Fields) {
        self.spare = Some(fields).filter(|fields| fields.text_room() <= limits::ROOM_BYTES);
    }

    /// Makes ready for a walk to so many places, and gives empty fields for it.
    pub(super) fn begin(&mut self, places: usize, slots: usize) -> Fields {
        self.cells.clear();
        self.cell_text.clear();
        self.words.clear();
        self.met.clear();
        self.met.resize(places, 0);
        match self.spare.take() {
            Some(fields) => fields.emptied(slots),
            None => Fields::new(slots),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldTable, Value, core};

    #[test]
    fn fields_that_come_back_are_empty_again() {
        let mut room = Room::default();
        let mut fields = room.begin(1, FieldTable::default().len());
        fields.set(core::EVENT_TYPE, Value::Text("a.b"));
        fields.set_list(core::TARGET_ID, [Some(Value::Text("1")), None]);
        room.give_back(fields);
        let again = room.begin(1, FieldTable::default().len());
        assert!(!again.exists(core::EVENT_TYPE) && again.elements(core::TARGET_ID).next().is_none());
    }

    #[test]
    fn the_room_of_a_huge_event_is_not_kept() {
        let mut room = Room::default();
        let mut fields = room.begin(1, FieldTable::default().len());
        fields.set(core::EVENT_TYPE, Value::Text(&"x".repeat(limits::ROOM_BYTES + 1)));
        room.give_back(fields);
        assert!(room.begin(1, FieldTable::default().len()).text_room() <= limits::ROOM_BYTES);
    }
}
