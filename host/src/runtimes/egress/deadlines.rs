//! Room: runtimes. How long each step of a connection to the outside may take.

use std::time::Duration;

/// How long each step may take. The defaults are what operators get; tests hand
/// in shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From a stream's first moment, or an answer, to the next request's whole
    /// head: 10 s.
    pub head: Duration,
    /// From the decision to an open connection, all attempts together: 10 s.
    pub connect: Duration,
    /// From the answer to `CONNECT` to a whole ClientHello: 10 s.
    pub hello: Duration,
    /// From a plain request to its answer's head: 50 s. Shorter than `idle`, so
    /// that the client is told.
    pub answer: Duration,
    /// A stream on which no byte moves for this long is ended: 60 s.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            hello: Duration::from_secs(10),
            answer: Duration::from_secs(50),
            idle: Duration::from_secs(60),
        }
    }
}
