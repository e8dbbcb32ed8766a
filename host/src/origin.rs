//! Ground: where a request came from, as far as that can be known.

use std::net::IpAddr;

/// Of a longer name the beginning is kept.
const MAX_AGENT_BYTES: usize = 256;

/// Where a request came from; what nobody asked for came from nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub agent: String,
    /// Whether it came to the first proxy by TLS.
    pub secure: bool,
}

impl Origin {
    /// An IPv4 address that came as IPv6 counts as IPv4. Of the name only what can
    /// be shown on one line is kept.
    pub fn new(address: Option<IpAddr>, agent: &str) -> Self {
        let shown: String = agent.chars().filter(|c| !c.is_control()).collect();
        let end = shown.floor_char_boundary(MAX_AGENT_BYTES);
        let address = address.map(|ip| ip.to_canonical());
        Self { address, agent: shown[..end].to_owned(), secure: false }
    }

    /// The address as it is written down; empty where there is none.
    pub fn address_text(&self) -> String {
        self.address.map(|ip| ip.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_many_lines_becomes_one_and_no_longer_than_its_bound() {
        let origin = Origin::new(None, &format!("a\r\nb{}", "ä".repeat(500)));
        assert!(origin.agent.starts_with("abä") && origin.agent.len() <= MAX_AGENT_BYTES);
    }

    #[test]
    fn an_ipv4_address_is_told_as_one() {
        let mapped = "::ffff:10.0.0.1".parse().ok();
        assert_eq!(Origin::new(mapped, "").address_text(), "10.0.0.1");
    }
}
