//! Room: runtimes. What one runtime has open, and what was told of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::policy::NetworkMode;

/// How many streams one runtime may have open.
pub const MAX_STREAMS: usize = 64;

/// How many hosts of a runtime are remembered as told.
const MAX_TOLD_HOSTS: usize = 1024;

/// How many refusals of one runtime are told as events in [`REFUSAL_WINDOW`].
/// Without a bound a program that tries in a loop would push everyone's news out
/// of what is kept. All of them are counted and logged.
const MAX_REFUSALS_TOLD: u32 = 60;

/// How often the progress of a runtime's downloads is told.
pub(super) const PROGRESS_PAUSE: Duration = Duration::from_secs(1);

const REFUSAL_WINDOW: Duration = Duration::from_secs(60);

/// One runtime's use of the outside.
#[derive(Debug)]
pub(super) struct RuntimeUse {
    mode: NetworkMode,
    streams: Arc<Semaphore>,
    end: CancellationToken,
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    hosts: HashSet<String>,
    window: Instant,
    refusals: u32,
    /// Bytes that each host has sent, and when that was last told.
    received: HashMap<String, u64>,
    progress: Option<Instant>,
}

impl RuntimeUse {
    pub(super) fn new(mode: NetworkMode) -> Self {
        let told = Told {
            hosts: HashSet::new(),
            window: Instant::now(),
            refusals: 0,
            received: HashMap::new(),
            progress: None,
        };
        let streams = Arc::new(Semaphore::new(MAX_STREAMS));
        Self { mode, streams, end: CancellationToken::new(), told: Mutex::new(told) }
    }

    /// What it could reach when this began.
    pub(super) fn mode(&self) -> NetworkMode {
        self.mode
    }

    /// Ends all of its streams.
    pub(super) fn end(&self) {
        self.end.cancel();
    }

    /// Resolves when its streams must end.
    pub(super) async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// A place for one more stream; `None` when all are taken.
    pub(super) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// Whether this is the first use of a host that is to be told.
    pub(super) fn first_use(&self, host: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.hosts.len() < MAX_TOLD_HOSTS && told.hosts.insert(host.to_owned())
    }

    /// Counts what a host has sent; answers with its sum where that is to be
    /// told now: not too often for the whole runtime, or at the end.
    pub(super) fn received(&self, host: &str, bytes: u64, at_end: bool) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.received.contains_key(host) && told.received.len() >= MAX_TOLD_HOSTS {
            return None;
        }
        let sum = told.received.entry(host.to_owned()).or_default();
        *sum += bytes;
        let sum = *sum;
        let now = Instant::now();
        let due = told.progress.is_none_or(|last| now - last >= PROGRESS_PAUSE);
        if due || at_end {
            told.progress = Some(now);
        }
        (due || at_end).then_some(sum)
    }

    /// Whether one more refusal is to be told.
    pub(super) fn may_tell_refusal(&self, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(told.window) >= REFUSAL_WINDOW {
            told.window = now;
            told.refusals = 0;
        }
        told.refusals += 1;
        told.refusals <= MAX_REFUSALS_TOLD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_a_loop_are_told_up_to_a_bound_and_again_later() {
        let runtime = RuntimeUse::new(NetworkMode::Open);
        let now = Instant::now();
        let told = (0..1000).filter(|_| runtime.may_tell_refusal(now)).count();
        assert_eq!(told, MAX_REFUSALS_TOLD as usize);
        assert!(runtime.may_tell_refusal(now + REFUSAL_WINDOW + Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_host_has_sent_is_told_now_and_then_and_at_the_end() {
        let runtime = RuntimeUse::new(NetworkMode::Open);
        assert_eq!(runtime.received("registry.example", 10, false), Some(10));
        assert_eq!(runtime.received("registry.example", 10, false), None);
        assert_eq!(runtime.received("registry.example", 1, true), Some(21));
        tokio::time::advance(PROGRESS_PAUSE).await;
        assert_eq!(runtime.received("registry.example", 10, false), Some(31));
    }

    #[tokio::test]
    async fn a_host_is_told_once() {
        let runtime = RuntimeUse::new(NetworkMode::Open);
        assert!(runtime.first_use("registry.example:443"));
        assert!(!runtime.first_use("registry.example:443"));
    }

    #[tokio::test]
    async fn streams_beyond_the_bound_get_no_place_until_one_ends() {
        let runtime = RuntimeUse::new(NetworkMode::Open);
        let mut places: Vec<_> = (0..MAX_STREAMS).filter_map(|_| runtime.enter()).collect();
        assert_eq!(places.len(), MAX_STREAMS);
        assert!(runtime.enter().is_none());
        places.pop();
        assert!(runtime.enter().is_some());
    }
}
