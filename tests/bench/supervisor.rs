//! P15: what the supervisor takes of a runtime's memory, and of the disk.

use std::path::Path;

use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host};
use crate::project;

const EXECS: usize = 200;
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "supervisor",
        "resident memory of all the supervisor's processes in one runtime, as the kernel tells \
         it (VmRSS); the size of the program that is mounted into the runtime",
    );
    let Some(engine) = engine(&mut report).await else { return report };
    let host = Host::start(engine).await;
    let id = project::make(&host, "memory").await;
    memory(&mut report, &id, "idle", Some(3.0));
    for _ in 0..EXECS {
        project::exec(&host, "memory").await;
    }
    memory(&mut report, &id, "after 200 commands", Some(3.0));
    let mut terminal = host.terminal("memory", None).await;
    terminal.types("seq 100000\r").await;
    terminal.shows("100000").await;
    memory(&mut report, &id, "with a terminal and its scrollback", None);
    report.add(program(host.data()));
    report
}

async fn engine(report: &mut Report) -> Option<&'static str> {
    match host::engine("local").await {
        Ok(engine) => return Some(engine),
        Err(why) => report.lacks("the supervisor on the local engine", &why),
    }
    match host::engine("docker").await {
        Ok(engine) => return Some(engine),
        Err(why) => report.lacks("the supervisor on Docker", &why),
    }
    None
}

fn memory(report: &mut Report, project: &str, when: &str, most: Option<f64>) {
    let (sum, once) = resident(project);
    assert!(sum > 0.0, "the runtime has no supervisor");
    let row = |what: String, own: f64, most: Option<f64>| Row {
        bar: "P15",
        what,
        unit: "MiB",
        own: Spread::of(vec![own]),
        peer: None,
        wanted: if most.is_some() { "≤ 3 MB" } else { "" },
        met: most.map(|most| own * MIB <= most * 1e6),
    };
    report.add(row(format!("supervisor, resident, {when}"), sum, most));
    report.add(row(format!("supervisor, {when}, its program counted once"), once, None));
}

fn program(data: &Path) -> Row {
    let file = data.join("runtimes/shared/supervisor");
    let bytes = file.metadata().unwrap().len() as f64;
    Row {
        bar: "P15",
        what: "supervisor, program".to_owned(),
        unit: "MiB",
        own: Spread::of(vec![bytes / MIB]),
        peer: None,
        wanted: "≤ 2 MB",
        met: Some(bytes <= 2e6),
    }
}

/// Of all processes of the supervisor in a project's runtime, in MiB: what the kernel counts to
/// each (VmRSS) added up, and the same with the program's own pages, which they share, once.
fn resident(project: &str) -> (f64, f64) {
    let (mut sum, mut own, mut shared) = (0.0, 0.0, 0.0_f64);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |file: &str| std::fs::read_to_string(entry.path().join(file));
        let command = read("cmdline").unwrap_or_default();
        let program = command.split('\0').next().unwrap_or_default();
        // A project's runtime is who has its workspace mounted.
        if program.ends_with("supervisor")
            && read("mountinfo").is_ok_and(|mounts| mounts.contains(project))
        {
            let status = read("status").unwrap_or_default();
            let mib = |field| kib(&status, field).unwrap_or(0.0) / 1024.0;
            sum += mib("VmRSS:");
            own += mib("RssAnon:");
            shared = shared.max(mib("RssFile:"));
        }
    }
    (sum, own + shared)
}

fn kib(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
