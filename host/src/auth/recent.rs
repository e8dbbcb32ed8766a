//! Who held a token a moment ago, so that a client's next request is let in
//! without asking the database again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Scope, User};
use crate::ids::TokenId;

/// How long an answer stands. What this server takes away counts at once; this is
/// for what another server on the same database takes away.
const STANDS_US: i64 = 1_000_000;
/// Tokens above which all are forgotten.
const MOST: usize = 10_000;

/// The answers of the last moment. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent(Arc<Mutex<Answers>>);

#[derive(Debug, Default)]
struct Answers {
    by_fingerprint: HashMap<String, Answer>,
    /// Rises when tokens are taken away: what the database said before that
    /// says nothing any more.
    era: u64,
}

#[derive(Debug)]
struct Answer {
    holder: Holder,
    asked_us: i64,
}

/// Who holds a token, what he may do by it, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub user: User,
    pub scope: Scope,
    /// Which one of Lockhouse's own it is.
    pub(super) token: Option<TokenId>,
    pub(super) expires_us: Option<i64>,
}

impl Holder {
    /// Somebody who may do all that he may, and not by a token of ours.
    pub fn of(user: User) -> Self {
        Self { user, scope: Scope::Admin, token: None, expires_us: None }
    }
}

/// Says whether an answer is still one when it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    era: u64,
    asked_us: i64,
}

impl Recent {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, fingerprint: &str, now_us: i64) -> Option<Holder> {
        let answers = self.answers();
        let Answer { holder, asked_us } = answers.by_fingerprint.get(fingerprint)?;
        // A clock that was set back makes no answer last longer.
        let is_recent = (0..STANDS_US).contains(&now_us.saturating_sub(*asked_us));
        let is_valid = holder.expires_us.is_none_or(|expires| expires > now_us);
        (is_recent && is_valid).then(|| holder.clone())
    }

    /// Before the database is asked.
    pub(super) fn question(&self, now_us: i64) -> Question {
        Question { era: self.answers().era, asked_us: now_us }
    }

    /// What the database answered.
    pub(super) fn keep(&self, question: Question, fingerprint: String, holder: Holder) {
        let mut answers = self.answers();
        if answers.era != question.era {
            return;
        }
        if answers.by_fingerprint.len() >= MOST {
            answers.by_fingerprint.clear();
        }
        let answer = Answer { holder, asked_us: question.asked_us };
        answers.by_fingerprint.insert(fingerprint, answer);
    }

    /// After tokens were taken away.
    pub(super) fn forget(&self) {
        let mut answers = self.answers();
        answers.by_fingerprint.clear();
        answers.era += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    const START: i64 = 1_000_000_000;

    fn holder(expires_us: Option<i64>) -> Holder {
        let user = User { id: "ada".parse().unwrap(), role: Role::Learner };
        Holder { expires_us, ..Holder::of(user) }
    }

    fn told(expires_us: Option<i64>) -> Recent {
        let recent = Recent::default();
        recent.keep(recent.question(START), "f".to_owned(), holder(expires_us));
        recent
    }

    #[test]
    fn an_answer_stands_for_a_moment() {
        let recent = told(None);
        assert_eq!(recent.find("f", START + STANDS_US - 1), Some(holder(None)));
        assert_eq!(recent.find("f", START + STANDS_US), None);
        assert_eq!(recent.find("g", START), None);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_answer_last_longer() {
        assert_eq!(told(None).find("f", START - 1), None);
    }

    #[test]
    fn a_token_ends_when_it_expires() {
        let recent = told(Some(START + 10));
        assert!(recent.find("f", START + 9).is_some());
        assert_eq!(recent.find("f", START + 10), None);
    }

    #[test]
    fn what_is_taken_away_is_forgotten_at_once() {
        let recent = told(None);
        recent.forget();
        assert_eq!(recent.find("f", START), None);
    }

    #[test]
    fn an_answer_from_before_a_token_was_taken_away_counts_for_nothing() {
        let recent = Recent::default();
        let question = recent.question(START);
        recent.forget();
        recent.keep(question, "f".to_owned(), holder(None));
        assert_eq!(recent.find("f", START), None);
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let recent = Recent::default();
        for n in 0..=MOST {
            recent.keep(recent.question(START), n.to_string(), holder(None));
        }
        assert_eq!(recent.answers().by_fingerprint.len(), 1);
    }
}
