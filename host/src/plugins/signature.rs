//! Who answers for a component: detached Ed25519 signatures.
//!
//! What is signed is [`DOMAIN`] and the sha-256 of the component's bytes, so that
//! a signature made here is good for nothing else. Texts, one line each:
//!
//! ```text
//! public key, in the configuration      ed25519:<32 bytes in base64>
//! private key, in a file of its own     ed25519-private:<32 bytes in base64>
//! signature, in <component>.sig         <64 bytes in base64>
//! ```
//!
//! A component from the operator's own plugin directory needs no signature: who
//! can write there can change the configuration as well. One that was uploaded
//! or pulled needs one, unless that is switched off.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::Deserialize;

use super::fault::Digest;

/// What every signed message begins with.
pub const DOMAIN: &str = "lockhouse-plugin-v1\n";
/// What a signature's file is called after the component's.
pub const FILE_ENDING: &str = ".sig";
/// A longer text is no signature and no key.
pub const MAX_TEXT_BYTES: usize = 256;

const PUBLIC: &str = "ed25519:";
const PRIVATE: &str = "ed25519-private:";
const MAX_NAME_BYTES: usize = 64;
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// The `[plugins.signatures]` part of the configuration. Keys are read when the
/// server starts, so that a wrong one is told then.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether components that are uploaded or pulled must be signed.
    pub required: bool,
    /// Whose signatures are good.
    pub keys: BTreeMap<KeyName, PublicKey>,
}

/// What the operator calls a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyName(String);

/// The half of a key that verifies.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicKey([u8; KEY_BYTES]);

/// The half of a key that signs; never printed.
pub struct PrivateKey {
    seed: [u8; KEY_BYTES],
    pair: Ed25519KeyPair,
}

/// Where a component comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The server's own components, and the operator's plugin directory.
    Local,
    /// Uploads, and registries.
    Remote,
}

/// Why nobody answers for a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("is not signed, and {WAYS_OUT}")]
    Missing,
    #[error(
        "has a signature that is none: it must be 64 bytes in base64, as `lockhouse plugin sign` writes them into {FILE_ENDING}"
    )]
    Malformed,
    #[error(
        "has a signature that fits none of the keys in plugins.signatures.keys: its bytes were changed after they were signed, or the signer's key is missing there; {WAYS_OUT}"
    )]
    NoKeyFits,
    #[error("is signed, but plugins.signatures.keys names no key to verify that with; {WAYS_OUT}")]
    NoKeys,
}

const WAYS_OUT: &str = "a plugin that is uploaded or pulled must be signed by a key that this \
    server knows: sign it with `lockhouse plugin sign` and name the public key in \
    plugins.signatures.keys, or set plugins.signatures.required = false";

/// A text is no key; the text says what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("a key's name is 1 to 64 letters, digits, “-”, “_” or “.”")]
    Name,
    #[error("no public key: write “{PUBLIC}…”, as `lockhouse plugin keygen` prints it")]
    Public,
    #[error("no private key: it must be “{PRIVATE}…”, as `lockhouse plugin keygen` writes it")]
    Private,
    #[error("the system's source of randomness failed")]
    NoRandomness,
}

impl Default for Config {
    fn default() -> Self {
        Self { required: true, keys: BTreeMap::new() }
    }
}

impl Config {
    /// Decides whether a component may be loaded, as far as signatures go, and
    /// tells who signed it. Where no signature is asked for, one that nobody
    /// here can vouch for counts as none.
    pub fn check(
        &self,
        source: Source,
        component: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<KeyName>, Error> {
        match verify(component, signature, &self.keys) {
            Ok(name) => Ok(Some(name)),
            Err(_) if source == Source::Local || !self.required => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Which of `keys` signed these bytes.
pub fn verify(
    component: &[u8],
    signature: Option<&str>,
    keys: &BTreeMap<KeyName, PublicKey>,
) -> Result<KeyName, Error> {
    let signature = signature.ok_or(Error::Missing)?;
    let signature: [u8; SIGNATURE_BYTES] = decode(signature).ok_or(Error::Malformed)?;
    if keys.is_empty() {
        return Err(Error::NoKeys);
    }
    let message = message(component);
    let fits = |(_, key): &(&KeyName, &PublicKey)| {
        UnparsedPublicKey::new(&ED25519, &key.0).verify(&message, &signature).is_ok()
    };
    keys.iter().find(fits).map(|(name, _)| name.clone()).ok_or(Error::NoKeyFits)
}

fn message(component: &[u8]) -> Vec<u8> {
    [DOMAIN.as_bytes(), Digest::of(component).as_bytes()].concat()
}

/// Exactly `N` bytes in base64.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.trim();
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

impl PrivateKey {
    pub fn generate() -> Result<Self, InvalidKey> {
        let mut seed = [0; KEY_BYTES];
        SysRng.try_fill_bytes(&mut seed).map_err(|_| InvalidKey::NoRandomness)?;
        Self::of(seed)
    }

    /// Reads what [`Self::reveal`] wrote.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let seed = text.trim().strip_prefix(PRIVATE).and_then(decode);
        seed.ok_or(InvalidKey::Private).and_then(Self::of)
    }

    fn of(seed: [u8; KEY_BYTES]) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| InvalidKey::Private)?;
        Ok(Self { seed, pair })
    }

    /// The key as its file has it.
    pub fn reveal(&self) -> String {
        format!("{PRIVATE}{}\n", STANDARD.encode(self.seed))
    }

    pub fn public(&self) -> PublicKey {
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(key)
    }

    /// The signature as its file has it, without the end of the line.
    pub fn sign(&self, component: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&message(component)))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        let bytes = text.trim().strip_prefix(PUBLIC).and_then(decode).ok_or(InvalidKey::Public)?;
        if is_weak(bytes) { Err(InvalidKey::Public) } else { Ok(Self(bytes)) }
    }
}

