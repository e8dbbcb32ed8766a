//! Projects on gVisor: a kernel of their own, and nothing of what others have is missing.

use reqwest::Method;
use serde_json::json;

use crate::host::{Host, eventually};

const RUNSC: &[(&str, &str)] = &[
    ("LOCKHOUSE_ENGINES__LOCAL__RUNTIME", "runsc"),
    ("LOCKHOUSE_ENGINES__DOCKER__RUNTIME", "runsc"),
];

/// Says hello to the host as a supervisor does, and waits to be hung up on.
const IMPOSTOR: &str = r#"
import json, socket, struct
nothing = {"execs": [], "terminals": [], "process": None, "ports": []}
hello = {"major": 1, "minor": 0, "version": "0", "boot": "b", "pid_one": True, "key": "0" * 64}
text = json.dumps(hello | nothing).encode()
host = socket.socket(socket.AF_UNIX)
host.connect("/run/lockhouse/host.sock")
host.sendall(b"\x01" + struct.pack(">I", len(text)) + text)
while host.recv(4096):
    pass
print("turned away")
"#;

/// Looks for the supervisor's key in all programs' environments and in its memory.
const SPY: &str = r#"
import glob, re
def look(file, read):
    try:
        text = read()
        print("found in" if re.search(rb"LINK_KEY=[0-9a-f]", text) else "not in", file)
    except OSError:
        print("refused", file)
def memory():
    parts = [line.split()[0].split("-") for line in open("/proc/1/maps") if " rw" in line]
    whole = open("/proc/1/mem", "rb", 0)
    return b"".join(whole.seek(int(a, 16)) and whole.read(int(b, 16) - int(a, 16)) for a, b in parts)
