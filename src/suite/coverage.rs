//! Which parts of a rule do the tests of its file reach?
//!
//! A part of a detection is reached when some event makes it true and another makes it false: the
//! parts are judged one by one, beside the engine, on the events as the rules saw them. An amount of
//! a correlation is reached when a test can tell it from the next one: with one less, or a window a
//! tenth shorter, some key no longer alerts, or now does. That is asked of the engine, with the rule
//! alone, so that it holds for every type and for rules that only feed others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Suite;
use super::bench::{Seen, scripts};
use super::script::Script;
use crate::error::Failure;
use crate::model::{Enriched, Mode, RuleIndex, Shared, core};
use crate::rule::{Body, Extract, Point, RuleSet, Site, compile};

/// How much of one rule the tests of its file reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The rule file.
    pub file: PathBuf,
    /// The rule's name.
    pub rule: String,
    /// What is to be reached.
    pub total: usize,
    /// What is not, in the order of the lines.
    pub gaps: Vec<Gap>,
}

/// Something that no test reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Line in the rule file, from 1.
    pub line: usize,
    /// What it is.
    pub text: String,
}

impl Coverage {
    /// How much is reached, in percent.
    pub fn percent(&self) -> f64 {
        percent(self.total - self.gaps.len(), self.total)
    }
}

/// A part of a whole in percent; of nothing, all is reached.
pub fn percent(reached: usize, total: usize) -> f64 {
    if total == 0 { 100.0 } else { reached as f64 / total as f64 * 100.0 }
}

impl Suite {
    /// How much of each rule of a file its tests reach. Rules that are off are left out.
    ///
    /// # Errors
    /// A test whose events cannot be written.
    pub fn coverage(&self, file: &Path) -> Result<Vec<Coverage>, Failure> {
        let scripts = scripts(self.of_file(file).map(|case| &case.test))?;
        let trials = scripts.iter().map(|script| self.bench.watch(script, &self.rules).enriched);
        let events: Vec<Shared<Enriched>> = trials.flatten().collect();
        let mut covered = Vec::new();
        for name in self.outline.rules(file) {
            let rules = (0..).map(RuleIndex).zip(&self.rules.rules);
            let Some((index, rule)) = rules.into_iter().find(|(_, rule)| *rule.info.name == *name) else {
                continue;
            };
            if rule.info.mode == Mode::Off {
                continue;
            }
            let mut reached = Reached { total: 0, gaps: Vec::new() };
            match rule.body {
                Body::Detection(_) => self.detection(name, index, &events, &mut reached),
                Body::Correlation(_) => self.correlation(name, file, &scripts, &mut reached),
            }
            let Reached { total, mut gaps } = reached;
            gaps.sort_by_key(|gap| gap.line);
            covered.push(Coverage { file: file.to_owned(), rule: name.to_owned(), total, gaps });
        }
        Ok(covered)
    }

    /// Parts that ask for the event's type are judged on every event; the others on those whose type
    /// the rule is about, as any other event would say nothing of them.
    fn detection(&self, name: &str, index: RuleIndex, events: &[Shared<Enriched>], reached: &mut Reached) {
        let Some(trace) = self.outline.trace(name, &self.rules) else { return };
        let points = trace.points();
        let mut seen = vec![(false, false); points.len()];
        for event in events {
            let fields = &event.event().fields;
            let kind = fields.text(core::EVENT_TYPE).unwrap_or_default();
            let is_about = self.rules.candidates(kind).any(|candidate| candidate == index);
            let judged = trace.judge(fields);
            for (point, seen) in points.iter().zip(&mut seen).filter(|(point, _)| point.of_type || is_about) {
                match judged.get(point.place) {
                    Some(true) => seen.0 = true,
                    Some(false) => seen.1 = true,
                    None => {}
                }
            }
        }
        for (point, (was_true, was_false)) in points.iter().zip(seen) {
            reached.point(point, "true", was_true);
            reached.point(point, "false", was_false);
        }
    }

    fn correlation(&self, name: &str, file: &Path, scripts: &[Script], reached: &mut Reached) {
        let Some(extract) = self.outline.alone(name) else { return };
        let Ok(alone) = compile(&extract.sources(None)) else { return };
        let digest = alone.digest.clone();
        let probe = Probe { suite: self, name, file, scripts, extract: &extract, digest };
        let told = probe.keys(alone);
        reached.add(told.iter().any(|keys| !keys.is_empty()), || Gap {
            line: probe.line(),
            text: "no test in which it is true".to_owned(),
        });
        reached.add(told.iter().any(BTreeSet::is_empty), || Gap {
            line: probe.line(),
            text: "no test in which it is not true".to_owned(),
        });
        for site in self.outline.sites(name) {
            for steps in edges(&site) {
                let Some(other) = probe.with(&site, steps) else { continue };
                reached.add(other != told, || probe.gap(&site, steps));
            }
        }
    }
}

