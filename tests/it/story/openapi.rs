//! The API's own description: complete, and the same as was agreed on.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::host::{Host, engine};

async fn description() -> Result<Value, String> {
    Ok(Host::start(engine("local").await?).await.get("/openapi.json").await.json)
}

/// Every operation, under its method and path.
fn operations(description: &Value) -> Vec<(String, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    let items = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    items.collect()
}

/// The media types of a body or an answer, each with what describes it.
fn media(content: &Value) -> Vec<(&String, &Value)> {
    content["content"].as_object().map(|content| content.iter().collect()).unwrap_or_default()
}

#[tokio::test]
async fn the_api_is_as_it_was_agreed_on() {
    let description = need!(local, description().await);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&description).unwrap());
    if std::env::var_os("RENEW").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = now.lines().zip(agreed.lines()).enumerate().find(|(_, (now, then))| now != then);
    assert!(
        now == agreed,
        "the API is not as tests/data/openapi.json says; where it differs first: {differs:?}\n\
         Is the change meant, and no client's loss? Then run this test with RENEW=1, and commit \
         what `git diff tests/data/openapi.json` shows."
    );
}

#[tokio::test]
async fn each_operation_says_what_it_does_and_each_answer_what_it_means() {
    let description = need!(local, description().await);
    let tags = description["tags"].as_array().unwrap().iter();
    let tags: BTreeSet<&str> = tags.map(|tag| tag["name"].as_str().unwrap()).collect();
    let operations = operations(&description);
    let names = operations.iter().map(|(_, operation)| operation["operationId"].as_str().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>().len(), operations.len(), "two have one name");
    for (place, operation) in &operations {
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 3), "{place}");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{place}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert!(!answer["description"].as_str().unwrap().is_empty(), "{place} {status}");
            let described = media(answer).iter().all(|(_, media)| media["schema"].is_object());
            assert!(described, "{place} {status}");
        }
    }
}

#[tokio::test]
async fn each_json_body_has_an_example() {
    let description = need!(local, description().await);
    let schemas = &description["components"]["schemas"];
    for (place, operation) in operations(&description) {
        for (kind, media) in media(&operation["requestBody"]) {
            let named = media["schema"]["$ref"].as_str().and_then(|it| it.rsplit('/').next());
            let schema = named.map_or(&media["schema"], |name| &schemas[name]);
            let is_shown = [&media["example"], &schema["example"], &schema["examples"]];
            let is_shown = is_shown.iter().any(|example| !example.is_null());
            assert!(
                kind != "application/json" || is_shown || schema["oneOf"].is_array(),
                "{place}"
            );
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_is_described_as_it_is_answered() {
    let description = need!(local, description().await);
    for (place, operation) in operations(&description) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let kinds: Vec<_> = media(answer).iter().map(|(kind, _)| kind.as_str()).collect();
            let is_problem = status.ends_with("XX");
            assert!(
                !is_problem || kinds == ["application/problem+json"],
                "{place} {status}: {kinds:?}"
            );
        }
    }
}
