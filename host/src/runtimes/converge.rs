//! From what is to what should be: one change of one runtime after another,
//! each written down before and after its steps.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::activity::Cause;
use super::crash::{self, After};
use super::deadlines;
use super::engine::{self, EngineState, Limits, RuntimeSpec};
use super::spec::{Settings, Wishes};
use super::state::{self, Desired, Status, Step};
use super::{Error, Inner, Runtime, Runtimes};
use crate::events::What;
use crate::ids::{Kind, ProjectId};
use crate::projects::Project;
use crate::traces::SPANS;

/// Steps after which a runtime that does not settle has failed.
const MAX_STEPS: usize = 8;

/// Generation of a runtime that is made for the first time.
pub(super) const FIRST_GENERATION: u32 = 1;

/// How long a runtime that has just been started is given to report before the
/// engine is asked how it is.
const REPORT_PATIENCE: Duration = Duration::from_millis(500);

/// How long another server's change of the same runtime is waited for.
pub(super) const TURN_PATIENCE: Duration = Duration::from_secs(60);

/// A change that is wanted.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Created(Wishes),
    /// As it is, with other settings.
    Changed(Wishes),
    Running,
    Stopped,
    Restarted,
    Absent,
    /// What is desired already.
    Settled,
    /// Started again after its end, if its time has come.
    Revived,
    /// Stopped, if a deadline is over.
    Expired,
    /// Stopped, if its workspace is over its limit.
    Still,
}

impl Wanted {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Changed(_) => "changed",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Restarted => "restarted",
            Self::Absent => "absent",
            Self::Settled => "settled",
            Self::Revived => "revived",
            Self::Expired => "expired",
            Self::Still => "still",
        }
    }
}

impl Runtimes {
    /// Takes the change in a task of its own: a client that goes away leaves
    /// nothing half-done.
    pub(super) async fn settle(&self, project: &Project, wanted: Wanted) -> Result<Runtime, Error> {
        let (done, answer) = oneshot::channel();
        let (room, project) = (self.clone(), project.clone());
        let (asked, id) = (wanted.as_str(), &project.id);
        let span = tracing::info_span!(target: SPANS, "runtime change", lockhouse.wanted = asked, lockhouse.project = %id);
        let work = async move {
            let change = room.change(&project, wanted);
            // The client may have gone; what it asked for is done all the same.
            let _ = done.send(room.in_turn(&project.id, change).await);
        };
        self.inner.tasks.run("settle a runtime", work.instrument(span));
        answer.await.map_err(|_| Error::Stopping)?
    }

    /// Works on a runtime while nobody else does, on this server or another.
    pub(super) async fn in_turn<T>(
        &self,
        project: &ProjectId,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let turn = self.turn(project);
        let _held = turn.lock().await;
        let lease = self.inner.leases.take(&format!("runtime/{project}"), TURN_PATIENCE).await?;
        let lease = lease.ok_or(Error::Busy)?;
        let done = tokio::select! {
            done = work => done,
            () = lease.lost() => Err(Error::Busy),
        };
        lease.give_back().await;
        done
    }

    fn turn(&self, project: &ProjectId) -> Arc<tokio::sync::Mutex<()>> {
        let mut changing = self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        changing.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(changing.entry(project.clone()).or_default())
    }

