//! What is a value put in order with?
//!
//! A number, an instant, or a number that a part of an instant is compared with. What a field holds
//! decides: a field of instants takes instants, also as seconds or milliseconds since 1970.

use super::fields;
use super::modifier::{Modifiers, Operation};
use super::pattern::{Bound, Pattern};
use super::selection::Reading;
use super::sources::Span;
use super::time_part::TimePart;
use super::yaml::Literal;
use crate::model::{FieldKind, Value, instant_ms};

impl Reading<'_> {
    /// A field under `lt` to `gte`, or under a part of time, must be able to hold such a value.
    pub(super) fn check_kind(
        &mut self,
        path: &str,
        kind: FieldKind,
        modifiers: &Modifiers,
        span: Span,
    ) -> Option<()> {
        let never = match kind {
            FieldKind::Text | FieldKind::Time => false,
            FieldKind::Integer | FieldKind::Number => modifiers.part.is_some(),
            FieldKind::Boolean | FieldKind::Ip => modifiers.part.is_some() || modifiers.compares(),
        };
        if !never {
            return Some(());
        }
        let what = if modifiers.part.is_some() { "no instant" } else { "neither a number nor an instant" };
        let message = format!("`{path}` is {what}: it holds {}", fields::holds(kind));
        self.fail(span, "wrong-type", message)
    }

    pub(super) fn part(&mut self, modifiers: &Modifiers, literal: &Literal, span: Span) -> Option<Pattern> {
        let part = modifiers.part?;
        let number = match literal {
            Literal::Integer(number) => Some(*number),
            Literal::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let range = part.range();
        match number {
            Some(number) if modifiers.compares() || range.contains(&number) => {
                Some(Pattern::Part(part, modifiers.operation, number))
            }
            _ => {
                let (name, from, to) = (part.as_str(), range.start(), range.end());
                let message = format!("`{name}` takes a whole number from {from} to {to}");
                let help =
                    (part == TimePart::Week).then_some("The week is that of ISO 8601, not a day of it.");
                let finding = self.findings.error(span, "wrong-type", message);
                if let Some(help) = help {
                    finding.help(help);
                }
                None
            }
        }
    }

    pub(super) fn order(
        &mut self,
        kind: FieldKind,
        operation: Operation,
        literal: &Literal,
        span: Span,
    ) -> Option<Pattern> {
        let number = match literal {
            Literal::Integer(number) => Some(*number as f64),
            Literal::Float(number) => Some(*number),
            Literal::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        let instant = match (literal, number) {
            (_, Some(number)) => instant_ms(Value::Number(number)),
            (Literal::Text(text), None) => instant_ms(Value::Text(text)),
            _ => None,
        };
        let bound = match (kind, number, instant) {
            (FieldKind::Time, _, instant) => instant.map(Bound::Instant),
            (_, Some(number), _) => Some(Bound::Number(number)),
            (FieldKind::Text, None, instant) => instant.map(Bound::Instant),
            _ => None,
        };
        if bound.is_none() {
            let wanted = match kind {
                FieldKind::Time => "this comparison takes an instant such as '2026-08-13T15:58:20Z'",
                FieldKind::Text => {
                    "this comparison takes a number, or an instant such as '2026-08-13T15:58:20Z'"
                }
                _ => "this comparison takes a number",
            };
            return self.fail(span, "wrong-type", wanted);
        }
        bound.map(|bound| Pattern::Order(operation, bound))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{holds, mistake};
    use crate::model::Value::{Integer, Text};

    #[test]
    fn instants_are_put_in_order_however_they_are_written() {
        let before = "target.detailEntry.expires|lt: '2026-08-13T16:58:20Z'";
        assert!(holds(before, &[Text("2026-08-13T18:58:19.999+02:00")]));
        assert!(!holds(before, &[Text("2026-08-13T16:58:20.000Z")]));
        assert!(holds(&before.replace("lt", "lte"), &[Text("2026-08-13 16:58:20")]));
        assert!(holds(before, &[Integer(1_700_000_000)]) && holds(before, &[Integer(1_700_000_000_000)]));
        assert!(!holds(before, &[Text("soon")]) && !holds(before, &[Integer(5)]) && !holds(before, &[]));
        assert!(holds("published|gt: 1700000000000", &[Text("2026-08-13T16:58:20Z")]));
        let unknown = "debugContext.debugData.until|gte: '2026-01-01T00:00:00Z'";
        assert!(holds(unknown, &[Text("2026-01-01T00:00:00Z")]) && !holds(unknown, &[Text("2025")]));
    }

    #[test]
    fn parts_of_time_are_compared_in_utc() {
        let at = |text| [Text(text)];
        assert!(holds("published|hour: 3", &at("2026-08-13T03:59:59.999Z")));
        assert!(holds("published|hour: 3", &at("2026-08-13T05:00:00+02:00")));
        assert!(!holds("published|hour: 3", &at("2026-08-13T04:00:00Z")));
        let night = "published|hour: [22, 23, 0, '1']";
        assert!(holds(night, &at("2026-08-13T00:10:00Z")) && holds(night, &at("2026-08-13T01:10:00Z")));
        assert!(!holds(night, &at("2026-08-13T02:10:00Z")));
        assert!(holds("published|hour|gte: 22", &at("2026-08-13T22:00:00Z")));
        assert!(holds("published|hour|lt|neq: 22", &at("2026-08-13T22:00:00Z")));
        assert!(holds("published|day|neq: [1, 2]", &at("2026-08-03T00:00:00Z")));
        assert!(holds("published|week: 33", &at("2026-08-13T00:00:00Z")));
        assert!(holds("published|month|lte: 8", &at("2026-08-13T00:00:00Z")));
        assert!(holds("target.detailEntry.expires|year|gt: 2030", &at("2031-01-01T00:00:00Z")));
        assert!(holds("published|minute: 58", &at("2026-08-13T15:58:20Z")));
        assert!(
            !holds("published|minute: 0", &at("no time")) && !holds("published|year: 1970", &[Integer(7)])
        );
    }

    #[test]
    fn a_field_that_holds_no_instant_has_no_part_of_one() {
        for item in [
            "client.ipAddress|hour: 3",
            "securityContext.isProxy|year: 2026",
            "securityContext.asNumber|year: 1970",
            "client.ipAddress|gt: 3",
            "published|gt: soon",
            "securityContext.asNumber|gt: '2026-08-13T15:58:20Z'",
            "severity|gt: high",
            "published|hour: 24",
            "published|minute: 60",
            "published|day: 0",
            "published|week: monday",
            "published|month|gt: 1.5",
            "published|hour: null",
        ] {
            assert_eq!(mistake(item).0, "wrong-type", "{item}");
        }
        assert_eq!(mistake("published|hour: 24").1, "`hour` takes a whole number from 0 to 23");
    }

    proptest! {
        #[test]
        fn an_instant_is_in_order_with_another(left in 1_000_000_000_000_i64..2_000_000_000_000, more in -5_i64..5) {
            let text = crate::text::rfc3339(left + more).unwrap();
            let bound = crate::text::rfc3339(left).unwrap();
            for (how, wanted) in [("lt", more < 0), ("lte", more <= 0), ("gt", more > 0), ("gte", more >= 0)] {
                prop_assert_eq!(holds(&format!("published|{how}: '{bound}'"), &[Text(&text)]), wanted, "{}", how);
            }
        }
    }
}
