//! Questions to reports as JSON: parameters, and the rows that the host would
//! hand over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Invalid, read};
use crate::reports::{Cell, Description, Table};

/// A question to a report. Without rows only its own questions are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportQuestion {
    parameters: BTreeMap<String, String>,
    pub dataset: Option<Vec<Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportRequest {
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    dataset: Option<Vec<TableRecord>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRecord {
    name: String,
    columns: Vec<String>,
    #[serde(default)]
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    truncated: bool,
}

/// A question to a report.
pub fn report(json: &[u8]) -> Result<ReportQuestion, Invalid> {
    let request: ReportRequest = read(json)?;
    let dataset = request.dataset.map(|tables| tables.into_iter().map(table).collect());
    Ok(ReportQuestion { parameters: request.parameters, dataset: dataset.transpose()? })
}

impl ReportQuestion {
    /// As the report is given them: what is left out has its default.
    pub fn parameters_of(&self, about: &Description) -> String {
        let defaults = about.parameters.iter().map(|p| (p.name.clone(), p.default.clone()));
        let all: BTreeMap<_, _> = defaults.chain(self.parameters.clone()).collect();
        serde_json::json!(all).to_string()
    }
}

fn table(record: TableRecord) -> Result<Table, Invalid> {
    let (name, columns) = (record.name, record.columns);
    if let Some(row) = record.rows.iter().find(|row| row.len() != columns.len()) {
        let (cells, columns) = (row.len(), columns.len());
        return Err(Invalid(format!(
            "dataset “{name}”: a row has {cells} cells, and there are {columns} columns"
        )));
    }
    let rows = record.rows.into_iter().map(|row| row.into_iter().map(cell).collect());
    let rows = rows.collect::<Result<_, _>>();
    let rows = rows.map_err(|why: String| Invalid(format!("dataset “{name}”: {why}")))?;
    Ok(Table { name, columns, rows, truncated: record.truncated })
}

/// Null, a text or a number stands for itself; a time is `{"time": "…"}`. TOML,
/// which cases are written in, has no null: there `{}` is empty.
fn cell(value: Value) -> Result<Cell, String> {
    match &value {
        Value::Null => Ok(Cell::Empty),
        Value::Object(object) if object.is_empty() => Ok(Cell::Empty),
        Value::String(text) => Ok(Cell::Text(text.clone())),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Ok(Cell::Integer(number)),
            (None, Some(number)) => Ok(Cell::Number(number)),
            (None, None) => Err(format!("{number} is too large")),
        },
        Value::Object(object) if object.len() == 1 && object.contains_key("time") => {
            let time = object["time"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            let time = time.ok_or_else(|| format!("{value}: use a time as 2026-01-31T12:00:00Z"));
            time.map(|time| Cell::Time(time.as_microsecond()))
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(format!(
            "{value} is no cell: use null, a text, a number or {{\"time\": \"2026-01-31T12:00:00Z\"}}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Parameter;

    fn cells(row: &str, columns: usize) -> Result<Vec<Cell>, Invalid> {
        let columns = serde_json::json!(vec!["c"; columns]);
        let json =
            format!(r#"{{"dataset": [{{"name": "t", "columns": {columns}, "rows": [{row}]}}]}}"#);
        Ok(report(json.as_bytes())?.dataset.unwrap().remove(0).rows.remove(0))
    }

    #[test]
    fn a_row_has_cells_of_every_sort() {
        let row = r#"[null, {}, "a", 1, 1.5, {"time": "1970-01-01T00:00:01Z"}]"#;
        let expected = [
            Cell::Empty,
            Cell::Empty,
            Cell::Text("a".to_owned()),
            Cell::Integer(1),
            Cell::Number(1.5),
            Cell::Time(1_000_000),
        ];
        assert_eq!(cells(row, 6).unwrap(), expected);
    }

    #[test]
    fn what_is_no_cell_is_told_what_is() {
        assert!(cells("[true]", 1).unwrap_err().0.contains("dataset “t”: true is no cell"));
        assert!(cells(r#"[{"time": "noon"}]"#, 1).unwrap_err().0.contains("use a time as"));
        assert!(cells("[1, 2]", 1).unwrap_err().0.contains("2 cells, and there are 1 columns"));
    }

    #[test]
    fn parameters_that_are_left_out_have_their_defaults() {
        let parameter = |name: &str, default: &str| Parameter {
            name: name.to_owned(),
            description: String::new(),
            default: default.to_owned(),
        };
        let about = Description {
            title: String::new(),
            summary: String::new(),
            parameters: vec![parameter("since", "30d"), parameter("project", "")],
        };
        let question = report(br#"{"parameters": {"since": "7d"}}"#).unwrap();
        assert_eq!(question.parameters_of(&about), r#"{"project":"","since":"7d"}"#);
        assert_eq!(question.dataset, None);
    }
}
