//! Which arguments of a program are names of files, as far as that matters: an innocent text
//! that looks like a path must not trip a rule.

use crate::{
    expand::{Field, UNKNOWN},
    names::{self, Name, by_name, is_among, sorted},
    rules::paths,
};

/// Programs whose arguments are never opened as files.
const TEXT_ONLY: &[Name] = &sorted([
    "echo",
    "printf",
    "true",
    "false",
    ":",
    "test",
    "[",
    "export",
    "declare",
    "local",
    "readonly",
    "typeset",
    "unset",
    "set",
    "return",
    "exit",
    "type",
    "which",
    "whereis",
    "hash",
    "basename",
    "dirname",
    "expr",
    "seq",
    "sleep",
    "date",
    "tr",
    "kill",
    "pkill",
    "pgrep",
    "read",
    "let",
    "shift",
    "alias",
    "unalias",
    "trap",
    "umask",
    "getopts",
    "wait",
    "jobs",
    "man",
    "help",
    "uname",
    "whoami",
    "id",
    "hostname",
    "printenv",
    "gh",
    "tldr",
    "apropos",
    "http",
    "https",
    "xh",
    "ab",
    "wrk",
    "hey",
    "redis-cli",
    "nc",
    "ping",
    "dig",
    "bc",
    "dc",
    "cal",
    "tput",
    "history",
    "fc",
    "bind",
    "complete",
    "compgen",
    "jshell",
]);

/// Programs whose first operand is a pattern or a program text, unless an option gave it.
const PATTERN_FIRST: &[Name] = &sorted([
    "grep", "egrep", "fgrep", "rg", "ag", "ack", "sed", "awk", "gawk", "mawk", "jq", "yq", "perl",
]);

/// Options with a text for their value, by program.
const TEXT_OPTIONS: &[(Name, &[&str])] = &by_name::<&[&str], _>([
    ("git", &["-m", "--message", "--grep", "-S", "-G", "--author", "--format", "-e", "-am", "-t"]),
    ("rg", &["-e", "--regexp", "-g", "--glob", "-r", "--replace"]),
    ("jq", &["--arg", "--argjson"]),
    ("awk", &["-F", "-v"]),
    ("gcc", &["-I", "-L", "-isystem", "-iquote", "-B", "--sysroot"]),
    ("g++", &["-I", "-L", "-isystem", "-iquote", "-B", "--sysroot"]),
    ("cc", &["-I", "-L", "-isystem", "-iquote", "-B", "--sysroot"]),
    ("clang", &["-I", "-L", "-isystem", "-iquote", "-B", "--sysroot"]),
    ("clang++", &["-I", "-L", "-isystem", "-iquote", "-B", "--sysroot"]),
    ("protoc", &["-I"]),
    ("ssh", &["-i"]),
    ("wget", &["--header", "-U", "--user-agent"]),
    ("npm", &["-m", "-t", "--message"]),
    ("pytest", &["-k", "-m"]),
    ("jest", &["-t", "--testNamePattern"]),
    ("xargs", &["-d", "--delimiter", "-I"]),
    ("cut", &["-d", "--delimiter"]),
    ("sort", &["-t", "--field-separator"]),
    ("paste", &["-d"]),
    ("column", &["-s"]),
    ("join", &["-t"]),
    ("tree", &["-I", "-P"]),
    ("tar", &["--transform", "--exclude"]),
    ("rsync", &["--exclude", "--include"]),
    ("zip", &["-x", "-i"]),
    ("openssl", &["-subj", "-addext"]),
    ("mkdocs", &["-m"]),
    ("alembic", &["-m", "--message"]),
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
    ("grep", &["-e", "--regexp", "--include", "--exclude", "--exclude-dir"]),
    ("sed", &["-e", "--expression"]),
    ("curl", &["-H", "--header", "-w", "--write-out", "-A", "--user-agent", "-b", "--cookie"]),
]);

const PATTERN_OPTIONS: &[&str] = &["-e", "-f", "--expression", "--regexp", "--file"];

