//! What does one employee leave in the log, from the first click to the last?

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Log;
use super::apps;
use super::calendar::{Day, Leg};
use super::staff::{Employee, Factor};
use crate::demo::company::Vantage;
use crate::demo::day::{HOUR, MINUTE, Session};
use crate::demo::event::{Agent, Draft, KEEP_ALIVE};
use crate::demo::random::Random;

/// The phone's browser, on the way to work.
const SAFARI_PHONE: Agent = Agent {
    raw: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    os: "iOS 18 (iPhone)",
    browser: "SAFARI",
    device: "Mobile",
};
/// Okta Verify on a laptop.
const VERIFY_LAPTOP: Agent = Agent {
    raw: "D1EMO2APP3.com.okta.mobile/9.40.0 OktaDeviceSDK/0.0.1 macOS/15.6 Apple/MacBookPro18,2",
    os: "Mac OS 15 (Sequoia)",
    browser: "UNKNOWN",
    device: "Computer",
};

/// An employee with what lasts from day to day: the devices' tokens, and the places Okta knows.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) who: &'a Employee,
    pub(super) random: Random,
    /// The tokens of the laptop's and of the telephone's browser.
    tokens: [String; 2],
    known: BTreeSet<IpAddr>,
    /// Telephones abroad reach the Internet where they are, not at home.
    roaming: bool,
}

impl<'a> Life<'a> {
    pub(super) fn new(seed: u64, who: &'a Employee, roaming: bool) -> Self {
        let mut random = Random::stream(seed, 3, who.number as u64);
        let tokens = [random.hex(64), random.hex(64)];
        let known = BTreeSet::from([who.home(0).ip, who.place().office.ip, super::places::VPN.ip]);
        Self { who, random, tokens, known, roaming }
    }

    /// The day's work along its way.
    pub(super) fn works(&mut self, day: Day, legs: &[Leg], log: &mut Log) {
        let mut session = self.session(day.number, legs.first().map_or(0, |leg| leg.from_ms));
        let mut last_ms = i64::MIN;
        for leg in legs {
            if leg.from_ms - last_ms.max(leg.from_ms - 24 * HOUR) >= 2 * HOUR {
                session = self.session(day.number, leg.from_ms);
                self.signs_in(&session, leg.from_ms, &leg.at, log);
                if self.random.percent(12) {
                    self.restores_tabs(&session, leg, log);
                }
            }
            self.clicks(&mut session, leg, day, log);
            last_ms = leg.to_ms;
        }
        if !legs.is_empty() && self.random.percent(30) {
            self.signs_out(&session, legs, log);
        }
        if self.who.keep_alive {
            self.keeps_alive(legs, log);
        }
    }

    /// Mail and chat on the train, in the telephone's browser.
    pub(super) fn commutes(&mut self, arrives_ms: i64, log: &mut Log) {
        let at_ms = arrives_ms - self.random.between(25 * MINUTE, 50 * MINUTE);
        let from = self.who.mobile(&mut self.random);
        let session =
            Session { device_token: self.tokens[1].clone(), ..Session::new(&mut self.random, SAFARI_PHONE) };
        self.signs_in(&session, at_ms, &from, log);
        for number in 0..self.random.between(1, 4) {
            // Trains change cells, and with them now and then the carrier's exit.
            let from = if number < 2 { from } else { self.who.mobile(&mut self.random) };
            let app = self.random.below(4);
            apps::opens(self, &session, at_ms + (number + 1) * 4 * MINUTE, &from, app, log);
        }
    }

    pub(super) fn session(&mut self, day: usize, _at_ms: i64) -> Session {
        let agent = self.who.agent(day);
        // A private window knows no cookie.
        let private = self.random.percent(2);
        let device_token = if private { self.random.hex(64) } else { self.tokens[0].clone() };
        Session { device_token, ..Session::new(&mut self.random, agent) }
    }

    /// From now on the browser is another one, of the same kind.
    pub(super) fn changes_laptop(&mut self) {
        self.tokens[0] = self.random.hex(64);
    }

