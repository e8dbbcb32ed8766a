//! `lockhouse audit`: the record of who did what.

mod check;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::client::Client;
use super::{Server, say};

const AUDIT: &str = "/admin/audit";

#[derive(Debug, clap::Args)]
pub(super) struct AuditCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks that nobody edited, removed or reordered an entry.
    Verify {
        /// Looks into the database itself, which no server need be using.
        #[arg(long)]
        offline: bool,
        /// Configuration file that names the database, where it is looked into.
        #[arg(long)]
        config: Option<PathBuf>,
        /// A file that `export` wrote, in place of the record.
        #[arg(long, value_name = "FILE", conflicts_with = "offline")]
        file: Option<PathBuf>,
    },
    /// Writes all entries as JSON lines, the oldest first.
    Export {
        /// The file; they are printed where none is named.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Shows entries, the latest first.
    List(Filter),
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Who did it.
    #[arg(long)]
    actor: Option<String>,
    /// Such as file.write.
    #[arg(long)]
    action: Option<String>,
    /// The name of a project.
    #[arg(long)]
    project: Option<String>,
    /// A time, or how long ago, such as 7d.
    #[arg(long)]
    since: Option<String>,
    /// The same; what is from then on is left out.
    #[arg(long)]
    until: Option<String>,
    /// begun, ok, failed, denied or interrupted.
    #[arg(long)]
    outcome: Option<String>,
    /// How many, at the most.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

impl AuditCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Verify { file: Some(file), .. } => check::file(&file).await,
            Command::Verify { offline: true, config, .. } => {
                check::database(config.as_deref(), self.server.data).await
            }
            Command::Verify { .. } => {
                let client = Client::connect(&self.server)?;
                let path = format!("{AUDIT}/verify");
                check::tell(&client.ask(Method::GET, &path, |request| request).await?)
            }
            Command::Export { out } => export(&Client::connect(&self.server)?, out).await,
            Command::List(filter) => list(&Client::connect(&self.server)?, &filter).await,
        }
    }
}

async fn export(client: &Client, out: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let path = format!("{AUDIT}/export");
    match out {
        Some(out) => {
            let file = tokio::fs::File::create(&out).await;
            let mut file = file.with_context(|| out.display().to_string())?;
            client.copy(&path, &mut file).await?;
            file.sync_all().await?;
            say(out.display());
        }
        None => {
            let mut stdout = tokio::io::stdout();
            client.copy(&path, &mut stdout).await?;
            stdout.flush().await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, filter: &Filter) -> anyhow::Result<ExitCode> {
    let (asked, mut left, mut cursor) = (filter.query(), filter.limit, String::new());
    while left > 0 {
        let path = format!("{AUDIT}?limit={}{asked}{cursor}", left.min(1_000));
        let page = client.ask(Method::GET, &path, |request| request).await?;
        let Some(entries) = page["entries"].as_array() else {
            bail!("the server listed no entries");
        };
        entries.iter().for_each(say_entry);
        left = left.saturating_sub(entries.len());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Filter {
    fn query(&self) -> String {
        let named = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("project", &self.project),
            ("since", &self.since),
            ("until", &self.until),
            ("outcome", &self.outcome),
        ];
        let pair = |(name, value): (&str, &Option<String>)| {
            let value = value.as_deref()?;
            Some(format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        };
        named.into_iter().filter_map(pair).collect()
    }
}

fn say_entry(entry: &Value) {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let took = entry["duration_us"].as_i64().map(|us| format!(" {} ms", us / 1_000));
    say(format_args!(
        "{:>8}  {}  {:<12} {:<16} {:<11} {}  {}{}",
        entry["seq"],
        text("at"),
        text("actor"),
        text("action"),
        text("phase"),
        text("target"),
        text("outcome"),
        took.unwrap_or_default()
    ));
}
