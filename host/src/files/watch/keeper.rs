//! Room files: the one task that hears the kernel's news, for all projects.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::tree::Tree;
use super::{Ask, Feed, Told};
use crate::clock::Clock;
use crate::files::{Error, TEMPORARY_PREFIX};
use crate::ids::ProjectId;
use crate::tasks::Tasks;

/// What happens within so long is told at once.
const GATHER: Duration = Duration::from_millis(50);

/// How long a project is kept in mind that nobody watches: a watcher whose
/// connection broke comes back meanwhile.
const LINGER: Duration = Duration::from_secs(60);

/// How often it is looked for those.
const LOOK: Duration = Duration::from_secs(10);

/// Projects that are watched at once.
const MAX_PROJECTS: usize = 1_024;

/// Directories that are watched at once, of what the kernel gives a user.
const MAX_DIRECTORIES: usize = 65_536;

/// News of the kernel that are taken in before what they mean is told.
const MAX_GATHERED: usize = 65_536;

/// Changes told at once; more are an overflow.
const MAX_TOLD: usize = 512;

/// Room for the kernel's news, which are at most 272 bytes long.
const BUFFER_BYTES: usize = 32 * 1024;

/// Serves until the server stops.
pub(super) async fn keep(mut asks: mpsc::Receiver<Ask>, clock: Clock, tasks: Tasks) {
    let (inotify, mut keeper) = match begin(clock) {
        Ok(begun) => begun,
        Err(error) => {
            tracing::error!(%error, "files can't be watched");
            return;
        }
    };
    let mut look = tokio::time::interval(LOOK);
    loop {
        let next = tokio::select! {
            () = tasks.stopping() => return,
            ask = asks.recv() => match ask {
                Some(ask) => on_thread(keeper, move |keeper| keeper.answer(ask)).await,
                None => return,
            },
            ready = inotify.readable() => {
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
                let ask = tokio::select! {
                    () = tokio::time::sleep(GATHER) => None,
                    ask = asks.recv() => ask,
                };
                on_thread(keeper, move |keeper| {
                    keeper.hear();
                    ask.into_iter().for_each(|ask| keeper.answer(ask));
                })
                .await
            }
            _ = look.tick() => on_thread(keeper, |keeper| keeper.forget(LINGER)).await,
        };
        keeper = match next {
            Some(keeper) => keeper,
            None => return,
        };
    }
}

#[expect(deprecated, reason = "what replaces it is unsafe; this descriptor is open as long as it")]
fn begin(clock: Clock) -> io::Result<(AsyncFd<Arc<OwnedFd>>, Keeper)> {
    let inotify = Arc::new(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?);
    let keeper = Keeper { inotify: Arc::clone(&inotify), clock, projects: HashMap::new() };
    Ok((AsyncFd::new(inotify)?, keeper))
}

/// Directories are read on a thread that may wait.
async fn on_thread(
    mut keeper: Keeper,
    work: impl FnOnce(&mut Keeper) + Send + 'static,
) -> Option<Keeper> {
    let worked = tokio::task::spawn_blocking(move || {
        work(&mut keeper);
        keeper
    });
    worked.await.ok()
}

struct Keeper {
    inotify: Arc<OwnedFd>,
    clock: Clock,
    projects: HashMap<ProjectId, Watched>,
}

struct Watched {
    tree: Tree,
    feed: Arc<Feed>,
    /// Since when nobody watches it.
    alone: Option<Instant>,
}

/// What the kernel told, by project.
#[derive(Default)]
struct Heard {
    touched: HashMap<ProjectId, BTreeSet<String>>,
    gone: Vec<ProjectId>,
    /// Some of it was lost.
    lost: bool,
}

impl Keeper {
    /// Who asked may have gone.
    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Watch { project, dir, reply } => drop(reply.send(self.feed(&project, &dir))),
            Ask::Settle { reply } => {
                self.hear();
                let _ = reply.send(());
            }
        }
    }

    fn feed(&mut self, project: &ProjectId, dir: &Path) -> Result<Arc<Feed>, Error> {
        if let Some(watched) = self.projects.get_mut(project) {
            watched.alone = None;
            return Ok(Arc::clone(&watched.feed));
        }
        if self.projects.len() >= MAX_PROJECTS {
            self.forget(Duration::ZERO);
        }
        if self.projects.len() >= MAX_PROJECTS {
            return Err(Error::Unwatchable);
        }
        let room = MAX_DIRECTORIES.saturating_sub(self.directories());
        let tree = Tree::begin(&self.inotify, dir, room)?;
        let feed = Arc::new(Feed::begin(&self.clock));
        feed.clipped.store(tree.is_clipped(), Ordering::Relaxed);
        let watched = Watched { tree, feed: Arc::clone(&feed), alone: None };
        self.projects.insert(project.clone(), watched);
        Ok(feed)
    }

    fn directories(&self) -> usize {
        self.projects.values().map(|watched| watched.tree.len()).sum()
    }

    /// Takes in what the kernel has, and tells what it came to.
    fn hear(&mut self) {
        let heard = self.read();
        for project in heard.gone {
            if let Some(watched) = self.projects.remove(&project) {
                watched.tree.end();
                watched.feed.end();
            }
        }
        let at = self.clock.now();
        if heard.lost {
            for watched in self.projects.values_mut() {
                watched.tree.begin_again();
                watched.feed.tell(at, Told::Overflow);
            }
            return;
        }
        for (project, touched) in heard.touched {
            let Some(watched) = self.projects.get_mut(&project) else { continue };
            let mut told = watched.tree.settle(touched);
            if told.len() > MAX_TOLD {
                told = vec![Told::Overflow];
            }
            watched.feed.clipped.store(watched.tree.is_clipped(), Ordering::Relaxed);
            told.into_iter().for_each(|told| watched.feed.tell(at, told));
        }
    }

    fn read(&self) -> Heard {
        let mut heard = Heard::default();
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = Reader::new(&*self.inotify, &mut buffer);
        for _ in 0..MAX_GATHERED {
            match reader.next() {
                Ok(event) => self.take(&event, &mut heard),
                Err(Errno::AGAIN) => return heard,
                Err(error) => {
                    tracing::warn!(%error, "what changed in projects could not be read");
                    break;
                }
            }
        }
        heard.lost = true;
        heard
    }

    fn take(&self, event: &inotify::Event<'_>, heard: &mut Heard) {
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            heard.lost = true;
            return;
        }
        let owner = self.projects.iter().find(|(_, watched)| watched.tree.has(event.wd()));
        let Some((project, watched)) = owner else { return };
        if event.events().contains(ReadFlags::IGNORED) {
            if watched.tree.is_root(event.wd()) {
                heard.gone.push(project.clone());
            }
            return;
        }
        let Some(name) = event.file_name() else { return };
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY_PREFIX) {
            return;
        }
        if let Some(path) = watched.tree.path(event.wd(), &name) {
            heard.touched.entry(project.clone()).or_default().insert(path);
        }
    }

    /// Lets go of projects that nobody came back to for so long.
    fn forget(&mut self, linger: Duration) {
        let now = Instant::now();
        self.projects.retain(|_, watched| {
            if watched.feed.watchers() > 0 {
                watched.alone = None;
                return true;
            }
            let kept = now.duration_since(*watched.alone.get_or_insert(now)) < linger;
            if !kept {
                watched.tree.clear();
            }
            kept
        });
    }
}
