//! Gate: who may call at all. Administrators look after users; everybody looks
//! after his own tokens.

mod store;

use std::time::Duration;

use jiff::Timestamp;

use super::{Admitted, Auth, Caller, Error, ISSUED, Role, Scope, User, is_reserved, store::Added};
use crate::ids::{TokenId, UserId};
use crate::secret::Secret;

/// How long a token counts where nothing is said.
const TOKEN_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
const LONGEST_TOKEN_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);
/// Tokens that one user may have at once.
const MOST_TOKENS: i64 = 100;
const LONGEST_NAME_BYTES: usize = 100;

/// A user as administrators see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    pub user: User,
    pub created_at: Timestamp,
}

/// A token, but for its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedToken {
    pub id: TokenId,
    pub user: UserId,
    pub name: String,
    pub scope: Scope,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// What somebody wants of a new token.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub user: UserId,
    /// What it is for, in its owner's words.
    pub name: String,
    pub scope: Scope,
    pub expires_in: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("there is no user “{0}”")]
    NoUser(UserId),
    #[error("there is a user “{0}” already")]
    Taken(UserId),
    #[error("“{0}” is Lockhouse's own and stays as it is")]
    Reserved(UserId),
    #[error("there is no such token, or it is not yours")]
    NoToken,
    #[error("“{user}” has {MOST_TOKENS} tokens; revoke one first")]
    TooManyTokens { user: UserId },
    #[error("a token's name has 1 to {LONGEST_NAME_BYTES} bytes, without control characters")]
    Name,
    #[error(
        "a token counts for at least a minute and at most {} days",
        LONGEST_TOKEN_LIFETIME.as_secs() / 86_400
    )]
    Lifetime,
    #[error("a token may do no more than the one it is asked for with, which may “{}”", .0.as_str())]
    MoreThanYours(Scope),
    #[error(transparent)]
    Auth(#[from] Error),
}

impl From<crate::db::Error> for PeopleError {
    fn from(error: crate::db::Error) -> Self {
        Self::Auth(error.into())
    }
}

impl Auth {
    /// In the order of their ids, after `after`.
    pub async fn users(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ListedUser>, PeopleError> {
        Ok(self.store.users(after.unwrap_or_default(), limit).await?)
    }

    /// Makes somebody known; one who was removed comes back.
    pub async fn add_user(
        &self,
        _permit: &impl Admitted,
        user: &User,
    ) -> Result<ListedUser, PeopleError> {
        if is_reserved(&user.id) {
            return Err(PeopleError::Reserved(user.id.clone()));
        }
        if !self.store.add_user(user, self.clock.now_us()).await? {
            return Err(PeopleError::Taken(user.id.clone()));
        }
        self.user(&user.id).await
    }

    pub async fn user(&self, id: &UserId) -> Result<ListedUser, PeopleError> {
        self.store.user(id).await?.ok_or_else(|| PeopleError::NoUser(id.clone()))
    }

    /// Counts from the next request on.
    pub async fn set_role(
        &self,
        _permit: &impl Admitted,
        user: &User,
    ) -> Result<ListedUser, PeopleError> {
        if is_reserved(&user.id) {
            return Err(PeopleError::Reserved(user.id.clone()));
        }
        let changed = self.store.set_role(user).await?;
        self.recent.forget();
        if !changed {
            return Err(PeopleError::NoUser(user.id.clone()));
        }
        self.user(&user.id).await
    }

    /// Lets somebody in no more. What is his stays, for administrators.
    pub async fn remove_user(
        &self,
        permit: &impl Admitted,
        id: &UserId,
    ) -> Result<(), PeopleError> {
        self.sign_out_everywhere(permit, id).await?;
        self.store.remove_user(id, self.clock.now_us()).await?;
        self.recent.forget();
        Ok(())
    }

    /// Ends every session and token of somebody, and what others vouched for until
    /// now.
    pub async fn sign_out_everywhere(
        &self,
        _permit: &impl Admitted,
        id: &UserId,
    ) -> Result<(), PeopleError> {
        if is_reserved(id) {
            return Err(PeopleError::Reserved(id.clone()));
        }
        let there_is = self.store.sign_out(id, self.clock.now_us()).await?;
        self.recent.forget();
        if there_is { Ok(()) } else { Err(PeopleError::NoUser(id.clone())) }
    }

    /// Tokens that were made for people and programs; no sessions.
    pub async fn tokens(
        &self,
        of: Option<&UserId>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ListedToken>, PeopleError> {
        Ok(self.store.tokens(of, after.unwrap_or_default(), limit).await?)
    }

    /// Makes a token; its secret is told this once.
    pub async fn create_token(
        &self,
        permit: &impl Admitted,
        new: &NewToken,
    ) -> Result<(ListedToken, Secret), PeopleError> {
        check(permit.caller(), new)?;
        let user = &self.user(&new.user).await?.user;
        if self.store.count_tokens(&user.id).await? >= MOST_TOKENS {
            return Err(PeopleError::TooManyTokens { user: user.id.clone() });
        }
        let secret = Secret::generate("lht_").map_err(Error::from)?;
        let (created_at, lasts) = (self.clock.now(), new.expires_in.unwrap_or(TOKEN_LIFETIME));
        let expires_at = created_at + lasts;
        let added = Added {
            name: &new.name,
            scope: new.scope,
            expires_us: Some(expires_at.as_microsecond()),
            ..Added::of(&user.id, ISSUED, created_at.as_microsecond())
        };
        let id = self.store.add_token(&secret, &added).await?;
        let token = ListedToken {
            id,
            user: user.id.clone(),
            name: new.name.clone(),
            scope: new.scope,
            created_at,
            expires_at: Some(expires_at),
        };
        Ok((token, secret))
    }

    /// Who has it, if there is such a token.
    pub async fn owner_of_token(&self, id: &TokenId) -> Result<Option<UserId>, PeopleError> {
        Ok(self.store.owner_of_token(id).await?)
    }

    /// Ends a token, and the sessions that were opened with it.
    pub async fn revoke_token(
        &self,
        _permit: &impl Admitted,
        id: &TokenId,
    ) -> Result<(), PeopleError> {
        let revoked = self.store.revoke_token(id).await?;
        self.recent.forget();
        if revoked { Ok(()) } else { Err(PeopleError::NoToken) }
    }
}

fn check(caller: &Caller, new: &NewToken) -> Result<(), PeopleError> {
    let name = &new.name;
    let named = (1..=LONGEST_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control);
    if !named {
        return Err(PeopleError::Name);
    }
    let lasts = new.expires_in.unwrap_or(TOKEN_LIFETIME);
    if !(Duration::from_secs(60)..=LONGEST_TOKEN_LIFETIME).contains(&lasts) {
        return Err(PeopleError::Lifetime);
    }
    if new.scope > caller.scope {
        return Err(PeopleError::MoreThanYours(caller.scope));
    }
    Ok(())
}

/// As the API writes it.
pub(crate) fn parse_scope(text: &str) -> Option<Scope> {
    [Scope::Read, Scope::Write, Scope::Admin].into_iter().find(|scope| scope.as_str() == text)
}

/// As the API writes it.
pub(crate) fn parse_role(text: &str) -> Option<Role> {
    [Role::Learner, Role::Reviewer, Role::Admin].into_iter().find(|role| role.as_str() == text)
}
