//! What there is of this installation's runtimes: by their records, by what their OCI runtime
//! says, and by the control groups in which they run.

use super::bubblewrap::Bubblewrap;
use super::oci::Container;
use super::record::{BUNDLE, Record};
use super::{Local, Method, strays};
use crate::ids::ProjectId;
use crate::runtimes::engine::{EngineState, Error, Observed};

impl Local {
    /// All runtimes, also those of which nothing but their processes is left.
    pub(super) async fn seen(&self) -> Result<Vec<Observed>, Error> {
        // Groups before records: what is being made has its record by then.
        let mut groups = self.cgroups.names();
        let mut found = self.recorded().await?;
        for known in &found {
            groups.remove(known.id.as_str());
        }
        let lost = strays::alive(&self.cgroups, groups).into_iter();
        // Nothing tells which generation it was.
        let seen = |id| Observed { id, generation: 0, state: EngineState::Running };
        found.extend(lost.map(seen));
        Ok(found)
    }

    /// Every runtime that has a record, with what the OCI runtime says of it. One that can't be
    /// understood keeps nobody from seeing the others.
    async fn recorded(&self) -> Result<Vec<Observed>, Error> {
        let containers = self.containers().await?;
        let failed = |error: std::io::Error| Error::Failed(error.to_string());
        let mut entries = tokio::fs::read_dir(&self.runtimes).await.map_err(failed)?;
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let bundle = entry.path().join(BUNDLE);
            let record = Record::load(&bundle).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a runtime is passed over");
                None
            });
            let Some(record) = record.filter(|record| record.is_of(&self.instance)) else {
                continue;
            };
            // One that was copied elsewhere is not the runtime that it names.
            let own = |id: &ProjectId| self.bundle(id) == bundle;
            let Some(id) = record.project().filter(own) else { continue };
            let listed = containers.iter().find(|container| container.id == id.as_str()).cloned();
            let container = match listed {
                Some(listed) => Some(listed),
                None => self.container(&id).await.unwrap_or_else(|error| {
                    tracing::warn!(project = %id, %error, "its state is not known");
                    None
                }),
            };
            found.push(self.observe(id, &record, container.as_ref()).await);
        }
        Ok(found)
    }

    /// What the OCI runtime lists at once, so that few need be asked for alone.
    async fn containers(&self) -> Result<Vec<Container>, Error> {
        let Method::Oci(oci) = &self.method else { return Ok(Vec::new()) };
        match oci.list().await {
            Err(error @ Error::Failed(_)) => {
                tracing::warn!(%error, "each runtime is asked for alone");
                Ok(Vec::new())
            }
            listed => listed,
        }
    }

    /// The container of an OCI runtime, if this is how runtimes are made.
    pub(super) async fn container(&self, id: &ProjectId) -> Result<Option<Container>, Error> {
        match &self.method {
            Method::Oci(oci) => oci.maker_of(&self.bundle(id)).find(id.as_str()).await,
            Method::Bubblewrap(_) => Ok(None),
        }
    }

    pub(super) async fn observe(
        &self,
        id: ProjectId,
        record: &Record,
        container: Option<&Container>,
    ) -> Observed {
        let name = id.as_str();
        let runs = match &self.method {
            Method::Oci(_) => container.is_some_and(|container| !container.is_stopped()),
            Method::Bubblewrap(_) => record.process.as_ref().is_some_and(|first| first.lives()),
        };
        let state = if runs {
            EngineState::Running
        } else if !record.started {
            EngineState::Created
        } else {
            let exit_code = match &self.method {
                // Nobody waits for the first process of a detached container.
                Method::Oci(_) => None,
                Method::Bubblewrap(_) => Bubblewrap::exit_code(&self.bundle(&id)).await,
            };
            let killed = self.cgroups.out_of_memory_kills(name) > 0;
            EngineState::Stopped { exit_code, out_of_memory: record.out_of_memory || killed }
        };
        Observed { id, generation: record.generation, state }
    }
}
