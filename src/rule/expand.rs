//! What do the values of a list become in a rule?
//!
//! `field|expand: '%name%'` puts each value of the list `name` where the placeholder stands, as if the
//! rule named them all: with the other modifiers, with `*` and `?` as wildcards, blind to case. Where
//! the placeholder is all there is and every value of the list is an address or a network, a field
//! that holds an address within one of them matches as well, with or without `cidr`.

use std::sync::Arc;

use super::detection::Expression;
use super::list_pieces::{Piece, base, pieces};
use super::lists::List;
use super::modifier::{Modifiers, Operation};
use super::pattern::{self, Pattern};
use super::reader::Spanned;
use super::selection::{Reading, Subject};
use super::sources::Span;
use super::wildcard::Shape;
use super::yaml::Literal;
use crate::limits;
use crate::model::{FieldId, ListInfo};

/// Patterns that the values of lists stand for.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// One of the patterns of each group must match. After `all`, each value is a group of its own,
    /// as it may be written in several ways; else there is one group.
    pub groups: Vec<Vec<Pattern>>,
    /// The lists they come from.
    pub lists: Vec<Arc<ListInfo>>,
    /// What this means, with the lists by name: their content is no part of a rule's meaning.
    pub meaning: String,
}

impl Reading<'_> {
    /// The values of a field with `expand`; at least one of them must name a list.
    pub(super) fn expanded(
        &mut self,
        subject: Subject<'_>,
        modifiers: &Modifiers,
        values: &[(Literal, Span)],
    ) -> Option<Vec<Expression>> {
        let mut named = false;
        let mut parts = Vec::new();
        for (literal, span) in values {
            let pieces = self.pieces(literal, *span);
            parts.push(pieces.and_then(|pieces| {
                if pieces.iter().any(|piece| matches!(piece, Piece::List(..))) {
                    named = true;
                    let pieces = self.resolved(pieces, literal, *span)?;
                    return self.listed(subject.id, modifiers, &pieces, *span);
                }
                match pieces.into_iter().next() {
                    Some(Piece::Text(text)) => self.value(subject, modifiers, &Literal::Text(text), *span),
                    _ => self.value(subject, modifiers, literal, *span),
                }
            }));
        }
        let parts: Vec<Expression> = parts.into_iter().collect::<Option<_>>()?;
        if let (false, Some((_, span))) = (named, values.first()) {
            let finding = self.findings.error(*span, "no-list", "`expand` needs the name of a list");
            finding.help("Write it as `%name%`; a name has letters, digits and underscores only.");
            return None;
        }
        Some(parts)
    }

    fn pieces(&mut self, literal: &Literal, span: Span) -> Option<Vec<Piece>> {
        let Literal::Text(text) = literal else { return Some(Vec::new()) };
        match pieces(text) {
            Ok(pieces) => Some(pieces),
            Err(at) => {
                let place = span.part(base(text, span), at..at + 1);
                let finding =
                    self.findings.error(place, "no-list", "this `%` does not enclose the name of a list");
                finding.help(
                    "Write `%name%` with letters, digits and underscores, or `\\%` for the character itself.",
                );
                None
            }
        }
    }

    /// The pieces with their lists; every list that is unknown is told.
    fn resolved(&mut self, pieces: Vec<Piece>, literal: &Literal, span: Span) -> Option<Vec<Resolved>> {
        let base = if let Literal::Text(text) = literal { base(text, span) } else { None };
        let resolved = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => Some(Resolved::Text(text)),
            Piece::List(text, place) => {
                let name = Spanned { text, span: span.part(base, place) };
                let list = self.lists.find(&name, self.findings)?;
                if list.values.is_empty() {
                    let message = format!("the list `{}` is empty: it matches nothing", name.text);
                    self.findings.warning(name.span, "empty-list", message);
                }
                Some(Resolved::List(list))
            }
        });
        resolved.collect::<Vec<_>>().into_iter().collect()
    }

    fn listed(
        &mut self,
        field: FieldId,
        modifiers: &Modifiers,
        pieces: &[Resolved],
        span: Span,
    ) -> Option<Expression> {
        let meaning = meaning(modifiers, pieces);
        if let Some(known) = self.lists.listed.get(&meaning) {
            return Some(Expression::Listed(field, Arc::clone(known)));
        }
        let texts = texts(pieces).or_else(|| {
            let message = format!("the lists stand for more than {} texts", limits::LIST_VALUES);
            self.fail(span, "too-large", message)
        })?;
        let groups = self.list_patterns(modifiers, &texts, pieces, span)?;
        let groups = match modifiers.all {
            true => groups,
            false => {
                let joined = pattern::together(groups.into_iter().flatten().collect()).ok();
                let too_many = "the list's values are too many to search for";
                vec![joined.or_else(|| self.fail(span, "too-large", too_many))?]
            }
        };
        let listed = Listed { groups, lists: infos(pieces), meaning: meaning.clone() };
        let listed = Arc::new(listed);
        self.lists.listed.insert(meaning, Arc::clone(&listed));
        Some(Expression::Listed(field, listed))
    }

    /// The ways to write each text. What is wrong is told where the list says it.
    fn list_patterns(
        &mut self,
        modifiers: &Modifiers,
        texts: &[(String, Span)],
        pieces: &[Resolved],
        span: Span,
    ) -> Option<Vec<Vec<Pattern>>> {
        let mut groups = Vec::with_capacity(texts.len());
        let (mut written, mut wild, mut searched) = (0, 0, 0);
        for (text, place) in texts {
            let group = match modifiers.operation {
                Operation::Cidr => vec![self.network(text, *place)?],
                _ => self.texts(text, modifiers, *place)?,
            };
            written += group.len();
            for pattern in &group {
                match pattern {
                    Pattern::Text { shape: Shape::Glob(_), .. } => wild += 1,
                    Pattern::Text { shape: Shape::Contains(text), .. } => searched += text.len(),
                    _ => {}
                }
            }
            groups.push(group);
        }
        for (what, found, most) in [
            ("ways to write the values", written, limits::LIST_VALUES),
            ("values with wildcards between their characters", wild, limits::LIST_WILDCARDS),
            ("bytes of values that are searched for", searched, limits::LIST_SEARCHED_BYTES),
        ] {
            if found > most {
                let message = format!("{found} {what} are more than {most}");
                return self.fail(span, "too-large", message);
            }
        }
        if let ([Resolved::List(list)], true, false) = (pieces, modifiers.is_plain(), modifiers.all) {
            groups.push(list.networks.iter().flatten().copied().map(Pattern::Cidr).collect());
        }
        Some(groups)
    }
}

