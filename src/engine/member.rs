//! What does one member of the group do with what it reads?
//!
//! A member reads some partitions of the input and holds some of the shards. What it reads of the input
//! goes to the shard of its actor, what a shard finds may go on to another: through the repartition topic,
//! or straight there if the member holds that shard itself. How far everything is in time always takes the
//! topic, also to a shard in the same member: a claim that all of a time has come must not overtake what
//! was sent there before, perhaps by a member that is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Figures, Intake, Shard, Wire};
use crate::config::Config;
use crate::correlate::Adopted;
use crate::enrich::GeoIp;
use crate::limits;
use crate::model::{Cargo, Change, DeadLetter, DeadLetterReason, Effects, Input, Parcel, RawRecord};
use crate::rule::RuleSet;
use crate::state::Corrupt;

/// A partition of an input topic.
pub type Source = (Arc<str>, i32);

/// What a member is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// What concerns the input. A tick is for all shards as well.
    Input(Input),
    /// A record of the repartition topic, whose partitions are the shards.
    Sent(RawRecord),
}

/// What one step of a member asks for, all of it in one transaction.
#[derive(Debug, Default)]
pub struct Round {
    /// What goes out of the pipeline; no parcels and no changes are left in it.
    pub effects: Effects,
    /// For the repartition topic: a shard, and a parcel as bytes.
    pub parcels: Vec<(u32, Vec<u8>)>,
    /// Parcels that went straight to a shard of the member.
    pub direct: u64,
    /// Parcels that came from the repartition topic.
    pub received: u64,
    /// For the changelog topic: a shard, and a key that changed; of one key only the last change.
    pub changes: Vec<(u32, Change)>,
}

impl Round {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        let Effects { alerts, dead_letters, enriched, .. } = &self.effects;
        alerts.is_empty()
            && dead_letters.is_empty()
            && enriched.is_empty()
            && self.parcels.is_empty()
            && self.changes.is_empty()
    }
}

/// The intake of the partitions that it reads, and the shards that it holds.
#[derive(Debug)]
pub struct Member {
    config: Config,
    rules: Arc<RuleSet>,
    geoip: Arc<GeoIp>,
    intake: Intake,
    held: BTreeMap<u32, Shard>,
    wire: Wire,
    /// Every partition of the input, whoever reads it.
    sources: BTreeSet<Source>,
    now_ms: Option<i64>,
    /// What shards are to be told at the next step before all else.
    pending: BTreeMap<u32, Vec<Input>>,
    leftovers: BTreeMap<u32, Leftovers>,
}

/// State of a shard that no rule of this process means.
#[derive(Debug)]
struct Leftovers {
    /// None that was written since: a rule that came back with new rules may write the same again.
    keys: BTreeSet<Vec<u8>>,
    /// When it is taken back.
    due_ms: Option<i64>,
}

impl Member {
    /// A member that reads nothing and holds nothing yet, where there are so many shards.
    pub fn new(config: &Config, rules: Arc<RuleSet>, geoip: Arc<GeoIp>, shards: u32) -> Self {
        Self {
            intake: Intake::new(config, &rules, Arc::clone(&geoip), shards),
            wire: Wire::new(Arc::clone(&rules)),
            config: config.clone(),
            held: BTreeMap::new(),
            sources: BTreeSet::new(),
            now_ms: None,
            pending: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            rules,
            geoip,
        }
    }

    /// The shard, as it was restored under the member's rules, is the member's from now on. Keys that were
    /// skipped then are state of rules that this process does not have. They are taken back after a while,
    /// as nobody else would; not at once, as a shard may pass through processes of an older version while a
    /// new one comes in.
    pub fn hold(&mut self, mut shard: Shard, skipped: Vec<Vec<u8>>) {
        debug_assert!(shard.runs(&self.rules), "what other rules mean of its state was left out");
        // The databases may have been replaced while it was restored.
        shard.set_geoip(Arc::clone(&self.geoip));
        shard.keep_changes(true);
        let mut inputs = self.follow(&shard);
        inputs.extend(self.now_ms.map(|now_ms| Input::Tick { now_ms }));
        let number = shard.placement.shard;
        self.held.insert(number, shard);
        self.pending.insert(number, inputs);
        if !skipped.is_empty() {
            self.leftovers.insert(number, Leftovers { keys: skipped.into_iter().collect(), due_ms: None });
        }
    }

