//! `lockhouse doctor`: what it finds on machines that are fit, and on others.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use sqlx::ConnectOptions as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::host::{DATABASE, Host, engine, lockhouse};
use crate::need;

/// What it said, check by check, and its exit code.
struct Said {
    exit_code: i32,
    checks: Vec<Value>,
}

impl Said {
    fn of(&self, check: &str) -> &Value {
        let found = self.checks.iter().find(|found| found["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {:#?}", self.checks))
    }

    fn wrong(&self) -> Vec<&str> {
        let wrong = self.checks.iter().filter(|found| found["verdict"] == "wrong");
        wrong.map(|found| found["check"].as_str().unwrap()).collect()
    }
}

async fn doctor(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = lockhouse();
    command.args(["doctor", "--json", "--data"]).arg(data).args(arguments);
    let output = command.envs(variables.iter().copied()).output().await.unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let checks = said["checks"].as_array().unwrap().clone();
    let said = Said { exit_code: output.status.code().unwrap(), checks };
    assert_eq!(said.exit_code == 0, said.wrong().is_empty(), "{:#?}", said.checks);
    said
}

#[tokio::test]
async fn on_a_fit_machine_nothing_is_wrong_and_nothing_is_left() {
    let local = need!(local, engine("local").await);
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("data");
    let said = doctor(&data, &["--engine", local], &[]).await;
    assert_eq!(said.wrong(), [] as [&str; 0], "{:#?}", said.checks);
    assert!(said.of("engine")["says"].as_str().unwrap().contains("local"));
    assert_eq!(said.of("seccomp")["verdict"], "ok");
    assert!(said.of("plugins")["says"].as_str().unwrap().contains("layered@"));
    assert!(!data.exists(), "a directory was made");
}

#[tokio::test]
async fn each_check_is_a_line_and_the_last_one_counts_them() {
    let data = tempfile::tempdir().unwrap();
    let mut command = lockhouse();
    command.args(["doctor", "--engine", "docker", "--data"]).arg(data.path());
    let printed = command.env("DOCKER_HOST", NOWHERE).output().await.unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    let (lines, last) = text.trim_end().rsplit_once('\n').unwrap();
    let begins = |line: &str| ["ok ", "warning ", "wrong "].iter().any(|it| line.starts_with(it));
    assert!(lines.lines().all(begins), "{text}");
    assert!(last.starts_with(&format!("{} checks: ", lines.lines().count())), "{text}");
    assert_eq!(printed.status.code(), Some(1), "{text}");
}

const NOWHERE: &str = "unix:///nonexistent/docker.sock";

