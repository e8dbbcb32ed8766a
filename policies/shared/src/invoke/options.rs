//! Options and operands of ordinary tools that run a command.

use super::Call;
use crate::{
    scope::Scope,
    walk::{Stream, Walk},
};

/// Tools with the options whose value a shell or the tool itself runs.
const SCRIPT_OPTIONS: &[(&str, &[&str])] = &[
    (
        "tar",
        &[
            "--to-command",
            "--use-compress-program",
            "-I",
            "--rsh-command",
            "-F",
            "--info-script",
            "--new-volume-script",
        ],
    ),
    ("zip", &["-TT", "--unzip-command"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    ("git", &["--upload-pack", "--receive-pack", "-x", "--exec", "--extcmd"]),
    ("script", &["-c", "--command"]),
    ("man", &["-P", "--pager"]),
    ("npm", &["--call"]),
    ("split", &["--filter"]),
    ("sort", &["--compress-program"]),
];

/// Editors and shells of databases that run a command behind one of these marks.
const ESCAPES: &[(&str, &[&str])] = &[
    ("vim", &["!"]),
    ("vi", &["!"]),
    ("nvim", &["!"]),
    ("ex", &["!"]),
    ("ed", &["!"]),
    ("less", &["!"]),
    ("gdb", &["!", "shell "]),
    ("sqlite3", &[".shell ", ".system "]),
    ("psql", &["\\!"]),
    ("mysql", &["\\!", "system "]),
];

impl Walk<'_> {
    pub(super) fn scripts_in_options(&mut self, call: &Call<'_>, scope: &Scope) {
        for script in scripts(call) {
            self.script(&script, &mut scope.clone(), &Stream::Unknown);
        }
    }
}

fn scripts(call: &Call<'_>) -> Vec<String> {
    let mut found = option_values(call);
    match call.name {
        "tar" => {
            let actions = texts(call).filter_map(|text| text.split_once("action=exec="));
            found.extend(actions.map(|(_, script)| script.to_owned()));
        }
        "git" => found.extend(git(call)),
        "ssh" | "scp" | "sftp" => {
            let options = texts(call).filter_map(|text| {
                let (name, value) = text.trim_start_matches("-o").split_once(['=', ' '])?;
                let name = name.to_ascii_lowercase();
                name.ends_with("command").then_some(value)
            });
            found.extend(options.map(str::to_owned));
        }
        _ => {}
    }
    if let Some((_, marks)) = ESCAPES.iter().find(|(name, _)| *name == call.name) {
        let escapes =
            texts(call).flat_map(|text| marks.iter().filter_map(move |mark| text.split_once(mark)));
        found.extend(escapes.map(|(_, script)| script.to_owned()));
    }
    found
}

fn texts<'c>(call: &'c Call<'_>) -> impl Iterator<Item = &'c str> {
    call.arguments.iter().map(|field| field.text.as_str())
}

/// Values of the tool's script options, as the next argument or behind `=`.
fn option_values(call: &Call<'_>) -> Vec<String> {
    let Some((_, options)) = SCRIPT_OPTIONS.iter().find(|(name, _)| *name == call.name) else {
        return Vec::new();
    };
    let following = call
        .arguments
        .windows(2)
        .filter(|pair| options.contains(&pair[0].text.as_str()))
        .map(|pair| pair[1].text.clone());
    let attached = texts(call).filter_map(|text| {
        let (option, value) = text.split_once('=')?;
        options.contains(&option).then(|| value.to_owned())
    });
    following.chain(attached).collect()
}

/// Settings that git runs as a command, sub-commands that take one, and its `ext::` addresses.
fn git(call: &Call<'_>) -> Vec<String> {
    let words: Vec<_> = texts(call).collect();
    let mut found: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let rest = || words[at + 1..].join(" ");
        if let Some(command) = word.strip_prefix("ext::") {
            // `% ` is how such an address writes a space inside an argument.
            found.push(command.replace("% ", "\\ "));
        } else if let Some(command) = word.strip_prefix('!') {
            found.push(command.to_owned());
        } else if let Some((key, value)) = word.split_once('=')
            && (is_command_setting(key) || value.starts_with('!'))
        {
            found.push(value.trim_start_matches('!').to_owned());
        } else if (*word == "run" && words.contains(&"bisect"))
            || (*word == "foreach" && words.contains(&"submodule"))
            || word.ends_with("-filter")
        {
            found.push(rest());
        } else if is_command_setting(word) {
            found.push(rest().trim_start_matches('!').to_owned());
        }
    }
    found
}

fn is_command_setting(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let last = key.rsplit('.').next().unwrap_or_default();
    key.contains('.')
        && (matches!(
            last,
            "pager"
                | "editor"
                | "sshcommand"
                | "fsmonitor"
                | "askpass"
                | "textconv"
                | "cmd"
                | "helper"
                | "external"
                | "command"
                | "program"
                | "clean"
                | "smudge"
                | "process"
                | "driver"
                | "uploadpack"
                | "receivepack"
        ) || key.starts_with("pager."))
}
