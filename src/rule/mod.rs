//! What does a rule say, and does an event match it?
//!
//! Sigma documents become one [`RuleSet`]: text → `yaml` → `document` → `compile` → `assemble`, and
//! all mistakes on the way become [`Diagnostic`]s. A detection is judged by its compiled form alone,
//! where every field is a place in the event's table; which detections are worth judging is looked
//! up by the event's type.

mod assemble;
mod attack;
mod budget;
mod case;
mod cheap_first;
mod codes;
mod compile;
mod condition;
mod correlation;
mod derive;
mod detection;
mod diagnostic;
mod diagram;
mod digest;
mod document;
mod edit;
mod encoding;
mod event_types;
mod exception;
mod expand;
mod expression;
mod extract;
mod fields;
mod filter;
mod graph;
mod index;
mod joint;
mod known;
mod link;
mod lint;
mod list_file;
mod list_pieces;
mod lists;
mod location;
mod look;
mod memo;
mod mermaid;
mod modifier;
mod mutation;
mod needed;
mod network;
mod options;
mod order;
mod outline;
mod pattern;
mod reader;
mod render;
mod risk;
mod roles;
mod sarif;
mod scaffold;
mod schema;
mod search;
mod selection;
mod set;
mod site;
mod sources;
#[cfg(test)]
mod testing;
mod time_part;
mod timespan;
mod trace;
mod tree;
mod types;
mod value;
mod walk;
mod wildcard;
mod yaml;

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{Event, FieldId, FieldTable, Fields, RuleIndex, RuleInfo};

pub use case::{Expectation, InlineTest, TestCase, TestEvent};
pub use codes::{CODES, Code, code};
pub use correlation::{Correlation, Counted, GroupBy, GroupSource, Operator, Test, Threshold, required};
pub use detection::Detection;
pub use diagnostic::{Diagnostic, Related, Severity};
pub use diagram::{Diagram, Drawn, Taken, diagram};
pub use edit::{Edit, apply};
pub use event_types::event_types;
pub use exception::Exception;
pub use extract::Extract;
pub use fields::{catalogue, target_fields};
pub use index::Candidates;
pub use lint::{CheckReport, LintOptions, check, check_texts};
pub use location::Location;
pub use look::Look;
pub use memo::Memo;
pub use mutation::Mutant;
pub use outline::Outline;
pub use render::render;
pub use sarif::sarif;
pub use scaffold::{Scaffold, kinds as scaffold_kinds, scaffold};
pub use schema::rule_schema;
pub use site::{Amount, Site};
pub use sources::{Source, Sources};
pub use trace::{PartKind, Point, Reason, Trace, weight};
pub use types::{
    AbsenceTest, AggregateFigure, AggregateTest, AggregateValue, Arithmetic, BaselineTest, Comparison,
    FigureKind, FigureTest, Formula, NewValueTest, RiskTest, RuleCondition, RuleExpression, Scope,
    SequenceTest, Step, TemporalTest, Term, Weight,
};

/// All rules of a run, compiled together.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// The rules, in the order of their names; a [`RuleIndex`] is a place here.
    pub rules: Vec<Rule>,
    /// The core fields and all that the rules read.
    pub table: Arc<FieldTable>,
    /// What is known of the rules, in their order.
    pub infos: Arc<[Arc<RuleInfo>]>,
    /// Digest of all rules' meanings.
    pub digest: String,
    /// Digest of the names and contents of the files that they were read from.
    pub contents: u128,
    /// The tests that the rule files carry.
    pub tests: Vec<TestCase>,
    /// What is odd in the rule files, but did not stop the load.
    pub warnings: Vec<Diagnostic>,
    /// Every rule after those it takes.
    pub order: Vec<RuleIndex>,
    derived: Vec<derive::DerivedTarget>,
    index: index::EventTypeIndex,
    shared: Arc<memo::Shared>,
}

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// What is known of it besides what it matches.
    pub info: Arc<RuleInfo>,
    /// What it matches.
    pub body: Body,
    /// Correlations that take its matches, in the order of their indices; those that are off, or
    /// lead to no alert, are not among them.
    pub feeds: Vec<RuleIndex>,
    /// Events that it does not count for a while.
    pub exceptions: Vec<Exception>,
}

