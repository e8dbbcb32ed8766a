//! The report `usage`: what was run, by day, by project and by agents.

use report_writing::{
    ALL, About, Block, Cell, Counts, Dataset, Days, Document, PROJECT, Parameters, Query, Report,
    Rows, bar, metric, pie, since, table,
};

report_writing::guest!(Usage);

/// Projects that are listed.
const MOST_PROJECTS: usize = 50;
/// Bars that a reader can tell apart.
const MOST_BARS: usize = 10;
const MS_PER_MINUTE: f64 = 60_000.0;

pub struct Usage;

impl Report for Usage {
    const ABOUT: About = About {
        id: "usage",
        title: "Usage",
        summary: "What was run: commands by day and project, and the runs of agents.",
        parameters: &[since("30d"), PROJECT],
    };

    fn queries(parameters: &Parameters) -> Vec<Query> {
        let ask = |question| {
            let query = Query::new(question).with("limit", ALL);
            query.given(parameters, "since").given(parameters, "project")
        };
        vec![ask("activity"), ask("runs")]
    }

    fn render(_parameters: &Parameters, dataset: &Dataset) -> Document {
        let (activity, runs) = (dataset.rows("activity"), dataset.rows("runs"));
        Document::new(Self::ABOUT.title)
            .with(
                "Overview",
                overview(activity, runs).into_iter().chain(dataset.cut(&["activity", "runs"])),
            )
            .with("Commands", by_day(activity).into_iter().chain(by_project(activity)))
            .with("Runs of agents", of_agents(runs))
    }
}

fn overview(activity: Rows<'_>, runs: Rows<'_>) -> Vec<Block> {
    let projects = Counts::of(activity.iter().map(|row| (row.text("project"), 1)));
    vec![
        metric("Commands", activity.sum("commands"), ""),
        metric("Refused", activity.sum("refused"), ""),
        metric("Failed", activity.sum("failed"), ""),
        metric("Time of commands", minutes(activity.sum("duration_ms")), "min"),
        metric("Projects with commands", projects.len() as i64, ""),
        metric("Runs of agents", runs.iter().count() as i64, ""),
    ]
}

fn by_day(activity: Rows<'_>) -> Option<Block> {
    let mut days = Days::default();
    for row in activity.iter() {
        let columns = ["commands", "refused", "failed"];
        days.add(row.number("day"), columns.map(|column| row.number(column)));
    }
    days.chart("Commands by day", ["commands", "refused", "failed"]).unless_empty()
}

fn by_project(activity: Rows<'_>) -> Vec<Block> {
    let of = |column: &str| {
        Counts::of(activity.iter().map(|row| (row.text("project"), row.number(column))))
    };
    let (commands, refused) = (of("commands"), of("refused"));
    let (failed, duration) = (of("failed"), of("duration_ms"));
    let row = |(project, count): (&str, i64)| {
        let minutes = minutes(duration.get(project));
        let counts = [count, refused.get(project), failed.get(project)].map(Cell::from);
        [vec![project.into()], counts.to_vec(), vec![minutes.into()]].concat()
    };
    let rows = commands.top(MOST_PROJECTS).into_iter().map(row).collect();
    let columns = ["project", "commands", "refused", "failed", "minutes"];
    let listed = table("By project", &columns, rows, "No command was run in this time.");
    let chart = commands.chart(MOST_BARS, "Busiest projects", bar).unless_empty();
    chart.into_iter().chain([listed]).collect()
}

fn of_agents(runs: Rows<'_>) -> Vec<Block> {
    let states = Counts::of(runs.iter().map(|row| (row.text("state"), 1)));
    let agents = Counts::of(runs.iter().map(|row| (row.text("agent"), 1)));
    let row = |(agent, count): (&str, i64)| {
        let in_state = |state: &str| {
            let of = runs.iter().filter(|r| r.text("agent") == agent && r.text("state") == state);
            Cell::Integer(of.count() as i64)
        };
        vec![agent.into(), count.into(), in_state("done"), in_state("failed")]
    };
    let rows = agents.top(MOST_PROJECTS).into_iter().map(row).collect();
    let columns = ["agent", "runs", "done", "failed"];
    let listed = table("By agent", &columns, rows, "No agent ran in this time.");
    let chart = states.chart(MOST_BARS, "How runs ended", pie).unless_empty();
    chart.into_iter().chain([listed]).collect()
}

/// With one decimal.
fn minutes(ms: i64) -> f64 {
    (ms as f64 / MS_PER_MINUTE * 10.0).round() / 10.0
}
