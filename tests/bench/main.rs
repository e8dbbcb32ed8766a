//! What Lockhouse takes from one end to the other, beside what others take for the same:
//! a server as a program of its own, asked over HTTP; Docker by its API; OCI runtimes by
//! their command lines; nginx before the same server and on the same disk; ttyd.
//!
//! Whatever is compared is tried in turns within one run, so that what else the machine does
//! falls on both alike. Told are the medians. Names given on the command line choose from
//! `exec`, `create`, `pool`, `terminals`, `saves`, `previews`, `supervisor` and `plugins`; without
//! any, all are run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops where something is not as it must be, and starts what it needs"
)]

mod create;
#[path = "../it/databases.rs"]
#[expect(dead_code, unused_macros, reason = "the tests' own; a benchmark does less with one")]
mod databases;
mod docker;
mod exec;
mod figures;
#[path = "../it/host.rs"]
#[expect(dead_code, reason = "the tests' own; a benchmark does less with a server")]
mod host;
mod inside;
mod oci;
mod peer;
mod plugins;
mod pool;
mod previews;
mod project;
mod saves;
mod supervisor;
mod terminals;
mod wrk;

use figures::Report;

#[tokio::main]
async fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|one| one == name);
    let mut reports: Vec<Report> = Vec::new();
    if wanted("exec") {
        reports.push(exec::measure().await.close());
    }
    if wanted("create") {
        reports.push(create::measure().await.close());
    }
    if wanted("pool") {
        reports.push(pool::measure().await.close());
    }
    if wanted("terminals") {
        reports.push(terminals::measure().await.close());
    }
    if wanted("saves") {
        reports.push(saves::measure().await.close());
    }
    if wanted("previews") {
        reports.push(previews::measure().await.close());
    }
    if wanted("supervisor") {
        reports.push(supervisor::measure().await.close());
    }
    if wanted("plugins") {
        reports.push(plugins::measure().await.close());
    }
    println!("\n{}{}", figures::table(&reports), inside::summary());
}
