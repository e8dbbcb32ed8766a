//! The local engine: runtimes on this machine without a daemon. As root by an OCI runtime's
//! command line, as an ordinary user by bubblewrap.
//!
//! What exists is what lies in `<data>/runtimes/<id>/bundle/`: a record, and what to start.
//! Creating writes it, starting runs it detached from the server, stopping ends it and leaves
//! the bundle, removing deletes the bundle. A runtime whose bundle is lost is known by its control
//! groups, and can only be removed.

mod bubblewrap;
mod bundle;
pub(super) mod cgroup;
mod machine;
mod namespaces;
pub(super) mod oci;
pub(super) mod plan;
pub(super) mod process;
mod record;
pub(super) mod rootfs;
mod sandbox;
mod seen;
mod strays;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard, OnceCell, mpsc};

use self::bubblewrap::Bubblewrap;
use self::cgroup::{Cgroups, Maker};
pub use self::namespaces::{needs_user_namespaces, what_forbids_user_namespaces};
use self::oci::Oci;
use self::plan::Plan;
use self::record::BUNDLE;
pub(super) use self::record::{Record, records};
use self::rootfs::Root;
use super::engine::{
    Answer, Enforced, Enforcement, Engine, EngineState, Error, Image, Limits, Observed,
    RuntimeSpec, RuntimeUser, Usage,
};
use super::gvisor;
use super::images::mirrors;
use crate::ids::{InstanceId, Kind, ProjectId, RequestId};

/// Runtimes of one server that are worked on at once; others with the same slot wait.
const SLOTS: usize = 64;

/// How the local engine is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub mode: Mode,
    /// Name or path of the OCI runtime; by default the first of `runc` and `crun` there is.
    pub runtime: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// An OCI runtime as root, else bubblewrap.
    #[default]
    Auto,
    Oci,
    Bubblewrap,
}

/// Who a runtime's processes are when this process starts them: user 1000 if we are root and may
/// choose, else ourselves.
pub fn runtime_user() -> RuntimeUser {
    let own = rustix::process::geteuid();
    if own.is_root() {
        RuntimeUser { uid: 1000, gid: 1000 }
    } else {
        RuntimeUser { uid: own.as_raw(), gid: rustix::process::getegid().as_raw() }
    }
}

#[derive(Debug)]
pub struct Local {
    instance: InstanceId,
    runtimes: PathBuf,
    images: PathBuf,
    method: Method,
    cgroups: Cgroups,
    description: String,
    slots: [Mutex<()>; SLOTS],
    /// What this machine's own /usr was found to have, and when that was.
    proven: Mutex<HashMap<Kind, Proven>>,
    /// What package managers here are configured to use, for the machine's own /usr.
    mirrors: OnceCell<Vec<(String, String)>>,
}

#[derive(Debug)]
enum Method {
    Oci(Oci),
    Bubblewrap(Bubblewrap),
}

#[derive(Debug, Clone)]
struct Proven {
    packages: String,
    image: Image,
}

impl Local {
    /// The local engine on `data`, the server's data directory.
    ///
    /// # Errors
    /// `Unavailable` when the program it needs is not there; the text says how to get it.
    pub async fn open(config: &Config, data: &Path, instance: &InstanceId) -> Result<Self, Error> {
        let data = std::path::absolute(data).map_err(|error| Error::Failed(error.to_string()))?;
        let runtimes = data.join("runtimes");
        // The name of the data directory may hold no secret, but what lies in it is ours alone.
        make_dir(&runtimes)?;
        make_dir(&runtimes.join(".machine"))?;
        make_dir(&runtimes.join(".ask"))?;
        let root = rustix::process::geteuid().is_root();
        let maker = if root { Maker::Root } else { Maker::OrdinaryUser };
        let cgroups = Cgroups::detect(maker, instance.as_str());
        let (method, description) = match (config.mode, root) {
            (Mode::Auto | Mode::Oci, true) => {
                open_oci(config, &runtimes.join(".oci"), &cgroups).await?
            }
            (Mode::Auto | Mode::Bubblewrap, false) if config.runtime.is_some() => {
                return Err(Error::Misconfigured(RUNTIME_NEEDS_ROOT.to_owned()));
            }
            (Mode::Auto | Mode::Bubblewrap, false) => open_bubblewrap(&runtimes, &cgroups).await?,
            (Mode::Oci, false) => return Err(Error::Unavailable(NEEDS_ROOT.to_owned())),
            (Mode::Bubblewrap, true) => return Err(Error::Unavailable(NOT_AS_ROOT.to_owned())),
        };
        Ok(Self {
            instance: instance.clone(),
            runtimes,
            images: data.join("images"),
            method,
            cgroups,
            description,
            slots: std::array::from_fn(|_| Mutex::new(())),
            proven: Mutex::default(),
            mirrors: OnceCell::new(),
        })
    }

