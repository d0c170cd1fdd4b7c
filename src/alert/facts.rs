//! How is what was computed written, under the names that rules know it by?

use serde_json::{Value, json};

use super::json::{maybe, number, text, time};
use crate::model::{
    AdminFacts, Asn, Ending, Evidence, Geo, HomeFacts, KeepaliveFacts, Place, Position, PrincipalClass,
    PrincipalFacts, SessionFacts, SystemFacts, TokenFacts, TravelFacts, UserFacts,
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
        "browser_changed": session.browser_changed,
        "cookie_changed": session.cookie_changed,
        "fingerprint_changed": session.fingerprint_changed,
        "device_changed": session.device_changed,
        "client_changed": session.client_changed,
        "ua_similarity": session.ua_similarity.map(|likeness| number(f64::from(likeness) / 100.0, 2)),
        "concurrent": session.concurrent,
        "admin": session.admin,
        "mfa": session.mfa,
        "factors": session.factors.words().collect::<Vec<_>>(),
        "factor_strength": session.factors.strength().as_str(),
        "apps": session.apps,
        "ended_by": session.ended_by.map(Ending::as_str),
        "since_end_s": session.since_end_s,
    })
}

/// `enriched.token.*`
pub(super) fn token_facts(token: &TokenFacts) -> Value {
    let created = token.created.as_ref();
    json!({
        "id": text(&token.id),
        "known": created.is_some(),
        "created_by": maybe(created.map(|created| created.by.as_str())),
        "created": created.map(|created| time(created.at_ms)),
        "created_ip": created.and_then(|created| created.ip).map(|ip| ip.to_string()),
        "created_asn": created.and_then(|created| created.asn),
        "created_country": maybe(created.and_then(|created| created.country.as_deref())),
        "owner_admin": token.owner_admin,
        "age_s": token.age_s,
        "known_days": token.known_days,
        "uses": token.uses,
        "quiet_s": token.quiet_s,
        "client": text(&token.client),
        "new_asn": token.new_asn,
        "new_ip": token.new_ip,
        "new_client": token.new_client,
        "elsewhere": token.elsewhere,
        "outside_range": token.outside_range,
        "network": text(&token.network),
        "network_before": text(&token.network_before),
        "zones": text(&token.zones),
        "revoked": token.revoked,
    })
}

/// `enriched.admin.*`
pub(super) fn admin_facts(admin: &AdminFacts) -> Value {
    json!({
        "seconds": admin.seconds,
        "write": admin.write,
        "read": admin.read,
        "writes": admin.writes,
        "reads": admin.reads,
        "silent_s": admin.silent_s,
        "without_entry": admin.without_entry,
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
