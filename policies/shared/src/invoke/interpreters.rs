//! Interpreters: code given on the command line is looked through for what can be seen.

use super::Call;
use crate::{
    code,
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    names::{self, Name, by_name},
    rules::{paths, removal},
    scope::{HOME, Scope},
    sed,
    verdict::Risk,
    walk::{Stream, Walk},
};

/// Interpreters with the options whose value is code.
const INTERPRETERS: &[(Name, &[&str])] = &by_name::<&[&str], _>([
    ("python", &["-c"]),
    ("pypy", &["-c"]),
    ("node", &["-e", "-p", "-pe", "--eval", "--print"]),
    ("nodejs", &["-e", "-p", "-pe", "--eval", "--print"]),
    ("bun", &["-e", "--eval", "-p", "--print"]),
    ("deno", &["eval"]),
    ("perl", &["-e", "-E"]),
    ("ruby", &["-e"]),
    ("php", &["-r"]),
    ("lua", &["-e"]),
    ("Rscript", &["-e"]),
    ("tsx", &["-e", "--eval"]),
    ("ts-node", &["-e", "--eval", "-p"]),
    ("ipython", &["-c"]),
    ("julia", &["-e", "-E"]),
    ("elixir", &["-e"]),
    ("groovy", &["-e"]),
    ("guile", &["-c"]),
    ("osascript", &["-e"]),
    ("expect", &["-c"]),
    ("emacs", &["--eval"]),
    ("octave", &["--eval"]),
    ("tclsh", &[]),
    ("jshell", &[]),
    ("R", &["-e"]),
]);

/// Interpreters whose code names a program without quotes.
const BARE_COMMANDS: &[(&str, &str)] = &[("expect", "spawn "), ("tclsh", "exec ")];

/// Their first operand is code.
const PROGRAM_FIRST: &[&str] = &["awk", "gawk", "mawk", "nawk", "sed"];

/// Findings in what is perhaps a command, perhaps only a text, that are too clear for a text.
const CLEAR_RULES: &[Rule] = &[
    Rule::BlockedCommand,
    Rule::RemoveRootOrHome,
    Rule::DiskDevice,
    Rule::PipeToShell,
    Rule::ForkBomb,
];

