//! `lockhouse policy replay`

use std::path::PathBuf;
use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::plugin::read;
use crate::cli::{Server, say};
use crate::plugins::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// The policy that might come.
    candidate: PathBuf,
    /// A time, or how long ago, such as `7d` or `12h`.
    #[arg(long, default_value = "7d")]
    since: String,
    /// Settings for the candidate, one JSON object.
    #[arg(long, default_value = "{}")]
    settings: String,
    #[command(flatten)]
    server: Server,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = read(&self.candidate, Config::default().max_component_bytes)?;
        let [since, settings] =
            [&self.since, &self.settings].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        let path = format!("/admin/policies/replay?since={since}&settings={settings}");
        let client = Client::connect(&self.server)?;
        let report = client.ask(Method::POST, &path, |request| request.body(bytes)).await?;
        report["changes"].as_array().into_iter().flatten().for_each(say_change);
        say_totals(&report);
        Ok(ExitCode::SUCCESS)
    }
}

fn say_change(change: &Value) {
    let text = |key: &str| change[key].as_str().unwrap_or_default();
    let [was, would_be] = ["was", "would_be"].map(|key| side(&change[key]));
    say(format_args!("{}  ({} ×, {})", text("command"), change["times"], text("project")));
    say(format_args!("    was       {was}"));
    say(format_args!("    would be  {would_be}"));
}

fn side(side: &Value) -> String {
    let text = |key: &str| side[key].as_str().unwrap_or_default();
    let decision = if side["allow"] == true { "allow" } else { "deny" };
    let reason = side["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{decision}, risk {}, {} {}{reason}", text("risk"), text("policy"), text("rule"))
}

fn say_totals(report: &Value) {
    let count = |key: &str| report[key].as_u64().unwrap_or_default();
    say(format_args!(
        "{} judged: {} unchanged, {} newly refused, {} newly allowed, {} of another risk, {} without a verdict",
        count("judged"),
        count("unchanged"),
        count("newly_refused"),
        count("newly_allowed"),
        count("risk_changed"),
        count("faults")
    ));
    if report["truncated"] == true {
        say("There is more than was judged or is shown: choose a shorter time by --since.");
    }
}
