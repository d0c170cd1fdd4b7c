//! How is a figure of a window written: `count`, `distinct(client.ipAddress)`, `share(2..6)`?

use std::ops::Range;

use super::super::condition::Place;
use super::super::diagnostic::Findings;
use super::super::reader::Spanned;
use crate::limits;
use crate::text::nearest;

/// A figure as a document writes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    pub(super) function: Function,
    /// Rules or fields.
    pub(super) names: Vec<Spanned>,
    /// What `percentile` is asked for.
    pub(super) percent: f64,
    /// The counts that `share` of groups is asked for, both included.
    pub(super) counts: Option<(u64, u64)>,
    /// The whole of it, without the brackets: `distinct client.ipAddress`.
    pub(super) spelled: String,
}

/// What is taken of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Count,
    Distinct,
    Sum,
    Average,
    Minimum,
    Maximum,
    Median,
    Percentile,
    Share,
    Span,
    Groups,
    Most,
    Least,
    Mean,
}

/// Every function with its word and how it is to be written.
const FUNCTIONS: &[(Function, &str, &str)] = &[
    (Function::Count, "count", "`count` or `count(rule)`"),
    (Function::Distinct, "distinct", "`distinct(field)`, or several fields"),
    (Function::Sum, "sum", "`sum(field)`"),
    (Function::Average, "avg", "`avg(field)`"),
    (Function::Minimum, "min", "`min(field)`"),
    (Function::Maximum, "max", "`max(field)`"),
    (Function::Median, "median", "`median(field)`"),
    (Function::Percentile, "percentile", "`percentile(field, 95)`"),
    (Function::Share, "share", "`share(field)`, `share(rule)` or `share(2..6)`"),
    (Function::Span, "span", "`span`"),
    (Function::Groups, "groups", "`groups`"),
    (Function::Most, "most", "`most`"),
    (Function::Least, "least", "`least`"),
    (Function::Mean, "mean", "`mean`"),
];

impl Function {
    fn form(self) -> &'static str {
        FUNCTIONS.iter().find(|(function, ..)| *function == self).map_or("", |(.., form)| form)
    }

    /// How many arguments it takes.
    fn arguments(self) -> Range<usize> {
        match self {
            Self::Count => 0..2,
            Self::Distinct => 1..usize::MAX,
            Self::Percentile => 2..3,
            Self::Span | Self::Groups | Self::Most | Self::Least | Self::Mean => 0..1,
            _ => 1..2,
        }
    }
}

impl Written {
    /// It is one of the inner groups.
    pub(super) fn is_of_groups(&self) -> bool {
        let of_groups = [Function::Groups, Function::Most, Function::Least, Function::Mean];
        of_groups.contains(&self.function) || self.counts.is_some()
    }

    /// More events in the window can only raise it.
    pub(super) fn rises(&self) -> bool {
        use Function::{Count, Distinct, Groups, Maximum, Most, Span, Sum};
        matches!(self.function, Count | Distinct | Groups | Maximum | Most | Span | Sum)
    }
}

/// Reads a figure. `None`, and an error, if it is none.
pub(super) fn read(text: &str, place: Place, findings: &mut Findings) -> Option<Written> {
    let mut reader = Reader { text, place, findings };
    let (word, arguments) = reader.split()?;
    let function = reader.function(&word)?;
    if !function.arguments().contains(&arguments.len()) {
        return reader.misfit(function);
    }
    let name = word.text.clone();
    let listed: Vec<&str> = arguments.iter().map(|argument| argument.text.as_str()).collect();
    let spelled = format!("{name} {}", listed.join(", ")).trim_end().to_owned();
    let mut names: Vec<Spanned> = arguments.iter().map(|argument| reader.spanned(argument)).collect();
    let (mut percent, mut counts) = (50.0, None);
    if function == Function::Percentile {
        names.truncate(1);
        percent = reader.percent(arguments.get(1)?)?;
    }
    if let Some(range) = arguments.first().filter(|first| function == Function::Share && is_range(first)) {
        names.clear();
        counts = Some(reader.counts(range)?);
    }
    Some(Written { function, names, percent, counts, spelled })
}

