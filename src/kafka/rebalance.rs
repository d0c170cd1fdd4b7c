//! What does a worker do when the group moves partitions, and what between two batches?

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};

use super::clock;
use super::context::{Rebalance, confirm};
use super::session::Session;
use super::worker::End;
use crate::model::Input;
use crate::telemetry::{Fact, Gauges, WorkerState};

/// How long a question about offsets may take; it is asked again later.
const QUESTION: Duration = Duration::from_secs(2);

/// Ticks and figures are given this often, ms.
const TICK_MS: i64 = 1_000;

impl Session<'_> {
    /// Takes up what the group decided. All that was read is committed by now.
    pub(super) fn rebalance(&mut self) -> Result<(), End> {
        let context = self.context();
        while let Some(event) = context.rebalance_event() {
            confirm(&self.consumer, &event).map_err(|error| End::Rebuild(error.to_string()))?;
            match event {
                Rebalance::Assign(list) => self.assigned(&list),
                Rebalance::Revoke { partitions, lost } => self.revoked(&partitions, lost),
            }
        }
        Ok(())
    }

    fn assigned(&mut self, list: &TopicPartitionList) {
        let partitions = self.names(list);
        let now_ms = clock::steady_ms();
        for (topic, partition) in &partitions {
            self.positions.add(Arc::clone(topic), *partition, now_ms);
            self.told.push(Input::Assigned { topic: Arc::clone(topic), partition: *partition });
        }
        self.status.observe(&Fact::Assigned { worker: self.status.worker, partitions: &partitions });
        self.status.become_(WorkerState::Running, "");
        self.remember_committed(list);
    }

    /// Where the group stands in new partitions: the figure lag begins with. Not knowing it only
    /// keeps the lag unknown until the first commit.
    fn remember_committed(&mut self, list: &TopicPartitionList) {
        if list.count() == 0 {
            return;
        }
        let Ok(committed) = self.consumer.committed_offsets(list.clone(), QUESTION) else { return };
        let mut offsets = Vec::new();
        for element in committed.elements() {
            if let Offset::Offset(next) = element.offset() {
                offsets.push((self.positions.topic(element.topic()), element.partition(), next));
            }
        }
        self.positions.committed(&offsets);
    }

    fn revoked(&mut self, list: &TopicPartitionList, lost: bool) {
        let partitions = self.names(list);
        for (topic, partition) in &partitions {
            self.positions.remove(topic, *partition);
            self.told.push(Input::Revoked { topic: Arc::clone(topic), partition: *partition });
        }
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
            let lag = self.positions.lag(&topic, partition, figures.ls_offset);
            if let Some(records) = lag {
                self.status.observe(&Fact::Lag { topic: &topic, partition, records });
            }
        }
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
        let figures = self.shard.figures();
        let shared = &self.status.shared;
        let lateness_ms = shared.config.time.allowed_lateness.as_millis();
        let newest = figures.partitions.into_iter().filter_map(|each| {
            each.watermark_ms.map(|watermark| (each.topic, each.partition, watermark + lateness_ms))
        });
        let keys = figures
            .keys
            .into_iter()
            .filter_map(|(rule, keys)| self.rules.get(rule).map(|rule| (Arc::clone(&rule.info.name), keys)));
        let gauges = Gauges {
            sessions: figures.sessions,
            users: figures.users,
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
            if low == high || quiet.next.is_some_and(|next| next >= high) {
                self.positions.idle(&quiet.topic, quiet.partition);
                self.told.push(Input::Idle { topic: quiet.topic, partition: quiet.partition });
            }
        }
    }
}
