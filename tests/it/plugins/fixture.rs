//! Plugins written for a test, as WebAssembly text.

use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Memory of every fixture: its texts, then what its calls answer.
const MEMORY: &str = r#"
    (memory (export "memory") 2)
    (data (i32.const 16) "fixture")
    (data (i32.const 32) "1.0.0")
    (data (i32.const 48) "A fixture.")
    (data (i32.const 64) "a-rule")
    (data (i32.const 80) "it does")
    ;; describe: id, version, summary
    (data (i32.const 128) "\10\00\00\00\07\00\00\00\20\00\00\00\05\00\00\00\30\00\00\00\0a\00\00\00")
    ;; evaluate: ok, allow, safe, rule, reason, neither sanitised nor advice
    (data (i32.const 192) "\00\00\00\00\00\00\00\00\40\00\00\00\06\00\00\00\50\00\00\00\07\00\00\00")
    ;; explain: a text
    (data (i32.const 256) "\50\00\00\00\07\00\00\00")
    ;; validate-settings: ok
    (data (i32.const 288) "\00\00\00\00\00\00\00\00\00\00\00\00")
    (global $next (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
    (func (export "lockhouse:plugin/lifecycle@0.1.0#describe") (result i32) (i32.const 128))
    (func (export "lockhouse:plugin/lifecycle@0.1.0#validate-settings") (param i32 i32) (result i32)
        (i32.const 288))
"#;

/// As much of WASI as fixtures need, each package after those that it uses.
const WASI: [&str; 6] = [
    "package wasi:io@0.2.0;
     interface poll { resource pollable { block: func(); } }",
    "package wasi:clocks@0.2.0;
     interface monotonic-clock {
        use wasi:io/poll@0.2.0.{pollable};
        subscribe-duration: func(when: u64) -> pollable;
     }",
    "package wasi:filesystem@0.2.0;
     interface types { resource descriptor; }
     interface preopens {
        use types.{descriptor};
        get-directories: func() -> list<tuple<descriptor, string>>;
     }",
    "package wasi:sockets@0.2.0;
     interface network {
        enum error-code {
            unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
            concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
            address-not-bindable, address-in-use, remote-unreachable, connection-refused,
            connection-reset, connection-aborted, datagram-too-large, name-unresolvable,
            temporary-resolver-failure, permanent-resolver-failure,
        }
        enum ip-address-family { ipv4, ipv6 }
     }
     interface tcp { resource tcp-socket; }
     interface tcp-create-socket {
        use network.{error-code, ip-address-family};
        use tcp.{tcp-socket};
        create-tcp-socket: func(family: ip-address-family) -> result<tcp-socket, error-code>;
     }",
    "package wasi:cli@0.2.0;
     interface environment {
        get-environment: func() -> list<tuple<string, string>>;
        get-arguments: func() -> list<string>;
     }",
    "package wasi:cli@0.3.0;
     interface environment { get-arguments: func() -> list<string>; }",
];

/// Address of the verdict that allows.
pub(crate) const ALLOW: u32 = 192;

/// A policy whose `evaluate` has this body; `outside` stands beside it.
pub(crate) fn policy(outside: &str, evaluate: &str) -> Vec<u8> {
    policy_of_world("lockhouse:policy/policy", outside, evaluate)
}

/// The same with another world, in WIT or by name.
pub(crate) fn policy_of_world(world: &str, outside: &str, evaluate: &str) -> Vec<u8> {
    component(world, &policy_text(outside, evaluate))
}

fn policy_text(outside: &str, evaluate: &str) -> String {
    format!(
        r#"(module
            {outside}
            {MEMORY}
            (func (export "lockhouse:policy/command-policy@0.1.0#evaluate")
                (param $request i32) (result i32)
                {evaluate})
            (func (export "lockhouse:policy/command-policy@0.1.0#explain") (result i32)
                (i32.const 256)))"#
    )
}

/// A policy that traps in this one of its exports.
pub(crate) fn policy_that_traps_in(export: &str) -> Vec<u8> {
    let text = policy_text("", &format!("(i32.const {ALLOW})"));
    let at = text.find(&format!("#{export}\"")).unwrap();
    let body = at + text[at..].find("(i32.const ").unwrap();
    let text = format!("{}(unreachable) {}", &text[..body], &text[body..]);
    component("lockhouse:policy/policy", &text)
}

/// The component with one more custom section.
pub(crate) fn with_section(mut component: Vec<u8>, name: &str, text: &str) -> Vec<u8> {
    use wasm_encoder::{ComponentSection as _, CustomSection};
    CustomSection { name: name.into(), data: text.as_bytes().into() }
        .append_to_component(&mut component);
    component
}

/// An agent whose `plan` has this body.
pub(crate) fn agent(plan: &str) -> Vec<u8> {
    agent_with("", plan)
}

/// The same, with imports and texts beside it.
pub(crate) fn agent_with(outside: &str, plan: &str) -> Vec<u8> {
    agent_of_world("lockhouse:agent/agent", outside, plan)
}

/// The same with another world, in WIT or by name.
pub(crate) fn agent_of_world(world: &str, outside: &str, plan: &str) -> Vec<u8> {
    let thirteen = ["i32"; 13].join(" ");
    let text = format!(
        r#"(module
            {outside}
            {MEMORY}
            (func (export "lockhouse:agent/planner@0.1.0#plan") (param {thirteen}) (result i32)
                {plan})
            (func (export "lockhouse:agent/writer@0.1.0#write") (param i32) (result i32)
                unreachable)
            (func (export "lockhouse:agent/fixer@0.1.0#fix") (param i32) (result i32)
                unreachable))"#
    );
    component(world, &text)
}

