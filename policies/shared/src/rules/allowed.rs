//! The third layer: programs and sub-commands that strict mode allows. Nothing else runs there.

use crate::{
    expand::Field,
    finding::{Finding, Rule},
    verdict::Risk,
};

/// Programs with the sub-commands that are allowed for them.
const WITH_SUBCOMMANDS: &[(&str, &[&str])] = &[
    ("npm", &["install", "run", "start", "build", "test", "ci", "ls", "list"]),
    ("yarn", &["install", "run", "start", "build", "test", "add"]),
    ("pnpm", &["install", "run", "start", "build", "test", "add"]),
    ("git", &["clone", "init", "add", "commit", "status", "diff", "log", "show", "branch"]),
    ("cargo", &["build", "check", "test", "run", "fmt", "clippy", "new", "init", "add"]),
    ("go", &["build", "test", "run", "mod", "get", "fmt", "vet", "version"]),
    ("mvn", &["compile", "test", "package", "install", "clean", "verify"]),
    ("gradle", &["build", "test", "run", "clean", "assemble"]),
    ("composer", &["install", "require", "update", "dump-autoload", "run", "test"]),
    ("bundle", &["install", "exec", "update", "add"]),
    ("gem", &["install", "list", "build"]),
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
    "javac",
    "java",
    "rustc",
    "rustfmt",
    "gofmt",
    "ruby",
    "rake",
    "rspec",
    "php",
    "phpunit",
    "tsc",
    "eslint",
    "jest",
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
    "exit",
    "which",
    "diff",
    "date",
    "sleep",
];

pub(crate) fn check(name: &str, arguments: &[Field], extra: &[String]) -> Option<Finding> {
    if ANY_ARGUMENT.contains(&name) || extra.iter().any(|allowed| allowed == name) {
        return None;
    }
    let refuse = |reason| {
        let finding = Finding::deny(Rule::NotAllowed, Risk::Moderate, reason);
        Some(finding.advise("Strict mode is on: use an allowed command, or ask the operator."))
    };
    let Some((_, allowed)) = WITH_SUBCOMMANDS.iter().find(|(program, _)| *program == name) else {
        return refuse(format!("`{name}` is not on the allow-list of strict mode."));
    };
    let subcommand = arguments.iter().find(|field| !field.text.starts_with('-'));
    match subcommand.map(Field::known) {
        None => None,
        Some(Some(subcommand)) if allowed.contains(&subcommand) => None,
        Some(_) => {
            refuse(format!("`{name}` is allowed in strict mode with {} only.", allowed.join(", ")))
        }
    }
}
