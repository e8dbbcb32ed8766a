//! A runtime's first process as this machine sees it: whether it lives, its end, and what its
//! tree uses where no control group tells.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

pub(in crate::runtimes) use super::record::FirstProcess;
use crate::runtimes::engine::Usage;

/// Most processes of one runtime that are looked at for its use.
const MAX_PROCESSES: usize = 4096;

/// How long a killed process may take to be gone.
pub(in crate::runtimes) const KILL_TIMEOUT: Duration = Duration::from_secs(10);

impl FirstProcess {
    pub(in crate::runtimes) fn of(pid: i32) -> Option<Self> {
        let start_ticks = Stat::of(pid)?.start_ticks;
        Some(Self { pid, start_ticks, boot_id: boot_id() })
    }

    pub(in crate::runtimes) fn lives(&self) -> bool {
        self.boot_id == boot_id()
            && Stat::of(self.pid)
                .is_some_and(|stat| stat.start_ticks == self.start_ticks && stat.state != 'Z')
    }
}

/// Waits up to `timeout` for a process to end; true if it has.
pub(in crate::runtimes) async fn ends_within(pid: i32, timeout: Duration) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return true };
    let Ok(open) = pidfd_open(pid, PidfdFlags::NONBLOCK) else { return true };
    #[expect(deprecated, reason = "its replacement is unsafe; an owned descriptor stays open")]
    let Ok(fd) = AsyncFd::new(open) else { return true };
    tokio::time::timeout(timeout, fd.readable()).await.is_ok()
}

/// Sends a signal to a process that was checked to live; one that has just gone is no error.
pub(in crate::runtimes) fn signal(process: &FirstProcess, signal: Signal) -> std::io::Result<()> {
    let Some(pid) = Pid::from_raw(process.pid) else { return Ok(()) };
    let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    // The descriptor names this process for good: only now does the check hold.
    if !process.lives() {
        return Ok(());
    }
    match pidfd_send_signal(&fd, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody on this machine itself runs a program with all these arguments. What
/// processes of a runtime call themselves counts for nothing.
pub(in crate::runtimes) fn is_there(arguments: &[String]) -> bool {
    let namespace = |process: &Path| std::fs::read_link(process.join("ns/pid")).ok();
    let own = namespace(Path::new("/proc/self"));
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.map(|process| process.path()).any(|process| {
        let Ok(line) = std::fs::read_to_string(process.join("cmdline")) else { return false };
        let line: Vec<&str> = line.split('\0').collect();
        arguments.iter().all(|word| line.contains(&word.as_str())) && namespace(&process) == own
    })
}

/// What a process and its descendants use, read from /proc.
pub(in crate::runtimes) fn usage(first: i32) -> Usage {
    let mut usage = Usage { cpu: Duration::ZERO, memory_bytes: 0, pids: 0 };
    let mut waiting = vec![first];
    while let Some(pid) = waiting.pop()
        && usage.pids < MAX_PROCESSES as u64
    {
        let Some(stat) = Stat::of(pid) else { continue };
        usage.cpu += stat.cpu;
        usage.memory_bytes += stat.resident_bytes;
        usage.pids += 1;
        waiting.extend(children(pid));
    }
    usage
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .filter_map(Result::ok)
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| {
            text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

fn boot_id() -> String {
    let text = std::fs::read_to_string(Path::new("/proc/sys/kernel/random/boot_id"));
    text.unwrap_or_default().trim().to_owned()
}

/// The name of the program a process runs, as the kernel cuts it: 15 bytes.
pub(in crate::runtimes) fn program(pid: i32) -> Option<String> {
    Some(Stat::of(pid)?.program)
}

struct Stat {
    program: String,
    state: char,
    start_ticks: u64,
    /// Its own and that of the children it has waited for.
    cpu: Duration,
    resident_bytes: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads `/proc/<pid>/stat`, whose second field may hold anything, also a parenthesis.
    fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = number(14)? + number(15)? + number(16)? + number(17)?;
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Some(Self {
            program: head.split_once('(')?.1.to_owned(),
            state: fields.first()?.chars().next()?,
            start_ticks: number(22)?,
            cpu: Duration::from_millis(ticks * 1000 / per_second),
            resident_bytes: number(24)? * rustix::param::page_size() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_parentheses_is_read_over() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 100 50 20 30 15 16 17 18 4711 20 3";
        let stat = Stat::parse(&format!("42 (a) b) {rest}")).unwrap();
        assert_eq!((stat.program.as_str(), stat.state, stat.start_ticks), ("a) b", 'S', 4711));
        assert_eq!(stat.cpu, Duration::from_secs(2));
    }

    #[test]
    fn a_process_with_another_start_is_another_process() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let own = FirstProcess::of(pid).unwrap();
        assert!(own.lives());
        let later = FirstProcess { start_ticks: own.start_ticks + 1, ..own };
        assert!(!later.lives());
    }
}
