//! Up to when has everything come that is sent from shard to shard?
//!
//! The rules of level 0 take what is known of an event in its actor's shard: their time is that of the
//! input. Those of the level above take what any shard sends on, so their time is how far all shards have
//! decided level 0; and so on. A shard that has said nothing yet holds all others back.

use std::collections::BTreeMap;

use super::route::Placement;
use crate::durable;
use crate::model::Cargo;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// The watermark of each level.
#[derive(Debug)]
pub(super) struct Levels {
    placement: Placement,
    /// How far this shard has decided each level; ms.
    settled: Vec<Option<i64>>,
    others: BTreeMap<u32, Heard>,
    /// How far all others have decided each level; follows from what they said.
    heard_ms: Vec<Option<i64>>,
    told: Option<Heard>,
}

/// What a shard has said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heard {
    upto_ms: Vec<Option<i64>>,
    waits_until_ms: Option<i64>,
}

durable!(Heard { upto_ms, waits_until_ms });

impl Levels {
    pub(super) fn new(placement: Placement, levels: usize) -> Self {
        let others = BTreeMap::new();
        let mut new =
            Self { placement, settled: vec![None; levels], others, heard_ms: Vec::new(), told: None };
        new.sum_up();
        new
    }

    /// How many levels there are.
    pub(super) fn count(&self) -> usize {
        self.settled.len()
    }

    /// Goes on with another number of levels; what a level has decided stays decided.
    pub(super) fn resize(&mut self, levels: usize) {
        self.settled.resize(levels, None);
        self.sum_up();
    }

    /// The watermark up to which the rules of a level have decided.
    pub(super) fn settled_ms(&self, level: usize) -> Option<i64> {
        self.settled.get(level).copied().flatten()
    }

    /// How far the rules of a level can decide now. It never goes back.
    pub(super) fn reached_ms(&self, level: usize, input_ms: Option<i64>) -> Option<i64> {
        let Some(below) = level.checked_sub(1) else { return input_ms };
        let own_ms = self.settled_ms(below)?;
        let others_ms = self.heard_ms.get(below).copied().flatten()?;
        Some(own_ms.min(others_ms)).max(self.settled_ms(level))
    }

    /// Says anew how far all others are: asked for with each input, and told once a second.
    fn sum_up(&mut self) {
        let Self { placement, others, settled, heard_ms, .. } = self;
        let said = |shard: u32, level: usize| others.get(&shard)?.upto_ms.get(level).copied().flatten();
        let lowest = |level: usize| {
            let shards = (0..placement.shards).filter(|shard| *shard != placement.shard);
            shards.map(|shard| said(shard, level)).min().unwrap_or(Some(i64::MAX))
        };
        *heard_ms = (0..settled.len()).map(lowest).collect();
    }

    /// A level has decided what it could.
    pub(super) fn settle(&mut self, level: usize, reached_ms: Option<i64>) {
        if let Some(settled_ms) = self.settled.get_mut(level) {
            *settled_ms = reached_ms.max(*settled_ms);
        }
    }

    /// Another shard says how far it is.
    pub(super) fn hear(&mut self, shard: u32, upto_ms: Vec<Option<i64>>, waits_until_ms: Option<i64>) {
        let heard = self.others.entry(shard).or_default();
        heard.waits_until_ms = waits_until_ms;
        // What it said before still holds: a shard that starts anew says less at first.
        for (level, upto_ms) in upto_ms.into_iter().enumerate() {
            match heard.upto_ms.get_mut(level) {
                Some(known_ms) => *known_ms = upto_ms.max(*known_ms),
                None => heard.upto_ms.push(upto_ms),
            }
        }
        self.sum_up();
    }

    /// The last of what waits anywhere.
    pub(super) fn waits_until_ms(&self, own_ms: Option<i64>) -> Option<i64> {
        self.others.values().map(|heard| heard.waits_until_ms).max().flatten().max(own_ms)
    }

    /// The others are to be told anew: what was told is not known.
    pub(super) fn tell_anew(&mut self) {
        self.told = None;
    }

    /// What the others have to be told, if it is news.
    pub(super) fn tell(&mut self, waits_until_ms: Option<i64>) -> Option<Cargo> {
        if !self.placement.has_others() {
            return None;
        }
        let news = Heard { upto_ms: self.settled.clone(), waits_until_ms };
        if self.told.as_ref() == Some(&news) {
            return None;
        }
        self.told = Some(news);
        Some(Cargo::Decided { shard: self.placement.shard, upto_ms: self.settled.clone(), waits_until_ms })
    }
}

impl Levels {
    /// What has to outlive the process: a level never goes back.
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.settled.write(out);
        self.others.write(out);
    }

    /// Goes on from what another process wrote, under the number of levels of this one's rules.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Corrupt> {
        let levels = self.settled.len();
        self.settled = Durable::read(from)?;
        self.others = Durable::read(from)?;
        self.resize(levels);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_waits_for_the_slowest_shard_below() {
        let mut levels = Levels::new(Placement { shard: 1, shards: 3 }, 3);
        assert_eq!((levels.reached_ms(0, Some(50)), levels.reached_ms(1, Some(50))), (Some(50), None));
        levels.settle(0, Some(50));
        levels.hear(0, vec![Some(70), Some(10)], None);
        assert_eq!(levels.reached_ms(1, Some(50)), None, "one has said nothing yet");
        levels.hear(2, vec![Some(30)], None);
        assert_eq!(levels.reached_ms(1, Some(50)), Some(30));
        levels.settle(1, Some(30));
        assert_eq!(levels.reached_ms(2, Some(50)), None);
        levels.hear(2, vec![Some(20), Some(15)], None);
        assert_eq!((levels.reached_ms(1, None), levels.reached_ms(2, None)), (Some(30), Some(10)));
    }

    #[test]
    fn a_shard_says_how_far_it_is_when_that_is_news() {
        let mut levels = Levels::new(Placement { shard: 1, shards: 2 }, 1);
        assert!(levels.tell(None).is_some());
        assert!(levels.tell(None).is_none());
        levels.settle(0, Some(5));
        assert!(matches!(
            levels.tell(Some(9)),
            Some(Cargo::Decided { shard: 1, upto_ms, waits_until_ms: Some(9) }) if upto_ms == [Some(5)]
        ));
        assert!(levels.tell(Some(9)).is_none());
        assert!(Levels::new(Placement::ALONE, 1).tell(None).is_none());
    }

    #[test]
    fn what_waits_in_another_shard_is_waited_for_here() {
        let mut levels = Levels::new(Placement { shard: 0, shards: 2 }, 1);
        assert_eq!(levels.waits_until_ms(None), None);
        levels.hear(1, vec![None], Some(70));
        assert_eq!((levels.waits_until_ms(None), levels.waits_until_ms(Some(80))), (Some(70), Some(80)));
    }
}
