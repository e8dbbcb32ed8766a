//! What can go wrong with a plugin: refused when it is loaded, or stopped
//! while it is called. Every text names the plugin and the limit it hit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::ids::UserId;

/// How much of a digest texts for people show, in hexadecimal digits.
const SHORT_DIGEST: usize = 12;

/// The sha-256 of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// Which plugin: what it calls itself, and the bytes it was loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: String,
    /// Unknown until the component has been asked.
    pub version: Option<String>,
    pub digest: Digest,
}

/// A call that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{plugin} {kind}")]
pub struct Fault {
    pub plugin: Arc<Identity>,
    pub kind: FaultKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error("was stopped after {} ms, limit {} ms", after.as_millis(), limit.as_millis())]
    Budget { after: Duration, limit: Duration },
    #[error("was given up after {} ms, limit {} ms: it was blocked in the host or got no processor", after.as_millis(), limit.as_millis())]
    Blocked { after: Duration, limit: Duration },
    #[error("was not asked: every thread was busy for {} ms", waited.as_millis())]
    Busy { waited: Duration },
    #[error("wanted {} of memory, limit {}", Size(*wanted), Size(*limit))]
    Memory { wanted: usize, limit: usize },
    #[error("wanted a table of {wanted} elements, limit {limit}")]
    Table { wanted: usize, limit: usize },
    #[error("ran out of stack, limit {}", Size(*limit))]
    Stack { limit: usize },
    #[error("handed more to the host in one call than its limit of {}", Size(*limit))]
    Transfer { limit: usize },
    #[error("held more handles at once than its limit of {limit}")]
    Handles { limit: usize },
    #[error("answered with {}, limit {}", Size(*size), Size(*limit))]
    Output { size: usize, limit: usize },
    #[error("trapped: {0}")]
    Trap(String),
    /// The plugin itself says why it has no answer.
    #[error("has no answer: {0}")]
    Declined(String),
    #[error("could not be run: {0}")]
    Host(String),
    #[error("was not asked: it is quarantined{} after {faults} faults in {} s; the last: it {last}; tried again in {} s", Alone(caller.as_ref()), within.as_secs(), retry_in.as_secs())]
    Quarantined {
        /// Whose calls alone are not made; everybody's where there is none.
        caller: Option<UserId>,
        faults: u32,
        within: Duration,
        last: String,
        retry_in: Duration,
    },
}

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{name} is {}, limit {}: raise plugins.max_component_bytes or make it smaller", Size(*size), Size(*limit))]
    TooLarge { name: String, size: usize, limit: usize },
    #[error("{name} is not a WebAssembly component: {why}")]
    NotAComponent { name: String, why: String },
    #[error(
        "{name} imports {import}, which a plugin that plays {roles} may not: {others}. \
         It may import {allowed}"
    )]
    Import { name: String, import: String, roles: String, others: String, allowed: String },
    #[error("{name} imports {import}, and this host offers {offered}: {advice}")]
    ImportVersion { name: String, import: String, offered: String, advice: String },
    #[error(
        "{name} exports {export}, but this host speaks {spoken}: build it against that version"
    )]
    Version { name: String, export: String, spoken: String },
    #[error("{name} {why}")]
    Role { name: String, why: String },
    #[error("{name} could not be compiled: {why}")]
    Compile { name: String, why: String },
    #[error(
        "{0} was part of another version of the server and is not part of this one: install it as a component, or remove it"
    )]
    NotBuiltIn(String),
    #[error("{name} was not compiled within {} s: others may be compiled before it, or it is too complicated; try again, or raise plugins.compile_seconds", limit.as_secs())]
    CompileTimeout { name: String, limit: Duration },
    #[error("{plugin} refuses its settings: {problems}")]
    Settings { plugin: Arc<Identity>, problems: String },
    #[error("{name} can't be tried by its own cases: {why}")]
    Cases { name: String, why: super::cases::Error },
    #[error("{name} can't be tried by its own case “{title}”: {why}")]
    CaseRequest { name: String, title: String, why: String },
    #[error("{name} fails its own case “{title}”: expected {expected}, got {got}")]
    Case { name: String, title: String, expected: String, got: String },
    #[error(
        "{name} was not through with its own cases after {} s: carry fewer of them, or raise \
         plugins.cases_seconds",
        limit.as_secs()
    )]
    CasesTimeout { name: String, limit: Duration },
    #[error(transparent)]
    Manifest(#[from] super::manifest::Error),
    #[error("plugin.toml: grants: {0}")]
    Grant(#[from] super::grant::UnknownGrant),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("plugins can't be run on this machine: {0}")]
    Machine(String),
}

impl FaultKind {
    /// The fault in one word, as metrics count it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Budget { .. } => "budget",
            Self::Blocked { .. } => "blocked",
            Self::Busy { .. } => "busy",
            Self::Memory { .. } => "memory",
            Self::Table { .. } => "table",
            Self::Stack { .. } => "stack",
            Self::Transfer { .. } => "transfer",
            Self::Handles { .. } => "handles",
            Self::Output { .. } => "output",
            Self::Trap(_) => "trap",
            Self::Declined(_) => "declined",
            Self::Host(_) => "host",
            Self::Quarantined { .. } => "quarantined",
        }
    }

    /// Whether it is the plugin's own doing, and not that of the host, of others
    /// or of the question.
    pub fn is_the_plugins(&self) -> bool {
        match self {
            Self::Budget { .. }
            | Self::Blocked { .. }
            | Self::Memory { .. }
            | Self::Table { .. }
            | Self::Stack { .. }
            | Self::Transfer { .. }
            | Self::Handles { .. }
            | Self::Output { .. }
            | Self::Trap(_) => true,
            Self::Busy { .. } | Self::Declined(_) | Self::Host(_) | Self::Quarantined { .. } => {
                false
            }
        }
    }
}

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is `sha256:` and 64 hexadecimal digits")]
pub struct InvalidDigest;

