//! How is what was computed written, under the names that rules know it by?

use serde_json::{Value, json};

use super::json::{maybe, number, text};
use crate::model::{
    Asn, Evidence, Geo, Place, Position, PrincipalClass, PrincipalFacts, SessionFacts, SystemFacts,
    TravelFacts, UserFacts,
};

/// Where a record stands.
pub(super) fn position(position: &Position) -> Value {
    json!({
        "topic": position.topic.as_ref(),
        "partition": position.partition,
        "offset": position.offset,
        "index": position.index,
    })
}

/// `enriched.session.*`
pub(super) fn session_facts(session: &SessionFacts) -> Value {
    json!({
        "id": text(&session.id),
        "age_s": session.age_s,
        "events": session.events,
        "ip_changed": session.ip_changed,
        "asn_changed": session.asn_changed,
        "country_changed": session.country_changed,
        "os_changed": session.os_changed,
        "ua_changed": session.ua_changed,
        "concurrent": session.concurrent,
        "admin": session.admin,
        "mfa": session.mfa,
    })
}

/// Who really acted, of an event that is shown; nothing where it could not be told.
pub(super) fn acting(event: &Evidence) -> Option<Value> {
    let is = event.actor.is;
    let known = is.class != PrincipalClass::Unknown;
    known.then(|| json!({ "class": is.class.as_str(), "reason": is.reason.as_str() }))
}

/// `enriched.principal.*`
pub(super) fn principal_facts(principal: &PrincipalFacts) -> Value {
    let habit = principal.habit.as_ref();
    json!({
        "class": principal.is.class.as_str(),
        "reason": principal.is.reason.as_str(),
        "interactive": principal.interactive,
        "known_days": habit.map(|habit| habit.known_days),
        "new_asn": habit.map(|habit| habit.new_asn),
        "new_client": habit.map(|habit| habit.new_client),
        "new_scope": habit.map(|habit| habit.new_scope),
        "new_grant_type": habit.map(|habit| habit.new_grant_type),
        "new_auth_type": habit.map(|habit| habit.new_auth_type),
    })
}

/// `enriched.system.*`
pub(super) fn system_facts(system: &SystemFacts) -> Value {
    let cause = system.cause.as_ref();
    json!({
        "class": system.class.as_str(),
        "reason": system.reason.as_str(),
        "cause_uuid": cause.map(|cause| cause.uuid.as_str()),
        "cause_event_type": cause.map(|cause| cause.event_type.as_str()),
        "cause_link": cause.map(|cause| cause.link.as_str()),
    })
}

/// `enriched.travel.*`
pub(super) fn travel_facts(travel: &TravelFacts) -> Value {
    let from = travel.from.as_deref().and_then(|place| place.geo.as_deref());
    json!({
        "km": number(travel.km, 1),
        "kmh": number(travel.kmh, 1),
        "seconds": travel.seconds,
        "from_city": maybe(from.and_then(|geo| geo.city.as_deref())),
        "from_country": maybe(from.and_then(|geo| geo.country.as_deref())),
        "from_uuid": text(&travel.from_uuid),
        "from_ip": travel.from.as_deref().and_then(|place| place.ip.address).map(|ip| ip.to_string()),
        "from_mobile": travel.from.as_deref().and_then(Place::mobile),
        "known": travel.known,
    })
}

/// `enriched.ip.*`
pub(super) fn ip_facts(place: &Place) -> Value {
    json!({
        "private": place.ip.private,
        "site": maybe(place.ip.site.as_deref()),
        "anonymous": place.ip.anonymous,
        "hosting": place.ip.hosting,
        "proxy": place.ip.proxy,
        "mobile": place.mobile(),
        "relay": place.relay(),
        "role": place.ip.role.of.as_str(),
        "role_reason": place.ip.role.reason.as_str(),
    })
}

/// `enriched.geo.*`
pub(super) fn geo_facts(geo: &Geo) -> Value {
    json!({
        "country": maybe(geo.country.as_deref()),
        "country_name": maybe(geo.country_name.as_deref()),
        "region": maybe(geo.region.as_deref()),
        "city": maybe(geo.city.as_deref()),
        "lat": geo.lat,
        "lon": geo.lon,
        "accuracy_km": geo.accuracy_km,
        "source": geo.source.as_str(),
    })
}

/// `enriched.asn.*`
pub(super) fn asn_facts(asn: &Asn) -> Value {
    json!({ "number": asn.number, "org": maybe(asn.org.as_deref()) })
}

/// `enriched.user.*`
pub(super) fn user_facts(user: &UserFacts) -> Value {
    json!({
        "id": text(&user.id),
        "login": text(&user.login),
        "known_days": user.known_days,
        "events": user.events,
        "new_country": user.new_country,
        "new_asn": user.new_asn,
    })
}
