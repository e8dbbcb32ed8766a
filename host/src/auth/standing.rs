//! Gate: whether what let somebody in still would, for what lasts longer than a request.

use super::recent::Holder;
use super::{Auth, Error, Role, Scope, User};
use crate::ids::{TokenId, UserId};

/// What let somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub user: UserId,
    pub role: Role,
    pub scope: Scope,
    /// Where it was a token or a session of ours.
    pub token: Option<TokenId>,
    pub expires_us: Option<i64>,
    /// When it was looked at.
    pub since_us: i64,
}

impl Auth {
    pub fn standing(&self, holder: &Holder) -> Standing {
        let Holder { user, scope, token, expires_us } = holder.clone();
        let User { id: user, role } = user;
        Standing { user, role, scope, token, expires_us, since_us: self.clock.now_us() }
    }

    /// Who it lets in now; nobody where it has expired or was taken away, or where all that
    /// somebody had was.
    pub async fn still(&self, standing: &Standing) -> Result<Option<User>, Error> {
        let now_us = self.clock.now_us();
        if standing.expires_us.is_some_and(|expires| expires <= now_us) {
            return Ok(None);
        }
        let here = self.store.role_of(&standing.user, standing.since_us).await?;
        let is_valid = match &standing.token {
            Some(token) => self.store.is_valid(token, now_us).await?,
            None => true,
        };
        let Some(here) = here.filter(|_| is_valid) else { return Ok(None) };
        // An issuer may have given more than he has here.
        let role = if standing.token.is_some() { here } else { here.max(standing.role) };
        Ok(Some(User { id: standing.user.clone(), role }))
    }
}
