//! What a runtime may use: defaults, ceilings, and what a request may ask.

use serde::{Deserialize, Serialize};

use super::disk::Way;
use super::engine::Limits;
use super::pool::Sizes;
use crate::policy::NetworkMode;

const MIB: u64 = 1024 * 1024;

/// Limits of the operator. A request may ask for anything up to the ceilings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub defaults: Settings,
    pub ceilings: Ceilings,
    /// Runtimes that are made ahead of need.
    pub pool: Sizes,
    /// How workspaces are limited.
    pub disk: Way,
    /// How often workspaces are measured where no file system limits them, in seconds.
    pub disk_interval: u64,
    /// Writable `/tmp`, in bytes of memory.
    pub tmp_bytes: u64,
    pub open_files: u64,
    /// How long a runtime may take until its supervisor reports, in seconds.
    pub start_timeout: u64,
    /// How long a runtime's programs get to end by themselves, in seconds.
    pub stop_grace: u64,
    /// How often a runtime that ended by itself is started again in a row.
    pub max_restarts: u32,
    /// How often the engine is asked whether all is as it should be, in seconds.
    pub check_interval: u64,
    /// How often deadlines are looked at and left-overs removed, in seconds.
    pub sweep_interval: u64,
    /// File of certificates that runtimes trust; the system's where none is named.
    pub ca_file: Option<std::path::PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            defaults: Settings::default(),
            ceilings: Ceilings::default(),
            pool: Sizes::default(),
            disk: Way::default(),
            disk_interval: 10,
            tmp_bytes: 256 * MIB,
            open_files: 4096,
            start_timeout: 30,
            stop_grace: 10,
            max_restarts: 5,
            check_interval: 30,
            sweep_interval: 300,
            ca_file: None,
        }
    }
}

/// The settings of one runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub memory_bytes: u64,
    pub cpu_limit: f64,
    pub disk_bytes: u64,
    pub pids: u32,
    /// Longest time of one command, in seconds.
    pub command_timeout: u64,
    /// How long it runs without being used, in seconds.
    pub idle_timeout: u64,
    /// How long it runs at all, in seconds.
    pub max_lifetime: u64,
    pub network: NetworkMode,
    pub exposed_ports: Vec<u16>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_bytes: 512 * MIB,
            cpu_limit: 0.5,
            disk_bytes: 1024 * MIB,
            pids: 256,
            command_timeout: 300,
            idle_timeout: 3600,
            max_lifetime: 86_400,
            network: NetworkMode::Registries,
            exposed_ports: vec![3000, 3001, 5000, 8000, 8080],
        }
    }
}

/// The most that a request may ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    pub memory_bytes: u64,
    pub cpu_limit: f64,
    pub disk_bytes: u64,
    pub pids: u32,
    pub command_timeout: u64,
    pub idle_timeout: u64,
    pub max_lifetime: u64,
    /// Whether a request may ask for the public internet.
    pub open_network: bool,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            memory_bytes: 4096 * MIB,
            cpu_limit: 4.0,
            disk_bytes: 10_240 * MIB,
            pids: 1024,
            command_timeout: 3600,
            idle_timeout: 86_400,
            max_lifetime: 7 * 86_400,
            open_network: false,
        }
    }
}

/// What a request asks for; what it leaves out is the operator's default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    pub memory_bytes: Option<u64>,
    pub cpu_limit: Option<f64>,
    pub disk_bytes: Option<u64>,
    pub pids: Option<u32>,
    pub command_timeout: Option<u64>,
    pub idle_timeout: Option<u64>,
    pub max_lifetime: Option<u64>,
    pub network: Option<NetworkMode>,
    pub exposed_ports: Option<Vec<u16>>,
}

/// A wish that can't be granted; the text says what can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OverCeiling(pub String);

/// Smallest memory in which a supervisor and a shell run.
const LEAST_MEMORY: u64 = 16 * MIB;
const LEAST_CPU: f64 = 0.05;
const LEAST_PIDS: u32 = 16;
const MOST_EXPOSED_PORTS: usize = 32;

impl Config {
    /// The settings that a request gets.
    pub fn grant(&self, wishes: Wishes) -> Result<Settings, OverCeiling> {
        self.grant_over(&self.defaults, wishes)
    }

