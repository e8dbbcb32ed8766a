//! Reviews over HTTP and from the command line.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine, lockhouse};

/// A server on which ada, who learns, has a project, and rex reviews.
struct Class {
    host: Host,
    ada: String,
    rex: String,
}

/// For `need!(local, …)`.
async fn class() -> Result<Class, String> {
    let host = Host::start(engine("local").await?).await;
    let ada = host.token("ada", "learner", "write").await;
    let rex = host.token("rex", "reviewer", "write").await;
    let class = Class { host, ada, rex };
    let made = class.ada(Method::POST, "/projects", json!({ "name": "todo" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    Ok(class)
}

impl Class {
    async fn by(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let request = self.host.as_nobody(method, &format!("/api/v1{path}"));
        answer(request.bearer_auth(token).json(&body)).await
    }

    async fn ada(&self, method: Method, path: &str, body: Value) -> Answer {
        self.by(&self.ada, method, path, body).await
    }

    async fn rex(&self, method: Method, path: &str, body: Value) -> Answer {
        self.by(&self.rex, method, path, body).await
    }

    async fn writes(&self, path: &str, content: &str) {
        let path = format!("/api/v1/projects/todo/content/{path}");
        let request = self.host.as_nobody(Method::PUT, &path).bearer_auth(&self.ada);
        let saved = answer(request.body(content.to_owned())).await;
        assert!(saved.status.is_success(), "{}", saved.text);
    }

    /// Hands the project in; answers where the submission is.
    async fn submits(&self, message: &str) -> String {
        let wish = json!({ "message": message });
        let made = self.ada(Method::POST, "/projects/todo/submissions", wish).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        format!("/submissions/{}", made.json["id"].as_str().unwrap())
    }

    async fn reads(&self, path: &str, accept: &str) -> Answer {
        let request = self.host.as_nobody(Method::GET, &format!("/api/v1{path}"));
        answer(request.bearer_auth(&self.rex).header("accept", accept)).await
    }
}

#[tokio::test]
async fn a_project_is_handed_in_remarked_on_and_approved() {
    let class = need!(local, class().await);
    class.writes("a.py", "1\n2\n").await;
    let first = class.submits("please").await;
    let remark = json!({ "file": "a.py", "line": 2, "body": "why?" });
    let made = class.rex(Method::POST, &format!("{first}/comments"), remark).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let wish = json!({ "verdict": "changes_requested", "body": "see there" });
    let judged = class.rex(Method::POST, &format!("{first}/verdict"), wish).await;
    assert_eq!(judged.json["state"], "changes_requested", "{}", judged.text);
    class.writes("a.py", "0\n1\n2\n").await;
    let second = class.submits("").await;
    let shown = class.ada(Method::GET, &format!("{second}/comments"), json!({})).await.json;
    let remark = &shown["comments"][0];
    assert_eq!((&remark["line"], &remark["origin"]["line"]), (&json!(3), &json!(2)), "{shown}");
    let waiting = class.rex(Method::GET, "/submissions?state=open", json!({})).await.json;
    assert_eq!(waiting["submissions"][0]["number"], 2);
    let wish = json!({ "verdict": "approved" });
    let judged = class.rex(Method::POST, &format!("{second}/verdict"), wish).await;
    assert_eq!(judged.json["verdicts"][0]["author"], "rex", "{}", judged.text);
}

#[tokio::test]
async fn nobody_judges_their_own_submission_and_strangers_see_none() {
    let class = need!(local, class().await);
    let submission = class.submits("").await;
    let approved = json!({ "verdict": "approved" });
    let own = class.ada(Method::POST, &format!("{submission}/verdict"), approved.clone()).await;
    assert_eq!((own.status.as_u16(), &own.json["code"]), (403, &json!("own_work")));
    let bob = class.host.token("bob", "learner", "write").await;
    let verdict = format!("{submission}/verdict");
    let hidden = class.by(&bob, Method::POST, &verdict, approved.clone()).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", hidden.text);
    let gone = class.rex(Method::DELETE, &submission, json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);
    let looker = class.host.token("rex", "reviewer", "read").await;
    let refused = class.by(&looker, Method::POST, &verdict, approved).await;
    assert_eq!(refused.json["code"], "read_only", "{}", refused.text);
    assert_eq!(class.by(&looker, Method::GET, &submission, json!({})).await.status, 200);
}

#[tokio::test]
async fn who_handed_it_in_for_somebody_does_not_judge_it() {
    let class = need!(local, class().await);
    let project = class.ada(Method::GET, "/projects/todo", json!({})).await.json;
    let path = format!("/api/v1/projects/{}/submissions", project["id"].as_str().unwrap());
    let made = class.host.post(&path, json!({})).await;
    let verdict = format!("/api/v1/submissions/{}/verdict", made.json["id"].as_str().unwrap());
    let own = class.host.post(&verdict, json!({ "verdict": "approved" })).await;
    assert_eq!(own.json["code"], "own_work", "{}", own.text);
}

#[tokio::test]
async fn a_reviewer_sees_what_was_handed_in_and_nothing_else() {
    let class = need!(local, class().await);
    class.writes("a.html", "<script>").await;
    let submission = class.submits("").await;
    class.writes("a.html", "later").await;
    let file = class.reads(&format!("{submission}/files/a.html"), "*/*").await;
    assert_eq!(file.text, "<script>");
    assert_eq!(file.headers["content-security-policy"], "sandbox; default-src 'none'");
    let listed = class.reads(&format!("{submission}/files"), "*/*").await.json;
    assert_eq!(listed["files"][0]["path"], "a.html");
    let id = class.reads(&submission, "*/*").await.json["project_id"].as_str().unwrap().to_owned();
    for path in ["", "/files", "/content/a.html", "/submissions"] {
        let live = class.reads(&format!("/projects/{id}{path}"), "*/*").await;
        assert_eq!(live.status, StatusCode::NOT_FOUND, "{path}: {}", live.text);
    }
}

/// Two versions of a project: names, ends and modes that are easily got wrong.
const BEFORE: [(&str, &str); 5] = [
    ("a b.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"),
    ("gone", "x"),
    ("old/name.py", "one\ntwo\nthree\nfour\n"),
    ("open end", "1\n2"),
    ("naïve", "x\n"),
];
const AFTER: [(&str, &str); 5] = [
    ("a b.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\neleven\n12\n"),
    ("new/name.py", "one\ntwo\nthree\nfour\nfive\n"),
    ("open end", "1\n2\n3"),
    ("naïve", "y\n"),
    ("say \"x\"", "new\n"),
];

fn write_all(folder: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let place = folder.join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, content).unwrap();
    }
}

fn read_all(folder: &Path, files: &[(&str, &str)]) -> Vec<String> {
    files.iter().map(|(path, _)| std::fs::read_to_string(folder.join(path)).unwrap()).collect()
}

/// As a tool of this machine carries a diff out.
fn applies(folder: &Path, diff: &str) -> Result<(), String> {
    std::fs::write(folder.join("diff"), diff).unwrap();
    let mut git = std::process::Command::new("git");
    let applied = git.args(["apply", "--verbose", "diff"]).current_dir(folder).output();
    let applied = applied.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&applied.stderr);
    assert!(applied.status.success(), "{said}\n{diff}");
    Ok(())
}

