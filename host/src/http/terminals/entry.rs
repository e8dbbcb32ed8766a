//! Who comes to a terminal: by what everybody shows, or by a ticket.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::super::extract::{calling, holder};
use super::super::problem::Problem;
use crate::app::App;
use crate::auth::{Caller, Standing};
use crate::ids::ProjectId;
use crate::projects::Project;
use crate::secret::Secret;

/// The longest ticket that is looked at.
const MAX_TICKET_BYTES: usize = 128;

/// Somebody who may go on being let in, or not.
#[derive(Debug)]
pub(in super::super) struct Entrant {
    pub(super) caller: Caller,
    pub(super) standing: Standing,
    /// The one project that his ticket is for.
    only: Option<ProjectId>,
}

#[derive(Debug, Deserialize)]
struct TicketQuery {
    ticket: Option<String>,
}

impl FromRequestParts<App> for Entrant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<TicketQuery>::try_from_uri(&parts.uri).ok();
        // It opens terminals, and does nothing else.
        let ticket = query.filter(|_| parts.method == Method::GET);
        if let Some(ticket) = ticket.and_then(|Query(query)| query.ticket) {
            return by_ticket(app, parts, ticket).await;
        }
        let holder = holder(&app.auth, parts).await?;
        let standing = app.auth.standing(&holder);
        let caller = calling(app.gate.limits(), parts, (holder.user, holder.scope))?;
        Ok(Self { caller, standing, only: None })
    }
}

/// Whatever page it comes from: whoever made the ticket gave it to that page.
async fn by_ticket(app: &App, parts: &Parts, ticket: String) -> Result<Entrant, Problem> {
    if ticket.len() > MAX_TICKET_BYTES {
        return Err(no_ticket());
    }
    let admission = app.terminals.redeem_ticket(&Secret::new(ticket)).await?;
    let admission = admission.ok_or_else(no_ticket)?;
    let standing = admission.standing;
    let user = app.auth.still(&standing).await?.ok_or_else(no_ticket)?;
    let caller = calling(app.gate.limits(), parts, (user, standing.scope))?;
    Ok(Entrant { caller, standing, only: Some(admission.project) })
}

impl Entrant {
    pub(super) fn check(&self, project: &Project) -> Result<(), Problem> {
        if self.only.as_ref().is_none_or(|only| *only == project.id) {
            return Ok(());
        }
        Err(no_ticket())
    }
}

fn no_ticket() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "ticket_refused",
        "this ticket was used, has expired, or is for another project; ask for one with \
         `POST /api/v1/containers/{project}/terminal/ticket`",
    )
}
