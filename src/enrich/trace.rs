//! Where and with what was a session used, and what differs from one use to the next?

use std::net::IpAddr;

use compact_str::CompactString;

use super::agent::{Agent, SAME_CLIENT, System, hash};
use super::history::{Around, Seen};
use crate::durable;
use crate::model::{Observation, SessionFacts, core};

/// One use of a session. Texts that are only compared are kept as hashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trace {
    ip: Option<IpAddr>,
    asn: Option<u32>,
    country: Option<CompactString>,
    os: Option<System>,
    browser: Option<u32>,
    agent: Option<Agent>,
    /// The device token cookie.
    cookie: Option<u32>,
    fingerprint: Option<u32>,
    /// The registered device.
    device: Option<u32>,
}

durable!(Trace { ip, asn, country, os, browser, agent, cookie, fingerprint, device });

impl Trace {
    /// What an event from the user's own address says; a user agent is taken apart once for a session.
    pub fn of(observation: &Observation, ip: IpAddr, before: Option<&Self>) -> Self {
        let place = observation.place.as_deref();
        let geo = place.and_then(|place| place.geo.as_deref());
        let text = |id| observation.event.fields.text(id);
        let agent = text(core::CLIENT_USER_AGENT);
        Self {
            ip: Some(ip),
            asn: place.and_then(|place| place.asn.as_deref()).map(|asn| asn.number),
            country: geo.and_then(|geo| geo.country.as_deref()).map(CompactString::from),
            os: text(core::CLIENT_OS).map(System::read),
            browser: text(core::CLIENT_BROWSER).map(hash),
            agent: agent.map(|agent| Agent::read(agent, before.and_then(|before| before.agent))),
            cookie: text(core::DT_HASH).map(hash),
            fingerprint: text(core::DEVICE_FINGERPRINT).map(hash),
            device: text(core::DEVICE_ID).map(hash),
        }
    }

    /// Says what differs from the nearest uses on either side.
    pub fn compare(&self, around: &Around<'_, Self>, facts: &mut SessionFacts) {
        facts.ip_changed = self.changed(around, |trace| trace.ip.as_ref());
        facts.asn_changed = self.changed(around, |trace| trace.asn.as_ref());
        facts.country_changed = self.changed(around, |trace| trace.country.as_ref());
        facts.os_changed = self.changed(around, |trace| trace.os.as_ref());
        facts.browser_changed = self.changed(around, |trace| trace.browser.as_ref());
        facts.ua_changed = self.changed(around, |trace| trace.agent.as_ref());
        facts.cookie_changed = self.changed(around, |trace| trace.cookie.as_ref());
        facts.fingerprint_changed = self.changed(around, |trace| trace.fingerprint.as_ref());
        facts.device_changed = self.changed(around, |trace| trace.device.as_ref());
        facts.ua_similarity = self.likeness(around);
        facts.client_changed = match facts.ua_similarity {
            Some(likeness) => likeness < SAME_CLIENT,
            None => self.differs(around, |trace| trace.os.as_ref(), |one, other| one.is_other(*other)),
        };
    }

    /// How alike the user agents are of the less alike of the two pairs of neighbours, if any has both.
    fn likeness(&self, around: &Around<'_, Self>) -> Option<u8> {
        let agent = self.agent?;
        let before = around.before().find_map(|seen| seen.what.agent).map(|before| agent.likeness(before));
        let after = around.after().find_map(|seen| seen.what.agent).map(|after| after.likeness(agent));
        before.into_iter().chain(after).min()
    }

    /// Whether a trait differs from the nearest use on either side that has it.
    fn changed<T: PartialEq>(&self, around: &Around<'_, Self>, get: impl Fn(&Self) -> Option<&T>) -> bool {
        self.differs(around, get, |mine, other| mine != other)
    }

    fn differs<T>(
        &self,
        around: &Around<'_, Self>,
        get: impl Fn(&Self) -> Option<&T>,
        is_other: impl Fn(&T, &T) -> bool,
    ) -> bool {
        let Some(mine) = get(self) else { return false };
        let differs = |seen: &Seen<Self>| get(&seen.what).map(|other| is_other(mine, other));
        let before = around.before().find_map(differs);
        let after = around.after().find_map(differs);
        before == Some(true) || after == Some(true)
    }

    /// Fills what this use does not say from one before it.
    pub fn inherit(&mut self, before: Self) {
        self.ip = self.ip.or(before.ip);
        self.asn = self.asn.or(before.asn);
        self.country = self.country.take().or(before.country);
        self.os = self.os.or(before.os);
        self.browser = self.browser.or(before.browser);
        self.agent = self.agent.or(before.agent);
        self.cookie = self.cookie.or(before.cookie);
        self.fingerprint = self.fingerprint.or(before.fingerprint);
        self.device = self.device.or(before.device);
    }
}
