//! Which ATT&CK tactics and techniques do a rule's tags name?

use super::diagnostic::Findings;
use super::reader::Spanned;
use crate::model::{Attack, Tactic};
use crate::text::nearest;

/// The enterprise tactics: Sigma's word, id and name.
const TACTICS: &[(&str, Tactic)] = &[
    ("reconnaissance", Tactic { uid: "TA0043", name: "Reconnaissance" }),
    ("resource-development", Tactic { uid: "TA0042", name: "Resource Development" }),
    ("initial-access", Tactic { uid: "TA0001", name: "Initial Access" }),
    ("execution", Tactic { uid: "TA0002", name: "Execution" }),
    ("persistence", Tactic { uid: "TA0003", name: "Persistence" }),
    ("privilege-escalation", Tactic { uid: "TA0004", name: "Privilege Escalation" }),
    ("defense-evasion", Tactic { uid: "TA0005", name: "Defense Evasion" }),
    ("credential-access", Tactic { uid: "TA0006", name: "Credential Access" }),
    ("discovery", Tactic { uid: "TA0007", name: "Discovery" }),
    ("lateral-movement", Tactic { uid: "TA0008", name: "Lateral Movement" }),
    ("collection", Tactic { uid: "TA0009", name: "Collection" }),
    ("exfiltration", Tactic { uid: "TA0010", name: "Exfiltration" }),
    ("command-and-control", Tactic { uid: "TA0011", name: "Command and Control" }),
    ("impact", Tactic { uid: "TA0040", name: "Impact" }),
];

enum Word {
    Tactic(Tactic),
    Technique(String),
    /// A group or a piece of software, which an alert does not show.
    Other,
}

/// Tactics and techniques of the tags. With one tactic, every technique is of it; with several,
/// the tags do not say which belongs to which, and each stands alone.
pub(super) fn from_tags(tags: &[Spanned], findings: &mut Findings) -> Vec<Attack> {
    let (mut tactics, mut techniques) = (Vec::new(), Vec::new());
    for tag in tags {
        match tag.text.strip_prefix("attack.").map(|word| read(word, tag, findings)) {
            Some(Word::Tactic(tactic)) if !tactics.contains(&tactic) => tactics.push(tactic),
            Some(Word::Technique(technique)) if !techniques.contains(&technique) => {
                techniques.push(technique)
            }
            _ => {}
        }
    }
    let only = (tactics.len() == 1).then(|| tactics.first().cloned()).flatten();
    let paired = only.is_some() && !techniques.is_empty();
    let alone = tactics.into_iter().filter(|_| !paired);
    let alone = alone.map(|tactic| Attack { tactic: Some(tactic), technique: None });
    let techniques = techniques.into_iter();
    let techniques = techniques.map(|technique| Attack { tactic: only.clone(), technique: Some(technique) });
    alone.chain(techniques).collect()
}

fn read(word: &str, tag: &Spanned, findings: &mut Findings) -> Word {
    let lower = word.to_ascii_lowercase().replace('_', "-");
    let known =
        TACTICS.iter().find(|(name, tactic)| *name == lower || tactic.uid.eq_ignore_ascii_case(&lower));
    if let Some((_, tactic)) = known {
        return Word::Tactic(tactic.clone());
    }
    match lower.strip_prefix(['t', 's', 'g', 'c']) {
        Some(number) if lower.starts_with('t') && is_technique(number) => {
            Word::Technique(lower.to_uppercase())
        }
        Some(number) if !lower.starts_with('t') && is_number(number) => Word::Other,
        _ => {
            let message = format!("`{}` is no ATT&CK tactic or technique", tag.text);
            findings
                .warning(tag.span, "unknown-attack-tag", message)
                .suggest(nearest(&lower, TACTICS.iter().map(|(name, _)| *name)), || {
                    "Write `attack.credential-access` or `attack.t1621`.".to_owned()
                });
            Word::Other
        }
    }
}

fn is_technique(number: &str) -> bool {
    let (technique, sub) = number.split_once('.').unwrap_or((number, "000"));
    is_number(technique) && sub.len() == 3 && sub.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_tags(tags: &[&str]) -> (Vec<String>, usize) {
        let tags: Vec<_> =
            tags.iter().map(|tag| Spanned { text: (*tag).to_owned(), ..Spanned::default() }).collect();
        let mut findings = Findings::default();
        let attacks = from_tags(&tags, &mut findings);
        let show = |attack: Attack| {
            let tactic = attack.tactic.map_or("-", |tactic| tactic.uid);
            format!("{tactic} {}", attack.technique.as_deref().unwrap_or("-"))
        };
        let found = findings.finish(&super::super::Sources::default());
        (attacks.into_iter().map(show).collect(), found.len())
    }

    #[test]
    fn one_tactic_holds_every_technique() {
        let tags = ["attack.credential_access", "attack.t1621", "attack.T1556.006", "cve.2024-1"];
        assert_eq!(read_tags(&tags), (vec!["TA0006 T1621".into(), "TA0006 T1556.006".into()], 0));
        assert_eq!(read_tags(&["attack.impact"]), (vec!["TA0040 -".into()], 0));
    }

    #[test]
    fn several_tactics_stand_alone() {
        let tags = ["attack.initial-access", "attack.ta0003", "attack.t1078", "attack.g0007"];
        assert_eq!(read_tags(&tags), (vec!["TA0001 -".into(), "TA0003 -".into(), "- T1078".into()], 0));
    }

    #[test]
    fn an_unknown_tag_is_a_warning() {
        assert_eq!(read_tags(&["attack.credential-acess", "attack.t12", "attack.t1556.6"]), (vec![], 3));
    }
}
