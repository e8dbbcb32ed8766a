//! Processes in our control groups that nobody remembers. A bundle or the state of an OCI runtime
//! can be lost while what they speak of runs; the group holds it until its last process ends.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cgroup::Cgroups;
use super::process::{self, FirstProcess, KILL_TIMEOUT};
use crate::ids::ProjectId;
use crate::runtimes::engine::Error;

/// Questions to images have groups of this name, and end by themselves.
pub(super) const ASKING: &str = "ask-";

/// How often it is looked whether killed processes are gone.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Kills what is in a runtime's control groups until they are empty.
pub(super) async fn end(cgroups: &Cgroups, id: &ProjectId) -> Result<(), Error> {
    let mut left = cgroups.processes(id.as_str());
    if !left.is_empty() {
        tracing::info!(project = %id, processes = left.len(), "ending what a runtime left behind");
    }
    let patience = Instant::now() + KILL_TIMEOUT;
    while let Some(first) = left.first() {
        if Instant::now() > patience {
            return Err(Error::Failed(format!(
                "process {first} in the control group of runtime {id} does not end, although it \
                 was killed"
            )));
        }
        let found: Vec<_> = left.into_iter().filter_map(FirstProcess::of).collect();
        // Of one that has gone meanwhile the number may be another's.
        let still = cgroups.processes(id.as_str());
        for process in found.iter().filter(|process| still.contains(&process.pid)) {
            process::signal(process, Signal::KILL)
                .map_err(|error| Error::Failed(format!("a process of runtime {id}: {error}")))?;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        left = cgroups.processes(id.as_str());
    }
    Ok(())
}

/// Those of these groups that are of a runtime and hold a process.
pub(super) fn alive(cgroups: &Cgroups, groups: BTreeSet<String>) -> Vec<ProjectId> {
    let runtimes = groups.into_iter().filter(|name| !name.starts_with(ASKING));
    let alive = runtimes.filter(|name| !cgroups.processes(name).is_empty());
    alive.filter_map(|name| name.parse().ok()).collect()
}
