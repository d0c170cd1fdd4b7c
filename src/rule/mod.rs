//! What does a rule say, and does an event match it?

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{FieldId, FieldTable, Fields, RuleIndex, RuleInfo, RuleKind};

/// All rules of a run, compiled together.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// The rules, in the order of their names; a [`RuleIndex`] is a place here.
    pub rules: Vec<Rule>,
    /// The core fields and all that the rules read.
    pub table: Arc<FieldTable>,
    /// Digest of all rules' meanings.
    pub digest: String,
}

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// What is known of it besides what it matches.
    pub info: Arc<RuleInfo>,
    /// What it matches.
    pub body: Body,
    /// Correlations that take its matches.
    pub feeds: Vec<RuleIndex>,
}

/// What a rule matches.
#[derive(Debug)]
pub enum Body {
    /// One event.
    Detection(Detection),
    /// Matches of other rules in a window.
    Correlation(Correlation),
}

/// A compiled detection.
#[derive(Debug)]
pub struct Detection {}

impl Detection {
    /// Whether the event matches.
    pub fn matches(&self, _fields: &Fields) -> bool {
        false
    }

    /// The fields it reads, in the rule's order, for evidence.
    pub fn reads(&self) -> &[FieldId] {
        &[]
    }
}

/// A compiled correlation.
#[derive(Debug)]
pub struct Correlation {
    /// Which type.
    pub kind: RuleKind,
    /// The rules whose matches it takes, each once, in the order the document names them.
    pub rules: Vec<RuleIndex>,
    /// Its group-by, in the document's order.
    pub group_by: Vec<GroupBy>,
    /// Its window, ms.
    pub timespan_ms: i64,
    /// All must hold of the measured figure (count, distinct values, or distinct rules seen).
    pub conditions: Vec<Threshold>,
    /// The counted field of `value_count`, for each of `rules`.
    pub counted: Vec<FieldId>,
    /// Path of the counted field as written.
    pub counted_name: String,
}

/// One group-by field or alias.
#[derive(Debug)]
pub struct GroupBy {
    /// As the document writes it: a path, or an alias.
    pub name: String,
    /// Where its value stands in a match of each of `rules`.
    pub source: Vec<GroupSource>,
}

/// Where a group-by value stands in a match.
#[derive(Clone, Debug)]
pub enum GroupSource {
    /// In the event's fields.
    Field(FieldId),
    /// In the group of the correlation that matched, under this name.
    Group(String),
}

/// One comparison of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// How to compare.
    pub operator: Operator,
    /// With what.
    pub value: f64,
}

/// A comparison that an event can make true; those that only the end of a window can decide come
/// with the types that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
}

impl Threshold {
    /// Whether a figure satisfies it.
    pub fn holds(self, figure: f64) -> bool {
        match self.operator {
            Operator::Greater => figure > self.value,
            Operator::GreaterOrEqual => figure >= self.value,
        }
    }
}

impl RuleSet {
    /// The detections that could match an event of this type, in the order of their indices.
    pub fn candidates(&self, _event_type: &str) -> &[RuleIndex] {
        &[]
    }

    /// A rule by its place.
    pub fn get(&self, index: RuleIndex) -> Option<&Rule> {
        self.rules.get(index.0 as usize)
    }
}

/// Loads and compiles every rule under the paths.
///
/// # Errors
/// Every mistake of every file, not just the first.
pub fn load(_paths: &[PathBuf]) -> Result<RuleSet, Vec<Diagnostic>> {
    Ok(RuleSet::default())
}

/// A mistake in a rule file: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error` stops the load, `warning` does not.
    pub severity: Severity,
    /// Stable word for the kind of mistake: `unknown-field`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// The file.
    pub file: PathBuf,
    /// Byte range in the file.
    pub span: std::ops::Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What to do.
    pub help: Option<String>,
}

/// How bad a mistake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Stops the load.
    Error,
    /// Does not.
    Warning,
}

/// Every field a rule may use.
pub fn catalogue() -> impl Iterator<Item = &'static crate::model::FieldDef> {
    crate::model::core::ALL.iter()
}
