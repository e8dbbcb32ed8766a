//! Room previews: host ports are open while their runtime runs.

use std::time::Duration;

use super::ports::HostPorts;
use super::{Error, Mappings, Previews};
use crate::events::{Event, What};
use crate::ids::ProjectId;
use crate::runtimes::Runtime;
use crate::runtimes::state::Status;

/// How often it is looked whether the right host ports are open: events are only
/// hints.
const HOST_PORTS_CHECK: Duration = Duration::from_secs(30);

impl Previews {
    /// The host ports that lead to a runtime's ports now.
    pub fn port_mappings(&self, project: &ProjectId) -> Mappings {
        self.host_ports.as_ref().map(|ports| ports.find(project)).unwrap_or_default()
    }

    /// The same, once they are as they should be for this runtime.
    pub async fn map_ports(&self, runtime: &Runtime) -> Mappings {
        let Some(ports) = &self.host_ports else { return Mappings::new() };
        match runtime.status {
            Status::Running => ports.open(&runtime.project, &runtime.settings.exposed_ports).await,
            // It runs in a moment; who comes meanwhile is told so.
            Status::Creating | Status::Restarting => ports.find(&runtime.project),
            _ => {
                ports.close(&runtime.project).await;
                Mappings::new()
            }
        }
    }

    /// Opens host ports of runtimes that run and closes the others', until the
    /// server ends.
    pub async fn keep_host_ports(self) {
        let Some(ports) = self.host_ports.clone() else { return };
        let mut events = self.events.subscribe(None);
        let mut checks = tokio::time::interval(HOST_PORTS_CHECK);
        loop {
            let checked = tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.hear(&ports, event).await,
                    None => break,
                },
                _ = checks.tick() => self.check_all(&ports).await,
                () = self.tasks.stopping() => break,
            };
            if let Err(error) = checked {
                tracing::warn!(%error, "host ports may not be as they should");
            }
        }
    }

    async fn hear(&self, ports: &HostPorts, event: Event) -> Result<(), Error> {
        let What::Runtime { .. } = event.what else { return Ok(()) };
        let Some(about) = event.about else { return Ok(()) };
        let Some(project) = self.projects.find_named(&about).await? else {
            // It was deleted, and its rows with it.
            return self.check_all(ports).await;
        };
        // What is so now counts, and not what the event says was so.
        match self.runtimes.find(&project.id).await? {
            Some(runtime) if runtime.status != Status::Absent => {
                drop(self.map_ports(&runtime).await)
            }
            _ => ports.free(&project.id).await,
        }
        Ok(())
    }

    async fn check_all(&self, ports: &HostPorts) -> Result<(), Error> {
        let running = self.runtimes.running().await?;
        let runs = |project: &ProjectId| running.iter().any(|runtime| runtime.project == *project);
        for project in ports.projects().into_iter().filter(|project| !runs(project)) {
            match self.runtimes.find(&project).await? {
                Some(runtime) => drop(self.map_ports(&runtime).await),
                None => ports.close(&project).await,
            }
        }
        for runtime in &running {
            self.map_ports(runtime).await;
        }
        Ok(())
    }
}