/// Part of a value with the list it names.
enum Resolved {
    Text(String),
    List(Arc<List>),
}

/// Every text that the pieces can make, with the place of the list's value in it. `None`: too many.
fn texts(pieces: &[Resolved]) -> Option<Vec<(String, Span)>> {
    let mut texts = vec![(String::new(), Span::default())];
    for piece in pieces {
        match piece {
            Resolved::Text(more) => texts.iter_mut().for_each(|(text, _)| text.push_str(more)),
            Resolved::List(list) => {
                if texts.len().saturating_mul(list.values.len()) > limits::LIST_VALUES {
                    return None;
                }
                let longer = texts.iter().flat_map(|(text, _)| {
                    list.values.iter().map(move |value| (format!("{text}{}", value.text), value.span))
                });
                texts = longer.collect();
            }
        }
    }
    Some(texts)
}

fn meaning(modifiers: &Modifiers, pieces: &[Resolved]) -> String {
    let Modifiers { operation, all, cased, windash, encodings, .. } = modifiers;
    let mut meaning = format!("{operation:?} {all} {cased} {windash} {encodings:?}");
    for piece in pieces {
        match piece {
            Resolved::Text(text) => meaning.push_str(&format!(" text {text:?}")),
            Resolved::List(list) => meaning.push_str(&format!(" list {}", list.info.name)),
        }
    }
    meaning
}

