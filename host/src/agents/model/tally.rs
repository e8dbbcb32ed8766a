//! What one run asks of models: within its cap, and told to who keeps it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::{ModelCall, ModelError, Question, Reply};

/// Questions of one run.
const MAX_CALLS: u64 = 1_000;

/// Text of one run's questions and answers, all of which its transcript keeps.
const MAX_KEPT_BYTES: u64 = 32 * 1024 * 1024;

/// Counts for one run. Clones count together.
#[derive(Debug, Clone)]
pub struct Tally(Arc<Counts>);

/// What whoever asks may use of models in a day, in all of his runs.
#[derive(Debug)]
pub struct Share {
    most: u64,
    left: AtomicU64,
}

impl Share {
    pub fn new(most: u64, spent: u64) -> Self {
        Self { most, left: AtomicU64::new(most.saturating_sub(spent)) }
    }
}

#[derive(Debug)]
struct Counts {
    max_tokens: u64,
    share: Option<Share>,
    tokens: AtomicU64,
    calls: AtomicU64,
    bytes: AtomicU64,
    told: Option<mpsc::Sender<ModelCall>>,
}

impl Tally {
    /// For questions that nobody keeps.
    pub fn new(max_tokens: u64) -> Self {
        Self::with(max_tokens, None, None)
    }

    /// Each question and its answer goes to `told` before it is answered.
    pub fn telling(max_tokens: u64, share: Option<Share>, told: mpsc::Sender<ModelCall>) -> Self {
        Self::with(max_tokens, share, Some(told))
    }

    fn with(max_tokens: u64, share: Option<Share>, told: Option<mpsc::Sender<ModelCall>>) -> Self {
        let [tokens, calls, bytes] = [(); 3].map(|()| AtomicU64::new(0));
        Self(Arc::new(Counts { max_tokens, share, tokens, calls, bytes, told }))
    }

    /// Whether what other runs spend counts as well.
    pub(in crate::agents) fn has_share(&self) -> bool {
        self.0.share.is_some()
    }

    /// All that whoever asks has spent today, in whatever run.
    pub(in crate::agents) fn tell_spent(&self, spent: u64) {
        if let Some(Share { most, left }) = &self.0.share {
            left.store(most.saturating_sub(spent), Ordering::Relaxed);
        }
    }

    /// Tokens of questions and answers so far.
    pub fn tokens(&self) -> u64 {
        self.0.tokens.load(Ordering::Relaxed)
    }

    /// What an answer may still have.
    pub(super) fn left(&self) -> Result<u32, ModelError> {
        let of_share = self.left_of_share()?;
        let max = self.0.max_tokens;
        match max.saturating_sub(self.tokens()) {
            0 => Err(ModelError::Quota(format!(
                "This run has used its {max} tokens; agents.max_model_tokens says how many a run \
                 may use."
            ))),
            left => Ok(u32::try_from(left.min(of_share)).unwrap_or(u32::MAX)),
        }
    }

    fn left_of_share(&self) -> Result<u64, ModelError> {
        let Some(Share { most, left }) = &self.0.share else { return Ok(u64::MAX) };
        match left.load(Ordering::Relaxed) {
            0 => Err(ModelError::Quota(format!(
                "You have used the {most} tokens of models that you may use in a day; there are \
                 more tomorrow (UTC), or ask an administrator."
            ))),
            left => Ok(left),
        }
    }

    /// Whether one more question can be kept.
    pub(super) fn admit(&self, question: &Question) -> Result<(), ModelError> {
        let Counts { calls, bytes, .. } = &*self.0;
        let asked = calls.fetch_add(1, Ordering::Relaxed);
        let before = bytes.fetch_add(question.bytes() as u64, Ordering::Relaxed);
        if asked >= MAX_CALLS || before + question.bytes() as u64 > MAX_KEPT_BYTES {
            return Err(ModelError::Quota(format!(
                "This run has asked as much as is kept of one: {MAX_CALLS} questions, or \
                 {MAX_KEPT_BYTES} bytes."
            )));
        }
        Ok(())
    }

    pub(super) fn spend(&self, reply: &Reply) {
        let spent = reply.input_tokens.saturating_add(reply.output_tokens);
        // It stops at the highest number rather than begin anew.
        let add = |tokens: u64| Some(tokens.saturating_add(spent));
        let _ = self.0.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.0.bytes.fetch_add(reply.text.len() as u64, Ordering::Relaxed);
    }

    pub(super) async fn keep(&self, call: ModelCall) {
        if let Some(told) = &self.0.told {
            // Who kept it has ended, and the run with it.
            let _ = told.send(call).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Message, Speaker, Stop};
    use super::*;

    fn question() -> Question {
        let messages = vec![Message { speaker: Speaker::User, text: "hi".to_owned() }];
        Question { messages, schema: None, max_tokens: 100 }
    }

    fn reply(tokens: u64) -> Reply {
        let text = String::new();
        Reply { text, input_tokens: tokens, output_tokens: tokens, stop: Stop::Finished }
    }

    #[test]
    fn a_run_that_has_used_its_tokens_asks_no_more() {
        let tally = Tally::new(10);
        tally.spend(&reply(3));
        assert_eq!(tally.left(), Ok(4));
        tally.spend(&reply(2));
        assert!(matches!(tally.left(), Err(ModelError::Quota(_))));
    }

    #[test]
    fn a_run_gets_no_more_than_is_left_of_its_users_day() {
        let (told, _calls) = mpsc::channel(1);
        let tally = Tally::telling(100, Some(Share::new(30, 10)), told);
        assert_eq!(tally.left(), Ok(20));
        tally.tell_spent(28);
        assert_eq!(tally.left(), Ok(2));
        tally.tell_spent(31);
        assert!(matches!(tally.left(), Err(ModelError::Quota(why)) if why.contains("in a day")));
    }

    #[test]
    fn a_provider_that_counts_nonsense_leaves_no_tokens() {
        let tally = Tally::new(10);
        tally.spend(&reply(u64::MAX));
        assert_eq!(tally.tokens(), u64::MAX);
    }

    #[test]
    fn a_run_asks_so_often_and_no_more_however_little_it_costs() {
        let tally = Tally::new(10);
        (0..MAX_CALLS).for_each(|_| assert_eq!(tally.admit(&question()), Ok(())));
        assert!(matches!(tally.admit(&question()), Err(ModelError::Quota(_))));
    }
}
