//! The third layer: programs and sub-commands that strict mode allows. Nothing else runs there.

use crate::{
    expand::Field,
    finding::{Finding, Rule},
    verdict::Risk,
};

/// Programs with the sub-commands that are allowed for them.
const WITH_SUBCOMMANDS: &[(&str, &[&str])] = &[
    ("npm", &["install", "i", "ci", "run", "start", "build", "test", "t", "ls", "list", "init"]),
    ("npx", &["tsc", "eslint", "prettier", "jest", "vite", "vitest", "next", "playwright"]),
    ("yarn", &["install", "run", "start", "build", "test", "add"]),
    ("pnpm", &["install", "i", "run", "start", "build", "test", "add"]),
    (
        "git",
        &[
            "clone",
            "init",
            "add",
            "commit",
            "status",
            "diff",
            "log",
            "show",
            "branch",
            "checkout",
            "switch",
            "restore",
            "stash",
            "merge",
            "mv",
            "rm",
            "tag",
            "rev-parse",
            "ls-files",
        ],
    ),
    ("cargo", &["build", "check", "test", "run", "fmt", "clippy", "new", "init", "add", "doc"]),
    ("go", &["build", "test", "run", "mod", "get", "fmt", "vet", "version", "list"]),
    ("mvn", &["compile", "test", "package", "install", "clean", "verify"]),
    ("gradle", &["build", "test", "run", "clean", "assemble"]),
    ("composer", &["install", "require", "update", "dump-autoload", "run", "test", "init"]),
    ("bundle", &["install", "exec", "update", "add"]),
    ("gem", &["install", "list", "build"]),
    ("poetry", &["install", "add", "run", "build", "init"]),
    ("uv", &["sync", "add", "run", "venv", "pip"]),
    ("rails", &["new", "generate", "server", "test"]),
    ("rake", &["test", "build", "spec", "default"]),
    ("nginx", &["-t", "-v"]),
];

/// Programs that are allowed with any argument.
const ANY_ARGUMENT: &[&str] = &[
    "python",
    "python3",
    "node",
    "pip",
    "pip3",
    "flask",
    "uvicorn",
    "gunicorn",
    "streamlit",
    "pytest",
    "black",
    "ruff",
    "mypy",
    "flake8",
    "javac",
    "java",
    "jar",
    "rustc",
    "rustfmt",
    "gofmt",
    "ruby",
    "rspec",
    "rubocop",
    "irb",
    "php",
    "phpunit",
    "tsc",
    "eslint",
    "prettier",
    "jest",
    "vitest",
    "vite",
    "make",
    "ls",
    "cat",
    "head",
    "tail",
    "echo",
    "printf",
    "pwd",
    "cd",
    "mkdir",
    "touch",
    "cp",
    "mv",
    "wc",
    "sort",
    "uniq",
    "grep",
    "find",
    "test",
    "[",
    "true",
    "false",
    ":",
    "exit",
    "which",
    "diff",
    "date",
    "sleep",
    "set",
    "export",
    "source",
    ".",
    "wait",
    "cut",
    "tr",
    "tee",
    "file",
    "stat",
    "du",
    "tree",
    "basename",
    "dirname",
    "whoami",
    "uname",
];

/// Commands of the project itself: `./run.sh`, `.venv/bin/python`.
fn is_of_project(path: &str) -> bool {
    ["./gradlew", "./mvnw", "./manage.py", "bin/rails", "./bin/rails"].contains(&path)
        || [".venv/bin/", "venv/bin/", "./venv/bin/", "./.venv/bin/", "vendor/bin/"]
            .iter()
            .chain(&["./vendor/bin/", "node_modules/.bin/", "./node_modules/.bin/"])
            .any(|folder| path.strip_prefix(folder).is_some_and(|name| !name.contains('/')))
}

pub(crate) fn check(
    name: &str,
    path: &str,
    arguments: &[Field],
    extra: &[String],
) -> Option<Finding> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if is_of_project(path) {
        return None;
    }
    let refuse = |reason| {
        let finding = Finding::deny(Rule::NotAllowed, Risk::Moderate, reason);
        Some(finding.advise("Strict mode is on: use an allowed command, or ask the operator."))
    };
    if path != name {
        // Whatever lies there only has the name of a program on the list.
        return refuse(format!("`{path}` is called by its path; the list has names."));
    }
    let is_allowed = ANY_ARGUMENT.contains(&name)
        || (!plain.is_empty() && plain != name && ANY_ARGUMENT.contains(&plain))
        || extra.iter().any(|allowed| allowed == name);
    if is_allowed {
        return None;
    }
    let allowed = subcommands(name, extra);
    if allowed.is_empty() {
        return refuse(format!("`{name}` is not on the allow-list of strict mode."));
    }
    let subcommand = arguments
        .iter()
        .find(|field| !field.text.starts_with('-') || allowed.contains(&field.text.as_str()));
    match subcommand.map(Field::known) {
        // `npm --version` asks; without a sub-command nothing is done.
        None => None,
        Some(Some(subcommand)) if allowed.contains(&subcommand) => None,
        Some(_) => {
            refuse(format!("`{name}` is allowed in strict mode with {} only.", allowed.join(", ")))
        }
    }
}

/// The list's own and the operator's.
fn subcommands<'a>(name: &str, extra: &'a [String]) -> Vec<&'a str> {
    let listed = WITH_SUBCOMMANDS.iter().find(|(program, _)| *program == name);
    let mut all: Vec<&str> = listed.map_or(Vec::new(), |(_, allowed)| allowed.to_vec());
    all.extend(extra.iter().filter_map(|entry| entry.strip_prefix(name)?.strip_prefix(' ')));
    all
}

/// The allow-list in words.
pub(crate) fn in_words() -> String {
    let mut text = format!("{}; with sub-commands:", ANY_ARGUMENT.join(", "));
    for (name, allowed) in WITH_SUBCOMMANDS {
        text += &format!(" {name} ({})", allowed.join(" "));
    }
    text
}
