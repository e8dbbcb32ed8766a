//! `lockhouse:host/clock`: what time it is, once for a whole call.

use serde_json::json;

use crate::plugins::bindings::policy::lockhouse::host::clock::Host;
use crate::plugins::instance::State;

impl Host for State {
    fn now_us(&mut self) -> u64 {
        let (clock, before) = (&self.reach.rooms.clock, self.now_us);
        // A time before 1970 is none that a plugin could be told.
        let now = || Ok(before.unwrap_or_else(|| clock.now_us().try_into().unwrap_or(0)));
        let told = self.reach.taped("clock.now-us", || json!({}), now).unwrap_or(0);
        *self.now_us.insert(told)
    }
}
