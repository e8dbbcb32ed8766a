//! What the links tell: they come and go, ports open and close, processes end,
//! programs want to leave.

use std::time::Duration;

use lockhouse_supervisor::client::InboundEvent;
use lockhouse_supervisor::protocol::{ExecState, ProcessStatus};
use tokio::sync::mpsc;

use super::link::News;
use super::{Error, Inner, Runtimes};
use crate::events::What;
use crate::ids::ProjectId;

/// How long a lost link may be away before the engine is asked.
const REDIAL_PATIENCE: Duration = Duration::from_secs(3);

impl Runtimes {
    /// A link is lost: unless it comes back, the runtime has ended by itself.
    async fn look_after(&self, project: &ProjectId) -> Result<(), Error> {
        if self.inner.links.wait(project, REDIAL_PATIENCE).await.is_some() {
            return Ok(());
        }
        self.crashed(project).await
    }

    async fn tell(&self, project: &ProjectId, what: What) {
        match self.inner.projects.get(project).await {
            Ok(project) => self.inner.events.publish(project.about(), what),
            Err(error) => tracing::debug!(%project, %error, "news of a project that is gone"),
        }
    }

    /// Nobody may be listening.
    fn tell_end(&self, project: &ProjectId, state: ExecState) {
        let _ = self.inner.exec_ends.send((project.clone(), state));
    }
}

/// Hears what the links tell until the server ends.
pub(super) async fn hear(room: Runtimes, mut news: mpsc::Receiver<(ProjectId, News)>) {
    while let Some((project, news)) = news.recv().await {
        match news {
            News::Up(link) => {
                tracing::info!(%project, supervisor = %link.hello().version, "link up");
                let execs = link.hello().execs.iter().filter(|exec| exec.exit.is_some());
                execs.for_each(|exec| room.tell_end(&project, exec.clone()));
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
        InboundEvent::ExecEnded(state) => room.tell_end(&project, state),
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
