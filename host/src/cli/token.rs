//! `lockhouse token`: tokens of people and programs, on a running server.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, rows};
use super::{Server, say};

const TOKENS: &str = "/admin/tokens";

#[derive(Debug, clap::Args)]
pub(super) struct TokenCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a token and prints it, this once.
    Create {
        /// Whose it is; `lockhouse user add` makes somebody known.
        user: String,
        /// What it is for.
        #[arg(long)]
        name: String,
        #[arg(long, value_enum, default_value = "write")]
        scope: Scope,
        /// How many days it counts.
        #[arg(long, value_name = "DAYS")]
        days: Option<u64>,
    },
    /// Lists tokens; never their secrets.
    List {
        /// Only those of this user.
        user: Option<String>,
    },
    /// Ends a token at once, and the sessions that were opened with it.
    Revoke {
        /// As `list` shows it.
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Look.
    Read,
    /// Act, but not as an administrator.
    Write,
    /// All that the user may.
    Admin,
}

impl TokenCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        match self.command {
            Command::Create { user, name, scope, days } => {
                let scope = scope.to_possible_value().map(|value| value.get_name().to_owned());
                let expires_in = days.map(|days| days.saturating_mul(86_400));
                let wish = json!({
                    "user": user, "name": name, "scope": scope, "expires_in": expires_in,
                });
                let made = client.post(TOKENS, &wish).await?;
                say(made["secret"].as_str().unwrap_or_default());
            }
            Command::List { user } => {
                let of = user.map(|user| format!("user={user}")).unwrap_or_default();
                rows(&client, TOKENS, "tokens", &of).await?.iter().for_each(say_token);
            }
            Command::Revoke { id } => {
                client.ask(Method::DELETE, &format!("{TOKENS}/{id}"), |request| request).await?;
                say(format_args!("{id} no longer lets anybody in"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn say_token(token: &Value) {
    let text = |key: &str| token[key].as_str().unwrap_or_default();
    let (id, user, scope) = (text("id"), text("user"), text("scope"));
    say(format_args!(
        "{id}  {user:<16} {scope:<5}  until {}  {}",
        text("expires_at"),
        text("name")
    ));
}
