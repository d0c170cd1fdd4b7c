//! Which matches does a correlation put together, and when is it true?

use super::types::{
    AbsenceTest, AggregateTest, BaselineTest, FigureTest, NewValueTest, RiskTest, SequenceTest, TemporalTest,
};
use crate::model::{FieldId, FieldTable, RuleIndex, RuleKind};

/// A compiled correlation.
#[derive(Debug)]
pub struct Correlation {
    /// Which type.
    pub kind: RuleKind,
    /// The rules whose matches it takes, each once, in the order the document names them: its
    /// branches.
    pub rules: Vec<RuleIndex>,
    /// Its group-by, in the document's order.
    pub group_by: Vec<GroupBy>,
    /// Its window, ms; of `new_value`, how far back it remembers, of `baseline`, its bucket.
    pub timespan_ms: i64,
    /// What must be true of the matches.
    pub test: Test,
}

/// What must be true of the matches of one key.
#[derive(Debug)]
pub enum Test {
    /// A figure of a window: how many events, how many distinct values, their sum, …
    Figure(FigureTest),
    /// Which rules a window holds matches of.
    Temporal(TemporalTest),
    /// Steps that follow one another.
    Sequence(SequenceTest),
    /// A trigger without a partner.
    Absence(AbsenceTest),
    /// Several figures of a window under one formula.
    Aggregate(AggregateTest),
    /// Which value was not seen before.
    NewValue(NewValueTest),
    /// How far above an entity's habit a bucket of time is.
    Baseline(BaselineTest),
    /// What the matches of a window add up to.
    RiskScore(RiskTest),
}

/// One group-by field or alias.
#[derive(Clone, Debug)]
pub struct GroupBy {
    /// As the document writes it: a path, or an alias.
    pub name: String,
    /// Where its value stands in a match of each of `rules`.
    pub source: Vec<GroupSource>,
    /// It only keeps keys apart, and is not shown as part of the group; such stand last.
    pub hidden: bool,
}

/// Where a group-by value stands in a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSource {
    /// In the event's fields.
    Field(FieldId),
    /// In the group of the correlation that matched, under this name.
    Group(String),
}

/// One field, or several whose values count together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// As the document writes it.
    pub name: String,
    /// For each field of the tuple: where it stands in a match of each of the branches.
    pub fields: Vec<Vec<FieldId>>,
}

/// One comparison of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// How to compare.
    pub operator: Operator,
    /// With what.
    pub value: f64,
}

/// How a figure is compared with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
    /// `eq`
    Equal,
    /// `neq`
    NotEqual,
}

impl Operator {
    /// Every operator with Sigma's word and its sign.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Greater, "gt", ">"),
        (Self::GreaterOrEqual, "gte", ">="),
        (Self::Less, "lt", "<"),
        (Self::LessOrEqual, "lte", "<="),
        (Self::Equal, "eq", "=="),
        (Self::NotEqual, "neq", "!="),
    ];

    /// Sigma's word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(operator, ..)| *operator == self).map_or("", |(_, word, _)| word)
    }

    /// The sign, as alerts show it.
    pub fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(operator, ..)| *operator == self).map_or("", |(.., sign)| sign)
    }
}

impl Threshold {
    /// Whether a figure satisfies it.
    #[expect(clippy::float_cmp, reason = "a count is compared with the number that a rule writes")]
    pub fn holds(self, figure: f64) -> bool {
        match self.operator {
            Operator::Greater => figure > self.value,
            Operator::GreaterOrEqual => figure >= self.value,
            Operator::Less => figure < self.value,
            Operator::LessOrEqual => figure <= self.value,
            Operator::Equal => figure == self.value,
            Operator::NotEqual => figure != self.value,
        }
    }

    /// Once true of a figure that only rises, it stays true.
    pub fn is_lower_bound(self) -> bool {
        matches!(self.operator, Operator::Greater | Operator::GreaterOrEqual)
    }

    /// Whether a window satisfies it whose own figure is `own`, when no window that shares its last
    /// event has more than `peak`: what bounds a rising figure from above has to hold of all of them.
    #[expect(clippy::float_cmp, reason = "a count is compared with the number that a rule writes")]
    pub fn holds_to_the_end(self, own: f64, peak: f64) -> bool {
        match self.operator {
            Operator::Greater | Operator::GreaterOrEqual => self.holds(own),
            Operator::Less | Operator::LessOrEqual => self.holds(peak),
            Operator::Equal => own == self.value && peak == self.value,
            Operator::NotEqual => peak < self.value || own > self.value,
        }
    }
}

/// Thresholds as an alert shows them: `>= 5`, `> 3 and <= 5`.
pub fn required(thresholds: &[Threshold]) -> String {
    let each =
        thresholds.iter().map(|threshold| format!("{} {}", threshold.operator.sign(), threshold.value));
    each.collect::<Vec<_>>().join(" and ")
}

