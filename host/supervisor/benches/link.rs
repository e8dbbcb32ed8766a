//! What the link costs: `SUPERVISOR=path cargo bench -p lockhouse-supervisor` measures that binary.
//!
//! Method: the supervisor is a child process without walls, the host's end is in this process, one
//! thread; medians over many rounds, one at a time. Each is printed beside a plain local measure.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, may fail, and plays the host itself"
)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockhouse_supervisor::client::{
    Config, Link, TerminalEvent, TerminalInput, TerminalOutput, establish,
};
use lockhouse_supervisor::protocol::{AttachTerminal, Exec, OpenTerminal};
use tokio::net::UnixListener;

const ROUNDS: u32 = 2000;
const BULK_BYTES: u64 = 100_000_000;

struct Supervisor(Child);

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{what:<44} p50 {:>9.3?}  p99 {:>9.3?}  n {}", at(50), at(99), times.len());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("host.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let program = std::env::var_os("SUPERVISOR")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_lockhouse-supervisor").into());
    let child = Command::new(&program)
        .arg("--socket")
        .arg(&socket)
        .arg("--workspace")
        .arg(directory.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let _supervisor = Supervisor(child);
    let (stream, _) = listener.accept().await.unwrap();
    let (link, driver, _inbound) = establish(stream, Config::default()).await.unwrap();
    tokio::spawn(driver);
    println!("{}: {} bytes", program.display(), std::fs::metadata(&program).unwrap().len());
    resident(&link, "resident, idle").await;
    requests(&link).await;
    spawns(&link).await;
    resident(&link, "resident, after the spawns").await;
    terminal(&link).await;
    resident(&link, "resident, with a terminal's full scrollback").await;
}

async fn resident(link: &Link, when: &str) {
    let kibibytes = link.health().await.unwrap().resident_bytes / 1024;
    println!("{when:<44} {kibibytes} KiB");
}

async fn requests(link: &Link) {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(link.ping().await.unwrap());
    }
    show("ping: a stream opened and answered", times);
}

async fn spawns(link: &Link) {
    let mut times = Vec::new();
    for n in 0..ROUNDS {
        let start = Instant::now();
        let exec = Exec::argv(format!("e{n}"), ["/bin/true"]);
        let mut stream = link.exec(exec).await.unwrap();
        while let Some(event) = stream.next().await {
            event.unwrap();
        }
        times.push(start.elapsed());
    }
    show("`true`: request to exit, through the link", times);
    let plain = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        Command::new("/bin/true").status().unwrap();
        start.elapsed()
    });
    show("`true`: plain spawn in this process", plain.collect());
}

async fn terminal(link: &Link) {
    let start = Instant::now();
    let argv = ["/bin/sh", "-c", "stty raw -echo; echo ready; exec cat"].map(str::to_owned);
    let open = OpenTerminal { argv: Some(argv.to_vec()), ..OpenTerminal::default() };
    link.open_terminal(open).await.unwrap();
    let (mut input, mut output) =
        link.attach_terminal(AttachTerminal::new("main", None)).await.unwrap();
    println!("terminal: opened and attached                {:.3?}", start.elapsed());
    take(&mut input, &mut output, 6).await;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        input.write("x".into()).await.unwrap();
        take(&mut input, &mut output, 1).await;
        times.push(start.elapsed());
    }
    show("terminal: keystroke to its echo by `cat`", times);
    link.close_terminal("main").await.unwrap();
    bulk(link).await;
}

async fn bulk(link: &Link) {
    let text = format!("stty raw -echo; head -c {} /dev/zero | base64", BULK_BYTES * 3 / 4);
    let argv = ["/bin/sh", "-c", &text].map(str::to_owned).to_vec();
    let open = OpenTerminal { argv: Some(argv), ..OpenTerminal::default() };
    link.open_terminal(open).await.unwrap();
    let (mut input, mut output) =
        link.attach_terminal(AttachTerminal::new("main", None)).await.unwrap();
    let start = Instant::now();
    let bytes = take(&mut input, &mut output, BULK_BYTES).await;
    let speed = bytes as f64 / 1e6 / start.elapsed().as_secs_f64();
    println!("terminal: {bytes} bytes of base64              {speed:.1} MB/s");
}

/// Reads and acknowledges until `wanted` bytes came.
async fn take(input: &mut TerminalInput, output: &mut TerminalOutput, wanted: u64) -> u64 {
    let mut got = 0;
    while got < wanted {
        let Some(event) = output.next().await else { return got };
        match event.unwrap() {
            TerminalEvent::Output { seq, bytes } => {
                got += bytes.len() as u64;
                input.ack(seq + bytes.len() as u64).await.unwrap();
            }
            TerminalEvent::Skipped { from, to } => println!("skipped {from} to {to}"),
            TerminalEvent::State(_) | TerminalEvent::Snapshot { .. } | TerminalEvent::Typed(_) => {}
        }
    }
    got
}
