//! What does a process of the service do, one step of the protocol after the other?
//!
//! Between any two turns it can end, be thought dead, or see everything else in the cluster move on.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::engine::{Member, Placement, Round, Shard, Source, Told};
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Change, Effects, Input, Position, RawRecord};
use oktawatch::rule::RuleSet;

use super::broker::{Broker, Tag};
use super::deliver::{Batch, Trouble};
use super::group::MemberId;
use super::log::{Body, Place, Topic, mix};
use super::mistake::Mistake;
use super::story::ADDED;

const TICK_MS: i64 = 1_000;
const SKEWS_MS: [i64; 4] = [0, 700, -900, 2_000];

/// What a parcel is, in its second byte: these say how far something is.
const CLAIMS: [u8; 2] = [2, 3];

/// What all processes have in common.
pub struct Setup {
    pub config: Config,
    pub geoip: Arc<GeoIp>,
    pub shards: u32,
    pub partitions: u32,
    pub topic: Arc<str>,
    pub mistake: Option<Mistake>,
    /// How often what happened.
    pub notes: RefCell<BTreeMap<&'static str, u64>>,
}

impl Setup {
    pub fn note(&self, what: &'static str) {
        *self.notes.borrow_mut().entry(what).or_default() += 1;
    }

    pub fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }
}

/// When a turn happens, and what chance says.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now_ms: i64,
    /// Nothing comes in for longer than the idle timeout.
    pub is_quiet: bool,
    pub salt: u64,
}

impl Moment {
    pub fn draw(self, what: i64, below: u64) -> u64 {
        mix(self.salt, what) % below
    }
}

/// A partition that was assigned and cannot be read yet.
#[derive(Debug, Default)]
pub struct Restoring {
    upto: Option<i64>,
    from: i64,
    held: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// One process.
pub struct Process {
    pub slot: usize,
    /// Tells its batches from those of all others.
    pub name: u64,
    pub(super) setup: Rc<Setup>,
    rules: Arc<RuleSet>,
    member: Member,
    pub id: Option<MemberId>,
    pub(super) generation: u64,
    pub(super) epoch: Option<u32>,
    pub(super) positions: BTreeMap<Place, i64>,
    restoring: BTreeMap<Place, Restoring>,
    pub(super) batch: Option<Batch>,
    told: Vec<Told>,
    idle: BTreeSet<Place>,
    ticked_ms: Option<i64>,
    batches: u64,
    pub trouble: Option<Trouble>,
    /// What committed batches counted that nothing in a story can cause.
    pub complaints: Vec<String>,
}

impl Process {
    pub fn new(slot: usize, name: u64, setup: &Rc<Setup>, rules: &Arc<RuleSet>) -> Self {
        Self {
            slot,
            name,
            member: anew(setup, rules),
            setup: Rc::clone(setup),
            rules: Arc::clone(rules),
            id: None,
            generation: 0,
            epoch: None,
            positions: BTreeMap::new(),
            restoring: BTreeMap::new(),
            batch: None,
            told: Vec::new(),
            idle: BTreeSet::new(),
            ticked_ms: None,
            batches: 0,
            trouble: None,
            complaints: Vec::new(),
        }
    }

    /// The next step of the protocol.
    pub fn turn(&mut self, broker: &mut Broker, moment: Moment) {
        if let Some(batch) = self.batch.take() {
            return self.deliver(batch, broker, moment);
        }
        self.meet(broker);
        self.restore(broker, moment);
        self.gather(broker, moment);
    }

    /// Whether the producer of this epoch is its own.
    pub fn produces_as(&self, epoch: u32) -> bool {
        self.epoch == Some(epoch)
    }

    pub fn is_between_batches(&self) -> bool {
        self.batch.is_none()
    }

    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Other rules, which mean the same as far as both have them.
    pub fn reload(&mut self, rules: &Arc<RuleSet>) {
        self.rules = Arc::clone(rules);
        self.setup.note("loaded other rules");
        let adopted = self.member.set_rules(rules);
        assert!(adopted.anew <= ADDED, "{} rules began anew", adopted.anew);
    }

    /// Whether it has read some of a shard's changelog, and not all.
    pub fn is_half_through(&self, shard: u32) -> bool {
        self.restoring.get(&(Topic::Repartition, shard)).is_some_and(|restoring| restoring.from > 0)
    }

    /// Whether nothing is left to do until something comes in or time goes on.
    pub fn is_at_rest(&self, broker: &Broker) -> bool {
        let is_read = |(place, next): (&Place, &i64)| *next >= broker.part(*place).high();
        self.batch.is_none() && self.restoring.is_empty() && self.positions.iter().all(is_read)
    }

    /// Everything is gone that was in memory, as the partitions are another's.
    pub(super) fn lose(&mut self) {
        self.setup.note("lost all partitions");
        self.id = None;
        self.member = anew(&self.setup, &self.rules);
        self.positions.clear();
        self.restoring.clear();
        self.told.clear();
        self.idle.clear();
        self.ticked_ms = None;
    }

