//! How is what can be shown of an event written, and read only when it is shown?

use std::sync::LazyLock;

use compact_str::CompactString;

use super::codec::{Corrupt, Durable, Writer};
use super::reader::{Names, Reader};
use super::shapes::{read_id, write_id};
use super::standing::Proof;
use crate::model::{EventFacts, Facts, FieldTable, Written};

/// Nothing of it is named by a field.
static NO_FIELDS: LazyLock<FieldTable> = LazyLock::new(FieldTable::default);

/// What can be shown of an event, as it is kept.
pub fn kept(facts: &EventFacts) -> Facts {
    let mut out = Writer::in_one(&NO_FIELDS);
    facts.write(&mut out);
    Facts::from(Written {
        uuid: facts.uuid.clone(),
        published_ms: facts.published_ms,
        mark: Proof::of_facts(facts) as u8,
        bytes: out.into_bytes().into(),
        read,
    })
}

/// What was kept. Its bytes were made in this process, or read when they came into it.
fn read(bytes: &[u8]) -> EventFacts {
    let mut names = Names::default();
    EventFacts::read(&mut Reader::within(bytes, &NO_FIELDS, &mut names)).unwrap_or_default()
}

/// What is known of it without reading the rest.
struct Head {
    proof: Proof,
    published_ms: i64,
    uuid: CompactString,
}

impl Head {
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (proof, published_ms) = (Proof::read(from)?, i64::read(from)?);
        Ok(Self { proof, published_ms, uuid: read_id(from)? })
    }
}

impl Durable for EventFacts {
    fn write(&self, out: &mut Writer<'_>) {
        let Self {
            published_ms,
            uuid,
            position,
            event_type,
            display_message,
            result,
            reason,
            actor,
            session_id,
            ip,
            place,
            user_agent,
            targets,
            session,
            travel,
            token,
            admin,
            late,
            lossy,
            org,
            raw,
        } = self;
        Proof::of_facts(self).write(out);
        published_ms.write(out);
        write_id(uuid, out);
        position.write(out);
        event_type.write(out);
        display_message.write(out);
        result.write(out);
        reason.write(out);
        actor.write(out);
        session_id.write(out);
        ip.write(out);
        place.write(out);
        user_agent.write(out);
        targets.write(out);
        session.write(out);
        travel.write(out);
        token.write(out);
        admin.write(out);
        late.write(out);
        lossy.write(out);
        org.write(out);
        raw.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let Head { proof: _, published_ms, uuid } = Head::read(from)?;
        Ok(Self {
            published_ms,
            uuid,
            position: Durable::read(from)?,
            event_type: Durable::read(from)?,
            display_message: Durable::read(from)?,
            result: Durable::read(from)?,
            reason: Durable::read(from)?,
            actor: Durable::read(from)?,
            session_id: Durable::read(from)?,
            ip: Durable::read(from)?,
            place: Durable::read(from)?,
            user_agent: Durable::read(from)?,
            targets: Durable::read(from)?,
            session: Durable::read(from)?,
            travel: Durable::read(from)?,
            token: Durable::read(from)?,
            admin: Durable::read(from)?,
            late: Durable::read(from)?,
            lossy: Durable::read(from)?,
            org: Durable::read(from)?,
            raw: Durable::read(from)?,
        })
    }
}

impl Durable for Facts {
    fn write(&self, out: &mut Writer<'_>) {
        let Some(Written { bytes, .. }) = self.written() else {
            return kept(self.get()).write(out);
        };
        out.number(bytes.len() as u64);
        out.raw(bytes);
    }

    /// What stands under its digest is what was written there. Else it is read once, so that what is not as it
    /// should be is told here.
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let len = from.count()?;
        let (bytes, is_named) = (from.raw(len)?, from.is_named());
        let mut names = Names::default();
        let mut from = Reader::within(bytes, &NO_FIELDS, &mut names);
        let (mark, published_ms, uuid) = if is_named {
            Head::read(&mut from)
                .map(|Head { proof, published_ms, uuid }| (proof as u8, published_ms, uuid))?
        } else {
            let facts = EventFacts::read(&mut from)?;
            from.finish()?;
            (Proof::of_facts(&facts) as u8, facts.published_ms, facts.uuid)
        };
        Ok(Self::from(Written { uuid, published_ms, mark, bytes: bytes.into(), read }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Actor, Place, Position, Target};
    use crate::state::{whole, written};

    fn facts(uuid: &str) -> EventFacts {
        EventFacts {
            position: Position { topic: Arc::from("okta-events"), partition: 3, offset: 1 << 40, index: 2 },
            uuid: uuid.into(),
            published_ms: 1_700_000_000_000,
            display_message: "User login to Okta".to_owned(),
            result: "SUCCESS".into(),
            actor: Actor { id: "00u1".into(), ..Actor::default() },
            targets: vec![Target { id: "0oa1".into(), ..Target::default() }],
            org: Some(Arc::from("acme.okta.com")),
            place: Some(Arc::new(Place::default())),
            ..EventFacts::default()
        }
    }

    fn bytes(facts: &Facts) -> Vec<u8> {
        written(&NO_FIELDS, |out| facts.write(out))
    }

    fn read_again(bytes: &[u8]) -> Result<Facts, Corrupt> {
        whole(&NO_FIELDS, &mut Names::default(), bytes, Facts::read)
    }

    #[test]
    fn what_is_kept_of_an_event_shows_all_of_it() {
        for uuid in ["6d1f3f0e-8a55-4a8b-9f4e-0f5f5d6f7a10", "no uuid", ""] {
            let facts = facts(uuid);
            let kept = kept(&facts);
            let moved = read_again(&bytes(&kept)).unwrap();
            for one in [&kept, &moved] {
                assert_eq!((one.uuid().as_str(), one.published_ms()), (uuid, facts.published_ms));
                assert_eq!(one.written().unwrap().mark, Proof::Acted as u8);
                assert_eq!(format!("{:?}", one.get()), format!("{facts:?}"));
            }
            assert_eq!(bytes(&Facts::from(facts)), bytes(&kept), "whoever wrote it first");
        }
    }

    #[test]
    fn bytes_that_hold_something_else_are_told_when_they_come() {
        let whole = bytes(&kept(&facts("u")));
        let head = 2 + 2;
        for broken in [&whole[..whole.len() - 1], &[&whole[..head], &[9], &whole[head + 1..]].concat()] {
            assert!(read_again(broken).is_err(), "{broken:?}");
        }
    }
}
