//! Types and calls made from `wit/`, one module for each role and version.

/// A policy: called on the threads for decisions, never `async`.
pub(super) mod policy {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/policy"],
        world: "lockhouse:policy/policy",
    });
}

/// What any agent says of itself, whichever roles it plays. Agents are called
/// `async`, since a step may take minutes.
pub(super) mod described {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/plugin"],
        inline: "
            package lockhouse:bindings;
            world described {
                export lockhouse:plugin/lifecycle@0.1.0;
            }
        ",
        world: "lockhouse:bindings/described",
        exports: { default: async },
        with: {
            "lockhouse:types/common@0.1.0": super::policy::lockhouse::types::common,
        },
    });
}

/// A planner; with it all that any agent may import.
pub(super) mod planner {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/agent"],
        world: "lockhouse:agent/planner-plugin",
        // What waits for a room gives way to other agents meanwhile.
        imports: {
            "lockhouse:host/kv": async,
            "lockhouse:host/secrets": async,
            "lockhouse:host/project-files": async,
            "lockhouse:host/model": async,
        },
        exports: { default: async },
        with: {
            "lockhouse:types/common@0.1.0": super::policy::lockhouse::types::common,
            "lockhouse:types/errors@0.1.0": super::policy::lockhouse::types::errors,
            "lockhouse:host/log@0.1.0": super::policy::lockhouse::host::log,
            "lockhouse:host/settings@0.1.0": super::policy::lockhouse::host::settings,
            "lockhouse:host/clock@0.1.0": super::policy::lockhouse::host::clock,
            "lockhouse:host/secrets.secret": crate::plugins::imports::SecretHandle,
            "lockhouse:host/project-files.root": crate::plugins::imports::Root,
        },
    });
}

/// A writer.
pub(super) mod writer {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/agent"],
        world: "lockhouse:agent/writer-plugin",
        exports: { default: async },
        with: {
            "lockhouse:agent/types@0.1.0": super::planner::lockhouse::agent::types,
            "lockhouse:types": super::policy::lockhouse::types,
            "lockhouse:host/log@0.1.0": super::policy::lockhouse::host::log,
            "lockhouse:host/settings@0.1.0": super::policy::lockhouse::host::settings,
            "lockhouse:host/progress@0.1.0": super::planner::lockhouse::host::progress,
            "lockhouse:host/clock@0.1.0": super::policy::lockhouse::host::clock,
            "lockhouse:host/kv@0.1.0": super::planner::lockhouse::host::kv,
            "lockhouse:host/secrets@0.1.0": super::planner::lockhouse::host::secrets,
            "lockhouse:host/project-files@0.1.0": super::planner::lockhouse::host::project_files,
            "lockhouse:host/model@0.1.0": super::planner::lockhouse::host::model,
        },
    });
}

/// A fixer.
pub(super) mod fixer {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/agent"],
        world: "lockhouse:agent/fixer-plugin",
        exports: { default: async },
        with: {
            "lockhouse:agent/types@0.1.0": super::planner::lockhouse::agent::types,
            "lockhouse:types": super::policy::lockhouse::types,
            "lockhouse:host/log@0.1.0": super::policy::lockhouse::host::log,
            "lockhouse:host/settings@0.1.0": super::policy::lockhouse::host::settings,
            "lockhouse:host/progress@0.1.0": super::planner::lockhouse::host::progress,
            "lockhouse:host/clock@0.1.0": super::policy::lockhouse::host::clock,
            "lockhouse:host/kv@0.1.0": super::planner::lockhouse::host::kv,
            "lockhouse:host/secrets@0.1.0": super::planner::lockhouse::host::secrets,
            "lockhouse:host/project-files@0.1.0": super::planner::lockhouse::host::project_files,
            "lockhouse:host/model@0.1.0": super::planner::lockhouse::host::model,
        },
    });
}

/// A report: called on threads for reports, never `async`.
pub(super) mod report {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/admin"],
        world: "lockhouse:admin/admin-report",
        with: {
            "lockhouse:types": super::policy::lockhouse::types,
            "lockhouse:host/log@0.1.0": super::policy::lockhouse::host::log,
            "lockhouse:host/settings@0.1.0": super::policy::lockhouse::host::settings,
            "lockhouse:host/clock@0.1.0": super::policy::lockhouse::host::clock,
        },
    });
}
