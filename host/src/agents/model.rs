//! Models that the operator lends to agents: who is asked, within which bounds,
//! and what is kept of it. How providers are spoken to stands below.

mod anthropic;
mod config;
mod openai;
mod provider;
mod recorded;
mod schema;
mod tally;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

pub use config::{Config, Entry, Invalid, ProviderName};
pub use schema::{InvalidSchema, Schema};
pub use tally::{Share, Tally};

use crate::runtimes::egress::upstream;
use provider::Provider;
use recorded::Recording;

/// Messages of one question.
const MAX_MESSAGES: usize = 64;

/// Text of one question.
const MAX_QUESTION_BYTES: usize = 1024 * 1024;

/// Text of one answer.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest name that is looked for.
const MAX_ALIAS_BYTES: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Gives instructions.
    System,
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub speaker: Speaker,
    pub text: String,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub messages: Vec<Message>,
    /// What the answer must fit.
    pub schema: Option<Schema>,
    /// The most tokens of the answer.
    pub max_tokens: u32,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Finished,
    /// It was cut at its limit.
    Length,
    /// The model declined.
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub stop: Stop,
}

/// Why there is no answer; the texts are sentences for who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("The model did not answer in time.")]
    Timeout,
    #[error("{0}")]
    Quota(String),
    #[error("{0}")]
    Unavailable(String),
    /// It answered, but not what it was asked for.
    #[error("{0}")]
    Misfit(String),
}

/// One question and what came of it, as a run's transcript keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCall {
    /// The operator's name for the model.
    pub model: String,
    pub question: Question,
    pub outcome: Result<Reply, ModelError>,
}

/// Answers questions. Dropping the answer's future ends the question.
#[async_trait]
pub trait Model: fmt::Debug + Send + Sync + 'static {
    /// Gives up at `until` at the latest.
    async fn ask(&self, question: &Question, until: Instant) -> Result<Reply, ModelError>;
}

/// The operator's models by their names. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Models(Arc<Source>);

#[derive(Debug)]
enum Source {
    Configured(BTreeMap<String, Lent>),
    /// No model: the answers of a run that was.
    Recorded(Recording),
}

/// A model with what the operator allows of it.
#[derive(Debug)]
struct Lent {
    model: Arc<dyn Model>,
    max_tokens: u32,
    patience: Duration,
}

impl Default for Models {
    fn default() -> Self {
        Self(Arc::new(Source::Configured(BTreeMap::new())))
    }
}

impl Models {
    /// `upstream` is the proxy by which this machine reaches the outside.
    pub fn open(config: &Config, upstream: &upstream::Config) -> Result<Self, Invalid> {
        let lent = |(alias, entry): (&String, &Entry)| {
            let model = Arc::new(Provider::open(alias, entry, upstream)?);
            let patience = Duration::from_secs(entry.timeout_seconds);
            Ok((alias.clone(), Lent { model, max_tokens: entry.max_tokens, patience }))
        };
        let lent = config.iter().map(lent).collect::<Result<_, Invalid>>()?;
        Ok(Self(Arc::new(Source::Configured(lent))))
    }

    /// Answers as a run was answered, each question in its turn, and asks nobody.
    pub fn recorded(calls: impl IntoIterator<Item = ModelCall>) -> Self {
        Self(Arc::new(Source::Recorded(Recording::new(calls))))
    }

    /// Whether there is none that could be asked.
    pub fn is_empty(&self) -> bool {
        matches!(&*self.0, Source::Configured(lent) if lent.is_empty())
    }

    /// Asks, counts what it costs, and keeps what was asked and answered. Ends
    /// at `until`, or sooner where the operator says so.
    pub async fn ask(
        &self,
        alias: &str,
        question: Question,
        tally: &Tally,
        until: Instant,
    ) -> Result<Reply, ModelError> {
        check(alias, &question)?;
        tally.admit(&question)?;
        let outcome = match &*self.0 {
            Source::Recorded(recording) => recording.answer(alias, &question),
            Source::Configured(lent) => match lent.get(alias) {
                None => Err(unknown(alias, lent)),
                Some(lent) => lent.answer(alias, &question, tally, until).await,
            },
        };
        let call = ModelCall { model: alias.to_owned(), question, outcome: outcome.clone() };
        tally.keep(call).await;
        outcome
    }
}

impl Lent {
    async fn answer(
        &self,
        alias: &str,
        question: &Question,
        tally: &Tally,
        until: Instant,
    ) -> Result<Reply, ModelError> {
        let began = Instant::now();
        let until = until.min(began + self.patience);
        let max_tokens = question.max_tokens.clamp(1, self.max_tokens).min(tally.left()?);
        let bounded = Question { max_tokens, ..question.clone() };
        let answer = tokio::time::timeout_at(until.into(), self.model.ask(&bounded, until));
        let outcome = match answer.await {
            Ok(Ok(reply)) => {
                tally.spend(&reply);
                count(alias, &reply);
                reply.fitting(question.schema.as_ref())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ModelError::Timeout),
        };
        let label = outcome.as_ref().map_or_else(ModelError::label, |_| "answered");
        metrics::counter!("model_calls_total", "model" => alias.to_owned(), "outcome" => label)
            .increment(1);
        metrics::histogram!("model_seconds", "model" => alias.to_owned())
            .record(began.elapsed().as_secs_f64());
        outcome
    }
}

