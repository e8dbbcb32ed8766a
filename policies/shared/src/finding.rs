//! What a rule has to say about one part of a command.

use crate::verdict::Risk;

/// Each rule that can decide. Their ids are stable: operators and recorded audits name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Allowed,
    Network,
    RemovesFiles,
    InlineCode,
    BlockedCommand,
    RemoveRootOrHome,
    PipeToShell,
    DiskDevice,
    ForkBomb,
    SystemPath,
    PathTraversal,
    UnknownCommand,
    UnknownTarget,
    NotAllowed,
    Substitution,
    Unparsable,
    TooComplex,
}

impl Rule {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Network => "network",
            Self::RemovesFiles => "removes-files",
            Self::InlineCode => "inline-code",
            Self::BlockedCommand => "blocked-command",
            Self::RemoveRootOrHome => "remove-root-or-home",
            Self::PipeToShell => "pipe-to-shell",
            Self::DiskDevice => "disk-device",
            Self::ForkBomb => "fork-bomb",
            Self::SystemPath => "system-path",
            Self::PathTraversal => "path-traversal",
            Self::UnknownCommand => "unknown-command",
            Self::UnknownTarget => "unknown-target",
            Self::NotAllowed => "not-allowed",
            Self::Substitution => "substitution",
            Self::Unparsable => "unparsable",
            Self::TooComplex => "too-complex",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) denies: bool,
    pub(crate) risk: Risk,
    pub(crate) rule: Rule,
    pub(crate) reason: String,
    pub(crate) advice: Option<&'static str>,
}

impl Finding {
    pub(crate) fn deny(rule: Rule, risk: Risk, reason: String) -> Self {
        Self { denies: true, risk, rule, reason, advice: None }
    }

    pub(crate) fn note(rule: Rule, risk: Risk, reason: String) -> Self {
        Self { denies: false, risk, rule, reason, advice: None }
    }

    pub(crate) fn advise(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Nothing was found.
    pub(crate) fn allowed() -> Self {
        Self::note(Rule::Allowed, Risk::Safe, "No rule objects to this command.".to_owned())
    }

    /// A refusal weighs more than any risk that is let through; among equals the first stays.
    pub(crate) fn outweighs(&self, other: &Self) -> bool {
        (self.denies, self.risk) > (other.denies, other.risk)
    }
}
