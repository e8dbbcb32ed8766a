//! What a call can reach beyond itself: the rooms, on whose behalf it is made,
//! and what was granted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::bindings::policy::lockhouse::types::errors::Error;
use super::fault::Identity;
use super::grant::{Grant, Granted};
use super::tape::Tape;
use crate::agents::{Models, Tally};
use crate::audit::Audit;
use crate::auth::Caller;
use crate::clock::Clock;
use crate::db::Db;
use crate::files::Files;
use crate::ids::ProjectId;
use crate::projects::Projects;
use crate::secret::Secret;

/// The rooms that imports lead to. Where one is missing, such as on the command
/// line, its imports say so.
#[derive(Debug, Clone)]
pub struct Rooms {
    pub clock: Clock,
    pub db: Option<Db>,
    pub audit: Option<Audit>,
    pub files: Option<Files>,
    pub projects: Option<Projects>,
    pub models: Models,
    /// Where calls of imports are written down or answered from; for tests of
    /// plugins.
    pub tape: Option<Tape>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            db: None,
            audit: None,
            files: None,
            projects: None,
            models: Models::default(),
            tape: None,
        }
    }
}

/// The secrets that the operator lends, by name. They are read from the
/// configuration and never written anywhere.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Secrets(BTreeMap<String, Secret>);

impl From<BTreeMap<String, String>> for Secrets {
    fn from(texts: BTreeMap<String, String>) -> Self {
        texts.into_iter().collect()
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(texts: T) -> Self {
        Self(texts.into_iter().map(|(name, text)| (name, Secret::new(text))).collect())
    }
}

impl Secrets {
    pub(super) fn find(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }
}

/// On whose behalf, and in which project, a call is made.
#[derive(Debug, Clone)]
pub(super) struct Behalf {
    pub(super) caller: Caller,
    pub(super) project: ProjectId,
    /// What the run asks of models; a policy asks none.
    pub(super) tally: Option<Tally>,
}

/// All that the imports of one call need.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) rooms: Arc<Rooms>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) granted: Granted,
    pub(super) plugin: Arc<Identity>,
    /// `None` while a plugin is loaded.
    pub(super) behalf: Option<Behalf>,
    /// When the call is given up.
    pub(super) until: Instant,
    /// Where what an import waits for goes on.
    pub(super) runtime: Handle,
}

impl Reach {
    /// The second key: what is not granted is denied.
    pub(super) fn admit(&self, grant: &Grant) -> Result<(), Error> {
        if self.granted.allows(grant) {
            return Ok(());
        }
        let id = &self.plugin.id;
        Err(Error::Denied(if self.granted.asked(grant) {
            format!(
                "The plugin “{id}” was not granted “{grant}”; an administrator gives it with \
                 `lockhouse plugin grant {id} {grant}`, or on the admin page."
            )
        } else {
            format!(
                "The plugin “{id}” does not ask for the grant “{grant}”; its author adds it to \
                 `grants` in plugin.toml, and an administrator then gives it with \
                 `lockhouse plugin grant {id} {grant}`, or on the admin page."
            )
        }))
    }

    pub(super) fn behalf(&self) -> Result<&Behalf, Error> {
        let nobody = "This call is made for no caller and no project; ask again when it is.";
        self.behalf.as_ref().ok_or_else(|| Error::Unavailable(nobody.to_owned()))
    }

    /// What is asked for when the call has been given up is not even begun.
    fn in_time(&self) -> Result<(), Error> {
        if Instant::now() < self.until { Ok(()) } else { Err(Error::Timeout) }
    }

    /// Waits on this thread, which is a policy's own, for what an import asks
    /// of the rooms: at most as long as the call has.
    pub(super) fn wait<R>(&self, ask: impl Future<Output = Result<R, Error>>) -> Result<R, Error> {
        self.in_time()?;
        let waited = async { tokio::time::timeout_at(self.until, ask).await };
        self.runtime.block_on(waited).unwrap_or(Err(Error::Timeout))
    }

    /// Asks the rooms where they are at home, while other agents go on. It ends
    /// with the call that waits for it.
    pub(super) async fn ask<R: Send + 'static>(
        &self,
        ask: impl Future<Output = Result<R, Error>> + Send + 'static,
    ) -> Result<R, Error> {
        self.in_time()?;
        let answer = AbortOnDropHandle::new(self.runtime.spawn(ask)).await;
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, "what a plugin asked for broke off");
            Err(Error::Internal("The server broke off; its log says why.".to_owned()))
        })
    }
}

/// What an import says whose room this host does not have.
pub(super) fn missing(room: &str) -> Error {
    Error::Unavailable(format!("This host has no {room}; run the plugin on a server."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_from_a_table_and_never_shown() {
        let secrets: Secrets = toml::from_str("API_KEY = \"hush\"").unwrap();
        assert_eq!(secrets.find("API_KEY").unwrap().reveal(), "hush");
        assert!(!format!("{secrets:?}").contains("hush"));
    }
}
