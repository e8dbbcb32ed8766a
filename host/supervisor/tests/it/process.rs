//! The one long-running process.

use std::collections::BTreeMap;
use std::time::Duration;

use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::{InboundEvent, Link, LogEvent};
use lockhouse_supervisor::protocol::{
    Command, OutputStream, ProcessState, ProcessStatus, Restart, StartProcess,
};

use crate::harness::{Host, Runtime, eventually, is_alive, soon};

fn process(text: &str, restart: Restart) -> StartProcess {
    let command = Command::Shell(text.into());
    StartProcess { command, cwd: None, env: BTreeMap::new(), restart }
}

async fn log(link: &Link, since: Option<u64>) -> Vec<(OutputStream, Vec<u8>)> {
    let mut stream = link.process_logs(since, false).await.unwrap();
    let mut lines = Vec::new();
    while let Some(event) = soon("the log", stream.next()).await {
        if let LogEvent::Output { stream, bytes, .. } = event.unwrap() {
            lines.push((stream, bytes.to_vec()));
        }
    }
    lines
}

async fn until(host: &mut Host, wanted: impl Fn(&ProcessState) -> bool) -> ProcessState {
    soon("a change of the process", async {
        loop {
            if let InboundEvent::ProcessChanged(state) = host.inbound.next().await.unwrap()
                && wanted(&state)
            {
                return state;
            }
        }
    })
    .await
}

#[tokio::test]
async fn it_runs_is_shown_and_stops() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    assert_eq!(host.link.process().await.unwrap(), None);
    let start = process("echo pid $$; exec sleep 1000", Restart::Never);
    host.link.start_process(start.clone()).await.unwrap();
    let state = eventually("its process id", async || {
        host.link.process().await.unwrap().filter(|state| state.pid.is_some())
    })
    .await;
    assert_eq!((state.status, &state.start), (ProcessStatus::Running, &start));
    let stopped = host.link.stop_process(Duration::from_secs(5)).await.unwrap().unwrap();
    assert_eq!(stopped.status, ProcessStatus::Ended);
    assert_eq!(stopped.exit.unwrap().signal, Some(libc::SIGTERM));
    assert!(!is_alive(state.pid.unwrap().cast_signed()));
    let again = host.link.stop_process(Duration::from_secs(5)).await.unwrap().unwrap();
    assert_eq!(again.status, ProcessStatus::Ended);
}

#[tokio::test]
async fn stopping_kills_what_does_not_listen() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let text = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    host.link.start_process(process(text, Restart::Always)).await.unwrap();
    eventually("the trap", async || (!log(&host.link, None).await.is_empty()).then_some(())).await;
    let stopped = host.link.stop_process(Duration::from_millis(100)).await.unwrap().unwrap();
    assert_eq!(stopped.exit.unwrap().signal, Some(libc::SIGKILL));
}

#[tokio::test]
async fn the_same_one_is_started_once_and_another_is_refused() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let one = process("sleep 1000", Restart::Never);
    host.link.start_process(one.clone()).await.unwrap();
    let same = host.link.start_process(one.clone()).await.unwrap();
    assert_eq!((same.restarts, same.status), (0, ProcessStatus::Running));
    let other = host.link.start_process(process("sleep 999", Restart::Never)).await.unwrap_err();
    assert!(matches!(other, Error::AlreadyRunning(running) if running.start == one));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_started() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut start = process("", Restart::Always);
    start.command = Command::Argv(vec!["no-such-program".into()]);
    let missing = host.link.start_process(start).await.unwrap_err();
    assert!(matches!(missing, Error::NotStarted(_)));
    assert_eq!(host.link.process().await.unwrap(), None);
}

#[tokio::test]
async fn its_log_is_exact_and_marked() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    let text = r"printf 'a\000\377'; sleep 0.1; echo err >&2";
    host.link.start_process(process(text, Restart::Never)).await.unwrap();
    let ended = until(&mut host, |state| state.status == ProcessStatus::Ended).await;
    assert_eq!(ended.log_end_seq, 7);
    let expected =
        [(OutputStream::Stdout, b"a\0\xff".to_vec()), (OutputStream::Stderr, b"err\n".to_vec())];
    assert_eq!(log(&host.link, None).await, expected);
    assert_eq!(log(&host.link, Some(4)).await, [(OutputStream::Stderr, b"rr\n".to_vec())]);
}

#[tokio::test]
async fn a_log_is_followed_while_it_grows_and_across_a_lost_link() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let text = "echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; exec sleep 1000";
    host.link.start_process(process(text, Restart::Never)).await.unwrap();
    let mut log = host.link.process_logs(None, true).await.unwrap();
    let first = soon("a line", log.next()).await.unwrap().unwrap();
    assert!(matches!(&first, LogEvent::Output { seq: 0, bytes, .. } if &bytes[..] == b"one\n"));
    host.vanish().await;
    assert!(matches!(soon("the end", log.next()).await, Some(Err(Error::Closed))));

    let host = runtime.host().await;
    let kept = host.link.hello().process.clone().unwrap();
    assert_eq!((kept.status, kept.log_end_seq), (ProcessStatus::Running, 4));
    let mut log = host.link.process_logs(Some(4), true).await.unwrap();
    std::fs::write(runtime.workspace().join("go"), "").unwrap();
    let second = soon("a line", log.next()).await.unwrap().unwrap();
    assert!(matches!(&second, LogEvent::Output { seq: 4, bytes, .. } if &bytes[..] == b"two\n"));
}

#[tokio::test]
async fn a_log_is_bounded() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    host.link.start_process(process("seq 1 500000", Restart::Never)).await.unwrap();
    let ended = until(&mut host, |state| state.status == ProcessStatus::Ended).await;
    let lines = log(&host.link, None).await;
    assert_eq!(lines.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), 1024 * 1024);
    assert!(ended.log_end_seq > 3_000_000);
}

#[tokio::test]
async fn a_failure_is_restarted_and_a_success_is_not() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    let text = "echo run >> runs; [ $(wc -l < runs) -ge 3 ]";
    host.link.start_process(process(text, Restart::OnFailure)).await.unwrap();
    let ended = until(&mut host, |state| state.status == ProcessStatus::Ended).await;
    assert_eq!((ended.restarts, ended.exit.unwrap().code), (2, Some(0)));
}

#[tokio::test]
async fn a_process_that_waits_to_be_restarted_can_be_stopped() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    host.link.start_process(process("exit 1", Restart::Always)).await.unwrap();
    until(&mut host, |state| state.status == ProcessStatus::Waiting).await;
    let stopped = host.link.stop_process(Duration::from_secs(1)).await.unwrap().unwrap();
    assert_eq!(stopped.status, ProcessStatus::Ended);
    let other = process("sleep 1000", Restart::Never);
    let state = host.link.start_process(other).await.unwrap();
    assert_eq!(state.status, ProcessStatus::Running);
}
