//! How does a test become what the engine is told?

use std::sync::Arc;

use serde_json::Value;

use super::template::{self, START_MS};
use crate::error::Failure;
use crate::model::{Input, Position, RawRecord};
use crate::rule::{InlineTest, TestEvent};

/// A test's events as records, in the order they arrive, with the clock that goes along.
#[derive(Clone, Debug)]
pub(super) struct Script {
    inputs: Vec<Input>,
    /// How many events there are.
    pub(super) events: usize,
    /// From the first event to where the test is complete, ms.
    pub(super) length_ms: i64,
    /// Where the test is complete, ms since its start.
    pub(super) complete_ms: i64,
}

/// One event of a test that may repeat it.
struct Single<'t> {
    at_ms: i64,
    arrive_ms: i64,
    /// Number of the repetition.
    n: i64,
    event: &'t TestEvent,
}

impl Script {
    /// # Errors
    /// An event that cannot be written.
    pub(super) fn of(test: &InlineTest) -> Result<Self, Failure> {
        let mut singles: Vec<Single<'_>> = test.events.iter().flat_map(singles).collect();
        // Event ids break ties in time, so they follow time and not the arrival.
        singles.sort_by_key(|single| single.at_ms);
        let first_ms = singles.first().map_or(0, |single| single.at_ms);
        let last_ms = singles.last().map_or(0, |single| single.at_ms);
        let complete_ms = last_ms.max(test.until_ms.unwrap_or(last_ms));
        let mut numbered: Vec<(u32, Single<'_>)> = (0..).zip(singles).collect();
        numbered.sort_by_key(|(_, single)| single.arrive_ms);
        let topic: Arc<str> = Arc::from("test");
        let mut inputs = Vec::with_capacity(numbered.len() * 2 + 1);
        for (offset, (number, single)) in (0..).zip(&numbered) {
            inputs.push(Input::Tick { now_ms: START_MS.saturating_add(single.arrive_ms) });
            let position = Position { topic: Arc::clone(&topic), offset, ..Position::default() };
            let payload = payload(*number, single)?;
            inputs.push(Input::Record(RawRecord { position, payload, ..RawRecord::default() }));
        }
        inputs.push(Input::Complete { upto_ms: START_MS.saturating_add(complete_ms) });
        Ok(Self { inputs, events: numbered.len(), length_ms: complete_ms - first_ms, complete_ms })
    }

    /// The same with time going on to another instant.
    pub(super) fn until(&self, complete_ms: i64) -> Self {
        let mut inputs = self.inputs.clone();
        inputs.pop();
        inputs.push(Input::Complete { upto_ms: START_MS.saturating_add(complete_ms) });
        Self { inputs, complete_ms, ..*self }
    }

    pub(super) fn inputs(&self) -> Vec<Input> {
        self.inputs.clone()
    }
}

fn singles(event: &TestEvent) -> impl Iterator<Item = Single<'_>> {
    (0..i64::from(event.repeat.max(1))).map(move |n| {
        let later_ms = event.every_ms.saturating_mul(n);
        let at_ms = event.at_ms.saturating_add(later_ms);
        Single { at_ms, arrive_ms: event.arrive_ms.saturating_add(later_ms), n, event }
    })
}

fn payload(number: u32, single: &Single<'_>) -> Result<Vec<u8>, Failure> {
    let overrides = single.event.overrides.iter();
    let overrides: Vec<_> = overrides.map(|(path, value)| (path.clone(), filled(value, single.n))).collect();
    let event = template::event(u64::from(number), single.at_ms, &overrides)?;
    Ok(event.to_string().into_bytes())
}

/// A value with the number of the repetition for `{n}`.
fn filled(value: &Value, n: i64) -> Value {
    match value {
        Value::String(text) if text.contains("{n}") => text.replace("{n}", &n.to_string()).into(),
        Value::Array(values) => values.iter().map(|value| filled(value, n)).collect(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), filled(value, n)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(at_ms: i64, arrive_ms: i64, repeat: u32) -> TestEvent {
        let overrides = vec![("actor.alternateId".to_owned(), json!("user{n}@example.com"))];
        TestEvent { at_ms, arrive_ms, repeat, every_ms: 1_000, overrides, span: 0..0 }
    }

    fn script(events: Vec<TestEvent>, until_ms: Option<i64>) -> Script {
        let (name, expect, expectation_spans) = (String::new(), Vec::new(), Vec::new());
        let (span, expect_span) = (0..0, 0..0);
        Script::of(&InlineTest { name, events, until_ms, expect, span, expect_span, expectation_spans })
            .unwrap()
    }

    /// Clock, time and actor of each record, then where the test is complete; ms since its start.
    fn told(script: &Script) -> (Vec<(i64, String, String)>, i64) {
        let (mut now, mut records, mut complete) = (0, Vec::new(), 0);
        for input in script.inputs() {
            match input {
                Input::Tick { now_ms } => now = now_ms - START_MS,
                Input::Record(record) => {
                    let event: Value = serde_json::from_slice(&record.payload).unwrap();
                    let text = |pointer: &str| event.pointer(pointer).unwrap().as_str().unwrap().to_owned();
                    records.push((
                        now,
                        text("/published").chars().skip(14).take(5).collect(),
                        text("/actor/alternateId"),
                    ));
                }
                Input::Complete { upto_ms } => complete = upto_ms - START_MS,
                other => panic!("{other:?}"),
            }
        }
        (records, complete)
    }

    #[test]
    fn events_come_in_the_order_of_arrival_and_time_goes_along() {
        let script = script(vec![event(60_000, 240_000, 1), event(120_000, 120_000, 2)], None);
        let (records, complete) = told(&script);
        let times: Vec<_> = records.iter().map(|(now, published, _)| (*now, published.as_str())).collect();
        assert_eq!(times, [(120_000, "02:00"), (121_000, "02:01"), (240_000, "01:00")]);
        assert_eq!((complete, script.events, script.length_ms), (121_000, 3, 61_000));
    }

    #[test]
    fn a_repetition_has_its_number() {
        let (records, _) = told(&script(vec![event(0, 0, 2)], None));
        let actors: Vec<_> = records.iter().map(|(_, _, actor)| actor.as_str()).collect();
        assert_eq!(actors, ["user0@example.com", "user1@example.com"]);
        assert_eq!(filled(&json!({"a": ["{n}", 1]}), 7), json!({"a": ["7", 1]}));
    }

    #[test]
    fn a_test_goes_on_until_the_instant_it_names() {
        let script = script(vec![event(60_000, 60_000, 1)], Some(600_000));
        assert_eq!((told(&script).1, script.length_ms), (600_000, 540_000));
        assert_eq!((told(&script.until(900_000)).1, told(&script.until(900_000)).0.len()), (900_000, 1));
    }
}
