//! Which matches does a correlation put together, and when is it true?

use crate::model::{FieldId, RuleIndex, RuleKind};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Operator {
    /// Sigma's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
        }
    }
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
