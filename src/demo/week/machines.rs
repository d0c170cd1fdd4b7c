//! What do machines, Okta itself and the administrators leave in the log on a day?

use serde_json::json;

use super::Log;
use super::apps::{APPS, app};
use super::calendar::{Day, Leg};
use super::life::Life;
use super::places::{OKTA, SERVERS, TOWNS, address};
use super::staff::Employee;
use crate::demo::company::Person;
use crate::demo::day::{HOUR, MINUTE, Session};
use crate::demo::event::{Agent, Draft, SCRIPT};
use crate::demo::random::Random;

/// Okta's own relay.
const RELAY: Agent = Agent { raw: "Okta-Integrations", os: "Unknown", browser: "UNKNOWN", device: "Unknown" };
const TERRAFORM: Agent = Agent {
    raw: "okta-terraform/6.1.0 okta-sdk-golang/5.0.0",
    os: "Unknown",
    browser: "UNKNOWN",
    device: "Unknown",
};
const CONSOLE: (&str, &str) = ("0oaweekAdmin00000001", "Okta Admin Console");

/// Imports, scripts and notices of a day.
pub(super) fn run(seed: u64, day: Day, staff: &[Employee], log: &mut Log) {
    let mut random = Random::stream(seed, 4, day.number as u64);
    let people: Vec<&Person> =
        staff.iter().filter(|who| who.is_employed(day.number)).map(|who| &who.person).collect();
    let (id, name) = app(8);
    let directory = (id, name.to_owned());
    imports(&mut random, day.midnight_ms + 2 * HOUR, &people, (&directory, 18), log);
    for hour in 3..24 {
        imports(&mut random, day.midnight_ms + hour * HOUR + 5 * MINUTE, &people, (&directory, 1), log);
    }
    scripts(&mut random, day, &people, log);
    super::apps::machine_tokens(&mut random, day.midnight_ms, log);
    if random.percent(60) {
        rate_limit(&mut random, day.midnight_ms + 9 * HOUR, log);
    }
}

/// An application tells what changed, run by Okta itself.
fn imports(
    random: &mut Random,
    at_ms: i64,
    people: &[&Person],
    ((id, name), most): (&(String, String), usize),
    log: &mut Log,
) {
    let of = |draft: Draft| draft.target("AppInstance", id, name, name);
    let start = Draft::new(random, at_ms, "system.import.start", "Start user import");
    log.add(of(start
        .with("debugContext.debugData.importTrigger", "Schedule")
        .with("debugContext.debugData.importType", "Incremental")));
    let changed = random.below(most + 1);
    for number in 0..changed {
        let person = people.get(random.below(people.len())).copied();
        let kind = ["app.user_management", "group.user_membership.add", "application.provision.user.sync"]
            [random.below(3)];
        let at_ms = at_ms + 2_000 + number as i64 * 130;
        let draft = Draft::new(random, at_ms, kind, "Perform user management");
        log.add(of(person.map_or(draft.clone(), |person| draft.upon(person))));
    }
    let end = Draft::new(random, at_ms + 30_000, "system.import.complete", "Complete user import");
    log.add(of(end.with("debugContext.debugData.updatedObjects", changed.to_string())));
}

/// Three accounts with API tokens, each at its own address.
fn scripts(random: &mut Random, day: Day, people: &[&Person], log: &mut Log) {
    let work = [
        ("svc-hr-sync", SCRIPT, "user.account.update_profile", "Update user profile for Okta", 30),
        ("svc-governance", SCRIPT, "group.user_membership.add", "Add user to group membership", 12),
        ("svc-terraform", TERRAFORM, "application.user_membership.add", "Add user to application", 6),
    ];
    for (number, (login, agent, event_type, message, times)) in work.into_iter().enumerate() {
        let service = service(number, login);
        for _ in 0..times {
            let at_ms = day.midnight_ms + random.between(6 * HOUR, 19 * HOUR);
            let Some(person) = people.get(random.below(people.len())) else { continue };
            let token = format!("00TweekToken{number:08}");
            let draft = Draft::new(random, at_ms, event_type, message)
                .by(&service)
                .from(&address(&SERVERS, 120 + number), agent, &format!("/api/v1/users/{}", person.id))
                .with("authenticationContext.externalSessionId", format!("trs{}", random.hex(20)))
                .with("transaction.detail", json!({"requestApiTokenId": token}));
            log.add(draft.upon(person));
        }
    }
}

fn service(number: usize, login: &str) -> Person {
    Person {
        id: format!("00uweekService{number:06}"),
        login: format!("{login}@example.com"),
        name: login.to_owned(),
        home: SERVERS,
        mac: false,
    }
}

fn rate_limit(random: &mut Random, at_ms: i64, log: &mut Log) {
    for event_type in ["system.org.rate_limit.warning", "system.client.rate_limit.notification"] {
        let at_ms = at_ms + random.between(0, 6 * HOUR);
        let draft = Draft::new(random, at_ms, event_type, "Rate limit warning")
            .with("debugContext.debugData.threshold", "600")
            .with("debugContext.debugData.timeSpan", "1")
            .with("debugContext.debugData.timeUnit", "MINUTES")
            .with("debugContext.debugData.warningPercent", "60");
        log.add(draft.target("URL Pattern", "/api/v1/users", "unknown", "/api/v1/users"));
    }
}

