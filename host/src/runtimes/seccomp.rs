//! Which system calls a runtime may make. One list for every engine, rendered as OCI types, as
//! Docker's JSON and as BPF programs.
//!
//! What is not on the list fails with EPERM. `clone3` fails with ENOSYS, because its flags lie in
//! memory where no filter can look, and every C library then falls back to `clone`, whose flags
//! can be judged. Refused by not being listed are, among others, `mount` and its kin, `unshare`,
//! `setns`, `pivot_root`, `chroot`, `ptrace`, `process_vm_*`, `kcmp`, `pidfd_getfd`, `keyctl` and
//! its kin, `bpf`, `perf_event_open`, `userfaultfd`, `io_uring_*`, `kexec_*`, the module calls,
//! `open_by_handle_at`, `quotactl`, `acct`, `swapon`, `reboot`, `syslog`, the clock-setting calls,
//! and `personality` but for what `setarch` and debuggers of one's own memory layout need.

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder,
    LinuxSeccompBuilder, LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};
use serde_json::{Value, json};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// Calls that every architecture has, family by family.
const EVERYWHERE: &[&str] = &[
    // Files by descriptor or by path: what any program does all day. Permissions are the file
    // system's business; device nodes can't be made without a capability.
    "chdir close close_range copy_file_range dup dup3 faccessat faccessat2 fadvise64 fallocate \
     fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync flock fstat fstatfs fsync \
     ftruncate getcwd getdents64 linkat lseek mkdirat mknodat newfstatat openat openat2 \
     pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlinkat readv \
     renameat renameat2 sendfile splice statfs statx symlinkat sync sync_file_range syncfs tee \
     truncate umask unlinkat utimensat vmsplice write writev",
    // Extended attributes, which `cp -a`, `tar` and package managers read and keep.
    "fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr \
     lremovexattr lsetxattr removexattr setxattr",
    // Waiting for files, timers and events: event loops and file watchers.
    "epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 eventfd2 inotify_add_watch inotify_init1 \
     inotify_rm_watch ppoll pselect6 signalfd4 timerfd_create timerfd_gettime timerfd_settime",
    // The older asynchronous file interface (not io_uring), used by databases.
    "io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit",
    // A process's own memory, with protection keys and hints for the allocator.
    "brk cachestat get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create mincore \
     mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock munlockall munmap \
     pkey_alloc pkey_free pkey_mprotect process_madvise process_mrelease remap_file_pages \
     set_mempolicy",
    // Starting, ending and waiting for processes and threads. `clone` stands apart, below.
    "execve execveat exit exit_group futex futex_requeue futex_wait futex_waitv futex_wake \
     get_robust_list pidfd_open pidfd_send_signal restart_syscall rseq set_robust_list \
     set_tid_address wait4 waitid",
    // Who and where a process is, its sessions and limits. Changing identity needs capabilities
    // that no process here has, so these fail by themselves where they would matter, and
    // programs that set what they already are go on working.
    "capget capset getcpu getegid geteuid getgid getgroups getpgid getpid getppid getpriority \
     getresgid getresuid getrlimit getrusage getsid gettid getuid ioprio_get ioprio_set prctl \
     prlimit64 setfsgid setfsuid setgid setgroups setpgid setpriority setregid setresgid \
     setresuid setreuid setrlimit setsid setuid sysinfo times uname",
    // Signals.
    "kill rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend \
     rt_sigtimedwait rt_tgsigqueueinfo sigaltstack tgkill tkill",
    // Scheduling: runtimes of languages place their threads and ask for their share.
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr \
     sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr \
     sched_setparam sched_setscheduler sched_yield",
    // Reading clocks, sleeping, timers, randomness.
    "clock_getres clock_gettime clock_nanosleep getitimer getrandom gettimeofday nanosleep \
     setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_settime",
    // Sockets. `socket` stands apart, below.
    "accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg \
     recvmsg sendmmsg sendmsg sendto setsockopt shutdown socketpair",
    // System V and POSIX message queues, semaphores and shared memory, in the runtime's own IPC
    // namespace: PostgreSQL and others.
    "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget \
     msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget",
    // Giving up power: sandboxes inside the runtime, such as a browser's or a test runner's.
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp",
];

/// Older names of the same things, and what the C library sets up on x86-64 alone.
const X86_64: &[&str] =
    &["access alarm arch_prctl chmod chown creat dup2 epoll_create epoll_wait eventfd fork \
     futimesat getdents getpgrp inotify_init lchown link lstat mkdir mknod open pause pipe poll \
     readlink rename rmdir select signalfd stat symlink time unlink utime utimes vfork"];