impl Walk<'_> {
    pub(super) fn interpreter(&mut self, call: &Call<'_>, scope: &Scope) {
        if PROGRAM_FIRST.contains(&call.name) {
            return self.programs(call, scope);
        }
        let Some(options) = options_of(call.name) else { return };
        let mut has_operand = false;
        let mut arguments = call.arguments;
        while let Some((field, rest)) = arguments.split_first() {
            arguments = rest;
            if let Some(stream) = field.stream.as_ref().filter(|_| !has_operand) {
                self.feed_code(call.name, stream, scope);
            }
            match code_in(field, rest.first(), options) {
                Some(code) => {
                    has_operand = true;
                    self.inline(call.name, code, scope);
                }
                None => has_operand |= field.text == "-m" || is_operand(&field.text),
            }
        }
        if !has_operand {
            self.feed_code(call.name, &call.input, scope);
        }
    }

    fn inline(&mut self, who: &str, code: &str, scope: &Scope) {
        if code.contains(UNKNOWN) {
            let reason = format!("A part of the code that `{who}` would run can't be known.");
            self.report(
                Finding::deny(Rule::UnknownCommand, Risk::Dangerous, reason).advise(
                    "Write the code to a file of the project and pass values as arguments.",
                ),
            );
        }
        self.code(who, code, scope);
    }

    /// The programs of `sed` and `awk`: the first operand, or the values of their options.
    fn programs(&mut self, call: &Call<'_>, scope: &Scope) {
        let options = ["-e", "--expression", "--source"];
        let mut by_option = call
            .arguments
            .windows(2)
            .filter(|pair| options.contains(&pair[0].text.as_str()))
            .map(|pair| &pair[1])
            .peekable();
        if by_option.peek().is_some() {
            return by_option.for_each(|program| self.program_text(call.name, program, scope));
        }
        let mut arguments = call.arguments.iter();
        while let Some(field) = arguments.next() {
            match field.text.as_str() {
                // The values of awk's options; a program that lies in a file is not read here.
                "-v" | "-F" => drop(arguments.next()),
                "-f" | "--file" => return,
                text if text.starts_with('-') && text.len() > 1 => {}
                _ => return self.program_text(call.name, field, scope),
            }
        }
    }

    /// `sed` and `awk` run commands and open files only by few words of their own.
    fn program_text(&mut self, who: &str, program: &Field, scope: &Scope) {
        let text = program.text.as_str();
        if who != "sed" {
            let marks = ["system(", "|", "getline", ">"];
            if marks.iter().any(|mark| text.contains(mark)) && text.contains('"') {
                self.awk(who, text, scope);
            }
            return;
        }
        let effects = sed::effects(text);
        for file in effects.files {
            self.report_path(&Field::plain(file), scope);
        }
        for command in effects.commands {
            self.clear_findings(&command, scope);
        }
    }

    /// A literal beside a bar is a command, one beside an angle a file; which is not looked at.
    fn awk(&mut self, who: &str, text: &str, scope: &Scope) {
        if text.contains("system(") || text.contains("/inet/") {
            return self.code(who, text, scope);
        }
        for literal in code::read(text).literals {
            if literal.starts_with('/') {
                self.report_path(&Field::plain(literal), scope);
            } else if text.contains('|') {
                self.clear_findings(&literal, scope);
            }
        }
    }

    fn report_path(&mut self, field: &Field, scope: &Scope) {
        if let Some(finding) = paths::check(field, scope, self.settings.strict) {
            self.report(finding);
        }
    }

    /// Looks through code: the paths in its texts, and the commands if it can start any.
    pub(super) fn code(&mut self, who: &str, text: &str, scope: &Scope) {
        let reason = format!("`{who}` runs code that is not judged line by line.");
        self.report(Finding::note(Rule::InlineCode, Risk::Moderate, reason));
        let code = code::read(text);
        self.hidden_code(who, &code);
        for literal in &code.literals {
            let field = Field::plain(literal.as_str());
            if literal.starts_with('/')
                && (code.touches_files || code.starts_programs)
                && let Some(finding) = paths::check(&field, scope, false)
            {
                self.report(finding);
            }
            if code.removes
                && let Some(finding) = removal::check_tree(who, &home(field), scope)
                && CLEAR_RULES.contains(&finding.rule)
            {
                self.report(finding);
            }
        }
        if code.starts_programs {
            let joined = [code.literals.join(" "), code.literals.concat()];
            code.literals
                .iter()
                .chain(&joined)
                .for_each(|text| self.clear_findings(text.trim_matches('|'), scope));
        }
        let bare = BARE_COMMANDS.iter().find(|(name, _)| *name == who);
        for command in bare.iter().flat_map(|(_, word)| text.split(word).skip(1)) {
            self.clear_findings(command, scope);
        }
    }

    fn hidden_code(&mut self, who: &str, code: &code::Code) {
        if code.is_hidden {
            let reason = format!("`{who}` would run code that is hidden in a text or downloaded.");
            self.report(
                Finding::deny(Rule::UnknownCommand, Risk::Dangerous, reason)
                    .advise("Write the code out, in a file of the project."),
            );
        }
        if code.literals.iter().any(|literal| literal.starts_with("/inet/")) {
            let reason = format!("`{who}` would open a connection of its own.");
            self.report(Finding::deny(Rule::SystemPath, Risk::Dangerous, reason));
        }
    }

    /// Judges a text that may be a command; only what no innocent text says counts.
    pub(super) fn clear_findings(&mut self, text: &str, scope: &Scope) {
        let mut inner = self.fork();
        inner.script(text, &mut scope.clone(), &Stream::Inherited);
        let finding = self.join(inner);
        if finding.denies && CLEAR_RULES.contains(&finding.rule) {
            self.report(finding);
        }
    }
}

/// Where other languages let `~` lead.
fn home(field: Field) -> Field {
    match field.text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            Field::plain(format!("{HOME}{rest}"))
        }
        _ => field,
    }
}

/// `python3.11` is `python`.
fn options_of(name: &str) -> Option<&'static [&'static str]> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    names::of(plain, INTERPRETERS).copied()
}

/// Code that follows this argument or is attached to it: `-c CODE`, `-cCODE`, `-lne CODE`,
/// `--eval=CODE`.
fn code_in<'f>(field: &'f Field, next: Option<&'f Field>, options: &[&str]) -> Option<&'f str> {
    let text = field.text.as_str();
    let following = next.map(|field| field.text.as_str());
    if options.contains(&text) {
        return following;
    }
    if let Some((option, code)) = text.split_once('=').filter(|_| text.starts_with("--")) {
        return options.contains(&option).then_some(code);
    }
    let cluster = text.strip_prefix('-').filter(|cluster| !cluster.starts_with('-'))?;
    let letters = options.iter().filter_map(|option| match option.as_bytes() {
        [b'-', letter] => Some(char::from(*letter)),
        _ => None,
    });
    let at = letters.filter_map(|letter| cluster.find(letter)).min()?;
    match cluster.get(at + 1..) {
        Some("") | None => following,
        attached => attached,
    }
}

fn is_operand(text: &str) -> bool {
    !text.starts_with('-')
}
