//! `lockhouse review`: projects that are handed in, and what is said about them.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, rows};
use super::{Server, say};

const SUBMISSIONS: &str = "/submissions";

#[derive(Debug, clap::Args)]
pub(super) struct ReviewCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hands a project in as it is now.
    Submit {
        project: String,
        /// What reviewers should know.
        #[arg(long, default_value = "")]
        message: String,
    },
    /// Lists what you handed in, or, for reviewers, what everybody did.
    List {
        #[arg(long, value_enum)]
        state: Option<State>,
    },
    /// Shows a submission, the verdicts on it and the comments.
    Show { id: String },
    /// Shows what changed since the submission before it.
    Diff {
        id: String,
        /// Another submission to compare with, or “none”.
        #[arg(long)]
        against: Option<String>,
    },
    /// Remarks on a submission, on a file of it, or on a line.
    Comment {
        id: String,
        body: String,
        #[arg(long)]
        file: Option<String>,
        #[arg(long, requires = "file")]
        line: Option<u32>,
    },
    /// Finds a submission good.
    Approve {
        id: String,
        #[arg(long, default_value = "")]
        body: String,
    },
    /// Asks for another submission.
    RequestChanges {
        id: String,
        #[arg(long, default_value = "")]
        body: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum State {
    /// Those that wait.
    Open,
    Approved,
    ChangesRequested,
    Superseded,
}

impl ReviewCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        match self.command {
            Command::Submit { project, message } => {
                let path = format!("/projects/{}/submissions", word(&project));
                say_submission(&client.post(&path, &json!({ "message": message })).await?);
            }
            Command::List { state } => list(&client, state).await?,
            Command::Show { id } => show(&client, &id).await?,
            Command::Diff { id, against } => diff(&client, &id, against).await?,
            Command::Comment { id, body, file, line } => {
                let comment = json!({ "body": body, "file": file, "line": line });
                say_comment(&client.post(&about(&id, "/comments"), &comment).await?);
            }
            Command::Approve { id, body } => judge(&client, &id, ("approved", body)).await?,
            Command::RequestChanges { id, body } => {
                judge(&client, &id, ("changes_requested", body)).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, state: Option<State>) -> anyhow::Result<()> {
    let state = state.and_then(|state| state.to_possible_value());
    let filter = state.map(|state| format!("state={}", state.get_name())).unwrap_or_default();
    rows(client, SUBMISSIONS, "submissions", &filter).await?.iter().for_each(say_submission);
    Ok(())
}

async fn show(client: &Client, id: &str) -> anyhow::Result<()> {
    let submission = client.ask(Method::GET, &about(id, ""), |request| request).await?;
    say_submission(&submission);
    for verdict in submission["verdicts"].as_array().into_iter().flatten() {
        let text = |key: &str| verdict[key].as_str().unwrap_or_default();
        say(format_args!("{} by {}: {}", text("verdict"), text("author"), text("body")));
    }
    rows(client, &about(id, "/comments"), "comments", "").await?.iter().for_each(say_comment);
    Ok(())
}

async fn diff(client: &Client, id: &str, against: Option<String>) -> anyhow::Result<()> {
    let query = against.map(|other| format!("?against={}", word(&other))).unwrap_or_default();
    let diff = client.download_as(&about(id, &format!("/diff{query}")), "text/x-diff").await?;
    let diff = String::from_utf8_lossy(&diff);
    say(diff.strip_suffix('\n').unwrap_or(&diff));
    Ok(())
}

async fn judge(client: &Client, id: &str, (verdict, body): (&str, String)) -> anyhow::Result<()> {
    let verdict = json!({ "verdict": verdict, "body": body });
    say_submission(&client.post(&about(id, "/verdict"), &verdict).await?);
    Ok(())
}

fn about(id: &str, rest: &str) -> String {
    format!("{SUBMISSIONS}/{}{rest}", word(id))
}

fn word(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn say_submission(submission: &Value) {
    let text = |key: &str| submission[key].as_str().unwrap_or_default();
    let (id, project, number) = (text("id"), text("project"), &submission["number"]);
    say(format_args!(
        "{id}  {project} #{number} by {}, {}  {}",
        text("author"),
        text("state"),
        text("message")
    ));
}

fn say_comment(comment: &Value) {
    let text = |key: &str| comment[key].as_str().unwrap_or_default();
    let place = match (comment["file"].as_str(), comment["line"].as_u64()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => "-".to_owned(),
    };
    let outdated = if comment["outdated"] == true { " (outdated)" } else { "" };
    let resolved = if comment["resolved"] == true { " (resolved)" } else { "" };
    let author = text("author");
    say(format_args!("{place}{outdated}{resolved} {author}: {}", text("body")));
}
