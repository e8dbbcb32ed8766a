//! What an operator may set about plugins. Every limit is per call.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::manifest::Wanted;
use super::reach::Secrets;
use super::{breaker, oci, signature};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The `[plugins]` part of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Larger components are refused before they are read.
    pub max_component_bytes: usize,
    /// A component that is put into this directory is installed; without it,
    /// `plugins/local` in the data directory.
    pub directory: Option<std::path::PathBuf>,
    /// Where compiled code is kept, so that a start need not compile again;
    /// without it, `plugins` in the data directory. Whoever can write there can
    /// run code as the server.
    pub code_directory: Option<std::path::PathBuf>,
    /// How long a component may wait for its turn to be compiled, and be compiled.
    pub compile_seconds: u64,
    /// How long a plugin's own cases may take, all together, before it goes live.
    pub cases_seconds: u64,
    pub decisions: Decisions,
    pub agents: Agents,
    pub reports: Reports,
    /// Other limits for single plugins, by what they call themselves.
    pub limits: BTreeMap<String, OwnLimits>,
    pub oci: oci::Config,
    pub quarantine: breaker::Config,
    pub signatures: signature::Config,
    /// What plugins may be lent, by name.
    pub secrets: Secrets,
}

/// Limits on one call of a policy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Decisions {
    /// Threads that run policies, and nothing else; also how many calls run at once.
    pub threads: u32,
    /// Processor time.
    pub budget_ms: u64,
    /// Time on the wall, for calls that are blocked in the host or get no processor.
    pub wall_ms: u64,
    pub memory_bytes: usize,
    pub table_elements: usize,
    /// What one call into or out of the component may hand to the host.
    pub transfer_bytes: usize,
    pub handles: usize,
    pub log_bytes: usize,
    pub output_bytes: usize,
}

/// Limits on one call of a planner or writer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agents {
    /// Threads that run agents, and nothing else.
    pub threads: u32,
    /// How many calls may be under way at once.
    pub calls: u32,
    /// Processor time.
    pub budget_ms: u64,
    /// Time on the wall.
    pub wall_ms: u64,
    pub memory_bytes: usize,
    pub table_elements: usize,
    pub transfer_bytes: usize,
    pub handles: usize,
    pub log_bytes: usize,
    pub output_bytes: usize,
}

/// Limits on one call of a report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reports {
    /// Threads that run reports, and nothing else: whoever waits for a decision
    /// never waits for a report.
    pub threads: u32,
    /// Processor time.
    pub budget_ms: u64,
    /// Time on the wall.
    pub wall_ms: u64,
    pub memory_bytes: usize,
    pub table_elements: usize,
    pub transfer_bytes: usize,
    pub handles: usize,
    pub log_bytes: usize,
    pub output_bytes: usize,
}

/// Limits on one call of one plugin; what is not set is as for all of its sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnLimits {
    /// Processor time.
    pub budget_ms: Option<u64>,
    /// Time on the wall.
    pub wall_ms: Option<u64>,
    pub memory_bytes: Option<usize>,
    pub table_elements: Option<usize>,
    pub transfer_bytes: Option<usize>,
    pub handles: Option<usize>,
    pub log_bytes: Option<usize>,
    pub output_bytes: Option<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_component_bytes: 32 * MIB,
            directory: None,
            code_directory: None,
            compile_seconds: 60,
            cases_seconds: 5,
            decisions: Decisions::default(),
            agents: Agents::default(),
            reports: Reports::default(),
            limits: BTreeMap::new(),
            oci: oci::Config::default(),
            quarantine: breaker::Config::default(),
            signatures: signature::Config::default(),
            secrets: Secrets::default(),
        }
    }
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            threads: 4,
            budget_ms: 50,
            wall_ms: 1_000,
            memory_bytes: 32 * MIB,
            table_elements: 20_000,
            transfer_bytes: 4 * MIB,
            handles: 1_000,
            log_bytes: 64 * KIB,
            output_bytes: 256 * KIB,
        }
    }
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            threads: 2,
            calls: 8,
            budget_ms: 5_000,
            wall_ms: 120_000,
            memory_bytes: 32 * MIB,
            table_elements: 20_000,
            transfer_bytes: 4 * MIB,
            handles: 1_000,
            log_bytes: 64 * KIB,
            output_bytes: 4 * MIB,
        }
    }
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            threads: 2,
            budget_ms: 2_000,
            wall_ms: 10_000,
            memory_bytes: 32 * MIB,
            table_elements: 20_000,
            transfer_bytes: 4 * MIB,
            handles: 1_000,
            log_bytes: 64 * KIB,
            output_bytes: 2 * MIB,
        }
    }
}

/// The limits of one call, whichever sort it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) budget: Duration,
    pub(super) wall: Duration,
    pub(super) memory_bytes: usize,
    pub(super) table_elements: usize,
    pub(super) transfer_bytes: usize,
    pub(super) handles: usize,
    pub(super) log_bytes: usize,
    pub(super) output_bytes: usize,
}

