//! How are a file's expectations made what its tests see, and every other byte left alone?

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bench::Seen;
use super::compare::{Difference, moment};
use super::{Outcome, Suite};
use crate::error::Failure;
use crate::rule::{Edit, InlineTest, apply, compile};

/// A rule file with other expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The rule file.
    pub file: PathBuf,
    /// Its text as the tests were run.
    pub before: String,
    /// Its text with what they saw.
    pub after: String,
    /// What is otherwise, test by test.
    pub tests: Vec<Updated>,
}

/// A test with other expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// Line of its expectations in the file, from 1.
    pub line: usize,
    /// What it shows.
    pub name: String,
    /// Lines that go.
    pub removed: Vec<String>,
    /// Lines that come.
    pub added: Vec<String>,
}

impl Suite {
    /// The file with expectations that its tests meet; `None` if there is nothing to change.
    ///
    /// # Errors
    /// A test that could not be run, or would still fail.
    pub fn update(&self, file: &Path, outcomes: &[Outcome]) -> Result<Option<Update>, Failure> {
        let before = self.outline.sources().text(file).unwrap_or_default();
        let (mut edits, mut tests) = (Vec::new(), Vec::new());
        for outcome in outcomes.iter().filter(|outcome| outcome.file == file && !outcome.passed()) {
            if let Some(failure) = &outcome.failure {
                let primary = format!("{}: a test cannot be run: {}", outcome.name, failure.primary);
                return Err(Failure { primary, ..failure.clone() });
            }
            let Some(case) = self.of_file(file).find(|case| case.test.span == outcome.span) else { continue };
            let changes = Rewriting { suite: self, file, text: before, test: &case.test, outcome }.edits();
            tests.extend(updated(before, &case.test, &changes));
            edits.extend(changes);
        }
        if edits.is_empty() {
            return Ok(None);
        }
        let after = apply(before, &edits).ok_or_else(|| unwritable(file))?;
        self.check(file, &after, outcomes)?;
        let before = before.to_owned();
        Ok(Some(Update { file: file.to_owned(), before, after, tests }))
    }

    /// The new text must be one whose tests pass.
    fn check(&self, file: &Path, after: &str, outcomes: &[Outcome]) -> Result<(), Failure> {
        let around = self.outline.around(file).with(file, after.to_owned());
        let rules = compile(&around).map_err(|_| unwritable(file))?;
        let suite = Self {
            rules: Arc::new(rules),
            outline: crate::rule::Outline::new(&around),
            bench: self.bench.clone(),
        };
        let was_run =
            |name: &String| outcomes.iter().any(|outcome| outcome.file == file && outcome.name == *name);
        let run = suite.of_file(file).filter(|case| was_run(&case.test.name));
        if run.map(|case| suite.run(case)).all(|outcome| outcome.passed()) {
            Ok(())
        } else {
            Err(unwritable(file))
        }
    }
}

fn unwritable(file: &Path) -> Failure {
    Failure::new(format!("cannot update the expectations of {}", file.display()))
        .detail("The way they are written leaves no place for the change.")
        .hint("Write them as a list with one `{rule: …, at: …}` a line.")
}

/// One failed test.
struct Rewriting<'r> {
    suite: &'r Suite,
    file: &'r Path,
    text: &'r str,
    test: &'r InlineTest,
    outcome: &'r Outcome,
}

