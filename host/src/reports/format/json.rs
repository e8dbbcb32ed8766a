//! A report as JSON, which is also how the API answers and describes one.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::clock::from_micros;
use crate::reports::{Block, Cell, Document, Query, Section, Written};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportView {
    /// The plugin that wrote it, with its version.
    pub report: String,
    pub at: String,
    /// Every parameter, as given or by default.
    pub parameters: BTreeMap<String, String>,
    #[serde(flatten)]
    pub document: DocumentView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentView {
    title: String,
    sections: Vec<SectionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SectionView {
    title: String,
    blocks: Vec<BlockView>,
}

/// Cells are null, a text, a number, or a time as RFC 3339.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockView {
    Text {
        text: String,
    },
    Metric {
        name: String,
        value: Value,
        unit: String,
    },
    Table {
        name: String,
        columns: Vec<String>,
        rows: Vec<Vec<Value>>,
        /// Whether there were more rows.
        truncated: bool,
    },
    Chart {
        name: String,
        /// `bar`, `line` or `pie`.
        shape: &'static str,
        labels: Vec<String>,
        /// Each has as many values as there are labels.
        series: Vec<SeriesView>,
    },
}

#[derive(Debug, Serialize, ToSchema)]
struct SeriesView {
    name: String,
    values: Vec<f64>,
}

pub(crate) fn report_view(written: Written) -> ReportView {
    ReportView {
        report: written.report,
        at: written.at.to_string(),
        parameters: written.parameters,
        document: document_view(written.document),
    }
}

/// A document as the API answers it.
pub(crate) fn document_view(document: Document) -> DocumentView {
    let sections = document.sections.into_iter().map(section_view).collect();
    DocumentView { title: document.title, sections }
}

/// A question, for whoever tries a report.
pub(crate) fn query_view(query: &Query) -> Value {
    let parameters: Value = serde_json::from_str(&query.parameters).unwrap_or_default();
    json!({ "name": query.name, "question": query.question, "parameters": parameters })
}

fn section_view(section: Section) -> SectionView {
    let blocks = section.blocks.into_iter().map(block_view).collect();
    SectionView { title: section.title, blocks }
}

fn block_view(block: Block) -> BlockView {
    match block {
        Block::Text(text) => BlockView::Text { text },
        Block::Metric(metric) => BlockView::Metric {
            name: metric.name,
            value: cell_view(metric.value),
            unit: metric.unit,
        },
        Block::Table(table) => BlockView::Table {
            name: table.name,
            columns: table.columns,
            rows: table
                .rows
                .into_iter()
                .map(|row| row.into_iter().map(cell_view).collect())
                .collect(),
            truncated: table.truncated,
        },
        Block::Chart(chart) => BlockView::Chart {
            name: chart.name,
            shape: chart.shape.as_str(),
            labels: chart.labels,
            series: chart
                .series
                .into_iter()
                .map(|series| SeriesView { name: series.name, values: series.values })
                .collect(),
        },
    }
}

fn cell_view(cell: Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Integer(number) => number.into(),
        Cell::Number(number) => number.into(),
        Cell::Time(micros) => from_micros(micros).to_string().into(),
    }
}
