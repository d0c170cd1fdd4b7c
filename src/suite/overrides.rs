//! How does a test change the template event?

use serde_json::{Map, Value};

use crate::error::Failure;

/// Puts a value to a dotted path of an event.
///
/// Objects on the way are made where there are none. A number is a place in an array. A name where
/// an array stands is that of its elements: a list gives each element its value, anything else goes
/// to all of them, and elements are made as needed: `target.alternateId: [a, b]` has two targets.
///
/// # Errors
/// A path under `enriched.`, which is computed; a path through what is no object and no array.
pub(super) fn apply(event: &mut Value, path: &str, value: &Value) -> Result<(), Failure> {
    let parts: Vec<&str> = path.split('.').collect();
    if parts.first() == Some(&"enriched") {
        return Err(Failure::new(format!("`{path}` is computed and cannot be set in a test"))
            .hint("Set what it is computed from, such as client.ipAddress or client.geographicalContext."));
    }
    set(event, &parts, value).map_err(|reason| Failure::new(format!("`{path}` cannot be set")).detail(reason))
}

/// Puts a value to a path of a JSON value; the error says what is in the way.
pub(super) fn set(node: &mut Value, path: &[&str], value: &Value) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else {
        *node = value.clone();
        return Ok(());
    };
    if node.is_null() {
        *node = Value::Object(Map::new());
    }
    match node {
        Value::Object(object) => set(object.entry(*name).or_insert(Value::Null), rest, value),
        Value::Array(elements) => match name.parse::<usize>() {
            Ok(place) => set(element(elements, place)?, rest, value),
            Err(_) => spread(elements, path, value),
        },
        other => Err(format!("`{other}` stands where `{name}` would have to be.")),
    }
}

fn spread(elements: &mut Vec<Value>, path: &[&str], value: &Value) -> Result<(), String> {
    if let Value::Array(values) = value {
        for (place, value) in values.iter().enumerate() {
            set(element(elements, place)?, path, value)?;
        }
        return Ok(());
    }
    element(elements, 0)?;
    elements.iter_mut().try_for_each(|element| set(element, path, value))
}

/// The element at a place, made with those before it where there is none.
fn element(elements: &mut Vec<Value>, place: usize) -> Result<&mut Value, String> {
    if place >= crate::limits::ARRAY_ELEMENTS {
        return Err(format!("An array has at most {} elements.", crate::limits::ARRAY_ELEMENTS));
    }
    if elements.len() <= place {
        elements.resize(place + 1, Value::Null);
    }
    elements.get_mut(place).ok_or_else(|| "The array is empty.".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(mut event: Value, path: &str, value: Value) -> Value {
        apply(&mut event, path, &value).unwrap();
        event
    }

    #[test]
    fn a_path_makes_the_objects_on_its_way() {
        let event = changed(json!({ "device": null }), "device.name", json!("ana-laptop"));
        assert_eq!(event, json!({ "device": { "name": "ana-laptop" } }));
    }

    #[test]
    fn a_whole_object_or_array_may_be_set() {
        let event = changed(json!({ "target": [] }), "target", json!([{ "type": "User" }]));
        assert_eq!(event, json!({ "target": [{ "type": "User" }] }));
    }

    #[test]
    fn a_name_where_an_array_stands_is_that_of_its_elements() {
        let event = changed(json!({ "target": [] }), "target.type", json!("User"));
        assert_eq!(event, json!({ "target": [{ "type": "User" }] }));
        let event = changed(event, "target.alternateId", json!(["a", "b"]));
        assert_eq!(
            event,
            json!({ "target": [{ "type": "User", "alternateId": "a" }, { "alternateId": "b" }] })
        );
        let event = changed(event, "target.1.type", json!("AppInstance"));
        assert_eq!(event["target"][1], json!({ "alternateId": "b", "type": "AppInstance" }));
    }

    #[test]
    fn what_is_computed_or_in_the_way_is_refused() {
        let mut event = json!({ "eventType": "user.session.start" });
        assert!(apply(&mut event, "enriched.geo.country", &json!("PT")).is_err());
        let failure = apply(&mut event, "eventType.name", &json!("x")).unwrap_err();
        assert!(failure.detail.unwrap().contains("user.session.start"));
        assert!(apply(&mut json!({ "target": [] }), "target.999999.id", &json!("x")).is_err());
    }
}
