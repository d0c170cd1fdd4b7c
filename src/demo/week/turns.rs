//! What does it leave in the log when something happens to somebody's account?

use super::Log;
use super::calendar::{Day, Leg};
use super::life::Life;
use super::places::address;
use super::staff::{Employee, Turn};
use crate::demo::company::Person;
use crate::demo::day::{HOUR, MINUTE, Session};
use crate::demo::event::{Draft, EDGE_WINDOWS};

/// The day's turn of one employee, if it is the day.
pub(super) fn takes(life: &mut Life<'_>, desk: &Employee, day: Day, legs: &[Leg], log: &mut Log) {
    let Some(first) = legs.first() else { return };
    match life.who.turn(day.number) {
        Turn::NewPhone { day: on, helped } if on == day.of_week() => {
            changes_phone(life, desk, helped, day, first, log)
        }
        Turn::LockedOut { day: on } if on == day.of_week() => locks_out(life, desk, day, first, log),
        Turn::NewPassword { day: on } if on == day.of_week() => changes_password(life, day, first, log),
        Turn::NewPassword { day: on } if on + 1 == day.of_week() => forgets(life, day, first, log),
        Turn::Joins { day: on } if on == day.of_week() => joins(life, day, first, log),
        Turn::NewLaptop { day: on } if on == day.of_week() => life.changes_laptop(),
        Turn::Leaves { day: on } if on == day.of_week() => leaves(life, (desk, day), legs, log),
        _ => {}
    }
}

/// An event of whoever answers the help desk's telephone, in the office or at home.
fn counter(
    life: &mut Life<'_>,
    (desk, day): (&Employee, Day),
    at_ms: i64,
    what: (&str, &str, &str),
    upon: &Person,
) -> Draft {
    let session = Session {
        id: format!("idxDesk{:03}{:010}", desk.number, at_ms / (24 * HOUR)),
        device_token: format!("{:064x}", desk.number + 1),
        agent: EDGE_WINDOWS,
    };
    let at = if desk.is_at_office(day.number) { desk.place().office } else { desk.home(day.number) };
    session.does(&mut life.random, &desk.person, at_ms, &at, what).upon(upon)
}

/// The old telephone is gone: the help desk resets the factors, or the user enrols the new one beside the old.
fn changes_phone(life: &mut Life<'_>, desk: &Employee, helped: bool, day: Day, leg: &Leg, log: &mut Log) {
    let at_ms = leg.from_ms + 40 * MINUTE;
    let person = life.who.person.clone();
    if helped {
        let reset = ("user.mfa.factor.reset_all", "Reset all factors for user", "/api/v1/users/factors");
        let draft = counter(life, (desk, day), at_ms - 15 * MINUTE, reset, &person);
        log.add(draft);
    }
    let session = life.session(day.number, at_ms);
    enrols(life, &session, at_ms, leg, log);
    if !helped {
        let off = ("user.mfa.factor.deactivate", "Reset factor for user", "/api/v1/users/me/factors");
        let draft = life.does(&session, at_ms + 5 * MINUTE, &leg.at, off).upon(&person);
        log.add(draft);
    }
}

/// Okta Verify on a telephone, and the mail about it.
fn enrols(life: &mut Life<'_>, session: &Session, at_ms: i64, leg: &Leg, log: &mut Log) {
    let person = life.who.person.clone();
    let (device, name) = (format!("guo{}", life.random.hex(17)), format!("{}'s phone", person.name));
    let enrol = (
        "user.mfa.factor.activate",
        "Activate factor or authenticator enrollment for user",
        "/idp/idx/credential/enroll",
    );
    let draft = life.does(session, at_ms, &leg.at, enrol);
    log.add(draft.upon(&person).with("debugContext.debugData.factor", "OKTA_VERIFY_PUSH"));
    let phone = life.who.phone;
    let draft = Draft::new(&mut life.random, at_ms - 900, "device.enrollment.create", "Device enrolled")
        .by(&person)
        .from(&leg.at, phone, "/idp/authenticators")
        .target("UDDevice", &device, "unknown", &name)
        .upon(&person);
    log.add(draft);
    let mail = "system.email.mfa_enroll_notification.sent_message";
    let draft =
        Draft::new(&mut life.random, at_ms + 3_000, mail, "Send MFA enroll notification email").upon(&person);
    log.add(draft);
}

