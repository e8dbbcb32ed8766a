//! What git runs: settings, sub-commands that take a command, and its `ext::` addresses.

use super::Call;
use crate::{
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    rules::paths,
    sanitise,
    scope::Scope,
    verdict::Risk,
    walk::Walk,
};

/// Options whose value is a command, by sub-command; the empty name stands for all.
const COMMAND_OPTIONS: &[(&str, &[&str])] = &[
    ("", &["--upload-pack", "--receive-pack", "--exec", "--extcmd", "--to-cmd", "--cc-cmd"]),
    ("", &["--sendmail-cmd", "--open-files-in-pager"]),
    ("clone", &["-u"]),
    ("rebase", &["-x"]),
    ("difftool", &["-x"]),
    ("grep", &["-O"]),
];

impl Walk<'_> {
    /// Where git is told to work.
    pub(super) fn git_folders(&mut self, call: &Call<'_>, scope: &Scope) {
        let mut arguments = call.arguments.iter();
        while let Some(field) = arguments.next() {
            let text = field.text.as_str();
            let folder = match text {
                "-C" | "--work-tree" | "--git-dir" => arguments.next().cloned(),
                _ if !text.starts_with('-') => return,
                _ => text.strip_prefix("--work-tree=").map(Field::plain),
            };
            let finding = folder.and_then(|folder| paths::check_folder(&folder, scope));
            finding.into_iter().for_each(|finding| self.report(finding));
            if text.starts_with("--exec-path=") {
                let reason = format!("Which programs `git {text}` would start can't be known.");
                self.report(Finding::deny(Rule::UnknownCommand, Risk::Dangerous, reason));
            }
        }
    }
}

pub(super) fn scripts(call: &Call<'_>) -> Vec<String> {
    let words: Vec<_> = call.arguments.iter().map(|field| field.text.as_str()).collect();
    let has = |word: &str| words.contains(&word);
    let mut found: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let rest = words.get(at + 1..).unwrap_or_default();
        let next = rest.first().copied().unwrap_or_default();
        if let Some(setting) = word.strip_prefix("--config-env=")
            && is_command_setting(setting.split('=').next().unwrap_or_default())
        {
            found.push(UNKNOWN.to_string());
        } else if let Some(command) = word.strip_prefix("ext::") {
            // `% ` is how such an address writes a space inside an argument.
            found.push(command.replace("% ", "\\ "));
        } else if let Some(command) = word.strip_prefix('!') {
            found.push(command.to_owned());
        } else if let Some((key, value)) = word.split_once('=')
            && (is_command_setting(key) || value.starts_with('!'))
        {
            found.push(value.trim_start_matches('!').to_owned());
        } else if *word == "run" && has("bisect") {
            let rest: Vec<_> = rest.iter().map(|word| (*word).to_owned()).collect();
            found.push(sanitise::words(&rest));
        } else if *word == "foreach" && has("submodule") {
            let command = rest.iter().skip_while(|word| word.starts_with('-'));
            found.push(command.copied().collect::<Vec<_>>().join(" "));
        } else if word.ends_with("-filter") {
            found.push(next.to_owned());
        } else if is_command_setting(word) {
            found.push(next.trim_start_matches('!').to_owned());
        } else {
            found.extend(option_value(word, next, &has));
        }
    }
    found
}

fn option_value(word: &str, next: &str, has: &impl Fn(&str) -> bool) -> Option<String> {
    let mut options = COMMAND_OPTIONS
        .iter()
        .filter(|(subcommand, _)| subcommand.is_empty() || has(subcommand))
        .flat_map(|(_, options)| options.iter());
    options.find_map(|option| {
        let value = word.strip_prefix(option)?;
        match value.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if value.is_empty() => Some(next.to_owned()),
            None if option.len() == 2 => Some(value.to_owned()),
            None => None,
        }
    })
}

fn is_command_setting(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let last = key.rsplit('.').next().unwrap_or_default();
    key.contains('.')
        && (matches!(
            last,
            "pager"
                | "gitproxy"
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
