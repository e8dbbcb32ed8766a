//! What a report may say of itself and answer with: bounds on every part, and
//! that charts have as many values as labels. Pure.

use super::question::MAX_ROWS;
use super::report::{Block, Cell, Chart, Description, Document, Query, Series, Shape, Table};

/// Questions that one report asks.
pub(super) const MAX_QUERIES: usize = 12;
/// Parameters that one report takes.
const MAX_PARAMETERS: usize = 20;
const MAX_SECTIONS: usize = 50;
/// Of all sections together.
const MAX_BLOCKS: usize = 200;
const MAX_COLUMNS: usize = 30;
/// Of all tables together.
const MAX_CELLS: usize = 50_000;
const MAX_LABELS: usize = 400;
const MAX_SERIES: usize = 12;
/// Titles, names, columns, labels and units.
const MAX_NAME_BYTES: usize = 200;
/// A sentence.
const MAX_SENTENCE_BYTES: usize = 400;
/// A paragraph, or a cell of a table.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Larger values are no figures of ours, and nobody could draw them.
const MAX_VALUE: f64 = 1e15;

type Checked = Result<(), String>;

/// What is wrong with what a report says of itself.
pub(crate) fn check_description(description: &Description) -> Checked {
    name("its title", &description.title)?;
    sentence("its summary", &description.summary)?;
    at_most("parameters", description.parameters.len(), MAX_PARAMETERS)?;
    description.parameters.iter().try_for_each(|parameter| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let text = &parameter.name;
        if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) {
            return Err("a parameter's name is no 1 to 64 letters, digits, “-” or “_”".to_owned());
        }
        sentence("a parameter's description", &parameter.description)?;
        sentence("a parameter's default", &parameter.default)
    })
}

/// What is wrong with the questions it asks, before any is read.
pub(super) fn check_queries(queries: &[Query]) -> Checked {
    at_most("questions", queries.len(), MAX_QUERIES)?;
    queries.iter().try_for_each(|query| name("a query's name", &query.name))
}

/// What is wrong with what it made of the answers.
pub(crate) fn check_document(document: &Document) -> Checked {
    name("the title", &document.title)?;
    at_most("sections", document.sections.len(), MAX_SECTIONS)?;
    let (mut blocks, mut cells) = (0, 0);
    for section in &document.sections {
        name("a section's title", &section.title)?;
        blocks += section.blocks.len();
        at_most("blocks", blocks, MAX_BLOCKS)?;
        for block in &section.blocks {
            cells += check_block(block)?;
            at_most("cells", cells, MAX_CELLS)?;
        }
    }
    Ok(())
}

/// How many cells it has.
fn check_block(block: &Block) -> Result<usize, String> {
    match block {
        Block::Text(text) => paragraph("a paragraph", text).map(|()| 0),
        Block::Metric(metric) => {
            name("a metric's name", &metric.name)?;
            name("a metric's unit", &metric.unit)?;
            check_cell(&metric.value).map(|()| 1)
        }
        Block::Table(table) => check_table(table),
        Block::Chart(chart) => check_chart(chart).map(|()| 0),
    }
}

fn check_table(table: &Table) -> Result<usize, String> {
    name("a table's name", &table.name)?;
    at_most("columns", table.columns.len(), MAX_COLUMNS)?;
    at_most("rows", table.rows.len(), MAX_ROWS as usize)?;
    table.columns.iter().try_for_each(|column| name("a column", column))?;
    let columns = table.columns.len();
    for row in &table.rows {
        if row.len() != columns {
            return Err(format!(
                "the table “{}” has a row of {} cells and {columns} columns",
                table.name,
                row.len()
            ));
        }
        row.iter().try_for_each(check_cell)?;
    }
    Ok(table.rows.len() * columns)
}

fn check_cell(cell: &Cell) -> Checked {
    match cell {
        Cell::Text(text) => paragraph("a cell", text),
        Cell::Number(number) if !number.is_finite() => {
            Err("a cell has a number that is none".to_owned())
        }
        Cell::Time(micros) if jiff::Timestamp::from_microsecond(*micros).is_err() => {
            Err("a cell has a time that is none".to_owned())
        }
        Cell::Empty | Cell::Integer(_) | Cell::Number(_) | Cell::Time(_) => Ok(()),
    }
}

fn check_chart(chart: &Chart) -> Checked {
    name("a chart's name", &chart.name)?;
    at_most("labels", chart.labels.len(), MAX_LABELS)?;
    at_most("series", chart.series.len(), MAX_SERIES)?;
    chart.labels.iter().try_for_each(|label| name("a label", label))?;
    if chart.shape == Shape::Pie && chart.series.len() > 1 {
        return Err(format!("the pie “{}” has more than one series", chart.name));
    }
    chart.series.iter().try_for_each(|series| check_series(chart, series))
}

