//! Looks through code of other languages: its string literals, and whether it can start programs
//! or remove files. No language is parsed; this is a look, not a proof.

use crate::limits::MAX_LITERALS;

/// Words by which code starts programs.
const STARTS_PROGRAMS: &[&str] = &[
    "os.system",
    "os.popen",
    "subprocess",
    "popen",
    "pty.spawn",
    "os.exec",
    "os.spawn",
    "child_process",
    "exec(",
    "exec ",
    "execSync",
    "spawn",
    "system(",
    "system ",
    "shell_exec",
    "passthru",
    "proc_open",
    "`",
    "%x",
    "qx",
    "Open3",
    "__import__",
    "Deno.Command",
    "Bun.$",
    "shell-command",
    "run(",
    "System.cmd",
    "execute(",
    "shell script",
    "syscmd",
    "PROGRAM",
    "|",
];

/// Words by which code opens, lists or changes files.
const TOUCHES_FILES: &[&str] = &[
    "open", "read", "write", "listdir", "scandir", "glob", "walk", "Path(", "fs.", "'fs'",
    "\"fs\"", "File", "Dir", "file_get", "file_put", "file(", "copy", "move", "rename", "chmod",
    "chown", "link", "symlink", "Deno.", "Bun.", "slurp", "load", "getline", "stat", "include",
    "rm", "remove", "truncate", "<", ">",
];

/// Words by which code runs a text as code, and by which it gets one that can't be read here.
const RUNS_TEXT: &[&str] = &["exec(", "eval(", "eval ", "Function(", "pickle.loads", "marshal."];
const HIDES_TEXT: &[&str] = &[
    "b64decode",
    "urlopen",
    "requests.get",
    "fromhex",
    "unhexlify",
    "decompress",
    "marshal.",
    "pickle.",
    "atob(",
    "'base64'",
    "decode64",
    "base64_decode",
    "unpack(",
    "codecs.decode",
    "open-uri",
    "chr(",
    "fromCharCode",
];

/// Words by which code removes files.
const REMOVES: &[&str] = &[
    "rmtree",
    "rmSync",
    "rmdir",
    "rm_rf",
    "rm_r",
    "unlink",
    "removeSync",
    "remove_tree",
    "FileUtils.rm",
    "fs.rm",
    "os.remove",
    "remove_dir",
];

pub(crate) struct Code {
    pub(crate) literals: Vec<String>,
    pub(crate) starts_programs: bool,
    pub(crate) removes: bool,
    pub(crate) touches_files: bool,
    /// It runs a text that is hidden or comes from elsewhere.
    pub(crate) is_hidden: bool,
}

pub(crate) fn read(text: &str) -> Code {
    let contains = |words: &[&str]| words.iter().any(|word| text.contains(word));
    Code {
        literals: literals(text),
        starts_programs: contains(STARTS_PROGRAMS),
        removes: contains(REMOVES),
        touches_files: contains(TOUCHES_FILES),
        is_hidden: RUNS_TEXT.iter().any(|word| has_call(text, word)) && contains(HIDES_TEXT),
    }
}

/// Whether a word stands for itself: `pattern.exec(x)` is another function.
fn has_call(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].bytes().next_back();
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'.' && byte != b'_')
    })
}

/// Texts between quotes of any kind, on one line or several.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = text.chars();
    let mut before = ['\0'; 2];
    while let Some(opening) = characters.next() {
        let mark = match opening {
            '\'' | '"' | '`' => opening,
            // `%x(…)` and `qx(…)`.
            '(' if matches!(before, ['%' | 'q', 'x']) => ')',
            '{' if matches!(before, ['%' | 'q', 'x']) => '}',
            _ => {
                before = [before[1], opening];
                continue;
            }
        };
        let mut literal = String::new();
        while let Some(character) = characters.next() {
            match character {
                '\\' => literal.extend(characters.next()),
                _ if character == mark => break,
                _ => literal.push(character),
            }
        }
        if !literal.is_empty() {
            found.push(literal);
        }
        if found.len() >= MAX_LITERALS {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_each_quote_are_found() {
        assert_eq!(read(r#"f('a', "b\"c", `d`)"#).literals, ["a", "b\"c", "d"]);
    }

    #[test]
    fn code_that_runs_a_hidden_text_is_told_apart() {
        assert!(read("exec(base64.b64decode('eA=='))").is_hidden);
        assert!(read("eval(atob('eA=='))").is_hidden);
        assert!(!read("json.loads(urlopen('http://localhost/').read())").is_hidden);
        assert!(!read("/x/.exec(requests.get(u))").is_hidden);
    }
}