    /// What the person does in a session.
    pub(super) fn does(
        &mut self,
        session: &Session,
        at_ms: i64,
        from: &Vantage,
        what: (&str, &str, &str),
    ) -> Draft {
        session.does(&mut self.random, &self.who.person, at_ms, from, what)
    }

    /// Perhaps a slip of the finger, then policy, factor and session.
    pub(super) fn signs_in(&mut self, session: &Session, at_ms: i64, from: &Vantage, log: &mut Log) {
        if self.random.percent(12) {
            let times = self.random.between(1, 2);
            for time in 0..times {
                self.mistypes(session, at_ms - (times - time) * 14_000, from, log);
            }
        }
        self.enters(session, at_ms, from, log);
    }

    /// A sign-in without a mistake.
    pub(super) fn enters(&mut self, session: &Session, at_ms: i64, from: &Vantage, log: &mut Log) {
        let behaviors = behaviors(!self.known.insert(from.ip), from, &self.who.person.home);
        let evaluate = ("policy.evaluate_sign_on", "Evaluation of sign-on policy", "/idp/idx/identify");
        let reason = Some("Sign-on policy evaluation resulted in CHALLENGE");
        let draft = self.does(session, at_ms, from, evaluate).outcome("CHALLENGE", reason);
        log.add(draft.with("debugContext.debugData.behaviors", behaviors.as_str()));
        self.proves(session, at_ms + 2_000, from, log);
        let start = ("user.session.start", "User login to Okta", "/idp/idx/challenge/answer");
        let draft = self.does(session, at_ms + 14_000, from, start);
        log.add(draft.with("debugContext.debugData.behaviors", behaviors));
    }

    /// The second factor, within twelve seconds.
    fn proves(&mut self, session: &Session, at_ms: i64, from: &Vantage, log: &mut Log) {
        let answer = (
            "user.authentication.auth_via_mfa",
            "Authentication of user via MFA",
            "/idp/idx/challenge/answer",
        );
        let draft = match self.who.factor {
            Factor::Key => self.does(session, at_ms, from, answer).with(FACTOR, "FIDO_WEBAUTHN"),
            Factor::FastPass => {
                let uri = "/idp/authenticators/sso/transactions/verify";
                self.does(session, at_ms, from, (answer.0, answer.1, uri))
                    .from(from, VERIFY_LAPTOP, uri)
                    .with(FACTOR, "SIGNED_NONCE")
            }
            Factor::Push | Factor::Number => {
                let send =
                    ("system.push.send_factor_verify_push", "Send Okta Verify push", "/idp/idx/challenge");
                let push = self.does(session, at_ms, from, send).upon(&self.who.person);
                log.add(push);
                self.answers(session, at_ms + 8_000, from)
            }
        };
        log.add(draft.upon(&self.who.person));
    }

    /// The telephone approves: over the air, or in the Wi-Fi of the laptop.
    fn answers(&mut self, session: &Session, at_ms: i64, from: &Vantage) -> Draft {
        let abroad = from.place.country != self.who.place().office.place.country;
        let wireless = self.random.percent(45) || (self.roaming && abroad);
        let at = if wireless { *from } else { self.who.mobile(&mut self.random) };
        let uri = format!("/idp/authenticators/aut{0}/transactions/ft{0}/verify", self.random.hex(14));
        let (key, value) = match self.who.factor {
            Factor::Number => ("pushWithNumberChallengeResponseType", "OV_WITH_CHALLENGE_RESPONSE_VALID"),
            _ => ("pushOnlyResponseType", "OV_RESPONSE_APPROVE"),
        };
        self.does(
            session,
            at_ms,
            &at,
            ("user.authentication.auth_via_mfa", "Authentication of user via MFA", &uri),
        )
        .from(&at, self.who.phone, &uri)
        .with(FACTOR, "OKTA_VERIFY_PUSH")
        .with(&format!("debugContext.debugData.{key}"), value)
    }

