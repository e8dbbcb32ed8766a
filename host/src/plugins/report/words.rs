//! Between the words of `wit/admin` and those of the room of reports.

use crate::plugins::bindings::report::exports::lockhouse::admin::report as wit;
use crate::reports::{
    Block, Cell, Chart, Description, Document, Metric, Parameter, Query, Section, Series, Shape,
    Table,
};

pub(super) fn description_from_wit(said: wit::Description) -> Description {
    let parameter = |said: wit::Parameter| Parameter {
        name: said.name,
        description: said.description,
        default: said.default,
    };
    Description {
        title: said.title,
        summary: said.summary,
        parameters: said.parameters.into_iter().map(parameter).collect(),
    }
}

pub(super) fn query_from_wit(query: wit::Query) -> Query {
    Query { name: query.name, question: query.question, parameters: query.parameters }
}

pub(super) fn table_to_wit(table: Table) -> wit::Table {
    let row = |row: Vec<Cell>| row.into_iter().map(cell_to_wit).collect();
    wit::Table {
        name: table.name,
        columns: table.columns,
        rows: table.rows.into_iter().map(row).collect(),
        truncated: table.truncated,
    }
}

fn cell_to_wit(cell: Cell) -> wit::Cell {
    match cell {
        Cell::Empty => wit::Cell::Empty,
        Cell::Text(text) => wit::Cell::Text(text),
        Cell::Integer(number) => wit::Cell::Integer(number),
        Cell::Number(number) => wit::Cell::Number(number),
        Cell::Time(micros) => wit::Cell::Time(micros),
    }
}

pub(super) fn document_from_wit(document: wit::Document) -> Document {
    let section = |section: wit::Section| Section {
        title: section.title,
        blocks: section.blocks.into_iter().map(block_from_wit).collect(),
    };
    let sections = document.sections.into_iter().map(section).collect();
    Document { title: document.title, sections }
}

fn block_from_wit(block: wit::Block) -> Block {
    match block {
        wit::Block::Text(text) => Block::Text(text),
        wit::Block::Metric(metric) => Block::Metric(Metric {
            name: metric.name,
            value: cell_from_wit(metric.value),
            unit: metric.unit,
        }),
        wit::Block::Table(table) => Block::Table(table_from_wit(table)),
        wit::Block::Chart(chart) => Block::Chart(chart_from_wit(chart)),
    }
}

fn table_from_wit(table: wit::Table) -> Table {
    let row = |row: Vec<wit::Cell>| row.into_iter().map(cell_from_wit).collect();
    Table {
        name: table.name,
        columns: table.columns,
        rows: table.rows.into_iter().map(row).collect(),
        truncated: table.truncated,
    }
}

fn chart_from_wit(chart: wit::Chart) -> Chart {
    let series = |series: wit::Series| Series { name: series.name, values: series.values };
    Chart {
        name: chart.name,
        shape: match chart.shape {
            wit::ChartShape::Bar => Shape::Bar,
            wit::ChartShape::Line => Shape::Line,
            wit::ChartShape::Pie => Shape::Pie,
        },
        labels: chart.labels,
        series: chart.series.into_iter().map(series).collect(),
    }
}

fn cell_from_wit(cell: wit::Cell) -> Cell {
    match cell {
        wit::Cell::Empty => Cell::Empty,
        wit::Cell::Text(text) => Cell::Text(text),
        wit::Cell::Integer(number) => Cell::Integer(number),
        wit::Cell::Number(number) => Cell::Number(number),
        wit::Cell::Time(micros) => Cell::Time(micros),
    }
}

pub(super) fn queries_size(queries: &[wit::Query]) -> usize {
    let size = |q: &wit::Query| size_of::<wit::Query>() + q.name.len() + q.question.len();
    queries.iter().map(|query| size(query) + query.parameters.len()).sum()
}

/// What it takes to keep it, so that a million empty rows are not for nothing.
pub(super) fn document_size(document: &wit::Document) -> usize {
    let section = |section: &wit::Section| {
        size_of::<wit::Section>()
            + section.title.len()
            + section.blocks.iter().map(block_size).sum::<usize>()
    };
    document.title.len() + document.sections.iter().map(section).sum::<usize>()
}

fn block_size(block: &wit::Block) -> usize {
    let content = match block {
        wit::Block::Text(text) => text.len(),
        wit::Block::Metric(metric) => {
            metric.name.len() + cell_size(&metric.value) + metric.unit.len()
        }
        wit::Block::Table(table) => table_size(table),
        wit::Block::Chart(chart) => chart_size(chart),
    };
    size_of::<wit::Block>() + content
}

fn table_size(table: &wit::Table) -> usize {
    let row = |row: &Vec<wit::Cell>| {
        size_of::<Vec<wit::Cell>>() + row.iter().map(cell_size).sum::<usize>()
    };
    table.name.len() + texts_size(&table.columns) + table.rows.iter().map(row).sum::<usize>()
}

fn chart_size(chart: &wit::Chart) -> usize {
    let series = |series: &wit::Series| {
        size_of::<wit::Series>() + series.name.len() + size_of_val(series.values.as_slice())
    };
    chart.name.len() + texts_size(&chart.labels) + chart.series.iter().map(series).sum::<usize>()
}

fn texts_size(texts: &[String]) -> usize {
    texts.iter().map(|text| size_of::<String>() + text.len()).sum()
}

fn cell_size(cell: &wit::Cell) -> usize {
    let text = if let wit::Cell::Text(text) = cell { text.len() } else { 0 };
    size_of::<wit::Cell>() + text
}
