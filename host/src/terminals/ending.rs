//! Room terminals: why somebody is shown no more.

use super::{TerminalState, Terminals};
use crate::projects::Project;
use crate::runtimes::Runtime;
use crate::runtimes::state::{Desired, Status};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// The shell ended, with this exit code.
    #[error("the shell ended with exit code {0}; connect again for a new one")]
    Ended(i32),
    #[error("somebody closed this terminal; connect again for a new one")]
    Closed,
    /// The runtime does not run; the text says why.
    #[error("{0}")]
    Stopped(String),
    #[error("what let you in does so no more; sign in again")]
    Denied,
    #[error("the project, or its runtime, was deleted")]
    Gone,
    #[error("another client has taken this terminal over")]
    TakenOver,
    /// The client answers nothing, or takes nothing.
    #[error("nothing was heard of this client for too long; connect again")]
    Silent,
    #[error("the server is stopping; connect again in a moment")]
    Leaving,
}

impl Terminals {
    /// Why a session is over, whose last state was `state`; without one its runtime was lost.
    pub async fn ending(&self, project: &Project, state: Option<&TerminalState>) -> Ending {
        let runtime = match self.runtimes.find(&project.id).await {
            Ok(runtime) => runtime,
            Err(error) => return Ending::Stopped(error.to_string()),
        };
        let Some(runtime) = runtime.filter(|runtime| runtime.desired != Desired::Absent) else {
            return Ending::Gone;
        };
        if runtime.desired != Desired::Running || runtime.status != Status::Running {
            return Ending::Stopped(why(&runtime));
        }
        match state {
            Some(state) if state.closed => Ending::Closed,
            Some(state) => Ending::Ended(exit_code(state).unwrap_or(0)),
            None => Ending::Stopped("the runtime began anew; connect again".to_owned()),
        }
    }
}

fn why(runtime: &Runtime) -> String {
    let usual = || match runtime.status {
        Status::Restarting => "the runtime is restarted; connect again in a moment".to_owned(),
        Status::Creating => "the runtime is started; connect again in a moment".to_owned(),
        _ => "the runtime was stopped; start it and connect again".to_owned(),
    };
    runtime.reason.clone().unwrap_or_else(usual)
}

/// As a shell would say it, once a session's program has ended.
pub fn exit_code(state: &TerminalState) -> Option<i32> {
    let exit = state.exit.as_ref()?;
    Some(exit.code.unwrap_or_else(|| 128 + exit.signal.unwrap_or(0)))
}
