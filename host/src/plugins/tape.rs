//! Calls that a plugin under test makes of its host: written down with their
//! answers, answered again from what was written, or as a test states them.
//!
//! ```text
//! call ─▶ as it was recorded? ─no─▶ difference, which fails the test
//!           │ yes, or not replaying
//!           ├─▶ stated by the test ─▶ answer ─┐
//!           ├─▶ recorded ───────────▶ answer  ├─▶ written down while recording
//!           └─▶ asked of the rooms ─▶ answer ─┘
//! ```
//!
//! A server has no tape, and its plugins' calls go straight to the rooms.

mod stated;
mod words;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bindings::policy::lockhouse::types::errors::Error;
use super::reach::Reach;
pub use stated::Stated;
pub(super) use words::{Taped, write_bytes, write_question};
use words::{differs, read, written};

/// Calls of one case; a plugin that makes more is cut off.
const MAX_CALLS: usize = 1_000;

/// What is kept of one case.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How much of a call is shown where it differs.
const MAX_SHOWN_CHARS: usize = 400;

/// One call of an import and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostCall {
    /// Interface and function, such as `kv.get`.
    pub call: String,
    /// What was handed over.
    pub with: Value,
    /// `{"ok": …}` or `{"error": …}`.
    pub answer: Value,
}

/// What goes on between a plugin and its host, one case at a time. Clones share
/// it.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Deck>>);

#[derive(Debug, Default)]
struct Deck {
    /// Whether a case is under way.
    runs: bool,
    stated: Stated,
    /// What is left to be answered; none where nothing was recorded.
    replayed: Option<VecDeque<HostCall>>,
    /// What was called so far.
    calls: Vec<HostCall>,
    bytes: usize,
    /// The first call that was not as it should be.
    difference: Option<String>,
    /// Texts of secrets, and what stands for each.
    secrets: Vec<(String, String)>,
}

/// What became of a case's calls.
#[derive(Debug, Default)]
pub struct Played {
    pub calls: Vec<HostCall>,
    /// Where they were not as they should be.
    pub difference: Option<String>,
}

/// Who answers a call.
enum Next {
    Answer(Value),
    Rooms,
}

impl Tape {
    /// A case begins; where its calls were recorded, they must be the same.
    pub fn begin(&self, stated: Stated, recorded: Option<Vec<HostCall>>) {
        *self.deck() =
            Deck { runs: true, stated, replayed: recorded.map(Into::into), ..Deck::default() };
    }

    /// The case is over.
    pub fn end(&self) -> Played {
        let deck = std::mem::take(&mut *self.deck());
        let missed = deck.replayed.as_ref().and_then(VecDeque::front);
        let missed = missed.map(|call| format!("it did not call {}, as recorded", shown(call)));
        let difference = deck.difference.or(missed).or_else(|| deck.stated.left());
        Played { calls: deck.calls, difference }
    }

    fn deck(&self) -> MutexGuard<'_, Deck> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, call: &str, with: Value) -> Next {
        let mut deck = self.deck();
        if deck.runs { deck.next(call, with) } else { Next::Rooms }
    }

    fn keep(&self, call: &str, with: Value, answer: Value) {
        let mut deck = self.deck();
        if deck.runs {
            deck.keep(call, with, answer);
        }
    }
}

impl Deck {
    fn next(&mut self, call: &str, with: Value) -> Next {
        let made = HostCall { call: call.to_owned(), with, answer: Value::Null };
        if self.calls.len() >= MAX_CALLS || self.bytes > MAX_BYTES {
            return self.differ(format!(
                "it makes more than {MAX_CALLS} calls, or hands over more than {MAX_BYTES} bytes"
            ));
        }
        let recorded = match self.expected(&made) {
            Ok(recorded) => recorded,
            Err(why) => return self.differ(why),
        };
        let stated = match self.stated.answer(&made.call, &made.with) {
            Ok(stated) => stated,
            Err(why) => return self.differ(why),
        };
        match stated.or(recorded) {
            None => Next::Rooms,
            Some(answer) => {
                self.keep(&made.call, made.with, answer.clone());
                Next::Answer(answer)
            }
        }
    }

    /// The recorded answer, where there is a recording and this call is in it.
    fn expected(&mut self, made: &HostCall) -> Result<Option<Value>, String> {
        let with = self.hidden(made.with.clone());
        let Some(replayed) = &mut self.replayed else { return Ok(None) };
        let made = HostCall { with, ..made.clone() };
        match replayed.pop_front() {
            Some(next) if next.call == made.call && next.with == made.with => Ok(Some(next.answer)),
            Some(next) => Err(format!("it called {}, not {}", shown(&made), shown(&next))),
            None => Err(format!("it called {}, which is not recorded", shown(&made))),
        }
    }

    fn differ(&mut self, why: String) -> Next {
        self.difference.get_or_insert(why);
        Next::Answer(differs())
    }

    fn keep(&mut self, call: &str, with: Value, answer: Value) {
        if call == "secrets.reveal"
            && let (Some(name), Some(text)) = (with["name"].as_str(), answer["ok"].as_str())
            && !text.is_empty()
        {
            self.secrets.push((text.to_owned(), format!("(the secret {name})")));
        }
        let (with, answer) = (self.hidden(with), self.hidden(answer));
        self.bytes += with.to_string().len() + answer.to_string().len();
        self.calls.push(HostCall { call: call.to_owned(), with, answer });
    }

