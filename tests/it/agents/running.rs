//! What was written is installed, started and checked in the project's runtime.

use std::sync::atomic::{AtomicU32, Ordering};

use lockhouse::agents::{Check, Event};
use lockhouse::exec::OutputStream;

use super::{Room, Script, failure, in_full, states, supervisor, told};

/// A port of this machine that nobody uses: below those that the kernel gives
/// to whoever asks for any, such as the other tests' supervisors.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(7);
    let ports = (0..10_000).map(|_| first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)));
    let mut ports = ports.map(|n| 20_000 + u16::try_from(n % 10_000).unwrap());
    ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// A plan whose server shows the workspace, and what is checked of it.
pub(super) fn serving(checks: Vec<Check>) -> Script {
    Script::planning(|plan| {
        plan.start = Some("exec python3 -m http.server $PORT --bind 127.0.0.1".to_owned());
        plan.port = Some(free_port());
        plan.checks = checks;
    })
}

pub(super) fn get(path: &str, status: u16) -> Check {
    Check::Http { path: path.to_owned(), status }
}

fn command(text: &str) -> Check {
    Check::Command(text.to_owned())
}

#[tokio::test]
async fn a_project_is_installed_started_and_checked() {
    need!(local, supervisor());
    let mut script = serving(vec![command("test -f installed"), get("/app.py", 200)]);
    script.plan.install = vec!["echo it is installed; touch installed".to_owned()];
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: true }), "{events:?}");
    let steps =
        ["planning", "planned", "writing", "installing", "checking", "starting", "checking"];
    assert_eq!(states(&events), steps);
    let text = "it is installed\n".to_owned();
    let output = Event::Output { stream: OutputStream::Stdout, text };
    assert!(events.contains(&output), "{events:?}");
    room.close().await;
}

#[tokio::test]
async fn a_command_that_fails_ends_the_run_with_its_last_output() {
    need!(local, supervisor());
    let room = Room::with(Script::planning(|plan| {
        plan.install = vec!["echo no such package >&2; exit 3".to_owned(), "touch next".to_owned()];
    }))
    .await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.starts_with("installing failed: `echo no such package"), "{why}");
    assert!(why.contains("ended with exit code 3; its last output:\nno such package"), "{why}");
    assert_eq!(room.file("next"), None);
    room.close().await;
}

#[tokio::test]
async fn a_refused_command_never_starts() {
    need!(local, supervisor());
    let room = Room::with(Script::planning(|plan| {
        plan.checks = vec![command("touch forbidden")];
    }))
    .await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.contains("was refused by guard@1.0.0 (by-name): it is called forbidden"), "{why}");
    assert_eq!(room.file("forbidden"), None);
    room.close().await;
}

#[tokio::test]
async fn a_server_that_ends_at_once_fails_the_run_with_its_log() {
    need!(local, supervisor());
    let mut script = serving(Vec::new());
    script.plan.start = Some("echo no module named flask; exit 1".to_owned());
    let room = Room::with(script).await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.starts_with("starting failed: the server ended"), "{why}");
    assert!(why.ends_with("no module named flask"), "{why}");
    room.close().await;
}

#[tokio::test]
async fn a_wrong_answer_fails_the_run() {
    need!(local, supervisor());
    let room = Room::with(serving(vec![get("/missing", 200)])).await;
    let events = room.generates(in_full("an app")).await;
    let why = failure(&events);
    assert!(why.starts_with("checking failed: GET /missing answered 404, not 200"), "{why}");
    room.close().await;
}

#[tokio::test]
async fn a_second_run_replaces_the_process_of_the_first() {
    need!(local, supervisor());
    let room = Room::with(serving(vec![get("/app.py", 200)])).await;
    let agents = room.agents();
    let first = room.begin(&agents, in_full("an app")).await.unwrap();
    told(&agents, &first, 0).await;
    let before = room.parts.processes.find(&room.project).await.unwrap().state.unwrap();
    drop(agents);
    let events = room.generates(in_full("an app again")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: true }), "{events:?}");
    let after = room.parts.processes.find(&room.project).await.unwrap().state.unwrap();
    assert_ne!(before.pid, after.pid);
    room.close().await;
}
