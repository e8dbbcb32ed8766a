//! Carries a run through its states.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::agent::{Agent, AgentError, Brief, Check, Plan, Progress, ProgressSender, Stage};
use super::fixing::Broken;
use super::line::Ticket;
use super::model::{ModelCall, Tally};
use super::run::{Event, NewRun, Run, State};
use super::spend::Spend;
use super::store::Store;
use super::transcript::Recorder;
use super::{Begun, Inner, Parts, Place, fail_job, plan};
use crate::events::{About, What};
use crate::gate::Permit;
use crate::jobs::Job;
use crate::leases::Lease;
use crate::projects::Project;
use crate::runtimes::spec::Wishes;
use crate::tasks::Tasks;

/// Reports of an agent that wait to be told.
const WAITING_PROGRESS: usize = 16;

/// Questions to models that wait to be kept; one more waits with its answer.
const WAITING_CALLS: usize = 4;

/// Reports of one call of an agent that are told.
const MAX_PROGRESS: usize = 100;

/// Why a run goes no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// The text says why.
    Failed(String),
    /// What was written does not do what it should; a fixer may know a remedy.
    Broken(Box<Broken>),
    Cancelled,
}

/// What failed, in its own words.
pub(super) fn failed(error: impl Display) -> Stop {
    Stop::Failed(error.to_string())
}

/// Ends what a run waits for when the run is to end. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Brake {
    cancel: CancellationToken,
    tasks: Tasks,
}

impl Brake {
    pub(super) async fn hold<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
            () = self.tasks.stopping() => {
                Err(Stop::Failed("the server was stopped; generate again".to_owned()))
            }
            done = work => Ok(done),
        }
    }
}

/// A run that is under way.
pub(super) struct Execution {
    pub(super) parts: Parts,
    pub(super) permit: Permit,
    pub(super) project: Project,
    pub(super) job: Job,
    pub(super) brief: Brief,
    pub(super) agent: Arc<dyn Agent>,
    pub(super) brake: Brake,
    run: Run,
    /// Whether what was written is also started.
    start: bool,
    pub(super) state: State,
    /// How many parts of how many are done in this state, where it has parts.
    parts_done: Option<(u32, u32)>,
    /// How often what was written has been repaired.
    pub(super) fixes: u32,
    /// What the agent asked of models.
    calls: mpsc::Receiver<ModelCall>,
    store: Store,
    recorder: Recorder,
    ticket: Ticket,
    _place: Place,
    _lease: Lease,
}

impl Execution {
    pub(super) fn new(
        inner: &Inner,
        permit: Permit,
        project: Project,
        new: NewRun,
        begun: Begun,
    ) -> Self {
        let caller = permit.caller();
        let (told, calls) = mpsc::channel(WAITING_CALLS);
        let brief = Brief {
            prompt: new.prompt,
            project: project.id.clone(),
            project_name: project.name.clone(),
            kind: project.kind,
            kind_fixed: begun.kind_fixed,
            caller: caller.user.id.clone(),
            caller_role: caller.user.role,
            request_id: caller.request_id.clone(),
            tally: Tally::telling(inner.parts.config.max_model_tokens, begun.share, told),
        };
        Self {
            parts: inner.parts.clone(),
            permit,
            project,
            job: begun.job,
            brief,
            agent: begun.agent,
            brake: Brake { cancel: begun.cancel, tasks: inner.parts.tasks.clone() },
            run: begun.run,
            start: new.run,
            state: State::Planning,
            parts_done: None,
            fixes: 0,
            calls,
            store: inner.store.clone(),
            recorder: begun.recorder,
            ticket: begun.ticket,
            _place: begun.place,
            _lease: begun.lease,
        }
    }

