//! Control groups: which limits hold on this machine, where a runtime's groups are, and what they
//! say of its use.
//!
//! Both versions are known, also side by side as in a "hybrid" set-up. Everything lives below one
//! group of ours, so that nothing of another program is ever touched.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::runtimes::engine::{Enforcement, Limits, Usage};

/// Our group at the top of each hierarchy, when we may make one there.
const OUR_GROUP: &str = "lockhouse";

/// Length of the period within which a runtime may use its share of CPU time.
pub(super) const CPU_PERIOD_US: u64 = 100_000;

/// The limit of memory in version 1.
const MEMORY_1: &str = "memory.limit_in_bytes";

/// A controller of resources, by the kernel's name.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// Where groups can be made.
#[derive(Debug, Clone)]
pub(super) struct Cgroups {
    version: Version,
    /// Per controller (version 1) or under "" (version 2): the directory of our group.
    bases: BTreeMap<String, PathBuf>,
    /// Our groups in all hierarchies: an OCI runtime makes some also where no limit is.
    everywhere: BTreeSet<PathBuf>,
    /// Our group as an OCI runtime wants it: a path from the hierarchy's mount point.
    inner: PathBuf,
    /// Controllers that can't be used, and why.
    missing: BTreeMap<&'static str, String>,
    limits_swap: bool,
}

/// Who makes the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// At the top of the hierarchies, by right.
    Root,
    /// Below our own group, if it was handed to us.
    OrdinaryUser,
}

