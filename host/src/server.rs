//! Frame: the composition root, the only place that builds rooms.

use std::future::Future;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::agents::{self, Agents, Models, Roster};
use crate::app::{App, House};
use crate::audit::Audit;
use crate::audit::seal::Seal;
use crate::auth::Auth;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, home};
use crate::drain::Drain;
use crate::events::{Events, relay};
use crate::exec::{self, Exec};
use crate::files::{Disk, Files};
use crate::gate::Gate;
use crate::idempotency::Idempotency;
use crate::ids::{InstanceId, Kind};
use crate::jobs::{self, Jobs};
use crate::leases::Leases;
use crate::limits::Limits;
use crate::objects::Objects;
use crate::plugins::{BuiltIn, Library, LibraryParts, Plugins, Rooms, Watcher, oci};
use crate::policy::{Policies, Recorder};
use crate::previews::{self, Previews, Visitor};
use crate::processes::Processes;
use crate::projects::Projects;
use crate::quotas::Quotas;
use crate::reports::{self, Catalogue, Reports, Schedules};
use crate::reviews::{self, Reviews};
use crate::runtimes::egress::{self, Egress, SystemResolver};
use crate::runtimes::{self, Place, Runtimes, engines, local};
use crate::secret::Secret;
use crate::tasks::Tasks;
use crate::terminals::Terminals;
use crate::{artifacts, auth, http, telemetry};

/// How long requests and tasks get to finish when the server ends.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The policy that judges commands unless another is loaded.
const DEFAULT_POLICY: &str = "layered";

/// A stricter one, for operators to bind.
const STRICT_POLICY: &str = "strict";

/// The agent that plans and writes without a model.
const OFFLINE_AGENT: &str = "scaffold";

/// The one that does so through a model, for runs that ask for it.
const MODEL_AGENT: &str = "model-agent";
/// What administrators can ask for from the start.
const REPORTS: [&str; 6] = ["usage", "disk", "decisions", "runtimes", "audit", "spend"];

/// The URL that signs a browser in as the administrator.
pub struct Started {
    pub sign_in_url: String,
}

/// Builds the server, tells `started` when it listens, and serves until
/// `shutdown` resolves.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
    started: impl FnOnce(&Started),
) -> anyhow::Result<()> {
    let tasks = Tasks::new();
    make_private_dir(&config.data)?;
    let address = listener.local_addr()?;
    let built = build(&config, &tasks, address).await?;
    built.app.agents.recover(&built.app.gate).await?;
    let undone = built.app.files.recover().await.context("batches that were left half done")?
        + built.app.jobs.recover().await.context("batches of jobs that were left half done")?;
    if undone > 0 {
        tracing::warn!(undone, "batches that were left half done are undone");
    }
    let sign_in_url = format!("http://{address}/sign-in?token={}", built.admin_token.reveal());
    write_server_file(&config.data, &format!("http://{address}"))?;
    start_background(&config, (&built.app, &built.leases), &tasks);
    if let Some(visitors) = built.visitors {
        tasks.run("host ports", http::serve_visitors(built.app.clone(), visitors));
    }
    started(&Started { sign_in_url });
    let stop = tasks.clone();
    let proxies = config.server.trusted_proxies.as_slice();
    // Made once: as it is, each connection would have a copy of all routes.
    let service = http::router(built.app.clone(), proxies).with_state(());
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    // An answer's last bytes wait for nobody.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection may be slower than it could");
        }
    });
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        stop.stop();
    });
    let serving = async move { server.await };
    let given_up = async {
        tasks.stopping().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        served = serving => served.context("the server ended")?,
        () = given_up => tracing::warn!("ending with requests still open"),
    }
    tasks.finish(STOP_GRACE).await;
    built.app.db.close().await;
    Ok(())
}

struct Built {
    app: App,
    leases: Leases,
    admin_token: Secret,
    /// Who comes to ports of this machine that lead to previews.
    visitors: Option<mpsc::Receiver<Visitor>>,
}

