//! Ground events: news as listeners are told them.

use serde_json::{Value, json};

use super::{Change, Event, What};

impl Event {
    pub fn view(&self) -> Value {
        let mut view = self.what.view();
        if let Value::Object(members) = &mut view {
            if let Some(about) = &self.about {
                members.insert("project".to_owned(), about.project.as_str().into());
            }
            members.insert("at".to_owned(), self.at.to_string().into());
        }
        view
    }
}

impl What {
    /// Whether reviewers hear it, whosever it is.
    pub fn is_for_reviewers(&self) -> bool {
        match self {
            Self::Submission { .. } => true,
            Self::Elsewhere { for_reviewers, .. } => *for_reviewers,
            _ => false,
        }
    }

    pub(super) fn view(&self) -> Value {
        match self {
            Self::Project { change } => {
                json!({ "type": "project", "change": change_name(*change) })
            }
            Self::Runtime { status, reason } => {
                json!({ "type": "runtime", "status": status, "reason": reason })
            }
            Self::Process { status, exit_code } => {
                json!({ "type": "process", "status": status, "exit_code": exit_code })
            }
            Self::File { path, change, .. } => {
                json!({ "type": "file", "path": path, "change": change_name(*change) })
            }
            Self::Job { job, status } => {
                json!({ "type": "job", "job_id": job.as_str(), "status": status })
            }
            Self::Run { run, state } => {
                json!({ "type": "run", "run_id": run.as_str(), "state": state })
            }
            Self::Submission { submission, number, state, change, by } => json!({
                "type": "submission", "submission_id": submission.as_str(), "number": number,
                "state": state, "change": change, "by": by.as_str(),
            }),
            Self::Plugin { name, version, change, reason } => json!({
                "type": "plugin", "name": name, "version": version, "change": change,
                "reason": reason,
            }),
            Self::Port { port, open } => json!({ "type": "port", "port": port, "open": open }),
            Self::Transfer { host, received_bytes } => {
                json!({ "type": "transfer", "host": host, "received_bytes": received_bytes })
            }
            Self::Elsewhere { view, .. } => view.clone().into(),
            Self::Egress { host, port, allowed, reason } => json!({
                "type": "egress", "host": host, "port": port, "allowed": allowed, "reason": reason,
            }),
        }
    }
}

fn change_name(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Changed => "changed",
        Change::Deleted => "deleted",
    }
}
