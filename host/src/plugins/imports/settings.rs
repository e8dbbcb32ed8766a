//! `lockhouse:host/settings`: what the operator gave to this binding.

use crate::plugins::bindings::policy::lockhouse::host::settings::Host;
use crate::plugins::bindings::policy::lockhouse::types;
use crate::plugins::instance::State;

impl Host for State {
    fn get(&mut self) -> String {
        self.settings.as_ref().to_owned()
    }
}

// Packages of types have nothing to call.
impl types::common::Host for State {}
impl types::errors::Host for State {}
