//! The Docker engine: runtimes as containers of a Docker daemon, API 1.41 or later.

mod container;
pub(super) mod image;
mod labels;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bollard::container::LogOutput;
use bollard::errors::Error as ApiError;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum,
    ContainerSummary, ContainerSummaryStateEnum, SystemInfo,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, EventsOptionsBuilder,
    ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StatsOptionsBuilder, StopContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use bollard::{ClientVersion, Docker as Api};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::mpsc;

use self::container::OciRuntime;
use self::image::Images;
use super::engine::{
    Answer, Enforced, Enforcement, Engine, EngineState, Error, Image, Limits, Observed,
    RuntimeSpec, Usage,
};
use super::gvisor;
use super::local::{cgroup, oci, plan, runtime_user};
use crate::command::MAX_OUTPUT_BYTES;
use crate::ids::{InstanceId, Kind, ProjectId, RequestId};

/// The oldest API that has everything we ask for.
const OLDEST_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 41 };

/// How the address of a daemon on this machine begins.
const LOCAL_SOCKET: &str = "unix://";

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// How long a question to an image may take.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How the Docker engine is configured.
/// As rows of the database name it.
pub const NAME: &str = "docker";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the daemon listens, such as `unix:///run/docker.sock`; `DOCKER_HOST` to others.
    pub host: Option<String>,
    /// Images of kinds for which another than the default is wanted.
    #[serde(deserialize_with = "images_of_kinds")]
    pub images: BTreeMap<String, String>,
    /// The OCI runtime, such as `crun`; by default the daemon's own.
    pub runtime: Option<String>,
}

fn images_of_kinds<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let images = BTreeMap::<String, String>::deserialize(from)?;
    for kind in images.keys() {
        kind.parse::<Kind>().map_err(D::Error::custom)?;
    }
    Ok(images)
}

#[derive(Debug)]
pub struct Docker {
    api: Api,
    instance: InstanceId,
    images: Images,
    oci: OciRuntime,
    enforced: Enforced,
    description: String,
    /// The daemon is on this machine, so its containers' control groups can be read.
    on_this_machine: bool,
}

impl Docker {
    /// Speaks with the daemon and agrees on a version.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer or is too old, `Misconfigured` when it lacks the OCI
    /// runtime that is asked for.
    pub async fn open(config: &Config, instance: &InstanceId) -> Result<Self, Error> {
        let host = config.host.as_deref().unwrap_or(DEFAULT_HOST);
        let told = |error: &dyn std::fmt::Display| {
            Error::Unavailable(format!(
                "Docker at {host}: {error}; start it, or set engines.docker.host to where it listens"
            ))
        };
        let api = Api::connect_with_host(host).map_err(|error| told(&error))?;
        let api = api.negotiate_version().await.map_err(|error| told(&error))?;
        if api.client_version() < OLDEST_API {
            return Err(Error::Unavailable(format!(
                "Docker at {host} speaks API {}; {OLDEST_API} (Docker 20.10) or later is needed",
                api.client_version()
            )));
        }
        let info = api.info().await.map_err(|error| told(&error))?;
        has_runtime(config.runtime.as_deref(), &info)?;
        let runtime = config.runtime.clone().or(info.default_runtime.clone()).unwrap_or_default();
        let gvisor = is_gvisor(&runtime, &info, host.starts_with(LOCAL_SOCKET)).await?;
        let version = info.server_version.clone().unwrap_or_default();
        let docker = Self {
            description: format!("docker: {version} at {host}, runtime {runtime}"),
            on_this_machine: host.starts_with(LOCAL_SOCKET),
            enforced: enforced(&info),
            images: Images::new(config.images.clone()),
            oci: OciRuntime { name: config.runtime.clone(), gvisor },
            instance: instance.clone(),
            api,
        };
        docker.clear_questions().await?;
        Ok(docker)
    }

