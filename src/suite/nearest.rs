//! How near did a rule come to an alert that it did not raise?
//!
//! Asked of the engine, not computed beside it: the test is run again with one number or one length
//! of time of the rule otherwise, and the smallest change with which the alert is raised is what was
//! lacking. So it holds for every type of correlation. Where no amount helps, the detection that
//! never matched says why not, or a part of the rule that stood in the way is named.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use super::bench::{Bench, Seen, Trial};
use super::compare::{has_key, is_of};
use super::explain::Explain;
use super::script::Script;
use crate::limits;
use crate::model::{Measured, Mode, RuleIndex};
use crate::rule::{Body, Edit, Expectation, Outline, Rule, RuleSet, Site, Sources, apply};

/// A failed test, and what it was run with.
pub(super) struct Failed<'s> {
    pub(super) bench: &'s Bench,
    pub(super) outline: &'s Outline,
    pub(super) rules: &'s Arc<RuleSet>,
    /// The rule file of the test.
    pub(super) file: &'s Path,
    /// The rules of that file.
    pub(super) own: &'s [String],
    pub(super) script: &'s Script,
    /// What the test saw.
    pub(super) seen: &'s [Seen],
}

/// How many parts of a rule that stood in the way are told.
const OBSTACLES: usize = 3;

impl Failed<'_> {
    /// What was lacking, in lines, for each of some alerts that were not raised.
    pub(super) fn nearest(&self, missing: &[&Expectation]) -> Vec<Vec<String>> {
        let trial = self.bench.watch(self.script, self.rules);
        missing.iter().map(|expectation| self.one(expectation, &trial)).collect()
    }

    fn one(&self, expectation: &Expectation, trial: &Trial) -> Vec<String> {
        let Some((index, rule)) = self.expected(expectation) else { return Vec::new() };
        let name = &*rule.info.name;
        if !self.own.iter().any(|own| own == name) {
            return vec![format!("`{name}` stands in another file, whose tests are the ones that see it")];
        }
        if rule.info.mode == Mode::Off {
            return vec![format!("`{name}` is off")];
        }
        if !rule.info.generates {
            return vec![format!("`{name}` only feeds other rules: it raises no alert of its own")];
        }
        let explain = Explain { outline: self.outline, rules: self.rules, events: &trial.enriched };
        if let Body::Detection(_) = &rule.body {
            return explain.missing(name, expectation.at_ms);
        }
        let search = Search {
            failed: self,
            expectation,
            before: self.seen.iter().filter(|seen| fits(expectation, seen)).count(),
            around: self.outline.around(self.file),
            chain: chain(self.outline, name),
            runs: Cell::new(0),
        };
        let mut lines = search.lines(&explain);
        if lines.is_empty() {
            let figures = trial.shard.nearest(index).unwrap_or_default();
            let told =
                |figure: &Measured| format!("{} {}, {} asked", figure.observed, figure.what, figure.required);
            let figures: Vec<String> = figures.iter().map(told).collect();
            lines.extend(
                (!figures.is_empty()).then(|| format!("the nearest window had {}", figures.join("; "))),
            );
        }
        lines
    }

    /// The rule that is expected; without a name, the only one of the file that alerts.
    fn expected(&self, expectation: &Expectation) -> Option<(RuleIndex, &Rule)> {
        let rules = (0..).map(RuleIndex).zip(&self.rules.rules);
        let wanted = |rule: &Rule| match &expectation.rule {
            Some(name) => *rule.info.name == **name || rule.info.id.eq_ignore_ascii_case(name),
            None => rule.info.generates && self.own.iter().any(|own| **own == *rule.info.name),
        };
        let mut found = rules.filter(|(_, rule)| wanted(rule));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }
}

fn fits(expectation: &Expectation, seen: &Seen) -> bool {
    is_of(expectation, seen) && has_key(expectation, seen)
}

/// A rule and those it is made of, each once.
fn chain(outline: &Outline, rule: &str) -> Vec<String> {
    let mut chain = vec![rule.to_owned()];
    let mut at = 0;
    while let Some(rule) = chain.get(at).cloned() {
        for taken in outline.takes(&rule) {
            if !chain.iter().any(|known| known == taken) {
                chain.push(taken.to_owned());
            }
        }
        at += 1;
    }
    chain
}

struct Search<'s> {
    failed: &'s Failed<'s>,
    expectation: &'s Expectation,
    /// Alerts of the rule and the key that were raised all the same.
    before: usize,
    /// The files that decide what the rule means.
    around: Sources,
    /// The rule and those it is made of.
    chain: Vec<String>,
    runs: Cell<usize>,
}

/// An amount with which the alert is raised.
struct Near {
    site: Site,
    steps: i64,
}

impl Near {
    /// How far it is from what the rule says, against that.
    fn distance(&self) -> f64 {
        let told = self.site.amount.steps();
        (self.steps - told).unsigned_abs() as f64 / told.unsigned_abs().max(1) as f64
    }
}

