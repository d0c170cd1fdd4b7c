//! Does it change anything when correlations are moved to another process now and then?
//!
//! What they hold is taken key by key after every batch, as a compacted topic would keep it. Another
//! process, with its own numbers for rules and fields, reads it and goes on: all that it says must be what
//! one that is never moved says.

use std::collections::BTreeMap;
use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::config::Limits;
use oktawatch::correlate::{Correlator, Firing, Moment, Verdict};
use oktawatch::model::{
    Actor, Enriched, EventFacts, Evidence, Fields, Match, Observation, Position, RuleIndex, Shared, Tally,
    Value,
};
use oktawatch::rule::RuleSet;
use oktawatch::state::{Apart, Names};
use proptest::prelude::*;
use uuid::Uuid;

use crate::engine::compile;
use crate::events::{Delivery, topic};
use crate::programs::Program;
use crate::reference::event::Event;
use crate::reference::rule::Body;
use crate::reloads::others;
use crate::yaml::documents;

/// Far enough after the last event for everything to be decided.
const LATER_MS: i64 = 3_600_000;

/// How much fits.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    keys: Option<usize>,
    events: Option<usize>,
}

impl Arbitrary for Bounds {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        (prop::option::weighted(0.5, 1..4_usize), prop::option::weighted(0.4, 1..6_usize))
            .prop_map(|(keys, events)| Self { keys, events })
            .boxed()
    }
}

impl Bounds {
    fn limits(self) -> Limits {
        let limits = Config::default().limits;
        Limits {
            keys_per_rule: self.keys.unwrap_or(limits.keys_per_rule),
            events_per_key: self.events.unwrap_or(limits.events_per_key),
            ..limits
        }
    }
}

/// What a compacted topic holds.
/// By key, what is held of it and the parts that this names.
type Topic = BTreeMap<Vec<u8>, (Vec<u8>, Vec<(u128, Vec<u8>)>)>;

/// Correlations with what they have said.
struct Run {
    rules: Arc<RuleSet>,
    correlator: Correlator,
    moment: Moment,
    said: Vec<String>,
}

impl Run {
    fn new(rules: &Arc<RuleSet>, limits: &Limits) -> Self {
        let correlator = Correlator::new(Arc::clone(rules), limits);
        Self { rules: Arc::clone(rules), correlator, moment: Moment::default(), said: Vec::new() }
    }

    fn feed(&mut self, matched: Match) {
        let (rules, mut waiting) = (Arc::clone(&self.rules), vec![matched]);
        while let Some(matched) = waiting.pop() {
            for consumer in &rules.get(matched.rule).unwrap().feeds {
                let (mut fired, mut tally) = (Vec::new(), Tally::default());
                self.correlator.feed(*consumer, &matched, self.moment, &mut fired, &mut tally);
                self.count(&tally);
                waiting.extend(self.hear(fired));
            }
        }
    }

    /// The watermark comes so far.
    fn reach(&mut self, watermark_ms: i64) {
        let rules = Arc::clone(&self.rules);
        let due = self.correlator.is_due(0, watermark_ms);
        self.said.push(format!("waits {:?}", self.correlator.waits_until_ms()));
        let moment = Moment { watermark_ms: Some(watermark_ms), ..self.moment };
        for rule in rules.order.iter().filter(|_| due) {
            let (mut fired, mut tally) = (Vec::new(), Tally::default());
            self.correlator.decide(*rule, moment, &mut fired, &mut tally);
            self.count(&tally);
            for matched in self.hear(fired) {
                self.feed(matched);
            }
        }
        if due {
            self.correlator.decided(0);
        }
        self.moment = moment;
    }

    fn count(&mut self, tally: &Tally) {
        let counts = [&tally.matches, &tally.suppressed, &tally.evicted, &tally.ungrouped];
        for (rule, count) in counts.into_iter().flatten() {
            self.said.push(format!("{} counts {count}", self.rules.get(*rule).unwrap().info.name));
        }
    }

    /// Notes what came true, and gives what takes it.
    fn hear(&mut self, fired: Vec<Firing>) -> Vec<Match> {
        let chained = fired.iter().filter_map(Firing::chained).collect();
        for firing in fired {
            let name = Arc::clone(&self.rules).get(firing.rule).unwrap().info.name.clone();
            let episodes = self.correlator.episodes(&firing);
            let of = match (&firing.verdict, episodes) {
                (Verdict::New, Some(episodes)) => {
                    episodes
                        .identify(firing.last_ms, Uuid::new_v5(&Uuid::NAMESPACE_OID, firing.uuid.as_bytes()));
                    None
                }
                (Verdict::Update { of_ms, .. }, Some(episodes)) => episodes.id(*of_ms),
                _ => None,
            };
            // Another process has other numbers for rules, and for the fields of events.
            let event = firing.event.as_ref().map(|event| event.event().uuid.clone());
            let firing = Firing { rule: RuleIndex(0), event: None, ..firing };
            self.said.push(format!("{name} {of:?} {event:?} {firing:#?}"));
        }
        chained
    }

    /// Everything that is held, as it is written.
    fn whole(&mut self) -> Topic {
        self.correlator.keep_changes(false);
        self.correlator.keep_changes(true);
        let mut topic = Topic::new();
        self.write(&mut topic);
        topic
    }

    fn write(&mut self, topic: &mut Topic) {
        for (key, value) in self.correlator.changes() {
            let table = &self.rules.table;
            let written = value.map(|Apart { bytes, parts }| {
                let mut written = Vec::new();
                for part in parts {
                    let mut all = part.digests().iter().copied().collect();
                    part.write(table, &mut all, &mut |digest, bytes| written.push((digest, bytes)));
                }
                (bytes, written)
            });
            match written {
                Some(written) => topic.insert(key, written),
                None => topic.remove(&key),
            };
        }
    }
}

