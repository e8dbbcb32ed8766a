//! Room: runtimes. What one project may reach beside what all may, and what
//! comes of all rules together.

use std::fmt;

use super::config::Pattern;

/// The most hosts that a list of a project may name.
pub const MAX_LISTED: usize = 256;

/// A project's own lists. They are the operator's word about this project: only
/// an administrator writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    pub allow: Vec<Pattern>,
    pub deny: Vec<Pattern>,
}

/// Who let a host be reached, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `egress` in the configuration.
    Operator,
    /// The project's own lists.
    Project,
    /// The image's package managers use it; who named it, such as `pip`.
    Learned(String),
    /// The network mode `open`.
    Open,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Project => f.write_str("project"),
            Self::Learned(who) => write!(f, "learned from {who}"),
            Self::Open => f.write_str("network mode open"),
        }
    }
}

/// What an allowed connection may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    All,
    /// It goes to a package registry that nobody listed: what a download needs.
    Downloads,
}

/// One line of what a project may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// A name, `*.suffix`, an address, or `*` for any; with `:port` where only
    /// that port is meant.
    pub host: String,
    pub allowed: bool,
    /// Whether only downloads are let through.
    pub downloads_only: bool,
    pub source: Source,
}
