//! Room files: what changes in a project, told to whoever watches, whoever
//! changed it.
//!
//! ```text
//!   kernel ──► keeper: gathers for a moment, looks what is there now ──► feed of
//!   the project: a bounded log, numbered ──► watchers, each at its own place
//! ```
//!
//! The kernel's news (inotify) say where something happened, and nothing more is
//! believed of them: what a change came to is told by looking. So a save by
//! renaming, a build that writes a file a thousand times, and a link that is put in
//! the way are all one change or none. A watcher that can't be told all, because it
//! comes back too late or because too much happened at once, is told so
//! ([`Told::Overflow`]) and lists anew.

mod keeper;
mod tree;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::{Error, Files};
use crate::clock::Clock;
use crate::events::Change;
use crate::ids::ProjectId;
use crate::projects::Project;
use crate::tasks::Tasks;

/// Changes of a project that can be resumed from.
pub const KEPT_CHANGES: usize = 1_024;

/// Watchers that wait for their turn to be let in.
const WAITING: usize = 32;

/// One thing that a watcher is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Rises with each change of the project, also over restarts.
    pub seq: u64,
    pub at: Timestamp,
    pub told: Told,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Change {
        path: String,
        change: Change,
        is_directory: bool,
    },
    /// More happened than can be told: list anew.
    Overflow,
}

/// What the keeper is asked for.
#[derive(Debug)]
enum Ask {
    /// To be let in.
    Watch {
        project: ProjectId,
        dir: std::path::PathBuf,
        reply: oneshot::Sender<Result<Arc<Feed>, Error>>,
    },
    /// To tell what the kernel has by now.
    Settle { reply: oneshot::Sender<()> },
}

/// All that is watched. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Watching {
    keeper: Arc<OnceLock<mpsc::Sender<Ask>>>,
}

impl Files {
    /// Watches a project from now on, or from after the change numbered `since`.
    ///
    /// # Errors
    /// `Unwatchable` where the machine has no room for one more.
    pub async fn watch(
        &self,
        project: &Project,
        since: Option<u64>,
        tasks: &Tasks,
    ) -> Result<Watch, Error> {
        let keeper = self.watching.keeper.get_or_init(|| {
            let (asks, asked) = mpsc::channel(WAITING);
            let clock = self.clock.clone();
            tasks.run("watched files", keeper::keep(asked, clock, tasks.clone()));
            asks
        });
        let (reply, answer) = oneshot::channel();
        let dir = self.projects.workspace(&project.id);
        let ask = Ask::Watch { project: project.id.clone(), dir, reply };
        keeper.send(ask).await.map_err(|_| Error::Stopping)?;
        let feed = answer.await.map_err(|_| Error::Stopping)??;
        Ok(Watch::begin(feed, since))
    }

    /// Has a watcher told at once of all that has happened until now, without the moment in
    /// which changes are gathered. Answers whether all of the project is watched.
    pub async fn settle(&self, watch: &Watch) -> bool {
        let Some(keeper) = self.watching.keeper.get() else { return false };
        let (reply, settled) = oneshot::channel();
        let asked = keeper.send(Ask::Settle { reply }).await.is_ok();
        asked && settled.await.is_ok() && !watch.feed.clipped.load(Ordering::Relaxed)
    }
}

/// The log of one project.
#[derive(Debug)]
pub(super) struct Feed {
    kept: Mutex<Kept>,
    live: Mutex<Option<broadcast::Sender<News>>>,
    /// Something of the project is not watched: it has too many directories.
    clipped: AtomicBool,
}

#[derive(Debug)]
struct Kept {
    next: u64,
    news: VecDeque<News>,
}

impl Feed {
    /// Numbers begin with the time, so that those of an earlier feed are smaller.
    fn begin(clock: &Clock) -> Self {
        let next = u64::try_from(clock.now_us()).unwrap_or(1);
        let (live, _) = broadcast::channel(KEPT_CHANGES);
        let kept = Mutex::new(Kept { next, news: VecDeque::new() });
        Self { kept, live: Mutex::new(Some(live)), clipped: AtomicBool::new(false) }
    }

