//! Shell sessions: the directory and the variables that one command leaves to the next.
//!
//! A shell that ends tells what it leaves by this program (`--tell-session`), over a pipe that
//! the command inherits. So it depends on no tool of the image, and on no shell's way of quoting.
//! What a program in the runtime writes there instead concerns its own session alone.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lockhouse_supervisor::protocol::{Command, Failure, MAX_VARIABLES, SessionState};
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

use super::spawn::Launch;
use super::{refused, setting};

/// Makes this program tell what a shell leaves.
pub(super) const TELL_FLAG: &str = "--tell-session";
/// The pipe's number in the command.
pub(super) const PIPE: i32 = 100;
/// Sessions that are remembered; the one that was used longest ago goes first.
const MAX_SESSIONS: usize = 16;
/// What one session may leave, names and values together.
const MAX_LEFT_BYTES: usize = 32 * 1024;
/// What a shell may tell: what it leaves, and all that it had from the beginning.
const MAX_TOLD_BYTES: usize = 256 * 1024;
/// Read from the pipe at once.
const READ_BYTES: usize = 16 * 1024;
/// What is told begins and ends with these, so that half of it is not taken for the whole.
const BEGIN: &[u8] = b"lockhouse-session\0";
const END: &[u8] = b"\0end\0";
/// What a shell sets anew by itself.
const OWN: [&str; 3] = ["PWD", "SHLVL", "_"];

/// Runs `$1` in a shell that tells at its end what it leaves, by the program `$2`.
const WRAPPER: &str = r#"lockhouse_text=$1 lockhouse_self=$2
set --
trap 'lockhouse_code=$?; trap - EXIT; "$lockhouse_self" --tell-session || :; exit "$lockhouse_code"' EXIT
eval "$lockhouse_text""#;

/// Those that are remembered, the one used last at the end.
#[derive(Default)]
pub(super) struct Sessions(RefCell<Vec<Rc<Session>>>);

struct Session {
    name: String,
    left: RefCell<Left>,
    kept: Cell<Option<bool>>,
    busy: Cell<bool>,
}

/// What the next command finds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    /// None: the workspace.
    directory: Option<PathBuf>,
    set: BTreeMap<String, String>,
    removed: BTreeSet<String>,
}

/// A session while a command runs in it.
pub(super) struct Taken(Rc<Session>);

impl Sessions {
    pub(super) fn begin(&self, name: &str) -> Result<Taken, Failure> {
        let mut sessions = self.0.borrow_mut();
        let found = sessions.iter().position(|session| session.name == name);
        let session = found.map_or_else(|| Rc::new(Session::new(name)), |at| sessions.remove(at));
        let busy = session.busy.replace(true);
        sessions.push(Rc::clone(&session));
        if sessions.len() > MAX_SESSIONS {
            let idle = sessions.iter().position(|session| !session.busy.get());
            sessions.remove(idle.unwrap_or(0));
        }
        if busy {
            return Err(refused(format!("a command runs in the session {name}: wait for its end")));
        }
        Ok(Taken(session))
    }

    pub(super) fn state(&self, name: &str, workspace: &Path) -> SessionState {
        let sessions = self.0.borrow();
        let found = sessions.iter().find(|session| session.name == name);
        let new = Rc::new(Session::new(name));
        found.unwrap_or(&new).state(workspace)
    }
}

impl Session {
    fn new(name: &str) -> Self {
        let (left, kept, busy) = Default::default();
        Self { name: name.to_owned(), left, kept, busy }
    }

    fn state(&self, workspace: &Path) -> SessionState {
        let left = self.left.borrow();
        let directory = left.directory.as_deref().unwrap_or(workspace);
        let cwd = directory.strip_prefix(workspace).unwrap_or(directory);
        SessionState {
            name: self.name.clone(),
            busy: self.busy.get(),
            cwd: cwd.to_string_lossy().into_owned(),
            variables: left.set.keys().cloned().collect(),
            kept: self.kept.get(),
        }
    }
}

impl Taken {
    /// Has a command begin where the session is.
    pub(super) fn prepare(
        &self,
        launch: &mut Launch,
        command: &Command,
        (cwd, given): (Option<&str>, &BTreeMap<String, String>),
    ) {
        let left = self.0.left.borrow();
        if let (None, Some(directory)) = (cwd, &left.directory) {
            launch.directory.clone_from(directory);
        }
        let own = left.set.iter().filter(|(name, _)| !given.contains_key(*name));
        launch.env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        let removed = left.removed.iter().filter(|name| !launch.env.contains_key(*name));
        launch.removed = removed.cloned().collect();
        if let (Command::Shell(text), Some(own)) = (command, setting::own_program()) {
            let shell = launch.argv.first().cloned().unwrap_or_default();
            let words = [shell.as_str(), "-c", WRAPPER, &shell, text, &own];
            launch.argv = words.map(str::to_owned).to_vec();
            launch.session = true;
        }
    }

