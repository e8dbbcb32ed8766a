//! Room: runtimes. What the operator decides about what may leave.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;

use super::name::{Host, InvalidName, Target, split_authority};
use super::upstream;

/// The operator's part of the rules.
///
/// ```toml
/// [egress]
/// allow = ["files.registry.example", "*.cdn.example", "mirror.example:8443"]
/// deny = ["telemetry.registry.example"]
/// allow_private = ["mirror.corp.example", "10.20.0.0/16"]
/// ca_file = "/etc/ssl/certs/ca-certificates.crt"
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Hosts that may be reached in the modes `registries` and `open`: a name,
    /// `*.suffix`, an IP address, each with or without `:port`.
    pub allow: Vec<Pattern>,
    /// Hosts that are refused, whatever else allows them.
    pub deny: Vec<Pattern>,
    /// Names, addresses and networks that may be reached although they are not
    /// on the public internet. They must be allowed besides.
    pub allow_private: Vec<Private>,
    /// Certificates, in PEM, that the host trusts when it asks registries where
    /// their downloads are. Without it the system's own are used.
    pub ca_file: Option<PathBuf>,
    /// Ports at which hosts allowed without a port may be reached.
    pub ports: Vec<u16>,
    /// The most that one connection may send to a package registry, in bytes: a
    /// download asks for little. In TLS nothing else tells an upload.
    pub upload_bytes: u64,
    /// The proxy through which this machine itself reaches the outside.
    pub upstream: upstream::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            allow_private: Vec::new(),
            ca_file: None,
            ports: vec![80, 443],
            upload_bytes: 1024 * 1024,
            upstream: upstream::Config::default(),
        }
    }
}

/// A host that the operator listed: `name`, `*.suffix`, an address; with or
/// without `:port`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    host: Host,
    /// Matches names below `host` and not `host` itself.
    below: bool,
    port: Option<u16>,
}

/// Where something private is, as the operator listed it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Private {
    Network(IpNet),
    Name(Pattern),
}

/// A text in the configuration that lists no host.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "“{text}” is no host to list: {why}; write a name, *.suffix or an IP address, and :port if it needs one"
)]
pub struct InvalidPattern {
    text: String,
    why: InvalidName,
}

impl Pattern {
    /// Whether the host is meant, at whatever port.
    pub(super) fn names(&self, host: &Host) -> bool {
        match (self.below, &self.host, host) {
            (true, Host::Name(suffix), Host::Name(name)) => name
                .strip_suffix(suffix.as_str())
                .is_some_and(|front| front.len() > 1 && front.ends_with('.')),
            (true, ..) => false,
            (false, listed, host) => listed == host,
        }
    }

    /// Whether the target is meant; `ports` count where the pattern names none.
    pub(super) fn matches(&self, target: &Target, ports: &[u16]) -> bool {
        let port = match self.port {
            Some(port) => port == target.port,
            None => ports.contains(&target.port),
        };
        port && self.names(&target.host)
    }

    /// Whether the target is meant; without a port every port is.
    pub(super) fn covers(&self, target: &Target) -> bool {
        self.port.is_none_or(|port| port == target.port) && self.names(&target.host)
    }

    /// Whether it names this very port.
    pub(super) fn names_port(&self, target: &Target) -> bool {
        self.port == Some(target.port) && self.names(&target.host)
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let invalid = |why| InvalidPattern { text: text.chars().take(80).collect(), why };
        // A bare IPv6 address has colons that are no port's.
        let (host, port) = match rest.parse() {
            Ok(address) => (Host::Address(address), None),
            Err(_) => split_authority(rest).map_err(invalid)?,
        };
        if below && host.as_name().is_none() {
            return Err(invalid(InvalidName::Number));
        }
        Ok(Self { host, below, port })
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl FromStr for Private {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        if let Ok(network) = text.parse() {
            return Ok(Self::Network(network));
        }
        let pattern: Pattern = text.parse()?;
        match pattern.host {
            Host::Address(address) if pattern.port.is_none() => Ok(Self::Network(address.into())),
            _ => Ok(Self::Name(pattern)),
        }
    }
}

impl TryFrom<String> for Private {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pattern: &str, host: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().names(&host.parse().unwrap())
    }

    #[test]
    fn a_suffix_matches_names_below_it_and_nothing_else() {
        assert!(names("*.cdn.example", "a.cdn.example"));
        assert!(names("*.cdn.example", "a.b.CDN.example."));
        assert!(!names("*.cdn.example", "cdn.example"));
        assert!(!names("*.cdn.example", "evilcdn.example"));
        assert!(!names("*.cdn.example", "a.cdn.example.evil.example"));
    }

    #[test]
    fn a_name_matches_itself_only() {
        assert!(names("registry.example", "Registry.Example."));
        assert!(!names("registry.example", "a.registry.example"));
        assert!(!names("registry.example", "registry.example.evil.example"));
        assert!(!names("registry.example", "notregistry.example"));
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let parsed = toml::from_str::<Config>("alow = []");
        assert!(parsed.is_err_and(|error| error.to_string().contains("alow")));
    }

    #[test]
    fn a_pattern_that_is_no_host_is_an_error_that_says_so() {
        let parsed = toml::from_str::<Config>("allow = [\"https://registry.example/\"]");
        assert!(parsed.is_err_and(|error| error.to_string().contains("no host to list")));
    }

    #[test]
    fn networks_addresses_and_names_can_be_listed_as_private() {
        let listed: Vec<Private> =
            ["10.0.0.0/8", "::1", "mirror.corp.example"].map(|t| t.parse().unwrap()).into();
        assert!(matches!(listed[..], [Private::Network(_), Private::Network(_), Private::Name(_)]));
    }
}
