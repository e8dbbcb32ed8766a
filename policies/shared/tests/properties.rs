//! Whatever text comes, a verdict comes back, soon, and refusals stand however they are quoted.

use std::time::{Duration, Instant};

use command_analysis::{Decision, Request, Settings, Verdict, judge};
use proptest::prelude::*;

/// Far above what any text takes, far below what an exponential parse would.
const PATIENCE: Duration = Duration::from_secs(5);

fn verdict(command: &str) -> Verdict {
    let request = Request { command: command.to_owned(), ..Request::default() };
    judge(&request, &Settings::default())
}

/// Text that looks more like a shell script than random characters do.
fn shell_text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "$(",
        "(",
        ")",
        "((",
        "))",
        "${",
        "}",
        "{",
        "`",
        "'",
        "\"",
        "\\",
        "$'",
        "<<E\n",
        "E\n",
        "\n",
        ";",
        "&&",
        "|",
        "&",
        ">",
        "<",
        "<(",
        "<<<",
        "for",
        "in",
        "do",
        "done",
        "if",
        "then",
        "fi",
        "case",
        "esac",
        "while",
        "x",
        "a[",
        "]",
        "=",
        "$x",
        "$((",
        "[[",
        "]]",
        "function",
        "~",
        "~+",
        "12345678901234567890",
        "rm",
        "-rf",
        "/",
        "*",
        "{a,b}",
        "{1..9}",
        " ",
        " ",
        " ",
        "#",
        "é",
        "\t",
    ]);
    prop::collection::vec(part, 0..80).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_a_verdict_in_time(text in any::<String>()) {
        let begun = Instant::now();
        verdict(&text);
        prop_assert!(begun.elapsed() < PATIENCE);
    }

    #[test]
    fn any_shell_like_text_gets_a_verdict_in_time(text in shell_text()) {
        let begun = Instant::now();
        verdict(&text);
        prop_assert!(begun.elapsed() < PATIENCE, "{text:?} took {:?}", begun.elapsed());
    }

    #[test]
    fn a_sanitised_command_is_judged_the_same(text in "[a-z'\" |;&\\\\/.-]{0,40}") {
        let first = verdict(&text);
        if let Some(sanitised) = first.sanitised {
            let second = verdict(&sanitised);
            prop_assert_eq!((first.decision, first.risk, first.rule), (second.decision, second.risk, second.rule));
            prop_assert_eq!(second.sanitised, Some(sanitised));
        }
    }

    #[test]
    fn a_refused_program_is_refused_however_it_is_quoted(marks in prop::collection::vec(0..4_u8, 4)) {
        let name: String = "sudo".chars().zip(marks).map(|(letter, mark)| match mark {
            0 => letter.to_string(),
            1 => format!("'{letter}'"),
            2 => format!("\"{letter}\""),
            _ => format!("\\{letter}"),
        }).collect();
        prop_assert_eq!(verdict(&format!("{name} id")).decision, Decision::Deny);
    }
}

#[test]
fn deep_and_long_texts_are_refused_in_time() {
    let deep = [
        "$(".repeat(2_000),
        "( ".repeat(2_000),
        "((".repeat(2_000),
        "{ ".repeat(2_000),
        "if ".repeat(2_000),
        "${x:-".repeat(2_000),
        "`".repeat(2_001),
        format!("echo {}", "\"$(".repeat(2_000)),
        format!("a[{}", "$((".repeat(500)),
        format!("{}true", "env ".repeat(4_000)),
        format!("{}true", "for i in 1 2 3 4 5 6 7 8; do ".repeat(12)) + &"; done".repeat(12),
        "X=xx; ".to_owned() + &"X=$X$X; ".repeat(60) + "$X",
        "x".repeat(70_000),
    ];
    for text in deep {
        let begun = Instant::now();
        let verdict = verdict(&text);
        assert!(begun.elapsed() < PATIENCE, "{}… took {:?}", &text[..20], begun.elapsed());
        assert_eq!(verdict.decision, Decision::Deny, "{}… {verdict:?}", &text[..20]);
    }
}
