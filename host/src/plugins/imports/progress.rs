//! `lockhouse:host/progress`: how far a long call has come.

use crate::agents::Progress;
use crate::plugins::bindings::planner::lockhouse::{agent, host::progress::Host};
use crate::plugins::instance::State;

/// What is kept of a message: it is one line on a screen.
const MAX_MESSAGE_BYTES: usize = 400;

impl Host for State {
    fn report(&mut self, done: u32, total: u32, mut message: String) {
        let Some(progress) = &self.progress else { return };
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        // Progress is news: where nobody keeps up, the next report replaces it.
        let _ = progress.try_send(Progress { done, total, message });
    }
}

impl agent::types::Host for State {}
