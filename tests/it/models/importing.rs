//! Models as guests see them: as far as granted, and never the key.

use lockhouse::agents::{Agent as _, Models, ProviderName};
use lockhouse::plugins::{AgentPlugin, Config, Grant, Granted, LoadOptions, Plugins, Rooms};

use super::provider::{KEY, Provider, Turn};
use super::{entry, lent};
use crate::plugins::fixture;
use crate::plugins::harness::{brief, folder, refusal};
use crate::plugins::rooms::granted;

/// One message by the user, “hi”, to the model “default”.
const MODEL: &str = r#"
    (import "lockhouse:host/model@0.1.0" "ask"
        (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (data (i32.const 1024) "default")
    (data (i32.const 1040) "hi")
    (data (i32.const 1056) "\01\00\00\00\10\04\00\00\02\00\00\00")"#;

/// An agent that says what the model answers, or why it does not.
fn tells() -> Vec<u8> {
    let plan = format!(
        "(call $ask (i32.const 1024) (i32.const 7) (i32.const 1056) (i32.const 1)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 2048))
         (if (i32.load8_u (i32.const 2048)) (then {}))
         {} (unreachable)",
        fixture::says(2060, 2064),
        fixture::says(2056, 2060)
    );
    fixture::agent_with(MODEL, &plan)
}

async fn loaded(models: Models, granted: &Granted) -> AgentPlugin {
    let rooms = Rooms { models, ..Rooms::default() };
    let host = Plugins::start(Config::default(), Some(&folder()), rooms).unwrap();
    let options = LoadOptions { settings: "{}", granted: granted.clone() };
    host.load("fixture.wasm", &tells(), options).await.unwrap().into_agent().unwrap()
}

async fn says(agent: &AgentPlugin) -> String {
    let (progress, _reports) = tokio::sync::mpsc::channel(1);
    agent.plan(&brief("what does it say?"), &progress).await.unwrap_err().to_string()
}

fn the_default() -> Grant {
    Grant::Model("default".to_owned())
}

#[tokio::test]
async fn a_model_that_was_granted_answers() {
    let provider = Provider::start(|_, _| Turn::Says("Hello!".to_owned())).await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    let agent = loaded(models, &granted(the_default())).await;
    assert_eq!(says(&agent).await, "Hello!");
    assert_eq!(provider.asked()[0].says(), "hi");
}

#[tokio::test]
async fn a_model_that_was_not_granted_is_not_asked() {
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    let agent = loaded(models, &Granted::new([the_default()], [])).await;
    let said = says(&agent).await;
    assert!(said.contains("`lockhouse plugin grant fixture model/default`"), "{said}");
    assert!(provider.asked().is_empty());
}

#[tokio::test]
async fn a_model_that_is_revoked_is_not_asked_again() {
    let provider = Provider::start(|_, _| Turn::Says("Hello!".to_owned())).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    let given = granted(the_default());
    let agent = loaded(models, &given).await;
    assert_eq!(says(&agent).await, "Hello!");
    given.replace([]);
    let said = says(&agent).await;
    assert!(said.contains("was not granted “model/default”"), "{said}");
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn where_there_is_no_model_it_is_said_what_to_set() {
    let agent = loaded(Models::default(), &Granted::new([the_default()], [])).await;
    let said = says(&agent).await;
    assert!(said.contains("ANTHROPIC_API_KEY, or [models.default]"), "{said}");
}

#[tokio::test]
async fn a_guest_never_sees_the_key() {
    let provider = Provider::start(|n, _| match n {
        0 => Turn::Says(format!("You sent {KEY}.")),
        _ => Turn::Fails(400, KEY, None),
    })
    .await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    let agent = loaded(models, &granted(the_default())).await;
    assert_eq!(says(&agent).await, "You sent ….");
    let said = says(&agent).await;
    assert!(said.contains("it answers 400 …"), "{said}");
}

#[tokio::test]
async fn a_policy_may_not_import_models() {
    let ask = r#"(import "lockhouse:host/model@0.1.0" "ask"
        (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let strange = fixture::policy_of_world("consulting", ask, "(unreachable)");
    let error = refusal(&strange, "{}").await.to_string();
    assert!(error.contains("imports lockhouse:host/model@0.1.0"), "{error}");
    assert!(error.contains("offers it to planner, writer, fixer"), "{error}");
}