    /// A wrong password; now and then the name is wrong, which Okta then does not know.
    pub(super) fn mistypes(&mut self, session: &Session, at_ms: i64, from: &Vantage, log: &mut Log) {
        let start = ("user.session.start", "User login to Okta", "/idp/idx/identify");
        let draft = self.does(session, at_ms, from, start).session("unknown", &session.device_token);
        if self.random.percent(8) {
            let typed = self.who.person.login.replacen('.', "", 1);
            let stranger = serde_json::json!({"id": "unknown", "type": "User", "alternateId": typed,
                "displayName": "unknown", "detailEntry": null});
            log.add(draft.with("actor", stranger).outcome("FAILURE", Some("VERIFICATION_ERROR")));
        } else {
            log.add(draft.outcome("FAILURE", Some("INVALID_CREDENTIALS")));
        }
    }

    /// Applications, one after the other; the browser may come back from its update in between.
    fn clicks(&mut self, session: &mut Session, leg: &Leg, day: Day, log: &mut Log) {
        let mut at_ms = leg.from_ms + MINUTE;
        loop {
            at_ms += self.random.between(2 * MINUTE, 45 * MINUTE);
            if at_ms >= leg.to_ms {
                return;
            }
            if self.who.updates_on(day.number + 1) && self.random.percent(5) {
                session.agent = self.who.agent(day.number + 1);
            }
            let app = self.random.below(apps::APPS.len());
            apps::opens(self, session, at_ms, &leg.at, app, log);
        }
    }

    /// Yesterday's tabs, all at once.
    fn restores_tabs(&mut self, session: &Session, leg: &Leg, log: &mut Log) {
        let first = self.random.below(apps::APPS.len());
        for number in 0..self.random.between(3, 8) {
            let app = first + usize::try_from(number).unwrap_or_default();
            apps::opens(self, session, leg.from_ms + 20_000 + number * 700, &leg.at, app, log);
        }
    }

    fn signs_out(&mut self, session: &Session, legs: &[Leg], log: &mut Log) {
        let Some(last) = legs.last() else { return };
        let end = ("user.session.end", "User logout from Okta", "/login/signout");
        let draft = self.does(session, last.to_ms, &last.at, end);
        log.add(draft);
    }

    /// The laptop's agent verifies the password every quarter of an hour, from wherever the laptop is.
    fn keeps_alive(&mut self, legs: &[Leg], log: &mut Log) {
        for leg in legs {
            let mut at_ms = leg.from_ms + self.random.between(0, 15 * MINUTE);
            while at_ms < leg.to_ms {
                self.verifies(at_ms, &leg.at, "SUCCESS", log);
                at_ms += 15 * MINUTE + self.random.between(-4_000, 4_000);
            }
        }
    }

    /// One such verification: two events of one request, or one that failed.
    pub(super) fn verifies(&mut self, at_ms: i64, at: &Vantage, result: &str, log: &mut Log) {
        let transaction = self.random.hex(20);
        let failed = result == "FAILURE";
        for (event_type, message, offset) in [
            ("user.session.start", "User login to Okta", 0),
            ("policy.evaluate_sign_on", "Evaluation of sign-on policy", 44),
        ] {
            let draft = Draft::new(&mut self.random, at_ms + offset, event_type, message)
                .by(&self.who.person)
                .from(at, KEEP_ALIVE, "/api/v1/authn")
                .with("transaction.id", transaction.as_str());
            log.add(if failed { draft.outcome(result, Some("INVALID_CREDENTIALS")) } else { draft });
            if failed {
                return;
            }
        }
    }
}

const FACTOR: &str = "debugContext.debugData.factor";

/// What Okta's behaviour detection says of an address it did or did not know of the user.
fn behaviors(known: bool, from: &Vantage, home: &Vantage) -> String {
    let word = |new: bool| if new { "POSITIVE" } else { "NEGATIVE" };
    let city = word(!known && from.place.city != home.place.city);
    let country = word(!known && from.place.country != home.place.country);
    format!(
        "{{New Geo-Location={city}, New Device=NEGATIVE, New IP={}, New State={city}, New Country={country}, \
         Velocity=NEGATIVE, New City={city}}}",
        word(!known)
    )
}
