//! A run's questions and answers, to be answered again without a model.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{ModelCall, ModelError, Question, Reply};

/// Answers that wait for their questions, in order.
#[derive(Debug)]
pub(super) struct Recording(Mutex<VecDeque<ModelCall>>);

impl Recording {
    pub(super) fn new(calls: impl IntoIterator<Item = ModelCall>) -> Self {
        Self(Mutex::new(calls.into_iter().collect()))
    }

    /// What the question was answered; another question than the recorded one
    /// has no answer, and takes none.
    pub(super) fn answer(&self, alias: &str, question: &Question) -> Result<Reply, ModelError> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = |why: &str| {
            Err(ModelError::Unavailable(format!("This is a replay, and {why}; record it anew.")))
        };
        match calls.front() {
            None => return differs("no more questions were recorded"),
            Some(next) if next.model != alias || next.question != *question => {
                return differs("this question is not the one that was recorded");
            }
            Some(_) => {}
        }
        calls.pop_front().map_or(Err(ModelError::Timeout), |call| call.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Message, Speaker, Stop};
    use super::*;

    fn question(text: &str) -> Question {
        let messages = vec![Message { speaker: Speaker::User, text: text.to_owned() }];
        Question { messages, schema: None, max_tokens: 100 }
    }

    #[test]
    fn the_recorded_question_is_answered_once_and_no_other() {
        let reply = Reply {
            text: "hi".to_owned(),
            input_tokens: 1,
            output_tokens: 1,
            stop: Stop::Finished,
        };
        let call = ModelCall {
            model: "default".to_owned(),
            question: question("one"),
            outcome: Ok(reply.clone()),
        };
        let recording = Recording::new([call]);
        assert!(recording.answer("default", &question("two")).is_err());
        assert!(recording.answer("small", &question("one")).is_err());
        assert_eq!(recording.answer("default", &question("one")), Ok(reply));
        assert!(recording.answer("default", &question("one")).is_err());
    }
}
