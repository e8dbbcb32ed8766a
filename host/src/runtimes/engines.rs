//! Which engine: the configured one, or the best that works here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::docker::{self, Docker};
use super::engine::{Engine, Error};
use super::local::{self, Local};
use crate::ids::InstanceId;

/// How long Docker may take to answer before another engine is chosen.
const DOCKER_PATIENCE: Duration = Duration::from_secs(2);

/// How long Docker may take to come up where there are runtimes of it, and how often it is
/// asked: after a start of the machine a server may be there first.
const START_PATIENCE: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(500);

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

/// The engine to use, and why it is this one; `used` are those by which there are runtimes that
/// should run.
///
/// # Errors
/// When the named engine, or with `auto` none, can work here; the text says what to do.
pub async fn choose(
    config: &Config,
    data: &Path,
    instance: &InstanceId,
    used: &[String],
) -> Result<(Arc<dyn Engine>, String), Error> {
    let has_containers = used.iter().any(|engine| engine == docker::NAME);
    match config.engine {
        Choice::Docker => {
            Ok((Arc::new(open_docker(config, instance).await?), "configured".to_owned()))
        }
        Choice::Local => Ok((
            Arc::new(Local::open(&config.local, data, instance).await?),
            "configured".to_owned(),
        )),
        Choice::Auto if has_containers => {
            let docker = docker_that_was_used(config, instance).await?;
            Ok((Arc::new(docker), "there are runtimes of Docker".to_owned()))
        }
        Choice::Auto => match open_docker(config, instance).await {
            Ok(docker) => Ok((Arc::new(docker), "Docker answers".to_owned())),
            Err(wrong @ Error::Misconfigured(_)) => Err(wrong),
            Err(no_docker) if config.docker.runtime.is_some() => {
                Err(Error::Misconfigured(format!(
                    "engines.docker.runtime says by what Docker runs runtimes, and Docker is not \
                 there ({no_docker}); start it, or leave engines.docker.runtime out"
                )))
            }
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

/// Docker, which may still be starting: another engine would run projects a second time.
async fn docker_that_was_used(config: &Config, instance: &InstanceId) -> Result<Docker, Error> {
    let until = Instant::now() + START_PATIENCE;
    loop {
        let no_docker = match open_docker(config, instance).await {
            Err(Error::Unavailable(why)) => why,
            decided => return decided,
        };
        if Instant::now() > until {
            return Err(Error::Unavailable(format!(
                "there are runtimes of Docker, and it is not there ({no_docker}); start it, or \
                 set engines.engine to “local” to have them made anew without it"
            )));
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
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
        let refused = choose(&config, data.path(), &InstanceId::generate(), &[]).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("docker.host")));
    }

    #[tokio::test(start_paused = true)]
    async fn no_other_engine_is_taken_where_docker_has_runtimes() {
        let data = tempfile::tempdir().unwrap();
        let used = ["docker".to_owned()];
        let refused = choose(&nowhere(), data.path(), &InstanceId::generate(), &used).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("“local”")));
    }

    #[tokio::test]
    async fn no_other_engine_is_taken_where_it_is_said_how_docker_runs_runtimes() {
        let mut config = nowhere();
        config.docker.runtime = Some("runsc".to_owned());
        let data = tempfile::tempdir().unwrap();
        let refused = choose(&config, data.path(), &InstanceId::generate(), &[]).await;
        assert!(matches!(refused, Err(Error::Misconfigured(_))));
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
