//! Which metrics does each rule have, and what becomes of them when rules come and go?
//!
//! A worker counts by the place a rule has in the set that the worker runs, which another worker may
//! have left already: so every count comes with its set. What is counted of a rule that is gone is left
//! out, as its series would stand still for ever.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLockReadGuard};

use super::{Account, Telemetry};
use crate::model::{Level, Mode, RuleInfo, Tally};

/// The names of the rules that have metrics.
#[derive(Debug, Default)]
pub(super) struct Known {
    names: BTreeSet<Arc<str>>,
}

const MODES: [Mode; 3] = [Mode::Active, Mode::Shadow, Mode::Off];
const LEVELS: [Level; 5] = [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];

impl Telemetry {
    /// Counts for these rules from now on: what is new exists at zero, what is gone is no longer told.
    pub fn set_rules(&self, rules: &[Arc<RuleInfo>]) {
        let mut known = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let names: BTreeSet<Arc<str>> = rules.iter().map(|rule| Arc::clone(&rule.name)).collect();
        for gone in known.names.difference(&names) {
            self.forget(gone);
        }
        for mode in MODES {
            let count = rules.iter().filter(|rule| rule.mode == mode).count();
            self.metrics.rules.with_label_values(&[mode.as_str()]).set(count as f64);
        }
        for rule in rules {
            self.metrics.rule_matches_total.with_label_values(&[rule.name.as_ref()]);
            if rule.generates && rule.mode != Mode::Off {
                self.alerts_of(rule);
            }
        }
        known.names = names;
    }

    /// How many rules have metrics.
    pub(super) fn rules(&self) -> usize {
        self.known().names.len()
    }

    /// Counts by rule what a step did.
    pub(super) fn by_rule(&self, tally: &Tally, rules: &[Arc<RuleInfo>]) {
        let metrics = &self.metrics;
        let known = self.known();
        for (family, counts) in [
            (&metrics.rule_matches_total, &tally.matches),
            (&metrics.rule_exceptions_total, &tally.excepted),
            (&metrics.alerts_suppressed_total, &tally.suppressed),
            (&metrics.rule_ungrouped_total, &tally.ungrouped),
            (&metrics.rule_evictions_total, &tally.evicted),
        ] {
            for (rule, count) in counts {
                let name = rules.get(rule.0 as usize).map(|info| &info.name);
                if let Some(name) = name.filter(|name| known.names.contains(*name)) {
                    family.with_label_values(&[name.as_ref()]).inc_by(*count);
                }
            }
        }
    }

    /// Counts alerts.
    pub(super) fn alerts(&self, account: &Account) {
        let known = self.known();
        for (rule, count) in account.alerts.values().filter(|(rule, _)| known.names.contains(&rule.name)) {
            self.alerts_of(rule).inc_by(*count);
        }
    }

    /// Says how many keys a worker holds for each correlation.
    pub(super) fn keys(&self, keys: &[(Arc<str>, usize)], worker: &str) {
        let known = self.known();
        for (rule, keys) in keys.iter().filter(|(rule, _)| known.names.contains(rule)) {
            self.metrics.rule_state_keys.with_label_values(&[rule.as_ref(), worker]).set(*keys as f64);
        }
    }

    fn alerts_of(&self, rule: &RuleInfo) -> prometheus::IntCounter {
        let labels = [rule.name.as_ref(), rule.level.as_str(), rule.mode.as_str()];
        self.metrics.alerts_total.with_label_values(&labels)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes away all series of a rule; one that it never had is no mistake.
    fn forget(&self, rule: &str) {
        let metrics = &self.metrics;
        for family in [
            &metrics.rule_matches_total,
            &metrics.rule_exceptions_total,
            &metrics.alerts_suppressed_total,
            &metrics.rule_ungrouped_total,
            &metrics.rule_evictions_total,
        ] {
            let _absent = family.remove_label_values(&[rule]);
        }
        for level in LEVELS {
            for mode in MODES {
                let _absent =
                    metrics.alerts_total.remove_label_values(&[rule, level.as_str(), mode.as_str()]);
            }
        }
        for worker in 0..self.workers {
            let _absent = metrics.rule_state_keys.remove_label_values(&[rule, &worker.to_string()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fact, Gauges, Health};
    use super::*;
    use crate::model::RuleIndex;

    fn rules(names: &[&str]) -> Vec<Arc<RuleInfo>> {
        let rule = |name: &&str| RuleInfo { name: Arc::from(*name), generates: true, ..RuleInfo::default() };
        names.iter().map(|name| Arc::new(rule(name))).collect()
    }

    fn counted(telemetry: &Telemetry, of: &[Arc<RuleInfo>]) {
        let one = || vec![(RuleIndex(0), 1)];
        let tally =
            Tally { matches: one(), excepted: one(), evicted: one(), ungrouped: one(), ..Tally::default() };
        telemetry.observe(&Fact::Counted { tally: &tally, rules: of });
        let mut account = Account::default();
        account.alerts.insert(Arc::clone(&of[0].name), (Arc::clone(&of[0]), 1));
        telemetry.observe(&Fact::Committed { worker: 0, seconds: 0.1, account: &account });
        let gauges = Gauges { keys: vec![(Arc::clone(&of[0].name), 3)], ..Gauges::default() };
        telemetry.observe(&Fact::Holding { worker: 0, now_ms: 0, gauges: &gauges });
    }

    fn lines(telemetry: &Telemetry, rule: &str) -> Vec<String> {
        let text = telemetry.expose().unwrap();
        text.lines().filter(|line| line.contains(&format!("rule=\"{rule}\""))).map(str::to_owned).collect()
    }

    #[test]
    fn series_follow_the_rules_that_come_and_go() {
        let (first, second) = (rules(&["a", "b"]), rules(&["b", "c"]));
        let telemetry = Telemetry::new(&first, Arc::new(Health::new(1, 0)), 1).unwrap();
        counted(&telemetry, &first);
        assert_eq!(lines(&telemetry, "a").len(), 6);
        telemetry.set_rules(&second);
        assert_eq!(lines(&telemetry, "a"), [""; 0]);
        assert_eq!(lines(&telemetry, "c").len(), 2, "what can count exists at zero");
        counted(&telemetry, &first);
        assert_eq!(lines(&telemetry, "a"), [""; 0], "a worker that has not taken them up yet");
        counted(&telemetry, &second);
        assert!(lines(&telemetry, "b").contains(&"oktawatch_rule_matches_total{rule=\"b\"} 1".to_owned()));
    }

    #[test]
    fn the_digest_that_runs_is_the_only_one_told() {
        let telemetry = Telemetry::new(&[], Arc::new(Health::new(1, 0)), 1).unwrap();
        telemetry.observe(&Fact::Started { version: "1", digest: "one" });
        let (rules, added, changed, removed) = (0, 0, 0, 0);
        telemetry.observe(&Fact::RulesLoaded { digest: "two", rules, added, changed, removed });
        telemetry.observe(&Fact::RulesFailed { errors: 1, error: "bad" });
        let text = telemetry.expose().unwrap();
        assert!(text.contains("rules_info{digest=\"two\"} 1") && !text.contains("digest=\"one\""));
        assert!(text.contains("rules_reloads_total{outcome=\"loaded\"} 1"));
        assert!(text.contains("rules_reloads_total{outcome=\"failed\"} 1"));
    }
}
