//! `lockhouse plugin`: what authors and operators of plugins need, one file for
//! each command. What authors need works without a server, by the code with
//! which the server itself loads and calls plugins.

mod add;
mod answer;
mod bench;
mod check;
mod component;
mod files;
mod grants;
mod inspect;
mod judge;
mod keygen;
mod library;
mod manifest;
mod new;
mod pack;
mod recording;
mod run;
mod samples;
mod show;
mod sign;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

pub(super) use files::{read, write};
pub(super) use judge::Judge;
pub(super) use library::is_plugin_name;

use crate::config::default_data;
use crate::plugins::{Config, Plugin, Plugins, Rooms};

/// How long a call may wait for the processor.
const WALL_MS: u64 = 30_000;
/// How long a compilation may take, and cases all together: nobody else waits.
const PATIENCE_SECONDS: u64 = 600;

#[derive(Debug, clap::Args)]
pub(super) struct PluginCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Begins a plugin of your own, in a new folder.
    New(new::New),
    /// Makes a plugin of what a compiler wrote, with its `plugin.toml` inside.
    Pack(pack::Pack),
    /// Says whether this host would load a plugin, and if not, what to do.
    Check(check::Check),
    /// Says what is in a plugin: its names, imports, exports, sections.
    Inspect(inspect::Inspect),
    /// Asks a plugin one question.
    Run(run::Run),
    /// Asks a plugin the questions of case files and compares its answers.
    Test(test::Test),
    /// Measures a plugin's calls, each figure beside its limit.
    Bench(bench::Bench),
    /// Makes a key to sign plugins with.
    Keygen(keygen::Keygen),
    /// Signs a component.
    Sign(sign::Sign),
    /// Gives a plugin to a running server.
    Add(add::Add),
    /// Lists a server's plugins.
    List(library::List),
    /// Lets the version before the present one run again.
    Rollback(library::Rollback),
    /// Lets a plugin work that was disabled.
    Enable(library::Enable),
    /// Keeps a plugin, and asks it no longer.
    Disable(library::Disable),
    /// Lets a plugin do some of what it asks for.
    Grant(grants::Grant),
    /// Takes that back, from the plugin's next call on.
    Revoke(grants::Revoke),
    /// Removes a plugin from a server.
    Remove(library::Remove),
}

/// A plugin and how to load it.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// The plugin, as `lockhouse plugin pack` writes it.
    file: PathBuf,
    /// Its settings, one JSON object.
    #[arg(long, default_value = "{}")]
    settings: String,
    #[command(flatten)]
    place: Place,
}

/// Where compiled code is kept.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// The data directory: compiled code is kept there, as the server keeps it.
    #[arg(long, env = "LOCKHOUSE_DATA", default_value_os_t = default_data())]
    data: PathBuf,
}

impl PluginCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::New(new) => new.run(),
            Command::Pack(pack) => pack.run(),
            Command::Check(check) => check.run().await,
            Command::Inspect(inspect) => inspect.run().await,
            Command::Run(run) => run.run().await,
            Command::Test(test) => test.run().await,
            Command::Bench(bench) => bench.run().await,
            Command::Keygen(keygen) => keygen.run(),
            Command::Sign(sign) => sign.run(),
            Command::Add(add) => add.run().await,
            Command::List(list) => list.run().await,
            Command::Rollback(rollback) => rollback.run().await,
            Command::Enable(enable) => enable.run().await,
            Command::Disable(disable) => disable.run().await,
            Command::Grant(grant) => grant.run().await,
            Command::Revoke(revoke) => revoke.run().await,
            Command::Remove(remove) => remove.run().await,
        }
    }
}

impl Place {
    pub(super) fn host(&self) -> anyhow::Result<Plugins> {
        self.host_with(Rooms::default())
    }

    /// A plugin host with the limits that a server has by default, but for time
    /// on the wall: an author's machine is busy with builds, and what is broken
    /// off here has to begin anew.
    fn host_with(&self, rooms: Rooms) -> anyhow::Result<Plugins> {
        let mut config = Config::default();
        config.decisions.wall_ms = config.decisions.wall_ms.max(WALL_MS);
        config.reports.wall_ms = config.reports.wall_ms.max(WALL_MS);
        config.compile_seconds = PATIENCE_SECONDS;
        config.cases_seconds = PATIENCE_SECONDS;
        Ok(Plugins::start(config, Some(&self.data.join("plugins")), rooms)?)
    }
}

impl Source {
    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        read(&self.file, Config::default().max_component_bytes)
    }

    /// How errors call it until it has named itself.
    fn name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    async fn load(&self) -> anyhow::Result<Plugin> {
        let plugin = self.place.host()?.load(&self.name(), &self.bytes()?, &self.settings).await;
        plugin
            .with_context(|| format!("`lockhouse plugin check {}` says more", self.file.display()))
    }
}
