//! What can go wrong on a link, as far as a caller acts differently on it.

use crate::protocol::{CodecError, Failure, FailureCode, ProcessState};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The supervisor may come back on a new link and says then what it still runs.
    #[error("the link to the supervisor is closed")]
    Closed,
    #[error("the supervisor did not answer in time while the host waited for {0}")]
    Timeout(&'static str),
    #[error("{0}")]
    NotFound(String),
    #[error("a different process is already running: stop it first")]
    AlreadyRunning(Box<ProcessState>),
    /// The program can't be started: not there, not executable, no such directory.
    #[error("{0}")]
    NotStarted(String),
    /// Another client wished to be alone with the terminal.
    #[error("{0}")]
    TakenOver(String),
    /// The request breaks a rule or a limit of the supervisor.
    #[error("{0}")]
    Refused(String),
    #[error(
        "the supervisor speaks protocol {theirs}, this host {ours}: restart the runtime, \
         so that it gets this host's supervisor"
    )]
    Version { theirs: String, ours: String },
    /// The other side broke the protocol; the stream or link is of no more use.
    #[error("the other side broke the link protocol: {0}")]
    Protocol(String),
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        match error {
            // A reset or vanished link shows as an I/O error on each of its streams.
            CodecError::Io(_) => Self::Closed,
            other => Self::Protocol(other.to_string()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match (failure.code, failure.process) {
            (FailureCode::AlreadyRunning, Some(process)) => Self::AlreadyRunning(process),
            (FailureCode::NotFound, _) => Self::NotFound(failure.message),
            (FailureCode::NotStarted, _) => Self::NotStarted(failure.message),
            (FailureCode::TakenOver, _) => Self::TakenOver(failure.message),
            (FailureCode::Version, _) => Self::Protocol(failure.message),
            (FailureCode::Refused | FailureCode::AlreadyRunning, _) => {
                Self::Refused(failure.message)
            }
        }
    }
}
