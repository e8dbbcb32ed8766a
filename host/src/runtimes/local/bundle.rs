//! The OCI bundle's `config.json`: everything that confines a runtime, said once.

use std::path::Path;

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Capabilities, LinuxBuilder, LinuxCapabilitiesBuilder, LinuxCpuBuilder,
    LinuxDeviceCgroupBuilder, LinuxMemoryBuilder, LinuxNamespace, LinuxNamespaceBuilder,
    LinuxNamespaceType, LinuxPidsBuilder, LinuxResources, LinuxResourcesBuilder, Mount,
    MountBuilder, PosixRlimitBuilder, PosixRlimitType, Process, ProcessBuilder, RootBuilder, Spec,
    SpecBuilder, UserBuilder,
};

use super::cgroup::{CPU_PERIOD_US, Cgroups, quota_us};
use super::plan::{MASKED, Plan, READ_ONLY, SHM_BYTES, open_files};
use crate::runtimes::engine::{LINK_DIR, Limits, WORKSPACE_DIR};
use crate::runtimes::seccomp;

const NAMESPACES: &[LinuxNamespaceType] = &[
    LinuxNamespaceType::Pid,
    LinuxNamespaceType::Mount,
    LinuxNamespaceType::Ipc,
    LinuxNamespaceType::Uts,
    // A new one has a loopback interface and nothing else; the OCI runtime brings it up.
    LinuxNamespaceType::Network,
    LinuxNamespaceType::Cgroup,
];

pub(super) fn config(plan: &Plan, cgroups: &Cgroups) -> Result<Spec, OciSpecError> {
    let root = RootBuilder::default().path(plan.root.path.clone()).readonly(true).build()?;
    let mut linux = LinuxBuilder::default()
        .namespaces(namespaces()?)
        .resources(resources(&plan.limits, cgroups)?)
        .seccomp(seccomp::oci(seccomp::Kernel::Linux)?)
        .masked_paths(strings(&MASKED))
        .readonly_paths(strings(&READ_ONLY));
    if cgroups.any() {
        linux = linux.cgroups_path(cgroups.oci_path(&plan.name));
    }
    SpecBuilder::default()
        .version("1.0.2")
        .root(root)
        .process(process(plan)?)
        .hostname(plan.host_name())
        .mounts(mounts(plan, cgroups)?)
        .linux(linux.build()?)
        .build()
}

fn process(plan: &Plan) -> Result<Process, OciSpecError> {
    let none = Capabilities::new();
    let capabilities = LinuxCapabilitiesBuilder::default()
        .bounding(none.clone())
        .effective(none.clone())
        .inheritable(none.clone())
        .permitted(none.clone())
        .ambient(none)
        .build()?;
    let files = open_files(&plan.limits);
    let processor = plan.cpu_seconds.map(|seconds| (PosixRlimitType::RlimitCpu, seconds));
    let rlimits = [(PosixRlimitType::RlimitNofile, files), (PosixRlimitType::RlimitCore, 0)]
        .into_iter()
        .chain(processor)
        .map(|(typ, value)| PosixRlimitBuilder::default().typ(typ).soft(value).hard(value).build())
        .collect::<Result<Vec<_>, _>>()?;
    ProcessBuilder::default()
        .terminal(false)
        .user(UserBuilder::default().uid(plan.user.uid).gid(plan.user.gid).build()?)
        .args(plan.argv.clone())
        .env(plan.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        .cwd(WORKSPACE_DIR)
        .capabilities(capabilities)
        .no_new_privileges(true)
        .rlimits(rlimits)
        .build()
}

fn namespaces() -> Result<Vec<LinuxNamespace>, OciSpecError> {
    NAMESPACES.iter().map(|typ| LinuxNamespaceBuilder::default().typ(*typ).build()).collect()
}

/// The same bundle with other limits of the control groups.
pub(super) fn with_limits(
    mut spec: Spec,
    limits: &Limits,
    cgroups: &Cgroups,
) -> Result<Spec, OciSpecError> {
    if let Some(mut linux) = spec.linux().clone() {
        linux.set_resources(Some(resources(limits, cgroups)?));
        spec.set_linux(Some(linux));
    }
    Ok(spec)
}

/// Only what this machine can hold: an OCI runtime fails on the rest.
fn resources(limits: &Limits, cgroups: &Cgroups) -> Result<LinuxResources, OciSpecError> {
    let no_device = LinuxDeviceCgroupBuilder::default().allow(false).access("rwm").build()?;
    let mut resources = LinuxResourcesBuilder::default().devices(vec![no_device]);
    if cgroups.can("memory") {
        let bytes = i64::try_from(limits.memory_bytes).unwrap_or(i64::MAX);
        let mut memory = LinuxMemoryBuilder::default().limit(bytes);
        if cgroups.limits_swap() {
            memory = memory.swap(bytes);
        }
        resources = resources.memory(memory.build()?);
    }
    if cgroups.can("cpu") {
        let quota = i64::try_from(quota_us(limits.cpu_millis)).unwrap_or(i64::MAX);
        let cpu = LinuxCpuBuilder::default().quota(quota).period(CPU_PERIOD_US).build()?;
        resources = resources.cpu(cpu);
    }
    if cgroups.can("pids") {
        let pids = LinuxPidsBuilder::default().limit(i64::from(limits.pids)).build()?;
        resources = resources.pids(pids);
    }
    resources.build()
}

fn mounts(plan: &Plan, cgroups: &Cgroups) -> Result<Vec<Mount>, OciSpecError> {
    let (shm, tmp) = (format!("size={SHM_BYTES}"), format!("size={}", plan.limits.tmp_bytes));
    let pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    let mut mounts = vec![
        special("/proc", "proc", &["nosuid", "noexec", "nodev"])?,
        special("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"])?,
        special("/dev/pts", "devpts", &pts)?,
        special("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", &shm])?,
        special("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"])?,
        special("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"])?,
        special("/tmp", "tmpfs", &["nosuid", "nodev", "mode=1777", &tmp])?,
    ];
    if cgroups.any() {
        // Language runtimes read their memory limit there.
        let options = ["nosuid", "noexec", "nodev", "relatime", "ro"];
        mounts.push(special("/sys/fs/cgroup", "cgroup", &options)?);
    }
    for bind in &plan.root.binds {
        mounts.push(bound(&bind.source, &bind.target, "ro")?);
    }
    mounts.push(match &plan.workspace {
        Some(workspace) => bound(workspace, Path::new(WORKSPACE_DIR), "rw")?,
        None => special(WORKSPACE_DIR, "tmpfs", &["nosuid", "nodev", "mode=1777", &tmp])?,
    });
    if let Some(hosts) = &plan.hosts {
        mounts.push(bound(hosts, Path::new("/etc/hosts"), "ro")?);
    }
    if let Some(link_dir) = &plan.link_dir {
        mounts.push(bound(link_dir, Path::new(LINK_DIR), "ro")?);
    }
    Ok(mounts)
}

fn special(target: &str, typ: &str, options: &[&str]) -> Result<Mount, OciSpecError> {
    MountBuilder::default()
        .destination(target)
        .typ(typ)
        .source(typ)
        .options(strings(options))
        .build()
}

fn bound(source: &Path, target: &Path, mode: &str) -> Result<Mount, OciSpecError> {
    MountBuilder::default()
        .destination(target)
        .typ("bind")
        .source(source)
        .options(strings(&["bind", "rprivate", "nosuid", "nodev", mode]))
        .build()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
