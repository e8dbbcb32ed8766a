//! `lockhouse plugin add`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use super::{files, library, manifest};
use crate::cli::Server;
use crate::cli::client::Client;
use crate::plugins::{Config, beside};

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The plugin, as `lockhouse plugin pack` writes it; or NAME.wasm with its
    /// manifest beside it, in NAME.toml.
    file: PathBuf,
    /// Its settings, one JSON object.
    #[arg(long)]
    settings: Option<String>,
    /// What it may do of what it asks for, such as `kv`; may be repeated.
    #[arg(long = "grant")]
    grants: Vec<String>,
    /// The file of its signature.
    #[arg(long)]
    signature: Option<PathBuf>,
    /// Its verdicts are recorded and not applied.
    #[arg(long)]
    shadow: bool,
    #[command(flatten)]
    server: Server,
}

impl Add {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = self.component()?;
        let manifest = manifest::of(&bytes)?.context(manifest::MISSING)?;
        let form = self.form(bytes)?;
        let path = library::path(&manifest.id)?;
        let client = Client::connect(&self.server)?;
        let plugin = client.ask(Method::PUT, &path, |request| request.multipart(form)).await?;
        library::say_plugin(&plugin);
        Ok(ExitCode::SUCCESS)
    }

    /// With the manifest that lies beside it, where it carries none.
    fn component(&self) -> anyhow::Result<Vec<u8>> {
        let component = files::read(&self.file, Config::default().max_component_bytes)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = self.file.with_file_name(beside::file(&name));
        let text = beside.exists().then(|| files::read_text(&beside)).transpose()?;
        let joined = beside::joined(&name, component.clone(), text.as_deref())?;
        ensure!(
            self.signature.is_none() || joined == component,
            "the manifest of {name} lies beside it, so no signature of {name} is one of both: put \
             it inside by `lockhouse plugin pack`, and sign what that writes"
        );
        Ok(joined)
    }

    fn form(&self, bytes: Vec<u8>) -> anyhow::Result<Form> {
        let mut form = Form::new().part("component", Part::bytes(bytes).file_name("plugin.wasm"));
        if let Some(settings) = &self.settings {
            form = form.text("settings", settings.clone());
        }
        if !self.grants.is_empty() {
            form = form.text("grants", self.grants.join(","));
        }
        if let Some(signature) = &self.signature {
            form = form.text("signature", files::read_text(signature)?.trim().to_owned());
        }
        if self.shadow {
            form = form.text("mode", "shadow");
        }
        Ok(form)
    }
}