/// A part of the text.
#[derive(Clone, Debug)]
struct Part {
    text: String,
    range: Range<usize>,
}

fn is_range(part: &Part) -> bool {
    part.text.contains("..")
}

struct Reader<'r> {
    text: &'r str,
    place: Place,
    findings: &'r mut Findings,
}

impl Reader<'_> {
    fn fail<T>(&mut self, range: Range<usize>, message: &str, help: Option<String>) -> Option<T> {
        let span = self.place.span.part(self.place.base, range);
        let finding = self.findings.error(span, "figure", message);
        if let Some(help) = help {
            finding.help(help);
        }
        None
    }

    fn spanned(&self, part: &Part) -> Spanned {
        let span = self.place.span.part(self.place.base, part.range.clone());
        Spanned { text: part.text.clone(), span }
    }

    /// The part between two bytes, without the white space around it.
    fn part(&self, range: Range<usize>) -> Part {
        let whole = self.text.get(range.clone()).unwrap_or_default();
        let start = range.start + (whole.len() - whole.trim_start().len());
        let text = whole.trim().to_owned();
        Part { range: start..start + text.len(), text }
    }

    /// The function's word, and what stands in its brackets.
    fn split(&mut self) -> Option<(Part, Vec<Part>)> {
        let whole = self.part(0..self.text.len());
        if whole.text.is_empty() {
            return self.fail(whole.range, "a figure is due", Some(all()));
        }
        let Some(open) = self.text.find('(') else { return Some((whole, Vec::new())) };
        let Some(close) = self.text.rfind(')').filter(|close| *close > open) else {
            let help = "A figure with a comma stands in quotes: `\"distinct(a, b)\"`.".to_owned();
            return self.fail(open..whole.range.end, "a bracket is not closed", Some(help));
        };
        let rest = self.part(close + 1..self.text.len());
        if !rest.text.is_empty() {
            let help = "One value is one figure; compute with values in the condition.".to_owned();
            return self.fail(rest.range, "something stands behind the figure", Some(help));
        }
        let word = self.part(0..open);
        Some((word, self.arguments(open + 1..close)?))
    }

    fn arguments(&mut self, inside: Range<usize>) -> Option<Vec<Part>> {
        let text = self.text.get(inside.clone()).unwrap_or_default();
        if text.trim().is_empty() {
            return Some(Vec::new());
        }
        let mut start = inside.start;
        let mut found = Vec::new();
        for piece in text.split(',') {
            if found.len() == limits::COUNTED_FIELDS {
                let message = format!("a figure names at most {}", limits::COUNTED_FIELDS);
                let range = self.part(start..start + piece.len()).range;
                self.findings.error(self.place.span.part(self.place.base, range), "too-large", message);
                return None;
            }
            let part = self.part(start..start + piece.len());
            if part.text.is_empty() {
                return self.fail(part.range, "something is missing between two commas", None);
            }
            found.push(part);
            start += piece.len() + 1;
        }
        Some(found)
    }

    fn function(&mut self, word: &Part) -> Option<Function> {
        let known = FUNCTIONS.iter().find(|(_, known, _)| *known == word.text);
        if let Some((function, ..)) = known {
            return Some(*function);
        }
        let near = nearest(&word.text, FUNCTIONS.iter().map(|(_, known, _)| *known));
        let help = near.map_or_else(all, |near| format!("did you mean `{near}`?"));
        self.fail(word.range.clone(), &format!("no figure `{}`", word.text), Some(help))
    }

    fn misfit<T>(&mut self, function: Function) -> Option<T> {
        let whole = self.part(0..self.text.len());
        self.fail(whole.range, &format!("it is written {}", function.form()), None)
    }

    fn percent(&mut self, part: &Part) -> Option<f64> {
        let percent = part.text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
        match percent {
            Some(percent) => Some(percent),
            None => self.fail(part.range.clone(), "a percentile is a number from 0 to 100", None),
        }
    }

    /// `2..6`
    fn counts(&mut self, part: &Part) -> Option<(u64, u64)> {
        let both = part.text.split_once("..").and_then(|(low, high)| {
            let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (low <= high && high > 0).then_some((low, high))
        });
        if both.is_none() {
            let help = "A range is written as in `2..6`: groups with 2 to 6 events.".to_owned();
            return self.fail(part.range.clone(), &format!("`{}` is no range", part.text), Some(help));
        }
        both
    }
}