    fn tell(&self, at: Timestamp, told: Told) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let news = News { seq: kept.next, at, told };
        kept.next += 1;
        kept.news.push_back(news.clone());
        if kept.news.len() > KEPT_CHANGES {
            kept.news.pop_front();
        }
        if let Some(live) = &*self.live.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nobody watching just now is no error.
            let _ = live.send(news);
        }
    }

    /// The project is gone.
    fn end(&self) {
        drop(self.live.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn watchers(&self) -> usize {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.as_ref().map_or(0, broadcast::Sender::receiver_count)
    }
}

impl Kept {
    /// What came after `seq`; `None` if not all of it is kept.
    fn after(&self, seq: u64) -> Option<VecDeque<News>> {
        let first = self.news.front().map_or(self.next, |news| news.seq);
        let known = (first..=self.next).contains(&(seq.saturating_add(1)));
        known.then(|| self.news.iter().filter(|news| news.seq > seq).cloned().collect())
    }
}

/// One watcher's place.
#[derive(Debug)]
pub struct Watch {
    feed: Arc<Feed>,
    missed: VecDeque<News>,
    live: Option<broadcast::Receiver<News>>,
    last: u64,
}

impl Watch {
    fn begin(feed: Arc<Feed>, since: Option<u64>) -> Self {
        let mut watch = Self { feed, missed: VecDeque::new(), live: None, last: 0 };
        watch.join(since);
        watch
    }

    /// The number of what was told last.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Goes on after `since`, or from now on.
    fn join(&mut self, since: Option<u64>) {
        let kept = self.feed.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.feed.live.lock().unwrap_or_else(PoisonError::into_inner);
        self.live = live.as_ref().map(broadcast::Sender::subscribe);
        let newest = kept.next - 1;
        match since.map(|since| (since, kept.after(since))) {
            None => self.last = newest,
            Some((since, Some(missed))) => (self.last, self.missed) = (since, missed),
            Some((_, None)) => {
                let at = kept.news.back().map_or(Timestamp::UNIX_EPOCH, |news| news.at);
                self.last = newest;
                self.missed.push_back(News { seq: newest, at, told: Told::Overflow });
            }
        }
    }

    /// The next news that there are by now.
    pub fn next_now(&mut self) -> Option<News> {
        loop {
            if let Some(news) = self.missed.pop_front() {
                self.last = self.last.max(news.seq);
                return Some(news);
            }
            match self.live.as_mut()?.try_recv() {
                Ok(news) if news.seq <= self.last => {}
                Ok(news) => {
                    self.last = news.seq;
                    return Some(news);
                }
                Err(broadcast::error::TryRecvError::Lagged(_)) => self.join(Some(self.last)),
                Err(_) => return None,
            }
        }
    }

    /// The next news; `None` when the project or the server ends.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            if let Some(news) = self.missed.pop_front() {
                self.last = self.last.max(news.seq);
                return Some(news);
            }
            match self.live.as_mut()?.recv().await {
                // It came by way of the log already.
                Ok(news) if news.seq <= self.last => {}
                Ok(news) => {
                    self.last = news.seq;
                    return Some(news);
                }
                Err(broadcast::error::RecvError::Closed) => return None,
                Err(broadcast::error::RecvError::Lagged(_)) => self.join(Some(self.last)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Arc<Feed> {
        Arc::new(Feed::begin(&Clock::system()))
    }

    fn tell(feed: &Feed, count: usize) {
        (0..count).for_each(|_| feed.tell(Timestamp::UNIX_EPOCH, change()));
    }

    fn change() -> Told {
        Told::Change { path: "a".to_owned(), change: Change::Changed, is_directory: false }
    }

    #[tokio::test]
    async fn a_watcher_who_returns_misses_nothing_that_is_kept() {
        let feed = feed();
        let start = Watch::begin(Arc::clone(&feed), None).last();
        tell(&feed, 3);
        let mut again = Watch::begin(feed, Some(start + 1));
        assert_eq!(again.next().await.unwrap().seq, start + 2);
        assert_eq!(again.next().await.unwrap().seq, start + 3);
    }

    #[tokio::test]
    async fn a_watcher_who_returns_too_late_is_told_to_list_anew() {
        let feed = feed();
        let start = Watch::begin(Arc::clone(&feed), None).last();
        tell(&feed, KEPT_CHANGES + 10);
        let mut late = Watch::begin(Arc::clone(&feed), Some(start));
        let first = late.next().await.unwrap();
        assert_eq!((first.told, first.seq), (Told::Overflow, start + KEPT_CHANGES as u64 + 10));
        tell(&feed, 1);
        assert_eq!(late.next().await.unwrap().told, change());
    }

    #[tokio::test]
    async fn a_watcher_of_an_earlier_server_is_told_to_list_anew() {
        let mut early = Watch::begin(feed(), Some(7));
        assert_eq!(early.next().await.unwrap().told, Told::Overflow);
    }

    #[tokio::test]
    async fn a_watcher_who_fell_behind_is_told_to_list_anew() {
        let feed = feed();
        let mut slow = Watch::begin(Arc::clone(&feed), None);
        tell(&feed, 3 * KEPT_CHANGES);
        assert_eq!(slow.next().await.unwrap().told, Told::Overflow);
    }

    #[tokio::test]
    async fn the_watch_of_a_project_that_is_gone_ends() {
        let feed = feed();
        let mut watch = Watch::begin(Arc::clone(&feed), None);
        tell(&feed, 1);
        feed.end();
        assert!(watch.next().await.is_some());
        assert_eq!(watch.next().await, None);
    }
}
