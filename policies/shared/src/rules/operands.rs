//! Which arguments of a program are names of files, as far as that matters: an innocent text
//! that looks like a path must not trip a rule.

use crate::expand::Field;

/// Programs whose arguments are never opened as files.
const TEXT_ONLY: &[&str] = &[
    "echo", "printf", "true", "false", ":", "test", "[", "export", "declare", "local", "readonly",
    "typeset", "unset", "set", "return", "exit", "type", "which", "whereis", "hash", "basename",
    "dirname", "expr", "seq", "sleep", "date", "tr", "cut", "kill", "pkill", "pgrep", "read",
    "let", "shift", "alias", "unalias", "trap", "umask", "getopts", "wait", "jobs", "man", "help",
    "uname", "whoami", "id", "hostname", "printenv",
];

/// Programs whose first operand is a pattern or a program text, unless an option gave it.
const PATTERN_FIRST: &[&str] = &[
    "grep", "egrep", "fgrep", "rg", "ag", "ack", "sed", "awk", "gawk", "mawk", "jq", "yq", "perl",
];

/// Options with a text for their value, by program.
const TEXT_OPTIONS: &[(&str, &[&str])] = &[
    ("git", &["-m", "--message", "--grep", "-S", "-G", "--author", "--format"]),
    (
        "find",
        &[
            "-name",
            "-iname",
            "-path",
            "-ipath",
            "-wholename",
            "-iwholename",
            "-regex",
            "-iregex",
            "-printf",
        ],
    ),
    ("grep", &["-e", "--regexp"]),
    ("sed", &["-e", "--expression"]),
    ("curl", &["-H", "--header", "-w", "--write-out", "-A", "--user-agent"]),
];

const PATTERN_OPTIONS: &[&str] = &["-e", "-f", "--expression", "--regexp", "--file"];

pub(crate) fn files<'f>(name: &str, arguments: &'f [Field]) -> Vec<&'f Field> {
    if TEXT_ONLY.contains(&name) {
        return Vec::new();
    }
    let text_options =
        TEXT_OPTIONS.iter().find(|(program, _)| *program == name).map_or(&[][..], |(_, o)| o);
    let mut pattern_waits = PATTERN_FIRST.contains(&name)
        && !arguments.iter().any(|field| PATTERN_OPTIONS.contains(&field.text.as_str()));
    let mut files = Vec::with_capacity(arguments.len());
    let mut skip = false;
    for field in arguments {
        if std::mem::take(&mut skip) {
            continue;
        }
        if text_options.contains(&field.text.as_str()) {
            skip = true;
        } else if pattern_waits && !field.text.starts_with('-') {
            pattern_waits = false;
        } else {
            files.push(field);
        }
    }
    files
}
