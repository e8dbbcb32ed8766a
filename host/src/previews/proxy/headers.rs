//! Room previews: which headers pass between browser and project, and how.

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

use super::Visit;

/// What must not pass from one connection to the next (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What only a proxy before Lockhouse could mean, answered already, or says who asks.
const NOT_THE_PROJECTS: [HeaderName; 6] = [
    header::EXPECT,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-user-id"),
];

/// What an answer could do to more than the preview itself.
const NOT_FOR_THE_BROWSER: [HeaderName; 5] = [
    HeaderName::from_static("service-worker-allowed"),
    // Empties all that the browser keeps for a host, whatever the port.
    HeaderName::from_static("clear-site-data"),
    header::STRICT_TRANSPORT_SECURITY,
    // Lockhouse says who may frame a preview, so that the IDE may.
    header::X_FRAME_OPTIONS,
    header::ALT_SVC,
];

/// How the names of Lockhouse's cookies begin.
const OWN_COOKIES: &str = "lockhouse";

/// How Lockhouse's tokens begin, all of them.
const OWN_TOKENS: [&str; 4] = ["lha_", "lhs_", "lhp_", "lht_"];

pub(super) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut named = headers.get_all(header::CONNECTION).iter().filter_map(|v| v.to_str().ok());
    let asked = named
        .any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")));
    asked.then(|| headers.get(header::UPGRADE).cloned()).flatten()
}

/// Makes the request one from Lockhouse to the server.
pub(super) fn prepare(headers: &mut HeaderMap, visit: &Visit, upgrade: Option<&HeaderValue>) {
    remove_hop_by_hop(headers);
    for name in &NOT_THE_PROJECTS {
        headers.remove(name);
    }
    if !visit.keeps_authorization || has_own_token(headers) {
        headers.remove(header::AUTHORIZATION);
    }
    if !visit.has_own_origin() {
        // It would tell the key in its path.
        headers.remove(header::REFERER);
    }
    keep_foreign_cookies(headers);
    let address = format!("localhost:{}", visit.port);
    if is_own_origin(headers, visit)
        && let Ok(origin) = HeaderValue::from_str(&format!("http://{address}"))
    {
        headers.insert(header::ORIGIN, origin);
    }
    if let Ok(host) = HeaderValue::from_str(&address) {
        headers.insert(header::HOST, host);
    }
    if let Some(upgrade) = upgrade {
        ask_upgrade(headers, upgrade);
    }
}

pub(super) fn ask_upgrade(headers: &mut HeaderMap, upgrade: &HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, upgrade.clone());
}

/// Whether the preview's own page asks. A dev server compares that with its own
/// address; what other pages are, it must be told as it is. A sandboxed page has no
/// origin to tell.
fn is_own_origin(headers: &HeaderMap, visit: &Visit) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some("null"), _) => !visit.has_own_origin(),
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}

fn has_own_token(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.split_whitespace().last()).unwrap_or_default();
    OWN_TOKENS.iter().any(|prefix| token.starts_with(prefix))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn is_own_cookie(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let bare = name.strip_prefix("__host-").or(name.strip_prefix("__secure-")).unwrap_or(&name);
    bare.starts_with(OWN_COOKIES)
}

fn keep_foreign_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|pair| pair.trim().to_owned())
        .filter(|pair| !pair.is_empty() && !is_own_cookie(pair))
        .collect();
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_str(&cookies.join("; "))
        && !cookies.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

/// Makes the answer one from Lockhouse to the browser.
pub(super) fn hand_back(headers: &mut HeaderMap, visit: &Visit) {
    remove_hop_by_hop(headers);
    for name in &NOT_FOR_THE_BROWSER {
        headers.remove(name);
    }
    keep_own_hosts_cookies(headers, visit);
    let place = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let moved = place.map(|place| HeaderValue::from_str(&as_seen(place, visit)));
    if let Some(Ok(place)) = moved {
        headers.insert(header::LOCATION, place);
    }
}

/// On an origin of its own a project sets cookies for that host and no other; on
/// Lockhouse's it sets none.
fn keep_own_hosts_cookies(headers: &mut HeaderMap, visit: &Visit) {
    let set: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    let own = set.iter().filter(|_| visit.has_own_origin());
    for cookie in own.filter_map(|cookie| for_this_host(cookie.to_str().ok()?)) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn for_this_host(cookie: &str) -> Option<HeaderValue> {
    let mut parts = cookie.split(';');
    let pair = parts.next().filter(|pair| !is_own_cookie(pair))?;
    let is_domain = |part: &str| {
        part.split('=').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("domain"))
    };
    let kept: Vec<&str> = parts.filter(|part| !is_domain(part)).collect();
    let cookie = std::iter::once(pair).chain(kept).collect::<Vec<_>>().join(";");
    HeaderValue::from_str(&cookie).ok()
}

