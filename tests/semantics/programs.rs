//! Which rules are loaded together?

use std::fmt;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::events::{Clock, IP, TARGET, USER};
use crate::kinds::{kind, weekly_baseline};
use crate::reference::aggregate::Figure;
use crate::reference::rule::{Body, Correlation, GroupBy, Kind, Rule};
use crate::yaml::documents;

/// Detections by the kinds of events they match; some match the same.
const DETECTIONS: [(&str, &[usize]); 5] =
    [("a", &[0]), ("b", &[1]), ("c", &[2]), ("ab", &[0, 1]), ("bc", &[1, 2])];

/// Name of the alias for users and targets.
const WHO: &str = "who";

/// Some rules, each taking only those before it.
#[derive(Clone)]
pub struct Program {
    pub rules: Vec<Rule>,
    pub clock: Clock,
}

impl fmt::Debug for Program {
    /// As an author writes it: that can be tried at once.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let documents = documents(&self.rules);
        let correlations = documents.split("---\n").skip(DETECTIONS.len());
        write!(out, "{:?}\n{}", self.clock, correlations.collect::<Vec<_>>().join("---\n"))
    }
}

impl Program {
    /// The same rules, whose correlations' alerts are held together for so long.
    pub fn suppressing(mut self, suppress_ms: i64) -> Self {
        for rule in &mut self.rules {
            if matches!(rule.body, Body::Correlation(_)) {
                rule.suppress_ms = suppress_ms;
            }
        }
        self
    }

    /// Whether numbers below nothing take no verdict back: a sum that once was enough stays so.
    pub fn bears_negatives(&self) -> bool {
        !self.rules.iter().any(|rule| match &rule.body {
            Body::Correlation(Correlation { kind: Kind::ValueSum(_), .. }) => true,
            Body::Correlation(Correlation { kind: Kind::Aggregate(aggregate), .. }) => {
                aggregate.values.iter().any(|(_, figure)| matches!(figure, Figure::Sum(_)))
            }
            _ => false,
        })
    }
}

/// What the correlations of a program are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Nothing,
    User,
    Target,
    UserAndIp,
    Alias,
}

/// One correlation of a type over detections.
pub fn alone(word: &'static str) -> impl Strategy<Value = Program> {
    (detections(), group(), prop::bool::weighted(0.2)).prop_flat_map(move |(takes, group, equal)| {
        kind(word, takes.len())
            .prop_map(move |kind| single(takes.clone(), group, kind, equal, Clock::Seconds))
    })
}

/// Habits of hours of the week.
pub fn weekly() -> impl Strategy<Value = Program> {
    (detections(), group(), weekly_baseline())
        .prop_map(|(takes, group, kind)| single(takes, group, kind, false, Clock::Weeks))
}

/// Correlations of several types, each of which takes the one before.
pub fn chain(words: Vec<&'static str>) -> BoxedStrategy<Program> {
    let detections = proptest::collection::vec(detections(), words.len());
    (detections, group())
        .prop_flat_map(move |(detections, group)| {
            let takes = |link: usize| detections[link].len() + usize::from(link > 0);
            let kinds: Vec<_> =
                words.iter().enumerate().map(|(link, word)| kind(word, takes(link))).collect();
            kinds.prop_map(move |kinds| links(&detections, group, kinds))
        })
        .boxed()
}

fn single(takes: Vec<usize>, group: Group, kind: Kind, equal: bool, clock: Clock) -> Program {
    let mut rules = base();
    let mut correlation = correlation(takes, group, kind, &rules);
    if equal && matches!(correlation.kind, Kind::Sequence(_)) && group != Group::UserAndIp {
        correlation.equal = vec![IP.to_owned()];
    }
    rules.push(rule("single", correlation));
    Program { rules, clock }
}

fn links(detections: &[Vec<usize>], group: Group, kinds: Vec<Kind>) -> Program {
    let mut rules = base();
    for (link, kind) in kinds.into_iter().enumerate() {
        let below = (link > 0).then(|| rules.len() - 1);
        let takes = below.into_iter().chain(detections[link].iter().copied()).collect();
        let correlation = correlation(takes, group, kind, &rules);
        rules.push(rule(&format!("link-{link}"), correlation));
    }
    Program { rules, clock: Clock::Seconds }
}

fn group() -> impl Strategy<Value = Group> {
    select(vec![Group::Nothing, Group::User, Group::User, Group::Target, Group::UserAndIp, Group::Alias])
}

fn detections() -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..DETECTIONS.len()).collect::<Vec<_>>(), 1..4).prop_shuffle()
}

fn base() -> Vec<Rule> {
    let tactics = [vec!["credential-access"], vec!["persistence"], vec!["credential-access", "discovery"]];
    let techniques = [vec!["t1110"], vec![], vec!["t1621"]];
    let detection = |(place, (name, kinds)): (usize, &(&str, &[usize]))| Rule {
        name: (*name).to_owned(),
        body: Body::Detection { kinds: kinds.to_vec() },
        suppress_ms: if *name == "c" { 4_000 } else { 0 },
        risk: [20, 35, 50][place % 3],
        tactics: tactics[place % 3].clone(),
        techniques: techniques[place % 3].clone(),
    };
    DETECTIONS.iter().enumerate().map(detection).collect()
}

fn rule(name: &str, correlation: Correlation) -> Rule {
    Rule {
        name: name.to_owned(),
        body: Body::Correlation(correlation),
        suppress_ms: 0,
        risk: 60,
        tactics: vec!["lateral-movement"],
        techniques: vec!["t1078"],
    }
}

fn correlation(takes: Vec<usize>, group: Group, kind: Kind, rules: &[Rule]) -> Correlation {
    let group_by = match group {
        Group::Nothing => Vec::new(),
        Group::User => vec![plain(USER, &takes)],
        Group::Target => vec![plain(TARGET, &takes)],
        Group::UserAndIp => vec![plain(USER, &takes), plain(IP, &takes)],
        Group::Alias => vec![alias(&takes, rules)],
    };
    Correlation { takes, group_by, equal: Vec::new(), kind }
}

fn plain(field: &str, takes: &[usize]) -> GroupBy {
    GroupBy { name: field.to_owned(), fields: vec![field.to_owned(); takes.len()] }
}

/// Users of some rules are targets of others; a correlation below has the alias itself.
fn alias(takes: &[usize], rules: &[Rule]) -> GroupBy {
    let field = |taken: &usize| match (&rules[*taken].body, taken % 2) {
        (Body::Correlation(_), _) => WHO,
        (_, 0) => USER,
        _ => TARGET,
    };
    GroupBy { name: WHO.to_owned(), fields: takes.iter().map(|taken| field(taken).to_owned()).collect() }
}
