//! In which order is what a detection asks judged?
//!
//! The cheap before the dear, as most events fail one of the first: a look at a short text, then sets, networks
//! and texts that are searched for, then regular expressions. What is asked is the same in any order.

use super::detection::{Detection, Expression};
use super::pattern::Pattern;
use super::wildcard::Shape;

impl Detection {
    /// The same, with what is cheap in front.
    pub(super) fn cheap_first(self) -> Self {
        let (selections, none) = (self.selections.into_iter(), []);
        let selections: Vec<_> = selections.map(|selection| ordered(selection, &none)).collect();
        let condition = ordered(self.condition, &selections);
        Self { selections, condition, ..self }
    }
}

fn ordered(expression: Expression, selections: &[Expression]) -> Expression {
    let all = |parts: Vec<Expression>| {
        let mut parts: Vec<_> = parts.into_iter().map(|part| ordered(part, selections)).collect();
        parts.sort_by_key(|part| cost(part, selections));
        parts
    };
    match expression {
        Expression::All(parts) => Expression::All(all(parts)),
        Expression::Any(parts) => Expression::Any(all(parts)),
        Expression::Not(part) => Expression::Not(Box::new(ordered(*part, selections))),
        other => other,
    }
}

/// About how much it takes to judge it, against a look at whether a field is there.
fn cost(expression: &Expression, selections: &[Expression]) -> usize {
    let of = |part: &Expression| cost(part, selections);
    match expression {
        Expression::Exists(_) => 1,
        Expression::All(parts) | Expression::Any(parts) => parts.iter().map(of).sum(),
        Expression::Not(part) => of(part),
        Expression::Selection(place) => selections.get(*place).map(of).unwrap_or_default(),
        Expression::Test(_, patterns) => 2 + patterns.iter().map(of_pattern).sum::<usize>(),
        Expression::Listed(_, listed) => 2 + listed.groups.iter().flatten().map(of_pattern).sum::<usize>(),
        Expression::Compare(_) => 20,
        Expression::Filter(filter) => cost(&filter.detection.condition, &filter.detection.selections),
        // Another rule may have asked for it.
        Expression::Shared(_, test) => of(test) / 2,
    }
}

fn of_pattern(pattern: &Pattern) -> usize {
    match pattern {
        Pattern::Text { shape: Shape::Exact(_) | Shape::Any, .. } => 1,
        Pattern::Integer(_) | Pattern::Float(_) | Pattern::Order(..) => 2,
        Pattern::Text { shape: Shape::Prefix(_) | Shape::Suffix(_), .. } => 2,
        Pattern::Integers(_) | Pattern::Texts(_) => 5,
        Pattern::Affixes(_) | Pattern::Text { shape: Shape::Contains(_), .. } => 10,
        Pattern::Part(..) | Pattern::Cidr(_) => 20,
        Pattern::Networks(_) | Pattern::Text { shape: Shape::Glob(_), .. } => 30,
        Pattern::Search { .. } => 40,
        Pattern::Regex { .. } => 80,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, detection, document};
    use super::*;

    #[test]
    fn what_is_cheap_is_asked_first_wherever_it_is_written() {
        let rule = "dear: {client.userAgent.rawUserAgent|re: '^a.*b$', severity: x}\n\
                    cheap: {outcome.result: SUCCESS}\n\
                    net: {client.ipAddress|cidr: 10.0.0.0/8}\n\
                    condition: dear and not net and cheap";
        let set = compile(&[document("a", rule, "")]).unwrap();
        let detection = detection(&set);
        let Expression::All(parts) = &detection.condition else { panic!("{:?}", detection.condition) };
        let costs: Vec<usize> = parts.iter().map(|part| cost(part, &detection.selections)).collect();
        assert_eq!(costs, [3, 22, 85]);
        let dear = detection.selections.iter().find(|selection| cost(selection, &[]) == 85);
        let Some(Expression::All(parts)) = dear else { panic!("{dear:?}") };
        assert_eq!(parts.iter().map(|part| cost(part, &[])).collect::<Vec<_>>(), [3, 82]);
    }
}
