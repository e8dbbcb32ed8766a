//! Room: runtimes. The decision: may this runtime reach that host and port?
//!
//! Two questions, both of which must be answered with yes. First by name, before
//! anything is resolved ([`Rules::decide`]); then by address, for the very
//! addresses that are connected to ([`Rules::check_addresses`]). The first rule
//! that refuses is the answer:
//!
//! ```text
//! network-none → denied → listed or learned? yes: allowed
//!                                            no: port → address-literal
//!                                                → not-listed (registries) | allowed (open)
//! ```

use std::net::IpAddr;

use super::address::{is_public, is_unicast};
use super::config::{Config, Pattern, Private};
use super::learn::LearnedHost;
use super::lists::{Leave, Listed, Lists, Source};
use super::name::{Host, Target};
use crate::policy::NetworkMode;

/// The port of HTTPS: what goes there must be TLS and name the decided host.
pub(super) const TLS_PORT: u16 = 443;

/// The port of plain HTTP, for which clients send whole URLs, not `CONNECT`.
pub(super) const PLAIN_PORT: u16 = 80;

/// Top-level names that mean something on a private network only.
const LOCAL_SUFFIXES: [&str; 6] = ["localhost", "local", "internal", "lan", "home.arpa", "onion"];

/// What refused a connection. The names are stable: they are metric labels and
/// stand in events and in the text that clients print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    NetworkNone,
    BadName,
    Denied,
    Port,
    AddressLiteral,
    NotListed,
    PrivateName,
    PrivateAddress,
    OwnAddress,
    PlainConnect,
    TlsName,
    NotTls,
    Upload,
}

impl Rule {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NetworkNone => "network-none",
            Self::BadName => "bad-name",
            Self::Denied => "denied",
            Self::Port => "port",
            Self::AddressLiteral => "address-literal",
            Self::NotListed => "not-listed",
            Self::PrivateName => "private-name",
            Self::PrivateAddress => "private-address",
            Self::OwnAddress => "own-address",
            Self::PlainConnect => "plain-connect",
            Self::TlsName => "tls-name",
            Self::NotTls => "not-tls",
            Self::Upload => "upload",
        }
    }
}

/// What must be seen of TLS before a tunnel's bytes may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsCheck {
    /// A ClientHello that names the decided host.
    Required,
    /// The operator listed this port: other protocols may pass, and a
    /// ClientHello must still name the decided host.
    WhereSpoken,
}

/// The operator's rules.
#[derive(Debug)]
pub(super) struct Rules {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    private: Vec<Private>,
    ports: Vec<u16>,
}