    /// Hears what the group decided. Nothing is open at this time.
    fn meet(&mut self, broker: &mut Broker) {
        let id = match self.id {
            Some(id) => id,
            None => *self.id.insert(broker.group.join()),
        };
        let Some(seen) = broker.group.poll(id) else { return self.lose() };
        self.generation = seen.generation;
        self.hand_over(broker);
        for place in seen.owned {
            if !self.positions.contains_key(&place) {
                self.restoring.entry(place).or_default();
            }
        }
    }

    /// Lets go of what the group wants to be another's.
    pub(super) fn hand_over(&mut self, broker: &mut Broker) {
        let Some((id, seen)) = self.id.and_then(|id| Some((id, broker.group.poll(id)?))) else { return };
        seen.revoked.iter().for_each(|place| self.let_go(*place));
        broker.group.give_up(id, &seen.revoked);
    }

    fn let_go(&mut self, place: Place) {
        let (topic, number) = place;
        let was_read = self.positions.remove(&place).is_some();
        self.restoring.remove(&place);
        self.idle.remove(&place);
        self.setup.note("gave up a partition");
        if topic == Topic::Repartition {
            self.member.let_go(number);
        } else if was_read {
            let (topic, partition) = self.source(number);
            self.told.push(Told::Input(Input::Revoked { topic, partition }));
        }
    }

    /// Takes partitions that were assigned a step further.
    fn restore(&mut self, broker: &Broker, moment: Moment) {
        for (place, mut restoring) in std::mem::take(&mut self.restoring) {
            let is_read =
                place.0 == Topic::Input || self.read_changes(place.1, &mut restoring, broker, moment);
            let next = self.next_of(place, broker).filter(|_| is_read);
            match next {
                Some(next) => self.begin(place, next, restoring),
                None => drop(self.restoring.insert(place, restoring)),
            }
        }
    }

    /// Where to read from, once that is certain.
    fn next_of(&self, place: Place, broker: &Broker) -> Option<i64> {
        let committed = match self.setup.makes(Mistake::OffsetsEarly) {
            true => broker.committed_so_far(place),
            false => broker.committed(place).inspect_err(|_| self.setup.note("waited for offsets")).ok()?,
        };
        Some(committed.map_or(0, |(next, _)| next))
    }

    /// Reads some of a shard's changelog; says whether that was all.
    fn read_changes(&self, shard: u32, restoring: &mut Restoring, broker: &Broker, moment: Moment) -> bool {
        let part = broker.part((Topic::Changelog, shard));
        let upto = match restoring.upto {
            Some(upto) => upto,
            None if self.setup.makes(Mistake::RestoresEarly) => part.stable(),
            None if part.stable() < part.high() => {
                self.setup.note("waited for a changelog");
                return false;
            }
            None => part.high(),
        };
        restoring.upto = Some(upto);
        let most = if moment.draw(1, 2) == 0 { usize::MAX } else { 10 };
        let (records, next) = part.read(restoring.from, most);
        for (_, body) in records {
            match body {
                Body::Bytes { key, value: Some(value) } => drop(restoring.held.insert(key, value)),
                Body::Bytes { key, value: None } => drop(restoring.held.remove(&key)),
                _ => {}
            }
        }
        restoring.from = next;
        next >= upto
    }

    fn begin(&mut self, place: Place, next: i64, restoring: Restoring) {
        self.positions.insert(place, next);
        let (topic, number) = place;
        if topic == Topic::Input {
            let (topic, partition) = self.source(number);
            return self.told.push(Told::Input(Input::Assigned { topic, partition, next, highest_ms: None }));
        }
        let Setup { config, geoip, shards, .. } = &*self.setup;
        let placement = Placement { shard: number, shards: *shards };
        let mut shard = Shard::placed(config, Arc::clone(&self.rules), Arc::clone(geoip), placement);
        let forgets = |mistake, key: &[u8], table| self.setup.makes(mistake) && key.first() == Some(&table);
        let is_left_out =
            |key: &[u8]| forgets(Mistake::ForgetsIds, key, b'd') || forgets(Mistake::ForgetsSteps, key, b'j');
        let held = restoring.held.into_iter().filter(|(key, _)| !is_left_out(key));
        let restored = shard.restore(held.map(|(key, value)| Change::new(key, Some(value)))).unwrap();
        if restored.time {
            self.setup.note("restored a shard");
        }
        self.member.hold(shard, restored.skipped);
    }

