//! Interpreters: code given on the command line is looked through for what can be seen.

use super::Call;
use crate::{
    code,
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    rules::{paths, removal},
    scope::Scope,
    verdict::Risk,
    walk::{Stream, Walk},
};

/// Interpreters with the options whose value is code.
const INTERPRETERS: &[(&str, &[&str])] = &[
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
];

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
            if let Some(program) = call.arguments.iter().find(|field| !field.text.starts_with('-'))
            {
                self.program_text(call.name, &program.text, scope);
            }
            return;
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

    /// `sed` and `awk` run commands only by few words of their own.
    fn program_text(&mut self, who: &str, program: &str, scope: &Scope) {
        let runs_commands = match who {
            "sed" => code::sed_command(program),
            _ => program.contains("system(") || program.contains('|'),
        };
        if runs_commands {
            self.code(who, program, scope);
            if let Some(command) = program.trim_start_matches(|c: char| c != 'e').get(1..) {
                self.clear_findings(command, scope);
            }
        }
    }

    /// Looks through code: the paths in its texts, and the commands if it can start any.
    pub(super) fn code(&mut self, who: &str, text: &str, scope: &Scope) {
        let reason = format!("`{who}` runs code that is not judged line by line.");
        self.report(Finding::note(Rule::InlineCode, Risk::Moderate, reason));
        let code = code::read(text);
        for literal in &code.literals {
            let field = Field::plain(literal.as_str());
            if literal.starts_with('/')
                && let Some(finding) = paths::check(&field, scope, false)
            {
                self.report(finding);
            }
            if code.removes
                && let Some(finding) = removal::check_tree(who, &field, scope)
                && CLEAR_RULES.contains(&finding.rule)
            {
                self.report(finding);
            }
        }
        if code.starts_programs {
            let joined = [code.literals.join(" "), code.literals.concat()];
            code.literals.iter().chain(&joined).for_each(|text| self.clear_findings(text, scope));
        }
    }

    /// Judges a text that may be a command; only what no innocent text says counts.
    fn clear_findings(&mut self, text: &str, scope: &Scope) {
        let mut inner = self.fork();
        inner.script(text, &mut scope.clone(), &Stream::Inherited);
        let finding = self.join(inner);
        if finding.denies && CLEAR_RULES.contains(&finding.rule) {
            self.report(finding);
        }
    }
}

/// `python3.11` is `python`.
fn options_of(name: &str) -> Option<&'static [&'static str]> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().find(|(known, _)| *known == plain).map(|(_, options)| *options)
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
