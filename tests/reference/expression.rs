//! When does an expression over the figures of a window hold?

use std::collections::BTreeSet;

use super::condition::Operator;

/// The condition of an aggregate.
#[derive(Clone, Debug)]
pub enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare(Term, Operator, Term),
}

#[derive(Clone, Debug)]
pub enum Term {
    Number(f64),
    /// A figure, by its place among the values.
    Figure(usize),
    Computed(Box<Term>, Arithmetic, Box<Term>),
}

#[derive(Clone, Copy, Debug)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

type Figures<'f> = &'f dyn Fn(usize) -> Option<f64>;

impl Expression {
    /// By the event's own window; only what says of a figure that rises that it is small looks at
    /// the highest figure of all windows that hold the event. `positive` is false under a `not`,
    /// where "not at least five" says that something is small.
    pub fn holds(
        &self,
        positive: bool,
        own: Figures<'_>,
        peak: Figures<'_>,
        rises: &dyn Fn(usize) -> bool,
    ) -> bool {
        match self {
            Self::Or(left, right) => {
                left.holds(positive, own, peak, rises) || right.holds(positive, own, peak, rises)
            }
            Self::And(left, right) => {
                left.holds(positive, own, peak, rises) && right.holds(positive, own, peak, rises)
            }
            Self::Not(inner) => !inner.holds(!positive, own, peak, rises),
            Self::Compare(left, operator, right) => {
                let figures = match is_small(left, *operator, right, positive, rises) {
                    true => peak,
                    false => own,
                };
                let pair = left.value(figures).zip(right.value(figures));
                pair.is_some_and(|(left, right)| operator.holds(left, right))
            }
        }
    }
}

impl Expression {
    /// The figures that it reads.
    pub fn figures(&self) -> BTreeSet<usize> {
        match self {
            Self::Or(left, right) | Self::And(left, right) => &left.figures() | &right.figures(),
            Self::Not(inner) => inner.figures(),
            Self::Compare(left, _, right) => &left.figures() | &right.figures(),
        }
    }
}

/// Whether a comparison says of a single figure that rises that it is less than a number.
fn is_small(
    left: &Term,
    operator: Operator,
    right: &Term,
    positive: bool,
    rises: &dyn Fn(usize) -> bool,
) -> bool {
    let less = matches!(operator, Operator::Lt | Operator::Lte);
    let greater = matches!(operator, Operator::Gt | Operator::Gte);
    match (left, right) {
        (Term::Figure(figure), Term::Number(_)) => rises(*figure) && if positive { less } else { greater },
        (Term::Number(_), Term::Figure(figure)) => rises(*figure) && if positive { greater } else { less },
        _ => false,
    }
}

impl Term {
    fn figures(&self) -> BTreeSet<usize> {
        match self {
            Self::Number(_) => BTreeSet::new(),
            Self::Figure(figure) => BTreeSet::from([*figure]),
            Self::Computed(left, _, right) => &left.figures() | &right.figures(),
        }
    }

    /// `None` if a figure has no value, or something is divided by nothing.
    fn value(&self, figures: Figures<'_>) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Figure(figure) => figures(*figure),
            Self::Computed(left, arithmetic, right) => {
                let (left, right) = (left.value(figures)?, right.value(figures)?);
                match arithmetic {
                    Arithmetic::Add => Some(left + right),
                    Arithmetic::Subtract => Some(left - right),
                    Arithmetic::Multiply => Some(left * right),
                    Arithmetic::Divide => (right != 0.0).then(|| left / right),
                }
            }
        }
    }
}