#[tokio::test]
async fn what_the_unified_diff_says_can_be_carried_out() {
    let class = need!(local, class().await);
    for (path, content) in BEFORE {
        class.writes(path, content).await;
    }
    class.submits("").await;
    for path in ["gone", "old/name.py"] {
        class.ada(Method::DELETE, &format!("/projects/todo/content/{path}"), json!({})).await;
    }
    for (path, content) in AFTER {
        class.writes(path, content).await;
    }
    let second = class.submits("").await;
    let diff = class.reads(&format!("{second}/diff"), "text/x-diff").await;
    assert_eq!(diff.headers["content-type"], "text/x-diff; charset=utf-8");
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path(), &BEFORE);
    need!(git, applies(folder.path(), &diff.text));
    assert_eq!(read_all(folder.path(), &AFTER), AFTER.map(|(_, content)| content));
    assert!(!folder.path().join("gone").exists() && !folder.path().join("old").exists());
}

#[tokio::test]
async fn a_structured_diff_says_what_became_of_each_file() {
    let class = need!(local, class().await);
    class.writes("a.py", "1\n2\n").await;
    class.submits("").await;
    class.writes("a.py", "1\ntwo\n").await;
    let second = class.submits("").await;
    let diff = class.reads(&format!("{second}/diff"), "application/json").await.json;
    let file = &diff["files"][0];
    assert_eq!((&file["status"], &file["added_lines"]), (&json!("modified"), &json!(1)), "{diff}");
    let line = json!({ "kind": "added", "old": null, "new": 2, "text": "two" });
    assert_eq!(file["hunks"][0]["lines"][2], line, "{diff}");
    let whole = class.reads(&format!("{second}/diff?against=none"), "*/*").await.json;
    assert_eq!((&whole["against"], &whole["files"][0]["status"]), (&Value::Null, &json!("added")));
    let odd = class.reads(&format!("{second}/diff?against=nobody"), "*/*").await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND, "{}", odd.text);
}