    /// The same, without the text of any secret.
    fn hidden(&self, value: Value) -> Value {
        let hide = |text: String| {
            let secrets = self.secrets.iter();
            secrets.fold(text, |text, (secret, instead)| text.replace(secret, instead))
        };
        match value {
            _ if self.secrets.is_empty() => value,
            Value::String(text) => hide(text).into(),
            Value::Array(all) => all.into_iter().map(|value| self.hidden(value)).collect(),
            Value::Object(all) => {
                let all = all.into_iter();
                all.map(|(key, value)| (hide(key), self.hidden(value))).collect()
            }
            plain => plain,
        }
    }
}

fn shown(call: &HostCall) -> String {
    let text = format!("{} {}", call.call, call.with);
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Reach {
    /// A call of an import, where there is a tape by way of it.
    pub(super) fn taped<R: Taped>(
        &self,
        call: &str,
        with: impl FnOnce() -> Value,
        ask: impl FnOnce() -> Result<R, Error>,
    ) -> Result<R, Error> {
        let Some(tape) = &self.rooms.tape else { return ask() };
        let with = with();
        match tape.next(call, with.clone()) {
            Next::Answer(answer) => read(&answer),
            Next::Rooms => {
                let answer = ask();
                tape.keep(call, with, written(&answer));
                answer
            }
        }
    }

    /// The same for one that waits.
    pub(super) async fn taped_async<R: Taped>(
        &self,
        call: &str,
        with: impl FnOnce() -> Value,
        ask: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        let Some(tape) = &self.rooms.tape else { return ask.await };
        let with = with();
        match tape.next(call, with.clone()) {
            Next::Answer(answer) => read(&answer),
            Next::Rooms => {
                let answer = ask.await;
                tape.keep(call, with, written(&answer));
                answer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, with: Value, answer: Value) -> HostCall {
        HostCall { call: name.to_owned(), with, answer }
    }

    fn stated(json: Value) -> Stated {
        serde_json::from_value(json).unwrap()
    }

    /// What a call is answered, if not by the rooms.
    fn asks(tape: &Tape, name: &str, with: Value) -> Option<Value> {
        match tape.next(name, with) {
            Next::Answer(answer) => Some(answer),
            Next::Rooms => None,
        }
    }

    #[test]
    fn calls_are_answered_as_they_were_recorded() {
        let tape = Tape::default();
        let recorded = call("clock.now-us", json!({}), json!({ "ok": 7 }));
        tape.begin(Stated::default(), Some(vec![recorded.clone()]));
        assert_eq!(asks(&tape, "clock.now-us", json!({})), Some(json!({ "ok": 7 })));
        let played = tape.end();
        assert_eq!((played.calls, played.difference), (vec![recorded], None));
    }

    #[test]
    fn a_call_that_is_not_as_recorded_is_told_with_the_one_that_was() {
        let tape = Tape::default();
        let recorded = call("kv.get", json!({ "key": "a" }), json!({ "ok": null }));
        tape.begin(Stated::default(), Some(vec![recorded]));
        asks(&tape, "kv.get", json!({ "key": "b" }));
        let difference = tape.end().difference.unwrap();
        assert_eq!(difference, r#"it called kv.get {"key":"b"}, not kv.get {"key":"a"}"#);
    }

    #[test]
    fn a_recorded_call_that_is_not_made_is_a_difference() {
        let tape = Tape::default();
        tape.begin(Stated::default(), Some(vec![call("clock.now-us", json!({}), json!(1))]));
        assert!(tape.end().difference.unwrap().contains("did not call clock.now-us"));
    }

    #[test]
    fn a_secret_is_written_down_nowhere() {
        let tape = Tape::default();
        tape.begin(stated(json!({ "secrets": { "KEY": "hush" }, "kv": {} })), None);
        let said = asks(&tape, "secrets.reveal", json!({ "name": "KEY" }));
        assert_eq!(said, Some(json!({ "ok": "hush" })));
        asks(&tape, "kv.set", json!({ "key": "hush", "value": "is hush" }));
        let calls = tape.end().calls;
        assert!(!format!("{calls:?}").contains("hush"), "{calls:?}");
        assert_eq!(calls[1].with["value"], "is (the secret KEY)");
        tape.begin(stated(json!({ "secrets": { "KEY": "other" }, "kv": {} })), Some(calls));
        asks(&tape, "secrets.reveal", json!({ "name": "KEY" }));
        asks(&tape, "kv.set", json!({ "key": "other", "value": "is other" }));
        assert_eq!(tape.end().difference, None);
    }

    #[test]
    fn a_plugin_that_calls_without_end_is_cut_off() {
        let tape = Tape::default();
        tape.begin(stated(json!({ "clock": 1 })), None);
        (0..=MAX_CALLS).for_each(|_| drop(asks(&tape, "clock.now-us", json!({}))));
        let played = tape.end();
        assert_eq!(played.calls.len(), MAX_CALLS);
        assert!(played.difference.unwrap().contains("more than 1000 calls"));
    }
}