impl Cgroups {
    /// Looks at what is mounted and tries what we may do there.
    pub(super) fn detect(maker: Maker, instance: &str) -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let mounts = Mounts::parse(&text("/proc/self/mountinfo"));
        let own = own_groups(&text("/proc/self/cgroup"));
        if CONTROLLERS.iter().any(|name| mounts.v1.contains_key(*name)) {
            Self::version_1(maker, instance, &mounts, &own)
        } else {
            Self::version_2(maker, instance, &mounts, &own)
        }
    }

    fn empty(version: Version, inner: PathBuf) -> Self {
        Self {
            version,
            bases: BTreeMap::new(),
            everywhere: BTreeSet::new(),
            inner,
            missing: BTreeMap::new(),
            limits_swap: false,
        }
    }

    fn version_1(
        maker: Maker,
        instance: &str,
        mounts: &Mounts,
        own: &BTreeMap<String, PathBuf>,
    ) -> Self {
        let mut found = Self::empty(Version::V1, Path::new("/").join(OUR_GROUP).join(instance));
        for name in CONTROLLERS.into_iter().chain(["cpuacct"]) {
            let made = mounts
                .v1
                .get(name)
                .ok_or_else(|| format!("the kernel's {name} controller is not mounted here"))
                .and_then(|mount| {
                    let above = match maker {
                        Maker::Root => mount.to_owned(),
                        Maker::OrdinaryUser => below(mount, own.get(name)),
                    };
                    make_group(&above.join(OUR_GROUP).join(instance))
                });
            found.note(name, name, made);
        }
        if maker == Maker::Root {
            let mounts = mounts.v1.values().chain(&mounts.v2);
            found.everywhere.extend(mounts.map(|mount| mount.join(OUR_GROUP).join(instance)));
        }
        found.limits_swap = found
            .bases
            .get("memory")
            .is_some_and(|base| base.join("memory.memsw.limit_in_bytes").exists());
        found
    }

    fn version_2(
        maker: Maker,
        instance: &str,
        mounts: &Mounts,
        own: &BTreeMap<String, PathBuf>,
    ) -> Self {
        let mut found = Self::empty(Version::V2, Path::new("/").join(OUR_GROUP).join(instance));
        let Some(mount) = &mounts.v2 else {
            for name in CONTROLLERS {
                found.missing.insert(name, "no control groups are mounted here".to_owned());
            }
            return found;
        };
        let above = match maker {
            Maker::Root => mount.clone(),
            // A group with processes in it can't hand out controllers, so a service manager
            // that delegates puts the server into a child of what it hands over.
            Maker::OrdinaryUser => {
                let own = below(mount, own.get(""));
                own.parent().map_or(own.clone(), Path::to_owned)
            }
        };
        let made = make_group(&above.join(OUR_GROUP).join(instance));
        for name in CONTROLLERS {
            let usable = made.clone().and_then(|base| {
                hand_down(name, &above, &base)?;
                Ok(base)
            });
            found.note(name, "", usable);
        }
        found.limits_swap = true;
        found
    }

    fn note(&mut self, controller: &'static str, key: &str, made: Result<PathBuf, String>) {
        match made {
            Ok(base) => {
                self.everywhere.insert(base.clone());
                self.bases.insert(key.to_owned(), base);
            }
            Err(why) => {
                self.missing.insert(controller, why);
            }
        }
    }

    pub(super) fn can(&self, controller: &str) -> bool {
        !self.missing.contains_key(controller)
    }

    /// Whether any group can be made at all.
    pub(super) fn any(&self) -> bool {
        !self.bases.is_empty()
    }

    pub(super) fn limits_swap(&self) -> bool {
        self.limits_swap
    }

    pub(super) fn enforcement(&self, controller: &str) -> Enforcement {
        match self.missing.get(controller) {
            None => Enforcement::Hard,
            Some(why) => Enforcement::None(format!(
                "{why}; give the server control groups of its own (systemd: Delegate=yes), or run \
                 it as root on a machine that has them"
            )),
        }
    }

    /// The path of a runtime's group for an OCI bundle.
    pub(super) fn oci_path(&self, name: &str) -> PathBuf {
        self.inner.join(name)
    }

    /// The files that take the process id of a runtime's first process.
    pub(super) fn entrances(&self, name: &str) -> Vec<PathBuf> {
        self.bases.values().map(|base| base.join(name).join("cgroup.procs")).collect()
    }

    /// Makes a runtime's groups with its limits, for an engine that does not do it itself.
    pub(super) fn make(&self, name: &str, limits: &Limits) -> std::io::Result<()> {
        for base in self.bases.values() {
            std::fs::create_dir_all(base.join(name))?;
        }
        self.apply(name, limits)
    }

    /// Sets the limits of groups that are there.
    ///
    /// # Errors
    /// Among others when more memory is in use than the kernel can take back.
    pub(super) fn apply(&self, name: &str, limits: &Limits) -> std::io::Result<()> {
        let mut settings = self.settings(limits);
        // Memory alone may never be more than memory with swap, so growing begins with that.
        let now = self.group("memory", name).and_then(|group| number(&group.join(MEMORY_1)));
        if now.is_some_and(|now| now < limits.memory_bytes) {
            settings.reverse();
        }
        for (controller, file, value) in settings {
            if let Some(group) = self.group(controller, name) {
                set(&group.join(file), &value)?;
            }
        }
        Ok(())
    }

    fn settings(&self, limits: &Limits) -> Vec<(&'static str, &'static str, String)> {
        let quota = quota_us(limits.cpu_millis).to_string();
        let (memory, pids) = (limits.memory_bytes.to_string(), limits.pids.to_string());
        match self.version {
            Version::V1 => {
                let mut all = vec![
                    ("memory", MEMORY_1, memory.clone()),
                    ("cpu", "cpu.cfs_quota_us", quota),
                    ("pids", "pids.max", pids),
                ];
                if self.limits_swap {
                    all.push(("memory", "memory.memsw.limit_in_bytes", memory));
                }
                all
            }
            Version::V2 => vec![
                ("memory", "memory.max", memory),
                ("memory", "memory.swap.max", "0".to_owned()),
                ("cpu", "cpu.max", format!("{quota} {CPU_PERIOD_US}")),
                ("pids", "pids.max", pids),
            ],
        }
    }

    /// Removes a runtime's groups; those that still hold a process stay.
    pub(super) fn remove(&self, name: &str) {
        for base in &self.everywhere {
            let group = base.join(name);
            if let Err(error) = std::fs::remove_dir(&group)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::debug!(group = %group.display(), %error, "a control group stays");
            }
        }
    }

    /// Names of all groups of runtimes, also of those that nobody remembers.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let entries = self.bases.values().filter_map(|base| std::fs::read_dir(base).ok());
        let entries = entries.flatten().flatten();
        let groups = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        groups.filter_map(|group| group.file_name().into_string().ok()).collect()
    }

    /// The processes in a runtime's groups.
    pub(super) fn processes(&self, name: &str) -> BTreeSet<i32> {
        let lists = self.entrances(name).into_iter();
        let lists = lists.filter_map(|list| std::fs::read_to_string(list).ok());
        let processes = |list: String| list.lines().map_while(|pid| pid.parse().ok()).collect();
        lists.flat_map::<Vec<_>, _>(processes).filter(|pid| *pid > 0).collect()
    }

    fn group(&self, controller: &str, name: &str) -> Option<PathBuf> {
        let key = if self.version == Version::V1 { controller } else { "" };
        let group = self.bases.get(key)?.join(name);
        (self.can(controller) && group.is_dir()).then_some(group)
    }

    /// How many processes of a runtime the kernel killed for want of memory.
    pub(super) fn out_of_memory_kills(&self, name: &str) -> u64 {
        let Some(group) = self.group("memory", name) else { return 0 };
        let file = match self.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        field(&group.join(file), "oom_kill").unwrap_or(0)
    }
}

