//! What does a match lead to, here and in other shards?

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::smallvec;

use super::{Shard, entity, invariants, raise, route, single};
use crate::alert;
use crate::correlate::{Firing, Moment, Verdict, homes, suppression};
use crate::model::{
    Cargo, Effects, Enriched, Evidence, Facts, FieldId, Match, Parcel, RuleIndex, RuleKind, Shared, Tally,
    core,
};
use crate::rule::{Body, Rule, RuleSet};
use crate::state::{Proof, kept};

impl Shard {
    /// A detection matched: its own alert, then the correlations that take it. An event that stands
    /// `apart` feeds none. What all rules
    /// show of the event is made for the first of them.
    pub(super) fn matched(
        &mut self,
        index: RuleIndex,
        event: &Shared<Enriched>,
        facts: &OnceCell<Shared<Facts>>,
        apart: bool,
        effects: &mut Effects,
    ) {
        let rules = Arc::clone(&self.rules);
        let Some(rule) = rules.get(index) else { return };
        if self.muted.contains(&index) {
            return;
        }
        if rule.excepts(event.event()) {
            return Tally::add(&mut effects.tally.excepted, index, 1);
        }
        Tally::add(&mut effects.tally.matches, index, 1);
        let Body::Detection(detection) = &rule.body else { return };
        let feeds = !apart && !rule.feeds.is_empty();
        if !feeds && !rule.info.generates {
            return;
        }
        let evidence = Shared::new(Evidence {
            facts: facts.get_or_init(|| kept(&alert::event_facts(event)).into()).clone(),
            read: alert::fields_read(&rules.table, detection.reads(), event),
            listed: detection.listed(&rules.table, &event.event().fields),
        });
        let matched = Match {
            rule: index,
            event: event.clone(),
            key: if feeds { self.own_key(rule, event, &evidence) } else { 0 },
            evidence: smallvec![evidence],
            group: Vec::new(),
            only: None,
        };
        if rule.info.generates {
            self.raise_single(rule, &matched, effects);
        }
        if feeds {
            self.feed_all(&rules, [matched], effects);
        }
    }

    /// What a detection's alerts are held together by, where a risk score asks.
    fn own_key(&self, rule: &Rule, event: &Enriched, evidence: &Evidence) -> u128 {
        let kind = |consumer: &RuleIndex| self.rules.get(*consumer).map(|rule| rule.info.kind);
        let is_asked = || rule.feeds.iter().any(|consumer| kind(consumer) == Some(RuleKind::RiskScore));
        if rule.info.suppress_ms == 0 || !is_asked() {
            return 0;
        }
        let entity = entity::of_event(rule.info.entity, evidence, &event.event().fields);
        let org = event.event().org.as_deref().unwrap_or_default();
        single::subject(&rule.info.digest, org, &entity.value).1
    }

    /// A match from another shard, for the one key that lives here.
    pub(super) fn received(&mut self, consumer: RuleIndex, matched: Match, effects: &mut Effects) {
        let rules = Arc::clone(&self.rules);
        match rules.get(consumer).filter(|_| !self.muted.contains(&consumer)) {
            Some(rule) if matches!(rule.body, Body::Detection(_)) => {
                self.raise_single(rule, &matched, effects);
            }
            Some(_) => {
                let mut waiting = VecDeque::new();
                self.feed(&rules, consumer, &matched, &mut waiting, effects);
                self.feed_all(&rules, waiting, effects);
            }
            None => {}
        }
    }

    /// The alert of a detection, raised where what it is about lives.
    fn raise_single(&mut self, rule: &Rule, matched: &Match, effects: &mut Effects) {
        let (index, event) = (matched.rule, matched.event.as_ref());
        let Some(evidence) = matched.evidence.first() else { return };
        let alert = raise::single(rule, event, evidence, self.now());
        let org = alert.org.as_deref().unwrap_or_default();
        let subject = single::subject(&rule.info.digest, org, &alert.entity.value);
        let shard = self.placement.of(subject.1);
        if shard != self.placement.shard && route::is_raised_elsewhere(rule, &alert.entity) {
            return send(shard, index, matched.clone(), &[core::API_TOKEN_ID], effects);
        }
        let (time_ms, tally) = (alert.fired_at_ms, &mut effects.tally);
        let proof = Proof::of_all(matched.evidence.iter().map(AsRef::as_ref));
        let (verdict, evicted) =
            self.singles.offer(subject, proof, suppression(&rule.info), time_ms, alert.made_at_ms);
        if evicted > 0 {
            Tally::add(&mut tally.evicted, index, evicted);
        }
        let (of_ms, of) = match verdict {
            Verdict::New => (time_ms, None),
            Verdict::Update { of_ms, .. } => (of_ms, self.singles.id(subject, of_ms)),
            Verdict::Covered { of_ms } => {
                self.singles.tell(subject, of_ms, evidence, rule.info.evidence_max);
                return Tally::add(&mut tally.suppressed, index, 1);
            }
            Verdict::Silent => return,
        };
        let story = self.singles.tell(subject, of_ms, evidence, rule.info.evidence_max);
        let alert = raise::finish(raise::with_story(alert, story), &verdict, of);
        if verdict == Verdict::New {
            self.singles.identify(subject, time_ms, alert.id);
        }
        effects.alerts.push(alert);
    }

