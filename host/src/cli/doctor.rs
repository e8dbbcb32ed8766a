//! `lockhouse doctor`: whether a server can work here, check by check, and what to do
//! where it can't. The checks are those of the rooms themselves; nothing is changed.

mod database;
mod engine;
mod finding;
mod machine;
mod place;
mod plugins;
mod reports;
mod running;

use std::process::ExitCode;
use std::time::Duration;

use self::finding::{Finding, Verdict, report};
use self::place::Place;
use super::Installation;

/// How long the checks of one room may take together. Components may have to be compiled.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    installation: Installation,
    /// URL of a server that runs and is asked how it is, too.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Fails where something is wrong; a warning is no failure.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let json = self.json;
        let found = self.examine().await;
        report(&found, json);
        let wrong = found.iter().any(|finding| finding.verdict == Verdict::Wrong);
        Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn examine(self) -> Vec<Finding> {
        let config = match self.installation.load() {
            Ok(config) => config,
            Err(invalid) => {
                let advice = "put that right; nothing else can be checked before";
                return vec![Finding::wrong("configuration", invalid, advice)];
            }
        };
        let mut found =
            vec![Finding::ok("configuration", "it can be read, and every key is known")];
        let place = Place::of(&config.data);
        found.extend(machine::check(&config, &place));
        found.extend(reports::check(&config));
        let (database, known) = bounded("database", database::check(&config)).await;
        found.extend(database);
        let known = known.unwrap_or_default();
        found.extend(bounded("engine", engine::check(&config, &place, known)).await.0);
        match &self.server {
            None => found.extend(bounded("plugins", plugins::check(&config, &place)).await.0),
            Some(url) => found.extend(bounded("server", running::check(url)).await.0),
        }
        found
    }
}

/// What a room's checks found and what they learned; one that hangs is found wrong itself.
async fn bounded<L>(
    check: &'static str,
    checks: impl Future<Output = (Vec<Finding>, L)>,
) -> (Vec<Finding>, Option<L>) {
    match tokio::time::timeout(PATIENCE, checks).await {
        Ok((found, learned)) => (found, Some(learned)),
        Err(_) => {
            let says = format!("no answer within {} s", PATIENCE.as_secs());
            (vec![Finding::wrong(check, says, "see what keeps it, and ask again")], None)
        }
    }
}
