//! Does an event match a detection?

use std::sync::Arc;

use compact_str::CompactString;

use super::expand::Listed;
use super::filter::Filter;
use super::memo::Memo;
use super::modifier::Operation;
use super::pattern::{Pattern, Subject};
use crate::model::{FieldId, FieldTable, Fields, ListInfo};

/// A compiled detection: its selections, and the condition over them.
#[derive(Debug, Default)]
pub struct Detection {
    pub(super) selections: Vec<Expression>,
    pub(super) condition: Expression,
    pub(super) reads: Vec<FieldId>,
    /// Fields without which it matches nothing; none are known until it is put together.
    pub(super) needs: Vec<FieldId>,
}

/// What must hold of an event.
#[derive(Debug)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    /// A selection of the same detection, by its place.
    Selection(usize),
    /// The field has a value.
    Exists(FieldId),
    /// Some value of the field matches some of the patterns.
    Test(FieldId, Vec<Pattern>),
    /// Some value of the field matches what lists hold.
    Listed(FieldId, Arc<Listed>),
    /// Some value of one field equals, contains, … some value of another.
    Compare(Comparison),
    /// A filter lets the event through; its selections are its own.
    Filter(Arc<Filter>),
    /// A test whose answer a [`Memo`] keeps, with its slot there.
    Shared(u32, Box<Expression>),
}

/// Two fields compared with each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    pub left: FieldId,
    pub right: FieldId,
    pub operation: Operation,
    pub cased: bool,
}

impl Default for Expression {
    /// Nothing matches.
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl Detection {
    /// Whether the event matches.
    pub fn matches(&self, fields: &Fields) -> bool {
        self.holds(&self.condition, fields, &mut None)
    }

    /// Whether the event matches, with what is known of the event already. The memo is that of the
    /// rule set.
    pub fn matches_with(&self, fields: &Fields, memo: &mut Memo) -> bool {
        self.needs.iter().all(|field| fields.holds(*field))
            && self.holds(&self.condition, fields, &mut Some(memo))
    }

    /// The fields it reads, in the rule's order, for evidence.
    pub fn reads(&self) -> &[FieldId] {
        &self.reads
    }

    /// Every field that it asks for.
    pub(super) fn fields(&self) -> Vec<FieldId> {
        let mut found = Vec::new();
        for selection in self.selections.iter().chain([&self.condition]) {
            selection.add_fields(&mut found);
        }
        found
    }

    /// The lists it reads.
    pub(super) fn lists(&self) -> Vec<Arc<ListInfo>> {
        let mut found = Vec::new();
        self.each_listed(&mut |_, listed| found.extend(listed.lists.iter().cloned()));
        found
    }

    /// Every use of lists, in its filters too.
    fn each_listed(&self, take: &mut dyn FnMut(FieldId, &Listed)) {
        for expression in self.selections.iter().chain([&self.condition]) {
            expression.each_listed(take);
        }
    }

    /// The lists that hold a value of the event, each with the path of the field it stands in.
    pub fn listed(&self, table: &FieldTable, fields: &Fields) -> Vec<(Arc<str>, Arc<str>)> {
        let mut found = Vec::new();
        self.each_listed(&mut |field, listed| {
            if !listed.holds(fields, field) {
                return;
            }
            for list in &listed.lists {
                let hit = (table.shared_path(field), Arc::clone(&list.name));
                if !found.contains(&hit) {
                    found.push(hit);
                }
            }
        });
        found
    }

    fn holds(&self, expression: &Expression, fields: &Fields, memo: &mut Option<&mut Memo>) -> bool {
        match expression {
            Expression::All(parts) => parts.iter().all(|part| self.holds(part, fields, memo)),
            Expression::Any(parts) => parts.iter().any(|part| self.holds(part, fields, memo)),
            Expression::Not(part) => !self.holds(part, fields, memo),
            Expression::Selection(place) => {
                self.selections.get(*place).is_some_and(|selection| self.holds(selection, fields, memo))
            }
            Expression::Exists(field) => fields.exists(*field),
            Expression::Test(field, patterns) => some_value_matches(fields, *field, patterns),
            Expression::Listed(field, listed) => listed.holds(fields, *field),
            Expression::Compare(comparison) => comparison.holds(fields),
            Expression::Filter(filter) => filter.detection.matches(fields),
            Expression::Shared(slot, test) => match memo {
                Some(memo) => memo.ask(*slot, fields, || self.holds(test, fields, &mut None)),
                None => self.holds(test, fields, memo),
            },
        }
    }
}

impl Expression {
    fn add_fields(&self, found: &mut Vec<FieldId>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.add_fields(found)),
            Self::Not(part) => part.add_fields(found),
            Self::Selection(_) => {}
            Self::Exists(field) | Self::Test(field, _) | Self::Listed(field, _) => found.push(*field),
            Self::Compare(comparison) => found.extend([comparison.left, comparison.right]),
            Self::Filter(filter) => found.extend(filter.detection.fields()),
            Self::Shared(_, test) => test.add_fields(found),
        }
    }

    /// Every use of lists.
    pub(super) fn each_listed(&self, take: &mut dyn FnMut(FieldId, &Listed)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_listed(take)),
            Self::Not(part) => part.each_listed(take),
            Self::Listed(field, listed) => take(*field, listed),
            Self::Filter(filter) => filter.detection.each_listed(take),
            Self::Shared(_, test) => test.each_listed(take),
            Self::Selection(_) | Self::Exists(_) | Self::Test(..) | Self::Compare(_) => {}
        }
    }
}