/// What the groups that a process is in use, or `None` where they can't tell. With `named`, only
/// if the group's name holds it: an engine in another process namespace counts processes its own
/// way.
pub(in crate::runtimes) fn usage(pid: i32, named: &str) -> Option<Usage> {
    let mounts = Mounts::parse(&std::fs::read_to_string("/proc/self/mountinfo").ok()?);
    let own = own_groups(&std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?);
    let group = |controller: &str| {
        let path = own.get(controller).filter(|path| path.to_string_lossy().contains(named))?;
        let mount =
            if controller.is_empty() { mounts.v2.as_ref() } else { mounts.v1.get(controller) };
        Some(below(mount?, Some(path)))
    };
    if mounts.v1.contains_key("memory") {
        usage_1(&group("memory")?, &group("cpuacct")?, &group("pids")?)
    } else {
        usage_2(&group("")?)
    }
}

fn usage_1(memory: &Path, cpu: &Path, pids: &Path) -> Option<Usage> {
    let used = number(&memory.join("memory.usage_in_bytes"))?;
    // Of cached files the kernel can free what was not touched lately at any time.
    let idle = field(&memory.join("memory.stat"), "total_inactive_file").unwrap_or(0);
    Some(Usage {
        cpu: Duration::from_nanos(number(&cpu.join("cpuacct.usage"))?),
        memory_bytes: used.saturating_sub(idle),
        pids: number(&pids.join("pids.current"))?,
    })
}

fn usage_2(group: &Path) -> Option<Usage> {
    let used = number(&group.join("memory.current"))?;
    let idle = field(&group.join("memory.stat"), "inactive_file").unwrap_or(0);
    Some(Usage {
        cpu: Duration::from_micros(field(&group.join("cpu.stat"), "usage_usec")?),
        memory_bytes: used.saturating_sub(idle),
        pids: number(&group.join("pids.current"))?,
    })
}

/// CPU time per period for a share in thousandths of a CPU; the kernel takes no less than 1 ms.
pub(super) fn quota_us(cpu_millis: u32) -> u64 {
    (u64::from(cpu_millis) * CPU_PERIOD_US / 1000).max(1000)
}

/// Where hierarchies are mounted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mounts {
    v1: BTreeMap<String, PathBuf>,
    v2: Option<PathBuf>,
}