for file in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/task/*/environ"):
    look(file, open(file, "rb").read)
look("/proc/1/mem", memory)
"#;

/// A project on gVisor below an engine, where the machine has both.
async fn lab(engine: &'static str) -> Result<Host, String> {
    crate::engines::gvisor_below(engine).await?;
    let host = Host::start_with(engine, RUNSC).await;
    host.has_running_project("lab").await;
    Ok(host)
}

/// Each test on both engines.
macro_rules! stories {
    ($($name:ident)*) => {
        mod local {
            $(#[tokio::test]
            async fn $name() {
                super::$name(need!(gvisor, super::lab("local").await)).await;
            })*
        }
        mod docker {
            $(#[tokio::test]
            async fn $name() {
                super::$name(need!(gvisor, super::lab("docker").await)).await;
            })*
        }
    };
}

stories! {
    a_project_has_a_kernel_of_its_own
    its_terminals_and_its_process_work_and_outlive_the_server
    what_it_writes_is_seen_and_what_is_saved_it_reads
    it_reaches_only_what_the_host_lets_through
    no_program_in_it_passes_as_its_supervisor
    its_programs_are_counted_and_not_those_of_gvisor
    it_stops_and_starts_and_is_gone_when_it_is_deleted
}

async fn a_project_has_a_kernel_of_its_own(host: Host) {
    let own = host.run("lab", "uname -rv").await;
    let machine = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let release = own.json["stdout"].as_str().unwrap();
    assert!(release.contains('#') && !release.contains(machine.trim()), "{}", own.text);
}

async fn its_terminals_and_its_process_work_and_outlive_the_server(host: Host) {
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("kept=$((40+2)); echo is-$kept\r").await;
    terminal.shows("is-42").await;
    let serve = json!({ "command": "python3 -m http.server 8000", "port": 8000 });
    host.post("/api/v1/containers/lab/process", serve).await;
    let host = host.starts_again_after_a_kill().await;
    eventually("the process is previewed", || async {
        let page = host.get("/api/v1/preview/lab:8000/").await;
        if page.status == 200 { Ok(()) } else { Err(page.text) }
    })
    .await;
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("echo still-$kept\r").await;
    terminal.shows("still-42").await;
}

async fn what_it_writes_is_seen_and_what_is_saved_it_reads(host: Host) {
    host.writes("lab", "in.txt", "from outside").await;
    let said = host.run("lab", "cat in.txt; echo inside > out.txt").await;
    assert_eq!(said.json["stdout"], "from outside");
    host.writes("lab", "in.txt", "again").await;
    assert_eq!(host.run("lab", "cat in.txt").await.json["stdout"], "again");
    let read = host.get("/api/v1/projects/lab/content/out.txt").await;
    assert_eq!(read.text, "inside\n");
}

async fn it_reaches_only_what_the_host_lets_through(host: Host) {
    let past = "curl -sS --noproxy '*' -m 5 http://1.1.1.1/ 2>&1; echo $?";
    let past = host.run("lab", past).await;
    assert!(!past.json["stdout"].as_str().unwrap().ends_with("\n0\n"), "{}", past.text);
    let through =
        "python3 -c 'import urllib.request as r; r.urlopen(\"https://api.nowhere.example/\")'";
    let refused = host.run("lab", through).await;
    assert!(refused.json["stderr"].as_str().unwrap().contains("403"), "{}", refused.text);
}

async fn no_program_in_it_passes_as_its_supervisor(host: Host) {
    host.writes("lab", "impostor.py", IMPOSTOR).await;
    let tried = host.run("lab", "python3 impostor.py").await;
    assert_eq!(tried.json["stdout"], "turned away\n", "{}", tried.text);
    let log = crate::host::tail(host.data());
    assert!(log.contains("a program that is not the supervisor tried to connect"), "{log}");
    host.writes("lab", "spy.py", SPY).await;
    let seen = host.run("lab", "python3 spy.py").await;
    let told = seen.json["stdout"].as_str().unwrap();
    assert!(told.contains("not in /proc/1/environ"), "{}", seen.text);
    assert!(told.contains("refused /proc/1/mem") && !told.contains("found"), "{}", seen.text);
    assert_eq!(host.run("lab", "echo still here").await.json["stdout"], "still here\n");
}

async fn its_programs_are_counted_and_not_those_of_gvisor(host: Host) {
    let stats = host.get("/api/v1/containers/lab/stats").await;
    let programs = stats.json["pids"].as_u64().unwrap();
    assert!((1..=8).contains(&programs), "{}", stats.text);
}

async fn it_stops_and_starts_and_is_gone_when_it_is_deleted(host: Host) {
    for (order, status) in [("stop", "stopped"), ("start", "running")] {
        let answer = host.post(&format!("/api/v1/containers/lab/{order}"), json!({})).await;
        assert_eq!(answer.json["status"], status, "{}", answer.text);
    }
    assert_eq!(host.run("lab", "echo again").await.json["stdout"], "again\n");
    let deleted = host.delete("/api/v1/containers/lab").await;
    assert!(deleted.status.is_success(), "{}", deleted.text);
    let status = host.request(Method::GET, "/api/v1/containers/lab");
    assert_ne!(crate::host::answer(status).await.json["status"], "running");
}

/// Whether a kernel of gVisor's runs for a project.
fn has_kernel(id: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let command = |process: std::fs::DirEntry| std::fs::read(process.path().join("cmdline")).ok();
    let is_of_project = |text: Vec<u8>| {
        let text = String::from_utf8_lossy(&text);
        text.starts_with("runsc-sandbox") && text.contains(id)
    };
    processes.filter_map(command).any(is_of_project)
}

#[tokio::test]
async fn what_runs_on_gvisor_is_ended_also_by_a_server_that_uses_it_no_more() {
    let host = need!(gvisor, lab("local").await);
    let project = host.get("/api/v1/projects/lab").await.json;
    let id = project["id"].as_str().unwrap();
    assert!(has_kernel(id));
    let host = host.starts_again_with(&[]).await;
    let deleted = host.delete("/api/v1/containers/lab").await;
    assert!(deleted.status.is_success(), "{}", deleted.text);
    assert!(!has_kernel(id));
}