    /// Whether runtimes are made by bubblewrap, as an ordinary user.
    pub fn is_bubblewrap(&self) -> bool {
        matches!(self.method, Method::Bubblewrap(_))
    }

    fn bundle(&self, id: &ProjectId) -> PathBuf {
        self.runtimes.join(id.as_str()).join(BUNDLE)
    }

    /// One thing at a time is done to one runtime.
    async fn slot(&self, id: &ProjectId) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let slot = hasher.finish() % SLOTS as u64;
        self.slots[slot as usize].lock().await
    }

    async fn record(&self, id: &ProjectId) -> Result<Record, Error> {
        let record = Record::load(&self.bundle(id)).await?;
        record.filter(|record| record.is_of(&self.instance)).ok_or(Error::NotFound)
    }

    /// The root file system of a kind, and what the image is called.
    async fn root(&self, kind: Kind) -> Result<(Root, Image), Error> {
        if let Some(found) = rootfs::unpacked(&self.images, kind)? {
            return Ok(found);
        }
        let dir = self.runtimes.join(".machine");
        let files = self.mirrors.get_or_init(mirrors::files).await;
        let root = machine::root(&dir, files)
            .map_err(|error| Error::Failed(format!("{}: {error}", dir.display())))?;
        let image = self.machine_image(kind, &root).await?;
        Ok((root, image))
    }

    /// Asks the machine's own tools who they are, once for each state of its packages.
    async fn machine_image(&self, kind: Kind, root: &Root) -> Result<Image, Error> {
        let packages = machine::packages_stamp();
        let mut proven = self.proven.lock().await;
        if let Some(known) = proven.get(&kind).filter(|known| known.packages == packages) {
            return Ok(known.image.clone());
        }
        let answer = self.question(root.clone(), &["sh", "-c", machine::proof(kind)]).await?;
        if answer.exit_code != 0 {
            return Err(no_image(kind, &answer));
        }
        let said = format!("{packages}\n{}", answer.stdout);
        let image = Image {
            kind,
            name: "this machine's /usr".to_owned(),
            digest: blake3::hash(said.as_bytes()).to_hex().to_string(),
            notice: Some(format!(
                "{kind} runs on this machine's own programs, read-only; for an image of its own: \
                 lockhouse images build {kind}"
            )),
        };
        proven.insert(kind, Proven { packages, image: image.clone() });
        Ok(image)
    }

    async fn question(&self, root: Root, argv: &[&str]) -> Result<Answer, Error> {
        let name = format!("{}{}", strays::ASKING, RequestId::generate());
        let plan = Plan::question(name, argv, runtime_user(), root);
        let bundle = tempfile::tempdir_in(self.runtimes.join(".ask"))
            .map_err(|error| Error::Failed(error.to_string()))?;
        match &self.method {
            Method::Oci(oci) => oci.ask(bundle.path(), &plan).await,
            Method::Bubblewrap(bubblewrap) => bubblewrap.ask(bundle.path(), &plan).await,
        }
    }

    async fn write(&self, spec: &RuntimeSpec) -> Result<(), Error> {
        let (root, _) = self.root(spec.kind).await?;
        let bundle = self.bundle(&spec.id);
        make_dir(&bundle)?;
        let hosts = bundle.join("hosts");
        let plan = Plan::runtime(spec, root, hosts.clone());
        tokio::fs::write(&hosts, plan.hosts_text())
            .await
            .map_err(|error| Error::Failed(format!("{}: {error}", hosts.display())))?;
        match &self.method {
            Method::Oci(oci) => oci.write(&bundle, &plan)?,
            Method::Bubblewrap(bubblewrap) => bubblewrap.write(&bundle, &plan)?,
        }
        let record = Record {
            id: spec.id.to_string(),
            instance: self.instance.to_string(),
            generation: spec.generation,
            kind: spec.kind.to_string(),
            root: plan.root.path,
            started: false,
            out_of_memory: false,
            process: None,
        };
        // Written last: without it the bundle counts as not there.
        record.save(&bundle).await
    }

    /// Ends all of it, whatever still knows of it; answers whether something in it had been
    /// killed for want of memory.
    async fn halt(&self, id: &ProjectId, record: &Record, grace: Duration) -> Result<bool, Error> {
        let out_of_memory = self.end(id, record, grace).await?;
        strays::end(&self.cgroups, id).await?;
        Ok(out_of_memory)
    }

    async fn end(&self, id: &ProjectId, record: &Record, grace: Duration) -> Result<bool, Error> {
        match &self.method {
            Method::Oci(oci) => {
                let oci = oci.maker_of(&self.bundle(id));
                match oci.settled(id.as_str()).await? {
                    Some(container) => oci.stop(&container, grace).await,
                    None => oci.clear(id.as_str()).await.map(|()| record.out_of_memory),
                }
            }
            Method::Bubblewrap(bubblewrap) => match &record.process {
                Some(first) if first.lives() => {
                    bubblewrap.stop(id.as_str(), &self.bundle(id), first, grace).await
                }
                _ => Ok(record.out_of_memory),
            },
        }
    }

    /// Ends a runtime whose bundle is lost, and what its OCI runtime and the kernel keep of it.
    async fn end_lost(&self, id: &ProjectId) -> Result<(), Error> {
        if let Method::Oci(oci) = &self.method {
            oci.clear(id.as_str()).await?;
        }
        strays::end(&self.cgroups, id).await?;
        self.cgroups.remove(id.as_str());
        Ok(())
    }
}