fn count(alias: &str, reply: &Reply) {
    for (direction, tokens) in [("input", reply.input_tokens), ("output", reply.output_tokens)] {
        metrics::counter!("model_tokens_total", "model" => alias.to_owned(), "direction" => direction)
            .increment(tokens);
    }
}

impl Reply {
    /// The answer, if it is as its question wants it.
    pub fn fitting(self, schema: Option<&Schema>) -> Result<Self, ModelError> {
        if self.text.len() > MAX_ANSWER_BYTES {
            let why = format!("The model answered with over {MAX_ANSWER_BYTES} bytes.");
            return Err(ModelError::TooLarge(why));
        }
        let Some(schema) = schema.filter(|_| self.stop == Stop::Finished) else { return Ok(self) };
        match schema.check(&self.text) {
            Ok(()) => Ok(self),
            Err(why) => {
                let why = format!("The model's answer does not fit the schema: {why}.");
                Err(ModelError::Misfit(why))
            }
        }
    }
}

fn check(alias: &str, question: &Question) -> Result<(), ModelError> {
    let invalid = |why: &str| Err(ModelError::Invalid(why.to_owned()));
    let messages = &question.messages;
    if alias.len() > MAX_ALIAS_BYTES {
        return invalid("A model's name has at most 64 bytes.");
    }
    if messages.len() > MAX_MESSAGES {
        return invalid("A question has at most 64 messages.");
    }
    if question.bytes() > MAX_QUESTION_BYTES {
        let size = question.bytes();
        return Err(ModelError::TooLarge(format!(
            "The question has {size} bytes of text; ask with at most {MAX_QUESTION_BYTES}."
        )));
    }
    if messages.last().is_none_or(|last| last.speaker != Speaker::User) {
        return invalid("The last message must be the user's.");
    }
    let turns = messages.iter().skip_while(|message| message.speaker == Speaker::System);
    if turns.into_iter().any(|message| message.speaker == Speaker::System) {
        return invalid("Messages of the system stand before all others.");
    }
    Ok(())
}

fn unknown(alias: &str, lent: &BTreeMap<String, Lent>) -> ModelError {
    ModelError::NotFound(if lent.is_empty() {
        "This server has no model; the operator sets ANTHROPIC_API_KEY, or [models.default] in \
         its configuration."
            .to_owned()
    } else {
        let known = lent.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        format!(
            "There is no model “{alias}”; the operator sets [models.{alias}]. There are: {known}."
        )
    })
}

impl Question {
    /// Text of all of it.
    fn bytes(&self) -> usize {
        let schema = self.schema.as_ref().map_or(0, |schema| schema.text().len());
        schema + self.messages.iter().map(|message| message.text.len()).sum::<usize>()
    }
}

impl Speaker {
    pub const ALL: [Self; 3] = [Self::System, Self::User, Self::Assistant];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|speaker| speaker.as_str() == text)
    }
}

impl Stop {
    pub const ALL: [Self; 3] = [Self::Finished, Self::Length, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Length => "length",
            Self::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stop| stop.as_str() == text)
    }
}

impl ModelError {
    /// The error in one word, as metrics and transcripts name it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Invalid(_) => "invalid",
            Self::TooLarge(_) => "too-large",
            Self::Timeout => "timeout",
            Self::Quota(_) => "quota",
            Self::Unavailable(_) => "unavailable",
            Self::Misfit(_) => "misfit",
        }
    }

    /// The error that `label` and its text say.
    pub fn read(label: &str, text: String) -> Option<Self> {
        Some(match label {
            "not-found" => Self::NotFound(text),
            "invalid" => Self::Invalid(text),
            "too-large" => Self::TooLarge(text),
            "timeout" => Self::Timeout,
            "quota" => Self::Quota(text),
            "unavailable" => Self::Unavailable(text),
            "misfit" => Self::Misfit(text),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(speakers: &[Speaker]) -> Question {
        let message = |speaker: &Speaker| Message { speaker: *speaker, text: "hi".to_owned() };
        Question { messages: speakers.iter().map(message).collect(), schema: None, max_tokens: 10 }
    }

    #[test]
    fn a_question_ends_with_the_user_and_begins_with_the_system() {
        use Speaker::{Assistant, System, User};
        assert!(check("default", &question(&[System, User, Assistant, User])).is_ok());
        assert!(check("default", &question(&[System])).is_err());
        assert!(check("default", &question(&[User, System, User])).is_err());
        assert!(check("default", &question(&[])).is_err());
    }

    #[test]
    fn a_question_over_its_bounds_is_refused() {
        let mut long = question(&[Speaker::User]);
        long.messages[0].text = "x".repeat(MAX_QUESTION_BYTES + 1);
        assert!(matches!(check("default", &long), Err(ModelError::TooLarge(_))));
        assert!(check("default", &question(&[Speaker::User; MAX_MESSAGES + 1])).is_err());
    }

    #[test]
    fn an_error_reads_back_from_its_label_and_text() {
        let error = ModelError::Quota("Enough.".to_owned());
        assert_eq!(ModelError::read(error.label(), error.to_string()), Some(error));
        assert_eq!(ModelError::read("timeout", String::new()), Some(ModelError::Timeout));
    }

    #[tokio::test]
    async fn without_a_model_it_is_said_what_to_set() {
        let (models, tally) = (Models::default(), Tally::new(100));
        let until = Instant::now() + Duration::from_secs(60);
        let asked = models.ask("default", question(&[Speaker::User]), &tally, until).await;
        assert!(asked.unwrap_err().to_string().contains("ANTHROPIC_API_KEY"));
    }
}
