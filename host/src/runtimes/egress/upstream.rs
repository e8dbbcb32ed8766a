//! Room: runtimes. The proxy through which this machine reaches the outside,
//! where it has one.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use reqwest::{NoProxy, Url};
use serde::Deserialize;

use super::name::{Host, Target};
use crate::secret::Secret;

/// What the standard variables say; the values may carry a password.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `HTTPS_PROXY`: for connections by `CONNECT`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY`: for plain HTTP.
    pub http_proxy: Option<String>,
    /// `ALL_PROXY`: for what the two above leave open.
    pub all_proxy: Option<String>,
    /// `NO_PROXY`: names, suffixes, addresses and networks reached directly.
    pub no_proxy: Option<String>,
}

/// A proxy that can't be used; the text says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} names no proxy that can be used: {why}")]
pub struct InvalidProxy {
    variable: &'static str,
    why: &'static str,
}

/// Which proxy carries what.
#[derive(Debug, Clone, Default)]
pub(super) struct Upstream {
    https: Option<Proxy>,
    http: Option<Proxy>,
    direct: Vec<Direct>,
}

/// One proxy, reached over plain TCP.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    pub(super) address: Target,
    /// Value of `Proxy-Authorization`.
    pub(super) authorization: Option<Secret>,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Direct {
    Everything,
    Network(IpNet),
    /// The name itself and all below it.
    Name(String, Option<u16>),
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Tunnel,
    PlainHttp,
}

impl Config {
    /// What a lookup of environment variables answers, in either case. The
    /// composition root hands in the lookup; nothing here reads the environment.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            lookup(&name.to_ascii_lowercase())
                .or_else(|| lookup(name))
                .filter(|value| !value.trim().is_empty())
        };
        Self {
            https_proxy: either("HTTPS_PROXY"),
            http_proxy: either("HTTP_PROXY"),
            all_proxy: either("ALL_PROXY"),
            no_proxy: either("NO_PROXY"),
        }
    }

    /// The same, for requests of this server's own.
    pub fn proxies(&self) -> reqwest::Result<Vec<reqwest::Proxy>> {
        let https = self.https_proxy.as_ref().or(self.all_proxy.as_ref());
        let http = self.http_proxy.as_ref().or(self.all_proxy.as_ref());
        let https = https.map(|url| reqwest::Proxy::https(with_scheme(url)));
        let http = http.map(|url| reqwest::Proxy::http(with_scheme(url)));
        let direct = self.no_proxy.as_deref().and_then(NoProxy::from_string);
        let except = |proxy: reqwest::Result<reqwest::Proxy>| Ok(proxy?.no_proxy(direct.clone()));
        [https, http].into_iter().flatten().map(except).collect()
    }

    /// Whether it names no proxy.
    pub fn is_empty(&self) -> bool {
        self.https_proxy.is_none() && self.http_proxy.is_none() && self.all_proxy.is_none()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("https_proxy", &self.https_proxy.is_some())
            .field("http_proxy", &self.http_proxy.is_some())
            .field("all_proxy", &self.all_proxy.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl Upstream {
    pub(super) fn new(config: &Config) -> Result<Self, InvalidProxy> {
        let parse = |variable, value: &Option<String>| {
            value.as_deref().map(|value| Proxy::parse(variable, value)).transpose()
        };
        let all = parse("ALL_PROXY", &config.all_proxy)?;
        Ok(Self {
            https: parse("HTTPS_PROXY", &config.https_proxy)?.or_else(|| all.clone()),
            http: parse("HTTP_PROXY", &config.http_proxy)?.or(all),
            direct: config.no_proxy.as_deref().map(parse_direct).unwrap_or_default(),
        })
    }

    /// The proxy that carries a connection; `None` if it is made directly.
    pub(super) fn carries(&self, purpose: Purpose, target: &Target) -> Option<&Proxy> {
        if self.direct.iter().any(|direct| direct.matches(target)) {
            return None;
        }
        match purpose {
            Purpose::Tunnel => self.https.as_ref(),
            Purpose::PlainHttp => self.http.as_ref(),
        }
    }
}

impl Proxy {
    fn parse(variable: &'static str, value: &str) -> Result<Self, InvalidProxy> {
        let invalid = |why| InvalidProxy { variable, why };
        let value = value.trim();
        let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let url = Url::parse(&url).map_err(|_| invalid("write http://host:port"))?;
        if url.scheme() != "http" {
            return Err(invalid("only http:// proxies are spoken to; write http://host:port"));
        }
        let host = url.host_str().ok_or(invalid("it has no host"))?;
        let address = Target::parse(host, Some(url.port_or_known_default().unwrap_or(80)))
            .map_err(|_| invalid("its host name is not well formed"))?;
        Ok(Self { address, authorization: authorization(&url) })
    }
}

/// What `Proxy-Authorization` says, where the URL carries a user.
fn authorization(url: &Url) -> Option<Secret> {
    if url.username().is_empty() {
        return None;
    }
    let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = decode(url.username());
    let password = decode(url.password().unwrap_or_default());
    Some(Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))))
}