/// A call that is allowed if its arguments are right.
struct Conditional {
    call: &'static str,
    /// Which argument.
    index: u8,
    /// What of the argument counts; 32 bits, as the kernel reads these arguments.
    mask: u64,
    /// What it must be.
    values: Vec<u64>,
}

/// The CLONE_NEW* flags: cgroup, UTS, IPC, user, pid, network and mount namespaces.
const NAMESPACE_FLAGS: u64 = 0x7e02_0000;

const WHOLE: u64 = 0xffff_ffff;

/// `FS_IOC_SETFLAGS` and `FS_IOC_FSSETXATTR`, by type and number. What they change of one's own
/// files could take these out of the project whose quota limits the disk.
const REFUSED_IOCTLS: [u64; 2] = [0x6602, 0x5820];

/// A bit in which they differ from each other.
const TELLING_BIT: u64 = 0x2;

fn conditional() -> Vec<Conditional> {
    let mut all = vec![
        // New processes and threads, but no new namespaces: a user namespace gives its maker all
        // capabilities inside, and with them reach into kernel code that few have looked at.
        Conditional { call: "clone", index: 0, mask: NAMESPACE_FLAGS, values: vec![0] },
        // Unix, IPv4, IPv6 and netlink (to list interfaces). Not vsock, which no namespace confines
        // and which reaches the hypervisor, nor the kernel's crypto sockets and other rarities.
        Conditional { call: "socket", index: 0, mask: WHOLE, values: vec![1, 2, 10, 16] },
        // Linux's own personality, with or without address randomisation, and the question.
        Conditional {
            call: "personality",
            index: 0,
            mask: WHOLE,
            values: vec![0, 0x4_0000, 0x2_0000, 0x8, 0x2_0008, WHOLE],
        },
    ];
    all.extend(other_ioctls());
    all
}

/// A rule can say what a request has to be, not what it must not: whatever is none of the refused
/// differs in some bit from the one with which it has the telling bit in common.
fn other_ioctls() -> impl Iterator<Item = Conditional> {
    REFUSED_IOCTLS.into_iter().flat_map(|refused| {
        let others = (0..16).map(|place| 1 << place).filter(|bit| *bit != TELLING_BIT);
        others.map(move |bit| Conditional {
            call: "ioctl",
            index: 1,
            mask: TELLING_BIT | bit,
            values: vec![(refused & TELLING_BIT) | (!refused & bit)],
        })
    })
}

/// Judged by nothing, so refused as if the kernel were older than the call.
const AS_IF_UNKNOWN: &str = "clone3";

/// Whose kernel keeps the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Linux,
    /// It refuses with EPERM whatever error is asked for. A call that is left to a tracer fails
    /// with ENOSYS where there is none, and there is never one, since `ptrace` is not listed.
    Gvisor,
}

fn allowed() -> Vec<&'static str> {
    let own: &[&str] = if cfg!(target_arch = "x86_64") { X86_64 } else { &[] };
    EVERYWHERE.iter().chain(own).flat_map(|family| family.split_whitespace()).collect()
}

/// For an OCI runtime's bundle.
pub(super) fn oci(kernel: Kernel) -> Result<LinuxSeccomp, OciSpecError> {
    let (refused, errno) = match kernel {
        Kernel::Linux => (LinuxSeccompAction::ScmpActErrno, Some(ENOSYS)),
        Kernel::Gvisor => (LinuxSeccompAction::ScmpActTrace, None),
    };
    let mut syscalls = vec![
        rule(&allowed(), LinuxSeccompAction::ScmpActAllow, None)?,
        rule(&[AS_IF_UNKNOWN], refused, errno)?,
    ];
    for conditional in conditional() {
        for value in &conditional.values {
            let mut call = rule(&[conditional.call], LinuxSeccompAction::ScmpActAllow, None)?;
            call.set_args(Some(vec![argument(&conditional, *value)?]));
            syscalls.push(call);
        }
    }
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .default_errno_ret(EPERM)
        .architectures(vec![architecture()])
        .syscalls(syscalls)
        .build()
}

fn architecture() -> Arch {
    if cfg!(target_arch = "aarch64") { Arch::ScmpArchAarch64 } else { Arch::ScmpArchX86_64 }
}

fn rule(
    names: &[&str],
    action: LinuxSeccompAction,
    errno: Option<u32>,
) -> Result<LinuxSyscall, OciSpecError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut rule = LinuxSyscallBuilder::default().names(names).action(action).build()?;
    rule.set_errno_ret(errno);
    Ok(rule)
}

