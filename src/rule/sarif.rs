//! How do code scanners and editors read what is wrong? As SARIF 2.1.0, one run.

use std::path::{Component, Path};

use serde_json::{Map, Value, json};

use super::codes::{CODES, Code};
use super::diagnostic::{Diagnostic, Severity};
use super::location::Location;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Every diagnostic as a result; the codes are the rules of the tool. `version` is the program's.
pub fn sarif(diagnostics: &[Diagnostic], version: &str) -> Value {
    let rules: Vec<Value> = CODES.iter().map(rule).collect();
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "oktawatch", "version": version, "semanticVersion": version, "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.name,
        "shortDescription": { "text": code.about },
        "help": { "text": code.help },
    })
}

fn result(diagnostic: &Diagnostic) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &diagnostic.help {
        Some(help) => format!("{}\n{help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), diagnostic.code.into());
    if let Some(place) = CODES.iter().position(|code| code.name == diagnostic.code) {
        result.insert("ruleIndex".to_owned(), place.into());
    }
    result.insert("level".to_owned(), level.into());
    result.insert("message".to_owned(), json!({ "text": text }));
    result.insert("locations".to_owned(), json!([{ "physicalLocation": place(&diagnostic.at) }]));
    if !diagnostic.related.is_empty() {
        let related = (0_usize..).zip(&diagnostic.related).map(|(id, related)| {
            json!({
                "id": id,
                "physicalLocation": place(&related.at),
                "message": { "text": related.message },
            })
        });
        result.insert("relatedLocations".to_owned(), related.collect());
    }
    Value::Object(result)
}

fn place(at: &Location) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&at.file) },
        "region": {
            "startLine": at.line, "startColumn": at.column,
            "endLine": at.end_line, "endColumn": at.end_column,
        },
    })
}

/// A relative path as a relative reference; an absolute one with its scheme.
fn uri(path: &Path) -> String {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let parts = parts.map(|part| match part {
        Component::RootDir => String::new(),
        part => escaped(part.as_os_str().as_encoded_bytes()),
    });
    let joined = parts.collect::<Vec<_>>().join("/");
    if path.is_absolute() { format!("file://{joined}") } else { joined }
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`.
fn escaped(part: &[u8]) -> String {
    let mut out = String::new();
    for byte in part {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte))
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::super::{Sources, compile};
    use super::*;

    #[test]
    fn a_mistake_is_a_result_with_its_rule_and_region() {
        let text = document("one", "sel: {evntType: a}\ncondition: sel", "");
        let diagnostics = compile(&Sources::of([("./my rules/\u{e9}.yml", text.as_str())])).unwrap_err();
        let log = sarif(&diagnostics, "1.2.3");
        let run = &log["runs"][0];
        let result = &run["results"][0];
        assert_eq!((&result["ruleId"], &result["level"]), (&"unknown-field".into(), &"error".into()));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "unknown-field");
        assert_eq!(result["message"]["text"], "no field `evntType`\ndid you mean `eventType`?");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "my%20rules/%C3%A9.yml");
        let region = json!({ "startLine": 7, "startColumn": 9, "endLine": 7, "endColumn": 17 });
        assert_eq!(place["region"], region);
        assert!(result.get("relatedLocations").is_none());
    }

    #[test]
    fn the_other_place_of_a_twin_is_related() {
        let twin = document("one", "sel: {eventType: a}\ncondition: sel", "");
        let diagnostics = compile(&Sources::of([("a.yml", twin.as_str()), ("b.yml", &twin)])).unwrap_err();
        let log = sarif(&diagnostics, "1.2.3");
        let related = &log["runs"][0]["results"][0]["relatedLocations"][0];
        assert_eq!(related["physicalLocation"]["artifactLocation"]["uri"], "a.yml");
        assert!(related["message"]["text"].as_str().unwrap().contains("first"));
    }

    #[test]
    fn a_path_becomes_a_reference() {
        assert_eq!(uri(Path::new("a/../b:c#d?.yml")), "a/../b%3Ac%23d%3F.yml");
        assert_eq!(uri(Path::new("/etc/rules/a b.yml")), "file:///etc/rules/a%20b.yml");
    }
}
