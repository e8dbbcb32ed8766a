//! What Docker is told of a container: the same hardening as everywhere.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, ContainerUpdateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum,
    HostConfigLogConfig, Mount, MountType, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use super::labels;
use crate::ids::InstanceId;
use crate::runtimes::engine::{Error, LINK_DIR, Limits, RuntimeSpec, RuntimeUser, WORKSPACE_DIR};
use crate::runtimes::local::plan::{
    MASKED, QUESTION_LIMITS, READ_ONLY, SHM_BYTES, host_name, open_files, supervisor_argv,
};
use crate::runtimes::seccomp;

/// What Docker keeps of what the first process prints: enough to see why it did not start.
const LOG_BYTES: &str = "64k";

/// What Docker keeps of the answer to a question.
const ANSWER_BYTES: &str = "1m";

const CPU_PERIOD_US: i64 = 100_000;

pub(super) fn runtime(
    spec: &RuntimeSpec,
    image: &str,
    engine: Option<&str>,
) -> Result<ContainerCreateBody, Error> {
    let mut host = confined(&spec.limits, engine)?;
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
    engine: Option<&str>,
) -> Result<ContainerCreateBody, Error> {
    let mut host = confined(&QUESTION_LIMITS, engine)?;
    host.tmpfs.get_or_insert_default().insert(
        WORKSPACE_DIR.to_owned(),
        format!("rw,exec,nosuid,nodev,mode=1777,size={}", QUESTION_LIMITS.tmp_bytes),
    );
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

fn confined(limits: &Limits, engine: Option<&str>) -> Result<HostConfig, Error> {
    let memory = i64::try_from(limits.memory_bytes).unwrap_or(i64::MAX);
    let profile = seccomp::docker().map_err(|error| Error::Failed(error.to_string()))?;
    let tmp = format!("rw,exec,nosuid,nodev,mode=1777,size={}", limits.tmp_bytes);
    Ok(HostConfig {
        runtime: engine.map(str::to_owned),
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
        pids_limit: Some(i64::from(limits.pids)),
        ulimits: Some(vec![ulimit("nofile", open_files(limits)), ulimit("core", 0)]),
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
pub(super) fn update(limits: &Limits) -> ContainerUpdateBody {
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
