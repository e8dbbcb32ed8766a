//! A report as CSV: its blocks one after another, an empty line between them,
//! each begun by its section and its name.

use crate::clock::from_micros;
use crate::reports::{Block, Cell, Chart, Metric, Section, Table, Written};

/// What makes a spreadsheet take a text for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

type Record = Vec<String>;

pub(super) fn text(written: &Written) -> Result<String, csv::Error> {
    let parts = written.document.sections.iter().flat_map(parts);
    Ok(parts.map(|part| sheet(&part)).collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// One part for each block; metrics that follow each other are one.
fn parts(section: &Section) -> Vec<Vec<Record>> {
    let is_metric = |block: &Block| matches!(block, Block::Metric(_));
    let runs = section.blocks.chunk_by(|a, b| is_metric(a) && is_metric(b));
    runs.map(|run| {
        let mut records = vec![heading(section, &run[0])];
        records.extend(run.iter().flat_map(block_records));
        records
    })
    .collect()
}

fn heading(section: &Section, block: &Block) -> Record {
    let name = match block {
        Block::Text(_) => "text",
        Block::Metric(_) => "metrics",
        Block::Table(table) => &table.name,
        Block::Chart(chart) => &chart.name,
    };
    vec![harmless(&section.title), harmless(name)]
}

fn block_records(block: &Block) -> Vec<Record> {
    match block {
        Block::Text(text) => vec![vec![harmless(text)]],
        Block::Metric(metric) => vec![metric_record(metric)],
        Block::Table(table) => table_records(table),
        Block::Chart(chart) => chart_records(chart),
    }
}

fn metric_record(metric: &Metric) -> Record {
    vec![harmless(&metric.name), cell(&metric.value), harmless(&metric.unit)]
}

fn table_records(table: &Table) -> Vec<Record> {
    let columns = table.columns.iter().map(|column| harmless(column)).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(cell).collect());
    let more = table.truncated.then(|| vec!["There is more than is shown.".to_owned()]);
    [columns].into_iter().chain(rows).chain(more).collect()
}

fn chart_records(chart: &Chart) -> Vec<Record> {
    let names = chart.series.iter().map(|series| harmless(&series.name));
    let columns = [String::new()].into_iter().chain(names).collect();
    let rows = chart.labels.iter().enumerate().map(|(at, label)| {
        let values = chart.series.iter().map(|series| series.values[at].to_string());
        [harmless(label)].into_iter().chain(values).collect()
    });
    [columns].into_iter().chain(rows).collect()
}

/// Figures and times as programs read them.
fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => harmless(text),
        Cell::Number(number) => number.to_string(),
        Cell::Integer(number) => number.to_string(),
        Cell::Time(micros) => from_micros(*micros).to_string(),
        Cell::Empty => String::new(),
    }
}

/// Behind an apostrophe nothing is calculated.
fn harmless(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

fn sheet(records: &[Record]) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for record in records {
        writer.write_record(record)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(blocks: Vec<Block>) -> String {
        let section = Section { title: "s".to_owned(), blocks };
        let sheets = parts(&section).iter().map(|part| sheet(part).unwrap()).collect::<Vec<_>>();
        sheets.join("\n")
    }

    #[test]
    fn a_text_is_never_a_formula() {
        let rows = vec![vec![Cell::Text("=1+1, \"x\"".to_owned()), Cell::Integer(-1)]];
        let columns = vec!["a".to_owned(), "b".to_owned()];
        let table = Table { name: "t".to_owned(), columns, rows, truncated: false };
        assert_eq!(csv(vec![Block::Table(table)]), "s,t\na,b\n\"'=1+1, \"\"x\"\"\",-1\n");
    }

    #[test]
    fn metrics_stand_together_and_blocks_apart() {
        let metric = |name: &str| {
            let (name, unit) = (name.to_owned(), "MiB".to_owned());
            Block::Metric(Metric { name, value: Cell::Number(1.5), unit })
        };
        let blocks = vec![metric("a"), metric("b"), Block::Text("c".to_owned())];
        assert_eq!(csv(blocks), "s,metrics\na,1.5,MiB\nb,1.5,MiB\n\ns,text\nc\n");
    }
}
