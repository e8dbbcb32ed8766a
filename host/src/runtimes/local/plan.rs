//! What to put around one process, whichever program does it: the same plan becomes an OCI bundle
//! or bubblewrap's arguments.

use std::path::PathBuf;

use super::rootfs::Root;
use crate::runtimes::engine::{
    LINK_DIR, Limits, PROXY_ADDRESS, RuntimeSpec, RuntimeUser, SOCKET_FILE, SUPERVISOR_FILE,
    WORKSPACE_DIR,
};
use crate::runtimes::gvisor;

/// Where programs are looked for inside.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Size of `/dev/shm`.
pub(in crate::runtimes) const SHM_BYTES: u64 = 64 * 1024 * 1024;

/// Limits of a question to an image: enough for any package manager to say who it is.
pub(in crate::runtimes) const QUESTION_LIMITS: Limits = Limits {
    memory_bytes: 1024 * 1024 * 1024,
    cpu_millis: 1000,
    pids: 256,
    disk_bytes: 0,
    tmp_bytes: 64 * 1024 * 1024,
    open_files: 1024,
};

/// Whoever asked may have been killed, and nobody else would end what goes round in circles.
pub(in crate::runtimes) const QUESTION_CPU_SECONDS: u64 = 60;

/// Parts of /proc and /sys that tell of the machine or reach the kernel; empty inside.
pub(in crate::runtimes) const MASKED: [&str; 14] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

pub(in crate::runtimes) const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The container's name and that of its control group.
    pub(super) name: String,
    pub(super) argv: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) root: Root,
    /// `None`: an empty one in memory.
    pub(super) workspace: Option<PathBuf>,
    pub(super) link_dir: Option<PathBuf>,
    /// Its `/etc/hosts`, which names itself.
    pub(super) hosts: Option<PathBuf>,
    pub(super) user: RuntimeUser,
    pub(super) limits: Limits,
    /// Seconds of processor time that a process of it may use in all.
    pub(super) cpu_seconds: Option<u64>,
}

impl Plan {
    pub(super) fn runtime(spec: &RuntimeSpec, root: Root, hosts: PathBuf) -> Self {
        Self {
            name: spec.id.to_string(),
            argv: supervisor_argv(),
            env: with_path(spec.env.clone()),
            root,
            workspace: Some(spec.workspace.clone()),
            link_dir: Some(spec.link_dir.clone()),
            hosts: Some(hosts),
            user: spec.user,
            limits: spec.limits,
            cpu_seconds: None,
        }
    }

    pub(super) fn question(name: String, argv: &[&str], user: RuntimeUser, root: Root) -> Self {
        Self {
            name,
            argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
            env: with_path(vec![("HOME".to_owned(), "/tmp".to_owned())]),
            root,
            workspace: None,
            link_dir: None,
            hosts: None,
            user,
            limits: QUESTION_LIMITS,
            cpu_seconds: Some(QUESTION_CPU_SECONDS),
        }
    }

    pub(super) fn hosts_text(&self) -> String {
        format!(
            "127.0.0.1 localhost {}\n::1 localhost ip6-localhost ip6-loopback\n",
            self.host_name()
        )
    }

    pub(super) fn host_name(&self) -> String {
        host_name(&self.name)
    }
}

/// How an OCI runtime of this name gets onto a machine.
pub(in crate::runtimes) fn how_to_install(runtime: &str) -> String {
    match runtime {
        "runc" | "crun" => format!("apt-get install {runtime}"),
        _ if gvisor::is_meant_by(runtime) => gvisor::how_to_install(),
        other => format!("put the program “{other}” into a directory of PATH"),
    }
}

/// A short host name: the last characters of the id, where generated ids differ.
pub(in crate::runtimes) fn host_name(id: &str) -> String {
    let letters: Vec<char> = id.chars().filter(char::is_ascii_alphanumeric).collect();
    letters[letters.len().saturating_sub(12)..].iter().collect()
}

/// How every engine starts a runtime's first process.
pub(in crate::runtimes) fn supervisor_argv() -> Vec<String> {
    [
        &format!("{LINK_DIR}/{SUPERVISOR_FILE}"),
        "--socket",
        &format!("{LINK_DIR}/{SOCKET_FILE}"),
        "--proxy",
        PROXY_ADDRESS,
        "--workspace",
        WORKSPACE_DIR,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn with_path(mut env: Vec<(String, String)>) -> Vec<(String, String)> {
    if !env.iter().any(|(name, _)| name == "PATH") {
        env.push(("PATH".to_owned(), PATH.to_owned()));
    }
    env
}

/// The most files a process may open: what was asked for, or what this machine's hard limit
/// lets us give (raising it takes a capability that even root may lack).
pub(in crate::runtimes) fn open_files(limits: &Limits) -> u64 {
    let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    hard.map_or(limits.open_files, |hard| limits.open_files.min(hard))
}
