//! Room: HTTP and WebSocket access to a port inside a runtime.
//!
//! A browser shows a preview in a sandbox whose requests carry no cookie, so a
//! preview is opened by a key in its path: signed, for one project and a time.

pub mod key;
pub mod proxy;

use std::time::Duration;

use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::Tunnel;

use crate::clock::Clock;
use crate::ids::ProjectId;
use crate::processes::{self, Processes};
use crate::projects::Project;
use crate::runtimes::activity::Cause;
use crate::runtimes::{self, Runtimes};
use crate::secret::Secret;
use key::Keys;

/// How long the key of a preview opens it.
pub const KEY_LIFETIME: Duration = Duration::from_secs(12 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing listens there (yet).
    #[error("nothing listens on {}", .0.map_or("any of its ports".to_owned(), |port| format!("port {port}")))]
    NotListening(Option<u16>),
    /// The server inside broke off or speaks no HTTP.
    #[error("the project's server did not answer as HTTP: {0}")]
    BadAnswer(String),
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error(transparent)]
    Process(#[from] processes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
}

/// The previews of all projects. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Previews {
    runtimes: Runtimes,
    processes: Processes,
    keys: Keys,
}

impl Previews {
    pub fn new(runtimes: Runtimes, processes: Processes, clock: Clock, secret: &Secret) -> Self {
        Self { runtimes, processes, keys: Keys::new(clock, secret) }
    }

    /// A key that opens this project's previews for [`KEY_LIFETIME`].
    pub fn issue_key(&self, project: &ProjectId) -> String {
        self.keys.issue(project, KEY_LIFETIME)
    }

    /// The project whose previews a key opens now.
    pub fn read_key(&self, key: &str) -> Option<ProjectId> {
        self.keys.read(key)
    }

    /// The port that a preview shows: the one asked for, the process's, or the
    /// first exposed one on which somebody listens.
    pub async fn port(&self, project: &Project, asked: Option<u16>) -> Result<u16, Error> {
        if let Some(port) = asked {
            return Ok(port);
        }
        if let Some(port) = self.processes.port(&project.id).await? {
            return Ok(port);
        }
        let link = self.runtimes.link(&project.id).await?;
        let listening = link.ports().await.map_err(Error::Link)?;
        let runtime = self.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
        let exposed = runtime.settings.exposed_ports;
        exposed.into_iter().find(|port| listening.contains(port)).ok_or(Error::NotListening(None))
    }

    /// A connection to the port.
    pub async fn dial(&self, project: &Project, port: u16) -> Result<Tunnel, Error> {
        let link = self.runtimes.link(&project.id).await?;
        self.runtimes.touch(&project.id, Cause::Preview);
        link.dial(port).await.map_err(|error| match error {
            LinkError::NotFound(_) | LinkError::Refused(_) | LinkError::NotStarted(_) => {
                Error::NotListening(Some(port))
            }
            other => Error::Link(other),
        })
    }
}
