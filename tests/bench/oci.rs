//! An OCI runtime by its command line: what starting the same bundle takes without Lockhouse.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::docker::copy;
use crate::host::lockhouse;
use crate::project::ms;

const NAME: &str = "lockhouse-bench";

/// What a runtime has of its own: the workspace, and the way to the server.
const OWN: [&str; 2] = ["/workspace", "/run/lockhouse"];

/// Those that are tried: what `OCI_RUNTIMES` names, by names or paths, or the usual ones.
pub(crate) fn programs() -> Vec<String> {
    let named = std::env::var("OCI_RUNTIMES").unwrap_or_else(|_| "runc crun".to_owned());
    named.split_whitespace().map(str::to_owned).collect()
}

/// Whether projects can run by it here.
pub(crate) async fn works(program: &str) -> Result<(), String> {
    let data = tempfile::tempdir().unwrap();
    let mut check = lockhouse();
    check.envs(variables(program).iter().copied());
    check.args(["images", "check", "python", "--engine", "local", "--data"]).arg(data.path());
    let output = check.output().await.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// What makes a server use it.
pub(crate) fn variables(program: &str) -> &'static [(&'static str, &'static str)] {
    let program: &'static str = program.to_owned().leak();
    vec![("LOCKHOUSE_ENGINES__LOCAL__RUNTIME", program)].leak()
}

/// A bundle like a project's, with directories of its own.
pub(crate) struct Oci {
    program: String,
    bundle: PathBuf,
    directories: TempDir,
}

impl Oci {
    pub(crate) fn like(program: &str, data: &Path, project: &str) -> Self {
        let directories = tempfile::tempdir().unwrap();
        let bundle = data.join("runtimes").join(project).join("bundle");
        let text = std::fs::read_to_string(bundle.join("config.json")).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        for mount in config["mounts"].as_array_mut().unwrap() {
            let target = mount["destination"].as_str().unwrap();
            if OWN.contains(&target) {
                let source = mount["source"].as_str().unwrap();
                mount["source"] = json!(copy(Path::new(source), directories.path()));
            }
        }
        if let Some(path) = config["linux"]["cgroupsPath"].as_str() {
            config["linux"]["cgroupsPath"] = json!(path.replace(project, NAME));
        }
        let bundle = directories.path().join("bundle");
        std::fs::create_dir(&bundle).unwrap();
        std::fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        Self { program: program.to_owned(), bundle, directories }
    }

    /// Starts it, and removes it by another clock; in milliseconds.
    pub(crate) fn run(&self) -> f64 {
        let began = Instant::now();
        let mut run = self.command(&["run", "--detach", "--bundle"]);
        let ran = run.arg(&self.bundle).arg(NAME).status().unwrap();
        let took = ms(began.elapsed());
        assert!(ran.success(), "{} could not start the bundle", self.program);
        assert!(self.command(&["delete", "--force", NAME]).status().unwrap().success());
        took
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(self.directories.path().join("state")).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}
