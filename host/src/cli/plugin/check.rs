//! `lockhouse plugin check`

use std::process::ExitCode;

use anyhow::Context as _;

use super::{Source, component, manifest, show};
use crate::cli::say;
use crate::plugins::Plugin;
use crate::policy::CommandPolicy as _;
use crate::reports::Report as _;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
}

impl Check {
    /// The host's own loading, step by step; an error says which step failed.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = self.source.bytes()?;
        let anatomy = component::read(&bytes)?;
        ok("component", show::size(bytes.len()));
        ok("exports", show::list(&anatomy.exports));
        ok("imports", show::list(&anatomy.imports));
        let name = self.source.name();
        let host = self.source.place.host()?;
        let plugin = host.load(&name, &bytes, &self.source.settings).await?;
        ok("compiles", format_args!("in {} ms", plugin.compile_time().as_millis()));
        // Loading has compared it with the component.
        plugin.manifest().with_context(|| format!("{name}: {}", manifest::MISSING))?;
        ok("manifest", "it fits the component and this host");
        ok("describes", format_args!("itself as {}", plugin.name()));
        ok("settings", format_args!("it accepts {}", self.source.settings));
        if let Plugin::Policy(policy) = &plugin {
            policy.explain().await?;
            ok("explains", "its rules");
        }
        if let Plugin::Report(report) = &plugin {
            ok("reports", format_args!("“{}”", report.description().title));
        }
        match host.judge_by_own_cases(&name, &bytes).await? {
            0 => ok("cases", "none inside"),
            cases => ok("cases", format_args!("all {cases} inside hold")),
        }
        say(format_args!("{name} can be loaded by this host"));
        Ok(ExitCode::SUCCESS)
    }
}

fn ok(what: &str, how: impl std::fmt::Display) {
    say(format_args!("ok  {what:<10} {how}"));
}
