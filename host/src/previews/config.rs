//! Room previews: what the operator configures.

use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

/// Where previews are reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Domain below which each preview has a host name, and so an origin, of its own.
    pub domain: String,
    /// Whether browsers reach that domain by HTTPS.
    pub https: bool,
    /// Lockhouse's own address as browsers know it, such as `https://lockhouse.example.com`;
    /// without it the address on which the server listens.
    pub lockhouse_url: Option<String>,
    /// Whether ports of this machine lead to the exposed ports of runtimes.
    pub host_ports: bool,
    /// Where these listen. Whoever reaches the address sees the previews.
    pub host_address: IpAddr,
    pub first_host_port: u16,
    pub last_host_port: u16,
    /// How many are open at once.
    pub max_host_ports: usize,
    /// Connections of one of them at once.
    pub max_connections: usize,
    /// Links for others that one project may have at once.
    pub max_links: u32,
    /// The longest time that such a link may open a preview, in seconds.
    pub max_link_lifetime: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: LOCALHOST.to_owned(),
            https: false,
            lockhouse_url: None,
            host_ports: true,
            host_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            first_host_port: 10_000,
            last_host_port: 60_000,
            max_host_ports: 2_000,
            max_connections: 128,
            max_links: 100,
            max_link_lifetime: 30 * 24 * 3600,
        }
    }
}

/// Every name below it is this machine, as browsers see it, without any DNS.
pub(super) const LOCALHOST: &str = "localhost";

impl Config {
    /// What can't work; the text says what to change.
    pub fn check(&self) -> Result<(), String> {
        let label = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !self.domain.split('.').all(label) {
            let said = &self.domain;
            return Err(format!("previews.domain: “{said}” is not a domain such as localhost"));
        }
        if self.first_host_port == 0 || self.first_host_port > self.last_host_port {
            return Err("previews.first_host_port must be between 1 and last_host_port".to_owned());
        }
        let url = self.lockhouse_url.as_deref().unwrap_or("http://localhost");
        let origin = url.split_once("://").map(|(scheme, rest)| (scheme, rest.contains('/')));
        match origin {
            Some(("http" | "https", false)) => Ok(()),
            _ => Err("previews.lockhouse_url: write https://<host>, without a path".to_owned()),
        }
    }

    /// How browsers reach the domain.
    pub(super) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Whether browsers keep cookies there that only trustworthy origins may have.
    pub(super) fn is_trustworthy(&self) -> bool {
        self.https || self.domain == LOCALHOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_that_is_none_is_refused() {
        let config = Config { domain: "*.example.com".to_owned(), ..Config::default() };
        assert!(config.check().unwrap_err().contains("previews.domain"));
    }

    #[test]
    fn an_address_with_a_path_is_refused() {
        let url = Some("https://example.com/lockhouse".to_owned());
        assert!(Config { lockhouse_url: url, ..Config::default() }.check().is_err());
    }

    #[test]
    fn the_defaults_hold() {
        assert_eq!(Config::default().check(), Ok(()));
    }
}
