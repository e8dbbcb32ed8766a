//! What does not do what it should is shown to the agent's fixer, repaired in
//! the project, and tried again.

use std::sync::Arc;

use lockhouse::agents::{Agent, Check, Event, Stage};

use super::running::{get, serving};
use super::{Room, Script, failure, in_full, states, supervisor, write};
use crate::plugins::harness::{built, host, load_agent};

fn command(text: &str) -> Check {
    Check::Command(text.to_owned())
}

/// Passes once `app.py` holds `wanted`.
fn wanting(wanted: &str) -> Script {
    Script::planning(|plan| {
        plan.checks = vec![command(&format!("cat app.py; grep -q {wanted} app.py"))];
    })
}

#[tokio::test]
async fn a_check_that_fails_is_repaired_and_tried_again() {
    need!(local, supervisor());
    let script = wanting("right").repairing([write("app.py", "right\n")]);
    let failures = Arc::clone(&script.failures);
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: false }), "{events:?}");
    let steps = ["planning", "planned", "writing", "installing", "checking", "fixing", "checking"];
    assert_eq!(states(&events), steps);
    assert_eq!(room.file("app.py").as_deref(), Some("right\n"));
    let failure = failures.lock().unwrap().remove(0);
    assert_eq!((failure.stage, failure.code, failure.attempt), (Stage::Check, Some(1), 0));
    assert_eq!(failure.what, "cat app.py; grep -q right app.py");
    assert_eq!(failure.output, "print('hi')");
    room.close().await;
}

#[tokio::test]
async fn what_was_repaired_is_installed_before_it_is_tried_again() {
    need!(local, supervisor());
    let mut script = wanting("right").repairing([write("app.py", "right\n")]);
    script.plan.install = vec!["cat app.py >> installed".to_owned()];
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: false }), "{events:?}");
    assert_eq!(room.file("installed").as_deref(), Some("print('hi')\nright\n"));
    room.close().await;
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_repaired() {
    need!(local, supervisor());
    let mut script = serving(vec![get("/app.py", 200)]);
    let serves = script.plan.start.replace("sh ./start".to_owned()).unwrap();
    script.edits[0].push(write("start", "echo broken; exit 3\n"));
    let script = script.repairing([write("start", &serves)]);
    let failures = Arc::clone(&script.failures);
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: true }), "{events:?}");
    let failure = failures.lock().unwrap().remove(0);
    assert_eq!((failure.stage, failure.what.as_str()), (Stage::Start, "sh ./start"));
    assert!(failure.output.contains("broken"), "{failure:?}");
    room.close().await;
}

#[tokio::test]
async fn a_wrong_answer_is_repaired() {
    need!(local, supervisor());
    let script = serving(vec![get("/page.html", 200)]).repairing([write("page.html", "hi")]);
    let failures = Arc::clone(&script.failures);
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: true }), "{events:?}");
    let failure = failures.lock().unwrap().remove(0);
    assert_eq!((failure.stage, failure.code), (Stage::Request, Some(404)));
    assert_eq!(failure.what, "GET /page.html");
    room.close().await;
}

#[tokio::test]
async fn a_run_is_repaired_so_often_and_no_more() {
    need!(local, supervisor());
    let script = wanting("right").repairing((0..9).map(|n| write("app.py", &format!("{n}\n"))));
    let failures = Arc::clone(&script.failures);
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.starts_with("checking failed: `cat app.py; grep -q right app.py` ended"), "{why}");
    assert!(why.ends_with("its last output:\n2"), "{why}");
    assert_eq!(failures.lock().unwrap().len(), 3);
    room.close().await;
}

#[tokio::test]
async fn where_no_remedy_is_known_the_run_ends_with_what_was_broken() {
    need!(local, supervisor());
    let room = Room::with(wanting("right").repairing([])).await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.starts_with("checking failed: `cat app.py; grep -q right app.py` ended"), "{why}");
    assert!(why.ends_with("print('hi')"), "{why}");
    room.close().await;
}

#[tokio::test]
async fn a_repair_that_leads_out_of_the_project_makes_no_edit() {
    need!(local, supervisor());
    let mut script = wanting("right").repairing([write("app.py", "right\n")]);
    script.repairs[0].push(write("../outside", "x"));
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.contains("the agent wanted to edit “../outside”"), "{why}");
    assert_eq!(room.file("app.py").as_deref(), Some("print('hi')\n"));
    room.close().await;
}

#[tokio::test]
async fn the_offline_agent_asks_for_a_package_that_was_forgotten() {
    need!(local, supervisor());
    need!(plugins, built("scaffold").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let mut script = Script::planning(|plan| {
        // Stands for pip and for the program, neither of which needs a network here.
        plan.install = vec!["cp requirements.txt installed".to_owned()];
        plan.checks = vec![command(
            "grep -q PyYAML installed || { echo \"ModuleNotFoundError: No module named 'yaml'\"; exit 1; }",
        )];
    });
    script.edits[0].push(write("requirements.txt", "Flask>=3.0,<4\n"));
    let scaffold: Arc<dyn Agent> = Arc::new(load_agent(&host(), &built("scaffold").unwrap()).await);
    let room = Room::with(script.repaired_by(scaffold)).await;
    let events = room.generates(in_full("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: false }), "{events:?}");
    assert_eq!(room.file("requirements.txt").as_deref(), Some("Flask>=3.0,<4\nPyYAML\n"));
    room.close().await;
}
