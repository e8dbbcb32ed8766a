//! The databases that Lockhouse runs on, each test with a fresh one.
//!
//! One PostgreSQL serves the whole test binary. It is started from the
//! machine's own binaries in a directory of its own, and ends with the binary:
//! a shell that watches its standard input ends it, however the tests end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use lockhouse::db::{Config, Db};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

/// A database, and the directory that goes with it.
pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) data: TempDir,
}

impl Database {
    async fn open(url: Option<String>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = Config { url, ..Config::default() };
        Self { db: Db::open(&config, data.path()).await.unwrap(), data }
    }
}

pub(crate) async fn sqlite() -> Database {
    Database::open(None).await
}

/// For `need!(postgres, …)`.
pub(crate) async fn postgres() -> Result<Database, String> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(Server::start)).await.unwrap();
    let server = server.as_ref().map_err(Clone::clone)?;
    let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = sqlx::PgConnection::connect(&server.url("postgres")).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    Ok(Database::open(Some(server.url(&name))).await)
}

/// Tells the same story on SQLite and on PostgreSQL.
macro_rules! on_every_database {
    ($($(#[$doc:meta])* async fn $name:ident($database:ident: Database) $story:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn story($database: Database) $story

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::databases::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                story(need!(postgres, $crate::databases::postgres().await)).await;
            }
        }
    )*};
}

struct Server {
    port: u16,
    /// Ends the server when its standard input closes, which it does with us.
    _keeper: Child,
}

impl Server {
    fn start() -> Result<Self, String> {
        let bin = binaries()?;
        let user = user()?;
        let port = free_port();
        let mut keeper = keeper(user.as_deref())
            .env("BIN", &bin)
            .env("PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("no shell could be started: {error}"))?;
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said.trim() != "ready" {
            return Err(format!("PostgreSQL in {} did not start: {said}", bin.display()));
        }
        keeper.stdin.as_mut().unwrap().flush().unwrap();
        Ok(Self { port, _keeper: keeper })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://tester@127.0.0.1:{}/{database}", self.port)
    }
}

/// Makes a server in a new directory, starts it, waits for its end of input,
/// and clears it away. What is kept in it need not survive a power cut.
const KEEP: &str = r#"
cd /
dir=$(mktemp -d) || exit 1
"$BIN/initdb" -D "$dir/data" -U tester -A trust -E UTF8 --no-sync >"$dir/log" 2>&1 &&
"$BIN/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" -o "-p $PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300" start >>"$dir/log" 2>&1 &&
echo ready || tail -n 1 "$dir/log"
exec >/dev/null
cat >/dev/null
"$BIN/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
rm -rf "$dir"
"#;

/// PostgreSQL refuses to run as root, so root runs it as somebody else.
fn keeper(user: Option<&str>) -> Command {
    let mut command = match user {
        None => Command::new("sh"),
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", user, "--clear-groups", "sh"]);
            command
        }
    };
    command.args(["-c", KEEP]);
    command
}

fn user() -> Result<Option<String>, String> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    // The number of `nobody` on every Linux.
    Ok(Some("65534".to_owned()))
}

/// The newest of the machine's PostgreSQL.
fn binaries() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let bin = versions.map(|entry| entry.path().join("bin")).filter(|bin| has_server(bin)).max();
    bin.ok_or_else(|| "install postgresql: no /usr/lib/postgresql/*/bin/initdb".to_owned())
}

fn has_server(bin: &Path) -> bool {
    bin.join("initdb").exists() && bin.join("pg_ctl").exists()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
