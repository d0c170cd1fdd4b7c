//! What is known of one machine that sends keep-alives?

use smallvec::SmallVec;

use super::beats::{Beat, Beats, Measure};
use super::keepalive::{Sent, Settings, Spot};
use crate::durable;
use crate::limits;
use crate::model::Tally;

/// One that sends what may be keep-alives.
#[derive(Debug)]
pub(super) struct Machine {
    /// A digest of it.
    pub id: u32,
    /// Its agent is named in the configuration.
    pub is_named: bool,
    /// The period it has proven, or 0.
    pub period_s: i64,
    /// Clusters so far.
    pub clusters: u32,
    /// The last of them.
    pub beats: Beats,
    /// Networks it was in.
    pub homes: Vec<Home>,
}

/// A network that a machine sent from.
#[derive(Debug)]
pub(super) struct Home {
    /// Where, by its latest cluster.
    pub spot: Spot,
    /// The first cluster there.
    pub first_s: i64,
    /// The latest.
    pub last_s: i64,
    /// How many.
    pub clusters: u32,
}

durable!(Machine { id, is_named, period_s, clusters, beats, homes });
durable!(Home { spot, first_s, last_s, clusters });

impl Machine {
    /// Before its first cluster.
    pub fn new(sent: &Sent) -> Self {
        Self {
            id: sent.machine,
            is_named: sent.is_named,
            period_s: 0,
            clusters: 0,
            beats: Beats::default(),
            homes: Vec::new(),
        }
    }

    /// Whether what it sends is known to be keep-alives.
    pub fn is_proven(&self) -> bool {
        self.is_named || self.period_s > 0
    }

    /// The period it has proven; of a named agent, the usual one until then.
    fn period_s(&self, settings: &Settings) -> i64 {
        if self.period_s > 0 { self.period_s } else { settings.period_s }
    }

    /// Whether a check with a wrong password is its own: from a network in which the password was right, and
    /// no sooner than its period says. Whoever guesses there guesses as slowly.
    pub fn awaits(&self, beat: Beat, settings: &Settings) -> bool {
        let is_known = self.homes.iter().any(|home| home.spot.tag == beat.tag);
        let period_s = self.period_s(settings);
        let soonest_s = period_s.saturating_sub(period_s.saturating_mul(settings.measure.tolerance) / 100);
        let since_s = self.beats.last(beat.at_s).map_or(i64::MAX, |last| beat.at_s.saturating_sub(last.at_s));
        self.is_proven() && is_known && since_s >= soonest_s
    }

    /// Whether a cluster that is held comes a period after the one before.
    pub fn is_in_time(&self, beat: Beat, measure: Measure) -> bool {
        let before = self.beats.before(beat);
        before.is_some_and(|before| measure.is_near(beat.at_s.saturating_sub(before.at_s), self.period_s))
    }

    /// Whether two that look the same send at the same time.
    pub fn are_two(&self, at_s: i64, settings: &Settings) -> bool {
        self.beats.are_two(at_s, self.period_s(settings), settings.measure)
    }

    /// Networks that it has sent from often enough to be at home there.
    pub fn settled(&self, at_s: i64) -> impl Iterator<Item = &Home> {
        self.homes.iter().filter(move |home| home.is_settled() && home.first_s <= at_s)
    }

    /// The network it sends from now; two if they send at the same time.
    pub fn going(&self, at_s: i64, settings: &Settings) -> impl Iterator<Item = &Home> {
        let overdue_s = settings.measure.overdue_s(self.period_s(settings));
        let goes_on = |home: &&Home| at_s.saturating_sub(home.last_s) <= overdue_s;
        let mut going: SmallVec<[&Home; limits::HOMES_PER_MACHINE]> =
            self.settled(at_s).filter(goes_on).collect();
        if going.len() > 1 && !self.are_two(at_s, settings) {
            let latest = going.iter().map(|home| home.last_s).max();
            going.retain(|home| Some(home.last_s) == latest);
            going.truncate(1);
        }
        going.into_iter()
    }

    /// Takes in a cluster.
    pub fn learn(&mut self, sent: &Sent, measure: Measure, tally: &mut Tally) {
        self.is_named |= sent.is_named;
        self.clusters = self.clusters.saturating_add(1);
        self.beats.insert(sent.beat);
        self.come(&sent.spot, sent.beat.at_s, tally);
        let needed =
            if sent.is_browser { limits::KEEPALIVE_BROWSER_CLUSTERS } else { limits::KEEPALIVE_CLUSTERS };
        self.period_s = self.beats.period_s(sent.beat.tag, needed, measure).unwrap_or(self.period_s);
    }

    fn come(&mut self, spot: &Spot, at_s: i64, tally: &mut Tally) {
        if let Some(home) = self.homes.iter_mut().find(|home| home.spot.tag == spot.tag) {
            if at_s >= home.last_s {
                home.spot = spot.clone();
            }
            home.first_s = home.first_s.min(at_s);
            home.last_s = home.last_s.max(at_s);
            home.clusters = home.clusters.saturating_add(1);
            return;
        }
        if self.homes.len() >= limits::HOMES_PER_MACHINE {
            let least = |(_, home): &(usize, &Home)| (home.clusters, home.last_s);
            if let Some((place, _)) = self.homes.iter().enumerate().min_by_key(least) {
                self.homes.swap_remove(place);
                tally.evict("user_homes", 1);
            }
        }
        self.homes.push(Home { spot: spot.clone(), first_s: at_s, last_s: at_s, clusters: 1 });
    }
}

impl Home {
    /// Whether the machine may be at home there.
    pub fn is_settled(&self) -> bool {
        usize::try_from(self.clusters).is_ok_and(|clusters| clusters >= limits::KEEPALIVE_CLUSTERS)
    }
}
