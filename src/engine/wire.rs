//! How does a parcel go through a topic?
//!
//! Rules are named by what they mean and what they are called, as processes that run other versions of
//! the rules number them differently. A match of a rule that a process does not have is for nobody
//! there.

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::enrich::{fill, is_filled};
use crate::model::{Cargo, Event, FieldId, Match, Notice, Observation, Place, RuleIndex, RuleInfo, core};
use crate::rule::RuleSet;
use crate::state::{Corrupt, Durable, Names, Reader, Writer, whole, write_event, written};

const OBSERVATION: u8 = 0;
const MATCH: u8 = 1;
const READ: u8 = 2;
const DECIDED: u8 = 3;
const NOTICE: u8 = 4;

/// What sessions, users and evidence are made of, whatever the rules read.
const NEEDED: &[FieldId] = &[
    core::EVENT_TYPE,
    core::DISPLAY_MESSAGE,
    core::ACTOR_ID,
    core::ACTOR_TYPE,
    core::ACTOR_ALTERNATE_ID,
    core::ACTOR_DISPLAY_NAME,
    core::CLIENT_IP,
    core::CLIENT_USER_AGENT,
    core::CLIENT_OS,
    core::OUTCOME_RESULT,
    core::OUTCOME_REASON,
    core::SESSION_ID,
    core::TRANSACTION_TYPE,
    core::TRANSACTION_ID,
    core::TRACE_ID,
    core::GRANT_TYPE,
    core::CLIENT_AUTH_TYPE,
    core::GRANTED_SCOPES,
    core::REQUESTED_SCOPES,
    core::API_TOKEN_ID,
    core::TARGET_ID,
    core::TARGET_TYPE,
    core::TARGET_ALTERNATE_ID,
    core::TARGET_DISPLAY_NAME,
    core::REQUEST_URI,
];

/// Writes parcels, and reads them again, under one set of rules.
#[derive(Debug)]
pub struct Wire {
    rules: Arc<RuleSet>,
    digests: Vec<u128>,
    places: BTreeMap<u128, RuleIndex>,
    /// Of each field, whether it goes with an event.
    sent: Vec<bool>,
    names: Names,
}

impl Wire {
    /// Knows the rules of a set.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let digest = |info: &RuleInfo| {
            let mut hash = Xxh3::new();
            hash.update(info.digest.as_bytes());
            hash.update(&[0xFF]);
            hash.update(info.name.as_bytes());
            hash.digest128()
        };
        let digests: Vec<u128> = rules.rules.iter().map(|rule| digest(&rule.info)).collect();
        let places = digests.iter().copied().zip((0..).map(RuleIndex)).collect();
        let table = &rules.table;
        let is_sent = |id: FieldId| (table.is_read(id) && !is_filled(id)) || NEEDED.contains(&id);
        let sent = (0..).map(FieldId::new).take(table.len()).map(is_sent).collect();
        Self { rules, digests, places, sent, names: Names::default() }
    }

    /// A parcel as bytes.
    pub fn write(&self, cargo: &Cargo) -> Vec<u8> {
        written(&self.rules.table, |out| self.put(cargo, out))
    }

    /// Adds a parcel to what is written.
    pub(super) fn put(&self, cargo: &Cargo, out: &mut Writer<'_>) {
        match cargo {
            Cargo::Observation(observation) => {
                out.raw(&[OBSERVATION]);
                self.observation(observation, out);
            }
            Cargo::Notice(notice) => {
                out.raw(&[NOTICE]);
                notice.write(out);
            }
            Cargo::Match { consumer, matched } => {
                out.raw(&[MATCH]);
                for rule in [*consumer, matched.rule] {
                    self.digests.get(rule.0 as usize).copied().unwrap_or_default().write(out);
                }
                write_match(matched, out);
            }
            Cargo::Read { topic, partition, highest_ms, idle, next } => {
                out.raw(&[READ]);
                topic.write(out);
                (*partition, *highest_ms).write(out);
                (*idle, *next).write(out);
            }
            Cargo::Decided { shard, upto_ms, waits_until_ms } => {
                out.raw(&[DECIDED]);
                shard.write(out);
                upto_ms.write(out);
                waits_until_ms.write(out);
            }
        }
    }

    /// An event with what rules and evidence need of it; what follows from that is not sent.
    fn observation(&self, observation: &Observation, out: &mut Writer<'_>) {
        let event = &observation.event;
        // What Okta does for a session has no session of its own.
        let is_root = |id| id == core::ROOT_SESSION_ID && !event.fields.exists(core::SESSION_ID);
        let is_sent = |id: FieldId| self.sent.get(id.index()).copied().unwrap_or_default() || is_root(id);
        write_event(event, is_sent, out);
        observation.place.write(out);
    }

    /// The parcel in bytes that [`Wire::write`] made, perhaps in another process; `None` when it is for a
    /// rule that is not in this set.
    ///
    /// # Errors
    /// Bytes that are no parcel.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Cargo>, Corrupt> {
        let Self { rules, names, places, .. } = self;
        whole(&rules.table, names, bytes, |from| cargo(places, from))
    }

    /// The next parcel of what is read.
    pub(super) fn take(&self, from: &mut Reader<'_>) -> Result<Option<Cargo>, Corrupt> {
        cargo(&self.places, from)
    }
}

