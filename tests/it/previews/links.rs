//! Links that show a preview to others.

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, lab};
use crate::host::{Host, PATIENCE, answer, engine};

const LINKS: &str = "/api/v1/containers/lab/preview/links";

async fn shares(host: &Host, wish: Value) -> Value {
    let made = host.post(LINKS, wish).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json
}

async fn revokes(host: &Host, link: &Value) {
    let id = link["id"].as_str().unwrap();
    assert_eq!(host.delete(&format!("{LINKS}/{id}")).await.status, 204);
}

#[tokio::test]
async fn a_link_shows_the_preview_to_whoever_has_it() {
    let host = need!(local, lab().await);
    let link = shares(&host, json!({ "port": 5000 })).await;
    let mut guest = Browser::without_leave(&host, "lab", 5000).await;
    assert_eq!(guest.follows(link["url"].as_str().unwrap()).await.status, 303);
    assert_eq!(guest.get("/small").await.text, "small");
}

#[tokio::test]
async fn a_revoked_link_opens_nothing_more_and_ends_what_it_opened() {
    let host = need!(local, lab().await);
    let link = shares(&host, json!({})).await;
    let mut guest = Browser::without_leave(&host, "lab", 5000).await;
    guest.follows(link["url"].as_str().unwrap()).await;
    let mut socket = guest.socket(Some(&guest.origin())).await.unwrap();
    let stream = guest.asks(Method::GET, "/events").send().await.unwrap();
    revokes(&host, &link).await;
    assert_eq!(guest.get("/small").await.status, 401);
    let ended = async { (socket.next().await, stream.bytes().await) };
    let (socket, stream) = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert!(socket.is_none_or(|read| read.is_err()) && stream.is_err());
    revokes(&host, &link).await;
}

#[tokio::test]
async fn a_link_to_one_port_opens_no_other() {
    let host = need!(local, lab().await);
    let link = shares(&host, json!({ "port": 5000 })).await;
    let mut guest = Browser::without_leave(&host, "lab", 5000).await;
    guest.follows(link["url"].as_str().unwrap()).await;
    let other = Browser::without_leave(&host, "lab", 8080).await;
    let other = Browser { cookie: guest.cookie.clone(), ..other };
    assert_eq!(other.get("/").await.status, 401);
}

#[tokio::test]
async fn a_link_ends_with_its_time() {
    let host = need!(local, lab().await);
    let link = shares(&host, json!({ "expires_in": 1 })).await;
    crate::host::eventually("the link has ended", || async {
        let links = host.get(LINKS).await;
        if links.json["links"] == json!([]) { Ok(()) } else { Err(links.text) }
    })
    .await;
    let mut guest = Browser::without_leave(&host, "lab", 5000).await;
    assert_eq!(guest.follows(link["url"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn links_are_listed_without_their_addresses() {
    let host = need!(local, lab().await);
    let link = shares(&host, json!({ "port": 5000 })).await;
    let listed = host.get(LINKS).await;
    assert_eq!(listed.json["links"][0]["id"], link["id"]);
    let secret = link["url"].as_str().unwrap().split("ticket=").nth(1).unwrap();
    assert!(!listed.text.contains(secret.split('&').next().unwrap()), "{}", listed.text);
}

#[tokio::test]
async fn who_reaches_lockhouse_from_elsewhere_gets_a_link_by_path() {
    let host = need!(local, lab().await);
    let request = host.request(Method::POST, LINKS).header("host", "lockhouse.example.com");
    let link = answer(request.json(&json!({}))).await.json;
    let url = link["url"].as_str().unwrap();
    let path = url.strip_prefix("http://lockhouse.example.com").unwrap();
    assert_eq!(answer(host.as_nobody(Method::GET, &format!("{path}small"))).await.text, "small");
    revokes(&host, &link).await;
    assert_eq!(answer(host.as_nobody(Method::GET, path)).await.json["code"], "preview_key_expired");
}

#[tokio::test]
async fn nobody_makes_lists_or_revokes_links_of_anothers_project() {
    let engine = need!(local, engine("local").await);
    let host = Host::start_with(engine, &[("LOCKHOUSE_AUTH__MODE", "development")]).await;
    let as_user = |user: &str, method, path: &str| {
        host.as_nobody(method, path).header("x-user-id", user.to_owned())
    };
    let new = as_user("ada", Method::POST, "/api/v1/projects").json(&json!({ "name": "lab" }));
    answer(new).await;
    let wish = json!({ "port": 5000 });
    assert_eq!(answer(as_user("ada", Method::POST, LINKS).json(&wish)).await.status, 201);
    assert_eq!(answer(as_user("bob", Method::POST, LINKS).json(&wish)).await.status, 404);
    assert_eq!(answer(as_user("bob", Method::GET, LINKS)).await.status, 404);
    let one = format!("{LINKS}/0123");
    assert_eq!(answer(as_user("bob", Method::DELETE, &one)).await.status, 404);
}

#[tokio::test]
async fn a_link_for_ever_is_refused() {
    let host = need!(local, lab().await);
    let refused = host.post(LINKS, json!({ "expires_in": 999_999_999 })).await;
    assert_eq!(refused.json["code"], "invalid_lifetime", "{}", refused.text);
}
