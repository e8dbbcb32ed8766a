//! The questions of reports in the database, each one statement that both
//! SQLite and PostgreSQL understand. Sums are cast, since PostgreSQL would
//! otherwise answer with a type that `sqlx::Any` does not carry.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::question::{Asked, Question};
use super::report::Cell;
use crate::db::{Db, Error};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

/// What a column holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Time,
}

use Kind::{Integer, Text, Time};

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy)]
enum Bind {
    /// A BIGINT of microseconds.
    Since,
    /// A name or an id; empty for every project.
    Project,
    /// 1, 0, or -1 for both.
    Allowed,
    /// One row more than is shown, so that it is known whether there are more.
    Limit,
}

struct Statement {
    sql: &'static str,
    binds: &'static [Bind],
    columns: &'static [(&'static str, Kind)],
}

/// Rows as they were found, in the order of their columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) columns: Vec<&'static str>,
    /// One more than asked for where there are more.
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn rows(&self, asked: &Asked) -> Result<Found, Error> {
        let statement = statement(asked.question);
        let mut query = sqlx::query(statement.sql);
        for bind in statement.binds {
            query = match bind {
                Bind::Since => query.bind(asked.since.as_microsecond()),
                Bind::Project => query.bind(asked.project.clone()),
                Bind::Allowed => query.bind(asked.allowed.map_or(-1, i64::from)),
                Bind::Limit => query.bind(i64::from(asked.limit) + 1),
            };
        }
        let rows = query.fetch_all(self.db.pool()).await?;
        let rows = rows.iter().map(|row| cells(row, statement.columns));
        Ok(Found {
            columns: statement.columns.iter().map(|(name, _)| *name).collect(),
            rows: rows.collect::<Result<_, _>>()?,
        })
    }
}

fn cells(row: &AnyRow, columns: &[(&str, Kind)]) -> Result<Vec<Cell>, Error> {
    let cell = |(at, (_, kind)): (usize, &(&str, Kind))| {
        let found = match kind {
            Text => row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
            Integer => row.try_get::<Option<i64>, _>(at)?.map(Cell::Integer),
            Time => row.try_get::<Option<i64>, _>(at)?.map(Cell::Time),
        };
        Ok(found.unwrap_or(Cell::Empty))
    };
    columns.iter().enumerate().map(cell).collect()
}

fn statement(question: Question) -> &'static Statement {
    match question {
        Question::Activity => &ACTIVITY,
        Question::Commands => &COMMANDS,
        Question::Decisions => &DECISIONS,
        Question::Projects | Question::Disk => &PROJECTS,
        Question::Runtimes => &RUNTIMES,
        Question::Runs => &RUNS,
        Question::Jobs => &JOBS,
        Question::Actions => &ACTIONS,
        Question::Audit => &AUDIT,
        Question::Plugins => &PLUGINS,
        Question::Spend => &SPEND,
    }
}

const ACTIVITY: Statement = Statement {
    sql: "SELECT (c.started_at / 86400000000) * 86400000000, COALESCE(p.name, c.project_id), \
          COUNT(*), CAST(SUM(CASE WHEN c.allowed = 0 THEN 1 ELSE 0 END) AS BIGINT), \
          CAST(SUM(CASE WHEN c.exit_code <> 0 THEN 1 ELSE 0 END) AS BIGINT), \
          CAST(COALESCE(SUM(c.duration_ms), 0) AS BIGINT) \
          FROM commands c LEFT JOIN projects p ON p.id = c.project_id \
          WHERE c.started_at >= $1 AND ($2 = '' OR p.name = $2 OR c.project_id = $2) \
          GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT $3",
    binds: &[Bind::Since, Bind::Project, Bind::Limit],
    columns: &[
        ("day", Time),
        ("project", Text),
        ("commands", Integer),
        ("refused", Integer),
        ("failed", Integer),
        ("duration_ms", Integer),
    ],
};

const COMMANDS: Statement = Statement {
    sql: "SELECT c.started_at, COALESCE(p.name, c.project_id), c.caller_id, c.channel, c.command, \
          CASE WHEN c.allowed = 0 THEN 'deny' ELSE 'allow' END, c.risk, c.policy, c.rule, \
          c.exit_code, c.duration_ms \
          FROM commands c LEFT JOIN projects p ON p.id = c.project_id \
          WHERE c.started_at >= $1 AND ($2 = '' OR p.name = $2 OR c.project_id = $2) \
          AND ($3 < 0 OR c.allowed = $3) ORDER BY c.id DESC LIMIT $4",
    binds: &[Bind::Since, Bind::Project, Bind::Allowed, Bind::Limit],
    columns: &[
        ("at", Time),
        ("project", Text),
        ("caller", Text),
        ("channel", Text),
        ("command", Text),
        ("decision", Text),
        ("risk", Text),
        ("policy", Text),
        ("rule", Text),
        ("exit_code", Integer),
        ("duration_ms", Integer),
    ],
};

const DECISIONS: Statement = Statement {
    sql: "SELECT (at / 86400000000) * 86400000000, policy, rule, risk, \
          CASE WHEN allowed = 0 THEN 'deny' ELSE 'allow' END, COUNT(*) FROM judgements \
          WHERE at >= $1 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 6 DESC, 2, 3, 4, 5 LIMIT $2",
    binds: &[Bind::Since, Bind::Limit],
    columns: &[
        ("day", Time),
        ("policy", Text),
        ("rule", Text),
        ("risk", Text),
        ("decision", Text),
        ("count", Integer),
    ],
};

