//! Questions to a plugin as JSON: what authors write into a request file and a
//! case, and what the API takes. Pure: bytes in, a room's own type out.

mod agent;
mod report;

pub use agent::{EditRecord, PlanRecord, Question, question};
pub use report::{ReportQuestion, report};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::auth::Role;
use crate::exec::shell_text;
use crate::ids::{InvalidId, Kind, ProjectId, ProjectName, RequestId, UserId};
use crate::policy::{self, Channel, NetworkMode};

/// A longer request is refused unread.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How many letters may differ between a key and the one that was meant.
const MAX_DISTANCE: usize = 3;
/// No longer key is compared with those that are known.
const MAX_KEY_BYTES: usize = 64;
/// How much is told of what is wrong; the request may hold texts of any length.
const MAX_TOLD_CHARS: usize = 400;

/// What stands for whoever and whatever a request does not name.
const EXAMPLE: &str = "example";

/// The request can't be used; the text says where, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// A command to be judged; all but the command itself has a default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandRequest {
    /// As shell text.
    pub command: Option<String>,
    /// As words that no shell reads.
    pub argv: Option<Vec<String>>,
    /// Relative to the workspace.
    pub cwd: String,
    pub env_names: Vec<String>,
    pub channel: ChannelName,
    pub project: ProjectRecord,
    pub network: Option<NetworkMode>,
    pub caller: CallerRecord,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelName {
    #[default]
    Exec,
    Process,
    Agent,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectRecord {
    pub name: Option<String>,
    pub kind: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerRecord {
    pub id: Option<String>,
    pub role: Option<RoleName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    Learner,
    Reviewer,
    Admin,
}

/// A question to a policy.
pub fn command(json: &[u8]) -> Result<policy::Request, Invalid> {
    read::<CommandRequest>(json)?.try_into()
}

impl TryFrom<CommandRequest> for policy::Request {
    type Error = Invalid;

    fn try_from(request: CommandRequest) -> Result<Self, Invalid> {
        let command = match (request.command, &request.argv) {
            (Some(command), _) => command,
            (None, Some(words)) => shell_text(words),
            (None, None) => {
                return Err(Invalid(
                    "give the command: {\"command\": \"ls\"}, or {\"argv\": [\"ls\"]}".to_owned(),
                ));
            }
        };
        Ok(Self {
            command,
            argv: request.argv,
            cwd: request.cwd,
            env_names: request.env_names,
            channel: match request.channel {
                ChannelName::Exec => Channel::Exec,
                ChannelName::Process => Channel::Process,
                ChannelName::Agent => Channel::Agent,
            },
            caller: request.caller.id()?,
            caller_role: request.caller.role(),
            project: project_id()?,
            project_name: request.project.name()?,
            kind: request.project.kind()?,
            network: request.network.unwrap_or(NetworkMode::Registries),
            request_id: request_id()?,
        })
    }
}

impl ProjectRecord {
    fn name(&self) -> Result<ProjectName, Invalid> {
        self.name.as_deref().unwrap_or(EXAMPLE).parse().map_err(at("project.name"))
    }

    fn kind(&self) -> Result<Kind, Invalid> {
        self.kind.as_deref().unwrap_or(Kind::Python.as_str()).parse().map_err(at("project.kind"))
    }
}

impl CallerRecord {
    fn id(&self) -> Result<UserId, Invalid> {
        self.id.as_deref().unwrap_or(EXAMPLE).parse().map_err(at("caller.id"))
    }

    fn role(&self) -> Role {
        match self.role {
            None | Some(RoleName::Learner) => Role::Learner,
            Some(RoleName::Reviewer) => Role::Reviewer,
            Some(RoleName::Admin) => Role::Admin,
        }
    }
}

fn project_id() -> Result<ProjectId, Invalid> {
    EXAMPLE.parse().map_err(at("project"))
}

fn request_id() -> Result<RequestId, Invalid> {
    EXAMPLE.parse().map_err(at("id"))
}

fn at(place: &'static str) -> impl Fn(InvalidId) -> Invalid {
    move |error| Invalid(format!("{place}: {error}"))
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Invalid> {
    if json.len() > MAX_BYTES {
        return Err(Invalid(format!("the request is {} bytes, limit {MAX_BYTES}", json.len())));
    }
    serde_json::from_slice(json).map_err(|error| explained(&error))
}

/// An unknown key is told with the one that was perhaps meant.
fn explained(error: &serde_json::Error) -> Invalid {
    let text = error.to_string();
    let meant = text.split_once("unknown field `").and_then(|(_, rest)| {
        let (found, rest) = rest.split_once('`')?;
        // What follows names the known ones, each between backticks.
        let known = rest.split('`').skip(1).step_by(2).filter(|_| found.len() <= MAX_KEY_BYTES);
        let close = |key: &&str| strsim::damerau_levenshtein(found, key);
        let nearest = known.min_by_key(close).filter(|key| close(key) <= MAX_DISTANCE)?;
        Some(format!("unknown key “{found}”; did you mean “{nearest}”?"))
    });
    Invalid(meant.unwrap_or_else(|| match text.char_indices().nth(MAX_TOLD_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        command(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_command_alone_is_a_request() {
        let request = command(br#"{"command": "ls -la"}"#).unwrap();
        assert_eq!((request.command.as_str(), request.argv), ("ls -la", None));
        assert_eq!((request.kind, request.network), (Kind::Python, NetworkMode::Registries));
        assert_eq!((request.channel, request.caller_role), (Channel::Exec, Role::Learner));
    }

    #[test]
    fn words_are_shown_quoted() {
        let request = command(br#"{"argv": ["echo", "a b"]}"#).unwrap();
        assert_eq!(request.command, "echo 'a b'");
        assert_eq!(request.argv.unwrap(), ["echo", "a b"]);
    }

    #[test]
    fn all_that_is_known_of_a_command_can_be_said() {
        let request = command(
            br#"{"command": "ls", "cwd": "src", "env_names": ["A"], "channel": "agent",
                "project": {"name": "todo", "kind": "rust"}, "network": "none",
                "caller": {"id": "ada", "role": "admin"}}"#,
        )
        .unwrap();
        assert_eq!((request.cwd.as_str(), request.channel), ("src", Channel::Agent));
        assert_eq!((request.kind, request.network), (Kind::Rust, NetworkMode::None));
        assert_eq!((request.caller.as_str(), request.caller_role), ("ada", Role::Admin));
    }

    #[test]
    fn a_misspelt_key_is_told_with_the_one_that_was_meant() {
        assert_eq!(refusal(r#"{"comand": "ls"}"#), "unknown key “comand”; did you mean “command”?");
        let nested = refusal(r#"{"command": "ls", "project": {"knd": "rust"}}"#);
        assert_eq!(nested, "unknown key “knd”; did you mean “kind”?");
    }

    #[test]
    fn a_request_without_a_command_is_told_how_to_give_one() {
        assert!(refusal("{}").contains(r#"{"command": "ls"}"#));
    }

    #[test]
    fn what_is_told_of_a_long_key_is_short() {
        let error = refusal(&format!(r#"{{"{}": 1}}"#, "x".repeat(100_000)));
        assert_eq!(error.chars().count(), MAX_TOLD_CHARS + 1);
    }

    #[test]
    fn a_value_that_is_none_is_told_with_its_place() {
        let error = refusal(r#"{"command": "ls", "project": {"kind": "cobol"}}"#);
        assert!(error.contains("project.kind: “cobol” is not a project kind"), "{error}");
        assert!(refusal(r#"{"command": "ls", "channel": "x"}"#).contains("exec"));
        assert!(refusal("[").contains("line 1"));
    }
}