impl Rule {
    /// Whether an exception takes the event out: for a detection one that it matched, for a
    /// correlation one behind a match that it takes.
    pub fn excepts(&self, event: &Event) -> bool {
        self.exceptions.iter().any(|exception| exception.takes(event))
    }

    /// The fields that it reads of the events behind a branch's matches.
    pub fn reads(&self, branch: usize) -> Vec<FieldId> {
        let own = match &self.body {
            Body::Correlation(correlation) => correlation.reads(branch),
            Body::Detection(_) => Vec::new(),
        };
        let excepted = self.exceptions.iter().flat_map(|exception| exception.matches.fields());
        own.into_iter().chain(excepted).collect()
    }
}

/// What a rule matches.
#[derive(Debug)]
pub enum Body {
    /// One event.
    Detection(Detection),
    /// Matches of other rules in a window.
    Correlation(Correlation),
}

impl RuleSet {
    /// The detections that could match an event of this type, in the order of their indices.
    /// Those whose matches lead to no alert, as they are off, are left out.
    pub fn candidates(&self, event_type: &str) -> Candidates<'_> {
        self.index.candidates(event_type)
    }

    /// Room for the answers that its rules share while they are asked for one event after another.
    pub fn memo(&self) -> Memo {
        Memo::new(&self.shared)
    }

    /// A rule by its place.
    pub fn get(&self, index: RuleIndex) -> Option<&Rule> {
        self.rules.get(index.0 as usize)
    }

    /// The exceptions that take nothing out any more, each with its rule.
    pub fn expired(&self, now_ms: i64) -> impl Iterator<Item = (&Rule, &Exception)> {
        let all = self.rules.iter().flat_map(|rule| rule.exceptions.iter().map(move |one| (rule, one)));
        all.filter(move |(_, exception)| exception.has_expired(now_ms))
    }

    /// Fills the fields that are computed from an event's other fields: `enriched.target.*`. To be
    /// called once an event is enriched, before it is matched.
    pub fn derive(&self, fields: &mut Fields) {
        for derived in &self.derived {
            derived.fill(fields);
        }
    }
}

/// Loads and compiles every rule under the paths.
///
/// # Errors
/// Every mistake of every file, not just the first.
pub fn load(paths: &[PathBuf]) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut findings = diagnostic::Findings::default();
    let sources = Sources::read(paths, &mut findings);
    compiled(&sources, FieldTable::default(), findings)
}

/// Loads rules that take the place of others, whose fields keep their places, so that what was held of
/// events before goes on. When those and the new fields together are too many, the new ones begin a
/// table of their own: it does not [extend](FieldTable::extends) the old one.
///
/// # Errors
/// Every mistake of every file, not just the first.
pub fn load_onto(paths: &[PathBuf], table: &FieldTable) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut findings = diagnostic::Findings::default();
    let sources = Sources::read(paths, &mut findings);
    onto(&sources, table, findings)
}

/// As [`load_onto`], from texts that need not be files.
///
/// # Errors
/// Every mistake of every text, not just the first.
pub fn compile_onto(sources: &Sources, table: &FieldTable) -> Result<RuleSet, Vec<Diagnostic>> {
    onto(sources, table, diagnostic::Findings::default())
}

fn onto(
    sources: &Sources,
    table: &FieldTable,
    findings: diagnostic::Findings,
) -> Result<RuleSet, Vec<Diagnostic>> {
    let readable = findings.errors() == 0;
    match compiled(sources, table.unread(), findings) {
        Err(found) if readable && found.iter().any(|one| one.code == selection::TOO_MANY_FIELDS) => {
            compile(sources)
        }
        result => result,
    }
}

/// Compiles rules from texts that need not be files.
///
/// # Errors
/// Every mistake of every text, not just the first.
pub fn compile(sources: &Sources) -> Result<RuleSet, Vec<Diagnostic>> {
    compiled(sources, FieldTable::default(), diagnostic::Findings::default())
}

fn compiled(
    sources: &Sources,
    table: FieldTable,
    mut findings: diagnostic::Findings,
) -> Result<RuleSet, Vec<Diagnostic>> {
    let set = compile::compile(sources, table, &mut findings).set;
    let errors = findings.errors();
    let diagnostics = findings.finish(sources);
    match set {
        Some(set) if errors == 0 => Ok(RuleSet { warnings: diagnostics, ..set }),
        _ => Err(diagnostics),
    }
}
