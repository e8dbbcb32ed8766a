//! Keys to previews: signed, for one project, until a time.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::clock::Clock;
use crate::ids::ProjectId;
use crate::secret::Secret;

/// `<project>.<expiry in seconds>.<MAC>`: a keyed BLAKE3 hash over the first two.
#[derive(Clone)]
pub(super) struct Keys {
    clock: Clock,
    key: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    pub(super) fn new(clock: Clock, secret: &Secret) -> Self {
        Self {
            clock,
            key: blake3::derive_key("lockhouse preview keys 1", secret.reveal().as_bytes()),
        }
    }

    pub(super) fn issue(&self, project: &ProjectId, lifetime: Duration) -> String {
        let expires = (self.clock.now() + lifetime).as_second();
        let claim = format!("{project}.{expires}");
        format!("{claim}.{}", self.mac(&claim))
    }

    pub(super) fn read(&self, key: &str) -> Option<ProjectId> {
        let (claim, mac) = key.rsplit_once('.')?;
        let genuine: bool = self.mac(claim).as_bytes().ct_eq(mac.as_bytes()).into();
        let (project, expires) = claim.split_once('.')?;
        let alive = expires.parse::<i64>().ok()? > self.clock.now().as_second();
        if genuine && alive { project.parse().ok() } else { None }
    }

    fn mac(&self, claim: &str) -> String {
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

    #[test]
    fn a_key_opens_its_project() {
        let (keys, _) = keys();
        let project: ProjectId = "p1".parse().unwrap();
        assert_eq!(keys.read(&keys.issue(&project, KEY)), Some(project));
    }

    const KEY: Duration = Duration::from_secs(60);

    #[test]
    fn a_key_opens_nothing_after_its_time() {
        let (keys, clock) = keys();
        let key = keys.issue(&"p1".parse().unwrap(), KEY);
        clock.advance(KEY);
        assert_eq!(keys.read(&key), None);
    }

    #[test]
    fn a_key_for_one_project_does_not_open_another() {
        let (keys, _) = keys();
        let key = keys.issue(&"p1".parse().unwrap(), KEY);
        assert_eq!(keys.read(&key.replacen("p1", "p2", 1)), None);
    }
}
