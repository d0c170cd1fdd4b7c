//! What does a worker do when the group moves partitions, and what between two batches?

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};

use super::arrivals::{self, Arrival, Position, Ready};
use super::clock;
use super::context::{Rebalance, confirm};
use super::session::Session;
use super::worker::End;
use crate::engine::Source;
use crate::error::Failure;
use crate::model::Input;
use crate::telemetry::{Fact, Gauges, WorkerState};

/// How long a question about offsets may take; it is asked again later.
const QUESTION: Duration = Duration::from_secs(2);

/// Ticks and figures are given this often, ms.
const TICK_MS: i64 = 1_000;

/// The cluster is asked for the partitions of the input this often, ms.
const SURVEY_MS: i64 = 30_000;

impl Session<'_> {
    /// Takes up what the group decided. All that was read is committed by now.
    pub(super) fn rebalance(&mut self) -> Result<(), End> {
        let context = self.context();
        while let Some(event) = context.rebalance_event() {
            confirm(&self.consumer, &event).map_err(|error| End::Rebuild(error.to_string()))?;
            match event {
                Rebalance::Assign(list) => self.assigned(&list)?,
                Rebalance::Revoke { partitions, lost } => self.revoked(&partitions, lost),
            }
        }
        Ok(())
    }

    /// New partitions are not read before it is known where they begin and what their shards were.
    fn assigned(&mut self, list: &TopicPartitionList) -> Result<(), End> {
        self.end_what_was_left_open()?;
        let partitions = self.names(list);
        self.status.observe(&Fact::Assigned { worker: self.status.worker, partitions: &partitions });
        self.status.become_(WorkerState::Running, "");
        let grown = partitions.iter().find(|(topic, partition)| {
            !self.positions.is_input(topic)
                && u32::try_from(*partition).is_ok_and(|shard| shard >= self.shards)
        });
        if let Some((topic, _)) = grown {
            let failure = Failure::new(format!("topic {topic} has more partitions than before"))
                .detail("The shard of a key follows from their number, so that it cannot change with state.")
                .hint("Stop all instances, delete the repartition topic and the changelog, set state.partitions.");
            return Err(End::Failed(failure));
        }
        if !partitions.is_empty() {
            self.ask(&partitions)?;
            self.count_arriving();
        }
        Ok(())
    }

    fn ask(&mut self, partitions: &[Source]) -> Result<(), End> {
        let (shared, worker) = (Arc::clone(&self.status.shared), self.status.worker);
        self.arrivals.ask(&shared, (worker, self.shards), partitions).map_err(End::Failed)
    }

    /// A transaction that this worker's predecessor left open, of the same name, ends when its successor
    /// begins; until then the state of shards that it wrote to cannot be read.
    fn end_what_was_left_open(&mut self) -> Result<(), End> {
        if self.sink.is_some() {
            return Ok(());
        }
        match self.open_sink(false)? {
            Ok(sink) => self.sink = Some(sink),
            // It is tried again with the first batch.
            Err(setback) => self.report(&setback),
        }
        Ok(())
    }

    /// Takes in partitions that can be read by now.
    pub(super) fn arrive(&mut self) -> Result<(), End> {
        // Shards are restored under the newest rules.
        self.take_up();
        let mut any = false;
        while let Some(arrival) = self.arrivals.next() {
            any = true;
            match arrival {
                Arrival::Sources(sources) => self.member.add_sources(sources),
                Arrival::Ready(ready) => self.ready(*ready)?,
                Arrival::Failed(failure) => return Err(End::Failed(failure)),
            }
        }
        if any {
            self.count_arriving();
        }
        Ok(())
    }

    fn ready(&mut self, Ready { ticket, start, shard }: Ready) -> Result<(), End> {
        let (topic, partition) = ticket.source;
        let topic = self.positions.topic(&topic);
        if shard.as_ref().is_some_and(|(shard, _)| !shard.runs(&self.rules)) {
            // The rules were replaced meanwhile: what the new ones mean of the state was left out.
            return self.ask(&[(topic, partition)]);
        }
        self.flush |= !start.is_committed;
        self.positions.add(Arc::clone(&topic), partition, start.next, clock::steady_ms());
        if let Some((shard, restored)) = shard {
            self.member.hold(shard, restored.skipped);
        }
        if self.positions.is_input(&topic) {
            let Position { next, highest_ms, .. } = start;
            self.told.push(Input::Assigned { topic: Arc::clone(&topic), partition, next, highest_ms });
        }
        let began = self.begin(&topic, partition, start.next);
        began.map_err(|error| End::Rebuild(format!("cannot begin with {topic}/{partition}: {error}")))
    }

    fn begin(&self, topic: &str, partition: i32, next: i64) -> KafkaResult<()> {
        self.consumer.seek(topic, partition, Offset::Offset(next), QUESTION)?;
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        self.consumer.resume(&list)
    }

    fn count_arriving(&self) {
        let inputs = self.arrivals.waiting().filter(|(topic, _)| self.positions.is_input(topic)).count();
        let shards = self.arrivals.waiting().count() - inputs;
        self.status.observe(&Fact::Arriving { worker: self.status.worker, shards, inputs });
    }

    fn revoked(&mut self, list: &TopicPartitionList, lost: bool) {
        let partitions = self.names(list);
        for (topic, partition) in &partitions {
            self.positions.remove(topic, *partition);
            self.arrivals.cancel(&(Arc::clone(topic), *partition));
            if self.positions.is_input(topic) {
                self.told.push(Input::Revoked { topic: Arc::clone(topic), partition: *partition });
            } else if let Ok(shard) = u32::try_from(*partition) {
                self.member.let_go(shard);
            }
        }
        self.count_arriving();
        self.early.retain(|record| {
            let key = (Arc::clone(&record.position.topic), record.position.partition);
            !partitions.contains(&key)
        });
        self.status.observe(&Fact::Revoked { worker: self.status.worker, partitions: &partitions, lost });
    }

    fn names(&mut self, list: &TopicPartitionList) -> Vec<(Arc<str>, i32)> {
        let elements = list.elements();
        let mut names: Vec<(Arc<str>, i32)> =
            elements.iter().map(|each| (self.positions.topic(each.topic()), each.partition())).collect();
        names.sort();
        names
    }

    /// What is due between two batches: the state of the cluster, and once a second a tick, figures
    /// and the question which partitions have fallen idle.
    pub(super) fn housekeeping(&mut self) {
        let context = self.context();
        if let Some(why) = context.down() {
            self.status.become_(WorkerState::Waiting, &why);
            self.positions.disturbed(clock::steady_ms());
        }
        if let Some(statistics) = context.statistics() {
            self.statistics(&statistics);
        }
        let now_ms = clock::wall_ms();
        if now_ms.saturating_sub(self.ticked_ms) < TICK_MS {
            return;
        }
        self.ticked_ms = now_ms;
        self.told.push(Input::Tick { now_ms });
        self.figures(now_ms);
        if self.status.state() == WorkerState::Running {
            self.fall_idle();
            self.survey();
        }
    }

    /// Which partitions the input has may change: every shard has to wait for new ones.
    fn survey(&mut self) {
        let now_ms = clock::steady_ms();
        if now_ms.saturating_sub(self.surveyed_ms) < SURVEY_MS {
            return;
        }
        self.surveyed_ms = now_ms;
        let topics = &self.status.shared.config.input.topics;
        if let Ok(sources) = arrivals::sources(&self.consumer, topics, QUESTION) {
            self.member.add_sources(sources);
        }
    }

    /// What librdkafka counted, every few seconds.
    fn statistics(&mut self, statistics: &Statistics) {
        let mut brokers = statistics.brokers.values();
        if brokers.any(|broker| broker.nodeid >= 0 && broker.state == "UP") {
            self.reached(statistics);
        }
        let assigned: Vec<(Arc<str>, i32)> =
            self.positions.assigned().map(|(topic, partition)| (Arc::clone(topic), partition)).collect();
        for (topic, partition) in assigned {
            let topics = statistics.topics.get(topic.as_ref());
            let Some(figures) = topics.and_then(|topic| topic.partitions.get(&partition)) else { continue };
            if figures.fetchq_cnt == 0 && figures.next_offset >= 0 {
                self.positions.fetched(&topic, partition, figures.next_offset);
            }
            // Until something was fetched there is no end to compare with.
            let end = Some(figures.ls_offset).filter(|end| *end >= 0);
            if let Some(records) = end.and_then(|end| self.positions.lag(&topic, partition, end)) {
                self.status.observe(&Fact::Lag { topic: &topic, partition, records });
            }
        }
        self.flush |= self.positions.skip_markers();
    }

    /// The cluster answers; a member without partitions is never told so by an assignment.
    fn reached(&mut self, statistics: &Statistics) {
        let joined = statistics.cgrp.as_ref().is_some_and(|group| group.join_state == "steady");
        match self.status.state() {
            WorkerState::Joining | WorkerState::Waiting if joined => {
                self.status.become_(WorkerState::Running, "");
            }
            WorkerState::Waiting => self.status.become_(WorkerState::Joining, ""),
            _ => {}
        }
    }

    fn figures(&self, now_ms: i64) {
        let figures = self.member.figures();
        let newest = self.member.newest_ms();
        let newest = newest.map(|(topic, partition, newest_ms)| (Arc::clone(topic), partition, newest_ms));
        let keys = figures
            .keys
            .into_iter()
            .filter_map(|(rule, keys)| self.rules.get(rule).map(|rule| (Arc::clone(&rule.info.name), keys)));
        let gauges = Gauges {
            sessions: figures.sessions,
            users: figures.users,
            entries: figures.entries,
            shards: self.member.held().count(),
            watermark_ms: figures.watermark_ms,
            newest_ms: newest.collect(),
            keys: keys.collect(),
        };
        self.status.observe(&Fact::Holding { worker: self.status.worker, now_ms, gauges: &gauges });
    }

    /// A partition is idle when it has been quiet for its time *and* the cluster confirms that
    /// nothing is left to read: silence alone may be an outage.
    fn fall_idle(&mut self) {
        let idle_ms = self.status.shared.config.time.idle_timeout.as_millis();
        for quiet in self.positions.quiet(idle_ms, clock::steady_ms()) {
            let answer = self.consumer.fetch_watermarks(&quiet.topic, quiet.partition, QUESTION);
            let Ok((low, high)) = answer else { return };
            if low == high || quiet.next >= high {
                self.positions.idle(&quiet.topic, quiet.partition);
                self.told.push(Input::Idle { topic: quiet.topic, partition: quiet.partition });
            }
        }
    }
}