impl std::str::FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digits = text.strip_prefix("sha256:").ok_or(InvalidDigest)?.as_bytes();
        let mut digest = [0; 32];
        if digits.len() != 2 * digest.len() {
            return Err(InvalidDigest);
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
            let (high, low) = (digit(pair[0]), digit(pair[1]));
            *byte = high.zip(low).map(|(high, low)| high << 4 | low).ok_or(InvalidDigest)?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.digest.to_hex();
        let version = self.version.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
        write!(f, "{}{version} (sha256:{}…)", self.id, &digest[..SHORT_DIGEST])
    }
}

/// Whom a quarantine is for, where it is not for everybody.
struct Alone<'a>(Option<&'a UserId>);

impl fmt::Display for Alone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |caller| write!(f, " for {caller} alone"))
    }
}

/// A number of bytes as people read it.
pub(super) struct Size(pub(super) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        match self.0 {
            bytes if bytes >= MIB => write!(f, "{:.1} MiB", bytes as f64 / MIB as f64),
            bytes if bytes >= KIB => write!(f, "{:.1} KiB", bytes as f64 / KIB as f64),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_plugin_version_digest_and_limit() {
        let plugin = Arc::new(Identity {
            id: "layered".to_owned(),
            version: Some("0.1.0".to_owned()),
            digest: Digest::of(b""),
        });
        let [after, limit] = [57, 50].map(Duration::from_millis);
        let fault = Fault { plugin, kind: FaultKind::Budget { after, limit } };
        assert_eq!(
            fault.to_string(),
            "layered 0.1.0 (sha256:e3b0c44298fc…) was stopped after 57 ms, limit 50 ms"
        );
    }

    #[test]
    fn a_digest_is_read_as_it_is_shown() {
        let digest = Digest::of(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let others = ["", "sha256:", "sha256:12", "sha512:00", &digest.to_hex()];
        assert_eq!(others.map(str::parse::<Digest>), [Err(InvalidDigest); 5]);
        assert!(format!("sha256:+1{}", "0".repeat(62)).parse::<Digest>().is_err());
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        let kind = FaultKind::Memory { wanted: 40 * 1024 * 1024, limit: 32 * 1024 * 1024 };
        assert_eq!(kind.to_string(), "wanted 40.0 MiB of memory, limit 32.0 MiB");
    }
}