const PROJECTS: Statement = Statement {
    sql: "SELECT id, name, owner_id, kind, created_at, updated_at FROM projects \
          WHERE ($1 = '' OR name = $1 OR id = $1) ORDER BY id LIMIT $2",
    binds: &[Bind::Project, Bind::Limit],
    columns: &[
        ("id", Text),
        ("project", Text),
        ("owner", Text),
        ("kind", Text),
        ("created", Time),
        ("changed", Time),
    ],
};

/// The room replaces the last column.
const RUNTIMES: Statement = Statement {
    sql: "SELECT r.project_id, p.name, p.owner_id, p.kind, r.engine, r.desired, r.status, \
          r.reason, r.generation, r.created_at, r.updated_at, r.settings \
          FROM runtimes r JOIN projects p ON p.id = r.project_id \
          WHERE ($1 = '' OR p.name = $1 OR p.id = $1) ORDER BY r.project_id LIMIT $2",
    binds: &[Bind::Project, Bind::Limit],
    columns: &[
        ("id", Text),
        ("project", Text),
        ("owner", Text),
        ("kind", Text),
        ("engine", Text),
        ("desired", Text),
        ("status", Text),
        ("reason", Text),
        ("generation", Integer),
        ("created", Time),
        ("changed", Time),
        ("settings", Text),
    ],
};

const RUNS: Statement = Statement {
    sql: "SELECT r.created_at, p.name, r.owner_id, r.agent, r.state, r.error, \
          (r.updated_at - r.created_at) / 1000 \
          FROM runs r JOIN projects p ON p.id = r.project_id \
          WHERE r.created_at >= $1 AND ($2 = '' OR p.name = $2 OR p.id = $2) \
          ORDER BY r.id DESC LIMIT $3",
    binds: &[Bind::Since, Bind::Project, Bind::Limit],
    columns: &[
        ("at", Time),
        ("project", Text),
        ("owner", Text),
        ("agent", Text),
        ("state", Text),
        ("error", Text),
        ("duration_ms", Integer),
    ],
};

const JOBS: Statement = Statement {
    sql: "SELECT created_at, project_name, owner_id, status, error, expires_at FROM jobs \
          WHERE created_at >= $1 ORDER BY created_at DESC, directory LIMIT $2",
    binds: &[Bind::Since, Bind::Limit],
    columns: &[
        ("at", Time),
        ("project", Text),
        ("owner", Text),
        ("status", Text),
        ("error", Text),
        ("expires", Time),
    ],
};

/// How an entry ended; what has only begun did not end.
const ACTIONS: Statement = Statement {
    sql: "SELECT (at / 86400000000) * 86400000000, actor, action, \
          CASE WHEN phase <> 'finished' THEN phase \
          WHEN outcome = 'ok' OR outcome LIKE 'ok; %' THEN 'ok' ELSE 'failed' END, COUNT(*) \
          FROM audit_entries WHERE at >= $1 AND phase <> 'begun' \
          GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 5 DESC, 2, 3, 4 LIMIT $2",
    binds: &[Bind::Since, Bind::Limit],
    columns: &[
        ("day", Time),
        ("actor", Text),
        ("action", Text),
        ("outcome", Text),
        ("count", Integer),
    ],
};

const AUDIT: Statement = Statement {
    sql: "SELECT at, actor, action, target, phase, outcome, request_id FROM audit_entries \
          WHERE at >= $1 AND phase <> 'begun' ORDER BY seq DESC LIMIT $2",
    binds: &[Bind::Since, Bind::Limit],
    columns: &[
        ("at", Time),
        ("actor", Text),
        ("action", Text),
        ("target", Text),
        ("phase", Text),
        ("outcome", Text),
        ("request_id", Text),
    ],
};

const PLUGINS: Statement = Statement {
    sql: "SELECT p.name, COALESCE(v.version, 'built-in'), COALESCE(v.source, 'built-in'), \
          CASE WHEN p.enabled = 0 THEN 'disabled' ELSE 'enabled' END, \
          (SELECT COUNT(*) FROM plugin_bindings b WHERE b.plugin = p.name), p.updated_at \
          FROM plugins p LEFT JOIN plugin_versions v ON v.name = p.name AND v.digest = p.digest \
          ORDER BY p.name LIMIT $1",
    binds: &[Bind::Limit],
    columns: &[
        ("plugin", Text),
        ("version", Text),
        ("source", Text),
        ("state", Text),
        ("bindings", Integer),
        ("changed", Time),
    ],
};

/// A day that began before the time that is asked for counts with it.
const SPEND: Statement = Statement {
    sql: "SELECT day, user_id, project, model, calls, failed, input_tokens, output_tokens \
          FROM model_spend WHERE day > $1 - 86400000000 \
          AND ($2 = '' OR project = $2 OR project_id = $2) \
          ORDER BY day DESC, user_id, project_id, model LIMIT $3",
    binds: &[Bind::Since, Bind::Project, Bind::Limit],
    columns: &[
        ("day", Time),
        ("user", Text),
        ("project", Text),
        ("model", Text),
        ("calls", Integer),
        ("failed", Integer),
        ("input_tokens", Integer),
        ("output_tokens", Integer),
    ],
};
