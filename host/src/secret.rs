//! Ground: texts that must not be shown, and how new ones are made.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

/// A secret text: never printed, compared in constant time.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// The system's source of randomness did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the system's source of randomness failed: {0}")]
pub struct NoRandomness(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 256 random bits as URL-safe text after `prefix`.
    pub fn generate(prefix: &str) -> Result<Self, NoRandomness> {
        let mut bytes = [0_u8; 32];
        SysRng.try_fill_bytes(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The text itself, for the one place that must send or store it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// What is stored instead of the secret. Secrets made here carry 256 random
    /// bits, so a plain hash can't be searched.
    pub fn fingerprint(&self) -> String {
        blake3::hash(self.0.as_bytes()).to_hex().to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(…)");
    }

    #[test]
    fn two_generated_secrets_differ() {
        let [a, b] = [(); 2].map(|()| Secret::generate("lh_").unwrap());
        assert!(!a.matches(b.reveal()));
    }
}
