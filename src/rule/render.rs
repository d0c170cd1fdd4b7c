//! How does a person read what is wrong?

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};
use super::sources::Sources;
use crate::limits;

/// Every diagnostic with the line it is about, a mark under the place, and what to do; a count at
/// the end. Without colours.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let renderer = Renderer::plain();
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&one(diagnostic, sources, &renderer));
        out.push_str("\n\n");
    }
    out.push_str(&summary(diagnostics));
    out
}

/// `2 errors, 1 warning`; empty if there is neither.
fn summary(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for (severity, noun) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let count = diagnostics.iter().filter(|found| found.severity == severity).count();
        if count > 0 {
            let comma = if out.is_empty() { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            // Writing to a string cannot fail.
            write!(out, "{comma}{count} {noun}{plural}").unwrap_or_default();
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let path = diagnostic.file.display().to_string();
    let text = sources.text(&diagnostic.file);
    let window = text.and_then(|text| window(text, diagnostic));
    let group = match window {
        Some((lines, mark)) => {
            let snippet = Snippet::source(lines).path(path).line_start(diagnostic.line);
            title.element(snippet.annotation(AnnotationKind::Primary.span(mark)))
        }
        None => title.element(origin(diagnostic, path)),
    };
    let help = diagnostic.help.as_deref().map(|help| Level::HELP.message(help));
    renderer.render(&[group.elements(help)])
}

/// The place alone.
fn origin(diagnostic: &Diagnostic, path: String) -> Origin<'_> {
    let origin = Origin::path(path);
    match diagnostic.span.end {
        0 => origin,
        _ => origin.line(diagnostic.line).char_column(diagnostic.column),
    }
}

/// The line of the mistake, unless it is very long, and its place in it: what is marked ends with the line.
fn window<'t>(text: &'t str, diagnostic: &Diagnostic) -> Option<(&'t str, std::ops::Range<usize>)> {
    let start = text.get(..diagnostic.span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..)?.lines().next().unwrap_or_default();
    if line.len() > limits::RULE_LINE_BYTES {
        return None;
    }
    let from = diagnostic.span.start - start;
    let to = diagnostic.span.end.saturating_sub(start).min(line.len()).max(from);
    line.is_char_boundary(from).then_some((line, from.min(line.len())..to))
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::*;

    #[test]
    fn a_mistake_is_shown_with_its_line_a_mark_and_help() {
        let text = document("one", "sel: {evntType: a}\ncondition: sel", "");
        let sources = Sources::of([("rules/one.yml", text.as_str())]);
        let diagnostics = super::super::compile(&sources).unwrap_err();
        let expected = "\
error[unknown-field]: no field `evntType`
 --> rules/one.yml:7:9
  |
7 |   sel: {evntType: a}
  |         ^^^^^^^^
  |
  = help: did you mean `eventType`?

1 error
";
        assert_eq!(render(&diagnostics, &sources), expected);
    }

    #[test]
    fn a_file_that_is_not_there_has_no_line_to_show() {
        let sources = Sources::default();
        let diagnostics = super::super::load(&["/nowhere/x.yml".into()]).unwrap_err();
        let shown = render(&diagnostics, &sources);
        assert!(shown.starts_with("error[unreadable]: cannot read the rule file: "), "{shown}");
        assert!(shown.contains("--> /nowhere/x.yml"), "{shown}");
    }

    #[test]
    fn of_a_very_long_line_the_place_is_told() {
        let text = format!("[{}]", "x, ".repeat(limits::RULE_LINE_BYTES));
        let sources = Sources::of([("a.yml", text.as_str()), ("b.yml", "a: [x, {")]);
        let diagnostics = super::super::compile(&sources).unwrap_err();
        let shown = render(&diagnostics, &sources);
        assert!(
            shown.starts_with("error[wrong-type]: a rule is a map, not a list\n--> a.yml:1:1\n"),
            "{shown}"
        );
        assert!(shown.contains(" --> b.yml:1:9\n  |\n1 | a: [x, {\n"), "{shown}");
    }

    #[test]
    fn diagnostics_are_data_too() {
        let sources = Sources::of([("a.yml", "title: [")]);
        let diagnostics = super::super::compile(&sources).unwrap_err();
        let json = serde_json::to_value(&diagnostics).unwrap();
        assert_eq!((&json[0]["severity"], &json[0]["code"]), (&"error".into(), &"yaml".into()));
        assert_eq!(json[0]["line"], 1);
    }
}
