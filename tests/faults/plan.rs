//! What goes wrong in a run, and when?
//!
//! A plan is drawn from a seed: several lanes, each a list of steps with pauses between them, that are gone
//! through at the same time. Every lane ends with all that it broke whole again.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cluster::BROKERS;
use crate::proxy::Way;
use crate::support::random::Random;

/// Instances that run from the beginning; one more comes and goes.
pub const INSTANCES: usize = 2;

/// A kind of run.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What goes wrong, in words.
    pub about: &'static str,
    draw: fn(&mut Random) -> Vec<Lane>,
}

/// Something that is done at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL for an instance.
    Kill(usize),
    /// SIGTERM for an instance, and the wait for its end.
    Terminate(usize),
    /// Starts an instance.
    Start(usize),
    /// SIGSTOP for an instance.
    Pause(usize),
    /// SIGCONT for an instance.
    Resume(usize),
    /// SIGKILL for a broker.
    KillBroker(u16),
    /// Starts a broker on the data it has.
    StartBroker(u16),
    /// SIGSTOP for a broker.
    PauseBroker(u16),
    /// SIGCONT for a broker.
    ResumeBroker(u16),
    /// The way from all clients to a broker.
    Way(u16, Way),
}

/// An action, so long after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long.
    pub after: Duration,
    /// What is done.
    pub action: Action,
}

/// Steps one after the other.
pub type Lane = Vec<Step>;

/// Every kind of run.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "calm", about: "nothing", draw: |_| vec![] },
    Scenario {
        name: "kill",
        about: "kill -9 of each instance, again and again; it starts again",
        draw: kill,
    },
    Scenario {
        name: "broker",
        about: "kill -9 of a broker, one after the other; it starts again",
        draw: broker,
    },
    Scenario {
        name: "pause",
        about: "SIGSTOP of an instance until the group and the transactions go on without it, then SIGCONT",
        draw: pause,
    },
    Scenario { name: "scale", about: "a third instance comes, and goes by SIGTERM, twice", draw: scale },
    Scenario {
        name: "churn",
        about: "an instance dies in the midst of a transaction and starts again, while a third comes and goes",
        draw: churn,
    },
    Scenario {
        name: "rolling",
        about: "each instance ends by SIGTERM and starts again, twice",
        draw: rolling,
    },
    Scenario { name: "cut", about: "no way from the instances to one broker for seconds", draw: cut },
    Scenario {
        name: "delay",
        about: "latency and jitter to every broker, and at times a narrow way to one",
        draw: delay,
    },
    Scenario {
        name: "slow-disk",
        about: "a broker stands still for moments, again and again, as when its disk is slow to write (SIGSTOP, SIGCONT)",
        draw: slow_disk,
    },
    Scenario { name: "mixed", about: "kills, pauses, lost brokers and cuts at the same time", draw: mixed },
    Scenario { name: "short", about: "a kill, a pause and a lost broker at the same time", draw: short },
];

impl Scenario {
    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name).copied()
    }

    /// What this seed makes of it.
    pub fn lanes(&self, seed: u64) -> Vec<Lane> {
        (self.draw)(&mut Random::new(seed ^ 0x6661_756c_7473))
    }
}

/// How long a plan takes if nothing has to be waited for.
pub fn length(lanes: &[Lane]) -> Duration {
    lanes.iter().map(|lane| lane.iter().map(|step| step.after).sum()).max().unwrap_or_default()
}

/// A step after some time between two times, in milliseconds.
fn step(random: &mut Random, from: u64, to: u64, action: Action) -> Step {
    Step { after: Duration::from_millis(from + random.below(to - from)), action }
}

fn any_broker(random: &mut Random) -> u16 {
    u16::try_from(random.below(u64::from(BROKERS))).unwrap()
}

/// Sometimes it is back at once, sometimes only after the others took its work over.
fn kills(random: &mut Random, instance: usize, times: usize) -> Lane {
    let one = |random: &mut Random| {
        let kill = step(random, 2_000, 8_000, Action::Kill(instance));
        let longest = *random.pick(&[200, 3_000, 12_000]);
        [kill, step(random, 0, longest, Action::Start(instance))]
    };
    (0..times).flat_map(|_| one(random)).collect()
}

/// A session ends after six seconds, a transaction after ten.
fn pauses(random: &mut Random, instance: usize, times: usize) -> Lane {
    let one = |random: &mut Random| {
        let pause = step(random, 2_000, 6_000, Action::Pause(instance));
        [pause, step(random, 8_000, 16_000, Action::Resume(instance))]
    };
    (0..times).flat_map(|_| one(random)).collect()
}

fn lost_brokers(random: &mut Random, times: usize) -> Lane {
    let one = |random: &mut Random| {
        let node = any_broker(random);
        let kill = step(random, 3_000, 6_000, Action::KillBroker(node));
        [kill, step(random, 1_000, 9_000, Action::StartBroker(node))]
    };
    (0..times).flat_map(|_| one(random)).collect()
}

fn cuts(random: &mut Random, times: usize) -> Lane {
    let one = |random: &mut Random| {
        let node = any_broker(random);
        let way = *random.pick(&[Way::Silent, Way::Refused]);
        let cut = step(random, 2_000, 5_000, Action::Way(node, way));
        [cut, step(random, 3_000, 14_000, Action::Way(node, Way::Open))]
    };
    (0..times).flat_map(|_| one(random)).collect()
}

