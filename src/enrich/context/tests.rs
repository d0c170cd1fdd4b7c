//! Do sessions, users, tokens, principals and travel come together as they should?

use super::*;
use crate::enrich::causes::cause;
use crate::enrich::testing::{event, observation, place};
use crate::model::{FieldId, Said, Value};

const LISBON: (f64, f64) = (38.72, -9.14);
const BERLIN: (f64, f64) = (52.52, 13.40);

fn context(sessions: usize, users: usize) -> Context {
    let limits = config::Limits { sessions, users, ..config::Limits::default() };
    Context::new(Arc::default(), &limits)
}

fn run(context: &mut Context, at_ms: i64, values: &[(FieldId, Value<'_>)]) -> (Enriched, Tally) {
    let mut tally = Tally::default();
    let place = place("203.0.113.1", "PT", 1, Some(LISBON));
    let uuid = at_ms.to_string();
    let enriched = context.enrich(observation(event(at_ms, &uuid, values), Some(place)), false, &mut tally);
    (enriched, tally)
}

#[test]
fn session_user_and_travel_come_together() {
    let mut context = context(10, 10);
    run(&mut context, 0, &[]);
    let berlin = place("198.51.100.1", "DE", 2, Some(BERLIN));
    let event = event(1_800_000, "leap", &[(core::SESSION_ID, Value::Text("idxtwo"))]);
    let enriched = context.enrich(observation(event, Some(berlin)), true, &mut Tally::default());
    let (session, user, travel) =
        (enriched.session.unwrap(), enriched.user.unwrap(), enriched.travel.unwrap());
    assert_eq!((session.id.as_str(), session.events, session.concurrent), ("idxtwo", 1, 2));
    assert_eq!((user.id.as_str(), user.login.as_str(), user.events), ("00uana", "ana@example.com", 2));
    assert!(user.new_country && user.new_asn);
    assert!(travel.km > 2000.0 && travel.kmh > 4000.0);
    assert_eq!(travel.from_uuid, "0");
    assert!(enriched.late);
    assert_eq!(context.held(), (2, 1));
}

#[test]
fn what_a_token_does_is_not_the_user_s_own() {
    let mut context = context(10, 10);
    let type_of = |kind| (core::EVENT_TYPE, Value::Text(kind));
    run(&mut context, 0, &[type_of("user.session.access_admin_app")]);
    let target = [(core::TARGET_TYPE, Value::Text("Token")), (core::TARGET_ID, Value::Text("00T1"))];
    let (made, _) = run(&mut context, 60_000, &[type_of("system.api_token.create"), target[0], target[1]]);
    assert_eq!(made.token.unwrap().uses, 0);
    let used = [(core::API_TOKEN_ID, Value::Text("00T1")), type_of("user.lifecycle.create")];
    let berlin = place("198.51.100.1", "DE", 2, Some(BERLIN));
    let observation = observation(event(120_000, "used", &used), Some(berlin));
    let enriched = context.enrich(observation, false, &mut Tally::default());
    let (token, user) = (enriched.token.unwrap(), enriched.user.unwrap());
    assert_eq!((token.id.as_str(), token.uses, token.age_s), ("00T1", 1, Some(60)));
    assert!(token.elsewhere && token.owner_admin);
    assert!(enriched.session.is_none() && enriched.travel.is_none() && enriched.admin.is_none());
    assert!(!user.new_country && !user.new_asn);
    let (own, _) = run(&mut context, 180_000, &[]);
    assert_eq!(own.session.unwrap().events, 3);
    assert!(own.travel.is_none() && own.token.is_none() && own.admin.is_some());
}

#[test]
fn the_same_token_of_two_owners_is_two() {
    let mut context = context(10, 10);
    let used = [(core::API_TOKEN_ID, Value::Text("00T1")), (core::ACTOR_ID, Value::Text("00uben"))];
    run(&mut context, 0, &used[..1]);
    assert_eq!(run(&mut context, 1, &used).0.token.unwrap().uses, 1);
    assert_eq!(run(&mut context, 2, &used[..1]).0.token.unwrap().uses, 2);
}

#[test]
fn strangers_and_services_make_no_user() {
    let mut context = context(10, 10);
    let stranger = [
        (core::ACTOR_ID, Value::Text("")),
        (core::SESSION_ID, Value::Text("")),
        (core::OUTCOME_RESULT, Value::Text("FAILURE")),
    ];
    let service =
        [(core::ACTOR_TYPE, Value::Text("SystemPrincipal")), (core::SESSION_ID, Value::Text("trs1"))];
    for values in [&stranger[..], &service[..]] {
        let (enriched, _) = run(&mut context, 0, values);
        assert!(enriched.user.is_none() && enriched.session.is_none() && enriched.travel.is_none());
    }
    assert_eq!(context.held(), (0, 0));
}

#[test]
fn a_failed_sign_in_from_afar_does_not_make_the_place_known() {
    let mut context = context(10, 10);
    run(&mut context, 0, &[]);
    let berlin = || Some(place("198.51.100.1", "DE", 2, Some(BERLIN)));
    let mut visit = |at_ms, result| {
        let event = event(at_ms, &at_ms.to_string(), &[(core::OUTCOME_RESULT, Value::Text(result))]);
        let enriched = context.enrich(observation(event, berlin()), false, &mut Tally::default());
        (enriched.user.unwrap().new_country, enriched.travel.is_some())
    };
    assert_eq!(visit(10, "FAILURE"), (false, false));
    assert_eq!(visit(20, "SUCCESS"), (true, true));
}

#[test]
fn what_goes_at_the_bound_is_counted_by_table() {
    let mut context = context(2, 1);
    run(&mut context, 0, &[]);
    let (_, tally) = run(&mut context, 1, &[(core::SESSION_ID, Value::Text("idxtwo"))]);
    assert!(tally.evicted_state.is_empty());
    let other = [(core::SESSION_ID, Value::Text("idxthree")), (core::ACTOR_ID, Value::Text("00uben"))];
    let (_, tally) = run(&mut context, 2, &other);
    assert_eq!(tally.evicted_state, [("habits", 1), ("users", 1), ("sessions", 1)]);
    assert_eq!(context.held(), (2, 1));
}

#[test]
fn the_watermark_forgets_quiet_sessions_and_never_goes_back() {
    let mut context = context(10, 10);
    run(&mut context, 0, &[]);
    context.expire(limits::SESSION_QUIET_MS, &mut Tally::default());
    assert_eq!(context.held(), (1, 1));
    context.expire(limits::SESSION_QUIET_MS + 120_000, &mut Tally::default());
    context.expire(0, &mut Tally::default());
    assert_eq!(context.held(), (0, 1));
    let (enriched, _) = run(&mut context, limits::SESSION_QUIET_MS + 120_000, &[]);
    assert_eq!(enriched.session.unwrap().events, 1);
    assert_eq!(enriched.user.unwrap().events, 2);
}

#[test]
fn orgs_are_kept_apart() {
    let mut context = context(10, 10);
    run(&mut context, 0, &[]);
    let mut other = event(1, "u", &[]);
    other.org = Some(Arc::from("other"));
    let enriched = context.enrich(observation(other, None), false, &mut Tally::default());
    assert_eq!((enriched.session.unwrap().events, enriched.user.unwrap().events), (1, 1));
}

#[test]
fn who_was_given_a_role_is_an_administrator_until_it_is_taken_away() {
    let mut context = context(10, 10);
    let reason = |context: &mut Context, at_ms| run(context, at_ms, &[]).0.principal.is.reason.as_str();
    let tell = |context: &mut Context, of, at_ms| {
        let said = Said { of, at_ms, uuid: at_ms.to_string().into(), ..Said::default() };
        let notice = Notice { org: Some(Arc::from("acme")), id: "00uana".into(), said, ..Notice::default() };
        context.notice(&notice, &mut Tally::default());
    };
    assert_eq!(reason(&mut context, 0), "user");
    tell(&mut context, NoticeKind::RoleGranted, 10);
    assert_eq!((reason(&mut context, 5), reason(&mut context, 20)), ("user", "holds_role"));
    tell(&mut context, NoticeKind::RoleRevoked, 30);
    assert_eq!(reason(&mut context, 40), "user");
}

#[test]
fn what_okta_answers_is_told_with_what_it_is() {
    let mut context = context(10, 10);
    let change = [(core::EVENT_TYPE, Value::Text("user.account.update_password"))];
    let cause = cause(&observation(event(0, "cause", &change), None)).unwrap();
    context.notice(&cause, &mut Tally::default());
    let system = [
        (core::ACTOR_TYPE, Value::Text("SystemPrincipal")),
        (core::EVENT_TYPE, Value::Text("system.email.password_reset.sent_message")),
        (core::TARGET_TYPE, Value::Text("User")),
        (core::TARGET_ID, Value::Text("00uana")),
    ];
    let facts = run(&mut context, 1_000, &system).0.principal.system.unwrap();
    assert_eq!((facts.class.as_str(), facts.reason.as_str()), ("reaction", "message"));
    assert_eq!(facts.cause.unwrap().uuid, "cause");
}

#[test]
fn a_flood_of_failed_sign_ins_costs_no_session_and_no_user_that_got_in() {
    let mut context = context(20, 20);
    run(&mut context, 0, &[]);
    let failed = (core::OUTCOME_RESULT, Value::Text("FAILURE"));
    let mut tally = Tally::default();
    for n in 1..500_i64 {
        let (session, user) = (format!("idx{n}"), format!("00u{n}"));
        let values = [failed, (core::SESSION_ID, Value::Text(&session))];
        let id = if n % 2 == 0 { user.as_str() } else { "" };
        let (_, more) = run(&mut context, n, &[values[0], values[1], (core::ACTOR_ID, Value::Text(id))]);
        more.evicted_state.into_iter().for_each(|(table, count)| tally.evict(table, count));
    }
    assert_eq!(context.held(), (20, 20));
    tally.evicted_state.sort_unstable();
    assert_eq!(tally.evicted_state, [("sessions", 480), ("users", 230)]);
    let (enriched, _) = run(&mut context, 1_000, &[]);
    assert_eq!((enriched.session.unwrap().events, enriched.user.unwrap().events), (2, 2));
}

#[test]
fn whoever_was_at_a_browser_lately_is_a_person_whatever_programs_do() {
    const DAY_MS: i64 = 24 * 3_600_000;
    const AGENT: FieldId = core::CLIENT_USER_AGENT;
    let browser = |name| {
        [(AGENT, Value::Text("Mozilla/5.0 (X11) Firefox/140.0")), (core::CLIENT_BROWSER, Value::Text(name))]
    };
    let after_ten_days_of_a_program = |first: &[(FieldId, Value<'_>)]| {
        let mut context = context(10, 10);
        run(&mut context, 0, first);
        let token = [(core::API_TOKEN_ID, Value::Text("00T1"))];
        (1..=10).for_each(|day| drop(run(&mut context, day * DAY_MS, &token)));
        let facts = run(&mut context, 12 * DAY_MS, &browser("FIREFOX")).0.principal;
        (facts.is.class.as_str(), facts.is.reason.as_str())
    };
    assert_eq!(after_ten_days_of_a_program(&browser("FIREFOX")), ("human", "user"));
    let script = [(AGENT, Value::Text("curl/8.5.0")), (core::CLIENT_BROWSER, Value::Text("UNKNOWN"))];
    assert_eq!(after_ten_days_of_a_program(&script), ("service_account", "never_interactive"));
}

#[test]
fn every_table_tells_how_much_it_holds() {
    let mut context = context(10, 10);
    let held = |context: &Context| {
        context
            .entries()
            .into_iter()
            .filter(|(_, held)| *held > 0)
            .map(|(table, _)| table)
            .collect::<Vec<_>>()
    };
    assert!(held(&context).is_empty());
    run(&mut context, 0, &[(core::CLIENT_BROWSER, Value::Text("FIREFOX"))]);
    assert_eq!(held(&context), ["habits"]);
    run(&mut context, 1, &[(core::API_TOKEN_ID, Value::Text("00T1"))]);
    assert_eq!(held(&context), ["tokens", "principals", "habits"]);
    run(&mut context, 2, &[(core::ACTOR_TYPE, Value::Text("PublicClientApp"))]);
    let check = [
        (core::REQUEST_URI, Value::Text("/api/v1/authn")),
        (core::CLIENT_USER_AGENT, Value::Text("Checker/2.1")),
    ];
    run(&mut context, 3, &check);
    assert_eq!(held(&context), ["tokens", "principals", "granters", "habits", "machines"]);
}
