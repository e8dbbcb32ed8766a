//! What a program in a runtime can and can't do, tried from inside, on every engine that
//! isolates.

use lockhouse::ids::Kind;

use super::stage::Stage;

/// Prints the fields of /proc/self/status that say what a process may do.
const POWERS: &str = "grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'";

const NO_POWERS: &str = "CapInh:0000000000000000\nCapPrm:0000000000000000\n\
    CapEff:0000000000000000\nCapBnd:0000000000000000\nCapAmb:0000000000000000\n\
    NoNewPrivs:1\nSeccomp:2";

/// Asks the kernel by `prctl`.
const NO_NEW_PRIVILEGES: &str = "import ctypes; print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))";

/// gVisor's kernel does not tell of all of them.
fn no_powers(stage: &Stage) -> String {
    let untold: &[&str] = if stage.on_gvisor() { &["CapAmb", "NoNewPrivs"] } else { &[] };
    let told = |line: &&str| !untold.iter().any(|name| line.starts_with(name));
    NO_POWERS.lines().filter(told).collect::<Vec<_>>().join("\n")
}

pub(super) async fn nobody_inside_is_root_or_can_become_root(stage: &Stage) {
    let runtime = stage.running().await;
    assert_eq!(runtime.says("id -u; id -g").await, "1000\n1000");
    assert_eq!(runtime.says(POWERS).await, no_powers(stage));
    assert_eq!(runtime.python(NO_NEW_PRIVILEGES).await, "1");
    assert_eq!(runtime.says("grep -E '^Groups:' /proc/self/status | grep -cw 0; true").await, "0");
    let become_root = "import os; os.setuid(0)";
    assert_ne!(runtime.run(&format!("python3 -c '{become_root}'")).await.code, Some(0));
}

pub(super) async fn only_the_workspace_and_tmp_can_be_written(stage: &Stage) {
    let runtime = stage.running().await;
    runtime.says("touch /workspace/file /tmp/file").await;
    assert!(runtime.spec.workspace.join("file").exists());
    let elsewhere = "for dir in / /usr /usr/bin /etc /var /root /home /opt /run /srv /dev /sys \
        /proc /proc/sys/kernel; do touch $dir/file 2>/dev/null && echo $dir; done; \
        echo 1 2>/dev/null > /proc/sys/vm/drop_caches && echo sys; true";
    assert_eq!(runtime.says(elsewhere).await, "");
}

/// Serves one connection on loopback to itself; tells why nothing else is reached.
const NETWORK: &str = r#"
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"up"), daemon=True).start()
print(socket.create_connection(server.getsockname(), 5).recv(2).decode())
for family, address in [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET, "169.254.169.254"),
                        (socket.AF_INET6, "2001:db8::1")]:
    probe = socket.socket(family, socket.SOCK_STREAM)
    probe.settimeout(2)
    try:
        probe.connect((address, 80))
        print("reached", address)
    except OSError as refused:
        print(refused.errno)
"#;

pub(super) async fn there_is_no_network_but_loopback_which_is_up(stage: &Stage) {
    let runtime = stage.running().await;
    let interfaces = runtime.says("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '").await;
    assert_eq!(interfaces, "lo");
    let said = runtime.python(NETWORK).await;
    // With loopback alone, gVisor's kernel has a network and no host in it.
    let unreachable = if stage.on_gvisor() { libc::EHOSTUNREACH } else { libc::ENETUNREACH };
    let refused: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(said.lines().next(), Some("up"));
    // Without an address family there is none to reach; both errors say so.
    let none = libc::EADDRNOTAVAIL;
    assert!(
        refused.len() == 3
            && refused.iter().all(|n| *n == unreachable.to_string() || *n == none.to_string()),
        "{said}"
    );
}

pub(super) async fn the_supervisor_is_the_first_process_and_no_other_is_seen(stage: &Stage) {
    let runtime = stage.running().await;
    assert!(runtime.link().hello().pid_one);
    assert_eq!(
        runtime.says("tr '\\0' ' ' < /proc/1/cmdline | cut -d' ' -f1").await,
        "/run/lockhouse/supervisor"
    );
    let count: u32 = runtime.says("ls -d /proc/[0-9]* | wc -l").await.parse().unwrap();
    assert!(count < 12, "{count} processes are seen");
}

/// Makes system calls by number with arguments that would be in order, and prints the error of
/// each. What is refused fails with EPERM before its arguments are looked at.
const CALLS: &str = r#"
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for number, *arguments in CALLS:
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in arguments])
    print(number, ctypes.get_errno() if result < 0 else "allowed")
"#;

