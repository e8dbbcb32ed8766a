//! The sanitised command does what the command does: a real shell runs both.

#![expect(clippy::disallowed_methods, reason = "the shell is what the text is for")]

use std::process::Command;

use command_analysis::{Request, Settings, judge};
use proptest::prelude::*;

/// Exit status and output; none without the shell.
fn run(script: &str) -> Option<(Option<i32>, Vec<u8>)> {
    let output = Command::new("bash").arg("-c").arg(script).env("LC_ALL", "C").output().ok()?;
    Some((output.status.code(), output.stdout))
}

/// Words of all quotings, for a command that only prints its arguments.
fn word() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "Z9", "''", "' '", "'\"'", "\"b\"", "\" \"", "\"'\"", "\"\\\"\"", "\\ ", "\\'",
        "\\\"", "\\\\", "\\$x", "'$x'", "\"\\$x\"", "$'\\x41'", "$'\\n'", "$'\\''", "-", "=", "~",
        ":~", "x=~", "#", "%", "!", "@", "+", "/", ".", ",", "{", "}", "{}", "\\*", "'*'", "\"?\"",
        "'[a]'", "\\\n", "é", "2", "if", "\\;", "';'", "'&&'", "^",
    ]);
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat())
}

fn command() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 0..4)
        .prop_map(|words| format!("printf '<%s>' {}", words.join(" ")))
}

fn script() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec!["; ", " && ", " || ", "\n", " | cat; ", " >&2; ", "\n\n"]);
    (prop::collection::vec((command(), mark), 0..3), command()).prop_map(|(first, last)| {
        first.into_iter().map(|(command, mark)| command + mark).collect::<String>() + &last
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_shell_sees_no_difference(script in script()) {
        let request = Request { command: script.clone(), ..Request::default() };
        let Some(sanitised) = judge(&request, &Settings::default()).sanitised else {
            return Ok(());
        };
        let Some(original) = run(&script) else {
            println!("skipped: there is no bash here");
            return Ok(());
        };
        prop_assert_eq!(original, run(&sanitised).unwrap(), "{:?} became {:?}", script, sanitised);
    }
}
