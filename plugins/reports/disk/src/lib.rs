//! The report `disk`: what projects take of the disk, the largest first.

use report_writing::{
    About, Block, Cell, Counts, Dataset, Document, PROJECT, Parameters, Query, Report, Row, Rows,
    bar, metric, table, text,
};

report_writing::guest!(Disk);

/// Projects that are listed.
const MOST_PROJECTS: u32 = 200;
const MOST_BARS: usize = 12;
const MIB: f64 = 1024.0 * 1024.0;

pub struct Disk;

impl Report for Disk {
    const ABOUT: About = About {
        id: "disk",
        title: "Disk",
        summary: "What projects take of the disk, the largest first.",
        parameters: &[PROJECT],
    };

    fn queries(parameters: &Parameters) -> Vec<Query> {
        vec![Query::new("disk").given(parameters, "project").with("limit", MOST_PROJECTS)]
    }

    fn render(_parameters: &Parameters, dataset: &Dataset) -> Document {
        let projects = dataset.rows("disk");
        Document::new(Self::ABOUT.title)
            .with("Overview", overview(projects).into_iter().chain(dataset.cut(&["disk"])))
            .with("Projects", listed(projects))
    }
}

fn overview(projects: Rows<'_>) -> Vec<Block> {
    let uncounted = projects.iter().filter(|row| row.cell("bytes") == &Cell::Empty).count();
    let mut blocks = vec![
        metric("Projects", projects.iter().count() as i64, ""),
        metric("Files", projects.sum("files"), ""),
        metric("Size", mib(projects.sum("bytes")), "MiB"),
    ];
    if uncounted > 0 {
        blocks.push(text(format!(
            "{uncounted} projects could not be counted in time, or have no workspace: they stand \
             without a size."
        )));
    }
    blocks
}

fn listed(projects: Rows<'_>) -> Vec<Block> {
    let sizes = Counts::of(projects.iter().map(|row| (row.text("project"), row.number("bytes"))));
    let in_mib = sizes.top(MOST_BARS).into_iter();
    let in_mib = in_mib.map(|(project, bytes)| (project.to_owned(), mib(bytes))).collect();
    let chart = bar("Largest projects, in MiB", in_mib).unless_empty();
    let columns = ["project", "owner", "kind", "MiB", "files", "created"];
    let rows = projects.iter().map(row).collect();
    let table = table("By project", &columns, rows, "There is no project yet.");
    chart.into_iter().chain([table]).collect()
}

fn row(row: Row<'_>) -> Vec<Cell> {
    let size = match row.cell("bytes") {
        Cell::Integer(bytes) => mib(*bytes).into(),
        _ => Cell::Empty,
    };
    let [about, rest] = [["project", "owner", "kind"].as_slice(), &["files", "created"]];
    [row.cells(about), vec![size], row.cells(rest)].concat()
}

/// With two decimals.
fn mib(bytes: i64) -> f64 {
    (bytes as f64 / MIB * 100.0).round() / 100.0
}
