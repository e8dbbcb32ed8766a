//! Tickets: how a page of another origin opens a terminal.

use reqwest::Method;
use serde_json::json;

use super::{hasty_lab, lab};
use crate::host::{FRAMED, Host, Terminal, answer, terminal_of};

const TICKETS: &str = "/api/v1/containers/lab/terminal/ticket";

/// As a page of another origin opens it.
const ELSEWHERE: [(&str, &str); 2] =
    [("origin", "https://ide.example"), ("sec-websocket-protocol", FRAMED)];

impl Host {
    async fn ticket(&self) -> String {
        let made = self.post(TICKETS, json!({})).await;
        assert_eq!(made.headers["cache-control"], "no-store");
        made.json["ticket"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned()
    }

    async fn opens_by(&self, ticket: &str, project: &str) -> Result<Terminal, (u16, String)> {
        let target = format!("{}?ticket={ticket}", terminal_of(project));
        self.upgrades(&target, &ELSEWHERE).await.map(Terminal::over)
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_a_terminal_by_a_ticket_once() {
    let host = need!(local, lab().await);
    let ticket = host.ticket().await;
    let mut terminal = host.opens_by(&ticket, "lab").await.unwrap();
    terminal.types("echo ticket-$((1+1))\r").await;
    terminal.shows("ticket-2").await;
    let again = host.opens_by(&ticket, "lab").await.map(drop).unwrap_err();
    assert!(again.0 == 401 && again.1.contains("ticket_refused"), "{again:?}");
    let bearer = host.bearer();
    let bare = [ELSEWHERE[0], ("authorization", bearer.as_str())];
    let without = host.upgrades(&terminal_of("lab"), &bare).await.unwrap_err();
    assert!(without.0 == 403 && without.1.contains("foreign_origin"), "{without:?}");
}

#[tokio::test]
async fn a_ticket_opens_no_other_project_and_nothing_else() {
    let host = need!(local, lab().await);
    host.has_running_project("other").await;
    let other = host.opens_by(&host.ticket().await, "other").await.map(drop).unwrap_err();
    assert_eq!(other.0, 401, "{other:?}");
    let ticket = host.ticket().await;
    for (method, path) in [
        (Method::GET, "/api/v1/containers/lab"),
        (Method::GET, "/api/v1/containers/lab/terminals"),
        (Method::POST, TICKETS),
    ] {
        let refused = answer(host.as_nobody(method, &format!("{path}?ticket={ticket}"))).await;
        assert_eq!(refused.status, 401, "{path}: {}", refused.text);
    }
    assert!(host.opens_by(&ticket, "lab").await.is_ok(), "it is still good for what it is for");
}

#[tokio::test]
async fn any_server_of_the_database_takes_a_ticket() {
    let host = need!(local, lab().await);
    let beside = host.beside().await;
    let ticket = host.ticket().await;
    let mut terminal = beside.opens_by(&ticket, "lab").await.unwrap();
    terminal.shows("$").await;
    assert_eq!(host.opens_by(&ticket, "lab").await.map(drop).unwrap_err().0, 401);
}

#[tokio::test]
async fn a_ticket_lets_nobody_in_whom_its_maker_was_not_let_in() {
    let host = need!(local, hasty_lab().await);
    let token = host.token("ada", "admin", "admin").await;
    let make = || answer(host.as_nobody(Method::POST, TICKETS).bearer_auth(&token));
    let (used, kept) = (make().await.json, make().await.json);
    let mut terminal = host.opens_by(used["ticket"].as_str().unwrap(), "lab").await.unwrap();
    terminal.shows("$").await;
    assert_eq!(host.delete("/api/v1/admin/users/ada").await.status, 204);
    assert_eq!(terminal.ends().await.0, 4003);
    let late = host.opens_by(kept["ticket"].as_str().unwrap(), "lab").await.map(drop);
    assert_eq!(late.unwrap_err().0, 401);
}

#[tokio::test]
async fn who_may_not_open_a_terminal_gets_no_ticket() {
    let host = need!(local, lab().await);
    let [writer, reader] =
        [host.token("rex", "learner", "write").await, host.token("rex", "learner", "read").await];
    let project = host.as_nobody(Method::POST, "/api/v1/projects").bearer_auth(&writer);
    assert!(answer(project.json(&json!({ "name": "mine" }))).await.status.is_success());
    let mine = TICKETS.replace("lab", "mine");
    let refused = answer(host.as_nobody(Method::POST, &mine).bearer_auth(&reader)).await;
    assert_eq!(refused.json["code"], "read_only", "{}", refused.text);
    let stranger = host.token("ada", "learner", "admin").await;
    let hidden = answer(host.as_nobody(Method::POST, TICKETS).bearer_auth(&stranger)).await;
    assert_eq!(hidden.status, 404, "{}", hidden.text);
}

#[tokio::test]
async fn a_ticket_is_written_down_nowhere() {
    // It looks into the database's files.
    need!(sqlite, crate::databases::only_sqlite());
    let host = need!(local, lab().await);
    let ticket = host.ticket().await;
    host.opens_by(&ticket, "lab").await.unwrap().shows("$").await;
    let unused = host.ticket().await;
    let log = std::fs::read(host.data().join("server.log")).unwrap();
    let base = ["lockhouse.db", "lockhouse.db-wal"]
        .map(|name| std::fs::read(host.data().join(name)).unwrap_or_default());
    for (place, bytes) in [("log", &log), ("database", &base[0]), ("its log", &base[1])] {
        for ticket in [&ticket, &unused] {
            let found = bytes.windows(ticket.len()).any(|window| window == ticket.as_bytes());
            assert!(!found, "a ticket is in the {place}");
        }
    }
}
