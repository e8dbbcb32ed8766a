//! A run, its states and what those who watch it are told.
//!
//! ```text
//! [queued ─►] planning ─► planned ─► writing ─┬───────────────────────────────► done
//!                                            └► installing ─► checking ─► starting ─► checking ─► done
//!                                                    ▲ └──────────┴──────────┴──────────┤
//!                                                    └────────────────────────────── fixing
//!
//! every one of them ─► failed | cancelled
//! ```
//!
//! Commands are checked before the process starts, requests after. What was
//! repaired may have to be installed first, so a repair leads back to there.

use jiff::Timestamp;

use super::model::ModelCall;
use crate::exec::OutputStream;
use crate::ids::{JobId, ProjectId, ProjectName, RunId, UserId};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Others go first.
    Queued,
    Planning,
    Planned,
    Writing,
    Installing,
    Starting,
    Checking,
    Fixing,
    Done,
    Failed,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Planning,
        Self::Planned,
        Self::Writing,
        Self::Installing,
        Self::Starting,
        Self::Checking,
        Self::Fixing,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Writing => "writing",
            Self::Installing => "installing",
            Self::Starting => "starting",
            Self::Checking => "checking",
            Self::Fixing => "fixing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing comes after it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One execution of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub project: ProjectId,
    pub project_name: ProjectName,
    /// The project's owner, to whom the run belongs as well.
    pub owner: UserId,
    pub job: JobId,
    /// The agent's name with its version.
    pub agent: String,
    pub prompt: String,
    pub state: State,
    /// Why it failed.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A run that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    pub prompt: String,
    /// The agent's id, or its id and version; without it the first one loaded.
    pub agent: Option<String>,
    /// Whether what was written is also installed, started and checked.
    pub run: bool,
    /// Whether the project's kind is settled; where it is a guess, the plan
    /// decides.
    pub kind_fixed: bool,
}

/// What those who watch a run are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    State {
        state: State,
        message: String,
        /// How many parts of how many are done, where the state has parts.
        parts: Option<(u32, u32)>,
    },
    /// A command starts; its output follows.
    Command {
        command: String,
    },
    Output {
        stream: OutputStream,
        text: String,
    },
    /// A file was written or deleted.
    File {
        path: String,
    },
    /// The agent asked a model.
    Model(Box<ModelCall>),
    /// Something was left out here.
    Skipped {
        message: String,
    },
    Done {
        /// Whether there is something to look at in the preview.
        serves: bool,
    },
    Failed {
        error: String,
    },
    Cancelled,
}

impl Event {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed { .. } | Self::Cancelled)
    }

    /// Whether there may be so many of them that some have to be left out.
    pub(super) fn is_bulk(&self) -> bool {
        matches!(self, Self::Command { .. } | Self::Output { .. } | Self::File { .. })
    }
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// From 1 on, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    pub event: Event,
}
