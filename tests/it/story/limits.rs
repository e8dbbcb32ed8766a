//! Limits as a client sees them: shown, changed, and run into.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine, eventually};
use crate::machine::{self, Machine};
use crate::need;

const LAB: &str = "/api/v1/containers/lab";

const MIB: usize = 1024 * 1024;

/// Measures workspaces each second.
const WATCHFUL: &[(&str, &str)] =
    &[("LOCKHOUSE_RUNTIMES__DISK", "watch"), ("LOCKHOUSE_RUNTIMES__DISK_INTERVAL", "1")];

async fn lab(name: &'static str, config: Value) -> Result<Host, String> {
    let host = Host::start_with(engine(name).await?, WATCHFUL).await;
    let wish = json!({ "project_type": "python", "config": config });
    let made = host.post(&format!("{LAB}/create"), wish).await;
    assert_eq!(made.json["status"], "running", "{}", made.text);
    Ok(host)
}

impl Host {
    async fn changes(&self, config: Value) -> Answer {
        answer(self.request(Method::PATCH, LAB).json(&json!({ "config": config }))).await
    }

    async fn saves(&self, bytes: usize) -> Answer {
        let path = "/api/v1/projects/lab/content/saved";
        // It may be refused before all is sent; then the connection is of no more use.
        let request = self.request(Method::PUT, path).header("connection", "close");
        answer(request.body(vec![b'x'; bytes])).await
    }

    async fn becomes_stopped(&self) -> Value {
        eventually("stopped", || async {
            let lab = self.get(LAB).await;
            if lab.json["status"] == "stopped" { Ok(lab.json) } else { Err(lab.text) }
        })
        .await
    }
}

/// A runtime fills its disk, is stopped, and goes on once there is room.
async fn fills_its_disk(host: Host) {
    // It may be stopped before it has printed anything.
    host.run("lab", "head -c 16m /dev/zero > big").await;
    let reason = host.becomes_stopped().await["reason"].to_string();
    assert!(reason.contains("more than 4194304 bytes"), "{reason}");
    let refused = host.saves(1).await;
    assert_eq!(refused.json["code"], "no_space", "{}", refused.text);
    assert_eq!(refused.status, 507);
    assert_eq!(host.post(&format!("{LAB}/start"), json!({})).await.status, 507);
    assert!(host.delete("/api/v1/projects/lab/content/big").await.status.is_success());
    let started = host.post(&format!("{LAB}/start"), json!({})).await;
    assert_eq!(started.json["status"], "running", "{}", started.text);
    assert!(host.saves(1).await.status.is_success());
}

#[tokio::test]
async fn a_full_disk_stops_a_local_runtime_until_there_is_room() {
    fills_its_disk(need!(local, lab("local", json!({ "disk_limit": "4m" })).await)).await;
}

#[tokio::test]
async fn a_full_disk_stops_a_container_until_there_is_room() {
    fills_its_disk(need!(docker, lab("docker", json!({ "disk_limit": "4m" })).await)).await;
}

/// Limits are changed while a command could run.
async fn changes_limits(host: Host) {
    let wish = json!({ "memory_limit": "256m", "cpu_limit": 0.25, "pids": 99, "network": "none" });
    let changed = host.changes(wish.clone()).await;
    let limits = &changed.json["limits"];
    assert_eq!(
        limits["memory"],
        json!({ "bytes": 256 * MIB, "enforcement": "hard" }),
        "{}",
        changed.text
    );
    assert_eq!((&limits["cpu"]["cpus"], &limits["pids"]["count"]), (&json!(0.25), &json!(99)));
    assert_eq!(limits["disk"], json!({ "bytes": 1024 * MIB, "enforcement": "soft" }));
    assert_eq!(
        (&changed.json["network"], &changed.json["status"]),
        (&json!("none"), &json!("running"))
    );
    assert_eq!(host.run("lab", "echo still here").await.json["stdout"], "still here\n");
    let other = json!({ "project_type": "python", "config": { "pids": 100 } });
    assert_eq!(host.post(&format!("{LAB}/create"), other).await.status, 409);
    let same = host.post(&format!("{LAB}/create"), json!({ "config": {} })).await;
    assert_eq!(same.json["limits"]["pids"]["count"], 99, "{}", same.text);
}

#[tokio::test]
async fn limits_of_a_local_runtime_are_changed_while_it_runs() {
    changes_limits(need!(local, lab("local", json!({})).await)).await;
}

