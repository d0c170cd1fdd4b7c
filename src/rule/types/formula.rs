//! When does a formula over the figures of a window hold?

use super::super::correlation::{Operator, Threshold};

/// A formula. Values go by their place among those of the aggregate.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// All of them.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// Two numbers, compared.
    Compare(Comparison),
}

/// Two numbers, compared. One that can be said of a single value has it on the left.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What is compared.
    pub left: Term,
    /// How.
    pub operator: Operator,
    /// With what.
    pub right: Term,
    /// It says that something which only rises is small: that has to hold of every window that shares
    /// the event, so it is judged on the highest of them.
    pub on_peak: bool,
}

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// As written.
    Number(f64),
    /// A value of the aggregate.
    Value(usize),
    /// Of two others.
    Computed(Box<Self>, Arithmetic, Box<Self>),
}

/// How two numbers make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// The figures of the values, by place; none where there is nothing to take a figure of.
pub type Figures<'f> = &'f dyn Fn(usize) -> Option<f64>;

impl Arithmetic {
    /// Each with its sign.
    pub(super) const ALL: [(Self, &'static str); 4] =
        [(Self::Add, "+"), (Self::Subtract, "-"), (Self::Multiply, "*"), (Self::Divide, "/")];

    fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(arithmetic, _)| *arithmetic == self).map_or("", |(_, sign)| sign)
    }

    /// `None` where the result is no number: above all, of a division by nothing.
    pub(super) fn of(self, left: f64, right: f64) -> Option<f64> {
        let result = match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
        };
        result.is_finite().then_some(result)
    }
}

impl Term {
    /// `None` if a figure it needs is none, or something is divided by nothing.
    fn value(&self, figures: Figures<'_>) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Value(place) => figures(*place).filter(|figure| figure.is_finite()),
            Self::Computed(left, arithmetic, right) => {
                arithmetic.of(left.value(figures)?, right.value(figures)?)
            }
        }
    }

    fn spell(&self, values: &[String]) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Value(place) => values.get(*place).cloned().unwrap_or_default(),
            Self::Computed(left, arithmetic, right) => {
                let mut parts = [left.spell(values), right.spell(values)];
                if matches!(arithmetic, Arithmetic::Add | Arithmetic::Multiply) {
                    parts.sort_unstable();
                }
                format!("({} {} {})", parts[0], arithmetic.sign(), parts[1])
            }
        }
    }
}

impl Comparison {
    /// The value and what it is compared with, if the comparison says no more than that.
    pub fn simple(&self) -> Option<(usize, Threshold)> {
        match (&self.left, &self.right) {
            (Term::Value(place), Term::Number(value)) => {
                Some((*place, Threshold { operator: self.operator, value: *value }))
            }
            _ => None,
        }
    }

    /// False where one of the two is no number.
    fn holds(&self, own: Figures<'_>, peak: Figures<'_>) -> bool {
        let figures = if self.on_peak { peak } else { own };
        let pair = self.left.value(figures).zip(self.right.value(figures));
        pair.is_some_and(|(left, value)| Threshold { operator: self.operator, value }.holds(left))
    }

    /// Of a bound from below, how much of it is reached.
    fn nearness(&self, own: Figures<'_>, peak: Figures<'_>) -> f64 {
        if self.holds(own, peak) {
            return 1.0;
        }
        let bound =
            self.simple().filter(|(_, threshold)| threshold.is_lower_bound() && threshold.value > 0.0);
        let reached = bound.and_then(|(place, threshold)| Some(own(place)? / threshold.value));
        reached.unwrap_or_default().clamp(0.0, 1.0)
    }
}

