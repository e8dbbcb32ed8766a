//! Room previews: links that show a preview to whoever has them, until a time or
//! until they are revoked.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;

use super::leave::Leave;
use super::{Config, Error};
use crate::clock::Clock;
use crate::db::Db;
use crate::gate::Permit;
use crate::ids::{LinkId, ProjectId, UserId};
use crate::projects::Project;
use crate::secret::Secret;
use store::Store;

/// How a link's secret begins.
pub const LINK_PREFIX: &str = "lhp_";

/// How long a link lasts when nothing is said.
const USUAL_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Revocations that wait for whoever looks by a link.
const WAITING_REVOCATIONS: usize = 64;

/// What is known of a link; its secret is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub id: LinkId,
    pub project: ProjectId,
    pub creator: UserId,
    /// `None` is whichever port the preview shows.
    pub port: Option<u16>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Links {
    store: Store,
    clock: Clock,
    max_links: u32,
    max_lifetime: Duration,
    revoked: broadcast::Sender<LinkId>,
}

impl Links {
    pub(super) fn new(db: Db, clock: Clock, config: &Config) -> Self {
        Self {
            store: Store::new(db),
            clock,
            max_links: config.max_links,
            max_lifetime: Duration::from_secs(config.max_link_lifetime),
            revoked: broadcast::channel(WAITING_REVOCATIONS).0,
        }
    }

    pub(super) async fn create(
        &self,
        permit: &Permit,
        project: &Project,
        port: Option<u16>,
        lasts: Option<Duration>,
    ) -> Result<(Link, Secret), Error> {
        let lasts = lasts.unwrap_or(USUAL_LIFETIME.min(self.max_lifetime));
        if lasts.is_zero() || lasts > self.max_lifetime {
            return Err(Error::Lifetime(self.max_lifetime.as_secs()));
        }
        let now = self.clock.now();
        self.store.delete_expired(now).await?;
        if self.store.count(&project.id).await? >= self.max_links {
            return Err(Error::TooManyLinks(self.max_links));
        }
        let secret = Secret::generate(LINK_PREFIX)?;
        let link = Link {
            id: LinkId::generate(),
            project: project.id.clone(),
            creator: permit.caller().user.id.clone(),
            port,
            created_at: now,
            expires_at: now + lasts,
        };
        self.store.insert(&link, &secret).await?;
        Ok((link, secret))
    }

    /// Those that still open something, oldest first; their number has a bound.
    pub(super) async fn list(&self, project: &ProjectId) -> Result<Vec<Link>, Error> {
        Ok(self.store.list(project, self.clock.now()).await?)
    }

    /// It opens nothing from now on, and what it opened ends. Revoking what is
    /// gone is no error.
    pub(super) async fn revoke(&self, project: &ProjectId, link: &LinkId) -> Result<(), Error> {
        self.store.delete(project, link).await?;
        // Nobody may be looking.
        let _ = self.revoked.send(link.clone());
        Ok(())
    }

    /// What a link opens now, and for how long.
    pub(super) async fn open(&self, secret: &str) -> Result<Option<(Link, Leave)>, Error> {
        // Before the question, so that no revocation is missed between.
        let revoked = self.revoked.subscribe();
        let now = self.clock.now();
        let Some(link) = self.store.find(&Secret::new(secret), now).await? else {
            return Ok(None);
        };
        let lasts = Duration::try_from(link.expires_at.duration_since(now)).unwrap_or_default();
        let leave = Leave::by_link(lasts, link.id.clone(), revoked);
        Ok(Some((link, leave)))
    }
}
