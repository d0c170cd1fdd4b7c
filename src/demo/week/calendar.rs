//! Where is somebody on which day, and from when to when?

use super::places::{TOWNS, Town, VPN, address};
use super::staff::{Employee, Turn};
use crate::demo::company::Vantage;
use crate::demo::day::{HOUR, MINUTE};
use crate::demo::random::Random;

/// A while at one address with the laptop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    /// ms since the epoch.
    pub(super) from_ms: i64,
    /// ms since the epoch; the next begins here or later.
    pub(super) to_ms: i64,
    pub(super) at: Vantage,
}

/// One day of the week.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    /// From 0.
    pub(super) number: usize,
    /// Midnight in UTC, ms since the epoch.
    pub(super) midnight_ms: i64,
}

impl Day {
    /// So many minutes after midnight by a town's clocks.
    fn clock(self, town: &Town, minutes: i64) -> i64 {
        self.midnight_ms - town.offset_h * HOUR + minutes * MINUTE
    }

    /// Work begins; days start on a Monday.
    pub(super) fn opens(self, town: &Town) -> i64 {
        self.clock(town, 8 * 60)
    }

    /// From 0, a Monday.
    pub(super) fn of_week(self) -> usize {
        self.number % 7
    }

    pub(super) fn is_weekend(self) -> bool {
        self.of_week() >= 5
    }
}

/// What an airport takes besides the flight.
const AIRPORTS: i64 = 3 * HOUR + 30 * MINUTE;

/// The day's way with the laptop, in the order of time; empty if there is none.
pub(super) fn legs(random: &mut Random, who: &Employee, day: Day) -> Vec<Leg> {
    if !who.is_employed(day.number) {
        return Vec::new();
    }
    if let Turn::Trip { out, back, further } = who.turn(day.number)
        && (out..=back).contains(&day.of_week())
    {
        let there = &TOWNS[(who.town + further) % TOWNS.len()];
        return match day.of_week() {
            number if number == out => flies_out(random, who, there, day),
            number if number == back => flies_back(random, who, there, day),
            _ => works_there(random, who, there, day),
        };
    }
    let home = who.home(day.number);
    if day.is_weekend() {
        let from_ms = day.clock(who.place(), random.between(10 * 60, 20 * 60));
        let looks = random.percent(8);
        let to_ms = from_ms + 30 * MINUTE;
        return if looks { vec![Leg { from_ms, to_ms, at: home }] } else { Vec::new() };
    }
    let from_ms = day.clock(who.place(), random.between(8 * 60, 9 * 60 + 45));
    let to_ms = day.clock(who.place(), random.between(17 * 60, 18 * 60 + 30));
    if who.is_at_office(day.number) || joins(who, day) {
        with_a_break(random, who, Leg { from_ms, to_ms, at: who.place().office })
    } else if who.vpn {
        with_vpn(random, Leg { from_ms, to_ms, at: home })
    } else {
        vec![Leg { from_ms, to_ms, at: home }]
    }
}

fn joins(who: &Employee, day: Day) -> bool {
    matches!(who.turn(day.number), Turn::Joins { day: first } if first == day.of_week())
}

/// Now and then lunch with the laptop in a café.
fn with_a_break(random: &mut Random, who: &Employee, whole: Leg) -> Vec<Leg> {
    if !random.percent(5) {
        return vec![whole];
    }
    let leaves = whole.from_ms + random.between(3 * HOUR, 4 * HOUR);
    let (sits, rises) = (leaves + 15 * MINUTE, leaves + 60 * MINUTE);
    let cafe = address(&who.place().guests, random.below(200));
    vec![
        Leg { to_ms: leaves, ..whole },
        Leg { from_ms: sits, to_ms: rises, at: cafe },
        Leg { from_ms: rises + 15 * MINUTE, ..whole },
    ]
}

/// The VPN is on for some hours.
fn with_vpn(random: &mut Random, whole: Leg) -> Vec<Leg> {
    let on_ms = whole.from_ms + random.between(10 * MINUTE, 3 * HOUR);
    let off_ms = on_ms + random.between(HOUR, 4 * HOUR);
    vec![
        Leg { to_ms: on_ms, ..whole },
        Leg { from_ms: on_ms, to_ms: off_ms, at: VPN },
        Leg { from_ms: off_ms, ..whole },
    ]
}

/// Hours in the air between two towns.
fn flight(one: &Town, other: &Town) -> i64 {
    if (one.offset_h - other.offset_h).abs() > 3 { 8 * HOUR + 30 * MINUTE } else { 3 * HOUR + 30 * MINUTE }
}

fn flies_out(random: &mut Random, who: &Employee, there: &Town, day: Day) -> Vec<Leg> {
    let from_ms = day.clock(who.place(), random.between(6 * 60, 7 * 60));
    let leaves = from_ms + 45 * MINUTE;
    let arrives = leaves + AIRPORTS + flight(who.place(), there);
    let hotel = address(&there.guests, random.below(200));
    vec![
        Leg { from_ms, to_ms: leaves, at: who.home(day.number) },
        Leg { from_ms: arrives, to_ms: arrives + 90 * MINUTE, at: hotel },
    ]
}

fn works_there(random: &mut Random, who: &Employee, there: &Town, day: Day) -> Vec<Leg> {
    let from_ms = day.clock(there, random.between(9 * 60, 9 * 60 + 30));
    let hotel = address(&there.guests, who.number % 200);
    vec![
        Leg { from_ms, to_ms: day.clock(there, 17 * 60), at: there.office },
        Leg { from_ms: day.clock(there, 20 * 60), to_ms: day.clock(there, 21 * 60), at: hotel },
    ]
}

fn flies_back(random: &mut Random, who: &Employee, there: &Town, day: Day) -> Vec<Leg> {
    let from_ms = day.clock(there, random.between(8 * 60, 9 * 60));
    let leaves = from_ms + HOUR;
    let arrives = leaves + AIRPORTS + flight(who.place(), there);
    vec![
        Leg { from_ms, to_ms: leaves, at: there.office },
        Leg { from_ms: arrives, to_ms: arrives + HOUR, at: who.home(day.number) },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::staff::employees;
    use super::*;

    #[test]
    fn nobody_is_at_two_places_or_faster_than_a_plane() {
        for who in employees(3, 200, 2) {
            let mut before: Option<Leg> = None;
            for number in 0..14 {
                let day = Day { number, midnight_ms: number as i64 * 24 * HOUR };
                let mut random = Random::stream(3, number as u64, who.number as u64);
                for leg in legs(&mut random, &who, day) {
                    assert!(leg.from_ms < leg.to_ms, "{leg:?}");
                    let other = before.filter(|last| last.at.place.country != leg.at.place.country);
                    let flown = other.is_some_and(|last| last.at.network != VPN.network);
                    let gap = before.map_or(i64::MAX, |last| leg.from_ms - last.to_ms);
                    let least = if flown && leg.at.network != VPN.network { 6 * HOUR } else { 0 };
                    assert!(gap >= least, "{who:?} {before:?} {leg:?}");
                    before = Some(leg);
                }
            }
        }
    }
}
