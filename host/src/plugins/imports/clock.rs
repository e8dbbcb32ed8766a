//! `lockhouse:host/clock`: what time it is, once for a whole call.

use crate::plugins::bindings::policy::lockhouse::host::clock::Host;
use crate::plugins::instance::State;

impl Host for State {
    fn now_us(&mut self) -> u64 {
        let clock = &self.reach.rooms.clock;
        // A time before 1970 is none that a plugin could be told.
        *self.now_us.get_or_insert_with(|| clock.now_us().try_into().unwrap_or(0))
    }
}
