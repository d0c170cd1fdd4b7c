//! Which events happen, and how do they reach the engine?

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use oktawatch::model::{Input, Position, RawRecord};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::reference::event::Event;

pub const USER: &str = "actor.alternateId";
pub const IP: &str = "client.ipAddress";
pub const TARGET: &str = "target.id";
pub const AMOUNT: &str = "target.detailEntry.amount";
pub const EVENT_TYPES: [&str; 3] =
    ["user.session.start", "user.authentication.auth_via_mfa", "user.authentication.sso"];

/// A full hour of a Monday.
pub const START_MS: i64 = 1_767_607_200_000;
const WEEK_MS: i64 = 7 * 24 * 3_600_000;

/// How the ticks of a story become times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// One tick is a second.
    Seconds,
    /// Ten ticks are a few hours of a week, the next ten those of the next.
    Weeks,
}

impl Clock {
    pub fn lateness_ms(self) -> i64 {
        match self {
            Self::Seconds => 10_000,
            Self::Weeks => 3_600_000,
        }
    }

    fn time_ms(self, tick: i64, off_ms: i64) -> i64 {
        let since_ms = match self {
            Self::Seconds => tick * 1_000,
            Self::Weeks => tick / 10 * WEEK_MS + tick % 10 * 1_200_000,
        };
        START_MS + since_ms + off_ms
    }
}

/// An event with its way to the engine, before it is known how long a tick is.
#[derive(Clone)]
pub struct Delivery {
    tick: i64,
    off_ms: i64,
    uuid: u64,
    kind: usize,
    user: Option<&'static str>,
    ip: Option<u8>,
    targets: Vec<(&'static str, Option<&'static str>)>,
    /// How long it is on its way, in thousandths of the allowed lateness.
    delay: i64,
    /// A second delivery comes so many thousandths later.
    again: Option<i64>,
    partition: i32,
    /// A batch ends after it.
    pub cut: bool,
    /// The clock is told before it.
    pub tick_before: bool,
    /// Whose turn it is, where partitions are read at different speeds.
    turn: usize,
}

prop_compose! {
    pub fn delivery()(
        (tick, off_ms) in (0..50_i64, prop_oneof![4 => Just(0_i64), 1 => Just(1), 1 => Just(-1)]),
        uuid in any::<u64>(),
        kind in 0..EVENT_TYPES.len(),
        user in prop_oneof![
            1 => Just(None),
            6 => Just(Some("ana@example.com")),
            1 => Just(Some("Ana@Example.com")),
            3 => Just(Some("ben@example.com")),
        ],
        ip in prop::option::weighted(0.9, 1..4_u8),
        targets in prop::collection::vec((target(), amount()), 0..3),
        delay in prop_oneof![Just(0), 0..=1_000_i64, Just(1_000)],
        again in prop::option::weighted(0.15, 0..3_000_i64),
        (partition, turn) in (0..3, 0..3_usize),
        (cut, tick_before) in (any::<bool>(), prop::bool::weighted(0.2)),
    ) -> Delivery {
        Delivery { tick, off_ms, uuid, kind, user, ip, targets, delay, again, partition, cut, tick_before, turn }
    }
}

fn target() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("00u1"), 2 => Just("00u2"), 1 => Just("00U1")]
}

fn amount() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        2 => Just(None),
        4 => Just(Some("1")),
        3 => Just(Some("2")),
        2 => Just(Some("4")),
        1 => Just(Some("0.5")),
        1 => Just(Some("many")),
        1 => Just(Some("-3")),
    ]
}

impl fmt::Debug for Delivery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, off_ms, uuid, kind, user, ip, targets, delay, again, partition, .. } = self;
        write!(out, "{tick}s{off_ms:+}ms {uuid:x} kind {kind} of {user:?} from {ip:?} to {targets:?}, ")?;
        write!(out, "delay {delay}, again {again:?}, partition {partition}, turn {}", self.turn)
    }
}

impl Delivery {
    /// The event itself. Where a smaller number would take a verdict back, there is none below 0.
    pub fn event(&self, clock: Clock, negative: bool) -> Event {
        let mut fields: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        fields.insert(USER, self.user.iter().map(|user| (*user).to_owned()).collect());
        fields.insert(IP, self.ip.iter().map(|last| format!("203.0.113.{last}")).collect());
        fields.insert(TARGET, self.targets.iter().map(|(id, _)| (*id).to_owned()).collect());
        let amounts = self.targets.iter().filter_map(|(_, amount)| *amount);
        let amount = |amount: &str| if negative { amount } else { amount.trim_start_matches('-') }.to_owned();
        fields.insert(AMOUNT, amounts.map(amount).collect());
        let uuid = uuid::Uuid::from_u128(u128::from(self.uuid)).to_string();
        Event { time_ms: clock.time_ms(self.tick, self.off_ms), uuid, kind: self.kind, fields }
    }

    pub fn arrives_ms(&self, clock: Clock) -> i64 {
        clock.time_ms(self.tick, self.off_ms) + self.delay * clock.lateness_ms() / 1_000
    }
}

