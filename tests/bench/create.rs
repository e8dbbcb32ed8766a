//! P6 and P8: from the request for a new project to a first command in it, with nothing made
//! ahead, beside what the engine itself takes to start the same.

use crate::docker::Docker;
use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host};
use crate::oci::{self, Oci};
use crate::project::{self, Created, calm};

const ROUNDS: usize = 40;
const WARM_UP: usize = 3;

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "create",
        "a new project's request to its answer, and on to the exit of a first `true`; in turns \
         with the same container created and started by Docker's API, or the same bundle by \
         `run --detach` of the OCI runtime",
    );
    match host::engine("docker").await {
        Ok(_) => on_docker(&mut report).await,
        Err(why) => report.lacks("create on Docker", &why),
    }
    for program in oci::programs() {
        match oci::works(&program).await {
            Ok(()) => on_an_oci_runtime(&mut report, &program).await,
            Err(why) => report.lacks(&format!("create by {program}"), &why),
        }
    }
    report
}

async fn on_docker(report: &mut Report) {
    let (host, docker) = (calm(Host::start("docker").await).await, Docker::connect().await);
    let id = project::make(&host, "pattern").await;
    let pattern = docker.pattern(&docker.container_of(&id).await).await;
    let (mut own, mut peer) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let name = format!("cold-{round}");
        own.push(project::create(&host, &name).await);
        peer.push(docker.create_and_start(&pattern, &format!("lockhouse-bench-{id}")).await);
        project::remove(&host, &name).await;
    }
    let peer = ("create + start".to_owned(), Spread::of(peer.split_off(WARM_UP)));
    let bar = Bar { name: "P6", wanted: "≤ 1.1 ×", most: 1.1 };
    tell(report, &bar, "on Docker", (&own[WARM_UP..], peer));
}

async fn on_an_oci_runtime(report: &mut Report, program: &str) {
    let host = calm(Host::start_with("local", oci::variables(program)).await).await;
    let id = project::make(&host, "pattern").await;
    let beside = Oci::like(program, host.data(), &id);
    let (mut own, mut peer) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let name = format!("cold-{round}");
        own.push(project::create(&host, &name).await);
        peer.push(beside.run());
        project::remove(&host, &name).await;
    }
    let short = program.rsplit('/').next().unwrap_or(program);
    let peer = (format!("{short} run"), Spread::of(peer.split_off(WARM_UP)));
    let bar = Bar { name: "P8", wanted: "≤ 1.5 ×", most: 1.5 };
    tell(report, &bar, &format!("by {short}"), (&own[WARM_UP..], peer));
}

struct Bar {
    name: &'static str,
    wanted: &'static str,
    most: f64,
}

/// Ready is who has run a command; until the answer is only told.
fn tell(report: &mut Report, bar: &Bar, on: &str, (own, peer): (&[Created], (String, Spread))) {
    let answered = Spread::of(own.iter().map(|one| one.answered_ms).collect());
    let ready = Spread::of(own.iter().map(|one| one.ready_ms).collect());
    report.add(Row {
        bar: bar.name,
        what: format!("cold create {on}, until answered"),
        unit: "ms",
        own: answered,
        peer: Some(peer.clone()),
        wanted: "",
        met: None,
    });
    report.add(Row {
        bar: bar.name,
        what: format!("cold create {on}, until a command has run"),
        unit: "ms",
        own: ready,
        met: Some(ready.p50 <= bar.most * peer.1.p50),
        peer: Some(peer),
        wanted: bar.wanted,
    });
}
