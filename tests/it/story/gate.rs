//! The way in: who is let through, and what is recorded.

use reqwest::Method;

use crate::host::{Host, answer, engine, eventually, lockhouse};

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

/// What anybody may ask for.
const OPEN: [&str; 4] = ["/health", "/health/ready", "/metrics", "/api/v1/session"];

#[tokio::test]
async fn every_route_turns_away_who_does_not_sign_in() {
    let host = need!(local, host().await);
    let mut routes = host.routes().await;
    routes.retain(|(_, path)| !OPEN.contains(&path.as_str()));
    assert!(routes.len() > 30, "the description lists the routes: {routes:?}");
    for (method, path) in routes {
        let path = path.replace(['{', '}'], "");
        let request =
            host.as_nobody(method.clone(), &path).header("content-type", "application/json");
        let refused = answer(request.body("{}")).await;
        assert_eq!(refused.status, 401, "{method} {path}: {}", refused.text);
    }
}

#[tokio::test]
async fn the_printed_url_signs_a_browser_in() {
    let host = need!(local, host().await);
    let path = host.sign_in_url.replacen(&host.url, "", 1);
    let welcome = answer(host.as_nobody(Method::GET, &path)).await;
    let cookie = welcome.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let session = host.as_nobody(Method::GET, "/api/v1/session").header("cookie", cookie);
    assert_eq!(answer(session).await.json["user"]["id"], "admin");
}

#[tokio::test]
async fn who_signs_in_and_out_is_on_record_and_so_is_who_was_kept_out() {
    let host = need!(local, host().await);
    let sign_in = |token: &str| {
        let body = serde_json::json!({ "token": token });
        answer(host.as_nobody(Method::POST, "/api/v1/session").json(&body))
    };
    let token = host.sign_in_url.split_once("token=").unwrap().1;
    let cookie = sign_in(token).await.headers["set-cookie"].clone();
    assert_eq!(sign_in("lha_guessed").await.status, 401);
    let out = host.as_nobody(Method::DELETE, "/api/v1/session").header("cookie", cookie);
    assert_eq!(answer(out.header("origin", &host.url)).await.status, 204);
    let expected = "session.close admin finished, session.open lockhouse denied, \
                    session.open admin finished";
    eventually("who came, was kept out and went", async || {
        let told = last_entries(&host, 3).await;
        if told == expected { Ok(()) } else { Err(told) }
    })
    .await;
}

/// What was done by whom and what came of it, newest first.
async fn last_entries(host: &Host, number: usize) -> String {
    let page = host.get(&format!("/api/v1/admin/audit?limit={number}")).await;
    let entries = page.json["entries"].as_array().unwrap().clone();
    let of = |entry: &serde_json::Value| {
        ["action", "actor", "phase"].map(|key| entry[key].as_str().unwrap().to_owned()).join(" ")
    };
    entries.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_act_with_the_users_cookie() {
    let host = need!(local, host().await);
    let path = host.sign_in_url.replacen(&host.url, "", 1);
    let cookie = answer(host.as_nobody(Method::GET, &path)).await.headers["set-cookie"].clone();
    let foreign = host
        .as_nobody(Method::POST, "/api/v1/projects")
        .header("cookie", cookie)
        .header("origin", "http://elsewhere.example")
        .json(&serde_json::json!({ "name": "x" }));
    assert_eq!(answer(foreign).await.json["code"], "foreign_origin");
}

#[tokio::test]
async fn development_mode_refuses_an_address_that_others_can_reach() {
    let data = tempfile::tempdir().unwrap();
    let mut command = lockhouse();
    command.args(["serve", "--listen", "0.0.0.0:0", "--data"]).arg(data.path());
    let output = command.env("LOCKHOUSE_AUTH__MODE", "development").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("listen on 127.0.0.1"), "{said}");
}

#[tokio::test]
async fn a_misspelt_key_stops_the_start_and_names_the_one_that_was_meant() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("lockhouse.toml");
    std::fs::write(&file, "[terminals]\nmax_per_projekt = 3\n").unwrap();
    let output = lockhouse().args(["serve", "--config"]).arg(&file).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("did you mean “max_per_project”?"), "{said}");
}

#[tokio::test]
async fn every_answer_carries_its_request_id() {
    let host = need!(local, host().await);
    let missing = host.get("/api/v1/projects/nothing").await;
    let id = missing.headers["x-request-id"].to_str().unwrap();
    assert_eq!((missing.json["request_id"].as_str(), missing.status.as_u16()), (Some(id), 404));
}

#[tokio::test]
async fn requests_commands_and_decisions_are_counted() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    host.run("lab", "true").await;
    let metrics = host.get("/metrics").await.text;
    for name in [
        "http_requests_total",
        "exec_seconds",
        "policy_decisions_total",
        "runtime_transitions_total",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
}

