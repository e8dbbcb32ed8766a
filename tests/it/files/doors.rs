//! A project's files over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine};

/// A server with a project `todo`.
struct Door(Host);

/// For `need!(local, …)`.
async fn door() -> Result<Door, String> {
    door_of(&[]).await
}

/// The same, on a server that these variables configure.
async fn door_of(variables: &'static [(&'static str, &'static str)]) -> Result<Door, String> {
    let host = Host::start_with(engine("local").await?, variables).await;
    let created = host.post("/api/v1/projects", json!({ "name": "todo" })).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    Ok(Door(host))
}

impl Door {
    async fn content(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let path = format!("/api/v1/projects/todo/content/{path}");
        let mut request = self.0.request(method, &path).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    async fn put(&self, path: &str, body: &str) -> String {
        let saved = self.content(Method::PUT, path, &[], body).await;
        assert!(saved.status.is_success(), "{}", saved.text);
        saved.header("etag")
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.content(Method::GET, path, headers, "").await
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let path = format!("/api/v1/projects/todo/files{path}");
        answer(self.0.request(method, &path).json(&body)).await
    }

    async fn list(&self, query: &str) -> Answer {
        self.0.get(&format!("/api/v1/projects/todo/files{query}")).await
    }
}

impl Answer {
    fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    }

    fn is(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), &self.json["code"]),
            (status, &json!(code)),
            "{}",
            self.text
        );
    }
}

