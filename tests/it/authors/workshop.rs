//! A folder in which a document's commands are followed as they stand there.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use crate::host::lockhouse;

/// Where commands are followed. What compilers made is kept for the next time,
/// as long as nothing has changed that it was made from.
pub(crate) struct Workshop {
    pub(crate) folder: PathBuf,
    is_built: bool,
}

/// What commands printed, and whether all of them succeeded.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) text: String,
    pub(crate) succeeded: bool,
}

/// Whether a language's own tools are here.
pub(crate) async fn tools(language: &str) -> Result<(), String> {
    let (probe, need) = match language {
        "rust" => ("cargo --version && rustup --version", "cargo and rustup"),
        "javascript" => ("npm --version", "Node with npm"),
        _ => ("python3 -c 'import venv, ensurepip'", "Python with venv"),
    };
    if bash(Path::new("."), probe).await.succeeded {
        Ok(())
    } else {
        Err(format!("install {need}"))
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The commands of a document's part: its blocks of `sh`, in order.
pub(crate) fn commands(document: &str, heading: &str) -> String {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let level = heading.split(' ').next().unwrap();
    let text = format!("\n{text}");
    let (_, part) = text.split_once(&format!("\n{heading}\n")).unwrap();
    let ends =
        |line: &str| line.starts_with('#') && line.split(' ').next().unwrap().len() <= level.len();
    let (mut commands, mut is_command, mut is_code) = (String::new(), false, false);
    for line in part.lines() {
        match line {
            line if line.starts_with("```") => {
                is_command = !is_code && line == "```sh";
                is_code = !is_code;
            }
            line if !is_code && ends(line) => break,
            line if is_command => commands.extend([line, "\n"]),
            _ => {}
        }
    }
    assert!(!commands.is_empty(), "{document}: {heading} has no commands");
    commands
}

impl Workshop {
    /// `sources` are folders of this repository that the work is made from.
    pub(crate) fn open(name: &str, sources: &[&str], commands: &str) -> Self {
        let mut key = DefaultHasher::new();
        key.write(commands.as_bytes());
        sources.iter().for_each(|source| hash(&root().join(source), &mut key));
        let folder = scratch().join(format!("{name}-{:016x}", key.finish()));
        let is_built = folder.join("built").exists();
        if !is_built {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
        }
        Self { folder, is_built }
    }

    /// Copies a folder of the repository into this one, links followed.
    pub(crate) fn bring(&self, source: &str, to: &str) {
        if !self.is_built {
            copy(&root().join(source), &self.folder.join(to));
        }
    }

    /// Follows the commands, each as it stands. Where the compilers have done
    /// their part before, only the commands of Lockhouse are followed again.
    pub(crate) async fn follow(&self, commands: &str) -> Printed {
        let again = |line: &&str| {
            line.starts_with("cd ") || (line.starts_with("lockhouse ") && !line.contains(" new "))
        };
        let script: Vec<_> =
            commands.lines().filter(|line| !self.is_built || again(line)).collect();
        let printed = bash(&self.folder, &script.join("\n")).await;
        if printed.succeeded {
            fs::write(self.folder.join("built"), "").unwrap();
        }
        printed
    }

    /// Follows them, and each must succeed.
    pub(crate) async fn follows(&self, commands: &str) -> String {
        let printed = self.follow(commands).await;
        assert!(printed.succeeded, "{}:\n{}", self.folder.display(), printed.text);
        printed.text
    }
}

fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors")
}

/// Runs a script as an author's shell would, with `lockhouse` on its path.
pub(crate) async fn bash(folder: &Path, script: &str) -> Printed {
    let program = lockhouse();
    let beside = Path::new(program.as_std().get_program()).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = tokio::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", beside.display()))
        .env("LOCKHOUSE_DATA", scratch().join("data"))
        // Dependencies are compiled once for all, and the rest stays where authors expect it.
        .env("CARGO_BUILD_BUILD_DIR", scratch().join("cargo"))
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Printed { text, succeeded: output.status.success() }
}

fn hash(path: &Path, key: &mut DefaultHasher) {
    for entry in sorted(path) {
        key.write(entry.as_os_str().as_encoded_bytes());
        if entry.is_dir() {
            hash(&entry, key);
        } else {
            key.write(&fs::read(&entry).unwrap());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in sorted(from) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
}

/// What is in a folder, without what builds leave there.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    const BUILT: [&str; 5] = ["target", "node_modules", ".venv", "__pycache__", "component.wasm"];
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let kept = |path: &PathBuf| !BUILT.iter().any(|name| path.ends_with(name));
    let mut entries: Vec<_> = entries.filter(kept).collect();
    entries.sort();
    entries
}
