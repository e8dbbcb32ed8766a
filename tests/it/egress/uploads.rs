//! Registries that an image taught are for downloads; and how much has come is
//! told while it comes.

use lockhouse::events::What;
use lockhouse::ids::Kind;

use super::connect::client_hello;
use super::learned::{Asked, pages};
use super::outside::Server;
use super::{Client, Room, soon};

/// Egress that has learned a registry on this machine, and the registry.
async fn learned(config: &str) -> (Room, Server) {
    let mut index =
        Server::documents("index.registry.example", pages([("/simple/pip/", "")])).await;
    let says = format!("http://index.registry.example:{}/simple\n", index.port);
    let room = Room::open(&format!("allow_private = ['*.registry.example']\n{config}"));
    room.egress.learn(&Asked::new([("python3", says)]), Kind::Python).await;
    index.saw().await;
    (room, index)
}

async fn posts(client: &mut Client, port: u16) -> String {
    let url = format!("http://index.registry.example:{port}/legacy/");
    let head = "Host: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    client.asks(&format!("POST {url} HTTP/1.1\r\n{head}")).await
}

#[tokio::test]
async fn an_upload_to_a_learned_registry_is_refused() {
    let (room, index) = learned("").await;
    let mut client = room.client();
    let head = posts(&mut client, index.port).await;
    assert!(head.starts_with("HTTP/1.1 403 Forbidden by Lockhouse"), "{head}");
    assert!(head.contains("(upload)"), "{head}");
    assert!(client.rest_text().await.contains("`egress.allow`"));
}

#[tokio::test]
async fn an_upload_to_a_registry_that_the_operator_lists_passes() {
    let mut index = Server::documents("index.registry.example", pages([])).await;
    let allow = format!("allow = ['index.registry.example:{}']", index.port);
    let room = Room::open(&format!("{allow}\nallow_private = ['*.registry.example']"));
    assert!(posts(&mut room.client(), index.port).await.starts_with("HTTP/1.1 404 "));
    assert!(index.saw().await.starts_with("POST /legacy/"));
}

#[tokio::test]
async fn a_tunnel_to_a_learned_registry_carries_no_upload() {
    let registry = Server::echo().await;
    let says = format!("https://go.registry.example:{}\noff\n", registry.port);
    let room = Room::open("allow_private = ['*.registry.example']\nupload_bytes = 65536");
    room.egress.learn(&Asked::new([("go", says)]), Kind::Python).await;
    let mut client = room.client();
    client.connects(&format!("go.registry.example:{}", registry.port)).await;
    let hello = client_hello("go.registry.example");
    client.sends(&hello).await;
    assert_eq!(client.reads(hello.len()).await, hello);
    client.sends(&[0; 48 * 1024]).await;
    client.reads(48 * 1024).await;
    client.sends(&[0; 17 * 1024]).await;
    client.rest().await;
    let refused =
        |what: &What| matches!(what, What::Egress { reason, .. } if reason.starts_with("upload"));
    soon(room.told(refused)).await;
}

#[tokio::test]
async fn how_much_has_come_is_told() {
    let (room, index) = learned("").await;
    let url = format!("http://index.registry.example:{}/simple/pip/", index.port);
    let mut client = room.client();
    client.asks(&format!("GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    client.rest().await;
    let told = room.told(|what| {
        matches!(what, What::Transfer { host, received_bytes: 1.. }
            if host == "index.registry.example")
    });
    soon(told).await;
}