    /// Carries the run to its end, whatever that is, and writes the end down.
    pub(super) async fn complete(mut self) {
        let began = Instant::now();
        let outcome = self.carry_out().await;
        let failed =
            |error: String| (State::Failed, Event::Failed { error: error.clone() }, Some(error));
        let (state, event, error) = match outcome {
            Ok(serves) => (State::Done, Event::Done { serves }, None),
            Err(Stop::Cancelled) => (State::Cancelled, Event::Cancelled, None),
            Err(Stop::Failed(why)) => failed(format!("{} failed: {why}", self.state.as_str())),
            Err(Stop::Broken(broken)) => {
                failed(format!("{} failed: {}", broken.state.as_str(), broken.why))
            }
        };
        if let Err(error) = self.end(state, event, error.as_deref()).await {
            tracing::error!(run = %self.run.id, %error, "the end of a run was not recorded");
        }
        metrics::counter!("runs_total", "outcome" => state.as_str()).increment(1);
        metrics::histogram!("run_seconds").record(began.elapsed().as_secs_f64());
        let sealed = match state {
            State::Done => Ok(()),
            State::Failed => Err(error.unwrap_or_default()),
            _ => Err(state.as_str().to_owned()),
        };
        // The outcome has been told to those who watch.
        let _ = self.permit.seal(sealed);
    }

    async fn end(
        &mut self,
        state: State,
        event: Event,
        error: Option<&str>,
    ) -> Result<(), super::Error> {
        if state != State::Done {
            let why = error.unwrap_or("the run was cancelled");
            fail_job(&self.parts.jobs, &self.permit, &self.job, why).await?;
        }
        let now_us = self.parts.clock.now_us();
        self.store.update(&self.run.id, state, error, now_us).await?;
        self.recorder.record([event]).await?;
        self.publish(state);
        Ok(())
    }

    /// Answers whether there is something to look at.
    async fn carry_out(&mut self) -> Result<bool, Stop> {
        self.wait_in_line().await?;
        let plan = self.plan().await?;
        self.write(&plan).await?;
        if !self.start {
            return Ok(false);
        }
        self.enter(State::Installing, "starting the runtime", None).await?;
        let brake = self.brake.clone();
        let Parts { runtimes, .. } = &self.parts;
        let created = runtimes.create(&self.permit, &self.project, Wishes::default());
        brake.hold(created).await?.map_err(failed)?;
        loop {
            match self.bring_up(&plan).await {
                Err(Stop::Broken(broken)) => self.fix(&plan, broken).await?,
                ended => return ended,
            }
        }
    }

    /// Waits for its turn, and says how many are before it as often as that changes.
    async fn wait_in_line(&mut self) -> Result<(), Stop> {
        let mut told = None;
        while let Some(ahead) = self.ticket.ahead() {
            if told.replace(ahead) != Some(ahead) {
                let message = match ahead {
                    0 => "the next one to begin".to_owned(),
                    1 => "1 run is before this one".to_owned(),
                    more => format!("{more} runs are before this one"),
                };
                self.enter(State::Queued, &message, None).await?;
            }
            let brake = self.brake.clone();
            brake.hold(self.ticket.moved()).await?;
        }
        Ok(())
    }

    /// Installs, starts and checks what was written; answers whether there is
    /// something to look at.
    async fn bring_up(&mut self, plan: &Plan) -> Result<bool, Stop> {
        for command in &plan.install {
            self.enter(State::Installing, command, None).await?;
            self.run_command(command, Stage::Install).await?;
        }
        for check in &plan.checks {
            if let Check::Command(command) = check {
                self.enter(State::Checking, command, None).await?;
                self.run_command(command, Stage::Check).await?;
            }
        }
        self.serve(plan).await
    }

    async fn plan(&mut self) -> Result<Plan, Stop> {
        self.enter(State::Planning, &format!("{} plans", self.agent.name()), None).await?;
        let (agent, brief) = (Arc::clone(&self.agent), self.brief.clone());
        let patience = Duration::from_secs(self.parts.config.plan_timeout);
        let ask = async |progress: ProgressSender| agent.plan(&brief, &progress).await;
        let plan = self.ask(patience, ask).await?;
        let fixed = self.brief.kind_fixed.then_some(self.project.kind);
        plan::check(&plan, fixed).map_err(Stop::Failed)?;
        let json = plan::to_json(&plan);
        let Parts { jobs, projects, .. } = &self.parts;
        self.job = jobs.set_plan(&self.permit, &self.job, json).await.map_err(failed)?;
        if plan.kind != self.project.kind {
            let project = self.project.clone();
            let updated = projects.update(&self.permit, project, Some(plan.kind), None).await;
            self.project = updated.map_err(failed)?;
            self.brief.kind = plan.kind;
        }
        self.store.settle_kind(&self.run.id).await.map_err(failed)?;
        self.brief.kind_fixed = true;
        self.enter(State::Planned, &plan.summary, None).await?;
        Ok(plan)
    }

