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
    LoadedCode,
    UnknownCommand,
    UnknownTarget,
    NotAllowed,
    Substitution,
    Unparsable,
    TooComplex,
}

/// Each rule: its stable id and what it is about, in words for people and agents.
const RULES: &[(Rule, &str, &str)] = &[
    (
        Rule::Network,
        "network",
        "A program reaches the network: let through with a remark; the host decides which names may be reached.",
    ),
    (
        Rule::RemovesFiles,
        "removes-files",
        "Files of the project are removed: let through with a remark.",
    ),
    (Rule::InlineCode, "inline-code", "Code is given by -c or -e: let through with a remark."),
    (
        Rule::BlockedCommand,
        "blocked-command",
        "Programs that change users, containers, devices, services or networks of the system.",
    ),
    (
        Rule::RemoveRootOrHome,
        "remove-root-or-home",
        "Removing or ruining /, a home or the whole workspace.",
    ),
    (
        Rule::PipeToShell,
        "pipe-to-shell",
        "Running what was just downloaded or what another command made.",
    ),
    (Rule::DiskDevice, "disk-device", "Raw devices."),
    (Rule::ForkBomb, "fork-bomb", "A function that starts copies of itself without end."),
    (
        Rule::SystemPath,
        "system-path",
        "Paths of the system: /etc, /var, /usr, /root, /proc, /sys, /dev and their like.",
    ),
    (Rule::PathTraversal, "path-traversal", "`../` and other paths that leave the workspace."),
    (
        Rule::LoadedCode,
        "loaded-code",
        "Variables and builtins that put foreign code into programs, such as LD_PRELOAD.",
    ),
    (
        Rule::UnknownCommand,
        "unknown-command",
        "A program or script that can't be known before it runs.",
    ),
    (Rule::UnknownTarget, "unknown-target", "Recursive removal of a path that can't be known."),
    (
        Rule::NotAllowed,
        "not-allowed",
        "Strict mode: a program or sub-command that is not on the allow-list.",
    ),
    (Rule::Substitution, "substitution", "Strict mode: command substitution."),
    (Rule::Unparsable, "unparsable", "What can't be parsed."),
    (Rule::TooComplex, "too-complex", "What is too long or nests too deep to be judged."),
];

impl Rule {
    /// All that can decide, in the order of the layers.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str, &'static str)> {
        RULES.iter().copied()
    }

    pub(crate) fn id(self) -> &'static str {
        RULES.iter().find(|(rule, _, _)| *rule == self).map_or("allowed", |(_, id, _)| id)
    }

    /// What can't be judged can't be let through; the allow-list is what strict mode is.
    pub(crate) fn can_be_disabled(self) -> bool {
        !matches!(self, Self::Allowed | Self::NotAllowed | Self::Unparsable | Self::TooComplex)
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
