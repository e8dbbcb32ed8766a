//! What a preview can't do: to Lockhouse, to other previews, to this machine.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Browser, header, lab, refused, sent, serves};
use crate::host::{Answer, Host, answer, eventually};

/// The cookie of a browser that is signed in to Lockhouse.
async fn session(host: &Host) -> String {
    let path = host.sign_in_url.replacen(&host.url, "", 1);
    let welcome = answer(host.as_nobody(Method::GET, &path)).await;
    header(&welcome.headers, "set-cookie").split(';').next().unwrap().to_owned()
}

/// Sends bytes as they are; answers with all that comes back.
async fn sends(host: &Host, text: &str) -> String {
    let address = host.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let reading = stream.read_to_end(&mut read);
    tokio::time::timeout(crate::host::PATIENCE, reading).await.unwrap().unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn a_preview_never_sees_lockhouses_cookies_and_tokens() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let session = session(&host).await;
    let asked = browser.asks(Method::GET, "/echo").header("cookie", format!("{session}; own=1"));
    let echo = answer(asked).await;
    assert_eq!(sent(&echo, "cookie"), ["own=1"]);
    let by_path = answer(host.request(Method::GET, "/api/v1/preview/lab/echo")).await;
    assert_eq!(sent(&by_path, "authorization"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_preview_sets_cookies_for_its_own_host_alone() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let set = browser.get("/cookies").await;
    let cookies: Vec<_> = set.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["own=1; Path=/", "wide=1; Path=/"]);
    let by_path = host.get("/api/v1/preview/lab/cookies").await;
    assert!(!by_path.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_previews_page_cannot_call_the_api_with_the_session() {
    let host = need!(local, lab().await);
    let browser = Browser::without_leave(&host, "lab", 5000).await;
    let session = session(&host).await;
    for origin in [browser.origin(), "null".to_owned(), "http://localhost:10001".to_owned()] {
        let call = host.as_nobody(Method::POST, "/api/v1/projects").header("cookie", &session);
        let called = answer(call.header("origin", &origin).json(&json!({ "name": "x" }))).await;
        assert_eq!(called.json["code"], "foreign_origin", "{origin}");
        let read = host.as_nobody(Method::GET, "/api/v1/projects").header("cookie", &session);
        let read = answer(read.header("origin", &origin)).await;
        assert!(!read.headers.contains_key("access-control-allow-origin"), "{origin}");
    }
}

#[tokio::test]
async fn a_previews_host_never_answers_as_lockhouse() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    for path in ["/api/v1/projects", "/health", "/sign-in?token=x", "/docs", "/openapi.json"] {
        assert_eq!(browser.get(path).await.json["target"], path);
    }
    let session = session(&host).await;
    let other = Browser { cookie: Some(session), ..browser };
    assert_eq!(other.get("/api/v1/projects").await.status, 401);
}

#[tokio::test]
async fn a_host_that_is_meant_as_a_preview_is_never_lockhouses_own() {
    let host = need!(local, lab().await);
    for name in ["a.5000--lab.localhost", "0--lab.localhost", "5000--nothing-here.localhost"] {
        let asked = host.request(Method::POST, "/api/v1/projects").header("host", name);
        assert_eq!(answer(asked).await.status, 404, "{name}");
    }
}

/// A token for reading of the project's owner.
async fn reads(host: &Host) -> String {
    let made = host.post("/api/v1/tokens", json!({ "name": "looks", "scope": "read" })).await;
    made.json["secret"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned()
}

/// What a token for reading comes to by a method.
async fn reading(host: &Host, token: &str, method: Method) -> Answer {
    answer(host.as_nobody(method, "/api/v1/preview/lab/echo").bearer_auth(token)).await
}

#[tokio::test]
async fn a_token_for_reading_looks_at_a_preview_and_changes_nothing_in_it() {
    let host = need!(local, lab().await);
    let token = reads(&host).await;
    assert_eq!(reading(&host, &token, Method::GET).await.status, 200);
    let refused = reading(&host, &token, Method::POST).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (403, &json!("read_only")));
    let target = "/api/v1/preview/lab/ws";
    let bearer = format!("Bearer {token}");
    let socket = host.upgrades(target, &[("authorization", &bearer)]).await;
    assert_eq!(socket.map(drop).unwrap_err().0, 403);
    eventually("the refusal is on record", || async {
        let noted = host.get("/admin/audit?action=preview.use").await;
        let about = &noted.json["entries"][0]["target"];
        if about == "project/lab" { Ok(()) } else { Err(noted.text) }
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_reads_by_its_token_changes_nothing_in_a_preview_of_its_own_host() {
    let host = need!(local, lab().await);
    let token = reads(&host).await;
    let open = host.as_nobody(Method::GET, "/api/v1/containers/lab/preview/open?port=5000");
    let sent_on = answer(open.bearer_auth(&token)).await;
    let mut browser = Browser::without_leave(&host, "lab", 5000).await;
    browser.follows(header(&sent_on.headers, "location")).await;
    assert_eq!(browser.get("/echo").await.status, 200);
    let posted = browser.asks(Method::POST, "/echo").header("origin", browser.origin());
    assert_eq!(answer(posted).await.json["code"], "read_only");
    assert_eq!(refused(browser.socket(Some(&browser.origin())).await), 403);
}

#[tokio::test]
async fn a_key_for_looking_that_a_session_got_changes_nothing() {
    let host = need!(local, lab().await);
    let token = reads(&host).await;
    let entered = answer(host.as_nobody(Method::GET, &format!("/sign-in?token={token}"))).await;
    let cookie = header(&entered.headers, "set-cookie").split(';').next().unwrap();
    let asked = host.as_nobody(Method::GET, "/api/v1/preview/lab/echo").header("cookie", cookie);
    let path = header(&answer(asked).await.headers, "location").to_owned();
    assert_eq!(answer(host.as_nobody(Method::GET, &path)).await.status, 200);
    let posted = answer(host.as_nobody(Method::POST, &path)).await;
    assert_eq!((posted.status.as_u16(), &posted.json["code"]), (403, &json!("read_only")));
}

#[tokio::test]
async fn a_preview_cannot_frame_lockhouses_pages() {
    let host = need!(local, lab().await);
    for path in ["/", "/docs/", "/api/v1/session", "/health"] {
        let policy = host.get(path).await.headers["content-security-policy"].clone();
        assert!(policy.to_str().unwrap().contains("frame-ancestors 'none'"), "{path}: {policy:?}");
    }
}

#[tokio::test]
async fn nobody_but_lockhouse_frames_a_preview_whatever_the_project_says() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let page = browser.get("/greedy").await;
    let policy = header(&page.headers, "content-security-policy");
    assert!(policy.starts_with(&format!("frame-ancestors 'self' {}", host.url)), "{policy}");
    assert!(!page.headers.contains_key("x-frame-options"));
}

#[tokio::test]
async fn a_preview_cannot_register_a_service_worker_over_lockhouse() {
    let host = need!(local, lab().await);
    let page = host.get("/api/v1/preview/lab/greedy").await;
    let policy = header(&page.headers, "content-security-policy");
    assert!(policy.starts_with("sandbox ") && !policy.contains("allow-same-origin"), "{policy}");
    for name in ["service-worker-allowed", "clear-site-data"] {
        assert!(!page.headers.contains_key(name), "{name}");
    }
    let script = host.request(Method::GET, "/api/v1/preview/lab/sw.js");
    let refused = answer(script.header("service-worker", "script")).await;
    assert_eq!(refused.json["code"], "no_service_worker", "{}", refused.text);
}

#[tokio::test]
async fn a_preview_cannot_reach_another_project() {
    let host = need!(local, lab().await);
    serves(&host, "other", 5000).await;
    let browser = Browser::enters(&host, "lab", 5000).await;
    let other = Browser::without_leave(&host, "other", 5000).await;
    let there = Browser { cookie: browser.cookie.clone(), ..other };
    assert_eq!(there.get("/small").await.status, 401);
    let key = browser.cookie.as_deref().unwrap().split_once('=').unwrap().1;
    let by_path = host.as_nobody(Method::GET, &format!("/api/v1/preview/@{key}/small"));
    assert_eq!(answer(by_path).await.json["code"], "preview_key_expired");
}

#[tokio::test]
async fn a_page_of_another_preview_can_neither_write_nor_look_into_one() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let before = browser.get("/echo").await.json["requests"].as_u64().unwrap();
    for origin in ["http://5000--evil-aaaaaaaa.localhost:8000", "null"] {
        let written = browser.asks(Method::POST, "/echo").header("origin", origin);
        assert_eq!(answer(written).await.json["code"], "foreign_origin", "{origin}");
    }
    assert_eq!(answer(browser.asks(Method::POST, "/echo")).await.status, 403, "no origin");
    let included = browser.asks(Method::GET, "/small").header("sec-fetch-site", "cross-site");
    let included = answer(included.header("sec-fetch-mode", "no-cors")).await;
    assert_eq!(included.status, 403, "{}", included.text);
    assert_eq!(browser.get("/echo").await.json["requests"], before + 1);
}

#[tokio::test]
async fn a_websocket_opens_for_the_previews_own_page_alone() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let foreign = "http://5000--evil-aaaaaaaa.localhost:8000";
    for origin in [Some(foreign), Some("null"), None, Some(&*host.url)] {
        assert_eq!(refused(browser.socket(origin).await), 403, "{origin:?}");
    }
    assert!(browser.socket(Some(&browser.origin())).await.is_ok());
}

#[tokio::test]
async fn a_dev_server_is_told_of_a_foreign_origin_as_it_is() {
    let host = need!(local, lab().await);
    let read = host.request(Method::GET, "/api/v1/preview/lab/echo");
    let echo = answer(read.header("origin", "https://evil.example")).await;
    assert_eq!(sent(&echo, "origin"), ["https://evil.example"]);
}

#[tokio::test]
async fn a_preview_reaches_no_port_of_this_machine() {
    let host = need!(local, lab().await);
    let own = host.url.rsplit(':').next().unwrap();
    let looked = host.get(&format!("/api/v1/preview/lab:{own}/health")).await;
    assert_eq!(looked.json["code"], "not_listening", "{}", looked.text);
}

#[tokio::test]
async fn an_address_in_the_request_line_leads_nowhere_else() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let (name, cookie) = (&browser.name, browser.cookie.as_deref().unwrap());
    let ask = |target: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: {name}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        )
    };
    let elsewhere = sends(&host, &ask("http://169.254.169.254/latest")).await;
    assert!(
        elsewhere.starts_with("HTTP/1.1 400") && elsewhere.contains("ambiguous_host"),
        "{elsewhere}"
    );
    let own = sends(&host, &ask(&format!("http://{name}/echo"))).await;
    assert!(own.contains(r#""target": "/echo""#), "{own}");
}

#[tokio::test]
async fn a_request_that_names_two_hosts_is_refused() {
    let host = need!(local, lab().await);
    let two = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: 5000--lab.localhost\r\nConnection: close\r\n\r\n";
    let said = sends(&host, two).await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
}

#[tokio::test]
async fn a_request_of_two_lengths_is_never_two_requests() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let before = browser.get("/echo").await.json["requests"].as_u64().unwrap();
    let (name, cookie) = (&browser.name, browser.cookie.as_deref().unwrap());
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let request = format!(
        "POST /echo HTTP/1.1\r\nHost: {name}\r\nOrigin: http://{name}\r\nCookie: {cookie}\r\n\
         Connection: close\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        smuggled.len() + 5
    );
    sends(&host, &request).await;
    let after = browser.get("/echo").await.json["requests"].as_u64().unwrap();
    assert!(after - before <= 2, "{before} requests became {after}");
}

#[tokio::test]
async fn headers_of_one_connection_do_not_pass_to_the_next() {
    let host = need!(local, lab().await);
    let request = host.request(Method::GET, "/api/v1/preview/lab/echo");
    let request = request.header("connection", "keep-alive, x-secret").header("x-secret", "1");
    let request = request.header("proxy-authorization", "Basic x").header("te", "trailers");
    let echo = answer(request.header("x-forwarded-for", "10.0.0.1")).await;
    for name in ["x-secret", "proxy-authorization", "te", "x-forwarded-for", "keep-alive"] {
        assert_eq!(sent(&echo, name), [] as [&str; 0], "{name}");
    }
}

#[tokio::test]
async fn a_ticket_leads_to_no_other_place() {
    let host = need!(local, lab().await);
    for to in ["//evil.example/", "https://evil.example/", "/%5Cevil.example"] {
        let path = format!("/api/v1/containers/lab/preview/open?port=5000&to={to}");
        let sent_on = host.get(&path).await;
        let url = header(&sent_on.headers, "location");
        assert!(url.ends_with("&to=%2F"), "{to}: {url}");
    }
}
