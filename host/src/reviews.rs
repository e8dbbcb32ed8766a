//! Room: reviews, for which a project is handed in as it is at one moment.
//!
//! ```text
//!   (hidden) ──kept──► open ──verdict──► approved ◄──► changes_requested
//!                       └──a newer one is handed in──► superseded
//! ```
//!
//! What was handed in stays as it was, whatever becomes of the project: a snapshot is kept
//! as objects (`snapshot`), and its row is hidden until they are there, and again before
//! they go. The owner hands in and remarks; reviewers see everybody's submissions, remark
//! and give verdicts, and see no project's files by that. A deleted project's submissions
//! are seen by nobody, come back with it, and go when it is gone for good (`sweep`).

mod changes;
mod comments;
mod diff;
mod lines;
mod snapshot;
mod store;
mod sweep;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::auth::Caller;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{About, Events, What};
use crate::files::{self, Bounds, Files};
use crate::gate::{Permit, Target};
use crate::ids::{ProjectId, ProjectName, SubmissionId, UserId};
use crate::objects::{self, Body, Objects};
use crate::projects::Project;
use snapshot::Snapshots;
use store::Store;

pub use comments::{Comment, CommentChange, Commented, MAX_COMMENTS, NewComment, Place, Placed};
pub use diff::{Against, Compared, Cut, Diff, FileDiff, Hunk, Line, LineKind};
pub use snapshot::File;

/// Submissions and comments answered at once when a list names no limit.
pub const DEFAULT_PAGE: u32 = 100;

/// The most that one page of a list holds.
pub const MAX_PAGE: u32 = 1_000;

/// The longest message, comment or verdict.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Verdicts that one submission is given.
pub const MAX_VERDICTS: u32 = 100;

/// Snapshots that are taken at once, and diffs that are made; others wait their turn.
const AT_ONCE: usize = 2;

/// How often a number is looked for that nobody else has taken meanwhile.
const TRIES: usize = 8;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Files that a submission may hold.
    pub max_files: u32,
    /// Bytes that its files may have, all together.
    pub max_bytes: u64,
    /// Submissions that are kept of one project.
    pub max_per_project: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_files: 10_000, max_bytes: 64 * 1024 * 1024, max_per_project: 100 }
    }
}

/// The most that may be configured: a submission's index is read as a whole.
const MOST_FILES: u32 = 100_000;

impl Config {
    /// Says what is wrong with it, where something is.
    pub fn check(&self) -> Result<(), String> {
        if self.max_files > MOST_FILES {
            return Err(format!("reviews.max_files: write at most {MOST_FILES}"));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits for a verdict.
    Open,
    Approved,
    ChangesRequested,
    /// A newer one was handed in before there was a verdict.
    Superseded,
}

impl State {
    pub const ALL: [Self; 4] =
        [Self::Open, Self::Approved, Self::ChangesRequested, Self::Superseded];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => Verdict::Approved.as_str(),
            Self::ChangesRequested => Verdict::ChangesRequested.as_str(),
            Self::Superseded => "superseded",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approved,
    ChangesRequested,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::ChangesRequested => "changes_requested",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Approved, Self::ChangesRequested].into_iter().find(|one| one.as_str() == text)
    }

    fn state(self) -> State {
        match self {
            Self::Approved => State::Approved,
            Self::ChangesRequested => State::ChangesRequested,
        }
    }
}

/// A project as it was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    pub id: SubmissionId,
    pub project: ProjectId,
    pub project_name: ProjectName,
    /// Whose project it is.
    pub owner: UserId,
    /// Who handed it in.
    pub author: UserId,
    /// Counts up from one in each project.
    pub number: u32,
    pub message: String,
    pub state: State,
    /// Of its index, and so of all that is in it.
    digest: String,
    pub files: u64,
    pub bytes: u64,
    /// Links and other things that are no plain files.
    pub left_out: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Submission {
    /// This submission as something that the gate can judge.
    pub fn target(&self) -> Target {
        Target::Shown { owner: self.owner.clone(), name: self.name() }
    }

    /// The same for who wants it gone.
    pub fn own_target(&self) -> Target {
        Target::Owned { owner: self.owner.clone(), name: self.name() }
    }

    /// The same for who gives a verdict on it.
    pub fn judged_target(&self) -> Target {
        let makers = [self.owner.clone(), self.author.clone()];
        Target::Judged { makers, name: self.name() }
    }

    fn name(&self) -> String {
        format!("submission/{}", self.id)
    }

    fn about(&self) -> About {
        About { owner: self.owner.clone(), project: self.project_name.clone() }
    }
}

/// What somebody found of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub author: UserId,
    pub verdict: Verdict,
    pub body: String,
    pub created_at: Timestamp,
}

