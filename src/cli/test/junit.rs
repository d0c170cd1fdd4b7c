//! How does a build server see what came of the tests?
//!
//! JUnit XML as Jenkins, GitLab and others read it: a suite for each rule file, a case for each test.

use std::path::Path;
use std::time::Duration;

use super::{Ran, diff};
use crate::error::Failure;

/// Writes the results to a file.
pub(super) fn write(path: &Path, ran: &[Ran]) -> Result<(), Failure> {
    std::fs::write(path, document(ran))
        .map_err(|error| Failure::new(format!("cannot write {}", path.display())).detail(error))
}

/// The whole document.
fn document(ran: &[Ran]) -> String {
    let mut files: Vec<(&Path, Vec<&Ran>)> = Vec::new();
    for one in ran {
        match files.iter_mut().find(|(file, _)| *file == one.outcome.file) {
            Some((_, of_file)) => of_file.push(one),
            None => files.push((&one.outcome.file, vec![one])),
        }
    }
    let all: Vec<&Ran> = ran.iter().collect();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&format!("<testsuites name=\"oktawatch test\"{}>\n", counts(&all)));
    for (file, of_file) in files {
        let name = escaped(&file.display().to_string());
        text.push_str(&format!("  <testsuite name=\"{name}\"{}>\n", counts(&of_file)));
        for one in of_file {
            text.push_str(&case(one, &name));
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts(ran: &[&Ran]) -> String {
    let errors = ran.iter().filter(|one| one.outcome.failure.is_some()).count();
    let failures = ran.iter().filter(|one| !one.outcome.passed()).count() - errors;
    let took: Duration = ran.iter().map(|one| one.took).sum();
    let tests = ran.len();
    format!(
        " tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{:.3}\"",
        took.as_secs_f64()
    )
}

fn case(one: &Ran, file: &str) -> String {
    let outcome = &one.outcome;
    let name = escaped(&outcome.name);
    let class = escaped(&outcome.file.with_extension("").display().to_string().replace(['/', '\\'], "."));
    let line = outcome.line;
    let head = format!(
        "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{file}\" line=\"{line}\" time=\"{:.3}\"",
        one.took.as_secs_f64()
    );
    if outcome.passed() {
        return format!("{head}/>\n");
    }
    let (element, message) = match &outcome.failure {
        Some(failure) => ("error", failure.primary.clone()),
        None => ("failure", told(outcome)),
    };
    let (message, text) = (escaped(&message), escaped(&diff::failure(outcome, false)));
    let inside = format!("<{element} message=\"{message}\" type=\"{element}\">{text}</{element}>");
    format!("{head}>\n      {inside}\n    </testcase>\n")
}

fn told(outcome: &crate::suite::Outcome) -> String {
    let counts = [
        (outcome.missing.len(), "missing"),
        (outcome.changed.len(), "changed"),
        (outcome.extra.len(), "extra"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// A text inside an attribute or an element. Characters that XML cannot hold at all are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_a_case_and_a_file_a_suite() {
        let failed = super::diff::tests::outcome();
        let mut passed = failed.clone();
        (passed.missing, passed.changed, passed.extra) = (Vec::new(), Vec::new(), Vec::new());
        passed.file = "rules/b.yml".into();
        let mut broken = passed.clone();
        broken.failure = Some(Failure::new("an event \"\u{7}\" cannot be read"));
        let took = Duration::from_millis(250);
        let ran = [failed, passed, broken].map(|outcome| Ran { outcome, took });
        let text = document(&ran);
        for part in [
            r#"<testsuites name="oktawatch test" tests="3" failures="1" errors="1" skipped="0" time="0.750">"#,
            r#"<testsuite name="rules/a.yml" tests="1" failures="1" errors="0" skipped="0" time="0.250">"#,
            r#"<testcase classname="rules.a" name="five &amp; a half" file="rules/a.yml" line="7" time="0.250">"#,
            r#"<failure message="1 missing, 1 changed, 1 extra" type="failure">FAILED rules/a.yml:7"#,
            "<error message=\"an event &quot;\u{fffd}&quot; cannot be read\" type=\"error\">",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert_eq!(text.matches("</testsuite>").count(), 2);
    }
}
