//! How is what was computed written, under the names that rules know it by?

use serde_json::{Value, json};

use super::json::{maybe, number, text, time};
use crate::model::{
    Asn, Geo, HomeFacts, KeepaliveFacts, Place, Position, SessionFacts, TravelFacts, UserFacts,
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
        "dormant_days": user.dormant_days,
        "new_country": user.new_country,
        "new_region": user.new_region,
        "new_asn": user.new_asn,
        "new_device": user.new_device,
        "new_os": user.new_os,
        "new_browser": user.new_browser,
        "new_app": user.new_app,
        "new_factor": user.new_factor,
        "country_age_s": user.country_age_s,
        "asn_age_s": user.asn_age_s,
        "device_age_s": user.device_age_s,
        "unusual_hour": user.unusual_hour,
    })
}

/// `enriched.keepalive.*`
pub(super) fn keepalive_facts(keepalive: &KeepaliveFacts) -> Value {
    json!({
        "is": true,
        "reason": keepalive.reason.as_str(),
        "period_s": (keepalive.period_s > 0).then_some(keepalive.period_s),
        "clusters": keepalive.clusters,
        "emitter": keepalive.name(),
        "machines": keepalive.machines,
    })
}

/// `enriched.home.*`
pub(super) fn home_facts(home: &HomeFacts) -> Value {
    json!({
        "ip": home.ip.to_string(),
        "asn": (home.asn > 0).then_some(home.asn),
        "country": text(&home.country),
        "city": text(&home.city),
        "since": time(home.since_ms),
        "ago_s": home.ago_s,
        "confidence": home.confidence.as_str(),
        "here": home.here,
        "elsewhere": home.elsewhere,
        "km": home.km,
    })
}
