//! The supervisor: one thread that starts, watches and ends what runs in a runtime.
//!
//! Everything lives on one thread, so state sits in `Rc` and `Cell`s and no borrow of it crosses
//! an `.await`.

mod arguments;
mod conversation;
mod dial;
mod egress;
mod execs;
mod handing;
mod health;
mod keeper;
mod keepers;
mod link;
mod orphans;
mod output;
mod ports;
mod process;
mod ring;
mod scrollback;
mod sessions;
mod setting;
mod spawn;
mod terminals;
mod title;
mod tree;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use lockhouse_supervisor::protocol::{Event, Failure, FailureCode, LinkKey};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;

use arguments::Arguments;
use spawn::Launch;

/// Time between TERM and KILL when the runtime is stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Time for what survives KILL.
const STOP_DEADLINE: Duration = Duration::from_secs(2);
/// Events that wait for a host to read them; beyond that it is told the present state only.
const EVENTS: usize = 64;
/// Where programs are looked for when the environment does not say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Supervisor {
    arguments: Arguments,
    started: Instant,
    boot: String,
    key: Option<LinkKey>,
    children: orphans::Children,
    keepers: keepers::Keepers,
    execs: execs::Execs,
    sessions: sessions::Sessions,
    terminals: terminals::Terminals,
    process: process::Process,
    ports: ports::Ports,
    events: broadcast::Sender<Event>,
    /// The ways to open a stream to the hosts that there are, the eldest link first.
    hosts: watch::Sender<Vec<link::Opener>>,
    egress: Cell<u32>,
    stopping: Cell<bool>,
}

/// Runs the supervisor until it is told to stop.
pub(crate) fn run(words: impl Iterator<Item = String>) -> Result<(), String> {
    let mut words = words.peekable();
    if words.next_if(|word| word == spawn::KEEPER_FLAG).is_some() {
        return keeper::keep().map_err(|error| format!("a keeper can't go on: {error}"));
    }
    if words.next_if(|word| word == sessions::TELL_FLAG).is_some() {
        return sessions::tell().map_err(|error| format!("the session is not kept: {error}"));
    }
    let arguments = Arguments::parse(words)?;
    let key = setting::link_key()?;
    setting::prepare();
    terminals::end_on_panic();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the supervisor can't start: {error}"))?;
    LocalSet::new().block_on(&runtime, async {
        let supervisor = Rc::new(Supervisor::new(arguments, key));
        supervisor.run().await.map_err(|error| format!("the supervisor can't go on: {error}"))
    })
}

/// One line on standard error, which the engine keeps.
pub(crate) fn say(line: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(std::io::stderr().lock(), "lockhouse-supervisor: {line}");
}

/// Starts a task that lives as long as it has work, at most as long as the supervisor.
fn start(task: impl Future<Output = ()> + 'static) {
    tokio::task::spawn_local(task);
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn refused(message: impl Into<String>) -> Failure {
    Failure { code: FailureCode::Refused, message: message.into(), process: None }
}

fn not_found(message: impl Into<String>) -> Failure {
    Failure { code: FailureCode::NotFound, message: message.into(), process: None }
}

fn not_started(launch: &Launch, error: &std::io::Error) -> Failure {
    let message = spawn::explain(launch, error);
    Failure { code: FailureCode::NotStarted, message, process: None }
}

impl Supervisor {
    fn new(arguments: Arguments, key: Option<LinkKey>) -> Self {
        Self {
            ports: ports::Ports::new(arguments.proxy.map(|proxy| proxy.port())),
            arguments,
            started: Instant::now(),
            boot: setting::boot_id(),
            key,
            children: orphans::Children::default(),
            keepers: keepers::Keepers::default(),
            execs: execs::Execs::default(),
            sessions: sessions::Sessions::default(),
            terminals: terminals::Terminals::default(),
            process: process::Process::default(),
            events: broadcast::Sender::new(EVENTS),
            hosts: watch::Sender::new(Vec::new()),
            egress: Cell::new(0),
            stopping: Cell::new(false),
        }
    }

    async fn run(self: Rc<Self>) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        self.keepers.prepare();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let serving = async {
            tokio::join!(
                link::keep(Rc::clone(&self)),
                egress::listen(Rc::clone(&self)),
                ports::watch(Rc::clone(&self)),
            )
        };
        let stopping = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            self.stopping.set(true);
            self.keepers.dismiss();
            self.terminals.hang_up();
            orphans::end_everything(STOP_GRACE, STOP_DEADLINE).await;
        };
        tokio::select! {
            reaped = self.children.clone().reap() => reaped,
            _ = serving => Ok(()),
            () = stopping => Ok(()),
        }
    }

    /// What to start, where and with which variables.
    fn launch(
        &self,
        argv: Vec<String>,
        directory: Option<&str>,
        mut env: BTreeMap<String, String>,
    ) -> Launch {
        if !setting::has_path() {
            env.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
        }
        let workspace = &self.arguments.workspace;
        let directory = directory.map_or_else(|| workspace.clone(), |path| workspace.join(path));
        let directory = PathBuf::from_iter(directory.components());
        Launch { argv, directory, env, removed: Vec::new(), session: false }
    }

    fn tell(&self, event: Event) {
        // Without a host nobody listens; the next hello tells what is then.
        let _ = self.events.send(event);
    }
}
