//! `lockhouse-supervisor`: PID 1 of every runtime, and the link protocol between it and the host.
//!
//! The library is what the host needs: [`protocol`] and [`client`]. The program of the same name
//! is the supervisor, started as
//! `/run/lockhouse/supervisor --socket /run/lockhouse/host.sock [--proxy 127.0.0.1:3128]
//! [--workspace /workspace]`. It is one static file; build it with
//!
//! ```text
//! cargo build --profile supervisor --target x86_64-unknown-linux-musl \
//!     -p lockhouse-supervisor --bin lockhouse-supervisor
//! ```
//!
//! or, where that target can't be had, for the machine's own with
//! `RUSTFLAGS="-C target-feature=+crt-static"` and `--target x86_64-unknown-linux-gnu` (with
//! `--target`, so that build scripts and macros stay dynamic).
//!
//! # The link
//!
//! ```text
//!  host                                              supervisor
//!   listens on host.sock  ◀──────── dials ──────────  redials after 50 ms … 1 s
//!   (a second host on host-1.sock, and so on: one link for each)
//!   ◀── Hello: versions, boot, what still runs ─────
//!   ──── Welcome (or Failure: another major) ──────▶
//!   ═══════════ yamux; the host is its client ═══════
//!   opens a stream ── Open ──▶  Reply or Failure  ──▶  frames of that conversation
//!   ◀── Open(Egress), then raw bytes ── opens a stream for each connection to the proxy
//! ```
//!
//! | stream | host sends | supervisor sends |
//! |---|---|---|
//! | `Exec`, `AttachExec` | `Signal`, `Leave` | `Output`, `Skipped`, last `Exit` |
//! | `ExecInput` | `Input`, `InputEnd` | |
//! | `AttachTerminal` | `Input`, `Keys`, `Resize`, `Ack` | `Screen`, `Skipped`, `Snapshot`, `Typed`, `Terminal`; last `Terminal` with its exit, or `Failure` |
//! | `ProcessLogs` | | `Output`, `Skipped`; `InputEnd` at the end of one that does not follow |
//! | `Dial`, `Egress` | raw bytes | raw bytes |
//! | `HandOver` | | the reply, and with it the connection itself |
//! | `Events`, `AllEvents` | | `Event` |
//! | all others | | the reply only |
//!
//! A host knows its supervisor as the first process of a process namespace, which the kernel tells
//! of the socket's other end. Where the runtime has a kernel of its own (gVisor), it is known by a
//! key that it alone got, in `LOCKHOUSE_LINK_KEY`, and sends along with its `Hello`.
//!
//! All hosts are equal: each may run commands, share a terminal or attach to what another began.
//! Events go to all, and an egress stream to one.
//!
//! A stream that the host closes ends an exec that is not `detach`; a link that breaks ends
//! nothing. Output is numbered by byte, so a host that comes back attaches `since` the number after
//! its last byte: nothing is lost or doubled while less than a ring came in between, and `Skipped`
//! says what is gone.
//!
//! # Connections that are handed over
//!
//! Where both sides have one kernel, a connection to a port goes to the host itself: the supervisor
//! connects, and sends the descriptor along with the link's bytes (`SCM_RIGHTS`), no later than the
//! reply that says its number. Requests to a preview then pass neither the link nor the supervisor.
//! Elsewhere, and while too many are on their way, the bytes go through the link (`Dial`).
//!
//! # Frames
//!
//! One byte of kind, four of length (big-endian), a payload of at most 64 KiB. Numbers are
//! big-endian.
//!
//! | kind | frame | payload |
//! |---|---|---|
//! | 01 | `Hello` | JSON |
//! | 02 | `Welcome` | JSON |
//! | 03 | `Open` | JSON |
//! | 04 | `Reply` | JSON |
//! | 05 | `Failure` | JSON |
//! | 10 | `Output` | u8 stream (1 stdout, 2 stderr), u64 number of the first byte, bytes |
//! | 11 | `Screen` | u64 number of the first byte, bytes |
//! | 12 | `Skipped` | u64 from, u64 to (not included) |
//! | 13 | `Exit` | JSON |
//! | 14 | `Terminal` | JSON |
//! | 15 | `Event` | JSON |
//! | 16 | `Snapshot` | u64 number after the last byte that it shows, bytes |
//! | 17 | `Typed` | u64: all keys before it were typed |
//! | 20 | `Input` | bytes |
//! | 21 | `InputEnd` | |
//! | 22 | `Signal` | i32 |
//! | 23 | `Resize` | u16 columns, u16 rows |
//! | 24 | `Ack` | u64: all before it was consumed |
//! | 25 | `Leave` | |
//! | 26 | `Keys` | u64 number of the first key, bytes |
//!
//! # Bounds
//!
//! Of the protocol: the constants of [`protocol`]. Of the host: [`client::Config`]. Of a
//! supervisor: 128 commands at once, 1 MiB of output each; 64 results, 8 MiB, 10 minutes; 8
//! terminals, the first 64 KiB and the last 1 MiB each, and a screen of 128 Ki characters; 16 shell
//! sessions, 32 KiB each; 1 MiB of the process's log; 256 egress connections.

pub mod client;
pub mod error;
pub mod protocol;

pub use error::Error;