/// What a report's calls answer, behind what every fixture has.
const REPORT: &str = r#"
    ;; describe: title, summary, no parameters
    (data (i32.const 320) "\10\00\00\00\07\00\00\00\30\00\00\00\0a\00\00\00\00\00\00\00\00\00\00\00")
    ;; queries: ok, none, or one that asks for passwords
    (data (i32.const 352) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
    (data (i32.const 368) "\00\00\00\00\c0\01\00\00\01\00\00\00\00\00\00\00")
    (data (i32.const 416) "passwords")
    (data (i32.const 432) "{}")
    (data (i32.const 448) "\10\00\00\00\07\00\00\00\a0\01\00\00\09\00\00\00\b0\01\00\00\02\00\00\00")
    ;; render: ok, title, no section
    (data (i32.const 480) "\00\00\00\00\10\00\00\00\07\00\00\00\00\00\00\00\00\00\00\00")
    ;; render: ok, title, a section with a chart of two labels and one value
    (data (i32.const 512) "\10\00\00\00\07\00\00\00\20\02\00\00\01\00\00\00")
    (data (i32.const 544) "\03\00\00\00\00\00\00\00\10\00\00\00\07\00\00\00\00\00\00\00\50\02\00\00\02\00\00\00\60\02\00\00\01\00\00\00\00\00\00\00")
    (data (i32.const 592) "\10\00\00\00\07\00\00\00\40\00\00\00\06\00\00\00")
    (data (i32.const 608) "\50\00\00\00\07\00\00\00\70\02\00\00\01\00\00\00")
    (data (i32.const 624) "\00\00\00\00\00\00\f0\3f")
    (data (i32.const 640) "\00\00\00\00\10\00\00\00\07\00\00\00\00\02\00\00\01\00\00\00")
    ;; render: ok, title, a section with a text that has no length yet
    (data (i32.const 672) "\10\00\00\00\07\00\00\00\c0\02\00\00\01\00\00\00")
    (data (i32.const 704) "\00\00\00\00\00\00\00\00\00\00\02\00\00\00\00\00")
    (data (i32.const 752) "\00\00\00\00\10\00\00\00\07\00\00\00\a0\02\00\00\01\00\00\00")
"#;

/// Addresses of answers of a report: no query, and one that nobody may ask.
pub(crate) const NO_QUERY: u32 = 352;
pub(crate) const UNKNOWN_QUESTION: u32 = 368;
/// An empty document, and one whose chart lacks a value.
pub(crate) const EMPTY_DOCUMENT: u32 = 480;
pub(crate) const MISMATCHED_DOCUMENT: u32 = 640;

/// Ends `render` with a document of one text, so long.
pub(crate) fn long_document(bytes: u32) -> String {
    format!(
        "(drop (memory.grow (i32.const 64)))
         (i32.store (i32.const 716) (i32.const {bytes}))
         (i32.const 752)"
    )
}

/// A report whose calls have these bodies.
pub(crate) fn report(queries: &str, render: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {MEMORY}
            {REPORT}
            (func (export "lockhouse:admin/report@0.1.0#describe") (result i32) (i32.const 320))
            (func (export "lockhouse:admin/report@0.1.0#queries") (param i32 i32) (result i32)
                {queries})
            (func (export "lockhouse:admin/report@0.1.0#render") (param i32 i32 i32 i32) (result i32)
                {render}))"#
    );
    component("lockhouse:admin/admin-report", &text)
}

