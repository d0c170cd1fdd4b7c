//! What happens to the service, one thing after the other?

use std::fmt;

use super::deliver::Trouble;
use super::random::Random;
use super::story::{Story, VERSIONS};

/// One thing that happens. Each can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A process does the next step of the protocol.
    Turn { who: Who, salt: u64 },
    /// So many records come in.
    Input(usize),
    /// So much time passes, ms.
    Time(i64),
    /// A marker of a transaction that is decided comes to some partition.
    Marker(u64),
    /// The process is gone; the group and the cluster do not know.
    Crash(Who),
    /// A process starts. If there was one under this name, it goes on as well.
    Start(usize),
    /// The group thinks the member is dead.
    Kick(Who),
    /// The process stops in an orderly way, if nothing is under way.
    Leave(usize),
    /// Every partition is to be with another member.
    Shuffle,
    /// The open transaction under this name took too long.
    Expire(usize),
    /// The next call that can fail in this way does.
    Trouble(Who, Trouble),
    /// Some of what a changelog need not keep is gone.
    Compact(u64),
    /// Another version of the rules is to be loaded.
    Reload(usize),
    /// What comes before the pause has come, and nothing more for long.
    Rest,
}

/// A process: the last that was started under a name, or the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    pub slot: usize,
    pub is_ghost: bool,
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", if self.is_ghost { "the former " } else { "" }, self.slot)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn { who, salt } => write!(out, "{who} takes a step ({salt:x})"),
            Self::Input(many) => write!(out, "{many} records come in"),
            Self::Time(ms) => write!(out, "{ms} ms pass"),
            Self::Marker(salt) => write!(out, "a marker is written ({salt:x})"),
            Self::Crash(who) => write!(out, "{who} crashes"),
            Self::Start(slot) => write!(out, "{slot} starts"),
            Self::Kick(who) => write!(out, "{who} is thought dead"),
            Self::Leave(slot) => write!(out, "{slot} leaves"),
            Self::Shuffle => write!(out, "all partitions move"),
            Self::Expire(slot) => write!(out, "the transaction of {slot} takes too long"),
            Self::Trouble(who, trouble) => write!(out, "a call of {who} is to fail: {trouble:?}"),
            Self::Compact(salt) => write!(out, "changelogs are compacted ({salt:x})"),
            Self::Reload(version) => write!(out, "version {version} of the rules is to be loaded"),
            Self::Rest => write!(out, "the pause begins"),
        }
    }
}

/// How likely each kind of step is, in thousandths.
struct Mood {
    faults: u64,
    ghosts: u64,
    time: u64,
    markers: u64,
}

/// The schedule of a seed for a story: part of it while records come in, part of it after.
pub fn drawn(seed: u64, story: &Story) -> Vec<Step> {
    let mut random = Random::new(seed ^ 0x5eed);
    let mood = Mood {
        faults: [5, 25, 60, 120][random.below(4) as usize],
        ghosts: [0, 20, 200][random.below(3) as usize],
        time: 20 + random.below(80),
        markers: 50 + random.below(300),
    };
    let mut steps: Vec<Step> = (0..story.slots).map(Step::Start).collect();
    let records = story.deliveries.len() as u64 + 1;
    let many = 60 + random.below(400);
    let rests = [many / 2, many * 4 / 5];
    for place in 0..many {
        if rests.contains(&place) && (story.has_pause || place > many / 2) {
            steps.push(Step::Rest);
        }
        steps.push(next(&mut random, &mood, story, records * 1_500 / many));
    }
    steps
}

/// A schedule of one process in which nothing goes wrong.
pub fn calm(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed ^ 0xca1);
    let who = Who { slot: 0, is_ghost: false };
    let next = |_| match random.below(8) {
        0 => Step::Input(1 + random.below(4) as usize),
        1 => Step::Time(1_000),
        2 => Step::Marker(random.bits() >> 40),
        _ => Step::Turn { who, salt: random.bits() >> 40 },
    };
    std::iter::once(Step::Start(0)).chain((0..150).map(next)).collect()
}

fn next(random: &mut Random, mood: &Mood, story: &Story, input: u64) -> Step {
    let slot = random.below(story.slots as u64) as usize;
    let who = Who { slot, is_ghost: random.below(1_000) < mood.ghosts };
    let salt = random.bits() >> 40;
    let dice = random.below(1_000);
    let bounds = [mood.faults, mood.time, mood.markers, input.clamp(30, 400)];
    let mut upto = 0;
    let kind = bounds.iter().position(|bound| {
        upto += bound;
        dice < upto
    });
    match kind {
        Some(0) => fault(random, who, salt),
        Some(1) => Step::Time(*random.pick(&[100, 1_000, 1_000, 1_500, 5_000])),
        Some(2) => Step::Marker(salt),
        Some(3) => Step::Input(1 + random.below(4) as usize),
        _ => Step::Turn { who, salt },
    }
}

fn fault(random: &mut Random, who: Who, salt: u64) -> Step {
    match random.below(24) {
        0..3 => Step::Crash(who),
        3..7 => Step::Start(who.slot),
        7..10 => Step::Kick(who),
        10 => Step::Leave(who.slot),
        11..13 => Step::Shuffle,
        13..15 => Step::Expire(who.slot),
        15..17 => Step::Trouble(who, Trouble::Undone),
        17..19 => Step::Trouble(who, Trouble::AnswerLost),
        19 => Step::Trouble(who, Trouble::CommitLost),
        20..23 => Step::Compact(salt),
        _ => Step::Reload(random.below(VERSIONS as u64) as usize),
    }
}