/// Calls that lead out of a runtime or to seldom-used parts of the kernel.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

const CLONE_NEWUSER_AND_SIGCHLD: libc::c_long =
    (libc::CLONE_NEWUSER | libc::SIGCHLD) as libc::c_long;

pub(super) async fn calls_that_lead_out_are_refused(stage: &Stage) {
    let runtime = stage.running().await;
    let mut calls: Vec<String> =
        REFUSED.iter().map(|call| format!("[{call}, 0, 0, 0, 0, 0]")).collect();
    calls.push(format!("[{}, {CLONE_NEWUSER_AND_SIGCHLD}, 0, 0, 0, 0]", libc::SYS_clone));
    calls.push(format!("[{}, {}, 1, 0]", libc::SYS_socket, libc::AF_VSOCK));
    calls.push(format!("[{}, {}, 5, 0]", libc::SYS_socket, libc::AF_ALG));
    let script = CALLS.replace("CALLS", &format!("[{}]", calls.join(", ")));
    let said = runtime.python(&script).await;
    let wrong: Vec<&str> = said.lines().filter(|line| !line.ends_with(" 1")).collect();
    assert_eq!((said.lines().count(), wrong), (calls.len(), vec![]));
    let unknown = CALLS.replace("CALLS", &format!("[[{}, 0, 0]]", libc::SYS_clone3));
    assert_eq!(runtime.python(&unknown).await, format!("{} {}", libc::SYS_clone3, libc::ENOSYS));
}

pub(super) async fn the_link_directory_cannot_be_changed(stage: &Stage) {
    let runtime = stage.running().await;
    let tries = "cd /run/lockhouse && for try in 'touch file' 'rm host.sock' 'mv host.sock other' \
        'ln -s /tmp link' 'chmod 777 .' 'sh -c \"echo x >> supervisor\"'; do \
        eval $try 2>/dev/null && echo $try; done; true";
    assert_eq!(runtime.says(tries).await, "");
}

pub(super) async fn no_engines_socket_is_in_reach(stage: &Stage) {
    let runtime = stage.running().await;
    let search = "for dir in / /run /run/lockhouse /var /tmp /dev; do find $dir -xdev -type s; \
        done 2>/dev/null | sort -u";
    let sockets = runtime.says(search).await;
    assert_eq!(sockets, "/run/lockhouse/host.sock");
}

pub(super) async fn nothing_of_the_machine_is_seen(stage: &Stage) {
    let runtime = stage.running().await;
    let data = stage.data().display();
    let seen = format!(
        "ls -A /root /home 2>/dev/null | grep -v :; ls -d {data} /var/lib/docker 2>/dev/null; \
         cat /etc/shadow 2>/dev/null; cat /proc/kcore 2>/dev/null | head -c 1; true"
    );
    assert_eq!(runtime.says(&seen).await.replace('\n', ""), "");
    // gVisor's kernel makes two more, which are its own.
    let own = if stage.on_gvisor() { "|fuse|net/tun" } else { "" };
    let devices = format!(
        "find /dev -type b; find /dev -type c | grep -vE \
         '^/dev/(null|zero|full|random|urandom|tty|console|ptmx|pts/.*{own})$'; true"
    );
    assert_eq!(runtime.says(&devices).await, "");
}

pub(super) async fn files_made_inside_belong_to_the_runtimes_user(stage: &Stage) {
    use std::os::unix::fs::MetadataExt as _;
    let runtime = stage.running().await;
    runtime.says("mkdir dir && touch dir/file").await;
    let made = std::fs::metadata(runtime.spec.workspace.join("dir/file")).unwrap();
    assert_eq!((made.uid(), made.gid()), (runtime.spec.user.uid, runtime.spec.user.gid));
}

pub(super) async fn a_question_to_an_image_is_as_confined(stage: &Stage) {
    let script =
        format!("{POWERS}; tail -n +3 /proc/net/dev | wc -l; touch /usr/file 2>/dev/null || id -u");
    let answer = stage.engine.ask(Kind::Python, &["sh", "-c", &script]).await.unwrap();
    assert_eq!(answer.stdout.trim(), format!("{}\n1\n1000", no_powers(stage)));
}

/// Also where whoever asked was killed and ends nothing any more.
pub(super) async fn a_question_that_goes_round_in_circles_comes_to_an_end(stage: &Stage) {
    let answer = stage.engine.ask(Kind::Python, &["sh", "-c", "ulimit -t"]).await.unwrap();
    assert_eq!(answer.stdout.trim(), "60");
    let runtime = stage.running().await;
    assert_eq!(runtime.says("ulimit -t").await, "unlimited");
}