/// Makes the text whose address and length stand at these addresses the reason
/// of the verdict that allows.
pub(crate) fn reason(address: u32, length: u32) -> String {
    format!(
        "(i32.store (i32.const {}) (i32.load (i32.const {address})))
         (i32.store (i32.const {}) (i32.load (i32.const {length})))",
        ALLOW + 16,
        ALLOW + 20
    )
}

/// Ends `plan` with the text whose address and length stand at these
/// addresses, as what is wrong with the prompt.
pub(crate) fn says(address: u32, length: u32) -> String {
    format!(
        "(i32.store (i32.const 4096) (i32.const 1))
         (i32.store (i32.const 4100) (i32.const 2))
         (i32.store (i32.const 4104) (i32.load (i32.const {address})))
         (i32.store (i32.const 4108) (i32.load (i32.const {length})))
         (return (i32.const 4096))"
    )
}

fn component(world: &str, text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    for package in ["types", "host", "plugin", "policy", "agent", "admin"] {
        resolve.push_dir(wit().join(package)).unwrap();
    }
    let later = "package lockhouse:host@0.9.0;\ninterface log { write: func(text: string); }";
    resolve.push_str("later.wit", later).unwrap();
    let own = "package test:fixture;\nworld later {
        include lockhouse:policy/policy@0.1.0;
        import lockhouse:host/log@0.9.0;
    }
    world strange {
        include lockhouse:policy/policy@0.1.0;
        import lockhouse:host/progress@0.1.0;
    }
    world curious {
        include lockhouse:policy/policy@0.1.0;
        import lockhouse:host/secrets@0.1.0;
    }
    world consulting {
        include lockhouse:policy/policy@0.1.0;
        import lockhouse:host/model@0.1.0;
    }
    world looking-policy {
        include lockhouse:policy/policy@0.1.0;
        import wasi:cli/environment@0.2.0;
        import wasi:filesystem/preopens@0.2.0;
    }
    world looking-agent {
        include lockhouse:agent/agent@0.1.0;
        import wasi:cli/environment@0.2.0;
        import wasi:filesystem/preopens@0.2.0;
    }
    world connecting-policy {
        include lockhouse:policy/policy@0.1.0;
        import wasi:sockets/tcp-create-socket@0.2.0;
    }
    world sleeping-policy {
        include lockhouse:policy/policy@0.1.0;
        import wasi:clocks/monotonic-clock@0.2.0;
    }
    world sleeping-agent {
        include lockhouse:agent/agent@0.1.0;
        import wasi:clocks/monotonic-clock@0.2.0;
    }
    world later-policy {
        include lockhouse:policy/policy@0.1.0;
        import wasi:cli/environment@0.3.0;
    }";
    for package in WASI {
        resolve.push_str("wasi.wit", package).unwrap();
    }
    let own = resolve.push_str("fixture.wit", own).unwrap();
    let world = resolve.select_world(&[own], Some(world)).unwrap();
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().validate(true);
    encoder.module(&module).unwrap().encode().unwrap()
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}
