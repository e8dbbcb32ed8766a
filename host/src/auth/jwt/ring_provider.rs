//! The arithmetic of tokens, by ring. Only what verifies: Lockhouse signs none.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::{hmac, signature as keys};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(Error::from(ErrorKind::UnsupportedAlgorithm)),
    verifier_factory: |algorithm, key| Verify::new(*algorithm, key),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes it the process's one; another that came first is the same.
pub(super) fn install() {
    let _ = PROVIDER.install_default();
}

struct Verify {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verify {
    #[expect(clippy::new_ret_no_self, reason = "what the library asks for")]
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
        let family = match algorithm {
            Algorithm::HS256 => AlgorithmFamily::Hmac,
            Algorithm::ES256 | Algorithm::ES384 => AlgorithmFamily::Ec,
            Algorithm::EdDSA => AlgorithmFamily::Ed,
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 => AlgorithmFamily::Rsa,
            Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512 => AlgorithmFamily::Rsa,
            _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
        };
        if key.family() != family {
            return Err(ErrorKind::InvalidKeyFormat.into());
        }
        Ok(Box::new(Self { algorithm, key: key.clone() }))
    }

    fn is_signed(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let bytes = || self.key.try_get_as_bytes().ok();
        let by = |algorithm: &'static dyn keys::VerificationAlgorithm| {
            let key = keys::UnparsedPublicKey::new(algorithm, bytes()?);
            key.verify(message, signature).ok()
        };
        match self.algorithm {
            Algorithm::HS256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, bytes()?);
                hmac::verify(&key, message, signature).ok()
            }
            Algorithm::ES256 => by(&keys::ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => by(&keys::ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => by(&keys::ED25519),
            rsa => {
                let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() else {
                    return None;
                };
                let key = keys::RsaPublicKeyComponents { n, e };
                key.verify(of_rsa(rsa)?, message, signature).ok()
            }
        }
    }
}

fn of_rsa(algorithm: Algorithm) -> Option<&'static keys::RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &keys::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &keys::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &keys::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &keys::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &keys::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &keys::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

impl Verifier<Vec<u8>> for Verify {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.is_signed(message, signature).ok_or_else(signature::Error::new)
    }
}

impl JwtVerifier for Verify {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
