//! Which component, in which registry: `oci://HOST[:PORT]/REPOSITORY@sha256:…`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::super::fault::Digest;
use super::Error;

const SCHEME: &str = "oci://";
/// A longer text is no reference.
const MAX_BYTES: usize = 512;

/// A component in a registry, by its manifest's digest or by a tag.
/// Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    name: oci_spec::distribution::Reference,
    manifest: Option<Digest>,
}

impl Reference {
    /// `host` or `host:port`.
    pub fn registry(&self) -> &str {
        self.0.name.resolve_registry()
    }

    pub fn repository(&self) -> &str {
        self.0.name.repository()
    }

    /// The digest that its manifest must have.
    pub fn manifest(&self) -> Option<Digest> {
        self.0.manifest
    }

    /// As a registry is asked for it; a digest says more than a tag.
    pub(super) fn version(&self) -> &str {
        self.0.name.digest().or(self.0.name.tag()).unwrap_or("latest")
    }

    /// Whether its registry is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let registry = self.registry();
        let host = match registry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => registry,
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::Reference(text.chars().take(MAX_BYTES).collect());
        let rest = text.strip_prefix(SCHEME).filter(|_| text.len() <= MAX_BYTES);
        let rest = rest.ok_or_else(refuse)?;
        // Without a host the library would take Docker's registry.
        let host = rest.split_once('/').map(|(host, _)| host).unwrap_or_default();
        if !(host == "localhost" || host.contains(['.', ':'])) {
            return Err(refuse());
        }
        let name: oci_spec::distribution::Reference = rest.parse().map_err(|_| refuse())?;
        let manifest = name.digest().map(str::parse).transpose().map_err(|_| refuse())?;
        Ok(Self(Arc::new(Inner { name, manifest })))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<Reference, Error> {
        text.parse()
    }

    #[test]
    fn a_digest_pins_the_manifest() {
        let read = parse(&format!("oci://ghcr.io/acme/policy@{DIGEST}")).unwrap();
        assert_eq!((read.registry(), read.repository()), ("ghcr.io", "acme/policy"));
        assert_eq!(read.manifest(), Some(Digest::of(b"")));
        assert_eq!(read.version(), DIGEST);
        assert_eq!(read.to_string(), format!("oci://ghcr.io/acme/policy@{DIGEST}"));
    }

    #[test]
    fn a_tag_pins_nothing() {
        let read = parse("oci://localhost:5000/policy:1.0").unwrap();
        assert_eq!((read.registry(), read.version()), ("localhost:5000", "1.0"));
        assert_eq!(read.manifest(), None);
    }

    #[test]
    fn a_digest_counts_more_than_the_tag_beside_it() {
        let read = parse(&format!("oci://ghcr.io/acme/policy:1.0@{DIGEST}")).unwrap();
        assert_eq!(read.version(), DIGEST);
    }

    #[test]
    fn what_names_no_registry_or_no_sha_256_is_refused() {
        for text in [
            "ghcr.io/acme/policy:1",
            "oci://acme/policy:1",
            "oci://ghcr.io",
            "oci://ghcr.io/",
            "oci://ghcr.io/Acme:1",
            "oci://ghcr.io/acme@sha256:12",
            "oci://ghcr.io/../acme:1",
            "oci://user:secret@ghcr.io/acme:1",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("write oci://HOST/REPOSITORY@sha256:"), "{text}: {error}");
        }
        assert!(parse(&format!("oci://ghcr.io/{}", "a".repeat(600))).is_err());
        let sha_512 = format!("oci://ghcr.io/acme@sha512:{}", "0".repeat(128));
        assert!(parse(&sha_512).is_err());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let is = |host: &str| parse(&format!("oci://{host}/a:1")).unwrap().is_loopback();
        assert!(is("localhost") && is("localhost:5000") && is("127.0.0.1:5000"));
        assert!(
            !is("localhost.evil.example") && !is("127.0.0.1.nip.io:80") && !is("10.0.0.1:5000")
        );
    }
}
