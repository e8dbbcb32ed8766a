//! The databases that Lockhouse runs on, each test with a fresh one.
//!
//! One PostgreSQL serves all tests of a run: the one that `deploy/run-tests` started and
//! `POSTGRES_SERVER` names. Without that, each test binary starts one of its own from the
//! machine's binaries, which ends with it: a shell that watches its standard input ends
//! it, however the tests end.
//!
//! `DATABASE=postgres` has all servers and rooms work on PostgreSQL whose test does not
//! say on what.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use lockhouse::db::{Config, Db};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

/// A database, and the directory that goes with it.
pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) data: TempDir,
}

impl Database {
    async fn open(url: impl AsyncFnOnce(&Path) -> Option<String>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = Config { url: url(data.path()).await, ..Config::default() };
        Self { db: Db::open(&config, data.path()).await.unwrap(), data }
    }
}

pub(crate) async fn sqlite() -> Database {
    Database::open(async |_| None).await
}

/// The one that this run of the tests is about.
pub(crate) async fn usual() -> Database {
    Database::open(usual_url).await
}

/// For `need!(postgres, …)`.
pub(crate) async fn postgres() -> Result<Database, String> {
    let server = server().await?;
    Ok(Database::open(async |data| Some(server.database(data).await)).await)
}

/// The URL of a new PostgreSQL database for a data directory. For `need!(postgres, …)`.
pub(crate) async fn postgres_url(data: &Path) -> Result<String, String> {
    Ok(server().await?.database(data).await)
}

/// The usual database of a room's data directory.
pub(crate) async fn opened(data: &Path) -> Db {
    let config = Config { url: usual_url(data).await, ..Config::default() };
    Db::open(&config, data).await.unwrap()
}

/// For `need!(postgres, …)`, where no database is wanted yet.
pub(crate) async fn has_postgres() -> Result<(), String> {
    server().await.map(drop)
}

/// Whether the tests are about PostgreSQL where they don't say.
pub(crate) fn is_postgres_usual() -> bool {
    std::env::var("DATABASE").is_ok_and(|named| named == "postgres")
}

/// For `need!(sqlite, …)`: for what is about the file itself.
pub(crate) fn only_sqlite() -> Result<(), String> {
    if is_postgres_usual() { Err("DATABASE says postgres".to_owned()) } else { Ok(()) }
}

/// The URL of the usual database of a data directory; none where it is a file in there.
pub(crate) async fn usual_url(data: &Path) -> Option<String> {
    if !is_postgres_usual() {
        return None;
    }
    let server = server().await.unwrap_or_else(|why| panic!("DATABASE says postgres: {why}"));
    Some(server.database(data).await)
}

async fn server() -> Result<&'static Server, String> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(Server::find)).await.unwrap();
    server.as_ref().map_err(Clone::clone)
}

/// The database of a data directory is called like it.
fn name_for(data: &Path) -> String {
    let name = data.file_name().unwrap().to_string_lossy();
    assert!(name.starts_with(TEMPORARY), "{name} is no temporary directory's name");
    name.trim_start_matches('.').to_owned()
}

/// How the names of temporary directories begin.
const TEMPORARY: &str = ".tmp";

/// How many databases may be there before those are removed whose directory is gone.
const ROOM: usize = 64;

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
    /// Without the name of a database.
    url: String,
    /// Ends the server when its standard input closes, which it does with us.
    _keeper: Option<Child>,
}

impl Server {
    fn find() -> Result<Self, String> {
        match std::env::var("POSTGRES_SERVER") {
            Ok(url) if !url.is_empty() => Ok(Self { url, _keeper: None }),
            _ => Self::start(),
        }
    }

    fn start() -> Result<Self, String> {
        let bin = binaries()?;
        let user = user()?;
        let mut keeper = keeper(user.as_deref())
            .env("BIN", &bin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("no shell could be started: {error}"))?;
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let Some(url) = said.trim().strip_prefix("ready ") else {
            return Err(format!("PostgreSQL in {} did not start: {said}", bin.display()));
        };
        Ok(Self { url: url.to_owned(), _keeper: Some(keeper) })
    }

    /// The database of a data directory, made if need be.
    async fn database(&self, data: &Path) -> String {
        let (name, url) = (name_for(data), format!("{}/postgres", self.url));
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        tidies(&mut connection).await;
        let made = says(&mut connection, format!("CREATE DATABASE \"{name}\"")).await;
        assert!(made.is_ok() || made.unwrap_err().contains("already exists"), "{name}");
        format!("{}/{name}", self.url)
    }
}

async fn says(connection: &mut sqlx::PgConnection, statement: String) -> Result<(), String> {
    let done = connection.execute(sqlx::AssertSqlSafe(statement)).await;
    done.map(drop).map_err(|error| error.to_string())
}

/// Removes what earlier tests left.
async fn tidies(connection: &mut sqlx::PgConnection) {
    let names = "SELECT datname FROM pg_database WHERE datname LIKE 'tmp%'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *connection).await.unwrap();
    let is_gone = |name: &&String| !std::env::temp_dir().join(format!(".{name}")).exists();
    for name in names.iter().filter(is_gone).filter(|_| names.len() > ROOM) {
        // Somebody else may be about it, or still within it.
        let _ = says(connection, format!("DROP DATABASE \"{name}\"")).await;
    }
}

/// Starts one, says where it is, and ends it with its own standard input.
const KEEP: &str = include_str!("../../deploy/test-postgres");

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
pub(crate) fn binaries() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let bin = versions.map(|entry| entry.path().join("bin")).filter(|bin| has_server(bin)).max();
    bin.ok_or_else(|| "install postgresql: no /usr/lib/postgresql/*/bin/initdb".to_owned())
}

fn has_server(bin: &Path) -> bool {
    bin.join("initdb").exists() && bin.join("pg_ctl").exists()
}