#[tokio::test]
async fn raw_bytes_are_saved_and_read_with_their_etag() {
    let door = need!(local, door().await);
    let new = door.content(Method::PUT, "src/main.py", &[], "print(1)").await;
    let again = door.content(Method::PUT, "src/main.py", &[], "print(2)").await;
    assert_eq!((new.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    let read = door.get("src/main.py", &[]).await;
    assert_eq!((read.text.as_str(), read.header("etag")), ("print(2)", again.header("etag")));
    assert_eq!(again.json["etag"], again.header("etag"));
    let head = door.content(Method::HEAD, "src/main.py", &[], "").await;
    assert_eq!((head.text.as_str(), head.header("content-length")), ("", "8".to_owned()));
}

#[tokio::test]
async fn an_editor_who_lost_a_race_is_told_which_version_is_there() {
    let door = need!(local, door().await);
    let old = door.put("a.txt", "one").await;
    let new = door.put("a.txt", "two").await;
    let lost = door.content(Method::PUT, "a.txt", &[("if-match", &old)], "three").await;
    lost.is(412, "changed");
    assert_eq!(lost.json["etag"], new);
    let won = door.content(Method::PUT, "a.txt", &[("if-match", &new)], "three").await;
    assert_eq!(won.status, StatusCode::OK);
    door.content(Method::PUT, "a.txt", &[("if-none-match", "*")], "four").await.is(412, "changed");
    door.content(Method::DELETE, "a.txt", &[("if-match", &new)], "").await.is(412, "changed");
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let door = need!(local, door().await);
    let etag = door.put("a.txt", "one").await;
    let unchanged = door.get("a.txt", &[("if-none-match", &etag)]).await;
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", etag));
}

#[tokio::test]
async fn a_part_of_a_file_is_sent() {
    let door = need!(local, door().await);
    let etag = door.put("a.txt", "0123456789").await;
    let part = door.get("a.txt", &[("range", "bytes=2-4"), ("if-range", &etag)]).await;
    assert_eq!((part.status, part.text.as_str()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let end = door.get("a.txt", &[("range", "bytes=-2")]).await;
    assert_eq!(end.text, "89");
    let other = door.get("a.txt", &[("range", "bytes=2-4"), ("if-range", "\"old\"")]).await;
    assert_eq!((other.status, other.text.as_str()), (StatusCode::OK, "0123456789"));
    door.get("a.txt", &[("range", "bytes=10-")]).await.is(416, "invalid_range");
}

#[tokio::test]
async fn a_page_among_the_files_runs_in_a_sandbox() {
    let door = need!(local, door().await);
    door.put("index.html", "<script>alert(1)</script>").await;
    let page = door.get("index.html", &[]).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn paths_that_lead_out_are_refused_however_they_are_encoded() {
    let door = need!(local, door().await);
    door.get("..%2f..%2fadmin.token", &[]).await.is(400, "invalid_path");
    door.get("%2fetc%2fpasswd", &[]).await.is(400, "invalid_path");
    door.get("a%5c..%5cb", &[]).await.is(400, "invalid_path");
    door.get("a%00b", &[]).await.is(400, "invalid_path");
    door.get("%ff", &[]).await.is(400, "invalid_path");
    door.get(&"a".repeat(300), &[]).await.is(400, "invalid_path");
    door.get("%252e%252e%252fadmin.token", &[]).await.is(404, "not_found");
    door.list("?path=../..").await.is(400, "invalid_path");
    let body = json!({ "path": "../admin.token", "content": "" });
    door.call(Method::PUT, "/write", body).await.is(400, "invalid_path");
    let body = json!({ "from": "a", "to": "../b" });
    door.call(Method::POST, "/rename", body).await.is(400, "invalid_path");
}

#[tokio::test]
async fn files_are_made_written_read_listed_moved_and_deleted_as_json() {
    let door = need!(local, door().await);
    let made = json!({ "path": "src/deep", "type": "directory" });
    assert_eq!(door.call(Method::POST, "/create", made.clone()).await.status, StatusCode::CREATED);
    door.call(Method::POST, "/create", made).await.is(409, "exists");
    let file = json!({ "path": "src/a.bin", "content": "AP8=", "encoding": "base64" });
    assert_eq!(door.call(Method::PUT, "/write", file).await.status, StatusCode::CREATED);
    let read = door.list("/read?path=src/a.bin").await;
    assert_eq!((&read.json["content"], &read.json["encoding"]), (&json!("AP8="), &json!("base64")));
    let moved = json!({ "from": "src/a.bin", "to": "src/deep/b.bin" });
    assert_eq!(door.call(Method::POST, "/rename", moved).await.json["success"], true);
    let listed = door.list("?recursive=true&path=src").await;
    let shown = listed.json["files"].as_array().unwrap().iter();
    let shown: Vec<_> = shown
        .map(|file| (file["path"].as_str().unwrap(), file["type"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("src/deep", "directory"), ("src/deep/b.bin", "file")]);
    door.call(Method::DELETE, "/delete", json!({ "path": "src" })).await.is(409, "not_empty");
    let all = json!({ "path": "src", "recursive": true });
    assert_eq!(door.call(Method::DELETE, "/delete", all.clone()).await.json["deleted"], true);
    assert_eq!(door.call(Method::DELETE, "/delete", all).await.json["deleted"], false);
    let by_query =
        answer(door.0.request(Method::DELETE, "/api/v1/projects/todo/files/delete?path=x")).await;
    assert_eq!(by_query.json["success"], true);
}

#[tokio::test]
async fn a_list_goes_on_where_the_page_before_ended() {
    let door = need!(local, door().await);
    door.put("a", "").await;
    door.put("b", "").await;
    let first = door.list("?path=&limit=1").await;
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let second = door.list(&format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(
        (&first.json["files"][0]["name"], &second.json["files"][0]["name"]),
        (&json!("a"), &json!("b"))
    );
    assert_eq!(second.json["next_cursor"], Value::Null);
    door.list("?cursor=*").await.is(400, "invalid_cursor");
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_refused_before_it_is_sent() {
    let door = need!(local, door_of(&[("LOCKHOUSE_FILES__MAX_FILE_BYTES", "8000000")]).await);
    let path = "/api/v1/projects/todo/content/big";
    let body = vec![0_u8; 8_000_001];
    let sent = door.0.request(Method::PUT, path).header("expect", "100-continue").body(body);
    // The server may close the connection before all of it is sent.
    let refused = sent.send().await.map(|answer| answer.status());
    assert!(
        refused.is_err() || refused.is_ok_and(|status| status == StatusCode::PAYLOAD_TOO_LARGE)
    );
    door.get("big", &[]).await.is(404, "not_found");
}

#[tokio::test]
async fn an_upload_larger_than_a_json_body_may_be_is_saved() {
    let door = need!(local, door().await);
    door.put("big", &"x".repeat(10_000_000)).await;
    assert_eq!(door.list("").await.json["files"][0]["size"], 10_000_000);
}

#[tokio::test]
async fn odd_headers_and_bodies_are_refused_with_a_reason() {
    let door = need!(local, door().await);
    let both = [("if-match", "*"), ("if-none-match", "*")];
    door.content(Method::PUT, "a", &both, "").await.is(400, "invalid_precondition");
    let part = [("content-range", "bytes 0-1/2")];
    door.content(Method::PUT, "a", &part, "").await.is(400, "partial_save");
    let bad = json!({ "path": "a", "content": "*", "encoding": "base64" });
    door.call(Method::PUT, "/write", bad).await.is(400, "invalid_content");
    let none = answer(door.0.request(Method::DELETE, "/api/v1/projects/todo/files/delete")).await;
    none.is(400, "invalid_query");
    door.list("?nonsense=1").await.is(400, "invalid_query");
}

#[tokio::test]
async fn every_change_of_a_file_is_in_the_record() {
    let door = need!(local, door().await);
    door.put("a.txt", "one").await;
    door.content(Method::DELETE, "a.txt", &[], "").await;
    let database = crate::databases::opened(door.0.data()).await;
    let entries: Vec<(String, String)> =
        sqlx::query_as("SELECT action, phase FROM audit_entries WHERE target = $1 ORDER BY seq")
            .bind("project/todo/a.txt")
            .fetch_all(database.pool())
            .await
            .unwrap();
    let entries: Vec<_> = entries.iter().map(|(a, p)| (a.as_str(), p.as_str())).collect();
    let begun = [("file.write", "begun"), ("file.delete", "begun")];
    assert!(begun.iter().all(|entry| entries.contains(entry)), "{entries:?}");
    assert!(entries.contains(&("file.write", "finished")), "{entries:?}");
}

#[tokio::test]
async fn many_changes_are_made_at_once_or_not_at_all() {
    let door = need!(local, door().await);
    let bare =
        json!([{ "path": "a.txt", "content": "a" }, { "path": "src/b.txt", "content": "b" }]);
    let done = door.call(Method::POST, "/batch", bare).await;
    assert_eq!((&done.json["success"], &done.json["files_written"]), (&json!(true), &json!(2)));
    let mixed = json!([
        { "op": "rename", "from": "a.txt", "to": "c.txt" },
        { "op": "create", "path": "new", "type": "directory" },
        { "op": "delete", "path": "src", "recursive": true },
        { "op": "write", "path": "c.txt", "content": "AP8=", "encoding": "base64" },
    ]);
    let done = door.call(Method::POST, "/batch", json!({ "operations": mixed })).await;
    assert_eq!(done.json["operations"], 4, "{}", done.text);
    let failing = json!([
        { "op": "write", "path": "c.txt", "content": "never" },
        { "op": "rename", "from": "none", "to": "x" },
    ]);
    let refused = door.call(Method::POST, "/batch", failing).await;
    refused.is(404, "not_found");
    assert_eq!(refused.json["operation"], 2);
    let paths: Vec<_> =
        door.list("?recursive=true").await.json["files"].as_array().unwrap().clone();
    let paths: Vec<_> = paths.iter().map(|file| file["path"].clone()).collect();
    assert_eq!(paths, ["c.txt", "new"]);
    assert_eq!(door.list("/read?path=c.txt").await.json["content"], "AP8=");
}

#[tokio::test]
async fn a_batch_that_says_what_is_no_part_of_it_is_refused() {
    let door = need!(local, door().await);
    let bad = json!([{ "op": "delete", "path": "a", "content": "x" }]);
    door.call(Method::POST, "/batch", bad).await.is(400, "invalid_operation");
    let bad = json!([{ "op": "write", "path": "a" }]);
    door.call(Method::POST, "/batch", bad).await.is(400, "invalid_operation");
    let bad = json!([{ "op": "write", "path": "../a", "content": "" }]);
    door.call(Method::POST, "/batch", bad).await.is(400, "invalid_path");
    let many: Value =
        (0..1_001).map(|n| json!({ "path": format!("f{n}"), "content": "" })).collect();
    door.call(Method::POST, "/batch", many).await.is(413, "too_large");
}

#[tokio::test]
async fn a_search_over_http_tells_where_and_whether_there_is_more() {
    let door = need!(local, door().await);
    door.put("src/a.py", "import os\nneedle = 1\nneedle = 2\n").await;
    door.put("b.txt", "needle").await;
    let search = "/api/v1/projects/todo/search";
    let found = door.0.get(&format!("{search}?q=needle%20%3D&glob=*.py&limit=1")).await;
    let expected = json!({ "path": "src/a.py", "line": 2, "column": 1, "preview": "needle = 1" });
    assert_eq!(found.json["matches"], json!([expected]), "{}", found.text);
    assert_eq!((&found.json["truncated"], &found.json["reason"]), (&json!(true), &json!("limit")));
    let all = door.0.get(&format!("{search}?q=^needle&regex=true")).await;
    assert_eq!(all.json["matches"].as_array().unwrap().len(), 3);
    door.0.get(&format!("{search}?q=(&regex=true")).await.is(400, "invalid_search");
    door.0.get(&format!("{search}?q=")).await.is(400, "invalid_search");
}

#[tokio::test]
async fn a_project_is_taken_away_and_brought_as_an_archive() {
    let door = need!(local, door().await);
    door.put("src/a.txt", "one").await;
    let path = "/api/v1/projects/todo/archive?format=tar.gz";
    let sent = door.0.request(Method::GET, path).send().await.unwrap();
    assert_eq!(sent.headers()["content-disposition"], "attachment; filename=\"todo.tar.gz\"");
    assert_eq!(sent.headers()["content-type"], "application/gzip");
    let archive = sent.bytes().await.unwrap();
    let back = door.0.request(Method::POST, &format!("{path}&path=copy")).body(archive);
    let back = answer(back).await;
    assert_eq!(
        (&back.json["created"], &back.json["changed"]),
        (&json!(3), &json!(0)),
        "{}",
        back.text
    );
    assert_eq!(door.get("copy/src/a.txt", &[]).await.text, "one");
    let bad = door.0.request(Method::POST, path).body("no archive");
    answer(bad).await.is(400, "invalid_archive");
    door.0.get("/api/v1/projects/todo/archive?format=rar").await.is(400, "invalid_query");
}

#[tokio::test]
async fn what_a_command_changes_is_told_to_who_watches() {
    let host = Host::start(need!(local, engine("local").await)).await;
    host.has_running_project("todo").await;
    let watch = host.request(Method::GET, "/api/v1/projects/todo/watch");
    let made = |event: &Value| event["path"] == "src/made.txt";
    let touching = keeps_on(|| host.run("todo", "mkdir -p src && date +%N > src/made.txt"));
    let events = tokio::select! {
        events = host.events_until(watch, made) => events,
        never = touching => match never {},
    };
    assert_eq!(events[0]["type"], "ready");
    assert!(events.last().unwrap()["seq"].as_u64().is_some());
}

/// Does something again and again: who watches may begin to at any moment.
async fn keeps_on<T, F: Future<Output = T>>(work: impl Fn() -> F) -> std::convert::Infallible {
    loop {
        work().await;
    }
}

#[tokio::test]
async fn a_watcher_over_http_goes_on_where_it_was() {
    let door = need!(local, door().await);
    let watch = || door.0.request(Method::GET, "/api/v1/projects/todo/watch");
    let is = |path: &'static str| move |event: &Value| event["path"] == path;
    let first = tokio::select! {
        events = door.0.events_until(watch(), is("a.txt")) => events,
        never = keeps_on(|| door.put("a.txt", "again")) => match never {},
    };
    let last = first.last().unwrap()["seq"].to_string();
    door.put("b.txt", "").await;
    let again = watch().header("last-event-id", last);
    let events = door.0.events_until(again, is("b.txt")).await;
    assert_eq!(events.last().unwrap()["type"], "created");
    let early = watch().header("last-event-id", "1");
    let told = door.0.events_until(early, |event| event["type"] == "overflow").await;
    assert_eq!(told.len(), 2);
}

#[tokio::test]
async fn a_gigabyte_is_sent_in_little_memory() {
    let door = need!(local, door().await);
    door.put("first", "warm").await;
    let id = door.0.get("/api/v1/projects/todo").await.json["id"].as_str().unwrap().to_owned();
    let file = door.0.data().join("projects").join(id).join("big");
    std::fs::File::create(file).unwrap().set_len(1024 * 1024 * 1024).unwrap();
    let before = most_memory(door.0.data());
    let path = "/api/v1/projects/todo/content/big";
    let mut sent = door.0.request(Method::GET, path).send().await.unwrap();
    let mut count = 0;
    while let Some(piece) = sent.chunk().await.unwrap() {
        count += piece.len();
    }
    assert_eq!(count, 1024 * 1024 * 1024);
    let grown = most_memory(door.0.data()) - before;
    assert!(grown < 64 * 1024, "{grown} KiB more");
}

/// The most memory that the server ever held, in KiB.
fn most_memory(data: &std::path::Path) -> u64 {
    let told: Value =
        serde_json::from_slice(&std::fs::read(data.join("server.json")).unwrap()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", told["pid"])).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_deleted_project_can_be_taken_back() {
    let door = need!(local, door().await);
    door.put("a.txt", "one").await;
    let deleted = door.0.delete("/api/v1/projects/todo").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    door.0.get("/api/v1/projects/todo").await.is(404, "not_found");
    let listed = door.0.get("/api/v1/deleted-projects").await;
    assert_eq!(listed.json["projects"][0]["name"], "todo");
    let back = door.0.post("/api/v1/projects/todo/restore", json!({})).await;
    assert_eq!(back.json["name"], "todo", "{}", back.text);
    assert_eq!(door.get("a.txt", &[]).await.text, "one");
    door.0.delete("/api/v1/projects/todo?purge=true").await;
    door.0.post("/api/v1/projects/todo/restore", json!({})).await.is(404, "not_found");
}

#[tokio::test]
async fn a_deleted_project_can_be_purged_later() {
    let door = need!(local, door().await);
    let deleted = door.0.delete("/api/v1/projects/todo").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    door.0.delete("/api/v1/projects/todo?purge=true").await;
    let listed = door.0.get("/api/v1/deleted-projects").await;
    assert_eq!(listed.json["projects"], json!([]));
    door.0.post("/api/v1/projects/todo/restore", json!({})).await.is(404, "not_found");
}
