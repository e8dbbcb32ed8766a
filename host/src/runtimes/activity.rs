//! When a runtime was last used, and by what.
//!
//! It is kept in memory and written down now and then. What a killed server had
//! not written makes a runtime's idle time begin a little earlier, no more.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;
use crate::ids::ProjectId;

/// What used a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Start,
    Exec,
    Process,
    Terminal,
    File,
    Preview,
}

impl Cause {
    const ALL: [Self; 6] =
        [Self::Start, Self::Exec, Self::Process, Self::Terminal, Self::File, Self::Preview];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Exec => "exec",
            Self::Process => "process",
            Self::Terminal => "terminal",
            Self::File => "file",
            Self::Preview => "preview",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    pub at: Timestamp,
    pub by: Cause,
}

/// What has used this server's runtimes lately.
#[derive(Debug)]
pub(super) struct Activities {
    clock: Clock,
    seen: Mutex<HashMap<ProjectId, Seen>>,
}

#[derive(Debug)]
struct Seen {
    latest: Activity,
    /// Uses that go on; while there are any, it is in use now.
    going_on: usize,
    saved: bool,
}

/// A use that goes on until this is dropped.
#[derive(Debug)]
pub struct Use {
    activities: Arc<Activities>,
    project: ProjectId,
    by: Cause,
}

impl Activities {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, seen: Mutex::default() })
    }

    /// It is used this moment.
    pub(super) fn touch(&self, project: &ProjectId, by: Cause) {
        self.note(project, by, |_| {});
    }

    /// It is used from now until the answer is dropped.
    pub(super) fn begin(self: &Arc<Self>, project: &ProjectId, by: Cause) -> Use {
        self.note(project, by, |seen| seen.going_on += 1);
        Use { activities: Arc::clone(self), project: project.clone(), by }
    }

    /// The latest use that this server knows of.
    pub(super) fn find(&self, project: &ProjectId) -> Option<Activity> {
        let seen = self.lock();
        let seen = seen.get(project)?;
        Some(if seen.going_on > 0 { self.now(seen.latest.by) } else { seen.latest })
    }

    /// What is not written down yet. What is written and over is forgotten.
    pub(super) fn take_unsaved(&self) -> Vec<(ProjectId, Activity)> {
        let mut seen = self.lock();
        seen.retain(|_, seen| !seen.saved || seen.going_on > 0);
        let mut unsaved = Vec::with_capacity(seen.len());
        for (project, seen) in seen.iter_mut() {
            if seen.going_on > 0 {
                seen.latest = self.now(seen.latest.by);
            }
            seen.saved = true;
            unsaved.push((project.clone(), seen.latest));
        }
        unsaved
    }

    fn note(&self, project: &ProjectId, by: Cause, change: impl FnOnce(&mut Seen)) {
        let latest = self.now(by);
        let mut seen = self.lock();
        // Each request to a preview comes here: the id is copied for the first alone.
        if !seen.contains_key(project) {
            seen.insert(project.clone(), Seen { latest, going_on: 0, saved: false });
        }
        if let Some(seen) = seen.get_mut(project) {
            (seen.latest, seen.saved) = (latest, false);
            change(seen);
        }
    }

    fn now(&self, by: Cause) -> Activity {
        Activity { at: self.clock.now(), by }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let end = |seen: &mut Seen| seen.going_on = seen.going_on.saturating_sub(1);
        self.activities.note(&self.project, self.by, end);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn activities() -> (Arc<Activities>, Clock, ProjectId) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        (Activities::new(clock.clone()), clock, ProjectId::generate())
    }

    #[test]
    fn a_use_that_goes_on_counts_as_now() {
        let (activities, clock, project) = activities();
        let exec = activities.begin(&project, Cause::Exec);
        clock.advance(Duration::from_secs(60));
        assert_eq!(activities.find(&project).unwrap().at, clock.now());
        drop(exec);
        clock.advance(Duration::from_secs(60));
        assert_eq!(activities.find(&project).unwrap().at.as_second(), 60);
    }

    #[test]
    fn what_is_written_down_and_over_is_forgotten() {
        let (activities, _, project) = activities();
        activities.touch(&project, Cause::Preview);
        assert_eq!(activities.take_unsaved().len(), 1);
        assert_eq!(activities.take_unsaved().len(), 0);
        assert_eq!(activities.find(&project), None);
    }

    #[test]
    fn a_use_that_goes_on_is_never_forgotten() {
        let (activities, _, project) = activities();
        let _terminal = activities.begin(&project, Cause::Terminal);
        assert_eq!(activities.take_unsaved().len(), 1);
        assert_eq!(activities.take_unsaved().len(), 1);
    }

    #[test]
    fn every_cause_reads_back_from_its_name() {
        assert!(Cause::ALL.iter().all(|cause| Cause::parse(cause.as_str()) == Some(*cause)));
    }
}
