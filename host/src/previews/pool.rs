//! Room previews: connections to servers in runtimes, kept for the next request.
//!
//! Each costs a descriptor, or a stream of the runtime's link, on which commands and
//! terminals run as well, so one project's previews have a bounded share of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::client::conn::http1::SendRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Error;
use super::leave::Failure;
use crate::ids::ProjectId;

/// Connections of one project's previews at once.
const MAX_CONNECTIONS: usize = 256;

/// How long a request waits for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections kept for the next request to one port.
const MAX_IDLE: usize = 64;

/// How long one is kept without a request. Many servers hang up after five
/// seconds, and a request that meets the hang-up is sent again.
const MAX_IDLE_TIME: Duration = Duration::from_secs(15);

/// The body of a request on its way to a runtime.
pub(super) type Outgoing = UnsyncBoxBody<Bytes, Failure>;

pub(super) type Sender = SendRequest<Outgoing>;

/// A server in a runtime.
pub(super) type Server = (ProjectId, u16);

#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    idle: Arc<Mutex<HashMap<Server, Vec<Idle>>>>,
    places: Arc<Mutex<HashMap<ProjectId, Arc<Semaphore>>>>,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    /// A connection that can take a request now. The one that was used last is
    /// the least likely to be hung up.
    pub(super) fn take(&self, server: &Server) -> Option<Sender> {
        let mut idle = self.lock();
        let kept = idle.get_mut(server)?;
        kept.retain(Idle::is_worth_keeping);
        let ready = kept.iter().rposition(|idle| idle.sender.is_ready())?;
        Some(kept.swap_remove(ready).sender)
    }

    /// Keeps it for the next request. Its answer may still be on the way: it is
    /// not ready until that has been read.
    pub(super) fn keep(&self, server: Server, sender: Sender) {
        let mut idle = self.lock();
        let kept = idle.entry(server).or_default();
        if kept.len() < MAX_IDLE && !sender.is_closed() {
            kept.push(Idle { sender, since: Instant::now() });
        }
    }

    /// Leave for one more connection to a runtime.
    pub(super) async fn place(&self, project: &ProjectId) -> Result<OwnedSemaphorePermit, Error> {
        let places = self.places(project);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(place);
        }
        self.lock().retain(|(kept, _), _| kept != project);
        let place = tokio::time::timeout(PATIENCE, places.acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Error::TooManyConnections)
    }

    fn places(&self, project: &ProjectId) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, places| places.available_permits() < MAX_CONNECTIONS);
        let all = || Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Arc::clone(places.entry(project.clone()).or_insert_with(all))
    }

    /// Lets go what nobody has used for a while.
    pub(super) async fn tidy(self) {
        loop {
            tokio::time::sleep(MAX_IDLE_TIME).await;
            self.lock().retain(|_, kept| {
                kept.retain(Idle::is_worth_keeping);
                !kept.is_empty()
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Server, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    /// One whose answer is still on the way ends by itself when it is let go.
    fn is_worth_keeping(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < MAX_IDLE_TIME
    }
}
