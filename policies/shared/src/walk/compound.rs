//! Loops, branches, groups and functions.

use brush_parser::ast::{
    CaseClauseCommand, Command, CompoundCommand, CompoundList, ExtendedTestExpr, ForClauseCommand,
    FunctionDefinition, IfClauseCommand, SeparatorOperator, WhileOrUntilClauseCommand,
};

use super::{Output, Stream, Walk};
use crate::{
    expand::Field,
    finding::{Finding, Rule},
    limits::MAX_LOOP_VALUES,
    scope::Scope,
    verdict::Risk,
    word::Mode,
};

impl Walk<'_> {
    /// The parser's stack for a script further in is what the levels around it leave.
    pub(super) fn nested(
        &mut self,
        command: &CompoundCommand,
        scope: &mut Scope,
        input: &Stream,
    ) -> Stream {
        self.nesting += 1;
        let output = self.compound(command, scope, input);
        self.nesting -= 1;
        output
    }

    fn compound(&mut self, command: &CompoundCommand, scope: &mut Scope, input: &Stream) -> Stream {
        match command {
            CompoundCommand::Arithmetic(command) => {
                self.value(&command.expr.value, Mode::Document, scope);
                Stream::Known(String::new())
            }
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater] {
                    let text = part.as_ref().map_or("", |part| &part.value);
                    self.value(text, Mode::Document, scope);
                }
                self.maybe(&clause.body.list, scope, input)
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list, scope, input),
            CompoundCommand::Subshell(shell) => self.list(&shell.list, &mut scope.clone(), input),
            CompoundCommand::ForClause(clause) => self.for_each(clause, scope, input),
            CompoundCommand::CaseClause(clause) => self.case(clause, scope, input),
            CompoundCommand::IfClause(clause) => self.branches(clause, scope, input),
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.repeat(clause, scope, input)
            }
            CompoundCommand::Coprocess(coprocess) => {
                self.command(&coprocess.body, &mut scope.clone(), Stream::Unknown)
            }
        }
    }

    /// A part that may run or not.
    fn maybe(&mut self, list: &CompoundList, scope: &mut Scope, input: &Stream) -> Stream {
        let before = scope.clone();
        let output = self.list(list, scope, input);
        scope.forget_changes_since(&before);
        output
    }

    fn for_each(&mut self, clause: &ForClauseCommand, scope: &mut Scope, input: &Stream) -> Stream {
        let words = clause.values.as_deref().unwrap_or_default();
        let fields: Vec<_> =
            words.iter().flat_map(|word| self.fields(&word.value, scope)).collect();
        let is_known = clause.values.is_some()
            && fields.len() <= MAX_LOOP_VALUES
            && fields.iter().all(|field| !field.text.contains(crate::expand::UNKNOWN));
        if !is_known {
            scope.set(&clause.variable_name, None);
            return self.maybe(&clause.body.list, scope, input);
        }
        let before = scope.clone();
        let mut output = Output::default();
        for field in fields {
            scope.set(&clause.variable_name, Some(field.text));
            output.add(self.list(&clause.body.list, scope, input));
            // The next round sees what this one may have changed.
            scope.forget_changes_since(&before);
        }
        output.stream()
    }

    fn repeat(
        &mut self,
        clause: &WhileOrUntilClauseCommand,
        scope: &mut Scope,
        input: &Stream,
    ) -> Stream {
        let before = scope.clone();
        let mut output = Output::default();
        // Twice: the second round sees what the first one changed.
        for _ in 0..2 {
            output.add(self.list(&clause.0, scope, input));
            output.add(self.list(&clause.1.list, scope, input));
            scope.forget_changes_since(&before);
        }
        output.stream()
    }

    fn case(&mut self, clause: &CaseClauseCommand, scope: &mut Scope, input: &Stream) -> Stream {
        self.value(&clause.value.value, Mode::Word, scope);
        let mut output = Output::default();
        for case in &clause.cases {
            for pattern in &case.patterns {
                self.value(&pattern.value, Mode::Word, scope);
            }
            if let Some(list) = &case.cmd {
                output.add(self.maybe(list, scope, input));
            }
        }
        output.stream()
    }

    fn branches(&mut self, clause: &IfClauseCommand, scope: &mut Scope, input: &Stream) -> Stream {
        let mut output = Output::default();
        output.add(self.list(&clause.condition, scope, input));
        output.add(self.maybe(&clause.then, scope, input));
        for branch in clause.elses.iter().flatten() {
            if let Some(condition) = &branch.condition {
                output.add(self.maybe(condition, scope, input));
            }
            output.add(self.maybe(&branch.body, scope, input));
        }
        output.stream()
    }

    /// A function is judged where it is defined, as far as that is known there, and again by each
    /// call with what the call gives it.
    pub(super) fn function(&mut self, function: &FunctionDefinition, scope: &mut Scope) {
        let name = &function.fname.value;
        scope.define(function);
        if list_of(&function.body.0).is_some_and(|list| multiplies(list, name)) {
            let reason = format!("The function `{name}` starts copies of itself without end.");
            self.report(Finding::deny(Rule::ForkBomb, Risk::Blocked, reason));
        }
        let mut later = scope.later();
        self.certain(|walk| {
            walk.body(function, &mut later, &Stream::Inherited);
        });
    }

    fn body(&mut self, function: &FunctionDefinition, scope: &mut Scope, input: &Stream) -> Stream {
        let redirected = self.redirects(function.body.1.as_ref(), scope);
        self.nested(&function.body.0, scope, redirected.as_ref().unwrap_or(input))
    }

    /// Runs a function with its arguments; one that calls itself is followed once.
    pub(crate) fn call(
        &mut self,
        function: &FunctionDefinition,
        arguments: &[Field],
        scope: &mut Scope,
        input: &Stream,
    ) -> Stream {
        let name = &function.fname.value;
        if self.calls.iter().any(|running| running == name) {
            return Stream::Unknown;
        }
        self.calls.push(name.clone());
        let words = arguments.iter().map(|field| field.known().map(str::to_owned)).collect();
        let outer = std::mem::replace(&mut scope.positional, words);
        let output = self.deeper(|walk| walk.body(function, scope, input));
        scope.positional = outer;
        self.calls.pop();
        output.unwrap_or(Stream::Unknown)
    }

    pub(super) fn test(&mut self, test: &ExtendedTestExpr, scope: &mut Scope) {
        match test {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left, scope);
                self.test(right, scope);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => {
                self.test(inner, scope);
            }
            ExtendedTestExpr::UnaryTest(_, word) => {
                let field = self.value(&word.value, Mode::Word, scope);
                self.index(&field, scope);
            }
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.value(&left.value, Mode::Word, scope);
                self.value(&right.value, Mode::Document, scope);
            }
        }
    }
}

fn list_of(command: &CompoundCommand) -> Option<&CompoundList> {
    match command {
        CompoundCommand::BraceGroup(group) => Some(&group.list),
        CompoundCommand::Subshell(shell) => Some(&shell.list),
        _ => None,
    }
}

/// Whether a function's body runs the function itself in a pipeline or in the background.
fn multiplies(list: &CompoundList, name: &str) -> bool {
    let calls = |command: &Command| match command {
        Command::Simple(simple) => simple.word_or_name.as_ref().is_some_and(|w| w.value == name),
        Command::Compound(inner, _) => list_of(inner).is_some_and(|list| multiplies(list, name)),
        _ => false,
    };
    list.0.iter().any(|item| {
        let background = matches!(item.1, SeparatorOperator::Async);
        item.0.iter().any(|(_, pipeline)| {
            (background || pipeline.seq.len() > 1) && pipeline.seq.iter().any(calls)
        })
    })
}
