//! What does an ordinary week of a company of two hundred look like in Okta's log?
//!
//! Three offices in three time zones, homes whose addresses change, a VPN, commuters, business trips,
//! telephones that answer pushes, keep-alives, application servers, scripts, imports; new telephones and
//! passwords, slips of the finger, lockouts, people who come and who go. Nobody means any harm: what
//! rules raise here is what an analyst would look at in vain. Records hold the event alone, without a
//! collector's envelope; [`day`](super::day) has those.

mod apps;
mod calendar;
mod life;
mod machines;
mod places;
mod staff;
mod turns;

use super::company::{Person, Vantage};
use super::day::{HOUR, Sample};
use super::event::Draft;
use super::random::Random;
use crate::config::Site;
use calendar::Day;
use life::Life;

/// What kind of week.
#[derive(Clone, Copy, Debug)]
pub struct Week {
    /// Those with a login, at most 400.
    pub employees: usize,
    /// From a Monday on; more than seven begin another week.
    pub days: usize,
    /// Telephones abroad reach the Internet where they are, instead of through their carrier at home.
    pub roaming: bool,
}

impl Default for Week {
    fn default() -> Self {
        Self { employees: 200, days: 7, roaming: false }
    }
}

/// The records of a week that begins at `monday_ms` (midnight in UTC, ms since the epoch), in the
/// order of their events. The same seed gives the same week, byte for byte.
pub fn week(seed: u64, monday_ms: i64, what: &Week) -> Vec<Sample> {
    let staff = staff::employees(seed, what.employees, what.days.div_ceil(7));
    let mut lives: Vec<Life<'_>> = staff.iter().map(|who| Life::new(seed, who, what.roaming)).collect();
    let mut log = Log::default();
    for number in 0..what.days {
        let midnight_ms = monday_ms + 24 * HOUR * i64::try_from(number).unwrap_or_default();
        let day = Day { number, midnight_ms };
        for life in &mut lives {
            lives_through(life, seed, day, &staff, &mut log);
        }
        machines::run(seed, day, &staff, &mut log);
    }
    log.samples.sort_by_key(|sample| sample.at_ms);
    log.samples
}

fn lives_through(life: &mut Life<'_>, seed: u64, day: Day, staff: &[staff::Employee], log: &mut Log) {
    let who = life.who;
    let mut random = Random::stream(seed, 5 + day.number as u64, who.number as u64);
    let legs = calendar::legs(&mut random, who, day);
    if let Some(desk) = machines::desk(staff, who.town) {
        turns::takes(life, desk, day, &legs, log);
    }
    life.works(day, &legs, log);
    if let Some(first) = legs.first().filter(|leg| leg.at == who.place().office && who.commutes) {
        life.commutes(first.from_ms, log);
    }
    if who.admin {
        let people: Vec<&Person> = staff.iter().map(|one| &one.person).collect();
        machines::administers(life, day, &legs, &people, log);
    }
}

/// What was written so far.
#[derive(Debug, Default)]
struct Log {
    samples: Vec<Sample>,
}

impl Log {
    fn add(&mut self, draft: Draft) {
        let payload = draft.json().to_string().into_bytes();
        self.samples.push(Sample { at_ms: draft.at_ms, payload });
    }
}

/// Every network of the week, for the sample GeoIP databases.
pub(super) fn networks() -> Vec<Vantage> {
    places::all()
}

/// The company's own ranges, as an administrator would configure them: offices are places, the VPN's
/// exit is none.
pub fn week_sites() -> Vec<Site> {
    let offices = places::TOWNS.iter().map(|town| site(&town.office, true));
    offices.chain([site(&places::VPN, false)]).collect()
}

fn site(of: &Vantage, located: bool) -> Site {
    Site {
        cidr: of.network.to_owned(),
        name: of.org.to_lowercase().replace(' ', "-"),
        country: located.then(|| of.place.country.to_owned()),
        city: located.then(|| of.place.city.to_owned()),
        lat: located.then_some(of.place.lat),
        lon: located.then_some(of.place.lon),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// 4 January 2027, a Monday.
    const MONDAY: i64 = 1_799_020_800_000;
    const SMALL: Week = Week { employees: 40, days: 7, roaming: false };

    #[test]
    fn the_same_seed_gives_the_same_week_and_another_seed_another() {
        let payloads =
            |seed| week(seed, MONDAY, &SMALL).into_iter().map(|one| one.payload).collect::<Vec<_>>();
        assert_eq!(payloads(1), payloads(1));
        assert_ne!(payloads(1), payloads(2));
    }

    #[test]
    fn a_weekend_is_quiet_and_every_kind_of_event_is_there() {
        let samples = week(1, MONDAY, &Week::default());
        assert!((40_000..80_000).contains(&samples.len()), "{} records", samples.len());
        assert!(samples.is_sorted_by_key(|sample| sample.at_ms));
        let weekend =
            samples.iter().filter(|sample| sample.at_ms >= MONDAY + 5 * 24 * HOUR + 12 * HOUR).count();
        assert!(weekend * 20 < samples.len(), "{weekend} of {}", samples.len());
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for sample in &samples {
            let event: Value = serde_json::from_slice(&sample.payload).unwrap();
            *kinds.entry(event["eventType"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        for kind in [
            "user.account.lock",
            "user.mfa.factor.reset_all",
            "user.lifecycle.deactivate",
            "user.session.end",
            "user.account.update_password",
            "system.org.rate_limit.warning",
            "app.oauth2.token.grant.id_token",
        ] {
            assert!(kinds.contains_key(kind), "{kind} is missing in {kinds:#?}");
        }
    }

    #[test]
    fn a_telephone_abroad_answers_from_there_only_if_it_roams() {
        let payloads = |roaming| week(1, MONDAY, &Week { roaming, ..Week::default() });
        let (home, abroad) = (payloads(false), payloads(true));
        assert!(home.iter().zip(&abroad).any(|(one, other)| one.payload != other.payload));
    }
}
