//! Room: projects, each a named directory of files and what is known of it.
//!
//! The directory is `<data>/projects/<id>` for ever; names live in the
//! database alone.

mod deleted;
mod store;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::auth::Caller;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{About, Change, Events, What};
use crate::gate::{Permit, Target};
use crate::ids::{Kind, ProjectId, ProjectName, UserId};
use crate::quotas::{self, Over, Quota, Quotas, Share, Taken};
use store::Store;

pub use deleted::{Deleted, KEPT};

/// Projects answered at once when a list names no limit.
pub const DEFAULT_PAGE: u32 = 100;

/// The most that one page of a list holds.
pub const MAX_PAGE: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub owner: UserId,
    pub name: ProjectName,
    pub kind: Kind,
    pub description: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Project {
    /// This project as something the gate can judge.
    pub fn target(&self) -> Target {
        Target::Owned { owner: self.owner.clone(), name: format!("project/{}", self.name) }
    }

    pub fn about(&self) -> About {
        About { owner: self.owner.clone(), project: self.name.clone() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    pub name: ProjectName,
    pub kind: Kind,
    pub description: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no project “{0}”; `GET /api/v1/projects` lists yours")]
    NotFound(String),
    /// A project of that name exists with another kind.
    #[error("the project “{name}” exists already and its kind is {kind}")]
    Differs { name: ProjectName, kind: Kind },
    /// Another has taken the name meanwhile.
    #[error("there is another project “{0}” by now; delete that one first, or keep it")]
    Taken(ProjectName),
    #[error(transparent)]
    Quota(#[from] Over),
    #[error("the workspace could not be made or removed: {0}")]
    Workspace(#[from] std::io::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Makes the directory of a project, where that takes more than a directory.
#[async_trait]
pub trait MakeWorkspace: Send + Sync + std::fmt::Debug + 'static {
    /// Makes an empty one; one that is there is no error.
    async fn make(&self, workspace: &Path) -> std::io::Result<()>;

    /// Removes it with all that is in it; one that is gone is no error.
    async fn remove(&self, workspace: &Path) -> std::io::Result<()> {
        remove_directory(workspace).await
    }
}

/// Plain directories.
#[derive(Debug)]
struct Directories;

#[async_trait]
impl MakeWorkspace for Directories {
    async fn make(&self, workspace: &Path) -> std::io::Result<()> {
        tokio::fs::create_dir_all(workspace).await
    }
}

/// The projects of this installation. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Projects {
    store: Store,
    clock: Clock,
    events: Events,
    root: PathBuf,
    owner: Option<(u32, u32)>,
    maker: Arc<dyn MakeWorkspace>,
    quotas: Option<Quotas>,
    /// Those whose files take more of the disk than they may.
    full: Arc<Mutex<HashSet<ProjectId>>>,
}

impl Projects {
    /// `root` holds the workspaces; where `owner` is given, they belong to it.
    pub fn new(
        db: Db,
        clock: Clock,
        events: Events,
        root: PathBuf,
        owner: Option<(u32, u32)>,
    ) -> Self {
        let (store, maker) = (Store::new(db), Arc::new(Directories));
        Self { store, clock, events, root, owner, maker, quotas: None, full: Arc::default() }
    }

    /// The same, in which nobody has more than his quota.
    pub fn within(self, quotas: Quotas) -> Self {
        Self { quotas: Some(quotas), ..self }
    }

    /// How much somebody may have.
    pub async fn quota(&self, user: &UserId) -> Result<Quota, db::Error> {
        match &self.quotas {
            Some(quotas) => quotas.of(user).await,
            None => Ok(Quota::default()),
        }
    }

    /// What the projects of somebody take of the disk, where that has a bound.
    pub async fn disk_share(&self, owner: &UserId) -> Result<Option<Share>, db::Error> {
        match &self.quotas {
            Some(quotas) => quotas.disk_share(owner).await,
            None => Ok(None),
        }
    }

    /// Whether it has one, as far as that can be told.
    pub async fn has_disk_bound(&self, owner: &UserId) -> bool {
        match &self.quotas {
            Some(quotas) => matches!(quotas.disk_most(owner).await, Ok(Some(_))),
            None => false,
        }
    }

    /// Takes room on the disk, of what the project's owner may have, for what is about to
    /// be written into it.
    pub async fn take_disk(&self, project: &Project, bytes: u64) -> Result<Taken, quotas::Error> {
        match &self.quotas {
            Some(quotas) => quotas.take_disk(&project.owner, &project.id, bytes).await,
            None => Ok(Taken::nothing()),
        }
    }

    /// The same with workspaces that `maker` makes.
    pub fn made_by(self, maker: Arc<dyn MakeWorkspace>) -> Self {
        Self { maker, ..self }
    }

    /// Whether its files take more of the disk than they may: nothing is saved
    /// in it until some are deleted.
    pub fn is_full(&self, id: &ProjectId) -> bool {
        self.full.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Says so, or that there is room again.
    pub fn set_full(&self, id: &ProjectId, full: bool) {
        let mut marked = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if full {
            marked.insert(id.clone());
        } else {
            marked.remove(id);
        }
    }

    /// All that are full.
    pub fn full(&self) -> Vec<ProjectId> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The directory of all workspaces.
    pub fn root(&self) -> PathBuf {
        self.root.clone()
    }

    /// The ids of all projects, those included that were deleted and can be taken
    /// back.
    pub async fn all_ids(&self) -> Result<HashSet<ProjectId>, Error> {
        Ok(self.store.all_ids().await?)
    }

    /// The project's directory.
    pub fn workspace(&self, id: &ProjectId) -> PathBuf {
        self.root.join(id.as_str())
    }

    /// A directory of the server's own, beside that of the workspaces.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    /// Creates it; the same once more is no error. Answers whether it is new.
    pub async fn create(&self, permit: &Permit, new: NewProject) -> Result<(Project, bool), Error> {
        self.create_as(permit, new, ProjectId::generate()).await
    }

    /// The same with an id that is nobody's yet; its workspace may exist.
    pub async fn create_as(
        &self,
        permit: &Permit,
        new: NewProject,
        id: ProjectId,
    ) -> Result<(Project, bool), Error> {
        let owner = permit.caller().user.id.clone();
        if let Some(project) = self.store.find_by_name(&owner, &new.name).await? {
            return same_kind(project, new.kind).map(|project| (project, false));
        }
        let now = self.clock.now();
        let project = Project {
            id,
            owner: owner.clone(),
            name: new.name,
            kind: new.kind,
            description: new.description,
            created_at: now,
            updated_at: now,
        };
        self.make_workspace(&project.id).await?;
        let most = self.quota(&owner).await?.projects;
        match self.store.insert(&project, most).await {
            Ok(true) => {}
            Ok(false) => {
                self.remove_workspace(&project.id).await?;
                return Err(Over::Projects(most.unwrap_or_default()).into());
            }
            Err(db::Error::Conflict) => return self.lost_race(project).await,
            Err(error) => return Err(error.into()),
        }
        self.events.publish(project.about(), What::Project { change: Change::Created });
        Ok((project, true))
    }

    /// Makes the directory of a project, or of one that is still to come.
    pub async fn make_workspace(&self, id: &ProjectId) -> Result<(), Error> {
        let workspace = self.workspace(id);
        self.maker.make(&workspace).await?;
        if let Some((uid, gid)) = self.owner {
            std::os::unix::fs::chown(&workspace, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Removes the directory of a project that there is not, or not any more.
    pub async fn remove_workspace(&self, id: &ProjectId) -> Result<(), Error> {
        Ok(self.maker.remove(&self.workspace(id)).await?)
    }

    /// Another request made it a moment earlier: that one counts.
    async fn lost_race(&self, lost: Project) -> Result<(Project, bool), Error> {
        self.remove_workspace(&lost.id).await?;
        let Some(project) = self.store.find_by_name(&lost.owner, &lost.name).await? else {
            return Err(Error::NotFound(lost.name.to_string()));
        };
        same_kind(project, lost.kind).map(|project| (project, false))
    }

    /// The caller's project of that name or id; an administrator finds anyone's.
    pub async fn find(&self, caller: &Caller, name_or_id: &str) -> Result<Project, Error> {
        let missing = || Error::NotFound(name_or_id.chars().take(80).collect());
        if let Ok(name) = name_or_id.parse::<ProjectName>()
            && let Some(project) = self.store.find_by_name(&caller.user.id, &name).await?
        {
            return Ok(project);
        }
        let id = name_or_id.parse::<ProjectId>().map_err(|_| missing())?;
        let project = match self.store.find(&id).await? {
            Some(project) => Some(project),
            None if caller.is_admin() => self.store.find_by_any_owner(id.as_str()).await?,
            None => None,
        };
        let visible = |project: &Project| caller.is_admin() || project.owner == caller.user.id;
        project.filter(visible).ok_or_else(missing)
    }

    /// The project with this id, whoever asks: for the server's own use.
    pub async fn get(&self, id: &ProjectId) -> Result<Project, Error> {
        self.store.find(id).await?.ok_or_else(|| Error::NotFound(id.to_string()))
    }

    /// The project that an event is about, if it is still there.
    pub async fn find_named(&self, about: &About) -> Result<Option<Project>, db::Error> {
        self.store.find_by_name(&about.owner, &about.project).await
    }

    /// A page of the caller's projects, oldest first; an administrator's holds
    /// everybody's.
    pub async fn list(
        &self,
        caller: &Caller,
        after: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, Error> {
        let owner = (!caller.is_admin()).then_some(&caller.user.id);
        Ok(self.store.list(owner, after, limit.min(MAX_PAGE)).await?)
    }

    /// Changes what a generated project turned out to be.
    pub async fn update(
        &self,
        _permit: &Permit,
        mut project: Project,
        kind: Option<Kind>,
        description: Option<String>,
    ) -> Result<Project, Error> {
        project.kind = kind.unwrap_or(project.kind);
        project.description = description.unwrap_or(project.description);
        project.updated_at = self.clock.now();
        self.store.update(&project).await?;
        self.events.publish(project.about(), What::Project { change: Change::Changed });
        Ok(project)
    }

    /// Forgets it and removes its files. Its runtime must be gone by then.
    pub async fn delete(&self, _permit: &Permit, project: &Project) -> Result<(), Error> {
        self.remove_workspace(&project.id).await?;
        self.store.delete(&project.id).await?;
        self.events.publish(project.about(), What::Project { change: Change::Deleted });
        Ok(())
    }
}

fn same_kind(project: Project, kind: Kind) -> Result<Project, Error> {
    if project.kind == kind {
        Ok(project)
    } else {
        Err(Error::Differs { name: project.name, kind: project.kind })
    }
}

/// Removes a directory, if it is there. `remove_dir_all` removes links, never what they point to, and is not led
/// astray by a directory that turns into a link meanwhile.
pub async fn remove_directory(path: &Path) -> std::io::Result<()> {
    match tokio::fs::remove_dir_all(path).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
