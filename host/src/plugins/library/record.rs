//! What is known of an installed plugin.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::ids::{BindingId, ProjectId};
use crate::plugins::fault::{Digest, InvalidDigest};
use crate::policy::{Mode, OnError};

/// Stands for the version that this server carries in itself.
const BUILT_IN: &str = "built-in";

/// Which version of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The one in the server's own program: it changes when the server does.
    BuiltIn,
    Stored(Digest),
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str(BUILT_IN),
            Self::Stored(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Release {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        if text == BUILT_IN { Ok(Self::BuiltIn) } else { text.parse().map(Self::Stored) }
    }
}

/// A plugin by its name, and which of its versions runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub name: String,
    pub current: Release,
    /// What a rollback brings back.
    pub previous: Option<Release>,
    pub enabled: bool,
    /// Whether it judges commands.
    pub judges: bool,
    /// Grants the operator gave, by name.
    pub grants: BTreeSet<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A version whose bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub name: String,
    pub digest: Digest,
    /// As the plugin itself says it.
    pub version: String,
    pub source: String,
    /// Name of the key whose signature it carries.
    pub signed_by: Option<String>,
    pub installed_by: String,
    pub installed_at: Timestamp,
}

/// One place where a plugin is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginBinding {
    pub id: BindingId,
    pub plugin: String,
    /// The one project whose commands it judges; everybody's where there is none.
    pub project: Option<ProjectId>,
    /// Lower ones are asked first.
    pub position: i32,
    pub mode: Mode,
    pub on_error: OnError,
    /// One JSON object; where there is none, what the configuration says.
    pub settings: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