    /// Reads a few records and steps the member.
    fn gather(&mut self, broker: &Broker, moment: Moment) {
        let before = self.positions.clone();
        let mut batch = std::mem::take(&mut self.told);
        if self.ticked_ms.is_none_or(|ticked_ms| moment.now_ms - ticked_ms >= TICK_MS) {
            self.ticked_ms = Some(moment.now_ms);
            // No two clocks are the same.
            let now_ms = moment.now_ms + SKEWS_MS[(self.name % 4) as usize];
            batch.push(Told::Input(Input::Tick { now_ms }));
        }
        let mut taken = Vec::new();
        let mut places: Vec<Place> = self.positions.keys().copied().collect();
        let first = moment.draw(2, places.len().max(1) as u64) as usize;
        places.rotate_left(first);
        for place in places {
            let offsets = self.read(place, broker, moment, &mut batch);
            taken.extend(offsets.into_iter().map(|offset| (place, offset)));
        }
        if batch.is_empty() {
            return;
        }
        let round = self.member.step(batch);
        let is_empty =
            round.effects.alerts.is_empty() && round.parcels.is_empty() && round.changes.is_empty();
        if !is_empty || before != self.positions {
            self.batch = Some(self.batch(round, before, taken, moment));
        }
    }

    /// Reads some of a partition; gives the offsets of what it read.
    fn read(&mut self, place: Place, broker: &Broker, moment: Moment, batch: &mut Vec<Told>) -> Vec<i64> {
        let (part, most) = (broker.part(place), [0, 1, 2, 4, 8, 16][moment.draw(place.1.into(), 6) as usize]);
        let next = self.positions[&place];
        let is_dirty = self.setup.makes(Mistake::DirtyReads);
        let (records, after) = if is_dirty { part.read_dirty(next, most) } else { part.read(next, most) };
        self.positions.insert(place, after);
        if !records.is_empty() {
            self.idle.remove(&place);
        }
        let offsets = records.iter().map(|(offset, _)| *offset).collect();
        for (offset, body) in records {
            let Body::Bytes { value: Some(payload), .. } = body else { continue };
            batch.push(self.told(place, offset, payload));
        }
        let is_idle = moment.is_quiet && place.0 == Topic::Input && after >= part.high();
        if is_idle && self.idle.insert(place) {
            let (topic, partition) = self.source(place.1);
            batch.push(Told::Input(Input::Idle { topic, partition }));
        }
        offsets
    }

    fn told(&self, (topic, number): Place, offset: i64, payload: Vec<u8>) -> Told {
        let (name, partition) = self.source(number);
        let position = Position { topic: name, partition, offset, index: 0 };
        let record = RawRecord { position, payload, ..RawRecord::default() };
        if topic == Topic::Input { Told::Input(Input::Record(record)) } else { Told::Sent(record) }
    }

    fn batch(
        &mut self,
        round: Round,
        before: BTreeMap<Place, i64>,
        taken: Vec<(Place, i64)>,
        moment: Moment,
    ) -> Batch {
        self.batches += 1;
        let tag: Tag = (self.name, self.batches);
        let Round { effects, parcels, changes, .. } = round;
        let complaint = complaint(&effects);
        let mut sent = Vec::new();
        for (shard, bytes) in parcels {
            let is_short = self.setup.makes(Mistake::ShortClaims)
                && bytes.get(super::world::KIND).is_some_and(|kind| CLAIMS.contains(kind))
                && self.member.holds(shard);
            match is_short {
                true => self.told.push(self.told((Topic::Repartition, shard), -1, bytes)),
                false => sent.push(((Topic::Repartition, shard), Body::of(bytes))),
            }
        }
        let change = |(shard, change): (u32, Change)| {
            ((Topic::Changelog, shard), Body::Bytes { key: change.key, value: change.value })
        };
        let alerts =
            effects.alerts.into_iter().map(|alert| ((Topic::Alerts, 0), Body::Alert(Arc::new(alert))));
        let ledger = vec![((Topic::Ledger, 0), Body::Taken(taken))];
        let mut parts = [ledger, sent, changes.into_iter().map(change).collect(), alerts.collect()];
        parts.rotate_left(moment.draw(3, 4) as usize);
        Batch::new(tag, parts.into_iter().flatten().collect(), (before, self.positions.clone()), complaint)
    }

    fn source(&self, number: u32) -> Source {
        (Arc::clone(&self.setup.topic), i32::try_from(number).unwrap())
    }
}

/// What a batch counted that nothing in a story can cause.
fn complaint(effects: &Effects) -> Option<String> {
    let tally = &effects.tally;
    let counts = [
        ("late", tally.late),
        ("from the future", tally.from_the_future),
        ("broken invariants", tally.invariants),
        ("unroutable", tally.unroutable),
        ("dead letters", effects.dead_letters.len() as u64),
        ("evicted", (tally.evicted.len() + tally.evicted_state.len()) as u64),
    ];
    let told = counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}"));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn anew(setup: &Setup, rules: &Arc<RuleSet>) -> Member {
    let mut member = Member::new(&setup.config, Arc::clone(rules), Arc::clone(&setup.geoip), setup.shards);
    let source = |partition| (Arc::clone(&setup.topic), i32::try_from(partition).unwrap());
    member.set_sources((0..setup.partitions).map(source).collect());
    member
}
