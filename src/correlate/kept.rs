//! How is what a table holds written key by key, and read again?

use std::fmt::Debug;

use super::baseline::Baselines;
use super::early::Stage;
use super::findings;
use super::habits;
use super::measure::Measure;
use super::memory::Memory;
use super::new_value::NewValues;
use super::points::Worth;
use super::risk_score::RiskScores;
use super::sighting::Sighting;
use super::store::{Agenda, Store};
use super::table::Table;
use crate::model::FieldTable;
use crate::state::{Apart, Corrupt, Durable, Names, Reader, Writer, apart, whole};

/// Takes a change: its key, or none for what is said of the whole rule, and what is held now, or
/// nothing.
pub(super) type Take<'t> = dyn FnMut(Option<u128>, Option<Apart>) + 't;

/// A table that another process can go on with.
///
/// The reading that came nearest is not written: it is told of a run that was watched from its start.
pub(super) trait Keep {
    /// Whether changes are asked for. From the first time on all that is held is one.
    fn keep_changes(&mut self, wanted: bool);

    /// Gives what changed since this was asked last.
    fn changes(&mut self, table: &FieldTable, take: &mut Take<'_>);

    /// Holds what was written of a key, or lets go of it.
    ///
    /// # Errors
    /// The bytes hold something else; the key is not held then.
    fn restore(
        &mut self,
        table: &FieldTable,
        names: &mut Names,
        key: Option<u128>,
        value: Option<&[u8]>,
    ) -> Result<(), Corrupt>;

    /// Lets go of everything, which is a change of every key.
    fn clear(&mut self);
}

/// Up to when something may have been lost with a key that had to go.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) upto_ms: i64,
    /// As it was written.
    written_ms: i64,
}

impl Default for Lost {
    fn default() -> Self {
        Self { upto_ms: i64::MIN, written_ms: i64::MIN }
    }
}

impl Lost {
    /// What is not after an instant may be.
    pub(super) fn upto(&mut self, time_ms: Option<i64>) {
        self.upto_ms = self.upto_ms.max(time_ms.unwrap_or(i64::MIN));
    }

    fn change(&mut self, table: &FieldTable, take: &mut Take<'_>) {
        if self.upto_ms == self.written_ms {
            return;
        }
        self.written_ms = self.upto_ms;
        let is_lost = self.upto_ms > i64::MIN;
        take(None, is_lost.then(|| apart(table, |out| self.upto_ms.write(out))));
    }

    fn restore(
        &mut self,
        table: &FieldTable,
        names: &mut Names,
        value: Option<&[u8]>,
    ) -> Result<(), Corrupt> {
        let upto_ms = value.map_or(Ok(i64::MIN), |value| whole(table, names, value, i64::read))?;
        *self = Self { upto_ms, written_ms: upto_ms };
        Ok(())
    }

    fn forget_written(&mut self) {
        self.written_ms = i64::MIN;
    }

    fn clear(&mut self) {
        self.upto_ms = i64::MIN;
    }
}

