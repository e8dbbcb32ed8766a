//! P3: a command, from the HTTP request to the event that tells its exit.

use std::time::Duration;

use crate::docker::Docker;
use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host};
use crate::project::{self, calm};

const ROUNDS: usize = 200;
const WARM_UP: usize = 20;

/// Docker has answered before it has cleared away. After such a pause the machine has to wake,
/// so a command that counts for nobody comes first.
const AFTERMATH: Duration = Duration::from_millis(100);

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "exec",
        "`true` in a running runtime, one after the other on a connection that is kept, in turns \
         with an exec of Docker's API (create, start, read to the end, ask for the exit code) in \
         the same container; without a shell, as Docker's API does it, and by the shell",
    );
    match host::engine("docker").await {
        Ok(_) => beside_docker(&mut report).await,
        Err(why) => report.lacks("exec on Docker", &why),
    }
    match host::engine("local").await {
        Ok(_) => on_the_local_engine(&mut report).await,
        Err(why) => report.lacks("exec on the local engine", &why),
    }
    report
}

async fn beside_docker(report: &mut Report) {
    let (host, docker) = (calm(Host::start("docker").await).await, Docker::connect().await);
    let id = project::make(&host, "exec").await;
    let container = docker.container_of(&id).await;
    let (mut direct, mut shell, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        tokio::time::sleep(AFTERMATH).await;
        project::exec(&host, "exec").await;
        let ours = project::exec_directly(&host, "exec").await;
        let by_shell = project::exec(&host, "exec").await;
        let dockers = docker.exec_true(&container).await;
        if round >= WARM_UP {
            direct.push(ours);
            shell.push(by_shell);
            peer.push(dockers);
        }
    }
    let peer = Spread::of(peer);
    tell(report, "in a container of Docker", (direct, shell), Some(peer));
}

async fn on_the_local_engine(report: &mut Report) {
    let host = calm(Host::start("local").await).await;
    project::make(&host, "exec").await;
    let (mut direct, mut shell) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let ours = project::exec_directly(&host, "exec").await;
        let by_shell = project::exec(&host, "exec").await;
        if round >= WARM_UP {
            direct.push(ours);
            shell.push(by_shell);
        }
    }
    tell(report, "on the local engine", (direct, shell), None);
}

/// A row for the program alone and one for it by the shell.
fn tell(
    report: &mut Report,
    place: &str,
    (direct, shell): (Vec<f64>, Vec<f64>),
    peer: Option<Spread>,
) {
    for (own, how) in [(direct, ""), (shell, " by the shell")] {
        let own = Spread::of(own);
        report.add(Row {
            bar: "P3",
            what: format!("exec of `true`{how} {place}"),
            unit: "ms",
            wanted: if peer.is_some() { "≤ 3 ms, ≥ 15 × faster" } else { "≤ 3 ms" },
            met: Some(own.p50 <= 3.0 && peer.is_none_or(|peer| peer.p50 >= 15.0 * own.p50)),
            own,
            peer: peer.map(|peer| ("Docker's exec".to_owned(), peer)),
        });
    }
}