#[async_trait]
impl Engine for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    async fn describe(&self) -> Result<String, Error> {
        Ok(self.description.clone())
    }

    fn shares_kernel(&self) -> bool {
        !matches!(&self.method, Method::Oci(oci) if oci.is_gvisor())
    }

    fn enforced(&self) -> Enforced {
        Enforced {
            memory: self.cgroups.enforcement("memory"),
            cpu: self.cgroups.enforcement("cpu"),
            pids: match &self.method {
                Method::Oci(oci) if oci.is_gvisor() => Enforcement::Hard,
                _ => self.cgroups.enforcement("pids"),
            },
            open_files: Enforcement::Hard,
            tmp: Enforcement::Hard,
        }
    }

    async fn image(&self, kind: Kind) -> Result<Image, Error> {
        Ok(self.root(kind).await?.1)
    }

    async fn ask(&self, kind: Kind, argv: &[&str]) -> Result<Answer, Error> {
        let (root, _) = self.root(kind).await?;
        self.question(root, argv).await
    }

    async fn create(&self, spec: &RuntimeSpec) -> Result<(), Error> {
        let _slot = self.slot(&spec.id).await;
        if self.is_bubblewrap() && spec.user != runtime_user() {
            return Err(Error::Failed(format!(
                "as an ordinary user the server can start runtimes only as itself, user {}, not \
                 as user {}",
                runtime_user().uid,
                spec.user.uid
            )));
        }
        match self.record(&spec.id).await {
            Ok(record) if record.generation == spec.generation => Ok(()),
            Ok(record) => {
                self.halt(&spec.id, &record, Duration::ZERO).await?;
                self.write(spec).await
            }
            Err(Error::NotFound) => self.write(spec).await,
            Err(error) => Err(error),
        }
    }

    async fn start(&self, id: &ProjectId) -> Result<(), Error> {
        let _slot = self.slot(id).await;
        let bundle = self.bundle(id);
        let mut record = self.record(id).await?;
        let container = self.container(id).await?;
        if self.observe(id.clone(), &record, container.as_ref()).await.state == EngineState::Running
        {
            return Ok(());
        }
        let tried = record.started;
        record.started = true;
        record.out_of_memory = false;
        record.process = None;
        record.save(&bundle).await?;
        match &self.method {
            Method::Oci(oci) => {
                let maker = oci.maker_of(&bundle);
                // A start that a killed server began may still be under way: it is written down
                // as tried before anything of it can be seen.
                let container = match container {
                    None if tried => maker.settled(id.as_str()).await?,
                    found => found,
                };
                match container {
                    Some(container) if !container.is_stopped() => return Ok(()),
                    Some(_) => maker.delete(id.as_str()).await?,
                    None => maker.clear(id.as_str()).await?,
                }
                strays::end(&self.cgroups, id).await?;
                oci.run(id.as_str(), &bundle).await
            }
            Method::Bubblewrap(bubblewrap) => {
                strays::end(&self.cgroups, id).await?;
                record.process = Some(bubblewrap.run(&bundle).await?);
                record.save(&bundle).await
            }
        }
    }

    async fn update(&self, id: &ProjectId, limits: &Limits) -> Result<(), Error> {
        let _slot = self.slot(id).await;
        let record = self.record(id).await?;
        let container = self.container(id).await?;
        let seen = self.observe(id.clone(), &record, container.as_ref()).await;
        let bundle = self.bundle(id);
        if seen.state == EngineState::Running {
            let limits = match &self.method {
                Method::Oci(oci) => oci.live(&bundle, limits)?,
                Method::Bubblewrap(_) => *limits,
            };
            self.cgroups.apply(id.as_str(), &limits).map_err(not_live)?;
        }
        match &self.method {
            Method::Oci(oci) => oci.rewrite(&bundle, limits).await,
            Method::Bubblewrap(_) => Bubblewrap::rewrite(&bundle, limits).await,
        }
    }

    async fn stop(&self, id: &ProjectId, grace: Duration) -> Result<(), Error> {
        let _slot = self.slot(id).await;
        let mut record = self.record(id).await?;
        let out_of_memory = self.halt(id, &record, grace).await?;
        if record.out_of_memory != out_of_memory {
            record.out_of_memory = out_of_memory;
            record.save(&self.bundle(id)).await?;
        }
        Ok(())
    }

    async fn remove(&self, id: &ProjectId) -> Result<(), Error> {
        let _slot = self.slot(id).await;
        let bundle = self.bundle(id);
        let record = match Record::load(&bundle).await? {
            None => return self.end_lost(id).await,
            Some(record) if record.is_of(&self.instance) => record,
            Some(_) => return Ok(()),
        };
        self.halt(id, &record, Duration::ZERO).await?;
        self.cgroups.remove(id.as_str());
        // The record goes first: a half-removed bundle counts as gone.
        Record::delete(&bundle).await?;
        tokio::fs::remove_dir_all(&bundle)
            .await
            .map_err(|error| Error::Failed(format!("{}: {error}", bundle.display())))
    }

    async fn inspect(&self, id: &ProjectId) -> Result<Option<Observed>, Error> {
        let record = match self.record(id).await {
            Err(Error::NotFound) => return Ok(None),
            found => found?,
        };
        let container = self.container(id).await?;
        Ok(Some(self.observe(id.clone(), &record, container.as_ref()).await))
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        self.seen().await
    }

    /// A bundle counts by the directory it lies in, so there are none.
    async fn remove_duplicates(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The link of a runtime that ends tells so at once; nobody else would.
    async fn watch(&self, _changed: &mpsc::Sender<ProjectId>) -> Result<(), Error> {
        std::future::pending().await
    }

    async fn usage(&self, id: &ProjectId) -> Result<Usage, Error> {
        let record = self.record(id).await?;
        let first = match &self.method {
            Method::Oci(_) => {
                let container = self.container(id).await?;
                container.filter(|container| !container.is_stopped()).map(|found| found.pid)
            }
            Method::Bubblewrap(_) => {
                record.process.filter(record::FirstProcess::lives).map(|first| first.pid)
            }
        };
        let nothing = Usage { cpu: Duration::ZERO, memory_bytes: 0, pids: 0 };
        Ok(first.map_or(nothing, |pid| {
            cgroup::usage(pid, id.as_str()).unwrap_or_else(|| process::usage(pid))
        }))
    }
}

