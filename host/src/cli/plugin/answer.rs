//! One question to a plugin, and its answer as it is shown.

use serde_json::Value;

use super::show;
use crate::plugins::{Plugin, cases, request};
use crate::policy::CommandPolicy as _;

/// A plugin's answer as JSON, whatever it plays.
pub(super) async fn of(plugin: &Plugin, question: &[u8]) -> anyhow::Result<Value> {
    Ok(match plugin {
        Plugin::Policy(policy) => {
            show::verdict(&policy.evaluate(&request::command(question)?).await?)
        }
        Plugin::Agent(agent) => {
            cases::of_agent(agent, request::question(question)?).await?.to_json()
        }
    })
}