/// Which submissions are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub project: Option<ProjectId>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no submission “{0}”; `GET /api/v1/submissions` lists those you may see")]
    NotFound(String),
    #[error("there is no file “{0}” in this submission")]
    NoFile(String),
    #[error("there is no comment “{0}” on this submission")]
    NoComment(String),
    #[error("a project may have {0} submissions; delete one of them first")]
    Full(u32),
    #[error("a submission may have {0}; that is enough")]
    Enough(&'static str),
    #[error("a newer submission has taken this one's place; give the verdict on that one")]
    Superseded,
    #[error("only who wrote a comment changes what it says")]
    NotAuthor,
    #[error("write 1 to {MAX_TEXT_BYTES} bytes, without NUL")]
    Text,
    #[error("{0}")]
    Line(String),
    #[error("the snapshot of this submission is gone from the storage; hand the project in again")]
    Lost,
    /// What is kept is not what was handed in.
    #[error("the snapshot of a submission is damaged: {0}")]
    Damaged(String),
    #[error(transparent)]
    Files(#[from] files::Error),
    #[error(transparent)]
    Objects(objects::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<objects::Error> for Error {
    fn from(error: objects::Error) -> Self {
        match error {
            objects::Error::NotFound(_) => Self::Lost,
            error => Self::Objects(error),
        }
    }
}

/// The reviews of this installation. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Reviews {
    store: Store,
    snapshots: Snapshots,
    files: Files,
    clock: Clock,
    events: Events,
    config: Config,
    taking: Arc<Semaphore>,
    comparing: Arc<Semaphore>,
}

/// What the room is built from.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub events: Events,
    /// What is handed in.
    pub files: Files,
    /// Where it is kept.
    pub objects: Objects,
    pub config: Config,
}

impl Reviews {
    pub fn new(parts: Parts) -> Self {
        let Parts { db, clock, events, files, objects, config } = parts;
        let (store, snapshots) = (Store::new(db), Snapshots::new(objects, &config));
        let [taking, comparing] = [(); 2].map(|()| Arc::new(Semaphore::new(AT_ONCE)));
        Self { store, snapshots, files, clock, events, config, taking, comparing }
    }

    /// Hands a project in as it is; answers whether that is new. The same files with the
    /// same message, while they wait for a verdict, are what is there already.
    pub async fn submit(
        &self,
        permit: &Permit,
        project: &Project,
        message: String,
    ) -> Result<(Submission, bool), Error> {
        if message.len() > MAX_TEXT_BYTES || message.contains('\0') {
            return Err(Error::Text);
        }
        let _turn = self.taking.acquire().await.map_err(|_| files::Error::Stopping)?;
        let Config { max_files, max_bytes, .. } = self.config;
        let bounds = Bounds { files: max_files as usize, bytes: max_bytes };
        let taken = self.files.snapshot(project, bounds).await?;
        let index = snapshot::Index::of(&taken.files)?;
        if let Some(latest) = self.store.latest(&project.id).await?
            && (latest.state, &latest.digest) == (State::Open, &index.digest)
            && latest.message == message
        {
            return Ok((latest, false));
        }
        let now = self.clock.now();
        let submission = self.insert(Submission {
            id: SubmissionId::generate(),
            project: project.id.clone(),
            project_name: project.name.clone(),
            owner: project.owner.clone(),
            author: permit.caller().user.id.clone(),
            number: 0,
            message,
            state: State::Open,
            digest: index.digest.clone(),
            files: taken.files.len() as u64,
            bytes: taken.bytes,
            left_out: taken.left_out,
            created_at: now,
            updated_at: now,
        });
        let submission = submission.await?;
        // A row whose objects did not arrive stays hidden, and is swept.
        self.snapshots.put(&submission.id, &index, taken.content).await?;
        let submission = self.show(submission).await?;
        self.publish(&submission, &submission.author, "created");
        Ok((submission, true))
    }

    /// Keeps the row, hidden, under the next number.
    async fn insert(&self, mut new: Submission) -> Result<Submission, Error> {
        for _ in 0..TRIES {
            let most = self.config.max_per_project;
            match self.store.insert(&new, most).await {
                Ok(Some(number)) => {
                    new.number = number;
                    return Ok(new);
                }
                Ok(None) => return Err(Error::Full(most)),
                // Another one has taken the number.
                Err(db::Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(db::Error::Conflict.into())
    }

    async fn show(&self, new: Submission) -> Result<Submission, Error> {
        if let Some(shown) = self.store.show(&new).await? {
            return Ok(shown);
        }
        // The project was deleted for good meanwhile, and the row has been swept.
        self.snapshots.remove(&new.id).await?;
        Err(Error::NotFound(new.id.to_string()))
    }

    /// The submission of that id, if the caller may see it.
    pub async fn find(&self, caller: &Caller, id: &str) -> Result<Submission, Error> {
        let missing = || Error::NotFound(id.chars().take(80).collect());
        let id: SubmissionId = id.parse().map_err(|_| missing())?;
        let found = self.store.find(&id).await?.filter(|found| may_see(caller, found));
        found.ok_or_else(missing)
    }

    /// A page of the submissions that the caller may see, oldest first.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        after: Option<&SubmissionId>,
        limit: u32,
    ) -> Result<(Vec<Submission>, Option<SubmissionId>), Error> {
        let owner = (!caller.is_reviewer()).then_some(&caller.user.id);
        let limit = limit.clamp(1, MAX_PAGE);
        let found = self.store.list(owner, filter, after, limit).await?;
        let last = found.last().filter(|_| found.len() == limit as usize);
        let next = last.map(|last| last.id.clone());
        Ok((found, next))
    }

    /// What reviewers found of it, oldest first.
    pub async fn judgements(&self, of: &Submission) -> Result<Vec<Judgement>, Error> {
        Ok(self.store.judgements(&of.id, MAX_VERDICTS).await?)
    }

    /// Gives a verdict; the same by the same reviewer once more is no error, and another
    /// one takes its place.
    pub async fn judge(
        &self,
        permit: &Permit,
        submission: &Submission,
        verdict: Verdict,
        body: String,
    ) -> Result<Submission, Error> {
        if body.len() > MAX_TEXT_BYTES || body.contains('\0') {
            return Err(Error::Text);
        }
        let (author, created_at) = (permit.caller().user.id.clone(), self.clock.now());
        let new = Judgement { author, verdict, body, created_at };
        let same = |last: &Judgement| {
            (&last.author, last.verdict, &last.body) == (&new.author, verdict, &new.body)
        };
        let last = self.store.last_judgement(&submission.id).await?;
        if !last.as_ref().is_some_and(same) {
            match self.store.judge(&submission.id, &new, MAX_VERDICTS).await? {
                store::Judged::Done => self.publish_state(submission, &new),
                store::Judged::Superseded => return Err(Error::Superseded),
                store::Judged::Enough => return Err(Error::Enough("100 verdicts")),
            }
        }
        self.fresh(submission).await
    }

    /// Removes it, with what is said about it; one that is gone is no error.
    pub async fn delete(&self, permit: &Permit, submission: &Submission) -> Result<(), Error> {
        self.remove(&submission.id).await?;
        self.publish(submission, &permit.caller().user.id, "deleted");
        Ok(())
    }

    /// Hidden first: what a crash leaves is swept.
    async fn remove(&self, id: &SubmissionId) -> Result<(), Error> {
        self.store.hide(id, self.clock.now_us()).await?;
        self.snapshots.remove(id).await?;
        Ok(self.store.delete(id).await?)
    }

    /// A page of the files that it holds, by their paths.
    pub async fn list_files(
        &self,
        submission: &Submission,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<File>, Option<String>), Error> {
        let files = self.snapshots.index(submission).await?.files;
        let limit = limit.clamp(1, MAX_PAGE) as usize;
        let from =
            files.partition_point(|file| after.is_some_and(|after| file.path.as_str() <= after));
        let page: Vec<File> = files[from..].iter().take(limit).cloned().collect();
        let more = from + page.len() < files.len();
        let next = page.last().filter(|_| more).map(|last| last.path.clone());
        Ok((page, next))
    }

    /// What is known of one of its files.
    pub async fn file(&self, submission: &Submission, path: &str) -> Result<File, Error> {
        let index = self.snapshots.index(submission).await?;
        let file = index.find(path).cloned();
        file.ok_or_else(|| Error::NoFile(path.chars().take(80).collect()))
    }

    /// A part of a file, as it was handed in.
    pub async fn read(
        &self,
        submission: &Submission,
        file: &File,
        part: std::ops::Range<u64>,
    ) -> Result<Body, Error> {
        self.snapshots.read(&submission.id, file, part).await
    }

    async fn fresh(&self, submission: &Submission) -> Result<Submission, Error> {
        let found = self.store.find(&submission.id).await?;
        found.ok_or_else(|| Error::NotFound(submission.id.to_string()))
    }

    fn publish_state(&self, submission: &Submission, judgement: &Judgement) {
        let judged = Submission { state: judgement.verdict.state(), ..submission.clone() };
        self.publish(&judged, &judgement.author, "verdict");
    }

    fn publish(&self, submission: &Submission, by: &UserId, change: &'static str) {
        let what = What::Submission {
            submission: submission.id.clone(),
            number: submission.number,
            state: submission.state.as_str(),
            change,
            by: by.clone(),
        };
        self.events.publish(submission.about(), what);
    }
}

fn may_see(caller: &Caller, submission: &Submission) -> bool {
    caller.is_reviewer() || submission.owner == caller.user.id
}
