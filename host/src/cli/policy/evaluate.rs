//! `lockhouse policy evaluate`

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::{Server, say};

#[derive(Debug, clap::Args)]
pub(super) struct Evaluate {
    /// Name or id of a project, whose own policies are asked as well.
    #[arg(long)]
    project: Option<String>,
    /// The command: one word is text for the shell, several are a program and
    /// its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    #[command(flatten)]
    server: Server,
}

impl Evaluate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut body = json!({});
        match self.command.as_slice() {
            [text] => body["command"] = text.as_str().into(),
            words => body["argv"] = words.into(),
        }
        if let Some(project) = self.project {
            body["project"] = project.into();
        }
        let client = Client::connect(&self.server)?;
        let decision = client.post("/admin/policies/evaluate", &body).await?;
        say(line(&decision));
        decision["policies"].as_array().into_iter().flatten().for_each(|opinion| {
            let shadow = if opinion["mode"] == "shadow" { " (in shadow)" } else { "" };
            say(format_args!("    {}{shadow}", line(opinion)));
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether a command may run, by whose word and why.
fn line(decision: &Value) -> String {
    let text = |key: &str| decision[key].as_str().unwrap_or_default();
    let said = if decision["allow"] == true { "allow" } else { "deny" };
    let (risk, policy, rule) = (text("risk"), text("policy"), text("rule"));
    format!("{said}, risk {risk}, {policy} {rule}: {}", text("reason"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_says_who_decided_and_why() {
        let decision = json!({ "allow": false, "risk": "blocked", "policy": "guard@0.1.0",
            "rule": "refused-program", "reason": "`sudo` is refused" });
        let expected = "deny, risk blocked, guard@0.1.0 refused-program: `sudo` is refused";
        assert_eq!(line(&decision), expected);
    }
}
