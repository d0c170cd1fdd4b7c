//! Which machines of a user send keep-alives, and where is the one at home?
//!
//! A machine is at home in the network of its latest cluster. One that changes its network, by a VPN or on
//! the way to work, moves its home: a network that it has not sent from before takes over once it has sent
//! [`limits::KEEPALIVE_CLUSTERS`] clusters. If two networks send in the period at the same time, there are two
//! machines, even if they look the same; home is then where keep-alives have come from for longest.

use super::keepalive::{Sent, Settings, Spot};
use super::machine::{Home, Machine};
use super::travel::great_circle;
use crate::durable;
use crate::limits;
use crate::model::{HomeConfidence, HomeFacts, KeepaliveFacts, KeepaliveReason, Tally};

/// The machines of one user.
#[derive(Debug, Default)]
pub(super) struct Machines(Vec<Machine>);

durable!(Machines { 0 });

/// Where an event is, as far as it tells its user's place.
#[derive(Debug)]
pub(super) struct Here {
    /// When.
    pub at_s: i64,
    /// The machine, if the event names one.
    pub machine: Option<u32>,
    /// The user's own place, if the event tells it.
    pub spot: Option<Spot>,
    /// It is the organisation's own, or everybody's: nobody is elsewhere there.
    pub is_shared: bool,
}

/// The machine at home.
struct AtHome<'a> {
    machine: &'a Machine,
    home: &'a Home,
    goes_on: bool,
}

impl Machines {
    /// Whether taking the event in would change anything.
    pub fn is_news(&self, sent: &Sent, settings: &Settings) -> bool {
        match self.find(sent.machine) {
            Some(machine) => {
                !machine.beats.has(sent.beat) && (sent.is_done || machine.awaits(sent.beat, settings))
            }
            None => sent.is_done,
        }
    }

    /// Takes in what may be a keep-alive.
    pub fn learn(&mut self, sent: &Sent, settings: &Settings, tally: &mut Tally) {
        if self.find(sent.machine).is_none() {
            self.add(sent, tally);
        }
        if let Some(machine) = self.0.iter_mut().find(|machine| machine.id == sent.machine) {
            machine.learn(sent, settings.measure, tally);
        }
    }

    /// What it is, after it was taken in; none if it is no keep-alive, or nothing shows that yet.
    pub fn judge(&self, sent: &Sent, settings: &Settings) -> Option<KeepaliveFacts> {
        let machine = self.find(sent.machine).filter(|machine| machine.is_proven())?;
        let in_time = !sent.is_browser || machine.is_in_time(sent.beat, settings.measure);
        if !machine.beats.has(sent.beat) || !in_time {
            return None;
        }
        let reason = if machine.is_named { KeepaliveReason::UserAgent } else { KeepaliveReason::Rhythm };
        Some(KeepaliveFacts {
            reason,
            period_s: machine.period_s,
            clusters: machine.clusters,
            emitter: machine.id,
            machines: self.count(sent.beat.at_s, settings),
        })
    }

    /// Where home is at an event, and whether the event is elsewhere.
    pub fn home(&self, here: &Here, settings: &Settings) -> Option<HomeFacts> {
        let AtHome { machine, home, goes_on } = self.at_home(here.at_s, settings)?;
        let is_here = here.spot.as_ref().is_some_and(|spot| spot.tag == home.spot.tag);
        let elsewhere =
            here.spot.as_ref().filter(|_| goes_on && !is_here && !here.is_shared).is_some_and(|spot| {
                let moves = machine.homes.iter().any(|home| home.is_settled() && home.spot.tag == spot.tag);
                let is_same = here.machine == Some(machine.id);
                let are_two = || machine.are_two(here.at_s, settings);
                if is_same { are_two() } else { !moves || are_two() }
            });
        let confidence = match goes_on {
            true if home.clusters >= limits::HOME_CLUSTERS => HomeConfidence::High,
            true => HomeConfidence::Medium,
            false => HomeConfidence::Low,
        };
        let Spot { ip, asn, names: [country, city], .. } = home.spot.clone();
        Some(HomeFacts {
            ip,
            asn,
            country,
            city,
            since_ms: home.first_s.saturating_mul(1_000),
            ago_s: here.at_s.saturating_sub(home.last_s).max(0),
            confidence,
            here: is_here,
            elsewhere,
            km: here.spot.as_ref().and_then(|spot| distance(spot, &home.spot)),
        })
    }

