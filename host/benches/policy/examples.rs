//! One small policy in three languages, built as its README says, by the
//! language's ordinary tools.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use super::root;

/// Each language, and the part of the README that builds its component.
pub(crate) const LANGUAGES: [(&str, &str); 3] =
    [("rust", "## Rust"), ("javascript", "## JavaScript"), ("python", "## Python")];

/// The component, or why there is none. What was built before is taken, unless
/// its sources have changed.
pub(crate) fn component(language: &str, heading: &str) -> Result<Vec<u8>, String> {
    let folder = root().join("target/bench/examples").join(language);
    let built = folder.join(format!("{language}.wasm"));
    let sources = [root().join("examples/policies"), root().join("wit")];
    let newest = sources.iter().map(|source| changed(source)).max().flatten();
    if modified(&built) <= newest {
        println!("building the example in {language} …");
        copy(&sources[0], &folder);
        follow(&commands(heading), &folder)?;
    }
    let mut bytes = Vec::new();
    let read = File::open(&built).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| format!("{}: {error}", built.display()))
}

/// The blocks of `sh` below a heading.
fn commands(heading: &str) -> String {
    let readme = fs::read_to_string(root().join("examples/policies/README.md")).unwrap();
    let part = readme.split(&format!("\n{heading}\n")).nth(1).unwrap();
    let part = part.split("\n## ").next().unwrap();
    let blocks = part.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix("sh\n")).collect()
}

fn follow(commands: &str, folder: &Path) -> Result<(), String> {
    let program = Path::new(env!("CARGO_BIN_EXE_lockhouse"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{commands}")])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("LOCKHOUSE_DATA", folder.join("data"))
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("bash: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(last.to_owned()) }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

/// When the newest file of a folder was written.
fn changed(folder: &Path) -> Option<SystemTime> {
    let times = entries(folder)
        .into_iter()
        .map(|path| if path.is_dir() { changed(&path) } else { modified(&path) });
    times.max().flatten()
}

fn copy(from: &Path, to: &Path) {
    fs::DirBuilder::new().recursive(true).create(to).unwrap();
    for path in entries(from) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What is in a folder, without what builds leave there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    const BUILT: [&str; 5] = ["target", "node_modules", ".venv", "__pycache__", "component.wasm"];
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| !BUILT.iter().any(|name| path.ends_with(name))).collect()
}
