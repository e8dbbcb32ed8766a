//! `lockhouse generate`

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, Event};
use super::{Server, complain, say};

/// How often a stream that breaks is taken up again without news in between.
const MAX_RETRIES: u32 = 12;

/// The longest wait before it is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The states that a bar goes through, and how far it is at each.
const PLACES: [(&str, u64); 8] = [
    ("queued", 0),
    ("planning", 0),
    ("planned", 10),
    ("writing", 10),
    ("installing", 40),
    ("starting", 75),
    ("checking", 85),
    ("fixing", 85),
];

/// What the bar moves while files are written.
const WRITING_SHARE: u64 = 30;

#[derive(Debug, clap::Args)]
pub(super) struct Generate {
    /// What to build, such as "a flask todo api with tests".
    prompt: String,
    /// The project; it is made if it does not exist.
    #[arg(long)]
    name: String,
    /// Kind of a new project; the agent chooses where none is named.
    #[arg(long)]
    kind: Option<String>,
    /// The agent; the server's first where none is named.
    #[arg(long)]
    agent: Option<String>,
    /// Writes the project without installing, starting or checking it.
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    server: Server,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Done { preview_url: Option<String> },
    Failed(String),
    Cancelled,
}

impl Generate {
    /// Follows the run to its end; one that fails is exit code 1.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        let mut body = json!({ "prompt": self.prompt, "run": !self.no_run });
        for (key, value) in [("kind", &self.kind), ("agent", &self.agent)] {
            if let Some(value) = value {
                body[key] = value.as_str().into();
            }
        }
        let began = client.post(&format!("/projects/{}/generate", self.name), &body).await?;
        let run = began["run_id"].as_str().context("the server named no run")?;
        let mut display = Display::start();
        let end = follow(&client, run, &mut display).await;
        display.finish();
        Ok(match end? {
            End::Done { preview_url } => {
                let url = preview_url.map(|path| format!("{}{path}", client.base()));
                say(url.unwrap_or_else(|| format!("{} is written", self.name)));
                ExitCode::SUCCESS
            }
            End::Failed(why) => {
                complain(&anyhow::Error::msg(why));
                ExitCode::FAILURE
            }
            End::Cancelled => {
                complain(&anyhow::Error::msg("the run was cancelled"));
                ExitCode::FAILURE
            }
        })
    }
}

/// Shows the run's events until the last one; a stream that breaks goes on
/// where it broke.
async fn follow(client: &Client, run: &str, display: &mut Display) -> anyhow::Result<End> {
    let path = format!("/runs/{run}/events");
    let (mut last, mut retries) = (None, 0);
    loop {
        let before = last.clone();
        let broke = match follow_once(client, &path, &mut last, display).await {
            Ok(Some(end)) => return Ok(end),
            Ok(None) => anyhow::Error::msg("the stream ended before the run did"),
            Err(error) if is_network(&error) => error,
            Err(error) => return Err(error),
        };
        retries = if last == before { retries + 1 } else { 1 };
        if retries > MAX_RETRIES {
            return Err(broke.context(format!("the run {run} goes on, and can't be followed")));
        }
        let wait = Duration::from_millis(100) * 2_u32.pow(retries.min(6));
        tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
    }
}

async fn follow_once(
    client: &Client,
    path: &str,
    last: &mut Option<String>,
    display: &mut Display,
) -> anyhow::Result<Option<End>> {
    let mut events = client.events(Method::GET, path, None, last.as_deref()).await?;
    while let Some(Event { id, data }) = events.next().await? {
        *last = id.or(last.take());
        if let Some(end) = end(&data) {
            return Ok(Some(end));
        }
        display.show(&data);
    }
    Ok(None)
}

fn is_network(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<reqwest::Error>())
}

fn end(event: &Value) -> Option<End> {
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    match event["type"].as_str()? {
        "done" => Some(End::Done { preview_url: text("preview_url") }),
        "failed" => Some(End::Failed(text("error").unwrap_or_default())),
        "cancelled" => Some(End::Cancelled),
        _ => None,
    }
}

/// A bar on a terminal, lines elsewhere.
enum Display {
    Bar(ProgressBar),
    Lines,
}

impl Display {
    fn start() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new(100);
        // A template that can't be read leaves the plain style.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24} {prefix} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self::Bar(bar)
    }

    fn show(&mut self, event: &Value) {
        let Some((state, message)) = headline(event) else { return };
        match self {
            Self::Lines => say(format_args!("{state}: {message}")),
            Self::Bar(bar) => {
                bar.set_position(position(event).max(bar.position()));
                bar.set_prefix(state);
                bar.set_message(message);
            }
        }
    }

    fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// An event's state and what is done in it, on one line.
fn headline(event: &Value) -> Option<(String, String)> {
    if event["type"] != "state" {
        return None;
    }
    let state = event["state"].as_str()?;
    let message = event["message"].as_str().unwrap_or_default();
    let message = message.lines().next().unwrap_or_default();
    let count = match (event["done"].as_u64(), event["total"].as_u64()) {
        (Some(done), Some(total)) => format!("({done} of {total}) "),
        _ => String::new(),
    };
    Some((state.to_owned(), format!("{count}{message}")))
}

/// How far the bar is, of 100.
fn position(event: &Value) -> u64 {
    let state = event["state"].as_str().unwrap_or_default();
    let place = PLACES.iter().find(|(name, _)| *name == state).map_or(0, |(_, place)| *place);
    match (event["done"].as_u64(), event["total"].as_u64()) {
        (Some(done), Some(total)) if state == "writing" && total > 0 => {
            place + done.min(total) * WRITING_SHARE / total
        }
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_moves_on_with_each_file() {
        let at = |done| position(&json!({ "state": "writing", "done": done, "total": 4 }));
        assert_eq!([at(0), at(2), at(4)], [10, 25, 40]);
    }

    #[test]
    fn a_command_of_several_lines_is_shown_on_one() {
        let event = json!({ "type": "state", "state": "installing", "message": "a\nb" });
        assert_eq!(headline(&event), Some(("installing".to_owned(), "a".to_owned())));
    }

    #[test]
    fn a_failure_ends_with_its_reason() {
        let event = json!({ "type": "failed", "error": "no network" });
        assert_eq!(end(&event), Some(End::Failed("no network".to_owned())));
    }

    #[test]
    fn a_run_without_a_server_of_its_own_has_no_preview() {
        let event = json!({ "type": "done", "preview_url": null });
        assert_eq!(end(&event), Some(End::Done { preview_url: None }));
    }
}
