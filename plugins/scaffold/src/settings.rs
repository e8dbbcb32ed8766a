//! The settings an operator may give: there are none yet, so any key is named.

use serde_json::Value;

/// What is wrong with the settings: where, as a JSON pointer, and why.
pub fn problems(settings: &str) -> Vec<(String, String)> {
    let object = match serde_json::from_str::<Value>(settings) {
        Ok(Value::Object(object)) => object,
        _ => return vec![(String::new(), "The settings must be a JSON object: {}.".to_owned())],
    };
    let unknown = |key: &String| {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        (pointer, "The scaffold agent has no settings; remove this key.".to_owned())
    };
    object.keys().map(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_is_all_the_settings_there_are() {
        assert!(problems("{}").is_empty());
        assert_eq!(problems(r#"{"a/b": 1}"#)[0].0, "/a~1b");
        assert_eq!(problems("[]").len(), 1);
        assert_eq!(problems("{").len(), 1);
    }
}