    async fn change(&self, project: &Project, wanted: Wanted) -> Result<Runtime, Error> {
        let known = self.inner.store.find(&project.id).await?;
        let Some(runtime) = known else {
            return match wanted {
                Wanted::Created(wishes) => self.create_first(project, wishes).await,
                _ => Err(Error::NotFound),
            };
        };
        match wanted {
            Wanted::Created(wishes) => {
                self.check_same(&runtime, wishes)?;
                self.check_room(&runtime).await?;
                self.converge(project, forgiven(runtime), Desired::Running).await
            }
            Wanted::Changed(wishes) => self.reconfigure(project, runtime, wishes).await,
            Wanted::Running => {
                self.check_room(&runtime).await?;
                self.converge(project, forgiven(runtime), Desired::Running).await
            }
            Wanted::Stopped => self.converge(project, forgiven(runtime), Desired::Stopped).await,
            Wanted::Restarted => {
                self.check_room(&runtime).await?;
                let runtime =
                    self.note(project, forgiven(runtime), Status::Restarting, None).await?;
                let runtime = self.converge(project, runtime, Desired::Stopped).await?;
                self.converge(project, runtime, Desired::Running).await
            }
            Wanted::Absent => self.converge(project, runtime, Desired::Absent).await,
            Wanted::Settled => {
                let desired = runtime.desired;
                self.converge(project, runtime, desired).await
            }
            Wanted::Revived => self.revive(project, runtime).await,
            Wanted::Expired => self.expire(project, runtime).await,
            Wanted::Still => self.make_still(project, runtime).await,
        }
    }

    /// Makes its runtime, or takes over the one from the pool that it was given
    /// with its id.
    async fn create_first(&self, project: &Project, wishes: Wishes) -> Result<Runtime, Error> {
        let mut runtime = self.new_runtime(project, wishes)?;
        let adopted = self.inner.pool.holds(&project.id).await?;
        if adopted && self.fit(&project.id, &runtime.settings).await? {
            runtime.generation = FIRST_GENERATION;
            runtime.started_at = Some(runtime.created_at);
            self.inner.activities.touch(&project.id, Cause::Start);
        }
        // Its supervisor is at the other end of the link: no engine knows better.
        let runtime = if adopted && self.inner.links.find(&project.id).is_some() {
            self.settled(project, runtime, Status::Running, None).await?
        } else {
            self.converge(project, runtime, Desired::Running).await?
        };
        if adopted {
            self.inner.pool.forget(&project.id).await?;
        }
        Ok(runtime)
    }

    fn new_runtime(&self, project: &Project, wishes: Wishes) -> Result<Runtime, Error> {
        let now = self.inner.clock.now();
        Ok(Runtime {
            project: project.id.clone(),
            engine: self.inner.engine.name().to_owned(),
            desired: Desired::Running,
            status: Status::Creating,
            reason: None,
            generation: 0,
            settings: self.inner.config.grant(wishes)?,
            created_at: now,
            updated_at: now,
            started_at: None,
            activity: None,
            crashes: 0,
            retry_at: None,
        })
    }

    fn check_same(&self, runtime: &Runtime, wishes: Wishes) -> Result<(), Error> {
        let same =
            wishes == Wishes::default() || self.inner.config.grant(wishes)? == runtime.settings;
        if same { Ok(()) } else { Err(Error::Differs) }
    }

