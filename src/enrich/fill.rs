//! Which fields under `enriched.` does a rule read, and what stands in them?

use std::net::IpAddr;

use crate::model::{
    AdminFacts, Ending, FieldId, FieldTable, Fields, HomeFacts, KeepaliveFacts, Place, PrincipalFacts, Role,
    SessionFacts, TokenFacts, TokenOrigin, TravelFacts, UserFacts, Value, core,
};
use crate::text::rfc3339;

/// Writes the computed fields that are read, and no others.
pub(super) struct Filler<'a> {
    table: &'a FieldTable,
    fields: &'a mut Fields,
}

impl<'a> Filler<'a> {
    /// For the fields of one event.
    pub fn new(table: &'a FieldTable, fields: &'a mut Fields) -> Self {
        Self { table, fields }
    }

    /// Sets a field if a rule reads it and there is a value.
    fn set<'v>(&mut self, id: FieldId, value: Option<Value<'v>>) {
        if let Some(value) = value.filter(|_| self.table.is_read(id)) {
            self.fields.set(id, value);
        }
    }

    fn text(&mut self, id: FieldId, text: Option<&str>) {
        self.set(id, text.filter(|text| !text.is_empty()).map(Value::Text));
    }

    fn number(&mut self, id: FieldId, number: Option<f64>) {
        self.set(id, number.map(Value::Number));
    }

    fn flag(&mut self, id: FieldId, flag: bool) {
        self.set(id, Some(Value::Boolean(flag)));
    }

    fn integer(&mut self, id: FieldId, number: Option<i64>) {
        self.set(id, number.map(Value::Integer));
    }

    fn count(&mut self, id: FieldId, count: u64) {
        self.set(id, Some(Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))));
    }

    /// `enriched.org`, and `enriched.user.id` and `.login`.
    pub fn who(&mut self, org: Option<&str>, id: Option<&str>, login: Option<&str>) {
        self.text(core::ENRICHED_ORG, org);
        self.text(core::ENRICHED_USER_ID, id);
        self.text(core::ENRICHED_USER_LOGIN, login);
    }

    /// `enriched.geo`, `enriched.asn` and `enriched.ip`.
    pub fn place(&mut self, place: &Place) {
        if let Some(geo) = place.geo.as_deref() {
            self.text(core::ENRICHED_GEO_COUNTRY, geo.country.as_deref());
            self.text(core::ENRICHED_GEO_COUNTRY_NAME, geo.country_name.as_deref());
            self.text(core::ENRICHED_GEO_REGION, geo.region.as_deref());
            self.text(core::ENRICHED_GEO_CITY, geo.city.as_deref());
            self.number(core::ENRICHED_GEO_LAT, geo.lat);
            self.number(core::ENRICHED_GEO_LON, geo.lon);
            self.number(core::ENRICHED_GEO_ACCURACY_KM, geo.accuracy_km);
            self.text(core::ENRICHED_GEO_SOURCE, Some(geo.source.as_str()));
        }
        if let Some(asn) = place.asn.as_deref() {
            self.count(core::ENRICHED_ASN_NUMBER, asn.number.into());
            self.text(core::ENRICHED_ASN_ORG, asn.org.as_deref());
        }
        self.flag(core::ENRICHED_IP_PRIVATE, place.ip.private);
        self.text(core::ENRICHED_IP_SITE, place.ip.site.as_deref());
        self.flag(core::ENRICHED_IP_ANONYMOUS, place.ip.anonymous);
        self.flag(core::ENRICHED_IP_HOSTING, place.ip.hosting);
        self.flag(core::ENRICHED_IP_PROXY, place.ip.proxy);
        self.set(core::ENRICHED_IP_MOBILE, place.mobile().map(Value::Boolean));
        self.set(core::ENRICHED_IP_RELAY, place.relay().map(Value::Boolean));
        self.address(core::ENRICHED_IP_ADDRESS, place.ip.address);
        self.role(place.ip.role);
    }

    /// `enriched.ip.role` and `.role_reason`
    pub fn role(&mut self, role: Role) {
        self.text(core::ENRICHED_IP_ROLE, Some(role.of.as_str()));
        self.text(core::ENRICHED_IP_ROLE_REASON, Some(role.reason.as_str()));
    }

    /// Written out only if it is read, as most rules do not.
    fn address(&mut self, id: FieldId, address: Option<IpAddr>) {
        if let Some(address) = address.filter(|_| self.table.is_read(id)) {
            self.text(id, Some(&address.to_string()));
        }
    }

    /// The same of an instant.
    fn instant(&mut self, id: FieldId, at_ms: i64) {
        if self.table.is_read(id) {
            self.text(id, rfc3339(at_ms).as_deref());
        }
    }

    /// `enriched.session`
    pub fn session(&mut self, session: &SessionFacts) {
        self.text(core::ENRICHED_SESSION_ID, Some(&session.id));
        self.set(core::ENRICHED_SESSION_AGE_S, Some(Value::Integer(session.age_s)));
        self.count(core::ENRICHED_SESSION_EVENTS, session.events);
        self.flag(core::ENRICHED_SESSION_IP_CHANGED, session.ip_changed);
        self.flag(core::ENRICHED_SESSION_ASN_CHANGED, session.asn_changed);
        self.flag(core::ENRICHED_SESSION_COUNTRY_CHANGED, session.country_changed);
        self.flag(core::ENRICHED_SESSION_OS_CHANGED, session.os_changed);
        self.flag(core::ENRICHED_SESSION_UA_CHANGED, session.ua_changed);
        self.flag(core::ENRICHED_SESSION_BROWSER_CHANGED, session.browser_changed);
        self.flag(core::ENRICHED_SESSION_COOKIE_CHANGED, session.cookie_changed);
        self.flag(core::ENRICHED_SESSION_FINGERPRINT_CHANGED, session.fingerprint_changed);
        self.flag(core::ENRICHED_SESSION_DEVICE_CHANGED, session.device_changed);
        self.flag(core::ENRICHED_SESSION_CLIENT_CHANGED, session.client_changed);
        let likeness = session.ua_similarity.map(|likeness| f64::from(likeness) / 100.0);
        self.number(core::ENRICHED_SESSION_UA_SIMILARITY, likeness);
        self.count(core::ENRICHED_SESSION_CONCURRENT, session.concurrent.into());
        self.flag(core::ENRICHED_SESSION_ADMIN, session.admin);
        self.flag(core::ENRICHED_SESSION_MFA, session.mfa);
        self.factors(session);
        self.count(core::ENRICHED_SESSION_APPS, session.apps.into());
        self.text(core::ENRICHED_SESSION_ENDED_BY, session.ended_by.map(Ending::as_str));
        self.integer(core::ENRICHED_SESSION_SINCE_END_S, session.since_end_s);
    }

    fn factors(&mut self, session: &SessionFacts) {
        if self.table.is_read(core::ENRICHED_SESSION_FACTORS) {
            let words = session.factors.words().map(|word| Some(Value::Text(word)));
            self.fields.set_list(core::ENRICHED_SESSION_FACTORS, words);
        }
        self.text(core::ENRICHED_SESSION_FACTOR_STRENGTH, Some(session.factors.strength().as_str()));
    }

    /// `enriched.admin`
    pub fn admin(&mut self, admin: &AdminFacts) {
        self.integer(core::ENRICHED_ADMIN_SECONDS, admin.seconds);
        self.flag(core::ENRICHED_ADMIN_WRITE, admin.write);
        self.flag(core::ENRICHED_ADMIN_READ, admin.read);
        self.count(core::ENRICHED_ADMIN_WRITES, admin.writes);
        self.count(core::ENRICHED_ADMIN_READS, admin.reads);
        self.integer(core::ENRICHED_ADMIN_SILENT_S, admin.silent_s);
        self.flag(core::ENRICHED_ADMIN_WITHOUT_ENTRY, admin.without_entry);
    }

    /// `enriched.token`
    pub fn token(&mut self, token: &TokenFacts) {
        self.text(core::ENRICHED_TOKEN_ID, Some(&token.id));
        self.flag(core::ENRICHED_TOKEN_KNOWN, token.created.is_some());
        if let Some(created) = &token.created {
            self.origin(created);
        }
        self.flag(core::ENRICHED_TOKEN_OWNER_ADMIN, token.owner_admin);
        self.integer(core::ENRICHED_TOKEN_AGE_S, token.age_s);
        self.integer(core::ENRICHED_TOKEN_KNOWN_DAYS, Some(token.known_days));
        self.count(core::ENRICHED_TOKEN_USES, token.uses);
        self.integer(core::ENRICHED_TOKEN_QUIET_S, token.quiet_s);
        self.text(core::ENRICHED_TOKEN_CLIENT, Some(&token.client));
        self.flag(core::ENRICHED_TOKEN_NEW_ASN, token.new_asn);
        self.flag(core::ENRICHED_TOKEN_NEW_IP, token.new_ip);
        self.flag(core::ENRICHED_TOKEN_NEW_CLIENT, token.new_client);
        self.flag(core::ENRICHED_TOKEN_ELSEWHERE, token.elsewhere);
        self.flag(core::ENRICHED_TOKEN_OUTSIDE_RANGE, token.outside_range);
        self.text(core::ENRICHED_TOKEN_NETWORK, Some(&token.network));
        self.text(core::ENRICHED_TOKEN_NETWORK_BEFORE, Some(&token.network_before));
        self.text(core::ENRICHED_TOKEN_ZONES, Some(&token.zones));
        self.flag(core::ENRICHED_TOKEN_REVOKED, token.revoked);
    }

    fn origin(&mut self, created: &TokenOrigin) {
        self.text(core::ENRICHED_TOKEN_CREATED_BY, Some(&created.by));
        self.instant(core::ENRICHED_TOKEN_CREATED, created.at_ms);
        self.address(core::ENRICHED_TOKEN_CREATED_IP, created.ip);
        self.integer(core::ENRICHED_TOKEN_CREATED_ASN, created.asn.map(i64::from));
        self.text(core::ENRICHED_TOKEN_CREATED_COUNTRY, created.country.as_deref());
    }

    /// `enriched.user`, but for id and login, which [`who`](Self::who) writes.
    pub fn user(&mut self, user: &UserFacts) {
        self.set(core::ENRICHED_USER_KNOWN_DAYS, Some(Value::Integer(user.known_days)));
        self.count(core::ENRICHED_USER_EVENTS, user.events);
        self.set(core::ENRICHED_USER_DORMANT_DAYS, Some(Value::Integer(user.dormant_days)));
        self.flag(core::ENRICHED_USER_NEW_COUNTRY, user.new_country);
        self.flag(core::ENRICHED_USER_NEW_REGION, user.new_region);
        self.flag(core::ENRICHED_USER_NEW_ASN, user.new_asn);
        self.flag(core::ENRICHED_USER_NEW_DEVICE, user.new_device);
        self.flag(core::ENRICHED_USER_NEW_OS, user.new_os);
        self.flag(core::ENRICHED_USER_NEW_BROWSER, user.new_browser);
        self.flag(core::ENRICHED_USER_NEW_APP, user.new_app);
        self.flag(core::ENRICHED_USER_NEW_FACTOR, user.new_factor);
        self.set(core::ENRICHED_USER_COUNTRY_AGE_S, user.country_age_s.map(Value::Integer));
        self.set(core::ENRICHED_USER_ASN_AGE_S, user.asn_age_s.map(Value::Integer));
        self.set(core::ENRICHED_USER_DEVICE_AGE_S, user.device_age_s.map(Value::Integer));
        self.flag(core::ENRICHED_USER_UNUSUAL_HOUR, user.unusual_hour);
    }

    /// `enriched.keepalive`: of a user's event that is none, only that.
    pub fn keepalive(&mut self, keepalive: Option<&KeepaliveFacts>) {
        self.flag(core::ENRICHED_KEEPALIVE_IS, keepalive.is_some());
        let Some(keepalive) = keepalive else { return };
        self.text(core::ENRICHED_KEEPALIVE_REASON, Some(keepalive.reason.as_str()));
        let period = Some(keepalive.period_s).filter(|period_s| *period_s > 0);
        self.set(core::ENRICHED_KEEPALIVE_PERIOD_S, period.map(Value::Integer));
        self.count(core::ENRICHED_KEEPALIVE_CLUSTERS, keepalive.clusters.into());
        self.count(core::ENRICHED_KEEPALIVE_MACHINES, keepalive.machines.into());
        if self.table.is_read(core::ENRICHED_KEEPALIVE_EMITTER) {
            self.text(core::ENRICHED_KEEPALIVE_EMITTER, Some(&keepalive.name()));
        }
    }

    /// `enriched.home`
    pub fn home(&mut self, home: &HomeFacts) {
        self.address(core::ENRICHED_HOME_IP, Some(home.ip));
        let asn = Some(home.asn).filter(|asn| *asn > 0);
        self.set(core::ENRICHED_HOME_ASN, asn.map(|asn| Value::Integer(asn.into())));
        self.text(core::ENRICHED_HOME_COUNTRY, Some(&home.country));
        self.text(core::ENRICHED_HOME_CITY, Some(&home.city));
        self.instant(core::ENRICHED_HOME_SINCE, home.since_ms);
        self.set(core::ENRICHED_HOME_AGO_S, Some(Value::Integer(home.ago_s)));
        self.text(core::ENRICHED_HOME_CONFIDENCE, Some(home.confidence.as_str()));
        self.flag(core::ENRICHED_HOME_HERE, home.here);
        self.flag(core::ENRICHED_HOME_ELSEWHERE, home.elsewhere);
        self.number(core::ENRICHED_HOME_KM, home.km);
    }

    /// `enriched.principal` and `enriched.system`
    pub fn principal(&mut self, principal: &PrincipalFacts) {
        self.text(core::ENRICHED_PRINCIPAL_CLASS, Some(principal.is.class.as_str()));
        self.text(core::ENRICHED_PRINCIPAL_REASON, Some(principal.is.reason.as_str()));
        self.flag(core::ENRICHED_PRINCIPAL_INTERACTIVE, principal.interactive);
        if let Some(habit) = &principal.habit {
            self.set(core::ENRICHED_PRINCIPAL_KNOWN_DAYS, Some(Value::Integer(habit.known_days)));
            self.flag(core::ENRICHED_PRINCIPAL_NEW_ASN, habit.new_asn);
            self.flag(core::ENRICHED_PRINCIPAL_NEW_CLIENT, habit.new_client);
            self.flag(core::ENRICHED_PRINCIPAL_NEW_SCOPE, habit.new_scope);
            self.flag(core::ENRICHED_PRINCIPAL_NEW_GRANT_TYPE, habit.new_grant_type);
            self.flag(core::ENRICHED_PRINCIPAL_NEW_AUTH_TYPE, habit.new_auth_type);
        }
        if let Some(system) = &principal.system {
            self.text(core::ENRICHED_SYSTEM_CLASS, Some(system.class.as_str()));
            self.text(core::ENRICHED_SYSTEM_REASON, Some(system.reason.as_str()));
            let cause = system.cause.as_ref();
            self.text(core::ENRICHED_SYSTEM_CAUSE_UUID, cause.map(|cause| cause.uuid.as_str()));
            self.text(core::ENRICHED_SYSTEM_CAUSE_EVENT_TYPE, cause.map(|cause| cause.event_type.as_str()));
            self.text(core::ENRICHED_SYSTEM_CAUSE_LINK, cause.map(|cause| cause.link.as_str()));
        }
    }

    /// `enriched.travel`
    pub fn travel(&mut self, travel: &TravelFacts) {
        self.number(core::ENRICHED_TRAVEL_KM, Some(tenths(travel.km)));
        self.number(core::ENRICHED_TRAVEL_KMH, Some(tenths(travel.kmh)));
        self.set(core::ENRICHED_TRAVEL_SECONDS, Some(Value::Integer(travel.seconds)));
        let from = travel.from.as_deref().and_then(|place| place.geo.as_deref());
        self.text(core::ENRICHED_TRAVEL_FROM_COUNTRY, from.and_then(|geo| geo.country.as_deref()));
        self.text(core::ENRICHED_TRAVEL_FROM_CITY, from.and_then(|geo| geo.city.as_deref()));
        self.text(core::ENRICHED_TRAVEL_FROM_UUID, Some(&travel.from_uuid));
        if let Some(from) = travel.from.as_deref() {
            self.address(core::ENRICHED_TRAVEL_FROM_IP, from.ip.address);
            self.set(core::ENRICHED_TRAVEL_FROM_MOBILE, from.mobile().map(Value::Boolean));
        }
        self.flag(core::ENRICHED_TRAVEL_KNOWN, travel.known);
    }
}

