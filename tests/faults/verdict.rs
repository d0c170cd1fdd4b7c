//! Are the alerts those that must be there, each once?
//!
//! A replay of the same events says which. In what order events came decides which of them fires an alert
//! and how many it counts at that moment; so alerts of correlations are the same when they are of the same
//! rule and the same group, and their windows overlap. Those of single events are the same when that is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Whose alert it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whose {
    rule: String,
    group: String,
}

/// What is compared of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    whose: Whose,
    from_ms: i64,
    to_ms: i64,
    id: String,
    is_new: bool,
}

/// What is wrong with the alerts, each with the words for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many there should be.
    pub expected: usize,
    /// Not there.
    pub lost: Vec<String>,
    /// There, and should not be.
    pub extra: Vec<String>,
    /// There more than once, under one id.
    pub twice: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong, and there was something to be right about.
    pub fn is_good(&self) -> bool {
        self.expected > 0 && self.lost.is_empty() && self.extra.is_empty() && self.twice.is_empty()
    }

    /// All that is wrong, a line each.
    pub fn details(&self) -> String {
        let lines = |word: &str, all: &[String]| -> String {
            all.iter().map(|one| format!("{word}\t{one}\n")).collect()
        };
        [lines("lost", &self.lost), lines("extra", &self.extra), lines("twice", &self.twice)].concat()
    }
}

/// Reads an alert in OCSF.
pub fn told(json: &[u8]) -> Told {
    let alert: Value = serde_json::from_slice(json)
        .unwrap_or_else(|error| panic!("an alert is not JSON: {error}: {}", String::from_utf8_lossy(json)));
    let text = |pointer: &str| alert.pointer(pointer).map(text_of).unwrap_or_default();
    let time = |pointers: [&str; 2]| {
        let mut found = pointers.iter().filter_map(|pointer| alert.pointer(pointer)?.as_i64());
        found.next().unwrap_or_else(|| panic!("an alert without {pointers:?}: {alert}"))
    };
    let mut group = text("/unmapped/group_by");
    if group.is_empty() {
        group = text("/unmapped/fired_by");
    }
    Told {
        whose: Whose { rule: text("/metadata/event_code"), group },
        from_ms: time(["/unmapped/window/start_time", "/start_time"]),
        to_ms: time(["/unmapped/window/end_time", "/end_time"]),
        id: text("/metadata/uid"),
        is_new: alert["activity_id"] == 1,
    }
}

/// Compares what is there with what should be.
pub fn of(replayed: &[Told], served: &[Told]) -> Verdict {
    let expected: Vec<&Told> = replayed.iter().filter(|alert| alert.is_new).collect();
    let mut verdict = Verdict { expected: expected.len(), ..Verdict::default() };
    let mut seen = BTreeSet::new();
    let mut left: BTreeMap<&Whose, Vec<&Told>> = BTreeMap::new();
    for alert in served.iter().filter(|alert| alert.is_new) {
        if seen.insert(&alert.id) {
            left.entry(&alert.whose).or_default().push(alert);
        } else {
            verdict.twice.push(alert.words());
        }
    }
    for alert in expected {
        let candidates = left.entry(&alert.whose).or_default();
        match candidates.iter().position(|candidate| candidate.overlaps(alert)) {
            Some(place) => drop(candidates.swap_remove(place)),
            None => verdict.lost.push(alert.words()),
        }
    }
    verdict.extra = left.into_values().flatten().map(Told::words).collect();
    let nobodys = served.iter().filter(|alert| !alert.is_new && !seen.contains(&alert.id));
    verdict
        .extra
        .extend(nobodys.map(|alert| format!("{}, more of an alert that is not there", alert.words())));
    verdict
}

impl Told {
    fn overlaps(&self, other: &Self) -> bool {
        self.from_ms <= other.to_ms && other.from_ms <= self.to_ms
    }

    fn words(&self) -> String {
        format!("{} {} {}..{} {}", self.whose.rule, self.whose.group, self.from_ms, self.to_ms, self.id)
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn alerts_are_the_same_by_rule_group_and_window_and_each_counts_once() {
    let alert = |group: &str, from_ms, id: &str| Told {
        whose: Whose { rule: "guessed".to_owned(), group: group.to_owned() },
        from_ms,
        to_ms: from_ms + 10,
        id: id.to_owned(),
        is_new: true,
    };
    let replayed = [alert("ana", 0, "1"), alert("ana", 100, "2"), alert("ben", 0, "3")];
    assert!(of(&replayed, &[alert("ben", 5, "3"), alert("ana", 107, "2"), alert("ana", 3, "9")]).is_good());
    assert!(!of(&[], &[]).is_good(), "nothing was asked");
    let wrong = of(
        &replayed,
        &[alert("ana", 0, "1"), alert("ana", 5, "4"), alert("ben", 0, "3"), alert("ben", 0, "3")],
    );
    assert_eq!((wrong.lost.len(), wrong.extra.len(), wrong.twice.len()), (1, 1, 1), "{}", wrong.details());
    let more = Told { is_new: false, ..alert("cem", 0, "5") };
    assert_eq!(of(&replayed, &[more]).extra.len(), 1, "more of an alert that is not there");
}
