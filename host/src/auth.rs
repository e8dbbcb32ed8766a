//! Gate: who calls.
//!
//! A caller shows a token (`Authorization: Bearer`), a browser session (cookie)
//! or, in development mode alone, a name (`X-User-ID`). Only fingerprints of
//! tokens and sessions are stored.

mod recent;
mod store;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::{RequestId, TokenId, UserId};
use crate::secret::{NoRandomness, Secret};
use recent::Recent;
use store::Store;

/// How long a browser stays signed in.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// The file in the data directory that holds the administrator's token.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";

const ADMIN: &str = "admin";

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Learner,
    Reviewer,
    Admin,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learner => "learner",
            Self::Reviewer => "reviewer",
            Self::Admin => ADMIN,
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        match text {
            ADMIN => Self::Admin,
            "reviewer" => Self::Reviewer,
            _ => Self::Learner,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Tokens and sessions.
    #[default]
    Token,
    /// Whoever names a user in `X-User-ID` is that user; loopback only.
    Development,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub mode: Mode,
}

/// A person or program that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub role: Role,
}

/// Who made one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user: User,
    pub request_id: RequestId,
}

impl Caller {
    pub fn is_admin(&self) -> bool {
        self.user.role == Role::Admin
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the administrator's token file: {0}")]
    TokenFile(#[from] std::io::Error),
}

/// Knows callers by what they show. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Auth {
    store: Store,
    recent: Recent,
    clock: Clock,
    mode: Mode,
}

impl Auth {
    pub fn new(config: &Config, db: Db, clock: Clock) -> Self {
        Self { store: Store::new(db), recent: Recent::default(), clock, mode: config.mode }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Reads the administrator's token, or makes it at the first start.
    pub async fn admin_token(&self, data: &Path) -> Result<Secret, Error> {
        let token = read_or_make_token(&data.join(ADMIN_TOKEN_FILE))?;
        let admin = User { id: fixed_id(ADMIN), role: Role::Admin };
        self.store.keep_user(&admin, self.clock.now_us()).await?;
        self.store.replace_token(&token, &admin.id, ADMIN, self.clock.now_us()).await?;
        self.recent.forget();
        Ok(token)
    }

    /// Who holds this token, or this session.
    pub async fn user_by_token(&self, token: &Secret) -> Result<Option<User>, Error> {
        let (fingerprint, now_us) = (token.fingerprint(), self.clock.now_us());
        if let Some(user) = self.recent.find(&fingerprint, now_us) {
            return Ok(Some(user));
        }
        let question = self.recent.question(now_us);
        let holder = self.store.find_holder(&fingerprint, now_us).await?;
        Ok(holder.map(|holder| {
            let user = holder.user.clone();
            self.recent.keep(question, fingerprint, holder);
            user
        }))
    }

    /// The user that a development request names, made known at first sight.
    pub async fn development_user(&self, id: &UserId) -> Result<User, Error> {
        let role = if id.as_str() == ADMIN { Role::Admin } else { Role::Learner };
        let user = User { id: id.clone(), role };
        self.store.keep_user(&user, self.clock.now_us()).await?;
        Ok(user)
    }

    /// Opens a browser session; its secret is the cookie's value.
    pub async fn open_session(&self, user: &User) -> Result<(Secret, Timestamp), Error> {
        let secret = Secret::generate("lhs_")?;
        let expires = self.clock.now() + SESSION_LIFETIME;
        let (now, end) = (self.clock.now_us(), expires.as_microsecond());
        self.store.delete_expired(now).await?;
        self.store.add_token(&secret, &user.id, "session", now, Some(end)).await?;
        Ok((secret, expires))
    }

    pub async fn close_session(&self, session: &Secret) -> Result<(), Error> {
        let deleted = self.store.delete_token(session).await;
        self.recent.forget();
        Ok(deleted?)
    }
}

/// Whom what the operator does without a request is done by.
pub fn administrator() -> UserId {
    fixed_id(ADMIN)
}

/// By whom it is done what nobody asked for.
pub fn server_itself() -> UserId {
    fixed_id("lockhouse")
}

fn fixed_id(text: &str) -> UserId {
    // The text is a constant of this file and a valid id.
    text.parse().unwrap_or_else(|_| UserId::generate())
}

fn read_or_make_token(path: &Path) -> Result<Secret, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim())),
        Ok(_) => make_token(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_token(path),
        Err(error) => Err(error.into()),
    }
}

fn make_token(path: &Path) -> Result<Secret, Error> {
    let token = Secret::generate("lha_")?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", token.reveal())?;
    file.sync_all()?;
    Ok(token)
}

fn new_token_id() -> TokenId {
    TokenId::generate()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_token_file_can_be_read_by_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(ADMIN_TOKEN_FILE);
        read_or_make_token(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_token_stays_the_same_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(ADMIN_TOKEN_FILE);
        let first = read_or_make_token(&path).unwrap();
        assert!(read_or_make_token(&path).unwrap().matches(first.reveal()));
    }
}