    /// The shard is another member's from now on.
    pub fn let_go(&mut self, shard: u32) {
        self.held.remove(&shard);
        self.pending.remove(&shard);
        self.leftovers.remove(&shard);
    }

    /// Whether the member holds the shard.
    pub fn holds(&self, shard: u32) -> bool {
        self.held.contains_key(&shard)
    }

    /// The partitions that the input has: a shard's time is that of the slowest of them.
    pub fn set_sources(&mut self, sources: BTreeSet<Source>) {
        if self.sources == sources {
            return;
        }
        self.sources = sources;
        let news: Vec<(u32, Vec<Input>)> =
            self.held.iter().map(|(number, shard)| (*number, self.follow(shard))).collect();
        for (number, inputs) in news {
            self.pending.entry(number).or_default().extend(inputs);
        }
    }

    /// Further partitions of the input. That one is not among these says nothing: a topic never loses any.
    pub fn add_sources(&mut self, mut sources: BTreeSet<Source>) {
        sources.extend(self.sources.iter().cloned());
        self.set_sources(sources);
    }

    /// Replaces the GeoIP databases between two steps.
    pub fn set_geoip(&mut self, geoip: &Arc<GeoIp>) {
        self.geoip = Arc::clone(geoip);
        self.intake.set_geoip(Arc::clone(geoip));
        self.held.values_mut().for_each(|shard| shard.set_geoip(Arc::clone(geoip)));
    }

    /// Replaces the rules between two steps. Says what went on in the last of its shards: it is the same
    /// in all.
    pub fn set_rules(&mut self, rules: &Arc<RuleSet>) -> Adopted {
        self.rules = Arc::clone(rules);
        self.intake.set_rules(&self.config, rules);
        self.wire = Wire::new(Arc::clone(rules));
        let adopted = self.held.values_mut().map(|shard| shard.set_rules(&self.config, Arc::clone(rules)));
        adopted.last().unwrap_or_default()
    }

    /// Takes a batch and says what is to be done, all of it in one transaction.
    pub fn step(&mut self, batch: Vec<Told>) -> Round {
        let mut round = Round::default();
        let mut rest = batch.into_iter().peekable();
        let is_little = rest.len() <= limits::STEP_INPUTS;
        loop {
            self.part(rest.by_ref().take(limits::STEP_INPUTS), &mut round);
            self.ask_for_a_checkpoint(is_little);
            if rest.peek().is_none() {
                break;
            }
        }
        round.changes = last_of_each(std::mem::take(&mut round.changes));
        round
    }

    /// Takes a part of a batch to its end: of a long one, what is known of the first events is no longer at
    /// hand when the last are read.
    fn part(&mut self, part: impl Iterator<Item = Told>, round: &mut Round) {
        let mut waiting = std::mem::take(&mut self.pending);
        let mut inputs = Vec::new();
        for told in part {
            match told {
                Told::Input(Input::Tick { now_ms }) => {
                    self.now_ms = Some(now_ms);
                    inputs.push(Input::Tick { now_ms });
                    for shard in self.held.keys() {
                        waiting.entry(*shard).or_default().push(Input::Tick { now_ms });
                    }
                    self.take_back(now_ms, round);
                }
                Told::Input(input) => inputs.push(input),
                Told::Sent(record) => {
                    round.received += 1;
                    if let Some((shard, input)) = self.opened(record, &mut round.effects) {
                        waiting.entry(shard).or_default().push(input);
                    }
                }
            }
        }
        let read = self.intake.step(inputs);
        self.take(read, &mut waiting, round);
        // It ends because rules that take each other are refused at load.
        while let Some((shard, inputs)) = waiting.pop_first() {
            let Some(found) = self.held.get_mut(&shard).map(|shard| shard.step(inputs)) else { continue };
            self.told_by(shard, found, &mut waiting, round);
        }
    }