/// Gives the keys of a store that changed, each with these bytes in front.
fn changes<S: Debug>(
    store: &mut Store<S>,
    front: &[u8],
    table: &FieldTable,
    take: &mut Take<'_>,
    write: impl Fn(&S, &mut Writer<'_>),
) {
    for hash in store.changed() {
        let mut out = Writer::new(table);
        out.raw(front);
        let is_held = store.write(hash, &mut out, &write);
        take(Some(hash), is_held.then(|| out.finish()));
    }
}

/// What waits to be decided of a key.
trait Planned: Debug {
    fn planned_ms(&mut self) -> &mut Option<i64>;
}

impl<M: Measure> Planned for Stage<M> {
    fn planned_ms(&mut self) -> &mut Option<i64> {
        &mut self.planned_ms
    }
}

impl Planned for habits::Entity {
    fn planned_ms(&mut self) -> &mut Option<i64> {
        &mut self.planned_ms
    }
}

impl Planned for findings::Entity {
    fn planned_ms(&mut self) -> &mut Option<i64> {
        &mut self.planned_ms
    }
}

impl Planned for Memory<Sighting> {
    fn planned_ms(&mut self) -> &mut Option<i64> {
        &mut self.planned_ms
    }
}

/// Lets go of a key with its plan.
fn remove<S: Planned>(store: &mut Store<S>, agenda: &mut Agenda, hash: u128) {
    if let Some(mut gone) = store.remove(hash) {
        agenda.plan(hash, gone.planned_ms(), None);
    }
}

/// Reads a key that is not held, and plans what waits of it.
fn hold<S: Planned>(
    store: &mut Store<S>,
    agenda: &mut Agenda,
    hash: u128,
    from: &mut Reader<'_>,
    read: impl FnOnce(&mut Reader<'_>) -> Result<S, Corrupt>,
) -> Result<(), Corrupt> {
    let planned_ms = store.read(hash, from, read)?.planned_ms();
    let due_ms = planned_ms.take();
    agenda.plan(hash, planned_ms, due_ms);
    Ok(())
}

/// A table of one kind of keys.
trait Keyed {
    type State: Planned;
    /// What has to be known of the rule to write and read a key.
    type Known;

    fn parts(&mut self) -> Parts<'_, Self::State, Self::Known>;
    fn write(known: &Self::Known, state: &Self::State, out: &mut Writer<'_>);
    fn read(known: &Self::Known, from: &mut Reader<'_>) -> Result<Self::State, Corrupt>;
}

struct Parts<'t, S, K> {
    store: &'t mut Store<S>,
    agenda: &'t mut Agenda,
    lost: &'t mut Lost,
    known: &'t K,
}

impl<T: Keyed> Keep for T {
    fn keep_changes(&mut self, wanted: bool) {
        let Parts { store, lost, .. } = self.parts();
        store.keep_changes(wanted);
        if !wanted {
            lost.forget_written();
        }
    }

    fn changes(&mut self, table: &FieldTable, take: &mut Take<'_>) {
        let Parts { store, lost, known, .. } = self.parts();
        lost.change(table, take);
        changes(store, &[], table, take, |state, out| T::write(known, state, out));
    }

    fn restore(
        &mut self,
        table: &FieldTable,
        names: &mut Names,
        key: Option<u128>,
        value: Option<&[u8]>,
    ) -> Result<(), Corrupt> {
        let Parts { store, agenda, lost, known } = self.parts();
        let Some(hash) = key else { return lost.restore(table, names, value) };
        remove(store, agenda, hash);
        let Some(value) = value else { return Ok(()) };
        whole(table, names, value, |from| hold(store, agenda, hash, from, |from| T::read(known, from)))
    }

    fn clear(&mut self) {
        let Parts { store, agenda, lost, .. } = self.parts();
        store.clear();
        *agenda = Agenda::default();
        lost.clear();
    }
}

impl<M: Measure> Keyed for Table<M> {
    type State = Stage<M>;
    type Known = M;

    fn parts(&mut self) -> Parts<'_, Stage<M>, M> {
        let Self { store, agenda, lost, measure, .. } = self;
        Parts { store, agenda, lost, known: measure }
    }

    fn write(measure: &M, state: &Stage<M>, out: &mut Writer<'_>) {
        state.write(measure, out);
    }

    fn read(measure: &M, from: &mut Reader<'_>) -> Result<Stage<M>, Corrupt> {
        Stage::read(measure, from)
    }
}

impl Keyed for Baselines {
    type State = habits::Entity;
    type Known = ();

    fn parts(&mut self) -> Parts<'_, habits::Entity, ()> {
        let Self { entities, agenda, lost, .. } = self;
        Parts { store: entities, agenda, lost, known: &() }
    }

    fn write((): &(), entity: &habits::Entity, out: &mut Writer<'_>) {
        entity.write(out);
    }

    fn read((): &(), from: &mut Reader<'_>) -> Result<habits::Entity, Corrupt> {
        Durable::read(from)
    }
}

impl Keyed for RiskScores {
    type State = findings::Entity;
    type Known = Vec<Worth>;

    fn parts(&mut self) -> Parts<'_, findings::Entity, Vec<Worth>> {
        let Self { entities, agenda, lost, worths, .. } = self;
        Parts { store: entities, agenda, lost, known: worths }
    }

    fn write(_: &Vec<Worth>, entity: &findings::Entity, out: &mut Writer<'_>) {
        entity.write(out);
    }

    fn read(worths: &Vec<Worth>, from: &mut Reader<'_>) -> Result<findings::Entity, Corrupt> {
        findings::Entity::read(worths, from)
    }
}

/// What an entity has shown.
const ENTITY: u8 = 0;
/// The alerts of a value of a key.
const ALERTS: u8 = 1;

/// Entities, and the alerts of each value of each key: hashes of both are in one room, where no two are
/// the same, and the value says which it is.
impl Keep for NewValues {
    fn keep_changes(&mut self, wanted: bool) {
        self.entities.keep_changes(wanted);
        self.alerts.keep_changes(wanted);
        if !wanted {
            self.lost.forget_written();
        }
    }

    fn changes(&mut self, table: &FieldTable, take: &mut Take<'_>) {
        self.lost.change(table, take);
        changes(&mut self.entities, &[ENTITY], table, take, Durable::write);
        changes(&mut self.alerts, &[ALERTS], table, take, Durable::write);
    }

    fn restore(
        &mut self,
        table: &FieldTable,
        names: &mut Names,
        key: Option<u128>,
        value: Option<&[u8]>,
    ) -> Result<(), Corrupt> {
        let Some(hash) = key else { return self.lost.restore(table, names, value) };
        remove(&mut self.entities, &mut self.agenda, hash);
        self.alerts.remove(hash);
        let Some(value) = value else { return Ok(()) };
        whole(table, names, value, |from| match from.array()? {
            [ENTITY] => hold(&mut self.entities, &mut self.agenda, hash, from, Durable::read),
            [ALERTS] => self.alerts.read(hash, from, Durable::read).map(|_| ()),
            _ => Err(Corrupt("kind of key")),
        })
    }

    fn clear(&mut self) {
        self.entities.clear();
        self.alerts.clear();
        self.agenda = Agenda::default();
        self.lost.clear();
    }
}
