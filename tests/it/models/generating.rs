//! A prompt becomes a running project through a model: planned, written,
//! repaired, and kept so that it can be answered again without one.

use lockhouse::agents::ProviderName;
use reqwest::Method;
use serde_json::{Value, json};

use super::provider::{Asked, KEY};
pub(crate) use super::provider::{Provider, Turn};
use crate::host::{Host, answer, engine, lockhouse};
use crate::plugins::harness::built;

const PROMPT: &str = "a page that greets";

const APP: &str = r#"import http.server
import os


def greeting():
    return "Helo"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = greeting().encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8000"))
    http.server.HTTPServer(("127.0.0.1", port), Page).serve_forever()
"#;

const TEST: &str = r#"import unittest

import app


class Greeting(unittest.TestCase):
    def test_it_greets(self):
        self.assertEqual(app.greeting(), "Hello")
"#;

/// A model that plans a page, misspells it, and repairs it when it is shown.
pub(crate) fn greets(asked: &Asked) -> Turn {
    let said = asked.says();
    let file = |text: &str| json!({ "content": text, "executable": false });
    let answer = if said.starts_with("Plan the project") {
        json!({ "kind": "python", "summary": "A page that greets.", "notes": "app.greeting()",
            "files": [{ "path": "app.py", "purpose": "The page." },
                { "path": "test_app.py", "purpose": "Its test." }],
            "install": [], "start": "python3 app.py", "port": 8000,
            "checks": [{ "command": "python3 -m unittest -q" }, { "path": "/", "status": 200 }] })
    } else if said.contains("Now write app.py") {
        file(APP)
    } else if said.contains("Now write test_app.py") {
        file(TEST)
    } else if said.contains("'Helo' != 'Hello'") {
        let content = APP.replace("Helo", "Hello");
        json!({ "reason": "A letter is missing.", "edits": [{ "path": "app.py", "content": content }] })
    } else {
        return Turn::Fails(400, "nobody expects this question", None);
    };
    Turn::Says(answer.to_string())
}

/// What makes this provider's model the one that agents are lent.
pub(crate) fn model(provider: &Provider, api: ProviderName) -> Vec<(&'static str, &'static str)> {
    let name = if api == ProviderName::OpenAi { "openai" } else { "anthropic" };
    let variables = [
        ("LOCKHOUSE_MODELS__DEFAULT__PROVIDER", name.to_owned()),
        ("LOCKHOUSE_MODELS__DEFAULT__BASE_URL", provider.base_url(api)),
        ("LOCKHOUSE_MODELS__DEFAULT__MODEL", "a-model".to_owned()),
        ("LOCKHOUSE_MODELS__DEFAULT__API_KEY", KEY.to_owned()),
        ("LOCKHOUSE_AGENTS__DEFAULT", "model-agent".to_owned()),
        ("LOCKHOUSE_LOG__FILTER", "debug".to_owned()),
    ];
    variables.map(|(key, value)| (key, &*value.leak())).to_vec()
}

/// The model is granted to the agent that asks one.
pub(crate) async fn grants(host: &Host) {
    let path = "/api/v1/admin/plugins/model-agent/grants";
    let body = json!({ "grants": ["model/default"] });
    let granted = answer(host.request(Method::PUT, path).json(&body)).await;
    assert!(granted.status.is_success(), "{}", granted.text);
}

/// A server whose model is this provider's; with its grant.
async fn server(provider: &Provider, api: ProviderName) -> Host {
    let host = Host::start_with("local", model(provider, api).leak()).await;
    grants(&host).await;
    host
}

/// Generates the project and answers with the run's id and its events.
pub(crate) async fn generates(host: &Host) -> (String, Vec<Value>) {
    let body = json!({ "prompt": PROMPT, "run": true });
    let begun = host.post("/api/v1/projects/greeter/generate", body).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let run = begun.json["run_id"].as_str().unwrap().to_owned();
    let events = host.request(Method::GET, &format!("/api/v1/runs/{run}/events"));
    let is_last = |event: &Value| event["type"] == "done" || event["type"] == "failed";
    let events = host.events_until(events, is_last).await;
    (run, events)
}