    /// Has the shard with the longest journal write its tables at its next step, if that journal is long enough:
    /// one at a time, as who waits for an alert meanwhile waits for all of them. Where `little` comes in, there
    /// is time to do so early, which makes each of them short.
    fn ask_for_a_checkpoint(&mut self, little: bool) {
        let enough = if little { limits::JOURNAL_FILLED_EARLY } else { limits::JOURNAL_FILLED };
        let longest = self.held.values_mut().max_by_key(|shard| shard.journal.filled());
        if let Some(shard) = longest.filter(|shard| shard.journal.filled() >= enough) {
            shard.journal.ask();
        }
    }

    /// What the member holds: the sum of its shards, and the time of the slowest.
    pub fn figures(&self) -> Figures {
        let mut sum = Figures::default();
        for (place, shard) in self.held.values().enumerate() {
            let of_shard = shard.figures();
            sum.sessions += of_shard.sessions;
            sum.users += of_shard.users;
            sum.uuids += of_shard.uuids;
            if place == 0 {
                sum.watermark_ms = of_shard.watermark_ms;
                (sum.keys, sum.entries) = (of_shard.keys, of_shard.entries);
                continue;
            }
            for ((_, held), (_, more)) in sum.entries.iter_mut().zip(of_shard.entries) {
                *held += more;
            }
            sum.watermark_ms = sum.watermark_ms.min(of_shard.watermark_ms);
            for ((_, keys), (_, more)) in sum.keys.iter_mut().zip(of_shard.keys) {
                *keys += more;
            }
        }
        sum
    }

    /// The shards that the member holds.
    pub fn held(&self) -> impl Iterator<Item = u32> {
        self.held.keys().copied()
    }

    /// Each input partition that the member reads, and the highest `published` of it, ms.
    pub fn newest_ms(&self) -> impl Iterator<Item = (&Arc<str>, i32, i64)> {
        self.intake.newest_ms()
    }

    /// Says that state which no rule means any more is gone.
    fn take_back(&mut self, now_ms: i64, round: &mut Round) {
        self.leftovers.retain(|shard, leftovers| {
            let due_ms = *leftovers.due_ms.get_or_insert(now_ms.saturating_add(limits::LEFTOVER_STATE_MS));
            if now_ms < due_ms {
                return true;
            }
            let gone = |key| (*shard, Change::new(key, None));
            round.changes.extend(std::mem::take(&mut leftovers.keys).into_iter().map(gone));
            false
        });
    }

    /// What a shard is to be told so that it follows the partitions of the input. One that is not known to
    /// be there may be so all the same, but for topics that are not read any more.
    fn follow(&self, shard: &Shard) -> Vec<Input> {
        let known: BTreeSet<Source> =
            shard.figures().partitions.into_iter().map(|known| (known.topic, known.partition)).collect();
        let assigned = self.sources.difference(&known).cloned();
        let assigned = assigned.map(|(topic, partition)| Input::Assigned {
            topic,
            partition,
            next: 0,
            highest_ms: None,
        });
        let is_read = |topic: &str| self.config.input.topics.iter().any(|read| read == topic);
        let revoked = known.iter().filter(|(topic, _)| !is_read(topic)).cloned();
        assigned.chain(revoked.map(|(topic, partition)| Input::Revoked { topic, partition })).collect()
    }

    /// A record of the repartition topic as what its shard takes.
    fn opened(&mut self, record: RawRecord, effects: &mut Effects) -> Option<(u32, Input)> {
        let shard = u32::try_from(record.position.partition).ok()?;
        match self.wire.read(&record.payload) {
            Ok(Some(cargo)) => Some((shard, Input::Parcel(cargo))),
            Ok(None) => {
                effects.tally.unroutable += 1;
                None
            }
            Err(why) => {
                effects.dead_letters.push(not_a_parcel(record, &why));
                None
            }
        }
    }

    fn told_by(
        &mut self,
        shard: u32,
        mut found: Effects,
        waiting: &mut BTreeMap<u32, Vec<Input>>,
        round: &mut Round,
    ) {
        let changes = std::mem::take(&mut found.changes);
        if let Some(leftovers) = self.leftovers.get_mut(&shard) {
            for change in &changes {
                leftovers.keys.remove(&change.key);
            }
        }
        round.changes.extend(changes.into_iter().map(|change| (shard, change)));
        self.take(found, waiting, round);
    }

