//! Machines of their own for tests that need another kernel: User Mode Linux, a kernel that is a
//! program. It sees this machine's files, changes none of them, and has a disk whose file system
//! keeps quotas.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::need;

/// Names the place of the disk to a test that is run there.
const PLACE: &str = "PLACE";

/// Where the disk is mounted.
const MOUNT: &str = "/tmp/place";

const DISK_BYTES: u64 = 512 * 1024 * 1024;

/// How long one may run: its calls cost ten times as much as this machine's.
const PATIENCE: Duration = Duration::from_secs(300);

/// A machine that was not started yet.
pub(crate) struct Machine {
    dir: tempfile::TempDir,
    file_system: &'static str,
}

/// Where the disk is, for a test that runs on such a machine.
pub(crate) fn place() -> Option<PathBuf> {
    // Nobody else starts tests as the machine's first program does.
    std::env::var_os("FILE_SYSTEM").and(std::env::var_os(PLACE)).map(PathBuf::from)
}

impl Machine {
    /// One whose disk is an `xfs` or an `ext4`.
    pub(crate) fn with(file_system: &'static str) -> Result<Self, String> {
        need::root()?;
        let programs: &[(&str, &str)] =
            &[("linux.uml", "--version"), ("xfs_quota", "-V"), ("insmod", "--version")];
        for (program, version) in programs {
            let found = Command::new(program).arg(version).output();
            found.map_err(|error| format!("{program}: {error}"))?;
        }
        let machine = Self { dir: tempfile::tempdir().unwrap(), file_system };
        std::fs::File::create(machine.disk()).unwrap().set_len(DISK_BYTES).unwrap();
        let features: &[&str] = match file_system {
            "ext4" => &["-O", "quota,project", "-E", "quotatype=prjquota"],
            _ => &[],
        };
        let make = Command::new(format!("mkfs.{file_system}"))
            .args(features)
            .arg("-q")
            .arg(machine.disk())
            .output()
            .map_err(|error| error.to_string())?;
        assert!(make.status.success(), "{}", String::from_utf8_lossy(&make.stderr));
        Ok(machine)
    }

    fn disk(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    /// Runs the test that calls this once more, there.
    pub(crate) async fn runs(self, test: &str) {
        let said = tokio::task::spawn_blocking({
            let test = test.to_owned();
            move || self.run(&test)
        });
        let said = said.await.unwrap();
        assert!(said.contains("test result: ok. 1 passed") && said.contains("ended: 0"), "{said}");
    }

    /// What it says until it ends.
    fn run(&self, test: &str) -> String {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let set = |name: &str, value: &Path| format!("{name}={}", value.display());
        let mut kernel = Command::new("linux.uml");
        kernel
            .args(["mem=1500M", "rootfstype=hostfs", "rootflags=/", "ro", "con=null"])
            .args(["con0=fd:0,fd:1", "quiet", &set("ubd0", &self.disk())])
            .arg(set("uml_dir", self.dir.path()))
            .args([set("init", &here.join("machine")), set("WHERE", here)])
            .args([set("TEST", &std::env::current_exe().unwrap()), format!("NAME={test}")])
            .args([format!("FILE_SYSTEM={}", self.file_system), format!("{PLACE}={MOUNT}")])
            .args([format!("PATH={}", std::env::var("PATH").unwrap()), "REQUIRE=all".to_owned()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let machine = kernel.spawn().unwrap();
        let group = Pid::from_raw(machine.id().try_into().unwrap());
        let (ended, over) = std::sync::mpsc::channel::<()>();
        let guard = std::thread::spawn(move || {
            if over.recv_timeout(PATIENCE).is_err() {
                let _ = killpg(group, Signal::SIGKILL);
            }
        });
        let said = machine.wait_with_output().unwrap();
        let _ = ended.send(());
        guard.join().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    }
}