async fn a_prompt_becomes_a_running_project(api: ProviderName) -> (Host, String) {
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let host = server(&provider, api).await;
    let (run, events) = generates(&host).await;
    assert_eq!(events.last().unwrap()["type"], "done", "{events:#?}");
    assert!(events.iter().any(|event| event["state"] == "fixing"), "{events:#?}");
    assert_eq!(host.get("/api/v1/preview/greeter/").await.text, "Hello");
    let transcript = host.get(&format!("/api/v1/runs/{run}/transcript")).await.text;
    (host, transcript)
}

#[tokio::test]
async fn a_prompt_becomes_a_running_project_through_anthropics_api() {
    need!(local, engine("local").await);
    let (host, transcript) = a_prompt_becomes_a_running_project(ProviderName::Anthropic).await;
    let log = std::fs::read_to_string(host.data().join("server.log")).unwrap();
    assert!(log.contains("DEBUG") && !log.contains(KEY), "the key stands in the log");
    assert!(transcript.contains("a page that greets") && !transcript.contains(KEY));
    let metrics = host.get("/metrics").await.text;
    let tokens = r#"model_tokens_total{model="default",direction="input"} 80"#;
    assert!(metrics.contains(tokens), "{metrics}");
    let kept = "SELECT CAST(SUM(input_tokens) AS BIGINT) FROM model_spend WHERE model = 'default'";
    assert_eq!(host.rows(kept).await, 80);
}

#[tokio::test]
async fn a_run_through_openais_api_is_replayed_from_its_transcript() {
    need!(local, engine("local").await);
    let (_host, transcript) = a_prompt_becomes_a_running_project(ProviderName::OpenAi).await;
    let folder = tempfile::tempdir().unwrap();
    let cases = format!(
        "[[case]]\nprompt = {PROMPT:?}\nproject.name = \"greeter\"\nkind = \"python\"\n\
         expect_files = [\"app.py\", \"test_app.py\"]\n"
    );
    std::fs::write(folder.path().join("cases.toml"), cases).unwrap();
    std::fs::write(folder.path().join("run.ndjson"), transcript).unwrap();
    std::fs::write(folder.path().join("agent.wasm"), built("model-agent").unwrap()).unwrap();
    let replay = ["plugin", "test", "agent.wasm", "cases.toml", "--replay", "run.ndjson"];
    let mut command = lockhouse();
    command.args(replay).args(["--data", "."]).current_dir(folder.path());
    let output = command.output().await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("1 cases: 1 hold, 0 fail"), "{printed} {output:?}");
}

#[tokio::test]
async fn without_its_grant_the_run_says_how_to_give_it() {
    need!(local, engine("local").await);
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let host = server(&provider, ProviderName::Anthropic).await;
    let path = "/api/v1/admin/plugins/model-agent/grants";
    answer(host.request(Method::PUT, path).json(&json!({ "grants": [] }))).await;
    let (_, events) = generates(&host).await;
    let error = events.last().unwrap()["error"].as_str().unwrap();
    assert!(error.contains("`lockhouse plugin grant model-agent model/default`"), "{error}");
    assert!(provider.asked().is_empty());
}

#[tokio::test]
async fn who_has_used_the_tokens_of_a_day_gets_no_more_answers() {
    need!(local, engine("local").await);
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let host = server(&provider, ProviderName::Anthropic).await;
    let quota = json!({ "user": "admin", "model_tokens": 10 });
    let set = host.post("/api/v1/admin/quotas", quota).await;
    assert_eq!(set.json["model_tokens"], 10, "{}", set.text);
    let (_, events) = generates(&host).await;
    let error = events.last().unwrap()["error"].as_str().unwrap();
    assert!(error.contains("the 10 tokens of models that you may use in a day"), "{error}");
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn the_offline_agent_is_asked_where_nobody_says_otherwise() {
    let host = Host::start(need!(local, engine("local").await)).await;
    let agents = host.get("/api/v1/agents").await.json;
    let agents = agents["agents"].as_array().unwrap();
    let names: Vec<_> = agents.iter().map(|a| (&a["name"], &a["default"])).collect();
    let named = [("scaffold@0.1.0", true), ("model-agent@0.1.0", false)];
    let named = named.map(|(name, default)| (json!(name), json!(default)));
    assert_eq!(names, named.each_ref().map(|(name, default)| (name, default)));
}