    /// Takes what a step led to: parcels go their way, the rest is collected.
    fn take(&self, found: Effects, waiting: &mut BTreeMap<u32, Vec<Input>>, round: &mut Round) {
        let Effects { alerts, dead_letters, enriched, parcels, changes: _, tally } = found;
        let Round { effects, parcels: sent, direct, .. } = round;
        effects.alerts.extend(alerts);
        effects.dead_letters.extend(dead_letters);
        effects.enriched.extend(enriched);
        effects.tally.merge(&tally);
        for Parcel { to, cargo } in parcels {
            if self.is_short(to, &cargo) {
                *direct += 1;
                waiting.entry(to).or_default().push(Input::Parcel(cargo));
            } else {
                sent.push((to, self.wire.write(&cargo)));
            }
        }
    }

    /// Whether a parcel goes straight to its shard.
    fn is_short(&self, to: u32, cargo: &Cargo) -> bool {
        let is_claim = matches!(cargo, Cargo::Read { .. } | Cargo::Decided { .. });
        self.config.engine.local_fast_path && !is_claim && self.held.contains_key(&to)
    }
}

/// The last change of each key, in the order in which the keys last changed.
fn last_of_each(changes: Vec<(u32, Change)>) -> Vec<(u32, Change)> {
    let mut seen = BTreeSet::new();
    let is_last: Vec<bool> =
        changes.iter().rev().map(|(shard, change)| seen.insert((*shard, change.key.as_slice()))).collect();
    let is_last = is_last.into_iter().rev().collect::<Vec<_>>();
    changes.into_iter().zip(is_last).filter_map(|(change, is_last)| is_last.then_some(change)).collect()
}

fn not_a_parcel(record: RawRecord, why: &Corrupt) -> DeadLetter {
    DeadLetter {
        position: record.position,
        timestamp_ms: record.timestamp_ms,
        reason: DeadLetterReason::NotAParcel,
        detail: format!("A record of the repartition topic cannot be read: {why}."),
        payload: record.payload,
        key: record.key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Placement, journal};

    const SHARDS: u32 = 4;

    fn member(checkpoint_inputs: usize) -> Member {
        let (mut config, rules, geoip) = (Config::default(), Arc::default(), Arc::default());
        config.state.checkpoint_inputs = checkpoint_inputs;
        let mut member = Member::new(&config, Arc::clone(&rules), Arc::clone(&geoip), SHARDS);
        for shard in 0..SHARDS {
            let placement = Placement { shard, shards: SHARDS };
            member
                .hold(Shard::placed(&config, Arc::clone(&rules), Arc::clone(&geoip), placement), Vec::new());
        }
        member
    }

    /// Each shard takes something in.
    fn round(member: &mut Member, number: i32) -> Round {
        for shard in 0..SHARDS {
            let input =
                Input::Assigned { topic: "okta-events".into(), partition: number, next: 0, highest_ms: None };
            member.pending.entry(shard).or_default().push(input);
        }
        member.step(Vec::new())
    }

    /// Shards whose entries went, as their tables were written.
    fn written(round: &Round) -> BTreeSet<u32> {
        let is_entry = |change: &Change| change.key.first() == Some(&journal::NAME) && change.value.is_none();
        round.changes.iter().filter(|(_, change)| is_entry(change)).map(|(shard, _)| *shard).collect()
    }

    #[test]
    fn shards_that_fill_together_are_written_one_after_the_other_and_early_where_little_comes() {
        let mut member = member(40);
        let written: Vec<BTreeSet<u32>> =
            (0..40).map(|number| written(&round(&mut member, number))).collect();
        assert!(written.iter().all(|shards| shards.len() <= 1), "{written:?}");
        let times = |shard| written.iter().filter(|shards| shards.contains(&shard)).count();
        assert!((0..SHARDS).all(|shard| times(shard) > 3), "{written:?}");
    }

    #[test]
    fn where_keys_are_written_with_each_step_nobody_is_asked() {
        let mut member = member(0);
        assert!((0..9).all(|number| written(&round(&mut member, number)).is_empty()));
    }
}
