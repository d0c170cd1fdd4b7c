//! What of one step is produced, and what if the broker finds a record of it too large?
//!
//! A batch is made once and kept until it is committed: the engine has already taken its records
//! in, and taking them in again would find only repeats. So every further attempt produces the very
//! same records with the very same offsets.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::{OutRecord, Renderer};
use crate::config;
use crate::engine::{Round, comes_last};
use crate::kafka::gather;
use crate::limits;
use crate::model::{
    Alert, Change, DeadLetter, DeadLetterReason, Effects, FieldTable, Mode, Position, RawRecord,
};
use crate::telemetry::{Account, Parcels};

/// Everything that is committed together.
#[derive(Debug)]
pub struct Batch {
    /// Names this batch and no other; committed with its offsets, so that a commit whose answer was
    /// lost can be told from one that never happened.
    pub tag: String,
    /// What to produce.
    pub records: Vec<Outgoing>,
    /// The next offset of each partition.
    pub offsets: Vec<(Arc<str>, i32, i64)>,
    /// The highest `published` of each input partition, ms: committed beside its offset, as whoever reads
    /// the partition next must not know less of its time.
    pub newest_ms: BTreeMap<(Arc<str>, i32), i64>,
    /// What to count once it is committed.
    pub account: Account,
    /// An attempt was made whose end is not known.
    pub unknown: bool,
    /// Without transactions: everything is produced, only the offsets are not committed.
    pub produced: bool,
    /// Each record is sent alone, to learn which of them it is that the broker finds too large.
    pub alone: bool,
}

impl Batch {
    /// What is committed beside the offset of a partition.
    pub fn metadata(&self, topic: &Arc<str>, partition: i32) -> String {
        match self.newest_ms.get(&(Arc::clone(topic), partition)) {
            Some(newest_ms) => format!("{} {newest_ms}", self.tag),
            None => self.tag.clone(),
        }
    }

    /// Whether an offset was committed with this batch.
    pub fn is_in(&self, metadata: &str) -> bool {
        metadata.split(' ').next() == Some(&self.tag)
    }
}

/// The highest `published` of a partition that was committed beside its offset, ms.
pub fn newest_ms(metadata: &str) -> Option<i64> {
    metadata.split(' ').nth(1)?.parse().ok()
}

/// One record to produce.
#[derive(Debug)]
pub struct Outgoing {
    /// The record.
    pub record: OutRecord,
    /// Its partition, if it is not for the client to choose.
    pub partition: Option<i32>,
    source: Source,
    /// How often it was shortened.
    shrunk: u8,
    /// Nothing is left of it that could be sent.
    spent: bool,
}

/// What a record was made of.
#[derive(Debug)]
enum Source {
    Alert(Box<Alert>),
    DeadLetter,
    Enriched(Position),
    /// For another shard.
    Parcel,
    /// A key of a shard's state, with its value or without.
    Change {
        is_gone: bool,
    },
}

/// Records and bytes, by topic and partition.
pub type Consumed = BTreeMap<(Arc<str>, i32), (u64, u64)>;

/// Renders what a step asked for.
pub fn render(effects: &mut Effects, renderer: &Renderer, table: &FieldTable) -> Vec<Outgoing> {
    let mut records = Vec::new();
    for alert in std::mem::take(&mut effects.alerts) {
        if alert.rule.mode != Mode::Off {
            records.push(Outgoing::new(renderer.alert(&alert), Source::Alert(Box::new(alert))));
        }
    }
    for letter in &effects.dead_letters {
        records.push(Outgoing::new(renderer.dead_letter(letter), Source::DeadLetter));
    }
    for event in &effects.enriched {
        let source = Source::Enriched(event.event().position.clone());
        records.push(Outgoing::new(renderer.enriched(event, table), source));
    }
    records
}

/// What goes on to other shards, and what changed in the member's own.
pub fn state(round: Round, topics: &config::State) -> impl Iterator<Item = Outgoing> {
    let (repartition, changelog): (Arc<str>, Arc<str>) =
        (Arc::from(topics.repartition.as_str()), Arc::from(topics.changelog.as_str()));
    let parcels = round.parcels.into_iter().map(move |(shard, payload)| {
        let record = OutRecord { topic: Arc::clone(&repartition), key: None, headers: Vec::new(), payload };
        Outgoing::of_shard(shard, record, Source::Parcel)
    });
    let changes = round.changes.into_iter().map(move |(shard, Change { key, value, .. })| {
        let source = Source::Change { is_gone: value.is_none() };
        let payload = value.unwrap_or_default();
        let record =
            OutRecord { topic: Arc::clone(&changelog), key: Some(key), headers: Vec::new(), payload };
        Outgoing::of_shard(shard, record, source)
    });
    parcels.chain(changes)
}

