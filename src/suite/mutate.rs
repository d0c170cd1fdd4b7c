//! Which small changes of a rule would no test see?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Suite;
use super::bench::scripts;
use super::compare::compare;
use super::script::Script;
use crate::error::Failure;
use crate::model::Mode;
use crate::rule::{Mutant, RuleSet, Sources, TestCase, apply, compile};

/// What came of the mutants of one rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutation {
    /// Mutants that mean something else than the rules, and were run.
    pub tried: usize,
    /// Those that no test told from the rules, in the order of their lines.
    pub survivors: Vec<Survivor>,
}

/// A change that every test of the file passes with: what it changes, no test holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// The rule file.
    pub file: PathBuf,
    /// Line of the change, from 1.
    pub line: usize,
    /// The rule that was changed.
    pub rule: String,
    /// What kind of change.
    pub operator: &'static str,
    /// The change: `gte: 5 → gte: 4`.
    pub what: String,
}

/// A test with what it is run as.
type Case<'c> = (&'c TestCase, Script);

impl Suite {
    /// Runs the tests of a file with each of its mutants. `told` is called before each, with how many
    /// there are.
    ///
    /// # Errors
    /// A test that fails as the rules are, or cannot be run: then no mutant says anything.
    pub fn mutate(&self, file: &Path, told: &mut dyn FnMut(usize, usize)) -> Result<Mutation, Failure> {
        let around = self.outline.around(file);
        let text = around.text(file).unwrap_or_default().to_owned();
        let rules = compile(&around).map_err(|_| Failure::new("the rules do not compile"))?;
        let scripts = scripts(self.of_file(file).map(|case| &case.test))?;
        let cases: Vec<Case<'_>> = self.of_file(file).zip(scripts).collect();
        let mut trying =
            Trying { suite: self, cases, digests: BTreeSet::from([rules.digest.clone()]), killer: 0 };
        if let Some(place) = trying.killer(&Arc::new(rules)) {
            let name = trying.cases.get(place).map_or("", |(case, _)| case.test.name.as_str());
            let failure = Failure::new(format!("{}: a test fails as the rules are", file.display()));
            return Err(failure
                .detail(format!("{name}."))
                .hint("Mend it first; mutants say nothing before."));
        }
        let mutants = self.outline.mutants(file);
        let mut found = Mutation::default();
        let mut survived = BTreeSet::new();
        for (place, mutant) in mutants.iter().enumerate() {
            told(place, mutants.len());
            // A larger change of the same thing was not seen: the smaller one says nothing new.
            if survived.contains(&mutant.ladder) || self.is_off(&mutant.rule) {
                continue;
            }
            let Some(rules) = trying.meaning(&around, file, &text, mutant) else { continue };
            found.tried += 1;
            if trying.killer(&rules).is_none() {
                survived.insert(mutant.ladder);
                found.survivors.push(self.survivor(file, mutant));
            }
        }
        found.survivors.sort_by_key(|survivor| survivor.line);
        Ok(found)
    }

    fn is_off(&self, rule: &str) -> bool {
        let found = self.rules.rules.iter().find(|known| *known.info.name == *rule);
        found.is_some_and(|rule| rule.info.mode == Mode::Off)
    }

    fn survivor(&self, file: &Path, mutant: &Mutant) -> Survivor {
        Survivor {
            file: file.to_owned(),
            line: self.outline.line(file, mutant.at),
            rule: mutant.rule.clone(),
            operator: mutant.operator,
            what: mutant.what.clone(),
        }
    }
}

/// The tests of a file, and what they were run with.
struct Trying<'t> {
    suite: &'t Suite,
    cases: Vec<Case<'t>>,
    /// Digests of the rules as they are, and of the mutants so far: what means the same is not run
    /// again.
    digests: BTreeSet<String>,
    /// The test that told the last mutant, which often tells the next one too.
    killer: usize,
}

impl Trying<'_> {
    /// The rules with a change; `None` if they do not compile, or have been run.
    fn meaning(
        &mut self,
        around: &Sources,
        file: &Path,
        text: &str,
        mutant: &Mutant,
    ) -> Option<Arc<RuleSet>> {
        let changed = apply(text, std::slice::from_ref(&mutant.edit))?;
        let rules = compile(&around.with(file, changed)).ok()?;
        self.digests.insert(rules.digest.clone()).then(|| Arc::new(rules))
    }

    /// The first test that does not pass with these rules.
    fn killer(&mut self, rules: &Arc<RuleSet>) -> Option<usize> {
        let count = self.cases.len();
        let order = (0..count).map(|place| (place + self.killer) % count.max(1));
        let killer = order.into_iter().find(|place| !self.passes(*place, rules))?;
        self.killer = killer;
        Some(killer)
    }

    fn passes(&self, place: usize, rules: &Arc<RuleSet>) -> bool {
        let Some((case, script)) = self.cases.get(place) else { return true };
        let trial = self.suite.bench.run(script, rules);
        let own = trial.seen.into_iter().filter(|seen| case.rules.contains(&seen.rule));
        trial.failure.is_none() && compare(&case.test.expect, &own.collect::<Vec<_>>()).agrees()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{PUSHES, suite};
    use super::*;

    fn mutation(tests: &str) -> Result<Mutation, Failure> {
        let suite = suite(&format!("{PUSHES}{tests}"));
        let mut calls = 0;
        let found = suite.mutate(Path::new("denials.yml"), &mut |place, all| {
            assert!(place < all && place == calls);
            calls += 1;
        });
        assert_eq!(found.is_ok(), calls > 0);
        found
    }

    fn survivors(tests: &str) -> Vec<String> {
        let survivors = mutation(tests).unwrap().survivors.into_iter();
        survivors
            .map(|found| format!("{}: {} {}: {}", found.line, found.rule, found.operator, found.what))
            .collect()
    }

    const THREE: &str = "
  - name: three
    events: [{at: 0s, repeat: 3, every: 1m, eventType: user.mfa.okta_verify.deny_push}]
    expect: [{rule: three-denied, at: 2m}]
";
    const EDGES: &str = "
  - name: the window has just ended
    events: [{at: 0s, repeat: 3, every: 5m, eventType: user.mfa.okta_verify.deny_push}]
    expect: []
  - name: the window has not ended yet
    events:
      - {at: 0s, repeat: 2, every: 5m, eventType: user.mfa.okta_verify.deny_push}
      - {at: 599s, eventType: user.mfa.okta_verify.deny_push}
    expect: [{rule: three-denied}]
  - name: three users
    events:
      - {at: 0s, repeat: 3, every: 1s, eventType: user.mfa.okta_verify.deny_push, actor.alternateId: 'u{n}'}
    expect: []
";

    #[test]
    fn what_no_test_holds_survives() {
        assert_eq!(
            survivors(THREE),
            [
                "18: three-denied key: without `group-by: [actor.alternateId]`",
                "19: three-denied amount: `timespan: 10m` → `timespan: 12m`",
                "19: three-denied amount: `timespan: 10m` → `timespan: 8m`",
            ]
        );
    }

    #[test]
    fn tests_at_the_edges_let_nothing_survive() {
        let found = mutation(&format!("{THREE}{EDGES}")).unwrap();
        assert_eq!(found.survivors, []);
        assert!(found.tried >= 8, "{}", found.tried);
    }

    #[test]
    fn a_test_that_fails_anyway_says_nothing_of_mutants() {
        let failure = mutation(&THREE.replace("2m}]", "3m}]")).unwrap_err();
        assert!(failure.primary.contains("fails as the rules are"), "{failure}");
    }
}