/// What rooms stand on.
#[derive(Clone)]
struct Ground {
    clock: Clock,
    db: Db,
    events: Events,
    leases: Leases,
    tasks: Tasks,
}

/// Where projects live and what they are run by.
struct Premises {
    projects: Projects,
    quotas: Quotas,
    files: Files,
    jobs: Jobs,
    objects: Objects,
    reviews: Reviews,
    runtimes: Runtimes,
    engine_choice: String,
}

async fn build(config: &Config, tasks: &Tasks, address: SocketAddr) -> anyhow::Result<Built> {
    let clock = Clock::system();
    let metrics = telemetry::start_metrics()?;
    let db = Db::open(&config.database, &config.data).await.context("the database")?;
    home::settle(&db, &config.data).await.context("the data directory")?;
    let events = Events::new(clock.clone());
    relay::start(&events, &db, tasks)?;
    let leases = config.data.join("hosts");
    let leases = Leases::open(db.clone(), clock.clone(), tasks.clone(), leases).await?;
    let ground = Ground { clock, db, events, leases, tasks: tasks.clone() };
    let auth = Auth::new(&config.auth, ground.db.clone(), ground.clock.clone());
    let auth = auth.map_err(anyhow::Error::msg)?;
    let admin_token = auth.admin_token(&config.data).await?;
    let audit = audit(config, &ground)?;
    let drain = Drain::open(ground.db.clone()).await?;
    tasks.run("drain", drain.clone().follow(tasks.clone()));
    let gate = Gate::new(Limits::new(&config.limits), audit.clone()).drained_by(drain);
    let premises = premises(config, &ground, &gate).await?;
    let models = Models::open(&config.models, &config.egress.upstream)?;
    let rooms = plugin_rooms(&ground, &premises, (&audit, models));
    let folder = config.data.join("plugins");
    let plugins = Plugins::start(config.plugins.clone(), Some(&folder), rooms)?;
    let recorder = recorder(config, &ground);
    let policies = Policies::new([]).recorded(recorder.clone());
    let (roster, catalogue) = (Roster::default(), Catalogue::default());
    let uses = (&policies, &roster, &catalogue);
    let library = library(config, &ground, &plugins, uses).await?;
    let (exec, processes) = commands(&ground, &premises, &policies);
    let agents = agents(config, &ground, &premises, (&exec, &processes), roster);
    let (previews, visitors) =
        previews(config, &ground, &premises, processes.clone(), address).await?;
    let reports = reports(&ground, &premises, catalogue);
    let schedules = schedules(config, &ground, (&premises, &gate, &reports)).await?;
    let terminals = terminals(config, &ground, &premises);
    let runtimes = premises.runtimes;
    let Ground { clock, db, events, leases, tasks } = ground;
    let started_at = clock.now();
    let app = App::of(House {
        previews,
        terminals,
        agents,
        audit,
        auth,
        exec,
        files: premises.files,
        gate,
        idempotency: Idempotency::new(db.clone(), clock.clone(), leases.clone()),
        clock,
        db,
        events,
        jobs: premises.jobs,
        judgements: recorder,
        library,
        policies,
        processes,
        projects: premises.projects,
        quotas: premises.quotas,
        reports,
        reviews: premises.reviews,
        runtimes,
        schedules,
        started_at,
        tasks,
        engine_choice: premises.engine_choice,
        wasm: format!("{:?}", plugins.tuning()),
        metrics,
    });
    Ok(Built { app, leases, admin_token, visitors })
}

fn audit(config: &Config, ground: &Ground) -> anyhow::Result<Audit> {
    let Ground { clock, db, leases, tasks, .. } = ground;
    let seal = Seal::open(&config.data, config.audit.key.as_ref(), leases.seat());
    let seal = seal.context("what is kept of the audit record")?;
    Ok(Audit::start_sealed(db.clone(), clock.clone(), tasks, seal))
}

fn recorder(config: &Config, ground: &Ground) -> Recorder {
    let Ground { clock, db, tasks, .. } = ground;
    Recorder::start(db.clone(), clock.clone(), tasks, config.policy.keep_judgements)
}

