//! The report `spend`: what models cost, by day, model, user and project.

use report_writing::{
    ALL, About, Block, Cell, Counts, Dataset, Days, Document, PROJECT, Parameters, Query, Report,
    Rows, bar, metric, since, table,
};

report_writing::guest!(Spend);

/// Models, users and projects that are listed.
const MOST_ROWS: usize = 50;
/// Bars that a reader can tell apart.
const MOST_BARS: usize = 10;

pub struct Spend;

impl Report for Spend {
    const ABOUT: About = About {
        id: "spend",
        title: "Model spend",
        summary: "What models cost: tokens by day, model, user and project.",
        parameters: &[since("30d"), PROJECT],
    };

    fn queries(parameters: &Parameters) -> Vec<Query> {
        let query = Query::new("spend").with("limit", ALL);
        vec![query.given(parameters, "since").given(parameters, "project")]
    }

    fn render(_parameters: &Parameters, dataset: &Dataset) -> Document {
        let spend = dataset.rows("spend");
        Document::new(Self::ABOUT.title)
            .with("Overview", overview(spend).into_iter().chain(dataset.cut(&["spend"])))
            .with("Tokens", by_day(spend).into_iter().chain(most(spend)))
            .with("By model", [listed(spend, "model")])
            .with("By user", [listed(spend, "user")])
            .with("By project", [listed(spend, "project")])
    }
}

fn overview(spend: Rows<'_>) -> Vec<Block> {
    vec![
        metric("Questions", spend.sum("calls"), ""),
        metric("Failed", spend.sum("failed"), ""),
        metric("Tokens asked", spend.sum("input_tokens"), ""),
        metric("Tokens answered", spend.sum("output_tokens"), ""),
    ]
}

fn by_day(spend: Rows<'_>) -> Option<Block> {
    let mut days = Days::default();
    for row in spend.iter() {
        let columns = ["input_tokens", "output_tokens"];
        days.add(row.number("day"), columns.map(|column| row.number(column)));
    }
    days.chart("Tokens by day", ["asked", "answered"]).unless_empty()
}

fn most(spend: Rows<'_>) -> Option<Block> {
    tokens(spend, "project").chart(MOST_BARS, "Projects that spent most", bar).unless_empty()
}

/// Both ways, by what stands in a column.
fn tokens(spend: Rows<'_>, by: &str) -> Counts {
    Counts::of(spend.iter().map(|row| {
        (row.text(by), row.number("input_tokens").saturating_add(row.number("output_tokens")))
    }))
}

fn listed(spend: Rows<'_>, by: &str) -> Block {
    let of = |column: &str| Counts::of(spend.iter().map(|row| (row.text(by), row.number(column))));
    let (calls, failed) = (of("calls"), of("failed"));
    let (asked, answered) = (of("input_tokens"), of("output_tokens"));
    let row = |(name, all): (&str, i64)| {
        let counts = [&calls, &failed, &asked, &answered].map(|of| Cell::from(of.get(name)));
        [vec![name.into()], counts.to_vec(), vec![all.into()]].concat()
    };
    let rows = tokens(spend, by).top(MOST_ROWS).into_iter().map(row).collect();
    let columns = [by, "questions", "failed", "asked", "answered", "tokens"];
    table(&format!("Spend by {by}"), &columns, rows, "No model was asked in this time.")
}
