//! The report `runtimes`: how the runtimes are, and what they use.

use report_writing::{
    ALL, About, Block, Cell, Chart, Counts, Dataset, Document, PROJECT, Parameters, Query, Report,
    Row, Rows, Series, Shape, metric, pie, table,
};

report_writing::guest!(Runtimes);

const MOST_BARS: usize = 12;
const MIB: f64 = 1024.0 * 1024.0;

pub struct Runtimes;

impl Report for Runtimes {
    const ABOUT: About = About {
        id: "runtimes",
        title: "Runtime health",
        summary: "How the runtimes are: what runs, what failed, and what they use.",
        parameters: &[PROJECT],
    };

    fn queries(parameters: &Parameters) -> Vec<Query> {
        vec![Query::new("runtimes").given(parameters, "project").with("limit", ALL)]
    }

    fn render(_parameters: &Parameters, dataset: &Dataset) -> Document {
        let runtimes = dataset.rows("runtimes");
        Document::new(Self::ABOUT.title)
            .with("Overview", overview(runtimes).into_iter().chain(dataset.cut(&["runtimes"])))
            .with("States", states(runtimes))
            .with("Needs attention", [troubled(runtimes)])
            .with("Use", usage(runtimes))
    }
}

/// Whether it is not as it should be.
fn is_troubled(row: &Row<'_>) -> bool {
    row.text("status") == "failed" || row.text("status") != row.text("desired")
}

fn running(runtimes: Rows<'_>) -> impl Iterator<Item = Row<'_>> + Clone {
    runtimes.iter().filter(|row| row.text("status") == "running")
}

fn overview(runtimes: Rows<'_>) -> Vec<Block> {
    vec![
        metric("Runtimes", runtimes.iter().count() as i64, ""),
        metric("Running", running(runtimes).count() as i64, ""),
        metric("Need attention", runtimes.iter().filter(is_troubled).count() as i64, ""),
        metric("Memory in use", mib(runtimes.sum("memory_bytes")), "MiB"),
        metric("Programs", runtimes.sum("pids"), ""),
    ]
}

fn states(runtimes: Rows<'_>) -> Option<Block> {
    let states = Counts::of(runtimes.iter().map(|row| (row.text("status"), 1)));
    states.chart(MOST_BARS, "Runtimes by state", pie).unless_empty()
}

fn troubled(runtimes: Rows<'_>) -> Block {
    let columns = ["project", "owner", "desired", "status", "reason", "changed"];
    let troubled = runtimes.iter().filter(is_troubled);
    let rows = troubled.map(|row| row.cells(&columns)).collect();
    table("Not as they should be", &columns, rows, "Every runtime is as it should be.")
}

fn usage(runtimes: Rows<'_>) -> Vec<Block> {
    let columns = [
        "project", "owner", "kind", "engine", "status", "starts", "MiB", "of MiB", "CPU s",
        "programs",
    ];
    let rows = runtimes.iter().map(row).collect();
    let listed = table("All runtimes", &columns, rows, "There is no runtime yet.");
    memory(runtimes).unless_empty().into_iter().chain([listed]).collect()
}

/// What the largest of those that run use of what they may.
fn memory(runtimes: Rows<'_>) -> Chart {
    let mut all: Vec<_> = running(runtimes).collect();
    all.sort_by_key(|row| std::cmp::Reverse(row.number("memory_bytes")));
    all.truncate(MOST_BARS);
    let series = |name: &str, column: &str| Series {
        name: name.to_owned(),
        values: all.iter().map(|row| mib(row.number(column))).collect(),
    };
    Chart {
        name: "Memory, in MiB".to_owned(),
        shape: Shape::Bar,
        labels: all.iter().map(|row| row.text("project").to_owned()).collect(),
        series: vec![series("in use", "memory_bytes"), series("limit", "memory_limit_bytes")],
    }
}

fn row(row: Row<'_>) -> Vec<Cell> {
    let scaled = |column, scale: fn(i64) -> f64| match row.cell(column) {
        Cell::Integer(number) => scale(*number).into(),
        _ => Cell::Empty,
    };
    let about = row.cells(&["project", "owner", "kind", "engine", "status", "generation"]);
    let used = vec![
        scaled("memory_bytes", mib),
        scaled("memory_limit_bytes", mib),
        scaled("cpu_ms", |ms| (ms as f64 / 100.0).round() / 10.0),
    ];
    [about, used, row.cells(&["pids"])].concat()
}

/// With one decimal.
fn mib(bytes: i64) -> f64 {
    (bytes as f64 / MIB * 10.0).round() / 10.0
}
