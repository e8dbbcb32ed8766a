//! `lockhouse plugin grant` and `revoke`

use std::collections::BTreeSet;
use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use super::library;
use crate::cli::Server;
use crate::cli::client::Client;

#[derive(Debug, clap::Args)]
pub(super) struct Grant {
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, clap::Args)]
struct Change {
    /// What the plugin calls itself, such as `layered`.
    name: String,
    /// Such as `kv`, `project-files` or `secret/NAME`.
    #[arg(required = true)]
    grants: Vec<String>,
    #[command(flatten)]
    server: Server,
}

impl Grant {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let named = self.change.grants.clone();
        self.change.apply(|granted| granted.extend(named)).await
    }
}

impl Revoke {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let named = self.change.grants.clone();
        self.change.apply(|granted| granted.retain(|grant| !named.contains(grant))).await
    }
}

impl Change {
    /// The server takes all of a plugin's grants at once.
    async fn apply(self, change: impl FnOnce(&mut BTreeSet<String>)) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        let path = library::path(&self.name)?;
        let plugin = client.ask(Method::GET, &path, |request| request).await?;
        let granted = plugin["granted"].as_array().into_iter().flatten();
        let mut granted: BTreeSet<String> =
            granted.filter_map(Value::as_str).map(str::to_owned).collect();
        change(&mut granted);
        let (path, body) = (format!("{path}/grants"), json!({ "grants": granted }));
        library::say_plugin(&client.ask(Method::PUT, &path, |request| request.json(&body)).await?);
        Ok(ExitCode::SUCCESS)
    }
}
