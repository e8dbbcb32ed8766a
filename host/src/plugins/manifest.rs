//! What an author says of a plugin in `plugin.toml`: who it is, what it plays,
//! and what it asks for. It stands beside the component, and inside it as the
//! custom section [`SECTION`].
//!
//! Nothing here is believed: a manifest only asks. Whether it fits the component
//! is checked here, what it is granted is decided elsewhere.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::section;

/// Name of the section of a component that holds its manifest.
pub const SECTION: &str = "lockhouse:manifest";
/// A longer manifest is refused unread.
pub const MAX_BYTES: usize = 64 * 1024;

/// What `plugin.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub id: String,
    pub version: Version,
    /// One sentence for a list of plugins.
    pub summary: String,
    /// At least one.
    pub roles: BTreeSet<Role>,
    /// The oldest host it runs on; `None`: any.
    pub minimum_host: Option<Version>,
    /// Interfaces with versions, such as `lockhouse:host/log@0.1.0`.
    pub imports: BTreeSet<String>,
    /// Such as `kv` or `secret/NAME`.
    pub grants: BTreeSet<String>,
    pub limits: Wanted,
    pub settings: BTreeMap<String, Setting>,
}

/// What a plugin can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    CommandPolicy,
    Planner,
    Writer,
    Fixer,
    AdminReport,
}

/// Limits of one call that the plugin would like to have; it gets at most what
/// the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub memory_mib: Option<u32>,
    /// Processor time.
    pub cpu_ms: Option<u32>,
    /// Time on the wall.
    pub wall_ms: Option<u32>,
    pub output_kib: Option<u32>,
}

/// One setting that an operator may give.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub kind: Kind,
    /// What counts where the operator gives nothing; fits `kind`.
    pub default: Option<serde_json::Value>,
    pub description: Option<String>,
}

/// The type of a setting, as JSON has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    String,
    Integer,
    Number,
    Array,
    Object,
}

/// Why a manifest can't be used; the text says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("plugin.toml is {0} bytes, limit {MAX_BYTES}: shorten its texts")]
    TooLong(usize),
    #[error("plugin.toml is no TOML: {0}")]
    Syntax(String),
    /// A key by its path, such as `settings.strict.type`.
    #[error("plugin.toml: {key}: {why}")]
    Key { key: String, why: String },
    #[error("the manifest inside the component can't be read: {0}")]
    Section(String),
    #[error(
        "{id} needs Lockhouse {needed} or later, and this is {host}: update the server, or use an older version of {id}"
    )]
    HostTooOld { id: String, needed: Version, host: Version },
    /// Component and manifest disagree.
    #[error("{0}")]
    Mismatch(String),
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::CommandPolicy, Self::Planner, Self::Writer, Self::Fixer, Self::AdminReport];

    /// As a manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CommandPolicy => "command-policy",
            Self::Planner => "planner",
            Self::Writer => "writer",
            Self::Fixer => "fixer",
            Self::AdminReport => "admin-report",
        }
    }
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Boolean, Self::String, Self::Integer, Self::Number, Self::Array, Self::Object];

    /// As a manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// Whether a value is of this type.
    pub fn fits(self, value: &serde_json::Value) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

impl Manifest {
    /// The manifest inside a component; nothing is compiled or run. `None` where
    /// it carries none.
    pub fn find(component: &[u8]) -> Result<Option<Self>, Error> {
        let Some(bytes) = section::find(component, SECTION).map_err(Error::Section)? else {
            return Ok(None);
        };
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Error::Section("it is not UTF-8 text".to_owned()))?;
        Self::parse(text).map(Some)
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::TooLong(text.len()));
        }
        text::manifest(&text.parse().map_err(|error| syntax(text, &error))?)
    }

    /// Whether this version of the host is new enough for it.
    pub fn check_host(&self, host: &Version) -> Result<(), Error> {
        match &self.minimum_host {
            Some(needed) if host < needed => Err(Error::HostTooOld {
                id: self.id.clone(),
                needed: needed.clone(),
                host: host.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Compares it with what the component really imports and exports. Roles are
    /// given by the names that manifests use.
    pub fn check_against(&self, imports: &[String], roles: &[&str]) -> Result<(), Error> {
        let unsaid = imports.iter().filter(|name| !is_types(name) && !self.imports.contains(*name));
        let unsaid: Vec<_> = unsaid.map(|name| format!("\"{name}\"")).collect();
        if !unsaid.is_empty() {
            return Err(Error::Mismatch(format!(
                "{} imports what its manifest does not ask for: add {} to `imports` in plugin.toml",
                self.id,
                unsaid.join(", ")
            )));
        }
        let said: BTreeSet<&str> = self.roles.iter().map(|role| role.as_str()).collect();
        let real: BTreeSet<&str> = roles.iter().copied().collect();
        if said == real {
            return Ok(());
        }
        let real: Vec<_> = real.iter().map(|role| format!("\"{role}\"")).collect();
        let said: Vec<_> = said.into_iter().collect();
        Err(Error::Mismatch(format!(
            "{} does not export what its manifest says ({}): write roles = [{}] in plugin.toml, \
             or build it for the world of those roles",
            self.id,
            said.join(", "),
            real.join(", ")
        )))
    }

    /// Compares it with what the plugin's own `describe` answers.
    pub fn check_description(&self, id: &str, version: &str) -> Result<(), Error> {
        let said = self.version.to_string();
        if (self.id.as_str(), said.as_str()) == (id, version) {
            return Ok(());
        }
        Err(Error::Mismatch(format!(
            "plugin.toml says {} {said}, and `describe` answers {id} {version}: make both the same",
            self.id
        )))
    }
}

/// Where and what, without the line itself, which may be long.
fn syntax(text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Error::Syntax(format!("line {line}: {}", text::shown(error.message())))
}

/// Interfaces of types alone give no power, so nobody needs to ask for them.
fn is_types(import: &str) -> bool {
    let interface = import.split('@').next().unwrap_or(import);
    interface.starts_with("lockhouse:types/")
        || (interface.starts_with("lockhouse:") && interface.ends_with("/types"))
}

#[cfg(test)]
mod tests;