#[tokio::test]
async fn reviewers_hear_of_what_is_handed_in_and_owners_of_verdicts() {
    let class = need!(local, class().await);
    let submission = class.submits("").await;
    let wish = json!({ "verdict": "approved" });
    class.rex(Method::POST, &format!("{submission}/verdict"), wish).await;
    for token in [&class.ada, &class.rex] {
        let listen = class.host.as_nobody(Method::GET, "/api/v1/events");
        let listen = listen.bearer_auth(token).header("last-event-id", "0");
        let heard = class.host.events_until(listen, |event| event["change"] == "verdict").await;
        let created = heard.iter().find(|event| event["type"] == "submission").unwrap();
        assert_eq!((&created["change"], &created["by"]), (&json!("created"), &json!("ada")));
        assert_eq!(heard.last().unwrap()["state"], "approved");
    }
    let other = class.host.as_nobody(Method::GET, "/api/v1/events");
    let other = other.bearer_auth(&class.rex).header("last-event-id", "0");
    let heard = class.host.events_until(other, |event| event["change"] == "verdict").await;
    assert!(heard.iter().all(|event| event["type"] == "submission"), "{heard:?}");
}

#[tokio::test]
async fn projects_are_reviewed_from_the_command_line() {
    let class = need!(local, class().await);
    class.writes("a.py", "1\n").await;
    let says = async |token: &str, words: &[&str]| {
        let mut command = lockhouse();
        command.arg("review").args(words).args(["--url", &class.host.url, "--token", token]);
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let made = says(&class.ada, &["submit", "todo", "--message", "please"]).await;
    let id = made.split_whitespace().next().unwrap();
    assert!(says(&class.rex, &["list", "--state", "open"]).await.contains(id));
    assert!(says(&class.rex, &["diff", id]).await.ends_with("@@ -0,0 +1 @@\n+1\n"));
    says(&class.rex, &["comment", id, "why?", "--file", "a.py", "--line", "1"]).await;
    says(&class.rex, &["request-changes", id, "--body", "see there"]).await;
    let shown = says(&class.ada, &["show", id]).await;
    assert!(shown.contains("changes_requested by rex: see there"), "{shown}");
    assert!(shown.contains("a.py:1 rex: why?"), "{shown}");
    assert!(says(&class.rex, &["approve", id]).await.contains("todo #1 by ada, approved"));
}
