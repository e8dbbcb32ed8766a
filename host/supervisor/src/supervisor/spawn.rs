//! Starts programs: the only place of the supervisor that does.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use lockhouse_supervisor::protocol::{Command, LINK_KEY_VARIABLE};
use serde::{Deserialize, Serialize};

/// Where a login shell with line editing usually is.
const BASH: [&str; 2] = ["/bin/bash", "/usr/bin/bash"];
const SH: &str = "/bin/sh";
/// Makes this program a keeper.
pub(super) const KEEPER_FLAG: &str = "--keep";

/// What to start, checked and resolved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Launch {
    pub(super) argv: Vec<String>,
    pub(super) directory: PathBuf,
    pub(super) env: BTreeMap<String, String>,
    /// Variables of the supervisor's own that it does not get.
    pub(super) removed: Vec<String>,
    /// Whether it tells at its end what it leaves to its session.
    pub(super) session: bool,
}

fn bash() -> Option<&'static str> {
    BASH.into_iter().find(|path| Path::new(path).exists())
}

/// The words that run `command`.
pub(super) fn words(command: &Command) -> Vec<String> {
    match command {
        Command::Argv(argv) => argv.clone(),
        Command::Shell(text) => {
            vec![bash().unwrap_or(SH).to_owned(), "-c".to_owned(), text.clone()]
        }
    }
}

/// The words that run a terminal's shell.
pub(super) fn login_shell() -> Vec<String> {
    match bash() {
        Some(bash) => vec![bash.to_owned(), "--login".to_owned()],
        None => vec![SH.to_owned()],
    }
}

/// Starts this program again as a keeper that is told what to do over `control`.
#[expect(clippy::disallowed_methods, reason = "this is where programs in a runtime are started")]
pub(super) fn keeper(control: OwnedFd) -> io::Result<i32> {
    // The link in `/proc` leads to the program that runs, even when its file was replaced.
    let child = Program::new("/proc/self/exe")
        .arg0("lockhouse-supervisor")
        .arg(KEEPER_FLAG)
        .env_remove(LINK_KEY_VARIABLE)
        .stdin(control)
        .stdout(Stdio::null())
        .spawn()?;
    Ok(child.id().cast_signed())
}

/// Starts a program in the present directory, as the leader of a process group of its own.
pub(super) fn grouped(
    launch: &Launch,
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
) -> io::Result<i32> {
    let mut program = program(launch)?;
    let stdin = stdin.map_or_else(Stdio::null, Stdio::from);
    let child = program.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0).spawn()?;
    Ok(child.id().cast_signed())
}

/// Starts a program as the leader of a session on `terminal`; answers its process id.
pub(super) fn on_terminal(launch: &Launch, terminal: &OwnedFd) -> io::Result<i32> {
    let mut program = program(launch)?;
    program
        .current_dir(&launch.directory)
        .stdin(terminal.try_clone()?)
        .stdout(terminal.try_clone()?)
        .stderr(terminal.try_clone()?);
    #[expect(unsafe_code, reason = "the session and its terminal are taken between fork and exec")]
    // SAFETY: two system calls; standard input is the terminal by then.
    unsafe {
        program.pre_exec(|| {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
    Ok(program.spawn()?.id().cast_signed())
}

#[expect(clippy::disallowed_methods, reason = "this is where programs in a runtime are started")]
fn program(launch: &Launch) -> io::Result<Program> {
    let (first, rest) = launch
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program named"))?;
    let mut program = Program::new(first);
    program.args(rest).env_remove(LINK_KEY_VARIABLE);
    for name in &launch.removed {
        program.env_remove(name);
    }
    program.envs(&launch.env);
    Ok(program)
}

/// A sentence for the caller on why a program did not start.
pub(super) fn explain(launch: &Launch, error: &io::Error) -> String {
    let name = launch.argv.first().map_or("", String::as_str);
    if !launch.directory.is_dir() {
        return format!("there is no directory `{}`", launch.directory.display());
    }
    match error.kind() {
        io::ErrorKind::NotFound => format!("`{name}`: command not found"),
        io::ErrorKind::PermissionDenied => format!("`{name}`: not executable"),
        io::ErrorKind::ArgumentListTooLong => "arguments and environment are too long".into(),
        _ => format!("`{name}` can't be started: {error}"),
    }
}
