//! Room agents: what models cost, added up by the day.

use std::time::Duration;

use super::model::ModelCall;
use super::{Agents, Parts};
use crate::db;
use crate::ids::UserId;

const DAY_US: i64 = 86_400_000_000;

/// How long it is kept: a little more than a year.
const KEPT_US: i64 = 400 * DAY_US;

/// How often it is looked for what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// The most that one answer is believed to have cost: a provider may count nonsense.
const MOST_TOKENS: u64 = 1_000_000_000;

/// What one question adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spend {
    pub(super) day_us: i64,
    pub(super) user: UserId,
    pub(super) model: String,
    pub(super) failed: bool,
    pub(super) input_tokens: i64,
    pub(super) output_tokens: i64,
}

impl Spend {
    pub(super) fn of(call: &ModelCall, user: &UserId, now_us: i64) -> Self {
        let tokens = |count: u64| i64::try_from(count.min(MOST_TOKENS)).unwrap_or_default();
        let cost = call.outcome.as_ref().map(|reply| (reply.input_tokens, reply.output_tokens));
        let (input, output) = cost.as_ref().copied().unwrap_or_default();
        Self {
            day_us: day_us(now_us),
            user: user.clone(),
            model: call.model.clone(),
            failed: cost.is_err(),
            input_tokens: tokens(input),
            output_tokens: tokens(output),
        }
    }
}

impl Agents {
    /// Forgets what is too old, now and then until the server stops.
    pub async fn forget_spend_always(self) {
        let Parts { tasks, .. } = &self.inner.parts;
        let mut due = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = due.tick() => {}
            }
            match self.forget_spend().await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "what models cost long ago is forgotten"),
                Err(error) => tracing::warn!(%error, "what models cost was not forgotten"),
            }
        }
    }

    /// Forgets what is too old, a day at a time, and answers how many rows that were.
    pub async fn forget_spend(&self) -> Result<u64, db::Error> {
        let before_us = day_us(self.inner.parts.clock.now_us()) - KEPT_US;
        let mut forgotten = 0;
        loop {
            match self.inner.store.forget_oldest_day(before_us).await? {
                0 => return Ok(forgotten),
                rows => forgotten += rows,
            }
        }
    }
}

/// The beginning of the day of a moment.
pub(super) fn day_us(at_us: i64) -> i64 {
    at_us.div_euclid(DAY_US) * DAY_US
}

#[cfg(test)]
mod tests {
    use super::super::model::{ModelError, Question, Reply, Stop};
    use super::*;

    fn spend(outcome: Result<Reply, ModelError>) -> Spend {
        let question = Question { messages: Vec::new(), schema: None, max_tokens: 1 };
        let call = ModelCall { model: "default".to_owned(), question, outcome };
        Spend::of(&call, &"ada".parse().unwrap(), 2 * DAY_US + 5)
    }

    #[test]
    fn an_answer_counts_for_its_day() {
        let text = String::new();
        let reply = Reply { text, input_tokens: 7, output_tokens: u64::MAX, stop: Stop::Finished };
        let spend = spend(Ok(reply));
        assert_eq!((spend.day_us, spend.failed), (2 * DAY_US, false));
        assert_eq!((spend.input_tokens, spend.output_tokens), (7, 1_000_000_000));
    }

    #[test]
    fn a_question_without_an_answer_counts_as_failed() {
        let spend = spend(Err(ModelError::Timeout));
        assert_eq!((spend.failed, spend.input_tokens, spend.output_tokens), (true, 0, 0));
    }
}
