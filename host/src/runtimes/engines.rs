//! Which engine: the configured one, or the best that works here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::docker::{self, Docker};
use super::engine::{Engine, Error};
use super::local::{self, Local};
use crate::ids::InstanceId;

/// How long Docker may take to answer before another engine is chosen.
const DOCKER_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub engine: Choice,
    pub docker: docker::Config,
    pub local: local::Config,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Docker if its socket answers, else this machine without a daemon.
    #[default]
    Auto,
    Docker,
    Local,
}

/// The engine to use, and why it is this one.
///
/// # Errors
/// When the named engine, or with `auto` none, can work here; the text says what to do.
pub async fn choose(
    config: &Config,
    data: &Path,
    instance: &InstanceId,
) -> Result<(Arc<dyn Engine>, String), Error> {
    match config.engine {
        Choice::Docker => {
            Ok((Arc::new(open_docker(config, instance).await?), "configured".to_owned()))
        }
        Choice::Local => Ok((
            Arc::new(Local::open(&config.local, data, instance).await?),
            "configured".to_owned(),
        )),
        Choice::Auto => match open_docker(config, instance).await {
            Ok(docker) => Ok((Arc::new(docker), "Docker answers".to_owned())),
            Err(wrong @ Error::Misconfigured(_)) => Err(wrong),
            Err(no_docker) => match Local::open(&config.local, data, instance).await {
                Ok(local) => Ok((Arc::new(local), no_docker.to_string())),
                Err(no_local) => Err(Error::Unavailable(format!(
                    "no engine works on this machine. Docker: {no_docker}. Local: {no_local}"
                ))),
            },
        },
    }
}

/// Docker, if it answers in time.
///
/// # Errors
/// `Unavailable`, with what to do about it.
pub async fn open_docker(config: &Config, instance: &InstanceId) -> Result<Docker, Error> {
    let opened = tokio::time::timeout(DOCKER_PATIENCE, Docker::open(&config.docker, instance));
    opened.await.unwrap_or_else(|_| {
        Err(Error::Unavailable(format!("Docker did not answer in {DOCKER_PATIENCE:?}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Config {
        let mut config = Config::default();
        config.docker.host = Some("unix:///nonexistent/docker.sock".to_owned());
        config
    }

    #[tokio::test]
    async fn a_named_engine_that_does_not_answer_is_an_error_that_says_what_to_do() {
        let config = Config { engine: Choice::Docker, ..nowhere() };
        let data = tempfile::tempdir().unwrap();
        let refused = choose(&config, data.path(), &InstanceId::generate()).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("docker.host")));
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(toml::from_str::<Config>("[local]\nruntimes = \"runc\"").is_err());
    }

    #[test]
    fn an_image_for_an_unknown_kind_is_an_error() {
        assert!(toml::from_str::<Config>("[docker.images]\ncobol = \"x\"").is_err());
        assert!(toml::from_str::<Config>("[docker.images]\npython = \"x\"").is_ok());
    }
}
