//! The house rules that a compiler does not know: who may import whom, and who
//! may name which library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file of the host and its text, without its tests.
struct Source {
    /// Such as `runtimes/link.rs`.
    name: String,
    text: String,
}

impl Source {
    /// The room: the first part of its path.
    fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The modules of the crate that it names.
    fn imports(&self) -> BTreeSet<String> {
        let mut imports = BTreeSet::new();
        for (at, _) in self.text.match_indices("crate::") {
            let preceded = self.text[..at].chars().next_back();
            if preceded.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &self.text[at + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(list) => imports.extend(names_of(list)),
                None => imports.extend(first_name(rest)),
            }
        }
        imports
    }
}

/// The first name of each entry of `{a::{b, c}, d}`.
fn names_of(list: &str) -> Vec<String> {
    let (mut depth, mut entry, mut names) = (0, String::new(), Vec::new());
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_name(&std::mem::take(&mut entry))),
            _ => entry.push(c),
        }
    }
    names.extend(first_name(&entry));
    names
}

fn first_name(path: &str) -> Option<String> {
    let name: String =
        path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        Source { name, text }
    };
    files.into_iter().filter(|path| !is_test(path)).map(read).collect()
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs")
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

const GROUND: &[&str] = &[
    "artifacts",
    "clock",
    "command",
    "db",
    "events",
    "ids",
    "leases",
    "objects",
    "origin",
    "secret",
    "tasks",
    "traces",
];
const GATES: &[&str] =
    &["audit", "auth", "drain", "gate", "idempotency", "limits", "policy", "quotas"];
const ROOMS: &[&str] = &[
    "agents",
    "exec",
    "files",
    "jobs",
    "previews",
    "processes",
    "projects",
    "reports",
    "reviews",
    "runtimes",
    "terminals",
];
const DOORS: &[&str] = &["http", "plugins"];
const FRAME: &[&str] = &["app", "cli", "config", "lib", "main", "server", "telemetry"];

/// Which other rooms a room may name.
fn arrows(room: &str) -> &'static [&'static str] {
    match room {
        "files" | "runtimes" => &["projects"],
        "exec" => &["files", "projects", "runtimes"],
        "processes" | "terminals" => &["projects", "runtimes"],
        "previews" => &["processes", "projects", "runtimes"],
        "jobs" => &["files", "projects"],
        "agents" => &["exec", "files", "jobs", "processes", "projects", "runtimes"],
        "reports" => &["files", "runtimes"],
        "reviews" => &["files", "projects"],
        _ => &[],
    }
}

fn may_import(from: &str, to: &str) -> bool {
    if from == to || FRAME.contains(&from) || GROUND.contains(&to) {
        return true;
    }
    match from {
        _ if GROUND.contains(&from) => false,
        "gate" => GATES.contains(&to),
        // A caller's role is part of what a policy is asked.
        "policy" => to == "auth",
        _ if GATES.contains(&from) => false,
        _ if ROOMS.contains(&from) => GATES.contains(&to) || arrows(from).contains(&to),
        _ if DOORS.contains(&from) => {
            GATES.contains(&to)
                || ROOMS.contains(&to)
                || (from == "http" && ["app", "plugins"].contains(&to))
        }
        _ => false,
    }
}

#[test]
fn imports_flow_one_way() {
    let known: BTreeSet<&str> = [GROUND, GATES, ROOMS, DOORS, FRAME].concat().into_iter().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let from = source.module();
        assert!(known.contains(from), "{} belongs to no tier: add it to the table", source.name);
        let imports = source.imports();
        let modules = imports.iter().filter(|to| known.contains(to.as_str()));
        wrong.extend(
            modules
                .filter(|to| !may_import(from, to))
                .map(|to| format!("{} names {to}", source.name)),
        );
    }
    assert!(wrong.is_empty(), "against the table: {wrong:#?}");
}

/// Files that name `library`, other than those that may.
fn strangers(library: &str, may: impl Fn(&str) -> bool) -> Vec<String> {
    let named = [format!("{library}::"), format!("use {library};")];
    let names = |source: &Source| named.iter().any(|name| is_named(&source.text, name));
    sources().into_iter().filter(|s| names(s) && !may(&s.name)).map(|s| s.name).collect()
}

fn is_named(text: &str, name: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| {
        line.match_indices(name).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
    })
}

#[test]
fn only_the_doors_of_http_and_the_server_name_axum() {
    let may = |file: &str| file.starts_with("http") || file == "server.rs";
    assert_eq!(strangers("axum", may), [] as [&str; 0]);
}

#[test]
fn only_plugins_name_wasmtime() {
    assert_eq!(strangers("wasmtime", |file| file.starts_with("plugins")), [] as [&str; 0]);
}

#[test]
fn only_the_docker_engine_names_bollard() {
    assert_eq!(strangers("bollard", |file| file.starts_with("runtimes/docker")), [] as [&str; 0]);
}

#[test]
fn only_objects_name_object_store() {
    assert_eq!(strangers("object_store", |file| file == "objects.rs"), [] as [&str; 0]);
}

#[test]
fn only_traces_and_telemetry_name_opentelemetry() {
    let may = |file: &str| file == "traces.rs" || file.starts_with("telemetry");
    let named =
        ["opentelemetry", "opentelemetry_sdk", "opentelemetry_otlp", "tracing_opentelemetry"];
    let strangers: Vec<String> = named.iter().flat_map(|it| strangers(it, may)).collect();
    assert_eq!(strangers, [] as [&str; 0]);
}

#[test]
fn only_the_database_and_stores_name_sqlx() {
    let may = |file: &str| {
        let is_store = file.ends_with("/store.rs") || file.contains("/store/");
        is_store || file == "db.rs" || file.starts_with("db/")
    };
    assert_eq!(strangers("sqlx", may), [] as [&str; 0]);
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let reads = |source: &Source| source.text.contains("env::var");
    let strangers: Vec<String> = sources()
        .into_iter()
        .filter(|s| reads(s) && s.name != "config.rs")
        .map(|s| s.name)
        .collect();
    assert_eq!(strangers, [] as [&str; 0]);
}

#[test]
fn every_file_begins_with_what_it_is() {
    let silent: Vec<String> =
        sources().into_iter().filter(|s| !s.text.starts_with("//!")).map(|s| s.name).collect();
    assert_eq!(silent, [] as [&str; 0]);
}
