//! What does a new rule look like before its author fills it in?
//!
//! Every scaffold loads and passes its own tests as it is, so that an author starts from something
//! that works and changes one thing at a time.

mod outlines;

use super::types;
use outlines::{OUTLINES, Outline};

/// What an author says of a new rule.
#[derive(Clone, Debug)]
pub struct Scaffold<'s> {
    /// Its name; the file is named after it.
    pub name: &'s str,
    /// `detection`, or a type of correlation.
    pub kind: &'s str,
    /// The event type to begin with; each kind has one of its own.
    pub event_type: Option<&'s str>,
    /// Who writes it.
    pub author: Option<&'s str>,
    /// Today.
    pub date: &'s str,
}

/// Event types that are taken when an author names the usual one himself.
const OTHER: [&str; 2] = ["user.session.end", "user.session.start"];

/// The kinds there are an outline for and that this version evaluates.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let evaluated = |kind: &str| kind == "detection" || types::names().any(|name| name == kind);
    OUTLINES.iter().map(|outline| outline.kind).filter(move |kind| evaluated(kind))
}

/// The text of a new rule file. `fresh` gives an id that no rule has. `None`: there is no such kind.
pub fn scaffold(wanted: &Scaffold<'_>, mut fresh: impl FnMut() -> String) -> Option<String> {
    let outline = OUTLINES.iter().find(|outline| outline.kind == wanted.kind)?;
    let first = wanted.event_type.unwrap_or(outline.event_type);
    let spare = |taken: &[&str]| OTHER.into_iter().find(|other| !taken.contains(other)).unwrap_or_default();
    let second = outline.second.map(|second| if second == first { spare(&[first]) } else { second });
    let other = spare(&[first, second.unwrap_or_default()]);
    let mut documents = Vec::new();
    if !outline.correlation.is_empty() {
        let tail = if outline.kind == "risk_score" { ALERTS_TOO } else { FEEDS };
        documents.push(part("$NAME-first", "$FIRST", &fresh(), tail));
        documents.extend(second.map(|_| part("$NAME-second", "$SECOND", &fresh(), tail)));
    }
    documents.push(main(outline, wanted.author, &fresh()));
    let text = documents.join("---\n");
    let title = title(wanted.name);
    let filled = [
        ("$TITLE", title.as_str()),
        ("$NAME", wanted.name),
        ("$DATE", wanted.date),
        ("$FIRST", first),
        ("$SECOND", second.unwrap_or_default()),
        ("$OTHER", other),
    ];
    Some(filled.into_iter().fold(text, |text, (slot, value)| text.replace(slot, value)))
}

/// `push-bombing` as `Push bombing`.
fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

/// What a document says of itself that only feeds the rule.
const FEEDS: &str = "description: Feeds $NAME and raises no alert of its own.
level: informational
";

/// What one says whose risk adds to the rule's, and which goes on alerting.
const ALERTS_TOO: &str = "description: Adds its risk to $NAME and alerts by itself, too.
level: informational
oktawatch:
  mode: shadow
  runbook: What does it mean by itself, and how is it checked?
";

/// A document whose matches the rule takes.
fn part(name: &str, event_type: &str, id: &str, tail: &str) -> String {
    format!(
        "title: Part of $NAME
id: {id}
name: {name}
status: experimental
date: $DATE
logsource:
  product: okta
  service: okta
detection:
  selection:
    eventType: {event_type}
  condition: selection
{tail}"
    )
}

fn main(outline: &Outline, author: Option<&str>, id: &str) -> String {
    let author = author.map_or_else(String::new, |author| format!("author: {}\n", quoted(author)));
    let meaning = match outline.correlation {
        "" => "logsource:\n  product: okta\n  service: okta\ndetection:\n  selection:\n    eventType: $FIRST\n  \
               condition: selection\n"
            .to_owned(),
        lines => format!("correlation:\n  type: {}\n{lines}", outline.kind),
    };
    format!(
        "title: $TITLE
id: {id}
name: $NAME
status: experimental
description: >-
  What does it find, and why does that matter?
{author}date: $DATE
# The tactic and the technique: https://attack.mitre.org/matrices/enterprise/
# tags: [attack.credential-access, attack.t1621]
{meaning}falsepositives:
  - What looks alike and is harmless?
level: medium
oktawatch:
  # Alerts go to the shadow topic until the false positives are known; then: active.
  mode: shadow
  entity: actor
  message: \"{}\"
  runbook: |
    **What it means.** What has happened when this alerts?

    **How to check it.** Whom to ask, and what to look at, in which order?

    **How to answer it.** What is blocked, reset or revoked, and who decides?

    **Known false positives.** What looks alike, and how is it told apart?

    **Known gaps.** What gets past this rule?
tests:
{}",
        outline.message, outline.tests
    )
}

/// Text in YAML's double quotes, which are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{LintOptions, Sources, check_texts};
    use super::*;

    fn write(kind: &str, event_type: Option<&str>) -> String {
        let wanted =
            Scaffold { name: "new-rule", kind, event_type, author: Some("Ana \"A\""), date: "2026-11-26" };
        let mut number = 0;
        let fresh = || {
            number += 1;
            format!("929a690e-bef0-4204-a928-ef5e620d6f{number:02}")
        };
        scaffold(&wanted, fresh).unwrap()
    }

    #[test]
    fn every_kind_loads_and_lacks_only_its_tags() {
        for kind in kinds() {
            for event_type in [None, Some("user.session.end"), Some("user.session.access_admin_app")] {
                let text = write(kind, event_type);
                assert!(!text.contains('$'), "{text}");
                let report = check_texts(Sources::of([("a.yml", text.as_str())]), &LintOptions::default());
                let codes: Vec<_> = report.diagnostics.iter().map(|found| found.code).collect();
                let key = event_type.is_some() && text.contains("debugData");
                let wanted: &[&str] =
                    if key { &["absent-key", "missing-attack-tag"] } else { &["missing-attack-tag"] };
                assert!(codes.iter().all(|code| wanted.contains(code)), "{kind}: {:#?}", report.diagnostics);
                assert!(report.rules.is_some() && codes.contains(&"missing-attack-tag"), "{kind}");
            }
        }
    }

    #[test]
    fn every_type_that_is_evaluated_has_an_outline() {
        let all: Vec<_> = kinds().collect();
        assert_eq!(all[0], "detection");
        for name in types::names() {
            assert!(all.contains(&name), "{name}");
        }
    }

    #[test]
    fn an_author_and_a_title_are_written_as_they_are() {
        let text = write("detection", None);
        assert!(text.contains("\ntitle: New rule\n") || text.starts_with("title: New rule\n"));
        assert!(text.contains("author: \"Ana \\\"A\\\"\"\n"));
        assert_eq!(title("a-b_c"), "A b c");
    }
}
