//! What does a worker's loop do in one round?
//!
//! ```text
//!  poll ─► gather a batch ─► take in what arrived ─► step ─► render ─► deliver, until committed ─► rebalance
//! ```
//!
//! A rebalance is taken up only when nothing is left open: what was read is stepped and committed
//! first, then the partitions are handed over. So no other member can ever read what this one has
//! half done, and nothing else in the loop has to think of rebalances.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::arrivals::Arrivals;
use super::batch::{self, Batch, Consumed};
use super::client::{self, Role};
use super::clock;
use super::context::{Context, confirm};
use super::gather::{self, Gathering};
use super::positions::Positions;
use super::sink::{CALL, Sink};
use super::worker::{End, Status};
use crate::alert::{Provenance, Renderer};
use crate::engine::{Member, Round, Told};
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::model::{Input, Position, RawRecord};
use crate::rule::RuleSet;
use crate::telemetry::{Account, Fact, WorkerState};

/// Records taken from the client's queue between two looks at the clock.
const RECORDS_OF_A_LOOK: usize = 64;

/// The clients and the state of one worker, good together or not at all.
pub struct Session<'s> {
    pub(super) status: &'s mut Status,
    pub(super) consumer: BaseConsumer<Context>,
    /// Made when first needed, and again after a call whose end is not known.
    pub(super) sink: Option<Sink>,
    pub(super) member: Member,
    /// Partitions that were assigned and cannot be read yet.
    pub(super) arrivals: Arrivals,
    pub(super) shards: u32,
    pub(super) renderer: Renderer,
    pub(super) positions: Positions,
    /// What the member is to be told beside records.
    pub(super) told: Vec<Input>,
    /// Records that came while a batch was delivered; they go into the next one.
    pub(super) early: Vec<RawRecord>,
    /// When the last batch was full.
    gathered: Instant,
    geoip: Arc<GeoIp>,
    /// The rules that the member runs, which may have been replaced since.
    pub(super) rules: Arc<RuleSet>,
    /// Begins every batch's tag; no other session has it.
    name: String,
    batches: u64,
    pub(super) ticked_ms: i64,
    /// There are positions to commit though nothing was read.
    pub(super) flush: bool,
    /// When the cluster was last asked which partitions the input has.
    pub(super) surveyed_ms: i64,
}

impl<'s> Session<'s> {
    /// A session that has joined nothing yet, where there are so many shards.
    ///
    /// # Errors
    /// Settings that are not accepted.
    pub fn open(status: &'s mut Status, shards: u32) -> Result<Self, Failure> {
        let (shared, worker) = (Arc::clone(&status.shared), status.worker);
        let config = &shared.config;
        let consumer: BaseConsumer<Context> = client::properties(config, Role::Consumer { worker })?
            .create_with_context(Context::new(Arc::clone(&shared.telemetry)))
            .map_err(|error| client::not_created(&error))?;
        let topics = config.input.topics.iter().chain([&config.state.repartition]);
        let topics: Vec<&str> = topics.map(String::as_str).collect();
        consumer
            .subscribe(&topics)
            .map_err(|error| Failure::new("cannot subscribe to the topics").detail(error))?;
        let (geoip, rules) = (shared.geoip.load_full(), shared.rules.load_full());
        Ok(Self {
            consumer,
            sink: None,
            member: Member::new(config, Arc::clone(&rules), Arc::clone(&geoip), shards),
            arrivals: Arrivals::default(),
            shards,
            renderer: Renderer::new(&config.output).with(Provenance::of(&geoip, &rules)),
            positions: Positions::new(&config.input.topics),
            told: Vec::new(),
            early: Vec::new(),
            gathered: clock::instant(),
            geoip,
            rules,
            name: format!("{}/{}", client::transactional_id(config, worker), clock::wall_ms()),
            batches: 0,
            ticked_ms: i64::MIN,
            surveyed_ms: i64::MIN,
            flush: false,
            status,
        })
    }

