//! How is what many rules ask of one event answered once?
//!
//! When a rule set is assembled, a test that several rules make gets a slot, and so does one whose
//! texts are looked for together with those of other rules. A [`Memo`] keeps the answers of the event
//! at hand in these slots: answers of an earlier event are told by their epoch, so that nothing is
//! emptied between two events.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::detection::{Detection, Expression};
use super::digest;
use super::joint::{self, Joint, Place};
use super::pattern::Subject;
use crate::limits;
use crate::model::{FieldId, FieldTable, Fields};

/// From so many tests of one field and place on, their texts are looked for together.
const JOINT_FROM: usize = 8;

/// A test with more texts than these has a structure of its own.
const JOINT_TEXTS: usize = 64;

/// So many tests of a joint are made one by one for an event, before the look at all of them pays.
const SINGLE_TESTS: u64 = 2;

/// The slots of a rule set.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// For each slot the joint that answers it, if any.
    slots: Vec<Option<u32>>,
    joints: Vec<JointTest>,
    marks: usize,
}

#[derive(Debug)]
struct JointTest {
    field: FieldId,
    joint: Joint,
    /// Its first mark among those of all joints.
    first_mark: usize,
}

/// The answers of the event at hand to what the rules of one set share. It belongs to the set that
/// made it.
#[derive(Debug)]
pub struct Memo {
    shared: Arc<Shared>,
    /// Of the event at hand; the first is 1, as what was never answered has 0.
    epoch: u64,
    /// For each slot twice the epoch of its answer, and one more for yes.
    answers: Vec<u64>,
    /// For each joint the epoch, and how many of its tests were made.
    asked: Vec<(u64, u64)>,
    /// For each text of a joint the epoch in which it was found.
    marks: Vec<u64>,
}

impl Memo {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            epoch: 1,
            answers: vec![0; shared.slots.len()],
            asked: vec![(0, 0); shared.joints.len()],
            marks: vec![0; shared.marks],
            shared: Arc::clone(shared),
        }
    }

    /// Forgets the event before. To be called before each event, and whenever its fields change.
    pub fn begin(&mut self) {
        self.epoch += 1;
    }

    /// The answer at a slot; `test` is the test itself.
    pub(super) fn ask(&mut self, slot: u32, fields: &Fields, test: impl FnOnce() -> bool) -> bool {
        let place = slot as usize;
        if let Some(known) = self.known(place) {
            return known;
        }
        let joint = self.shared.slots.get(place).copied().flatten().map(|joint| joint as usize);
        if let Some(joint) = joint.filter(|joint| self.is_due(*joint)) {
            self.scan(joint, fields);
            return self.known(place).unwrap_or_default();
        }
        let answer = test();
        if let Some(known) = self.answers.get_mut(place) {
            *known = self.epoch << 1 | u64::from(answer);
        }
        answer
    }

    fn known(&self, place: usize) -> Option<bool> {
        let answer = self.answers.get(place)?;
        (answer >> 1 == self.epoch).then_some(answer & 1 == 1)
    }

    /// Counts the tests of a joint; whether it is worth a look at all of them, or had it.
    fn is_due(&mut self, joint: usize) -> bool {
        let Some((epoch, number)) = self.asked.get_mut(joint) else { return false };
        if *epoch != self.epoch {
            (*epoch, *number) = (self.epoch, 0);
        }
        *number += 1;
        *number > SINGLE_TESTS
    }

    /// Answers every test of the joint that holds, unless that was done: the others do not hold.
    fn scan(&mut self, joint: usize, fields: &Fields) {
        let Self { shared, epoch, answers, asked, marks } = self;
        let Some(JointTest { field, joint: texts, first_mark }) = shared.joints.get(joint) else { return };
        match asked.get(joint) {
            Some((_, number)) if *number == SINGLE_TESTS + 1 => {}
            _ => return,
        }
        let marks = marks.get_mut(*first_mark..).unwrap_or_default();
        for value in fields.values(*field) {
            let mut room = CompactString::default();
            let subject = Subject::new(value, &mut room);
            let Some(text) = subject.blind_text() else { continue };
            texts.scan(text, marks, *epoch, &mut |slot| {
                if let Some(answer) = answers.get_mut(slot as usize) {
                    *answer = *epoch << 1 | 1;
                }
            });
        }
    }
}

/// Gives the tests of a rule set their slots, before their patterns are put together.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    by_meaning: HashMap<String, u32, FixedState>,
    shared: Shared,
}

/// The meaning of a test, and the texts it looks for.
type Sought<'t> = (&'t str, Vec<&'t str>);

/// One test, whoever makes it.
struct Test<'e> {
    expression: &'e Expression,
    uses: usize,
}

