//! What the built-in reports share: reading rows, counting, and laying out a
//! document. Each report is a crate of its own with one pure type that
//! implements [`Report`]; [`guest!`] makes a component of it.

mod count;
mod day;
mod document;
mod guest;
mod rows;

pub use count::Counts;
pub use day::{Days, label};
pub use document::{
    Block, Cell, Chart, Document, Section, Series, Shape, Table, bar, line, metric, pie, table,
    text,
};
pub use rows::{Row, Rows};

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Rows that are asked for where every one counts: the host's most.
pub const ALL: u32 = 2_000;

/// What a report says of itself.
pub struct About {
    pub id: &'static str,
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
}

pub struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub default: &'static str,
}

/// How far back a report looks.
pub const fn since(default: &'static str) -> Parameter {
    let description = "From when on: a time, or how long ago, such as 7d or 12h.";
    Parameter { name: "since", description, default }
}

/// The one project that a report is about.
pub const PROJECT: Parameter = Parameter {
    name: "project",
    description: "Name or id of one project; all of them where it is empty.",
    default: "",
};

/// A question to the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub name: &'static str,
    pub question: &'static str,
    pub parameters: Map<String, Value>,
}

impl Query {
    /// A question that has its rows under its own name.
    pub fn new(question: &'static str) -> Self {
        Self { name: question, question, parameters: Map::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// With what the operator gave under this name.
    #[must_use]
    pub fn given(self, parameters: &Parameters, name: &str) -> Self {
        let value = parameters.get(name).to_owned();
        self.with(name, value)
    }
}

/// What the operator gave, by name.
#[derive(Debug, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// One JSON object of texts; anything else is told.
    pub fn read(json: &str) -> Result<Self, String> {
        let told = |error| format!("The parameters must be one JSON object of texts: {error}.");
        serde_json::from_str(json).map(Self).map_err(told)
    }

    /// Empty where nothing was given.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// Rows by the names of their queries.
#[derive(Debug, Default)]
pub struct Dataset(Vec<Table>);

impl Dataset {
    pub fn new(tables: Vec<Table>) -> Self {
        Self(tables)
    }

    /// None where nothing of that name was handed over.
    pub fn rows(&self, name: &str) -> Rows<'_> {
        Rows::of(self.0.iter().find(|table| table.name == name))
    }

    /// A note where the host had more rows of these than it handed over.
    pub fn cut(&self, names: &[&str]) -> Option<Block> {
        let tables = self.0.iter().filter(|table| table.truncated);
        let cut: Vec<_> = tables.map(|table| table.name.as_str()).collect();
        let cut: Vec<_> = cut.into_iter().filter(|name| names.contains(name)).collect();
        (!cut.is_empty()).then(|| {
            text(format!(
                "There is more than was handed over of {}, so the figures are too low: choose a \
                 shorter time or one project.",
                cut.join(", ")
            ))
        })
    }
}

pub trait Report {
    const ABOUT: About;

    fn queries(parameters: &Parameters) -> Vec<Query>;

    fn render(parameters: &Parameters, dataset: &Dataset) -> Document;
}

/// As a query's parameters are written.
pub fn json(parameters: Map<String, Value>) -> String {
    Value::Object(parameters).to_string()
}

/// What is wrong with settings, of which reports have none: where, as a JSON
/// pointer, and why.
pub fn setting_problems(settings: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(settings) else {
        return vec![(String::new(), "The settings must be a JSON object: {}.".to_owned())];
    };
    let unknown = |key: &String| {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        (pointer, "This report has no settings; remove this key.".to_owned())
    };
    object.keys().map(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_parameters_are_handed_on() {
        let given = Parameters::read(r#"{"since": "7d"}"#).unwrap();
        let query = Query::new("runs").given(&given, "since").given(&given, "project");
        assert_eq!(
            (&query.parameters["since"], &query.parameters["project"]),
            (&"7d".into(), &"".into())
        );
        assert!(Parameters::read("[]").is_err());
    }

    #[test]
    fn rows_that_were_cut_are_told_by_name() {
        let table = |name: &str, truncated| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            rows: Vec::new(),
            truncated,
        };
        let dataset = Dataset::new(vec![table("a", false), table("b", true), table("c", true)]);
        let cut = dataset.cut(&["a", "b"]);
        assert!(matches!(cut, Some(Block::Text(text)) if text.contains("over of b,")));
        assert_eq!(dataset.cut(&["a"]), None);
    }

    #[test]
    fn settings_that_there_are_none_of_are_named() {
        assert!(setting_problems("{}").is_empty());
        assert_eq!(setting_problems(r#"{"a/b": 1}"#)[0].0, "/a~1b");
        assert_eq!(setting_problems("[]").len(), 1);
    }
}
