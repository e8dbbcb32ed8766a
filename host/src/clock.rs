//! Ground: the time, as something that is handed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// Tells the time. Cloning is cheap; tests hand in one that they move.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is told to move.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.as_microsecond()))))
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System =>
            {
                #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
                Timestamp::now()
            }
            Source::Manual(micros) => from_micros(micros.load(Ordering::Relaxed)),
        }
    }

    /// Moves a manual clock; the system's goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(by.as_micros().try_into().unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    /// Microseconds since the epoch, as the database keeps times.
    pub fn now_us(&self) -> i64 {
        self.now().as_microsecond()
    }
}

/// A time as the database keeps it; one out of range reads as the epoch.
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What people write for the beginning of a time: a time, or how long before
/// `now`, such as `7d` or `12h`.
pub fn since(now: Timestamp, text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let span: Span = text.parse().ok()?;
    let ago: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    now.checked_sub(ago.abs()).ok()
}
