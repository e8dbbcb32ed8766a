//! Previews on hosts of their own.

use futures::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Browser, header, lab, sent};
use crate::host::{Answer, Host, answer, engine, tail};

#[tokio::test]
async fn lockhouse_sends_a_browser_to_a_preview_on_an_origin_of_its_own() {
    let host = need!(local, lab().await);
    let mut browser = Browser::without_leave(&host, "lab", 5000).await;
    assert!(browser.name.starts_with("5000--lab-") && browser.name.contains(".localhost:"));
    let sent_on = host.get("/api/v1/containers/lab/preview/open?port=5000&to=/echo%3Fin").await;
    let entered = browser.follows(header(&sent_on.headers, "location")).await;
    assert_eq!((entered.status.as_u16(), header(&entered.headers, "location")), (303, "/echo?in"));
    let cookie = header(&entered.headers, "set-cookie");
    assert!(cookie.contains("HttpOnly") && !cookie.contains("Domain"), "{cookie}");
    let page = browser.get("/echo?in").await;
    assert_eq!(page.json["target"], "/echo?in", "{}\n{}", page.text, tail(host.data()));
    assert_eq!(sent(&page, "host"), ["localhost:5000"]);
}

#[tokio::test]
async fn a_ticket_to_a_preview_serves_once() {
    let host = need!(local, lab().await);
    let mut browser = Browser::without_leave(&host, "lab", 5000).await;
    let open = host.request(Method::GET, "/api/v1/containers/lab/preview/open?port=5000");
    let ticket = answer(open.header("accept", "application/json")).await.json;
    assert_eq!(browser.follows(ticket["url"].as_str().unwrap()).await.status, 303);
    assert_eq!(browser.follows(ticket["url"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn who_was_not_sent_is_shown_the_way_in() {
    let host = need!(local, lab().await);
    let browser = Browser::without_leave(&host, "lab", 5000).await;
    let program = browser.get("/").await;
    assert_eq!((program.status.as_u16(), &program.json["code"]), (401, &json!("unauthenticated")));
    let person = answer(browser.asks(Method::GET, "/a?b").header("accept", "text/html")).await;
    let way = "/api/v1/containers/lab/preview/open?port=5000&amp;to=%2Fa%3Fb";
    assert!(person.status == 401 && person.text.contains(way), "{}", person.text);
}

#[tokio::test]
async fn a_program_looks_at_a_preview_with_its_token_which_the_project_never_sees() {
    let host = need!(local, lab().await);
    let browser = Browser::without_leave(&host, "lab", 5000).await;
    let asked = host.request(Method::GET, "/echo").header("host", &browser.name);
    let echo = answer(asked).await;
    assert_eq!(sent(&echo, "authorization"), [] as [&str; 0]);
}

/// Where the project of a user is to be seen.
async fn origin_of(host: &Host, user: &str) -> Answer {
    let as_user = |method, path: &str| host.as_nobody(method, path).header("x-user-id", user);
    let new = as_user(Method::POST, "/api/v1/projects").json(&json!({ "name": "todo" }));
    assert_eq!(answer(new).await.status, 201);
    answer(as_user(Method::GET, "/api/v1/containers/todo/preview/open?port=80")).await
}

#[tokio::test]
async fn two_owners_with_one_name_have_two_origins() {
    let engine = need!(local, engine("local").await);
    let host = Host::start_with(engine, &[("LOCKHOUSE_AUTH__MODE", "development")]).await;
    let [adas, bobs] = [origin_of(&host, "ada").await, origin_of(&host, "bob").await];
    let name =
        |answer: &Answer| header(&answer.headers, "location").split('/').nth(2).map(str::to_owned);
    assert!(name(&adas).unwrap().starts_with("80--todo-"), "{}", adas.text);
    assert_ne!(name(&adas), name(&bobs));
}

#[tokio::test]
async fn a_name_alone_leads_by_way_of_lockhouse_who_knows_whose_it_is() {
    let host = need!(local, lab().await);
    let port = host.url.rsplit(':').next().unwrap();
    let request =
        host.as_nobody(Method::GET, "/a").header("host", format!("5000--lab.localhost:{port}"));
    let led = answer(request).await;
    let way = format!("{}/api/v1/containers/lab/preview/open?port=5000&to=%2Fa", host.url);
    assert_eq!((led.status.as_u16(), header(&led.headers, "location")), (307, way.as_str()));
}

#[tokio::test]
async fn a_websocket_passes_both_ways() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let mut socket = browser.socket(Some(&browser.origin())).await.unwrap();
    socket.send(Message::text("hot")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hot"));
}

#[tokio::test]
async fn events_come_as_they_are_sent() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let events = host.events_until(browser.asks(Method::GET, "/events"), |n| *n == 3).await;
    assert_eq!(events, [0, 1, 2, 3]);
}

#[tokio::test]
async fn large_bodies_and_parts_of_them_pass_whole() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let big = browser.asks(Method::GET, "/big").send().await.unwrap().bytes().await.unwrap();
    assert_eq!((big.len(), big[255], big[256]), (8 << 20, 255, 0));
    let part =
        browser.asks(Method::GET, "/big").header("range", "bytes=254-257").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap().as_ref(), [254, 255, 0, 1]);
    let upload = browser.asks(Method::POST, "/echo").header("origin", browser.origin());
    assert_eq!(answer(upload.body(big)).await.json["body"], 8 << 20);
}

#[tokio::test]
async fn a_redirect_to_the_servers_own_address_stays_in_the_preview() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    assert_eq!(header(&browser.get("/moved").await.headers, "location"), "/echo?moved");
    let by_path = host.get("/api/v1/preview/lab/moved").await;
    assert_eq!(header(&by_path.headers, "location"), "/api/v1/preview/lab/echo?moved");
}

#[tokio::test]
async fn requests_share_connections_to_the_projects_server() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    let before = browser.get("/echo").await.json["connections"].clone();
    for _ in 0..5 {
        browser.get("/small").await;
    }
    assert_eq!(browser.get("/echo").await.json["connections"], before);
}

#[tokio::test]
async fn a_server_that_was_started_again_answers_at_once() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 5000).await;
    browser.get("/small").await;
    host.delete("/api/v1/containers/lab/process").await;
    super::starts(&host, "lab", 5000).await;
    assert_eq!(browser.get("/small").await.text, "small");
}

#[tokio::test]
async fn while_nothing_listens_a_person_sees_the_end_of_the_log() {
    let host = need!(local, lab().await);
    let browser = Browser::enters(&host, "lab", 8080).await;
    let page = answer(browser.asks(Method::GET, "/").header("accept", "text/html")).await;
    assert_eq!(page.status, 502);
    assert!(page.text.contains("&lt;b&gt;listening&lt;/b&gt; on 5000"), "{}", page.text);
    assert!(page.text.contains("http-equiv=\"refresh\""), "{}", page.text);
    let program = browser.get("/").await;
    assert_eq!((program.status.as_u16(), &program.json["code"]), (502, &json!("not_listening")));
}
