//! Which compound commands are open at one place of a script, and what may come next.
//!
//! The parser recurses once for each that is open, so this is what bounds its stack. Each closing
//! word must fit what is open: a script in which one does not is refused, for then the parser
//! might see other levels than were counted here.

use std::sync::Arc;

use brush_parser::{SourcePosition, SourceSpan};

use crate::parse::ParseError;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A command begins here, so a reserved word is one.
    Begin,
    Arguments,
    /// `for` was read: its variable comes.
    LoopName,
    LoopIn,
    LoopWords,
    CaseWord,
    CaseIn,
    Pattern,
    FunctionName,
    FunctionBody,
    /// `coproc` was read: a name may come before the command.
    Coprocess,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Group,
    Subshell,
    Process,
    List,
    If,
    Loop,
    Case,
}

/// What the lexer must write before or instead of a word.
pub(super) enum Close {
    Nothing,
    Branch,
    Select,
}

/// Two places in a source, as far as the parser looks at them: it takes digits for a descriptor if
/// they end where the redirection begins.
pub(super) struct Spans {
    pub(super) close: SourceSpan,
    pub(super) apart: SourceSpan,
}

impl Default for Spans {
    fn default() -> Self {
        let span = |index| {
            let position = Arc::new(SourcePosition { index, line: 1, column: 1 });
            SourceSpan { start: Arc::clone(&position), end: position }
        };
        Self { close: span(0), apart: span(1) }
    }
}

pub(super) struct Shape {
    mode: Mode,
    frames: Vec<Frame>,
    levels: usize,
    weight: usize,
    /// The last token was a command's first word.
    named: bool,
}

impl Shape {
    pub(super) fn new(levels: usize) -> Self {
        Self { mode: Mode::Begin, frames: Vec::new(), levels, weight: 0, named: false }
    }

    pub(super) fn begins(&self) -> bool {
        matches!(self.mode, Mode::Begin | Mode::FunctionBody | Mode::Coprocess)
    }

    /// The next word is an argument of a command.
    pub(super) fn takes_arguments(&self) -> bool {
        self.mode == Mode::Arguments && self.frames.last() != Some(&Frame::List)
    }

    pub(super) fn is_outermost(&self) -> bool {
        self.frames.is_empty()
    }

    /// Levels that are open.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Whether a here-document could begin in one process and end in another.
    pub(super) fn is_in_process(&self) -> bool {
        self.frames.contains(&Frame::Process)
    }

    pub(super) fn end(&self) -> Result<(), ParseError> {
        let is_complete = matches!(self.mode, Mode::Begin | Mode::Arguments);
        if is_complete && self.frames.is_empty() { Ok(()) } else { Err(ParseError::Unreadable) }
    }

    fn push(&mut self, frame: Frame, mode: Mode) -> Result<(), ParseError> {
        self.weight += weight(frame);
        if self.weight > self.levels {
            return Err(ParseError::TooComplex);
        }
        self.frames.push(frame);
        self.mode = mode;
        Ok(())
    }

    fn pop(&mut self, frame: Frame) -> Result<(), ParseError> {
        if self.frames.pop() != Some(frame) {
            return Err(ParseError::Unreadable);
        }
        self.weight -= weight(frame);
        self.mode = Mode::Begin;
        Ok(())
    }

    fn within(&mut self, frame: Frame) -> Result<(), ParseError> {
        self.mode = Mode::Begin;
        if self.frames.last() == Some(&frame) { Ok(()) } else { Err(ParseError::Unreadable) }
    }

    /// A command, a line or a branch ends.
    pub(super) fn separator(&mut self, operator: &str) -> Result<(), ParseError> {
        self.named = false;
        let is_line = operator == "\n";
        if is_line && self.frames.last() == Some(&Frame::List) {
            return Ok(());
        }
        self.mode = match (self.mode, operator) {
            (_, ";;" | ";&" | ";;&") => {
                self.within(Frame::Case)?;
                Mode::Pattern
            }
            (Mode::CaseWord | Mode::CaseIn | Mode::Pattern | Mode::LoopIn, "\n") => self.mode,
            (Mode::Pattern, "|") => Mode::Pattern,
            (Mode::Begin | Mode::Arguments | Mode::LoopWords | Mode::LoopIn, _)
            | (Mode::FunctionBody | Mode::Coprocess, "\n") => Mode::Begin,
            _ => return Err(ParseError::Unreadable),
        };
        Ok(())
    }

    pub(super) fn redirected(&mut self) {
        self.named = false;
        if self.mode == Mode::Begin {
            self.mode = Mode::Arguments;
        }
    }