impl Rewriting<'_> {
    fn edits(&self) -> Vec<Edit> {
        let gone: Vec<usize> = self.outcome.missing.iter().map(|missing| missing.place).collect();
        let new: Vec<String> = self.outcome.extra.iter().map(written).collect();
        let mut edits: Vec<Edit> = self
            .outcome
            .changed
            .iter()
            .flat_map(|changed| {
                changed.differences.iter().filter_map(|different| self.value(changed.place, different))
            })
            .collect();
        let stay = self.test.expectation_spans.len() - gone.len();
        let span = &self.test.expect_span;
        if stay == 0 {
            edits.extend(self.replaced(&new));
        } else if self.starts(span.start, "[") {
            edits.extend(self.in_brackets(&gone, &new));
        } else {
            edits.extend(
                gone.iter()
                    .filter_map(|place| self.test.expectation_spans.get(*place))
                    .map(|item| Edit::new(self.lines(item), "")),
            );
            edits.extend(self.appended(&new));
        }
        edits
    }

    fn starts(&self, at: usize, with: &str) -> bool {
        self.text.get(at..).is_some_and(|rest| rest.starts_with(with))
    }

    /// Another value of an expectation, where it stands.
    fn value(&self, place: usize, different: &Difference) -> Option<Edit> {
        let item = self.test.expectation_spans.get(place)?;
        let (_, range) = self.suite.outline.entry(self.file, item.start, different.what)?;
        Some(Edit::new(range, quoted(&different.seen)))
    }

    /// The whole list: none of the expectations stays.
    fn replaced(&self, new: &[String]) -> Option<Edit> {
        let (key, list) = self.suite.outline.entry(self.file, self.test.span.start, "expect")?;
        if new.is_empty() || self.starts(self.test.span.start, "{") {
            // Behind the key, if nothing but white space and a dash is between.
            let between = self.text.get(key.end + 1..list.start)?.trim_matches([' ', '\r', '\n', '-']);
            let (start, space) = if between.is_empty() { (key.end + 1, " ") } else { (list.start, "") };
            return Some(Edit::new(start..list.end, format!("{space}[{}]", new.join(", "))));
        }
        let column = key.start - self.text.get(..key.start)?.rfind('\n').map_or(0, |feed| feed + 1);
        let indent = format!("{}{}", self.feed(), " ".repeat(column + 2));
        let lines: String = new.iter().map(|item| format!("{indent}- {item}")).collect();
        Some(Edit::new(key.end + 1..list.end, lines))
    }

    fn in_brackets(&self, gone: &[usize], new: &[String]) -> Vec<Edit> {
        let items = &self.test.expectation_spans;
        let mut edits: Vec<Edit> = Vec::new();
        for place in gone {
            let Some(item) = items.get(*place) else { continue };
            let stays_before = (0..*place).any(|before| !gone.contains(&before));
            let range = match (stays_before, items.get(place.wrapping_sub(1)), items.get(place + 1)) {
                (true, Some(before), _) => before.end..item.end,
                (_, _, Some(next)) => item.start..next.start,
                _ => item.clone(),
            };
            edits.push(Edit::new(range, ""));
        }
        let end = items.last().map_or(self.test.expect_span.end, |last| last.end);
        let more: String = new.iter().map(|item| format!(", {item}")).collect();
        edits.push(Edit::new(end..end, more));
        edits
    }

    /// The lines of an item, with what ends them.
    fn lines(&self, item: &Range<usize>) -> Range<usize> {
        let start =
            self.text.get(..item.start).and_then(|before| before.rfind('\n')).map_or(0, |feed| feed + 1);
        let rest = self.text.get(item.end..).unwrap_or_default();
        start..rest.find('\n').map_or(self.text.len(), |feed| item.end + feed + 1)
    }

    /// New items below the last.
    fn appended(&self, new: &[String]) -> Option<Edit> {
        let last = self.test.expectation_spans.last().filter(|_| !new.is_empty())?;
        let lines = self.lines(last);
        let dash = self.text.get(lines.start..last.start)?.trim_end_matches([' ', '-']).len();
        let indent = self.text.get(lines.start + dash..last.start)?.split('-').next().unwrap_or_default();
        let feed = self.feed();
        let ended = self.text.get(..lines.end)?.ends_with('\n');
        let start = if ended { "" } else { feed };
        let added: Vec<String> = new.iter().map(|item| format!("{indent}- {item}")).collect();
        let end = if ended { feed } else { "" };
        Some(Edit::new(lines.end..lines.end, format!("{start}{}{end}", added.join(feed))))
    }

    fn feed(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }
}

/// What changes in one test, line by line.
fn updated(text: &str, test: &InlineTest, edits: &[Edit]) -> Option<Updated> {
    let first = edits.iter().map(|edit| edit.range.start).min()?;
    let last = edits.iter().map(|edit| edit.range.end).max()?;
    let start = text.get(..first)?.rfind('\n').map_or(0, |feed| feed + 1);
    let end = text.get(last..)?.find('\n').map_or(text.len(), |feed| last + feed);
    let moved: Vec<Edit> = edits
        .iter()
        .map(|edit| Edit::new(edit.range.start - start..edit.range.end - start, edit.text.clone()))
        .collect();
    let old = text.get(start..end.max(start))?;
    let new = apply(old, &moved)?;
    let without = |lines: &str, other: &str| -> Vec<String> {
        lines.lines().filter(|line| !other.lines().any(|same| same == *line)).map(str::to_owned).collect()
    };
    Some(Updated {
        line: crate::text::line(text, first),
        name: test.name.clone(),
        removed: without(old, &new),
        added: without(&new, old),
    })
}

/// An alert as an expectation.
fn written(seen: &Seen) -> String {
    let count = if seen.count > 1 { format!(", count: {}", seen.count) } else { String::new() };
    format!("{{rule: {}, at: {}, key: {}{count}}}", seen.rule, moment(seen.at_ms), quoted(&seen.key()))
}

