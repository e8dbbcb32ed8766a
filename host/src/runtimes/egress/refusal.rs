//! Room: runtimes. What is said to whoever was not let out.

use std::fmt;

use super::name::{InvalidName, Target};
use super::rules::Rule;

/// How much of a text from a runtime is repeated.
const MAX_QUOTED_CHARS: usize = 100;

/// A connection that was refused: what it asked for, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// As normalised; where it can't be, the start of what was written.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) rule: Rule,
    detail: Option<String>,
}

impl Refusal {
    pub(super) fn of(target: &Target, rule: Rule) -> Self {
        Self { host: target.host.bare(), port: target.port, rule, detail: None }
    }

    /// Of a text that names no host.
    pub(super) fn of_name(authority: &str, why: InvalidName) -> Self {
        let quoted = authority.chars().take(MAX_QUOTED_CHARS).collect::<String>();
        let host = quoted.escape_debug().to_string();
        Self { host, port: 0, rule: Rule::BadName, detail: Some(why.to_string()) }
    }

    pub(super) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// One sentence, for events, logs and clients.
    pub(super) fn reason(&self) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("{}{detail}", self.rule.reason())
    }

    /// The phrase after the status code: pip and others print nothing else.
    pub(super) fn phrase(&self) -> String {
        if self.rule == Rule::BadName {
            return "Forbidden by Lockhouse: the host name is not well formed".to_owned();
        }
        format!("Forbidden by Lockhouse: {self} ({})", self.rule.as_str())
    }

    /// The body of the answer: who, why, and what can be done.
    pub(super) fn text(&self) -> String {
        format!(
            "Lockhouse refused a connection to {self}.\nRule: {}. {}.\n{}\n",
            self.rule.as_str(),
            self.reason(),
            self.rule.advice()
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            0 => write!(f, "“{}”", self.host),
            port if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

impl Rule {
    fn reason(self) -> &'static str {
        match self {
            Self::NetworkNone => "This project has no network",
            Self::BadName => "The host name is not well formed",
            Self::Denied => "The operator denies this host",
            Self::Port => "This port of the host is not allowed",
            Self::AddressLiteral => "Hosts are reached by name, not by IP address",
            Self::NotListed => "This project may reach package registries only, and this is none",
            Self::PrivateName => "The name belongs to a private network",
            Self::PrivateAddress => "The name leads to an address outside the public internet",
            Self::OwnAddress => "The name leads back to the server itself",
            Self::PlainConnect => "CONNECT is for TLS, and this port is for plain HTTP",
            Self::TlsName => "TLS names another host than CONNECT did, or none",
            Self::NotTls => "What was sent into the tunnel is not TLS",
            Self::Upload => "Package registries are for downloads, and this is an upload",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::NetworkNone => {
                "An operator can give the project the network mode “registries” or “open”."
            }
            Self::BadName => "Write a plain host name in ASCII and a port.",
            Self::Denied => "An operator can take it off `egress.deny`.",
            Self::Port => {
                "Ports 80 and 443 are allowed; an operator can add host:port to `egress.allow`."
            }
            Self::AddressLiteral => {
                "Use the host's name; an operator can add the address to `egress.allow`."
            }
            Self::NotListed => {
                "An operator can add the host to `egress.allow`, or give the project the network mode “open”."
            }
            Self::PrivateName | Self::PrivateAddress | Self::OwnAddress => {
                "An operator can add the name or its network to `egress.allow_private`."
            }
            Self::PlainConnect => {
                "Send the whole http:// URL to the proxy instead, or use https; an operator can add host:port to `egress.allow`."
            }
            Self::TlsName => "Let the client send the same name in TLS (SNI) as in CONNECT.",
            Self::Upload => {
                "An operator can add the host to `egress.allow`, or to the project's own list."
            }
            Self::NotTls => {
                "Use https; for other protocols an operator can add host:port to `egress.allow`."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_which_host_which_rule_and_what_to_do() {
        let target = Target::parse("files.example:443", None).unwrap();
        let text = Refusal::of(&target, Rule::NotListed).text();
        assert!(text.contains("files.example:443"));
        assert!(text.contains("not-listed"));
        assert!(text.contains("egress.allow"));
    }

    #[test]
    fn hostile_text_is_cut_and_escaped() {
        let hostile = format!("a\r\nX: y\u{1b}[31m{}", "z".repeat(1000));
        let refusal = Refusal::of_name(&hostile, InvalidName::Character);
        assert!(refusal.text().len() < 500);
        assert!(!refusal.host.contains(['\r', '\n', '\u{1b}']));
        assert!(!refusal.phrase().contains("X: y"));
    }
}