fn all() -> String {
    let words: Vec<&str> = FUNCTIONS.iter().map(|(_, word, _)| *word).collect();
    format!("the figures are {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::super::sources::{Sources, Span};
    use super::*;

    fn written(text: &str) -> Result<Written, (String, Option<String>)> {
        let mut findings = Findings::default();
        let span = Span { file: 0, start: 0, end: u32::try_from(text.len()).unwrap() };
        let found = read(text, Place { span, base: Some(0) }, &mut findings);
        found.ok_or_else(|| {
            let first = findings.finish(&Sources::of([("a.yml", text)])).remove(0);
            (format!("{} @{}..{}", first.message, first.at.span.start, first.at.span.end), first.help)
        })
    }

    fn spelled(text: &str) -> (Function, Vec<String>, String) {
        let written = written(text).unwrap();
        let names = written.names.iter().map(|name| name.text.clone()).collect();
        (written.function, names, written.spelled)
    }

    #[test]
    fn a_figure_is_a_word_with_what_it_is_taken_of() {
        assert_eq!(spelled(" count "), (Function::Count, vec![], "count".to_owned()));
        assert_eq!(spelled("count(denied)"), (Function::Count, vec!["denied".into()], "count denied".into()));
        let pair = vec!["client.ipAddress".to_owned(), "enriched.target.URL Pattern.id".to_owned()];
        let text = "distinct( client.ipAddress ,enriched.target.URL Pattern.id )";
        let spelling = "distinct client.ipAddress, enriched.target.URL Pattern.id".to_owned();
        assert_eq!(spelled(text), (Function::Distinct, pair, spelling));
        let percentile = written("percentile(f, 99.5)").unwrap();
        assert_eq!((percentile.names.len(), percentile.percent), (1, 99.5));
        let share = written("share(2..6)").unwrap();
        assert_eq!((share.names.len(), share.counts, share.is_of_groups()), (0, Some((2, 6)), true));
        assert_eq!(written("span()").unwrap().function, Function::Span);
    }

    #[test]
    fn where_a_name_stands_is_known() {
        let written = written("distinct(a, bc)").unwrap();
        let spans: Vec<_> = written.names.iter().map(|name| name.span.range()).collect();
        assert_eq!(spans, [9..10, 12..14]);
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        for (text, expected) in [
            ("coutn", "no figure `coutn` @0..5"),
            ("", "a figure is due @0..0"),
            ("distinct", "it is written `distinct(field)`, or several fields @0..8"),
            ("median(a, b)", "it is written `median(field)` @0..12"),
            ("span(x)", "it is written `span` @0..7"),
            ("percentile(a)", "it is written `percentile(field, 95)` @0..13"),
            ("percentile(a, 101)", "a percentile is a number from 0 to 100 @14..17"),
            ("distinct(a", "a bracket is not closed @8..10"),
            ("distinct(a,, b)", "something is missing between two commas @11..11"),
            ("count + 1", "no figure `count + 1` @0..9"),
            ("sum(a) / 2", "something stands behind the figure @7..10"),
            ("share(6..2)", "`6..2` is no range @6..10"),
            ("share(2..)", "`2..` is no range @6..9"),
        ] {
            assert_eq!(written(text).unwrap_err().0, expected, "{text}");
        }
        assert_eq!(written("distnct(a)").unwrap_err().1.unwrap(), "did you mean `distinct`?");
        assert!(written("frobnicate").unwrap_err().1.unwrap().contains("count, distinct"));
        assert!(written("distinct(a").unwrap_err().1.unwrap().contains("quotes"));
    }
}
