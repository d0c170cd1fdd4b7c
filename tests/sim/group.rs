//! Who reads which partition, and who is still believed?
//!
//! Partitions move one by one: whoever has to give one up does so when it is ready, and only then another gets
//! it. Who is thought dead loses all of them at once, and does not know.

use std::collections::{BTreeMap, BTreeSet};

use super::log::Place;

/// One membership; a process that joins again is another.
pub type MemberId = u64;

/// The consumer group, as its coordinator knows it.
#[derive(Debug)]
pub struct Group {
    generation: u64,
    members: BTreeSet<MemberId>,
    joined: MemberId,
    owners: BTreeMap<Place, Option<MemberId>>,
    targets: BTreeMap<Place, MemberId>,
    turned: usize,
}

/// What a member is told.
#[derive(Debug)]
pub struct Seen {
    pub generation: u64,
    /// What it has to give up.
    pub revoked: Vec<Place>,
    /// What it has and keeps.
    pub owned: Vec<Place>,
}

impl Group {
    pub fn new(places: impl IntoIterator<Item = Place>) -> Self {
        Self {
            generation: 0,
            members: BTreeSet::new(),
            joined: 0,
            owners: places.into_iter().map(|place| (place, None)).collect(),
            targets: BTreeMap::new(),
            turned: 0,
        }
    }

    pub fn join(&mut self) -> MemberId {
        self.joined += 1;
        self.members.insert(self.joined);
        self.rebalance();
        self.joined
    }

    /// The member leaves, or is thought dead.
    pub fn remove(&mut self, member: MemberId) {
        if self.members.remove(&member) {
            self.rebalance();
        }
    }

    /// Everything is to be with the next member.
    pub fn turn(&mut self) {
        self.turned += 1;
        self.rebalance();
    }

    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.members.iter().copied()
    }

    /// What the member is told now; `None` if it is none.
    pub fn poll(&self, member: MemberId) -> Option<Seen> {
        self.members.contains(&member).then_some(())?;
        let mut seen = Seen { generation: self.generation, revoked: Vec::new(), owned: Vec::new() };
        for (place, _) in self.owners.iter().filter(|(_, owner)| **owner == Some(member)) {
            let stays = self.targets.get(place) == Some(&member);
            if stays { seen.owned.push(*place) } else { seen.revoked.push(*place) }
        }
        Some(seen)
    }

    /// The member has let go of what it was to give up.
    pub fn give_up(&mut self, member: MemberId, places: &[Place]) {
        for place in places {
            if self.owners[place] == Some(member) {
                self.owners.insert(*place, None);
            }
        }
        self.hand_out();
    }

    /// Whether a commit of the member in its generation counts.
    pub fn is_current(&self, member: MemberId, generation: u64) -> bool {
        self.members.contains(&member) && self.generation == generation
    }

    fn rebalance(&mut self) {
        self.generation += 1;
        let members: Vec<MemberId> = self.members.iter().copied().collect();
        self.targets.clear();
        for owner in self.owners.values_mut() {
            *owner = owner.filter(|owner| members.contains(owner));
        }
        for (number, place) in self.owners.keys().enumerate().filter(|_| !members.is_empty()) {
            self.targets.insert(*place, members[(number + self.turned) % members.len()]);
        }
        self.hand_out();
    }

    /// What nobody has goes to whom it is for; that is a generation of its own.
    fn hand_out(&mut self) {
        let mut moved = false;
        for (place, owner) in self.owners.iter_mut().filter(|(_, owner)| owner.is_none()) {
            *owner = self.targets.get(place).copied();
            moved |= owner.is_some();
        }
        self.generation += u64::from(moved);
    }
}