/// Five wrong passwords in four minutes, a lock, and a call to the help desk.
fn locks_out(life: &mut Life<'_>, desk: &Employee, day: Day, leg: &Leg, log: &mut Log) {
    let at_ms = leg.from_ms + HOUR;
    let session = life.session(day.number, at_ms);
    for time in 0..5 {
        life.mistypes(&session, at_ms + time * 45_000, &leg.at, log);
    }
    let person = life.who.person.clone();
    let lock = ("user.account.lock", "Max sign in attempts exceeded", "/idp/idx/identify");
    let draft = life.does(&session, at_ms + 181_000, &leg.at, lock).session("unknown", &session.device_token);
    log.add(draft.upon(&person).outcome("FAILURE", Some("LOCKED_OUT")));
    let unlock = ("user.account.unlock", "Unlock user account", "/api/v1/users/lifecycle/unlock");
    let draft = counter(life, (desk, day), at_ms + 12 * MINUTE, unlock, &person);
    log.add(draft);
    let reset = (
        "user.account.reset_password",
        "Fired when the user's Okta password is reset",
        "/api/v1/users/lifecycle",
    );
    let draft = counter(life, (desk, day), at_ms + 13 * MINUTE, reset, &person);
    log.add(draft);
    let update =
        ("user.account.update_password", "User update password for Okta", "/idp/idx/challenge/answer");
    let draft = life.does(&session, at_ms + 20 * MINUTE, &leg.at, update).upon(&person);
    log.add(draft);
    life.enters(&session, at_ms + 21 * MINUTE, &leg.at, log);
}

/// A new password; what remembers the old one fails until it is told.
fn changes_password(life: &mut Life<'_>, day: Day, leg: &Leg, log: &mut Log) {
    let at_ms = leg.from_ms + 2 * HOUR;
    let session = life.session(day.number, at_ms);
    let person = life.who.person.clone();
    let update = ("user.account.update_password", "User update password for Okta", "/enduser/settings");
    let draft = life.does(&session, at_ms, &leg.at, update).upon(&person);
    log.add(draft);
    if life.who.keep_alive {
        for time in 1..life.random.between(3, 7) {
            life.verifies(at_ms + time * 15 * MINUTE, &leg.at, "FAILURE", log);
        }
    }
}

/// The morning after.
fn forgets(life: &mut Life<'_>, day: Day, leg: &Leg, log: &mut Log) {
    let session = life.session(day.number, leg.from_ms);
    for time in 1..=life.random.between(1, 4) {
        life.mistypes(&session, leg.from_ms - time * 20_000, &leg.at, log);
    }
}

/// The import has made the account; the user chooses a password and enrols a telephone.
fn joins(life: &mut Life<'_>, day: Day, leg: &Leg, log: &mut Log) {
    let person = life.who.person.clone();
    let made_ms = day.opens(life.who.place()) - 3 * HOUR;
    for (number, (event_type, message)) in [
        ("user.lifecycle.create", "Create Okta user"),
        ("user.lifecycle.activate", "Activate Okta user"),
        ("group.user_membership.add", "Add user to group membership"),
        ("application.user_membership.add", "Add user to application membership"),
    ]
    .into_iter()
    .enumerate()
    {
        let at_ms = made_ms + number as i64 * 1_200;
        let draft = Draft::new(&mut life.random, at_ms, event_type, message).upon(&person);
        log.add(draft);
    }
    let at_ms = leg.from_ms - 20 * MINUTE;
    let session = life.session(day.number, at_ms);
    let update = ("user.account.update_password", "User update password for Okta", "/welcome");
    let draft = life.does(&session, at_ms, &leg.at, update).upon(&person);
    log.add(draft);
    enrols(life, &session, at_ms + 4 * MINUTE, leg, log);
    let start = ("user.session.start", "User login to Okta", "/welcome");
    let draft = life.does(&session, at_ms + 5 * MINUTE, &leg.at, start);
    log.add(draft);
}

/// At the end of the last day an administrator ends the sessions and shuts the account; the telephone tries on.
fn leaves(life: &mut Life<'_>, (desk, day): (&Employee, Day), legs: &[Leg], log: &mut Log) {
    let Some(last) = legs.last() else { return };
    let person = life.who.person.clone();
    for (offset, event_type, message) in [
        (10 * MINUTE, "user.session.clear", "Clear user session"),
        (11 * MINUTE, "user.lifecycle.deactivate", "Deactivate Okta user"),
        (11 * MINUTE + 2_000, "application.user_membership.remove", "Remove user's application membership"),
    ] {
        let draft = counter(
            life,
            (desk, day),
            last.to_ms + offset,
            (event_type, message, "/api/v1/users/lifecycle"),
            &person,
        );
        log.add(draft);
    }
    let session = life.session(0, last.to_ms);
    let at = address(&life.who.place().carrier, life.who.number % 40);
    life.mistypes(&session, last.to_ms + 3 * HOUR, &at, log);
}
