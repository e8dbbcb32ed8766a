//! What must not get out of a runtime, and what must not help in trying.

use super::stage::{Stage, eventually, open_to_all};

pub(super) async fn a_set_user_id_program_gains_nothing(stage: &Stage) {
    let runtime = stage.running().await;
    runtime.says("cp \"$(command -v id)\" id").await;
    let program = runtime.spec.workspace.join("id");
    // An ordinary user can't give it to root; then it is that user's own.
    _ = std::os::unix::fs::chown(&program, Some(0), Some(0));
    open_to_all(&program, 0o6755);
    assert_eq!(runtime.says("./id -u; ./id -g").await, "1000\n1000");
}

pub(super) async fn no_namespace_of_the_machine_is_shared(stage: &Stage) {
    let runtime = stage.running().await;
    for kind in ["pid", "mnt", "ipc", "uts", "net", "cgroup"] {
        let namespace = format!("/proc/self/ns/{kind}");
        let outside = std::fs::read_link(&namespace).unwrap();
        // gVisor's kernel has none of control groups.
        let inside = runtime.says(&format!("readlink {namespace} || echo none")).await;
        assert_ne!(inside, outside.to_string_lossy(), "{kind}");
    }
}

/// Programs that outlive their parents, waited for, and then none that is left unburied. Whatever
/// does not come to be lasts until the command's time is up.
const ORPHANS: &str = r#"
for i in 1 2 3 4 5 6 7 8; do sh -c 'sh -c "echo >> ends" &'; done
until [ "$(wc -l < ends)" = 8 ]; do :; done
until [ "$(grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l)" = 0 ]; do :; done
echo reaped
"#;

pub(super) async fn processes_whose_parent_is_gone_are_reaped(stage: &Stage) {
    let runtime = stage.running().await;
    assert_eq!(runtime.says(ORPHANS).await, "reaped");
}

/// Parts of /proc and /sys that must be empty, where they are at all.
const MASKED: &str = "/proc/acpi /proc/asound /proc/interrupts /proc/kallsyms /proc/kcore \
    /proc/keys /proc/kmsg /proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list \
    /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware";

pub(super) async fn what_tells_of_the_machine_is_masked(stage: &Stage) {
    let runtime = stage.running().await;
    let look = format!(
        "for path in {MASKED}; do if [ -d $path ]; then ls -A $path; \
         elif [ -e $path ]; then timeout 2 head -c 1 $path | wc -c | grep -v '^0'; fi; done; true"
    );
    assert_eq!(runtime.says(&look).await, "");
}

/// Tries every way out that is not the proxy, and prints which led anywhere. Away from loopback
/// even a refusal would tell that somebody was reached.
const WAYS_OUT: &str = r#"
import errno, socket
def attempt(name, work):
    try:
        work()
        print("reached", name)
    except OSError as error:
        if error.errno == errno.ECONNREFUSED and not name.startswith("127."):
            print("refused by", name)
