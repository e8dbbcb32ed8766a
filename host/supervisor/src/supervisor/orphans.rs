//! Processes found through `/proc`, and the reaping of those that fell to the supervisor.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// Time between rounds of killing.
const ROUND: Duration = Duration::from_millis(10);

/// Children whose end somebody waits for.
#[derive(Debug, Default, Clone)]
pub(super) struct Children(Rc<RefCell<HashMap<i32, oneshot::Sender<i32>>>>);

impl Children {
    /// The wait status of a child just started. Nothing may be awaited between start and call.
    pub(super) fn status_of(&self, pid: i32) -> oneshot::Receiver<i32> {
        let (ended, status) = oneshot::channel();
        self.0.borrow_mut().insert(pid, ended);
        status
    }

    /// Reaps every child that ends, for as long as the supervisor lives.
    pub(super) async fn reap(self) -> std::io::Result<()> {
        let mut deaths = signal(SignalKind::child())?;
        loop {
            self.reap_dead();
            deaths.recv().await;
        }
    }

    fn reap_dead(&self) {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let waiting = self.0.borrow_mut().remove(&pid.as_raw_nonzero().get());
            if let Some(ended) = waiting {
                // Whoever waited may have given up.
                let _ = ended.send(status.as_raw());
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Process {
    pid: i32,
    parent: i32,
    session: i32,
    zombie: bool,
}

/// Every process this one can see.
fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// The name is in brackets and may hold anything, so fields are counted from its end.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { pid, parent, session, zombie })
}

/// Living processes below this one.
fn descendants() -> Vec<i32> {
    let processes = processes();
    let mut below = HashSet::from([rustix::process::getpid().as_raw_nonzero().get()]);
    let own = below.clone();
    loop {
        let before = below.len();
        let children = processes.iter().filter(|process| below.contains(&process.parent));
        let children: Vec<i32> = children.map(|process| process.pid).collect();
        below.extend(children);
        if below.len() == before {
            break;
        }
    }
    let living = |pid: &i32| !processes.iter().any(|process| process.pid == *pid && process.zombie);
    below.difference(&own).copied().filter(living).collect()
}

fn send(pids: &[i32], signal: Signal) {
    for pid in pids.iter().copied().filter_map(Pid::from_raw) {
        // One that has ended meanwhile is what was wanted.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Kills what belongs to a session until nothing does.
pub(super) async fn kill_session(session: i32, deadline: Duration) {
    let deadline = Instant::now() + deadline;
    loop {
        let members = processes().into_iter().filter(|p| p.session == session && !p.zombie);
        let members: Vec<i32> = members.map(|process| process.pid).collect();
        if members.is_empty() || Instant::now() > deadline {
            return;
        }
        send(&members, Signal::KILL);
        sleep(ROUND).await;
    }
}

/// TERM to everything below the supervisor, `grace`, KILL until nothing is left.
pub(super) async fn end_everything(grace: Duration, deadline: Duration) {
    let started = Instant::now();
    send(&descendants(), Signal::TERM);
    loop {
        let left = descendants();
        if left.is_empty() || started.elapsed() > grace + deadline {
            return;
        }
        if started.elapsed() > grace {
            send(&left, Signal::KILL);
        }
        sleep(ROUND).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse_the_reader() {
        let process = parse(7, "7 (a) Z 1 (x) S 3 4 5 6").unwrap();
        assert_eq!((process.parent, process.session, process.zombie), (3, 5, false));
        assert!(parse(7, "7 (a").is_none());
    }
}