/// An administrator's routine: into the console, some memberships, an application, now and then a report.
pub(super) fn administers(life: &mut Life<'_>, day: Day, legs: &[Leg], people: &[&Person], log: &mut Log) {
    let Some(leg) = legs.first().filter(|_| !day.is_weekend()) else { return };
    let session = life.session(day.number, leg.from_ms);
    let begin_ms = leg.from_ms + life.random.between(20 * MINUTE, 2 * HOUR);
    life.enters(&session, begin_ms - MINUTE, &leg.at, log);
    let enter = ("user.session.access_admin_app", "User accessing Okta admin app", "/admin/sso/request");
    let draft =
        life.does(&session, begin_ms, &leg.at, enter).target("AppInstance", CONSOLE.0, CONSOLE.1, CONSOLE.1);
    log.add(draft);
    let relayed =
        Draft::new(&mut life.random, begin_ms + 400, "user.authentication.sso", "User single sign on to app")
            .by(&life.who.person)
            .from(&OKTA, RELAY, "/oauth2/v1/token")
            .target("AppInstance", CONSOLE.0, CONSOLE.1, CONSOLE.1);
    log.add(relayed);
    let mut at_ms = begin_ms;
    for _ in 0..life.random.between(3, 9) {
        at_ms += life.random.between(MINUTE, 6 * MINUTE);
        let Some(person) = people.get(life.random.below(people.len())) else { continue };
        let (event_type, message) = [
            ("group.user_membership.add", "Add user to group membership"),
            ("group.user_membership.remove", "Remove user from group membership"),
            ("application.user_membership.add", "Add user to application membership"),
        ][life.random.below(3)];
        // Nobody may give rights to himself; the others do it for each other.
        if person.id != life.who.person.id {
            let draft =
                life.does(&session, at_ms, &leg.at, (event_type, message, "/api/v1/groups")).upon(person);
            log.add(draft);
        }
    }
    if day.of_week() == 3 {
        let (id, name) = app(life.random.below(APPS.len()));
        let update = ("application.lifecycle.update", "Update application", "/api/v1/apps");
        let draft =
            life.does(&session, at_ms + MINUTE, &leg.at, update).target("AppInstance", &id, name, name);
        log.add(draft);
    }
    changes(life, &session, day, (at_ms + 5 * MINUTE, leg), people, log);
}

/// What an administrator changes about the tenant itself, one each week by turns: each is worth a look, and most
/// have a rule.
fn changes(
    life: &mut Life<'_>,
    session: &Session,
    day: Day,
    (at_ms, leg): (i64, &Leg),
    people: &[&Person],
    log: &mut Log,
) {
    let week = day.number / 7;
    let kind = (week + life.who.number) % 4;
    if day.of_week() != 1 + kind {
        return;
    }
    let (what, target) = match (kind, (kind + week) % 2) {
        (0, 0) => (("system.api_token.create", "Create API token", "/api/internal/tokens"), "Token"),
        (1, 0) => return promotes(life, session, (at_ms, leg), people.get(7 + week).copied(), log),
        (2, 0) => (("zone.update", "Update network zone", "/api/v1/zones"), "NetworkZone"),
        (3, _) => return connects(life, session, (at_ms, leg), week, (people, log)),
        _ => (("policy.rule.update", "Update policy rule", "/api/v1/policies/rules"), "PolicyRule"),
    };
    let id = format!("{target}{}", life.random.hex(12));
    let draft = life.does(session, at_ms, &leg.at, what).target(target, &id, "unknown", target);
    log.add(draft);
}

/// A colleague helps out at the help desk.
fn promotes(
    life: &mut Life<'_>,
    session: &Session,
    (at_ms, leg): (i64, &Leg),
    colleague: Option<&Person>,
    log: &mut Log,
) {
    let Some(colleague) = colleague else { return };
    let what = ("user.account.privilege.grant", "Grant user privilege", "/api/v1/users/roles");
    let draft = life.does(session, at_ms, &leg.at, what).upon(colleague);
    log.add(draft.with("debugContext.debugData.privilegeGranted", "Help Desk administrator"));
}

/// A new application, whose first import brings some of the people.
fn connects(
    life: &mut Life<'_>,
    session: &Session,
    (at_ms, leg): (i64, &Leg),
    week: usize,
    (people, log): (&[&Person], &mut Log),
) {
    let source = (format!("0oaweekSource{week:07}"), format!("Source {week}"));
    let what = ("application.lifecycle.create", "Create application", "/api/v1/apps");
    let draft = life.does(session, at_ms, &leg.at, what);
    log.add(draft.target("AppInstance", &source.0, &source.1, &source.1));
    imports(&mut life.random, at_ms + 10 * MINUTE, people, (&source, 60), log);
}

/// Who answers the help desk's telephone: an administrator of the town, or any.
pub(super) fn desk(staff: &[Employee], town: usize) -> Option<&Employee> {
    let mut admins = staff.iter().filter(|who| who.admin);
    let near = admins.clone().find(|who| who.town == town % TOWNS.len());
    near.or_else(|| admins.next())
}