impl Sharing {
    /// From the detections that events are asked for.
    pub(super) fn new<'d>(detections: impl Iterator<Item = &'d Detection>, table: &FieldTable) -> Self {
        let mut tests: BTreeMap<String, Test<'d>> = BTreeMap::new();
        for selection in detections.flat_map(|detection| &detection.selections) {
            each_test(selection, &mut |expression| {
                let test = tests.entry(meaning(expression, table));
                test.or_insert(Test { expression, uses: 0 }).uses += 1;
            });
        }
        let mut sharing = Self::default();
        let mut searched: BTreeMap<(FieldId, Place), Vec<Sought<'_>>> = BTreeMap::new();
        let mut bytes = 0;
        for (meaning, test) in &tests {
            let Expression::Test(field, patterns) = test.expression else { continue };
            let few = Some(patterns).filter(|patterns| patterns.len() <= JOINT_TEXTS);
            let Some((place, texts)) = few.and_then(|patterns| joint::texts(patterns)) else { continue };
            bytes += texts.iter().map(|text| text.len()).sum::<usize>();
            if bytes > limits::JOINT_BYTES {
                break;
            }
            searched.entry((*field, place)).or_default().push((meaning, texts));
        }
        for ((field, place), tests) in searched {
            if tests.len() >= JOINT_FROM {
                sharing.join(field, place, tests);
            }
        }
        for (meaning, test) in &tests {
            if test.uses > 1 && !sharing.by_meaning.contains_key(meaning) {
                sharing.slot(meaning, None);
            }
        }
        sharing
    }

    fn slot(&mut self, meaning: &str, joint: Option<u32>) -> Option<u32> {
        let slot = u32::try_from(self.shared.slots.len()).ok()?;
        self.shared.slots.push(joint);
        self.by_meaning.insert(meaning.to_owned(), slot);
        Some(slot)
    }

    /// Texts that no automaton can take stay with their own tests.
    fn join(&mut self, field: FieldId, place: Place, tests: Vec<Sought<'_>>) {
        let Ok(number) = u32::try_from(self.shared.joints.len()) else { return };
        let before = self.shared.slots.len();
        let mut by_text: BTreeMap<Vec<u8>, _> = BTreeMap::new();
        for (meaning, texts) in &tests {
            let Some(slot) = self.slot(meaning, Some(number)) else { return };
            for text in texts {
                let slots: &mut smallvec::SmallVec<[u32; 2]> =
                    by_text.entry(text.to_ascii_lowercase().into_bytes()).or_default();
                slots.push(slot);
            }
        }
        let Ok(joint) = Joint::new(place, by_text) else {
            self.shared.slots.iter_mut().skip(before).for_each(|slot| *slot = None);
            return;
        };
        let first_mark = self.shared.marks;
        self.shared.marks += joint.marks();
        self.shared.joints.push(JointTest { field, joint, first_mark });
    }

    /// The detection with the slots of its tests.
    pub(super) fn share(&self, detection: Detection, table: &FieldTable) -> Detection {
        let selections = detection.selections.into_iter();
        let selections = selections.map(|selection| self.with_slots(selection, table)).collect();
        Detection { selections, ..detection }
    }

    fn with_slots(&self, expression: Expression, table: &FieldTable) -> Expression {
        let all =
            |parts: Vec<Expression>| parts.into_iter().map(|part| self.with_slots(part, table)).collect();
        match expression {
            Expression::All(parts) => Expression::All(all(parts)),
            Expression::Any(parts) => Expression::Any(all(parts)),
            Expression::Not(part) => Expression::Not(Box::new(self.with_slots(*part, table))),
            test @ (Expression::Test(..) | Expression::Listed(..)) => {
                match self.by_meaning.get(&meaning(&test, table)) {
                    Some(slot) => Expression::Shared(*slot, Box::new(test)),
                    None => test,
                }
            }
            other => other,
        }
    }

    /// What a [`Memo`] needs to know.
    pub(super) fn finish(self) -> Arc<Shared> {
        Arc::new(self.shared)
    }
}

fn each_test<'e>(expression: &'e Expression, take: &mut dyn FnMut(&'e Expression)) {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().for_each(|part| each_test(part, take))
        }
        Expression::Not(part) => each_test(part, take),
        Expression::Test(..) | Expression::Listed(..) => take(expression),
        _ => {}
    }
}

