//! From where a request came: the other end of its connection or, where that is a
//! proxy that the operator trusts, whom it says that it asks for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::origin::Origin;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Proxies behind each other that are looked through.
const MAX_HOPS: usize = 16;

/// Notes where the request came from.
pub(super) async fn note(
    State(trusted): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let address = peer.map(|peer| client(peer, request.headers(), &trusted));
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secure = peer.is_some_and(|peer| by_tls(peer, request.headers(), &trusted));
    let origin = Origin { secure, ..Origin::new(address, agent) };
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// Whether a trusted proxy says that it was asked by TLS.
fn by_tls(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let claim = headers.get(FORWARDED_PROTO).and_then(|value| value.to_str().ok());
    claim.is_some_and(|claim| claim.eq_ignore_ascii_case("https")) && is_among(peer, trusted)
}

/// Whether the other end of the connection is a proxy that the operator trusts.
pub(super) fn is_trusted(request: &Request, trusted: &[IpNet]) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|info| is_among(info.0.ip(), trusted))
}

fn is_among(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&ip.to_canonical()))
}

/// The nearest address that is no trusted proxy. Each proxy adds at the end whom it
/// was asked by, so what stands before the first stranger is anybody's claim.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut nearest = peer.to_canonical();
    let claims: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for claim in claims.iter().rev().take(MAX_HOPS) {
        if !is_trusted(&nearest) {
            break;
        }
        let Some(ip) = address(claim.trim()) else { break };
        nearest = ip.to_canonical();
    }
    nearest
}

/// An address, as some write it with a port or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(ip, _)| ip);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.unwrap_or(text).parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let pairs = forwarded.iter().map(|value| (FORWARDED_FOR, value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value): (_, axum::http::HeaderValue)| {
            headers.append(name, value);
        });
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_whom_the_connection_shows_whatever_it_claims() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_whom_it_was_asked_by() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(seen("::1", &["[2001:db8::1]:4711"]), "2001:db8::1");
    }

    #[test]
    fn what_a_client_put_before_its_own_address_counts_for_nothing() {
        assert_eq!(seen("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["1.2.3.4", "198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_that_it_was_asked_by_tls() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let by = |peer: &str, proto: &str| {
            let headers = HeaderMap::from_iter([(FORWARDED_PROTO, proto.parse().unwrap())]);
            by_tls(peer.parse().unwrap(), &headers, &trusted)
        };
        assert!(by("10.0.0.1", "https") && by("::ffff:10.0.0.1", "HTTPS"));
        assert!(!by("10.0.0.1", "http") && !by("203.0.113.9", "https"));
    }

    #[test]
    fn what_is_no_address_ends_the_way_back() {
        assert_eq!(seen("10.0.0.1", &["1.2.3.4, nonsense"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }
}