/// Programs that build: folders they are given by `--prefix=/usr/local` or `-DX=/usr/lib` name a
/// place in what they build.
const BUILDERS: &[Name] = &sorted([
    "cmake",
    "make",
    "gmake",
    "meson",
    "ninja",
    "configure",
    "bazel",
    "gcc",
    "g++",
    "cc",
    "c++",
    "clang",
    "clang++",
    "ld",
    "pkg-config",
    "rustc",
    "cargo",
    "go",
    "mvn",
    "gradle",
    "javac",
    "autoconf",
    "scons",
    "waf",
    "bjam",
    "protoc",
    "ctest",
    "docker",
]);

/// Programs that write to what they are given, or to their last operand.
const WRITERS: &[Name] = &sorted([
    "chmod", "chown", "chgrp", "chattr", "setfacl", "touch", "tee", "truncate", "shred", "mv",
    "install", "dd", "rsync", "patch", "sed", "rm", "rmdir", "unlink", "mkdir",
]);
const WRITE_LAST: &[&str] = &["cp", "ln", "scp"];
/// Options whose value is written.
const OUTPUT_OPTIONS: &[&str] = &["-o", "-O", "-t", "-d", "--output", "--output-document", "--out"];

/// The arguments that may be files, with what is a mere name left out, each with its place.
pub(crate) fn files<'f>(
    name: &str,
    arguments: &'f [Field],
    strict: bool,
) -> Vec<(usize, &'f Field)> {
    if arguments.is_empty() || is_among(name, TEXT_ONLY) {
        return Vec::new();
    }
    let text_options = names::of(name, TEXT_OPTIONS).copied().unwrap_or_default();
    let mut pattern_waits = waits_for_pattern(name, arguments);
    let mut files = Vec::with_capacity(arguments.len());
    let mut before = "";
    let is_git = name == "git";
    for (index, field) in arguments.iter().enumerate() {
        let option = std::mem::replace(&mut before, field.text.as_str());
        if text_options.contains(&option) {
            // A value is no option itself.
            before = "";
        } else if pattern_waits && !field.text.starts_with('-') {
            // Git's first word is what it does.
            pattern_waits = is_git && index == 0;
        } else if !text_options.contains(&field.text.as_str())
            && (strict || !is_name_only(name, field, option, index + 1 == arguments.len()))
        {
            files.push((index, field));
        }
    }
    files
}

/// `ln -s ../a b/c`: the target is looked for from where the link lies.
pub(crate) fn link_target(name: &str, arguments: &[Field]) -> Option<(usize, Field)> {
    let is_link = |field: &Field| field.text.starts_with('-') && field.text.contains('s');
    if name != "ln" || !arguments.iter().any(is_link) {
        return None;
    }
    let mut operands =
        arguments.iter().enumerate().filter(|(_, field)| !field.text.starts_with('-'));
    let (at, target) = operands.next()?;
    let (_, link) = operands.next_back()?;
    if target.text.starts_with('/') || target.text.contains(UNKNOWN) {
        return None;
    }
    let folder = link.text.rsplit_once('/').map_or(".", |(folder, _)| folder);
    Some((at, Field::plain(format!("{folder}/{}", target.text))))
}

fn waits_for_pattern(name: &str, arguments: &[Field]) -> bool {
    let is_git_grep = name == "git" && arguments.first().is_some_and(|field| field.text == "grep");
    (is_among(name, PATTERN_FIRST) || is_git_grep)
        && !arguments.iter().any(|field| PATTERN_OPTIONS.contains(&field.text.as_str()))
}

/// A place in what is built, or a program that is only named.
fn is_name_only(name: &str, field: &Field, option: &str, is_last: bool) -> bool {
    let text = field.text.as_str();
    if !text.contains('/') {
        return false;
    }
    if let Some((key, value)) = text.split_once('=') {
        let is_setting = !key.contains('/') && value.starts_with('/');
        let is_output = OUTPUT_OPTIONS.contains(&key) || matches!(key, "of" | "DESTDIR");
        if is_setting && is_among(name, BUILDERS) && !is_output {
            return true;
        }
        return is_setting && !is_output && paths::is_program(value);
    }
    let is_written = is_among(name, WRITERS)
        || (is_last && WRITE_LAST.contains(&name))
        || OUTPUT_OPTIONS.contains(&option);
    !is_written && paths::is_program(text)
}
