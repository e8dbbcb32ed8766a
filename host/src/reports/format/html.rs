//! A report as a page without scripts. Its texts are escaped by the template
//! engine; charts are SVG, each beside its figures.

use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;

use super::chart::{self, Key};
use super::show;
use crate::reports::{Block, Cell, Chart, Section, Table, Written};

/// Its name ends in `.html`, so that what is put into it is escaped.
const PAGE: (&str, &str) = ("page.html", include_str!("page.html"));

#[derive(Serialize)]
struct PageParts {
    title: String,
    report: String,
    at: String,
    parameters: Vec<(String, String)>,
    sections: Vec<SectionParts>,
}

#[derive(Serialize)]
struct SectionParts {
    title: String,
    blocks: Vec<BlockParts>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum BlockParts {
    Text {
        lines: Vec<String>,
    },
    /// Metrics that follow each other.
    Metrics {
        metrics: Vec<MetricParts>,
    },
    Table(TableParts),
    Chart {
        name: String,
        shape: &'static str,
        svg: Option<Value>,
        legend: Vec<Key>,
        figures: TableParts,
    },
}

#[derive(Serialize)]
struct MetricParts {
    name: String,
    value: String,
    unit: String,
}

#[derive(Serialize)]
struct TableParts {
    name: String,
    columns: Vec<ColumnParts>,
    rows: Vec<Vec<CellParts>>,
    truncated: bool,
}

#[derive(Serialize)]
struct ColumnParts {
    name: String,
    class: &'static str,
}

#[derive(Serialize)]
struct CellParts {
    text: String,
    class: &'static str,
}

pub(super) fn page(written: &Written) -> Result<String, String> {
    let sections = written.document.sections.iter().map(section);
    let parts = PageParts {
        title: written.document.title.clone(),
        report: written.report.clone(),
        at: show::cell(&Cell::Time(written.at.as_microsecond())),
        parameters: written.parameters.clone().into_iter().filter(|(_, v)| !v.is_empty()).collect(),
        sections: sections.collect::<Result<_, _>>().map_err(|error| error.to_string())?,
    };
    let (name, source) = PAGE;
    let page = Environment::new().render_named_str(name, source, Serde(parts));
    page.map_err(|error| format!("{error:#}"))
}

fn section(section: &Section) -> Result<SectionParts, chart::Failure> {
    let is_metric = |block: &Block| matches!(block, Block::Metric(_));
    let runs = section.blocks.chunk_by(|a, b| is_metric(a) && is_metric(b));
    let blocks = runs.map(blocks).collect::<Result<_, _>>()?;
    Ok(SectionParts { title: section.title.clone(), blocks })
}

/// One block, or several metrics.
fn blocks(run: &[Block]) -> Result<BlockParts, chart::Failure> {
    Ok(match &run[0] {
        Block::Text(text) => BlockParts::Text { lines: text.lines().map(str::to_owned).collect() },
        Block::Metric(_) => {
            BlockParts::Metrics { metrics: run.iter().filter_map(metric).collect() }
        }
        Block::Table(found) => BlockParts::Table(table(found)),
        Block::Chart(found) => BlockParts::Chart {
            name: found.name.clone(),
            shape: found.shape.as_str(),
            svg: chart::svg(found)?.map(Value::from_safe_string),
            legend: chart::legend(found),
            figures: figures(found),
        },
    })
}

fn metric(block: &Block) -> Option<MetricParts> {
    let Block::Metric(metric) = block else { return None };
    let (name, unit) = (metric.name.clone(), metric.unit.clone());
    Some(MetricParts { name, value: show::cell(&metric.value), unit })
}

fn table(table: &Table) -> TableParts {
    let rows: Vec<Vec<_>> =
        table.rows.iter().map(|row| row.iter().map(cell_parts).collect()).collect();
    let columns = table.columns.iter().enumerate().map(|(at, name)| {
        // A column is what its first cell is that is not empty.
        let class = rows.iter().map(|row| row[at].class).find(|class| !class.is_empty());
        ColumnParts { name: name.clone(), class: class.unwrap_or_default() }
    });
    let columns = columns.collect();
    TableParts { name: table.name.clone(), columns, rows, truncated: table.truncated }
}

/// A chart's figures, for those who can't see it or want to know exactly.
fn figures(chart: &Chart) -> TableParts {
    let names = chart.series.iter().map(|series| series.name.clone());
    let rows = chart.labels.iter().enumerate().map(|(at, label)| {
        let values = chart.series.iter().map(|series| Cell::Number(series.values[at]));
        [Cell::Text(label.clone())].into_iter().chain(values).collect()
    });
    table(&Table {
        name: chart.name.clone(),
        columns: [String::new()].into_iter().chain(names).collect(),
        rows: rows.collect(),
        truncated: false,
    })
}

fn cell_parts(cell: &Cell) -> CellParts {
    let class = match cell {
        Cell::Empty => "",
        Cell::Text(_) => "text",
        Cell::Integer(_) | Cell::Number(_) => "number",
        Cell::Time(_) => "time",
    };
    CellParts { text: show::cell(cell), class }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{Document, Metric, Series, Shape};

    fn shown(blocks: Vec<Block>) -> String {
        let section = Section { title: "<i>s</i>".to_owned(), blocks };
        let document = Document { title: "<i>t</i>".to_owned(), sections: vec![section] };
        page(&Written {
            report: "r@1.0.0".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            parameters: [("since".to_owned(), "<i>7d</i>".to_owned())].into(),
            document,
        })
        .unwrap()
    }

    fn hostile() -> String {
        "<script>alert(1)</script>\" onload=\"x".to_owned()
    }

    #[test]
    fn nothing_that_a_report_says_becomes_markup() {
        let (name, unit) = (hostile(), hostile());
        let series = vec![Series { name: hostile(), values: vec![1.0] }; 2];
        let rows = vec![vec![Cell::Text(hostile())]];
        let page = shown(vec![
            Block::Text(hostile()),
            Block::Metric(Metric { name, value: Cell::Text(hostile()), unit }),
            Block::Table(Table {
                name: hostile(),
                columns: vec![hostile()],
                rows,
                truncated: true,
            }),
            Block::Chart(Chart {
                name: hostile(),
                shape: Shape::Bar,
                labels: vec![hostile()],
                series,
            }),
        ]);
        assert!(!page.contains("<script") && !page.contains("<i>"), "{page}");
        assert!(!page.contains("\" onload=\"x"), "{page}");
    }

    #[test]
    fn a_chart_is_a_picture_and_a_table() {
        let series = vec![Series { name: "x".to_owned(), values: vec![1.0, 2.5] }];
        let labels = vec!["a".to_owned(), "b".to_owned()];
        let chart = Chart { name: "c".to_owned(), shape: Shape::Line, labels, series };
        let page = shown(vec![Block::Chart(chart)]);
        assert!(page.contains("<svg") && page.contains("<td class=\"number\">2.5</td>"), "{page}");
    }
}
