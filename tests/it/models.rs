//! Models that agents are lent: asked as providers want it, within bounds, as
//! far as granted, and answered again from what was kept.

mod asking;
mod bounds;
pub(crate) mod generating;
mod importing;
mod provider;
mod recording;
mod replaying;

use std::time::{Duration, Instant};

use lockhouse::agents::{
    Message, ModelEntry, ModelError, Models, ModelsConfig, ProviderName, Question, Reply, Schema,
    Speaker, Tally,
};
use lockhouse::runtimes::egress::upstream;
use lockhouse::secret::Secret;
use provider::{KEY, Provider};

/// What a run may use, where a test does not care.
const MANY_TOKENS: u64 = 1_000_000;

/// The longest that a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

fn entry(provider: &Provider, api: ProviderName) -> ModelEntry {
    ModelEntry {
        provider: api,
        base_url: Some(provider.base_url(api)),
        model: "a-model".to_owned(),
        api_key: Some(Secret::new(KEY)),
        api_key_file: None,
        max_tokens: 1_000,
        timeout_seconds: 20,
    }
}

fn lent(entry: ModelEntry) -> Models {
    let config = ModelsConfig::from([("default".to_owned(), entry)]);
    Models::open(&config, &upstream::Config::default()).unwrap()
}

fn question(schema: Option<&str>) -> Question {
    let message = |speaker, text: &str| Message { speaker, text: text.to_owned() };
    Question {
        messages: vec![message(Speaker::System, "Be brief."), message(Speaker::User, "How many?")],
        schema: schema.map(|text| Schema::parse(text).unwrap()),
        max_tokens: 100,
    }
}

/// Asks the model `default` once.
async fn ask(models: &Models, question: Question) -> Result<Reply, ModelError> {
    let until = Instant::now() + PATIENCE;
    models.ask("default", question, &Tally::new(MANY_TOKENS), until).await
}
