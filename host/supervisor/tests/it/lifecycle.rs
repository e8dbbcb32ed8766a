//! Start, stop, redial, reaping, and being PID 1.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use lockhouse_supervisor::Error;
use lockhouse_supervisor::protocol::{Exec, ExecId, MAJOR, host_socket};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixListener;

use crate::harness::{Runtime, eventually, is_alive, outcome, shell, soon};

/// Runs the supervisor as PID 1 of namespaces of its own, where the machine lets us.
const PID_ONE: [&str; 6] = ["unshare", "-Urpf", "-n", "--mount-proc", "--kill-child", "--"];

fn can_be_pid_one() -> bool {
    let tried = std::process::Command::new("unshare").args(&PID_ONE[1..]).arg("true").status();
    let can = tried.is_ok_and(|status| status.success());
    assert!(can || std::env::var_os("REQUIRE").is_none(), "unshare is required");
    if !can {
        eprintln!("skipped: this machine makes no namespaces");
    }
    can
}

#[tokio::test]
async fn it_says_who_it_is_and_stays_the_same_across_links() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let hello = host.link.hello().clone();
    assert_eq!((hello.major, hello.pid_one), (MAJOR, false));
    host.vanish().await;
    let again = runtime.host().await;
    assert_eq!(again.link.hello().boot, hello.boot);
}

#[tokio::test]
async fn a_link_that_ends_is_known_to_all_who_use_it() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let link = host.link.clone();
    let mut stream = link.exec(Exec::argv("a", ["sleep", "1000"])).await.unwrap();
    host.vanish().await;
    soon("the end of the link", link.closed()).await;
    assert!(!link.is_open());
    assert!(matches!(link.ping().await, Err(Error::Closed)));
    assert!(matches!(stream.next().await, Some(Err(Error::Closed))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn told_to_stop_it_ends_everything_and_leaves_without_fault() {
    let mut runtime = Runtime::start();
    let host = runtime.host().await;
    let _ignored = host.link.exec(Exec::argv("a", ["sleep", "1000"])).await.unwrap();
    let text = "setsid sh -c 'echo $$ > daemon; exec sleep 1000' & wait";
    let _daemon = host.link.exec(Exec::shell("b", text)).await.unwrap();
    let daemon = eventually("the daemon", async || {
        std::fs::read_to_string(runtime.workspace().join("daemon")).ok()?.trim().parse().ok()
    })
    .await;
    kill_process(Pid::from_child(&runtime.child), Signal::TERM).unwrap();
    let status = tokio::task::spawn_blocking(move || (runtime.child.wait(), runtime));
    let (status, _runtime) = soon("its end", status).await.unwrap();
    assert_eq!(status.unwrap().into_raw(), 0);
    assert!(!is_alive(daemon));
}

#[tokio::test]
async fn orphans_are_reaped() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    host.link.open_terminal(crate::harness::plain_shell()).await.unwrap();
    let mut screen = crate::harness::Screen::attach(&host.link, None).await;
    screen.types("(setsid sh -c 'echo $$ > orphan; exec sleep 0.1' &)\n").await;
    let orphan: i32 = eventually("the orphan", async || {
        std::fs::read_to_string(runtime.workspace().join("orphan")).ok()?.trim().parse().ok()
    })
    .await;
    eventually("its end", async || {
        (!std::path::Path::new(&format!("/proc/{orphan}")).exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn health_counts_what_runs() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let _stream = host.link.exec(Exec::argv("a", ["sleep", "1000"])).await.unwrap();
    host.link.open_terminal(crate::harness::plain_shell()).await.unwrap();
    let health = host.link.health().await.unwrap();
    assert_eq!((health.execs, health.terminals, health.egress), (1, 1, 0));
    assert!(health.resident_bytes > 100_000);
    assert!(host.link.ping().await.unwrap() < Duration::from_secs(5));
}

#[tokio::test]
async fn as_pid_one_it_brings_up_loopback_runs_and_reaps() {
    if !can_be_pid_one() {
        return;
    }
    let runtime = Runtime::start_with(&PID_ONE, &["--proxy", "127.0.0.1:3128"]);
    let host = runtime.host().await;
    assert!(host.link.hello().pid_one);
    let proxy = shell(&host.link, "a", "grep -c :0C38 /proc/net/tcp").await;
    assert_eq!(proxy.stdout(), "1\n", "the proxy listens on a loopback that was down");
    let text = "(setsid sh -c 'sleep 0.2 & exit' &); setsid sleep 1000 & echo started";
    let mut stream = host.link.exec(Exec::shell("b", text)).await.unwrap();
    assert_eq!(outcome(&mut stream).await.stdout(), "started\n");
    // PID 1, the keeper, the shell, ls, wc. The last command's keeper may yet be reaped.
    let mut tries = 0;
    eventually("all others to be reaped", async || {
        tries += 1;
        let left = shell(&host.link, &format!("c{tries}"), "ls -d /proc/[0-9]* | wc -l").await;
        (left.stdout().trim() == "5").then_some(())
    })
    .await;
}

#[tokio::test]
async fn as_pid_one_it_stops_when_told() {
    if !can_be_pid_one() {
        return;
    }
    let runtime = Runtime::start_with(&PID_ONE, &[]);
    let host = runtime.host().await;
    let _stream = host.link.exec(Exec::argv("a", ["sleep", "1000"])).await.unwrap();
    let children = format!("/proc/{0}/task/{0}/children", runtime.child.id());
    let one = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(one).unwrap(), Signal::TERM).unwrap();
    soon("the end of the link", host.link.closed()).await;
}

#[tokio::test]
async fn two_hosts_are_served_at_once_and_either_takes_up_what_the_other_began() {
    let runtime = Runtime::start();
    let one = runtime.host().await;
    let second = host_socket(&runtime.directory.path().join("host.sock"), 1);
    let other = runtime.host_on(&UnixListener::bind(second).unwrap()).await;
    let reading = Exec { stdin: true, ..Exec::shell("a", "read line; echo $line") };
    let mut stream = one.link.exec(reading).await.unwrap();
    let mut same = other.link.attach_exec(ExecId("a".to_owned()), 0).await.unwrap();
    stream.write("to both\n".into()).await.unwrap();
    assert_eq!(outcome(&mut stream).await.stdout(), "to both\n");
    assert_eq!(outcome(&mut same).await.stdout(), "to both\n");
    one.vanish().await;
    assert_eq!(shell(&other.link, "b", "echo on").await.stdout(), "on\n");
}
