//! What a report is asked and what it answers; a plugin gives the answers.

use async_trait::async_trait;

/// What a report says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// For a list of reports, such as `Refused commands`.
    pub title: String,
    /// One sentence.
    pub summary: String,
    pub parameters: Vec<Parameter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    /// One sentence.
    pub description: String,
    /// What counts where the operator gives nothing.
    pub default: String,
}

/// A question to the host, as a report writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What the report finds the rows by.
    pub name: String,
    pub question: String,
    /// One JSON object.
    pub parameters: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// Whether there were more rows than these.
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Integer(i64),
    Number(f64),
    /// Microseconds since 1970, UTC.
    Time(i64),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub title: String,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub title: String,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph of plain text.
    Text(String),
    Metric(Metric),
    Table(Table),
    Chart(Chart),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub name: String,
    pub value: Cell,
    /// Such as `MiB`; may be empty.
    pub unit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Bar,
    Line,
    Pie,
}

impl Shape {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Line => "line",
            Self::Pie => "pie",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub name: String,
    pub shape: Shape,
    pub labels: Vec<String>,
    pub series: Vec<Series>,
}

/// As many values as the chart has labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub values: Vec<f64>,
}

/// Why a report gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The parameters can't be served; the text is for whoever gave them.
    #[error("{0}")]
    Invalid(String),
    /// The report failed; the text names it and what stopped it.
    #[error("{0}")]
    Fault(String),
}

/// What turns rows into a document; a plugin, seen from this side.
#[async_trait]
pub trait Report: Send + Sync + 'static {
    /// Such as `usage`.
    fn id(&self) -> &str;

    /// Such as `usage@0.1.0`.
    fn name(&self) -> &str;

    fn description(&self) -> &Description;

    /// What it needs to know; `parameters` is one JSON object of texts.
    async fn queries(&self, parameters: &str) -> Result<Vec<Query>, ReportError>;

    async fn render(&self, parameters: &str, dataset: Vec<Table>) -> Result<Document, ReportError>;
}
