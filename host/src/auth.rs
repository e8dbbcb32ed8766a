//! Gate: who calls.
//!
//! A caller shows a token (`Authorization: Bearer`), a browser session (cookie)
//! or, in development mode alone, a name (`X-User-ID`). Only fingerprints of
//! tokens and sessions are stored.

mod jwt;
mod people;
mod recent;
mod standing;
mod store;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::{RequestId, UserId};
use crate::origin::Origin;
use crate::secret::{NoRandomness, Secret};
use recent::Recent;
use store::Store;

pub use jwt::Refused;
pub use people::{ListedToken, ListedUser, NewToken, PeopleError};
pub(crate) use people::{parse_role, parse_scope};
pub use recent::Holder;
pub use standing::Standing;

/// How long a browser stays signed in.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// The file in the data directory that holds the administrator's token.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";

const ADMIN: &str = "admin";
const SERVER: &str = "lockhouse";

/// Purposes of tokens.
const SESSION: &str = "session";
const ISSUED: &str = "token";

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

/// How much of what its owner may do a token may do; each holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look.
    Read,
    /// Act, but not as an administrator.
    Write,
    /// All.
    Admin,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => ADMIN,
        }
    }

    /// One that is not known lets nobody do anything but look.
    fn parse(text: &str) -> Self {
        match text {
            ADMIN => Self::Admin,
            "write" => Self::Write,
            _ => Self::Read,
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
    pub jwt: jwt::Config,
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
    pub scope: Scope,
    pub origin: Origin,
    pub request_id: RequestId,
}

impl Caller {
    /// A caller who may do all that the user may, from within the server.
    pub fn new(user: User, request_id: RequestId) -> Self {
        Self { user, scope: Scope::Admin, origin: Origin::default(), request_id }
    }

    pub fn is_admin(&self) -> bool {
        self.user.role == Role::Admin && self.scope == Scope::Admin
    }

    /// Whether he sees what others hand in; administrators do as well.
    pub fn is_reviewer(&self) -> bool {
        self.user.role >= Role::Reviewer
    }
}

/// Leave to do one thing. Only the gate gives it.
pub trait Admitted: Sync {
    fn caller(&self) -> &Caller;
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the administrator's token file: {0}")]
    TokenFile(#[from] std::io::Error),
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Knows callers by what they show. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Auth {
    store: Store,
    recent: Recent,
    tokens: jwt::Judge,
    clock: Clock,
    mode: Mode,
}

impl Auth {
    /// Says what is wrong with the configuration where something is.
    pub fn new(config: &Config, db: Db, clock: Clock) -> Result<Self, String> {
        let (store, recent) = (Store::new(db), Recent::default());
        let tokens = jwt::Judge::new(&config.jwt)?;
        Ok(Self { store, recent, tokens, clock, mode: config.mode })
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Reads the administrator's token, or makes it at the first start.
    pub async fn admin_token(&self, data: &Path) -> Result<Secret, Error> {
        let token = read_or_make_token(&data.join(ADMIN_TOKEN_FILE))?;
        let admin = User { id: fixed_id(ADMIN), role: Role::Admin };
        self.store.keep_user(&admin, self.clock.now_us()).await?;
        self.store.replace_token(&token, &admin.id, self.clock.now_us()).await?;
        self.recent.forget();
        Ok(token)
    }

    /// Who holds this token, or this session, and what he may do by it.
    pub async fn holder(&self, token: &Secret) -> Result<Option<Holder>, Error> {
        let (fingerprint, now_us) = (token.fingerprint(), self.clock.now_us());
        if let Some(holder) = self.recent.find(&fingerprint, now_us) {
            return Ok(Some(holder));
        }
        let question = self.recent.question(now_us);
        let holder = if jwt::looks_like_one(token) {
            self.vouched(token, now_us).await?
        } else {
            self.store.find_holder(&fingerprint, now_us).await?
        };
        if let Some(holder) = &holder {
            self.recent.keep(question, fingerprint, holder.clone());
        }
        Ok(holder)
    }

    /// Somebody for whom an issuer vouches is made known at first sight. He has
    /// the role that the issuer gives him, or the one he has here, whichever may
    /// do more. Who was removed here, or signed out everywhere since, is not let in.
    async fn vouched(&self, token: &Secret, now_us: i64) -> Result<Option<Holder>, Error> {
        let vouched = self.tokens.judge(token).await?;
        let User { id, role } = vouched.user;
        self.store.keep_user(&User { id: id.clone(), role: Role::Learner }, now_us).await?;
        let here = self.store.role_of(&id, vouched.issued_us).await?;
        let expires_us = Some(vouched.expires_us);
        let holder = |here| Holder::of(User { id, role: role.max(here) });
        Ok(here.map(|here| Holder { expires_us, ..holder(here) }))
    }

    /// The user that a development request names, made known at first sight.
    pub async fn development_user(&self, id: &UserId) -> Result<User, Error> {
        let role = if id.as_str() == ADMIN { Role::Admin } else { Role::Learner };
        let user = User { id: id.clone(), role };
        self.store.keep_user(&user, self.clock.now_us()).await?;
        Ok(user)
    }

    /// Opens a browser session; its secret is the cookie's value. It may do what
    /// the token may that it is opened with, and ends no later.
    pub async fn open_session(&self, holder: &Holder) -> Result<(Secret, Timestamp), Error> {
        let secret = Secret::generate("lhs_")?;
        let expires = (self.clock.now() + SESSION_LIFETIME).as_microsecond();
        let expires = holder.expires_us.map_or(expires, |end| end.min(expires));
        let now = self.clock.now_us();
        self.store.delete_expired(now).await?;
        let session = store::Added {
            scope: holder.scope,
            expires_us: Some(expires),
            parent: holder.token.as_ref(),
            ..store::Added::of(&holder.user.id, SESSION, now)
        };
        self.store.add_token(&secret, &session).await?;
        Ok((secret, crate::clock::from_micros(expires)))
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
    fixed_id(SERVER)
}

/// Whether nobody but Lockhouse itself may be called so.
fn is_reserved(id: &UserId) -> bool {
    matches!(id.as_str(), ADMIN | SERVER)
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