async fn previews(
    config: &Config,
    ground: &Ground,
    premises: &Premises,
    processes: Processes,
    address: SocketAddr,
) -> anyhow::Result<(Previews, Option<mpsc::Receiver<Visitor>>)> {
    let secret = ground.db.secret_setting("preview_key", &Secret::generate("")?).await?;
    Ok(Previews::open(previews::Parts {
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        events: ground.events.clone(),
        tasks: ground.tasks.clone(),
        projects: premises.projects.clone(),
        runtimes: premises.runtimes.clone(),
        processes,
        leases: ground.leases.clone(),
        secret,
        config: config.previews.clone(),
        address,
    }))
}

async fn premises(config: &Config, ground: &Ground, gate: &Gate) -> anyhow::Result<Premises> {
    let Ground { clock, db, events, leases, tasks } = ground;
    let instance = instance(db).await?;
    let used = runtimes::engines_in_use(db).await?;
    let chosen = engines::choose(&config.engines, &config.data, &instance, &used);
    let (engine, engine_choice) = chosen.await.context("the engine")?;
    tracing::info!(engine = engine.name(), why = engine_choice, "engine chosen");
    let user = local::runtime_user();
    let owner = rustix::process::geteuid().is_root().then_some((user.uid, user.gid));
    let root = config.data.join("projects");
    let (way, most) = (config.runtimes.disk, config.runtimes.ceilings.disk_bytes);
    let space = runtimes::disk::open(way, &root, most).await.context("the disk")?;
    tracing::info!(way = space.name(), "disk limits chosen");
    let quotas = Quotas::new(db.clone(), clock.clone(), &config.quotas);
    let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, owner)
        .made_by(Arc::<dyn runtimes::disk::Disk>::clone(&space))
        .within(quotas.clone());
    let disk = Disk::new(&config.files, owner);
    let files = Files::new(projects.clone(), clock, events.clone(), disk);
    let objects = objects(config)?;
    let jobs = jobs(config, ground, &files, objects.clone());
    let reviews = reviews(config, ground, &files, objects.clone());
    let place = Place::prepare_shared(
        config.data.join("runtimes"),
        instance,
        user,
        artifacts::supervisor(),
        config.runtimes.ca_file.as_deref(),
    )?;
    let egress = egress::Parts {
        tasks: tasks.clone(),
        events: events.clone(),
        resolver: Arc::new(SystemResolver),
        dir: config.data.join("egress"),
        deadlines: egress::Deadlines::default(),
    };
    let runtimes = Runtimes::open(runtimes::Parts {
        db: db.clone(),
        clock: clock.clone(),
        events: events.clone(),
        tasks: tasks.clone(),
        projects: projects.clone(),
        engine,
        disk: space,
        egress: Egress::new(&config.egress, egress)?,
        place,
        leases: leases.clone(),
        gate: gate.clone(),
        config: config.runtimes.clone(),
    });
    Ok(Premises { projects, quotas, files, jobs, objects, reviews, runtimes, engine_choice })
}

fn objects(config: &Config) -> anyhow::Result<Objects> {
    let proxies = config.egress.upstream.proxies()?;
    let objects = Objects::open(&config.storage, config.data.join("objects"), proxies)?;
    tracing::info!(place = objects.place(), "storage chosen");
    Ok(objects)
}

fn reviews(config: &Config, ground: &Ground, files: &Files, objects: Objects) -> Reviews {
    Reviews::new(reviews::Parts {
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        events: ground.events.clone(),
        files: files.clone(),
        objects,
        config: config.reviews.clone(),
    })
}

fn jobs(config: &Config, ground: &Ground, files: &Files, objects: Objects) -> Jobs {
    Jobs::new(jobs::Parts {
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        events: ground.events.clone(),
        tasks: ground.tasks.clone(),
        files: files.clone(),
        objects,
        root: config.jobs.base_path.clone().unwrap_or_else(|| config.data.join("jobs")),
        batches: config.data.join("job-batches"),
        config: &config.jobs,
        limits: &config.files,
    })
}

