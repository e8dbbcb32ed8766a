//! Expands words as far as that is known without running anything.

mod parameter;

use crate::{
    finding::{Finding, Rule},
    letters::Letters,
    lex::written,
    limits::MAX_FIELD_BYTES,
    scope::{HOME, Scope, Value},
    verdict::Risk,
    walk::{Stream, Walk},
    word::{Mode, Piece, braces, pieces},
};

/// Stands in a field's text for a part that can't be known. No command can hold a NUL.
pub(crate) const UNKNOWN: char = '\0';
const GLOB_MARKS: [char; 4] = ['*', '?', '[', '('];

/// One word as a program would get it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub(crate) text: String,
    /// Whether the shell replaces it by names of files that match.
    pub(crate) glob: bool,
    /// Whether an unknown part of it may become several fields.
    pub(crate) splits: bool,
    /// What can be read from it, where it is a process substitution or came from one command.
    pub(crate) stream: Option<Stream>,
}

impl Field {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(crate) fn unknown() -> Self {
        Self::plain(UNKNOWN)
    }

    pub(crate) fn from_stream(stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::unknown() }
    }

    /// The text, where all of it is known.
    pub(crate) fn known(&self) -> Option<&str> {
        (!self.glob && !self.text.contains(UNKNOWN)).then_some(&self.text)
    }

    /// The same for a person: what is unknown shows as dots.
    pub(crate) fn shown(&self) -> String {
        const MOST: usize = 80;
        let text: String = self.text.chars().take(MOST).collect();
        text.replace(UNKNOWN, "…")
    }
}

impl Walk<'_> {
    /// The fields that a word stands for.
    pub(crate) fn fields(&mut self, raw: &str, scope: &mut Scope) -> Vec<Field> {
        let raw = written(raw);
        if is_plain(raw) {
            return vec![Field::plain(raw)];
        }
        let Ok(words) = braces::expand(raw) else {
            // Substitutions in it run all the same.
            self.one_word(raw, scope);
            return vec![Field::unknown()];
        };
        words.iter().flat_map(|word| self.one_word(word, scope)).collect()
    }

    /// A text that is expanded but not split: an assigned value, a here-document.
    pub(crate) fn value(&mut self, raw: &str, mode: Mode, scope: &mut Scope) -> Field {
        let mut whole = Field::default();
        for piece in self.pieces(raw, mode) {
            if let Piece::Text { text, .. } = &piece {
                whole.text.push_str(text);
                continue;
            }
            let (value, stream) = self.piece_value(&piece, scope);
            match value {
                Value::Known(text) | Value::Stand(text) => whole.text.push_str(&text),
                Value::Unknown => whole.text.push(UNKNOWN),
            }
            whole.stream = whole.stream.or(stream);
        }
        bounded(whole)
    }

    fn one_word(&mut self, raw: &str, scope: &mut Scope) -> Vec<Field> {
        let mut builder = Builder::new(scope.separators());
        for piece in self.pieces(raw, Mode::Word) {
            if let Piece::Text { text, quoted } = &piece {
                builder.append(text, *quoted);
                continue;
            }
            let quoted = is_quoted(&piece);
            if let (Piece::Parameter { name, quoted: true }, Some(words)) =
                (&piece, scope.positional.as_deref())
                && name == "@"
            {
                builder.append_each(words);
                continue;
            }
            let (value, stream) = self.piece_value(&piece, scope);
            builder.stream = builder.stream.take().or(stream);
            match value {
                Value::Known(text) | Value::Stand(text) if quoted => builder.append(&text, true),
                Value::Known(text) | Value::Stand(text) => builder.split(&text),
                Value::Unknown => {
                    builder.append(UNKNOWN.encode_utf8(&mut [0; 4]), true);
                    let is_set =
                        !matches!(&piece, Piece::Parameter { name, .. } if scope.is_unset(name));
                    builder.splits(is_set && !quoted);
                }
            }
        }
        builder.finish()
    }

    fn pieces(&mut self, raw: &str, mode: Mode) -> Vec<Piece> {
        pieces(raw, mode).unwrap_or_else(|_| {
            self.report(Finding::deny(
                Rule::Unparsable,
                Risk::Dangerous,
                "A word of the command has a quotation or bracket without an end, or nests too deep."
                    .to_owned(),
            ));
            Vec::new()
        })
    }

    /// What a piece expands to, and what it was read from if that was a command.
    fn piece_value(&mut self, piece: &Piece, scope: &mut Scope) -> (Value, Option<Stream>) {
        match piece {
            Piece::Text { text, .. } => (Value::Known(text.clone()), None),
            Piece::Parameter { name, .. } => (scope.value(name), None),
            Piece::Computed { inner, quoted } => (self.computed(inner, *quoted, scope), None),
            Piece::Arithmetic { inner } => {
                self.value(inner, Mode::Document, scope);
                (Value::Stand("11".to_owned()), None)
            }
            Piece::Tilde { user } => (tilde(user, scope), None),
            Piece::Substitution { script, .. } => match self.substitution(script, scope) {
                Stream::Known(text) => (Value::Known(text.trim_end_matches('\n').to_owned()), None),
                stream => (Value::Unknown, Some(stream)),
            },
        }
    }
}

