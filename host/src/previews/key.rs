//! Keys to previews: signed, for one project and one purpose, until a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::clock::{Clock, from_micros};
use crate::ids::ProjectId;
use crate::secret::Secret;

/// Tickets that were used and could be shown again, kept at once.
const MAX_USED: usize = 100_000;

/// What a key is for; one never serves for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Stands in the path of a preview on Lockhouse's own origin.
    Path,
    /// Brings a browser to the preview's own host, once.
    Ticket,
    /// Is the cookie on that host.
    Cookie,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Ticket => "ticket",
            Self::Cookie => "cookie",
        }
    }
}

/// What whoever is let in may do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Use,
    /// Ask for what should change nothing, and no more.
    Look,
}

/// What a key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    pub project: ProjectId,
    pub expires: Timestamp,
    pub reach: Reach,
}

/// Stands in a key that is for looking only.
const LOOK: &str = ".look";

/// `<project>.<expiry in microseconds>.<MAC>`, with `.look` before the MAC where it is for
/// looking only: a keyed BLAKE3 hash over the purpose and all before it.
#[derive(Clone)]
pub(super) struct Keys {
    clock: Clock,
    key: [u8; 32],
    /// Tickets that were used, until they would have expired.
    used: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    pub(super) fn new(clock: Clock, secret: &Secret) -> Self {
        let key = blake3::derive_key("lockhouse preview keys 2", secret.reveal().as_bytes());
        Self { clock, key, used: Arc::default() }
    }

    pub(super) fn issue(
        &self,
        purpose: Purpose,
        (project, reach): (&ProjectId, Reach),
        lifetime: Duration,
    ) -> String {
        let expires = (self.clock.now() + lifetime).as_microsecond();
        let looks = if reach == Reach::Look { LOOK } else { "" };
        let claim = format!("{project}.{expires}{looks}");
        format!("{claim}.{}", self.mac(purpose, &claim))
    }

    pub(super) fn read(&self, purpose: Purpose, key: &str) -> Option<Opened> {
        let (claim, mac) = key.rsplit_once('.')?;
        let genuine: bool = self.mac(purpose, claim).as_bytes().ct_eq(mac.as_bytes()).into();
        let (claim, reach) = match claim.strip_suffix(LOOK) {
            Some(claim) => (claim, Reach::Look),
            None => (claim, Reach::Use),
        };
        let (project, expires) = claim.split_once('.')?;
        let expires = from_micros(expires.parse().ok()?);
        let project = project.parse().ok()?;
        (genuine && expires > self.clock.now()).then_some(Opened { project, expires, reach })
    }

    /// Reads a ticket, which then serves no more.
    pub(super) fn redeem(&self, ticket: &str) -> Option<Opened> {
        let opened = self.read(Purpose::Ticket, ticket)?;
        let now = self.clock.now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now);
        let first = used.len() < MAX_USED && !used.contains_key(ticket);
        used.insert(ticket.to_owned(), opened.expires);
        first.then_some(opened)
    }

    fn mac(&self, purpose: Purpose, claim: &str) -> String {
        let claim = format!("{}.{claim}", purpose.as_str());
        URL_SAFE_NO_PAD.encode(blake3::keyed_hash(&self.key, claim.as_bytes()).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> (Keys, Clock) {
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        (Keys::new(clock.clone(), &Secret::new("s")), clock)
    }

    fn project() -> ProjectId {
        "p1".parse().unwrap()
    }

    const KEY: Duration = Duration::from_secs(60);

    #[test]
    fn a_key_opens_its_project() {
        let (keys, _) = keys();
        let key = keys.issue(Purpose::Path, (&project(), Reach::Use), KEY);
        assert_eq!(keys.read(Purpose::Path, &key).unwrap().project, project());
    }

    #[test]
    fn a_key_opens_nothing_after_its_time() {
        let (keys, clock) = keys();
        let key = keys.issue(Purpose::Path, (&project(), Reach::Use), KEY);
        clock.advance(KEY);
        assert_eq!(keys.read(Purpose::Path, &key), None);
    }

    #[test]
    fn a_key_for_one_project_does_not_open_another() {
        let (keys, _) = keys();
        let key = keys.issue(Purpose::Path, (&project(), Reach::Use), KEY);
        assert_eq!(keys.read(Purpose::Path, &key.replacen("p1", "p2", 1)), None);
    }

    #[test]
    fn a_key_for_one_purpose_does_not_serve_another() {
        let (keys, _) = keys();
        let key = keys.issue(Purpose::Path, (&project(), Reach::Use), KEY);
        assert_eq!(keys.read(Purpose::Cookie, &key), None);
    }

    #[test]
    fn a_key_for_looking_can_not_be_made_one_for_more() {
        let (keys, _) = keys();
        let key = keys.issue(Purpose::Path, (&project(), Reach::Look), KEY);
        assert_eq!(keys.read(Purpose::Path, &key).unwrap().reach, Reach::Look);
        assert_eq!(keys.read(Purpose::Path, &key.replacen(LOOK, "", 1)), None);
    }

    #[test]
    fn a_ticket_serves_once() {
        let (keys, _) = keys();
        let ticket = keys.issue(Purpose::Ticket, (&project(), Reach::Use), KEY);
        assert!(keys.redeem(&ticket).is_some());
        assert_eq!(keys.redeem(&ticket), None);
    }
}
