//! How is an alert told to a person at a terminal?

use super::json::time;
use super::masked::Masks;
use super::{attack_names::technique_name, runbook_link, sentence};
use crate::model::{Activity, Alert, Evidence, Level};

/// Lines of the runbook that are shown.
const RUNBOOK_LINES: usize = 6;

/// An alert in several lines, without colours.
pub fn readable(alert: &Alert) -> String {
    styled(alert, false)
}

/// The same, with ANSI colours if asked for.
///
/// What may be a mistyped password stands in it only as its mask; control characters that came in
/// with the events are shown as `·`, so that no event can write to the terminal.
pub fn styled(alert: &Alert, colour: bool) -> String {
    let shown = Masks::unproven(alert).apply(alert);
    [head(&shown, colour), facts(&shown), timeline(&shown), next(&shown)].concat()
}

fn head(alert: &Alert, colour: bool) -> String {
    let level = alert.rule.level.as_str().to_uppercase();
    let code = match alert.rule.level {
        Level::Informational | Level::Low => 36,
        Level::Medium => 33,
        Level::High | Level::Critical => 31,
    };
    let level = if colour { format!("\u{1b}[1;{code}m{level}\u{1b}[0m") } else { level };
    let more = if alert.activity == Activity::Update { " (update)" } else { "" };
    let told = if alert.sentence.is_empty() { sentence::sentence_of(alert) } else { alert.sentence.clone() };
    format!("{level}{more}  {}\n", plain(&told))
}

/// Text of an event: whatever it holds, it is one line and no command to the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

fn facts(alert: &Alert) -> String {
    let rule = &alert.rule;
    let event = sentence::decisive(alert);
    let (first, last) = (time(alert.first_seen_ms), time(alert.last_seen_ms));
    let span = sentence::duration(alert.last_seen_ms - alert.first_seen_ms);
    let when = if first == last { first } else { format!("{first} to {last} ({span})") };
    let org = alert.org.as_deref().map(|org| format!(" at {org}")).unwrap_or_default();
    let mut lines = String::new();
    line(&mut lines, "rule", &format!("{} ({}, {})", rule.name, rule.title, rule.mode.as_str()));
    line(&mut lines, "id", &alert.id.to_string());
    line(&mut lines, "when", &when);
    line(&mut lines, "who", &format!("{} {}{org}", alert.entity.kind.as_str(), alert.entity.value));
    line(&mut lines, "where", &event.map(whereabouts).unwrap_or_default());
    line(&mut lines, "why", &why(alert));
    line(&mut lines, "attack", &attacks(alert));
    lines
}

fn line(lines: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        lines.push_str(&format!("  {name:<7} {}\n", plain(value)));
    }
}

fn whereabouts(event: &Evidence) -> String {
    let facts = event.place.as_deref().map(|place| &place.ip);
    let kinds = facts.map(|ip| {
        [(ip.anonymous, "anonymiser"), (ip.hosting, "hosting"), (ip.proxy, "proxy"), (ip.private, "private")]
    });
    let kinds = kinds.into_iter().flatten().filter(|(is, _)| *is).map(|(_, word)| word.to_owned());
    let known = [
        Some(event.ip.to_string()).filter(|ip| !ip.is_empty()),
        sentence::place(event),
        sentence::asn(event),
    ];
    let parts: Vec<String> = known.into_iter().flatten().chain(kinds).collect();
    parts.join(" · ")
}

fn why(alert: &Alert) -> String {
    let mut parts: Vec<String> = alert.measured.iter().map(super::told).collect();
    if let Some(window) = alert.window {
        parts.push(format!("within {}", sentence::duration(window.timespan_ms)));
    }
    if parts.is_empty() {
        let read = sentence::decisive(alert).into_iter().flat_map(|event| &event.read);
        parts = read.map(|(path, value)| format!("{path}={value}")).collect();
    }
    if alert.may_be_low {
        parts.push("figures may be too low".to_owned());
    }
    parts.join(", ")
}

fn attacks(alert: &Alert) -> String {
    let parts: Vec<String> = alert
        .rule
        .attacks
        .iter()
        .map(|attack| {
            let tactic = attack.tactic.as_ref().map(|tactic| tactic.name.to_owned());
            let technique = attack.technique.as_deref().map(|uid| match technique_name(uid) {
                Some(name) => format!("{uid} {name}"),
                None => uid.to_owned(),
            });
            let words: Vec<String> = tactic.into_iter().chain(technique).collect();
            words.join(": ")
        })
        .collect();
    parts.join("; ")
}

/// The events as a table: time, what, result, from where.
fn timeline(alert: &Alert) -> String {
    let rows: Vec<[String; 5]> = alert.evidence.iter().map(|event| row(event)).collect();
    let mut widths = [0_usize; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines = String::from("  events\n");
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        lines.push_str(&format!("    {}\n", cells.join("  ").trim_end()));
    }
    if alert.omitted > 0 {
        lines.push_str(&format!("    … and {} more\n", alert.omitted));
    }
    lines
}

fn row(event: &Evidence) -> [String; 5] {
    [
        time(event.published_ms),
        plain(&event.event_type),
        plain(&event.result),
        plain(&event.ip),
        plain(&sentence::place(event).unwrap_or_default()),
    ]
}

/// What to do next: the runbook's link, or its first lines.
fn next(alert: &Alert) -> String {
    let rule = &alert.rule;
    let mut lines = String::new();
    let runbook = rule.runbook.lines().map(str::trim).filter(|line| !line.is_empty());
    match runbook_link(rule) {
        Some(link) => line(&mut lines, "next", link),
        None => {
            for (place, text) in runbook.take(RUNBOOK_LINES).enumerate() {
                line(&mut lines, if place == 0 { "next" } else { "" }, text);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;
    #[test]
    fn a_person_sees_what_who_where_why_and_what_next() {
        let mut alert = samples::correlation();
        alert.sentence = sentence::sentence(&alert);
        let told = readable(&alert);
        for part in [
            "HIGH  6 MFA pushes for ana@example.com in 4m12s from 2 countries",
            "push-bombing (MFA push bombing, active)",
            "198.51.100.23 · Berlin, Germany · AS64501 Example Hosting · anonymiser · hosting",
            "events 6 (required >= 5), within 10m",
            "Credential Access: T1621 Multi-Factor Authentication Request Generation",
            "2026-08-13T15:58:20.353Z  user.mfa.okta_verify.deny_push",
            "Someone holds the password.",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }

    #[test]
    fn no_event_can_write_to_the_terminal() {
        let mut alert = samples::single();
        let event = alert.evidence[0].make_mut();
        event.event_type = "user\u{1b}[2J\nx".into();
        event.actor.login = "\u{1b}]0;owned\u{7}".into();
        alert.entity.value = "\u{1b}[31m".to_owned();
        alert.sentence = sentence::sentence(&alert);
        assert!(!readable(&alert).contains('\u{1b}'));
        let told = styled(&alert, true);
        assert_eq!(told.matches('\u{1b}').count(), 2, "only our own two: {told:?}");
    }
}