    /// Gives matches to the correlations that take them, and what comes true to those that take that. It
    /// ends because rules that take each other are refused at load.
    fn feed_all(&mut self, rules: &RuleSet, matched: impl Into<VecDeque<Match>>, effects: &mut Effects) {
        let mut waiting = matched.into();
        while let Some(matched) = waiting.pop_front() {
            let Some(source) = rules.get(matched.rule) else { continue };
            for consumer in &source.feeds {
                if self.muted.contains(consumer) {
                    continue;
                }
                if rules.get(*consumer).is_some_and(|rule| rule.excepts(matched.event.event())) {
                    Tally::add(&mut effects.tally.excepted, *consumer, 1);
                    continue;
                }
                self.route(rules, *consumer, &matched, &mut waiting, effects);
            }
        }
    }

    /// Feeds what lives here, and sends on what does not.
    fn route(
        &mut self,
        rules: &RuleSet,
        consumer: RuleIndex,
        matched: &Match,
        waiting: &mut VecDeque<Match>,
        effects: &mut Effects,
    ) {
        if !self.placement.has_others() {
            return self.feed(rules, consumer, matched, waiting, effects);
        }
        let Some(Body::Correlation(correlation)) = rules.get(consumer).map(|rule| &rule.body) else { return };
        let Some(branch) = correlation.rules.iter().position(|rule| *rule == matched.rule) else { return };
        if self.routes.stays(consumer, branch) {
            return self.feed(rules, consumer, matched, waiting, effects);
        }
        let (keys, left_out) = homes(correlation, branch, matched);
        if keys.is_empty() {
            return Tally::add(&mut effects.tally.ungrouped, consumer, 1);
        }
        if left_out > 0 {
            Tally::add(&mut effects.tally.evicted, consumer, left_out);
        }
        let org = matched.event.event().org.as_deref().unwrap_or_default();
        for key in keys {
            let shard = self.routes.shard(self.placement, consumer, org, &key);
            let matched = Match { only: Some(key.hash), ..matched.clone() };
            if shard == self.placement.shard {
                self.feed(rules, consumer, &matched, waiting, effects);
            } else {
                send(shard, consumer, matched, self.routes.sent(consumer, branch), effects);
            }
        }
    }

    /// One correlation takes a match; what comes true by it waits to be taken on.
    fn feed(
        &mut self,
        rules: &RuleSet,
        consumer: RuleIndex,
        matched: &Match,
        waiting: &mut VecDeque<Match>,
        effects: &mut Effects,
    ) {
        let watermark_ms = self.levels.settled_ms(self.routes.level(consumer));
        let moment = Moment { watermark_ms, now_ms: self.watermark.now_ms() };
        let mut fired = Vec::new();
        self.correlator.feed(consumer, matched, moment, &mut fired, &mut effects.tally);
        for firing in fired.drain(..) {
            self.raise_correlated(rules, &firing, effects);
            waiting.extend(firing.chained());
        }
    }

    /// Decides what has waited for the watermark to come so far. Rules are asked after those they
    /// take, which see the watermark from before until then: what comes true below is not late.
    pub(super) fn settle(&mut self, effects: &mut Effects) {
        for level in 0..self.levels.count() {
            let reached_ms = self.levels.reached_ms(level, self.watermark.reached_ms());
            if reached_ms.is_some_and(|reached_ms| self.correlator.is_due(level, reached_ms)) {
                self.decide(level, reached_ms, effects);
            }
            self.levels.settle(level, reached_ms);
        }
    }

    fn decide(&mut self, level: usize, reached_ms: Option<i64>, effects: &mut Effects) {
        self.has_decided = true;
        let rules = Arc::clone(&self.rules);
        let moment = Moment { watermark_ms: reached_ms, now_ms: self.watermark.now_ms() };
        let mut fired = Vec::new();
        for rule in &rules.order {
            if self.routes.level(*rule) != level {
                continue;
            }
            self.correlator.decide(*rule, moment, &mut fired, &mut effects.tally);
            for firing in fired.drain(..) {
                self.raise_correlated(&rules, &firing, effects);
                if let Some(matched) = firing.chained() {
                    self.feed_all(&rules, [matched], effects);
                }
            }
        }
        self.correlator.decided(level);
    }

    fn raise_correlated(&mut self, rules: &RuleSet, firing: &Firing, effects: &mut Effects) {
        invariants::firing(firing, &mut effects.tally);
        let Some(rule) = rules.get(firing.rule) else { return };
        let Body::Correlation(correlation) = &rule.body else { return };
        let now = self.now();
        // A key of the same event may have had to make room for its next one; the alert stands.
        let mut episodes = self.correlator.episodes(firing);
        let of = match firing.verdict {
            Verdict::New => None,
            Verdict::Update { of_ms, .. } => episodes.as_ref().and_then(|episodes| episodes.id(of_ms)),
            Verdict::Covered { .. } | Verdict::Silent => return,
        };
        let alert = raise::correlated(rule, correlation, firing, &rules.table, now);
        let alert = raise::finish(alert, &firing.verdict, of);
        if let (Verdict::New, Some(episodes)) = (&firing.verdict, &mut episodes) {
            episodes.identify(firing.last_ms, alert.id);
        }
        effects.alerts.push(alert);
    }
}

/// Sends a match with as much of its event as its taker reads.
fn send(to: u32, consumer: RuleIndex, matched: Match, fields: &[FieldId], effects: &mut Effects) {
    let matched = Match { event: Shared::new(matched.event.only(fields)), ..matched };
    effects.parcels.push(Parcel { to, cargo: Cargo::Match { consumer, matched: Box::new(matched) } });
}