    /// Asks the agent and tells its progress meanwhile.
    pub(super) async fn ask<T>(
        &mut self,
        patience: Duration,
        ask: impl AsyncFnOnce(ProgressSender) -> Result<T, AgentError>,
    ) -> Result<T, Stop> {
        let (sender, mut reports) = mpsc::channel(WAITING_PROGRESS);
        let brake = self.brake.clone();
        let answer = brake.hold(tokio::time::timeout(patience, ask(sender)));
        tokio::pin!(answer);
        let mut told = 0;
        let answered = loop {
            tokio::select! {
                // In the order in which an agent does it, so that the same run
                // tells the same.
                biased;
                Some(report) = reports.recv(), if told < MAX_PROGRESS => {
                    told += 1;
                    self.tell_progress(report).await?;
                }
                Some(call) = self.calls.recv() => self.keep_call(call).await?,
                answered = &mut answer => break answered?,
            }
        };
        while let Ok(call) = self.calls.try_recv() {
            self.keep_call(call).await?;
        }
        // What it reported last may have come together with its answer.
        while told < MAX_PROGRESS
            && let Ok(report) = reports.try_recv()
        {
            told += 1;
            self.tell_progress(report).await?;
        }
        let late = |_| Stop::Failed(format!("the agent took over {} s", patience.as_secs()));
        answered.map_err(late)?.map_err(failed)
    }

    /// Keeps a question to a model with its answer, and what it cost.
    async fn keep_call(&mut self, call: ModelCall) -> Result<(), Stop> {
        let spend = Spend::of(&call, &self.brief.caller, self.parts.clock.now_us());
        self.store.add_spend(&self.run, &spend).await.map_err(failed)?;
        if self.brief.tally.has_share() {
            let spent = self.store.spent_today(&spend.user, spend.day_us).await.map_err(failed)?;
            self.brief.tally.tell_spent(spent);
        }
        self.record([Event::Model(Box::new(call))]).await
    }

    async fn tell_progress(&mut self, progress: Progress) -> Result<(), Stop> {
        let Progress { done, total, message } = progress;
        // While files are written, the parts are the files.
        let own = (total > 0).then_some((done, total));
        let parts = self.parts_done.or(own);
        self.record([Event::State { state: self.state, message, parts }]).await
    }

    /// Goes on to a state, or says what is next in it.
    pub(super) async fn enter(
        &mut self,
        state: State,
        message: &str,
        parts: Option<(u32, u32)>,
    ) -> Result<(), Stop> {
        // Between two effects is where a run can always be ended.
        self.brake.hold(std::future::ready(())).await?;
        if self.state != state {
            self.state = state;
            let now_us = self.parts.clock.now_us();
            self.store.update(&self.run.id, state, None, now_us).await.map_err(failed)?;
        }
        self.parts_done = parts;
        let message = message.to_owned();
        self.record([Event::State { state, message, parts }]).await?;
        self.publish(state);
        Ok(())
    }

    pub(super) async fn record(
        &mut self,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<(), Stop> {
        self.recorder.record(events).await.map_err(failed)
    }

    fn publish(&self, state: State) {
        let news = What::Run { run: self.run.id.clone(), state: state.as_str() };
        self.parts.events.publish(self.run.about(), news);
    }
}

impl Run {
    /// Whose news this run's are.
    pub(super) fn about(&self) -> About {
        About { owner: self.owner.clone(), project: self.project_name.clone() }
    }
}