impl Rules {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            allow: config.allow.clone(),
            deny: config.deny.clone(),
            private: config.allow_private.clone(),
            ports: config.ports.clone(),
        }
    }

    /// Decides by name and port, for a project with these lists.
    pub(super) fn decide(
        &self,
        (mode, lists): (NetworkMode, &Lists),
        preset: &[LearnedHost],
        target: &Target,
    ) -> Result<Leave, Rule> {
        if mode == NetworkMode::None {
            return Err(Rule::NetworkNone);
        }
        if self.deny.iter().chain(&lists.deny).any(|pattern| pattern.covers(target)) {
            return Err(Rule::Denied);
        }
        let mut allow = self.allow.iter().chain(&lists.allow);
        if allow.clone().any(|pattern| pattern.matches(target, &self.ports)) {
            return Ok(Leave::All);
        }
        if self.is_learned(preset, target) {
            return Ok(Leave::Downloads);
        }
        let named = allow.any(|pattern| pattern.names(&target.host))
            || (target.host.as_name().is_some()
                && preset.iter().any(|learned| learned.host == target.host));
        match (&target.host, mode) {
            _ if named => Err(Rule::Port),
            (Host::Address(_), _) => Err(Rule::AddressLiteral),
            (_, NetworkMode::Open) if !self.ports.contains(&target.port) => Err(Rule::Port),
            (_, NetworkMode::Open) => Ok(Leave::All),
            _ => Err(Rule::NotListed),
        }
    }

    /// All that a project may reach and may not, in the order in which it is
    /// decided.
    pub(super) fn effective(
        &self,
        (mode, lists): (NetworkMode, &Lists),
        preset: &[LearnedHost],
    ) -> Vec<Listed> {
        if mode == NetworkMode::None {
            return Vec::new();
        }
        let line = |source: Source, allowed| {
            move |pattern: &Pattern| Listed {
                host: pattern.to_string(),
                allowed,
                downloads_only: false,
                source: source.clone(),
            }
        };
        let learned = preset.iter().filter(|learned| learned.host.as_name().is_some());
        let learned = learned.map(|learned| Listed {
            host: learned.host.bare(),
            allowed: true,
            downloads_only: true,
            source: Source::Learned(learned.source.clone()),
        });
        let any = Listed {
            host: "*".to_owned(),
            allowed: true,
            downloads_only: false,
            source: Source::Open,
        };
        let denied = self.deny.iter().map(line(Source::Operator, false));
        let denied = denied.chain(lists.deny.iter().map(line(Source::Project, false)));
        let allowed = self.allow.iter().map(line(Source::Operator, true));
        let allowed = allowed.chain(lists.allow.iter().map(line(Source::Project, true)));
        let open = (mode == NetworkMode::Open).then_some(any);
        denied.chain(allowed).chain(learned).chain(open).collect()
    }

    /// Ports at which a host without one may be reached.
    pub(super) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// A learned host may be reached at the port it was learned with and at the
    /// ordinary ones. A learned IP address is refused like any other.
    fn is_learned(&self, preset: &[LearnedHost], target: &Target) -> bool {
        target.host.as_name().is_some()
            && preset.iter().any(|learned| {
                learned.host == target.host
                    && (learned.port == target.port || self.ports.contains(&target.port))
            })
    }

    /// Decides by the addresses a host has. One that may not be reached refuses
    /// them all: a name that is half private is not to be trusted.
    pub(super) fn check_addresses(&self, target: &Target, all: &[IpAddr]) -> Result<(), Rule> {
        let fine = |address: &IpAddr| is_public(*address) || self.is_excepted(target, *address);
        if !all.is_empty() && all.iter().all(fine) { Ok(()) } else { Err(Rule::PrivateAddress) }
    }

    /// Decides by the name alone, where another proxy resolves it and this
    /// machine can't.
    pub(super) fn check_name(&self, target: &Target) -> Result<(), Rule> {
        let Host::Name(name) = &target.host else { return Ok(()) };
        let local = !name.contains('.')
            || LOCAL_SUFFIXES.iter().any(|suffix| {
                name.strip_suffix(suffix)
                    .is_some_and(|front| front.is_empty() || front.ends_with('.'))
            });
        if local && !self.lists_private_name(target) { Err(Rule::PrivateName) } else { Ok(()) }
    }

    /// Whether the operator lets this address be reached under this name.
    pub(super) fn is_excepted(&self, target: &Target, address: IpAddr) -> bool {
        let network = self.private.iter().any(
            |private| matches!(private, Private::Network(network) if network.contains(&address)),
        );
        is_unicast(address) && (network || self.lists_private_name(target))
    }

    fn lists_private_name(&self, target: &Target) -> bool {
        let covers = |private: &Private| matches!(private, Private::Name(p) if p.covers(target));
        self.private.iter().any(covers)
    }

    /// What a tunnel to this target must show of TLS.
    pub(super) fn tls_check(&self, lists: &Lists, target: &Target) -> Result<TlsCheck, Rule> {
        let port_listed =
            self.allow.iter().chain(&lists.allow).any(|pattern| pattern.names_port(target));
        match target.port {
            TLS_PORT => Ok(TlsCheck::Required),
            _ if port_listed => Ok(TlsCheck::WhereSpoken),
            PLAIN_PORT => Err(Rule::PlainConnect),
            _ => Ok(TlsCheck::Required),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(toml: &str) -> Rules {
        Rules::new(&toml::from_str(toml).unwrap())
    }

    fn learned() -> Vec<LearnedHost> {
        ["registry.example:443", "mirror.example:8081", "192.0.2.7:443"]
            .map(|text| {
                let target = Target::parse(text, None).unwrap();
                LearnedHost { host: target.host, port: target.port, source: "test".into() }
            })
            .into()
    }

    fn decide(toml: &str, mode: NetworkMode, target: &str) -> Result<(), Rule> {
        let target = Target::parse(target, None).map_err(|_| Rule::BadName)?;
        rules(toml).decide((mode, &Lists::default()), &learned(), &target).map(drop)
    }

    fn registries(target: &str) -> Result<(), Rule> {
        let toml = "allow = ['files.example', '*.cdn.example', 'git.example:22', '198.51.100.7']
                    deny = ['bad.cdn.example']";
        decide(toml, NetworkMode::Registries, target)
    }

    #[test]
    fn learned_and_listed_hosts_are_allowed() {
        for target in [
            "registry.example:443",
            "REGISTRY.example.:443",
            "registry.example:80",
            "mirror.example:8081",
            "mirror.example:443",
            "files.example:443",
            "a.cdn.example:443",
            "a.b.cdn.example:80",
            "git.example:22",
            "198.51.100.7:443",
        ] {
            assert_eq!(registries(target), Ok(()), "{target}");
        }
    }

    #[test]
    fn names_that_only_look_listed_are_refused() {
        for target in [
            "evil.example:443",
            "registry.example.evil.example:443",
            "evilregistry.example:443",
            "a.registry.example:443",
            "cdn.example:443",
            "evilcdn.example:443",
            "a.cdn.example.evil.example:443",
            "registry_example:443",
        ] {
            assert_eq!(registries(target), Err(Rule::NotListed), "{target}");
        }
    }

    #[test]
    fn deny_wins_over_a_suffix_that_allows() {
        assert_eq!(registries("bad.cdn.example:443"), Err(Rule::Denied));
    }

    #[test]
    fn other_ports_are_refused_unless_listed_with_the_host() {
        for target in ["registry.example:22", "files.example:8443", "git.example:443"] {
            assert_eq!(registries(target), Err(Rule::Port), "{target}");
        }
    }

    #[test]
    fn addresses_are_refused_in_any_spelling_even_when_learned() {
        for target in ["1.1.1.1:443", "[2606:4700::1]:443", "[::ffff:1.1.1.1]:443"] {
            assert_eq!(registries(target), Err(Rule::AddressLiteral), "{target}");
        }
        assert_eq!(registries("192.0.2.7:443"), Err(Rule::AddressLiteral));
        for target in ["16843009:443", "0x1010101:443", "01.1.1.1:443", "1.257:443"] {
            assert_eq!(registries(target), Err(Rule::BadName), "{target}");
        }
    }

    #[test]
    fn user_names_in_front_of_a_listed_host_are_refused() {
        assert_eq!(registries("registry.example@evil.example:443"), Err(Rule::BadName));
        assert_eq!(registries("evil.example@registry.example:443"), Err(Rule::BadName));
    }

    #[test]
    fn without_a_network_even_listed_hosts_are_refused() {
        let decided = decide("allow = ['a.example']", NetworkMode::None, "a.example:443");
        assert_eq!(decided, Err(Rule::NetworkNone));
    }

    fn with_lists(allow: &[&str], deny: &[&str], target: &str) -> Result<Leave, Rule> {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let lists = Lists { allow: parse(allow), deny: parse(deny) };
        let target = Target::parse(target, None).unwrap();
        let rules = rules("deny = ['bad.example']");
        rules.decide((NetworkMode::Registries, &lists), &learned(), &target)
    }

    #[test]
    fn a_projects_own_list_allows_what_no_operator_denies() {
        assert_eq!(with_lists(&["api.example"], &[], "api.example:443"), Ok(Leave::All));
        assert_eq!(with_lists(&["bad.example"], &[], "bad.example:443"), Err(Rule::Denied));
    }

    #[test]
    fn a_projects_own_list_denies_what_is_learned() {
        let target = "registry.example:443";
        assert_eq!(with_lists(&[], &["registry.example"], target), Err(Rule::Denied));
    }

    #[test]
    fn a_registry_that_nobody_listed_is_for_downloads() {
        let target = "registry.example:443";
        assert_eq!(with_lists(&[], &[], target), Ok(Leave::Downloads));
        assert_eq!(with_lists(&["registry.example"], &[], target), Ok(Leave::All));
    }

    #[test]
    fn what_is_effective_is_told_with_where_it_comes_from() {
        let lists = Lists { allow: vec!["api.example".parse().unwrap()], deny: Vec::new() };
        let rules = rules("deny = ['bad.example']");
        let told = rules.effective((NetworkMode::Registries, &lists), &learned());
        let told: Vec<_> = told
            .iter()
            .map(|line| (line.host.as_str(), line.allowed, line.source.to_string()))
            .collect();
        assert_eq!(told[0], ("bad.example", false, "operator".to_owned()));
        assert_eq!(told[1], ("api.example", true, "project".to_owned()));
        assert_eq!(told[2], ("registry.example", true, "learned from test".to_owned()));
        assert_eq!(told.len(), 4, "an address that was learned is not reached");
    }

    #[test]
    fn an_open_network_reaches_any_name_on_ordinary_ports_but_no_denied_one() {
        let open = |target| decide("deny = ['*.bad.example']", NetworkMode::Open, target);
        assert_eq!(open("anything.example:443"), Ok(()));
        assert_eq!(open("anything.example:25"), Err(Rule::Port));
        assert_eq!(open("a.bad.example:443"), Err(Rule::Denied));
        assert_eq!(open("1.1.1.1:443"), Err(Rule::AddressLiteral));
    }

    fn addresses(toml: &str, all: &[&str]) -> Result<(), Rule> {
        let target = Target::parse("mirror.corp.example:443", None).unwrap();
        let all: Vec<IpAddr> = all.iter().map(|text| text.parse().unwrap()).collect();
        rules(toml).check_addresses(&target, &all)
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_the_name() {
        assert_eq!(addresses("", &["1.1.1.1", "10.0.0.1"]), Err(Rule::PrivateAddress));
        assert_eq!(addresses("", &["1.1.1.1", "::ffff:1.1.1.1"]), Err(Rule::PrivateAddress));
        assert_eq!(addresses("", &[]), Err(Rule::PrivateAddress));
        assert_eq!(addresses("", &["1.1.1.1", "2606:4700::1"]), Ok(()));
    }

    #[test]
    fn private_addresses_pass_where_the_operator_lists_name_or_network() {
        let by_name = "allow_private = ['*.corp.example']";
        let by_network = "allow_private = ['10.0.0.0/8']";
        assert_eq!(addresses(by_name, &["10.0.0.1", "127.0.0.1"]), Ok(()));
        assert_eq!(addresses(by_network, &["10.0.0.1"]), Ok(()));
        assert_eq!(addresses(by_network, &["10.0.0.1", "127.0.0.1"]), Err(Rule::PrivateAddress));
        assert_eq!(addresses(by_name, &["224.0.0.1"]), Err(Rule::PrivateAddress));
    }

    #[test]
    fn local_names_are_refused_where_only_another_proxy_resolves_them() {
        let check = |name| rules("").check_name(&Target::parse(name, Some(443)).unwrap());
        for name in ["localhost", "metadata", "metadata.vendor.internal", "printer.local"] {
            assert_eq!(check(name), Err(Rule::PrivateName), "{name}");
        }
        assert_eq!(check("notlocal.example"), Ok(()));
    }

    #[test]
    fn tunnels_must_be_tls_except_at_ports_the_operator_listed() {
        let rules = rules("allow = ['git.example:22', 'a.example:443']");
        let check = |text| rules.tls_check(&Lists::default(), &Target::parse(text, None).unwrap());
        assert_eq!(check("git.example:22"), Ok(TlsCheck::WhereSpoken));
        assert_eq!(check("a.example:443"), Ok(TlsCheck::Required));
        assert_eq!(check("mirror.example:8081"), Ok(TlsCheck::Required));
        assert_eq!(check("registry.example:80"), Err(Rule::PlainConnect));
    }

    /// Authorities made to look like the listed one.
    fn near_misses() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,60}",
            "[a-z.@:\\[\\]0-9x-]{0,10}registry\\.example[a-z.@:\\[\\]0-9x-]{0,10}(:443)?",
            "[Rr][Ee]gistry[.。][eE]xample\\.?(:443)?",
        ]
    }

    proptest! {
        #[test]
        fn an_authority_is_refused_unless_it_normalises_to_a_listed_name(text in near_misses()) {
            let allowed = decide("", NetworkMode::Registries, &text).is_ok();
            let plain = text.to_lowercase();
            let (host, port) = plain.rsplit_once(':').unwrap_or((&plain, ""));
            let host = host.strip_suffix('.').unwrap_or(host);
            let listed = match host {
                "registry.example" => matches!(port.parse(), Ok(80_u16 | 443)),
                "mirror.example" => matches!(port.parse(), Ok(80_u16 | 443 | 8081)),
                _ => false,
            };
            prop_assert!(!allowed || listed, "{}", text);
        }
    }
}
