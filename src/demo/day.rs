//! What happens on an ordinary day, and how is the day put together?

use super::company::{self, APP_SERVER, HOMES, MOBILE, OFFICE, Person, VPN};
use super::event::{APP_BACKEND, Agent, CHROME_MAC, Draft, EDGE_WINDOWS, KEEP_ALIVE, SCRIPT, VERIFY_PHONE};
use super::incidents;
use super::random::Random;
use super::wrap;

/// One record as a forwarder writes it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When the event in it happened, ms since the epoch.
    pub at_ms: i64,
    /// The record's value.
    pub payload: Vec<u8>,
}

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
const APPS: [(&str, &str); 6] = [
    ("0oademoMail00000001", "Mail"),
    ("0oademoChat00000002", "Chat"),
    ("0oademoWiki00000003", "Wiki"),
    ("0oademoCrm000000004", "CRM"),
    ("0oademoHr0000000005", "HR"),
    ("0oademoCode00000006", "Code"),
];
/// Places in the list of people of those who work at the office because the stories need them there.
const ADMINISTRATORS: [usize; 3] = [3, 8, 10];
/// The first so many people's Macs verify the password in the background.
const KEEP_ALIVES: usize = 12;
/// Collectors re-read: so many of a hundred events are delivered twice.
const REPEATED_PERCENT: usize = 2;

/// A working day from `start_ms` (its midnight), as records in the order of their events.
pub fn day(seed: u64, start_ms: i64) -> Vec<Sample> {
    let mut random = Random::new(seed);
    let people = company::people();
    let mut drafts = Vec::new();
    for (number, person) in people.iter().enumerate() {
        yesterday(&mut random, person, start_ms - 24 * HOUR, &mut drafts);
        let day = Workday::new(&mut random, person, start_ms, number);
        day.plays(&mut random, person, &mut drafts);
        if person.mac && number < KEEP_ALIVES {
            keep_alives(&mut random, person, &day, &mut drafts);
        }
    }
    import(&mut random, start_ms + 6 * HOUR, &people, &mut drafts);
    service_account(&mut random, start_ms, &people, &mut drafts);
    helpdesk(&mut random, start_ms + 11 * HOUR, &people, &mut drafts);
    incidents::weave(&mut random, start_ms, &people, &mut drafts);
    drafts.sort_by_key(|draft| draft.at_ms);
    let mut samples = Vec::with_capacity(drafts.len() + drafts.len() / 40);
    for draft in &drafts {
        samples.push(wrap::wrap(&mut random, draft));
        if random.percent(REPEATED_PERCENT) {
            samples.push(wrap::wrap(&mut random, draft));
        }
    }
    wrap::poison(start_ms + 12 * HOUR, &mut samples);
    samples.sort_by_key(|sample| sample.at_ms);
    samples
}

/// A browser session as the day goes on.
pub(super) struct Session {
    pub(super) id: String,
    pub(super) device_token: String,
    pub(super) agent: Agent,
}

impl Session {
    pub(super) fn new(random: &mut Random, agent: Agent) -> Self {
        Self { id: format!("idx{}", random.hex(20)), device_token: random.hex(64), agent }
    }

    /// Someone does something in this session.
    pub(super) fn does(
        &self,
        random: &mut Random,
        person: &Person,
        at_ms: i64,
        from: &company::Vantage,
        what: (&str, &str, &str),
    ) -> Draft {
        let (event_type, message, uri) = what;
        Draft::new(random, at_ms, event_type, message)
            .by(person)
            .from(from, self.agent, uri)
            .session(&self.id, &self.device_token)
    }

    /// A single sign-on to an application, in the front channel.
    pub(super) fn opens(
        &self,
        random: &mut Random,
        person: &Person,
        at_ms: i64,
        from: &company::Vantage,
        app: usize,
    ) -> Draft {
        let app = APPS.get(app % APPS.len()).copied().unwrap_or_default();
        self.opens_app(random, person, at_ms, from, app)
    }

    /// The same of an application by its id and name.
    pub(super) fn opens_app(
        &self,
        random: &mut Random,
        person: &Person,
        at_ms: i64,
        from: &company::Vantage,
        (id, name): (&str, &str),
    ) -> Draft {
        let uri = format!("/app/{}/{id}/sso/saml", name.to_lowercase());
        self.does(
            random,
            person,
            at_ms,
            from,
            ("user.authentication.sso", "User single sign on to app", &uri),
        )
        .with("debugContext.debugData.initiationType", "SP_INITIATED")
        .with("debugContext.debugData.signOnMode", "SAML 2.0")
        .target("AppInstance", id, name, name)
    }
}

/// Where a person is on this day, and when.
struct Workday {
    place: company::Vantage,
    from_ms: i64,
    /// From then on the laptop goes through the company's VPN.
    vpn_ms: Option<i64>,
}

