//! The report `decisions`: what the policies allowed and refused.

use report_writing::{
    ALL, About, Block, Cell, Counts, Dataset, Days, Document, Parameters, Query, Report, Rows, bar,
    metric, pie, since, table,
};

report_writing::guest!(Decisions);

/// Refused commands that are listed, the newest.
const MOST_COMMANDS: u32 = 50;
const MOST_RULES: usize = 50;
const MOST_BARS: usize = 10;

pub struct Decisions;

impl Report for Decisions {
    const ABOUT: About = About {
        id: "decisions",
        title: "Policy decisions",
        summary: "What the policies allowed and refused, by which rules, and whom it met.",
        parameters: &[since("30d")],
    };

    fn queries(parameters: &Parameters) -> Vec<Query> {
        let ask =
            |question, limit| Query::new(question).given(parameters, "since").with("limit", limit);
        let refused = ask("commands", MOST_COMMANDS).with("decision", "deny");
        vec![ask("decisions", ALL), Query { name: "refused", ..refused }]
    }

    fn render(_parameters: &Parameters, dataset: &Dataset) -> Document {
        let (decisions, refused) = (dataset.rows("decisions"), dataset.rows("refused"));
        let cut = dataset.cut(&["decisions"]);
        Document::new(Self::ABOUT.title)
            .with("Overview", overview(decisions).into_iter().chain(cut))
            .with("By day and risk", charts(decisions))
            .with("Rules that refused", rules(decisions))
            .with("Refused last", [commands(refused)])
    }
}

fn overview(decisions: Rows<'_>) -> Vec<Block> {
    let (judged, refused) = (decisions.sum("count"), denied(decisions));
    let share = if judged == 0 { 0.0 } else { refused as f64 * 100.0 / judged as f64 };
    vec![
        metric("Commands judged", judged, ""),
        metric("Refused", refused, ""),
        metric("Share refused", (share * 10.0).round() / 10.0, "%"),
    ]
}

fn denied(decisions: Rows<'_>) -> i64 {
    let denied = decisions.iter().filter(|row| row.text("decision") == "deny");
    denied.map(|row| row.number("count")).sum()
}

fn charts(decisions: Rows<'_>) -> Vec<Block> {
    let mut days = Days::default();
    for row in decisions.iter() {
        let count = row.number("count");
        let counts = if row.text("decision") == "deny" { [0, count] } else { [count, 0] };
        days.add(row.number("day"), counts);
    }
    let risks = Counts::of(decisions.iter().map(|row| (row.text("risk"), row.number("count"))));
    let by_day = days.chart("Decisions by day", ["allowed", "refused"]).unless_empty();
    let by_risk = risks.chart(MOST_BARS, "By risk", pie).unless_empty();
    by_day.into_iter().chain(by_risk).collect()
}

fn rules(decisions: Rows<'_>) -> Vec<Block> {
    let refused = || decisions.iter().filter(|row| row.text("decision") == "deny");
    let rules = Counts::of(refused().map(|row| (row.text("rule"), row.number("count"))));
    let row = |(rule, count): (&str, i64)| {
        let found = refused().find(|row| row.text("rule") == rule);
        let of = |column| found.map_or(Cell::Empty, |row| row.cell(column).clone());
        vec![rule.into(), of("policy"), of("risk"), count.into()]
    };
    let rows = rules.top(MOST_RULES).into_iter().map(row).collect();
    let columns = ["rule", "policy", "risk", "refused"];
    let listed = table("By rule", &columns, rows, "Nothing was refused in this time.");
    let chart = rules.chart(MOST_BARS, "Refusals by rule", bar).unless_empty();
    chart.into_iter().chain([listed]).collect()
}

fn commands(refused: Rows<'_>) -> Block {
    let columns = ["at", "project", "caller", "channel", "command", "rule", "risk"];
    let rows = refused.iter().map(|row| row.cells(&columns)).collect();
    table("Newest refused commands", &columns, rows, "No command was refused in this time.")
}