    /// Questions that a killed server left.
    async fn clear_questions(&self) -> Result<(), Error> {
        for left in self.containers(labels::questions(&self.instance)).await? {
            self.delete(left.id.as_deref().unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Imports a root file system, as `docker import` does.
    ///
    /// # Errors
    /// `Failed` when Docker does not take it.
    pub async fn import(&self, kind: Kind, archive: &Path) -> Result<Image, Error> {
        let file = tokio::fs::File::open(archive)
            .await
            .map_err(|error| Error::Failed(format!("{}: {error}", archive.display())))?;
        let chunks = tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024);
        let name = image::built_image(kind);
        let (repository, tag) = name.split_once(':').unwrap_or((&name, "latest"));
        let options =
            CreateImageOptionsBuilder::new().from_src("-").repo(repository).tag(tag).build();
        let body = bollard::body_try_stream(chunks);
        let imported: Result<Vec<_>, _> =
            self.api.create_image(Some(options), Some(body), None).try_collect().await;
        imported.map_err(failed)?;
        self.images.built(&self.api, kind).await
    }

    fn name(&self, id: &ProjectId) -> String {
        format!("lockhouse-{}-{id}", self.instance)
    }

    async fn containers(
        &self,
        filters: HashMap<String, Vec<String>>,
    ) -> Result<Vec<ContainerSummary>, Error> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        self.api.list_containers(Some(options)).await.map_err(failed)
    }

    async fn find(&self, id: &ProjectId) -> Result<Option<ContainerInspectResponse>, Error> {
        match self.api.inspect_container(&self.name(id), None).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// What has a runtime's name and not its labels is somebody else's.
    fn in_the_way(&self, id: &ProjectId) -> Error {
        let name = self.name(id);
        Error::Failed(format!(
            "Docker has a container named {name} that Lockhouse did not make; rename or remove it"
        ))
    }

    fn observe(&self, found: &ContainerInspectResponse) -> Option<Observed> {
        let labels = found.config.as_ref()?.labels.as_ref()?;
        let (id, generation) = labels::read(labels, &self.instance)?;
        let state = found.state.as_ref().map_or(EngineState::Created, state);
        Some(Observed { id, generation, state })
    }

    /// Whose it is and how new, by its labels.
    fn marks(&self, summary: &ContainerSummary) -> Option<(ProjectId, u32)> {
        labels::read(summary.labels.as_ref()?, &self.instance)
    }

    fn is_named_for(&self, summary: &ContainerSummary, id: &ProjectId) -> bool {
        let name = format!("/{}", self.name(id));
        summary.names.as_ref().is_some_and(|names| names.contains(&name))
    }

    async fn make(&self, name: &str, body: ContainerCreateBody) -> Result<(), ApiError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        self.api.create_container(Some(options), body).await.map(drop)
    }

    /// Removes a container, running or not, and its volumes; one that is gone is no error.
    async fn delete(&self, name: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.api.remove_container(name, Some(options)).await {
            Err(error) if !is_missing(&error) && !is_being_removed(&error) => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Starts it, waits for its end, reads what it printed.
    async fn answer(&self, name: &str) -> Result<Answer, ApiError> {
        self.api.start_container(name, None).await?;
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let ended = self.api.wait_container(name, Some(options)).next().await;
        let exit_code = match ended {
            Some(Ok(ended)) => ended.status_code,
            Some(Err(ApiError::DockerContainerWaitError { code, .. })) => code,
            Some(Err(error)) => return Err(error),
            None => -1,
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let mut logs = Box::pin(self.api.logs(name, Some(options)));
        while let Some(line) = logs.try_next().await? {
            let to = match line {
                LogOutput::StdErr { .. } => &mut stderr,
                _ => &mut stdout,
            };
            let room = MAX_OUTPUT_BYTES.saturating_sub(to.len());
            to.extend(line.into_bytes().iter().take(room));
        }
        Ok(Answer {
            exit_code: i32::try_from(exit_code).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    /// Docker's own account, for a daemon elsewhere.
    async fn stats(&self, id: &ProjectId) -> Result<Usage, Error> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let name = self.name(id);
        let mut stats = Box::pin(self.api.stats(&name, Some(options)));
        let stats = stats.try_next().await.map_err(failed)?.ok_or(Error::NotFound)?;
        let cpu = stats.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage).unwrap_or(0);
        let memory = stats.memory_stats.unwrap_or_default();
        let kept = memory.stats.unwrap_or_default();
        let idle = kept.get("total_inactive_file").or(kept.get("inactive_file"));
        Ok(Usage {
            cpu: Duration::from_nanos(cpu),
            memory_bytes: memory.usage.unwrap_or(0).saturating_sub(idle.copied().unwrap_or(0)),
            pids: stats.pids_stats.and_then(|pids| pids.current).unwrap_or(0),
        })
    }
}

#[async_trait]
impl Engine for Docker {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn describe(&self) -> Result<String, Error> {
        self.api.ping().await.map_err(failed)?;
        Ok(self.description.clone())
    }

    fn shares_kernel(&self) -> bool {
        !self.oci.gvisor
    }

    fn enforced(&self) -> Enforced {
        self.enforced.clone()
    }

    async fn image(&self, kind: Kind) -> Result<Image, Error> {
        self.images.find(&self.api, kind).await
    }

    async fn ask(&self, kind: Kind, argv: &[&str]) -> Result<Answer, Error> {
        let image = self.image(kind).await?;
        let body =
            container::question(argv, &image.name, runtime_user(), &self.instance, &self.oci)?;
        let name = format!("lockhouse-ask-{}", RequestId::generate());
        self.make(&name, body).await.map_err(failed)?;
        let answered = tokio::time::timeout(QUESTION_TIMEOUT, self.answer(&name)).await;
        self.delete(&name).await?;
        let late = |_| Error::Failed(format!("the image did not answer in {QUESTION_TIMEOUT:?}"));
        answered.map_err(late)?.map_err(failed)
    }

    async fn create(&self, spec: &RuntimeSpec) -> Result<(), Error> {
        if let Some(there) = self.find(&spec.id).await? {
            let seen = self.observe(&there).ok_or_else(|| self.in_the_way(&spec.id))?;
            if seen.generation == spec.generation {
                return Ok(());
            }
            self.delete(&self.name(&spec.id)).await?;
        }
        let image = self.image(spec.kind).await?;
        let body = container::runtime(spec, &image.name, &self.oci)?;
        match self.make(&self.name(&spec.id), body).await {
            // Somebody else has made it at the same time.
            Err(error) if status(&error) == Some(409) => Ok(()),
            made => made.map_err(failed),
        }
    }

    async fn start(&self, id: &ProjectId) -> Result<(), Error> {
        if self.oci.gvisor
            && !self.find(id).await?.is_none_or(|made| container::is_for_gvisor(&made))
        {
            return Err(Error::Failed(gvisor::MADE_FOR_ANOTHER.to_owned()));
        }
        match self.api.start_container(&self.name(id), None).await {
            Err(error) if status(&error) == Some(304) => Ok(()),
            Err(error) if is_missing(&error) => Err(Error::NotFound),
            started => started.map_err(failed),
        }
    }

    async fn update(&self, id: &ProjectId, limits: &Limits) -> Result<(), Error> {
        let found = self.find(id).await?.ok_or(Error::NotFound)?;
        self.observe(&found).ok_or(Error::NotFound)?;
        if let Some(why) = self.oci.fixed(&found, limits) {
            return Err(Error::NotLive(why.to_owned()));
        }
        let update = container::update(limits, &self.oci);
        match self.api.update_container(&self.name(id), update).await {
            Err(error) if is_missing(&error) => Err(Error::NotFound),
            // The kernel takes no limit that lies below what is in use; OCI runtimes
            // tell so in words of their own.
            Err(ApiError::DockerResponseServerError { message, .. })
                if message.contains("device or resource busy")
                    || message.contains("unable to set memory limit") =>
            {
                Err(Error::NotLive(format!(
                    "Docker: {message}; end programs in the runtime, or stop it first"
                )))
            }
            updated => updated.map_err(failed),
        }
    }

    async fn stop(&self, id: &ProjectId, grace: Duration) -> Result<(), Error> {
        // Docker counts whole seconds.
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        match self.api.stop_container(&self.name(id), Some(options)).await {
            Err(error) if status(&error) == Some(304) => Ok(()),
            Err(error) if is_missing(&error) => Err(Error::NotFound),
            stopped => stopped.map_err(failed),
        }
    }

    async fn remove(&self, id: &ProjectId) -> Result<(), Error> {
        self.delete(&self.name(id)).await
    }

    async fn inspect(&self, id: &ProjectId) -> Result<Option<Observed>, Error> {
        Ok(self.find(id).await?.and_then(|found| self.observe(&found)))
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        let mut found = Vec::new();
        for summary in self.containers(labels::runtimes(&self.instance)).await? {
            let Some((id, generation)) = self.marks(&summary) else { continue };
            if !self.is_named_for(&summary, &id) {
                continue;
            }
            let state = match summary.state {
                Some(ContainerSummaryStateEnum::CREATED) => EngineState::Created,
                Some(ContainerSummaryStateEnum::EXITED | ContainerSummaryStateEnum::DEAD) => {
                    // How it ended is not in the list, and it may be gone by now.
                    found.extend(self.inspect(&id).await?);
                    continue;
                }
                _ => EngineState::Running,
            };
            found.push(Observed { id, generation, state });
        }
        Ok(found)
    }

    async fn remove_duplicates(&self) -> Result<(), Error> {
        for summary in self.containers(labels::runtimes(&self.instance)).await? {
            let Some((id, _)) = self.marks(&summary) else { continue };
            if let Some(container) =
                summary.id.as_deref().filter(|_| !self.is_named_for(&summary, &id))
            {
                tracing::info!(project = %id, container, "removing a second container of a runtime");
                self.delete(container).await?;
            }
        }
        Ok(())
    }

    async fn watch(&self, changed: &mpsc::Sender<ProjectId>) -> Result<(), Error> {
        let mut filters = labels::runtimes(&self.instance);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        let ends = ["die", "oom", "destroy", "pause", "start"].map(str::to_owned);
        filters.insert("event".to_owned(), ends.to_vec());
        let options = EventsOptionsBuilder::new().filters(&filters).build();
        let mut events = Box::pin(self.api.events(Some(options)));
        while let Some(event) = events.try_next().await.map_err(failed)? {
            let labels = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
            let Some((id, _)) = labels::read(&labels, &self.instance) else { continue };
            // Where too many wait, the next check sees to the rest.
            let _ = changed.try_send(id);
        }
        Ok(())
    }

    async fn usage(&self, id: &ProjectId) -> Result<Usage, Error> {
        let found = self.find(id).await?.ok_or(Error::NotFound)?;
        let state = found.state.unwrap_or_default();
        if state.running != Some(true) {
            return Ok(Usage { cpu: Duration::ZERO, memory_bytes: 0, pids: 0 });
        }
        let pid = state.pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        let container = found.id.unwrap_or_default();
        let read = self.on_this_machine.then(|| cgroup::usage(pid, &container)).flatten();
        match read {
            Some(usage) => Ok(usage),
            None => self.stats(id).await,
        }
    }
}

/// A daemon takes a name it does not know, and fails at every start instead.
fn has_runtime(wanted: Option<&str>, info: &SystemInfo) -> Result<(), Error> {
    let known = info.runtimes.as_ref();
    let Some(wanted) = wanted.filter(|name| known.is_none_or(|known| !known.contains_key(*name)))
    else {
        return Ok(());
    };
    let mut known: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    known.sort_unstable();
    Err(Error::Misconfigured(format!(
        "engines.docker.runtime names the OCI runtime “{wanted}”, which Docker does not know (it \
         has {}); install it: {}, list it under “runtimes” in Docker's daemon.json, and restart \
         Docker; or leave engines.docker.runtime out",
        known.join(", "),
        plan::how_to_install(wanted)
    )))
}

/// Whether the OCI runtime is gVisor's, whatever its name is here; one that can't work is an error.
async fn is_gvisor(runtime: &str, info: &SystemInfo, here: bool) -> Result<bool, Error> {
    let entry = info.runtimes.as_ref().and_then(|known| known.get(runtime));
    let program = entry.and_then(|entry| entry.path.as_deref()).unwrap_or(runtime);
    let version = if here { oci::version(Path::new(program)).await.ok() } else { None };
    let said = version.as_deref().unwrap_or_default();
    if ![runtime, program, said].into_iter().any(gvisor::is_meant_by) {
        return Ok(false);
    }
    let told = entry.and_then(|entry| entry.runtime_args.clone()).unwrap_or_default();
    let wrong = version.as_deref().and_then(gvisor::what_is_wrong_with);
    match wrong.or_else(|| gvisor::what_it_is_not_told(&told)) {
        None => Ok(true),
        Some(wrong) => Err(Error::Misconfigured(format!(
            "Docker's OCI runtime “{runtime}” does not work here: {wrong}; or set \
             engines.docker.runtime to another that the daemon lists, such as runc"
        ))),
    }
}

fn state(state: &ContainerState) -> EngineState {
    use ContainerStateStatusEnum::{CREATED, DEAD, EMPTY, EXITED, REMOVING};
    match state.status.unwrap_or(EMPTY) {
        CREATED => EngineState::Created,
        EXITED | DEAD | REMOVING | EMPTY => EngineState::Stopped {
            exit_code: state.exit_code.and_then(|code| i32::try_from(code).ok()),
            out_of_memory: state.oom_killed.unwrap_or(false),
        },
        _ => EngineState::Running,
    }
}

fn enforced(info: &SystemInfo) -> Enforced {
    let held = |can: Option<bool>, what: &str| match can {
        Some(true) => Enforcement::Hard,
        _ => Enforcement::None(format!(
            "this Docker can't limit {what}; its kernel lacks the control group for it"
        )),
    };
    Enforced {
        memory: held(info.memory_limit, "memory"),
        cpu: held(info.cpu_cfs_quota, "CPU time"),
        pids: held(info.pids_limit, "processes"),
        open_files: Enforcement::Hard,
        tmp: Enforcement::Hard,
    }
}

fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn is_missing(error: &ApiError) -> bool {
    status(error) == Some(404)
}

/// Another call is removing it already.
fn is_being_removed(error: &ApiError) -> bool {
    status(error) == Some(409)
}

fn failed(error: ApiError) -> Error {
    match error {
        ApiError::DockerResponseServerError { message, .. } => {
            Error::Failed(format!("Docker: {message}"))
        }
        ApiError::RequestTimeoutError
        | ApiError::HyperResponseError { .. }
        | ApiError::HyperLegacyError { .. }
        | ApiError::SocketNotFoundError(_)
        | ApiError::IOError { .. } => Error::Unavailable(format!("Docker: {error}")),
        other => Error::Failed(format!("Docker: {other}")),
    }
}
