//! JSON Schemas that an answer must fit. They are a plugin's, so they keep to
//! the keywords that providers know as well, refer to nothing, hold no patterns,
//! and are checked within a number of steps.

use serde_json::{Map, Value};

/// The longest schema.
const MAX_BYTES: usize = 64 * 1024;

/// How deep one may be nested.
const MAX_DEPTH: usize = 32;

/// Values compared with schemas, for one answer.
const MAX_STEPS: u32 = 1_000_000;

const TYPES: [&str; 7] = ["object", "array", "string", "integer", "number", "boolean", "null"];

/// A schema that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    text: String,
    value: Value,
}

/// A schema that can't be used; the text says where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The schema can't be used: {0}.")]
pub struct InvalidSchema(String);

impl Schema {
    pub fn parse(text: &str) -> Result<Self, InvalidSchema> {
        if text.len() > MAX_BYTES {
            return Err(InvalidSchema(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| InvalidSchema(error.to_string()))?;
        read(&value, "", MAX_DEPTH).map_err(InvalidSchema)?;
        Ok(Self { text: text.to_owned(), value })
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Whether every object says all that it holds, as providers want it where
    /// they promise an answer that fits.
    pub(super) fn is_closed(&self) -> bool {
        is_closed(&self.value)
    }

    /// Says where a text is not JSON that fits.
    pub(super) fn check(&self, text: &str) -> Result<(), String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let mut steps = Steps(MAX_STEPS);
        steps.fits(&self.value, &value, "")
    }
}

/// Checks a schema itself; `at` is where it stands, as a JSON pointer.
fn read(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    let Value::Object(keys) = schema else {
        return Err(format!("{} is no object", place(at)));
    };
    if depth == 0 {
        return Err(format!("it is nested deeper than {MAX_DEPTH}"));
    }
    keys.iter().try_for_each(|(key, value)| read_keyword(key, value, at, depth))
}

fn read_keyword(key: &str, value: &Value, at: &str, depth: usize) -> Result<(), String> {
    let here = format!("{at}/{key}");
    let wrong = |what: &str| Err(format!("{here} must be {what}"));
    let nested = |name: &str, schema: &Value| read(schema, &format!("{here}/{name}"), depth - 1);
    match (key, value) {
        ("type", value) if types(value).is_some() => Ok(()),
        ("type", _) => wrong("the name of a type, or a list of them"),
        ("properties", Value::Object(all)) => {
            all.iter().try_for_each(|(name, schema)| nested(name, schema))
        }
        ("properties", _) => wrong("an object"),
        ("required", Value::Array(names)) if names.iter().all(Value::is_string) => Ok(()),
        ("required", _) => wrong("a list of names"),
        ("additionalProperties", Value::Bool(_)) => Ok(()),
        ("additionalProperties", _) => wrong("true or false"),
        ("items", schema) => read(schema, &here, depth - 1),
        ("enum", Value::Array(values)) if values.iter().all(is_scalar) => Ok(()),
        ("enum", _) => wrong("a list of plain values"),
        ("const", value) if is_scalar(value) => Ok(()),
        ("const", _) => wrong("a plain value"),
        ("anyOf", Value::Array(all)) if !all.is_empty() => {
            all.iter().enumerate().try_for_each(|(n, schema)| nested(&n.to_string(), schema))
        }
        ("anyOf", _) => wrong("a list of schemas"),
        ("minItems" | "maxItems" | "minLength" | "maxLength", value) if value.is_u64() => Ok(()),
        ("minItems" | "maxItems" | "minLength" | "maxLength", _) => wrong("a number of them"),
        ("minimum" | "maximum", Value::Number(_)) => Ok(()),
        ("minimum" | "maximum", _) => wrong("a number"),
        ("title" | "description", Value::String(_)) => Ok(()),
        ("title" | "description", _) => wrong("a text"),
        _ => Err(format!("{here} is a keyword that is not known here")),
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn types(value: &Value) -> Option<Vec<&str>> {
    let known = |value: &Value| TYPES.into_iter().find(|name| value.as_str() == Some(name));
    match value {
        Value::Array(all) if !all.is_empty() => all.iter().map(known).collect(),
        value => known(value).map(|name| vec![name]),
    }
}

fn place(at: &str) -> &str {
    if at.is_empty() { "its root" } else { at }
}

/// What is left to be compared.
struct Steps(u32);

impl Steps {
    fn fits(&mut self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let left = self.0.checked_sub(1);
        self.0 = left.ok_or_else(|| "it is too large to be compared with it".to_owned())?;
        let Value::Object(keys) = schema else { return Ok(()) };
        let wrong = |what: String| Err(format!("{} {what}", place(at)));
        if let Some(types) = keys.get("type").and_then(types)
            && !types.iter().any(|name| is_of_type(value, name))
        {
            return wrong(format!("is no {}", types.join(" or ")));
        }
        if keys.get("const").is_some_and(|wanted| wanted != value)
            || keys.get("enum").and_then(Value::as_array).is_some_and(|all| !all.contains(value))
        {
            return wrong("is none of the values that it may be".to_owned());
        }
        if let Some(any) = keys.get("anyOf").and_then(Value::as_array) {
            let fits = any.iter().any(|schema| self.fits(schema, value, at).is_ok());
            if !fits {
                return wrong("fits none of the schemas in anyOf".to_owned());
            }
        }
        match value {
            Value::String(text) => counted(keys, "Length", text.chars().count(), at),
            Value::Number(number) => within(keys, number.as_f64().unwrap_or(f64::NAN), at),
            Value::Array(items) => self.fits_items(keys, items, at),
            Value::Object(members) => self.fits_members(keys, members, at),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn fits_items(
        &mut self,
        keys: &Map<String, Value>,
        items: &[Value],
        at: &str,
    ) -> Result<(), String> {
        counted(keys, "Items", items.len(), at)?;
        let Some(schema) = keys.get("items") else { return Ok(()) };
        let mut items = items.iter().enumerate();
        items.try_for_each(|(n, item)| self.fits(schema, item, &format!("{at}/{n}")))
    }

    fn fits_members(
        &mut self,
        keys: &Map<String, Value>,
        members: &Map<String, Value>,
        at: &str,
    ) -> Result<(), String> {
        let required = keys.get("required").and_then(Value::as_array);
        let mut required = required.into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.find(|name| !members.contains_key(*name)) {
            return Err(format!("{} has no “{missing}”", place(at)));
        }
        let known = keys.get("properties").and_then(Value::as_object);
        let closed = keys.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, member) in members {
            match known.and_then(|known| known.get(name)) {
                Some(schema) => self.fits(schema, member, &format!("{at}/{name}"))?,
                None if closed => {
                    let name: String = name.chars().take(80).collect();
                    return Err(format!("{} has “{name}”, which it may not", place(at)));
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        // As JSON Schema has it, 1.0 is an integer as well.
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    }
}

fn counted(keys: &Map<String, Value>, what: &str, count: usize, at: &str) -> Result<(), String> {
    let bound = |end: &str| keys.get(&format!("{end}{what}")).and_then(Value::as_u64);
    let (least, most) = (bound("min").unwrap_or(0), bound("max").unwrap_or(u64::MAX));
    if (least..=most).contains(&(count as u64)) {
        return Ok(());
    }
    let what = what.to_lowercase();
    Err(format!("{} has {count} as its number of {what}, out of its bounds", place(at)))
}

fn within(keys: &Map<String, Value>, number: f64, at: &str) -> Result<(), String> {
    let bound = |name: &str| keys.get(name).and_then(Value::as_f64);
    let (least, most) =
        (bound("minimum").unwrap_or(f64::NEG_INFINITY), bound("maximum").unwrap_or(f64::INFINITY));
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(format!("{} is out of its bounds", place(at)))
}

fn is_closed(schema: &Value) -> bool {
    let Value::Object(keys) = schema else { return false };
    let properties = keys.get("properties").and_then(Value::as_object);
    let own = properties.is_none_or(|properties| {
        let required = keys.get("required").and_then(Value::as_array);
        keys.get("additionalProperties") == Some(&Value::Bool(false))
            && properties.keys().all(|name| {
                required.is_some_and(|all| all.iter().any(|r| r.as_str() == Some(name)))
            })
    });
    let any = keys.get("anyOf").and_then(Value::as_array);
    let mut below = properties.into_iter().flat_map(Map::values).chain(keys.get("items"));
    own && below.all(is_closed) && any.is_none_or(|all| all.iter().all(is_closed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILES: &str = r#"{"type": "object", "additionalProperties": false,
        "properties": {"files": {"type": "array", "maxItems": 2, "items": {"type": "string",
            "minLength": 1}}, "port": {"type": ["integer", "null"], "minimum": 1}},
        "required": ["files", "port"]}"#;

    fn why(text: &str) -> String {
        Schema::parse(FILES).unwrap().check(text).unwrap_err()
    }

    #[test]
    fn an_answer_that_fits_is_taken() {
        let schema = Schema::parse(FILES).unwrap();
        assert_eq!(schema.check(r#"{"files": ["a"], "port": 1}"#), Ok(()));
        assert_eq!(schema.check(r#"{"files": [], "port": null}"#), Ok(()));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_told_where() {
        assert!(why("{").starts_with("it is no JSON"));
        assert_eq!(why(r#"{"port": 1}"#), "its root has no “files”");
        assert_eq!(why(r#"{"files": [1], "port": 1}"#), "/files/0 is no string");
        assert!(why(r#"{"files": [""], "port": 1}"#).starts_with("/files/0 has 0"));
        assert!(why(r#"{"files": ["a","b","c"], "port": 1}"#).starts_with("/files has 3"));
        assert_eq!(why(r#"{"files": [], "port": 0}"#), "/port is out of its bounds");
        assert!(why(r#"{"files": [], "port": 1, "x": 1}"#).contains("“x”, which it may not"));
    }

    #[test]
    fn one_of_several_schemas_must_fit() {
        let schema = r#"{"anyOf": [{"const": "a"}, {"type": "integer", "enum": [1, 2]}]}"#;
        let schema = Schema::parse(schema).unwrap();
        assert_eq!((schema.check("\"a\""), schema.check("2")), (Ok(()), Ok(())));
        assert!(schema.check("3").unwrap_err().contains("none of the schemas"));
    }

    #[test]
    fn a_schema_with_what_nobody_checks_is_refused() {
        let refused = |text: &str| Schema::parse(text).unwrap_err().to_string();
        assert!(refused(r##"{"$ref": "#"}"##).contains("/$ref is a keyword that is not known"));
        assert!(refused(r#"{"items": {"pattern": "(a+)+"}}"#).contains("/items/pattern"));
        assert!(refused(r#"{"type": "file"}"#).contains("/type must be"));
        assert!(refused(&"[".repeat(10)).contains("EOF"));
        assert!(
            refused(&format!("{}{{}}{}", "{\"items\":".repeat(40), "}".repeat(40)))
                .contains("nested deeper")
        );
    }

    #[test]
    fn a_schema_that_multiplies_work_ends_at_its_bound() {
        let any = vec![r#"{"type": "null"}"#; 2_000].join(",");
        let schema = format!(r#"{{"items": {{"anyOf": [{any}, {{"type": "integer"}}]}}}}"#);
        let answer = format!("[{}1]", "1,".repeat(10_000));
        let why = Schema::parse(&schema).unwrap().check(&answer).unwrap_err();
        assert!(why.contains("none of the schemas") || why.contains("too large"), "{why}");
    }

    #[test]
    fn a_closed_schema_names_all_that_its_objects_hold() {
        assert!(Schema::parse(FILES).unwrap().is_closed());
        assert!(!Schema::parse(r#"{"properties": {"a": {}}}"#).unwrap().is_closed());
    }

    proptest! {
        #[test]
        fn no_text_is_more_than_refused(schema: String, answer: String) {
            let _ = Schema::parse(&schema);
            let _ = Schema::parse(FILES).unwrap().check(&answer);
        }
    }
}
