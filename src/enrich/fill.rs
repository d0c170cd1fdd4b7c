//! Which fields under `enriched.` does a rule read, and what stands in them?

use crate::model::{
    FieldId, FieldTable, Fields, Place, PrincipalFacts, Role, SessionFacts, TravelFacts, UserFacts, Value,
    core,
};

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
        self.address(core::ENRICHED_IP_ADDRESS, place);
        self.role(place.ip.role);
    }

    /// `enriched.ip.role` and `.role_reason`
    pub fn role(&mut self, role: Role) {
        self.text(core::ENRICHED_IP_ROLE, Some(role.of.as_str()));
        self.text(core::ENRICHED_IP_ROLE_REASON, Some(role.reason.as_str()));
    }

    /// Written out only if it is read, as most rules do not.
    fn address(&mut self, id: FieldId, place: &Place) {
        if let Some(address) = place.ip.address.filter(|_| self.table.is_read(id)) {
            self.text(id, Some(&address.to_string()));
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
        self.count(core::ENRICHED_SESSION_CONCURRENT, session.concurrent.into());
        self.flag(core::ENRICHED_SESSION_ADMIN, session.admin);
        self.flag(core::ENRICHED_SESSION_MFA, session.mfa);
    }

    /// `enriched.user`, but for id and login, which [`who`](Self::who) writes.
    pub fn user(&mut self, user: &UserFacts) {
        self.set(core::ENRICHED_USER_KNOWN_DAYS, Some(Value::Integer(user.known_days)));
        self.count(core::ENRICHED_USER_EVENTS, user.events);
        self.flag(core::ENRICHED_USER_NEW_COUNTRY, user.new_country);
        self.flag(core::ENRICHED_USER_NEW_ASN, user.new_asn);
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
            self.address(core::ENRICHED_TRAVEL_FROM_IP, from);
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
    use crate::model::{Cause, HabitFacts, SystemFacts};

    #[test]
    fn every_field_that_is_read_is_written_and_no_other() {
        let somewhere = place("203.0.113.7", "PT", 64500, Some((38.7, -9.1)));
        let session = SessionFacts { id: "idxone".into(), ..SessionFacts::default() };
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
        let fill = |table: &FieldTable| {
            let mut fields = fields(&[]);
            let mut filler = Filler::new(table, &mut fields);
            filler.who(Some("acme"), Some("00u1"), Some("ana@example.com"));
            filler.place(&somewhere);
            filler.session(&session);
            filler.user(&UserFacts::default());
            filler.travel(&travel);
            filler.principal(&principal);
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
            let expected =
                def.path == "enriched.org" || !(absent.contains(&last) || def.path.ends_with("from_city"));
            assert_eq!(filled.contains(&def.path.to_owned()), expected, "{}", def.path);
        }
    }
}
