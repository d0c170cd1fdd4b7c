//! How does a schedule run, from the first process to the last alert?

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use oktawatch::engine::Wire;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Alert, Cargo};

use super::broker::Broker;
use super::events::topic;
use super::log::{Body, Place, Topic, mix};
use super::mistake::Mistake;
use super::schedule::{Step, Who};
use super::story::{Coming, Story, compile};
use super::worker::{Moment, Process, Setup};

/// Where the bytes of a parcel say what it is: behind the version and the number of what it names.
pub const KIND: usize = 2;

/// Enough for every decision there can be to reach all others.
const MANY_TICKS: usize = 400;
const FEW_TICKS: usize = 9;
/// Turns of one process until it has to be at rest.
const TURNS: usize = 3_000;
const LATER_MS: i64 = 3_600_000;

/// The service and all around it.
pub struct World<'s> {
    story: &'s Story,
    setup: Rc<Setup>,
    version: usize,
    broker: Broker,
    running: BTreeMap<Who, Running>,
    coming: VecDeque<Coming>,
    now_ms: i64,
    is_quiet: bool,
    /// The pause is over.
    is_after: bool,
    processes: u64,
    turns: u64,
    complaints: Vec<String>,
    wire: Wire,
    /// How far each partition was looked through for what shards wait for, and what they said last.
    looked: BTreeMap<u32, i64>,
    waits: BTreeMap<u32, Option<i64>>,
}

struct Running {
    process: Process,
    version: usize,
}

impl<'s> World<'s> {
    pub fn new(story: &'s Story, mistake: Option<Mistake>) -> Self {
        let (shards, partitions) = (story.shards, story.partitions);
        let setup = Setup {
            config: story.config(),
            geoip: Arc::new(GeoIp::default()),
            shards,
            partitions,
            topic: topic(),
            mistake,
            notes: RefCell::default(),
        };
        let input = (0..partitions).map(|number| (Topic::Input, number));
        let read: Vec<Place> = input.chain((0..shards).map(|number| (Topic::Repartition, number))).collect();
        let written = (0..shards)
            .map(|number| (Topic::Changelog, number))
            .chain([(Topic::Alerts, 0), (Topic::Ledger, 0)]);
        let all: Vec<Place> = read.iter().copied().chain(written).collect();
        let mut broker = Broker::new(&all, &read, story.slots);
        broker.believes_all = setup.makes(Mistake::BelievesZombies);
        let wire = Wire::new(compile(&story.text(0), None));
        let coming = story.coming();
        Self {
            story,
            setup: Rc::new(setup),
            version: 0,
            broker,
            running: BTreeMap::new(),
            now_ms: coming.front().map_or(0, |coming| coming.at_ms),
            coming,
            is_quiet: false,
            is_after: !story.has_pause,
            processes: 0,
            turns: 0,
            complaints: Vec::new(),
            wire,
            looked: BTreeMap::new(),
            waits: BTreeMap::new(),
        }
    }

    /// Runs the schedule, and on to the end of all things.
    pub fn run(&mut self, steps: &[Step]) -> Result<Vec<Arc<Alert>>, String> {
        for step in steps {
            self.step(*step)?;
        }
        self.finish_input(usize::MAX)?;
        self.settle(true)?;
        for Running { process, .. } in self.running.values_mut() {
            self.complaints.append(&mut process.complaints);
        }
        if !self.complaints.is_empty() {
            return Err(self.complaints.join("\n"));
        }
        let (alerts, _) = self.broker.part((Topic::Alerts, 0)).read(0, usize::MAX);
        let alert = |(_, body): (i64, Body)| if let Body::Alert(alert) = body { Some(alert) } else { None };
        Ok(alerts.into_iter().filter_map(alert).collect())
    }