impl Listed {
    fn holds(&self, fields: &Fields, field: FieldId) -> bool {
        !self.groups.is_empty() && self.groups.iter().all(|group| some_value_matches(fields, field, group))
    }
}

fn some_value_matches(fields: &Fields, field: FieldId, patterns: &[Pattern]) -> bool {
    fields.values(field).any(|value| {
        let mut room = CompactString::default();
        let subject = Subject::new(value, &mut room);
        patterns.iter().any(|pattern| pattern.matches(&subject))
    })
}

impl Comparison {
    fn holds(&self, fields: &Fields) -> bool {
        fields.values(self.left).any(|left| {
            let mut room = CompactString::default();
            let left = Subject::new(left, &mut room);
            fields.values(self.right).any(|right| {
                let mut room = CompactString::default();
                left.compare(&Subject::new(right, &mut room), self.operation, self.cased)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{matches, one};
    use crate::model::KEYWORDS;
    use crate::model::Value::{self, Boolean, Container, Integer, Number, Text};

    fn holds(detection: &str, values: &[(&str, Value<'_>)]) -> bool {
        matches(&one(&format!("{detection}\ncondition: selection")), values)
    }

    #[test]
    fn a_map_is_and_and_a_list_is_or() {
        let rule = "selection:\n  eventType: [a, b]\n  outcome.result: FAILURE";
        assert!(holds(rule, &[("eventType", Text("B")), ("outcome.result", Text("failure"))]));
        assert!(!holds(rule, &[("eventType", Text("b"))]));
        let maps = "selection:\n  - eventType: a\n  - outcome.result: b\n    severity: c";
        assert!(holds(maps, &[("eventType", Text("a"))]));
        assert!(!holds(maps, &[("outcome.result", Text("b"))]));
    }

    #[test]
    fn a_path_with_several_values_means_any_of_them() {
        let rule = "selection:\n  target.type: User";
        assert!(holds(rule, &[("target.type", Text("AppInstance")), ("target.type", Text("User"))]));
        let all = "selection:\n  target.alternateId|contains|all: [ana, ben]";
        assert!(holds(all, &[("target.alternateId", Text("ana@x")), ("target.alternateId", Text("ben@x"))]));
        assert!(!holds(all, &[("target.alternateId", Text("ana@x"))]));
    }

    #[test]
    fn null_and_the_empty_text_match_what_is_absent() {
        for absent in ["null", "''", "~"] {
            let rule = format!("selection:\n  outcome.reason: {absent}");
            assert!(holds(&rule, &[]));
            assert!(!holds(&rule, &[("outcome.reason", Text("x"))]));
        }
        let or = "selection:\n  outcome.reason: [null, LOCKED]";
        assert!(holds(or, &[]) && holds(or, &[("outcome.reason", Text("locked"))]));
        assert!(!holds(or, &[("outcome.reason", Text("x"))]));
    }

    #[test]
    fn exists_asks_for_presence_alone() {
        assert!(holds("selection:\n  device|exists: true", &[("device", Container)]));
        assert!(holds("selection:\n  device|exists: false", &[]));
        assert!(!holds("selection:\n  device.id|exists: true", &[]));
        assert!(holds("selection:\n  device: '*'", &[("device", Container)]));
        assert!(!holds("selection:\n  device: '*'", &[]));
    }

    #[test]
    fn contains_startswith_and_endswith_take_wildcards_too() {
        let uri = |uri| [("debugContext.debugData.requestUri", Text(uri))];
        let rule = |modifier, text: &str| {
            format!("selection:\n  debugContext.debugData.requestUri|{modifier}: '{text}'")
        };
        assert!(holds(&rule("contains", "V1/au"), &uri("/api/v1/authn")));
        assert!(holds(&rule("startswith", "/api/*/a"), &uri("/API/v1/authn")));
        assert!(!holds(&rule("startswith", "api"), &uri("/api/v1/authn")));
        assert!(holds(&rule("endswith", "a?thn"), &uri("/api/v1/authn")));
        assert!(!holds(&rule("endswith", "auth"), &uri("/api/v1/authn")));
        assert!(holds(&rule("contains|cased", "v1"), &uri("/api/v1/authn")));
        assert!(!holds(&rule("contains|cased", "V1"), &uri("/api/v1/authn")));
    }

    #[test]
    fn neq_means_that_nothing_of_the_list_matches() {
        let rule = "selection:\n  severity|neq: [INFO, WARN]";
        assert!(!holds(rule, &[("severity", Text("warn"))]));
        assert!(holds(rule, &[("severity", Text("error"))]));
        assert!(holds(rule, &[]), "an absent value equals nothing");
        assert!(holds("selection:\n  severity|neq: null", &[("severity", Text("x"))]));
    }

    #[test]
    fn booleans_and_numbers_match_their_spelling_and_the_other_way_round() {
        let suspected = "selection:\n  debugContext.debugData.threatSuspected: 'true'";
        assert!(holds(suspected, &[("debugContext.debugData.threatSuspected", Boolean(true))]));
        assert!(holds(
            &suspected.replace('\'', ""),
            &[("debugContext.debugData.threatSuspected", Text("TRUE"))]
        ));
        let number = "selection:\n  securityContext.asNumber: 64500";
        assert!(holds(number, &[("securityContext.asNumber", Integer(64500))]));
        assert!(holds(number, &[("securityContext.asNumber", Text("64500"))]));
    }

    #[test]
    fn numbers_are_put_in_order() {
        for (how, yes, no) in [("lt", 4, 5), ("lte", 5, 6), ("gt", 6, 5), ("gte", 5, 4)] {
            let rule = format!("selection:\n  enriched.session.concurrent|{how}: 5");
            assert!(holds(&rule, &[("enriched.session.concurrent", Integer(yes))]), "{how}");
            assert!(!holds(&rule, &[("enriched.session.concurrent", Integer(no))]), "{how}");
        }
    }

    #[test]
    fn networks_and_regular_expressions_match() {
        let cidr = "selection:\n  client.ipAddress|cidr: [10.0.0.0/8, '2001:db8::/32']";
        assert!(holds(cidr, &[("client.ipAddress", Text("10.9.9.9"))]));
        assert!(holds(cidr, &[("client.ipAddress", Text("2001:db8::5"))]));
        assert!(!holds(cidr, &[("client.ipAddress", Text("192.0.2.1"))]));
        let agent = |text| [("client.userAgent.rawUserAgent", Text(text))];
        let regex =
            |modifiers| format!("selection:\n  client.userAgent.rawUserAgent|{modifiers}: '^curl/\\d+.x$'");
        assert!(holds(&regex("re"), &agent("curl/8.x")));
        assert!(!holds(&regex("re"), &agent("Curl/8.x")));
        assert!(holds(&regex("re|i"), &agent("Curl/8.x")));
        assert!(holds(&regex("re|m"), &agent("first\ncurl/8.x")));
        assert!(holds(&regex("re|s"), &agent("curl/8\nx")));
        assert!(!holds(&regex("re"), &agent("curl/8\nx")));
    }

    #[test]
    fn a_dash_that_begins_an_option_is_any_dash() {
        let rule = "selection:\n  displayMessage|windash|contains: ' -enc'";
        assert!(holds(rule, &[("displayMessage", Text("run /ENC x"))]));
        assert!(!holds(rule, &[("displayMessage", Text("run enc x"))]));
    }

    #[test]
    fn a_field_is_compared_with_another() {
        let two = |left, right| [("actor.alternateId", Text(left)), ("target.alternateId", Text(right))];
        let rule = "selection:\n  actor.alternateId|fieldref: target.alternateId";
        assert!(holds(rule, &two("Ana", "aNA")));
        assert!(holds(rule, &two("Äna", "äNA")));
        assert!(!holds(rule, &two("ana", "ben")));
        assert!(!holds(rule, &[("actor.alternateId", Text("ana"))]));
        let neq = "selection:\n  actor.alternateId|fieldref|neq: target.alternateId";
        assert!(holds(neq, &two("ana", "ben")));
        let starts = "selection:\n  actor.alternateId|fieldref|startswith: target.alternateId";
        assert!(holds(starts, &two("ana@example.com", "ana")));
        assert!(!holds(starts, &two("ana", "ana@example.com")));
        let cased = "selection:\n  actor.alternateId|fieldref|cased|endswith: target.alternateId";
        assert!(holds(cased, &two("x.com", ".com")) && !holds(cased, &two("x.com", ".COM")));
        let contains = "selection:\n  actor.alternateId|fieldref|contains: target.alternateId";
        assert!(holds(contains, &two("ana@example.com", "EXAMPLE")));
    }

    /// Whether a rule of one selection matches an event of these values, wherever they stand.
    fn found(selection: &str, values: &[Value<'_>]) -> bool {
        let values: Vec<_> = values.iter().map(|value| (KEYWORDS, *value)).collect();
        holds(&format!("selection:{selection}"), &values)
    }

    #[test]
    fn a_keyword_is_found_inside_any_value() {
        let values = [Text("User login to Okta"), Integer(4625), Boolean(true), Number(1.5)];
        for keyword in [" LOGIN", " ['login to', x]", " 462", " 'tru'", " 1.5", " 'l?gin*okta'", " '*log*'"] {
            assert!(found(keyword, &values), "{keyword}");
        }
        for keyword in [" logout", " [x, y]", " '4626'", " 'user\\*okta'", " 'Okta4625'"] {
            assert!(!found(keyword, &values), "{keyword}");
        }
        assert!(!found(" login", &[]));
        assert!(found(" 'a\\*b'", &[Text("xa*by")]), "an escaped star is a star");
    }

    #[test]
    fn keywords_take_modifiers_of_text() {
        let values = [Text("User login to Okta"), Text("198.51.100.7"), Text("é ÉÉ"), Text("run –enc x")];
        let with = |item: &str| found(&format!("\n  {item}"), &values);
        assert!(with("'|all': [login, '198.51.']") && !with("'|all': [login, logout]"));
        assert!(with("'|contains|all': [user, okta]") && with("'|contains': [x, 'to ok']"));
        assert!(
            with("'|cased': 'User l'") && !with("'|cased': 'user l'") && with("'|cased|all': ['ÉÉ', Okta]")
        );
        assert!(with("'|re': '^user'") != with("'|re': '^User'") && with("'|re|i': '^user.*a$'"));
        assert!(with("'|startswith': 'user '") && !with("'|startswith': 'login'"));
        assert!(with("'|endswith': 'okta'") && !with("'|endswith': 'login'"));
        assert!(with("'|windash': ' -enc'") && with("'|neq': logout") && !with("'|neq': [login, x]"));
        let encoded = [Text("state=Y21kLmV4ZQ==")];
        assert!(found("\n  '|base64offset|contains': 'cmd.exe'", &encoded));
        assert!(found("\n  '|base64': 'cmd.ex'", &[Text("x Y21kLmV4 y")]));
    }

    #[test]
    fn keywords_and_fields_stand_side_by_side() {
        let both = "selection:\n  '|contains': okta\n  eventType: a";
        assert!(holds(both, &[(KEYWORDS, Text("Okta")), ("eventType", Text("a"))]));
        assert!(!holds(both, &[(KEYWORDS, Text("Okta"))]) && !holds(both, &[("eventType", Text("a"))]));
        let mixed = "selection:\n  - okta\n  - eventType: a\n    severity: b\n  - 5\n  - [c, {severity: d}]";
        assert!(holds(mixed, &[(KEYWORDS, Text("x okta"))]) && holds(mixed, &[(KEYWORDS, Integer(152))]));
        assert!(holds(mixed, &[("eventType", Text("a")), ("severity", Text("b"))]));
        assert!(holds(mixed, &[(KEYWORDS, Text("abc"))]) && holds(mixed, &[("severity", Text("d"))]));
        assert!(!holds(mixed, &[("eventType", Text("a")), (KEYWORDS, Text("x"))]));
    }

    #[test]
    fn neq_goes_with_everything() {
        let agent = |text| [("severity", Text(text))];
        for (item, yes, no) in [
            ("severity|neq|contains: [a, b]", "c", "xb"),
            ("severity|re|neq: '^a'", "b", "ab"),
            ("severity|cased|neq: a", "A", "a"),
            ("severity|contains|all|neq: [a, b]", "a", "ab"),
            ("severity|gte|neq: 5", "4", "5"),
            ("severity|neq: [5, 6]", "7", "6"),
            ("severity|windash|contains|neq: ' -x'", "-x", " /x"),
        ] {
            let rule = format!("selection:\n  {item}");
            assert!(holds(&rule, &agent(yes)) && !holds(&rule, &agent(no)), "{item}");
            assert!(holds(&rule, &[]), "{item}: nothing there equals anything");
        }
        assert!(!holds("selection:\n  severity|neq|exists: true", &agent("x")));
        assert!(
            !holds("selection:\n  severity|neq: ''", &[])
                && !holds("selection:\n  severity|neq: [null, a]", &agent("a"))
        );
    }

    #[test]
    fn the_condition_decides() {
        let rule = "sel: {eventType: a}\nfilter_x: {severity: b}\nfilter_y: {severity: c}\n";
        let set = one(&format!("{rule}condition: sel and not 1 of filter_*"));
        assert!(matches(&set, &[("eventType", Text("a")), ("severity", Text("d"))]));
        assert!(!matches(&set, &[("eventType", Text("a")), ("severity", Text("c"))]));
        let list = one(&format!("{rule}condition: [sel and filter_x, filter_y]"));
        assert!(matches(&list, &[("severity", Text("c"))]));
        assert!(!matches(&list, &[("eventType", Text("a"))]));
    }
}