fn kill(random: &mut Random) -> Vec<Lane> {
    (0..INSTANCES).map(|instance| kills(random, instance, 3)).collect()
}

fn broker(random: &mut Random) -> Vec<Lane> {
    vec![lost_brokers(random, 4)]
}

/// One after the other, and sometimes none is left for a moment.
fn pause(random: &mut Random) -> Vec<Lane> {
    (0..INSTANCES).map(|instance| pauses(random, instance, 2)).collect()
}

fn scale(random: &mut Random) -> Vec<Lane> {
    let one = |random: &mut Random| {
        let come = step(random, 3_000, 6_000, Action::Start(INSTANCES));
        [come, step(random, 7_000, 12_000, Action::Terminate(INSTANCES))]
    };
    vec![(0..2).flat_map(|_| one(random)).collect()]
}

/// Members come and go while what the dead one had begun still holds back where its successor goes on.
fn churn(random: &mut Random) -> Vec<Lane> {
    let one = |random: &mut Random| {
        let kill = step(random, 4_000, 6_000, Action::Kill(0));
        let again = step(random, 0, 500, Action::Start(0));
        let come = step(random, 500, 4_000, Action::Start(INSTANCES));
        [kill, again, come, step(random, 3_000, 6_000, Action::Kill(INSTANCES))]
    };
    vec![(0..4).flat_map(|_| one(random)).collect()]
}

fn rolling(random: &mut Random) -> Vec<Lane> {
    let one = |random: &mut Random, instance| {
        let end = step(random, 2_000, 5_000, Action::Terminate(instance));
        [end, step(random, 0, 3_000, Action::Start(instance))]
    };
    vec![(0..2 * INSTANCES).flat_map(|turn| one(random, turn % INSTANCES)).collect()]
}

fn cut(random: &mut Random) -> Vec<Lane> {
    vec![cuts(random, 4)]
}

fn delay(random: &mut Random) -> Vec<Lane> {
    let to = |random: &mut Random, node| {
        let mut lane = Lane::new();
        for _ in 0..3 {
            let slow = Way::Slow { by: 10 + random.below(150), jitter: random.below(100) };
            let narrow = Way::Narrow { kib: 64 + random.below(200) };
            let way = *random.pick(&[slow, slow, narrow]);
            lane.push(step(random, 1_000, 4_000, Action::Way(node, way)));
            lane.push(step(random, 5_000, 9_000, Action::Way(node, Way::Open)));
        }
        lane
    };
    (0..BROKERS).map(|node| to(random, node)).collect()
}

/// Shorter than what makes a controller give its work to others, and once or twice longer.
fn slow_disk(random: &mut Random) -> Vec<Lane> {
    let mut lane = Lane::new();
    for _ in 0..3 {
        let node = any_broker(random);
        for _ in 0..4 + random.below(4) {
            let longest = *random.pick(&[800, 800, 3_000, 3_000, 9_000]);
            lane.push(step(random, 100, 1_500, Action::PauseBroker(node)));
            lane.push(step(random, 200, longest, Action::ResumeBroker(node)));
        }
    }
    vec![lane]
}

fn mixed(random: &mut Random) -> Vec<Lane> {
    vec![kills(random, 0, 3), pauses(random, 1, 2), lost_brokers(random, 3), cuts(random, 3)]
}

fn short(random: &mut Random) -> Vec<Lane> {
    vec![kills(random, 0, 2), pauses(random, 1, 1), lost_brokers(random, 1)]
}

#[test]
fn every_plan_leaves_everything_whole() {
    for (scenario, seed) in SCENARIOS.iter().flat_map(|scenario| (0..50).map(move |seed| (scenario, seed))) {
        assert_eq!(Scenario::named(scenario.name).unwrap().name, scenario.name);
        let broken = scenario.lanes(seed).into_iter().flatten().fold(BTreeSet::new(), breaks);
        assert!(broken.is_empty(), "{} of seed {seed} leaves {broken:?}", scenario.name);
    }
}

fn breaks(mut broken: BTreeSet<String>, step: Step) -> BTreeSet<String> {
    match step.action {
        // The last instance is a guest: it is not there at the beginning, nor at the end.
        Action::Start(INSTANCES) => broken.insert("guest".to_owned()),
        Action::Kill(INSTANCES) | Action::Terminate(INSTANCES) => broken.remove("guest"),
        Action::Kill(one) | Action::Terminate(one) => broken.insert(format!("instance {one}")),
        Action::Start(one) => broken.remove(&format!("instance {one}")),
        Action::Pause(one) => broken.insert(format!("paused {one}")),
        Action::Resume(one) => broken.remove(&format!("paused {one}")),
        Action::KillBroker(node) => broken.insert(format!("broker {node}")),
        Action::StartBroker(node) => broken.remove(&format!("broker {node}")),
        Action::PauseBroker(node) => broken.insert(format!("paused broker {node}")),
        Action::ResumeBroker(node) => broken.remove(&format!("paused broker {node}")),
        Action::Way(node, Way::Open) => broken.remove(&format!("way {node}")),
        Action::Way(node, _) => broken.insert(format!("way {node}")),
    };
    broken
}
