//! Terminal sessions by name.

mod attachment;
mod modes;
mod pty;
mod screen;
mod session;
mod shown;
mod skim;
mod typists;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use lockhouse_supervisor::protocol::{Failure, MAX_TERMINAL_SIDE, OpenTerminal, TerminalState};

pub(super) use attachment::serve;
pub(super) use screen::end_on_panic;
use session::Session;
use shown::Shown;

use super::spawn;
use super::{Supervisor, not_found, not_started, refused};

/// Sessions open at once.
const MAX_SESSIONS: usize = 8;

#[derive(Default)]
pub(super) struct Terminals {
    sessions: RefCell<Vec<Rc<Session>>>,
    /// Outputs that there have been.
    outputs: Cell<u64>,
}

impl Terminals {
    fn find(&self, name: &str) -> Option<Rc<Session>> {
        self.sessions.borrow().iter().find(|session| session.name() == name).cloned()
    }

    fn get(&self, name: &str) -> Result<Rc<Session>, Failure> {
        self.find(name).ok_or_else(|| not_found(format!("no terminal `{name}` is open")))
    }

    pub(super) fn states(&self) -> Vec<TerminalState> {
        self.sessions.borrow().iter().map(|session| session.state()).collect()
    }

    /// A shell's directory changes without a word: look, so that attached hosts are told.
    pub(super) fn look_at_directories(&self) {
        self.sessions.borrow().iter().for_each(|session| session.look_at_directory());
    }

    /// Shells at a prompt ignore TERM, and leave when their terminal hangs up.
    pub(super) fn hang_up(&self) {
        self.sessions.borrow().iter().for_each(|session| session.hang_up());
    }

    /// A new output, with a name that no other has.
    fn output(&self, boot: &str, size: (u16, u16)) -> Shown {
        let number = self.outputs.get() + 1;
        self.outputs.set(number);
        Shown::new(format!("{boot}.{number}"), size)
    }

    fn remove(&self, name: &str) {
        self.sessions.borrow_mut().retain(|session| session.name() != name);
    }
}

/// Opens a session, or answers with the one that is open. One whose program has ended is opened
/// again, and its output goes on where it ended.
pub(super) fn open(
    supervisor: &Rc<Supervisor>,
    mut open: OpenTerminal,
) -> Result<TerminalState, Failure> {
    open.check().map_err(refused)?;
    if supervisor.stopping.get() {
        return Err(refused("the runtime is being stopped"));
    }
    let old = supervisor.terminals.find(&open.session);
    if let Some(session) = old.as_ref().filter(|session| session.is_open()) {
        return Ok(session.state());
    }
    if old.is_none() && supervisor.terminals.sessions.borrow().len() >= MAX_SESSIONS {
        return Err(refused(format!("{MAX_SESSIONS} terminals are open: close one first")));
    }
    open.env.entry("TERM".to_owned()).or_insert_with(|| "xterm-256color".to_owned());
    let words = open.argv.clone().unwrap_or_else(spawn::login_shell);
    let launch = supervisor.launch(words, open.cwd.as_deref(), open.env);
    let side = |characters: u16| characters.clamp(1, MAX_TERMINAL_SIDE);
    let size = (side(open.cols), side(open.rows));
    let shown = match old {
        Some(session) => Rc::clone(session.shown()),
        None => Rc::new(supervisor.terminals.output(&supervisor.boot, size)),
    };
    let session = Session::start(supervisor, open.session, &launch, size, shown)
        .map_err(|error| not_started(&launch, &error))?;
    supervisor.terminals.remove(session.name());
    supervisor.terminals.sessions.borrow_mut().push(Rc::clone(&session));
    Ok(session.state())
}

pub(super) fn resize(
    supervisor: &Supervisor,
    name: &str,
    size: (u16, u16),
) -> Result<TerminalState, Failure> {
    let session = supervisor.terminals.get(name)?;
    session.resize(size);
    Ok(session.state())
}

/// Ends a session with everything in it, and forgets it.
pub(super) async fn close(supervisor: &Supervisor, name: &str) -> Result<(), Failure> {
    let session = supervisor.terminals.get(name)?;
    session.end().await;
    let same = |other: &Rc<Session>| Rc::ptr_eq(other, &session);
    supervisor.terminals.sessions.borrow_mut().retain(|other| !same(other));
    Ok(())
}
