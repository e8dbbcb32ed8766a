//! What Docker is told of a container: the same hardening as everywhere.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerUpdateBody, HealthConfig, HostConfig,
    HostConfigCgroupnsModeEnum, HostConfigLogConfig, Mount, MountType, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};

use super::labels;
use crate::ids::InstanceId;
use crate::runtimes::engine::{Error, LINK_DIR, Limits, RuntimeSpec, RuntimeUser, WORKSPACE_DIR};
use crate::runtimes::gvisor;
use crate::runtimes::local::plan::{
    MASKED, QUESTION_CPU_SECONDS, QUESTION_LIMITS, READ_ONLY, SHM_BYTES, host_name, open_files,
    supervisor_argv,
};
use crate::runtimes::seccomp::{self, Kernel};

/// What Docker keeps of what the first process prints: enough to see why it did not start.
const LOG_BYTES: &str = "64k";

/// What Docker keeps of the answer to a question.
const ANSWER_BYTES: &str = "1m";

/// The limit by which gVisor counts processes.
const PROCESSES: &str = "nproc";

const CPU_PERIOD_US: i64 = 100_000;

/// The OCI runtime below a container.
#[derive(Debug)]
pub(super) struct OciRuntime {
    /// As the daemon lists it; `None`: the one it takes by itself.
    pub(super) name: Option<String>,
    pub(super) gvisor: bool,
}

pub(super) fn runtime(
    spec: &RuntimeSpec,
    image: &str,
    oci: &OciRuntime,
) -> Result<ContainerCreateBody, Error> {
    let mut host = confined(&spec.limits, oci)?;
    host.mounts = Some(vec![
        bind(&spec.workspace.to_string_lossy(), WORKSPACE_DIR, false),
        bind(&spec.link_dir.to_string_lossy(), LINK_DIR, true),
    ]);
    let mut body = process(supervisor_argv(), image, spec.user);
    body.hostname = Some(host_name(spec.id.as_str()));
    body.env = Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect());
    body.labels = Some(labels::of_runtime(spec));
    body.host_config = Some(host);
    Ok(body)
}

pub(super) fn question(
    argv: &[&str],
    image: &str,
    user: RuntimeUser,
    instance: &InstanceId,
    oci: &OciRuntime,
) -> Result<ContainerCreateBody, Error> {
    let mut host = confined(&QUESTION_LIMITS, oci)?;
    host.tmpfs.get_or_insert_default().insert(
        WORKSPACE_DIR.to_owned(),
        format!("rw,exec,nosuid,nodev,mode=1777,size={}", QUESTION_LIMITS.tmp_bytes),
    );
    host.ulimits.get_or_insert_default().push(ulimit("cpu", QUESTION_CPU_SECONDS));
    host.log_config = Some(log(ANSWER_BYTES));
    let argv = argv.iter().map(|arg| (*arg).to_owned()).collect();
    let mut body = process(argv, image, user);
    body.env = Some(vec!["HOME=/tmp".to_owned()]);
    body.labels = Some(labels::of_question(instance));
    body.host_config = Some(host);
    Ok(body)
}

