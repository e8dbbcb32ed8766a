//! Ground: the database, SQLite or PostgreSQL, spoken to in one SQL.
//!
//! Placeholders are `$1`, `$2`, …, which both understand. Booleans are BIGINT
//! 0 or 1 and times BIGINT microseconds, since `sqlx::Any` carries no more.

mod channel;
pub mod home;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyPool, ConnectOptions as _};

use crate::clock::from_micros;
use crate::secret::Secret;
pub use channel::Listener;
use writer::Queue;
pub use writer::{Writer, Writing};

/// How long a request waits for SQLite at least. A file is never away: whoever waits
/// does so for others of this machine, and a rush comes to its end. The pragmas below
/// say the same of its one write lock.
const RUSH: Duration = Duration::from_secs(30);

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Where data is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://…` or `sqlite:…`; without it a file in the data directory.
    pub url: Option<String>,
    pub max_connections: u32,
    /// How long a request waits for a free connection, in seconds; with SQLite
    /// at least half a minute.
    pub acquire_timeout: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { url: None, max_connections: 8, acquire_timeout: 5 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row exists already.
    #[error("it exists already")]
    Conflict,
    /// The database does not answer; trying later may help.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    #[error("the database refused a query: {0}")]
    Failed(String),
}

/// How the tables that are there differ from those that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    /// Changes that are still to be made.
    pub missing: usize,
    /// Changes that a newer program made.
    pub newer: usize,
}

/// A handle on the database. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Db {
    pool: AnyPool,
    writer: Writer,
    unsynced: Writer,
    backend: &'static str,
    /// Where messages are listened to; none where there are none.
    channels: Option<Secret>,
}

impl Db {
    /// Connects and brings the tables up to date.
    pub async fn open(config: &Config, data: &Path) -> Result<Self, Error> {
        let db = Self::connect(config, data, "rwc").await?;
        MIGRATIONS.run(&db.pool).await?;
        Ok(db)
    }

    /// Connects to what is there, and leaves the tables as they are.
    pub async fn look_into(config: &Config, data: &Path) -> Result<Self, Error> {
        Self::connect(config, data, "rw").await
    }

    /// Where the database is, unless another is configured.
    pub fn file(data: &Path) -> PathBuf {
        data.join("lockhouse.db")
    }

