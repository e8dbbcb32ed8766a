//! `lockhouse:host/settings`: what the operator gave to this binding.

use serde_json::json;

use crate::plugins::bindings::policy::lockhouse::host::settings::Host;
use crate::plugins::bindings::policy::lockhouse::types;
use crate::plugins::instance::State;

impl Host for State {
    fn get(&mut self) -> String {
        let settings = self.settings.as_ref().to_owned();
        // Those of the case are what counts; a recording with others differs.
        let with = || json!({ "settings": settings });
        self.reach.taped("settings.get", with, || Ok(settings.clone())).unwrap_or(settings.clone())
    }
}

// Packages of types have nothing to call.
impl types::common::Host for State {}
impl types::errors::Host for State {}
