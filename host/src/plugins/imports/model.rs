//! `lockhouse:host/model`: models that the operator lends by name.

use std::time::Duration;

use crate::agents::{Message, ModelError, Question, Reply, Schema, Speaker, Stop};
use crate::plugins::bindings::planner::lockhouse::host::model as wit;
use crate::plugins::bindings::policy::lockhouse::types::errors::Error;
use crate::plugins::grant::Grant;
use crate::plugins::instance::State;
use crate::plugins::reach::Reach;
use crate::plugins::tape::write_question;

/// What a plugin keeps of its time to say that a model had none for it.
const RESERVE: Duration = Duration::from_secs(2);

impl wit::Host for State {
    async fn ask(&mut self, question: wit::Question) -> Result<wit::Answer, Error> {
        let (reach, with) = (&self.reach, || write_question(&question));
        reach.taped_async("model.ask", with, reach.ask(ask(reach.clone(), question.clone()))).await
    }
}

async fn ask(reach: Reach, asked: wit::Question) -> Result<wit::Answer, Error> {
    let models = &reach.rooms.models;
    // Where there is no model at all, a grant would not help.
    if !models.is_empty() {
        reach.admit(&Grant::Model(asked.model.clone()))?;
    }
    let question = question(asked.messages, asked.schema.as_deref(), asked.max_tokens)?;
    let until = reach.until.checked_sub(RESERVE).unwrap_or(reach.until).into_std();
    let no_run = || Error::Unavailable("This call is made for no run.".to_owned());
    let tally = reach.behalf()?.tally.as_ref().ok_or_else(no_run)?;
    let reply = models.ask(&asked.model, question, tally, until).await;
    reply.map(answer_to_wit).map_err(failed)
}

fn question(
    messages: Vec<wit::Message>,
    schema: Option<&str>,
    max_tokens: u32,
) -> Result<Question, Error> {
    let message = |message: wit::Message| Message {
        speaker: match message.speaker {
            wit::Speaker::System => Speaker::System,
            wit::Speaker::User => Speaker::User,
            wit::Speaker::Assistant => Speaker::Assistant,
        },
        text: message.text,
    };
    let schema = schema.map(Schema::parse).transpose();
    let schema = schema.map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(Question { messages: messages.into_iter().map(message).collect(), schema, max_tokens })
}

fn answer_to_wit(reply: Reply) -> wit::Answer {
    wit::Answer {
        text: reply.text,
        input_tokens: reply.input_tokens,
        output_tokens: reply.output_tokens,
        stop: match reply.stop {
            Stop::Finished => wit::Stop::Finished,
            Stop::Length => wit::Stop::Length,
            Stop::Refused => wit::Stop::Refused,
        },
    }
}

fn failed(error: ModelError) -> Error {
    match error {
        ModelError::NotFound(text) => Error::NotFound(text),
        ModelError::Invalid(text) => Error::Invalid(text),
        ModelError::TooLarge(text) => Error::TooLarge(text),
        ModelError::Timeout => Error::Timeout,
        ModelError::Quota(text) => Error::Quota(text),
        ModelError::Unavailable(text) => Error::Unavailable(text),
        ModelError::Misfit(text) => Error::Internal(text),
    }
}