    /// Of the networks from which keep-alives go on, the one from which they have come for longest; if none
    /// go on, the one from which they came last.
    fn at_home(&self, at_s: i64, settings: &Settings) -> Option<AtHome<'_>> {
        let proven = || self.0.iter().filter(|machine| machine.is_proven());
        let going =
            proven().flat_map(|machine| machine.going(at_s, settings).map(move |home| (machine, home)));
        if let Some((machine, home)) = going.min_by_key(|(_, home)| home.first_s) {
            return Some(AtHome { machine, home, goes_on: true });
        }
        let settled = proven().flat_map(|machine| machine.settled(at_s).map(move |home| (machine, home)));
        let (machine, home) = settled.max_by_key(|(_, home)| home.last_s)?;
        Some(AtHome { machine, home, goes_on: false })
    }

    fn count(&self, at_s: i64, settings: &Settings) -> u32 {
        let of = |machine: &Machine| u32::try_from(machine.going(at_s, settings).count()).unwrap_or(u32::MAX);
        self.0.iter().filter(|machine| machine.is_proven()).map(of).sum::<u32>().max(1)
    }

    fn find(&self, id: u32) -> Option<&Machine> {
        self.0.iter().find(|machine| machine.id == id)
    }

    fn add(&mut self, sent: &Sent, tally: &mut Tally) {
        if self.0.len() >= limits::MACHINES_PER_USER {
            let least = |(_, machine): &(usize, &Machine)| {
                (machine.is_proven(), machine.homes.iter().map(|home| home.last_s).max())
            };
            if let Some((place, _)) = self.0.iter().enumerate().min_by_key(least) {
                self.0.swap_remove(place);
                tally.evict("user_machines", 1);
            }
        }
        self.0.push(Machine::new(sent));
    }
}