const NEEDS_ROOT: &str = "an OCI runtime makes runtimes only as root; start the server as root, \
     or leave engines.local.mode at “auto” to use bubblewrap as an ordinary user";

const RUNTIME_NEEDS_ROOT: &str = "engines.local.runtime names an OCI runtime, which makes \
     runtimes only as root; start the server as root, or leave it out to use bubblewrap as an \
     ordinary user";

const NOT_AS_ROOT: &str = "as root, bubblewrap would run runtimes as root on this machine; \
     install an OCI runtime (apt-get install runc), or start the server as an ordinary user";

async fn open_oci(
    config: &Config,
    state: &Path,
    cgroups: &Cgroups,
) -> Result<(Method, String), Error> {
    let candidates = match &config.runtime {
        Some(named) => vec![named.clone()],
        None => oci::PROGRAMS.map(PathBuf::from).to_vec(),
    };
    let mut problems = Vec::new();
    for program in candidates {
        match oci::version(&program).await {
            Ok(version) => {
                let gvisor = gvisor::is_meant_by(&version);
                if let Some(wrong) = gvisor.then(|| gvisor::what_is_wrong_with(&version)).flatten()
                {
                    problems.push(wrong);
                    continue;
                }
                let oci = Oci::new(program, state.to_owned(), cgroups.clone(), gvisor);
                return Ok((Method::Oci(oci), format!("local: {version}, as root")));
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    let problems = problems.join("; ");
    Err(match &config.runtime {
        Some(named) => Error::Misconfigured(format!(
            "engines.local.runtime names the OCI runtime “{}”, which does not work here \
             ({problems}); install it: {}, or leave engines.local.runtime out",
            named.display(),
            plan::how_to_install(&named.to_string_lossy())
        )),
        None => Error::Unavailable(format!(
            "no OCI runtime works ({problems}); install one: apt-get install runc"
        )),
    })
}

/// The kernel takes no limit that lies below what is in use.
fn not_live(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ResourceBusy => Error::NotLive(
            "more memory is in use than the new limit allows; end programs in the runtime, or \
             stop it first"
                .to_owned(),
        ),
        _ => Error::Failed(format!("the runtime's control groups: {error}")),
    }
}

async fn open_bubblewrap(runtimes: &Path, cgroups: &Cgroups) -> Result<(Method, String), Error> {
    let program = PathBuf::from(bubblewrap::PROGRAM);
    let version = oci::version(&program).await.map_err(|error| {
        Error::Unavailable(format!(
            "as an ordinary user the local engine needs bubblewrap ({error}); install it: apt-get \
             install bubblewrap, or start the server as root with runc installed"
        ))
    })?;
    let bubblewrap = Bubblewrap::new(program, &runtimes.join(".machine"), cgroups.clone())?;
    Ok((Method::Bubblewrap(bubblewrap), format!("local: {version}, as an ordinary user")))
}

fn make_dir(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path)
        .map_err(|error| Error::Failed(format!("{}: {error}", path.display())))
}

fn no_image(kind: Kind, answer: &Answer) -> Error {
    let said: String = answer.stderr.trim().chars().take(400).collect();
    Error::NoImage(format!(
        "this machine's own programs are not enough for {kind} ({said}); make an image: lockhouse \
         images build {kind}"
    ))
}