/// The points of small order, such as a key of zeros, without their sign. Under
/// one of them, signatures fit messages that nobody signed.
fn is_weak(mut key: [u8; KEY_BYTES]) -> bool {
    const ORDER_8: [[u8; KEY_BYTES]; 2] = [
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
    ];
    key[31] &= 0x7f;
    let [first, middle @ .., last] = &key;
    let near_zero = *first <= 1 && *last == 0 && middle.iter().all(|b| *b == 0);
    // p - 1, and 0 and 1 once more, written as p and p + 1.
    let near_p = *first >= 0xec && *last == 0x7f && middle.iter().all(|b| *b == 0xff);
    near_zero || near_p || ORDER_8.contains(&key)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for KeyName {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        match (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text)),
            false => Err(InvalidKey::Name),
        }
    }
}

impl std::str::FromStr for KeyName {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"a component";

    fn name(text: &str) -> KeyName {
        text.parse().unwrap()
    }

    fn config(keys: &[(&str, &PrivateKey)]) -> Config {
        let keys = keys.iter().map(|(text, key)| (name(text), key.public()));
        Config { keys: keys.collect(), ..Config::default() }
    }

    fn remote(config: &Config, signature: Option<&str>) -> Result<Option<KeyName>, Error> {
        config.check(Source::Remote, COMPONENT, signature)
    }

    #[test]
    fn a_signature_names_the_key_that_made_it() {
        let [ada, bob] = [(); 2].map(|()| PrivateKey::generate().unwrap());
        let config = config(&[("ada", &ada), ("bob", &bob)]);
        let signed = bob.sign(COMPONENT);
        assert_eq!(remote(&config, Some(&format!("{signed}\n"))), Ok(Some(name("bob"))));
    }

    #[test]
    fn a_signature_of_other_bytes_fits_no_key() {
        let ada = PrivateKey::generate().unwrap();
        let signed = ada.sign(b"another component");
        assert_eq!(remote(&config(&[("ada", &ada)]), Some(&signed)), Err(Error::NoKeyFits));
    }

    #[test]
    fn a_signature_of_the_bare_digest_fits_no_key() {
        let ada = PrivateKey::generate().unwrap();
        let bare = STANDARD.encode(ada.pair.sign(Digest::of(COMPONENT).as_bytes()));
        assert_eq!(remote(&config(&[("ada", &ada)]), Some(&bare)), Err(Error::NoKeyFits));
    }

    #[test]
    fn each_way_to_lack_a_signature_is_told_apart() {
        let ada = PrivateKey::generate().unwrap();
        let signed = ada.sign(COMPONENT);
        let config = config(&[("ada", &ada)]);
        assert_eq!(remote(&config, None), Err(Error::Missing));
        assert_eq!(remote(&config, Some("hello")), Err(Error::Malformed));
        assert_eq!(remote(&config, Some(&signed[4..])), Err(Error::Malformed));
        assert_eq!(remote(&config, Some(&signed.repeat(100))), Err(Error::Malformed));
        assert_eq!(remote(&Config::default(), Some(&signed)), Err(Error::NoKeys));
    }

    #[test]
    fn whoever_lacks_a_signature_is_told_both_ways_out() {
        for error in [Error::Missing, Error::NoKeyFits, Error::NoKeys] {
            let text = error.to_string();
            assert!(text.contains("`lockhouse plugin sign`"), "{text}");
            assert!(text.contains("plugins.signatures.required = false"), "{text}");
        }
    }

    #[test]
    fn what_is_local_needs_no_signature() {
        let config = Config::default();
        assert_eq!(config.check(Source::Local, COMPONENT, None), Ok(None));
    }

    #[test]
    fn an_operator_may_do_without_signatures() {
        let config = Config { required: false, ..Config::default() };
        assert_eq!(remote(&config, None), Ok(None));
        assert_eq!(remote(&config, Some("hello")), Ok(None));
    }

    #[test]
    fn a_private_key_is_written_and_read_and_not_shown() {
        let ada = PrivateKey::generate().unwrap();
        let again = PrivateKey::parse(&ada.reveal()).unwrap();
        assert_eq!(again.public(), ada.public());
        assert_eq!(format!("{ada:?}"), "PrivateKey(…)");
        assert_eq!(PrivateKey::parse("hello").unwrap_err(), InvalidKey::Private);
    }

    #[test]
    fn keys_are_read_from_the_configuration() {
        let ada = PrivateKey::generate().unwrap().public();
        let config: Config = toml::from_str(&format!("keys = {{ ada = \"{ada}\" }}")).unwrap();
        assert_eq!((config.required, config.keys[&name("ada")]), (true, ada));
    }

    #[test]
    fn a_key_that_is_none_is_told_at_the_start() {
        let refuse = |text: &str| toml::from_str::<Config>(text).unwrap_err().to_string();
        let error = refuse("keys = { ada = \"ed25519:hello\" }");
        assert!(error.contains("no public key: write “ed25519:…”"), "{error}");
        let zero = STANDARD.encode([0; 32]);
        assert!(refuse(&format!("keys = {{ ada = \"ed25519:{zero}\" }}")).contains("no public"));
        assert!(refuse("key = {}").contains("unknown field"));
        assert!(refuse("keys = { \"a b\" = \"\" }").contains("a key's name"));
    }

    /// From RFC 8032, section 7.1, test 1: the secret and its public key.
    #[test]
    fn keys_are_those_of_the_standard() {
        let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        let key = PrivateKey::parse(&format!("ed25519-private:{seed}")).unwrap();
        let public = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(key.public().to_string(), public);
    }
}