    /// Takes over what a shell told. A program that is no shell leaves nothing.
    pub(super) fn end(&self, told: Option<&[u8]>, given: &BTreeMap<String, String>) {
        let Some(told) = told else { return self.0.kept.set(Some(true)) };
        let left = Left::read(told, &setting::environment(), given, &self.0.left.borrow());
        self.0.kept.set(Some(left.is_some()));
        if let Some(left) = left {
            self.0.left.replace(left);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.busy.set(false);
    }
}

impl Left {
    /// What differs from what every command gets, but for what only this one was given.
    fn read(
        told: &[u8],
        usual: &BTreeMap<String, String>,
        given: &BTreeMap<String, String>,
        before: &Self,
    ) -> Option<Self> {
        let told = std::str::from_utf8(told.strip_prefix(BEGIN)?.strip_suffix(END)?).ok()?;
        let mut parts = told.split('\0');
        let directory = parts.next().filter(|path| path.starts_with('/')).map(PathBuf::from)?;
        let variables: BTreeMap<&str, &str> =
            parts.filter_map(|pair| pair.split_once('=')).collect();
        let mut left = Self { directory: Some(directory), ..Self::default() };
        for (name, value) in &variables {
            let same =
                |known: &BTreeMap<String, String>| known.get(*name).is_some_and(|v| v == value);
            // A variable without a name is a shell's own affair.
            let passing = OWN.contains(name) || name.is_empty() || same(usual);
            match before.set.get(*name) {
                Some(before) if same(given) => left.set.insert((*name).into(), before.clone()),
                None if same(given) => None,
                _ if passing => None,
                _ => left.set.insert((*name).into(), (*value).into()),
            };
        }
        let gone = usual.keys().filter(|name| !OWN.contains(&name.as_str()));
        let gone = gone.filter(|name| !variables.contains_key(name.as_str()));
        left.removed = gone.cloned().collect();
        left.fits().then_some(left)
    }

    fn fits(&self) -> bool {
        let bytes = self.set.iter().map(|(name, value)| name.len() + value.len());
        let bytes = bytes.chain(self.removed.iter().map(String::len));
        let directory = self.directory.as_ref().map_or(0, |path| path.as_os_str().len());
        self.set.len() <= MAX_VARIABLES && bytes.sum::<usize>() + directory <= MAX_LEFT_BYTES
    }
}

/// What a command tells, to its end. After `gone` nothing can write any more.
pub(super) async fn read(pipe: Option<OwnedFd>, gone: &CancellationToken) -> Option<Vec<u8>> {
    let pipe = pipe::Receiver::from_owned_fd(pipe?).ok()?;
    let (mut told, mut whole, mut buffer) = (Vec::new(), true, vec![0; READ_BYTES]);
    loop {
        let last = gone.is_cancelled();
        // An ordinary read tries only what was announced; the last bytes may not have been.
        let read = if last {
            rustix::io::read(&pipe, &mut buffer).map_err(io::Error::from)
        } else {
            pipe.try_read(&mut buffer)
        };
        match read {
            Ok(0) => return Some(told),
            // What is too long is read all the same, so that nobody waits.
            Ok(length) if whole && told.len() + length <= MAX_TOLD_BYTES => {
                told.extend_from_slice(&buffer[..length]);
            }
            Ok(_) => {
                whole = false;
                told.clear();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && !last => {
                tokio::select! {
                    _ = pipe.readable() => {}
                    () = gone.cancelled() => {}
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Some(told),
        }
    }
}

/// Tells where this process is and what it was handed, as a shell's last child.
pub(super) fn tell() -> io::Result<()> {
    let mut told = BEGIN.to_vec();
    told.extend_from_slice(std::env::current_dir()?.as_os_str().as_bytes());
    for (name, value) in setting::inherited() {
        told.push(0);
        told.extend_from_slice(name.as_bytes());
        told.push(b'=');
        told.extend_from_slice(value.as_bytes());
    }
    told.extend_from_slice(END);
    File::options().write(true).open(format!("/proc/self/fd/{PIPE}"))?.write_all(&told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn told(parts: &[&str]) -> Vec<u8> {
        [BEGIN, parts.join("\0").as_bytes(), END].concat()
    }

    #[test]
    fn what_every_command_gets_and_what_one_was_given_is_not_left() {
        let usual = variables(&[("HOME", "/h"), ("LANG", "C")]);
        let told = told(&["/w/a", "HOME=/h", "COLOUR=blue", "ONCE=1", "SHLVL=2"]);
        let left = Left::read(&told, &usual, &variables(&[("ONCE", "1")]), &Left::default());
        let left = left.unwrap();
        assert_eq!(left.directory, Some(PathBuf::from("/w/a")));
        assert_eq!(left.set, variables(&[("COLOUR", "blue")]));
        assert_eq!(left.removed, BTreeSet::from(["LANG".to_owned()]));
    }

    #[test]
    fn a_variable_that_was_given_once_hides_the_sessions_own_and_does_not_replace_it() {
        let before = Left { set: variables(&[("COLOUR", "blue")]), ..Left::default() };
        let (none, given) = (variables(&[]), variables(&[("COLOUR", "red")]));
        let left = Left::read(&told(&["/w", "COLOUR=red"]), &none, &given, &before).unwrap();
        assert_eq!(left.set, before.set);
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_not_taken() {
        let none = variables(&[]);
        let read = |told: &[u8]| Left::read(told, &none, &none, &Left::default());
        let whole = told(&["/w", "A=1"]);
        assert!(read(&whole).is_some());
        assert_eq!(read(&whole[..whole.len() - 1]), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(&told(&["/w", &format!("A={}", "x".repeat(MAX_LEFT_BYTES))])), None);
    }

    #[test]
    fn of_many_sessions_those_used_last_are_remembered() {
        let sessions = Sessions::default();
        (0..=MAX_SESSIONS).for_each(|n| drop(sessions.begin(&n.to_string())));
        let names: Vec<_> = sessions.0.borrow().iter().map(|s| s.name.clone()).collect();
        assert_eq!((names.len(), names[0].as_str()), (MAX_SESSIONS, "1"));
    }

    #[test]
    fn a_session_runs_one_command_at_a_time() {
        let sessions = Sessions::default();
        let first = sessions.begin("a").ok().unwrap();
        assert!(sessions.begin("a").is_err() && sessions.begin("b").is_ok());
        drop(first);
        assert!(sessions.begin("a").is_ok());
    }
}