#[tokio::test]
async fn limits_of_a_container_are_changed_while_it_runs() {
    changes_limits(need!(docker, lab("docker", json!({})).await)).await;
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_with_what_to_do() {
    let host = need!(local, lab("local", json!({})).await);
    assert_eq!(host.changes(json!({ "memory_limit": "999g" })).await.json["code"], "over_ceiling");
    assert_eq!(host.changes(json!({ "read_only_root": false })).await.status, 400);
    assert_eq!(host.changes(json!({ "privileged": true })).await.status, 422);
    let other =
        answer(host.request(Method::PATCH, LAB).json(&json!({ "project_type": "node" }))).await;
    assert_eq!(other.status, 409, "{}", other.text);
    let nowhere = host.request(Method::PATCH, "/api/v1/containers/nowhere");
    assert_eq!(answer(nowhere.json(&json!({}))).await.status, 404);
}

/// What an engine can be told and nobody may ask for.
const RAISES: &[&str] = &[
    "privileged",
    "user",
    "uid",
    "cap_add",
    "capabilities",
    "devices",
    "volumes",
    "mounts",
    "binds",
    "network_mode",
    "pid_mode",
    "ipc_mode",
    "uts_mode",
    "userns_mode",
    "cgroupns_mode",
    "security_opt",
    "seccomp",
    "no_new_privileges",
    "runtime",
    "ulimits",
    "open_files",
    "tmp_bytes",
    "memory_swap",
    "oom_kill_disable",
    "sysctls",
    "workspace",
    "link_dir",
    "instance",
    "owner",
    "id",
    "container_id",
    "engine",
    "HostConfig",
    "host_config",
    "image",
];

#[tokio::test]
async fn no_field_of_a_request_raises_what_a_runtime_may_do() {
    let host = Host::start("local").await;
    for field in RAISES {
        let inside = json!({ "project_type": "python", "config": { *field: true } });
        let beside = json!({ "project_type": "python", "config": {}, *field: true });
        for wish in [inside, beside] {
            let refused = host.post("/api/v1/containers/big/create", wish).await;
            assert_eq!(refused.status, 422, "{field}: {}", refused.text);
        }
    }
    let host_network = json!({ "project_type": "python", "config": { "network": "host" } });
    assert_eq!(host.post("/api/v1/containers/big/create", host_network).await.status, 422);
}

/// A btrfs of its own for a test.
struct Btrfs {
    mounted: tempfile::TempDir,
}

impl Btrfs {
    fn mount() -> Result<Self, String> {
        need::root()?;
        let mounted = tempfile::tempdir().unwrap();
        let image = mounted.path().with_extension("img");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(512 * MIB as u64).unwrap();
        let made = run("mkfs.btrfs", &["-q".as_ref(), image.as_os_str()]).and_then(|()| {
            let at = mounted.path().as_os_str();
            run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_os_str(), at])
        });
        // The mount holds it as long as it needs.
        std::fs::remove_file(&image).unwrap();
        made.map(|()| Self { mounted })
    }
}

impl Drop for Btrfs {
    fn drop(&mut self) {
        if let Err(why) = run("umount", &["-l".as_ref(), self.mounted.path().as_os_str()]) {
            eprintln!("left-overs: {why}");
        }
    }
}

fn run(program: &str, args: &[&std::ffi::OsStr]) -> Result<(), String> {
    let ran = std::process::Command::new(program).args(args).output();
    let ran = ran.map_err(|error| format!("{program}: {error}"))?;
    if ran.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr).into_owned())
    }
}

type Variables = &'static [(&'static str, &'static str)];

const BTRFS: Variables = &[("LOCKHOUSE_RUNTIMES__DISK", "btrfs")];
const PROJECT: Variables = &[("LOCKHOUSE_RUNTIMES__DISK", "project")];
const LOOP: Variables = &[("LOCKHOUSE_RUNTIMES__DISK", "loop")];

/// Where servers mount what they like; none of it stays mounted.
struct Mounts(tempfile::TempDir);

impl Mounts {
    fn allowed() -> Result<Self, String> {
        need::root()?;
        run("losetup", &["--find".as_ref()])?;
        run("mkfs.ext4", &["-V".as_ref()])?;
        Ok(Self(tempfile::tempdir().unwrap()))
    }