impl Mounts {
    /// Reads `/proc/self/mountinfo`; of several mounts of one hierarchy the first counts.
    fn parse(mountinfo: &str) -> Self {
        let mut found = Self::default();
        for line in mountinfo.lines() {
            let Some((place, source)) = line.split_once(" - ") else { continue };
            let Some(point) = place.split(' ').nth(4).map(PathBuf::from) else { continue };
            let mut source = source.split(' ');
            match source.next() {
                Some("cgroup2") => _ = found.v2.get_or_insert(point),
                Some("cgroup") => {
                    for option in source.next_back().unwrap_or_default().split(',') {
                        found.v1.entry(option.to_owned()).or_insert_with(|| point.clone());
                    }
                }
                _ => {}
            }
        }
        found
    }
}

/// Reads `/proc/self/cgroup`: our own group per controller, under "" that of version 2.
fn own_groups(text: &str) -> BTreeMap<String, PathBuf> {
    let mut groups = BTreeMap::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        if let (Some(names), Some(path)) = (parts.next(), parts.next()) {
            for name in names.split(',') {
                groups.insert(name.to_owned(), PathBuf::from(path));
            }
        }
    }
    groups
}

fn below(mount: &Path, own: Option<&PathBuf>) -> PathBuf {
    let own = own.and_then(|path| path.strip_prefix("/").ok()).unwrap_or(Path::new(""));
    mount.join(own)
}

fn make_group(path: &Path) -> Result<PathBuf, String> {
    std::fs::create_dir_all(path)
        // It may be there and another user's.
        .and_then(|()| Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?))
        .map(|()| path.to_owned())
        .map_err(|error| format!("the control group {} can't be made: {error}", path.display()))
}

/// Hands a controller of version 2 down from `above` to the group `base` and its children.
fn hand_down(name: &str, above: &Path, base: &Path) -> Result<(), String> {
    let inner = base.strip_prefix(above).unwrap_or(Path::new(""));
    let mut group = above.to_owned();
    for next in std::iter::once(Path::new("")).chain(inner.iter().map(Path::new)) {
        group.push(next);
        let control = group.join("cgroup.subtree_control");
        let enabled = std::fs::read_to_string(&control).unwrap_or_default();
        if !enabled.split_whitespace().any(|enabled| enabled == name) {
            set(&control, &format!("+{name}")).map_err(|error| {
                format!(
                    "the {name} controller can't be handed down at {}: {error}",
                    group.display()
                )
            })?;
        }
    }
    Ok(())
}

fn set(file: &Path, value: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(file)?.write_all(value.as_bytes())
}

fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The number behind a name in a file of `name number` lines.
fn field(file: &Path, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
25 22 0:21 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
26 25 0:22 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw
29 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw shared:8 - cgroup cgroup rw,cpu,cpuacct
30 25 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory";

    #[test]
    fn controllers_are_found_where_they_are_mounted() {
        let mounts = Mounts::parse(HYBRID);
        assert_eq!(mounts.v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
        assert_eq!(
            mounts.v1.get("cpuacct").map(PathBuf::as_path),
            Some(Path::new("/sys/fs/cgroup/cpu,cpuacct"))
        );
        assert!(!mounts.v1.contains_key("pids"));
    }

    #[test]
    fn our_own_group_is_known_per_controller() {
        let own = own_groups("4:cpu,cpuacct:/a/b\n0::/user.slice/x.service\n");
        assert_eq!(own.get("cpuacct"), Some(&PathBuf::from("/a/b")));
        assert_eq!(own.get(""), Some(&PathBuf::from("/user.slice/x.service")));
    }

    #[test]
    fn half_a_cpu_is_half_of_each_period() {
        assert_eq!(quota_us(500), CPU_PERIOD_US / 2);
    }

    #[test]
    fn without_control_groups_each_limit_says_why_it_does_not_hold() {
        let none = Cgroups::version_2(Maker::Root, "i", &Mounts::default(), &BTreeMap::new());
        assert!(
            matches!(none.enforcement("memory"), Enforcement::None(why) if why.contains("Delegate=yes"))
        );
        assert!(!none.any());
    }
}
