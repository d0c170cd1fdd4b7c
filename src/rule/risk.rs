//! Which rules does a risk score take?
//!
//! Taking a rule for its risk does not silence it. What raises no alert in earnest does not add to
//! one: a rule in the shadow counts only for a risk score in the shadow.

use super::diagnostic::Findings;
use super::document::{Content, Document};
use super::roles::Roles;
use super::types::CorrelationDocument;
use crate::model::{Mode, RuleKind};

/// Whether the matches of one rule add to the risk score of another.
pub(super) fn counts(risk: &Document<'_>, rule: &Document<'_>) -> bool {
    risk.options.mode != Mode::Active || rule.options.mode != Mode::Shadow
}

/// Tells that a rule which a risk score names does not count.
pub(super) fn warn_of_shadow(word: &super::reader::Spanned, rule: &Document<'_>, findings: &mut Findings) {
    let message = format!("the rule `{}` is in the shadow and does not count", rule.name.text);
    let finding = findings.warning(word.span, "rule-shadow", message);
    finding.help("It counts for a risk score that is in the shadow too, or once it is active.");
}

/// Gives the risk scores that take `any` rule theirs: every one that raises alerts, except risk
/// scores and what is made of them. `children` are the rules that each names.
pub(super) fn take_any(
    documents: &[Document<'_>],
    roles: &Roles,
    children: &mut [Vec<usize>],
    findings: &mut Findings,
) {
    if !documents.iter().any(|document| correlation(document).is_some_and(CorrelationDocument::takes_any)) {
        return;
    }
    let made_of_risk = made_of_risk(documents, children);
    for (risk, children) in documents.iter().zip(children) {
        if !correlation(risk).is_some_and(CorrelationDocument::takes_any) {
            continue;
        }
        let takes = |(place, rule): &(usize, &Document<'_>)| {
            let is_risk = made_of_risk.get(*place).copied().unwrap_or_default();
            let alerts = roles.generates(*place) && rule.options.mode != Mode::Off;
            alerts && !is_risk && counts(risk, rule)
        };
        let taken = documents.iter().enumerate().filter(takes);
        *children = taken.map(|(place, _)| place).collect();
        if children.is_empty() {
            let message = "there is no rule that raises alerts for `rules: any` to take";
            findings.warning(risk.name.span, "no-rules", message);
        }
    }
}

/// For each rule, whether it is a risk score or takes one, at whatever distance.
fn made_of_risk(documents: &[Document<'_>], children: &[Vec<usize>]) -> Vec<bool> {
    let is_risk = |document| correlation(document).is_some_and(|one| one.kind == RuleKind::RiskScore);
    let mut made: Vec<bool> = documents.iter().map(is_risk).collect();
    loop {
        let takes = |children: &Vec<usize>| {
            children.iter().any(|child| made.get(*child).copied().unwrap_or_default())
        };
        let more: Vec<bool> =
            made.iter().zip(children).map(|(made, children)| *made || takes(children)).collect();
        if more == made {
            return made;
        }
        made = more;
    }
}

fn correlation<'d>(document: &'d Document<'_>) -> Option<&'d CorrelationDocument> {
    match &document.content {
        Content::Correlation(correlation) => Some(correlation),
        Content::Detection(_) => None,
    }
}
