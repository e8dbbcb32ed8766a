//! Room terminals: tickets, for who can show nothing else when a terminal is opened.
//!
//! A browser on a page of another origin sends neither our cookie nor a header
//! with a WebSocket. It brings a ticket instead, made a moment before for one
//! project by somebody who may open its terminal. A ticket serves once, on any
//! server of the database, and what was opened with it ends with what it was
//! made by.

use std::time::Duration;

use jiff::Timestamp;

use super::{Error, Terminals};
use crate::auth::Standing;
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::projects::Project;
use crate::secret::Secret;

/// How a ticket begins.
const PREFIX: &str = "lhw_";

/// How long a ticket may be used.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(60);

/// Tickets of one user that wait to be used.
const MOST_TICKETS: u32 = 1000;

/// Whom a ticket lets in, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    pub project: ProjectId,
    pub standing: Standing,
}

impl Terminals {
    /// Makes a ticket; its secret is told this once.
    pub async fn issue_ticket(
        &self,
        _permit: &Permit,
        project: &Project,
        standing: Standing,
    ) -> Result<(Secret, Timestamp), Error> {
        let now = self.clock.now();
        self.store.delete_expired(now).await?;
        if self.store.count(&standing.user).await? >= MOST_TICKETS {
            return Err(Error::TooManyTickets);
        }
        let (secret, expires) = (Secret::generate(PREFIX)?, now + TICKET_LIFETIME);
        let admission = Admission { project: project.id.clone(), standing };
        self.store.insert(&secret, &admission, expires).await?;
        Ok((secret, expires))
    }

    /// Takes a ticket, which then serves no more.
    pub async fn redeem_ticket(&self, ticket: &Secret) -> Result<Option<Admission>, Error> {
        Ok(self.store.take(ticket, self.clock.now()).await?)
    }
}