fn tilde(user: &str, scope: &Scope) -> Value {
    match user {
        "" => scope.value("HOME"),
        "+" => scope.value("PWD"),
        "root" => Value::Stand("/root".to_owned()),
        _ if user.starts_with(['-', '+']) => Value::Unknown,
        _ => Value::Stand(HOME.to_owned()),
    }
}

fn is_quoted(piece: &Piece) -> bool {
    match piece {
        Piece::Text { quoted, .. }
        | Piece::Parameter { quoted, .. }
        | Piece::Computed { quoted, .. }
        | Piece::Substitution { quoted, .. } => *quoted,
        Piece::Arithmetic { .. } | Piece::Tilde { .. } => true,
    }
}

/// Nothing in it that a shell would change. Most words are so.
fn is_plain(raw: &str) -> bool {
    static PLAIN: Letters = Letters::and(b"_./=:@%+,-~#^");
    !raw.starts_with('~') && PLAIN.are_all_of(raw)
}

/// Collects pieces into fields, splitting what is not quoted.
struct Builder {
    done: Vec<Field>,
    current: Option<Field>,
    stream: Option<Stream>,
    separators: Option<String>,
}

impl Builder {
    fn new(separators: Option<String>) -> Self {
        Self { done: Vec::new(), current: None, stream: None, separators }
    }

    fn append(&mut self, text: &str, quoted: bool) {
        let field = self.current.get_or_insert_default();
        field.text.push_str(text);
        field.glob |= !quoted && text.contains(GLOB_MARKS);
    }

    /// An unquoted expansion: its text is split, and what is left may match files.
    fn split(&mut self, text: &str) {
        let Some(separators) = self.separators.clone() else {
            return self.append(UNKNOWN.encode_utf8(&mut [0; 4]), true);
        };
        for (index, part) in text.split(|c| separators.contains(c)).enumerate() {
            if index > 0 {
                self.end_field();
            }
            if !part.is_empty() {
                self.append(part, false);
            }
        }
    }

    fn splits(&mut self, splits: bool) {
        self.current.get_or_insert_default().splits |= splits;
    }

    /// `"$@"`: every argument is a field of its own.
    fn append_each(&mut self, words: &[String]) {
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                self.end_field();
            }
            self.append(word, true);
        }
    }

    fn end_field(&mut self) {
        self.done.extend(self.current.take().map(bounded));
    }

    fn finish(mut self) -> Vec<Field> {
        self.end_field();
        if let Some(field) = self.done.first_mut() {
            field.stream = self.stream;
        }
        self.done
    }
}

fn bounded(mut field: Field) -> Field {
    // A bracket that nothing closes is a plain one: `[` is a program.
    field.glob &= field.text.contains(['*', '?', ']', '(']);
    if field.text.len() > MAX_FIELD_BYTES { Field::unknown() } else { field }
}
