//! Gate: callers for whom somebody else vouches, by JSON Web Tokens (RFC 7519):
//! a secret that is shared with the issuer, as Supabase does, or keys that the
//! issuer publishes (RFC 7517).
//!
//! Which key a token is tried with follows from its algorithm and never from
//! what the token brings along: a shared secret is for HS256 alone, published
//! keys are for signatures alone.

mod published;
mod ring_provider;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use super::{Role, User};
use crate::ids::UserId;
use crate::secret::Secret;
use published::Published;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY_SECONDS: u64 = 30;
/// A shorter secret can be guessed (RFC 7518, 3.2).
const SHORTEST_SECRET_BYTES: usize = 32;

/// The `[auth.jwt]` part of the configuration; without a secret and without a
/// URL no such token lets anybody in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Shared with the issuer, for HS256.
    pub secret: Option<Secret>,
    /// Where the issuer publishes its keys.
    pub jwks_url: Option<String>,
    /// What `iss` must be, where it is set.
    pub issuer: Option<String>,
    /// What `aud` must name.
    pub audience: String,
    /// Which claim says `reviewer` or `admin`, with a dot between levels; whoever
    /// it says nothing of is a learner. Users may not be able to write it.
    pub role_claim: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secret: None,
            jwks_url: None,
            issuer: None,
            audience: "authenticated".to_owned(),
            role_claim: "app_metadata.role".to_owned(),
        }
    }
}

/// Why a token lets nobody in; the text is shown to whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this server takes no JSON Web Tokens; use a token that Lockhouse gave")]
    NotTaken,
    #[error("the token is not whole: it has three parts with a dot between, in base64url")]
    Malformed,
    #[error("the token's algorithm is not one that this server takes")]
    Algorithm,
    #[error("the token names a key (`kid`) that its issuer does not publish")]
    UnknownKey,
    #[error("the token is not signed by its issuer")]
    Signature,
    #[error("the token has expired; sign in again")]
    Expired,
    #[error("the token counts only later; is this machine's clock right?")]
    TooEarly,
    #[error("the token is for somebody else: `{0}` is not what this server expects")]
    NotForUs(&'static str),
    #[error("the token lacks the claim `{0}`, or has it in another form")]
    Claim(String),
    #[error("the token's `sub` can't be a user here: {0}")]
    Subject(String),
    #[error("the issuer's keys can't be had now; try again")]
    KeysUnreachable,
}

/// What a token says that has been found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vouched {
    pub(super) user: User,
    pub(super) issued_us: i64,
    pub(super) expires_us: i64,
}

/// Judges tokens. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    shared: Option<DecodingKey>,
    published: Option<Published>,
    validation: Validation,
    role_claim: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iat: Option<i64>,
    exp: i64,
    #[serde(flatten)]
    others: Value,
}

impl Judge {
    /// Says what is wrong with the configuration where something is.
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        ring_provider::install();
        let shared = config.secret.as_ref().map(shared_key).transpose()?;
        let published = config.jwks_url.as_deref().map(Published::at).transpose()?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "sub", "aud"]);
        validation.set_audience(&[&config.audience]);
        if let Some(issuer) = &config.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        Ok(Self { shared, published, validation, role_claim: config.role_claim.clone() })
    }

    /// Who is vouched for.
    pub(super) async fn judge(&self, token: &Secret) -> Result<Vouched, Refused> {
        let header = decode_header(token.reveal()).map_err(|error| refused(error.kind()))?;
        let key = match header.alg {
            Algorithm::HS256 => self.shared.clone().ok_or_else(|| self.not_taken())?,
            Algorithm::HS384 | Algorithm::HS512 => return Err(Refused::Algorithm),
            signed => {
                let published = self.published.as_ref().ok_or_else(|| self.not_taken())?;
                published.key(header.kid.as_deref(), signed).await?
            }
        };
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let token = decode::<Claims>(token.reveal(), &key, &validation);
        self.vouched(token.map_err(|error| refused(error.kind()))?.claims)
    }

    fn not_taken(&self) -> Refused {
        if self.shared.is_none() && self.published.is_none() {
            Refused::NotTaken
        } else {
            Refused::Algorithm
        }
    }

    fn vouched(&self, claims: Claims) -> Result<Vouched, Refused> {
        let subject = |why: String| Refused::Subject(why);
        let id: UserId = claims.sub.parse().map_err(|error| subject(format!("{error}")))?;
        if super::is_reserved(&id) {
            return Err(subject(format!("“{id}” is Lockhouse's own")));
        }
        let role = self.role_claim.split('.').try_fold(&claims.others, |value, key| value.get(key));
        let role = Role::parse(role.and_then(Value::as_str).unwrap_or_default());
        // A token that does not say when it was issued is as old as can be.
        let issued_us = claims.iat.map_or(0, micros);
        Ok(Vouched { user: User { id, role }, issued_us, expires_us: micros(claims.exp) })
    }
}

fn shared_key(secret: &Secret) -> Result<DecodingKey, String> {
    let bytes = secret.reveal().as_bytes();
    if bytes.len() < SHORTEST_SECRET_BYTES {
        return Err(format!(
            "auth.jwt.secret (or JWT_SECRET) has {} bytes and can be guessed; use at least {}",
            bytes.len(),
            SHORTEST_SECRET_BYTES
        ));
    }
    Ok(DecodingKey::from_secret(bytes))
}

fn micros(seconds: i64) -> i64 {
    Timestamp::from_second(seconds).map_or(i64::MAX, Timestamp::as_microsecond)
}

fn refused(kind: &ErrorKind) -> Refused {
    match kind {
        ErrorKind::InvalidSignature | ErrorKind::Provider(_) => Refused::Signature,
        ErrorKind::ExpiredSignature => Refused::Expired,
        ErrorKind::ImmatureSignature => Refused::TooEarly,
        ErrorKind::InvalidIssuer => Refused::NotForUs("iss"),
        ErrorKind::InvalidAudience => Refused::NotForUs("aud"),
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            Refused::Claim(claim.clone())
        }
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::InvalidKeyFormat => Refused::Algorithm,
        // An algorithm of another name is no JSON that the header can be.
        ErrorKind::Json(error) if error.to_string().contains("variant") => Refused::Algorithm,
        _ => Refused::Malformed,
    }
}

/// Whether a token is of this sort: Lockhouse's own have no dot.
pub(super) fn looks_like_one(token: &Secret) -> bool {
    token.reveal().contains('.')
}

#[cfg(test)]
mod tests;
