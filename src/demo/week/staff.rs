//! Who works at the week's company, with what, and what happens to them this week?

use super::places::{TOWNS, Town, address};
use crate::demo::company::{Person, Vantage};
use crate::demo::event::Agent;
use crate::demo::random::Random;

const FIRST: [&str; 20] = [
    "Ana", "Bruno", "Carla", "Duarte", "Elsa", "Filipe", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Luis",
    "Marta", "Nuno", "Olga", "Pedro", "Rita", "Simon", "Tessa", "Vera",
];
const LAST: [&str; 10] = [
    "Exemplo", "Muster", "Sample", "Beispiel", "Amostra", "Specimen", "Example", "Vorlage", "Modelo", "Probe",
];

/// A laptop's browser before and after it updates itself.
type Browser = [Agent; 2];

const CHROME: Browser = [
    crate::demo::event::CHROME_MAC,
    Agent {
        raw: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
        ..crate::demo::event::CHROME_MAC
    },
];
const EDGE: Browser = [
    crate::demo::event::EDGE_WINDOWS,
    Agent {
        raw: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
        ..crate::demo::event::EDGE_WINDOWS
    },
];
const ANDROID: Agent = Agent {
    raw: "B1EMO2APP3.com.okta.android.auth/8.25.0 OktaVerify/8.25.0 Android/16 Google/Pixel_9",
    os: "Android 16",
    browser: "UNKNOWN",
    device: "Mobile",
};

/// How somebody proves to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    /// A push to the telephone.
    Push,
    /// A push that asks for a number.
    Number,
    /// Okta Verify on the laptop itself.
    FastPass,
    /// A security key in the browser.
    Key,
}

/// What happens to somebody in a week, besides work. Days count from its Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// A business trip to the town of another office, so many further in the list.
    Trip { out: usize, back: usize, further: usize },
    /// A new telephone: with the help desk's help, or enrolled by oneself.
    NewPhone { day: usize, helped: bool },
    /// Too many wrong passwords; the help desk resets it.
    LockedOut { day: usize },
    /// The password is due.
    NewPassword { day: usize },
    /// The first day at work.
    Joins { day: usize },
    /// The last day at work.
    Leaves { day: usize },
    /// A new laptop.
    NewLaptop { day: usize },
}

/// Somebody who works here.
#[derive(Clone, Debug)]
pub(super) struct Employee {
    pub(super) number: usize,
    pub(super) person: Person,
    /// Place in [`TOWNS`].
    pub(super) town: usize,
    /// Everybody's line at home has an address that the provider changes on some day.
    line: Vantage,
    renumbered: Option<usize>,
    browser: Browser,
    /// The day on which the browser updates itself.
    updates: usize,
    pub(super) phone: Agent,
    pub(super) factor: Factor,
    /// Days of the week at the office, Monday the lowest bit.
    office_days: u8,
    pub(super) vpn: bool,
    pub(super) commutes: bool,
    pub(super) keep_alive: bool,
    pub(super) admin: bool,
    /// Week by week.
    turns: Vec<Turn>,
}

/// How many administrators there are; they are the first employees, and work from home by the VPN on Wednesdays.
const ADMINS: usize = 4;

impl Employee {
    pub(super) fn place(&self) -> &'static Town {
        TOWNS.get(self.town).unwrap_or(&TOWNS[0])
    }

    /// The address at home on a day: of those lines whose provider changes it, another from the same day of
    /// each week on.
    pub(super) fn home(&self, day: usize) -> Vantage {
        let changes = self.renumbered.map_or(0, |first| (day + 7 - first) / 7);
        address(&self.line, self.number + changes % 2 * 400)
    }

    /// The telephone's address: carriers share exits.
    pub(super) fn mobile(&self, random: &mut Random) -> Vantage {
        address(&self.place().carrier, random.below(40))
    }

    /// The browser of a session that begins on a day, before or after the update.
    pub(super) fn agent(&self, day: usize) -> Agent {
        self.browser[usize::from(day >= self.updates)]
    }

    pub(super) fn updates_on(&self, day: usize) -> bool {
        day == self.updates
    }

    pub(super) fn is_at_office(&self, day: usize) -> bool {
        self.office_days & (1 << (day % 7)) != 0
    }

    /// What happens in the week of a day.
    pub(super) fn turn(&self, day: usize) -> Turn {
        self.turns.get(day / 7).copied().unwrap_or(Turn::None)
    }

    /// Whether the account is there and used on a day.
    pub(super) fn is_employed(&self, on: usize) -> bool {
        self.turns.iter().enumerate().all(|(week, turn)| match turn {
            Turn::Joins { day } => on >= week * 7 + day,
            Turn::Leaves { day } => on <= week * 7 + day,
            _ => true,
        })
    }
}

/// The employees of a seed in so many weeks: at most 400 have addresses of their own.
pub(super) fn employees(seed: u64, count: usize, weeks: usize) -> Vec<Employee> {
    let deal = |week| turns(&mut Random::stream(seed, 1, week as u64), count);
    let mut dealt: Vec<Vec<Turn>> = (0..weeks).map(deal).collect();
    let mut next = || once(dealt.iter_mut().map(|week| week.pop().unwrap_or(Turn::None)).collect());
    (0..count).map(|number| employee(seed, number, next())).collect()
}