    /// One round of the loop; says whether it took the worker further.
    ///
    /// # Errors
    /// The session's end.
    pub fn round(&mut self) -> Result<bool, End> {
        self.status.beat();
        if self.status.shared.is_stopping() {
            return Err(End::Stopped);
        }
        let records = self.gather()?;
        self.arrive()?;
        self.housekeeping();
        let moved = self.advance(records)?;
        self.rebalance()?;
        Ok(moved)
    }

    /// Ends the session. Nothing is open any more when it was asked to stop.
    pub fn close(self, orderly: bool) {
        if orderly {
            self.status.become_(WorkerState::Draining, "");
        }
        self.status.beat();
        let context = self.context();
        context.close();
        // The library waits for the confirmation of every rebalance before it lets go.
        while let Some(event) = context.rebalance_event() {
            if let Err(error) = confirm(&self.consumer, &event) {
                self.status.complain(&error.to_string());
            }
        }
        drop(self.consumer);
        self.status.beat();
        drop(self.sink);
    }

    pub(super) fn context(&self) -> Arc<Context> {
        Arc::clone(self.consumer.context())
    }

    /// Polls until a batch is full, its time is up, or the group wants something.
    fn gather(&mut self) -> Result<Vec<RawRecord>, End> {
        let context = self.context();
        let mut batch = Gathering::new(&self.status.shared.config.engine, self.gathered);
        let mut now = clock::instant();
        for record in std::mem::take(&mut self.early) {
            batch.push(record, now);
        }
        while !batch.is_full(now) && !context.has_rebalance() {
            let polled = match self.consumer.poll(Duration::ZERO) {
                None if !context.has_rebalance() => {
                    now = clock::instant();
                    if batch.is_due(now) {
                        break;
                    }
                    let polled = self.consumer.poll(batch.patience(now));
                    now = clock::instant();
                    polled
                }
                // Records that are there already come within microseconds of each other: to look at
                // the clock for each would take as long as to fetch it.
                polled => {
                    if batch.records.len().is_multiple_of(RECORDS_OF_A_LOOK) {
                        now = clock::instant();
                    }
                    polled
                }
            };
            match polled {
                None if batch.records.is_empty() => break,
                None => {}
                Some(Ok(message)) => {
                    let topic = self.positions.topic(rdkafka::Message::topic(&message));
                    batch.push(gather::raw(topic, &message), now);
                }
                Some(Err(error)) => self.consumer_error(&error)?,
            }
        }
        if !batch.records.is_empty() {
            self.gathered = now;
        }
        Ok(batch.records)
    }

