//! What a release kept: its database as statements, and the files beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use lockhouse::runtimes::local;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;

use crate::databases;
use crate::host::{DATABASE, Host};

/// With which both the release's server and today's start.
pub(super) const VARIABLES: [(&str, &str); 2] =
    [("LOCKHOUSE_EXEC__KEEP_DAYS", "36500"), ("LOCKHOUSE_PLUGINS__SIGNATURES__REQUIRED", "false")];

/// What is kept beside the database; all else is made again.
const KEPT: [&str; 6] =
    ["admin.token", "audit", "jobs", "objects", "projects", "runtimes/shared/instance"];

/// As if it were frozen a moment ago: what lasts for days has not ended since.
const THAWED: &str = "
    UPDATE deleted_projects SET expires_at = 4102444800000000;
    UPDATE jobs SET expires_at = 4102444800000000;
    UPDATE preview_links SET expires_at = 4102444800000000;
    UPDATE tokens SET expires_at = 4102444800000000 WHERE expires_at IS NOT NULL;
";

/// One release's data on one database.
pub(super) struct Frozen {
    pub(super) release: String,
    pub(super) database: &'static str,
}

impl Frozen {
    fn folder(&self) -> PathBuf {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/releases");
        data.join(&self.release).join(self.database)
    }

    /// What the API said.
    pub(super) fn seen(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder().join("seen.json")).unwrap()).unwrap()
    }

    /// Today's server, on a copy.
    pub(super) async fn is_started(&self) -> Host {
        let data = tempfile::tempdir().unwrap();
        let url = match self.database {
            "postgres" => databases::postgres_url(data.path()).await.unwrap(),
            _ => format!("sqlite:{}?mode=rwc", data.path().join("lockhouse.db").display()),
        };
        self.thaw(&data, &url).await;
        let variables = [&VARIABLES[..], &[(DATABASE, &*url.leak())]].concat();
        Host::start_on(data, "local", variables.leak()).await
    }

    async fn thaw(&self, data: &TempDir, url: &str) {
        let said = std::fs::read_to_string(self.folder().join("database.sql")).unwrap();
        sqlx::any::install_default_drivers();
        let options: sqlx::any::AnyConnectOptions = url.parse().unwrap();
        for statements in [&said, THAWED] {
            // What the first ones set, such as where names are looked for, ends with them.
            let mut connection = options.connect().await.unwrap();
            let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
            statements.execute(&mut connection).await.unwrap();
        }
        copies(&self.folder().join("data/."), data.path());
        // Whose it was, a repository does not keep.
        let user = local::runtime_user();
        let whose = format!("{}:{}", user.uid, user.gid);
        let projects = data.path().join("projects");
        runs(Command::new("chown").args(["-R", &whose]).arg(projects));
    }
}

fn copies(from: &Path, to: &Path) {
    runs(Command::new("cp").args(["-R", "--preserve=mode"]).arg(from).arg(to));
}

fn runs(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes down what a server keeps, and what its API says.
pub(super) fn freeze(host: &Host, seen: &Value, frozen: &Frozen) {
    let folder = frozen.folder();
    std::fs::create_dir_all(folder.join("data/runtimes/shared")).unwrap();
    for name in KEPT.iter().filter(|name| host.data().join(name).exists()) {
        copies(&host.data().join(name), &folder.join("data").join(name));
    }
    // Python's own, which it makes again.
    runs(
        Command::new("find")
            .arg(&folder)
            .args("-name __pycache__ -prune -exec rm -r {} +".split(' ')),
    );
    std::fs::write(folder.join("database.sql"), dump(&host.database())).unwrap();
    let seen = serde_json::to_string_pretty(seen).unwrap();
    std::fs::write(folder.join("seen.json"), seen + "\n").unwrap();
}

fn dump(url: &str) -> String {
    let said = match url.strip_prefix("sqlite:") {
        Some(file) => {
            let file = file.split('?').next().unwrap();
            runs(Command::new("sqlite3").args([file, ".dump"]))
        }
        None => {
            let program = databases::binaries().unwrap().join("pg_dump");
            let options = ["--inserts", "--no-owner", "--no-privileges", "--no-comments", url];
            runs(Command::new(program).args(options))
        }
    };
    // Words of `psql` are no statements.
    said.lines().filter(|line| !line.starts_with('\\')).map(|line| format!("{line}\n")).collect()
}