    /// Gives it other settings. The host's own, such as timeouts, count from the
    /// moment they are written down.
    async fn reconfigure(
        &self,
        project: &Project,
        mut runtime: Runtime,
        wishes: Wishes,
    ) -> Result<Runtime, Error> {
        let Inner { config, engine, disk, projects, egress, .. } = &*self.inner;
        let settings = config.grant_over(&runtime.settings, wishes)?;
        let (before, after) = (config.limits(&runtime.settings), config.limits(&settings));
        if after != (Limits { disk_bytes: after.disk_bytes, ..before }) {
            match engine.update(&project.id, &after).await {
                // It gets them when it is made.
                Ok(()) | Err(engine::Error::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if after.disk_bytes != before.disk_bytes {
            disk.limit(&projects.workspace(&project.id), after.disk_bytes).await?;
            self.inner.written.note(&project.id);
        }
        let other_network = settings.network != runtime.settings.network;
        runtime.settings = settings;
        let (status, reason) = (runtime.status, runtime.reason.clone());
        let runtime = self.note(project, runtime, status, reason).await?;
        if other_network {
            // What is open was allowed by what counted before.
            egress.forget(&project.id);
        }
        Ok(runtime)
    }

    /// Stops it if a deadline is over; it may have been used a moment ago.
    async fn expire(&self, project: &Project, runtime: Runtime) -> Result<Runtime, Error> {
        let activity = self.latest_activity(&runtime);
        let Some(due) = deadlines::due(&runtime, activity, self.inner.clock.now()) else {
            return Ok(runtime);
        };
        if due.is_idle() && self.has_commands(&project.id).await {
            self.touch(&project.id, Cause::Exec);
            return Ok(runtime);
        }
        self.inner.gate.record("runtime.expire", &project.target(), due.to_string());
        self.converge_for(project, runtime, Desired::Stopped, Some(due.to_string())).await
    }

    /// Whether commands run in it. Nobody need follow them, and another server may have begun
    /// them.
    async fn has_commands(&self, project: &ProjectId) -> bool {
        let Some(link) = self.inner.links.find(project) else { return false };
        link.execs().await.is_ok_and(|execs| execs.iter().any(|exec| exec.exit.is_none()))
    }

    async fn converge(
        &self,
        project: &Project,
        runtime: Runtime,
        desired: Desired,
    ) -> Result<Runtime, Error> {
        self.converge_for(project, runtime, desired, None).await
    }

    /// Takes steps until what is observed is what is desired; `reason` is shown
    /// with the states on the way and the last.
    pub(super) async fn converge_for(
        &self,
        project: &Project,
        mut runtime: Runtime,
        desired: Desired,
        reason: Option<String>,
    ) -> Result<Runtime, Error> {
        runtime.desired = desired;
        let mut observed = self.observe(&project.id).await?;
        if observed.is_none() && desired != Desired::Running {
            // Of one whose files are lost an engine may see no more than that it runs.
            self.take_in_time(project, &mut runtime, Step::Remove).await?;
        }
        for _ in 0..MAX_STEPS {
            let linked = self.is_linked(&runtime, observed).await;
            let step = state::next(desired, observed, linked);
            if let Step::Settled(status) = step {
                return self.settled(project, runtime, status, reason).await;
            }
            runtime = self.note(project, runtime, step.status(), reason.clone()).await?;
            if let Err(error) = self.take_in_time(project, &mut runtime, step).await {
                let reason = Some(error.to_string());
                self.note(project, runtime, Status::Failed, reason).await?;
                return Err(error);
            }
            observed = self.observe_after(&project.id, step).await?;
        }
        let reason = format!("it did not settle in {MAX_STEPS} steps");
        self.note(project, runtime, Status::Failed, Some(reason.clone())).await?;
        Err(engine::Error::Failed(reason).into())
    }

    async fn observe(&self, project: &ProjectId) -> Result<Option<EngineState>, Error> {
        Ok(self.inner.engine.inspect(project).await?.map(|seen| seen.state))
    }

    /// What a step led to. An engine may take longer to tell it than the step took,
    /// so it is asked only where nothing else is proof.
    async fn observe_after(
        &self,
        project: &ProjectId,
        step: Step,
    ) -> Result<Option<EngineState>, Error> {
        match step {
            Step::Create => Ok(Some(EngineState::Created)),
            Step::Start if self.inner.links.wait(project, REPORT_PATIENCE).await.is_some() => {
                Ok(Some(EngineState::Running))
            }
            _ => self.observe(project).await,
        }
    }

    async fn settled(
        &self,
        project: &Project,
        mut runtime: Runtime,
        status: Status,
        reason: Option<String>,
    ) -> Result<Runtime, Error> {
        // What is as it was keeps the reason that it has.
        let before = runtime.reason.take().filter(|_| runtime.status == status);
        let reason = reason.or(before);
        let runtime = self.note(project, runtime, status, reason).await?;
        if status == Status::Absent {
            self.inner.links.forget(&project.id);
            self.inner.egress.forget(&project.id);
            self.inner.place.remove(&project.id).await?;
            self.inner.store.delete(&project.id).await?;
        }
        Ok(runtime)
    }

    async fn take_in_time(
        &self,
        project: &Project,
        runtime: &mut Runtime,
        step: Step,
    ) -> Result<(), Error> {
        let patience = step.patience(&self.inner.config);
        tracing::debug!(project = %project.id, ?step, "step begins");
        let span = tracing::info_span!(target: SPANS, "runtime step", step = step.as_str());
        let (began, take) = (Instant::now(), self.take(project, runtime, step).instrument(span));
        let taken = tokio::time::timeout(patience, take).await;
        metrics::histogram!("runtime_step_seconds", "step" => step.as_str())
            .record(began.elapsed());
        tracing::debug!(project = %project.id, ?step, "step ends");
        taken.map_err(|_| Error::Late(step.status(), patience.as_secs()))?
    }

    async fn take(
        &self,
        project: &Project,
        runtime: &mut Runtime,
        step: Step,
    ) -> Result<(), Error> {
        let Inner { engine, links, config, .. } = &*self.inner;
        match step {
            Step::Create => {
                self.listen(&project.id).await?;
                runtime.generation += 1;
                engine.name().clone_into(&mut runtime.engine);
                let what = (&project.id, project.kind);
                let spec = self.spec(what, runtime.generation, &runtime.settings);
                self.inner.disk.limit(&spec.workspace, spec.limits.disk_bytes).await?;
                engine.create(&spec).await?;
            }
            Step::Start => {
                self.listen(&project.id).await?;
                engine.start(&project.id).await?;
                runtime.started_at = Some(self.inner.clock.now());
                self.inner.activities.touch(&project.id, Cause::Start);
            }
            Step::AwaitLink => {
                self.listen(&project.id).await?;
                let patience = Duration::from_secs(config.start_timeout);
                let link = links.wait(&project.id, patience).await;
                link.ok_or(Error::Silent(config.start_timeout))?;
            }
            Step::Stop => {
                engine.stop(&project.id, Duration::from_secs(config.stop_grace)).await?;
            }
            Step::Remove => engine.remove(&project.id).await?,
            Step::Settled(_) => {}
        }
        Ok(())
    }

    /// All that an engine needs to know of a runtime.
    pub(super) fn spec(
        &self,
        (id, kind): (&ProjectId, Kind),
        generation: u32,
        settings: &Settings,
    ) -> RuntimeSpec {
        let Inner { config, place, projects, engine, .. } = &*self.inner;
        let mut env = place.environment();
        if !engine.shares_kernel() {
            env.push(place.credential(id));
        }
        RuntimeSpec {
            id: id.clone(),
            instance: place.instance.clone(),
            generation,
            kind,
            workspace: projects.workspace(id),
            link_dir: place.link_dir(id),
            user: place.user,
            limits: config.limits(settings),
            env,
        }
    }

    /// Whether its supervisor is there. That of a runtime that is known to run may
    /// have reported to another server until now; then it is heard here in a moment,
    /// and on a busy machine that may last.
    async fn is_linked(&self, runtime: &Runtime, observed: Option<EngineState>) -> bool {
        let Inner { links, leases, config, .. } = &*self.inner;
        let runs = runtime.desired == Desired::Running
            && runtime.status == Status::Running
            && observed == Some(EngineState::Running);
        if !runs || links.find(&runtime.project).is_some() {
            return links.find(&runtime.project).is_some();
        }
        let patience = Duration::from_secs(config.start_timeout);
        self.link(&runtime.project).await.is_ok()
            || !leases.is_alone() && links.wait(&runtime.project, patience).await.is_some()
    }

    /// Another server deleted it.
    async fn forget_link(&self, project: &ProjectId) -> Result<(), Error> {
        if !self.inner.pool.holds(project).await? {
            self.inner.links.forget(project);
            self.inner.egress.forget(project);
        }
        Ok(())
    }

    /// Writes down that it ended by itself, and when it is started again.
    pub(super) async fn crashed(&self, project: &ProjectId) -> Result<(), Error> {
        self.in_turn(project, async {
            let Some(runtime) = self.inner.store.find(project).await? else {
                return self.forget_link(project).await;
            };
            if runtime.desired != Desired::Running || runtime.status != Status::Running {
                return Ok(());
            }
            let observed = self.inner.engine.inspect(project).await?.map(|seen| seen.state);
            if self.is_linked(&runtime, observed).await {
                return Ok(());
            }
            let how = crash::how_it_ended(observed);
            let project = self.inner.projects.get(project).await?;
            let now = self.inner.clock.now();
            let ran = runtime.started_at.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
            let ran = Duration::try_from(ran).unwrap_or_default();
            metrics::counter!("runtime_crashes_total").increment(1);
            self.start_again_later(&project, runtime, (&how, ran)).await.map(drop)
        })
        .await
    }

    /// Plans the next start of one that ended so, having run for so long; too many in a row,
    /// and it has failed.
    async fn start_again_later(
        &self,
        project: &Project,
        mut runtime: Runtime,
        (how, ran): (&str, Duration),
    ) -> Result<Runtime, Error> {
        match crash::after(runtime.crashes, ran, self.inner.config.max_restarts) {
            After::GiveUp { crashes } => {
                (runtime.crashes, runtime.retry_at) = (crashes, None);
                let reason = format!("{how}, {crashes} times in a row; start it again");
                self.note(project, runtime, Status::Failed, Some(reason)).await
            }
            After::Restart { crashes, wait } => {
                runtime.crashes = crashes;
                runtime.retry_at = self.inner.clock.now().checked_add(wait).ok();
                let reason = format!("{how}; it is started again in {} s", wait.as_secs());
                let runtime = self.note(project, runtime, Status::Restarting, Some(reason)).await?;
                self.revive_later(project.clone(), wait);
                Ok(runtime)
            }
        }
    }

    /// The time is in the database; should this task end with the server, the
    /// sweep sees to it.
    fn revive_later(&self, project: Project, wait: Duration) {
        let room = self.clone();
        self.inner.tasks.run("restart a runtime", async move {
            tokio::time::sleep(wait).await;
            if let Err(error) = room.settle(&project, Wanted::Revived).await {
                tracing::warn!(project = %project.id, %error, "a runtime was not started again");
            }
        });
    }

    /// Starts it again, if its time has come. A start that fails counts as one more end.
    async fn revive(&self, project: &Project, runtime: Runtime) -> Result<Runtime, Error> {
        let due = runtime.retry_at.is_some_and(|at| at <= self.inner.clock.now());
        if !due || runtime.desired != Desired::Running {
            return Ok(runtime);
        }
        let failed = match self.start_anew(project, runtime).await {
            Err(error) => error,
            started => return started,
        };
        let runtime = self.inner.store.find(&project.id).await?.ok_or(Error::NotFound)?;
        let how = format!("it could not be started again ({failed})");
        self.start_again_later(project, runtime, (&how, Duration::ZERO)).await
    }

    /// From nothing: what hangs is ended first.
    async fn start_anew(&self, project: &Project, mut runtime: Runtime) -> Result<Runtime, Error> {
        runtime.retry_at = None;
        if self.inner.links.find(&project.id).is_none() {
            match self.inner.engine.stop(&project.id, Duration::ZERO).await {
                Ok(()) | Err(engine::Error::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.converge(project, runtime, Desired::Running).await
    }

    /// Writes a state down and tells of it where it changed.
    pub(super) async fn note(
        &self,
        project: &Project,
        mut runtime: Runtime,
        status: Status,
        reason: Option<String>,
    ) -> Result<Runtime, Error> {
        let changed = runtime.status != status || runtime.reason != reason;
        runtime.status = status;
        runtime.reason = reason;
        runtime.updated_at = self.inner.clock.now();
        self.inner.store.put(&runtime).await?;
        if changed {
            metrics::counter!("runtime_transitions_total", "status" => status.as_str())
                .increment(1);
            let news = What::Runtime { status: status.as_str(), reason: runtime.reason.clone() };
            self.inner.events.publish(project.about(), news);
        }
        Ok(runtime)
    }
}

/// Somebody asked for a change: what was before does not count any more.
fn forgiven(mut runtime: Runtime) -> Runtime {
    (runtime.crashes, runtime.retry_at) = (0, None);
    runtime
}