/// The variables are often written without.
fn with_scheme(proxy: &str) -> String {
    match Url::parse(proxy) {
        Ok(url) if url.has_host() => proxy.to_owned(),
        _ => format!("http://{proxy}"),
    }
}

fn parse_direct(list: &str) -> Vec<Direct> {
    list.split([',', ' ']).map(str::trim).filter(|e| !e.is_empty()).filter_map(direct).collect()
}

fn direct(entry: &str) -> Option<Direct> {
    if entry == "*" {
        return Some(Direct::Everything);
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return Some(Direct::Network(network));
    }
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Some(Direct::Network(address.into()));
    }
    let name = entry.trim_start_matches("*.").trim_start_matches('.');
    match super::name::split_authority(name) {
        Ok((Host::Name(name), port)) => Some(Direct::Name(name, port)),
        Ok((Host::Address(address), _)) => Some(Direct::Network(address.into())),
        Err(_) => None,
    }
}

impl Direct {
    fn matches(&self, target: &Target) -> bool {
        match (self, &target.host) {
            (Self::Everything, _) => true,
            (Self::Network(network), Host::Address(address)) => network.contains(address),
            (Self::Name(listed, port), Host::Name(name)) => {
                port.is_none_or(|port| port == target.port)
                    && name
                        .strip_suffix(listed.as_str())
                        .is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(no_proxy: &str) -> Upstream {
        Upstream::new(&Config {
            all_proxy: Some("proxy.example:3128".into()),
            no_proxy: Some(no_proxy.into()),
            ..Config::default()
        })
        .unwrap()
    }

    fn is_direct(no_proxy: &str, target: &str) -> bool {
        let target = Target::parse(target, Some(443)).unwrap();
        upstream(no_proxy).carries(Purpose::Tunnel, &target).is_none()
    }

    #[test]
    fn names_in_no_proxy_are_reached_directly_with_all_below_them() {
        assert!(is_direct("corp.example, .other.example", "a.corp.example"));
        assert!(is_direct(".other.example", "other.example"));
        assert!(!is_direct("corp.example", "evilcorp.example"));
        assert!(is_direct("10.0.0.0/8", "10.1.1.1"));
        assert!(is_direct("*", "anything.example"));
    }

    #[test]
    fn lower_case_variables_win_and_empty_ones_count_as_unset() {
        let config = Config::from_variables(|name| match name {
            "https_proxy" => Some("http://a.example:1".into()),
            "HTTPS_PROXY" => Some("http://b.example:2".into()),
            "HTTP_PROXY" => Some(" ".into()),
            _ => None,
        });
        assert_eq!(config.https_proxy.as_deref(), Some("http://a.example:1"));
        assert_eq!(config.http_proxy, None);
    }

    #[test]
    fn a_user_in_the_url_becomes_a_header_that_is_not_shown() {
        let proxy = Proxy::parse("HTTPS_PROXY", "http://ada:p%40ss@proxy.example:8080").unwrap();
        let header = proxy.authorization.as_ref().map(|secret| secret.reveal().to_owned());
        assert_eq!(header.as_deref(), Some("Basic YWRhOnBAc3M="));
        assert!(!format!("{proxy:?}").contains("YWRh"));
    }

    #[test]
    fn a_proxy_without_a_scheme_is_understood() {
        assert_eq!(with_scheme("proxy.corp:3128"), "http://proxy.corp:3128");
        assert_eq!(with_scheme("http://proxy.corp:3128"), "http://proxy.corp:3128");
    }

    #[test]
    fn a_proxy_of_another_protocol_is_an_error_that_names_the_variable() {
        let config = Config { all_proxy: Some("socks5://a.example".into()), ..Config::default() };
        assert!(Upstream::new(&config).is_err_and(|error| error.to_string().contains("ALL_PROXY")));
    }
}