/// A text as YAML takes it for text wherever it stands.
fn quoted(text: &str) -> String {
    let plain =
        |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '@' | '/' | '+' | '-');
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let words = ["true", "false", "null", "yes", "no", "on", "off"];
    let is_word = words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if starts_well && !is_word && text.chars().all(plain) {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        return serde_json::Value::from(text).to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{PUSHES, suite};
    use super::*;

    const DENY: &str = "eventType: user.mfa.okta_verify.deny_push";

    fn updated_text(tests: &str) -> Result<Option<Update>, Failure> {
        let suite = suite(&format!("{PUSHES}{tests}"));
        let outcomes: Vec<_> = suite.cases().iter().map(|case| suite.run(case)).collect();
        suite.update(Path::new("denials.yml"), &outcomes)
    }

    fn tests_after(tests: &str) -> String {
        let update = updated_text(tests).unwrap().unwrap();
        assert_eq!(update.before, format!("{PUSHES}{tests}"));
        update.after.strip_prefix(PUSHES).unwrap().to_owned()
    }

    #[test]
    fn only_the_values_that_differ_are_written_anew() {
        let tests = |at: &str| {
            format!(
                "  # kept
  - name: a   # kept
    events:
      - {{at: 0s, repeat: 3, every: 1m, {DENY}}}
      - {{at: 0s, repeat: 3, every: 1m, {DENY}, actor.alternateId: ben}}
    expect:
      # kept
      - {{ rule: three-denied,   at: {at}, key: 'ana@example.com' }} # kept
      - rule: three-denied
        key: ben # kept
        at: {at}
  - {{name: b, events: [{{at: 0s}}], expect: []}}
"
            )
        };
        assert_eq!(tests_after(&tests("90s")), tests("2m"));
    }

    #[test]
    fn an_empty_list_takes_what_was_seen_below_or_beside() {
        let block = format!(
            "  - name: a\n    events: [{{at: 0s, repeat: 3, every: 1m, {DENY}}}]\n    expect: []  # none\n"
        );
        let item = "{rule: three-denied, at: 2m, key: ana@example.com, count: 3}";
        let wanted = block.replace(" []", &format!("\n      - {item}"));
        assert_eq!(tests_after(&block), wanted);
        let flow =
            format!("  - {{name: a, events: [{{at: 0s, repeat: 3, every: 1m, {DENY}}}], expect: []}}\n");
        assert_eq!(tests_after(&flow), flow.replace("expect: []", &format!("expect: [{item}]")));
    }

    #[test]
    fn what_was_not_seen_goes_and_what_is_right_stays() {
        let head = format!(
            "  - name: a\n    events:\n      - {{at: 0s, repeat: 3, every: 1m, {DENY}}}\n\
             \x20     - {{at: 5m, repeat: 3, every: 1m, {DENY}, actor.alternateId: it's me}}\n    expect:"
        );
        let right = "{rule: three-denied, at: 2m}";
        let gone = "{rule: push-denied}";
        let new = "{rule: three-denied, at: 7m, key: 'it''s me', count: 3}";
        let block = format!("{head}\n      - {gone} # gone\n      - {right} # right\n");
        assert_eq!(tests_after(&block), format!("{head}\n      - {right} # right\n      - {new}\n"));
        let flow = format!("{head} [{gone}, {right}, {gone}]");
        assert_eq!(tests_after(&flow), format!("{head} [{right}, {new}]"));
        let none = format!("  - name: a\n    events: [{{at: 0s}}]\n    expect:\n      - {gone}\n\n# end\n");
        assert_eq!(tests_after(&none), "  - name: a\n    events: [{at: 0s}]\n    expect: []\n\n# end\n");
    }

    #[test]
    fn a_file_without_a_last_line_feed_and_one_of_windows_are_written_as_they_are() {
        let head = format!(
            "  - name: a
    events:
      - {{at: 0s, repeat: 3, every: 1m, {DENY}}}
      - {{at: 5m, repeat: 3, every: 1m, {DENY}, actor.alternateId: ben}}
    expect:
      - {{rule: three-denied, key: ben}}"
        );
        let new = "- {rule: three-denied, at: 2m, key: ana@example.com, count: 3}";
        assert_eq!(tests_after(&head), format!("{head}\n      {new}"));
        let windows = format!("{head}\n").replace('\n', "\r\n");
        assert_eq!(tests_after(&windows), format!("{windows}      {new}\r\n"));
    }

    #[test]
    fn the_lines_that_change_are_told() {
        let tests = format!(
            "  - name: a
    events: [{{at: 0s, repeat: 3, every: 1m, {DENY}}}]
    expect:
      - {{rule: three-denied, at: 1m}}
"
        );
        let update = updated_text(&tests).unwrap().unwrap();
        assert_eq!(update.tests[0].removed, ["      - {rule: three-denied, at: 1m}"]);
        assert_eq!(update.tests[0].added, ["      - {rule: three-denied, at: 2m}"]);
        assert_eq!((update.tests[0].line, update.tests[0].name.as_str()), (25, "a"));
    }

    #[test]
    fn a_test_that_passes_is_left_alone_and_one_that_cannot_run_is_told() {
        let good = format!("  - {{name: a, events: [{{at: 0s, {DENY}}}], expect: []}}\n");
        assert_eq!(updated_text(&good).unwrap(), None);
        let bad = "  - {name: a, events: [{at: 0s, published: soon}], expect: []}\n";
        assert!(updated_text(bad).unwrap_err().primary.starts_with("a: a test cannot be run"));
    }

    #[test]
    fn texts_are_quoted_where_yaml_would_read_something_else() {
        let shown =
            ["ana@example.com", "203.0.113.9", "a b", "it's", "no", "-x", "", "a\tb", "1m30s"].map(quoted);
        let wanted = [
            "ana@example.com",
            "203.0.113.9",
            "'a b'",
            "'it''s'",
            "'no'",
            "'-x'",
            "''",
            "\"a\\tb\"",
            "1m30s",
        ];
        assert_eq!(shown, wanted);
    }
}
