//! What is judged.

/// A command and where it would run.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The command as a shell text. Ignored where `argv` is given.
    pub command: String,
    /// The command as words that no shell reads.
    pub argv: Option<Vec<String>>,
    /// Working directory, relative to the workspace; empty for its root.
    pub cwd: String,
    /// Names of the environment variables that the caller set: their values are unknown.
    pub env_names: Vec<String>,
}