fn process(argv: Vec<String>, image: &str, user: RuntimeUser) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(argv),
        // Or the image's own command would follow ours.
        cmd: Some(Vec::new()),
        user: Some(format!("{}:{}", user.uid, user.gid)),
        working_dir: Some(WORKSPACE_DIR.to_owned()),
        stop_signal: Some("SIGTERM".to_owned()),
        tty: Some(false),
        open_stdin: Some(false),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn confined(limits: &Limits, oci: &OciRuntime) -> Result<HostConfig, Error> {
    let around = oci.around(limits);
    let mut ulimits = vec![ulimit("nofile", open_files(limits)), ulimit("core", 0)];
    if oci.gvisor {
        ulimits.push(ulimit(PROCESSES, u64::from(limits.pids)));
    }
    let memory = i64::try_from(limits.memory_bytes).unwrap_or(i64::MAX);
    let kernel = if oci.gvisor { Kernel::Gvisor } else { Kernel::Linux };
    let profile = seccomp::docker(kernel).map_err(|error| Error::Failed(error.to_string()))?;
    let tmp = format!("rw,exec,nosuid,nodev,mode=1777,size={}", limits.tmp_bytes);
    Ok(HostConfig {
        runtime: oci.name.clone(),
        // No interface but loopback, no name server, nothing published.
        network_mode: Some("none".to_owned()),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        privileged: Some(false),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned(), format!("seccomp={profile}")]),
        readonly_rootfs: Some(true),
        masked_paths: Some(MASKED.map(str::to_owned).to_vec()),
        readonly_paths: Some(READ_ONLY.map(str::to_owned).to_vec()),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), tmp)])),
        shm_size: i64::try_from(SHM_BYTES).ok(),
        memory: Some(memory),
        memory_swap: Some(memory),
        cpu_period: Some(CPU_PERIOD_US),
        cpu_quota: Some(cpu_quota(limits)),
        pids_limit: Some(i64::from(around.pids)),
        ulimits: Some(ulimits),
        // The supervisor reaps; Docker's own init would only stand between.
        init: Some(false),
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        log_config: Some(log(LOG_BYTES)),
        ..HostConfig::default()
    })
}

/// The limits that Docker changes while a container runs.
pub(super) fn update(limits: &Limits, oci: &OciRuntime) -> ContainerUpdateBody {
    let limits = &oci.around(limits);
    let memory = i64::try_from(limits.memory_bytes).unwrap_or(i64::MAX);
    ContainerUpdateBody {
        memory: Some(memory),
        memory_swap: Some(memory),
        cpu_period: Some(CPU_PERIOD_US),
        cpu_quota: Some(cpu_quota(limits)),
        pids_limit: Some(i64::from(limits.pids)),
        ..ContainerUpdateBody::default()
    }
}

impl OciRuntime {
    fn around(&self, limits: &Limits) -> Limits {
        if self.gvisor { gvisor::around(limits) } else { *limits }
    }

    /// What stands in the way of giving `container` these limits.
    pub(super) fn fixed(
        &self,
        container: &ContainerInspectResponse,
        limits: &Limits,
    ) -> Option<&'static str> {
        if !self.gvisor {
            return None;
        }
        let state = container.state.as_ref();
        if state.and_then(|state| state.running) == Some(true) {
            return Some("Docker can't change the limits of what runs on gVisor; stop it first");
        }
        let same = processes(container) == Some(i64::from(limits.pids));
        (!same).then_some("on gVisor Docker keeps the number of processes that it began with")
    }
}

/// Whether a container was made for gVisor.
pub(super) fn is_for_gvisor(container: &ContainerInspectResponse) -> bool {
    processes(container).is_some()
}

/// The processes that a container on gVisor may have.
fn processes(container: &ContainerInspectResponse) -> Option<i64> {
    let host = container.host_config.as_ref()?;
    let mut ulimits = host.ulimits.iter().flatten();
    ulimits.find(|limit| limit.name.as_deref() == Some(PROCESSES))?.hard
}

fn cpu_quota(limits: &Limits) -> i64 {
    (i64::from(limits.cpu_millis) * CPU_PERIOD_US / 1000).max(1000)
}

fn ulimit(name: &str, value: u64) -> ResourcesUlimits {
    let value = i64::try_from(value).ok();
    ResourcesUlimits { name: Some(name.to_owned()), soft: value, hard: value }
}

fn log(max_size: &str) -> HostConfigLogConfig {
    let options = [("max-size", max_size), ("max-file", "1")];
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(options.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
    }
}

/// The `Mounts` form: Docker refuses a source that is missing, where `Binds` would make an empty
/// directory that belongs to root.
fn bind(source: &str, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}
