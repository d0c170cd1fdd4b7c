//! How much of the bounds over all rules is used?

use super::diagnostic::Findings;
use super::sources::Span;
use crate::limits;

/// What all rules that were read so far have used. Going over a bound is told once.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub patterns: usize,
    /// In bytes.
    pub regexes: usize,
}

impl Budget {
    /// Whether so many more patterns fit.
    pub(super) fn take_patterns(&mut self, count: usize, span: Span, findings: &mut Findings) -> Option<()> {
        let message = || format!("all rules together have more than {} values", limits::RULE_PATTERNS);
        take(&mut self.patterns, count, limits::RULE_PATTERNS, message, span, findings)
    }

    /// Whether a compiled regular expression of so many bytes fits.
    pub(super) fn take_regex(&mut self, bytes: usize, span: Span, findings: &mut Findings) -> Option<()> {
        let message = || "all rules together have too many, or too large, regular expressions".to_owned();
        take(&mut self.regexes, bytes, limits::REGEXES_BYTES, message, span, findings)
    }

    /// Whether one more value is worth encoding.
    pub(super) fn holds_patterns(&self) -> bool {
        self.patterns <= limits::RULE_PATTERNS
    }

    /// Whether one more regular expression is worth compiling.
    pub(super) fn holds_regexes(&self) -> bool {
        self.regexes <= limits::REGEXES_BYTES
    }
}

fn take(
    used: &mut usize,
    more: usize,
    most: usize,
    message: impl FnOnce() -> String,
    span: Span,
    findings: &mut Findings,
) -> Option<()> {
    let before = *used;
    *used = before.saturating_add(more);
    if *used <= most {
        return Some(());
    }
    if before <= most {
        findings.error(span, "too-large", message());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::lists::Lists;
    use super::super::selection::Reading;
    use super::super::{Sources, yaml};
    use super::*;
    use crate::model::FieldTable;

    /// The mistakes of a selection where so much of the bounds is used already.
    fn with(mut budget: Budget, item: &str) -> Vec<String> {
        let sources = Sources::of([("a.yml", item)]);
        let mut findings = Findings::default();
        let mut table = FieldTable::default();
        let node = yaml::parse(0, item, &mut findings).remove(0);
        let (reads, event_types) = (Vec::new(), Vec::new());
        let mut lists = Lists::new(&sources, &mut findings);
        let (table, lists, budget) = (&mut table, &mut lists, &mut budget);
        let mut reading = Reading { table, lists, budget, findings: &mut findings, reads, event_types };
        reading.selection(&node);
        findings.finish(&sources).into_iter().map(|found| found.message).collect()
    }

    #[test]
    fn the_values_of_all_rules_are_bounded_together() {
        let nearly = || Budget { patterns: limits::RULE_PATTERNS - 2, regexes: 0 };
        assert!(with(nearly(), "severity: [a, b]").is_empty());
        let message = format!("all rules together have more than {} values", limits::RULE_PATTERNS);
        assert_eq!(with(nearly(), "severity: [a, b, c, d]"), vec![message.clone()], "it is told once");
        assert_eq!(with(nearly(), "severity|base64offset|contains: abc"), [message], "written in three ways");
    }

    #[test]
    fn nothing_is_encoded_once_the_bound_is_passed() {
        let spent = || Budget { patterns: limits::RULE_PATTERNS + 1, regexes: 0 };
        // So short a text would be told, if it were encoded.
        assert_eq!(with(Budget::default(), "severity|base64offset|contains: a").len(), 1);
        assert!(with(spent(), "severity|base64offset|contains: a").is_empty());
    }

    #[test]
    fn regular_expressions_count_by_their_size() {
        let room = |room: usize| Budget { patterns: 0, regexes: limits::REGEXES_BYTES - room };
        assert!(with(room(2 * limits::SMALL_REGEX_BYTES), "severity|re: [a, b]").is_empty());
        assert_eq!(with(room(limits::SMALL_REGEX_BYTES), "severity|re: [a, b, c, d]").len(), 1);
        assert_eq!(with(room(2 * limits::SMALL_REGEX_BYTES), "severity|re: '\\w{10}'").len(), 1);
        assert!(with(room(limits::REGEX_BYTES), "severity|re: '\\w{10}'").is_empty());
    }
}
