//! The settings an operator may give: the name of the model that is asked.

use serde_json::Value;

/// Names that the manifest asks for.
const MODELS: [&str; 3] = ["default", "small", "large"];

/// The model that is asked.
#[must_use]
pub fn model(settings: &str) -> &'static str {
    let named = serde_json::from_str::<Value>(settings).unwrap_or_default();
    MODELS.into_iter().find(|name| named["model"] == **name).unwrap_or(MODELS[0])
}

/// What is wrong with the settings: where, as a JSON pointer, and why.
#[must_use]
pub fn problems(settings: &str) -> Vec<(String, String)> {
    let object = match serde_json::from_str::<Value>(settings) {
        Ok(Value::Object(object)) => object,
        _ => return vec![(String::new(), "The settings must be a JSON object: {}.".to_owned())],
    };
    let problem = |(key, value): (&String, &Value)| {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        if key != "model" {
            return Some((pointer, "There is only the setting “model”.".to_owned()));
        }
        let known = MODELS.iter().any(|name| value == *name);
        (!known).then(|| (pointer, format!("It must be one of {}.", MODELS.join(", "))))
    };
    object.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_is_asked_where_none_is_named() {
        assert_eq!((model("{}"), model(r#"{"model": "small"}"#)), ("default", "small"));
    }

    #[test]
    fn what_is_no_setting_is_named() {
        assert!(problems(r#"{"model": "large"}"#).is_empty());
        assert_eq!(problems(r#"{"a/b": 1}"#)[0].0, "/a~1b");
        assert!(problems(r#"{"model": "x"}"#)[0].1.contains("default, small, large"));
        assert_eq!(problems("[]").len(), 1);
    }
}