impl Config {
    /// The most that any call may take of what an engine sets aside: its sort's
    /// own limit, or more where one plugin has more.
    pub(super) fn most(&self, of_sort: usize, own: fn(&OwnLimits) -> Option<usize>) -> usize {
        self.limits.values().filter_map(own).fold(of_sort, usize::max)
    }
}

impl Limits {
    /// As the operator set them for one plugin: more or less than its sort has.
    pub(super) fn of_its_own(self, own: OwnLimits) -> Self {
        Self {
            budget: own.budget_ms.map_or(self.budget, Duration::from_millis),
            wall: own.wall_ms.map_or(self.wall, Duration::from_millis),
            memory_bytes: own.memory_bytes.unwrap_or(self.memory_bytes),
            table_elements: own.table_elements.unwrap_or(self.table_elements),
            transfer_bytes: own.transfer_bytes.unwrap_or(self.transfer_bytes),
            handles: own.handles.unwrap_or(self.handles),
            log_bytes: own.log_bytes.unwrap_or(self.log_bytes),
            output_bytes: own.output_bytes.unwrap_or(self.output_bytes),
        }
    }

    /// The smaller of each.
    pub(super) fn narrowed(self, wanted: Wanted) -> Self {
        let bytes = |wanted: Option<u32>, unit: usize, allowed: usize| {
            wanted.map_or(allowed, |wanted| allowed.min(unit.saturating_mul(wanted as usize)))
        };
        let time = |wanted: Option<u32>, allowed: Duration| {
            wanted.map_or(allowed, |ms| allowed.min(Duration::from_millis(ms.into())))
        };
        Self {
            budget: time(wanted.cpu_ms, self.budget),
            wall: time(wanted.wall_ms, self.wall),
            memory_bytes: bytes(wanted.memory_mib, MIB, self.memory_bytes),
            output_bytes: bytes(wanted.output_kib, KIB, self.output_bytes),
            ..self
        }
    }
}

impl Decisions {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            budget: Duration::from_millis(self.budget_ms),
            wall: Duration::from_millis(self.wall_ms),
            memory_bytes: self.memory_bytes,
            table_elements: self.table_elements,
            transfer_bytes: self.transfer_bytes,
            handles: self.handles,
            log_bytes: self.log_bytes,
            output_bytes: self.output_bytes,
        }
    }
}

impl Agents {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            budget: Duration::from_millis(self.budget_ms),
            wall: Duration::from_millis(self.wall_ms),
            memory_bytes: self.memory_bytes,
            table_elements: self.table_elements,
            transfer_bytes: self.transfer_bytes,
            handles: self.handles,
            log_bytes: self.log_bytes,
            output_bytes: self.output_bytes,
        }
    }
}

impl Reports {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            budget: Duration::from_millis(self.budget_ms),
            wall: Duration::from_millis(self.wall_ms),
            memory_bytes: self.memory_bytes,
            table_elements: self.table_elements,
            transfer_bytes: self.transfer_bytes,
            handles: self.handles,
            log_bytes: self.log_bytes,
            output_bytes: self.output_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_given_leaves_the_rest_at_its_default() {
        let config: Config = toml::from_str("[decisions]\nbudget_ms = 80").unwrap();
        assert_eq!((config.decisions.budget_ms, config.decisions.threads), (80, 4));
        assert_eq!(config.agents.budget_ms, 5_000);
    }

    #[test]
    fn a_manifest_lowers_limits_and_raises_none() {
        let wanted = Wanted {
            memory_mib: Some(8),
            cpu_ms: Some(60_000),
            wall_ms: None,
            output_kib: Some(1),
        };
        let limits = Decisions::default().limits().narrowed(wanted);
        assert_eq!((limits.memory_bytes, limits.output_bytes), (8 * MIB, KIB));
        assert_eq!(limits.budget, Duration::from_millis(50));
    }

    #[test]
    fn a_plugins_own_limits_stand_in_for_those_of_its_sort() {
        let config: Config =
            toml::from_str("[limits.guard]\nbudget_ms = 200\noutput_bytes = 10").unwrap();
        let limits = Decisions::default().limits().of_its_own(config.limits["guard"]);
        assert_eq!(limits.budget, Duration::from_millis(200));
        assert_eq!((limits.output_bytes, limits.handles), (10, 1_000));
    }

    #[test]
    fn an_engine_sets_aside_what_the_largest_plugin_may_take() {
        let config: Config =
            toml::from_str("[limits.large]\nmemory_bytes = 9\n[limits.small]\nmemory_bytes = 1")
                .unwrap();
        assert_eq!(config.most(5, |own| own.memory_bytes), 9);
        assert_eq!(config.most(10, |own| own.memory_bytes), 10);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = toml::from_str::<Config>("[decisions]\nbudget = 80").unwrap_err();
        assert!(error.to_string().contains("unknown field `budget`"));
    }
}
