//! `lockhouse exec`

use std::io::Write as _;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use super::client::Client;
use super::{Server, say};

#[derive(Debug, clap::Args)]
pub(super) struct Exec {
    /// The project.
    project: String,
    /// Seconds after which it is ended.
    #[arg(long)]
    timeout: Option<u64>,
    /// Working directory, relative to the workspace.
    #[arg(long)]
    cwd: Option<String>,
    /// Says the command's id and does not wait for its end.
    #[arg(long)]
    detach: bool,
    /// A shell session: the command begins where the one before it ended.
    #[arg(long)]
    session: Option<String>,
    /// The command: one word is text for the shell, several are a program and
    /// its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    #[command(flatten)]
    server: Server,
}

impl Exec {
    /// Its exit code is the command's.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        let mut body = json!({
            "timeout": self.timeout, "cwd": self.cwd, "detach": self.detach,
            "session": self.session, "changed_files": false,
        });
        match self.command.as_slice() {
            [text] => body["command"] = text.as_str().into(),
            words => body["argv"] = words.into(),
        }
        let path = format!("/containers/{}/exec", self.project);
        if self.detach {
            let json = |request: reqwest::RequestBuilder| {
                request.header(ACCEPT, "application/json").json(&body)
            };
            let begun = client.ask(Method::POST, &path, json).await?;
            say(begun["id"].as_str().unwrap_or_default());
            return Ok(ExitCode::SUCCESS);
        }
        let mut events = client.events(Method::POST, &path, Some(&body), None).await?;
        while let Some(event) = events.next().await? {
            if let Some(code) = show(&event.data)? {
                return Ok(code);
            }
        }
        anyhow::bail!("the stream ended before the command did")
    }
}

fn show(event: &Value) -> anyhow::Result<Option<ExitCode>> {
    match event["type"].as_str() {
        Some("stdout") => std::io::stdout().write_all(&bytes(event)?)?,
        Some("stderr") => std::io::stderr().write_all(&bytes(event)?)?,
        Some("exit") => {
            let code = event["data"].as_i64().unwrap_or(1);
            return Ok(Some(ExitCode::from(u8::try_from(code).unwrap_or(1))));
        }
        _ => {}
    }
    Ok(None)
}

fn bytes(event: &Value) -> anyhow::Result<Vec<u8>> {
    let data = event["data"].as_str().unwrap_or_default();
    match event["encoding"].as_str() {
        Some("base64") => Ok(STANDARD.decode(data)?),
        _ => Ok(data.as_bytes().to_vec()),
    }
}
