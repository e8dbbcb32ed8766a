//! A project's files over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine};

/// A server with a project `todo`.
struct Door(Host);

/// For `need!(local, …)`.
async fn door() -> Result<Door, String> {
    let host = Host::start(engine("local").await?).await;
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
    let door = need!(local, door().await);
    let path = "/api/v1/projects/todo/content/big";
    let body = vec![0_u8; 64 * 1024 * 1024 + 1];
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
    let config = lockhouse::db::Config::default();
    let database = lockhouse::db::Db::open(&config, door.0.data()).await.unwrap();
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