/// Kilometres are not known to the nanometre, and rules' evidence is read by people.
fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::testing::{fields, place};
    use crate::model::{Cause, Factors, HabitFacts, HomeConfidence, SystemFacts};

    fn token() -> TokenFacts {
        let created = TokenOrigin {
            by: "ana@example.com".into(),
            ip: Some("203.0.113.7".parse().unwrap()),
            asn: Some(64500),
            country: Some("PT".into()),
            ..TokenOrigin::default()
        };
        let [id, client, network, network_before, zones] = ["00T1", "curl", "ANYWHERE", "ZONE", "[nzo1]"];
        TokenFacts {
            id: id.into(),
            created: Some(created),
            age_s: Some(1),
            quiet_s: Some(1),
            client: client.into(),
            network: network.into(),
            network_before: network_before.into(),
            zones: zones.into(),
            ..TokenFacts::default()
        }
    }

    fn home() -> HomeFacts {
        HomeFacts {
            ip: "203.0.113.7".parse().unwrap(),
            asn: 64500,
            country: "PT".into(),
            city: "Lisbon".into(),
            since_ms: 0,
            ago_s: 60,
            confidence: HomeConfidence::High,
            here: true,
            elsewhere: false,
            km: Some(1.0),
        }
    }

    #[test]
    fn every_field_that_is_read_is_written_and_no_other() {
        let somewhere = place("203.0.113.7", "PT", 64500, Some((38.7, -9.1)));
        let session = SessionFacts {
            id: "idxone".into(),
            ua_similarity: Some(90),
            factors: Factors::from_bits(1),
            ended_by: Some(Ending::Clear),
            since_end_s: Some(1),
            ..SessionFacts::default()
        };
        let travel = TravelFacts {
            from: Some(somewhere.clone()),
            from_uuid: "before".into(),
            ..TravelFacts::default()
        };
        let event_type = "user.risk.detect".into();
        let cause = Cause { uuid: "cause".into(), event_type, ..Cause::default() };
        let cause = Some(Box::new(cause));
        let principal = PrincipalFacts {
            habit: Some(HabitFacts::default()),
            system: Some(SystemFacts { cause, ..SystemFacts::default() }),
            ..PrincipalFacts::default()
        };
        let age = Some(1);
        let user =
            UserFacts { country_age_s: age, asn_age_s: age, device_age_s: age, ..UserFacts::default() };
        let fill = |table: &FieldTable| {
            let mut fields = fields(&[]);
            let mut filler = Filler::new(table, &mut fields);
            filler.who(Some("acme"), Some("00u1"), Some("ana@example.com"));
            filler.place(&somewhere);
            filler.session(&session);
            filler.user(&user);
            filler.keepalive(Some(&KeepaliveFacts { period_s: 900, ..KeepaliveFacts::default() }));
            filler.home(&home());
            filler.travel(&travel);
            filler.principal(&principal);
            filler.token(&token());
            filler.admin(&AdminFacts { seconds: Some(1), silent_s: Some(1), ..AdminFacts::default() });
            let filled = table.iter().filter(|(id, _)| fields.exists(*id));
            filled.map(|(_, path)| path.to_owned()).collect::<Vec<_>>()
        };
        assert!(fill(&FieldTable::default()).is_empty());
        let mut one = FieldTable::default();
        one.read("enriched.geo.country");
        assert_eq!(fill(&one), ["enriched.geo.country"]);
        let mut all = FieldTable::default();
        for def in core::ALL {
            all.read(def.path);
        }
        let filled = fill(&all);
        // Not in this event's place, or decoded elsewhere.
        let absent = [
            "city",
            "country_name",
            "region",
            "accuracy_km",
            "org",
            "site",
            "level",
            "reasons",
            "positive",
            "mobile",
            "from_mobile",
        ];
        for def in core::ALL.iter().filter(|def| def.path.starts_with("enriched.")) {
            let last = def.path.rsplit('.').next().unwrap();
            let expected = ["enriched.org", "enriched.home.city"].contains(&def.path)
                || !(absent.contains(&last) || def.path.ends_with("from_city"));
            assert_eq!(filled.contains(&def.path.to_owned()), expected, "{}", def.path);
        }
    }
}