/// Counts what a step read, found and left out.
pub fn account(consumed: Consumed, round: &Round) -> Account {
    let Round { effects, parcels, direct, received, changes } = round;
    let bytes_of = |change: &Change| change.key.len() + change.value.as_ref().map_or(0, Vec::len);
    let mut account = Account {
        consumed,
        tally: effects.tally.clone(),
        parcels: Parcels {
            received: *received,
            sent: parcels.len() as u64,
            bytes: parcels.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
            direct: *direct,
        },
        changes: (changes.len() as u64, changes.iter().map(|(_, change)| bytes_of(change) as u64).sum()),
        ..Account::default()
    };
    for alert in &effects.alerts {
        let name = Arc::clone(&alert.rule.name);
        account.alerts.entry(name).or_insert_with(|| (Arc::clone(&alert.rule), 0)).1 += 1;
    }
    for letter in &effects.dead_letters {
        *account.dead_letters.entry(letter.reason).or_default() += 1;
    }
    account
}

/// Counts records of the input and their bytes by topic and partition.
pub fn consumed(records: &[RawRecord], is_input: impl Fn(&str) -> bool) -> Consumed {
    let mut consumed = Consumed::new();
    for run in gather::runs(records) {
        let Some(Position { topic, partition, .. }) = run.first().map(|record| &record.position) else {
            continue;
        };
        if !is_input(topic) {
            continue;
        }
        let entry = consumed.entry((Arc::clone(topic), *partition)).or_default();
        entry.0 += run.len() as u64;
        entry.1 += run.iter().map(|record| gather::size(record) as u64).sum::<u64>();
    }
    consumed
}

impl Outgoing {
    fn new(record: OutRecord, source: Source) -> Self {
        Self { record, partition: None, source, shrunk: 0, spent: false }
    }

    fn of_shard(shard: u32, record: OutRecord, source: Source) -> Self {
        Self { partition: i32::try_from(shard).ok(), ..Self::new(record, source) }
    }

    /// Its value; a key that is gone has none.
    pub fn payload(&self) -> Option<&[u8]> {
        let is_gone = matches!(self.source, Source::Change { is_gone: true });
        (!is_gone).then_some(self.record.payload.as_slice())
    }

    /// When it goes out where there are no transactions: what a shard holds after all that led to it, and
    /// which events it has seen last of all.
    pub fn turn(&self) -> u8 {
        match (&self.source, &self.record.key) {
            (Source::Change { .. }, Some(key)) if comes_last(key) => 2,
            (Source::Change { .. }, _) => 1,
            _ => 0,
        }
    }

    /// Whether it is part of what shards hold or send each other, of which nothing can be left out.
    pub fn is_state(&self) -> bool {
        matches!(self.source, Source::Change { .. } | Source::Parcel)
    }

    /// Whether nothing is left of it that could be sent.
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    /// Makes the record shorter after the broker refused it, and says what it is now; `None` when
    /// nothing is left to cut. What shards hold and send each other cannot be cut: the topics of it are
    /// created to take more than there can be.
    pub fn shrink(&mut self, renderer: &Renderer) -> Option<&'static str> {
        self.shrunk += 1;
        let (record, says) = match (&mut self.source, self.shrunk) {
            (Source::Alert(alert), 1) => {
                (renderer.alert_showing(alert, limits::SHRUNK_EVIDENCE), "an alert with less evidence")
            }
            (Source::Alert(alert), 2) => (renderer.alert_showing(alert, 0), "an alert without evidence"),
            (Source::Alert(alert), 3) => {
                let detail = format!("Alert {} of rule {} is too large.", alert.id, alert.rule.name);
                let position = Position::default();
                (renderer.dead_letter(&too_large(position, detail)), "a dead letter that names the alert")
            }
            (Source::Enriched(position), 1) => {
                let detail = "The enriched event is too large for its topic.".to_owned();
                (
                    renderer.dead_letter(&too_large(position.clone(), detail)),
                    "a dead letter that names the event",
                )
            }
            (Source::DeadLetter, 1) => {
                let mut record = self.record.clone();
                record.payload.truncate(limits::SHRUNK_DEAD_LETTER_BYTES);
                (record, "the beginning of the original bytes")
            }
            (Source::DeadLetter, 2) => {
                let record = OutRecord { payload: Vec::new(), ..self.record.clone() };
                (record, "headers without the original bytes")
            }
            _ => {
                self.spent = true;
                return None;
            }
        };
        self.record = record;
        Some(says)
    }
}