    /// How often what happened to the processes.
    pub fn notes(&self) -> BTreeMap<&'static str, u64> {
        self.setup.notes.borrow().clone()
    }

    /// Whether committed batches took every record once: what no alert tells may still be wrong.
    pub fn audit(&self) -> Result<(), String> {
        let mut taken: BTreeMap<Place, Vec<i64>> = BTreeMap::new();
        for (_, body) in self.broker.part((Topic::Ledger, 0)).read(0, usize::MAX).0 {
            let Body::Taken(records) = body else { continue };
            records.into_iter().for_each(|(place, offset)| taken.entry(place).or_default().push(offset));
        }
        let is_read = |place: &&Place| matches!(place.0, Topic::Input | Topic::Repartition);
        for place in self.broker.parts.keys().filter(is_read) {
            let mut offsets = taken.remove(place).unwrap_or_default();
            offsets.sort_unstable();
            let all = self.broker.part(*place).offsets();
            if offsets != all {
                return Err(format!("of {place:?} {offsets:?} were taken, and there were {all:?}"));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Turn { who, salt } => self.turn(who, salt),
            Step::Input(many) => return self.finish_input(many),
            Step::Time(ms) => self.now_ms += ms,
            Step::Marker(salt) => drop(self.broker.write_marker(salt)),
            Step::Crash(who) => self.end(who),
            Step::Start(slot) => self.start(slot),
            Step::Kick(who) => {
                let id = self.running.get(&who).and_then(|running| running.process.id);
                id.into_iter().for_each(|id| self.broker.group.remove(id));
            }
            Step::Leave(slot) => self.leave(slot),
            Step::Shuffle => self.broker.group.turn(),
            Step::Expire(slot) => self.broker.expire(slot),
            Step::Trouble(who, trouble) => {
                self.running.entry(who).and_modify(|running| running.process.trouble = Some(trouble));
            }
            Step::Compact(salt) => self.compact(salt),
            Step::Reload(version) => self.version = version,
            Step::Rest => self.rest(),
        }
        Ok(())
    }

    fn turn(&mut self, who: Who, salt: u64) {
        let moment = Moment { now_ms: self.now_ms, is_quiet: self.is_quiet, salt };
        let Some(running) = self.running.get_mut(&who) else { return };
        let is_between = running.process.is_between_batches();
        if running.version != self.version && is_between && mix(salt, 9).is_multiple_of(3) {
            let rules = compile(&self.story.text(self.version), Some(running.process.rules()));
            running.process.reload(&rules);
            running.version = self.version;
        }
        running.process.turn(&mut self.broker, moment);
        self.turns += 1;
    }

    fn start(&mut self, slot: usize) {
        let (who, ghost) = (Who { slot, is_ghost: false }, Who { slot, is_ghost: true });
        if let Some(before) = self.running.remove(&who) {
            self.end(ghost);
            self.running.insert(ghost, before);
        }
        let rules = compile(&self.story.text(self.version), None);
        self.processes += 1;
        let process = Process::new(slot, self.processes, &self.setup, &rules);
        self.running.insert(who, Running { process, version: self.version });
    }

    /// The process is gone. What it has counted counts.
    fn end(&mut self, who: Who) {
        let ended = self.running.remove(&who);
        self.complaints.extend(ended.into_iter().flat_map(|running| running.process.complaints));
    }

    fn leave(&mut self, slot: usize) {
        let who = Who { slot, is_ghost: false };
        let Some(running) = self.running.get(&who) else { return };
        if running.process.is_between_batches() {
            running.process.id.into_iter().for_each(|id| self.broker.group.remove(id));
            self.end(who);
        }
    }

    fn compact(&mut self, salt: u64) {
        let careless = self.setup.makes(Mistake::CarelessCleaner);
        for shard in 0..self.story.shards {
            let place = (Topic::Changelog, shard);
            let is_being_read = self.running.values().any(|running| running.process.is_half_through(shard));
            let part = self.broker.parts.get_mut(&place).unwrap();
            part.compact(mix(salt, shard.into()), careless, is_being_read);
        }
    }

    /// So many records come in; before the first after the pause, the pause is spent.
    fn finish_input(&mut self, many: usize) -> Result<(), String> {
        for _ in 0..many {
            let Some(coming) = self.coming.pop_front() else { break };
            if coming.is_after && !self.is_after {
                self.wake()?;
            }
            self.come(coming);
        }
        Ok(())
    }

    fn come(&mut self, coming: Coming) {
        self.now_ms = self.now_ms.max(coming.at_ms);
        let part = self.broker.parts.get_mut(&(Topic::Input, coming.partition)).unwrap();
        // Forwarders may write in transactions as well, and give them up.
        if !self.story.is_calm && part.high() % 5 == 3 {
            part.append_open(usize::MAX, Body::of(b"given up".to_vec()));
            part.end(usize::MAX, false);
        }
        part.append(Body::of(coming.payload));
    }

    /// Nothing more comes until the pause is over, or at all.
    fn rest(&mut self) {
        if self.is_quiet {
            return;
        }
        while self.coming.front().is_some_and(|coming| self.is_after || !coming.is_after) {
            self.coming.pop_front().into_iter().for_each(|coming| self.come(coming));
        }
        self.is_quiet = true;
        self.now_ms = self.now_ms.max(self.story.pause_ms());
    }

    /// The pause ends, and is over when all shards know: a partition that is said to be idle while nobody
    /// reads it would hold nobody back, however much of it is unread.
    fn wake(&mut self) -> Result<(), String> {
        self.rest();
        self.settle(true)?;
        self.is_quiet = false;
        self.is_after = true;
        for partition in 0..self.story.partitions {
            self.come(self.story.wake(partition));
        }
        self.settle(false)
    }

    /// All faults end, and time goes on until nothing waits; at least until what was read is known everywhere.
    fn settle(&mut self, is_final: bool) -> Result<(), String> {
        self.end_faults();
        if is_final {
            self.rest();
            self.come_to_rest()?;
            self.now_ms += LATER_MS;
        }
        for tick in 0..MANY_TICKS {
            self.come_to_rest()?;
            self.now_ms += 1_000;
            self.look();
            let is_over = match (is_final, self.story.shards) {
                (false, _) => tick > 3,
                (true, 1) => tick > 3 * FEW_TICKS,
                (true, _) => tick > FEW_TICKS && self.waits.values().all(Option::is_none),
            };
            if is_over {
                return Ok(());
            }
        }
        Err(format!("something waits for ever: {:?}", self.waits))
    }

    fn end_faults(&mut self) {
        for slot in 0..self.story.slots {
            self.end(Who { slot, is_ghost: true });
            if !self.running.contains_key(&Who { slot, is_ghost: false }) {
                self.start(slot);
            }
        }
        let ids: Vec<u64> = self.running.values().filter_map(|running| running.process.id).collect();
        let gone: Vec<u64> = self.broker.group.members().filter(|member| !ids.contains(member)).collect();
        gone.into_iter().for_each(|member| self.broker.group.remove(member));
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        let everyone: Vec<Who> = self.running.keys().copied().collect();
        for turn in 0..TURNS {
            let salt = mix(self.turns, self.now_ms);
            everyone.iter().for_each(|who| self.turn(*who, salt));
            if turn % 16 == 15 {
                self.expire_abandoned();
            }
            while self.broker.write_marker(0) {}
            let is_at_rest = |running: &Running| running.process.is_at_rest(&self.broker);
            // Whoever has not yet seen this second does so in one more turn.
            if turn > 2 && self.running.values().all(is_at_rest) {
                return Ok(());
            }
        }
        Err(String::from("the service does not come to rest"))
    }

    /// Transactions that nobody will end take too long.
    fn expire_abandoned(&mut self) {
        for (who, running) in &self.running {
            if !running.process.produces_as(self.broker.epoch(who.slot)) {
                self.broker.expire(who.slot);
            }
        }
    }

    /// What shards said last of what they wait for.
    fn look(&mut self) {
        for shard in 0..self.story.shards {
            let from = self.looked.entry(shard).or_default();
            let (records, next) = self.broker.part((Topic::Repartition, shard)).read(*from, usize::MAX);
            *from = next;
            for (_, body) in records {
                let Body::Bytes { value: Some(bytes), .. } = body else { continue };
                if bytes.get(KIND) != Some(&3) {
                    continue;
                }
                if let Ok(Some(Cargo::Decided { shard, waits_until_ms, .. })) = self.wire.read(&bytes) {
                    self.waits.insert(shard, waits_until_ms);
                }
            }
        }
    }
}
