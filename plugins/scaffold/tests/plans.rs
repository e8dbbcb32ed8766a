//! Plans and the files behind them, without running anything.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that calls it")]

use proptest::prelude::*;
use scaffold_agent::plan::{Kind, Plan, Refusal, Request, plan};
use scaffold_agent::write::{Existing, Outcome, Step, write};

const PROMPTS: &[&str] = &[
    "a flask todo api with tests",
    "books and authors api, each with name and age, without tests",
    "http api for notes with the standard library, in memory",
    "todo api with the standard library, json only, no tests",
    "a cli for my todos",
    "a command line tool for books and movies, no database, without tests",
    "a static site for a bakery with menu and contact",
    "a node todo api",
    "node api for books and authors, in memory, no web page, without tests",
];

fn planned(prompt: &str) -> Plan {
    plan(Request { prompt, project: "demo", kind: None }).unwrap()
}

fn written(plan: &Plan, path: &str, existing: Existing<'_>) -> Result<Outcome, Refusal> {
    write(Step { notes: &plan.notes, path, existing })
}

#[test]
fn every_planned_file_is_written_by_its_step() {
    for prompt in PROMPTS {
        let plan = planned(prompt);
        for file in &plan.files {
            let Ok(Outcome::Create(text)) = written(&plan, &file.path, Existing::Missing) else {
                panic!("{prompt}: {} is not written", file.path);
            };
            assert!(text.ends_with('\n') && !text.contains("[%") && !text.contains("[["), "{text}");
            assert!(file.purpose.ends_with('.'), "{}", file.purpose);
        }
    }
}

#[test]
fn the_same_words_give_the_same_project() {
    for prompt in PROMPTS {
        let (first, second) = (planned(prompt), planned(prompt));
        assert_eq!(first, second);
        for file in &first.files {
            let one = written(&first, &file.path, Existing::Missing).unwrap();
            assert_eq!(one, written(&second, &file.path, Existing::Missing).unwrap());
        }
    }
}

#[test]
fn every_project_has_a_readme_ignores_what_it_makes_and_tests_itself() {
    for prompt in PROMPTS {
        let plan = planned(prompt);
        let has = |part: &str| plan.files.iter().any(|file| file.path.starts_with(part));
        assert!(has("README.md") && has(".gitignore"), "{prompt}");
        assert_eq!(
            has("tests/"),
            !prompt.contains("without tests") && !prompt.contains("no tests")
        );
        assert!(!plan.checks.is_empty());
        assert_eq!(plan.start.is_some(), plan.port.is_some());
    }
}

#[test]
fn commands_are_single_ordinary_programs() {
    let lines = PROMPTS.iter().flat_map(|prompt| {
        let plan = planned(prompt);
        let checks = plan.checks.into_iter().filter_map(|check| match check {
            scaffold_agent::plan::Check::Command(line) => Some(line),
            scaffold_agent::plan::Check::Http { .. } => None,
        });
        plan.install.into_iter().chain(plan.start).chain(checks).collect::<Vec<_>>()
    });
    for line in lines {
        let plain = |c: char| c.is_ascii_alphanumeric() || " ./-_".contains(c);
        assert!(line.chars().all(plain) && !line.contains(".."), "{line}");
    }
}

#[test]
fn the_plan_of_the_main_job_is_as_documented() {
    let plan = planned("a flask todo api with tests");
    assert_eq!(plan.kind, Kind::Python);
    assert_eq!(
        plan.install,
        ["python3 -m venv .venv", ".venv/bin/pip install -r requirements.txt"]
    );
    assert_eq!((plan.start.as_deref(), plan.port), (Some(".venv/bin/python app.py"), Some(5000)));
    assert_eq!(
        plan.summary,
        "Todos: a Flask API for todos (title, done, due_date), kept in SQLite."
    );
}

#[test]
fn a_file_that_is_already_right_is_left_alone() {
    let plan = planned("a cli for my todos");
    let Outcome::Create(text) = written(&plan, "cli.py", Existing::Missing).unwrap() else {
        panic!("not written");
    };
    assert_eq!(written(&plan, "cli.py", Existing::Text(&text)).unwrap(), Outcome::Unchanged);
    assert_eq!(
        written(&plan, "cli.py", Existing::Text("mine")).unwrap(),
        Outcome::Replace(text.clone())
    );
    assert_eq!(written(&plan, "cli.py", Existing::NotText).unwrap(), Outcome::Replace(text));
}

#[test]
fn an_existing_ignore_file_keeps_its_lines() {
    let plan = planned("a cli for my todos");
    let Outcome::Extend(text) =
        written(&plan, ".gitignore", Existing::Text("secrets\ndata/")).unwrap()
    else {
        panic!("not extended");
    };
    assert!(text.starts_with("secrets\ndata/\n.venv/\n"), "{text}");
    assert_eq!(text.matches("data/").count(), 1);
    assert_eq!(written(&plan, ".gitignore", Existing::Text(&text)).unwrap(), Outcome::Unchanged);
}

#[test]
fn another_agent_s_plan_is_refused() {
    let plan = planned("a cli for my todos");
    for (notes, path) in [("", "cli.py"), ("{}", "cli.py"), (plan.notes.as_str(), "../cli.py")] {
        let refused = write(Step { notes, path, existing: Existing::Missing });
        assert!(matches!(refused, Err(Refusal::Invalid(text)) if text.contains("plan again")));
    }
    let forged = plan.notes.replacen("\"todo\"", "\"to\\\"do\"", 1);
    let refused = write(Step { notes: &forged, path: "cli.py", existing: Existing::Missing });
    assert!(matches!(refused, Err(Refusal::Invalid(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_prompt_gives_relative_paths_that_can_all_be_written(prompt in ".{0,300}") {
        if let Ok(plan) = plan(Request { prompt: &prompt, project: "demo", kind: None }) {
            for file in &plan.files {
                prop_assert!(!file.path.starts_with('/') && !file.path.contains(".."));
                let made = written(&plan, &file.path, Existing::Missing);
                prop_assert!(matches!(made, Ok(Outcome::Create(_))), "{made:?}");
            }
        }
    }
}
