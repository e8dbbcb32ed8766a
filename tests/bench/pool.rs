//! P7: a project that takes over a runtime made ahead; one after the other, and a hundred at
//! once.

use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::docker::{Docker, Pattern};
use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host};
use crate::oci::Oci;
use crate::project::{self, Created, calm, ms};

const ROUNDS: usize = 100;
const BURST: usize = 100;

/// How long a pool may take to be full.
const FILLS: Duration = Duration::from_secs(600);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// By which the local engine makes runtimes where nothing else is configured.
const PROGRAM: &str = "runc";

/// The pool's size, for projects that come one after the other.
const FEW: &[(&str, &str)] = &[("LOCKHOUSE_RUNTIMES__POOL__PYTHON", "4")];

/// One for each project of the burst.
const MANY: &[(&str, &str)] = &[("LOCKHOUSE_RUNTIMES__POOL__PYTHON", "100")];

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "pool",
        "a new project's request to its answer, and on to the exit of a first `true`; one after \
         the other from a full pool of 4, in turns with the same container created and started \
         by Docker's API or the same bundle by `run --detach` of the OCI runtime; then 100 at \
         once from a full pool of 100",
    );
    for engine in ["docker", "local"] {
        match host::engine(engine).await {
            Ok(engine) => {
                one_by_one(&mut report, engine).await;
                at_once(&mut report, engine).await;
            }
            Err(why) => report.lacks(&format!("the pool on {engine}"), &why),
        }
    }
    report
}

async fn one_by_one(report: &mut Report, engine: &'static str) {
    let host = calm(Host::start_with(engine, FEW).await).await;
    let cold = Cold::like(&host, engine, &project::make(&host, "pattern").await).await;
    let before = warm(&host).await;
    let (mut made, mut peer) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        holds(&host, 4).await;
        let name = format!("warm-{round}");
        made.push(project::create(&host, &name).await);
        project::remove(&host, &name).await;
        peer.push(cold.start().await);
    }
    let peer = (cold.what(), Spread::of(peer));
    let answered = Spread::of(made.iter().map(|one| one.answered_ms).collect());
    let ready = Spread::of(made.iter().map(|one| one.ready_ms).collect());
    let warm = warm(&host).await - before;
    report.add(Row {
        bar: "P7",
        what: format!("from the pool on {engine}, until answered"),
        unit: "ms",
        own: answered,
        peer: Some(peer.clone()),
        wanted: "",
        met: None,
    });
    report.add(Row {
        bar: "P7",
        what: format!("from the pool on {engine}, until a command has run"),
        unit: "ms",
        own: ready,
        peer: Some(peer),
        wanted: "p50 ≤ 15 ms, p99 ≤ 50 ms",
        met: Some(warm == ROUNDS && ready.p50 <= 15.0 && ready.p99 <= 50.0),
    });
}

/// What the engine itself takes to start the same with nothing made ahead.
enum Cold {
    Docker { docker: Docker, pattern: Box<Pattern>, name: String },
    Oci(Oci),
}

impl Cold {
    /// As it starts the runtime of this project.
    async fn like(host: &Host, engine: &str, project: &str) -> Self {
        if engine == "local" {
            return Self::Oci(Oci::like(PROGRAM, host.data(), project));
        }
        let docker = Docker::connect().await;
        let pattern = docker.pattern(&docker.container_of(project).await).await.into();
        Self::Docker { docker, pattern, name: format!("lockhouse-bench-{project}") }
    }

    fn what(&self) -> String {
        match self {
            Self::Docker { .. } => "create + start".to_owned(),
            Self::Oci(_) => format!("{PROGRAM} run"),
        }
    }

    async fn start(&self) -> f64 {
        match self {
            Self::Docker { docker, pattern, name } => docker.create_and_start(pattern, name).await,
            Self::Oci(oci) => oci.run(),
        }
    }
}

async fn at_once(report: &mut Report, engine: &'static str) {
    let host = calm(Host::start_with(engine, MANY).await).await;
    holds(&host, BURST).await;
    let names: Vec<String> = (0..BURST).map(|number| format!("burst-{number}")).collect();
    let began = Instant::now();
    let made = join_all(names.iter().map(|name| project::create(&host, name))).await;
    let took = ms(began.elapsed());
    let mut ids: Vec<&str> = made.iter().map(|one: &Created| one.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let warm = warm(&host).await;
    let ready = made.iter().map(|one| one.ready_ms).collect();
    println!("  {} of {BURST} have run a command, {warm} from the pool: {took:.0} ms", ids.len());
    report.add(Row {
        bar: "P7",
        what: format!("{BURST} at once on {engine}, until a command has run"),
        unit: "ms",
        own: Spread::of(ready),
        peer: None,
        wanted: "all succeed",
        met: Some(ids.len() == BURST),
    });
}

/// Waits until so many runtimes wait for a project.
async fn holds(host: &Host, count: usize) {
    let query = "SELECT count(*) FROM pool_entries WHERE state = 'ready' AND claimed_at IS NULL";
    let began = Instant::now();
    loop {
        let there = usize::try_from(host.rows(query).await).unwrap();
        if there == count {
            return;
        }
        assert!(began.elapsed() < FILLS, "the pool holds {there} of {count}");
        tokio::time::sleep(LOOK).await;
    }
}

/// How many projects the pool served.
async fn warm(host: &Host) -> usize {
    let metrics = host.get("/metrics").await.text;
    let of_pool = |line: &&str| {
        line.starts_with("runtime_pool_claims_total") && line.contains(r#"start="warm""#)
    };
    let count = metrics.lines().find(of_pool).and_then(|line| line.rsplit(' ').next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}