#[tokio::test]
async fn an_engine_that_does_not_answer_is_wrong_and_the_rest_is_still_checked() {
    let data = tempfile::tempdir().unwrap();
    let said = doctor(data.path(), &["--engine", "docker"], &[("DOCKER_HOST", NOWHERE)]).await;
    assert_eq!(said.wrong(), ["engine"], "{:#?}", said.checks);
    assert!(said.of("engine")["says"].as_str().unwrap().contains("docker.host"));
    assert_eq!(said.of("plugins")["verdict"], "ok");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_wrong_and_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let url = ("LOCKHOUSE_DATABASE__URL", "postgres://nobody@127.0.0.1:1/nothing");
    let said = doctor(data.path(), &["--engine", "docker"], &[url, ("DOCKER_HOST", NOWHERE)]).await;
    assert_eq!(said.wrong(), ["database", "engine"], "{:#?}", said.checks);
    assert!(said.of("database")["advice"].as_str().unwrap().contains("database.url"));
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_wrong() {
    let mount = need!(mounts, ReadOnly::mount());
    let said = doctor(mount.0.path(), &["--engine", "docker"], &[("DOCKER_HOST", NOWHERE)]).await;
    assert_eq!(said.wrong(), ["data directory", "engine"], "{:#?}", said.checks);
    let found = said.of("data directory");
    assert!(found["says"].as_str().unwrap().contains("Read-only"), "{found}");
    assert!(found["advice"].as_str().unwrap().contains("--data"), "{found}");
}

#[tokio::test]
async fn a_directory_of_reports_that_cannot_be_written_is_wrong() {
    let (data, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let checked = async |dir: &Path| {
        let schedules =
            format!("[{{name=\"daily\", report=\"usage\", every=\"day\", to={dir:?}}}]");
        let variable = ("LOCKHOUSE_REPORTS__SCHEDULES", schedules.as_str());
        doctor(data.path(), &["--engine", "docker"], &[variable, ("DOCKER_HOST", NOWHERE)]).await
    };
    assert_eq!(checked(&to.path().join("new")).await.of("reports")["verdict"], "ok");
    let said = checked(Path::new("/proc/reports")).await;
    assert_eq!(said.wrong(), ["reports", "engine"], "{:#?}", said.checks);
    assert!(said.of("reports")["says"].as_str().unwrap().contains("“daily”"));
}

#[tokio::test]
async fn a_data_directory_that_others_may_look_into_is_a_warning() {
    let data = tempfile::tempdir().unwrap();
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = doctor(data.path(), &["--engine", "docker"], &[("DOCKER_HOST", NOWHERE)]).await;
    assert_eq!(said.of("data directory")["verdict"], "warning", "{:#?}", said.checks);
}

#[tokio::test]
async fn a_configuration_that_does_not_read_is_wrong_and_names_what_was_meant() {
    let data = tempfile::tempdir().unwrap();
    let misspelt = ("LOCKHOUSE_DATABASE__URRL", "x");
    let said = doctor(data.path(), &[], &[misspelt]).await;
    assert_eq!(said.wrong(), ["configuration"]);
    assert!(said.checks[0]["says"].as_str().unwrap().contains("did you mean “url”?"));
}

#[tokio::test]
async fn a_server_that_runs_is_asked_how_it_is() {
    let local = need!(local, engine("local").await);
    let host = Host::start(local).await;
    let database = [(DATABASE, &*host.database())];
    let said = doctor(host.data(), &["--engine", local, "--server", &host.url], &database).await;
    assert_eq!(said.wrong(), [] as [&str; 0], "{:#?}", said.checks);
    assert!(said.of("server")["says"].as_str().unwrap().ends_with("is ready"));
    assert_eq!(said.of("its plugins")["verdict"], "ok");
    assert_eq!(said.of("migrations")["says"], "the tables are up to date");
}

#[tokio::test]
async fn a_database_that_a_newer_program_changed_is_wrong() {
    let local = need!(local, engine("local").await);
    let host = Host::start(local).await;
    sqlx::any::install_default_drivers();
    let options: sqlx::any::AnyConnectOptions = host.database().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
                 execution_time) SELECT 99999, 'later', success, checksum, 0 \
                 FROM _sqlx_migrations WHERE version = 1";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    let said = doctor(host.data(), &["--engine", local], &[(DATABASE, &host.database())]).await;
    assert_eq!(said.wrong(), ["migrations"], "{:#?}", said.checks);
    assert!(said.of("migrations")["says"].as_str().unwrap().contains("newer Lockhouse"));
    let as_before = "DELETE FROM _sqlx_migrations WHERE version = 99999";
    sqlx::query(as_before).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_server_whose_clock_is_off_is_wrong_and_one_that_is_gone_too() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let arguments = ["--engine", "docker", "--server", url.as_str()];
    let variables = [("DOCKER_HOST", NOWHERE)];
    let asked = doctor(data.path(), &arguments, &variables);
    let (said, ()) = tokio::join!(asked, answers_of_yesterday(&listener));
    assert_eq!(said.of("server")["verdict"], "ok", "{:#?}", said.checks);
    assert_eq!(said.of("its clock")["verdict"], "wrong", "{:#?}", said.checks);
    drop(listener);
    let said = doctor(data.path(), &arguments, &variables).await;
    assert_eq!(said.wrong(), ["engine", "server"], "{:#?}", said.checks);
}

/// Serves one request as a server would whose clock stands.
async fn answers_of_yesterday(listener: &TcpListener) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut asked = [0; 4096];
    let _ = connection.read(&mut asked).await.unwrap();
    let part = r#"{"ready":true,"detail":"sqlite"}"#;
    let body =
        format!(r#"{{"status":"ready","database":{part},"engine":{part},"plugins":{part}}}"#);
    let head = "HTTP/1.1 200 OK\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    connection.write_all(answer.as_bytes()).await.unwrap();
}

/// A file system that takes no writes.
struct ReadOnly(tempfile::TempDir);

impl ReadOnly {
    fn mount() -> Result<Self, String> {
        need::root()?;
        let dir = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "ro", "tmpfs"])
            .arg(dir.path())
            .output();
        let mounted = mounted.map_err(|error| error.to_string())?;
        match mounted.status.success() {
            true => Ok(Self(dir)),
            false => Err(String::from_utf8_lossy(&mounted.stderr).into_owned()),
        }
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "it stays mounted");
    }
}