/// What runs commands: short ones, and each project's long-running one.
fn commands(ground: &Ground, premises: &Premises, policies: &Policies) -> (Exec, Processes) {
    let Ground { db, clock, events, tasks, .. } = ground;
    let Premises { projects, files, runtimes, .. } = premises;
    let exec = Exec::new(exec::Parts {
        db: db.clone(),
        clock: clock.clone(),
        tasks: tasks.clone(),
        files: files.clone(),
        runtimes: runtimes.clone(),
        policies: policies.clone(),
    });
    let processes = Processes::new(
        db.clone(),
        clock.clone(),
        events.clone(),
        projects.clone(),
        runtimes.clone(),
        policies.clone(),
    );
    (exec, processes)
}

fn agents(
    config: &Config,
    ground: &Ground,
    premises: &Premises,
    (exec, processes): (&Exec, &Processes),
    roster: Roster,
) -> Agents {
    Agents::new(agents::Parts {
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        events: ground.events.clone(),
        tasks: ground.tasks.clone(),
        projects: premises.projects.clone(),
        runtimes: premises.runtimes.clone(),
        exec: exec.clone(),
        processes: processes.clone(),
        files: premises.files.clone(),
        jobs: premises.jobs.clone(),
        leases: ground.leases.clone(),
        agents: roster,
        config: config.agents.clone(),
    })
}

fn terminals(config: &Config, ground: &Ground, premises: &Premises) -> Terminals {
    let Ground { db, clock, .. } = ground;
    let config = config.terminals.clone();
    Terminals::new(db.clone(), clock.clone(), premises.runtimes.clone(), config)
}

fn reports(ground: &Ground, premises: &Premises, catalogue: Catalogue) -> Reports {
    Reports::new(reports::Parts {
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        files: premises.files.clone(),
        runtimes: premises.runtimes.clone(),
        reports: catalogue,
    })
}

async fn schedules(
    config: &Config,
    ground: &Ground,
    (premises, gate, reports): (&Premises, &Gate, &Reports),
) -> Result<Schedules, reports::Unusable> {
    let parts = reports::ScheduleParts {
        reports: reports.clone(),
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        leases: ground.leases.clone(),
        gate: gate.clone(),
        objects: premises.objects.clone(),
    };
    Schedules::open(parts, &config.reports).await
}

async fn instance(db: &Db) -> anyhow::Result<InstanceId> {
    let id = db.setting("instance", InstanceId::generate().as_str()).await?;
    Ok(id.parse()?)
}

async fn library(
    config: &Config,
    ground: &Ground,
    plugins: &Plugins,
    (policies, agents, reports): (&Policies, &Roster, &Catalogue),
) -> anyhow::Result<Library> {
    let parts = LibraryParts {
        plugins: plugins.clone(),
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        events: ground.events.clone(),
        folder: config.data.join("plugins/components"),
        policies: policies.clone(),
        agents: agents.clone(),
        reports: reports.clone(),
        built_in: built_ins(config)?,
        signatures: config.plugins.signatures.clone(),
        registries: oci::Registries::new(
            config.plugins.oci.clone(),
            config.egress.upstream.clone(),
            config.plugins.max_component_bytes,
        ),
    };
    Ok(Library::open(parts).await?)
}

/// What plugins can reach, as far as they are granted.
fn plugin_rooms(ground: &Ground, premises: &Premises, (audit, models): (&Audit, Models)) -> Rooms {
    Rooms {
        clock: ground.clock.clone(),
        db: Some(ground.db.clone()),
        audit: Some(audit.clone()),
        files: Some(premises.files.clone()),
        projects: Some(premises.projects.clone()),
        models,
        tape: None,
    }
}

