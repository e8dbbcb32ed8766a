//! Ground: what happened, told live to whoever listens.
//!
//! The newest [`KEPT_EVENTS`] are kept, so that a listener who comes back with
//! the sequence number it saw last misses nothing that is still kept. Events
//! are news, not truth: the truth is in the database. Servers that share one on
//! PostgreSQL tell each other ([`relay`]).

pub mod relay;
mod view;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use crate::clock::Clock;
use crate::ids::{JobId, ProjectId, ProjectName, RunId, SubmissionId, UserId};

/// How many past events can be resumed from.
pub const KEPT_EVENTS: usize = 1024;

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub seq: u64,
    pub at: Timestamp,
    /// Where it is nobody's, it is news of the installation, for administrators.
    pub about: Option<About>,
    pub what: What,
}

/// Whose news it is; decides who may hear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub owner: UserId,
    pub project: ProjectName,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Project {
        change: Change,
    },
    Runtime {
        status: &'static str,
        reason: Option<String>,
    },
    Process {
        status: &'static str,
        exit_code: Option<i32>,
    },
    File {
        project: ProjectId,
        path: String,
        change: Change,
    },
    Job {
        job: JobId,
        status: &'static str,
    },
    Run {
        run: RunId,
        state: &'static str,
    },
    /// Heard by reviewers as well.
    Submission {
        submission: SubmissionId,
        number: u32,
        state: &'static str,
        /// `created`, `commented`, `verdict` or `deleted`.
        change: &'static str,
        by: UserId,
    },
    Port {
        port: u16,
        open: bool,
    },
    Plugin {
        name: String,
        version: String,
        change: &'static str,
        reason: Option<String>,
    },
    /// So much has come from a host to a runtime by now: an install goes on.
    Transfer {
        host: String,
        received_bytes: u64,
    },
    Egress {
        host: String,
        port: u16,
        allowed: bool,
        reason: String,
    },
    /// What another server told, as its listeners hear it.
    Elsewhere {
        view: Map<String, Value>,
        for_reviewers: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Created,
    Changed,
    Deleted,
}

/// The server's news. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    kept: Mutex<Kept>,
    live: broadcast::Sender<Event>,
}

#[derive(Debug, Default)]
struct Kept {
    next: u64,
    events: VecDeque<Event>,
}

/// One listener's place in the news.
#[derive(Debug)]
pub struct Subscription {
    missed: VecDeque<Event>,
    live: broadcast::Receiver<Event>,
    inner: Arc<Inner>,
    last: u64,
}

impl Events {
    pub fn new(clock: Clock) -> Self {
        let (live, _) = broadcast::channel(KEPT_EVENTS);
        let kept = Mutex::new(Kept { next: 1, events: VecDeque::new() });
        Self { inner: Arc::new(Inner { clock, kept, live }) }
    }

    pub fn publish(&self, about: About, what: What) {
        self.tell(Some(about), what, self.inner.clock.now());
    }

    /// News of the installation, for administrators.
    pub fn publish_installation(&self, what: What) {
        self.tell(None, what, self.inner.clock.now());
    }

    fn tell(&self, about: Option<About>, what: What, at: Timestamp) {
        let mut kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Event { seq: kept.next, at, about, what };
        kept.next += 1;
        kept.events.push_back(event.clone());
        if kept.events.len() > KEPT_EVENTS {
            kept.events.pop_front();
        }
        // Sent under the lock so that listeners see the order of the numbers;
        // nobody listening is no error.
        let _ = self.inner.live.send(event);
    }

    /// Listens from now on, or from after the event numbered `since`.
    pub fn subscribe(&self, since: Option<u64>) -> Subscription {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = since.map(|since| kept.after(since)).unwrap_or_default();
        Subscription {
            missed,
            live: self.inner.live.subscribe(),
            inner: Arc::clone(&self.inner),
            last: kept.next - 1,
        }
    }
}

impl Kept {
    fn after(&self, seq: u64) -> VecDeque<Event> {
        self.events.iter().filter(|event| event.seq > seq).cloned().collect()
    }
}

impl Subscription {
    /// The next event; `None` when the server ends. A listener that fell behind
    /// goes on with what is still kept.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.missed.pop_front() {
                self.last = self.last.max(event.seq);
                return Some(event);
            }
            match self.live.recv().await {
                Ok(event) => {
                    self.last = event.seq;
                    return Some(event);
                }
                Err(broadcast::error::RecvError::Closed) => return None,
                Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up(),
            }
        }
    }

    fn catch_up(&mut self) {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.missed = kept.after(self.last);
        self.live = self.inner.live.subscribe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About { owner: "ada".parse().unwrap(), project: "todo".parse().unwrap() }
    }

    fn news(n: u16) -> What {
        What::Port { port: n, open: true }
    }

    #[tokio::test]
    async fn a_listener_who_returns_misses_nothing_that_is_kept() {
        let events = Events::new(Clock::system());
        (0..3).for_each(|n| events.publish(about(), news(n)));
        let mut again = events.subscribe(Some(1));
        assert_eq!(again.next().await.map(|e| e.seq), Some(2));
        assert_eq!(again.next().await.map(|e| e.seq), Some(3));
    }

    #[tokio::test]
    async fn a_listener_who_fell_behind_goes_on_with_what_is_kept_in_order() {
        let events = Events::new(Clock::system());
        let mut slow = events.subscribe(None);
        (0..KEPT_EVENTS as u16 + 10).for_each(|n| events.publish(about(), news(n)));
        assert_eq!(slow.next().await.map(|e| e.seq), Some(11));
        assert_eq!(slow.next().await.map(|e| e.seq), Some(12));
    }
}
