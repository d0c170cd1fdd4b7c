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
use super::compare::{has_key, is_of, moment};
use super::explain::Explain;
use super::script::Script;
use crate::limits;
use crate::model::{Measured, Mode, RuleIndex};
use crate::rule::{Body, Edit, Expectation, Mutant, Outline, Rule, RuleSet, Site, Sources, apply};

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

/// The kinds of change that tell best what stood in the way, in that order.
const LIKELY: &[&str] = &["key", "negation", "word", "order", "comparison", "joint", "operand", "item"];

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
            let figures: Vec<String> = figures.iter().map(figure_told).collect();
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

/// Of some figures nothing is asked by itself.
fn figure_told(figure: &Measured) -> String {
    let Measured { what, observed, required } = figure;
    let observed = (observed * 1e4).round() / 1e4;
    let asked = if required.is_empty() { String::new() } else { format!(", {required} asked") };
    format!("{observed} {what}{asked}")
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
        let short = self.failed.script.events <= limits::NEAREST_EVENTS;
        if let Some(undecided) = Some(()).filter(|()| short).and_then(|()| self.undecided()) {
            return vec![undecided];
        }
        let mut lines = Vec::new();
        for rule in self.chain.iter().filter(|_| short) {
            let sites = self.failed.outline.sites(rule);
            let mut near: Vec<Near> = sites.iter().flat_map(|site| self.near(site)).collect();
            near.sort_by(|left, right| left.distance().total_cmp(&right.distance()));
            let below = self.chain.first().filter(|first| *first != rule).map(|_| rule.as_str());
            lines.extend(told(&near, below));
        }
        let avoided = self.chain.iter().flat_map(|rule| self.failed.outline.avoids(rule));
        let avoided: Vec<&str> = avoided.collect();
        let wanted = self.chain.iter().filter(|rule| !avoided.contains(&rule.as_str()));
        let blind = explain.blind(wanted);
        if short && lines.is_empty() && blind.is_empty() {
            lines = self.obstacles();
        }
        lines.extend(blind);
        lines.extend(explain.late());
        lines
    }

    /// Whether the alert is raised once time goes on, and until when it has to.
    fn undecided(&self) -> Option<String> {
        let script = self.failed.script;
        let sites = self.chain.iter().flat_map(|rule| self.failed.outline.sites(rule));
        let longest = sites.filter(|site| site.amount.is_time()).map(|site| site.amount.steps()).sum();
        let raises = |seconds: i64| {
            let later = script.until(script.complete_ms.saturating_add(seconds.saturating_mul(1_000)));
            self.failed.bench.tried(&later, &self.around).is_some_and(|seen| self.raised(&seen))
        };
        let seconds = least(0, longest, raises)?;
        let until = moment(script.complete_ms + seconds * 1_000);
        Some(format!("the test ends before it is decided; it fires with `until: {until}`"))
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
        let raises = |steps: i64| self.raises(&site.rule, &site.edit(steps));
        let found = furthest.into_iter().filter_map(|to| least(told, to, raises));
        let mut near: Vec<i64> = found.collect();
        near.dedup();
        near.into_iter().map(|steps| Near { site: site.clone(), steps }).collect()
    }

    fn raises(&self, rule: &str, edit: &Edit) -> bool {
        if self.runs.replace(self.runs.get() + 1) >= limits::NEAREST_RUNS {
            return false;
        }
        let failed = self.failed;
        let Some(file) = failed.outline.file(rule) else { return false };
        let text = self.around.text(file).and_then(|text| apply(text, std::slice::from_ref(edit)));
        let seen = text.and_then(|text| failed.bench.tried(failed.script, &self.around.with(file, text)));
        seen.is_some_and(|seen| self.raised(&seen))
    }

    fn raised(&self, seen: &[Seen]) -> bool {
        seen.iter().filter(|seen| fits(self.expectation, seen)).count() > self.before
    }

    /// Parts of the rule without which the alert is raised.
    fn obstacles(&self) -> Vec<String> {
        if self.failed.script.events > limits::NEAREST_EVENTS {
            return Vec::new();
        }
        let files = self.chain.iter().filter_map(|rule| self.failed.outline.file(rule));
        let mut files: Vec<&Path> = files.collect();
        files.dedup();
        let mutants: Vec<Mutant> = files
            .into_iter()
            .flat_map(|file| self.failed.outline.mutants(file))
            .filter(|mutant| self.chain.contains(&mutant.rule))
            .collect();
        let of = |operator: &str| -> Vec<String> {
            let mutants = mutants.iter().filter(|mutant| mutant.operator == operator);
            let raising = mutants.filter(|mutant| self.raises(&mutant.rule, &mutant.edit));
            raising
                .take(OBSTACLES)
                .map(|mutant| format!("it fires so: {} ({})", mutant.what, mutant.rule))
                .collect()
        };
        LIKELY.iter().map(|operator| of(operator)).find(|lines| !lines.is_empty()).unwrap_or_default()
    }
}

