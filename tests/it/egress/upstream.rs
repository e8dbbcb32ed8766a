//! A machine that itself reaches the outside through a proxy.

use super::Room;
use super::outside::Server;

fn through(proxy: &Server, more: &str) -> String {
    format!(
        "{more}\n[upstream]\nall_proxy = 'http://ada:secret@proxy.example:{}'\n\
         no_proxy = 'direct.example'",
        proxy.port
    )
}

#[tokio::test]
async fn connect_goes_through_the_machines_proxy_with_its_user() {
    let mut proxy = Server::proxy().await;
    let config = through(&proxy, "allow = ['files.vendor.test:7777']");
    let mut client = Room::open(&config).client();
    let head = client.connects("files.vendor.test:7777").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    client.sends(b"hello").await;
    assert_eq!(client.reads(5).await, b"hello");
    let seen = proxy.saw().await;
    assert!(seen.starts_with("CONNECT files.vendor.test:7777 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("proxy-authorization: Basic YWRhOnNlY3JldA=="), "{seen}");
}

#[tokio::test]
async fn plain_http_goes_to_the_machines_proxy_as_a_whole_url() {
    let mut proxy = Server::proxy().await;
    let config = through(&proxy, "allow = ['files.vendor.test']");
    let mut client = Room::open(&config).client();
    let request = "GET http://files.vendor.test/a HTTP/1.1\r\nHost: evil.example\r\n\
                   Proxy-Authorization: Basic stolen\r\nConnection: close\r\n\r\n";
    assert!(client.asks(request).await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(client.rest_text().await, "by a proxy\n");
    let seen = proxy.saw().await;
    assert!(seen.starts_with("GET http://files.vendor.test/a HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("host: files.vendor.test\r\n") && !seen.contains("stolen"), "{seen}");
}

#[tokio::test]
async fn what_no_proxy_names_is_reached_directly() {
    let proxy = Server::proxy().await;
    let server = Server::echo().await;
    let listed =
        format!("allow = ['direct.example:{}']\nallow_private = ['direct.example']", server.port);
    let mut client = Room::open(&through(&proxy, &listed)).client();
    client.connects(&format!("direct.example:{}", server.port)).await;
    client.sends(b"hi").await;
    assert_eq!(client.reads(2).await, b"hi");
}

#[tokio::test]
async fn the_machines_proxy_is_no_way_around_the_rules() {
    let proxy = Server::proxy().await;
    let listed = "allow = ['metadata', 'metadata.vendor.internal', 'metadata.example']";
    let room = Room::open(&through(&proxy, listed));
    for host in ["metadata", "metadata.vendor.internal", "metadata.example", "other.vendor.test"] {
        let head = room.client().connects(&format!("{host}:443")).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{host}: {head}");
    }
}
