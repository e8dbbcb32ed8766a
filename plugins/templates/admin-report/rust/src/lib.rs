//! Counts the commands of each project.

// The bindings are generated from `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });
}

use std::collections::BTreeMap;

use bindings::exports::lockhouse::admin::report::{
    self, Block, Cell, Chart, ChartShape, Document, Metric, Parameter, Query, Section, Series,
    Table,
};
use bindings::exports::lockhouse::plugin::lifecycle::{self, Problem};
use bindings::lockhouse::host::settings;
use bindings::lockhouse::types::errors::Error;
use serde_json::{Value, json};

/// What the setting `most` is where the operator gives none.
const MOST: usize = 20;

struct Plugin;

impl lifecycle::Guest for Plugin {
    fn describe() -> lifecycle::Description {
        lifecycle::Description {
            id: "my-plugin".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Counts the commands of each project.".to_owned(),
        }
    }

    fn validate_settings(json: String) -> Result<(), Vec<Problem>> {
        most(&json).map(drop).map_err(|problem| vec![problem])
    }
}

impl report::Guest for Plugin {
    fn describe() -> report::Description {
        report::Description {
            title: "Commands by project".to_owned(),
            summary: "Which projects run how many commands.".to_owned(),
            parameters: vec![Parameter {
                name: "since".to_owned(),
                description: "From when on, such as 7d or 12h.".to_owned(),
                default: "30d".to_owned(),
            }],
        }
    }

    /// What the host should look up; it hands the rows to `render`.
    fn queries(parameters: String) -> Result<Vec<Query>, Error> {
        let given: Value = serde_json::from_str(&parameters)
            .map_err(|error| Error::Invalid(format!("the parameters: {error}")))?;
        Ok(vec![Query {
            name: "activity".to_owned(),
            question: "activity".to_owned(),
            parameters: json!({ "since": given["since"], "limit": 2000 }).to_string(),
        }])
    }

    fn render(_parameters: String, dataset: Vec<Table>) -> Result<Document, Error> {
        let most = most(&settings::get()).map_err(|problem| Error::Invalid(problem.message))?;
        let mut projects: Vec<_> = commands(&dataset).into_iter().collect();
        // The busiest first.
        projects.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let all = projects.len();
        projects.truncate(most);
        Ok(Document {
            title: "Commands by project".to_owned(),
            sections: vec![Section {
                title: "Projects".to_owned(),
                blocks: blocks(&projects, all),
            }],
        })
    }
}

/// How many commands each project ran.
fn commands(dataset: &[Table]) -> BTreeMap<String, i64> {
    let mut commands = BTreeMap::new();
    for table in dataset.iter().filter(|table| table.name == "activity") {
        let column = |name: &str| table.columns.iter().position(|column| column == name);
        let (Some(project), Some(count)) = (column("project"), column("commands")) else {
            continue;
        };
        for row in &table.rows {
            if let (Cell::Text(project), Cell::Integer(count)) = (&row[project], &row[count]) {
                *commands.entry(project.clone()).or_default() += count;
            }
        }
    }
    commands
}

fn blocks(projects: &[(String, i64)], all: usize) -> Vec<Block> {
    if projects.is_empty() {
        return vec![Block::Text("No command was run in this time.".to_owned())];
    }
    let row = |(project, count): &(String, i64)| {
        vec![Cell::Text(project.clone()), Cell::Integer(*count)]
    };
    vec![
        Block::Metric(Metric {
            name: "Shown".to_owned(),
            value: Cell::Text(format!("{} of {all} projects", projects.len())),
            unit: String::new(),
        }),
        Block::Chart(Chart {
            name: "Commands".to_owned(),
            shape: ChartShape::Bar,
            labels: projects.iter().map(|(project, _)| project.clone()).collect(),
            // As many values as there are labels.
            series: vec![Series {
                name: "commands".to_owned(),
                values: projects.iter().map(|(_, count)| *count as f64).collect(),
            }],
        }),
        Block::Table(Table {
            name: "By project".to_owned(),
            columns: vec!["project".to_owned(), "commands".to_owned()],
            rows: projects.iter().map(row).collect(),
            truncated: projects.len() < all,
        }),
    ]
}

/// The setting, or what is wrong with the settings and where.
fn most(json: &str) -> Result<usize, Problem> {
    let problem = |path: &str, message: &str| Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let settings: serde_json::Map<String, Value> =
        serde_json::from_str(json).map_err(|_| problem("", "must be one JSON object"))?;
    if let Some(key) = settings.keys().find(|key| *key != "most") {
        return Err(problem(&format!("/{key}"), "is no setting; known: most"));
    }
    match settings.get("most").map(Value::as_u64) {
        None => Ok(MOST),
        Some(Some(most @ 1..=100)) => Ok(most as usize),
        Some(_) => Err(problem("/most", "must be a whole number from 1 to 100")),
    }
}

bindings::export!(Plugin with_types_in bindings);