fn argument(conditional: &Conditional, value: u64) -> Result<LinuxSeccompArg, OciSpecError> {
    LinuxSeccompArgBuilder::default()
        .index(usize::from(conditional.index))
        .op(LinuxSeccompOperator::ScmpCmpMaskedEq)
        .value(conditional.mask)
        .value_two(value)
        .build()
}

/// For Docker's `seccomp=` security option, whose profile is the OCI one but for the older
/// `defaultErrnoRet`, which engines before 20.10 ignore: their default is the same EPERM.
pub(super) fn docker(kernel: Kernel) -> Result<String, OciSpecError> {
    Ok(serde_json::to_string(&oci(kernel)?)?)
}

/// For bubblewrap: programs for the kernel, to be loaded one after the other. Of what several
/// filters answer the kernel takes the strictest, so the second can refuse with another error.
pub(super) fn bpf() -> Result<Vec<Vec<u8>>, String> {
    let mut rules: Vec<Value> =
        allowed().iter().chain([&AS_IF_UNKNOWN]).map(|call| json!({ "syscall": call })).collect();
    for conditional in conditional() {
        rules.extend(conditional.values.iter().map(|value| {
            json!({ "syscall": conditional.call, "args": [{
                "index": conditional.index,
                "type": "dword",
                "op": { "masked_eq": conditional.mask },
                "val": value,
            }]})
        }));
    }
    let filters = [
        json!({ "f": { "mismatch_action": { "errno": EPERM }, "match_action": "allow", "filter": rules }}),
        json!({ "f": { "mismatch_action": "allow", "match_action": { "errno": ENOSYS },
            "filter": [{ "syscall": AS_IF_UNKNOWN }] }}),
    ];
    filters.iter().map(compile).collect()
}

fn compile(filter: &Value) -> Result<Vec<u8>, String> {
    let architecture = std::env::consts::ARCH.try_into().map_err(|error| format!("{error:?}"))?;
    let compiled = seccompiler::compile_from_json(filter.to_string().as_bytes(), architecture)
        .map_err(|error| error.to_string())?;
    let program = compiled.get("f").ok_or("no program came out")?;
    Ok(program.iter().flat_map(instruction).collect())
}

/// One instruction as the kernel reads it (`struct sock_filter`).
fn instruction(filter: &seccompiler::sock_filter) -> Vec<u8> {
    let mut bytes = filter.code.to_ne_bytes().to_vec();
    bytes.extend([filter.jt, filter.jf]);
    bytes.extend(filter.k.to_ne_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Calls that would let a program out, or at the kernel's seldom-used parts.
    const NEVER: &str = "acct add_key bpf chroot delete_module fanotify_init finit_module fsconfig fsmount \
        fsopen init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp \
        kexec_file_load kexec_load keyctl mount mount_setattr move_mount name_to_handle_at \
        open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_vm_readv \
        process_vm_writev ptrace quotactl reboot request_key setdomainname sethostname setns \
        swapon syslog umount2 unshare userfaultfd";

    #[test]
    fn what_could_lead_out_is_not_on_the_list() {
        let allowed = allowed();
        assert!(NEVER.split_whitespace().all(|call| !allowed.contains(&call)));
    }

    #[test]
    fn each_call_stands_on_the_list_once() {
        let mut calls = allowed();
        let conditional: BTreeSet<&str> = conditional().iter().map(|it| it.call).collect();
        calls.extend(conditional);
        let count = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), count);
    }

    #[test]
    fn every_call_has_a_number_here_and_both_filters_fit_the_kernel() {
        let programs = bpf().unwrap();
        assert_eq!(programs.len(), 2);
        // The kernel takes 4096 instructions of 8 bytes.
        assert!(programs.iter().all(|program| program.len() % 8 == 0 && program.len() < 4096 * 8));
    }

    #[test]
    fn an_unlisted_call_is_refused_by_default() {
        let profile = oci(Kernel::Linux).unwrap();
        assert_eq!(profile.default_action(), LinuxSeccompAction::ScmpActErrno);
        assert_eq!(profile.default_errno_ret(), Some(EPERM));
    }

    #[test]
    fn of_all_that_can_be_asked_of_a_file_only_changing_its_flags_is_refused() {
        let rules: Vec<Conditional> = other_ioctls().collect();
        let allows =
            |request: u64| rules.iter().any(|rule| rule.values.contains(&(request & rule.mask)));
        for request in 0..=0xffff {
            assert_eq!(allows(request), !REFUSED_IOCTLS.contains(&request), "{request:x}");
        }
    }

    #[test]
    fn docker_gets_the_same_rules() {
        let profile: LinuxSeccomp = serde_json::from_str(&docker(Kernel::Gvisor).unwrap()).unwrap();
        assert_eq!(profile, oci(Kernel::Gvisor).unwrap());
    }
}