    async fn connect(config: &Config, data: &Path, mode: &str) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let file = Self::file(data);
        let url = config.url.clone();
        let url = url.unwrap_or_else(|| format!("sqlite:{}?mode={mode}", file.display()));
        let backend = if url.starts_with("postgres") { "postgresql" } else { "sqlite" };
        let options = url
            .parse::<AnyConnectOptions>()
            .map_err(|error| Error::Failed(format!("database.url: {error}")))?
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1));
        let patience = Duration::from_secs(config.acquire_timeout);
        let patience = if backend == "sqlite" { patience.max(RUSH) } else { patience };
        let connect = async |connections, setup: &'static [&'static str]| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(patience)
                // A file does not hang up: to ask would double what a query takes.
                .test_before_acquire(backend != "sqlite")
                .after_connect(move |connection, _| Box::pin(prepare(connection, setup)))
                .connect_with(options.clone())
                .await
        };
        let (synced, unsynced, queue) = if backend == "sqlite" {
            (SQLITE, SQLITE_UNSYNCED, Queue::new(patience))
        } else {
            (POSTGRES, POSTGRES_UNSYNCED, Queue::none())
        };
        let pool = connect(config.max_connections, synced).await?;
        // Who writes alone does so best by one connection: it knows what it wrote last,
        // where another would have to read it again.
        let (writer, unsynced) = if backend == "sqlite" {
            (connect(1, synced).await?, connect(1, unsynced).await?)
        } else {
            (pool.clone(), connect(UNSYNCED_CONNECTIONS, unsynced).await?)
        };
        Ok(Self {
            writer: Writer::new(writer, queue.clone()),
            unsynced: Writer::new(unsynced, queue),
            pool,
            backend,
            channels: (backend == "postgresql").then(|| Secret::new(url)),
        })
    }

    /// For what only reads.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// For one statement that writes.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// For what a power cut may undo, such as who is at work on what: a write
    /// here does not wait for the disk.
    pub fn unsynced(&self) -> &Writer {
        &self.unsynced
    }

    /// Begins a transaction that will write. SQLite takes its one write lock
    /// now, and waits for it where another has it; a transaction that began by
    /// reading would instead be refused once another had written.
    pub async fn begin(&self) -> Result<Writing, Error> {
        let statement = if self.backend == "sqlite" { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(self.writer.begin(statement).await?)
    }

    /// `sqlite` or `postgresql`.
    pub fn backend(&self) -> &'static str {
        self.backend
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Whether it takes writes now; none is left.
    pub async fn can_write(&self) -> Result<(), Error> {
        let mut writing = self.begin().await?;
        sqlx::query("CREATE TABLE lockhouse_doctor (id BIGINT)").execute(&mut *writing).await?;
        Ok(())
    }

    /// How its tables differ from those of this program.
    pub async fn tables(&self) -> Result<Tables, Error> {
        let exists = match self.backend {
            "sqlite" => "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
            _ => {
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = '_sqlx_migrations'"
            }
        };
        let exists: i64 = sqlx::query_scalar(exists).fetch_one(&self.pool).await?;
        let mut made: Vec<i64> = Vec::new();
        if exists > 0 {
            let versions = sqlx::query_scalar("SELECT version FROM _sqlx_migrations");
            made = versions.fetch_all(&self.pool).await?;
        }
        let known: Vec<i64> = MIGRATIONS.iter().map(|change| change.version).collect();
        Ok(Tables {
            missing: known.iter().filter(|version| !made.contains(version)).count(),
            newer: made.iter().filter(|version| !known.contains(version)).count(),
        })
    }

    /// What its own clock says; `None` where that is this machine's.
    pub async fn clock(&self) -> Result<Option<Timestamp>, Error> {
        if self.backend == "sqlite" {
            return Ok(None);
        }
        let query = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
        let micros: i64 = sqlx::query_scalar(query).fetch_one(&self.pool).await?;
        Ok(Some(from_micros(micros)))
    }

    /// Connections that are open, and those of them that nobody uses now.
    pub fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle())
    }

    pub async fn close(&self) {
        self.unsynced.close().await;
        self.writer.close().await;
        self.pool.close().await;
    }

    /// A fact about this installation; `new` is kept where there is none yet.
    pub async fn setting(&self, name: &str, new: &str) -> Result<String, Error> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(new)
        .execute(&self.writer)
        .await?;
        let value = sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(value)
    }

    /// The same, where there is one.
    pub async fn find_setting(&self, name: &str) -> Result<Option<String>, Error> {
        let value = sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(value)
    }

    pub async fn replace_setting(&self, name: &str, value: &str) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// A secret of this installation, made at its first start.
    pub async fn secret_setting(&self, name: &str, new: &Secret) -> Result<Secret, Error> {
        self.setting(name, new.reveal()).await.map(Secret::new)
    }
}

/// A write-ahead log lets readers go on while one writes. FULL: what has been
/// acknowledged survives a power cut.
const SQLITE: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA foreign_keys = ON",
];

const SQLITE_UNSYNCED: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA foreign_keys = ON",
];

const POSTGRES: &[&str] = &[];

const POSTGRES_UNSYNCED: &[&str] = &["SET synchronous_commit = off"];

/// Connections of PostgreSQL for what need not reach the disk at once.
const UNSYNCED_CONNECTIONS: u32 = 2;

async fn prepare(
    connection: &mut sqlx::AnyConnection,
    statements: &[&'static str],
) -> Result<(), sqlx::Error> {
    for statement in statements {
        sqlx::query(*statement).execute(&mut *connection).await?;
    }
    Ok(())
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => Self::Conflict,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        Self::Failed(format!("the tables could not be brought up to date: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_transaction_that_reads_first_is_not_refused_because_another_writes() {
        let data = tempfile::tempdir().unwrap();
        let db = Db::open(&Config::default(), data.path()).await.unwrap();
        let mut ours = db.begin().await.unwrap();
        sqlx::query("SELECT * FROM settings").fetch_all(&mut *ours).await.unwrap();
        let mut other = pin!(db.setting("b", "2"));
        let waits = tokio::time::timeout(Duration::from_millis(200), &mut other).await;
        assert!(waits.is_err(), "the other wrote into our transaction");
        let insert = "INSERT INTO settings (name, value) VALUES ('a', '1')";
        sqlx::query(insert).execute(&mut *ours).await.unwrap();
        ours.commit().await.unwrap();
        assert_eq!(other.await.unwrap(), "2");
    }
}
