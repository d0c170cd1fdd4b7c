//! How is an event put together in a test, in one line?

use std::sync::Arc;

use super::geo::GeoIp;
use super::role;
use crate::model::{Asn, Event, FieldId, Fields, Geo, IpFacts, Observation, Place, Position, Value, core};

/// Fields with these values.
pub(super) fn fields(values: &[(FieldId, Value<'_>)]) -> Fields {
    let mut fields = Fields::new(core::ALL.len());
    for (id, value) in values {
        fields.set(*id, *value);
    }
    fields
}

/// A successful event of a user at a time (ms), under a uuid, with these values besides.
pub(super) fn event(time_ms: i64, uuid: &str, values: &[(FieldId, Value<'_>)]) -> Event {
    let mut all = fields(&[
        (core::ACTOR_ID, Value::Text("00uana")),
        (core::ACTOR_TYPE, Value::Text("User")),
        (core::ACTOR_ALTERNATE_ID, Value::Text("Ana@Example.com")),
        (core::OUTCOME_RESULT, Value::Text("SUCCESS")),
        (core::EVENT_TYPE, Value::Text("user.session.start")),
        (core::SESSION_ID, Value::Text("idxone")),
    ]);
    for (id, value) in values {
        match value {
            Value::Text("") => all.clear(*id),
            value => all.set(*id, *value),
        }
    }
    Event {
        position: Position::default(),
        uuid: uuid.into(),
        published_ms: time_ms,
        org: Some(Arc::from("acme")),
        envelope: "raw".into(),
        lossy: false,
        fields: all,
        raw: None,
    }
}

/// A place on the map, in a country and a system, under an address.
pub(super) fn place(address: &str, country: &str, system: u32, point: Option<(f64, f64)>) -> Arc<Place> {
    let geo = Geo {
        country: Some(country.to_owned()),
        lat: point.map(|(lat, _)| lat),
        lon: point.map(|(_, lon)| lon),
        ..Geo::default()
    };
    Arc::new(Place {
        geo: Some(Arc::new(geo)),
        asn: Some(Arc::new(Asn { number: system, org: None })),
        ip: IpFacts { address: Some(address.parse().unwrap()), ..IpFacts::default() },
    })
}

/// An event that was seen at a place, whose role follows from the event.
pub(super) fn observation(event: Event, place: Option<Arc<Place>>) -> Observation {
    let place = place.map(|place| {
        let mut place = Place::clone(&place);
        place.ip.role = role::decide(&event.fields, place.ip.address, &GeoIp::default()).0;
        Arc::new(place)
    });
    Observation { event, place }
}

/// Every order of the numbers below `n`.
pub(super) fn permutations(n: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![Vec::new()], |orders, next| {
        let inserted = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        orders.into_iter().flat_map(inserted).collect()
    })
}
