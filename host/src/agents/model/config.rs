//! Models as the operator configures them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::secret::Secret;

/// The model that `ANTHROPIC_API_KEY` alone makes.
const DEFAULT_MODEL: &str = "claude-sonnet-5-5";

/// The `[models]` part of the configuration: one table for each name.
pub type Config = BTreeMap<String, Entry>;

/// One model under the operator's name for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub provider: ProviderName,
    /// Where the API is; without it, the provider's own address.
    pub base_url: Option<String>,
    /// What the provider calls the model.
    pub model: String,
    /// Sent to the provider, and shown to nobody else.
    pub api_key: Option<Secret>,
    /// A file that holds the key and nothing else.
    pub api_key_file: Option<PathBuf>,
    /// The most tokens of one answer, whatever a plugin asks for.
    #[serde(default = "max_tokens")]
    pub max_tokens: u32,
    /// How long one answer may take, repetitions included.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
}

/// Which API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// The Messages API.
    Anthropic,
    /// Chat completions, which many servers speak.
    #[serde(rename = "openai")]
    OpenAi,
}

/// A model that can't be used; the text says what to change.
#[derive(Debug, thiserror::Error)]
#[error("models.{alias}: {why}")]
pub struct Invalid {
    pub alias: String,
    pub why: String,
}

impl Entry {
    /// What a key for Anthropic says, where nothing else is configured.
    pub fn anthropic(key: Secret) -> Self {
        Self {
            provider: ProviderName::Anthropic,
            base_url: None,
            model: DEFAULT_MODEL.to_owned(),
            api_key: Some(key),
            api_key_file: None,
            max_tokens: max_tokens(),
            timeout_seconds: timeout_seconds(),
        }
    }

    /// Whether nothing says which key is sent.
    pub fn has_no_key(&self) -> bool {
        self.api_key.is_none() && self.api_key_file.is_none()
    }
}

fn max_tokens() -> u32 {
    16_384
}

fn timeout_seconds() -> u64 {
    100
}
