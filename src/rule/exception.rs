//! Which events does a rule not count, until when, and who says so?
//!
//! An exception is no part of what the rule means: events that came before it stay in the rule's
//! windows, and so do those windows when one is added, changed or taken away. Whether it has expired
//! is judged by the time of the event, so that a replay does what the service did.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::detection::{Detection, Expression};
use super::diagnostic::Findings;
use super::reader::{Map, Spanned};
use super::yaml::{Kind, Node};
use crate::model::Event;

/// Events that a rule does not count for a while.
#[derive(Debug)]
pub struct Exception {
    pub(super) matches: Detection,
    /// The last day, in UTC.
    pub until: Date,
    /// The end of that day, ms.
    pub(super) until_ms: i64,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Where it was decided.
    pub ticket: Option<String>,
}

/// An exception as it was read.
#[derive(Debug)]
pub(super) struct ExceptionDocument<'n> {
    /// What an event must be: a selection as in a detection.
    pub matches: &'n Node,
    pub until: Date,
    /// Where that day is written.
    pub written: Spanned,
    until_ms: i64,
    owner: String,
    reason: String,
    ticket: Option<String>,
}

impl Exception {
    /// Whether the event is not to be counted.
    pub fn takes(&self, event: &Event) -> bool {
        event.published_ms < self.until_ms && self.matches.matches(&event.fields)
    }

    /// Whether nothing that happens from an instant on is excepted any more.
    pub fn has_expired(&self, now_ms: i64) -> bool {
        self.until_ms <= now_ms
    }
}

/// The keys of an exception.
pub(super) const KEYS: &[&str] = &["match", "until", "owner", "reason", "ticket"];

/// Reads the list of exceptions; those that are wrong are told and left out.
pub(super) fn read<'n>(node: &'n Node, findings: &mut Findings) -> Vec<ExceptionDocument<'n>> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(|item| one(item, findings)).collect(),
        _ if node.is_null() => Vec::new(),
        _ => {
            let message = format!("`exceptions` is a list, not {}", node.what());
            findings.error(node.span, "wrong-type", message);
            Vec::new()
        }
    }
}

fn one<'n>(node: &'n Node, findings: &mut Findings) -> Option<ExceptionDocument<'n>> {
    let map = Map::of(node, "an exception", findings)?;
    map.only(KEYS, findings);
    let matches = map.require("match", findings);
    let until = map.require("until", findings).and_then(|_| day(&map, findings));
    let owner = said(&map, "owner", findings);
    let reason = said(&map, "reason", findings);
    let ticket = map.text("ticket", findings).map(|ticket| ticket.text);
    let (written, until, until_ms) = until?;
    Some(ExceptionDocument {
        matches: matches?,
        until,
        written,
        until_ms,
        owner: owner?,
        reason: reason?,
        ticket,
    })
}

/// A text that must be there and say something.
fn said(map: &Map<'_>, key: &str, findings: &mut Findings) -> Option<String> {
    map.require(key, findings)?;
    let said = map.text(key, findings)?;
    if said.text.trim().is_empty() {
        findings.error(said.span, "empty", format!("`{key}` says nothing"));
        return None;
    }
    Some(said.text)
}

/// The last day of an exception, with its end.
fn day(map: &Map<'_>, findings: &mut Findings) -> Option<(Spanned, Date, i64)> {
    let written = map.text("until", findings)?;
    let day = written.text.parse::<Date>().ok();
    let end = day.and_then(|day| day.tomorrow().ok()?.to_zoned_datetime(TimeZone::UTC).ok());
    let Some((day, end)) = day.zip(end) else {
        let finding = findings.error(written.span, "date", format!("`{}` is no date", written.text));
        finding.help("Write the last day of the exception as `2027-01-31`.");
        return None;
    };
    Some((written, day, end.timestamp().as_millisecond()))
}