fn infos(pieces: &[Resolved]) -> Vec<Arc<ListInfo>> {
    let lists = pieces.iter().filter_map(|piece| match piece {
        Resolved::List(list) => Some(Arc::clone(&list.info)),
        Resolved::Text(_) => None,
    });
    lists.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{event, listed as set_of, matches, told_listed as told};
    use super::*;
    use crate::model::Value;

    const LOGIN: &str = "actor.alternateId";
    const IP: &str = "client.ipAddress";

    fn holds(item: &str, list: &str, field: &str, value: &str) -> bool {
        let set = set_of(&format!("sel: {{{item}}}\ncondition: sel"), &[("vip.txt", list)]);
        let set = set.unwrap_or_else(|found| panic!("{item}: {found:#?}"));
        matches(&set, &[(field, Value::Text(value))])
    }

    fn mistake(item: &str, list: &str) -> (&'static str, String) {
        told(&format!("sel: {{{item}}}\ncondition: sel"), &[("vip.txt", list)]).remove(0)
    }

    #[test]
    fn a_field_equals_a_value_of_the_list() {
        let item = "actor.alternateId|expand: '%vip%'";
        let list = "Ana@Example.com # the chair\nben@example.com\n";
        assert!(holds(item, list, LOGIN, "ANA@example.com"));
        assert!(!holds(item, list, LOGIN, "cy@example.com"));
        assert!(!holds(item, list, LOGIN, "the chair"));
        let number = "enriched.asn.number|expand: '%vip%'";
        let set = set_of(&format!("sel: {{{number}}}\ncondition: sel"), &[("vip.txt", "64500")]).unwrap();
        assert!(matches(&set, &[("enriched.asn.number", Value::Integer(64500))]));
        assert!(!matches(&set, &[("enriched.asn.number", Value::Integer(6450))]));
    }

    #[test]
    fn text_around_the_placeholder_is_kept() {
        let item = "actor.alternateId|expand: '%vip%@example.com'";
        assert!(holds(item, "ana\nben", LOGIN, "Ben@Example.com"));
        assert!(!holds(item, "ana\nben", LOGIN, "ben@example.org"));
        let two = "actor.alternateId|expand: '%vip%-%vip%'";
        assert!(holds(two, "a\nb", LOGIN, "b-a") && !holds(two, "a\nb", LOGIN, "b-c"));
    }

    #[test]
    fn the_other_modifiers_do_what_they_do_for_values() {
        let with = |modifiers: &str| format!("actor.alternateId|{modifiers}: '%vip%'");
        for modifiers in ["expand|contains", "contains|expand"] {
            assert!(holds(&with(modifiers), "nab\nx", LOGIN, "ANABEL"), "{modifiers}");
        }
        assert!(holds(&with("expand|startswith"), "ana", LOGIN, "Anabel"));
        assert!(!holds(&with("expand|startswith"), "nab", LOGIN, "anabel"));
        assert!(holds(&with("expand|endswith"), "bel", LOGIN, "anabel"));
        assert!(!holds(&with("expand|cased"), "ana", LOGIN, "Ana"));
        let dashed = with("expand|windash|contains|all");
        assert!(holds(&dashed, "-a\n-b", LOGIN, "x /a –b") && !holds(&dashed, "-a\n-b", LOGIN, "x /a"));
        let encoded = with("expand|base64offset|contains|all");
        assert!(
            holds(&encoded, "na\nbel", LOGIN, "YW5hYmVs") && !holds(&encoded, "na\nbex", LOGIN, "YW5hYmVs")
        );
        assert!(holds(&with("expand|base64"), "anabel", LOGIN, "YW5hYmVs"));
        assert!(holds(&with("expand|neq"), "ana\nben", LOGIN, "cy"));
        assert!(!holds(&with("expand|neq"), "ana\nben", LOGIN, "ben"));
        assert!(holds(&with("expand|contains|all"), "na\nbel", LOGIN, "anabel"));
        assert!(!holds(&with("expand|contains|all"), "na\nbel\nx", LOGIN, "anabel"));
        assert!(holds(&with("expand"), "a*l\nb?n", LOGIN, "anabel"), "wildcards are a rule's");
    }

    #[test]
    fn a_list_stands_beside_other_values() {
        let item = "actor.alternateId|expand: ['%vip%', cy, '100\\%']";
        for login in ["ana", "cy", "100%"] {
            assert!(holds(item, "ana", LOGIN, login), "{login}");
        }
        assert!(!holds(item, "ana", LOGIN, "ben"));
    }

    #[test]
    fn a_list_of_networks_holds_addresses_with_and_without_cidr() {
        let list = "192.0.2.7\n10.0.0.0/8\n2001:db8::/32";
        for item in ["client.ipAddress|expand: '%vip%'", "client.ipAddress|cidr|expand: '%vip%'"] {
            for inside in ["10.9.9.9", "192.0.2.7", "2001:db8:0::5"] {
                assert!(holds(item, list, IP, inside), "{item} {inside}");
            }
            assert!(!holds(item, list, IP, "192.0.2.8"), "{item}");
        }
        let plain = "client.ipAddress|expand: '%vip%'";
        assert!(holds(plain, list, IP, "10.0.0.0/8"), "a value is also what is written");
        assert!(
            !holds(plain, "10.0.0.0/8\nunknown range", IP, "10.9.9.9"),
            "other values make it no list of networks"
        );
        assert!(!holds("client.ipAddress|expand|startswith: '%vip%'", "10.0.0.0/8", IP, "10.9.9.9"));
    }

    #[test]
    fn an_empty_list_matches_nothing() {
        for modifiers in ["expand", "expand|all|contains", "expand|cidr"] {
            assert!(!holds(&format!("client.ipAddress|{modifiers}: '%vip%'"), "# none", IP, "10.0.0.1"));
        }
        assert!(holds("client.ipAddress|expand|neq: '%vip%'", "# none", IP, "10.0.0.1"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(mistake("severity|expand: vip", "a").0, "no-list");
        assert_eq!(mistake("severity|expand: '%vip'", "a").0, "no-list");
        assert_eq!(mistake("severity|expand: 5", "a").0, "no-list");
        assert_eq!(
            mistake("client.ipAddress|cidr|expand: '%vip%'", "10.0.0.0/8\nhome").1,
            "`home` is no network such as 10.0.0.0/8"
        );
        assert_eq!(
            mistake("severity|expand: '%vip%'", &"a*b\n".repeat(limits::LIST_WILDCARDS + 1)).0,
            "too-large"
        );
        let many: String = (0..1_100).map(|n| format!("{n}\n")).collect();
        assert_eq!(mistake("severity|expand: '%vip%%vip%'", &many).0, "too-large");
    }

    #[test]
    fn what_is_wrong_with_a_value_is_shown_in_the_list() {
        let rule = "sel: {client.ipAddress|cidr|expand: '%vip%'}\ncondition: sel";
        let found = set_of(rule, &[("vip.txt", "10.0.0.0/8\n  home\n")]).unwrap_err();
        assert_eq!(
            (found[0].at.file.to_str().unwrap(), found[0].at.line, found[0].at.column),
            ("vip.txt", 2, 3)
        );
    }

    #[test]
    fn rules_that_say_the_same_share_what_the_list_stands_for() {
        let one =
            super::super::testing::document("one", "sel: {severity|expand: '%vip%'}\ncondition: sel", "");
        let two = super::super::testing::document(
            "two",
            "sel: {displayMessage|expand: '%vip%'}\ncondition: sel",
            "",
        );
        let text = format!("{one}---\n{two}");
        let sources = super::super::Sources::of([("a.yml", text.as_str())]).with_lists([("vip.txt", "a")]);
        let set = super::super::compile(&sources).unwrap();
        let mut found = Vec::new();
        for rule in &set.rules {
            let super::super::Body::Detection(detection) = &rule.body else { panic!() };
            for selection in &detection.selections {
                if let Expression::All(parts) = selection
                    && let [Expression::Listed(_, listed)] = parts.as_slice()
                {
                    found.push(Arc::as_ptr(listed));
                }
            }
        }
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], found[1]);
    }

    #[test]
    fn a_hundred_thousand_values_and_networks_are_matched_like_a_few() {
        let logins: String = (0..100_000).map(|n| format!("user{n}@example.com\n")).collect();
        let networks: String = (0..100_000_u32)
            .map(|n| format!("10.{}.{}.{}/31\n", n >> 15, (n >> 7) & 255, (n & 127) * 2))
            .collect();
        let rule = "sel: {actor.alternateId|expand: '%logins%', client.ipAddress|cidr|expand: '%nets%'}\ncondition: sel";
        let set = set_of(rule, &[("logins.txt", &logins), ("nets.txt", &networks)]).unwrap();
        let both = |login, ip| matches(&set, &[(LOGIN, Value::Text(login)), (IP, Value::Text(ip))]);
        assert!(both("USER99999@example.com", "10.3.13.63"));
        assert!(!both("user100000@example.com", "10.3.13.63"));
        assert!(!both("user99999@example.com", "10.3.255.1"));
        assert_eq!(set.rules[0].info.lists.iter().map(|list| list.entries).collect::<Vec<_>>(), [100_000; 2]);
    }

    #[test]
    fn the_event_types_of_a_list_find_the_rule() {
        let rule = "sel: {eventType|expand: '%types%'}\ncondition: sel";
        let few = set_of(rule, &[("types.txt", "User.Lock\nzone.update")]).unwrap();
        assert_eq!((few.candidates("user.lock").len(), few.candidates("other").len()), (1, 0));
        let many: String = (0..100).map(|n| format!("type{n}\n")).collect();
        let many = set_of(rule, &[("types.txt", &many)]).unwrap();
        assert_eq!((many.candidates("type99").len(), many.candidates("other").len()), (1, 0));
    }

    #[test]
    fn the_lists_that_hold_a_value_are_known_with_the_field() {
        let rule = "sel: {actor.alternateId|expand: '%vip%'}\n\
                    other: {severity|expand: '%low%'}\ncondition: sel or other";
        let set = set_of(rule, &[("vip.txt", "ana"), ("low.txt", "INFO")]).unwrap();
        let hits = |login, severity| {
            let fields = event(&set, &[(LOGIN, Value::Text(login)), ("severity", Value::Text(severity))]);
            let hits = super::super::testing::detection(&set).listed(&set.table, &fields);
            hits.iter().map(|(field, list)| format!("{field} {list}")).collect::<Vec<_>>()
        };
        assert_eq!(hits("ana", "WARN"), ["actor.alternateId vip"]);
        assert_eq!(hits("ana", "info"), ["actor.alternateId vip", "severity low"]);
        assert_eq!(hits("ben", "WARN"), [""; 0]);
    }
}
