//! How are events, and what was found out about them, written?

use super::codec::{Corrupt, Durable, Writer};
use super::reader::Reader;
use super::shapes::{read_id, write_id};
use crate::durable;
use crate::model::{
    Actor, AdminFacts, Asn, Cause, CauseLink, Ending, Enriched, Event, Evidence, Factors, FieldId, Fields,
    Geo, GeoSource, HabitFacts, HomeConfidence, HomeFacts, IpFacts, IpRole, KeepaliveFacts, KeepaliveReason,
    Links, Notice, NoticeKind, Observation, Place, Position, Principal, PrincipalClass, PrincipalFacts,
    PrincipalReason, Role, RoleReason, Said, SessionFacts, SystemClass, SystemFacts, SystemReason, Target,
    TokenFacts, TokenOrigin, TravelFacts, UserFacts, Value,
};

durable!(Position { topic, partition, offset, index });
durable!(Actor { id, kind, login, name, unproven, known, is });
durable!(Target { id, kind, alternate_id, name });
durable!(Asn { number, org });
durable!(Geo { country, country_name, region, city, lat, lon, accuracy_km, source });
durable!(IpFacts { address, private, site, anonymous, hosting, proxy, relay, role });
durable!(Role { of, reason });
durable!(Place { geo, asn, ip });
durable!(SessionFacts {
    id,
    age_s,
    events,
    ip_changed,
    asn_changed,
    country_changed,
    os_changed,
    ua_changed,
    browser_changed,
    cookie_changed,
    fingerprint_changed,
    device_changed,
    client_changed,
    ua_similarity,
    concurrent,
    admin,
    mfa,
    factors,
    apps,
    ended_by,
    since_end_s
});
durable!(TokenFacts {
    id,
    created,
    age_s,
    known_days,
    uses,
    quiet_s,
    client,
    new_asn,
    new_ip,
    new_client,
    elsewhere,
    outside_range,
    network,
    network_before,
    zones,
    revoked,
    owner_admin
});
durable!(TokenOrigin { by, at_ms, ip, asn, country, owner_admin });
durable!(AdminFacts { seconds, write, read, writes, reads, silent_s, without_entry });
durable!(UserFacts {
    id,
    login,
    known_days,
    events,
    known,
    dormant_days,
    new_country,
    new_region,
    new_asn,
    new_device,
    new_os,
    new_browser,
    new_app,
    new_factor,
    country_age_s,
    asn_age_s,
    device_age_s,
    unusual_hour
});
durable!(KeepaliveFacts { reason, period_s, clusters, emitter, machines });
durable!(HomeFacts { ip, asn, country, city, since_ms, ago_s, confidence, here, elsewhere, km });
durable!(TravelFacts { km, kmh, seconds, from, from_uuid, known });
durable!(Evidence { facts, read, listed });
durable!(Observation { event, place });
durable!(Principal { class, reason });
durable!(HabitFacts { known_days, new_asn, new_client, new_scope, new_grant_type, new_auth_type });
durable!(Cause { uuid, event_type, link });
durable!(SystemFacts { class, reason, cause });
durable!(PrincipalFacts { is, interactive, habit, system });
durable!(Said { of, at_ms, uuid, event_type, by, roles });
durable!(Links { transaction, trace, session });
durable!(Notice { org, id, login, said, links });
durable!(Enriched { observation, session, user, travel, principal, token, admin, keepalive, home, late });

/// A word as its number among all of its kind.
macro_rules! words {
    ($($name:ident)*) => { $(
        impl Durable for $name {
            fn write(&self, out: &mut Writer<'_>) {
                out.number(Self::ALL.iter().position(|word| word == self).unwrap_or_default() as u64);
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
                Self::ALL.get(usize::read(from)?).copied().ok_or(Corrupt(stringify!($name)))
            }
        }
    )* };
}

words!(IpRole RoleReason PrincipalClass PrincipalReason SystemClass SystemReason CauseLink NoticeKind Ending KeepaliveReason HomeConfidence);

impl Durable for Factors {
    fn write(&self, out: &mut Writer<'_>) {
        self.bits().write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        u16::read(from).map(Self::from_bits)
    }
}

