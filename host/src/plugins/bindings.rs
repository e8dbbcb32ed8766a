//! Types and calls made from `wit/`, one module for each sort of plugin.

/// A policy: called on the threads for decisions, never `async`.
pub(super) mod policy {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/policy"],
        world: "lockhouse:policy/policy",
    });
}

/// A planner with its writer: called `async`, since a step may take minutes.
pub(super) mod agent {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/agent"],
        world: "lockhouse:agent/agent",
        exports: { default: async },
        with: {
            "lockhouse:types/common@0.1.0": super::policy::lockhouse::types::common,
            "lockhouse:types/errors@0.1.0": super::policy::lockhouse::types::errors,
            "lockhouse:host/log@0.1.0": super::policy::lockhouse::host::log,
            "lockhouse:host/settings@0.1.0": super::policy::lockhouse::host::settings,
        },
    });
}
