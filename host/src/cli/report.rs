//! `lockhouse report`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use super::client::Client;
use super::plugin::{is_plugin_name, write};
use super::{Server, say};

const REPORTS: &str = "/admin/reports";

#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// The report; without it, those that there are are listed.
    name: Option<String>,
    #[arg(long, value_enum, default_value = "markdown")]
    format: Format,
    /// A parameter of the report, such as since=7d; may be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// The file it is written to; it is printed where none is named.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Html,
    Csv,
    Markdown,
}

impl Format {
    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }
}

impl Report {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        let Some(name) = &self.name else { return list(&client).await };
        let report = client.download(&self.path(name)?).await?;
        match &self.out {
            Some(file) => {
                write(file, &report)?;
                say(file.display());
            }
            None => say(String::from_utf8_lossy(&report).trim_end()),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn path(&self, name: &str) -> anyhow::Result<String> {
        ensure!(is_plugin_name(name), "“{name}” is no report; `lockhouse report` lists them");
        let mut path = format!("{REPORTS}/{name}?format={}", self.format.as_str());
        for param in &self.params {
            ensure!(param.contains('='), "--param {param}: write NAME=VALUE, such as since=7d");
            path += &format!("&param={}", utf8_percent_encode(param, NON_ALPHANUMERIC));
        }
        Ok(path)
    }
}

async fn list(client: &Client) -> anyhow::Result<ExitCode> {
    let answer = client.ask(Method::GET, REPORTS, |request| request).await?;
    let reports = answer["reports"].as_array().context("the server listed no reports")?;
    for report in reports {
        let text = |key: &str| report[key].as_str().unwrap_or_default();
        say(format_args!("{:<16} {}", text("name"), text("summary")));
        report["parameters"].as_array().into_iter().flatten().for_each(say_parameter);
    }
    Ok(ExitCode::SUCCESS)
}

fn say_parameter(parameter: &Value) {
    let text = |key: &str| parameter[key].as_str().unwrap_or_default();
    let given = format!("{}={}", text("name"), text("default"));
    say(format_args!("    --param {given:<16} {}", text("description")));
}