impl Durable for GeoSource {
    fn write(&self, out: &mut Writer<'_>) {
        out.raw(&[match self {
            Self::Site => 0,
            Self::Database => 1,
            Self::Okta => 2,
        }]);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.array()? {
            [0] => Ok(Self::Site),
            [1] => Ok(Self::Database),
            [2] => Ok(Self::Okta),
            _ => Err(Corrupt("source of a location")),
        }
    }
}

/// As many fields are looked for one by one.
const FEW: usize = 16;

/// One field's values: none is not written.
const ONE: u8 = 0;
const LIST: u8 = 1;

/// Writes some of an event's fields, of those that have a value, with their names.
fn write_fields(fields: &Fields, is_wanted: impl Fn(FieldId) -> bool, out: &mut Writer<'_>) {
    let there: Vec<_> = fields.held().filter(|(id, _)| is_wanted(*id)).collect();
    out.number(there.len() as u64);
    for (id, is_list) in there {
        id.write(out);
        let values = fields.elements(id);
        if is_list {
            let values: Vec<_> = values.collect();
            out.raw(&[LIST]);
            out.number(values.len() as u64);
            values.into_iter().for_each(|value| write(value, out));
        } else {
            out.raw(&[ONE]);
            values.for_each(|value| write(value, out));
        }
    }
}

/// Writes an event with some of its fields.
pub fn write_event(event: &Event, is_wanted: impl Fn(FieldId) -> bool, out: &mut Writer<'_>) {
    let Event { position, uuid, published_ms, org, envelope, lossy, fields, raw } = event;
    position.write(out);
    write_id(uuid, out);
    published_ms.write(out);
    org.write(out);
    envelope.write(out);
    lossy.write(out);
    write_fields(fields, is_wanted, out);
    raw.write(out);
}

impl Durable for Event {
    fn write(&self, out: &mut Writer<'_>) {
        write_event(self, |_| true, out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            position: Durable::read(from)?,
            uuid: read_id(from)?,
            published_ms: Durable::read(from)?,
            org: Durable::read(from)?,
            envelope: Durable::read(from)?,
            lossy: Durable::read(from)?,
            fields: Durable::read(from)?,
            raw: Durable::read(from)?,
        })
    }
}

impl Durable for Fields {
    fn write(&self, out: &mut Writer<'_>) {
        write_fields(self, |_| true, out);
    }

    /// Values of fields that no rule reads any more are left out.
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let count = from.count()?;
        let mut fields = if count > FEW { Self::new(from.table().len()) } else { Self::default() };
        for _ in 0..count {
            let id = from.field()?;
            match from.array()? {
                [ONE] => {
                    if let (Some(id), Some(value)) = (id, read(from)?) {
                        fields.set(id, value);
                    }
                }
                [LIST] => {
                    let values: Vec<_> = (0..from.count()?).map(|_| read(from)).collect::<Result<_, _>>()?;
                    if let Some(id) = id {
                        fields.set_list(id, values);
                    }
                }
                _ => return Err(Corrupt("value of a field")),
            }
        }
        Ok(fields)
    }
}

fn write(value: Option<Value<'_>>, out: &mut Writer<'_>) {
    match value {
        None => out.raw(&[0]),
        Some(Value::Text(text)) => {
            out.raw(&[1]);
            out.text(text);
        }
        Some(Value::Integer(number)) => {
            out.raw(&[2]);
            number.write(out);
        }
        Some(Value::Number(number)) => {
            out.raw(&[3]);
            number.write(out);
        }
        Some(Value::Boolean(false)) => out.raw(&[4]),
        Some(Value::Boolean(true)) => out.raw(&[5]),
        Some(Value::Container) => out.raw(&[6]),
    }
}