impl Correlation {
    /// The fields that it reads of the events behind a branch's matches.
    pub fn reads(&self, branch: usize) -> Vec<FieldId> {
        let grouped = self.group_by.iter().filter_map(|group| group.field(branch));
        grouped.chain(self.test.reads(branch)).collect()
    }
}

impl GroupBy {
    /// The field it is read from in a match of a branch, if it is one.
    fn field(&self, branch: usize) -> Option<FieldId> {
        match self.source.get(branch)? {
            GroupSource::Field(field) => Some(*field),
            GroupSource::Group(_) => None,
        }
    }
}

impl Test {
    /// It takes every rule that raises alerts, and not only those that are named.
    pub fn takes_any(&self) -> bool {
        matches!(self, Self::RiskScore(test) if test.any)
    }

    /// The fields that it reads of a branch's matches.
    fn reads(&self, branch: usize) -> Vec<FieldId> {
        match self {
            Self::Figure(test) => test.counted.of_branch(branch).flatten().collect(),
            Self::NewValue(test) => test.fields.iter().filter_map(|field| field.field(branch)).collect(),
            Self::Baseline(test) => {
                test.distinct.iter().flat_map(|counted| counted.of_branch(branch)).flatten().collect()
            }
            Self::Sequence(test) => {
                let distinct = test.steps.iter().filter_map(|step| step.distinct.as_ref());
                let counted = distinct.chain(&test.unequal);
                counted.flat_map(|counted| counted.of_branch(branch)).flatten().collect()
            }
            Self::Aggregate(test) => test.reads(branch),
            Self::Temporal(_) | Self::Absence(_) | Self::RiskScore(_) => Vec::new(),
        }
    }

    /// Digest of what the branch is to the rule, where branches differ in more than their rules.
    pub(super) fn role(&self, branch: usize, table: &FieldTable) -> String {
        match self {
            Self::Figure(test) => test.role(branch, table),
            Self::Temporal(test) => test.role(branch),
            Self::Sequence(test) => test.role(branch, table),
            Self::Absence(test) => test.role(branch),
            Self::Aggregate(_) => String::new(),
            Self::NewValue(test) => test.role(branch, table),
            Self::Baseline(test) => test.role(branch, table),
            Self::RiskScore(test) => test.role(branch),
        }
    }

    /// What it asks, in a form where order that means nothing is gone; `branches` are the digests of
    /// the rules it takes.
    pub(super) fn meaning(&self, branches: &[&str], table: &FieldTable) -> Vec<String> {
        match self {
            Self::Figure(test) => test.meaning(),
            Self::Temporal(test) => test.meaning(branches),
            Self::Sequence(test) => test.meaning(branches),
            Self::Absence(test) => test.meaning(),
            Self::Aggregate(test) => test.meaning(branches, table),
            Self::NewValue(test) => test.meaning(),
            Self::Baseline(test) => test.meaning(),
            Self::RiskScore(test) => test.meaning(),
        }
    }

    /// The thresholds of its one figure, if it has one.
    pub fn thresholds(&self) -> &[Threshold] {
        match self {
            Self::Figure(test) => &test.conditions,
            Self::Temporal(test) => test.thresholds(),
            _ => &[],
        }
    }
}

impl Counted {
    /// The fields of a branch, one for each of the tuple.
    pub fn of_branch(&self, branch: usize) -> impl Iterator<Item = Option<FieldId>> {
        self.fields.iter().map(move |field| field.get(branch).copied())
    }

    /// Paths of the fields of a branch, for digests.
    pub(super) fn paths(&self, branch: usize, table: &FieldTable) -> Vec<String> {
        let path =
            |field: Option<FieldId>| field.map_or_else(String::new, |field| table.path(field).to_owned());
        self.of_branch(branch).map(path).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(operator: Operator, value: f64) -> Threshold {
        Threshold { operator, value }
    }

    #[test]
    fn a_bound_from_above_is_judged_on_the_peak() {
        let five_in_a_burst = [(1.0, 5.0), (3.0, 5.0), (5.0, 5.0)];
        for (own, peak) in five_in_a_burst {
            assert!(!threshold(Operator::LessOrEqual, 3.0).holds_to_the_end(own, peak));
            assert!(!threshold(Operator::Equal, 3.0).holds_to_the_end(own, peak));
        }
        assert!(threshold(Operator::Less, 2.0).holds_to_the_end(1.0, 1.0));
        assert!(threshold(Operator::Equal, 3.0).holds_to_the_end(3.0, 3.0));
        assert!(threshold(Operator::NotEqual, 3.0).holds_to_the_end(4.0, 5.0));
        assert!(threshold(Operator::NotEqual, 3.0).holds_to_the_end(1.0, 2.0));
        assert!(!threshold(Operator::NotEqual, 3.0).holds_to_the_end(2.0, 3.0));
    }

    #[test]
    fn thresholds_are_shown_with_their_signs() {
        let both = [threshold(Operator::Greater, 3.0), threshold(Operator::LessOrEqual, 5.5)];
        assert_eq!(required(&both), "> 3 and <= 5.5");
    }
}