    /// As the machine does when it is restarted.
    fn unmount(&self) {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let places = mounts.lines().rev().filter_map(|line| line.split(' ').nth(1));
        for place in places.filter(|place| Path::new(place).starts_with(self.0.path())) {
            run("umount", &["-l".as_ref(), place.as_ref()]).unwrap();
        }
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// A server whose data lies there, with a project that may hold 8 MiB.
async fn lab_on(place: &Path, way: Variables, name: &'static str) -> Result<Host, String> {
    let data = tempfile::tempdir_in(place).unwrap();
    let host = Host::start_on(data, engine(name).await?, way).await;
    let wish = json!({ "project_type": "python", "config": { "disk_limit": "8m" } });
    let made = host.post(&format!("{LAB}/create"), wish).await;
    assert_eq!(made.json["limits"]["disk"]["enforcement"], "hard", "{}", made.text);
    Ok(host)
}

/// What is over the limit fails at once, inside and from outside, and nothing is stopped.
async fn runs_into_its_limit(host: &Host, complaint: &str) {
    let full = host.run("lab", "head -c 32m /dev/zero > big").await;
    assert!(full.json["stderr"].to_string().contains(complaint), "{}", full.text);
    assert_eq!(host.saves(MIB).await.status, 507);
    assert_eq!(host.get(LAB).await.json["status"], "running");
    host.changes(json!({ "disk_limit": "64m" })).await;
    assert!(host.saves(MIB).await.status.is_success());
    assert_eq!(host.delete("/api/v1/projects/lab?purge=true").await.status, 204);
    assert_eq!(std::fs::read_dir(host.data().join("projects")).unwrap().count(), 0);
}

#[tokio::test]
async fn btrfs_holds_the_disk_limit_of_a_local_runtime() {
    let btrfs = need!(btrfs, Btrfs::mount());
    let host = need!(local, lab_on(btrfs.mounted.path(), BTRFS, "local").await);
    runs_into_its_limit(&host, "quota").await;
}

#[tokio::test]
async fn btrfs_holds_the_disk_limit_of_a_container() {
    let btrfs = need!(btrfs, Btrfs::mount());
    let host = need!(docker, lab_on(btrfs.mounted.path(), BTRFS, "docker").await);
    runs_into_its_limit(&host, "quota").await;
}

/// Tries to leave the workspace's project by each way there is for a file's owner.
const LEAVE: &str = r#"
import fcntl, os, struct
place = os.open(".", os.O_RDONLY)
for request, argument in [(0x40086602, struct.pack("l", 0)), (0x401c5820, bytes(28))]:
    try:
        print(fcntl.ioctl(place, request, argument))
    except PermissionError:
        print("refused")
"#;

/// Where the test `name` runs on a machine with such a file system, its story; else the machine.
async fn project_quotas_hold(file_system: &'static str, complaint: &str, name: &str) {
    let Some(place) = machine::place() else {
        let machine = need!(machines, Machine::with(file_system));
        return machine.runs(&format!("story::limits::{name}")).await;
    };
    let host = lab_on(&place, PROJECT, "local").await.unwrap();
    host.writes("lab", "leave.py", LEAVE).await;
    let refused = host.run("lab", "python3 leave.py").await;
    assert_eq!(refused.json["stdout"], "refused\nrefused\n", "{}", refused.text);
    runs_into_its_limit(&host, complaint).await;
}

#[tokio::test]
async fn a_project_quota_of_xfs_holds_the_disk_limit() {
    let name = "a_project_quota_of_xfs_holds_the_disk_limit";
    project_quotas_hold("xfs", "No space left", name).await;
}

#[tokio::test]
async fn a_project_quota_of_ext4_holds_the_disk_limit() {
    let name = "a_project_quota_of_ext4_holds_the_disk_limit";
    project_quotas_hold("ext4", "quota", name).await;
}

#[tokio::test]
async fn a_loop_device_holds_the_disk_limit_of_a_local_runtime() {
    let mounts = need!(loops, Mounts::allowed());
    let host = need!(local, lab_on(mounts.0.path(), LOOP, "local").await);
    runs_into_its_limit(&host, "No space left").await;
    assert_eq!(std::fs::read_dir(host.data().join("disks")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_loop_device_holds_the_disk_limit_of_a_container() {
    let mounts = need!(loops, Mounts::allowed());
    let host = need!(docker, lab_on(mounts.0.path(), LOOP, "docker").await);
    runs_into_its_limit(&host, "No space left").await;
}

#[tokio::test]
async fn a_loop_mounted_workspace_takes_a_lower_limit_while_it_runs() {
    let mounts = need!(loops, Mounts::allowed());
    let host = need!(local, lab_on(mounts.0.path(), LOOP, "local").await);
    host.changes(json!({ "disk_limit": "2m" })).await;
    assert_ne!(host.run("lab", "head -c 4m /dev/zero > big").await.json["exit_code"], 0);
    host.changes(json!({ "disk_limit": "8m" })).await;
    assert_eq!(host.run("lab", "head -c 4m /dev/zero > big").await.json["exit_code"], 0);
    host.changes(json!({ "disk_limit": "2m" })).await;
    assert_ne!(host.run("lab", "head -c 1m /dev/zero > more").await.json["exit_code"], 0);
    assert_eq!(host.run("lab", "rm big && echo hi > a").await.json["exit_code"], 0);
}

#[tokio::test]
async fn loop_mounted_workspaces_are_back_after_a_restart_of_the_machine() {
    let mounts = need!(loops, Mounts::allowed());
    let host = need!(local, lab_on(mounts.0.path(), LOOP, "local").await);
    host.writes("lab", "a.txt", "hi").await;
    assert_eq!(host.post(&format!("{LAB}/stop"), json!({})).await.status, 200);
    mounts.unmount();
    let host = host.starts_again_after_a_kill().await;
    assert_eq!(host.get("/api/v1/projects/lab/content/a.txt").await.text, "hi");
    assert_eq!(host.get(LAB).await.json["limits"]["disk"]["enforcement"], "hard");
}
