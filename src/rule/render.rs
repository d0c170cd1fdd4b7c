//! How does a person read what is wrong?

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Related, Severity};
use super::location::Location;
use super::sources::Sources;
use crate::limits;

const BOM: char = '\u{feff}';

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
    let mut elements = vec![snippet(diagnostic, sources)];
    for related in diagnostic.related.iter().filter(|related| related.at.file != diagnostic.at.file) {
        elements.extend(elsewhere(related, sources));
    }
    elements.extend(diagnostic.help.as_deref().map(|help| Level::HELP.message(help).into()));
    renderer.render(&[title.elements(elements)])
}

/// The lines of the mistake and of what belongs to it in the same file; only the file, if there are
/// no lines.
fn snippet<'s>(diagnostic: &'s Diagnostic, sources: &'s Sources) -> Element<'s> {
    let path = diagnostic.at.file.display().to_string();
    let Some(text) = sources.text(&diagnostic.at.file) else { return Origin::path(path).into() };
    let here: Vec<_> =
        diagnostic.related.iter().filter(|related| related.at.file == diagnostic.at.file).collect();
    let places = here.iter().map(|related| &related.at).chain([&diagnostic.at]);
    let Some(window) = Window::around(text, places) else {
        return Origin::path(path).line(diagnostic.at.line).char_column(diagnostic.at.column).into();
    };
    let primary = AnnotationKind::Primary.span(window.mark(&diagnostic.at));
    let context = |related: &&'s Related| {
        AnnotationKind::Context.span(window.mark(&related.at)).label(&*related.message)
    };
    let annotations = here.iter().map(context).chain([primary]).collect::<Vec<_>>();
    Snippet::source(window.text).path(path).line_start(window.line).annotations(annotations).into()
}

/// A further place in another file.
fn elsewhere<'s>(related: &'s Related, sources: &'s Sources) -> Option<Element<'s>> {
    let window = Window::around(sources.text(&related.at.file)?, [&related.at])?;
    let mark = AnnotationKind::Context.span(window.mark(&related.at)).label(&*related.message);
    let path = related.at.file.display().to_string();
    Some(Snippet::source(window.text).path(path).line_start(window.line).annotation(mark).into())
}

/// The lines of a file that are worth showing.
struct Window<'t> {
    text: &'t str,
    /// Where they start in the file.
    start: usize,
    /// The number of the first.
    line: usize,
}

impl<'t> Window<'t> {
    /// Whole lines, from the first place's to the last one's: of each place, its first line.
    fn around<'p>(text: &'t str, places: impl IntoIterator<Item = &'p Location> + Clone) -> Option<Self> {
        let first = places.clone().into_iter().min_by_key(|place| place.span.start)?;
        let last = places.into_iter().map(|place| place.span.start).max()?;
        let start = text.get(..first.span.start)?.rfind('\n').map_or(0, |at| at + 1);
        // A byte order mark is no part of the line.
        let start = start + text.get(start..)?.len() - text.get(start..)?.trim_start_matches(BOM).len();
        let length = text.get(last..)?.lines().next().unwrap_or_default().len();
        let shown = text.get(start..last + length)?;
        // One line that is very long would fill the screen.
        (shown.lines().map(str::len).max().unwrap_or_default() <= limits::RULE_LINE_BYTES).then_some(Self {
            text: shown,
            start,
            line: first.line,
        })
    }

    /// What is marked ends with the line, so that a long value does not fill the screen.
    fn mark(&self, place: &Location) -> Range<usize> {
        let from = place.span.start.saturating_sub(self.start).min(self.text.len());
        let rest = self.text.get(from..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default().len();
        let to = place.span.end.saturating_sub(self.start).clamp(from, from + line);
        from..to
    }
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

    /// What is shown of the first mistake in a text.
    fn shown(text: &str) -> String {
        let sources = Sources::of([("a.yml", text)]);
        let diagnostics = super::super::compile(&sources).unwrap_err();
        let all = render(&diagnostics, &sources);
        all.split("\n\n").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn marks_stand_under_their_words_behind_tabs_and_wide_characters() {
        let text =
            document("one", "sel: {severity:\t'\u{e9}\u{6f22}\u{5b57}', evntType: a}\ncondition: sel", "");
        let expected = "\
error[unknown-field]: no field `evntType`
 --> a.yml:7:26
  |
7 |   sel: {severity:    'é漢字', evntType: a}
  |                               ^^^^^^^^";
        assert_eq!(shown(&text).split("\n  |\n  = help").next(), Some(expected));
    }

    #[test]
    fn line_ends_of_windows_and_byte_order_marks_move_nothing() {
        let text = document("one", "sel: {evntType: a}\ncondition: sel", "").replace('\n', "\r\n");
        assert!(
            shown(&text).contains(" --> a.yml:7:9\n  |\n7 |   sel: {evntType: a}\n  |         ^^^^^^^^\n")
        );
        let marked = "\u{feff}titel: T\n";
        assert!(
            shown(marked).contains(" --> a.yml:1:1\n  |\n1 | titel: T\n  | ^^^^^\n"),
            "{}",
            shown(marked)
        );
    }

    #[test]
    fn a_word_in_a_condition_of_several_lines_is_marked_alone() {
        for condition in ["condition: |\n  sel and\n  fitler", "condition: sel and\n    fitler"] {
            let text = document("one", &format!("sel: {{eventType: a}}\n{condition}"), "");
            let shown = shown(&text);
            assert!(shown.contains(" --> a.yml:10:") || shown.contains(" --> a.yml:9:"), "{shown}");
            assert!(shown.contains("fitler\n") && shown.ends_with(" ^^^^^^"), "{shown}");
        }
    }

    #[test]
    fn what_belongs_together_is_shown_together() {
        let one = document("one", "sel: {eventType: a}\ncondition: sel", "");
        let sources = Sources::of([("a.yml", one.as_str()), ("b.yml", &one.replace(&id(&one), &id("x")))]);
        let diagnostics = super::super::compile(&sources).unwrap_err();
        let expected = "\
error[duplicate-name]: the name `one` is taken by the rule “T”
 --> b.yml:3:7
  |
3 | name: one
  |       ^^^
  |
 ::: a.yml:3:7
  |
3 | name: one
  |       --- the first stands here

1 error
";
        assert_eq!(render(&diagnostics, &sources), expected);
        let twice = one.replace("level: low", "").replace("detection:", "title: again\ndetection:");
        let expected = "\
error[duplicate-key]: the key `title` stands twice in one map
 --> a.yml:6:1
  |
1 | title: T
  | ----- the first stands here
...
6 | title: again
  | ^^^^^
  |
  = help: A map keeps one value for each key.";
        assert_eq!(shown(&twice), expected);
    }

    fn id(document: &str) -> String {
        match document.lines().find_map(|line| line.strip_prefix("id: ")) {
            Some(id) => id.to_owned(),
            None => id(&super::super::testing::document(document, "", "")),
        }
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
        let place = (&json[0]["line"], &json[0]["column"], &json[0]["end_line"], &json[0]["end_column"]);
        assert_eq!(place, (&1.into(), &9.into(), &1.into(), &9.into()));
    }
}