/// The amount nearest to one of which something does not hold, on the way to another of which it
/// does.
fn least(from: i64, to: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
    if from == to || !holds(to) {
        return None;
    }
    let (mut not, mut yes) = (from, to);
    while (yes - not).abs() > 1 {
        let middle = not + (yes - not) / 2;
        if holds(middle) {
            yes = middle;
        } else {
            not = middle;
        }
    }
    Some(yes)
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
        (None, None) => otherwise(near)?,
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
        late => format!("{which} came {} late", moment(late * 1_000)),
    }
}

/// The nearest number, and the nearest length of time.
fn otherwise(near: &[Near]) -> Option<String> {
    let of = |is_time: bool| near.iter().find(|near| near.site.amount.is_time() == is_time);
    let told = |near: &Near| {
        let site = &near.site;
        format!("with `{}` instead of {}", site.told(&site.key, near.steps), site.amount)
    };
    let told: Vec<String> = [of(false), of(true)].into_iter().flatten().map(told).collect();
    (!told.is_empty()).then(|| format!("it fires {}", told.join(", or ")))
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
    use super::super::testing::suite;
    use super::*;

    /// Detections `start`, `end` and `lock`, and a correlation over them.
    fn nearest(correlation: &str, events: &str) -> String {
        let detection = |number: usize, name: &str, kind: &str| {
            format!(
                "title: T\nid: 11111111-1111-4111-8111-11111111111{number}\nname: {name}\nlevel: low\n\
                 logsource: {{product: okta, service: okta}}\n\
                 detection: {{sel: {{eventType: {kind}}}, condition: sel}}\n---\n"
            )
        };
        let detections = detection(1, "start", "user.session.start")
            + &detection(2, "end", "user.session.end")
            + &detection(3, "lock", "user.account.lock");
        let text = format!(
            "{detections}title: C\nid: 22222222-2222-4222-8222-222222222222\nname: both\nlevel: high\n\
             correlation: {{{correlation}, group-by: [actor.alternateId]}}\n\
             tests:\n  - {{name: t, events: [{events}], expect: [{{rule: both}}]}}\n"
        );
        let suite = suite(&text);
        suite.run(&suite.cases()[0]).missing[0].nearest.join("; ")
    }

    const START: &str = "{at: 0s, eventType: user.session.start}";

    #[test]
    fn what_waits_for_the_end_of_a_window_says_until_when() {
        let absence = "type: absence, trigger: start, absent: end, within: 1h";
        let expected = "the test ends before it is decided; it fires with `until: 1h`";
        assert_eq!(nearest(absence, START), expected);
        let partner = format!("{START}, {{at: 30m, eventType: user.session.end}}");
        assert_eq!(nearest(absence, &partner), "it fires with `within: 1799s` instead of 1h");
    }

    #[test]
    fn steps_say_what_came_too_late_and_what_stood_in_the_way() {
        let sequence = "type: sequence, steps: [{rule: start, min: 2}, {rule: end}], until: lock, within: 1h";
        let end = "{at: 1h10m, eventType: user.session.end}";
        let two = format!("{START}, {{at: 1m, eventType: user.session.start}}");
        let late = "the last event came 10m late for the within of 1h";
        assert_eq!(nearest(sequence, &format!("{two}, {end}")), late);
        let one = format!("{START}, {{at: 10m, eventType: user.session.end}}");
        assert_eq!(nearest(sequence, &one), "it fires with `steps.min: 1` instead of 2");
        let stopped =
            format!("{two}, {{at: 5m, eventType: user.account.lock}}, {}", end.replace("1h10m", "9m"));
        assert_eq!(nearest(sequence, &stopped), "it fires so: without `until: lock` (both)");
        let never = nearest(sequence, &two);
        let expected = "`end` matched nothing; the nearest event, at 0s: `eventType` was user.session.start, \
                        wanted `eventType: user.session.end` (line 13)";
        assert_eq!(never, expected);
    }

    #[test]
    fn an_upper_bound_says_how_much_it_would_have_to_be() {
        let few = "type: event_count, rules: [start], timespan: 10m, condition: {lte: 2}";
        let events = "{at: 0s, repeat: 4, every: 1m, eventType: user.session.start}, \
                      {at: 1h, eventType: user.session.end}";
        assert_eq!(
            nearest(few, events),
            "it fires with `condition.lte: 4` instead of 2, or with `timespan: 2m` instead of 10m"
        );
    }

    #[test]
    fn what_no_single_change_mends_tells_the_figures_of_the_nearest_window() {
        let aggregate = "type: aggregate, rules: [start], timespan: 10m, \
                         values: {n: count, part: share(client.ipAddress)}, condition: n >= 5 and part > n";
        let events = "{at: 0s, repeat: 4, every: 1m, eventType: user.session.start}";
        let expected = "the nearest window had 4 n (count), n >= 5 and part > n asked; \
                        1 part (share client.ipAddress)";
        assert_eq!(nearest(aggregate, events), expected);
    }

    #[test]
    fn numbers_have_their_endings() {
        let shown = ["1", "2", "3", "5", "11", "12", "21", "113"].map(ordinal);
        assert_eq!(shown, ["1st", "2nd", "3rd", "5th", "11th", "12th", "21st", "113th"]);
    }
}