/// The components that the server carries, as they are loaded.
pub(crate) fn built_ins(config: &Config) -> anyhow::Result<Vec<BuiltIn>> {
    let configured = serde_json::to_string(&config.policy.settings)?;
    let mut built_ins = vec![
        built_in(DEFAULT_POLICY, configured, true)?,
        built_in(STRICT_POLICY, "{}".to_owned(), false)?,
        built_in(OFFLINE_AGENT, "{}".to_owned(), true)?,
        built_in(MODEL_AGENT, "{}".to_owned(), true)?,
    ];
    for report in REPORTS {
        built_ins.push(built_in(report, "{}".to_owned(), true)?);
    }
    Ok(built_ins)
}

fn built_in(name: &'static str, settings: String, bound: bool) -> anyhow::Result<BuiltIn> {
    let bytes = artifacts::component(name);
    let bytes = bytes.with_context(|| format!("the component “{name}” is not built in"))?;
    Ok(BuiltIn { name, bytes, settings, bound })
}

/// What runs beside the requests, none of which waits for it.
fn start_background(config: &Config, (app, leases): (&App, &Leases), tasks: &Tasks) {
    tasks.run("processes", app.processes.clone().follow_runtimes());
    tasks.run("ends of commands", app.exec.clone().keep_ends());
    tasks.run("runtimes", app.runtimes.clone().keep());
    tasks.run("workspaces", app.runtimes.clone().keep_space());
    tasks.run("disk measures", app.runtimes.clone().keep_measures());
    tasks.run("runtime pool", app.runtimes.clone().keep_pool());
    tasks.run("mapped ports", app.previews.clone().keep_host_ports());
    tasks.run("audit", app.audit.clone().retain_always(config.audit.clone(), tasks.clone()));
    tasks.run("history", app.exec.clone().retain_always(config.exec.clone(), tasks.clone()));
    tasks.run("runs of other servers", app.agents.clone().keep(app.gate.clone()));
    app.jobs.sweep_always(leases.clone(), tasks);
    app.projects.sweep_deleted_always(leases.clone(), tasks);
    app.reviews.sweep_always(leases.clone(), tasks);
    tasks.run("report schedules", app.schedules.clone().keep(tasks.clone()));
    tasks.run("what models cost", app.agents.clone().forget_spend_always());
    tasks.run("idempotency", app.idempotency.clone().sweep_always(tasks.clone()));
    tasks.run("metrics", telemetry::keep_metrics(app.metrics.clone(), tasks.clone()));
    let gauges = telemetry::keep_gauges(app.clone(), config.data.clone(), tasks.clone());
    tasks.run("gauges", gauges);
    watch_plugins(config, app, tasks);
    app.files.sweep_once(config.data.join("projects"), tasks);
    let runtimes = app.runtimes.clone();
    tasks.run("learn registries", async move {
        for kind in Kind::ALL {
            runtimes.learn_registries(kind).await;
        }
    });
}

/// Whoever may write into the directory of plugins acts as the administrator.
fn watch_plugins(config: &Config, app: &App, tasks: &Tasks) {
    let dir = config.plugins.directory.clone();
    let dir = dir.unwrap_or_else(|| config.data.join("plugins/local"));
    if let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir) {
        tracing::warn!(dir = %dir.display(), %error, "the directory of plugins can't be made");
    }
    let (library, gate) = (app.library.clone(), app.gate.clone());
    let watcher = Watcher::new(library, gate, auth::administrator(), dir);
    tasks.run("plugins", watcher.watch());
    tasks.run("quarantines", app.library.clone().tell_quarantines());
    tasks.run("plugins of other servers", app.library.clone().follow());
}

/// The data directory holds secrets: nobody else may look in.
pub(crate) fn make_private_dir(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)))
        .with_context(|| format!("the data directory {}", path.display()))
}

/// Where the command line finds a running server.
#[expect(clippy::disallowed_methods, reason = "a file of the server's own")]
fn write_server_file(data: &Path, url: &str) -> anyhow::Result<()> {
    let text = serde_json::json!({ "url": url, "pid": std::process::id() }).to_string();
    std::fs::write(data.join("server.json"), text)?;
    Ok(())
}