/// Another process that has read what was written.
fn read(rules: &Arc<RuleSet>, limits: &Limits, topic: &Topic, before: &Run) -> Result<Run, TestCaseError> {
    let mut run = Run { moment: before.moment, ..Run::new(rules, limits) };
    let parts = topic.values().flat_map(|(_, parts)| parts);
    let mut names = Names::with(parts.map(|(digest, bytes)| (*digest, bytes.clone().into())).collect());
    run.correlator.keep_changes(true);
    for (key, (value, _)) in topic {
        let change = oktawatch::state::Change::new(key.clone(), Some(value.clone()));
        let is_known = run.correlator.restore(&mut names, &change);
        prop_assert_eq!(is_known, Ok(true));
    }
    prop_assert!(run.correlator.changes().is_empty());
    Ok(run)
}

fn matches(program: &Program, rules: &RuleSet, event: &Event, offset: i64) -> Vec<Match> {
    let mut fields = Fields::new(rules.table.len());
    for (path, values) in &event.fields {
        let id = rules.table.id(path).filter(|_| !values.is_empty());
        let spelled = |value: &'_ String| Some(value.parse().map_or(None, |n: f64| Some(Value::Number(n))));
        let values = values.iter().map(|value| spelled(value).flatten().or(Some(Value::Text(value))));
        id.into_iter().for_each(|id| fields.set_list(id, values.clone()));
    }
    let position = Position { topic: topic(), partition: 0, offset, index: 0 };
    let okta = oktawatch::model::Event {
        position: position.clone(),
        uuid: event.uuid.as_str().into(),
        published_ms: event.time_ms,
        org: Some(Arc::from("acme.okta.com")),
        envelope: "raw".into(),
        lossy: false,
        fields,
        raw: None,
    };
    let evidence = Shared::new(Evidence::from(EventFacts {
        position,
        uuid: event.uuid.as_str().into(),
        published_ms: event.time_ms,
        actor: Actor { id: if event.kind == 0 { "" } else { "00u1" }.into(), ..Actor::default() },
        ..EventFacts::default()
    }));
    let observation = Observation { event: okta, place: None };
    let enriched = Shared::new(Enriched::alone(observation, false));
    let taken = program.rules.iter().filter_map(|rule| match &rule.body {
        Body::Detection { kinds } if kinds.contains(&event.kind) => {
            rules.rules.iter().position(|one| *one.info.name == *rule.name)
        }
        _ => None,
    });
    let matched = |place: usize| Match {
        rule: RuleIndex(u32::try_from(place).unwrap()),
        event: enriched.clone(),
        evidence: std::iter::once(evidence.clone()).collect(),
        group: Vec::new(),
        key: event.fields.values().flatten().map(|value| value.len() as u128).sum(),
        only: None,
    };
    taken.map(matched).collect()
}

/// A process that is moved after some batches says what one says that stays.
pub fn goes_on(
    program: &Program,
    deliveries: &[Delivery],
    moves: &[bool],
    bounds: Bounds,
) -> Result<(), TestCaseError> {
    let documents = documents(&program.rules);
    let compiled = |documents: &str| compile(documents).map_err(TestCaseError::fail);
    let sets = [compiled(&documents)?, compiled(&(others() + &documents))?];
    let (limits, negative) = (bounds.limits(), program.bears_negatives());
    let mut stays = Run::new(&sets[0], &limits);
    let mut moved = Run::new(&sets[0], &limits);
    moved.correlator.keep_changes(true);
    let mut topic = Topic::new();
    let mut arriving: Vec<&Delivery> = deliveries.iter().collect();
    arriving.sort_by_key(|delivery| delivery.arrives_ms(program.clock));
    let mut newest_ms = i64::MIN;
    for ((offset, delivery), moves) in (0..).zip(arriving).zip(moves.iter().cycle()) {
        let event = delivery.event(program.clock, negative);
        newest_ms = newest_ms.max(event.time_ms);
        for run in [&mut stays, &mut moved] {
            if delivery.tick_before {
                run.moment.now_ms = Some(delivery.arrives_ms(program.clock));
            }
            for matched in matches(program, &run.rules, &event, offset) {
                run.feed(matched);
            }
            run.reach(newest_ms - program.clock.lateness_ms());
            if delivery.cut {
                run.correlator.expire(|_| Some(newest_ms - program.clock.lateness_ms()));
            }
        }
        prop_assert_eq!(said(&mut moved), said(&mut stays));
        if delivery.cut && *moves {
            moved.write(&mut topic);
            prop_assert!(moved.whole() == topic, "something changed and was not written");
            let other = usize::from(Arc::ptr_eq(&moved.rules, &sets[0]));
            moved = read(&sets[other], &limits, &topic, &moved)?;
            prop_assert!(moved.whole() == topic, "something was not read as it was written");
        } else if delivery.cut {
            moved.write(&mut topic);
        }
    }
    for run in [&mut stays, &mut moved] {
        run.reach(newest_ms + LATER_MS);
        run.correlator.expire(|_| Some(newest_ms + LATER_MS));
    }
    prop_assert_eq!(said(&mut moved), said(&mut stays));
    moved.write(&mut topic);
    prop_assert!(moved.whole() == topic, "something changed and was not written");
    Ok(())
}

fn said(run: &mut Run) -> String {
    std::mem::take(&mut run.said).join("\n")
}
