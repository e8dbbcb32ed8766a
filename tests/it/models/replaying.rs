//! A run's questions to a model, answered again without it, lead to the same;
//! and one that is cancelled ends with its question.

use lockhouse::agents::{Event, ModelCall, Models, ProviderName, State};
use lockhouse::plugins::{AgentPlugin, Config, Grant, LoadOptions, Plugins, Rooms};

use super::generating::greets;
use super::provider::{Provider, Turn};
use super::{entry, lent};
use crate::agents::{Room, failure, write_only};
use crate::plugins::harness::{built, folder};
use crate::plugins::rooms::granted;

/// The agent that is built in, with these models.
async fn agent(models: Models) -> AgentPlugin {
    let rooms = Rooms { models, ..Rooms::default() };
    let host = Plugins::start(Config::default(), Some(&folder()), rooms).unwrap();
    let granted = granted(Grant::Model("default".to_owned()));
    let options = LoadOptions { settings: "{}", granted };
    let bytes = built("model-agent").unwrap();
    host.load("model-agent", &bytes, options).await.unwrap().into_agent().unwrap()
}

fn is_built() -> Result<(), String> {
    built("model-agent").map(drop).ok_or("run `cargo run -p guests`".to_owned())
}

fn calls(events: &[Event]) -> Vec<ModelCall> {
    let call = |event: &Event| match event {
        Event::Model(call) => Some((**call).clone()),
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

#[tokio::test]
async fn a_run_is_replayed_bit_for_bit_without_the_model() {
    need!(plugins, is_built());
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let first = Room::with(agent(lent(entry(&provider, ProviderName::Anthropic))).await).await;
    let told = first.generates(write_only("a page that greets")).await;
    assert_eq!(told.last(), Some(&Event::Done { serves: false }), "{told:?}");
    drop(provider);
    let again = Room::with(agent(Models::recorded(calls(&told))).await).await;
    assert_eq!(again.generates(write_only("a page that greets")).await, told);
    assert!(again.file("app.py").unwrap().contains("def greeting"));
    assert_eq!(again.file("app.py"), first.file("app.py"));
    assert_eq!(again.file("test_app.py"), first.file("test_app.py"));
}

#[tokio::test]
async fn a_replay_of_another_prompt_fails_and_says_so() {
    need!(plugins, is_built());
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let room = Room::with(agent(lent(entry(&provider, ProviderName::OpenAi))).await).await;
    let told = room.generates(write_only("a page that greets")).await;
    let again = Room::with(agent(Models::recorded(calls(&told))).await).await;
    let events = again.generates(write_only("another page")).await;
    assert!(failure(&events).contains("is not the one that was recorded"), "{events:?}");
}

#[tokio::test]
async fn a_failed_question_is_kept_as_well() {
    need!(plugins, is_built());
    let provider = Provider::start(|_, _| Turn::Fails(400, "No such model.", None)).await;
    let room = Room::with(agent(lent(entry(&provider, ProviderName::OpenAi))).await).await;
    let told = room.generates(write_only("a page that greets")).await;
    assert!(failure(&told).contains("No such model"), "{told:?}");
    let error = calls(&told)[0].outcome.clone().unwrap_err().to_string();
    assert!(error.contains("No such model"), "{error}");
}

#[tokio::test]
async fn a_cancelled_run_ends_its_question_to_the_model() {
    need!(plugins, is_built());
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let room = Room::with(agent(lent(entry(&provider, ProviderName::Anthropic))).await).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("a page that greets")).await.unwrap();
    provider.hangs(1).await;
    let run = agents.cancel(&room.permit().await, &run).await.unwrap();
    assert_eq!(run.state, State::Cancelled);
    provider.hangs(0).await;
}
