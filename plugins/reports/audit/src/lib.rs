//! The report `audit`: who did what, and what failed or was denied.

use report_writing::{
    ALL, About, Block, Counts, Dataset, Days, Document, Parameters, Query, Report, Row, Rows, bar,
    metric, since, table,
};

report_writing::guest!(Audit);

/// Entries that are looked through for what did not succeed.
const LOOKED_AT: u32 = 1_000;
/// Of those, how many are listed.
const MOST_ENTRIES: usize = 50;
const MOST_ACTIONS: usize = 100;
const MOST_BARS: usize = 10;
const OUTCOMES: [&str; 4] = ["ok", "failed", "denied", "interrupted"];

pub struct Audit;

impl Report for Audit {
    const ABOUT: About = About {
        id: "audit",
        title: "Audit summary",
        summary: "Who did what, and what failed or was denied.",
        parameters: &[since("7d")],
    };

    fn queries(parameters: &Parameters) -> Vec<Query> {
        let ask =
            |question, limit| Query::new(question).given(parameters, "since").with("limit", limit);
        vec![ask("actions", ALL), ask("audit", LOOKED_AT)]
    }

    fn render(_parameters: &Parameters, dataset: &Dataset) -> Document {
        let (actions, entries) = (dataset.rows("actions"), dataset.rows("audit"));
        let cut = dataset.cut(&["actions"]);
        Document::new(Self::ABOUT.title)
            .with("Overview", overview(actions).into_iter().chain(cut))
            .with("By day", by_day(actions))
            .with("Who", who(actions))
            .with("What", [what(actions)])
            .with("What did not succeed", [failures(entries)])
    }
}

fn with_outcome(actions: Rows<'_>, outcome: &str) -> i64 {
    let of = actions.iter().filter(|row| row.text("outcome") == outcome);
    of.map(|row| row.number("count")).sum()
}

fn overview(actions: Rows<'_>) -> Vec<Block> {
    let actors = Counts::of(actions.iter().map(|row| (row.text("actor"), 1)));
    vec![
        metric("Actions", actions.sum("count"), ""),
        metric("Actors", actors.len() as i64, ""),
        metric("Failed", with_outcome(actions, "failed"), ""),
        metric("Denied", with_outcome(actions, "denied"), ""),
        metric("Interrupted", with_outcome(actions, "interrupted"), ""),
    ]
}

fn by_day(actions: Rows<'_>) -> Option<Block> {
    let mut days = Days::default();
    for row in actions.iter() {
        let count = |outcome| if row.text("outcome") == outcome { row.number("count") } else { 0 };
        days.add(row.number("day"), OUTCOMES.map(count));
    }
    days.chart("Actions by day", OUTCOMES).unless_empty()
}

fn who(actions: Rows<'_>) -> Vec<Block> {
    let actors = Counts::of(actions.iter().map(|row| (row.text("actor"), row.number("count"))));
    let rows = actors.top(MOST_ACTIONS).into_iter();
    let rows = rows.map(|(actor, count)| vec![actor.into(), count.into()]).collect();
    let listed = table("By actor", &["actor", "actions"], rows, "Nobody did anything.");
    let chart = actors.chart(MOST_BARS, "Most active", bar).unless_empty();
    chart.into_iter().chain([listed]).collect()
}

fn what(actions: Rows<'_>) -> Block {
    let of = |outcome: &str| {
        let of = actions.iter().filter(|row| row.text("outcome") == outcome);
        Counts::of(of.map(|row| (row.text("action"), row.number("count"))))
    };
    let all = Counts::of(actions.iter().map(|row| (row.text("action"), row.number("count"))));
    let by_outcome = OUTCOMES.map(of);
    let row = |(action, _): (&str, i64)| {
        let counts = by_outcome.iter().map(|counts| counts.get(action).into());
        [action.into()].into_iter().chain(counts).collect()
    };
    let rows = all.top(MOST_ACTIONS).into_iter().map(row).collect();
    let columns = ["action", "ok", "failed", "denied", "interrupted"];
    table("By action", &columns, rows, "Nothing was done in this time.")
}

fn failures(entries: Rows<'_>) -> Block {
    let columns = ["at", "actor", "action", "target", "phase", "outcome", "request_id"];
    let failed = entries.iter().filter(|row| !is_success(row)).take(MOST_ENTRIES);
    let rows = failed.map(|row| row.cells(&columns)).collect();
    table("Newest", &columns, rows, "Everything that was done in this time succeeded.")
}

/// What was noted of a success stands behind `ok`.
fn is_success(row: &Row<'_>) -> bool {
    let outcome = row.text("outcome");
    row.text("phase") == "finished" && (outcome == "ok" || outcome.starts_with("ok; "))
}
