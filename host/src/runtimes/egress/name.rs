//! Room: runtimes. A host name and port as a client wrote them, made one form
//! or refused.
//!
//! A [`Target`] can only be made by parsing, and what parses has one spelling:
//! lower case, no trailing dot, plain ASCII labels, addresses as addresses. So
//! the rules compare whole names and no trick of spelling slips past them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name that DNS can carry, without its trailing dot.
const MAX_NAME_BYTES: usize = 253;

/// The longest label of a name.
const MAX_LABEL_BYTES: usize = 63;

/// Where a connection wants to go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A normalised host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// Lower-case labels with single dots between them.
    Name(String),
    Address(IpAddr),
}

/// Why a text names no host that could be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("it is empty or too long")]
    Length,
    #[error("it carries a user name; write only host and port")]
    UserInfo,
    #[error("it has characters other than ASCII letters, digits, “-”, “_” and “.”")]
    Character,
    #[error("it has an empty or over-long label")]
    Label,
    #[error("it is a number that is no plain IP address")]
    Number,
    #[error("its IPv6 address is not well formed")]
    Ipv6,
    #[error("its port is not a number from 1 to 65535")]
    Port,
    #[error("it has no port")]
    NoPort,
}

impl Target {
    /// Reads `host:port`; without a port it takes `default_port`, or is refused
    /// if there is none.
    pub fn parse(authority: &str, default_port: Option<u16>) -> Result<Self, InvalidName> {
        let (host, port) = split_authority(authority)?;
        let port = port.or(default_port).ok_or(InvalidName::NoPort)?;
        Ok(Self { host, port })
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Host {
    pub(super) fn as_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }

    /// The host as resolvers and events name it, IPv6 without brackets.
    pub(super) fn bare(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Address(address) => address.to_string(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl FromStr for Host {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match split_authority(text)? {
            (host, None) => Ok(host),
            (_, Some(_)) => Err(InvalidName::Character),
        }
    }
}

/// Splits an authority into its normalised host and the port it names, if any.
pub(super) fn split_authority(text: &str) -> Result<(Host, Option<u16>), InvalidName> {
    if text.contains('@') {
        return Err(InvalidName::UserInfo);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or(InvalidName::Ipv6)?;
        let address: Ipv6Addr = inside.parse().map_err(|_| InvalidName::Ipv6)?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if after.is_empty() => None,
            None => return Err(InvalidName::Ipv6),
        };
        return Ok((Host::Address(address.into()), port));
    }
    match text.split_once(':') {
        Some((host, port)) => Ok((parse_host(host)?, Some(parse_port(port)?))),
        None => Ok((parse_host(text)?, None)),
    }
}

fn parse_port(text: &str) -> Result<u16, InvalidName> {
    if text.is_empty() || text.len() > 5 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidName::Port);
    }
    text.parse().ok().filter(|port| *port != 0).ok_or(InvalidName::Port)
}

fn parse_host(text: &str) -> Result<Host, InvalidName> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(InvalidName::Length);
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err(InvalidName::Character);
    }
    if !name.split('.').all(label_fits) {
        return Err(InvalidName::Label);
    }
    if ends_in_a_number(name) {
        // Only the plain form is an address; 0x7f.1, 0177.0.0.1 and 2130706433
        // mean one to some programs and another or nothing to others.
        let address: Ipv4Addr = name.parse().map_err(|_| InvalidName::Number)?;
        return Ok(Host::Address(address.into()));
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

fn label_fits(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL_BYTES
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether some resolver would take it for an IPv4 address: its last label is
/// decimal, octal or hexadecimal.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let digits = last.bytes().all(|b| b.is_ascii_digit());
    let hex = last.strip_prefix("0x").is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
    digits || hex
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(text: &str) -> Result<String, InvalidName> {
        Target::parse(text, Some(443)).map(|target| target.to_string())
    }

    #[test]
    fn case_and_one_trailing_dot_do_not_matter() {
        assert_eq!(target("ReGistry.EXAMPLE.:443"), Ok("registry.example:443".into()));
    }

    #[test]
    fn two_trailing_dots_are_refused() {
        assert_eq!(target("registry.example..:443"), Err(InvalidName::Label));
    }

    #[test]
    fn user_names_are_refused() {
        assert_eq!(target("registry.example@evil.example:443"), Err(InvalidName::UserInfo));
        assert_eq!(target("registry.example:443@evil.example"), Err(InvalidName::UserInfo));
    }

    #[test]
    fn names_beyond_ascii_are_refused() {
        assert_eq!(target("regіstry.example:443"), Err(InvalidName::Character));
        assert_eq!(target("registry。example:443"), Err(InvalidName::Character));
    }

    #[test]
    fn numbers_that_are_no_plain_address_are_refused() {
        for text in ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "1.2.3.4.5", "0x"]
        {
            assert_eq!(target(text), Err(InvalidName::Number), "{text}");
        }
    }

    #[test]
    fn addresses_stay_addresses() {
        assert_eq!(target("127.0.0.1"), Ok("127.0.0.1:443".into()));
        assert_eq!(target("[::FFFF:127.0.0.1]:80"), Ok("[::ffff:127.0.0.1]:80".into()));
        assert_eq!(target("::1"), Err(InvalidName::Length));
        assert_eq!(target("[fe80::1%25eth0]:80"), Err(InvalidName::Ipv6));
    }

    #[test]
    fn ports_are_decimal_and_not_zero() {
        for text in
            ["a.example:0", "a.example:65536", "a.example:+80", "a.example:", "a.example:080808"]
        {
            assert_eq!(target(text), Err(InvalidName::Port), "{text}");
        }
        assert_eq!(Target::parse("a.example", None), Err(InvalidName::NoPort));
    }

    #[test]
    fn spaces_percents_and_nul_are_refused() {
        for text in ["a .example", "a%2eexample", "a\0.example", "a/b", "a\\b", "a#b", "a?b"] {
            assert_eq!(target(text), Err(InvalidName::Character), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_reads_back_the_same(text in "\\PC{0,80}|[a-zA-Z0-9.:@\\[\\]-]{0,40}") {
            if let Ok(target) = Target::parse(&text, Some(443)) {
                prop_assert_eq!(Target::parse(&target.to_string(), None), Ok(target));
            }
        }
    }
}