#[tokio::test]
async fn what_was_done_is_recorded_and_the_record_verifies() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let before = host.get("/api/v1/admin/audit/verify").await.json;
    host.run("lab", "true").await;
    assert_eq!(before["intact"], true);
    // What an action came to is written a moment after its answer.
    eventually("the command began and finished", || async {
        let after = host.get("/api/v1/admin/audit/verify").await.json;
        assert_eq!(after["intact"], true);
        let both = after["entries"].as_u64() >= before["entries"].as_u64().map(|n| n + 2);
        both.then_some(()).ok_or_else(|| after.to_string())
    })
    .await;
}

#[tokio::test]
async fn an_entry_says_who_did_what_from_where_and_for_how_long() {
    let host = need!(local, host().await);
    let save = host.request(Method::PUT, "/api/v1/projects/lab/content/a").body("x");
    host.post("/api/v1/projects", serde_json::json!({ "name": "lab" })).await;
    answer(save.header("user-agent", "pen/1").header("x-forwarded-for", "1.2.3.4")).await;
    let path = "/api/v1/admin/audit?action=file.write&outcome=ok&project=lab&actor=admin&since=1h";
    let entry = eventually("the save is finished", || async {
        let page = host.get(path).await;
        page.json["entries"].get(0).cloned().ok_or(page.text)
    })
    .await;
    assert_eq!((&entry["target"], &entry["outcome"]), (&"project/lab/a".into(), &"ok".into()));
    assert_eq!((&entry["address"], &entry["user_agent"]), (&"127.0.0.1".into(), &"pen/1".into()));
    assert!(entry["duration_us"].as_i64() > Some(0), "{entry}");
}

#[tokio::test]
async fn only_a_proxy_that_is_trusted_is_believed_about_whom_it_asks_for() {
    let engine = need!(local, engine("local").await);
    let proxies = &[("LOCKHOUSE_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]")];
    let host = Host::start_with(engine, proxies).await;
    let create =
        host.request(Method::POST, "/api/v1/projects").header("x-forwarded-for", "1.2.3.4");
    answer(create.json(&serde_json::json!({ "name": "lab" }))).await;
    let page = host.get("/api/v1/admin/audit?action=project.create").await;
    assert_eq!(page.json["entries"][0]["address"], "1.2.3.4", "{}", page.text);
}

#[tokio::test]
async fn who_is_turned_away_is_recorded_as_well() {
    let host = need!(local, host().await);
    let mine = serde_json::json!({ "user": "ada", "name": "t" });
    host.post("/api/v1/admin/users", serde_json::json!({ "id": "ada" })).await;
    let token = host.post("/api/v1/admin/tokens", mine).await.json["secret"].clone();
    let asked =
        host.as_nobody(Method::GET, "/api/v1/admin/audit").bearer_auth(token.as_str().unwrap());
    assert_eq!(answer(asked).await.status, 403);
    eventually("the denial is recorded", || async {
        let page = host.get("/api/v1/admin/audit?outcome=denied&actor=ada").await;
        let found = page.json["entries"][0]["action"] == "audit.list";
        found.then_some(()).ok_or(page.text)
    })
    .await;
}

#[tokio::test]
async fn the_record_is_checked_and_handed_out_from_the_command_line() {
    let host = need!(local, host().await);
    host.post("/api/v1/projects", serde_json::json!({ "name": "lab" })).await;
    let file = host.data().join("audit.jsonl").display().to_string();
    assert!(says(&host, &["list", "--project", "lab"]).await.1.contains("project.create"));
    assert!(says(&host, &["export", "--out", &file]).await.0);
    for way in [&["verify"][..], &["verify", "--offline"], &["verify", "--file", &file]] {
        let (intact, said) = says(&host, way).await;
        assert!(intact && said.contains("intact"), "{way:?}: {said}");
    }
    let edited = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, edited.replace("project/lab", "project/bar")).unwrap();
    let (intact, said) = says(&host, &["verify", "--file", &file]).await;
    assert!(!intact && said.contains("broken at entry"), "{said}");
}

#[tokio::test]
async fn a_question_to_the_record_with_a_nul_is_refused_whatever_the_database() {
    let host = Host::start(need!(local, engine("local").await)).await;
    for question in ["actor=%00", "action=a%00b"] {
        let refused = host.get(&format!("/api/v1/admin/audit?{question}")).await;
        assert_eq!(refused.json["code"], "invalid_query", "{}", refused.text);
    }
}

/// What `lockhouse audit` says, and whether it is content.
async fn says(host: &Host, words: &[&str]) -> (bool, String) {
    let output = host.says(&["audit"]).args(words).output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}
