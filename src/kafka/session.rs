//! What does a worker's loop do in one round?
//!
//! ```text
//!  poll ─► gather a batch ─► step ─► render ─► deliver, until committed ─► rebalance
//! ```
//!
//! A rebalance is taken up only when nothing is left open: what was read is stepped and committed
//! first, then the partitions are handed over. So no other member can ever read what this one has
//! half done, and nothing else in the loop has to think of rebalances.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::batch::{self, Batch, Consumed};
use super::client::{self, Role};
use super::clock;
use super::context::{Context, confirm};
use super::gather::{self, Gathering};
use super::positions::Positions;
use super::sink::Sink;
use super::worker::{End, Status};
use crate::alert::{Provenance, Renderer};
use crate::engine::Shard;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::model::{Effects, Input, RawRecord};
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
    pub(super) shard: Shard,
    pub(super) renderer: Renderer,
    pub(super) positions: Positions,
    /// What the shard is to be told beside records.
    pub(super) told: Vec<Input>,
    /// Records that came while a batch was delivered; they go into the next one.
    pub(super) early: Vec<RawRecord>,
    geoip: Arc<GeoIp>,
    /// The rules that the shard runs, which may have been replaced since.
    pub(super) rules: Arc<RuleSet>,
    /// Begins every batch's tag; no other session has it.
    name: String,
    batches: u64,
    pub(super) ticked_ms: i64,
}

impl<'s> Session<'s> {
    /// A session that has joined nothing yet, with an empty shard.
    ///
    /// # Errors
    /// Settings that are not accepted.
    pub fn open(status: &'s mut Status) -> Result<Self, Failure> {
        let (shared, worker) = (Arc::clone(&status.shared), status.worker);
        let config = &shared.config;
        let consumer: BaseConsumer<Context> = client::properties(config, Role::Consumer { worker })?
            .create_with_context(Context::new(Arc::clone(&shared.telemetry)))
            .map_err(|error| client::not_created(&error))?;
        let topics: Vec<&str> = config.input.topics.iter().map(String::as_str).collect();
        consumer
            .subscribe(&topics)
            .map_err(|error| Failure::new("cannot subscribe to the input topics").detail(error))?;
        let (geoip, rules) = (shared.geoip.load_full(), shared.rules.load_full());
        Ok(Self {
            consumer,
            sink: None,
            shard: Shard::new(config, Arc::clone(&rules), Arc::clone(&geoip)),
            renderer: Renderer::new(&config.output).with(Provenance::of(&geoip, &rules)),
            positions: Positions::new(&config.input.topics),
            told: Vec::new(),
            early: Vec::new(),
            geoip,
            rules,
            name: format!("{}/{}", client::transactional_id(config, worker), clock::wall_ms()),
            batches: 0,
            ticked_ms: i64::MIN,
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
                let (worker, error) = (self.status.worker, error.to_string());
                self.status.observe(&Fact::ConsumerError { worker, error: &error });
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
        let mut batch = Gathering::new(&self.status.shared.config.engine);
        let mut now = clock::instant();
        for record in std::mem::take(&mut self.early) {
            batch.push(record, now);
        }
        while !batch.is_full(now) && !context.has_rebalance() {
            let polled = match self.consumer.poll(Duration::ZERO) {
                None if !context.has_rebalance() => {
                    let polled = self.consumer.poll(batch.patience(clock::instant()));
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
        let worker = self.status.worker;
        self.status.observe(&Fact::ConsumerError { worker, error: &error.to_string() });
        Ok(())
    }

    /// Steps the shard and has what it asks for committed.
    fn advance(&mut self, mut records: Vec<RawRecord>) -> Result<bool, End> {
        let context = self.context();
        // Another member may have these already; the shard has not seen them yet.
        if context.has_rebalance() {
            records.retain(|record| !context.is_lost(&record.position.topic, record.position.partition));
        }
        if records.is_empty() && self.told.is_empty() {
            return Ok(false);
        }
        let now_ms = clock::steady_ms();
        for last in gather::runs(&records).filter_map(<[_]>::last) {
            self.positions.read(last, now_ms);
        }
        let consumed = batch::consumed(&records);
        let mut inputs = std::mem::take(&mut self.told);
        inputs.extend(records.into_iter().map(Input::Record));
        let effects = self.step(inputs);
        let nothing =
            effects.alerts.is_empty() && effects.dead_letters.is_empty() && effects.enriched.is_empty();
        if consumed.is_empty() && nothing {
            self.status.observe(&Fact::Counted { tally: &effects.tally, rules: &self.rules.infos });
            return Ok(false);
        }
        let batch = self.batch(consumed, effects);
        self.settle(batch)?;
        Ok(true)
    }

    fn step(&mut self, inputs: Vec<Input>) -> Effects {
        self.take_up();
        let started = clock::instant();
        let effects = self.shard.step(inputs);
        let seconds = started.elapsed().as_secs_f64();
        self.status.observe(&Fact::Stepped { worker: self.status.worker, seconds });
        effects
    }

    /// Takes up rules and databases that were replaced. Nothing is open between two steps, so what an
    /// event caused is told by the rules that judged it.
    fn take_up(&mut self) {
        let shared = Arc::clone(&self.status.shared);
        let (geoip, rules) = (shared.geoip.load(), shared.rules.load());
        let (new_geoip, new_rules) = (!Arc::ptr_eq(&geoip, &self.geoip), !Arc::ptr_eq(&rules, &self.rules));
        if new_geoip {
            self.geoip = Arc::clone(&geoip);
            self.shard.set_geoip(Arc::clone(&geoip));
        }
        if new_rules {
            let overflow = !rules.table.extends(&self.rules.table);
            let adopted = self.shard.set_rules(&shared.config, Arc::clone(&rules));
            self.rules = Arc::clone(&rules);
            let (worker, kept, anew) = (self.status.worker, adopted.kept, adopted.anew);
            self.status.observe(&Fact::RulesTaken { worker, kept, anew, overflow });
        }
        if new_geoip || new_rules {
            let provenance = Provenance::of(&self.geoip, &self.rules);
            self.renderer = Renderer::new(&shared.config.output).with(provenance);
        }
    }

    /// What only time caused goes with the current positions, so that it, too, fails when the
    /// partitions are another member's by now.
    fn batch(&mut self, consumed: Consumed, mut effects: Effects) -> Batch {
        self.batches += 1;
        let account = Account { rules: Arc::clone(&self.rules.infos), ..batch::account(consumed, &effects) };
        let table = Arc::clone(&self.rules.table);
        Batch {
            tag: format!("{}/{}", self.name, self.batches),
            records: batch::render(&mut effects, &self.renderer, &table),
            offsets: self.positions.offsets(),
            account,
            unknown: false,
            produced: false,
            alone: false,
        }
    }
}