/// The event as Okta writes it.
pub fn payload(event: &Event) -> Vec<u8> {
    let first = |field: &str| event.fields[field].first();
    let mut amounts = event.fields[AMOUNT].iter();
    let targets: Vec<Value> = event.fields[TARGET]
        .iter()
        .map(
            |id| json!({ "id": id, "type": "User", "detailEntry": amounts.next().map(|n| written(event, n)) }),
        )
        .collect();
    let published = jiff::Timestamp::from_millisecond(event.time_ms).unwrap();
    let event = json!({
        "uuid": event.uuid,
        "published": published.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "eventType": EVENT_TYPES[event.kind],
        "actor": { "id": null, "type": "User", "alternateId": first(USER) },
        "client": { "ipAddress": first(IP) },
        "outcome": { "result": "SUCCESS" },
        "target": targets,
    });
    event.to_string().into_bytes()
}

/// Numbers come as numbers and as text.
fn written(event: &Event, amount: &str) -> Value {
    match serde_json::from_str::<Value>(amount) {
        Ok(number) if event.time_ms % 2 == 0 => json!({ "amount": number }),
        _ => json!({ "amount": amount }),
    }
}

/// The ways on which the same events may come.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// In the order of time, all at once.
    InOrder,
    /// As they arrive, late by up to the allowed lateness, by so many partitions.
    Arriving(i32),
    /// From partitions that are read at different speeds.
    Backlog(i32),
}

pub fn batches(deliveries: &[Delivery], clock: Clock, negative: bool, way: Way) -> Vec<Vec<Input>> {
    let mut offset = 0;
    let mut record = |delivery: &Delivery, partition| {
        offset += 1;
        let position = Position { topic: topic(), partition, offset, index: 0 };
        let payload = payload(&delivery.event(clock, negative));
        Input::Record(RawRecord { position, payload, ..RawRecord::default() })
    };
    match way {
        Way::InOrder => {
            let mut sorted: Vec<&Delivery> = deliveries.iter().collect();
            sorted.sort_by_key(|delivery| (clock.time_ms(delivery.tick, delivery.off_ms), delivery.uuid));
            vec![sorted.into_iter().map(|delivery| record(delivery, 0)).collect()]
        }
        Way::Arriving(partitions) => {
            let mut batches = vec![Vec::new()];
            for Arrival { at_ms, partition, delivery } in arrivals(deliveries, clock, partitions) {
                let batch = batches.last_mut().unwrap();
                // A clock that stood still for a week would find the next event in the future.
                if delivery.tick_before || clock == Clock::Weeks {
                    batch.push(Input::Tick { now_ms: at_ms });
                }
                batch.push(record(delivery, partition));
                if delivery.cut {
                    batches.push(Vec::new());
                }
            }
            batches
        }
        Way::Backlog(partitions) => {
            let assigned = (0..partitions).map(|partition| Input::Assigned {
                topic: topic(),
                partition,
                next: 0,
                highest_ms: None,
            });
            let mut batches: Vec<Vec<Input>> = vec![assigned.collect()];
            for Arrival { partition, delivery, .. } in interleaved(deliveries, clock, partitions) {
                batches.last_mut().unwrap().push(record(delivery, partition));
                if delivery.cut {
                    batches.push(Vec::new());
                }
            }
            batches
        }
    }
}

pub fn topic() -> Arc<str> {
    Arc::from("okta-events")
}

/// A record that comes.
pub struct Arrival<'d> {
    pub at_ms: i64,
    pub partition: i32,
    pub delivery: &'d Delivery,
}

/// All arrivals in their order; some events come twice, the second time by another partition.
pub fn arrivals(deliveries: &[Delivery], clock: Clock, partitions: i32) -> Vec<Arrival<'_>> {
    let mut arrivals = Vec::new();
    for delivery in deliveries {
        let at_ms = delivery.arrives_ms(clock);
        let partition = delivery.partition % partitions;
        arrivals.push(Arrival { at_ms, partition, delivery });
        if let Some(again) = delivery.again {
            let at_ms = at_ms + again * clock.lateness_ms() / 1_000;
            arrivals.push(Arrival { at_ms, partition: (partition + 1) % partitions, delivery });
        }
    }
    arrivals.sort_by_key(|arrival| arrival.at_ms);
    arrivals
}

/// Each partition in its order of arrival, but now this one is read, now that one.
fn interleaved(deliveries: &[Delivery], clock: Clock, partitions: i32) -> Vec<Arrival<'_>> {
    let mut queues: BTreeMap<i32, Vec<Arrival<'_>>> = BTreeMap::new();
    for arrival in arrivals(deliveries, clock, partitions).into_iter().rev() {
        queues.entry(arrival.partition).or_default().push(arrival);
    }
    let mut read = Vec::new();
    let mut turns = deliveries.iter().map(|delivery| delivery.turn).cycle();
    while !queues.is_empty() {
        let turn = turns.next().unwrap() % queues.len();
        let partition = *queues.keys().nth(turn).unwrap();
        let queue = queues.get_mut(&partition).unwrap();
        read.extend(queue.pop());
        if queue.is_empty() {
            queues.remove(&partition);
        }
    }
    read
}