fn too_large(position: Position, detail: String) -> DeadLetter {
    DeadLetter {
        position,
        timestamp_ms: None,
        reason: DeadLetterReason::TooLarge,
        detail,
        payload: Vec::new(),
        key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shared;
    use crate::model::{Activity, Entity, EntityKind, Evidence, RuleInfo};

    fn alert(events: usize) -> Alert {
        Alert {
            id: uuid::Uuid::from_u128(7),
            activity: Activity::Create,
            rule: Arc::new(RuleInfo { name: Arc::from("mfa_fatigue"), ..RuleInfo::default() }),
            org: None,
            entity: Entity { kind: EntityKind::Actor, value: "ana@example.com".to_owned() },
            group: Vec::new(),
            fired_by: "u1".into(),
            fired_at_ms: 0,
            made_at_ms: 0,
            created_at_ms: 0,
            first_seen_ms: 0,
            last_seen_ms: 0,
            count: events as u64,
            measured: Vec::new(),
            window: None,
            sentence: String::new(),
            evidence: (0..events).map(|_| Shared::new(Evidence::default())).collect(),
            omitted: 2,
            late_events: 0,
            watermark_ms: None,
            may_be_low: false,
        }
    }

    fn rendered(effects: Effects) -> (Outgoing, Renderer) {
        let renderer = Renderer::new(&config::Output::default());
        let mut effects = effects;
        let outgoing = render(&mut effects, &renderer, &FieldTable::default()).remove(0);
        (outgoing, renderer)
    }

    #[test]
    fn an_alert_sheds_its_evidence_and_is_named_in_a_dead_letter_at_last() {
        let effects = Effects { alerts: vec![alert(20)], ..Effects::default() };
        let (mut outgoing, renderer) = rendered(effects);
        let mut sizes = vec![outgoing.record.payload.len()];
        for _ in 0..2 {
            assert!(outgoing.shrink(&renderer).is_some());
            assert_eq!(outgoing.record.topic.as_ref(), "okta-alerts");
            sizes.push(outgoing.record.payload.len());
        }
        assert!(sizes.is_sorted_by(|before, after| before > after), "{sizes:?}");
        assert!(outgoing.shrink(&renderer).is_some());
        assert_eq!(outgoing.record.topic.as_ref(), "okta-dead-letters");
        assert!(!outgoing.is_spent());
        assert_eq!(outgoing.shrink(&renderer), None);
        assert!(outgoing.is_spent());
    }

    #[test]
    fn what_is_committed_beside_an_offset_tells_the_batch_and_the_time() {
        let topic: Arc<str> = Arc::from("t");
        let batch = Batch {
            tag: "group-pod-0/1/7".to_owned(),
            records: Vec::new(),
            offsets: Vec::new(),
            newest_ms: [((Arc::clone(&topic), 3), 1_700)].into(),
            account: Account::default(),
            unknown: false,
            produced: false,
            alone: false,
        };
        let (with, without) = (batch.metadata(&topic, 3), batch.metadata(&topic, 4));
        assert_eq!((newest_ms(&with), newest_ms(&without), newest_ms("")), (Some(1_700), None, None));
        assert!(batch.is_in(&with) && batch.is_in(&without));
        assert!(!batch.is_in("group-pod-0/1/77 1700") && !batch.is_in(""));
    }

    #[test]
    fn evidence_that_goes_is_counted() {
        let (mut outgoing, renderer) = rendered(Effects { alerts: vec![alert(20)], ..Effects::default() });
        let shown = |outgoing: &Outgoing| {
            let finding: serde_json::Value = serde_json::from_slice(&outgoing.record.payload).unwrap();
            let evidence = finding["evidences"].as_array().map_or(0, Vec::len);
            (evidence, finding["unmapped"]["omitted_events"].as_u64())
        };
        outgoing.shrink(&renderer);
        assert_eq!(shown(&outgoing), (3, Some(2 + 17)));
        outgoing.shrink(&renderer);
        assert_eq!(shown(&outgoing), (0, Some(2 + 20)));
    }

    #[test]
    fn a_dead_letter_keeps_the_beginning_of_its_bytes_then_its_headers_alone() {
        let letter =
            DeadLetter { payload: vec![b'x'; 500_000], ..too_large(Position::default(), String::new()) };
        let (mut outgoing, renderer) = rendered(Effects { dead_letters: vec![letter], ..Effects::default() });
        outgoing.shrink(&renderer);
        assert_eq!(outgoing.record.payload.len(), limits::SHRUNK_DEAD_LETTER_BYTES);
        let headers = outgoing.record.headers.clone();
        outgoing.shrink(&renderer);
        assert_eq!((outgoing.record.payload.len(), outgoing.record.headers), (0, headers));
    }

    #[test]
    fn an_account_counts_what_was_read_and_what_came_of_it() {
        let topic: Arc<str> = Arc::from("t");
        let letter = too_large(Position::default(), String::new());
        let effects =
            Effects { alerts: vec![alert(1), alert(1)], dead_letters: vec![letter], ..Effects::default() };
        let record = |payload: &[u8]| RawRecord {
            position: Position { topic: Arc::clone(&topic), ..Position::default() },
            payload: payload.to_vec(),
            ..RawRecord::default()
        };
        let round = Round { effects, parcels: vec![(1, vec![0; 7])], ..Round::default() };
        let read = [record(b"0123456789"), record(b"01234")];
        let counted = account(consumed(&read, |topic| topic == "t"), &round);
        assert_eq!((counted.parcels.sent, counted.parcels.bytes), (1, 7));
        assert!(consumed(&read, |_| false).is_empty(), "what shards send each other is no input");
        assert_eq!(counted.consumed[&(Arc::clone(&topic), 0)], (2, 15));
        assert_eq!(counted.alerts["mfa_fatigue"].1, 2);
        assert_eq!(counted.dead_letters[&DeadLetterReason::TooLarge], 1);
        assert_eq!(counted.records(), 2);
    }
}
