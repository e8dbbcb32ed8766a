//! Plain HTTP: carried to the decided host, with nothing of the proxy in it.

use super::Room;
use super::outside::Server;

fn listing(port: u16) -> String {
    format!("allow = ['web.example:{port}']\nallow_private = ['web.example']")
}

#[tokio::test]
async fn a_request_arrives_at_the_decided_host_whatever_its_host_header_says() {
    let mut server =
        Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
            .await;
    let port = server.port;
    let mut client = Room::open(&listing(port)).client();
    let head = client
        .asks(&format!(
            "GET http://web.example:{port}/a?b=c HTTP/1.1\r\nHost: evil.example\r\n\
             Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\n\
             Connection: close, x-hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n"
        ))
        .await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(client.rest_text().await, "hello");
    let seen = server.saw().await.to_ascii_lowercase();
    assert!(seen.starts_with("get /a?b=c http/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: web.example:{port}\r\n")), "{seen}");
    assert!(seen.contains("x-end: 2"), "{seen}");
    assert!(!["evil", "proxy-", "x-hop", "connection"].iter().any(|w| seen.contains(w)), "{seen}");
}

#[tokio::test]
async fn a_body_in_chunks_is_streamed_both_ways() {
    let mut server = Server::answering(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .await;
    let port = server.port;
    let mut client = Room::open(&listing(port)).client();
    client
        .asks(&format!(
            "POST http://web.example:{port}/ HTTP/1.1\r\nHost: web.example:{port}\r\n\
             Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
        ))
        .await;
    let body = client.rest_text().await;
    assert!(body.contains("abc") && body.contains("de"), "{body}");
    assert!(server.saw().await.contains("4\r\nbody\r\n0\r\n"));
}

#[tokio::test]
async fn a_redirect_is_passed_on_and_where_it_leads_is_decided_anew() {
    let server = Server::answering(
        "HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let mut client = Room::open(&listing(server.port)).client();
    let url = format!("http://web.example:{}/", server.port);
    let head = client.asks(&format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    assert!(head.contains("location: http://evil.example/"), "{head}");
    let head = client.asks("GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
}

#[tokio::test]
async fn a_redirect_to_a_private_place_leads_nowhere() {
    let listed = "allow = ['metadata.example', 'mixed.example']";
    for url in
        ["http://169.254.169.254/latest", "http://metadata.example/", "http://mixed.example/"]
    {
        let mut client = Room::open(listed).client();
        let head = client.asks(&format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{url}: {head}");
    }
}

#[tokio::test]
async fn a_path_instead_of_a_whole_url_is_answered_with_what_to_send() {
    let mut client = Room::open("").client();
    let head = client.asks("GET / HTTP/1.1\r\nHost: web.example\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(client.rest_text().await.contains("this is a proxy"));
}

#[tokio::test]
async fn an_https_url_is_not_carried_in_the_clear() {
    let mut client = Room::open("allow = ['web.example']").client();
    let head = client.asks("GET https://web.example/ HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[tokio::test]
async fn a_request_with_two_lengths_goes_nowhere() {
    let mut client = Room::open("allow = ['web.example']").client();
    let head = client
        .asks(
            "POST http://web.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\
             Content-Length: 2\r\n\r\n",
        )
        .await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[tokio::test]
async fn an_endless_head_is_cut_off() {
    let mut client = Room::open("").client();
    let many = "X-Filler: filler\r\n".repeat(500);
    let head = client.asks(&format!("GET http://web.example/ HTTP/1.1\r\n{many}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
}