impl ExceptionDocument<'_> {
    /// The exception with its selection compiled.
    pub(super) fn with(&self, selection: Expression) -> Exception {
        let condition = Expression::Selection(0);
        Exception {
            matches: Detection { selections: vec![selection], condition, ..Detection::default() },
            until: self.until,
            until_ms: self.until_ms,
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            ticket: self.ticket.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, document, event, told};
    use super::super::{Rule, RuleSet};
    use crate::model::{Position, Value};

    const SEL: &str = "sel: {eventType: a}\ncondition: sel";
    const GOOD: &str =
        "{match: {actor.alternateId: svc@example.com}, until: 2027-01-31, owner: ana, reason: r}";

    fn set(exceptions: &str) -> Result<RuleSet, Vec<(&'static str, String)>> {
        let options = format!("oktawatch: {{exceptions: {exceptions}}}");
        compile(&[document("one", SEL, &options)]).map_err(|found| told(Err(found)))
    }

    fn takes(rule: &Rule, set: &RuleSet, login: &str, published_ms: i64) -> bool {
        let fields = event(set, &[("actor.alternateId", Value::Text(login))]);
        let (position, uuid) = (Position::default(), "u".into());
        let event = crate::model::Event {
            position,
            uuid,
            published_ms,
            org: None,
            envelope: "raw".into(),
            lossy: false,
            fields,
            raw: None,
        };
        rule.excepts(&event)
    }

    /// 2027-02-01T00:00:00Z
    const END_MS: i64 = 1_801_440_000_000;

    #[test]
    fn it_holds_to_the_end_of_its_last_day_by_the_time_of_the_event() {
        let set = set(&format!("[{GOOD}]")).unwrap();
        let rule = &set.rules[0];
        assert!(takes(rule, &set, "SVC@example.com", END_MS - 1));
        assert!(!takes(rule, &set, "svc@example.com", END_MS));
        assert!(!takes(rule, &set, "ana@example.com", END_MS - 1));
        let exception = &rule.exceptions[0];
        assert_eq!((exception.owner.as_str(), exception.until.to_string().as_str()), ("ana", "2027-01-31"));
        assert!(exception.has_expired(END_MS) && !exception.has_expired(END_MS - 1));
        assert_eq!(set.expired(END_MS).count(), 1);
        assert_eq!(set.expired(END_MS - 1).count(), 0);
    }

    #[test]
    fn it_matches_as_a_selection_does() {
        let list = "[{match: [{actor.alternateId|startswith: svc-}, {actor.alternateId|endswith: '@partner.example'}], \
                    until: 2027-01-31, owner: ana, reason: r, ticket: SEC-1}]";
        let set = set(list).unwrap();
        let rule = &set.rules[0];
        assert!(takes(rule, &set, "svc-build@example.com", 0));
        assert!(takes(rule, &set, "cy@partner.example", 0));
        assert!(!takes(rule, &set, "cy@example.com", 0));
        assert_eq!(rule.exceptions[0].ticket.as_deref(), Some("SEC-1"));
    }

    #[test]
    fn what_it_needs_is_asked_for_and_what_is_wrong_is_told() {
        let mistake =
            |from: &str, to: &str| set(&format!("[{}]", GOOD.replace(from, to))).unwrap_err().remove(0);
        for key in ["match", "until", "owner", "reason"] {
            assert_eq!(mistake(&format!("{key}:"), "ticket:").1, format!("an exception needs `{key}`"));
        }
        assert_eq!(mistake("2027-01-31", "soon"), ("date", "`soon` is no date".to_owned()));
        assert_eq!(mistake("2027-01-31", "2027-02-30").0, "date");
        assert_eq!(mistake("owner: ana", "owner: ''").1, "`owner` says nothing");
        assert_eq!(mistake("actor.alternateId:", "actor.alternatId:").1, "no field `actor.alternatId`");
        assert_eq!(mistake("reason: r", "reason: r, untill: x").1, "an exception has no key `untill`");
        assert_eq!(set("5").unwrap_err()[0].1, "`exceptions` is a list, not a number");
    }

    #[test]
    fn it_is_no_part_of_the_meaning_and_no_evidence() {
        let (with, without) = (set(&format!("[{GOOD}]")).unwrap(), set("[]").unwrap());
        assert_eq!(with.rules[0].info.digest, without.rules[0].info.digest);
        let reads = super::super::testing::detection(&with).reads();
        assert_eq!(reads.len(), 1);
    }
}
