//! What happens in a run: kept first, then told to those who watch.

mod model;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::run::{Event, Recorded, State};
use super::store::Store;
use crate::clock::Clock;
use crate::db::Error;
use crate::exec::OutputStream;
use crate::ids::RunId;

pub use model::StoredCall;

/// Events of one run that are kept; of what may be many, the rest is left out.
const MAX_EVENTS: u64 = 5_000;

/// Writes down one run.
#[derive(Debug)]
pub(super) struct Recorder {
    store: Store,
    clock: Clock,
    run: RunId,
    /// The last number that was given.
    head: watch::Sender<u64>,
    full: bool,
}

impl Recorder {
    /// Goes on after `last`; who follows `head` learns of each event.
    pub(super) fn new(store: Store, clock: Clock, run: RunId, head: watch::Sender<u64>) -> Self {
        Self { store, clock, run, head, full: false }
    }

    pub(super) async fn record(
        &mut self,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<(), Error> {
        let at = self.clock.now();
        let mut seq = *self.head.borrow();
        let mut steps = Vec::new();
        for event in events {
            let Some(event) = self.admit(seq, event) else { continue };
            seq += 1;
            steps.push(Recorded { seq, at, event });
        }
        if !steps.is_empty() {
            self.store.append(&self.run, &steps).await?;
            self.head.send_replace(seq);
        }
        Ok(())
    }

    /// The event as it is kept, if it is.
    fn admit(&mut self, seq: u64, event: Event) -> Option<Event> {
        if seq < MAX_EVENTS || !event.is_bulk() {
            return Some(event);
        }
        if std::mem::replace(&mut self.full, true) {
            return None;
        }
        let message = format!("this run's first {MAX_EVENTS} events are kept; more is left out");
        Some(Event::Skipped { message })
    }
}

/// An event as JSON, as it stands in the database.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Stored {
    State {
        state: String,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parts: Option<(u32, u32)>,
    },
    Command {
        command: String,
    },
    Stdout {
        text: String,
    },
    Stderr {
        text: String,
    },
    File {
        path: String,
    },
    Model(StoredCall),
    Skipped {
        message: String,
    },
    Done {
        serves: bool,
    },
    Failed {
        error: String,
    },
    Cancelled,
}

pub(super) fn encode(event: &Event) -> Result<String, Error> {
    let stored = match event.clone() {
        Event::State { state, message, parts } => {
            Stored::State { state: state.as_str().to_owned(), message, parts }
        }
        Event::Command { command } => Stored::Command { command },
        Event::Output { stream: OutputStream::Stdout, text } => Stored::Stdout { text },
        Event::Output { stream: OutputStream::Stderr, text } => Stored::Stderr { text },
        Event::File { path } => Stored::File { path },
        Event::Model(call) => Stored::Model((*call).into()),
        Event::Skipped { message } => Stored::Skipped { message },
        Event::Done { serves } => Stored::Done { serves },
        Event::Failed { error } => Stored::Failed { error },
        Event::Cancelled => Stored::Cancelled,
    };
    serde_json::to_string(&stored).map_err(|error| Error::Failed(format!("run_steps: {error}")))
}

pub(super) fn decode(text: &str) -> Result<Event, Error> {
    let unreadable = |why: String| Error::Failed(format!("run_steps: {why}"));
    let stored = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    Ok(match stored {
        Stored::State { state, message, parts } => {
            let known = State::parse(&state);
            let state = known.ok_or_else(|| unreadable(format!("“{state}” is no state")))?;
            Event::State { state, message, parts }
        }
        Stored::Command { command } => Event::Command { command },
        Stored::Stdout { text } => Event::Output { stream: OutputStream::Stdout, text },
        Stored::Stderr { text } => Event::Output { stream: OutputStream::Stderr, text },
        Stored::File { path } => Event::File { path },
        Stored::Model(call) => {
            let read = call.read();
            Event::Model(Box::new(read.ok_or_else(|| unreadable("a model's call".to_owned()))?))
        }
        Stored::Skipped { message } => Event::Skipped { message },
        Stored::Done { serves } => Event::Done { serves },
        Stored::Failed { error } => Event::Failed { error },
        Stored::Cancelled => Event::Cancelled,
    })
}

#[cfg(test)]
mod tests {
    use super::super::model::{
        Message, ModelCall, ModelError, Question, Reply, Schema, Speaker, Stop,
    };
    use super::*;

    fn reads_back(event: Event) {
        assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
    }

    #[test]
    fn a_state_with_its_parts_reads_back() {
        let message = "app.py".to_owned();
        reads_back(Event::State { state: State::Writing, message, parts: Some((3, 7)) });
    }

    #[test]
    fn output_with_a_nul_reads_back_and_holds_none_in_the_database() {
        let event = Event::Output { stream: OutputStream::Stderr, text: "a\0b".to_owned() };
        assert!(!encode(&event).unwrap().contains('\0'));
        reads_back(event);
    }

    #[test]
    fn a_question_to_a_model_reads_back_with_its_answer() {
        let messages = vec![Message { speaker: Speaker::User, text: "a\0b".to_owned() }];
        let schema = Some(Schema::parse(r#"{"type": "string"}"#).unwrap());
        let question = Question { messages, schema, max_tokens: 7 };
        let text = "\"hi\"".to_owned();
        let reply = Reply { text, input_tokens: 1, output_tokens: 2, stop: Stop::Finished };
        let call = |outcome| ModelCall {
            model: "default".to_owned(),
            question: question.clone(),
            outcome,
        };
        reads_back(Event::Model(Box::new(call(Ok(reply)))));
        reads_back(Event::Model(Box::new(call(Err(ModelError::Timeout)))));
    }

    #[test]
    fn an_end_reads_back() {
        reads_back(Event::Done { serves: true });
        reads_back(Event::Cancelled);
    }
}
