//! `lockhouse user`: who may use a running server, and as what.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;

use super::client::{Client, rows};
use super::{Server, say};

const USERS: &str = "/admin/users";

#[derive(Debug, clap::Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes somebody known.
    Add {
        id: String,
        #[arg(long, value_enum, default_value = "learner")]
        role: Role,
    },
    /// Lists who is known, and what their projects take of the disk.
    List,
    /// Gives somebody another role.
    Role {
        id: String,
        #[arg(value_enum)]
        role: Role,
    },
    /// Lets somebody in no more; what is theirs stays.
    Remove { id: String },
    /// Ends every session and token of somebody.
    SignOut { id: String },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    Learner,
    Reviewer,
    Admin,
}

impl Role {
    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl UserCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::connect(&self.server)?;
        let about = |id: &str| format!("{USERS}/{id}");
        match self.command {
            Command::Add { id, role } => {
                client.post(USERS, &json!({ "id": id, "role": role.word() })).await?;
                say(format_args!(
                    "{id} is a {} now; `lockhouse token create` lets in",
                    role.word()
                ));
            }
            Command::List => {
                for user in rows(&client, USERS, "users", "").await? {
                    let text = |key: &str| user[key].as_str().unwrap_or_default();
                    let disk = user["disk_bytes"].as_u64().unwrap_or_default();
                    say(format_args!(
                        "{:<24} {:<9} {disk} bytes on the disk",
                        text("id"),
                        text("role")
                    ));
                }
            }
            Command::Role { id, role } => {
                let wish = json!({ "role": role.word() });
                client.ask(Method::PATCH, &about(&id), |request| request.json(&wish)).await?;
                say(format_args!("{id} is a {} now", role.word()));
            }
            Command::Remove { id } => {
                client.ask(Method::DELETE, &about(&id), |request| request).await?;
                say(format_args!("{id} is let in no more"));
            }
            Command::SignOut { id } => {
                client.post(&format!("{}/sign-out", about(&id)), &json!({})).await?;
                say(format_args!("{id} is signed out everywhere"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
