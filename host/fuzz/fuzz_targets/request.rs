//! Any bytes give a question to a plugin or an error, and an error is short.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plugins::request::{Invalid, PlanRecord, Question, command, question, report};

/// The reader itself, without the host around it.
#[path = "../../src/plugins"]
#[expect(dead_code, unreachable_pub, unused_imports, reason = "the host uses what this target does not")]
mod plugins {
    pub mod request;
}

#[path = "../../src/ids.rs"]
#[expect(dead_code, unreachable_pub, reason = "the host uses what this target does not")]
mod ids;

#[path = "../../src/agents"]
#[expect(dead_code, unreachable_pub, reason = "the host uses what this target does not")]
mod agents {
    mod agent;

    /// Stands in for what a run asks of models.
    mod model {
        #[derive(Debug, Clone)]
        pub struct Tally;

        impl Tally {
            pub fn new(_max_tokens: u64) -> Self {
                Self
            }
        }
    }

    pub use agent::{
        Brief, Check, Edit, ExistingFile, Failure, Plan, PlannedFile, Stage, WriteContext,
    };
    pub use model::Tally;

    pub const MAX_MODEL_TOKENS: u64 = 1;
}

#[path = "../../src/reports"]
#[expect(dead_code, unreachable_pub, reason = "the host uses what this target does not")]
mod reports {
    mod report;

    pub use report::{Cell, Description, Table};
}

/// Stands in for the room, which brings a database along.
mod auth {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Role {
        Learner,
        Reviewer,
        Admin,
    }
}

/// Stands in for the room, which brings the runtimes along.
mod exec {
    pub fn shell_text(words: &[String]) -> String {
        words.join(" ")
    }
}

/// Stands in for the gate, which brings a database along.
#[expect(dead_code, reason = "the gate reads what this target does not")]
mod policy {
    use crate::ids::{Kind, ProjectId, ProjectName, RequestId, UserId};

    pub use crate::auth::Role;

    #[derive(Debug, Clone)]
    pub struct Request {
        pub command: String,
        pub argv: Option<Vec<String>>,
        pub cwd: String,
        pub env_names: Vec<String>,
        pub channel: Channel,
        pub caller: UserId,
        pub caller_role: Role,
        pub project: ProjectId,
        pub project_name: ProjectName,
        pub kind: Kind,
        pub network: NetworkMode,
        pub request_id: RequestId,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Channel {
        Exec,
        Process,
        Agent,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum NetworkMode {
        None,
        Registries,
        Open,
    }
}

/// More than any error needs.
const MAX_ERROR_BYTES: usize = 4 * 1024;

fuzz_target!(|bytes: &[u8]| {
    if let Some(request) = check(command(bytes)) {
        assert!(request.command.len() <= bytes.len());
    }
    match check(question(bytes)) {
        Some(Question::Write { plan, step, .. }) => {
            assert!((step as usize) < plan.files.len());
            reads_back(plan.into());
        }
        Some(Question::Plan(_) | Question::Fix { .. }) | None => {}
    }
    for table in check(report(bytes)).and_then(|asked| asked.dataset).into_iter().flatten() {
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    }
});

fn check<T>(read: Result<T, Invalid>) -> Option<T> {
    if let Err(error) = &read {
        assert!(error.to_string().len() <= MAX_ERROR_BYTES);
    }
    read.ok()
}

/// A plan that was read can be shown, and read again as the same.
fn reads_back(plan: PlanRecord) {
    let shown = serde_json::to_vec(&serde_json::json!({ "plan": plan })).expect("it is JSON");
    let Ok(Question::Write { plan: again, .. }) = question(&shown) else {
        panic!("a plan that was shown is read");
    };
    assert_eq!(PlanRecord::from(again), plan);
}