impl Formula {
    /// Whether it holds of a window with its own figures, where no window that shares its last event
    /// has higher ones than `peak`.
    pub fn holds(&self, own: Figures<'_>, peak: Figures<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(own, peak)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(own, peak)),
            Self::Not(part) => !part.holds(own, peak),
            Self::Compare(comparison) => comparison.holds(own, peak),
        }
    }

    /// How near it came, from 0 to 1.
    pub fn nearness(&self, own: Figures<'_>, peak: Figures<'_>) -> f64 {
        let each = |parts: &[Self]| parts.iter().map(|part| part.nearness(own, peak)).collect::<Vec<_>>();
        match self {
            Self::All(parts) => each(parts).iter().sum::<f64>() / parts.len().max(1) as f64,
            Self::Any(parts) => each(parts).into_iter().fold(0.0, f64::max),
            Self::Not(_) => f64::from(u8::from(self.holds(own, peak))),
            Self::Compare(comparison) => comparison.nearness(own, peak),
        }
    }

    /// What holds of a window holds of every later one that has more events, as each part says only
    /// that a value which rises is more than a number.
    pub fn only_rises(&self, rises: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.only_rises(rises)),
            Self::Not(_) => false,
            Self::Compare(comparison) => comparison
                .simple()
                .is_some_and(|(place, threshold)| rises(place) && threshold.is_lower_bound()),
        }
    }

    /// Marks the comparisons that are judged on the peak: those that say of a value which rises that it
    /// is less than a number, or under a `not`, that it is more.
    pub(super) fn mark_peaks(&mut self, rises: &dyn Fn(usize) -> bool) {
        self.mark(true, rises);
    }

    fn mark(&mut self, positive: bool, rises: &dyn Fn(usize) -> bool) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter_mut().for_each(|part| part.mark(positive, rises));
            }
            Self::Not(part) => part.mark(!positive, rises),
            Self::Compare(comparison) => {
                let says_small = |threshold: Threshold| match threshold.operator {
                    Operator::Less | Operator::LessOrEqual => positive,
                    Operator::Greater | Operator::GreaterOrEqual => !positive,
                    Operator::Equal | Operator::NotEqual => false,
                };
                let simple = comparison.simple();
                comparison.on_peak =
                    simple.is_some_and(|(place, threshold)| rises(place) && says_small(threshold));
            }
        }
    }

    /// The values that are judged on their peak, each once.
    pub fn peaks(&self) -> Vec<usize> {
        let mut found = match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::peaks).collect(),
            Self::Not(part) => part.peaks(),
            Self::Compare(comparison) if comparison.on_peak => {
                comparison.simple().map(|(place, _)| place).into_iter().collect()
            }
            Self::Compare(_) => Vec::new(),
        };
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What is asked of each value, if the formula is no more than that, all of it to hold.
    pub(super) fn conjunction(&self) -> Option<Vec<(usize, Threshold)>> {
        match self {
            Self::All(parts) => {
                let parts = parts.iter().map(Self::conjunction).collect::<Option<Vec<_>>>()?;
                Some(parts.concat())
            }
            Self::Compare(comparison) => Some(vec![comparison.simple()?]),
            Self::Any(_) | Self::Not(_) => None,
        }
    }

    /// In a form where order that means nothing is gone, with the values as they are given.
    pub(super) fn spell(&self, values: &[String]) -> String {
        let list = |word: &str, parts: &[Self]| {
            let mut parts: Vec<String> = parts.iter().map(|part| part.spell(values)).collect();
            parts.sort_unstable();
            parts.dedup();
            format!("({word} {})", parts.join(" "))
        };
        match self {
            Self::All(parts) => list("all", parts),
            Self::Any(parts) => list("any", parts),
            Self::Not(part) => format!("(not {})", part.spell(values)),
            Self::Compare(comparison) => {
                let (left, right) = (comparison.left.spell(values), comparison.right.spell(values));
                format!("({left} {} {right})", comparison.operator.sign())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(place: usize, operator: Operator, value: f64) -> Formula {
        let (left, right) = (Term::Value(place), Term::Number(value));
        Formula::Compare(Comparison { left, operator, right, on_peak: false })
    }

    fn not(formula: Formula) -> Formula {
        Formula::Not(Box::new(formula))
    }

    fn marked(mut formula: Formula) -> Formula {
        formula.mark_peaks(&|place| place == 0);
        formula
    }

    #[test]
    fn what_says_that_a_rising_value_is_small_is_judged_on_its_peak() {
        use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        for formula in [
            compare(0, Less, 3.0),
            compare(0, LessOrEqual, 3.0),
            not(compare(0, Greater, 3.0)),
            not(not(not(compare(0, GreaterOrEqual, 3.0)))),
            Formula::Any(vec![compare(1, Greater, 1.0), Formula::All(vec![compare(0, Less, 3.0)])]),
        ] {
            assert_eq!(marked(formula.clone()).peaks(), [0], "{formula:?}");
        }
        for formula in [
            compare(0, Greater, 3.0),
            compare(0, Equal, 3.0),
            not(compare(0, Less, 3.0)),
            compare(1, Less, 3.0),
            not(compare(1, Greater, 3.0)),
        ] {
            assert!(marked(formula.clone()).peaks().is_empty(), "{formula:?}");
        }
    }

    #[test]
    fn five_in_a_burst_never_are_at_most_three() {
        let most_three = marked(compare(0, Operator::LessOrEqual, 3.0));
        assert!(!most_three.holds(&|_| Some(1.0), &|_| Some(5.0)));
        assert!(most_three.holds(&|_| Some(1.0), &|_| Some(3.0)));
    }

    #[test]
    fn only_lower_bounds_of_rising_values_hold_for_good() {
        let rises = |place: usize| place == 0;
        let more = compare(0, Operator::Greater, 3.0);
        assert!(Formula::Any(vec![more.clone(), Formula::All(vec![more.clone()])]).only_rises(&rises));
        for formula in [
            not(compare(0, Operator::Less, 3.0)),
            compare(0, Operator::Equal, 3.0),
            compare(1, Operator::Greater, 3.0),
            Formula::All(vec![more, compare(0, Operator::Less, 3.0)]),
        ] {
            assert!(!formula.only_rises(&rises), "{formula:?}");
        }
    }

    #[test]
    fn a_comparison_with_what_is_no_number_is_false() {
        let value = |place| Box::new(Term::Value(place));
        let quotient = Term::Computed(value(0), Arithmetic::Divide, value(1));
        let compared = |operator| {
            let right = Term::Number(0.5);
            Formula::Compare(Comparison { left: quotient.clone(), operator, right, on_peak: false })
        };
        let figures = |figures: [Option<f64>; 2]| move |place: usize| figures[place];
        for (operator, _, _) in Operator::ALL {
            for none in [figures([Some(1.0), Some(0.0)]), figures([None, Some(1.0)])] {
                assert!(!compared(operator).holds(&none, &none), "{operator:?}");
                assert!(not(compared(operator)).holds(&none, &none), "{operator:?}");
            }
        }
        let half = figures([Some(1.0), Some(2.0)]);
        assert!(compared(Operator::Equal).holds(&half, &half));
    }

    #[test]
    fn nearness_grows_with_what_is_reached() {
        let both =
            Formula::All(vec![compare(0, Operator::GreaterOrEqual, 4.0), compare(1, Operator::Less, 2.0)]);
        let near = |first, second| {
            let figures = move |place: usize| Some([first, second][place]);
            (both.nearness(&figures, &figures) * 1000.0).round()
        };
        assert_eq!(
            [near(0.0, 5.0), near(2.0, 5.0), near(2.0, 1.0), near(9.0, 1.0)],
            [0.0, 250.0, 750.0, 1000.0]
        );
    }
}