    pub(super) fn may_be_function(&self) -> bool {
        self.named || self.mode == Mode::FunctionBody
    }

    pub(super) fn function(&mut self) {
        self.named = false;
        self.mode = Mode::FunctionBody;
    }

    pub(super) fn takes_arithmetic(&self) -> bool {
        self.begins() || self.mode == Mode::LoopName
    }

    /// True behind `for`.
    pub(super) fn arithmetic(&mut self) -> Result<bool, ParseError> {
        let is_loop = self.mode == Mode::LoopName;
        self.mode = Mode::Begin;
        Ok(is_loop)
    }

    pub(super) fn tested(&mut self) {
        self.mode = Mode::Begin;
    }

    pub(super) fn open(&mut self, is_list: bool) -> Result<(), ParseError> {
        self.named = false;
        match self.mode {
            Mode::Begin | Mode::FunctionBody | Mode::Coprocess => {
                self.push(Frame::Subshell, Mode::Begin)
            }
            Mode::Arguments if is_list => self.push(Frame::List, Mode::Arguments),
            Mode::Pattern => Ok(()),
            _ => Err(ParseError::Unreadable),
        }
    }

    pub(super) fn open_process(&mut self) -> Result<(), ParseError> {
        self.named = false;
        self.push(Frame::Process, Mode::Begin)
    }

    pub(super) fn close(&mut self) -> Result<(), ParseError> {
        self.named = false;
        if self.mode == Mode::Pattern {
            self.mode = Mode::Begin;
            return Ok(());
        }
        let frame = self.frames.last().copied().ok_or(ParseError::Unreadable)?;
        match frame {
            Frame::Subshell => self.pop(frame),
            Frame::Process | Frame::List => {
                self.pop(frame)?;
                self.mode = Mode::Arguments;
                Ok(())
            }
            _ => Err(ParseError::Unreadable),
        }
    }

    pub(super) fn word(&mut self, raw: &str) -> Result<Close, ParseError> {
        self.named = false;
        match self.mode {
            Mode::Begin | Mode::FunctionBody | Mode::Coprocess => return self.first(raw),
            Mode::Arguments | Mode::LoopWords => {}
            Mode::LoopName => self.mode = Mode::LoopIn,
            Mode::LoopIn if raw == "in" => self.mode = Mode::LoopWords,
            Mode::LoopIn => return self.first(raw),
            Mode::CaseWord => self.mode = Mode::CaseIn,
            Mode::CaseIn if raw == "in" => self.mode = Mode::Pattern,
            Mode::CaseIn => return Err(ParseError::Unreadable),
            Mode::Pattern if raw == "esac" => self.pop(Frame::Case)?,
            Mode::Pattern => {}
            Mode::FunctionName => self.mode = Mode::FunctionBody,
        }
        Ok(Close::Nothing)
    }

    /// A word where a command begins.
    fn first(&mut self, raw: &str) -> Result<Close, ParseError> {
        match raw {
            "!" | "time" => self.mode = Mode::Begin,
            "{" => self.push(Frame::Group, Mode::Begin)?,
            "if" => self.push(Frame::If, Mode::Begin)?,
            "while" | "until" => self.push(Frame::Loop, Mode::Begin)?,
            "for" => self.push(Frame::Loop, Mode::LoopName)?,
            "select" => {
                self.push(Frame::Loop, Mode::LoopName)?;
                return Ok(Close::Select);
            }
            "case" => self.push(Frame::Case, Mode::CaseWord)?,
            "then" | "elif" | "else" => self.within(Frame::If)?,
            "do" => self.within(Frame::Loop)?,
            "fi" => self.pop(Frame::If)?,
            "done" => self.pop(Frame::Loop)?,
            "}" => self.pop(Frame::Group)?,
            "esac" => {
                self.pop(Frame::Case)?;
                return Ok(Close::Branch);
            }
            "function" => self.mode = Mode::FunctionName,
            "coproc" => {
                // Nothing closes it that could be told here, so it stays counted.
                self.weight += 1;
                self.mode = Mode::Coprocess;
                if self.weight > self.levels {
                    return Err(ParseError::TooComplex);
                }
            }
            _ if self.mode == Mode::Coprocess => self.mode = Mode::Begin,
            _ => {
                self.mode = Mode::Arguments;
                self.named = true;
            }
        }
        Ok(Close::Nothing)
    }
}

/// Levels that one counts for. Where the grammar reads it a second time after a failure, two: the
/// time doubles with each.
fn weight(frame: Frame) -> usize {
    match frame {
        Frame::Case | Frame::Process => 2,
        Frame::Group | Frame::Subshell | Frame::If | Frame::Loop => 1,
        Frame::List => 0,
    }
}