impl Search<'_> {
    fn lines(&self, explain: &Explain<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        if self.failed.script.events <= limits::NEAREST_EVENTS {
            for rule in &self.chain {
                let mut near: Vec<Near> =
                    self.failed.outline.sites(rule).into_iter().flat_map(|site| self.near(&site)).collect();
                near.sort_by(|left, right| left.distance().total_cmp(&right.distance()));
                let rule = (self.chain.len() > 1 && *rule != self.chain[0]).then_some(rule.as_str());
                lines.extend(told(&near, rule));
            }
        }
        let avoided = self.chain.iter().flat_map(|rule| self.failed.outline.avoids(rule));
        let avoided: Vec<&str> = avoided.collect();
        let wanted = self.chain.iter().filter(|rule| !avoided.contains(&rule.as_str()));
        let blind = explain.blind(wanted);
        if lines.is_empty() && blind.is_empty() {
            lines = self.obstacles();
        }
        lines.extend(blind);
        lines.extend(explain.late());
        lines
    }

    /// The nearest amounts on both sides of what a rule says with which the alert is raised.
    fn near(&self, site: &Site) -> Vec<Near> {
        let told = site.amount.steps();
        let events = i64::try_from(self.failed.script.events).unwrap_or(i64::MAX);
        let furthest = if site.amount.is_time() {
            // No window need be longer than the test.
            let length = self.failed.script.length_ms / 1_000 + 1;
            vec![1, length.max(told)]
        } else {
            vec![0, 1, told.saturating_mul(2).saturating_add(events)]
        };
        let found = furthest.into_iter().filter_map(|to| self.least(site, told, to));
        let mut near: Vec<i64> = found.collect();
        near.dedup();
        near.into_iter().map(|steps| Near { site: site.clone(), steps }).collect()
    }

    /// The amount nearest to one with which the alert is not raised, on the way to another.
    fn least(&self, site: &Site, from: i64, to: i64) -> Option<i64> {
        let raises = |steps: i64| self.raises(&site.rule, &site.edit(steps));
        if from == to || !raises(to) {
            return None;
        }
        let (mut not, mut yes) = (from, to);
        while (yes - not).abs() > 1 {
            let middle = not + (yes - not) / 2;
            if raises(middle) {
                yes = middle;
            } else {
                not = middle;
            }
        }
        Some(yes)
    }

    fn raises(&self, rule: &str, edit: &Edit) -> bool {
        if self.runs.replace(self.runs.get() + 1) >= limits::NEAREST_RUNS {
            return false;
        }
        let failed = self.failed;
        let Some(file) = failed.outline.file(rule) else { return false };
        let text = self.around.text(file).and_then(|text| apply(text, std::slice::from_ref(edit)));
        let seen = text.and_then(|text| failed.bench.tried(failed.script, &self.around.with(file, text)));
        let raised = |seen: Vec<Seen>| seen.iter().filter(|seen| fits(self.expectation, seen)).count();
        seen.map(raised).is_some_and(|raised| raised > self.before)
    }

    /// Parts of the rule without which the alert is raised.
    fn obstacles(&self) -> Vec<String> {
        if self.failed.script.events > limits::NEAREST_EVENTS {
            return Vec::new();
        }
        let files = self.chain.iter().filter_map(|rule| self.failed.outline.file(rule));
        let mut files: Vec<&Path> = files.collect();
        files.dedup();
        let mutants = files.into_iter().flat_map(|file| self.failed.outline.mutants(file));
        let mutants =
            mutants.filter(|mutant| self.chain.contains(&mutant.rule) && mutant.operator != "amount");
        let raising = mutants.filter(|mutant| self.raises(&mutant.rule, &mutant.edit));
        raising
            .take(OBSTACLES)
            .map(|mutant| format!("it fires so: {} ({})", mutant.what, mutant.rule))
            .collect()
    }
}

/// Thresholds that a figure has to reach, with how much more than the number that is.
const LOWER_BOUNDS: &[(&str, i64)] = &[("gte", 0), ("gt", 1)];

/// Keys of a window's length.
const WINDOWS: &[&str] = &["timespan", "within"];

/// What was lacking, by the nearest amounts of one rule.
fn told(near: &[Near], rule: Option<&str>) -> Option<String> {
    let fewer = near.iter().find_map(|near| {
        let bound = LOWER_BOUNDS.iter().find(|(key, _)| *key == near.site.last_key());
        bound.filter(|_| near.steps < near.site.amount.steps()).map(|(_, more)| (near, *more))
    });
    let late = near
        .iter()
        .find(|near| WINDOWS.contains(&near.site.last_key()) && near.steps > near.site.amount.steps());
    let text = match (fewer, late) {
        (None, None) => near.first().map(otherwise)?,
        (None, Some(late)) => format!(
            "{} for the {} of {}",
            lateness("the last event", late),
            late.site.last_key(),
            late.site.amount
        ),
        (Some((fewer, more)), late) => {
            let amount = fewer.site.amount;
            let needed = amount.of(amount.steps() + more);
            let mut text = format!("{} of {needed}", amount.of(fewer.steps + more));
            if let Some(late) = late {
                let which = format!("the {}", ordinal(&needed.to_string()));
                text.push_str(&format!(" in {}; {}", late.site.amount, lateness(&which, late)));
            }
            text
        }
    };
    Some(rule.map_or_else(|| text.clone(), |rule| format!("`{rule}`: {text}")))
}

/// A window holds what is less than its length before its last event, so the shortest that does is
/// longer than the distance.
fn lateness(which: &str, near: &Near) -> String {
    match near.steps - near.site.amount.steps() - 1 {
        0 => format!("{which} came just when the window had ended"),
        late => format!("{which} came {} late", super::compare::moment(late * 1_000)),
    }
}

fn otherwise(near: &Near) -> String {
    let (key, amount) = (&near.site.key, near.site.amount);
    format!("it fires with `{key}: {}` instead of {amount}", amount.of(near.steps))
}

fn ordinal(number: &str) -> String {
    let suffix = match number.as_bytes() {
        [.., b'1', _] => "th",
        [.., b'1'] => "st",
        [.., b'2'] => "nd",
        [.., b'3'] => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_endings() {
        let shown = ["1", "2", "3", "5", "11", "12", "21", "113"].map(ordinal);
        assert_eq!(shown, ["1st", "2nd", "3rd", "5th", "11th", "12th", "21st", "113th"]);
    }
}
