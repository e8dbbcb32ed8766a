//! Frame: the composition root, the only place that builds rooms.

use std::future::Future;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::agents::{self, Agents, Roster};
use crate::app::App;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::events::Events;
use crate::exec::Exec;
use crate::files::{Disk, Files};
use crate::gate::Gate;
use crate::ids::{InstanceId, Kind};
use crate::jobs::Jobs;
use crate::limits::Limits;
use crate::plugins::{BuiltIn, Library, LibraryParts, Plugins, Rooms, Watcher, oci};
use crate::policy::{Policies, Recorder};
use crate::previews::Previews;
use crate::processes::Processes;
use crate::projects::Projects;
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
    let built = build(&config, &tasks).await?;
    built.app.agents.recover(&built.app.gate).await?;
    let sign_in_url = format!("http://{address}/sign-in?token={}", built.admin_token.reveal());
    write_server_file(&config.data, &format!("http://{address}"))?;
    start_background(&config, &built.app, &tasks);
    started(&Started { sign_in_url });
    let stop = tasks.clone();
    let service = http::router(built.app.clone());
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
    admin_token: Secret,
}

/// What rooms stand on.
#[derive(Clone)]
struct Ground {
    clock: Clock,
    db: Db,
    events: Events,
    tasks: Tasks,
}

/// Where projects live and what they are run by.
struct Premises {
    projects: Projects,
    files: Files,
    jobs: Jobs,
    runtimes: Runtimes,
    engine_choice: String,
}

async fn build(config: &Config, tasks: &Tasks) -> anyhow::Result<Built> {
    let clock = Clock::system();
    let metrics = telemetry::start_metrics()?;
    let db = Db::open(&config.database, &config.data).await.context("the database")?;
    let events = Events::new(clock.clone());
    let ground = Ground { clock, db, events, tasks: tasks.clone() };
    let auth = Auth::new(&config.auth, ground.db.clone(), ground.clock.clone());
    let admin_token = auth.admin_token(&config.data).await?;
    let audit = Audit::start(ground.db.clone(), ground.clock.clone(), tasks);
    let gate = Gate::new(Limits::new(&config.limits), audit.clone());
    let premises = premises(config, &ground).await?;
    let rooms = plugin_rooms(&ground, &premises, &audit);
    let folder = config.data.join("plugins");
    let plugins = Plugins::start(config.plugins.clone(), Some(&folder), rooms)?;
    let recorder = Recorder::start(
        ground.db.clone(),
        ground.clock.clone(),
        tasks,
        config.policy.keep_judgements,
    );
    let policies = Policies::new([]).recorded(recorder.clone());
    let roster = Roster::default();
    let library = library(config, &ground, &plugins, (&policies, &roster)).await?;
    let exec = Exec::new(
        ground.db.clone(),
        ground.clock.clone(),
        premises.runtimes.clone(),
        policies.clone(),
    );
    let processes = Processes::new(
        ground.db.clone(),
        ground.clock.clone(),
        ground.events.clone(),
        premises.projects.clone(),
        premises.runtimes.clone(),
        policies.clone(),
    );
    let agents = agents(config, &ground, &premises, (&exec, &processes), roster);
    let secret = ground.db.secret_setting("preview_key", &Secret::generate("")?).await?;
    let runtimes = premises.runtimes;
    let app = App {
        previews: Previews::new(runtimes.clone(), processes.clone(), ground.clock.clone(), &secret),
        terminals: Terminals::new(runtimes.clone(), config.terminals.clone()),
        agents,
        audit,
        auth,
        clock: ground.clock,
        db: ground.db,
        events: ground.events,
        exec,
        files: premises.files,
        gate,
        jobs: premises.jobs,
        judgements: recorder,
        library,
        policies,
        processes,
        projects: premises.projects,
        runtimes,
        tasks: ground.tasks,
        engine_choice: premises.engine_choice,
        wasm: format!("{:?}", plugins.tuning()),
        metrics,
    };
    Ok(Built { app, admin_token })
}

async fn premises(config: &Config, ground: &Ground) -> anyhow::Result<Premises> {
    let Ground { clock, db, events, tasks } = ground;
    let instance = instance(db).await?;
    let (engine, engine_choice) =
        engines::choose(&config.engines, &config.data, &instance).await.context("the engine")?;
    tracing::info!(engine = engine.name(), why = engine_choice, "engine chosen");
    let user = local::runtime_user();
    let owner = rustix::process::geteuid().is_root().then_some((user.uid, user.gid));
    let root = config.data.join("projects");
    let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, owner);
    let disk = Disk::new(&config.files, owner);
    let files = Files::new(projects.clone(), clock, events.clone(), disk);
    let jobs = Jobs::new(
        db.clone(),
        clock.clone(),
        events.clone(),
        files.clone(),
        config.jobs.base_path.clone().unwrap_or_else(|| config.data.join("jobs")),
        (&config.jobs, &config.files),
    );
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
        egress: Egress::new(&config.egress, egress)?,
        place,
        config: config.runtimes.clone(),
    });
    Ok(Premises { projects, files, jobs, runtimes, engine_choice })
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
        agents: roster,
        config: config.agents.clone(),
    })
}

async fn instance(db: &Db) -> anyhow::Result<InstanceId> {
    let id = db.setting("instance", InstanceId::generate().as_str()).await?;
    Ok(id.parse()?)
}

async fn library(
    config: &Config,
    ground: &Ground,
    plugins: &Plugins,
    (policies, agents): (&Policies, &Roster),
) -> anyhow::Result<Library> {
    let configured = serde_json::to_string(&config.policy.settings)?;
    let parts = LibraryParts {
        plugins: plugins.clone(),
        db: ground.db.clone(),
        clock: ground.clock.clone(),
        events: ground.events.clone(),
        folder: config.data.join("plugins/components"),
        policies: policies.clone(),
        agents: agents.clone(),
        built_in: vec![
            built_in(DEFAULT_POLICY, configured, true)?,
            built_in(STRICT_POLICY, "{}".to_owned(), false)?,
            built_in(OFFLINE_AGENT, "{}".to_owned(), true)?,
        ],
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
fn plugin_rooms(ground: &Ground, premises: &Premises, audit: &Audit) -> Rooms {
    Rooms {
        clock: ground.clock.clone(),
        db: Some(ground.db.clone()),
        audit: Some(audit.clone()),
        files: Some(premises.files.clone()),
        projects: Some(premises.projects.clone()),
    }
}

fn built_in(name: &'static str, settings: String, bound: bool) -> anyhow::Result<BuiltIn> {
    let bytes = artifacts::component(name);
    let bytes = bytes.with_context(|| format!("the component “{name}” is not built in"))?;
    Ok(BuiltIn { name, bytes, settings, bound })
}

/// What runs beside the requests, none of which waits for it.
fn start_background(config: &Config, app: &App, tasks: &Tasks) {
    tasks.run("processes", app.processes.clone().follow_runtimes());
    let runtimes = app.runtimes.clone();
    tasks.run("reconcile", async move { runtimes.reconcile().await });
    app.jobs.sweep_always(tasks);
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
fn make_private_dir(path: &Path) -> anyhow::Result<()> {
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