/// What is reached of one rule so far.
struct Reached {
    total: usize,
    gaps: Vec<Gap>,
}

impl Reached {
    fn add(&mut self, reached: bool, gap: impl FnOnce() -> Gap) {
        self.total += 1;
        if !reached {
            self.gaps.push(gap());
        }
    }

    fn point(&mut self, point: &Point<'_>, never: &str, was: bool) {
        self.add(was, || Gap { line: point.line, text: format!("never {never}: `{}`", point.text) });
    }
}

/// One less and one more; a window a tenth shorter and longer.
fn edges(site: &Site) -> Vec<i64> {
    let steps = site.amount.steps();
    let by = if site.amount.is_time() { (steps / 10).max(1) } else { 1 };
    [steps.saturating_sub(by), steps.saturating_add(by)].into_iter().filter(|steps| *steps >= 0).collect()
}

/// A correlation alone, with an amount of it otherwise.
struct Probe<'p> {
    suite: &'p Suite,
    name: &'p str,
    file: &'p Path,
    scripts: &'p [Script],
    extract: &'p Extract,
    /// Of what the rule means as it is.
    digest: String,
}

impl Probe<'_> {
    /// The keys that alert in each of the tests.
    fn keys(&self, rules: RuleSet) -> Vec<BTreeSet<String>> {
        let rules = Arc::new(rules);
        let keys = |seen: &Seen| (*seen.rule == *self.name).then(|| seen.key());
        let runs = self.scripts.iter().map(|script| self.suite.bench.run(script, &rules));
        runs.map(|trial| trial.seen.iter().filter_map(keys).collect()).collect()
    }

    /// `None` where the rule cannot say that, or means the same.
    fn with(&self, site: &Site, steps: i64) -> Option<Vec<BTreeSet<String>>> {
        let edit = site.edit(steps);
        let rules = compile(&self.extract.sources(Some((self.file, &edit)))).ok()?;
        (rules.digest != self.digest).then(|| self.keys(rules))
    }

    fn line(&self) -> usize {
        let sites = self.suite.outline.sites(self.name);
        let first = sites.first().map_or(0, |site| site.range.start);
        self.suite.outline.line(self.file, first)
    }

    fn gap(&self, site: &Site, steps: i64) -> Gap {
        let line = self.suite.outline.line(self.file, site.range.start);
        let amount = site.amount;
        let at = match (site.amount.is_time(), steps > amount.steps()) {
            (true, true) => "just outside",
            (true, false) => "just inside",
            (false, true) => "one more",
            (false, false) => "one less",
        };
        let told = site.told(&site.key, amount.steps());
        Gap { line, text: format!("{at}: no test tells `{told}` from {}", amount.of(steps)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{PUSHES, suite};
    use super::*;

    fn gaps(tests: &str) -> Vec<(String, usize, Vec<String>)> {
        let suite = suite(&format!("{PUSHES}{tests}"));
        let covered = suite.coverage(Path::new("denials.yml")).unwrap();
        let gaps =
            |coverage: Coverage| coverage.gaps.into_iter().map(|gap| format!("{}: {}", gap.line, gap.text));
        covered
            .into_iter()
            .map(|coverage| (coverage.rule.clone(), coverage.total, gaps(coverage).collect()))
            .collect()
    }

    const THREE: &str = "
  - name: three
    events: [{at: 0s, repeat: 3, every: 299s, eventType: user.mfa.okta_verify.deny_push}]
    expect: []
";
    const EDGES: &str = "
  - name: two
    events: [{at: 0s, repeat: 2, every: 1m, eventType: user.mfa.okta_verify.deny_push}]
    expect: []
  - name: three, the last one too late
    events: [{at: 0s, repeat: 3, every: 5m, eventType: user.mfa.okta_verify.deny_push}, {at: 0s}]
    expect: []
";

    #[test]
    fn edges_that_no_test_reaches_are_told_with_their_lines() {
        let gaps = gaps(THREE);
        assert_eq!((gaps[0].0.as_str(), gaps[0].1), ("push-denied", 2));
        assert_eq!(gaps[0].2, ["8: never false: `eventType: user.mfa.okta_verify.deny_push`"]);
        let expected = [
            "19: no test in which it is not true",
            "19: just outside: no test tells `timespan: 10m` from 11m",
            "20: one less: no test tells `condition.gte: 3` from 2",
        ];
        assert_eq!(
            (gaps[1].1, gaps[1].2.iter().map(String::as_str).collect::<Vec<_>>()),
            (6, expected.to_vec())
        );
    }

    #[test]
    fn tests_at_the_edges_reach_all() {
        let gaps = gaps(&format!("{THREE}{EDGES}"));
        assert!(gaps.iter().all(|(_, _, gaps)| gaps.is_empty()), "{gaps:#?}");
    }

    #[test]
    fn a_part_of_a_hundred() {
        assert_eq!((percent(1, 4), percent(0, 0)), (25.0, 100.0));
    }
}
