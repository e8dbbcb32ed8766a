//! From text to a tree, by `brush-parser`, behind a lexer that bounds what the parser can't.

mod plain;

use brush_parser::{ParserOptions, ast::Program, parse_tokens};

use crate::lex::{has_marks, lex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// No shell would read it, or this parser can't.
    Unreadable,
    TooComplex,
}

/// A script as a tree.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) program: Program,
    /// Texts that were indices of assignments.
    pub(crate) indices: Vec<String>,
}

/// Parses a script that may nest so many levels deep.
pub(crate) fn script(text: &str, levels: usize) -> Result<Script, ParseError> {
    // NUL stands for what is unknown from here on, and no command can hold one. A line that goes
    // on between `$` and what it begins is never written by accident.
    if text.contains('\0') || has_marks(text) || text.contains("$\\\n") {
        return Err(ParseError::Unreadable);
    }
    let lexed =
        if text.contains('\r') { lex(&unix_lines(text)?, levels) } else { lex(text, levels) };
    let lexed = lexed?;
    let program = match plain::program(lexed.tokens) {
        Ok(program) => program,
        Err(tokens) => {
            parse_tokens(&tokens, &ParserOptions::default()).map_err(|_| ParseError::Unreadable)?
        }
    };
    Ok(Script { program, indices: lexed.indices })
}

/// A text from another system has a carriage return at the end of every line. A lone one might hide
/// where a here-document ends.
fn unix_lines(text: &str) -> Result<String, ParseError> {
    let is_foreign = text.matches('\n').count() == text.matches("\r\n").count();
    if is_foreign {
        return Ok(text.replace("\r\n", "\n"));
    }
    if text.contains("<<") { Err(ParseError::Unreadable) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_NESTING;

    #[test]
    fn a_descriptor_that_is_no_number_is_unreadable() {
        assert!(script("echo 99999999999>x", 1).is_err());
        assert!(script("echo 99999999999 >x", 1).is_ok());
    }

    #[test]
    fn reserved_words_count_only_where_a_command_begins() {
        assert!(script("echo if for while case do a", 0).is_ok());
        assert!(script("if true; then echo fi; fi; for i in a; do b; done", 1).is_ok());
        let hidden = format!("{}true", "if echo fi; then ".repeat(40));
        assert_eq!(script(&hidden, MAX_NESTING).unwrap_err(), ParseError::TooComplex);
    }

    #[test]
    fn what_ordinary_scripts_hold_is_read() {
        let texts = [
            "git commit -m \"$(cat <<'E'\nit's (done\nE\n)\"",
            "x=$(case $1 in a) echo b;; (c) echo d;; esac)",
            "case $1 in a|b) echo;; *) case y in z) ls; esac; esac",
            "a[$i]=1; m[\"k v\"]=2; a=(1 2 [3]=4\n5); a+=(6)",
            "for ((i=0; i<3; i++)); do echo $((i<<2)); done; ((i > 3)) && ls",
            "select x in a b; do echo $x; break; done",
            "function f { ls; }; g() ( ls ); h ()\n{\nls\n}",
            "[[ $a =~ ^(a|b c)+$ && ! -f x ]] || echo \"${x:-\"a b\"}\"",
            "((ls); (pwd)); ( (ls) ); echo $((1 + (2 * 3))) # it's",
            "cat <<A <<-'B' | wc\n$x\nA\n\tit's\n\tB\n",
            "diff <(sort a) <(sort b) > >(tee x) 2>&1 | cat &> y",
            "if ! (exit 1); then echo a; elif [[ x ]]; then b; else c; fi 2>/dev/null",
            "while read -r l; do echo \"$l\"; done < <(ls)\r\n",
            "echo data[\"x\"] uvicorn[standard] foo['a'] && \\\n  ls",
            "{ time ls; } 2> x; until ls; do sleep 1; done; coproc c { cat; }",
        ];
        for text in texts {
            assert!(script(text, MAX_NESTING).is_ok(), "{text}: {:?}", script(text, 16).err());
        }
    }
}