/// Nobody comes or goes twice.
fn once(mut turns: Vec<Turn>) -> Vec<Turn> {
    let is_change = |turn: &Turn| matches!(turn, Turn::Joins { .. } | Turn::Leaves { .. });
    if let Some(first) = turns.iter().position(is_change) {
        let again = turns.iter_mut().skip(first + 1).filter(|turn| is_change(turn));
        again.for_each(|turn| *turn = Turn::None);
    }
    turns
}

fn employee(seed: u64, number: usize, turns: Vec<Turn>) -> Employee {
    let mut random = Random::stream(seed, 2, number as u64);
    let town = match random.below(10) {
        0..5 => 0,
        5..8 => 1,
        _ => 2,
    };
    let admin = number < ADMINS;
    let line = TOWNS[town].homes[random.below(3)];
    let mac = random.percent(60);
    Employee {
        number,
        person: person(number, line, mac),
        town,
        line,
        renumbered: random.percent(30).then(|| random.below(7)),
        browser: if mac { CHROME } else { EDGE },
        updates: random.below(9),
        phone: if random.percent(50) { crate::demo::event::VERIFY_PHONE } else { ANDROID },
        factor: [Factor::Push, Factor::Push, Factor::Number, Factor::FastPass, Factor::Key][random.below(5)],
        office_days: if admin { 0b1_1011 } else { office_days(&mut random) },
        vpn: random.percent(35) || admin,
        commutes: random.percent(30),
        keep_alive: mac && random.percent(30),
        admin,
        turns: if admin { Vec::new() } else { turns },
    }
}

fn person(number: usize, home: Vantage, mac: bool) -> Person {
    let (first, last) = (FIRST[number % FIRST.len()], LAST[number / FIRST.len() % LAST.len()]);
    let more = number / (FIRST.len() * LAST.len());
    let suffix = if more == 0 { String::new() } else { more.to_string() };
    Person {
        id: format!("00uweek{number:05}User{number:04}"),
        login: format!("{}.{}{suffix}@example.com", first.to_lowercase(), last.to_lowercase()),
        name: format!("{first} {last}{suffix}"),
        home,
        mac,
    }
}

/// Some never come, some always, most on two to four days.
fn office_days(random: &mut Random) -> u8 {
    match random.below(10) {
        0 | 1 => 0,
        2 => 0b1_1111,
        _ => (0..5).filter(|_| random.percent(55)).fold(0, |days, day| days | 1 << day),
    }
}

/// What happens this week, one for each employee, in no order.
fn turns(random: &mut Random, count: usize) -> Vec<Turn> {
    let mut turns = vec![Turn::None; count];
    for (number, turn) in turns.iter_mut().enumerate().take(count * 21 / 100) {
        let day = random.below(5);
        *turn = match number % 21 {
            0..4 => trip(random),
            4..7 => Turn::NewPhone { day, helped: number % 21 == 4 },
            7..10 => Turn::LockedOut { day },
            10..17 => Turn::NewPassword { day },
            17..19 => Turn::Joins { day: day / 2 * 2 },
            19 => Turn::Leaves { day },
            _ => Turn::NewLaptop { day },
        };
    }
    // By the way of Fisher and Yates.
    for last in (1..count).rev() {
        turns.swap(last, random.below(last + 1));
    }
    turns
}

fn trip(random: &mut Random) -> Turn {
    let out = random.below(3);
    Turn::Trip { out, back: out + 1 + random.below(2), further: 1 + random.below(TOWNS.len() - 1) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn logins_and_addresses_are_their_owners_alone() {
        let staff = employees(1, 400, 1);
        let logins: BTreeSet<&str> = staff.iter().map(|one| one.person.login.as_str()).collect();
        assert_eq!(logins.len(), 400);
        let homes: BTreeSet<_> =
            staff.iter().flat_map(|one| [one.home(0), one.home(8)].map(|at| at.ip)).collect();
        let moved = staff.iter().filter(|one| one.home(0) != one.home(8)).count();
        assert_eq!(homes.len(), 400 + moved);
    }

    #[test]
    fn a_week_has_its_share_of_everything_that_happens_to_people() {
        let staff = employees(1, 200, 1);
        let count = |is: fn(&Turn) -> bool| staff.iter().filter(|one| is(&one.turn(0))).count();
        assert!(count(|turn| matches!(turn, Turn::Trip { .. })) >= 4);
        assert!(count(|turn| matches!(turn, Turn::NewPhone { .. })) >= 3);
        assert!(count(|turn| matches!(turn, Turn::LockedOut { .. })) >= 3);
        assert!(count(|turn| matches!(turn, Turn::Joins { .. })) >= 2);
        assert!(count(|turn| matches!(turn, Turn::None)) > 140);
    }

    #[test]
    fn each_week_deals_anew_and_nobody_comes_or_goes_twice() {
        let staff = employees(1, 200, 4);
        let is_change = |turn: &Turn| matches!(turn, Turn::Joins { .. } | Turn::Leaves { .. });
        let changes = |one: &Employee| (0..4).filter(|week| is_change(&one.turn(week * 7))).count();
        assert!(staff.iter().all(|one| changes(one) <= 1));
        for week in 0..4 {
            let happens = staff.iter().filter(|one| one.turn(week * 7 + 3) != Turn::None).count();
            assert!((30..60).contains(&happens), "{happens}");
        }
        let one_week = employees(1, 200, 1);
        assert!(one_week.iter().zip(&staff).all(|(one, other)| one.turn(0) == other.turn(0)));
    }
}
