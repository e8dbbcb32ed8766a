//! What is, brought back to what should be: when the server starts, and when a
//! link tells news.

use std::collections::HashSet;
use std::time::Duration;

use lockhouse_supervisor::client::InboundEvent;
use lockhouse_supervisor::protocol::ProcessStatus;
use tokio::sync::mpsc;

use super::egress::Origin;
use super::engine::EngineState;
use super::link::News;
use super::state::{Desired, Status};
use super::{Error, Inner, Runtime, Runtimes};
use crate::events::What;
use crate::ids::ProjectId;
use crate::projects::Project;

/// How long a lost link may be away before the engine is asked.
const REDIAL_PATIENCE: Duration = Duration::from_secs(3);

impl Runtimes {
    /// Brings every runtime to what the database says. Requests are served
    /// meanwhile; each project waits for its own runtime alone.
    pub async fn reconcile(&self) {
        match self.inner.store.list().await {
            Ok(runtimes) => self.reconcile_all(runtimes).await,
            Err(error) => tracing::error!(%error, "runtimes could not be reconciled"),
        }
    }

    async fn reconcile_all(&self, runtimes: Vec<Runtime>) {
        let known: HashSet<ProjectId> = runtimes.iter().map(|r| r.project.clone()).collect();
        // Every supervisor can report before the first one is waited for.
        for runtime in runtimes.iter().filter(|r| r.desired == Desired::Running) {
            let listening = self.inner.place.prepare(&runtime.project).await;
            let listening =
                listening.and_then(|dir| self.inner.links.listen(&runtime.project, &dir));
            if let Err(error) = listening {
                tracing::error!(project = %runtime.project, %error, "no link can be made");
            }
        }
        for runtime in runtimes {
            if let Err(error) = self.reconcile_one(&runtime.project).await {
                tracing::warn!(project = %runtime.project, %error, "a runtime is not as it should be");
            }
        }
        self.remove_orphans(&known).await;
    }

    async fn reconcile_one(&self, project: &ProjectId) -> Result<(), Error> {
        let turn = self.turn(project);
        let _held = turn.lock().await;
        let project = self.inner.projects.get(project).await?;
        if let Some(runtime) = self.inner.store.find(&project.id).await? {
            let desired = runtime.desired;
            self.converge(&project, runtime, desired).await?;
        }
        Ok(())
    }

    /// Removes this instance's runtimes of which the database knows nothing.
    async fn remove_orphans(&self, known: &HashSet<ProjectId>) {
        let seen = match self.inner.engine.list().await {
            Ok(seen) => seen,
            Err(error) => return tracing::warn!(%error, "runtimes could not be listed"),
        };
        for orphan in seen.into_iter().filter(|seen| !known.contains(&seen.id)) {
            // One may have been created since the list was read.
            if !matches!(self.inner.store.find(&orphan.id).await, Ok(None)) {
                continue;
            }
            tracing::info!(project = %orphan.id, "removing a runtime that belongs to no project");
            if let Err(error) = self.inner.engine.remove(&orphan.id).await {
                tracing::warn!(project = %orphan.id, %error, "an orphan could not be removed");
            }
        }
    }

    /// A link is lost: unless it comes back, the engine says what has become of
    /// the runtime.
    async fn look_after(&self, project: &ProjectId) -> Result<(), Error> {
        if self.inner.links.wait(project, REDIAL_PATIENCE).await.is_some() {
            return Ok(());
        }
        let turn = self.turn(project);
        let _held = turn.lock().await;
        let Some(runtime) = self.inner.store.find(project).await? else { return Ok(()) };
        if runtime.desired != Desired::Running || self.inner.links.find(project).is_some() {
            return Ok(());
        }
        let observed = self.inner.engine.inspect(project).await?;
        let reason = how_it_ended(observed.map(|seen| seen.state));
        let project = self.inner.projects.get(project).await?;
        self.note(&project, runtime, Status::Failed, Some(reason)).await?;
        Ok(())
    }

    async fn tell(&self, project: &ProjectId, what: What) {
        match self.inner.projects.get(project).await {
            Ok(project) => self.inner.events.publish(project.about(), what),
            Err(error) => tracing::debug!(%project, %error, "news of a project that is gone"),
        }
    }

    async fn origin(&self, project: &ProjectId) -> Result<Origin, Error> {
        let runtime = self.inner.store.find(project).await?.ok_or(Error::NotFound)?;
        let Project { id, owner, name, kind, .. } = self.inner.projects.get(project).await?;
        Ok(Origin { project: id, owner, name, kind, mode: runtime.settings.network })
    }
}

fn how_it_ended(state: Option<EngineState>) -> String {
    match state {
        Some(EngineState::Stopped { out_of_memory: true, .. }) => {
            "it ran out of memory; raise memory_limit, or use less".to_owned()
        }
        Some(EngineState::Stopped { exit_code: Some(code), .. }) => {
            format!("it ended by itself with exit code {code}; start it again")
        }
        Some(EngineState::Stopped { .. } | EngineState::Created) => {
            "it ended by itself; start it again".to_owned()
        }
        Some(EngineState::Running) => {
            "it runs and its supervisor does not answer; restart it".to_owned()
        }
        None => "it was removed from outside; start it again".to_owned(),
    }
}

/// Hears what the links tell until the server ends.
pub(super) async fn hear(room: Runtimes, mut news: mpsc::Receiver<(ProjectId, News)>) {
    while let Some((project, news)) = news.recv().await {
        match news {
            News::Up(link) => {
                tracing::info!(%project, supervisor = %link.hello().version, "link up");
            }
            News::Down => {
                let room = room.clone();
                room.inner.tasks.clone().run("look after a lost link", async move {
                    if let Err(error) = room.look_after(&project).await {
                        tracing::warn!(%project, %error, "a lost runtime can't be looked after");
                    }
                });
            }
            News::Inbound(event) => hear_inbound(&room, project, event).await,
        }
    }
}

async fn hear_inbound(room: &Runtimes, project: ProjectId, event: InboundEvent) {
    match event {
        InboundEvent::Egress(stream) => {
            let Inner { egress, tasks, .. } = &*room.inner;
            let (egress, room) = (egress.clone(), room.clone());
            tasks.run("egress", async move {
                match room.origin(&project).await {
                    Ok(origin) => {
                        // A program that is early waits for the rules instead of
                        // being refused for want of them.
                        room.learn_registries(origin.kind).await;
                        egress.serve(origin, stream).await;
                    }
                    Err(error) => tracing::warn!(%project, %error, "egress refused"),
                }
            });
        }
        InboundEvent::PortOpened(port) => {
            room.tell(&project, What::Port { port, open: true }).await;
        }
        InboundEvent::PortClosed(port) => {
            room.tell(&project, What::Port { port, open: false }).await;
        }
        InboundEvent::ProcessChanged(state) => {
            let exit_code = state.exit.and_then(|exit| exit.code);
            let what = What::Process { status: process_status(state.status), exit_code };
            room.tell(&project, what).await;
        }
        InboundEvent::TerminalExited { session, .. } => {
            tracing::debug!(%project, session, "a terminal has ended");
        }
    }
}

fn process_status(status: ProcessStatus) -> &'static str {
    match status {
        ProcessStatus::Running => "running",
        ProcessStatus::Waiting => "restarting",
        ProcessStatus::Stopping => "stopping",
        ProcessStatus::Ended => "exited",
    }
}