impl Workday {
    /// Some are at the office, the administrators always; those at home may turn the VPN on.
    fn new(random: &mut Random, person: &Person, start_ms: i64, number: usize) -> Self {
        let at_office = ADMINISTRATORS.contains(&number) || random.percent(50);
        let from_ms = start_ms + random.between(8 * HOUR, 9 * HOUR + 30 * MINUTE);
        let vpn_ms = (!at_office && random.percent(30)).then(|| from_ms + random.between(HOUR, 3 * HOUR));
        Self { place: if at_office { OFFICE } else { person.home }, from_ms, vpn_ms }
    }

    fn vantage(&self, at_ms: i64) -> company::Vantage {
        if self.vpn_ms.is_some_and(|from| at_ms >= from) { VPN } else { self.place }
    }

    fn plays(&self, random: &mut Random, person: &Person, drafts: &mut Vec<Draft>) {
        let session = Session::new(random, if person.mac { CHROME_MAC } else { EDGE_WINDOWS });
        if random.percent(15) {
            drafts.push(mistyped(random, person, self.from_ms - 40_000, &self.place, session.agent));
        }
        sign_in(random, person, &session, self.from_ms, &self.place, drafts);
        let mut at_ms = self.from_ms;
        for _ in 0..random.between(10, 24) {
            at_ms += random.between(3 * MINUTE, 40 * MINUTE);
            let app = random.below(APPS.len());
            drafts.push(session.opens(random, person, at_ms, &self.vantage(at_ms), app));
            if random.percent(25) {
                drafts.push(back_channel(random, person, at_ms + 350, app));
            }
        }
        let end = ("user.session.end", "User logout from Okta", "/login/signout");
        at_ms += MINUTE;
        drafts.push(session.does(random, person, at_ms, &self.vantage(at_ms), end));
    }
}

/// The day before, so that nobody is new: a sign-in and an application.
fn yesterday(random: &mut Random, person: &Person, start_ms: i64, drafts: &mut Vec<Draft>) {
    let at_ms = start_ms + random.between(7 * HOUR, 8 * HOUR);
    let session = Session::new(random, if person.mac { CHROME_MAC } else { EDGE_WINDOWS });
    sign_in(random, person, &session, at_ms, &person.home, drafts);
    drafts.push(session.opens(random, person, at_ms + MINUTE, &person.home, 0));
}

/// Password, then a push that the phone answers from the mobile network.
pub(super) fn sign_in(
    random: &mut Random,
    person: &Person,
    session: &Session,
    at_ms: i64,
    from: &company::Vantage,
    drafts: &mut Vec<Draft>,
) {
    let idx = "/idp/idx/identify";
    let evaluate = ("policy.evaluate_sign_on", "Evaluation of sign-on policy", idx);
    drafts.push(
        session
            .does(random, person, at_ms, from, evaluate)
            .outcome("CHALLENGE", Some("Sign-on policy evaluation resulted in CHALLENGE")),
    );
    let send = ("system.push.send_factor_verify_push", "Send Okta Verify push", "/idp/idx/challenge");
    drafts.push(session.does(random, person, at_ms + 900, from, send));
    drafts.push(approves(random, person, session, at_ms + 9_000));
    let start = ("user.session.start", "User login to Okta", "/idp/idx/challenge/poll");
    drafts.push(session.does(random, person, at_ms + 9_400, from, start));
}

/// The phone's answer: its own address and software, the session of the browser that asks.
pub(super) fn approves(random: &mut Random, person: &Person, session: &Session, at_ms: i64) -> Draft {
    let uri = format!("/idp/authenticators/aut{}/transactions/ft{}/verify", random.hex(14), random.hex(14));
    Draft::new(random, at_ms, "user.authentication.auth_via_mfa", "Authentication of user via MFA")
        .by(person)
        .from(&MOBILE, VERIFY_PHONE, &uri)
        .session(&session.id, &session.device_token)
        .with("debugContext.debugData.factor", "OKTA_VERIFY_PUSH")
        .with("debugContext.debugData.factorIntent", "AUTHENTICATION")
        .with("debugContext.debugData.pushOnlyResponseType", "OV_RESPONSE_APPROVE")
}

fn mistyped(
    random: &mut Random,
    person: &Person,
    at_ms: i64,
    from: &company::Vantage,
    agent: Agent,
) -> Draft {
    Draft::new(random, at_ms, "user.session.start", "User login to Okta")
        .by(person)
        .from(from, agent, "/idp/idx/challenge/answer")
        .outcome("FAILURE", Some("INVALID_CREDENTIALS"))
}

/// The application's server redeems the code: its own address, no session.
fn back_channel(random: &mut Random, person: &Person, at_ms: i64, app: usize) -> Draft {
    let (id, name) = APPS.get(app % APPS.len()).copied().unwrap_or_default();
    Draft::new(random, at_ms, "user.authentication.sso", "User single sign on to app")
        .by(person)
        .from(&APP_SERVER, APP_BACKEND, "/oauth2/v1/token")
        .with("client.id", id)
        .with("debugContext.debugData.initiationType", "NA")
        .with("debugContext.debugData.signOnMode", "OpenID Connect")
        .target("AppInstance", id, name, name)
}