    /// The settings that come of changing others.
    pub fn grant_over(&self, usual: &Settings, wishes: Wishes) -> Result<Settings, OverCeiling> {
        let most = &self.ceilings;
        let settings = Settings {
            memory_bytes: wishes.memory_bytes.unwrap_or(usual.memory_bytes),
            cpu_limit: wishes.cpu_limit.unwrap_or(usual.cpu_limit),
            disk_bytes: wishes.disk_bytes.unwrap_or(usual.disk_bytes),
            pids: wishes.pids.unwrap_or(usual.pids),
            command_timeout: wishes.command_timeout.unwrap_or(usual.command_timeout),
            idle_timeout: wishes.idle_timeout.unwrap_or(usual.idle_timeout),
            max_lifetime: wishes.max_lifetime.unwrap_or(usual.max_lifetime),
            network: wishes.network.unwrap_or(usual.network),
            exposed_ports: wishes.exposed_ports.unwrap_or_else(|| usual.exposed_ports.clone()),
        };
        let (memory, disk) = (Size(settings.memory_bytes), Size(settings.disk_bytes));
        within("memory_limit", memory, Size(LEAST_MEMORY), Size(most.memory_bytes))?;
        within("cpu_limit", settings.cpu_limit, LEAST_CPU, most.cpu_limit)?;
        within("disk_limit", disk, Size(MIB), Size(most.disk_bytes))?;
        within("pids", settings.pids, LEAST_PIDS, most.pids)?;
        within("command_timeout", settings.command_timeout, 1, most.command_timeout)?;
        within("idle_timeout", settings.idle_timeout, 1, most.idle_timeout)?;
        within("max_lifetime", settings.max_lifetime, 1, most.max_lifetime)?;
        within(
            "exposed_ports (their number)",
            settings.exposed_ports.len(),
            0,
            MOST_EXPOSED_PORTS,
        )?;
        if settings.network == NetworkMode::Open && !most.open_network {
            return Err(OverCeiling(
                "network “open” is switched off here; ask the operator to set \
                 runtimes.ceilings.open_network"
                    .to_owned(),
            ));
        }
        Ok(settings)
    }

    /// The settings as limits of an engine.
    pub fn limits(&self, settings: &Settings) -> Limits {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "cpu_limit is between 0.05 and its ceiling"
        )]
        let cpu_millis = (settings.cpu_limit * 1000.0).round() as u32;
        Limits {
            memory_bytes: settings.memory_bytes,
            cpu_millis,
            pids: settings.pids,
            disk_bytes: settings.disk_bytes,
            tmp_bytes: self.tmp_bytes,
            open_files: self.open_files,
        }
    }
}

/// Bytes, told as a request asks for them: `512m`.
#[derive(PartialEq, PartialOrd)]
struct Size(u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [("g", 1024 * MIB), ("m", MIB), ("k", 1024)];
        match units.iter().find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

fn within<N: PartialOrd + std::fmt::Display>(
    name: &str,
    asked: N,
    least: N,
    most: N,
) -> Result<(), OverCeiling> {
    if asked >= least && asked <= most {
        Ok(())
    } else {
        Err(OverCeiling(format!("{name} is {asked}; ask for {least} to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_wishes_gets_the_defaults() {
        let config = Config::default();
        assert_eq!(config.grant(Wishes::default()), Ok(Settings::default()));
    }

    #[test]
    fn a_wish_over_the_ceiling_is_refused_with_the_ceiling() {
        let wishes = Wishes { pids: Some(5000), ..Wishes::default() };
        let refused = Config::default().grant(wishes).unwrap_err();
        assert_eq!(refused.to_string(), "pids is 5000; ask for 16 to 1024");
    }

    #[test]
    fn sizes_are_refused_in_the_words_in_which_they_are_asked_for() {
        let wishes = Wishes { memory_bytes: Some(900 * 1024 * MIB), ..Wishes::default() };
        let refused = Config::default().grant(wishes).unwrap_err();
        assert_eq!(refused.to_string(), "memory_limit is 900g; ask for 16m to 4g");
        let wishes = Wishes { disk_bytes: Some(1000), ..Wishes::default() };
        let refused = Config::default().grant(wishes).unwrap_err();
        assert_eq!(refused.to_string(), "disk_limit is 1000; ask for 1m to 10g");
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let before = Settings { pids: 99, ..Settings::default() };
        let wishes = Wishes { idle_timeout: Some(5), ..Wishes::default() };
        let after = Config::default().grant_over(&before, wishes).unwrap();
        assert_eq!(after, Settings { pids: 99, idle_timeout: 5, ..Settings::default() });
    }

    #[test]
    fn a_cpu_limit_that_is_no_number_is_refused() {
        let wishes = Wishes { cpu_limit: Some(f64::NAN), ..Wishes::default() };
        assert!(Config::default().grant(wishes).is_err());
    }

    #[test]
    fn the_open_internet_needs_the_operator() {
        let wishes = Wishes { network: Some(NetworkMode::Open), ..Wishes::default() };
        assert!(Config::default().grant(wishes).is_err());
    }
}
