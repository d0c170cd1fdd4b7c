//! Do both parsers give the same fields, whatever the event?

use proptest::prelude::*;

use super::extract::extract;
use super::extract::tests::{fields, table};
use super::parser::Fast;
use super::room::Room;
use super::scan;
use super::trie::Trie;
use crate::model::KEYWORDS;

const PATHS: [&str; 7] = [
    "actor.detailEntry",
    "target.detailEntry.a",
    "target.changeDetails.from.a.id",
    "debugContext.debugData.a",
    "debugContext.debugData.tunnels.operator",
    "debugContext.debugData.risk.level",
    "transaction.detail",
];

fn key() -> impl Strategy<Value = String> {
    let words = [
        "eventType",
        "actor",
        "id",
        "type",
        "target",
        "alternateId",
        "client",
        "ipAddress",
        "ipChain",
        "request",
        "ip",
        "debugContext",
        "debugData",
        "behaviors",
        "risk",
        "level",
        "tunnels",
        "operator",
        "detailEntry",
        "changeDetails",
        "from",
        "a",
        "securityContext",
        "asNumber",
        "userBehaviors",
        "name",
        "transaction",
        "detail",
        "logOnlySecurityData",
    ];
    prop_oneof![9 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,5}"]
}

fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "\\PC{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
        prop::sample::select(vec![
            "\"null\"",
            "\"{level=LOW}\"",
            "\"[{\\\"operator\\\":\\\"x\\\"}]\"",
            "\"{\\\"id\\\":1}\"",
            "\"{a=1, b=2}\"",
            "\"{bad\"",
            "\"\\u00e9\\n\"",
            "\"[{\\\"operator\\\":tru}]\"",
        ])
        .prop_map(str::to_owned),
    ];
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<i32>().prop_map(|number| (f64::from(number) / 4.0).to_string()),
        Just("0".to_owned()),
        Just("-0".to_owned()),
        Just("1e3".to_owned()),
    ];
    let word = prop::sample::select(vec!["null", "true", "false", "{}", "[]"]).prop_map(str::to_owned);
    prop_oneof![3 => text, 1 => number, 1 => word].prop_recursive(6, 60, 6, |inner| {
        let member = (key(), inner.clone());
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(","))),
            3 => prop::collection::vec(member, 0..6).prop_map(object),
        ]
    })
}

fn object(members: Vec<(String, String)>) -> String {
    let name = |key: String| serde_json::Value::from(key).to_string();
    let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{}: {value}", name(key))).collect();
    format!("{{{}}}", members.join(" , "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn both_parsers_give_the_same_fields(members in prop::collection::vec((key(), json()), 0..8)) {
        fields(&table(&PATHS), &object(members));
    }

    #[test]
    fn any_scanned_text_is_read_without_a_panic(text in "[\\[\\]{}\",:\\\\ a0u-]{0,40}") {
        if scan::is_one_value(&text) {
            let table = table(&PATHS);
            drop(extract::<Fast>(&Trie::new(&table), table.len(), None, &text, &mut Room::default()));
        }
    }
}

proptest! {
    #[test]
    fn both_parsers_keep_the_same_words(members in prop::collection::vec((key(), json()), 0..8)) {
        let all: Vec<&str> = PATHS.into_iter().chain([KEYWORDS]).collect();
        fields(&table(&all), &object(members));
    }
}
