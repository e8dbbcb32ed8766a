//! Options and operands of ordinary tools that run a command.

use super::{Call, git};
use crate::{
    expand::Field,
    names::{self, Name, by_name},
    rules::paths,
    scope::Scope,
    walk::{Stream, Walk},
};

/// Tools with the options whose value a shell or the tool itself runs.
const SCRIPT_OPTIONS: &[(Name, &[&str])] = &by_name::<&[&str], _>([
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
    ("scp", &["-S"]),
    ("sftp", &["-S"]),
    ("rg", &["--pre", "--hostname-bin"]),
    ("nodemon", &["-x", "--exec"]),
    ("script", &["-c", "-qc", "-ec", "-qec", "-qefc", "-aqc", "--command"]),
    ("man", &["-P", "--pager"]),
    ("npm", &["--call"]),
    ("split", &["--filter"]),
    ("sort", &["--compress-program"]),
]);

/// Editors and shells of databases that run a command behind one of these marks.
const ESCAPES: &[(Name, &[&str])] = &by_name::<&[&str], _>([
    ("vim", &["!", ":shell ", "system("]),
    ("vi", &["!", ":shell ", "system("]),
    ("nvim", &["!", ":shell ", "system("]),
    ("ex", &["!"]),
    ("less", &["!"]),
    ("gdb", &["!", "shell "]),
    ("sqlite3", &[".shell ", ".system "]),
    ("psql", &["\\!"]),
    ("mysql", &["\\!", "system "]),
]);

impl Walk<'_> {
    pub(super) fn scripts_in_options(&mut self, call: &Call<'_>, scope: &Scope) {
        for script in scripts(call) {
            self.script(&script, &mut scope.clone(), &Stream::Unknown);
        }
        match call.name {
            "git" => self.git_folders(call, scope),
            "make" | "gmake" => self.recipes(call, scope),
            "ed" | "ex" => {
                if let Stream::Known(text) = &call.input {
                    let escapes = text.lines().filter_map(|line| line.trim().strip_prefix('!'));
                    escapes.for_each(|script| self.clear_findings(script, scope));
                }
            }
            "tmux" => texts(call).for_each(|text| self.clear_findings(text, scope)),
            "psql" | "mysql" | "vim" | "nvim" | "vi" => {
                let marks = ["PROGRAM", "system("];
                texts(call)
                    .filter(|text| marks.iter().any(|mark| text.contains(mark)))
                    .for_each(|text| self.code(call.name, text, scope));
            }
            "sqlite3" => {
                let words = texts(call).filter(|text| text.starts_with('.'));
                for path in words.flat_map(str::split_whitespace).filter(|w| w.starts_with('/')) {
                    let finding = paths::check(&Field::plain(path), scope, self.settings.strict);
                    finding.into_iter().for_each(|finding| self.report(finding));
                }
            }
            _ => {}
        }
    }

    /// Makefiles that lie in the command: its input and the values of `--eval` and `SHELL`.
    fn recipes(&mut self, call: &Call<'_>, scope: &Scope) {
        let mut reads_input = false;
        let mut arguments = call.arguments.iter().peekable();
        while let Some(field) = arguments.next() {
            let text = field.text.as_str();
            let next = arguments.peek().map_or("", |field| field.text.as_str());
            reads_input |= matches!(text, "-f-" | "--file=-" | "--makefile=-" | "-f/dev/stdin")
                || (text == "-f" && matches!(next, "-" | "/dev/stdin"));
            if text == "-f" {
                let stream = arguments.peek().and_then(|field| field.stream.clone());
                stream.iter().for_each(|stream| self.recipe_of(stream, scope));
            } else if text == "--eval" {
                self.recipe(next, scope);
            } else if let Some(rules) = text.strip_prefix("--eval=") {
                self.recipe(rules, scope);
            } else if let Some(shell) = text.strip_prefix("SHELL=") {
                self.clear_findings(shell, scope);
            }
        }
        if reads_input {
            self.recipe_of(&call.input.clone(), scope);
        }
    }

    fn recipe_of(&mut self, stream: &Stream, scope: &Scope) {
        match stream {
            Stream::Known(text) => self.recipe(text, scope),
            Stream::Inherited => {}
            Stream::Network | Stream::Files(_) | Stream::Unknown => {
                self.feed("make", stream, scope);
            }
        }
    }

    fn recipe(&mut self, text: &str, scope: &Scope) {
        for line in text.lines() {
            let commands = line.split_once(':').map_or(line, |(_, rest)| rest);
            for part in [line, commands].into_iter().chain(line.split("$(shell ").skip(1)) {
                let part =
                    part.trim_start_matches(|c: char| c.is_whitespace() || "@-+;".contains(c));
                self.clear_findings(part.trim_end_matches(')'), scope);
                self.clear_findings(part, scope);
            }
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
        "git" => found.extend(git::scripts(call)),
        "cargo" if texts(call).next() == Some("watch") => {
            let words: Vec<_> = texts(call).collect();
            let shells = words.windows(2).filter(|pair| matches!(pair[0], "-s" | "--shell"));
            found.extend(shells.map(|pair| pair[1].to_owned()));
        }
        "concurrently" => {
            let is_short = |text: &&str| {
                !["npm:", "yarn:", "pnpm:", "bun:"].iter().any(|prefix| text.starts_with(prefix))
            };
            found.extend(texts(call).filter(is_short).map(str::to_owned));
        }
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
    if let Some(marks) = names::of(call.name, ESCAPES) {
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
    let Some(options) = names::of(call.name, SCRIPT_OPTIONS) else { return Vec::new() };
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