fn read<'b>(from: &mut Reader<'b>) -> Result<Option<Value<'b>>, Corrupt> {
    Ok(Some(match from.array()? {
        [0] => return Ok(None),
        [1] => Value::Text(from.text()?),
        [2] => Value::Integer(i64::read(from)?),
        [3] => Value::Number(f64::read(from)?),
        [4] => Value::Boolean(false),
        [5] => Value::Boolean(true),
        [6] => Value::Container,
        _ => return Err(Corrupt("value")),
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{FieldTable, core};
    use crate::state::{Names, whole, written};

    fn table(paths: &[&str]) -> FieldTable {
        let mut table = FieldTable::default();
        for path in paths {
            table.read(path);
        }
        table
    }

    fn moved<T: Durable>(value: &T, from: &FieldTable, to: &FieldTable) -> T {
        let bytes = written(from, |out| value.write(out));
        let mut names = Names::default();
        let mut reader = Reader::new(&bytes, to, &mut names).unwrap();
        let value = T::read(&mut reader).unwrap();
        reader.finish().unwrap();
        value
    }

    #[test]
    fn whose_an_address_is_moves_with_it() {
        let table = FieldTable::default();
        for of in IpRole::ALL {
            for reason in RoleReason::ALL {
                let ip =
                    IpFacts { relay: true, role: Role { of: *of, reason: *reason }, ..IpFacts::default() };
                assert_eq!(moved(&ip, &table, &table), ip);
            }
        }
        let mut names = Names::default();
        let beyond = crate::state::written(&table, |out| out.number(IpRole::ALL.len() as u64));
        let mut reader = Reader::new(&beyond, &table, &mut names).unwrap();
        assert_eq!(IpRole::read(&mut reader), Err(Corrupt("IpRole")));
    }

    #[test]
    fn fields_are_found_again_where_another_process_has_them() {
        let here = table(&["debugContext.debugData.a", "debugContext.debugData.b", "c"]);
        let there = table(&["c", "debugContext.debugData.b"]);
        let mut fields = Fields::new(here.len());
        fields.set(core::EVENT_TYPE, Value::Text("user.session.start"));
        fields.set_list(core::TARGET_ID, [Some(Value::Text("00u1")), None, Some(Value::Integer(-7))]);
        for (path, value) in [
            ("debugContext.debugData.a", Value::Boolean(true)),
            ("debugContext.debugData.b", Value::Number(0.5)),
            ("c", Value::Container),
        ] {
            fields.set(here.id(path).unwrap(), value);
        }
        let moved = moved(&fields, &here, &there);
        assert_eq!(moved.text(core::EVENT_TYPE), Some("user.session.start"));
        let targets: Vec<_> = moved.elements(core::TARGET_ID).collect();
        assert_eq!(targets, [Some(Value::Text("00u1")), None, Some(Value::Integer(-7))]);
        let value = |path| moved.values(there.id(path).unwrap()).next();
        assert_eq!(value("debugContext.debugData.b"), Some(Value::Number(0.5)));
        assert_eq!(value("c"), Some(Value::Container));
    }

    #[test]
    fn what_many_values_name_is_held_once() {
        let place = Arc::new(Place::default());
        let position = Position { topic: Arc::from("okta-events"), partition: 3, offset: 1 << 40, index: 2 };
        let held = vec![(position.clone(), Arc::clone(&place)), (position.clone(), place)];
        let table = FieldTable::default();
        let moved: Vec<(Position, Arc<Place>)> = moved(&held, &table, &table);
        assert_eq!(format!("{moved:?}"), format!("{held:?}"));
        assert!(Arc::ptr_eq(&moved[0].0.topic, &moved[1].0.topic));

        // Where everything is written once, so is what stands beside: places too are one again.
        let mut out = Writer::once(&table);
        held.write(&mut out);
        let bytes = out.finish().bytes;
        assert!(bytes.len() < written(&table, |out| held.write(out)).len());
        let mut names = Names::default();
        names.begin_once();
        let once: Vec<(Position, Arc<Place>)> = whole(&table, &mut names, &bytes, Durable::read).unwrap();
        names.end_once();
        assert_eq!(format!("{once:?}"), format!("{held:?}"));
        assert!(Arc::ptr_eq(&once[0].0.topic, &once[1].0.topic) && Arc::ptr_eq(&once[0].1, &once[1].1));
    }
}