/// Two tests of one meaning hold for the same events.
fn meaning(test: &Expression, table: &FieldTable) -> String {
    match test {
        // The digest names the lists, but two of one name may hold different values.
        Expression::Listed(field, listed) => format!("{field:?} {:p}", Arc::as_ptr(listed)),
        other => digest::meaning(other, &[], table),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::testing::{compile, document, event};
    use super::super::{Body, RuleSet};
    use super::*;
    use crate::model::Value;

    const PATHS: [&str; 3] = ["severity", "client.userAgent.rawUserAgent", "target.alternateId"];

    /// What the rules of the set say of the event: by themselves, and with a memo.
    fn judged(set: &RuleSet, memo: &mut Memo, fields: &Fields) -> (Vec<bool>, Vec<bool>) {
        memo.begin();
        let detections = set.rules.iter().filter_map(|rule| match &rule.body {
            Body::Detection(detection) => Some(detection),
            Body::Correlation(_) => None,
        });
        detections.map(|one| (one.matches(fields), one.matches_with(fields, memo))).unzip()
    }

    fn named(rules: &[String]) -> RuleSet {
        let documents = rules.iter().enumerate();
        let documents: Vec<String> =
            documents.map(|(number, rule)| document(&format!("rule-{number:04}"), rule, "")).collect();
        compile(&documents).unwrap()
    }

    fn item() -> impl Strategy<Value = String> {
        let how = prop_oneof![
            6 => Just("|contains"), 4 => Just(""), 4 => Just("|startswith"), 4 => Just("|endswith"),
            1 => Just("|contains|all"), 1 => Just("|contains|cased"), 1 => Just("|re"), 1 => Just("|neq"),
        ];
        let texts = prop_oneof![4 => vec("[abé1]{1,3}", 1..3), 1 => vec("[ab1*?]{1,3}", 1..3)];
        (0..PATHS.len(), how, texts).prop_map(|(path, how, texts)| {
            let texts = if how == "|re" { vec!["[ab]1".to_owned()] } else { texts };
            format!("{}{how}: ['{}']", PATHS[path], texts.join("', '"))
        })
    }

    fn rule() -> impl Strategy<Value = String> {
        let conditions = ["a and b", "a or b", "a and not b", "not a or b", "1 of *", "not (a and b)"];
        (item(), item(), 0..conditions.len()).prop_map(move |(one, other, place)| {
            format!("a:\n  {one}\nb:\n  {other}\ncondition: {}", conditions[place])
        })
    }

    fn values() -> impl Strategy<Value = Vec<(usize, String, u8)>> {
        vec((0..PATHS.len(), "[aAbBéÉ1]{0,6}", 0..6_u8), 0..6)
    }

    proptest! {
        #[test]
        fn a_rule_matches_with_a_memo_what_it_matches_by_itself(
            rules in vec(rule(), 1..60), events in vec(values(), 1..5)
        ) {
            let set = named(&rules);
            let mut memo = set.memo();
            for values in &events {
                let values: Vec<(&str, Value<'_>)> = values.iter().map(|(path, text, kind)| {
                    let value = match kind {
                        0 => Value::Integer(text.len() as i64 * 11),
                        1 => Value::Container,
                        _ => Value::Text(text),
                    };
                    (PATHS[*path], value)
                }).collect();
                let (alone, with_memo) = judged(&set, &mut memo, &event(&set, &values));
                prop_assert_eq!(alone, with_memo, "{:?}", values);
            }
        }
    }

    #[test]
    fn tests_are_shared_and_their_texts_are_looked_for_together() {
        let rule = |number| {
            format!(
                "a: {{outcome.result: [SUCCESS, ALLOW]}}\nb: {{severity|contains: 'x{number}'}}\n\
                 condition: a and b"
            )
        };
        let set = named(&(0..20).map(rule).collect::<Vec<_>>());
        assert_eq!((set.shared.slots.len(), set.shared.joints.len(), set.shared.marks), (21, 1, 20));
        let mut memo = set.memo();
        for (text, asked) in [("X7 x19", 18), ("none", 20), ("x1", 20)] {
            let values = [("outcome.result", Value::Text("allow")), ("severity", Value::Text(text))];
            let (alone, with_memo) = judged(&set, &mut memo, &event(&set, &values));
            assert_eq!(alone, with_memo, "{text}");
            assert_eq!(memo.asked, [(memo.epoch, asked)], "{text}: what a look at all found is not asked");
        }
        let few = named(&(0..2).map(rule).collect::<Vec<_>>());
        assert_eq!((few.shared.slots.len(), few.shared.joints.len()), (1, 0));
    }

    #[test]
    fn lists_of_one_meaning_are_asked_once() {
        let rule = "a:\n  severity|expand: '%vip%'\ncondition: a";
        let text = [document("one", rule, ""), document("two", rule, "")].join("---\n");
        let sources = super::super::Sources::of([("rules.yml", text.as_str())]);
        let set = super::super::compile(&sources.with_lists([("vip.txt", "ana\nben")])).unwrap();
        assert_eq!(set.shared.slots.len(), 1);
        let mut memo = set.memo();
        for (text, holds) in [("ana", true), ("eve", false), ("BEN", true)] {
            let fields = event(&set, &[("severity", Value::Text(text))]);
            assert_eq!(judged(&set, &mut memo, &fields), (vec![holds; 2], vec![holds; 2]), "{text}");
        }
    }
}
