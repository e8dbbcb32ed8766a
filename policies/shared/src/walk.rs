//! Walks the tree in the order a shell would run it and judges every simple command.

mod compound;
mod redirect;
mod simple;

use brush_parser::ast::{AndOr, AndOrList, Command, CompoundList, Pipeline, Program};

use crate::{
    expand::Field,
    finding::{Finding, Rule},
    limits::{MAX_COMMANDS, MAX_NESTING, MAX_SCRIPT_DEPTH},
    parse::{self, ParseError, Script},
    request::Request,
    scope::Scope,
    settings::Settings,
    verdict::Risk,
    word::Mode,
};

/// What a command reads or writes, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Whatever the caller gave, or a file: not made by this command.
    Inherited,
    Known(String),
    /// Names of files below these paths.
    Files(Vec<String>),
    /// Came from the network.
    Network,
    Unknown,
}

pub(crate) struct Walk<'a> {
    pub(crate) settings: &'a Settings,
    request: &'a Request,
    worst: Finding,
    commands: usize,
    depth: usize,
    /// Functions that are running.
    calls: Vec<String>,
    /// Scripts that run when the shell ends.
    traps: Vec<String>,
    /// How many compound commands lie around what is being walked, in all scripts together.
    nesting: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(request: &'a Request, settings: &'a Settings) -> Self {
        Self {
            settings,
            request,
            worst: Finding::allowed(),
            commands: 0,
            depth: 0,
            calls: Vec::new(),
            traps: Vec::new(),
            nesting: 0,
        }
    }

    pub(crate) fn into_worst(self) -> Finding {
        self.worst
    }

    pub(crate) fn report(&mut self, finding: Finding) {
        if finding.outweighs(&self.worst) && self.settings.applies(finding.rule) {
            self.worst = finding;
        }
    }

    /// Judges the request's command; the tree is for whoever wants to print it.
    pub(crate) fn text(&mut self, text: &str) -> Option<Script> {
        let script = self.parse(text)?;
        let mut scope = self.scope();
        self.whole(&script, &mut scope, &Stream::Inherited);
        for script in std::mem::take(&mut self.traps) {
            self.script(&script, &mut scope.clone(), &Stream::Inherited);
        }
        Some(script)
    }

    /// Judges a command that no shell reads.
    pub(crate) fn words(&mut self, words: &[String]) {
        let fields = words.iter().map(Field::plain).collect();
        let mut scope = self.scope();
        self.invoke(fields, &mut scope, Stream::Inherited);
    }

    fn scope(&self) -> Scope {
        Scope::new(&self.request.cwd, &self.request.env_names)
    }

    fn parse(&mut self, text: &str) -> Option<Script> {
        match parse::script(text, MAX_NESTING.saturating_sub(self.nesting)) {
            Ok(script) => Some(script),
            Err(ParseError::Unreadable) => {
                let reason = "The command can't be parsed as a shell command.".to_owned();
                self.report(
                    Finding::deny(Rule::Unparsable, Risk::Dangerous, reason)
                        .advise("Check its quotes and brackets, or put the script into a file."),
                );
                None
            }
            Err(ParseError::TooComplex) => {
                self.too_complex();
                None
            }
        }
    }

    fn too_complex(&mut self) {
        let reason = "The command nests too deep or has too many parts to be judged.".to_owned();
        self.report(
            Finding::deny(Rule::TooComplex, Risk::Dangerous, reason)
                .advise("Split it, or put the script into a file of the project."),
        );
    }

    /// A walk whose findings are looked at before they count; what it uses up counts here.
    pub(crate) fn fork(&self) -> Self {
        Self {
            settings: self.settings,
            request: self.request,
            worst: Finding::allowed(),
            commands: self.commands,
            depth: self.depth,
            calls: self.calls.clone(),
            traps: Vec::new(),
            nesting: self.nesting,
        }
    }

    /// Ends a fork and returns what it found.
    pub(crate) fn join(&mut self, fork: Self) -> Finding {
        self.commands = fork.commands;
        self.traps.extend(fork.traps);
        fork.worst
    }

    /// Judges what runs later, if at all: what is not known yet says nothing.
    pub(crate) fn certain(&mut self, judge: impl FnOnce(&mut Self)) {
        let mut inner = self.fork();
        judge(&mut inner);
        let finding = self.join(inner);
        if !matches!(finding.rule, Rule::UnknownCommand | Rule::UnknownTarget) {
            self.report(finding);
        }
    }

    /// `trap`: judged with what is known when the shell ends.
    pub(crate) fn at_exit(&mut self, script: &str, scope: &Scope) {
        self.certain(|walk| {
            walk.script(script, &mut scope.clone(), &Stream::Inherited);
        });
        self.traps.push(script.to_owned());
    }

    /// A name with an index, where the shell expands the text once more: `test -v 'a[$(x)]'`.
    pub(crate) fn index(&mut self, field: &Field, scope: &mut Scope) {
        if field.text.contains('[') && field.text.contains(['$', '`']) {
            self.value(&field.text.clone(), Mode::Document, scope);
        }
    }

    /// Runs `judge` one level deeper; nothing where that is too deep.
    pub(crate) fn deeper<T>(&mut self, judge: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_SCRIPT_DEPTH {
            self.too_complex();
            return None;
        }
        self.depth += 1;
        let result = judge(self);
        self.depth -= 1;
        Some(result)
    }

    /// Counts one command or list; false once there are too many.
    pub(crate) fn count(&mut self) -> bool {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            self.too_complex();
        }
        self.commands <= MAX_COMMANDS
    }

    /// Judges a script inside the command, such as that of `sh -c`, in the given state.
    pub(crate) fn script(&mut self, text: &str, scope: &mut Scope, input: &Stream) -> Stream {
        if text.contains(crate::expand::UNKNOWN) {
            let reason = "A part of the script that a shell would run can't be known.".to_owned();
            self.report(
                Finding::deny(Rule::UnknownCommand, Risk::Dangerous, reason)
                    .advise("Write the script out in single quotes and pass values as arguments."),
            );
            return Stream::Unknown;
        }
        self.deeper(|walk| {
            let Some(script) = walk.parse(text) else { return Stream::Unknown };
            walk.whole(&script, scope, input)
        })
        .unwrap_or(Stream::Unknown)
    }

    /// `$(…)`: runs in a copy of the shell's state.
    pub(crate) fn substitution(&mut self, script: &str, scope: &Scope) -> Stream {
        self.refuse_substitution();
        self.script(script, &mut scope.clone(), &Stream::Inherited)
    }

    pub(crate) fn refuse_substitution(&mut self) {
        if self.settings.strict {
            let reason = "Command substitution is refused in strict mode.".to_owned();
            self.report(
                Finding::deny(Rule::Substitution, Risk::Dangerous, reason)
                    .advise("Run the inner command on its own and use its output."),
            );
        }
    }

    fn whole(&mut self, script: &Script, scope: &mut Scope, input: &Stream) -> Stream {
        for index in &script.indices {
            self.value(index, Mode::Document, scope);
        }
        self.program(&script.program, scope, input)
    }

    fn program(&mut self, program: &Program, scope: &mut Scope, input: &Stream) -> Stream {
        let mut output = Output::default();
        for list in &program.complete_commands {
            output.add(self.list(list, scope, input));
        }
        output.stream()
    }

    fn list(&mut self, list: &CompoundList, scope: &mut Scope, input: &Stream) -> Stream {
        // Loops in loops repeat their bodies; this is what ends that.
        if !self.count() {
            return Stream::Unknown;
        }
        let mut output = Output::default();
        for item in &list.0 {
            output.add(self.and_or(&item.0, scope, input));
        }
        output.stream()
    }

    fn and_or(&mut self, list: &AndOrList, scope: &mut Scope, input: &Stream) -> Stream {
        let mut output = Output::default();
        output.add(self.pipeline(&list.first, scope, input));
        if list.additional.is_empty() {
            return output.stream();
        }
        let before = scope.clone();
        for item in &list.additional {
            let pipeline = match item {
                AndOr::And(pipeline) => pipeline,
                AndOr::Or(pipeline) => {
                    scope.forget_changes_since(&before);
                    pipeline
                }
            };
            output.add(self.pipeline(pipeline, scope, input));
        }
        scope.forget_changes_since(&before);
        output.stream()
    }

    fn pipeline(&mut self, pipeline: &Pipeline, scope: &mut Scope, input: &Stream) -> Stream {
        if let [command] = &pipeline.seq[..] {
            return self.command(command, scope, input.clone());
        }
        let mut stream = input.clone();
        for command in &pipeline.seq {
            stream = self.command(command, &mut scope.clone(), stream);
        }
        stream
    }

    fn command(&mut self, command: &Command, scope: &mut Scope, input: Stream) -> Stream {
        match command {
            Command::Simple(simple) => self.simple(simple, scope, input),
            Command::Compound(compound, redirects) => {
                let input = self.redirects(redirects.as_ref(), scope).unwrap_or(input);
                self.nested(compound, scope, &input)
            }
            Command::Function(function) => {
                self.function(function, scope);
                Stream::Known(String::new())
            }
            Command::ExtendedTest(test, redirects) => {
                self.redirects(redirects.as_ref(), scope);
                self.test(&test.expr, scope);
                Stream::Known(String::new())
            }
        }
    }
}

/// What several commands write together.
struct Output(Stream);

impl Default for Output {
    fn default() -> Self {
        Self(Stream::Known(String::new()))
    }
}

impl Output {
    fn add(&mut self, next: Stream) {
        let first = std::mem::replace(&mut self.0, Stream::Unknown);
        self.0 = match (first, next) {
            (Stream::Network, _) | (_, Stream::Network) => Stream::Network,
            (Stream::Known(first), Stream::Known(next)) => Stream::Known(first + &next),
            (Stream::Known(first), next) if first.is_empty() => next,
            (first, Stream::Known(next)) if next.is_empty() => first,
            _ => Stream::Unknown,
        };
    }

    fn stream(self) -> Stream {
        self.0
    }
}