/// Distance in whole km.
fn distance(one: &Spot, other: &Spot) -> Option<f64> {
    let degrees = |[lat, lon]: [i32; 2]| (f64::from(lat) / 100.0, f64::from(lon) / 100.0);
    Some(great_circle(degrees(one.point?), degrees(other.point?)).round())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::enrich::beats::Beat;
    use crate::enrich::testing::place;
    use crate::model::FieldTable;
    use crate::state::{Durable as _, Names, whole, written};

    const MINUTE: i64 = 60;
    const LISBON: (&str, &str, u32, (f64, f64)) = ("203.0.113.1", "PT", 1, (38.72, -9.14));
    const BERLIN: (&str, &str, u32, (f64, f64)) = ("198.51.100.1", "DE", 2, (52.52, 13.40));

    type Network = (&'static str, &'static str, u32, (f64, f64));

    fn spot((ip, country, asn, point): Network) -> Spot {
        Spot::of(&place(ip, country, asn, Some(point)), ip.parse().unwrap())
    }

    fn settings() -> Settings {
        Settings::new(&config::Keepalive::default())
    }

    fn sent(machine: u32, minute: i64, network: Network) -> Sent {
        let spot = spot(network);
        Sent {
            machine,
            beat: Beat { at_s: minute * MINUTE, tag: spot.tag },
            spot,
            is_named: false,
            is_browser: false,
            is_done: true,
        }
    }

    /// Takes an event in if it is news, as the routine does, and says what it is.
    fn take(machines: &mut Machines, sent: &Sent) -> Option<KeepaliveFacts> {
        if machines.is_news(sent, &settings()) {
            machines.learn(sent, &settings(), &mut Tally::default());
        }
        machines.judge(sent, &settings())
    }

    fn send(machines: &mut Machines, machine: u32, minute: i64, network: Network) -> Option<KeepaliveFacts> {
        take(machines, &sent(machine, minute, network))
    }

    fn home(machines: &Machines, minute: i64, network: Network, machine: u32) -> HomeFacts {
        let here = Here {
            at_s: minute * MINUTE,
            machine: Some(machine),
            spot: Some(spot(network)),
            is_shared: false,
        };
        machines.home(&here, &settings()).unwrap()
    }

    /// One machine in Lisbon, every quarter of an hour from 0 to so many minutes.
    fn at_home(minutes: i64) -> Machines {
        let mut machines = Machines::default();
        for n in 0..=minutes / 15 {
            send(&mut machines, 1, n * 15, LISBON);
        }
        machines
    }

    #[test]
    fn the_third_cluster_in_time_is_told_and_so_is_whatever_follows() {
        let mut machines = Machines::default();
        assert_eq!(send(&mut machines, 1, 0, LISBON), None);
        assert_eq!(send(&mut machines, 1, 15, LISBON), None);
        let facts = send(&mut machines, 1, 30, LISBON).unwrap();
        assert_eq!((facts.reason, facts.period_s, facts.clusters), (KeepaliveReason::Rhythm, 900, 3));
        let facts = send(&mut machines, 1, 30, LISBON).unwrap();
        assert_eq!(facts.clusters, 3, "another event of the cluster");
        assert!(send(&mut machines, 1, 500, LISBON).is_some(), "after a night's sleep");
        assert_eq!(send(&mut machines, 2, 501, LISBON), None, "another machine");
    }

    #[test]
    fn a_named_agent_is_told_at_once_and_a_browser_only_in_a_long_rhythm() {
        let mut machines = Machines::default();
        let named = Sent { is_named: true, ..sent(1, 0, LISBON) };
        let facts = take(&mut machines, &named).unwrap();
        assert_eq!((facts.reason, facts.period_s), (KeepaliveReason::UserAgent, 0));
        let browser = |minute| Sent { is_browser: true, ..sent(2, minute, LISBON) };
        for n in 0..5 {
            assert_eq!(take(&mut machines, &browser(n * 60)), None, "{n}");
        }
        assert!(take(&mut machines, &browser(300)).is_some());
        assert_eq!(take(&mut machines, &browser(310)), None, "somebody signs in between");
    }

    #[test]
    fn home_is_where_the_latest_cluster_came_from_and_ends_with_the_period() {
        let nowhere = Here { at_s: 1_000, machine: None, spot: None, is_shared: false };
        assert!(at_home(15).home(&nowhere, &settings()).is_none());
        let machines = at_home(30);
        let facts = home(&machines, 40, LISBON, 9);
        assert_eq!(
            (facts.ip.to_string().as_str(), facts.asn, facts.country.as_str()),
            ("203.0.113.1", 1, "PT")
        );
        assert_eq!((facts.since_ms, facts.ago_s, facts.confidence), (0, 600, HomeConfidence::Medium));
        assert!(facts.here && !facts.elsewhere && facts.km == Some(0.0));
        assert_eq!(home(&at_home(105), 110, LISBON, 9).confidence, HomeConfidence::High);
        assert_eq!(home(&machines, 200, LISBON, 9).confidence, HomeConfidence::Low);
    }

    #[test]
    fn another_machine_far_away_is_elsewhere_while_home_goes_on() {
        let machines = at_home(60);
        let facts = home(&machines, 70, BERLIN, 9);
        assert!(
            facts.elsewhere && !facts.here && facts.km.is_some_and(|km| (2_300.0..2_320.0).contains(&km))
        );
        assert!(!home(&machines, 70, BERLIN, 1).elsewhere, "the same machine moved");
        assert!(!home(&machines, 90, BERLIN, 9).elsewhere, "home has fallen silent");
        assert!(!home(&machines, 70, LISBON, 9).elsewhere);
    }

    #[test]
    fn a_machine_that_changes_its_network_takes_home_with_it_and_the_browser_beside_it_too() {
        let mut machines = at_home(60);
        for minute in [75, 90, 105] {
            assert_eq!(send(&mut machines, 1, minute, BERLIN).unwrap().machines, 1);
        }
        assert_eq!(home(&machines, 110, BERLIN, 9).country, "DE");
        send(&mut machines, 1, 120, LISBON);
        let facts = home(&machines, 121, BERLIN, 9);
        assert!(facts.country == "PT" && !facts.elsewhere, "it is known from there");
    }

    #[test]
    fn two_of_one_kind_at_once_are_two_and_home_is_the_one_before() {
        let mut machines = at_home(60);
        for minute in [67, 75, 82, 90, 97] {
            let network = if minute % 15 == 0 { LISBON } else { BERLIN };
            send(&mut machines, 1, minute, network);
        }
        assert_eq!(send(&mut machines, 1, 105, LISBON).unwrap().machines, 2);
        let facts = home(&machines, 105, BERLIN, 1);
        assert!(facts.country == "PT" && facts.elsewhere);
    }

    #[test]
    fn a_wrong_password_is_a_keep_alive_only_where_and_when_the_right_one_was() {
        let failed = |machine, minute, network| Sent { is_done: false, ..sent(machine, minute, network) };
        let mut machines = at_home(60);
        assert!(take(&mut machines, &failed(1, 75, LISBON)).is_some());
        assert!(take(&mut machines, &failed(1, 90, LISBON)).is_some());
        assert!(take(&mut machines, &failed(1, 95, LISBON)).is_none(), "too soon");
        assert!(take(&mut machines, &failed(1, 105, BERLIN)).is_none(), "from elsewhere");
        assert!(take(&mut machines, &failed(2, 105, LISBON)).is_none(), "a machine never seen");
        let mut machines = Machines::default();
        for minute in [0, 15, 30, 45] {
            assert!(take(&mut machines, &failed(1, minute, LISBON)).is_none(), "a guess as slow as that");
        }
    }

    #[test]
    fn machines_and_networks_are_bounded_and_what_proved_nothing_goes_first() {
        let (mut machines, mut tally) = (at_home(60), Tally::default());
        for machine in 2..20 {
            machines.learn(&sent(machine, 100, BERLIN), &settings(), &mut tally);
        }
        assert_eq!(machines.0.len(), limits::MACHINES_PER_USER);
        assert!(machines.find(1).is_some());
        let mut homes = Tally::default();
        for n in 0..9 {
            machines.learn(
                &sent(1, 200 + n, ("192.0.2.1", "FR", 10 + n as u32, (48.9, 2.4))),
                &settings(),
                &mut homes,
            );
        }
        assert_eq!(homes.evicted_state, [("user_homes", 6)]);
        assert!(machines.find(1).unwrap().homes.iter().any(|home| home.spot.asn == 1));
    }

    #[test]
    fn they_are_read_as_they_were_written_in_few_bytes() {
        let table = FieldTable::default();
        let mut full = Machines::default();
        for machine in 0..4 {
            for n in 0..40 {
                let network = (
                    "2001:db8:1234:5678:9abc:def0:1234:5678",
                    "PT",
                    100_000 + (n % 4) as u32,
                    (38.72, -9.14),
                );
                full.learn(
                    &sent(0x9000_0000 + machine, 40_000_000 + n * 15, network),
                    &settings(),
                    &mut Tally::default(),
                );
            }
        }
        for (machines, most) in [(at_home(6_000), 110), (full, 1_000)] {
            let bytes = written(&table, |out| machines.write(out));
            assert!(bytes.len() <= most, "{}", bytes.len());
            let read = whole(&table, &mut Names::default(), &bytes, Machines::read).unwrap();
            assert_eq!(format!("{read:?}"), format!("{machines:?}"));
        }
    }
}
