//! Repairs: what did not do what it should is shown to the agent's fixer, and
//! its edits are made in the project.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::agent::{Edit, Failure, Plan, ProgressSender, Role, Stage, WriteContext};
use super::executor::{Execution, Stop, failed};
use super::run::{Event, State};
use super::writing::{MAX_EDITS, Sources, edit_path};
use crate::files::{Precondition, RelPath, Save};

/// Something of the plan that did not do what it should.
#[derive(Debug)]
pub(super) struct Broken {
    /// How far the run had come.
    pub(super) state: State,
    pub(super) stage: Stage,
    pub(super) what: String,
    pub(super) code: Option<i32>,
    /// The end of what it printed.
    pub(super) output: String,
    /// For people; it ends with the last output.
    pub(super) why: String,
}

impl Execution {
    /// Repairs what is broken, so that it can be tried again. Where nobody
    /// knows a remedy, the run ends with what was broken.
    pub(super) async fn fix(&mut self, plan: &Plan, broken: Box<Broken>) -> Result<(), Stop> {
        if !self.agent.plays(Role::Fixer) || self.fixes >= self.parts.config.max_fixes {
            return Err(Stop::Broken(broken));
        }
        self.enter(State::Fixing, &broken.what, None).await?;
        let brake = self.brake.clone();
        let sources = brake.hold(Sources::read(&self.parts.files, &self.project)).await??;
        let edits = match self.ask_for_remedy(plan, &broken, &sources).await {
            Ok(edits) if edits.is_empty() => return Err(Stop::Broken(broken)),
            Ok(edits) => edits,
            Err(Stop::Failed(why)) => {
                return Err(Stop::Broken(Box::new(unrepaired(*broken, &why))));
            }
            Err(stop) => return Err(stop),
        };
        self.fixes += 1;
        metrics::counter!("run_fixes_total").increment(1);
        self.repair(edits).await
    }

    async fn ask_for_remedy(
        &mut self,
        plan: &Plan,
        broken: &Broken,
        sources: &Sources,
    ) -> Result<Vec<Edit>, Stop> {
        let context = WriteContext { brief: self.brief.clone(), existing: sources.existing() };
        let failure = Failure {
            plan: plan.clone(),
            what: broken.what.clone(),
            stage: broken.stage,
            code: broken.code,
            output: broken.output.clone(),
            attempt: self.fixes,
        };
        let (agent, patience) = (Arc::clone(&self.agent), self.parts.config.write_timeout);
        let ask = async |progress: ProgressSender| agent.fix(&failure, &context, &progress).await;
        let edits = self.ask(Duration::from_secs(patience), ask).await?;
        if edits.len() > MAX_EDITS {
            let count = edits.len();
            return Err(Stop::Failed(format!("the agent wanted {count} edits in one repair")));
        }
        Ok(edits)
    }

    /// Makes the edits in the project. A repair with an edit that leads out of
    /// it makes none.
    async fn repair(&mut self, edits: Vec<Edit>) -> Result<(), Stop> {
        let parsed: Result<Vec<_>, _> =
            edits.into_iter().map(|edit| Ok((edit_path(&edit)?, edit))).collect();
        for (path, edit) in parsed? {
            // A cancellation leaves whole files.
            self.brake.hold(std::future::ready(())).await?;
            self.repair_file(&path, edit).await?;
            self.record([Event::File { path: path.to_string() }]).await?;
        }
        Ok(())
    }

    async fn repair_file(&self, path: &RelPath, edit: Edit) -> Result<(), Stop> {
        let (files, permit, project) = (&self.parts.files, &self.permit, &self.project);
        match edit {
            Edit::Write { content, executable, .. } => {
                let save = Save { executable: Some(executable), ..Save::default() };
                let content = Bytes::from(content);
                let saved = files.write_bytes(permit, project, path, content, save).await;
                saved.map(|_| ()).map_err(failed)
            }
            Edit::Delete { .. } => {
                let none = Precondition::None;
                let deleted = files.delete(permit, project, path, false, none).await;
                deleted.map(|_| ()).map_err(failed)
            }
        }
    }
}

/// The fixer has failed as well; what was broken is what the run ends with.
fn unrepaired(broken: Broken, why: &str) -> Broken {
    let why = format!("{}\n(it was not repaired: {why})", broken.why);
    Broken { why, ..broken }
}
