//! The bundle as gVisor's `runsc` needs it, which keeps some limits by itself.

use std::path::Path;

use oci_spec::OciSpecError;
use oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType, Spec};

use crate::runtimes::gvisor;
use crate::runtimes::seccomp::{self, Kernel};

/// What `runsc` is told before every order.
pub(super) const FLAGS: [&str; 4] = {
    let [network, sockets, calls] = gvisor::FLAGS;
    // It makes no copies of files that can't be written anyway.
    [network, sockets, calls, "--overlay2=none"]
};

/// The same bundle for gVisor: its kernel counts processes, keeps the list of calls, and shows no
/// control groups but its own, which hold nothing. Of memory it shows as much as the machine's
/// control groups allow.
pub(super) fn adapted(mut spec: Spec, pids: u32) -> Result<Spec, OciSpecError> {
    if let Some(mut process) = spec.process().clone() {
        let mut limits = process.rlimits().clone().unwrap_or_default();
        limits.retain(|limit| limit.typ() != PosixRlimitType::RlimitNproc);
        let count = u64::from(pids);
        let limit = PosixRlimitBuilder::default().typ(PosixRlimitType::RlimitNproc);
        limits.push(limit.soft(count).hard(count).build()?);
        process.set_rlimits(Some(limits));
        spec.set_process(Some(process));
    }
    if let Some(mut linux) = spec.linux().clone() {
        linux.set_seccomp(Some(seccomp::oci(Kernel::Gvisor)?));
        spec.set_linux(Some(linux));
    }
    let mut mounts = spec.mounts().clone().unwrap_or_default();
    mounts.retain(|mount| mount.typ().as_deref() != Some("cgroup"));
    spec.set_mounts(Some(mounts));
    Ok(spec)
}

/// The limit of processes with which a bundle starts.
pub(super) fn pids(spec: &Spec) -> Option<u64> {
    let limits = spec.process().as_ref()?.rlimits().as_ref()?;
    let counts = |limit: &&PosixRlimit| limit.typ() == PosixRlimitType::RlimitNproc;
    Some(limits.iter().find(counts)?.hard())
}

/// Whether there is state of a container below `state`: cheaper than to ask for it. Its files
/// have names that begin with the container's.
pub(super) async fn has_state(state: &Path, name: &str) -> bool {
    let Ok(mut entries) = tokio::fs::read_dir(state).await else { return false };
    let begin = format!("{name}_sandbox:");
    while let Ok(Some(entry)) = entries.next_entry().await {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if file.starts_with(&begin) && !file.ends_with(".lock") {
            return true;
        }
    }
    false
}
