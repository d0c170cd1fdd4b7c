//! What may an aggregate say?

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::events::{AMOUNT, IP, TARGET, USER};
use crate::kinds::span;
use crate::reference::aggregate::{Aggregate, Figure};
use crate::reference::condition::Operator;
use crate::reference::expression::{Arithmetic, Expression, Term};

const NAMES: [&str; 3] = ["x", "y", "z"];

/// An aggregate over so many rules.
pub fn aggregate(takes: usize) -> impl Strategy<Value = Aggregate> {
    let per = select(vec![IP, TARGET]).prop_map(str::to_owned);
    (span(), vec(figure(takes), NAMES.len()), per, condition()).prop_map(
        |(timespan_ms, figures, per, condition)| {
            let values: Vec<_> = NAMES.iter().map(|name| (*name).to_owned()).zip(figures).collect();
            let grouped = condition.figures().iter().any(|figure| is_of_groups(&values[*figure].1));
            Aggregate { timespan_ms, values, per: grouped.then_some(per), condition }
        },
    )
}

fn is_of_groups(figure: &Figure) -> bool {
    use Figure::{Groups, Least, Mean, Most, ShareOfGroups};
    matches!(figure, Groups | Most | Least | Mean | ShareOfGroups(..))
}

fn figure(takes: usize) -> impl Strategy<Value = Figure> {
    let field = || select(vec![IP, TARGET, USER]).prop_map(str::to_owned);
    let amount = || AMOUNT.to_owned();
    prop_oneof![
        3 => Just(Figure::Count),
        1 => (0..takes).prop_map(Figure::CountOf),
        2 => field().prop_map(|field| Figure::Distinct(vec![field])),
        1 => Just(Figure::Distinct(vec![IP.to_owned(), TARGET.to_owned()])),
        1 => Just(Figure::Sum(amount())),
        1 => Just(Figure::Avg(amount())),
        1 => Just(Figure::Min(amount())),
        1 => Just(Figure::Max(amount())),
        1 => Just(Figure::Median(amount())),
        1 => select(vec![25, 75]).prop_map(move |percent| Figure::Percentile(AMOUNT.to_owned(), percent)),
        1 => field().prop_map(Figure::Share),
        1 => (0..takes).prop_map(Figure::ShareOf),
        1 => Just(Figure::Span),
        1 => Just(Figure::Groups),
        1 => Just(Figure::Most),
        1 => Just(Figure::Least),
        1 => Just(Figure::Mean),
        1 => (1..3_usize, 0..3_usize).prop_map(|(low, more)| Figure::ShareOfGroups(low, low + more)),
    ]
}

/// At least one figure is greater than something, beside what else is said.
fn condition() -> impl Strategy<Value = Expression> {
    let first = (greater(), 0..NAMES.len(), number());
    let first = first.prop_map(|(operator, figure, number)| {
        Expression::Compare(Term::Figure(figure), operator, Term::Number(number))
    });
    let rest = prop::option::weighted(0.7, (any::<bool>(), comparison()));
    let negated = prop::bool::weighted(0.15);
    (first, rest, negated).prop_map(|(first, rest, negated)| {
        let first = if negated { Expression::Not(Box::new(first)) } else { first };
        match rest {
            None => first,
            Some((true, second)) => Expression::And(Box::new(first), Box::new(second)),
            Some((false, second)) => Expression::Or(Box::new(first), Box::new(second)),
        }
    })
}

fn greater() -> impl Strategy<Value = Operator> {
    select(vec![Operator::Gt, Operator::Gte])
}

/// Parts of a whole are compared with halves, too.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => (1..5_i32).prop_map(f64::from), 1 => Just(0.5), 1 => Just(1.5)]
}

fn comparison() -> impl Strategy<Value = Expression> {
    let left = prop_oneof![
        3 => (0..NAMES.len()).prop_map(Term::Figure),
        1 => computed(),
    ];
    let compared = (left, select(Operator::ALL.to_vec()), number(), any::<bool>());
    let plain = compared.prop_map(|(left, operator, number, turned)| {
        let number = Term::Number(number);
        match turned {
            false => Expression::Compare(left, operator, number),
            true => Expression::Compare(number, operator, left),
        }
    });
    (plain, prop::bool::weighted(0.25)).prop_map(|(plain, negated)| match negated {
        true => Expression::Not(Box::new(plain)),
        false => plain,
    })
}

fn computed() -> impl Strategy<Value = Term> {
    let arithmetic = select(vec![
        Arithmetic::Add,
        Arithmetic::Subtract,
        Arithmetic::Multiply,
        Arithmetic::Divide,
        Arithmetic::Divide,
    ]);
    (0..NAMES.len(), arithmetic, 0..NAMES.len()).prop_map(|(left, arithmetic, right)| {
        Term::Computed(Box::new(Term::Figure(left)), arithmetic, Box::new(Term::Figure(right)))
    })
}