def tcp(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    def work():
        probe = socket.socket(family, socket.SOCK_STREAM)
        probe.settimeout(2)
        probe.connect((address, port))
    attempt(address, work)
def datagram(name, protocol, kind):
    attempt(name, lambda: socket.socket(socket.AF_INET, kind, protocol).sendto(b"\x08\0\xf7\xff\0\0\0\0", ("1.1.1.1", 53)))
for address in ADDRESSES:
    tcp(address, 80)
    tcp(address, 443)
tcp("127.0.0.1", PORT)
datagram("UDP", 0, socket.SOCK_DGRAM)
datagram("ICMP", socket.IPPROTO_ICMP, socket.SOCK_DGRAM)
datagram("raw ICMP", socket.IPPROTO_ICMP, socket.SOCK_RAW)
attempt("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
attempt("DNS", lambda: socket.getaddrinfo("example.com", 80))
print("tried")
"#;

/// Somebody on the internet, private ranges, metadata services, Docker's gateway, and the
/// same in IPv6.
const ADDRESSES: &str = "['1.1.1.1', '10.0.0.1', '172.16.0.1', '172.17.0.1', '192.168.0.1', \
    '100.64.0.1', '169.254.169.254', '169.254.170.2', '2606:4700::1111', 'fd00::1', \
    'fd00:ec2::254', 'fe80::1', '::ffff:1.1.1.1', '255.255.255.255']";

pub(super) async fn nothing_is_reached_but_by_the_proxy(stage: &Stage) {
    let runtime = stage.running().await;
    // Stands for our own API, which listens like this.
    let api = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = api.local_addr().unwrap().port().to_string();
    let script = WAYS_OUT.replace("ADDRESSES", ADDRESSES).replace("PORT", &port);
    assert_eq!(runtime.python(&script).await, "tried");
}

pub(super) async fn another_runtime_is_not_reached(stage: &Stage) {
    let (one, other) = (stage.running().await, stage.running().await);
    one.leaves("python3 -m http.server --bind 0.0.0.0 18080").await;
    let ask = "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 18080), 2)'";
    eventually("it serves itself", || async { one.run(ask).await.code == Some(0) }).await;
    assert_ne!(other.run(ask).await.code, Some(0));
}

/// Asks for a page with the proxy that the variable names; prints what came.
const FETCH: &str = "import urllib.request\ntry:\n  \
    print(urllib.request.urlopen('http://1.1.1.1/', timeout=5).status)\n\
    except OSError: print('nothing')\nexcept Exception: print('nothing')";

pub(super) async fn proxy_variables_unset_or_hostile_change_nothing(stage: &Stage) {
    let runtime = stage.running().await;
    tokio::fs::write(runtime.spec.workspace.join("fetch.py"), FETCH).await.unwrap();
    let hostile = ["", "http://1.1.1.1:3128", "http://169.254.169.254:80", "http://[::1]:3128"];
    for proxy in hostile {
        let fetch = format!("env http_proxy={proxy} HTTP_PROXY={proxy} python3 fetch.py");
        assert_eq!(runtime.says(&fetch).await, "nothing", "{proxy}");
    }
}

/// Nobody takes what comes by the link here, as when the server is down.
pub(super) async fn with_nobody_behind_the_proxy_nothing_leaves(stage: &Stage) {
    let runtime = stage.running().await;
    let proxied = format!("import os\nos.environ['http_proxy'] = 'http://127.0.0.1:3128'\n{FETCH}");
    assert_eq!(runtime.python(&proxied).await, "nothing");
}

/// A small job for each tool that is there: what an ordinary program of it does all day.
const JOBS: &str = r#"
has() { command -v "$1" >/dev/null 2>&1; }
export HOME=/tmp
if has python3; then python3 - <<'END' || echo python3 fails
import asyncio, ctypes, mmap, multiprocessing, sqlite3, subprocess, tempfile, threading
multiprocessing.Pool(2).map(abs, [-1, -2])
sqlite3.connect("/workspace/db").execute("create table t (a)")
mmap.mmap(-1, 4096).write(b"x")
threading.Thread(target=lambda: None).start()
asyncio.run(asyncio.sleep(0))
subprocess.run(["true"], check=True)
tempfile.TemporaryFile().write(b"x")
END
fi
if has git; then (git init -q repo && cd repo && echo a > a && git add a &&
  git -c user.name=a -c user.email=a@b commit -qm a && git gc -q) || echo git fails; fi
if has cc; then (printf 'int main(void){return 0;}' > a.c && cc -O2 -o a.out a.c && ./a.out) ||
  echo cc fails; fi
if has node; then node -e 'new (require("worker_threads").Worker)("require(`fs`).readdirSync(`/`)", {eval: true})
  .on("exit", process.exit)' || echo node fails; fi
if has java; then java -Xmx64m -version 2>/dev/null || echo java fails; fi
if has tar; then tar cf - /etc/hosts 2>/dev/null | tar tf - >/dev/null || echo tar fails; fi
if has make; then (printf 'all:\n\t@true\n' > Makefile && make -s -j4) || echo make fails; fi
echo done
"#;

pub(super) async fn ordinary_tools_work(stage: &Stage) {
    let runtime = stage.running().await;
    tokio::fs::write(runtime.spec.workspace.join("jobs.sh"), JOBS).await.unwrap();
    assert_eq!(runtime.says("sh jobs.sh 2>&1").await, "done");
}
