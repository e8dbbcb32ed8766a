//! The rooms, by name; no logic.

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::agents::Agents;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::clock::Clock;
use crate::db::Db;
use crate::events::Events;
use crate::exec::Exec;
use crate::files::Files;
use crate::gate::Gate;
use crate::idempotency::Idempotency;
use crate::jobs::Jobs;
use crate::plugins::Library;
use crate::policy::{Policies, Recorder};
use crate::previews::Previews;
use crate::processes::Processes;
use crate::projects::Projects;
use crate::quotas::Quotas;
use crate::reports::{Reports, Schedules};
use crate::reviews::Reviews;
use crate::runtimes::Runtimes;
use crate::tasks::Tasks;
use crate::terminals::Terminals;

/// What every door can reach. Each request is given it several times over, so a clone
/// counts one reference and not those of every room.
#[derive(Clone)]
pub struct App(Arc<House>);

impl App {
    pub fn of(rooms: House) -> Self {
        Self(Arc::new(rooms))
    }
}

impl Deref for App {
    type Target = House;

    fn deref(&self) -> &House {
        &self.0
    }
}

/// All of them.
pub struct House {
    pub agents: Agents,
    pub audit: Audit,
    pub auth: Auth,
    pub clock: Clock,
    pub db: Db,
    pub events: Events,
    pub exec: Exec,
    pub files: Files,
    pub gate: Gate,
    pub idempotency: Idempotency,
    pub jobs: Jobs,
    pub judgements: Recorder,
    pub library: Library,
    pub policies: Policies,
    pub previews: Previews,
    pub processes: Processes,
    pub projects: Projects,
    pub quotas: Quotas,
    pub reports: Reports,
    pub reviews: Reviews,
    pub runtimes: Runtimes,
    pub schedules: Schedules,
    pub started_at: Timestamp,
    pub tasks: Tasks,
    pub terminals: Terminals,
    /// Why this engine runs the runtimes.
    pub engine_choice: String,
    /// How the WebAssembly engines were set up for this machine.
    pub wasm: String,
    pub metrics: PrometheusHandle,
}
