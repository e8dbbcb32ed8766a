//! `lockhouse plugin list`, `rollback`, `enable`, `disable` and `remove`: what a
//! server has.

use std::process::ExitCode;

use anyhow::ensure;
use reqwest::Method;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::{Server, say};

const PLUGINS: &str = "/admin/plugins";

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(super) struct Enable {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(super) struct Disable {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    target: Target,
}

/// A plugin of a server.
#[derive(Debug, clap::Args)]
struct Target {
    /// What the plugin calls itself, such as `layered`.
    name: String,
    #[command(flatten)]
    server: Server,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let answer = Client::connect(&self.server)?.ask(Method::GET, PLUGINS, |r| r).await?;
        answer["plugins"].as_array().into_iter().flatten().for_each(say_plugin);
        Ok(ExitCode::SUCCESS)
    }
}

impl Rollback {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.target.tell("/rollback").await
    }
}

impl Enable {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.target.tell("/enable").await
    }
}

impl Disable {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.target.tell("/disable").await
    }
}

impl Remove {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let path = path(&self.target.name)?;
        Client::connect(&self.target.server)?.ask(Method::DELETE, &path, |r| r).await?;
        say(format_args!("removed {}", self.target.name));
        Ok(ExitCode::SUCCESS)
    }
}

impl Target {
    async fn tell(&self, what: &str) -> anyhow::Result<ExitCode> {
        let path = format!("{}{what}", path(&self.name)?);
        let plugin = Client::connect(&self.server)?.ask(Method::POST, &path, |r| r).await?;
        say_plugin(&plugin);
        Ok(ExitCode::SUCCESS)
    }
}

/// Where a server has the plugin.
pub(super) fn path(name: &str) -> anyhow::Result<String> {
    ensure!(
        is_plugin_name(name),
        "“{name}” is no plugin's name: it has letters, digits, “-” and “_”"
    );
    Ok(format!("{PLUGINS}/{name}"))
}

pub(in crate::cli) fn is_plugin_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !name.is_empty() && name.bytes().all(plain)
}

/// One line, and what stands in its way if something does.
pub(super) fn say_plugin(plugin: &Value) {
    let text = |key: &str| plugin[key].as_str().unwrap_or_default().to_owned();
    let texts = |key: &str| {
        let list = plugin[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let name = format!("{}@{}", text("name"), text("version"));
    let mut line = format!("{name:<28} {:<9} {}", text("state"), texts("roles"));
    if !texts("granted").is_empty() {
        line = format!("{line}, granted {}", texts("granted"));
    }
    say(line.trim_end());
    if !text("reason").is_empty() {
        say(format_args!("    {}", text("reason")));
    }
}