    pub(super) fn consumer_error(&self, error: &KafkaError) -> Result<(), End> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(End::Rebuild(error.to_string()));
        }
        let told = [RDKafkaErrorCode::AllBrokersDown, RDKafkaErrorCode::BrokerTransportFailure];
        if error.rdkafka_error_code().is_some_and(|code| told.contains(&code)) {
            // The context hears of it as well.
            return Ok(());
        }
        self.status.complain(&error.to_string());
        Ok(())
    }

    /// Steps the member and has what it asks for committed.
    fn advance(&mut self, mut records: Vec<RawRecord>) -> Result<bool, End> {
        let context = self.context();
        // Another worker may have these already; no shard has seen them yet.
        if context.has_rebalance() {
            records.retain(|record| !context.is_lost(&record.position.topic, record.position.partition));
        }
        if records.is_empty() && self.told.is_empty() && !self.flush {
            return Ok(false);
        }
        self.read(&mut records)?;
        let consumed = batch::consumed(&records, |topic| self.positions.is_input(topic));
        let read = records.len();
        let told = self.told(records)?;
        let round = self.step(told);
        let flush = std::mem::take(&mut self.flush);
        if read == 0 && round.is_empty() && !flush {
            self.status.observe(&Fact::Counted { tally: &round.effects.tally, rules: &self.rules.infos });
            return Ok(false);
        }
        let batch = self.batch(consumed, round);
        self.settle(batch)?;
        Ok(true)
    }

    /// Notes how far records bring the worker, and takes out those that it has had before.
    fn read(&mut self, records: &mut Vec<RawRecord>) -> Result<(), End> {
        let now_ms = clock::steady_ms();
        let (mut is_new, mut again) = (Vec::with_capacity(records.len()), Vec::new());
        for run in gather::runs(records) {
            let read = self.positions.read(run, now_ms);
            let read = read.map_err(|(topic, partition)| {
                End::Rebuild(format!("a record of {topic}/{partition}, which is not the worker's"))
            })?;
            if let Some(first) = run.first().filter(|_| read.again() > 0) {
                again.push((Arc::clone(&first.position.topic), first.position.partition, read.next));
            }
            is_new.extend(read.is_new);
        }
        let mut is_new = is_new.into_iter();
        records.retain(|_| is_new.next().unwrap_or(true));
        for (topic, partition, next) in again {
            self.status.complain(&format!("{topic}/{partition} was read again"));
            let sought = self.consumer.seek(&topic, partition, Offset::Offset(next), CALL);
            sought.map_err(|error| End::Rebuild(error.to_string()))?;
        }
        Ok(())
    }

    /// What the member is told: what came to pass first, then the records.
    fn told(&mut self, records: Vec<RawRecord>) -> Result<Vec<Told>, End> {
        let mut told: Vec<Told> = std::mem::take(&mut self.told).into_iter().map(Told::Input).collect();
        told.reserve(records.len());
        for record in gather::in_time(records) {
            let Position { topic, partition, .. } = &record.position;
            if self.positions.is_input(topic) {
                told.push(Told::Input(Input::Record(record)));
            } else if u32::try_from(*partition).is_ok_and(|shard| self.member.holds(shard)) {
                told.push(Told::Sent(record));
            } else {
                // It would be committed and nobody would have seen it.
                return Err(End::Rebuild(format!("a record of {topic}/{partition} came before its shard")));
            }
        }
        Ok(told)
    }

    fn step(&mut self, told: Vec<Told>) -> Round {
        self.take_up();
        let started = clock::instant();
        let round = self.member.step(told);
        let seconds = started.elapsed().as_secs_f64();
        self.status.observe(&Fact::Stepped { worker: self.status.worker, seconds });
        round
    }

    /// Takes up rules and databases that were replaced. Nothing is open between two steps, so what an
    /// event caused is told by the rules that judged it.
    pub(super) fn take_up(&mut self) {
        let shared = Arc::clone(&self.status.shared);
        let (geoip, rules) = (shared.geoip.load(), shared.rules.load());
        let (new_geoip, new_rules) = (!Arc::ptr_eq(&geoip, &self.geoip), !Arc::ptr_eq(&rules, &self.rules));
        if new_geoip {
            self.geoip = Arc::clone(&geoip);
            self.member.set_geoip(&geoip);
        }
        if new_rules {
            let overflow = !rules.table.extends(&self.rules.table);
            let adopted = self.member.set_rules(&rules);
            self.rules = Arc::clone(&rules);
            let (worker, kept, anew) = (self.status.worker, adopted.kept, adopted.anew);
            self.status.observe(&Fact::RulesTaken { worker, kept, anew, overflow });
        }
        if new_geoip || new_rules {
            let provenance = Provenance::of(&self.geoip, &self.rules);
            self.renderer = Renderer::new(&shared.config.output).with(provenance);
        }
    }

    fn newest_ms(&self) -> BTreeMap<(Arc<str>, i32), i64> {
        let newest = self.member.newest_ms();
        newest.map(|(topic, partition, newest_ms)| ((Arc::clone(topic), partition), newest_ms)).collect()
    }

    /// What only time caused goes with the current positions, so that it, too, fails when the
    /// partitions are another member's by now.
    fn batch(&mut self, consumed: Consumed, mut round: Round) -> Batch {
        self.batches += 1;
        let account = Account { rules: Arc::clone(&self.rules.infos), ..batch::account(consumed, &round) };
        let table = Arc::clone(&self.rules.table);
        let mut records = batch::render(&mut round.effects, &self.renderer, &table);
        records.extend(batch::state(round, &self.status.shared.config.state));
        Batch {
            tag: format!("{}/{}", self.name, self.batches),
            records,
            newest_ms: self.newest_ms(),
            offsets: self.positions.offsets(),
            account,
            unknown: false,
            produced: false,
            alone: false,
        }
    }
}
