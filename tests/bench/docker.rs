//! Docker by its own API: what the same work takes without Lockhouse.

use std::path::Path;
use std::time::Instant;

use bollard::Docker as Api;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, ExecConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::project::ms;

/// What the runtime's socket is called; a copy of a runtime gets none, or its supervisor would
/// report to the server.
const SOCKET_ENDING: &str = ".sock";

pub(crate) struct Docker {
    api: Api,
}

/// A container like another one, with directories of its own.
pub(crate) struct Pattern {
    body: ContainerCreateBody,
    _directories: TempDir,
}

impl Docker {
    pub(crate) async fn connect() -> Self {
        let api = Api::connect_with_defaults().unwrap();
        Self { api: api.negotiate_version().await.unwrap() }
    }

    /// The container of a project's runtime.
    pub(crate) async fn container_of(&self, project: &str) -> String {
        let filters = [("name".to_owned(), vec![project.to_owned()])].into();
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let mut found = self.api.list_containers(Some(options)).await.unwrap();
        found.pop().and_then(|container| container.id).expect("the project has a container")
    }

    /// Runs `true` and waits for its exit code; in milliseconds.
    pub(crate) async fn exec_true(&self, container: &str) -> f64 {
        let config = ExecConfig {
            cmd: Some(vec!["true".to_owned()]),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let began = Instant::now();
        let made = self.api.create_exec(container, config).await.unwrap();
        let started = self.api.start_exec(&made.id, None::<StartExecOptions>).await.unwrap();
        let StartExecResults::Attached { output, .. } = started else { panic!("it is detached") };
        let _: Vec<_> = output.try_collect().await.unwrap();
        let ended = self.api.inspect_exec(&made.id).await.unwrap();
        let took = ms(began.elapsed());
        assert_eq!(ended.exit_code, Some(0));
        took
    }

    /// All that Docker was told of a container, to be told again.
    pub(crate) async fn pattern(&self, container: &str) -> Pattern {
        let found = self.api.inspect_container(container, None).await.unwrap();
        let mut body = serde_json::to_value(found.config.unwrap()).unwrap();
        let mut host = serde_json::to_value(found.host_config.unwrap()).unwrap();
        let directories = tempfile::tempdir().unwrap();
        for mount in host["Mounts"].as_array_mut().into_iter().flatten() {
            let source = mount["Source"].as_str().unwrap();
            mount["Source"] = json!(copy(Path::new(source), directories.path()));
        }
        body["HostConfig"] = host;
        // By its labels the server would take it for its own.
        body["Labels"] = Value::Null;
        let body = serde_json::from_value(body).unwrap();
        Pattern { body, _directories: directories }
    }

    /// Creates and starts a container, and removes it by another clock; in milliseconds.
    pub(crate) async fn create_and_start(&self, pattern: &Pattern, name: &str) -> f64 {
        let body = pattern.body.clone();
        let began = Instant::now();
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        self.api.create_container(Some(options), body).await.unwrap();
        self.api.start_container(name, None).await.unwrap();
        let took = ms(began.elapsed());
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        self.api.remove_container(name, Some(options)).await.unwrap();
        took
    }
}

/// Copies a directory's files, but for sockets, to a new one below `to`.
pub(crate) fn copy(from: &Path, to: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let target = to.join(from.file_name().unwrap());
    std::fs::create_dir(&target).unwrap();
    let mode = from.metadata().unwrap().permissions().mode();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_file() && !name.to_string_lossy().ends_with(SOCKET_ENDING)
        {
            std::fs::copy(entry.path(), target.join(name)).unwrap();
        }
    }
    target.to_string_lossy().into_owned()
}
