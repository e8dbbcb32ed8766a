//! Shell sessions.

use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::Link;
use lockhouse_supervisor::protocol::Exec;

use crate::harness::{Outcome, Runtime, outcome};

async fn run(link: &Link, id: &str, text: &str) -> Outcome {
    let session = Some("s".to_owned());
    let exec = Exec { session, ..Exec::shell(id, text) };
    outcome(&mut link.exec(exec).await.unwrap()).await
}

#[tokio::test]
async fn directory_and_exported_variables_are_left_to_the_next_command() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let first = run(&host.link, "a", "mkdir d; cd d; export A='1\n2' PATH=$PATH:/x; exit 3").await;
    assert_eq!((first.code(), first.stdout(), first.stderr()), (Some(3), "", ""));
    let state = host.link.session("s").await.unwrap();
    assert_eq!((state.cwd.as_str(), state.kept), ("d", Some(true)));
    let next = run(&host.link, "b", "pwd; echo \"$A\"; echo ${PATH##*:}").await;
    let directory = runtime.workspace().join("d");
    assert_eq!(next.stdout(), format!("{}\n1\n2\n/x\n", directory.display()));
}

#[tokio::test]
async fn a_variable_that_was_unset_stays_unset() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    run(&host.link, "a", "unset HOME").await;
    assert_eq!(run(&host.link, "b", "echo ${HOME-none}").await.stdout(), "none\n");
}

#[tokio::test]
async fn a_shell_that_was_killed_leaves_nothing() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    run(&host.link, "a", "export A=1; kill -9 $$").await;
    assert_eq!(host.link.session("s").await.unwrap().kept, Some(false));
    assert_eq!(run(&host.link, "b", "echo ${A-none}").await.stdout(), "none\n");
}

#[tokio::test]
async fn more_than_a_session_may_leave_is_not_kept() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let text = "export A=$(head -c 100000 /dev/zero | tr '\\0' x); export B=$A C=$A";
    assert_eq!(run(&host.link, "a", text).await.code(), Some(0));
    assert_eq!(host.link.session("s").await.unwrap().kept, Some(false));
}

#[tokio::test]
async fn a_daemon_that_holds_on_to_the_session_keeps_nobody_waiting() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let ran = run(&host.link, "a", "export A=1; setsid sleep 1000 >/dev/null 2>&1 &").await;
    assert_eq!(ran.code(), Some(0));
    assert_eq!(run(&host.link, "b", "echo $A").await.stdout(), "1\n");
}

#[tokio::test]
async fn a_session_whose_name_is_no_name_is_refused() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let exec = Exec { session: Some("../s".to_owned()), ..Exec::shell("a", "true") };
    assert!(matches!(host.link.exec(exec).await.unwrap_err(), Error::Refused(_)));
}
