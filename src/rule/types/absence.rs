//! `absence`: after or before what must something happen, and does not?

use super::super::correlation::Test;
use super::super::diagnostic::Findings;
use super::super::link::Linking;
use super::super::reader::{Map, Spanned};
use super::{Content, TestDocument};

/// Its keys.
pub(super) const KEYS: &[&str] = &["trigger", "absent", "within", "timespan", "when"];

/// A trigger without a partner.
#[derive(Debug)]
pub struct AbsenceTest {
    /// Branches whose matches ask for a partner.
    pub trigger: Vec<usize>,
    /// Branches whose matches are partners.
    pub absent: Vec<usize>,
    /// The partner must have come before the trigger; else it must come after.
    pub before: bool,
}

/// What the document says.
#[derive(Debug)]
pub(in super::super) struct AbsenceDocument {
    trigger: Vec<Spanned>,
    absent: Vec<Spanned>,
    before: bool,
}

pub(super) fn read(map: &Map<'_>, findings: &mut Findings) -> Option<Content> {
    let trigger = super::named(map, "trigger", findings);
    let absent = super::named(map, "absent", findings);
    let timespan_ms = super::within(map, findings);
    let before = map.word("when", &["after", "before"], findings) == Some(1);
    let mut rules = trigger.clone();
    for rule in &absent {
        if rules.iter().all(|known| known.text != rule.text) {
            rules.push(rule.clone());
        }
    }
    let document = AbsenceDocument { trigger, absent, before };
    Some(Content { rules, timespan_ms: timespan_ms?, test: TestDocument::Absence(document) })
}

impl AbsenceDocument {
    pub(in super::super) fn link(&self, linking: &Linking<'_, '_>) -> Test {
        let branches = |rules: &[Spanned]| rules.iter().filter_map(|rule| linking.branch(rule)).collect();
        let (trigger, absent) = (branches(&self.trigger), branches(&self.absent));
        Test::Absence(AbsenceTest { trigger, absent, before: self.before })
    }
}

impl AbsenceTest {
    /// Trigger, partner, or both.
    pub(in super::super) fn role(&self, branch: usize) -> String {
        format!("{} {}", self.trigger.contains(&branch), self.absent.contains(&branch))
    }

    pub(in super::super) fn meaning(&self) -> Vec<String> {
        vec![self.before.to_string()]
    }
}