/// A redirect to the server's own address, as the browser must follow it.
fn as_seen(place: &str, visit: &Visit) -> String {
    let own = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];
    let beyond = own.iter().find_map(|host| {
        let rest = place.strip_prefix(&format!("http://{host}:{}", visit.port))?;
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
    });
    let path = match beyond {
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        Some(rest) => format!("/{rest}"),
        None => place.to_owned(),
    };
    let is_path = path.starts_with('/') && !path.starts_with("//");
    if is_path { format!("{}{path}", visit.prefix) } else { path }
}

#[cfg(test)]
mod tests {
    use super::super::Leave;
    use super::*;
    use crate::ids::ProjectId;

    fn visit(prefix: &str) -> Visit {
        Visit {
            project: ProjectId::generate(),
            port: 5000,
            path: "/".parse().unwrap(),
            prefix: prefix.to_owned(),
            keeps_authorization: true,
            leave: Leave::default(),
        }
    }

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn prepared(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = map(pairs);
        prepare(&mut headers, &visit(""), None);
        headers
    }

    fn handed_back(pairs: &[(&'static str, &'static str)], prefix: &str) -> HeaderMap {
        let mut headers = map(pairs);
        hand_back(&mut headers, &visit(prefix));
        headers
    }

    #[test]
    fn the_project_never_sees_our_token_or_cookie() {
        let seen = prepared(&[
            ("authorization", "Bearer lha_x"),
            ("cookie", "lockhouse_session=s; own=1; __Host-Lockhouse_preview=p"),
            ("x-user-id", "ada"),
        ]);
        assert_eq!((seen.get("authorization"), seen.get("x-user-id")), (None, None));
        assert_eq!(seen.get("cookie").unwrap(), "own=1");
    }

    #[test]
    fn the_projects_own_tokens_pass_unless_they_let_the_request_in() {
        let own = ("authorization", "Bearer its-own");
        assert_eq!(prepared(&[own]).get("authorization").unwrap(), "Bearer its-own");
        let mut headers = map(&[own]);
        prepare(&mut headers, &Visit { keeps_authorization: false, ..visit("") }, None);
        assert_eq!(headers.get("authorization"), None);
    }

    #[test]
    fn headers_named_by_connection_do_not_pass() {
        let seen = prepared(&[("connection", "x-secret, close"), ("x-secret", "1"), ("te", "x")]);
        assert_eq!((seen.get("x-secret"), seen.get("te")), (None, None));
    }

    #[test]
    fn nobody_can_pretend_to_be_a_proxy() {
        let seen = prepared(&[("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=x")]);
        assert_eq!((seen.get("x-forwarded-for"), seen.get("forwarded")), (None, None));
    }

    #[test]
    fn the_server_sees_its_own_address() {
        let own = [("host", "5000--x.localhost:8000"), ("origin", "http://5000--x.localhost:8000")];
        let seen = prepared(&own);
        assert_eq!(seen.get("host").unwrap(), "localhost:5000");
        assert_eq!(seen.get("origin").unwrap(), "http://localhost:5000");
    }

    #[test]
    fn the_server_sees_a_foreign_origin_as_it_is() {
        let seen = prepared(&[("host", "5000--x.localhost"), ("origin", "http://evil.example")]);
        assert_eq!(seen.get("origin").unwrap(), "http://evil.example");
    }

    #[test]
    fn a_cookie_is_kept_for_the_previews_own_host_alone() {
        let set = [("set-cookie", "a=1; Domain=example.com; Path=/; HttpOnly")];
        let back = handed_back(&set, "");
        assert_eq!(back.get("set-cookie").unwrap(), "a=1; Path=/; HttpOnly");
        assert_eq!(handed_back(&set, "/api/v1/preview/@k").get("set-cookie"), None);
    }

    #[test]
    fn a_project_sets_no_cookie_of_ours() {
        let set =
            [("set-cookie", "lockhouse_session=evil"), ("set-cookie", " LOCKHOUSE_preview=x")];
        assert_eq!(handed_back(&set, "").get("set-cookie"), None);
    }

    #[test]
    fn a_redirect_to_the_servers_address_stays_in_the_preview() {
        let to = |place, prefix| handed_back(&[("location", place)], prefix)["location"].clone();
        assert_eq!(to("http://localhost:5000/in?x=1", ""), "/in?x=1");
        assert_eq!(to("http://127.0.0.1:5000", "/p"), "/p/");
        assert_eq!(to("/in", "/p"), "/p/in");
        assert_eq!(
            to("http://localhost:5000.evil.example/", ""),
            "http://localhost:5000.evil.example/"
        );
        assert_eq!(to("//evil.example/", "/p"), "//evil.example/");
    }

    #[test]
    fn an_answer_can_not_widen_what_a_preview_is() {
        let back = handed_back(
            &[
                ("service-worker-allowed", "/"),
                ("clear-site-data", "\"*\""),
                ("connection", "close"),
            ],
            "",
        );
        assert!(back.is_empty(), "{back:?}");
    }
}
