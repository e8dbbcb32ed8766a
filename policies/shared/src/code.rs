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
}

pub(crate) fn read(text: &str) -> Code {
    let contains = |words: &[&str]| words.iter().any(|word| text.contains(word));
    Code {
        literals: literals(text),
        starts_programs: contains(STARTS_PROGRAMS),
        removes: contains(REMOVES),
    }
}

/// Texts between quotes of any kind, on one line or several.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = text.chars();
    while let Some(mark) = characters.next() {
        if !matches!(mark, '\'' | '"' | '`') {
            continue;
        }
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

/// Whether a `sed` program has the command `e` or the flag of that name.
pub(crate) fn sed_command(program: &str) -> bool {
    program.split([';', '\n']).any(|command| {
        let command = command.trim_start_matches(|c: char| {
            c.is_ascii_digit() || c.is_whitespace() || matches!(c, '$' | ',' | '{')
        });
        command == "e" || command.starts_with("e ") || has_flag_e(command)
    })
}

fn has_flag_e(command: &str) -> bool {
    let Some(rest) = command.strip_prefix('s') else { return false };
    let Some(mark) = rest.chars().next().filter(char::is_ascii_punctuation) else { return false };
    let flags = rest.rsplit(mark).next().unwrap_or_default();
    rest.matches(mark).count() >= 3
        && flags.contains('e')
        && flags.chars().all(|flag| flag.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_each_quote_are_found() {
        assert_eq!(read(r#"f('a', "b\"c", `d`)"#).literals, ["a", "b\"c", "d"]);
    }

    #[test]
    fn sed_runs_commands_only_by_e() {
        for program in ["e", "1e ls", "s/a/b/e", "p;s|a|b|ge"] {
            assert!(sed_command(program), "{program}");
        }
        for program in ["s/e/x/", "s/a/the e/g", "/e/d", "p", "s/a/b/w e"] {
            assert!(!sed_command(program), "{program}");
        }
    }
}