/// The laptop's agent verifies the password every quarter of an hour: two events each time.
fn keep_alives(random: &mut Random, person: &Person, day: &Workday, drafts: &mut Vec<Draft>) {
    let mut at_ms = day.from_ms + random.between(0, 15 * MINUTE);
    while at_ms < day.from_ms + 8 * HOUR {
        let uri = "/api/v1/authn";
        for (event_type, message, offset) in [
            ("user.session.start", "User login to Okta", 0),
            ("policy.evaluate_sign_on", "Evaluation of sign-on policy", 44),
        ] {
            drafts.push(Draft::new(random, at_ms + offset, event_type, message).by(person).from(
                &person.home,
                KEEP_ALIVE,
                uri,
            ));
        }
        at_ms += 15 * MINUTE + random.between(-4_000, 4_000);
    }
}

/// The nightly import from the HR system, run by Okta itself.
fn import(random: &mut Random, at_ms: i64, people: &[Person], drafts: &mut Vec<Draft>) {
    drafts.push(
        Draft::new(random, at_ms, "system.import.start", "Start user import")
            .with("debugContext.debugData.importTrigger", "Schedule")
            .with("debugContext.debugData.importType", "Incremental")
            .target("AppInstance", "0oademoHr0000000005", "HR", "HR"),
    );
    for (number, person) in people.iter().enumerate() {
        let at_ms = at_ms + 2_000 + 130 * i64::try_from(number).unwrap_or_default();
        drafts.push(
            Draft::new(random, at_ms, "app.user_management", "Perform user management").upon(person).target(
                "AppInstance",
                "0oademoHr0000000005",
                "HR",
                "HR",
            ),
        );
    }
    drafts.push(Draft::new(random, at_ms + 30_000, "system.import.complete", "Complete user import").target(
        "AppInstance",
        "0oademoHr0000000005",
        "HR",
        "HR",
    ));
}

/// A script keeps profiles in step, with an API token.
fn service_account(random: &mut Random, start_ms: i64, people: &[Person], drafts: &mut Vec<Draft>) {
    let service = Person {
        id: "00udemoService00001".to_owned(),
        login: "svc-hr-sync@example.com".to_owned(),
        name: "HR Sync".to_owned(),
        home: HOMES[0],
        mac: false,
    };
    for hour in 7..19 {
        for person in people.iter().take(3) {
            let at_ms = start_ms + hour * HOUR + random.between(0, 2 * MINUTE);
            let uri = format!("/api/v1/users/{}", person.id);
            drafts.push(
                Draft::new(random, at_ms, "user.account.update_profile", "Update user profile for Okta")
                    .by(&service)
                    .from(&APP_SERVER, SCRIPT, &uri)
                    .with("authenticationContext.externalSessionId", format!("trs{}", random.hex(20)))
                    .with(
                        "transaction.detail",
                        serde_json::json!({"requestApiTokenId": "00TdemoHrSync000001"}),
                    )
                    .upon(person),
            );
        }
    }
}

/// A new phone: the help desk resets the factors, the user enrols again from the office.
fn helpdesk(random: &mut Random, at_ms: i64, people: &[Person], drafts: &mut Vec<Draft>) {
    let (Some(admin), Some(user)) = (people.get(3), people.get(10)) else { return };
    let desk = Session::new(random, EDGE_WINDOWS);
    sign_in(random, admin, &desk, at_ms - 20 * MINUTE, &OFFICE, drafts);
    let enter = ("user.session.access_admin_app", "User accessing Okta admin app", "/admin/sso/request");
    drafts.push(desk.does(random, admin, at_ms - 15 * MINUTE, &OFFICE, enter).target(
        "AppInstance",
        "0oademoAdmin0000001",
        "Okta Admin Console",
        "Okta Admin Console",
    ));
    let reset = ("user.mfa.factor.reset_all", "Reset all factors for user", "/api/v1/users/factors");
    drafts.push(desk.does(random, admin, at_ms, &OFFICE, reset).upon(user));
    let own = Session::new(random, CHROME_MAC);
    let enrol = ("user.mfa.factor.activate", "Activate factor for user", "/idp/idx/credential/enroll");
    drafts.push(
        own.does(random, user, at_ms + 12 * MINUTE, &OFFICE, enrol)
            .upon(user)
            .with("debugContext.debugData.factor", "OKTA_VERIFY_PUSH"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: i64 = 1_790_000_000_000;

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_seed_another() {
        let payloads =
            |seed| day(seed, MIDNIGHT).into_iter().map(|sample| sample.payload).collect::<Vec<_>>();
        assert_eq!(payloads(1), payloads(1));
        assert_ne!(payloads(1), payloads(2));
    }

    #[test]
    fn a_day_is_of_the_size_that_an_embedded_broker_holds() {
        let samples = day(1, MIDNIGHT);
        let bytes: usize = samples.iter().map(|sample| sample.payload.len()).sum();
        assert!(samples.len() > 1_000, "{} records", samples.len());
        assert!(bytes < 12 * 1024 * 1024, "{bytes} bytes");
    }
}