fn check_series(chart: &Chart, series: &Series) -> Checked {
    name("a series' name", &series.name)?;
    let (values, labels) = (series.values.len(), chart.labels.len());
    if values != labels {
        return Err(format!(
            "the chart “{}” has {labels} labels, and its series “{}” {values} values",
            chart.name, series.name
        ));
    }
    let least = if chart.shape == Shape::Pie { 0.0 } else { -MAX_VALUE };
    if series.values.iter().all(|value| (least..=MAX_VALUE).contains(value)) {
        return Ok(());
    }
    Err(format!("the chart “{}” has a value that can't be drawn", chart.name))
}

fn name(what: &str, text: &str) -> Checked {
    bytes(what, text, MAX_NAME_BYTES)
}

fn sentence(what: &str, text: &str) -> Checked {
    bytes(what, text, MAX_SENTENCE_BYTES)
}

fn paragraph(what: &str, text: &str) -> Checked {
    bytes(what, text, MAX_TEXT_BYTES)
}

fn bytes(what: &str, text: &str, limit: usize) -> Checked {
    if text.len() <= limit {
        return Ok(());
    }
    Err(format!("{what} has {} bytes, limit {limit}", text.len()))
}

fn at_most(what: &str, count: usize, limit: usize) -> Checked {
    if count <= limit {
        return Ok(());
    }
    Err(format!("it has {count} {what}, limit {limit}"))
}

#[cfg(test)]
mod tests {
    use super::super::report::{Metric, Parameter, Section};
    use super::*;

    fn of(block: Block) -> Checked {
        let section = Section { title: "s".to_owned(), blocks: vec![block] };
        check_document(&Document { title: "t".to_owned(), sections: vec![section] })
    }

    fn chart(shape: Shape, labels: usize, series: &[&[f64]]) -> Block {
        let labels = (0..labels).map(|n| n.to_string()).collect();
        let named = |values: &&[f64]| Series { name: "x".to_owned(), values: values.to_vec() };
        let series = series.iter().map(named).collect();
        Block::Chart(Chart { name: "c".to_owned(), shape, labels, series })
    }

    fn table(columns: usize, rows: Vec<Vec<Cell>>) -> Block {
        let columns = vec!["c".to_owned(); columns];
        Block::Table(Table { name: "t".to_owned(), columns, rows, truncated: false })
    }

    fn refusal(block: Block) -> String {
        of(block).unwrap_err()
    }

    #[test]
    fn a_chart_with_as_many_values_as_labels_is_accepted() {
        assert_eq!(of(chart(Shape::Line, 2, &[&[1.0, 2.0], &[-1.0, 0.0]])), Ok(()));
    }

    #[test]
    fn a_series_that_does_not_fit_its_labels_is_told_with_both_numbers() {
        let error = refusal(chart(Shape::Bar, 3, &[&[1.0, 2.0]]));
        assert_eq!(error, "the chart “c” has 3 labels, and its series “x” 2 values");
    }

    #[test]
    fn values_that_nobody_can_draw_are_refused() {
        for value in [f64::NAN, f64::INFINITY, 1e300] {
            assert!(refusal(chart(Shape::Line, 1, &[&[value]])).contains("can't be drawn"));
        }
        assert!(refusal(chart(Shape::Pie, 1, &[&[-1.0]])).contains("can't be drawn"));
        assert!(refusal(chart(Shape::Pie, 1, &[&[1.0], &[1.0]])).contains("more than one series"));
    }

    #[test]
    fn a_row_without_a_cell_for_each_column_is_refused() {
        let error = refusal(table(2, vec![vec![Cell::Empty]]));
        assert_eq!(error, "the table “t” has a row of 1 cells and 2 columns");
    }

    #[test]
    fn more_than_a_reader_could_take_in_is_refused() {
        assert!(refusal(Block::Text("x".repeat(20_000))).contains("limit 16384"));
        assert!(refusal(table(1, vec![vec![Cell::Empty]; 3_000])).contains("limit 2000"));
        assert!(refusal(table(31, Vec::new())).contains("31 columns, limit 30"));
        assert!(refusal(table(30, vec![vec![Cell::Empty; 30]; 1_800])).contains("limit 50000"));
    }

    #[test]
    fn numbers_and_times_that_are_none_are_refused() {
        let metric = |value| Block::Metric(Metric { name: "m".into(), value, unit: "".into() });
        assert!(refusal(metric(Cell::Number(f64::NAN))).contains("number that is none"));
        assert!(refusal(metric(Cell::Time(i64::MAX))).contains("time that is none"));
        assert_eq!(of(metric(Cell::Time(0))), Ok(()));
    }

    #[test]
    fn a_parameter_has_a_plain_name() {
        let parameter = Parameter {
            name: "a b".to_owned(),
            description: String::new(),
            default: String::new(),
        };
        let description = Description {
            title: "t".to_owned(),
            summary: "s".to_owned(),
            parameters: vec![parameter],
        };
        assert!(check_description(&description).unwrap_err().contains("letters, digits"));
    }
}