/// A parcel, where rules have these places.
fn cargo(places: &BTreeMap<u128, RuleIndex>, from: &mut Reader<'_>) -> Result<Option<Cargo>, Corrupt> {
    match from.array()? {
        [OBSERVATION] => Ok(Some(Cargo::Observation(Box::new(observed(from)?)))),
        [NOTICE] => Ok(Some(Cargo::Notice(Box::new(Notice::read(from)?)))),
        [MATCH] => {
            let (consumer, rule) = (u128::read(from)?, u128::read(from)?);
            let place = |digest| places.get(digest).copied();
            let (consumer, rule) = (place(&consumer), place(&rule));
            // All of it is read, so that what is no parcel is told even if it is for nobody.
            let matched = Box::new(read_match(rule.unwrap_or(RuleIndex(u32::MAX)), from)?);
            Ok(consumer.zip(rule).map(|(consumer, _)| Cargo::Match { consumer, matched }))
        }
        [READ] => {
            let topic = from.shared()?;
            let (partition, highest_ms) = Durable::read(from)?;
            let (idle, next) = Durable::read(from)?;
            Ok(Some(Cargo::Read { topic, partition, highest_ms, idle, next }))
        }
        [DECIDED] => {
            let (shard, upto_ms, waits_until_ms) = Durable::read(from)?;
            Ok(Some(Cargo::Decided { shard, upto_ms, waits_until_ms }))
        }
        _ => Err(Corrupt("parcel")),
    }
}

fn observed(from: &mut Reader<'_>) -> Result<Observation, Corrupt> {
    let mut event = Event::read(from)?;
    event.fields = event.fields.widened(from.table().len());
    let place: Option<Arc<Place>> = Durable::read(from)?;
    fill(from.table(), &mut event, place.as_deref());
    Ok(Observation { event, place })
}

/// What of a match is the same in every process: not the number of its rule.
fn write_match(matched: &Match, out: &mut Writer<'_>) {
    let Match { rule: _, event, evidence, group, key, only } = matched;
    event.write(out);
    evidence.write(out);
    group.write(out);
    key.write(out);
    only.write(out);
}

fn read_match(rule: RuleIndex, from: &mut Reader<'_>) -> Result<Match, Corrupt> {
    Ok(Match {
        rule,
        event: Durable::read(from)?,
        evidence: Durable::read(from)?,
        group: Durable::read(from)?,
        key: Durable::read(from)?,
        only: Durable::read(from)?,
    })
}

#[cfg(test)]
mod tests {
    use smallvec::SmallVec;

    use super::*;
    use crate::model::Shared;
    use crate::rule::{Sources, compile};

    fn wire(names: &[&str]) -> Wire {
        let document = |name: &&str| {
            format!(
                "title: T\nid: {}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n\
                 detection: {{sel: {{eventType: {name}}}, condition: sel}}\n",
                uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes())
            )
        };
        let text = names.iter().map(document).collect::<Vec<_>>().join("---\n");
        Wire::new(Arc::new(compile(&Sources::of([("a.yml", text.as_str())])).unwrap()))
    }

    fn at(wire: &Wire, name: &str) -> RuleIndex {
        let place = wire.rules.rules.iter().position(|rule| &*rule.info.name == name).unwrap();
        RuleIndex(u32::try_from(place).unwrap())
    }

    fn matched(rule: RuleIndex) -> Match {
        let event = crate::model::Event {
            position: crate::model::Position::default(),
            uuid: "u".into(),
            published_ms: 7,
            org: None,
            envelope: "raw".into(),
            lossy: false,
            fields: crate::model::Fields::default(),
            raw: None,
        };
        let observation = Observation { event, place: None };
        let event = crate::model::Enriched::alone(observation, true);
        Match {
            rule,
            event: Shared::new(event),
            evidence: SmallVec::new(),
            group: vec![("client.ipAddress".to_owned(), "192.0.2.1".to_owned())],
            key: 3,
            only: Some(9),
        }
    }

    #[test]
    fn a_match_finds_its_rules_where_they_stand_elsewhere() {
        let (here, mut there) = (wire(&["a", "b", "c"]), wire(&["x", "c", "b"]));
        let sent = Cargo::Match { consumer: at(&here, "c"), matched: Box::new(matched(at(&here, "b"))) };
        let Ok(Some(Cargo::Match { consumer, matched })) = there.read(&here.write(&sent)) else { panic!() };
        assert_eq!((consumer, matched.rule), (at(&there, "c"), at(&there, "b")));
        assert_eq!((matched.time_ms(), matched.only, matched.event.late), (7, Some(9), true));
        assert_eq!(matched.group[0].1, "192.0.2.1");
    }

    #[test]
    fn a_match_for_a_rule_that_is_not_here_is_for_nobody() {
        let (here, mut there) = (wire(&["a", "b"]), wire(&["a"]));
        for (consumer, rule) in [("a", "b"), ("b", "a")] {
            let matched = Box::new(matched(at(&here, rule)));
            let sent = Cargo::Match { consumer: at(&here, consumer), matched };
            assert!(matches!(there.read(&here.write(&sent)), Ok(None)));
        }
    }

    #[test]
    fn bytes_that_are_no_parcel_are_told() {
        let mut wire = wire(&["a"]);
        for bytes in [&b""[..], b"\x01", b"\x01\x09", b"\x01\x02\x01", b"\x07\x02"] {
            assert!(wire.read(bytes).is_err(), "{bytes:?}");
        }
        let read = Cargo::Read { topic: "t".into(), partition: 1, highest_ms: Some(5), idle: true, next: 9 };
        let told = wire.write(&read);
        assert!(wire.read(&[&told[..], b"x"].concat()).is_err());
        assert!(matches!(
            wire.read(&told),
            Ok(Some(Cargo::Read { partition: 1, highest_ms: Some(5), next: 9, .. }))
        ));
    }
}
